"""FastGAN: Liu, Zhu, Song, Elgammal, "Towards Faster and Stabilized GAN Training for High-fidelity Few-shot Image
Synthesis" (ICLR 2021), whose sections are named below; "release" is its authors' program."""

import math
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from siv_lite import losses
from siv_lite.augment import diff_augment
from siv_lite.blocks import SLOPE, SpectralConv2d, SpectralNetwork, adam, average_weights
from siv_lite.errors import SivLiteError
from siv_lite.methods import Method
from siv_lite.metrics.pretrained import ALEXNET_SIDE, lpips_vectors

WIDTHS = (16, 8, 4, 2, 2, 1, 1 / 2, 1 / 4, 1 / 8)  # channels of G in units of `width`, from the latent grid on
DISCRIMINATOR_WIDTHS = (8, 4, 2, 1, 1 / 2, 1 / 4, 1 / 8)  # from twice the grid on
DECODER_WIDTHS = (2, 1, 1, 1 / 2)
Conv = partial(SpectralConv2d, bias=False)


@dataclass(frozen=True)
class Settings:
    """What a training is made of; the defaults are the release's."""

    iterations: int = 50_000
    batch_size: int = 8
    width: int = 64  # ngf, ndf
    latent_size: int = 256
    # How restored pictures are compared: LPIPS of AlexNet (release: of VGG) or L1 at four scales. "auto" settles in the
    # first step, for good: LPIPS if its weights are there and the pictures large enough. The log names what it was.
    reconstruction: Literal["auto", "lpips", "l1"] = "auto"
    learning_rate: float = 2e-4
    average: float = 0.999  # of the weights' moving average (EMA)


def latent_grid(height: int, width: int) -> tuple[tuple[int, int], int]:
    """(h, w) of G's coarsest map and how often it doubles, for pictures (height, width) of any size from 32 px: 4 x 4
    and six times at 256 px, as in the release; at least 3 cells a side, nearly in the shape of the pictures."""
    short, long = sorted((height, width))
    doublings = min(round(math.log2(long)) - 2, math.floor(math.log2(short / 2.5)), len(WIDTHS) - 1)
    narrow = max(3, round(short / 2**doublings))
    grid = narrow, round(narrow * long / short)
    return (grid if height <= width else grid[::-1]), doublings


def excitation(inputs: int, outputs: int) -> nn.Sequential:
    """Skip-layer excitation (section 3.1): factors (n, outputs, 1, 1) for one map from 4 x 4 cells of another."""
    first, second = Conv(inputs, outputs, 4, padding=0), Conv(outputs, outputs, 1)
    return nn.Sequential(nn.AdaptiveAvgPool2d(4), first, nn.SiLU(), second, nn.Sigmoid())


def gate(x: Tensor) -> Tensor:
    """Gated linear unit of maps (n, 2 c, h, w); PyTorch's own loses channels-last memory in its backward pass."""
    values, gates = x.chunk(2, dim=1)
    return values * torch.sigmoid(gates)


class GatedConv(nn.Module):
    """Convolution 3x3, if `noisy` noise of learned strength, one for all channels, normalisation, gated linear unit."""

    def __init__(self, inputs: int, outputs: int, noisy: bool = False, resample: str | None = "up"):
        super().__init__()
        self.conv = Conv(inputs, 2 * outputs, 3, resample=resample)
        self.norm = nn.BatchNorm2d(2 * outputs)
        self.strength = nn.Parameter(torch.empty(())) if noisy else None

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        x = self.conv(x)
        if generator is not None and self.strength is not None:
            noise = torch.randn((len(x), 1, *x.shape[2:]), generator=generator, device=x.device)
            x = torch.addcmul(x, self.strength, noise)
        return gate(self.norm(x))


class Generator(SpectralNetwork):
    """Latents to pictures at two sizes, by blocks that are in turn two convolutions with noise and one without."""

    def __init__(self, settings: Settings, grid: tuple[int, int], doublings: int):
        super().__init__()
        widths = [int(settings.width * w) for w in WIDTHS[: doublings + 1]]
        self.grid, self.small, self.blocks = grid, min(5, doublings - 1), nn.ModuleList()
        # Release: a transposed convolution, whose norm is of another matrix; the normalisation behind undoes both.
        self.project = Conv(settings.latent_size, 2 * widths[0] * math.prod(grid), 1)
        self.norm = nn.BatchNorm2d(2 * widths[0])
        for level, (a, b) in enumerate(pairwise(widths), start=1):
            noisy = GatedConv(a, b, noisy=True), GatedConv(b, b, noisy=True, resample=None)
            self.blocks.append(nn.ModuleList(noisy if level % 2 else [GatedConv(a, b)]))
        self.excitations = nn.ModuleList(excitation(a, b) for a, b in zip(widths, widths[4:8], strict=False))
        self.to_big, self.to_small = Conv(widths[-1], 3, 3), Conv(widths[self.small], 3, 1)

    @torch.no_grad()
    def prepare(self, device: torch.device, generator: torch.Generator) -> None:
        super().prepare(device, generator)
        torch._foreach_zero_([parameter for name, parameter in self.named_parameters() if name.endswith("strength")])

    def forward(self, latents: Tensor, generator: torch.Generator | None = None) -> list[Tensor]:
        """Pictures (n, 3, H, W) and smaller ones, of half that size or 32 times the grid, in [-1, 1], of latents
        (n, d); noise is injected only with a `generator`."""
        x = self.project(latents[:, :, None, None]).view(len(latents), *self.grid, -1).permute(0, 3, 1, 2)
        maps = [gate(self.norm(x))]
        for level, block in enumerate(self.blocks, start=1):
            x = maps[-1]
            for layer in block:
                x = layer(x, generator)
            maps.append(x * self.excitations[level - 4](maps[level - 4]) if 4 <= level < 8 else x)
        return [torch.tanh(self.to_big(maps[-1])), torch.tanh(self.to_small(maps[self.small]))]


def activated(widths: list[int], kernel: int, first_norm: bool = True) -> list[nn.Module]:
    """Convolutions from one number of channels to the next, of stride 2 if 4x4, each normalised and rectified."""
    layers = []
    for a, b in pairwise(widths):
        norm = [nn.BatchNorm2d(b)] if layers or first_norm else []
        layers += [Conv(a, b, kernel, stride=2 if kernel == 4 else 1), *norm, nn.LeakyReLU(SLOPE, inplace=True)]
    return layers


class DownBlock(nn.Module):
    """The mean of two ways to halve a map: two convolutions, and average pooling before a 1x1 one."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.main = nn.Sequential(*activated([inputs, outputs], 4), *activated([outputs, outputs], 3))
        self.direct = nn.Sequential(nn.AvgPool2d(2), *activated([inputs, outputs], 1))

    def forward(self, x: Tensor) -> Tensor:
        return (self.main(x) + self.direct(x)) / 2


def quarter(x: Tensor, corner: Tensor) -> Tensor:
    """One quarter (n, c, h / 2, w / 2) of maps: that of `corner` (2, 1), row and column, each 0 or 1."""
    rows = x.unflatten(2, (2, -1)).index_select(2, corner[0]).squeeze(2)
    return rows.unflatten(3, (2, -1)).index_select(3, corner[1]).squeeze(3)


class Discriminator(SpectralNetwork):
    """Judges pictures at both sizes, apart from each other, in maps of twice the latent grid. Decoders restore real
    pictures from these maps, so that D looks at all of them (section 3.2)."""

    def __init__(self, settings: Settings, doublings: int):
        super().__init__()
        n, width = min(5, doublings - 1), settings.width
        widths, restored = ([int(width * w) for w in x] for x in (DISCRIMINATOR_WIDTHS, DECODER_WIDTHS[: n - 1]))
        fine, finer = widths[n::-1], widths[doublings - 2 : n : -1]  # finer than the blocks: from 512 px on
        self.stem = nn.Sequential(*activated([3, *finer, fine[0]], 4 if doublings > 6 else 3, first_norm=False))
        self.blocks = nn.ModuleList(DownBlock(a, b) for a, b in pairwise(fine))
        self.excitations = nn.ModuleList(excitation(a, b) for a, b in zip(fine, fine[3:], strict=False))
        self.score_big = nn.Sequential(*activated([widths[0], 16 * width], 1), Conv(16 * width, 1, 4, padding=0))
        self.small = nn.Sequential(*activated([3, *widths[n - 1 : 0 : -1]], 4, first_norm=False))
        self.score_small = Conv(widths[1], 1, 4, padding=0)
        self.decoders = nn.ModuleList()  # of the whole picture, of a quarter, of the small picture
        for inputs in (widths[0], widths[1], widths[1]):
            convs = [GatedConv(a, b) for a, b in pairwise([inputs, *restored])]
            self.decoders.append(nn.Sequential(*convs, Conv(restored[-1], 3, 3), nn.Tanh()))

    def forward(self, big: Tensor, small: Tensor, corner: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Scores of all patches at both sizes in one row, high for real ones; with `corner` also (3 n, 3, h, w) in
        [-1, 1], restored at the small size: the whole pictures, their quarters in that corner, the small pictures."""
        maps = [self.stem(big)]
        for i, block in enumerate(self.blocks):
            x = block(maps[-1])
            maps.append(x * self.excitations[i - 2](maps[i - 2]) if i >= 2 else x)
        small = self.small(small)
        scores = torch.cat([self.score_big(maps[-1]).flatten(), self.score_small(small).flatten()]).float()
        if corner is None:
            return scores, None
        sources = maps[-1], quarter(maps[-2], corner), small
        return scores, torch.cat([decoder(x) for decoder, x in zip(self.decoders, sources, strict=True)])


class FastGAN(Method):
    """FastGAN's training state: one step is one update of D, then one of G. Samples come from the moving average of G's
    weights, by the running statistics of its normalisations and without injected noise: from their latents alone.
    Unlike the release, tanh ends pictures of 256 px too, and small copies of real ones are averaged, not subsampled."""

    Settings = Settings
    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": dict(iterations=20, width=8, latent_size=32, batch_size=3, average=0.9),
        "lesson": dict(iterations=1800, width=16, batch_size=4),
        "paper": {},
    }
    BOUNDS: ClassVar[dict[str, tuple[float, float]]] = dict(
        iterations=(1, 10**8), batch_size=(2, 256), width=(8, 1024), latent_size=(1, 4096),
        learning_rate=(0, 1e6), average=(0, 1),
    )
    kept = ("count", "perceptual")

    def __init__(self, frames: Tensor, settings: Settings, device: torch.device, precision: str, seed: int):
        self.settings, self.precision, self.iterations = settings, precision, settings.iterations
        grid, doublings = latent_grid(*frames.shape[2:])
        self.size = (grid[0] << doublings, grid[1] << doublings)
        self.generator = torch.Generator(device).manual_seed(seed)
        self.G, self.D = Generator(settings, grid, doublings), Discriminator(settings, doublings)
        self.shrink = 2 ** (doublings - self.G.small)  # pixels of a picture in one of the small picture
        self.reconstruction, least = settings.reconstruction, ALEXNET_SIDE * self.shrink
        if self.reconstruction == "lpips" and min(self.size) < least:
            raise SivLiteError(f"LPIPS needs pictures of {least} px a side, not {self.size}; use reconstruction='l1'")
        for network in (self.G, self.D):
            network.prepare(device, self.generator)
        self.average = deepcopy(self.G).eval()  # EMA of G
        self.networks = {"G": self.G, "D": self.D, "average": self.average}
        self.optimisers = {name: adam(self.networks[name], settings.learning_rate) for name in "GD"}
        self.count, self.perceptual = torch.zeros((), device=device), torch.zeros((), device=device)
        self.real = F.interpolate(frames.to(device), self.size, mode="bilinear", antialias=True, align_corners=False)

    def load_state(self, state: dict[str, Tensor]) -> None:
        super().load_state(state)
        self.reconstruction = "lpips" if self.perceptual else "l1"

    def step(self) -> dict[str, Tensor]:
        """One update of D, which also restores what it saw, then one of G."""
        settings, n = self.settings, self.settings.batch_size
        draw = {"generator": self.generator, "device": self.count.device}
        mirrored = torch.rand((n, 1, 1, 1), **draw) < 0.5  # release
        real = self.real[torch.randint(len(self.real), (n,), **draw)]
        real = diff_augment(torch.where(mirrored, real.flip(3), real), self.generator)
        small, corner = F.avg_pool2d(real, self.shrink), torch.randint(2, (2, 1), **draw)
        pictures = torch.cat([small, F.avg_pool2d(quarter(real, corner), self.shrink // 2), small])
        with self.arithmetic():
            fakes = self.G(torch.randn((n, settings.latent_size), **draw), self.generator)
            fakes = [diff_augment(fake, self.generator) for fake in fakes]
            scores, restored = self.D(real, small, corner)
            fake_scores, _ = self.D(*(fake.detach() for fake in fakes))
        loss_D = losses.hinge(scores, self.generator) + losses.hinge(-fake_scores, self.generator)
        error = self.distance(restored.float(), pictures)
        self.update(loss_D + error, D=settings.learning_rate)
        with self.arithmetic():
            loss_G = -self.D(*fakes)[0].mean()
        self.update(loss_G, G=settings.learning_rate)
        self.count += 1
        average_weights(self.average, self.G, settings.average, self.count)
        return {"D": loss_D.detach(), "G": loss_G.detach(), f"reconstruction_{self.reconstruction}": error.detach()}

    def distance(self, restored: Tensor, pictures: Tensor) -> Tensor:
        """Of pictures (n, 3, h, w), the sum over pairs (release) of LPIPS or of the multi-scale L1 distance."""
        if self.reconstruction == "auto":
            self.reconstruction = "l1"
            with suppress(SivLiteError):  # without weights
                if min(pictures.shape[2:]) >= ALEXNET_SIDE and len(lpips_vectors(pictures[:1])):
                    self.reconstruction = "lpips"
        self.perceptual.fill_(self.reconstruction == "lpips")
        if self.reconstruction == "lpips":
            return (lpips_vectors(restored) - lpips_vectors(pictures)).square().sum()
        return losses.multi_scale_l1(restored, pictures).sum()

    def draw_latents(self, n: int, seed: int) -> Tensor:
        return torch.randn((n, self.settings.latent_size), generator=torch.Generator().manual_seed(seed))

    @torch.no_grad()
    def generate(self, latents: Tensor) -> Tensor:
        self.average.normalize(iterate=False)
        return self.average(latents.to(self.count.device))[0]
