"""SinGAN: Rott Shaham, Dekel, Michaeli, "SinGAN: Learning a Generative Model from a Single Natural Image" (ICCV 2019),
whose sections and equations are named below; "release" is its authors' program."""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from siv_lite import losses
from siv_lite.blocks import Network, adam
from siv_lite.methods.pyramid import PatchDiscriminator, Pyramid, conv_block, pyramid_sizes, resize

PADDING = 5  # pixels of zeros around the input of G's five convolutions, which have none themselves


@dataclass(frozen=True)
class Settings:
    """What a training is made of; the defaults are the paper's (supplementary, sections 2 and 3)."""

    iterations: int = 2000  # of every stage
    width: int = 32  # channels of the first four stages; twice as many after every four
    most_width: int = 128
    coarsest: int = 25  # pixels of the shorter side in the first stage
    scale_factor: float = 0.75
    inner_steps: int = 3  # updates of D, and then of G, in one iteration
    reconstruction_weight: float = 10.0  # alpha (Eq. 2); 100 for super-resolution
    penalty_weight: float = 0.1
    noise: float = 0.1  # amplitude of a stage's noise, of the error of the reconstruction below it
    learning_rate: float = 5e-4


class Generator(Network):
    """G_n: five convolutions that add what is missing to the picture from below (Eq. 4)."""

    def __init__(self, width: int):
        super().__init__()
        self.layers = nn.Sequential(*(conv_block(3 if i == 0 else width, width) for i in range(4)))
        self.tail = nn.Conv2d(width, 3, 3)

    def forward(self, noise: Tensor, coarser: Tensor | int) -> Tensor:
        """Pictures (n, 3, H, W) from noise (n, 3 or 1, H, W), times its amplitude, and coarser pictures of that size; 0
        where there are none."""
        mixed = F.pad((noise + coarser).expand(-1, 3, -1, -1), [PADDING] * 4)
        return coarser + torch.tanh(self.tail(self.layers(mixed)))


class SinGAN(Pyramid):
    """SinGAN's training state: one step is a few updates of D and then of G, at one stage."""

    Settings = Settings
    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": dict(iterations=3, width=8, scale_factor=0.5, inner_steps=2),
        "lesson": dict(iterations=500, scale_factor=0.65),
        "paper": {},
    }
    BOUNDS: ClassVar[dict[str, tuple[float, float]]] = {
        **dict.fromkeys(("reconstruction_weight", "penalty_weight", "noise", "learning_rate"), (0, 1e6)),
        **{"iterations": (1, 10**7), "width": (4, 1024), "most_width": (4, 1024), "coarsest": (11, 256)},
        **{"scale_factor": (0.2, 0.95), "inner_steps": (1, 100)},
    }

    def __init__(self, frames: Tensor, settings: Settings, device: torch.device, precision: str, seed: int):
        self.sizes = pyramid_sizes(*frames.shape[2:], settings.coarsest, settings.scale_factor)
        super().__init__(frames, settings, device, precision, seed)

    def noise_shapes(self, sizes: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
        return [(3 if stage else 1, *size) for stage, size in enumerate(sizes)]  # the coarsest noise is grey (release)

    def width(self, stage: int) -> int:
        return min(self.settings.width * 2 ** (stage // 4), max(self.settings.most_width, self.settings.width))

    def grow(self) -> None:
        """Add a generator, begun as a copy of the one below where both are as wide, and a D likewise."""
        G, same = Generator(self.width(self.stage)), self.stage and self.width(self.stage) == self.width(self.stage - 1)
        G.prepare(self.count.device, self.generator)
        if same:  # a stage starts where the one below it ended
            G.load_state_dict(self.networks[f"G{self.stage - 1}"].state_dict())
        else:
            self.networks["D"] = PatchDiscriminator(self.width(self.stage))
            self.networks["D"].prepare(self.count.device, self.generator)
        self.networks[f"G{self.stage}"] = G
        names = (f"G{self.stage}", "D")
        self.optimisers = {name: adam(self.networks[name], self.settings.learning_rate) for name in names}

    def refine(self, stage: int, picture: Tensor | None, noise: Tensor, size: tuple[int, ...]) -> Tensor:
        coarser = 0 if picture is None else resize(picture, size)
        return self.networks[f"G{stage}"](self.amplitudes[stage] * noise, coarser)

    def draw_inputs(self, n: int) -> list[tuple[Tensor, Tensor | int]]:
        """`n` times noise and coarser picture, for the generator in training; those below draw all at once."""
        *below, noise = self.noise(n, self.sizes[: self.stage + 1])
        if not self.stage:
            return [(z, 0) for z in noise.split(1)]
        coarser = resize(self.refine_all(below, self.sizes[: self.stage]), self.sizes[self.stage])
        return list(zip((self.amplitudes[self.stage] * noise).split(1), coarser.split(1), strict=True))

    def step(self) -> dict[str, Tensor]:
        """`inner_steps` updates of the newest stage's D, then of its G (section 2.2)."""
        settings, name = self.settings, f"G{self.stage}"
        G, D, rate = self.networks[name], self.networks["D"], self.rate()
        self.rest(G, D)
        frame = torch.randint(len(self.fixed), (1,), generator=self.generator, device=self.count.device)
        real = self.real[self.stage][frame]
        fixed, coarser = (torch.zeros_like(real), self.reconstructed[frame]) if self.stage else (self.fixed[frame], 0)
        with self.arithmetic():
            with torch.no_grad():
                inputs = self.draw_inputs(settings.inner_steps)
            for each in inputs:
                with torch.no_grad():
                    fake = G(*each)
                distance = D(real).mean() - D(fake).mean()
                penalty = losses.gradient_penalty(D, real, fake, self.generator)
                self.update(settings.penalty_weight * penalty - distance, D=rate)
            for _ in inputs:
                error = F.mse_loss(G(fixed, coarser), real)  # Eq. 5
                score = D(G(*inputs[-1])).mean()  # the last noise again (release)
                self.update(settings.reconstruction_weight * error - score, **{name: rate})
        self.count += 1
        return {"distance": distance.detach(), "penalty": penalty.detach(), "reconstruction": error.detach()}
