"""Patches: cut out of images on a grid, averaged where they overlap, and looked up in a table.

Images are volumes (n, 3, T, H, W) here, so that one program serves images (T = 1) and videos. A
patch has (depth, height, width) pixels and is written as one row of 3 * depth * height * width
numbers; its position is that of its first pixel.
"""

import math
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

Size = tuple[int, int, int]  # (time, height, width)

WINDOW_SIGMA = 0.3  # of half a patch: pixels in the middle of a patch count most
NUM_COMPONENTS = 32  # principal components of a patch, enough to find candidates
NUM_COMPONENT_PATCHES = 4_000  # that the components are computed from
MAX_TABLE_BYTES = 128 * 2**20  # larger tables of patches are not stored but cut out when needed


def as_volumes(images: Tensor) -> Tensor:
    """Turn images (n, 3, H, W) or videos (n, T, 3, H, W) into volumes (n, 3, T, H, W)."""
    if images.ndim == 4:
        return images[:, :, None]
    return images.transpose(1, 2)


def resize_volumes(volumes: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize every frame of volumes (n, 3, T, h, w) to (n, 3, T, H, W); bicubic, antialiased."""
    n, channels, time, height, width = volumes.shape
    if (height, width) == tuple(size):
        return volumes
    frames = volumes.transpose(1, 2).flatten(0, 1)  # (n * T, 3, h, w)
    frames = F.interpolate(frames, size, mode="bicubic", antialias=True, align_corners=False)
    return frames.view(n, time, channels, *size).transpose(1, 2)


class PatchGrid:
    """Overlapping patches at regular places of a volume, such that every pixel is covered.

    Attributes:
        size: (T, H, W) of the volume.
        patch_size: (depth, height, width) of a patch.
        starts: for each axis the positions of the patches, ascending.
        shape: the number of patches along each axis.
    """

    def __init__(
        self,
        size: Size,
        patch_size: Size,
        stride: Size,
        wrap: bool = False,
        device: torch.device | str = "cpu",
    ):
        """Place the patches.

        Args:
            size: (T, H, W) of the volume, each at least the patch's.
            patch_size: (depth, height, width) of a patch.
            stride: distance of neighboring patches along each axis, at most the patch's side.
            wrap: whether patches go on at the opposite border (left and right, top and bottom).
            device: of the volumes.
        """
        self.size = size
        self.patch_size = patch_size
        self.wrap = wrap
        self.starts = []
        self.averages = []  # along each axis (pixels, number of patches, side): weights, sum 1
        for axis in range(3):
            wrap_axis = wrap and axis > 0
            starts = grid_starts(size[axis], patch_size[axis], stride[axis], wrap_axis)
            offsets = torch.arange(patch_size[axis])
            pixels = (starts[:, None] + offsets) % size[axis]
            average = average_weights(size[axis], pixels)
            self.starts.append(starts.to(device))
            self.averages.append(average.to(device))
        self.shape = tuple(len(starts) for starts in self.starts)

    def extract(self, volumes: Tensor) -> Tensor:
        """Cut out all patches.

        Args:
            volumes: (n, 3, T, H, W).

        Returns:
            (n * q, d), where q is the number of patches of a volume and d their numbers.
        """
        assert volumes.shape[2:] == self.size, (volumes.shape, self.size)
        depth, height, width = self.patch_size
        if self.wrap:  # continue at the opposite borders
            volumes = F.pad(volumes, (0, width - 1, 0, height - 1, 0, 0), mode="circular")

        # A view of all patches, of which some are copied.
        windows = volumes.unfold(2, depth, 1).unfold(3, height, 1).unfold(4, width, 1)
        windows = windows.permute(0, 2, 3, 4, 1, 5, 6, 7)  # (n, t, y, x, 3, depth, height, width)
        t, y, x = self.starts
        patches = windows[:, t[:, None, None], y[:, None], x]  # (n, A, B, C, 3, ...)
        return patches.reshape(len(volumes) * math.prod(self.shape), -1)

    def average(self, patches: Tensor) -> Tensor:
        """Put patches back; where they overlap, take their mean under a Gaussian window.

        The window is a product of one factor per axis, so the mean can be taken axis by axis.

        Args:
            patches: (n * q, d), as from `extract`.

        Returns:
            Volumes (n, 3, T, H, W).
        """
        time, rows, columns = self.averages
        x = patches.view(-1, *self.shape, 3, *self.patch_size)
        x = torch.einsum("nabcizyx,wcx->nabizyw", x, columns)
        x = torch.einsum("nabizyw,hby->naizhw", x, rows)
        return torch.einsum("naizhw,taz->nithw", x, time)

    def nearest_patch(self, axis: int) -> Tensor:
        """Return for every pixel along an axis which patch counts most there, (size,)."""
        return self.averages[axis].amax(2).argmax(1)


def grid_starts(size: int, patch_size: int, stride: int, wrap: bool) -> Tensor:
    """Return the positions of patches along one axis: every `stride`, and always the last one."""
    if wrap:
        return torch.arange(0, size, stride)
    last = size - patch_size
    starts = {*range(0, last, stride), last}
    return torch.tensor(sorted(starts))


def average_weights(size: int, pixels: Tensor) -> Tensor:
    """Return how much every patch's every pixel counts in the mean, along one axis.

    Args:
        size: number of pixels along the axis.
        pixels: (number of patches, side), the pixels of every patch.

    Returns:
        (size, number of patches, side); the weights of a pixel have the sum 1.
    """
    num_patches, side = pixels.shape
    center = (side - 1) / 2
    sigma = WINDOW_SIGMA * max(center, 1)
    window = torch.exp(-0.5 * ((torch.arange(side) - center) / sigma) ** 2)

    weights = torch.zeros(size, num_patches, side)
    patch = torch.arange(num_patches)[:, None]
    offset = torch.arange(side)
    weights[pixels, patch, offset] = window.expand(num_patches, side)
    return weights / weights.sum((1, 2), keepdim=True)


class PatchTable:
    """All patches of some frames, to be looked up by number.

    A number stands for a position (t, y, x): number = (t * rows + y) * columns + x.

    Attributes:
        volume: the frames, (1, 3, N, H, W).
        patch_size: (depth, height, width).
        shape: how many positions there are along each axis.
        allowed: (m,) which patches may be used; None for all.
    """

    def __init__(self, volume: Tensor, patch_size: Size, allowed: Tensor | None = None):
        """Prepare to look up; what is expensive is computed when first used.

        Args:
            volume: the frames, (1, 3, N, H, W).
            patch_size: (depth, height, width).
            allowed: (m,) boolean, which patches may be used; None for all.
        """
        self.volume = volume.contiguous()
        self.patch_size = patch_size
        self.shape = tuple(
            side - patch + 1 for side, patch in zip(volume.shape[2:], patch_size, strict=True)
        )
        self.allowed = allowed

    def __len__(self) -> int:
        return math.prod(self.shape)

    @property
    def is_stored(self) -> bool:
        """Whether the table is small enough to keep all patches in memory."""
        return len(self) * 3 * math.prod(self.patch_size) * 4 <= MAX_TABLE_BYTES

    @cached_property
    def patches(self) -> Tensor:
        """All patches, (m, d)."""
        return self._cut_out(torch.arange(len(self), device=self.volume.device))

    @cached_property
    def squares(self) -> Tensor:
        """The squared length |p|^2 of every patch, (m,)."""
        ones = self.volume.new_ones(1, 3, *self.patch_size)
        return F.conv3d(self.volume.square(), ones).flatten()

    @cached_property
    def penalty(self) -> Tensor | None:
        """What is added to the logits: 0, or -inf for patches that must not be used; (m,)."""
        if self.allowed is None:
            return None
        return torch.zeros_like(self.squares).masked_fill(~self.allowed, -torch.inf)

    @cached_property
    def mean(self) -> Tensor:
        """The mean of some patches, (d,)."""
        return self._some_patches().mean(0)

    @cached_property
    def basis(self) -> Tensor:
        """The principal components of the patches, (d, k): directions in which they differ most."""
        centered = self._some_patches() - self.mean
        covariance = centered.T @ centered  # (d, d)
        _, directions = torch.linalg.eigh(covariance)  # ascending
        return directions[:, -NUM_COMPONENTS:]

    @cached_property
    def components(self) -> Tensor:
        """The components of every patch p - mean, (m, k); a projection is a convolution."""
        kernel = self.basis.T.reshape(-1, 3, *self.patch_size)
        projected = F.conv3d(self.volume, kernel)[0]  # (k, t, y, x)
        return (projected.flatten(1).T - self.mean @ self.basis).contiguous()

    @cached_property
    def centered_squares(self) -> Tensor:
        """The squared length |p - mean|^2 of every patch, (m,)."""
        kernel = self.mean.view(1, 3, *self.patch_size)
        products = F.conv3d(self.volume, kernel).flatten()  # p . mean
        return self.squares - 2 * products + self.mean.square().sum()

    def look_up(self, numbers: Tensor) -> Tensor:
        """Return patches.

        Args:
            numbers: of any shape.

        Returns:
            (*numbers.shape, d).
        """
        if not self.is_stored:
            return self._cut_out(numbers)
        found = self.patches.index_select(0, numbers.flatten())
        return found.view(*numbers.shape, -1)

    def positions(self, numbers: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the positions t, y and x of patches, each of the shape of `numbers`."""
        _, rows, columns = self.shape
        t = numbers // (rows * columns)
        y = numbers // columns % rows
        x = numbers % columns
        return t, y, x

    def numbers(self, t: Tensor, y: Tensor, x: Tensor) -> Tensor:
        """Return the numbers of the patches at positions that broadcast; the inverse of above."""
        _, rows, columns = self.shape
        return (t * rows + y) * columns + x

    def _cut_out(self, numbers: Tensor) -> Tensor:
        """Cut patches out of the frames, (*numbers.shape, d)."""
        depth, height, width = self.patch_size
        windows = self.volume[0].unfold(1, depth, 1).unfold(2, height, 1).unfold(3, width, 1)
        windows = windows.permute(1, 2, 3, 0, 4, 5, 6)  # (t, y, x, 3, depth, height, width)
        t, y, x = self.positions(numbers)
        return windows[t, y, x].flatten(numbers.ndim)

    def _some_patches(self) -> Tensor:
        """Return a random selection of the patches, always the same, for statistics."""
        generator = torch.Generator().manual_seed(0)
        order = torch.randperm(len(self), generator=generator)
        chosen = order[:NUM_COMPONENT_PATCHES].to(self.volume.device)
        return self._cut_out(chosen)
