"""SIV-GAN: new scene compositions from one image or one clip.

Sushko, Zhang, Gall, Khoreva, "Generating Novel Scene Compositions from Single Images and Videos" (earlier "One-Shot
GAN", CVPRW 2021). Sections, equations and tables named below are that paper's; "release" is its authors' program.
"""

import math
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from siv_lite import losses
from siv_lite.augment import draw_transforms, mix_channels, mix_rectangle, transform
from siv_lite.blocks import SLOPE, SpectralConv2d, SpectralNetwork, adam, adam_state, average_weights
from siv_lite.errors import SivLiteError
from siv_lite.methods import Method

WIDTHS = (8, 8, 8, 8, 8, 8, 8, 4, 2, 1)  # of G, coarse to fine, in units of `width`: B blocks take the last B + 1
DISCRIMINATOR_WIDTHS = (1, 2, 4, 8, 8, 8, 8, 8, 8)


@dataclass(frozen=True)
class Settings:
    """What a training is made of; the defaults are the paper's (section 3.3). None: follows from the frames."""

    iterations: int | None = None  # None: 100,000 for an image, 300,000 for a clip
    batch_size: int = 5
    width: int = 32  # channels at full resolution; eight times as many at the coarsest
    latent_size: int = 64
    latent: Literal["projected", "broadcast"] = "projected"  # release, paper
    generator_blocks: int | None = None
    grid: tuple[int, int] | None = None  # (height, width) of the coarsest map; a picture is grid x 2^(blocks - 1)
    low_level_blocks: int | None = None  # N_low-level (Table 6)
    branch_blocks: int | None = None  # N_layout = N_content
    layout_branch: bool = True  # Table 3; without both branches D is one ordinary trunk
    content_branch: bool = True
    low_level_loss: bool = True
    augmentation: float = 0.7  # probability of DA per sample
    feature_mixing: float = 0.4  # probability of FA per discriminator pass and kind
    diversity: Literal["features", "images", "DS", "zCR", "none"] = "features"  # Table 4
    diversity_weight: float = 0.15  # lambda (Table 5)
    # The literal Eq. 5 is balance 1. The release's effective weight of DR is 3.3 to 5 lambda (it changes with depth)
    # against an adversarial loss scaled to 1 from the 4 of Eq. 3, hence about 16.
    balance: float = 16.0
    learning_rate: float = 2e-4
    decay: float = 0.0  # the share of the iterations, the last ones, over which the learning rate falls to zero
    average: float = 0.9999  # of the weights' moving average (EMA)

    def __post_init__(self):
        for name in ("iterations", "batch_size", "width", "latent_size", "generator_blocks", "low_level_blocks", "branch_blocks"):
            value, least = getattr(self, name), {"batch_size": 2, "width": 8}.get(name, 1)
            if value is not None and value < least:
                raise SivLiteError(f"Setting {name} of siv_gan must be at least {least}, not {value}.")
        for name in ("augmentation", "feature_mixing", "decay", "average"):
            if not 0 <= getattr(self, name) <= 1:
                raise SivLiteError(f"Setting {name} of siv_gan must lie in 0..1, not {getattr(self, name)}.")
        for name in ("diversity_weight", "balance", "learning_rate"):
            if not 0 <= getattr(self, name) < math.inf:
                raise SivLiteError(f"Setting {name} of siv_gan must be zero or a positive number, not {getattr(self, name)}.")


@dataclass(frozen=True)
class Shape:
    """The depths and sizes that follow from the frames' shape."""

    generator_blocks: int
    grid: tuple[int, int]
    low_level_blocks: int
    branch_blocks: int

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of the pictures: the grid, doubled by every generator block but the first."""
        return self.grid[0] << self.generator_blocks - 1, self.grid[1] << self.generator_blocks - 1


def choose_shape(height: int, width: int, settings: Settings) -> Shape:
    """Depth, latent grid and training size for frames of (height, width) pixels, from 32 px up.

    G doubles a grid whose shorter side is at least 3; of the depths that reach the frames' size, release's table
    (~1024 px: 9 blocks, ~512: 8, ~256: 7, ~128: 6, ~64: 5), less for elongated frames. D pools F(x) in the layout branch
    down to one pixel at most, so its depth follows from the grid. Raises SivLiteError where an override leaves no room.
    """
    short, long = sorted((height, width))
    blocks = settings.generator_blocks
    if blocks is None:
        blocks = min(round(math.log2(long)) - 1, math.floor(math.log2(short / 2.5)) + 1, len(WIDTHS) - 1)
    if blocks > len(WIDTHS) - 1:
        raise SivLiteError(f"Setting generator_blocks of siv_gan must be at most {len(WIDTHS) - 1}, not {blocks}.")
    step = 2 ** (blocks - 1)
    grid = settings.grid
    if grid is None:
        around = [(h, w) for h in (height // step, -(-height // step)) for w in (width // step, -(-width // step))]
        fitting = [(h, w) for h, w in around if min(h, w) >= 3] or [(max(3, around[-1][0]), max(3, around[-1][1]))]
        grid = min(fitting, key=lambda g: abs(math.log(g[0] * width / g[1] / height)) + abs(math.log(g[0] * g[1] * step * step / height / width)) / 4)
    if not all(1 <= side <= 64 for side in grid):
        raise SivLiteError(f"Setting grid of siv_gan must have sides of 1 to 64, not {tuple(grid)}.")
    halvings = math.floor(math.log2(min(grid) * step))
    low_level = settings.low_level_blocks or blocks // 2
    branch = settings.branch_blocks or max(1, min((8 if blocks == 9 else 7) - low_level, halvings - low_level))
    if low_level + branch > min(halvings, len(DISCRIMINATOR_WIDTHS) - 1) or low_level > blocks:
        raise SivLiteError(
            f"Settings low_level_blocks {low_level} and branch_blocks {branch} of siv_gan need pictures of {2 ** (low_level + branch)} "
            f"pixels a side, but these are {grid[0] * step} x {grid[1] * step}; use fewer blocks or larger frames."
        )
    return Shape(blocks, tuple(grid), low_level, branch)


class GeneratorBlock(nn.Module):
    """Residual block as in BigGAN, without normalisation: act, x2, conv 3x3, act, conv 3x3, beside x2 and conv 1x1.

    The shortcut's 1x1 runs before the upsampling, with which it commutes. `rgb` adds the to-RGB convolution.
    """

    def __init__(self, inputs: int, outputs: int, upsample: bool, rgb: bool):
        super().__init__()
        middle = min(inputs, outputs)
        self.first = SpectralConv2d(inputs, middle, 3, resample="up" if upsample else None)
        self.second = SpectralConv2d(middle, outputs, 3)
        self.shortcut = SpectralConv2d(inputs, outputs, 1, bias=False)
        self.to_rgb = SpectralConv2d(outputs, 3, 3) if rgb else None
        self.scale = 2 if upsample else 1

    def forward(self, x: Tensor) -> Tensor:
        shortcut = F.interpolate(self.shortcut(x), scale_factor=self.scale, mode="nearest")
        return self.second(F.leaky_relu_(self.first(F.leaky_relu(x, SLOPE)), SLOPE)) + shortcut


class Generator(SpectralNetwork):
    """From latents (n, 64) through a small grid to pictures; the blocks that D reads give a picture each (MSG-GAN)."""

    def __init__(self, shape: Shape, settings: Settings):
        super().__init__()
        widths = [settings.width * w for w in WIDTHS[-shape.generator_blocks - 1 :]]
        self.grid, self.project = shape.grid, None
        if settings.latent == "projected":
            self.project = nn.ConvTranspose2d(settings.latent_size, widths[0], shape.grid, bias=False)
        else:
            widths[0] = settings.latent_size
        first_rgb = shape.generator_blocks - shape.low_level_blocks
        self.blocks = nn.ModuleList(
            GeneratorBlock(inputs, outputs, upsample=i > 0, rgb=i >= first_rgb)
            for i, (inputs, outputs) in enumerate(zip(widths, widths[1:], strict=False))
        )

    def features(self, latents: Tensor) -> list[Tensor]:
        """G^l(z): the maps after every block, coarse to fine, (n, C_l, h_l, w_l)."""
        x = latents[:, :, None, None]
        x = x.expand(-1, -1, *self.grid) if self.project is None else self.project(x)
        features = [x.contiguous(memory_format=torch.channels_last)]
        for block in self.blocks:
            features.append(block(features[-1]))
        return features[1:]

    def pyramid(self, features: list[Tensor], scales: int | None = None) -> list[Tensor]:
        """The pictures of the last `scales` blocks in [-1, 1], fine to coarse; by default of all that D reads."""
        pairs = [(block, x) for block, x in zip(self.blocks, features, strict=True) if block.to_rgb is not None]
        return [torch.tanh(block.to_rgb(x)) for block, x in reversed(pairs[-(scales or len(pairs)) :])]


class DiscriminatorBlock(nn.Module):
    """Residual block and its decision: act, conv, act, conv, 2x2 average, beside 2x2 average and conv 1x1."""

    def __init__(self, inputs: int, middle: int, outputs: int, kernel: int = 3):
        super().__init__()
        self.pool = kernel > 1
        self.first = SpectralConv2d(inputs, middle, kernel)
        self.second = SpectralConv2d(middle, outputs, kernel, resample="down" if self.pool else None)
        self.shortcut = SpectralConv2d(inputs, outputs, 1, bias=False)
        self.decide = SpectralConv2d(outputs, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        shortcut = self.shortcut(F.avg_pool2d(x, 2) if self.pool else x)
        return self.second(F.leaky_relu_(self.first(F.leaky_relu(x, SLOPE)), SLOPE)) + shortcut


class Discriminator(SpectralNetwork):
    """Low-level blocks, then a branch that sees only the content of F(x) and one that sees only its layout (Fig. 2)."""

    def __init__(self, shape: Shape, settings: Settings):
        super().__init__()
        widths = [settings.width * w for w in DISCRIMINATOR_WIDTHS]
        low_level, self.mixing = shape.low_level_blocks, settings.feature_mixing
        self.from_rgb = nn.ModuleList(SpectralConv2d(3, w // 8 if i else w, 3) for i, w in enumerate(widths[:low_level]))
        self.low_level = nn.ModuleList(
            DiscriminatorBlock(widths[i] + (widths[i] // 8 if i else 0), widths[i], widths[i + 1]) for i in range(low_level)
        )
        tail = list(zip(widths[low_level:], widths[low_level + 1 :], strict=False))[: shape.branch_blocks]
        self.branches = nn.ModuleDict()
        if settings.content_branch:
            self.branches["content"] = nn.ModuleList(DiscriminatorBlock(a, a, b, kernel=1) for a, b in tail)
        if settings.layout_branch:
            self.squeeze = SpectralConv2d(widths[low_level], 1, 1)
            self.branches["layout"] = nn.ModuleList(DiscriminatorBlock(1, 1, 1) for _ in tail)
        if not self.branches:
            self.branches["trunk"] = nn.ModuleList(DiscriminatorBlock(a, a, b) for a, b in tail)

    def views(self, x: Tensor) -> dict[str, Tensor]:
        """What each branch sees of F(x) (n, C, h, w): the means of its channels, or one channel of its places."""
        squeeze = {
            "content": lambda: x.mean((2, 3), keepdim=True),  # F_content: (n, C, 1, 1)
            "layout": lambda: self.squeeze(x),  # F_layout: (n, 1, h, w)
            "trunk": lambda: x,
        }
        return {part: squeeze[part]() for part in self.branches}

    def mix(self, part: str, x: Tensor, real: int, generator: torch.Generator) -> Tensor:
        """Feature augmentation (FA) of the first `real` samples: rectangles of layout, channels of content."""
        if part != "content":
            x = torch.cat([mix_rectangle(x[:real], self.mixing, generator), x[real:]])
        if part != "layout":
            x = torch.cat([mix_channels(x[:real], self.mixing, generator), x[real:]])
        return x

    def forward(self, pyramid: list[Tensor], real: int = 0, generator: torch.Generator | None = None) -> dict[str, list[Tensor]]:
        """Decisions (logits, one map per block) of each part on pictures given at every scale, fine to coarse.

        The first `real` samples are real: their branch features are mixed, with draws from `generator`.
        """
        x, decisions = None, {"low_level": []}
        for block, from_rgb, images in zip(self.low_level, self.from_rgb, pyramid, strict=True):
            rgb = from_rgb(images)  # phi_lin_cat (Karnewar and Wang 2020)
            x = block(rgb if x is None else torch.cat([x, rgb], dim=1))
            decisions["low_level"].append(block.decide(x))
        for part, view in self.views(x).items():
            if real and self.mixing:
                view = self.mix(part, view, real, generator)
            decisions[part] = []
            for block in self.branches[part]:
                view = block(view)
                decisions[part].append(block.decide(view))
        return decisions


class SIVGAN(Method):
    """SIV-GAN's training state: one step is one update of D, then one of G (section 3.3)."""

    Settings = Settings
    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": dict(iterations=20, width=8, batch_size=3, average=0.9),
        "lesson": dict(iterations=4000, width=16, average=0.999),
        "paper": {},
    }

    def __init__(self, frames: Tensor, settings: Settings, device: torch.device, precision: str, seed: int):
        self.settings, self.device, self.precision = settings, device, precision
        self.shape = choose_shape(*frames.shape[2:], settings)
        self.size = self.shape.size
        self.iterations = settings.iterations or (100_000 if len(frames) == 1 else 300_000)
        self.generator = torch.Generator(device).manual_seed(seed)
        self.G, self.D = Generator(self.shape, settings), Discriminator(self.shape, settings)
        for network in (self.G, self.D):
            network.prepare(device, self.generator)
        self.average = deepcopy(self.G)  # EMA of G, which draws all samples
        self.optimisers = {network: adam(network, settings.learning_rate) for network in (self.G, self.D)}
        self.count = torch.zeros((), device=device)  # iterations done
        resized = F.interpolate(frames.to(device), self.size, mode="bilinear", antialias=True, align_corners=False)
        self.real = [resized.contiguous(memory_format=torch.channels_last)]
        while len(self.real) < self.shape.low_level_blocks:
            self.real.append(F.avg_pool2d(self.real[-1], 2))

    def step(self) -> dict[str, Tensor]:
        n, settings = self.settings.batch_size, self.settings
        with self.arithmetic():
            with torch.no_grad():
                fake = self.G.pyramid(self.G.features(self.noise(n)))
            chosen = torch.randint(len(self.real[0]), (n,), generator=self.generator, device=self.device)
            pairs = [torch.cat([real[chosen], images]) for real, images in zip(self.real, fake, strict=True)]
            decisions = self.D(self.augment(pairs), real=n, generator=self.generator)
            loss_D = self.total({part: losses.discriminator_part_loss(maps, n) for part, maps in decisions.items()})
        self.update(self.D, loss_D)
        with self.arithmetic():
            latents = self.noise(n)
            features = self.G.features(latents)
            fake = self.G.pyramid(features)
            decisions = self.D(self.augment(fake))
            loss_G = self.total({part: losses.generator_part_loss(maps) for part, maps in decisions.items()})
            diversity = self.diversity(latents, features, fake[0])
        self.update(self.G, loss_G - settings.balance * settings.diversity_weight * diversity)
        self.count += 1
        # A short training needs a shorter memory at its start, or its average would be that of the first weights.
        average_weights(self.average, self.G, 1 - ((1 + self.count) / (10 + self.count)).clamp(max=settings.average))
        return {"D": loss_D.detach(), "G": loss_G.detach(), "diversity": diversity.detach()}

    def noise(self, n: int) -> Tensor:
        return torch.randn((n, self.settings.latent_size), generator=self.generator, device=self.device)

    def augment(self, pyramid: list[Tensor]) -> list[Tensor]:
        """DA: one transform per sample, the same at every scale."""
        transforms = draw_transforms(len(pyramid[0]), *self.size, self.settings.augmentation, self.generator)
        return [transform(images, transforms) for images in pyramid]

    def total(self, parts: dict[str, Tensor]) -> Tensor:
        """Eq. 3: content + layout + 2 low-level; a trunk instead of the two branches counts as both."""
        weights = {"content": 1, "layout": 1, "trunk": 2, "low_level": 2 if self.settings.low_level_loss else 0}
        return sum(weights[part] * loss for part, loss in parts.items())

    def diversity(self, latents: Tensor, features: list[Tensor], images: Tensor) -> Tensor:
        """What G maximises beside deceiving D: Eq. 4 or one of its alternatives (Table 4)."""
        match self.settings.diversity:
            case "features":
                return losses.diversity_in_features(features)
            case "images":
                return losses.pair_distance(images)
            case "DS":
                return losses.diversity_sensitive(images, latents)
            case "zCR":
                nearby = self.G.features(latents + 0.1 * self.noise(len(latents)))
                return losses.latent_consistency(images, self.G.pyramid(nearby, scales=1)[0])
            case "none":
                return torch.zeros((), device=self.device)

    def update(self, network: SpectralNetwork, loss: Tensor) -> None:
        network.backward(loss)
        if self.settings.decay:
            left = (self.iterations - self.count) / (self.settings.decay * self.iterations)
            self.optimisers[network].param_groups[0]["lr"].copy_(self.settings.learning_rate * left.clamp(max=1))
        self.optimisers[network].step()
        network.normalize()

    def arithmetic(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16")

    def draw_latents(self, n: int, seed: int) -> Tensor:
        return torch.randn((n, self.settings.latent_size), generator=torch.Generator().manual_seed(seed))

    @torch.no_grad()
    def generate(self, latents: Tensor) -> Tensor:
        self.average.normalize(iterate=False)
        return self.average.pyramid(self.average.features(latents.to(self.device)), scales=1)[0]

    def state(self) -> dict[str, Tensor]:
        networks = {"G": self.G, "D": self.D, "average": self.average}
        state = {f"{name}.{key}": tensor for name, net in networks.items() for key, tensor in net.state_dict().items()}
        for name, network in (("G", self.G), ("D", self.D)):
            state |= {f"{name}.adam.{k}": v for k, v in adam_state(self.optimisers[network], network).items()}
        return state | {"count": self.count}

    def load_state(self, state: dict[str, Tensor]) -> None:
        super().load_state(state)
        for network in (self.G, self.D):
            network.normalize(iterate=False)
