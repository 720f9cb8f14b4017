"""SIV-GAN: learning new scene compositions from one image or one clip.

Sushko, Zhang, Gall, Khoreva, "Generating Novel Scene Compositions from Single Images and Videos",
published earlier as "One-Shot GAN" (CVPRW 2021). Sections, equations and tables below are the
former paper's; "official code" is its authors' program.

Read in this order: `SIVGAN.step`, one training step (Eq. 3 and 5); `Discriminator`, the branches
for content and layout (section 3.1); `Generator`; `losses.py`, Eq. 1, 2 and 4; `augment.py`.
"""

import itertools
import math
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from siv_lite import losses
from siv_lite.augment import apply_transforms, mix_channels, mix_rectangle, sample_transforms
from siv_lite.errors import SivLiteError
from siv_lite.frames import resize_to
from siv_lite.methods.base import Method, sample_latent_rows
from siv_lite.methods.settings import Bounds, Count, ImageSize, Probability, Weight
from siv_lite.nn import LEAKY_SLOPE, SpectralConv2d, SpectralNetwork, make_adam, update_ema

# Channels in units of `base_channels`. G: coarse to fine; a generator of B blocks takes the last
# B + 1. D: fine to coarse, from the first on.
GENERATOR_WIDTHS = (8, 8, 8, 8, 8, 8, 8, 4, 2, 1)
DISCRIMINATOR_WIDTHS = (1, 2, 4, 8, 8, 8, 8, 8, 8)

MIN_GRID_SIDE = 3  # cells of G's coarsest map
MAX_GRID_SIDE = 64

BlockCount = Annotated[int, Bounds(1, 9)]
Logits = dict[str, list[Tensor]]  # part of D -> one map for each of its blocks, (n, 1, h_l, w_l)


@dataclass(frozen=True)
class Settings:
    """Settings of SIV-GAN; the defaults are the paper's (section 3.3).

    A setting that is None follows from the frames, see `complete_settings`.
    """

    image_size: ImageSize = 256  # longest side of the frames, in pixels; larger ones are reduced
    iterations: Count | None = None  # None: 100,000 for an image, 300,000 for a clip
    batch_size: Annotated[int, Bounds(2, 256)] = 5
    learning_rate: Weight = 2e-4
    lr_decay_fraction: Probability = 0.0  # of training, at its end, over which the rate falls to 0
    ema_decay: Probability = 0.9999  # of the moving average of G's weights

    # Networks.
    base_channels: Annotated[int, Bounds(8, 1024)] = 32  # at full resolution; 8 times as many below
    latent_size: Annotated[int, Bounds(1, 4096)] = 64
    # One vector z for all places, through a projection (official code) or repeated (paper); or a
    # map of vectors, one for each cell of the coarsest map, so that each place has its own say.
    latent: Literal["projected", "broadcast", "spatial"] = "projected"
    generator_blocks: BlockCount | None = None
    coarsest_size: tuple[int, int] | None = None  # (h, w) of G's coarsest map
    low_level_blocks: BlockCount | None = None  # N_low-level (Table 6)
    branch_blocks: BlockCount | None = None  # N_content = N_layout

    # Parts that Table 3 removes one by one. Without both branches D is one ordinary trunk.
    layout_branch: bool = True
    content_branch: bool = True
    low_level_loss: bool = True

    # Augmentation.
    augmentation: Probability = 0.7  # DA: probability of each kind, per sample
    feature_mixing: Probability = 0.4  # FA: probability of each kind, per pass of D

    # Diversity regularization (Eq. 4, Table 4), times lambda (Table 5) times a factor: 1 is Eq. 5
    # as printed; the official code weighs the term 13 to 20 times more, depending on the depth.
    # "normalized" is Eq. 4 on features without contrast.
    diversity: Literal["features", "normalized", "images", "DS", "zCR", "none"] = "features"
    diversity_weight: Weight = 0.15  # lambda
    diversity_scale: Weight = 16.0


def complete_settings(settings: Settings, num_frames: int, height: int, width: int) -> Settings:
    """Fill in what follows from the frames: iterations, depths, and the size of G's coarsest map.

    Works for any size from 32 px up. Depths are those of the official code where it has any: for a
    longest side of about 1024 px G gets 9 blocks, 512: 8, 256: 7, 128: 6, 64: 5; fewer for
    elongated frames.

    Args:
        settings: with None for whatever is to follow from the frames.
        num_frames: N.
        height: of the frames, in pixels.
        width: of the frames, in pixels.

    Returns:
        Settings without None.

    Raises:
        SivLiteError: where the given settings leave no room for the rest.
    """
    num_blocks = settings.generator_blocks or choose_depth(height, width)
    scale = 2 ** (num_blocks - 1)  # pixels of the image in a cell of the coarsest map
    grid = settings.coarsest_size or choose_grid(height, width, scale)
    if not all(1 <= side <= MAX_GRID_SIDE for side in grid):
        raise SivLiteError(
            f"Setting coarsest_size of siv_gan must have sides of 1 to {MAX_GRID_SIDE}, not {grid}"
        )
    image_size = (grid[0] * scale, grid[1] * scale)
    low_level, branch = choose_discriminator_depths(settings, num_blocks, image_size)

    default_iterations = 100_000 if num_frames == 1 else 300_000
    return replace(
        settings,
        iterations=settings.iterations or default_iterations,
        generator_blocks=num_blocks,
        coarsest_size=tuple(grid),
        low_level_blocks=low_level,
        branch_blocks=branch,
    )


def choose_depth(height: int, width: int) -> int:
    """Choose how many blocks G has: as many as the official code's for the longer side, but no more
    than leave the shorter side 2.5 cells of the coarsest map."""
    short, long = sorted((height, width))
    by_long_side = round(math.log2(long)) - 1
    by_short_side = math.floor(math.log2(short / 2.5)) + 1
    return min(by_long_side, by_short_side, len(GENERATOR_WIDTHS) - 1)


def choose_grid(height: int, width: int, scale: int) -> tuple[int, int]:
    """Choose the coarsest map (h, w), at least 3 cells a side, whose image comes nearest to the
    frames: above all in shape, and a little in area."""

    def mismatch(grid: tuple[int, int]) -> tuple[bool, float]:
        log_ratio_y = math.log(grid[0] * scale / height)
        log_ratio_x = math.log(grid[1] * scale / width)
        shape_error = abs(log_ratio_y - log_ratio_x)
        area_error = abs(log_ratio_y + log_ratio_x)
        return min(grid) < MIN_GRID_SIDE, shape_error + area_error / 4

    rounded_down_or_up_h = (max(1, height // scale), height // scale + 1)
    rounded_down_or_up_w = (max(1, width // scale), width // scale + 1)
    candidates = itertools.product(rounded_down_or_up_h, rounded_down_or_up_w)
    return min(candidates, key=mismatch)


def choose_discriminator_depths(
    settings: Settings, num_blocks: int, image_size: tuple[int, int]
) -> tuple[int, int]:
    """Choose the number of D's low-level blocks and of each branch's blocks.

    D halves the image once per block, down to one pixel at most in the layout branch.
    """
    max_halvings = math.floor(math.log2(min(image_size)))
    low_level = settings.low_level_blocks or num_blocks // 2
    official_depth = 8 if num_blocks == 9 else 7
    wanted_branch = min(official_depth - low_level, max_halvings - low_level)
    branch = settings.branch_blocks or max(1, wanted_branch)

    max_depth = min(max_halvings, len(DISCRIMINATOR_WIDTHS) - 1)
    if low_level + branch > max_depth or low_level > num_blocks:
        height, width = image_size
        raise SivLiteError(
            f"{low_level} low_level_blocks and {branch} branch_blocks need images of "
            f"{2 ** (low_level + branch)} px a side, but {num_blocks} generator_blocks make "
            f"{height} x {width} of these frames; use fewer"
        )
    return low_level, branch


def find_latent_shape(settings: Settings) -> tuple[int, ...]:
    """Return the shape of one sample's latents: (latent_size,), or of a map (latent_size, h, w)."""
    if settings.latent == "spatial":
        return (settings.latent_size, *settings.coarsest_size)
    return (settings.latent_size,)


class GeneratorBlock(nn.Module):
    """Residual block as in BigGAN, without batch normalization.

    Main path: leaky ReLU, x2, conv 3x3, leaky ReLU, conv 3x3. Shortcut: conv 1x1, x2.
    """

    def __init__(self, in_channels: int, out_channels: int, upsample: bool, has_rgb: bool):
        """Build the block.

        Args:
            in_channels: channels of the input.
            out_channels: channels of the output.
            upsample: whether height and width double.
            has_rgb: whether the block also gives an image for D to read.
        """
        super().__init__()
        hidden_channels = min(in_channels, out_channels)
        resample = "up" if upsample else None
        self.first = SpectralConv2d(in_channels, hidden_channels, 3, resample=resample)
        self.second = SpectralConv2d(hidden_channels, out_channels, 3)
        self.shortcut = SpectralConv2d(in_channels, out_channels, 1, bias=False)
        self.to_rgb = SpectralConv2d(out_channels, 3, 3) if has_rgb else None
        self.upsample = upsample

    def forward(self, x: Tensor) -> Tensor:
        """Turn (n, in_channels, h, w) into (n, out_channels, 2h, 2w), or (..., h, w)."""
        # A 1x1 convolution commutes with nearest upsampling, and is cheaper before it.
        shortcut = self.shortcut(x)
        if self.upsample:
            shortcut = F.interpolate(shortcut, scale_factor=2, mode="nearest")

        x = self.first(F.leaky_relu(x, LEAKY_SLOPE))
        x = self.second(F.leaky_relu_(x, LEAKY_SLOPE))
        return x + shortcut


class Generator(SpectralNetwork):
    """From latents through a small map to images, at several scales.

    The finest blocks, those whose resolutions D's low-level blocks read, give an image each
    (MSG-GAN, Karnewar and Wang 2020).
    """

    def __init__(self, settings: Settings):
        """Build the network.

        Args:
            settings: completed ones.
        """
        super().__init__()
        num_blocks = settings.generator_blocks
        widths = GENERATOR_WIDTHS[-(num_blocks + 1) :]
        channels = [settings.base_channels * width for width in widths]
        self.grid = tuple(settings.coarsest_size)
        self.latent_shape = find_latent_shape(settings)

        # From z to the coarsest map: projected (official code), repeated in every cell (paper), or
        # a map already, in which every cell also hears its neighbors.
        self.project = None
        if settings.latent == "projected":
            self.project = nn.ConvTranspose2d(
                settings.latent_size, channels[0], self.grid, bias=False
            )
        elif settings.latent == "spatial":
            self.project = nn.Conv2d(settings.latent_size, channels[0], 3, padding=1, bias=False)
        else:
            channels[0] = settings.latent_size

        first_with_rgb = num_blocks - settings.low_level_blocks
        self.blocks = nn.ModuleList()
        for i in range(num_blocks):
            block = GeneratorBlock(
                in_channels=channels[i],
                out_channels=channels[i + 1],
                upsample=i > 0,
                has_rgb=i >= first_with_rgb,
            )
            self.blocks.append(block)

    def features(self, latents: Tensor) -> list[Tensor]:
        """Run all blocks.

        Args:
            latents: z, (n, latent_size), or maps (n, latent_size, *grid) where they are spatial.

        Returns:
            G^l(z) of every block l, coarse to fine, (n, C_l, h_l, w_l).
        """
        assert latents.shape[1:] == self.latent_shape, latents.shape
        x = latents
        if latents.ndim == 2:
            x = latents[:, :, None, None]  # (n, latent_size, 1, 1)
        if self.project is None:
            x = x.expand(-1, -1, *self.grid)
        else:
            x = self.project(x)
        x = x.contiguous(memory_format=torch.channels_last)  # (n, C_0, *grid)

        features = []
        for block in self.blocks:
            x = block(x)
            features.append(x)
        return features

    def to_images(self, features: list[Tensor], num_scales: int | None = None) -> list[Tensor]:
        """Turn feature maps into images.

        Args:
            features: of all blocks, as `features` returns them.
            num_scales: how many of the finest images; None for all that D reads.

        Returns:
            (n, 3, h_l, w_l) in [-1, 1], fine to coarse.
        """
        images = []
        for block, x in zip(reversed(self.blocks), reversed(features), strict=True):
            if block.to_rgb is None or len(images) == num_scales:
                break
            images.append(torch.tanh(block.to_rgb(x)))
        return images


class DiscriminatorBlock(nn.Module):
    """Residual block with a decision of its own.

    Main path: leaky ReLU, conv, leaky ReLU, conv, 2x2 average. Shortcut: 2x2 average, conv 1x1.
    """

    def __init__(
        self,
        in_channels: int,
        hidden_channels: int,
        out_channels: int,
        kernel_size: int = 3,
        activate: bool = True,
    ):
        """Build the block.

        Args:
            in_channels: channels of the input.
            hidden_channels: channels between the two convolutions.
            out_channels: channels of the output.
            kernel_size: 3 halves height and width; 1 keeps them (content branch).
            activate: whether the main path begins with a leaky ReLU; the first block of D has just
                read an image, and does not (official code).
        """
        super().__init__()
        self.pool = kernel_size > 1
        self.activate = activate
        resample = "down" if self.pool else None
        self.first = SpectralConv2d(in_channels, hidden_channels, kernel_size)
        self.second = SpectralConv2d(hidden_channels, out_channels, kernel_size, resample=resample)
        self.shortcut = SpectralConv2d(in_channels, out_channels, 1, bias=False)
        self.decide = SpectralConv2d(out_channels, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Turn (n, in_channels, h, w) into (n, out_channels, h / 2, w / 2), or (..., h, w)."""
        shortcut = F.avg_pool2d(x, 2) if self.pool else x
        shortcut = self.shortcut(shortcut)

        if self.activate:
            x = F.leaky_relu(x, LEAKY_SLOPE)
        x = self.first(x)
        x = self.second(F.leaky_relu_(x, LEAKY_SLOPE))
        return x + shortcut


class Discriminator(SpectralNetwork):
    """Low-level blocks, then a branch for content and a branch for layout (section 3.1, Fig. 2).

    The low-level blocks turn an image into features F(x). From there on

    - the *content* branch sees F(x) averaged over all places: what is there, but not where;
    - the *layout* branch sees F(x) squeezed to one channel: where things are, but not what.
    """

    def __init__(self, settings: Settings):
        """Build the network.

        Args:
            settings: completed ones.
        """
        super().__init__()
        channels = [settings.base_channels * width for width in DISCRIMINATOR_WIDTHS]
        num_low_level = settings.low_level_blocks
        self.feature_mixing = settings.feature_mixing

        # Low-level blocks. Each also reads the image of its own scale, through from_rgb (MSG-GAN).
        self.from_rgb = nn.ModuleList()
        self.low_level = nn.ModuleList()
        for i in range(num_low_level):
            is_first = i == 0
            rgb_channels = channels[0] if is_first else channels[i] // 8
            in_channels = channels[0] if is_first else channels[i] + rgb_channels
            self.from_rgb.append(SpectralConv2d(3, rgb_channels, 3))
            block = DiscriminatorBlock(
                in_channels, channels[i], channels[i + 1], activate=not is_first
            )
            self.low_level.append(block)

        # Branches, equally deep. Blocks of the content branch see one place only: 1x1 convolutions.
        # Blocks of the layout branch see one channel only.
        content = nn.ModuleList()
        layout = nn.ModuleList()
        trunk = nn.ModuleList()
        for i in range(num_low_level, num_low_level + settings.branch_blocks):
            in_channels = channels[i]
            out_channels = channels[i + 1]
            if settings.content_branch:
                block = DiscriminatorBlock(in_channels, in_channels, out_channels, kernel_size=1)
                content.append(block)
            if settings.layout_branch:
                layout.append(DiscriminatorBlock(1, 1, 1))
            if not (settings.content_branch or settings.layout_branch):
                trunk.append(DiscriminatorBlock(in_channels, in_channels, out_channels))

        self.branches = nn.ModuleDict()
        if settings.content_branch:
            self.branches["content"] = content
        if settings.layout_branch:
            self.squeeze = SpectralConv2d(channels[num_low_level], 1, 1)
            self.branches["layout"] = layout
        if not self.branches:
            self.branches["trunk"] = trunk

    def branch_input(
        self,
        branch: str,
        features: Tensor,
        num_real: int = 0,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Reduce F(x) to what a branch may see, and mix real samples (FA).

        Args:
            branch: "content", "layout" or "trunk", which sees everything.
            features: F(x), (n, C, h, w).
            num_real: of the batch, the first so many are real; only these are mixed.
            generator: draws what is mixed; needed where `num_real` is not 0.

        Returns:
            F_content (n, C, 1, 1), F_layout (n, 1, h, w) or F (n, C, h, w).
        """
        x = features
        if branch == "content":
            x = x.mean((2, 3), keepdim=True)  # (n, C, 1, 1)
        elif branch == "layout":
            x = self.squeeze(x)  # (n, 1, h, w)

        if num_real == 0 or self.feature_mixing == 0:
            return x
        real = x[:num_real]
        fake = x[num_real:]
        if branch != "content":  # one place has no rectangles
            real = mix_rectangle(real, self.feature_mixing, generator)
        if branch != "layout":  # one channel cannot be exchanged
            real = mix_channels(real, self.feature_mixing, generator)
        return torch.cat([real, fake])

    def forward(
        self,
        images: list[Tensor],
        num_real: int = 0,
        generator: torch.Generator | None = None,
    ) -> Logits:
        """Judge images.

        Args:
            images: the same images at the scales of all low-level blocks, (n, 3, h_l, w_l) in
                [-1, 1], fine to coarse.
            num_real: of the batch, the first so many are real; only their features are mixed (FA).
            generator: draws what is mixed.

        Returns:
            For "low_level" and every branch, one map of logits (n, 1, h_l, w_l) per block; high
            means real.
        """
        assert len(images) == len(self.low_level), len(images)
        assert images[0].ndim == 4 and images[0].shape[1] == 3, images[0].shape
        logits: Logits = {"low_level": []}

        # F(x): each block gets the features so far and the image of its own resolution
        # (phi_lin_cat of MSG-GAN).
        x = None
        for block, from_rgb, image in zip(self.low_level, self.from_rgb, images, strict=True):
            rgb = from_rgb(image)
            x = rgb if x is None else torch.cat([x, rgb], dim=1)
            x = block(x)
            logits["low_level"].append(block.decide(x))
        features = x  # F(x): (n, C, h, w)

        for branch, blocks in self.branches.items():
            logits[branch] = []
            x = self.branch_input(branch, features, num_real, generator)
            for block in blocks:
                x = block(x)
                logits[branch].append(block.decide(x))
        return logits


class SIVGAN(Method):
    """SIV-GAN: one step is one update of D, then one of G (section 3.3).

    Samples come from G_ema, the moving average of G's weights.
    """

    Settings = Settings  # the dataclass above
    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": dict(
            image_size=48,
            iterations=20,
            base_channels=8,
            batch_size=3,
            ema_decay=0.9,
            latent="spatial",
            diversity="normalized",
        ),
        # In minutes the paper's form draws one arrangement, pale to glaring: hence other latents
        # and another diversity than the paper's. docs/recipe.md has what was tried.
        "lesson": dict(
            image_size=56,
            iterations=4000,
            base_channels=16,
            generator_blocks=4,
            learning_rate=4e-4,
            lr_decay_fraction=0.3,
            ema_decay=0.999,
            latent="spatial",
            diversity="normalized",
        ),
        "paper": {},
    }

    @classmethod
    def fit_settings(
        cls, settings: Settings, num_frames: int, height: int, width: int
    ) -> tuple[Settings, tuple[int, int]]:
        """Complete the settings, and choose the size of G's images: G doubles its coarsest map, so
        they need not have exactly the size of the frames."""
        settings = complete_settings(settings, num_frames, height, width)
        scale = 2 ** (settings.generator_blocks - 1)
        rows, columns = settings.coarsest_size
        return settings, (rows * scale, columns * scale)

    def build(self, frames: Tensor) -> None:
        """Build G, D and the average of G, and prepare the real images at all scales of D.

        Args:
            frames: (N, 3, H, W) in [-1, 1].
        """
        self.settings, self.size = self.fit_settings(self.settings, len(frames), *frames.shape[2:])
        self.iterations = self.settings.iterations
        if self.settings.latent == "spatial":
            self.latent_grid = self.settings.coarsest_size

        self.G = Generator(self.settings)
        self.D = Discriminator(self.settings)
        self.G.init_weights(self.device, self.generator)
        self.D.init_weights(self.device, self.generator)
        self.G_ema = deepcopy(self.G)
        self.networks = {"G": self.G, "D": self.D, "G_ema": self.G_ema}
        self.optimizers = {
            "G": make_adam(self.G, self.settings.learning_rate),
            "D": make_adam(self.D, self.settings.learning_rate),
        }

        resized = resize_to(frames, self.size).to(self.device)
        resized = resized.contiguous(memory_format=torch.channels_last)
        self.real = self.image_pyramid(resized)

    def image_pyramid(self, images: Tensor) -> list[Tensor]:
        """Return images at all scales that D reads.

        Args:
            images: (n, 3, H, W).

        Returns:
            The images, their halves, their quarters and so on, fine to coarse.
        """
        pyramid = [images]
        for _ in range(1, self.settings.low_level_blocks):
            pyramid.append(F.avg_pool2d(pyramid[-1], 2))
        return pyramid

    def step(self) -> dict[str, Tensor]:
        """Update D, then G, judged by the new D.

        Returns:
            "D" and "G", the adversarial losses (Eq. 3), and "diversity", the regularizer (Eq. 4).
        """
        n = self.settings.batch_size

        # Generate fakes, without gradients: this update is D's.
        with self.autocast(), torch.no_grad():
            z = self.sample_noise(n)  # (n, *latent_shape)
            fake = self.G.to_images(self.G.features(z))  # (n, 3, h, w) per scale, fine to coarse

        # Draw real images, and put both into one batch per scale, the real ones first.
        index = torch.randint(len(self.real[0]), (n,), generator=self.generator, device=self.device)
        batch = []
        for real_images, fake_images in zip(self.real, fake, strict=True):
            batch.append(torch.cat([real_images[index], fake_images]))  # (2n, 3, h, w)

        # Update D (Eq. 1 to 3).
        with self.autocast():
            logits = self.D(self.augment(batch), num_real=n, generator=self.generator)
            parts = {}
            for part, maps in logits.items():
                parts[part] = losses.discriminator_part_loss(maps, num_real=n)
            loss_D = self.total_loss(parts)
        self.update(loss_D, lr={"D": self.learning_rate()})

        # Generate again, now with gradients, and let the new D judge.
        with self.autocast():
            z = self.sample_noise(n)
            features = self.G.features(z)
            fake = self.G.to_images(features)
            logits = self.D(self.augment(fake))
            parts = {}
            for part, maps in logits.items():
                parts[part] = losses.generator_part_loss(maps)
            loss_G = self.total_loss(parts)
            diversity = self.diversity(z, features, fake[0])

        # Update G: deceive D, and keep samples apart (Eq. 5).
        diversity_weight = self.settings.diversity_scale * self.settings.diversity_weight
        objective_G = loss_G - diversity_weight * diversity
        self.update(objective_G, lr={"G": self.learning_rate()})

        self.iteration += 1
        update_ema(self.G_ema, self.G, self.settings.ema_decay, self.iteration)
        return {
            "D": loss_D.detach(),
            "G": loss_G.detach(),
            "diversity": diversity.detach(),
        }

    def total_loss(self, parts: dict[str, Tensor]) -> Tensor:
        """Add up the losses of D's parts (Eq. 3).

        Args:
            parts: "low_level" and every branch -> loss.

        Returns:
            content + layout + 2 low-level; a trunk in place of both branches counts as both.
        """
        weights = {
            "content": 1,
            "layout": 1,
            "trunk": 2,
            "low_level": 2 if self.settings.low_level_loss else 0,
        }
        return sum(weights[part] * loss for part, loss in parts.items())

    def coin_levels(self) -> dict[str, float]:
        """Return 8 log 2 for D and 4 log 2 for G: log 2 for each question of each part (Eq. 3).

        Returns:
            "D" and "G" -> the value; smaller ones where the settings leave out a part.
        """
        parts = dict.fromkeys(["low_level", *self.D.branches], math.log(2))
        level = self.total_loss(parts)
        return {"D": 2 * level, "G": level}

    def diversity(self, z: Tensor, features: list[Tensor], images: Tensor) -> Tensor:
        """Compute what keeps samples apart: Eq. 4, or one of its alternatives (Table 4).

        Args:
            z: (n, latent_size), or maps (n, latent_size, *grid).
            features: G^l(z) of all blocks.
            images: G(z) at full size, (n, 3, H, W).

        Returns:
            A scalar that G maximizes.
        """
        match self.settings.diversity:
            case "features":
                return losses.diversity_in_features(features)
            case "normalized":
                return losses.diversity_in_normalized_features(features)
            case "images":
                return losses.pair_distance(images)
            case "DS":
                return losses.diversity_sensitive(images, z)
            case "zCR":
                z_nearby = z + 0.1 * self.sample_noise(len(z))
                nearby = self.G.to_images(self.G.features(z_nearby), num_scales=1)[0]
                return losses.latent_consistency(images, nearby)
        return torch.zeros_like(self.iteration)

    def augment(self, pyramid: list[Tensor]) -> list[Tensor]:
        """Augment images (DA): each sample by a transform of its own, the same at all scales.

        Args:
            pyramid: (n, 3, h_l, w_l) per scale.

        Returns:
            The same shapes.
        """
        height, width = self.size
        transforms = sample_transforms(
            len(pyramid[0]), height, width, self.settings.augmentation, self.generator
        )
        return [apply_transforms(images, transforms) for images in pyramid]

    def learning_rate(self) -> float | Tensor:
        """Return the learning rate, which falls linearly to 0 over the last part of training."""
        settings = self.settings
        if settings.lr_decay_fraction == 0:
            return settings.learning_rate
        decay_iterations = settings.lr_decay_fraction * self.iterations
        remaining = (self.iterations - self.iteration) / decay_iterations
        return settings.learning_rate * remaining.clamp(max=1)

    def sample_noise(self, n: int) -> Tensor:
        """Draw z ~ N(0, I) for training, (n, latent_size) or (n, latent_size, *grid)."""
        shape = (n, *self.G.latent_shape)
        return torch.randn(shape, generator=self.generator, device=self.device)

    def sample_latents(self, n: int, seed: int, size: tuple[int, int] | None = None) -> Tensor:
        """Draw latents.

        Args:
            n: number of samples.
            seed: the only thing that they depend on.
            size: not supported.

        Returns:
            (n, latent_size), or (n, latent_size, *grid) where latents are spatial, on the CPU.
        """
        return sample_latent_rows(n, self.G.latent_shape, seed)

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
            latents: (n, latent_size), or (n, latent_size, *grid) where they are spatial.
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
        features = self.G_ema.features(latents.to(self.device))
        return self.G_ema.to_images(features, num_scales=1)[0]
