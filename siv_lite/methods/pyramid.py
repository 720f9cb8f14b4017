"""What pyramids share: stages from coarse to fine, each trained on top of those that are finished."""

import math
from abc import abstractmethod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from siv_lite.blocks import SLOPE, Network
from siv_lite.errors import SivLiteError
from siv_lite.methods import Method


def resize(images: Tensor, size: tuple[int, ...]) -> Tensor:
    """Images (n, c, H, W) at another (H, W), bicubic, antialiased where they shrink (SinGAN's release), or videos
    (n, c, T, H, W) at another (T, H, W), trilinear, which keeps the first and last picture (HP-VAE-GAN)."""
    if tuple(images.shape[2:]) == tuple(size):
        return images
    if images.ndim == 5:
        return F.interpolate(images, tuple(size), mode="trilinear", align_corners=True)
    return F.interpolate(images, tuple(size), mode="bicubic", antialias=True, align_corners=False)


def pyramid_sizes(height: int, width: int, coarsest: int, factor: float) -> list[tuple[int, int]]:
    """(H, W) of every stage, coarse to fine. The shorter side grows from `coarsest` pixels by about 1 / `factor` each
    time: by a little less, so that the last is the frames' own (SinGAN, section 3.2; as many stages as in its release,
    one more than are needed)."""
    short = min(height, width)
    steps = math.ceil(math.log(min(coarsest, short) / short, factor)) + 1
    scales = [(min(coarsest, short) / short) ** ((steps - i) / steps) for i in range(steps + 1)]
    return [(math.ceil(height * scale - 1e-9), math.ceil(width * scale - 1e-9)) for scale in scales]


def conv_block(inputs: int, outputs: int, norm: bool = True, slope: float = SLOPE) -> nn.Sequential:
    """Convolution 3x3 without padding, batch normalisation (in training of one picture at a time), leaky ReLU."""
    layers = [nn.Conv2d(inputs, outputs, 3), *([nn.BatchNorm2d(outputs)] if norm else [])]
    return nn.Sequential(*layers, nn.LeakyReLU(slope, inplace=True))


class Pyramid(Method):
    """A method whose stages each have a generator `G0`, `G1`, ... of their own, from a coarser picture and noise to a
    finer picture. A subclass says how one begins (`grow`), how it refines a picture and what noise it takes."""

    resizable = editable = True
    kept = ("count", "amplitudes", "fixed")
    stage = -1  # in training
    sizes: list[tuple[int, ...]]  # of the pictures of every stage
    amplitudes: Tensor  # standard deviation of the noise of every stage
    fixed: Tensor  # z* of the coarsest stage, from which frame i is reconstructed: (N, c, h, w)

    def __init__(self, frames: Tensor, settings: Any, device: torch.device, precision: str, seed: int):
        self.settings, self.precision = settings, precision
        self.generator = torch.Generator(device).manual_seed(seed)
        self.stages, self.size = len(self.sizes), self.sizes[-1][-2:]
        self.iterations = self.stages * settings.iterations
        self.count = torch.zeros((), device=device)
        self.amplitudes = torch.zeros(self.stages, device=device)
        self.real = [resize(frames.to(device), size[-2:]) for size in self.sizes]
        self.networks, self.optimisers = {}, {}
        if "fixed" in self.kept:
            shape = (len(frames), *self.noise_shapes(self.sizes)[0])
            self.fixed = torch.randn(shape, generator=self.generator, device=device)
        self.enter(1)

    @abstractmethod
    def grow(self) -> None:
        """Add the networks and optimisers of stage `self.stage`."""

    @abstractmethod
    def noise_shapes(self, sizes: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
        """The shape of each stage's noise for pictures of these sizes, without that of the batch."""

    @abstractmethod
    def refine(self, stage: int, picture: Tensor | None, noise: Tensor, size: tuple[int, ...]) -> Tensor:
        """What the generator of `stage` makes of a coarser picture (None at the coarsest) and N(0, 1) noise."""

    def enter(self, iteration: int) -> bool:
        """Every stage has equally many iterations, `settings.iterations`."""
        wanted = min((iteration - 1) // self.settings.iterations, self.stages - 1)
        changed = wanted > self.stage
        while self.stage < wanted:
            self.stage += 1
            self.grow()
        if changed:
            self.settle()
        return changed

    def load_state(self, state: dict[str, Tensor]) -> None:
        super().load_state(state)
        self.settle()

    @torch.no_grad()
    def settle(self) -> None:
        """Find what the stage in training starts from: the frames' reconstruction below it, and its noise amplitude,
        in proportion to the error of that reconstruction (SinGAN, section 3.3)."""
        self.reconstructed = None
        self.amplitudes[0] = 1
        if self.stage:
            self.rest()
            coarser = self.refine_all(self.fixed_noise(len(self.fixed)), self.sizes[: self.stage])
            self.reconstructed = resize(coarser, self.sizes[self.stage])
            error = F.mse_loss(self.reconstructed, self.real[self.stage]).sqrt()
            self.amplitudes[self.stage] = self.settings.noise * error

    def rest(self, *but: Network) -> None:
        """Let all networks normalise with the statistics that they have learned, but for those in training."""
        for network in self.networks.values():
            network.train(any(network is other for other in but))

    def rate(self) -> Tensor:
        """The learning rate: a tenth in the last fifth of every stage."""
        left = (self.stage + 1) * self.settings.iterations - self.count
        return self.settings.learning_rate * torch.where(5 * left > self.settings.iterations, 1.0, 0.1)

    def noise(self, n: int, sizes: list[tuple[int, ...]]) -> list[Tensor]:
        """Fresh noise for `n` pictures at each of these stages."""
        draw = {"generator": self.generator, "device": self.count.device}
        return [torch.randn((n, *shape), **draw) for shape in self.noise_shapes(sizes)]

    def fixed_noise(self, n: int) -> list[Tensor]:
        """z* of `n` pictures: the fixed noise of the frames in turn at the coarsest stage, zeros at all others."""
        place = self.fixed.device
        turns = self.fixed[torch.arange(n, device=place) % len(self.fixed)]
        return [turns, *(torch.zeros((n, *shape), device=place) for shape in self.noise_shapes(self.sizes)[1:])]

    def refine_all(self, noise: list[Tensor], sizes: list, picture: Tensor | None = None, begin: int = 0) -> Tensor:
        """The picture after all stages from `begin` to that of the last of `sizes`."""
        for stage in range(begin, len(sizes)):
            picture = self.refine(stage, picture, noise[stage], sizes[stage])
        return picture

    def scaled(self, size: tuple[int, int] | None) -> list[tuple[int, ...]]:
        """The sizes of all stages for pictures of another (H, W)."""
        height, width = self.size if size is None else size
        high, wide = height / self.size[0], width / self.size[1]
        return [(*s[:-2], math.ceil(s[-2] * high - 1e-9), math.ceil(s[-1] * wide - 1e-9)) for s in self.sizes]

    def draw_latents(self, n: int, seed: int, size: tuple[int, int] | None = None) -> Tensor:
        shapes = self.noise_shapes(self.scaled(size))
        generator = torch.Generator().manual_seed(seed + 2**31)  # a training's own seed would draw its z* again
        return torch.randn((n, sum(map(math.prod, shapes))), generator=generator)

    def split(self, latents: Tensor, sizes: list[tuple[int, ...]]) -> list[Tensor]:
        """Latents (n, D) as the noise of every stage."""
        shapes = self.noise_shapes(sizes)
        parts = latents.to(self.count.device).split(list(map(math.prod, shapes)), dim=1)
        return [part.unflatten(1, shape) for part, shape in zip(parts, shapes, strict=True)]

    @torch.no_grad()
    def generate(
        self,
        latents: Tensor,
        size: tuple[int, int] | None = None,
        start: int = 0,
        stage: int | None = None,
        image: Tensor | None = None,
    ) -> Tensor:
        """Pictures of `stage` (by default the newest finished one). Noise comes in at stage `start`; below it stands
        `image` (n or 1, 3, h, w), reduced, or else the reconstruction of the frames."""
        finished = max(1, int(self.count) // self.settings.iterations)
        last = finished - 1 if stage is None else stage
        if last >= finished:
            raise SivLiteError(f"Stage {stage} is not trained yet; take one from 0 to {finished - 1}, or wait")
        self.rest()
        sizes, picture, n = self.scaled(size)[: last + 1], None, len(latents)
        noise = self.split(latents, self.scaled(size))
        if image is None and size is None:
            noise[:start] = self.fixed_noise(n)[:start]
        elif start:
            image = self.real[-1][:1] if image is None else image.to(self.count.device)
            picture = resize(image, sizes[start - 1]).expand(n, *[-1] * (image.ndim - 1))
        return self.refine_all(noise, sizes, picture, begin=0 if picture is None else start).clamp(-1, 1)


class PatchDiscriminator(Network):
    """Five convolutions 3x3 without padding, so that every value of the map judges a patch of 11 x 11 pixels."""

    def __init__(self, width: int, norm: bool = True, slope: float = SLOPE):
        super().__init__()
        blocks = (conv_block(width if i else 3, width, norm, slope) for i in range(4))
        self.layers = nn.Sequential(*blocks, nn.Conv2d(width, 1, 3))

    def forward(self, images: Tensor) -> Tensor:
        """Scores (n, 1, H - 10, W - 10) of images (n, 3, H, W): high for real ones."""
        return self.layers(images)
