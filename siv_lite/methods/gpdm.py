"""GPDM: Elnekave, Weiss, "Generating natural images with direct Patch Distributions Matching" (ECCV 2022): no network;
a picture is optimised until its patches are distributed as the frames' are. "Release" is its authors' program."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy
import torch
import torch.nn.functional as F
from torch import Tensor

from siv_lite.methods import Method
from siv_lite.methods.pyramid import pyramid_sizes, resize


@dataclass(frozen=True)
class Settings:
    """How a picture is found; the defaults are the paper's."""

    steps: int = 300  # of Adam, on every level
    learning_rate: float = 0.01
    projections: int = 64  # drawn anew for every step
    patch: int = 7  # pixels of a patch's side
    coarsest: int = 21  # pixels of the shorter side of the first level
    scale_factor: float = 0.85
    noise: float = 0.1  # standard deviation of the start; release: 1.5 at full size, then reduced: this, at 200 px


def ascending(values: Tensor) -> Tensor:
    """Values sorted along the last axis. On a CPU NumPy finds their order, several times faster than PyTorch."""
    order = values.argsort() if values.is_cuda else torch.from_numpy(numpy.argsort(values.detach().numpy()))
    return values.gather(-1, order)


def sliced_wasserstein(images: Tensor, frames: Tensor, directions: Tensor) -> Tensor:
    """Sliced Wasserstein-1 distance (n,) of the patches of images (n, 3, H, W) to those of frames (n or 1, 3, h, w),
    along directions (k, 3, p, p). At another size, quantiles are interpolated (release repeats random patches)."""
    found, wanted = (ascending(F.conv2d(x, directions).flatten(2)) for x in (images, frames))
    return (found - F.interpolate(wanted, found.shape[2], mode="linear", align_corners=True)).abs().mean((1, 2))


class GPDM(Method):
    """Nothing is trained: the only iteration draws a picture and logs the distance that is left."""

    Settings = Settings
    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": dict(steps=5, scale_factor=0.6, projections=16),
        "lesson": dict(steps=100, scale_factor=0.75, learning_rate=0.02),
        "paper": {},
    }
    BOUNDS: ClassVar[dict[str, tuple[float, float]]] = dict(
        steps=(1, 10**5), learning_rate=(0, 10), projections=(1, 4096), patch=(1, 16), coarsest=(16, 256),
        scale_factor=(0.2, 0.95), noise=(0, 10),
    )
    resizable, iterations = True, 1

    def __init__(self, frames: Tensor, settings: Settings, device: torch.device, precision: str, seed: int):
        self.settings, self.precision, self.size = settings, precision, tuple(frames.shape[2:])
        self.generator, self.count = torch.Generator(device).manual_seed(seed), torch.zeros((), device=device)
        self.levels = pyramid_sizes(*self.size, settings.coarsest, settings.scale_factor)
        self.networks, self.optimisers, self.real = {}, {}, [resize(frames.to(device), size) for size in self.levels]

    def sizes(self, size: tuple[int, int] | None) -> list[tuple[int, int]]:
        """(H, W) of all levels, in proportion to the frames', for pictures of `size`; each holds at least one patch."""
        least, (high, wide) = self.settings.patch, (a / b for a, b in zip(size or self.size, self.size, strict=True))
        return [(max(least, round(h * high)), max(least, round(w * wide))) for h, w in self.levels]

    def draw_latents(self, n: int, seed: int, size: tuple[int, int] | None = None) -> Tensor:
        return torch.randn((n, 3, *self.sizes(size)[0]), generator=torch.Generator().manual_seed(seed)).flatten(1)

    def generate(self, latents: Tensor, size: tuple[int, int] | None = None) -> Tensor:
        return self.match(latents, size)[0]

    @torch.enable_grad()
    def match(self, latents: Tensor, size: tuple[int, int] | None = None) -> tuple[Tensor, Tensor]:
        """Pictures that begin as noise `latents` (n, 3 * h * w) and are optimised level by level; their last distances
        (n,). The first latent chooses a frame of a clip to follow: a mixture of all would repeat whatever moves."""
        settings, sizes, generator = self.settings, self.sizes(size), torch.Generator().manual_seed(0)
        images = settings.noise * latents.to(self.count.device).unflatten(1, (3, *sizes[0]))
        shape, many = (settings.projections, 3, settings.patch, settings.patch), len(self.real[0])
        chosen = (torch.special.ndtr(latents[:, 0]) * many).long().to(images.device) % many
        for size, real in zip(sizes, self.real, strict=True):
            images = resize(images.detach().clamp(-1, 1), size).requires_grad_()
            adam = torch.optim.Adam([images], settings.learning_rate)
            for _ in range(settings.steps):
                directions = F.normalize(torch.randn(shape, generator=generator), dim=(1, 2, 3)).to(images.device)
                distances = sliced_wasserstein(images, real[chosen] if many > 1 else real, directions)
                (images.grad,) = torch.autograd.grad(distances.sum(), images)
                adam.step()
        return images.detach().clamp(-1, 1), distances.detach()

    def step(self) -> dict[str, Tensor]:
        self.count += 1
        return {"distance": self.match(self.draw_latents(1, seed=0))[1][0]}
