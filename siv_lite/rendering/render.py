"""Draw small images sharply, with the patches of the training frames.

A small GAN decides what stands where; the frames' own patches draw it. The small image is covered
with noise, which the denoiser of the frames' patches (`denoiser.py`) removes step by step; the
result is enlarged, covered with less noise and cleaned again, until it has the size wanted.
"""

import math
from typing import Any

import torch
from torch import Tensor

from siv_lite.errors import SivLiteError, check_integer
from siv_lite.rendering.patches import as_volumes, resize_volumes
from siv_lite.rendering.sampler import (
    PATCH_SIDE,
    Level,
    draw,
    make_levels,
    pixel_sources,
    samples_at_once,
)

MAX_FACTOR = 2.2  # by which an image is enlarged from one size to the next
MAX_START = 80  # pixels of the longest side; larger images are reduced before they are drawn anew
HEIGHT_SIGMA = 0.1  # of the first size: how far from its own height a patch may be used
MAX_FRAMES = 10  # of a clip, when single images are drawn
MAX_CLIP_FRAMES = 32  # of a clip, when videos are drawn
MAX_SIDE = 4096


def render(
    images: Tensor,
    frames: Tensor,
    size: tuple[int, int] | None = None,
    strength: float = 0.55,
    seed: int = 0,
) -> Tensor:
    """Draw images anew with the patches of the frames, sharply and at any size.

    Args:
        images: what is to be seen, (n, 3, h, w) in [-1, 1], or videos (n, T, 3, h, w): samples of
            any method, a sketch, a collage. Above 80 pixels they are reduced first.
        frames: (N, 3, H, W) in [-1, 1], whose patches are used.
        size: (height, width) of the result; by default that of the frames.
        strength: from 0, the images enlarged as they are, to 1, all drawn anew.
        seed: of the noise; one seed, one result, however many images are drawn together.

    Returns:
        (n, 3, *size) in [-1, 1], or videos (n, T, 3, *size), on the device of the images.

    Raises:
        SivLiteError: if an argument is none of these, or the size needs larger frames.
    """
    return Renderer(frames).render(images, size, strength, seed)


def provenance(
    images: Tensor,
    frames: Tensor,
    size: tuple[int, int] | None = None,
    strength: float = 0.55,
    seed: int = 0,
) -> tuple[Tensor, Tensor]:
    """Draw images as `render` does, and tell where in the frames every pixel comes from.

    Args:
        images: as for `render`; no videos.
        frames: as for `render`.
        size: as for `render`.
        strength: as for `render`, above 0.
        seed: as for `render`.

    Returns:
        The rendered images (n, 3, H, W), and their sources (n, H, W, 3): for every pixel the frame,
        row and column, in the frames' own pixels, of the patch that counts most there.

    Raises:
        SivLiteError: as `render`; for videos and for strength 0, which uses no patches.
    """
    return Renderer(frames).provenance(images, size, strength, seed)


class Renderer:
    """The functions above for many calls with the same frames, whose patches are prepared once.

    Attributes:
        frames: (N, 3, H, W) in [-1, 1], whose patches are used.
    """

    def __init__(self, frames: Tensor):
        """Prepare nothing yet.

        Args:
            frames: as for `render`.

        Raises:
            SivLiteError: as `render`.
        """
        self.frames = check_values(frames, "frames", (4,))
        self.prepared = {}  # sizes and number of frames -> levels, only of the last call

    def render(
        self,
        images: Tensor,
        size: tuple[int, int] | None = None,
        strength: float = 0.55,
        seed: int = 0,
    ) -> Tensor:
        """Draw images as the function `render` does.

        Args:
            images: as for the function.
            size: as for the function.
            strength: as for the function.
            seed: as for the function.

        Returns:
            As from the function.

        Raises:
            SivLiteError: as the function.
        """
        rendered, _ = self.render_with_sources(images, size, strength, seed)
        return rendered

    def provenance(
        self,
        images: Tensor,
        size: tuple[int, int] | None = None,
        strength: float = 0.55,
        seed: int = 0,
    ) -> tuple[Tensor, Tensor]:
        """Draw images, and tell where their pixels come from, as the function `provenance` does.

        Args:
            images: as for the function.
            size: as for the function.
            strength: as for the function.
            seed: as for the function.

        Returns:
            As from the function.

        Raises:
            SivLiteError: as the function.
        """
        images = check_values(images, "images", (4, 5))
        if images.ndim != 4:
            raise SivLiteError(
                "provenance is for images (n, 3, h, w); give single frames of a video"
            )
        rendered, sources = self.render_with_sources(images, size, strength, seed)
        if sources is None:
            raise SivLiteError(
                "strength 0 draws nothing, so no pixel has a source; use 0.1 or more"
            )
        return rendered, sources

    @torch.inference_mode()
    def render_with_sources(
        self, images: Tensor, size: tuple[int, int] | None, strength: float, seed: int
    ) -> tuple[Tensor, Tensor | None]:
        """Render; the second result are the sources of `provenance`, None without any."""
        images = check_values(images, "images", (4, 5))
        size = check_size(size, self.frames)
        check_strength(strength)
        check_integer("seed", seed, 0)

        frames = self.frames.to(images.device)
        frame_size = tuple(frames.shape[2:])
        volumes = as_volumes(images)
        if strength == 0:
            enlarged = resize_volumes(volumes, size).clamp(-1, 1)
            return as_shape_of(images, enlarged), None

        sizes = enlargement_sizes(start_size(volumes.shape[3:], size), size)
        volumes = resize_volumes(volumes, sizes[0])
        chosen = choose_frames(frames, is_video=images.ndim == 5)
        levels = self.prepare(frames[chosen], sizes, num_frames=volumes.shape[2])

        rendered = []
        sources = []
        for part in volumes.split(samples_at_once(levels)):
            result, matches = draw(part, levels, strength, seed)
            rendered.append(as_shape_of(images, result))
            if images.ndim == 4:
                found = pixel_sources(matches, levels[-1], frame_size)
                found[..., 0] = chosen.to(found.device)[found[..., 0]]
                sources.append(found)
        return torch.cat(rendered), torch.cat(sources) if sources else None

    def prepare(self, frames: Tensor, sizes: list[tuple[int, int]], num_frames: int) -> list[Level]:
        """Prepare all sizes, unless the last call was for the same."""
        key = (frames.device, num_frames, *sizes)
        levels = self.prepared.get(key)
        if levels is None:
            levels = make_levels(frames, sizes, num_frames=num_frames, height_sigma=HEIGHT_SIGMA)
            self.prepared = {key: levels}
        return levels


def draw_images(start: Tensor, levels: list[Level], **options: Any) -> Tensor:
    """Call `draw` of the sampler for volumes of single images; return the images, (n, 3, H, W)."""
    with torch.inference_mode():
        volumes, _ = draw(start, levels, **options)
    return volumes[:, :, 0]


def as_shape_of(images: Tensor, volumes: Tensor) -> Tensor:
    """Turn volumes (n, 3, T, H, W) back into images or videos, whichever `images` are."""
    if images.ndim == 4:
        return volumes[:, :, 0]
    return volumes.transpose(1, 2)


def start_size(
    images: tuple[int, int], size: tuple[int, int], longest: int = MAX_START
) -> tuple[int, int]:
    """Choose the size at which images are drawn first.

    Args:
        images: (h, w) of the images as they are given.
        size: (H, W) of the result.
        longest: maximum of the longer side, in pixels.

    Returns:
        (h, w): that of the images or smaller, no larger than the result, at least a patch.
    """
    height, width = images
    reduction = min(1.0, longest / max(images), size[0] / height, size[1] / width)
    return (
        max(PATCH_SIDE, round(height * reduction)),
        max(PATCH_SIDE, round(width * reduction)),
    )


def enlargement_sizes(start: tuple[int, int], size: tuple[int, int]) -> list[tuple[int, int]]:
    """Return sizes from `start` to `size`, (h, w) each, about equal factors apart."""
    factor = max(size[0] / start[0], size[1] / start[1], 1)
    num_enlargements = math.ceil(math.log(factor) / math.log(MAX_FACTOR))

    sizes = [start]
    for index in range(1, num_enlargements + 1):
        share = index / num_enlargements
        height = start[0] * (size[0] / start[0]) ** share
        width = start[1] * (size[1] / start[1]) ** share
        sizes.append((round(height), round(width)))
    sizes[-1] = size
    return sizes


def choose_frames(frames: Tensor, is_video: bool) -> Tensor:
    """Choose which frames of a clip are used: for images some of the whole clip, for videos
    neighboring ones, since their patches span several frames. Returns indices."""
    count = len(frames)
    if is_video:
        return torch.arange(min(count, MAX_CLIP_FRAMES))
    if count <= MAX_FRAMES:
        return torch.arange(count)
    return torch.linspace(0, count - 1, MAX_FRAMES).round().long()


def check_values(images: Tensor, name: str, dims: tuple[int, ...]) -> Tensor:
    """Check images, and return them as float32.

    Args:
        images: what the user gave.
        name: what the user calls it, for the message.
        dims: the numbers of dimensions allowed: 4 for images, 5 for videos.

    Returns:
        The images, detached.

    Raises:
        SivLiteError: if they have another shape, are too small, hold NaN or leave [-1, 1].
    """
    shapes = {4: "(n, 3, h, w)", 5: "(n, T, 3, h, w)"}
    wanted = " or ".join(shapes[dim] for dim in dims)
    is_tensor = isinstance(images, Tensor) and images.is_floating_point()
    if not is_tensor or images.ndim not in dims or images.shape[-3] != 3 or len(images) == 0:
        found = tuple(images.shape) if isinstance(images, Tensor) else type(images).__name__
        raise SivLiteError(f"{name} must be a float tensor {wanted} in [-1, 1], not {found}")
    if min(images.shape[-2:]) < PATCH_SIDE:
        raise SivLiteError(
            f"{name} are {images.shape[-1]} x {images.shape[-2]} pixels, smaller than a patch of "
            f"{PATCH_SIDE} x {PATCH_SIDE}; give larger ones"
        )
    in_range = images.abs() <= 1.001  # also false for NaN
    if not in_range.all():
        raise SivLiteError(
            f"{name} hold NaN or values outside [-1, 1]; scale pixels with x / 127.5 - 1"
        )
    return images.detach().float()


def check_size(size: tuple[int, int] | None, frames: Tensor) -> tuple[int, int]:
    """Check the size of the result.

    Args:
        size: (height, width) asked for; None for that of the frames.
        frames: (N, 3, H, W).

    Returns:
        The size.

    Raises:
        SivLiteError: if it is no pair of whole numbers, smaller than a patch, or larger than the
            frames both in height and in width.
    """
    height, width = frames.shape[2:]
    if size is None:
        return height, width
    sides = tuple(size) if isinstance(size, tuple | list) else ()
    is_pair = len(sides) == 2 and all(type(side) is int for side in sides)
    if not is_pair or not all(PATCH_SIDE <= side <= MAX_SIDE for side in sides):
        raise SivLiteError(
            f"size must be (height, width) in whole pixels from {PATCH_SIDE} to {MAX_SIDE}, "
            f"not {size!r}"
        )
    if sides[0] > height and sides[1] > width:
        raise SivLiteError(
            f"size {sides} is larger than the frames, ({height}, {width}), which show nothing "
            "finer; give larger frames or a smaller size"
        )
    return sides


def check_strength(strength: float) -> None:
    """Refuse a strength that is no number from 0 to 1."""
    is_number = isinstance(strength, int | float) and not isinstance(strength, bool)
    if not is_number or not 0 <= strength <= 1:
        raise SivLiteError(
            f"strength must be a number from 0 (as it is) to 1 (drawn anew), not {strength!r}"
        )
