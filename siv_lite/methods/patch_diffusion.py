"""Patch diffusion: new images from the closed-form denoiser of one image's patches. No training.

Qiu, Kutulakos, Lindell, "Efficient and Training-Free Single-Image Diffusion Models" (CVPR 2026).
The denoiser is in `rendering/denoiser.py`, the steps from noise to image in `rendering/sampler.py`.

Ours is the prior on heights: at the coarsest size a patch is likelier to stand at about the height
that it has in the training image. The published method lets the shares of sky and ground vary.
"""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import torch
from torch import Tensor

from siv_lite.methods.base import Method, sample_latent_rows
from siv_lite.methods.settings import Bounds, ImageSize
from siv_lite.rendering.render import choose_frames, enlargement_sizes
from siv_lite.rendering.sampler import Level, draw, make_levels, samples_at_once

MAX_HEIGHT_SIGMA = 10  # from here on, every height is about as likely: the published method


@dataclass(frozen=True)
class Settings:
    """Settings of patch diffusion; the defaults are the paper's but for `height_sigma`."""

    image_size: ImageSize = 256  # longest side of the frames, in pixels; larger ones are reduced
    patch_size: Annotated[int, Bounds(3, 31)] = 15  # P
    stride: Annotated[int, Bounds(1, 31)] = 3  # pixels between neighboring patches; at most P
    coarsest_side: Annotated[int, Bounds(9, 256)] = 24  # of the shorter side, in pixels
    height_sigma: Annotated[float, Bounds(0.01, MAX_HEIGHT_SIGMA)] = 0.15  # share of the height


class PatchDiffusion(Method):
    """Patch diffusion: nothing is learned, the only iteration draws one image.

    All work is done when samples are drawn, by `generate`.
    """

    Settings = Settings  # the dataclass above
    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": dict(image_size=48, patch_size=9, coarsest_side=16),
        "lesson": dict(image_size=64),
        "paper": {},
    }
    resizable = True

    def build(self, frames: Tensor) -> None:
        """Keep the frames; there is nothing else to set up.

        Args:
            frames: (N, 3, H, W) in [-1, 1].
        """
        height, width = frames.shape[2:]
        self.size = (height, width)
        self.iterations = 1
        chosen = choose_frames(frames, is_video=False)
        self.frames = frames[chosen].to(self.device)
        self.levels: dict[tuple[int, int], list[Level]] = {}  # by the size of the images

    def step(self) -> dict[str, Tensor]:
        """Draw one image.

        Returns:
            "contrast", its standard deviation over that of the frames. There is no loss.
        """
        self.iteration += 1
        images = self.generate(self.sample_latents(1, seed=0))
        return {"contrast": images.std() / self.frames.std()}

    def sizes(self, size: tuple[int, int] | None = None) -> list[tuple[int, int]]:
        """Return the sizes at which images are drawn, coarse to fine.

        Args:
            size: (H, W) of the images; by default that of the frames.

        Returns:
            (h, w) of every size, each large enough for one patch.
        """
        height, width = size or self.size
        settings = self.settings
        reduction = min(1.0, max(settings.coarsest_side, settings.patch_size) / min(height, width))
        coarsest = (round(height * reduction), round(width * reduction))
        return enlargement_sizes(coarsest, (height, width))

    def prepare(self, size: tuple[int, int] | None = None) -> list[Level]:
        """Prepare all sizes, once for each size of images."""
        sizes = self.sizes(size)
        if sizes[-1] not in self.levels:
            settings = self.settings
            levels = make_levels(
                self.frames,
                sizes,
                patch_side=settings.patch_size,
                stride=min(settings.stride, settings.patch_size),
                height_sigma=settings.height_sigma,
            )
            self.levels = {sizes[-1]: levels}
        return self.levels[sizes[-1]]

    def sample_latents(self, n: int, seed: int, size: tuple[int, int] | None = None) -> Tensor:
        """Draw latents: the noise at the coarsest size, flattened.

        Args:
            n: number of samples.
            seed: the only thing that they depend on.
            size: (H, W) of the images; by default that of the frames.

        Returns:
            (n, 3 * h * w), on the CPU.
        """
        height, width = self.sizes(size)[0]
        return sample_latent_rows(n, (3 * height * width,), seed)

    @torch.inference_mode()
    def generate(
        self,
        latents: Tensor,
        *,
        size: tuple[int, int] | None = None,
        stage: int | None = None,
        start: int = 0,
    ) -> Tensor:
        """Generate images; the noise of the finer sizes is the same for all of them.

        Args:
            latents: (n, D) from `sample_latents` for the same size.
            size: (H, W) of the images; by default that of the frames.
            stage: there is only one.
            start: as above.

        Returns:
            (n, 3, H, W) in [-1, 1].

        Raises:
            SivLiteError: for a stage.
        """
        self.check_options(size, stage, start)
        levels = self.prepare(size)
        height, width = self.sizes(size)[0]
        noise = latents.to(self.device).view(-1, 3, 1, height, width)

        images = []
        for part in noise.split(samples_at_once(levels)):
            volumes, _ = draw(torch.zeros_like(part), levels, strength=1.0, seed=0, noise=part)
            images.append(volumes[:, :, 0])
        return torch.cat(images)
