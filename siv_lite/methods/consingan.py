"""ConSinGAN: Hinz, Fisher, Wang, Wermter, "Improved Techniques for Training Single-Image GANs" (WACV 2021; "release" is
its authors' program). One generator grows: its stages hand on features, no pictures, and the newest train together."""

import functools
import itertools
import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from siv_lite import losses
from siv_lite.augment import recolor_rectangle, shuffle_rectangles
from siv_lite.blocks import Network, adam
from siv_lite.methods.pyramid import PatchDiscriminator, Pyramid, resize
from siv_lite.nn import linearize

SLOPE = 0.05  # of every leaky ReLU
MARGIN = 3  # pixels that a stage's convolutions take from every side of its features


@dataclass(frozen=True)
class Settings:
    """What a training is made of; the defaults are the paper's and the release's."""

    # What stage 0 learns from: noise, or the training image altered as if something had been pasted in or moved.
    mode: Literal["generation", "harmonization", "editing"] = "generation"
    iterations: int = 2000  # of every stage
    stages: int = 6
    concurrent: int = 3  # newest stages that train together
    rate_scale: float = 0.1  # delta: the learning rate of one of them, of that of the next finer one
    width: int = 64  # channels
    coarsest: int = 25  # pixels of the shorter side in the first stage
    inner_steps: int = 3  # updates of D, and of G along one gradient, in an iteration (release)
    reconstruction_weight: float = 10.0  # alpha
    penalty_weight: float = 0.1
    noise: float = 0.1  # amplitude of a stage's noise, of the error of the reconstruction without it
    learning_rate: float = 5e-4


def stage_sizes(height: int, width: int, coarsest: int, stages: int) -> list[tuple[int, int]]:
    """(H, W) of every stage, coarse to fine: the shorter side grows from `coarsest` to its own, slowly at first: by
    the paper's formula, in which N is one less than the stages (release)."""
    short, N = min(height, width), stages - 1
    r = (min(coarsest, short) / short) ** (1 / N)
    scales = [r ** ((N - 1) / math.log(N) * math.log(N - n) + 1) for n in range(N)] + [1]
    return [(math.ceil(height * scale - 1e-9), math.ceil(width * scale - 1e-9)) for scale in scales]


@functools.cache
def resampling(old: int, new: int, device: torch.device) -> Tensor:
    """Bicubic interpolation of `old` values to `new`, ends on ends, as a matrix (new, old)."""
    basis = torch.eye(old, device=device).view(1, old, old, 1)
    return F.interpolate(basis, (new, 1), mode="bicubic", align_corners=True)[0, :, :, 0].T.contiguous()


def upsample(features: Tensor, size: tuple[int, int], margin: int = 0) -> Tensor:
    """Features (n, c, h, w) at another size and `margin` more on every side: bicubic, corners on corners (release), as
    matrix products, which are faster on channels-last maps than the library's interpolation, above all backwards."""
    sides = zip(features.shape[2:], size, strict=True)
    rows, columns = (resampling(old, new + 2 * margin, features.device) for old, new in sides)
    maps = columns @ features.permute(0, 2, 3, 1)
    return (rows @ maps.flatten(2)).unflatten(2, (len(columns), -1)).permute(0, 3, 1, 2)


ALTERATIONS = {"harmonization": recolor_rectangle, "editing": shuffle_rectangles}  # of what stage 0 sees, by the mode


class Layers(Network):
    """Convolutions 3x3 between maps of these widths, only the first padded, all with a leaky ReLU, or tanh to RGB."""

    def __init__(self, *widths: int, padding: int):
        super().__init__()
        pairs = enumerate(itertools.pairwise(widths))
        self.layers = nn.ModuleList(nn.Conv2d(a, b, 3, padding=0 if i else padding) for i, (a, b) in pairs)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = torch.tanh(layer(x)) if layer.out_channels == 3 else F.leaky_relu_(layer(x), SLOPE)
        return x


class ConSinGAN(Pyramid):
    """ConSinGAN's training state: one step is a few updates of D and one backward pass through the newest stages of G.
    The noise of stage 0 is a picture's size, with the training image itself as z*; all other noise is of features. A
    stage is shown by the tail as it is now, which goes on training with later stages (release)."""

    Settings = Settings
    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": dict(iterations=3, stages=4, width=16, inner_steps=2),
        "lesson": dict(iterations=400, stages=5),
        "paper": {},
    }
    BOUNDS: ClassVar[dict[str, tuple[float, float]]] = {
        **dict.fromkeys(("reconstruction_weight", "penalty_weight", "noise", "learning_rate"), (0, 1e6)),
        **{"iterations": (1, 10**7), "stages": (3, 20), "concurrent": (1, 20), "rate_scale": (0, 1)},
        **{"width": (4, 1024), "coarsest": (12, 256), "inner_steps": (1, 100)},
    }
    kept = ("count", "amplitudes", "reconstruction_noise")

    def __init__(self, frames: Tensor, settings: Settings, device: torch.device, precision: str, seed: int):
        self.sizes = stage_sizes(*frames.shape[2:], settings.coarsest, settings.stages)
        self.margin, self.alter = MARGIN * (settings.mode == "generation"), ALTERATIONS.get(settings.mode)
        super().__init__(frames, settings, device, precision, seed)
        self.reconstruction_noise = torch.cat([z.flatten(1) for z in self.noise(1, self.sizes)], dim=1)

    def noise_shapes(self, sizes: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
        (height, width), *above = sizes
        more = 2 * self.margin
        return [(3, height, width), *((self.settings.width, h + more, w + more) for h, w in above)]

    def grow(self) -> None:
        """Add a block and its optimiser; with the first also head, tail and D."""
        width, stage, new = self.settings.width, self.stage, {}
        if stage == 0:
            new = {"head": Layers(3, width, padding=1), "tail": Layers(width, 3, padding=1)}
            new["D"] = PatchDiscriminator(width, norm=False, slope=SLOPE)
        padding = MARGIN - (self.margin if stage else self.margin // MARGIN)  # what is not upsampled is zeros
        new[f"B{stage}"] = Layers(*[width] * (MARGIN + 1), padding=padding)
        for network in new.values():
            network.prepare(self.count.device, self.generator)
            network.put_channels_last()
        self.networks |= new
        if stage:
            self.networks[f"B{stage}"].load_state_dict(self.networks[f"B{stage - 1}"].state_dict())
        self.trained = range(max(0, stage + 1 - self.settings.concurrent), stage + 1)
        names = ["D", "tail", *["head"] * (0 in self.trained), *(f"B{i}" for i in self.trained)]
        self.optimisers = {name: adam(self.networks[name], self.settings.learning_rate) for name in names}

    @torch.no_grad()
    def settle(self) -> None:
        """Find the noise amplitude of a stage when it begins: later, and in a checkpoint, it stays as it was found."""
        self.amplitudes[0] = 1
        if self.amplitudes[self.stage] == 0:
            found = self.refine_all(self.fixed_noise(len(self.real[0])), self.sizes[: self.stage + 1])
            self.amplitudes[self.stage] = self.settings.noise * F.mse_loss(found, self.real[self.stage]).sqrt()

    def fixed_noise(self, n: int) -> list[Tensor]:
        """z* of `n` pictures: at stage 0 the frames in turn, above it the same noise for all."""
        turns = torch.arange(n, device=self.count.device) % len(self.real[0])
        above = self.split(self.reconstruction_noise, self.sizes)[1:]
        return [self.real[0][turns], *(z.expand(n, -1, -1, -1) for z in above)]

    def draw_latents(self, n: int, seed: int, size: tuple[int, int] | None = None) -> Tensor:
        """As for every pyramid; but the first 3 h w latents of the other modes are the altered training image, (h, w)
        being the size of stage 0."""
        latents = super().draw_latents(n, seed, size)
        if self.alter:
            turns = resize(self.fixed_noise(n)[0], self.scaled(size)[0]).cpu()
            altered = self.alter(turns, torch.Generator().manual_seed(seed)).flatten(1)
            latents[:, : altered.shape[1]] = altered
        return latents

    def refine(self, stage: int, picture: Tensor | None, noise: Tensor, size: tuple[int, ...]) -> Tensor:
        """Features (n, C, h, w) of `stage` from those of the stage below, `picture`."""
        block = self.networks[f"B{stage}"]
        if stage == 0:  # for generation a pixel more on every side: more variety at the edges (release)
            return block(upsample(self.networks["head"](noise), size, margin=self.margin // MARGIN))
        features = upsample(picture, size)
        wide = upsample(picture, size, self.margin) if self.margin else features
        return block(wide + self.amplitudes[stage] * noise) + features

    def refine_all(
        self, noise: list[Tensor], sizes: list[tuple[int, ...]], picture: Tensor | None = None, begin: int = 0
    ) -> Tensor:
        """The picture of the last of `sizes`. A given `picture` is put in at stage 0, z* is the noise below `begin`."""
        if picture is not None:
            fixed = self.fixed_noise(len(picture)) if sizes[0] == self.sizes[0] else noise
            noise = [resize(picture, sizes[0]), *fixed[1:begin], *noise[begin:]]
        return self.networks["tail"](super().refine_all(noise, sizes))

    def step(self) -> dict[str, Tensor]:
        """Some updates of D, then as many of the stages that train, together, along one gradient (release)."""
        settings, D, features = self.settings, self.networks["D"], None
        frame = torch.randint(len(self.real[0]), (1,), generator=self.generator, device=self.count.device)
        real, rate, sizes = self.real[self.stage][frame], self.rate(), self.sizes[: self.stage + 1]
        fixed = [self.real[0][frame], *self.fixed_noise(1)[1:]]
        fresh = self.noise(1, sizes)
        fresh[0] = self.alter(fixed[0], self.generator) if self.alter else fresh[0]
        noise = [torch.cat(pair) for pair in zip(fresh, fixed, strict=False)]
        with self.arithmetic():
            for stage, size in enumerate(sizes):
                with torch.set_grad_enabled(stage in self.trained):
                    features = self.refine(stage, features, noise[stage], size)
            fake, reconstruction = self.networks["tail"](features).split(1)
            layers = [*(block[0] for block in D.layers[:-1]), D.layers[-1]]
            linearised = functools.partial(linearize, layers, SLOPE)
            for _ in range(settings.inner_steps):  # all with the same noise (release)
                scores = D(torch.cat([fake.detach(), real]))
                distance = scores[1].mean() - scores[0].mean()
                penalty = losses.gradient_penalty(linearised, real, fake, self.generator)
                loss_D = settings.penalty_weight * penalty - distance
                self.update(loss_D, D=rate)
            error = F.mse_loss(reconstruction, real)
            rates = {f"B{i}": rate * settings.rate_scale ** (self.stage - i) for i in self.trained} | {"tail": rate}
            rates |= {"head": rates["B0"]} if 0 in self.trained else {}
            self.update(settings.reconstruction_weight * error - D(fake).mean(), **rates)
        for name in [*rates] * (settings.inner_steps - 1):  # again along the same gradient (release)
            self.optimisers[name].step()
        self.count += 1
        return {"distance": distance.detach(), "D": loss_D.detach(), "reconstruction": error.detach()}
