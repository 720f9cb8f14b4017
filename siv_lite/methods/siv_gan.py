"""SIV-GAN: Sushko, Zhang, Gall, Khoreva, "Generating Novel Scene Compositions from Single Images and Videos" (earlier
"One-Shot GAN", CVPRW 2021), whose sections, equations and tables are named below; "release" is its authors' program."""

import itertools
import math
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from siv_lite import losses
from siv_lite.augment import apply_transforms, mix_channels, mix_rectangle, sample_transforms
from siv_lite.blocks import SLOPE, SpectralConv2d, SpectralNetwork, adam, average_weights
from siv_lite.errors import SivLiteError
from siv_lite.methods import Method

BOUNDS = {  # least and greatest value of a setting
    **dict.fromkeys(("augmentation", "feature_mixing", "decay", "average"), (0, 1)),
    **dict.fromkeys(("diversity_weight", "balance", "learning_rate"), (0, 1e6)),
    **dict.fromkeys(("generator_blocks", "low_level_blocks", "branch_blocks"), (1, 9)),
    **{"batch_size": (2, 256), "width": (8, 1024), "latent_size": (1, 4096), "iterations": (1, 10**8)},
}
WIDTHS = (8, 8, 8, 8, 8, 8, 8, 4, 2, 1)  # of G, coarse to fine, in units of `width`: B blocks take the last B + 1
DISCRIMINATOR_WIDTHS = (1, 2, 4, 8, 8, 8, 8, 8, 8)
Decisions = dict[str, list[Tensor]]  # by part


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
    augmentation: float = 0.7  # probability of each kind of DA per sample
    feature_mixing: float = 0.4  # probability of FA per discriminator pass and kind
    diversity: Literal["features", "images", "DS", "zCR", "none"] = "features"  # Table 4
    diversity_weight: float = 0.15  # lambda (Table 5)
    balance: float = 16.0  # on lambda: 1 is Eq. 5 to the letter; release weighs DR 13 to 20 times more, by depth
    learning_rate: float = 2e-4
    decay: float = 0.0  # the share of the iterations, the last ones, over which the learning rate falls to zero
    average: float = 0.9999  # of the weights' moving average (EMA)


def complete(settings: Settings, count: int, height: int, width: int) -> Settings:
    """Fill in what follows from the frames: iterations, depths and latent grid, for any size from 32 px up. G doubles a
    grid, at least 3 cells high and wide and nearest to the frames in shape, as often as release does for the longer
    side (~1024 px: 9 blocks, ~512: 8, ~256: 7, ~128: 6, ~64: 5), less for elongated frames. The layout branch halves
    F(x) down to one pixel at most. Raises SivLiteError where overrides leave no room."""
    short, long = sorted((height, width))
    most = min(round(math.log2(long)) - 1, math.floor(math.log2(short / 2.5)) + 1, len(WIDTHS) - 1)
    blocks = settings.generator_blocks or most
    cell = 2 ** (blocks - 1)

    def misfit(grid: tuple[int, int]) -> tuple[bool, float]:
        rows, columns = math.log(grid[0] * cell / height), math.log(grid[1] * cell / width)
        return min(grid) < 3, abs(rows - columns) + abs(rows + columns) / 4  # of shape and of area

    sides = [(max(1, side // cell), side // cell + 1) for side in (height, width)]
    grid = settings.grid or min(itertools.product(*sides), key=misfit)
    if not all(1 <= side <= 64 for side in grid):
        raise SivLiteError(f"Setting grid of siv_gan must have sides of 1 to 64, not {grid}")
    halvings = math.floor(math.log2(min(grid) * cell))
    low_level = settings.low_level_blocks or blocks // 2
    branch = settings.branch_blocks or max(1, min((8 if blocks == 9 else 7) - low_level, halvings - low_level))
    if low_level + branch > min(halvings, len(DISCRIMINATOR_WIDTHS) - 1) or low_level > blocks:
        needed = f"{low_level} low_level_blocks and {branch} branch_blocks need pictures of {2 ** (low_level + branch)}"
        made = f"{blocks} generator_blocks make {grid[0] * cell} x {grid[1] * cell} of these frames"
        raise SivLiteError(f"{needed} px a side, but {made}; use fewer")
    found = {"generator_blocks": blocks, "grid": tuple(grid), "low_level_blocks": low_level, "branch_blocks": branch}
    return replace(settings, iterations=settings.iterations or (100_000 if count == 1 else 300_000), **found)


class GeneratorBlock(nn.Module):
    """Residual block as in BigGAN, without normalisation: act, x2, conv 3x3, act, conv 3x3, beside conv 1x1, x2."""

    def __init__(self, inputs: int, outputs: int, upsample: bool, rgb: bool):
        super().__init__()
        self.first = SpectralConv2d(inputs, min(inputs, outputs), 3, resample="up" if upsample else None)
        self.second = SpectralConv2d(min(inputs, outputs), outputs, 3)
        self.shortcut = SpectralConv2d(inputs, outputs, 1, bias=False)
        self.to_rgb = SpectralConv2d(outputs, 3, 3) if rgb else None

    def forward(self, x: Tensor) -> Tensor:
        shortcut = self.shortcut(x)  # before the upsampling, with which a 1x1 commutes
        if self.first.resample:
            shortcut = F.interpolate(shortcut, scale_factor=2, mode="nearest")
        return self.second(F.leaky_relu_(self.first(F.leaky_relu(x, SLOPE)), SLOPE)) + shortcut


class Generator(SpectralNetwork):
    """From latents (n, 64) through a small grid to pictures; the blocks that D reads give a picture each (MSG-GAN)."""

    def __init__(self, settings: Settings):
        super().__init__()
        widths = [settings.width * w for w in WIDTHS[-settings.generator_blocks - 1 :]]
        self.grid, self.project = settings.grid, None
        if settings.latent == "projected":
            self.project = nn.ConvTranspose2d(settings.latent_size, widths[0], settings.grid, bias=False)
        else:
            widths[0] = settings.latent_size
        coarse = settings.generator_blocks - settings.low_level_blocks  # blocks without a picture
        pairs = enumerate(itertools.pairwise(widths))
        self.blocks = nn.ModuleList(GeneratorBlock(a, b, upsample=i > 0, rgb=i >= coarse) for i, (a, b) in pairs)

    def features(self, latents: Tensor) -> list[Tensor]:
        """G^l(z): the maps after every block, coarse to fine, (n, C_l, h_l, w_l)."""
        x = latents[:, :, None, None]
        x = x.expand(-1, -1, *self.grid) if self.project is None else self.project(x)
        features = [x.contiguous(memory_format=torch.channels_last)]
        for block in self.blocks:
            features.append(block(features[-1]))
        return features[1:]

    def pyramid(self, features: list[Tensor], scales: int | None = None) -> list[Tensor]:
        """The pictures of the last `scales` blocks in [-1, 1], fine to coarse; by default all that D reads."""
        pairs = [(block, x) for block, x in zip(self.blocks, features, strict=True) if block.to_rgb is not None]
        return [torch.tanh(block.to_rgb(x)) for block, x in reversed(pairs[-(scales or len(pairs)) :])]


class DiscriminatorBlock(nn.Module):
    """Residual block and decision: act (not in the first, release), conv, act, conv, average, beside average, 1x1."""

    def __init__(self, inputs: int, middle: int, outputs: int, kernel: int = 3, activate: bool = True):
        super().__init__()
        self.pool, self.activate = kernel > 1, activate
        self.first = SpectralConv2d(inputs, middle, kernel)
        self.second = SpectralConv2d(middle, outputs, kernel, resample="down" if self.pool else None)
        self.shortcut = SpectralConv2d(inputs, outputs, 1, bias=False)
        self.decide = SpectralConv2d(outputs, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        shortcut = self.shortcut(F.avg_pool2d(x, 2) if self.pool else x)
        x = F.leaky_relu(x, SLOPE) if self.activate else x
        return self.second(F.leaky_relu_(self.first(x), SLOPE)) + shortcut


class Discriminator(SpectralNetwork):
    """Low-level blocks, then a branch that sees only the content of F(x) and one that sees only its layout (Fig. 2)."""

    def __init__(self, settings: Settings):
        super().__init__()
        widths = [settings.width * w for w in DISCRIMINATOR_WIDTHS]
        low, self.mixing = settings.low_level_blocks, settings.feature_mixing
        pairs = list(itertools.pairwise(widths))[: low + settings.branch_blocks]
        rgb = [widths[0], *(w // 8 for w in widths[1:low])]
        self.from_rgb = nn.ModuleList(SpectralConv2d(3, w, 3) for w in rgb)
        sizes = enumerate(zip(pairs, rgb, strict=False))
        blocks = (DiscriminatorBlock(a + w if i else a, a, b, activate=i > 0) for i, ((a, b), w) in sizes)
        self.low_level = nn.ModuleList(blocks)
        self.branches = nn.ModuleDict()
        if settings.content_branch:
            self.branches["content"] = nn.ModuleList(DiscriminatorBlock(a, a, b, kernel=1) for a, b in pairs[low:])
        if settings.layout_branch:
            self.squeeze = SpectralConv2d(widths[low], 1, 1)
            self.branches["layout"] = nn.ModuleList(DiscriminatorBlock(1, 1, 1) for _ in pairs[low:])
        if not self.branches:
            self.branches["trunk"] = nn.ModuleList(DiscriminatorBlock(a, a, b) for a, b in pairs[low:])

    def view(self, part: str, x: Tensor, real: int = 0, generator: torch.Generator | None = None) -> Tensor:
        """What a branch sees of F(x) (n, C, h, w); of the first `real` samples mixed (FA)."""
        if part == "content":
            x = x.mean((2, 3), keepdim=True)  # F_content: (n, C, 1, 1)
        elif part == "layout":
            x = self.squeeze(x)  # F_layout: (n, 1, h, w)
        if not (real and self.mixing):
            return x
        mixed = x[:real] if part == "content" else mix_rectangle(x[:real], self.mixing, generator)
        mixed = mixed if part == "layout" else mix_channels(mixed, self.mixing, generator)
        return torch.cat([mixed, x[real:]])

    def forward(self, pyramid: list[Tensor], real: int = 0, generator: torch.Generator | None = None) -> Decisions:
        """Logits, a map per block of each part, of pictures at all scales, fine to coarse; first `real` real ones."""
        x, decisions = None, {"low_level": []}
        for block, from_rgb, images in zip(self.low_level, self.from_rgb, pyramid, strict=True):
            rgb = from_rgb(images)
            x = block(rgb if x is None else torch.cat([x, rgb], dim=1))  # phi_lin_cat (Karnewar and Wang 2020)
            decisions["low_level"].append(block.decide(x))
        for part, blocks in self.branches.items():
            y, decisions[part] = self.view(part, x, real, generator), []
            for block in blocks:
                y = block(y)
                decisions[part].append(block.decide(y))
        return decisions


class SIVGAN(Method):
    """SIV-GAN's training state: one step is one update of D, then one of G (section 3.3)."""

    Settings, BOUNDS = Settings, BOUNDS
    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": dict(iterations=20, width=8, batch_size=3, average=0.9),
        "lesson": dict(iterations=4800, width=16, decay=0.3, average=0.999),
        "paper": {},
    }

    def __init__(self, frames: Tensor, settings: Settings, device: torch.device, precision: str, seed: int):
        self.settings = settings = complete(settings, len(frames), *frames.shape[2:])
        self.precision, self.iterations = precision, settings.iterations
        self.size = tuple(side * 2 ** (settings.generator_blocks - 1) for side in settings.grid)
        self.generator = torch.Generator(device).manual_seed(seed)
        self.G, self.D = Generator(settings), Discriminator(settings)
        for network in (self.G, self.D):
            network.prepare(device, self.generator)
        self.average = deepcopy(self.G)  # EMA of G, which draws all samples
        self.networks = {"G": self.G, "D": self.D, "average": self.average}
        self.optimisers = {name: adam(self.networks[name], settings.learning_rate) for name in "GD"}
        self.count = torch.zeros((), device=device)
        resized = F.interpolate(frames.to(device), self.size, mode="bilinear", antialias=True, align_corners=False)
        self.real = self.halve(resized.contiguous(memory_format=torch.channels_last))

    def halve(self, images: Tensor) -> list[Tensor]:
        """The images (n, 3, H, W) and their halves, fine to coarse: what the low-level blocks of D read."""
        pyramid = [images]
        while len(pyramid) < self.settings.low_level_blocks:
            pyramid.append(F.avg_pool2d(pyramid[-1], 2))
        return pyramid

    def step(self) -> dict[str, Tensor]:
        """One update of D, then one of G, judged by the new D (Eq. 3 and 5)."""
        settings, n = self.settings, self.settings.batch_size
        with self.arithmetic():
            with torch.no_grad():
                fake = self.G.pyramid(self.G.features(self.noise(n, self.generator)))
            chosen = torch.randint(len(self.real[0]), (n,), generator=self.generator, device=self.count.device)
            pairs = [torch.cat([real[chosen], images]) for real, images in zip(self.real, fake, strict=True)]
            decisions = self.D(self.augment(pairs), real=n, generator=self.generator)
            loss_D = self.total({part: losses.discriminator_part_loss(maps, n) for part, maps in decisions.items()})
        self.update(loss_D, D=self.rate())
        with self.arithmetic():
            latents = self.noise(n, self.generator)
            features = self.G.features(latents)
            fake = self.G.pyramid(features)
            decisions = self.D(self.augment(fake)).items()
            loss_G = self.total({part: losses.generator_part_loss(maps) for part, maps in decisions})
            diversity = self.diversity(latents, features, fake[0])
        self.update(loss_G - settings.balance * settings.diversity_weight * diversity, G=self.rate())  # Eq. 5
        self.count += 1
        average_weights(self.average, self.G, settings.average, self.count)
        return {"D": loss_D.detach(), "G": loss_G.detach(), "diversity": diversity.detach()}

    def rate(self) -> float | Tensor:
        """The learning rate; it falls to zero over the last share `decay` of the iterations."""
        if not self.settings.decay:
            return self.settings.learning_rate
        left = (self.iterations - self.count) / (self.settings.decay * self.iterations)
        return self.settings.learning_rate * left.clamp(max=1)

    def augment(self, pyramid: list[Tensor]) -> list[Tensor]:
        transforms = sample_transforms(len(pyramid[0]), *self.size, self.settings.augmentation, self.generator)
        return [apply_transforms(images, transforms) for images in pyramid]

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
                nearby = self.G.features(latents + 0.1 * self.noise(len(latents), self.generator))
                return losses.latent_consistency(images, self.G.pyramid(nearby, scales=1)[0])
        return torch.zeros_like(self.count)

    def noise(self, n: int, generator: torch.Generator) -> Tensor:
        return torch.randn((n, self.settings.latent_size), generator=generator, device=generator.device)

    def draw_latents(self, n: int, seed: int) -> Tensor:
        return self.noise(n, torch.Generator().manual_seed(seed))

    @torch.no_grad()
    def generate(self, latents: Tensor) -> Tensor:
        self.average.normalize(iterate=False)
        return self.average.pyramid(self.average.features(latents.to(self.count.device)), scales=1)[0]
