"""FastGAN: a light generator, and a discriminator that has to restore what it has seen.

Liu, Zhu, Song, Elgammal, "Towards Faster and Stabilized GAN Training for High-fidelity Few-shot
Image Synthesis" (ICLR 2021). Sections below are that paper's; "official code" is its authors'
program.

Read in this order: `FastGAN.step`, one training step; `Generator`, with skip-layer excitation
(section 3.1); `Discriminator`, with its decoders (section 3.2).

Resolutions are named as in the official code, whose coarsest map has 4 x 4 cells: whatever its
shape, G's coarsest map has resolution 4, a map with twice as many cells a side 8, and so on up to
the images. The tables of channels below are by resolution.
"""

import math
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from siv_lite import losses
from siv_lite.augment import diff_augment
from siv_lite.errors import SivLiteError
from siv_lite.methods.base import Method, sample_latent_rows
from siv_lite.methods.settings import Bounds, Count, ImageSize, Probability, Weight
from siv_lite.metrics.pretrained import ALEXNET_SIDE, lpips_vectors
from siv_lite.nn import LEAKY_SLOPE, SpectralConv2d, SpectralNetwork, make_adam, update_ema

# Resolution of a map -> its channels, in units of `base_channels`.
GENERATOR_WIDTHS = {
    4: 16,
    8: 8,
    16: 4,
    32: 2,
    64: 2,
    128: 1,
    256: 1 / 2,
    512: 1 / 4,
    1024: 1 / 8,
}
DISCRIMINATOR_WIDTHS = {512: 1 / 8, 256: 1 / 4, 128: 1 / 2, 64: 1, 32: 2, 16: 4, 8: 8}
DECODER_WIDTHS = {16: 2, 32: 1, 64: 1, 128: 1 / 2}

COARSEST = 4  # resolution of G's first map
COARSEST_OF_D = 8  # resolution of D's last map
MAX_BLOCK_RESOLUTION = 256  # D's blocks begin there; larger images are reduced before
MAX_SMALL_RESOLUTION = 128  # of the second, smaller images

# Skip-layer excitations (section 3.1): map i gates map i + 4 of G, map i + 3 of D.
GENERATOR_SKIP = 4
MAX_GENERATOR_SKIPS = 4
DISCRIMINATOR_SKIP = 3

MIN_GRID_SIDE = 3  # cells of G's coarsest map

Conv = partial(SpectralConv2d, bias=False)  # every convolution of FastGAN


@dataclass(frozen=True)
class Settings:
    """Settings of FastGAN; the defaults are the official code's."""

    image_size: ImageSize = 256  # longest side of the frames, in pixels; larger ones are reduced
    iterations: Count = 50_000
    batch_size: Annotated[int, Bounds(2, 256)] = 8
    learning_rate: Weight = 2e-4
    ema_decay: Probability = 0.999  # of the moving average of G's weights

    base_channels: Annotated[int, Bounds(8, 1024)] = 64  # ngf and ndf
    latent_size: Annotated[int, Bounds(1, 4096)] = 256

    # How restored images are compared: LPIPS with AlexNet (official code: with VGG), or L1 at four
    # scales. "auto" is decided in the first step, for good: LPIPS if its weights are there and the
    # images large enough. The log names which it was.
    reconstruction: Literal["auto", "lpips", "l1"] = "auto"


def coarsest_size(height: int, width: int) -> tuple[tuple[int, int], int]:
    """Choose the size of G's coarsest map, and the resolution of the images made from it.

    Works for any size from 32 px up. Images of 256 x 256 px get 4 x 4 cells and resolution 256, as
    in the official code; others at least 3 cells a side, nearly in the shape of the frames.

    Args:
        height: of the frames, in pixels.
        width: of the frames, in pixels.

    Returns:
        (h, w) of the map in cells, and the resolution: an image has resolution / 4 pixels per cell
        and side.
    """
    short, long = sorted((height, width))
    by_long_side = round(math.log2(long)) - 2
    by_short_side = math.floor(math.log2(short / 2.5))
    num_doublings = min(by_long_side, by_short_side, len(GENERATOR_WIDTHS) - 1)

    short_side = max(MIN_GRID_SIDE, round(short / 2**num_doublings))
    long_side = round(short_side * long / short)
    grid = (short_side, long_side) if height <= width else (long_side, short_side)
    return grid, COARSEST * 2**num_doublings


def small_resolution(resolution: int) -> int:
    """Return the resolution of the small images that go with images of a resolution."""
    return min(resolution // 2, MAX_SMALL_RESOLUTION)


def resolutions_between(coarse: int, fine: int) -> list[int]:
    """Return all resolutions from a coarse to a fine one, both included; each is twice the last."""
    resolutions = []
    while coarse <= fine:
        resolutions.append(coarse)
        coarse *= 2
    return resolutions


def channel_table(widths: dict[int, float], base_channels: int) -> dict[int, int]:
    """Return resolution -> number of channels, from a table in units of `base_channels`."""
    return {resolution: int(base_channels * width) for resolution, width in widths.items()}


def excitation(in_channels: int, out_channels: int) -> nn.Sequential:
    """Make a skip-layer excitation (section 3.1): one map weighs the channels of another.

    Args:
        in_channels: of the map that gates.
        out_channels: of the map that is gated, by multiplication.

    Returns:
        The layers: (n, in_channels, h, w) to factors in [0, 1], (n, out_channels, 1, 1).
    """
    return nn.Sequential(
        nn.AdaptiveAvgPool2d(4),  # 4 x 4 cells of any map
        Conv(in_channels, out_channels, 4, padding=0),
        nn.SiLU(),
        Conv(out_channels, out_channels, 1),
        nn.Sigmoid(),
    )


def gated_linear_unit(x: Tensor) -> Tensor:
    """Multiply the first half of the channels by the sigmoid of the second half.

    `F.glu` does the same, but loses channels-last memory in its backward pass.

    Args:
        x: (n, 2c, h, w).

    Returns:
        (n, c, h, w).
    """
    values, gates = x.chunk(2, dim=1)
    return values * torch.sigmoid(gates)


class GatedConv(nn.Module):
    """Convolution 3x3, perhaps noise, batch normalization, gated linear unit."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        noisy: bool = False,
        resample: str | None = "up",
    ):
        """Build the block.

        Args:
            in_channels: channels of the input.
            out_channels: channels of the output.
            noisy: whether noise is added, one map for all channels, with a learned strength.
            resample: "up" doubles height and width before the convolution; None keeps them.
        """
        super().__init__()
        self.conv = Conv(in_channels, 2 * out_channels, 3, resample=resample)
        self.norm = nn.BatchNorm2d(2 * out_channels)
        self.strength = nn.Parameter(torch.empty(())) if noisy else None

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Turn (n, in_channels, h, w) into (n, out_channels, 2h, 2w), or (..., h, w).

        The generator draws the noise; without one there is none.
        """
        x = self.conv(x)
        if generator is not None and self.strength is not None:
            shape = (len(x), 1, *x.shape[2:])
            noise = torch.randn(shape, generator=generator, device=x.device)
            x = torch.addcmul(x, self.strength, noise)  # x + strength * noise
        return gated_linear_unit(self.norm(x))


class Generator(SpectralNetwork):
    """From latents through a small map to images, at two sizes.

    Each block doubles the resolution. Blocks take turns: two convolutions with noise, or one
    without. A fine map is gated by the map that is 16 times as coarse (skip-layer excitation).
    """

    def __init__(self, settings: Settings, grid: tuple[int, int], resolution: int):
        """Build the network.

        Args:
            settings: of the training.
            grid: (h, w) of the coarsest map, in cells.
            resolution: of the images, a power of two from 32 to 1024.
        """
        super().__init__()
        self.grid = grid
        self.latent_size = settings.latent_size
        self.small_resolution = small_resolution(resolution)
        self.resolutions = resolutions_between(COARSEST, resolution)
        channels = channel_table(GENERATOR_WIDTHS, settings.base_channels)

        # Blocks from 8 on. (First of all modules: weights are drawn in the order of definition.)
        self.blocks = nn.ModuleList()
        for r in self.resolutions[1:]:
            noisy = len(self.blocks) % 2 == 0
            block = nn.ModuleList([GatedConv(channels[r // 2], channels[r], noisy)])
            if noisy:
                block.append(GatedConv(channels[r], channels[r], noisy, resample=None))
            self.blocks.append(block)

        # From z to the coarsest map. The official code has a transposed convolution there, whose
        # spectral norm is another number; the batch normalization behind it undoes either.
        cells = grid[0] * grid[1]
        self.project = Conv(settings.latent_size, cells * 2 * channels[COARSEST], 1)
        self.norm = nn.BatchNorm2d(2 * channels[COARSEST])

        self.excitations = nn.ModuleList()
        num_skips = min(len(self.resolutions) - GENERATOR_SKIP, MAX_GENERATOR_SKIPS)
        for i in range(num_skips):
            gating = self.resolutions[i]
            gated = self.resolutions[i + GENERATOR_SKIP]
            self.excitations.append(excitation(channels[gating], channels[gated]))

        self.to_big = Conv(channels[resolution], 3, 3)
        self.to_small = Conv(channels[self.small_resolution], 3, 1)

    @torch.no_grad()
    def init_weights(self, device: torch.device, generator: torch.Generator) -> None:
        """Draw weights as `SpectralNetwork` does; noise begins with strength 0.

        Args:
            device: where the network will live.
            generator: the source of all randomness, on the same device.
        """
        super().init_weights(device, generator)
        for name, parameter in self.named_parameters():
            if name.endswith("strength"):
                parameter.zero_()

    def forward(
        self, latents: Tensor, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Generate images.

        Args:
            latents: z, (n, latent_size).
            generator: draws the noise; without one there is none.

        Returns:
            Images (n, 3, H, W) and small images (n, 3, h, w), in [-1, 1].
        """
        assert latents.shape[1:] == (self.latent_size,), latents.shape
        n = len(latents)
        x = self.project(latents[:, :, None, None])  # (n, h * w * C, 1, 1)
        x = x.view(n, *self.grid, -1).permute(0, 3, 1, 2)  # (n, C, h, w), channels last
        x = gated_linear_unit(self.norm(x))

        maps = [x]  # maps[i] has resolution self.resolutions[i]
        for i, block in enumerate(self.blocks, start=1):
            for layer in block:
                x = layer(x, generator)
            gating = i - GENERATOR_SKIP
            if 0 <= gating < len(self.excitations):
                x = x * self.excitations[gating](maps[gating])
            maps.append(x)

        small_map = maps[self.resolutions.index(self.small_resolution)]
        images = torch.tanh(self.to_big(x))
        small_images = torch.tanh(self.to_small(small_map))
        return images, small_images


def conv_norm_act(
    in_channels: int, out_channels: int, kernel_size: int, norm: bool = True
) -> list[nn.Module]:
    """Make a convolution, batch normalization and a leaky ReLU.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: 4 halves height and width; 1 and 3 keep them.
        norm: whether to normalize.

    Returns:
        Three layers, or two.
    """
    stride = 2 if kernel_size == 4 else 1
    layers: list[nn.Module] = [Conv(in_channels, out_channels, kernel_size, stride=stride)]
    if norm:
        layers.append(nn.BatchNorm2d(out_channels))
    layers.append(nn.LeakyReLU(LEAKY_SLOPE, inplace=True))
    return layers


def reduce_image(channels: list[int]) -> nn.Sequential:
    """Make layers that halve an image once for every entry of a list.

    Args:
        channels: of the maps, fine to coarse; the first of them is not normalized.

    Returns:
        The layers: (n, 3, H, W) to (n, channels[-1], h, w).
    """
    layers = conv_norm_act(3, channels[0], 4, norm=False)
    for i in range(1, len(channels)):
        layers.extend(conv_norm_act(channels[i - 1], channels[i], 4))
    return nn.Sequential(*layers)


class DownBlock(nn.Module):
    """The mean of two ways to halve a map: two convolutions, and average pooling before a 1x1."""

    def __init__(self, in_channels: int, out_channels: int):
        """Build the block.

        Args:
            in_channels: channels of the input.
            out_channels: channels of the output.
        """
        super().__init__()
        self.main = nn.Sequential(
            *conv_norm_act(in_channels, out_channels, 4),
            *conv_norm_act(out_channels, out_channels, 3),
        )
        self.direct = nn.Sequential(
            nn.AvgPool2d(2),
            *conv_norm_act(in_channels, out_channels, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Turn (n, in_channels, h, w) into (n, out_channels, h / 2, w / 2)."""
        return (self.main(x) + self.direct(x)) / 2


def make_decoder(in_channels: int, base_channels: int, resolution: int) -> nn.Sequential:
    """Make a decoder (section 3.2), which restores small images from maps of resolution 8.

    Args:
        in_channels: channels of the maps.
        base_channels: unit of the channels in between.
        resolution: of the small images.

    Returns:
        The layers: (n, in_channels, h, w) to (n, 3, H, W) in [-1, 1].
    """
    channels = channel_table(DECODER_WIDTHS, base_channels)
    layers: list[nn.Module] = []
    for r in resolutions_between(2 * COARSEST_OF_D, resolution):
        layers.append(GatedConv(in_channels, channels[r]))
        in_channels = channels[r]
    return nn.Sequential(*layers, Conv(in_channels, 3, 3), nn.Tanh())


def crop_quarter(x: Tensor, corner: Tensor) -> Tensor:
    """Crop images or maps to one of their four quarters.

    Args:
        x: (n, c, h, w) with even sides.
        corner: (2, 1), row and column of the quarter, each 0 or 1; a tensor, for `step` must not
            read values back from the device.

    Returns:
        (n, c, h / 2, w / 2).
    """
    halves = x.unflatten(2, (2, -1))  # (n, c, 2, h / 2, w)
    rows = halves.index_select(2, corner[0]).squeeze(2)
    halves = rows.unflatten(3, (2, -1))  # (n, c, h / 2, 2, w / 2)
    return halves.index_select(3, corner[1]).squeeze(3)


class Discriminator(SpectralNetwork):
    """Judges images and small images, apart from each other, and restores what it has seen.

    Both are reduced to maps of resolution 8, whose patches are judged. Decoders restore real images
    from these maps: so D's features have to describe all of an image, not only what gives a fake
    away (section 3.2).
    """

    def __init__(self, settings: Settings, resolution: int):
        """Build the network.

        Args:
            settings: of the training.
            resolution: of the images, a power of two from 32 to 1024.
        """
        super().__init__()
        base_channels = settings.base_channels
        channels = channel_table(DISCRIMINATOR_WIDTHS, base_channels)

        # Images: a stem, then blocks that halve the resolution, from high to low.
        finest = min(resolution, MAX_BLOCK_RESOLUTION)
        if resolution > finest:
            above = resolutions_between(finest, resolution // 2)
            self.stem = reduce_image([channels[r] for r in reversed(above)])
        else:
            self.stem = nn.Sequential(*conv_norm_act(3, channels[finest], 3, norm=False))

        resolutions = resolutions_between(COARSEST_OF_D, finest)
        resolutions.reverse()
        self.blocks = nn.ModuleList()
        for r in resolutions[1:]:
            self.blocks.append(DownBlock(channels[2 * r], channels[r]))

        self.excitations = nn.ModuleList()
        for i in range(len(resolutions) - DISCRIMINATOR_SKIP):
            gating = resolutions[i]
            gated = resolutions[i + DISCRIMINATOR_SKIP]
            self.excitations.append(excitation(channels[gating], channels[gated]))

        self.score_big = nn.Sequential(
            *conv_norm_act(channels[COARSEST_OF_D], 16 * base_channels, 1),
            Conv(16 * base_channels, 1, 4, padding=0),
        )

        # Small images: maps have the channels that the blocks have at twice their resolution.
        small = small_resolution(resolution)
        below = resolutions_between(COARSEST_OF_D, small // 2)
        self.small = reduce_image([channels[2 * r] for r in reversed(below)])
        self.score_small = Conv(channels[2 * COARSEST_OF_D], 1, 4, padding=0)

        # Decoders: of the whole image, of a quarter of it, and of the small image.
        self.decoders = nn.ModuleList()
        for r in (COARSEST_OF_D, 2 * COARSEST_OF_D, 2 * COARSEST_OF_D):
            self.decoders.append(make_decoder(channels[r], base_channels, small))

    def forward(
        self, images: Tensor, small_images: Tensor, corner: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """Judge images, and restore them if asked to.

        Args:
            images: (n, 3, H, W) in [-1, 1].
            small_images: (n, 3, h, w) in [-1, 1].
            corner: (2, 1), the quarter that is to be restored; None to restore nothing.

        Returns:
            The scores of all patches of both sizes in one row, high for real ones; and, restored at
            the small size, (3n, 3, h, w) in [-1, 1]: the images, their quarters, the small images.
        """
        assert images.ndim == 4 and images.shape[1] == 3, images.shape
        assert small_images.ndim == 4 and small_images.shape[1] == 3, small_images.shape
        x = self.stem(images)
        maps = [x]  # fine to coarse
        for i, block in enumerate(self.blocks, start=1):
            x = block(x)
            gating = i - DISCRIMINATOR_SKIP
            if gating >= 0:
                x = x * self.excitations[gating](maps[gating])
            maps.append(x)
        small_x = self.small(small_images)

        scores = self.score_big(x).flatten()
        small_scores = self.score_small(small_x).flatten()
        scores = torch.cat([scores, small_scores]).float()
        if corner is None:
            return scores, None

        # The quarter of a map of resolution 16 has as many cells as the maps of resolution 8.
        quarter = crop_quarter(maps[-2], corner)
        restored = []
        for decoder, source in zip(self.decoders, (x, quarter, small_x), strict=True):
            restored.append(decoder(source))
        return scores, torch.cat(restored)


class FastGAN(Method):
    """FastGAN: one step is one update of D, then one of G.

    Samples come from G_ema, the moving average of G's weights, with the running statistics of its
    normalizations and without noise: from their latents alone. Unlike the official code, tanh ends
    images of 256 px too, and small copies of real images are averaged, not subsampled.
    """

    Settings = Settings  # the dataclass above
    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": dict(
            image_size=48,
            iterations=20,
            base_channels=8,
            latent_size=32,
            batch_size=3,
            ema_decay=0.9,
        ),
        "lesson": dict(image_size=64, iterations=1800, base_channels=16, batch_size=4),
        "paper": {},
    }
    state_names = ("iteration", "perceptual")

    def build(self, frames: Tensor) -> None:
        """Build G, D and the average of G, and resize the frames to G's images.

        Args:
            frames: (N, 3, H, W) in [-1, 1].

        Raises:
            SivLiteError: if LPIPS was asked for and the images are too small for it.
        """
        settings = self.settings
        self.iterations = settings.iterations

        # G doubles its coarsest map, so its images need not have exactly the size of the frames.
        height, width = frames.shape[2:]
        grid, resolution = coarsest_size(height, width)
        scale = resolution // COARSEST
        self.size = (grid[0] * scale, grid[1] * scale)
        self.shrink = resolution // small_resolution(resolution)  # from images to small ones

        # How restored images are compared; `perceptual` says in a checkpoint whether by LPIPS.
        self.reconstruction = settings.reconstruction
        is_lpips = float(self.reconstruction == "lpips")
        self.perceptual = torch.tensor(is_lpips, device=self.device)
        min_side = ALEXNET_SIDE * self.shrink
        if self.reconstruction == "lpips" and min(self.size) < min_side:
            raise SivLiteError(
                f"LPIPS needs images of {min_side} px a side, not {self.size}; use "
                "reconstruction='l1'"
            )

        self.G = Generator(settings, grid, resolution)
        self.D = Discriminator(settings, resolution)
        self.G.init_weights(self.device, self.generator)
        self.D.init_weights(self.device, self.generator)
        self.G_ema = deepcopy(self.G).eval()
        self.networks = {"G": self.G, "D": self.D, "G_ema": self.G_ema}
        self.optimizers = {
            "G": make_adam(self.G, settings.learning_rate),
            "D": make_adam(self.D, settings.learning_rate),
        }
        self.real = F.interpolate(
            frames.to(self.device),
            self.size,
            mode="bilinear",
            antialias=True,
            align_corners=False,
        )

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Copy a saved state into this method, and go on comparing images as it did.

        Args:
            state: made by `state` of a method with the same settings and frames.
        """
        super().load_state(state)
        self.reconstruction = "lpips" if self.perceptual else "l1"

    def step(self) -> dict[str, Tensor]:
        """Update D, which also restores the real images, then G, judged by the new D.

        Returns:
            "D" and "G", the adversarial losses, and "reconstruction_lpips" or "reconstruction_l1".
        """
        learning_rate = self.settings.learning_rate

        # Real images, augmented, at both sizes; and what the decoders have to restore.
        real = self.sample_real()  # (n, 3, H, W)
        real_small = F.avg_pool2d(real, self.shrink)  # (n, 3, h, w)
        corner = torch.randint(2, (2, 1), generator=self.generator, device=self.device)
        real_quarter = F.avg_pool2d(crop_quarter(real, corner), self.shrink // 2)
        targets = torch.cat([real_small, real_quarter, real_small])  # (3n, 3, h, w)
        if self.reconstruction == "auto":  # in the first step only
            self.choose_reconstruction(real_small)

        # Generate fakes, with gradients: both updates use them. They are augmented too.
        with self.autocast():
            fake, fake_small = self.G(self.sample_noise(), self.generator)
            fake = diff_augment(fake, self.generator)
            fake_small = diff_augment(fake_small, self.generator)

        # Update D: tell real from fake, and restore real images (section 3.2).
        with self.autocast():
            real_scores, restored = self.D(real, real_small, corner)
            fake_scores, _ = self.D(fake.detach(), fake_small.detach())
        loss_real = losses.hinge(real_scores, self.generator)
        loss_fake = losses.hinge(-fake_scores, self.generator)
        loss_D = loss_real + loss_fake
        error = self.reconstruction_error(restored.float(), targets)
        self.update(loss_D + error, lr={"D": learning_rate})

        # Update G: raise the scores that the new D gives to the same fakes.
        with self.autocast():
            fake_scores, _ = self.D(fake, fake_small)
            loss_G = -fake_scores.mean()
        self.update(loss_G, lr={"G": learning_rate})

        self.iteration += 1
        update_ema(self.G_ema, self.G, self.settings.ema_decay, self.iteration)
        return {
            "D": loss_D.detach(),
            "G": loss_G.detach(),
            f"reconstruction_{self.reconstruction}": error.detach(),
        }

    def sample_real(self) -> Tensor:
        """Draw a batch of real images, mirror each with probability 1/2 (official code), augment.

        Returns:
            (n, 3, H, W).
        """
        n = self.settings.batch_size
        uniform = torch.rand((n, 1, 1, 1), generator=self.generator, device=self.device)
        index = torch.randint(len(self.real), (n,), generator=self.generator, device=self.device)
        images = self.real[index]
        images = torch.where(uniform < 0.5, images.flip(3), images)
        return diff_augment(images, self.generator)

    def sample_noise(self) -> Tensor:
        """Draw a batch of z ~ N(0, I) for training, (n, latent_size)."""
        shape = (self.settings.batch_size, self.settings.latent_size)
        return torch.randn(shape, generator=self.generator, device=self.device)

    def choose_reconstruction(self, images: Tensor) -> None:
        """Decide "auto", for good: LPIPS if it can be had for images (n, 3, h, w), else L1."""
        self.reconstruction = "lpips" if can_use_lpips(images) else "l1"
        self.perceptual.fill_(self.reconstruction == "lpips")

    def reconstruction_error(self, restored: Tensor, targets: Tensor) -> Tensor:
        """Measure how far restored images are from real ones.

        Args:
            restored: (n, 3, h, w) in [-1, 1].
            targets: (n, 3, h, w).

        Returns:
            LPIPS or the L1 distance at four scales, summed over the pairs (official code).

        Raises:
            SivLiteError: if LPIPS was asked for and its weights are not there.
        """
        if self.reconstruction == "lpips":
            difference = lpips_vectors(restored) - lpips_vectors(targets)
            return difference.square().sum()
        return losses.multi_scale_l1(restored, targets).sum()

    def sample_latents(self, n: int, seed: int, size: tuple[int, int] | None = None) -> Tensor:
        """Draw latents.

        Args:
            n: number of samples.
            seed: the only thing that they depend on.
            size: not supported.

        Returns:
            (n, latent_size), on the CPU.
        """
        return sample_latent_rows(n, (self.settings.latent_size,), seed)

    @torch.no_grad()
    def generate(
        self,
        latents: Tensor,
        *,
        size: tuple[int, int] | None = None,
        stage: int | None = None,
        start: int = 0,
    ) -> Tensor:
        """Generate images with G_ema.

        Args:
            latents: (n, latent_size).
            size: not supported.
            stage: there is only one.
            start: as above.

        Returns:
            (n, 3, H, W) in [-1, 1].

        Raises:
            SivLiteError: for a size or stage.
        """
        self.check_options(size, stage, start)
        self.G_ema.normalize(power_iteration=False)
        images, _ = self.G_ema(latents.to(self.device))
        return images


def can_use_lpips(images: Tensor) -> bool:
    """Tell whether images (n, 3, h, w) are large enough for LPIPS and its weights are there."""
    if min(images.shape[2:]) < ALEXNET_SIDE:
        return False
    try:
        lpips_vectors(images[:1])
    except SivLiteError:
        return False
    return True
