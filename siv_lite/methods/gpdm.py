"""GPDM: no network and no training; an image is optimized until its patches are those of the frame.

Elnekave, Weiss, "Generating natural images with direct Patch Distributions Matching" (ECCV 2022);
"official code" is its authors' program.

Read in this order: `GPDM.match`, from noise to images, level by level; `GPDM.optimize`, one level;
`patch_wasserstein`, the distance that falls.
"""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from siv_lite.methods.base import Method, sample_latent_rows
from siv_lite.methods.pyramid import pyramid_sizes, resize
from siv_lite.methods.settings import Bounds, ImageSize


@dataclass(frozen=True)
class Settings:
    """Settings of GPDM; the defaults are the paper's."""

    image_size: ImageSize = 256  # longest side of the frames, in pixels; larger ones are reduced
    steps: Annotated[int, Bounds(1, 10**5)] = 300  # of Adam, on every level
    learning_rate: Annotated[float, Bounds(0, 10)] = 0.01
    projections: Annotated[int, Bounds(1, 4096)] = 64  # directions, drawn anew for every step
    patch_size: Annotated[int, Bounds(1, 16)] = 7  # side of a patch, in pixels

    # Levels, from coarse to fine.
    coarsest_side: Annotated[int, Bounds(16, 256)] = 21  # shorter side of the first, in pixels
    scale_factor: Annotated[float, Bounds(0.2, 0.95)] = 0.85  # a level's side over the next one's

    # Standard deviation of the noise at the start, which chooses the sample. The official code
    # draws noise of 1.5 at full size and reduces it, which leaves 0.1 for images of 200 px.
    noise_amplitude: Annotated[float, Bounds(0, 10)] = 0.1


def patch_wasserstein(images: Tensor, frames: Tensor, directions: Tensor) -> Tensor:
    """Measure how far the distribution of patches is from that of frames (sliced Wasserstein-1).

    Along one direction a patch is one number, its product with the direction: a convolution gives
    those of all patches. Two sets of numbers are compared in sorted order. Where the sets are not
    equally large, the frame's quantiles are interpolated (the official code repeats patches).

    Args:
        images: (n, 3, H, W) in [-1, 1].
        frames: (n, 3, h, w), or (1, 3, h, w) for all images, in [-1, 1].
        directions: (k, 3, p, p) of norm 1, for patches of p x p pixels.

    Returns:
        (n): of each image, averaged over directions and quantiles.
    """
    found = F.conv2d(images, directions).flatten(2)  # (n, k, number of patches)
    wanted = F.conv2d(frames, directions).flatten(2)
    found = sort_values(found)
    wanted = sort_values(wanted)
    wanted = F.interpolate(wanted, found.shape[2], mode="linear", align_corners=True)
    return (found - wanted).abs().mean((1, 2))


def sort_values(values: Tensor) -> Tensor:
    """Sort along the last axis, differentiably; on CPUs by NumPy, which is several times faster."""
    if values.device.type != "cpu":
        order = values.argsort()
    else:
        order = torch.from_numpy(np.argsort(values.detach().numpy()))
    return values.gather(-1, order)


class GPDM(Method):
    """GPDM: the only iteration draws one image and logs the distance that is left.

    All work is done when samples are drawn, by `generate`.
    """

    Settings = Settings  # the dataclass above
    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": dict(image_size=48, steps=5, scale_factor=0.6, projections=16),
        "lesson": dict(image_size=64, steps=100, scale_factor=0.75, learning_rate=0.02),
        "paper": {},
    }
    resizable = True

    def build(self, frames: Tensor) -> None:
        """Resize the frames to every level; there is nothing else to set up.

        Args:
            frames: (N, 3, H, W) in [-1, 1].
        """
        settings = self.settings
        height, width = frames.shape[2:]
        self.size = (height, width)
        self.iterations = 1
        self.sizes = pyramid_sizes(height, width, settings.coarsest_side, settings.scale_factor)
        frames = frames.to(self.device)
        self.real = [resize(frames, size) for size in self.sizes]  # (N, 3, h, w) per level

    def step(self) -> dict[str, Tensor]:
        """Draw one image.

        Returns:
            "distance", what is left between its patches and the frame's.
        """
        self.iteration += 1
        latents = self.sample_latents(1, seed=0)
        _, distances = self.match(latents)
        return {"distance": distances[0]}

    @torch.enable_grad()
    def match(self, latents: Tensor, size: tuple[int, int] | None = None) -> tuple[Tensor, Tensor]:
        """Turn noise into images, level by level.

        Of a clip, every image follows one frame, chosen by its first latent: a mixture of all
        frames would repeat whatever moves.

        Args:
            latents: (n, 3 * h * w), N(0, 1), where (h, w) is the size of the first level.
            size: (H, W) of the images; by default that of the frames.

        Returns:
            Images (n, 3, H, W) in [-1, 1], and their distances at the last step, (n).
        """
        sizes = self.scaled_sizes(size)
        images = latents.to(self.device).unflatten(1, (3, *sizes[0]))
        images = self.settings.noise_amplitude * images

        # The normal distribution function makes the first latent uniform in [0, 1].
        num_frames = len(self.real[0])
        uniform = torch.special.ndtr(latents[:, 0])
        chosen = (uniform * num_frames).long().to(self.device) % num_frames  # (n)

        # The directions are the same in every call: images shall depend on their latents alone.
        generator = torch.Generator().manual_seed(0)
        for level_size, frames in zip(sizes, self.real, strict=True):
            targets = frames[chosen] if num_frames > 1 else frames
            images = resize(images.clamp(-1, 1), level_size)
            images, distances = self.optimize(images, targets, generator)
        return images.clamp(-1, 1), distances

    def optimize(
        self, images: Tensor, frames: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Move pixels by Adam until the patches are distributed as those of the frames: one level.

        Args:
            images: (n, 3, H, W), the start.
            frames: (n, 3, h, w), or (1, 3, h, w) for all images.
            generator: draws the directions, on the CPU.

        Returns:
            The images, and their distances at the last step, (n), both without gradients.
        """
        settings = self.settings
        shape = (settings.projections, 3, settings.patch_size, settings.patch_size)
        images = images.detach().requires_grad_()
        optimizer = torch.optim.Adam([images], settings.learning_rate)
        for _ in range(settings.steps):
            directions = torch.randn(shape, generator=generator)
            directions = F.normalize(directions, dim=(1, 2, 3)).to(self.device)
            distances = patch_wasserstein(images, frames, directions)

            # Each image has its own distance, so its own gradient. Like `backward`, without a copy.
            (images.grad,) = torch.autograd.grad(distances.sum(), images)
            optimizer.step()
        return images.detach(), distances.detach()

    def scaled_sizes(self, size: tuple[int, int] | None) -> list[tuple[int, int]]:
        """Return the sizes of all levels for images of another size.

        Args:
            size: (H, W) of the images; None for the frames' own.

        Returns:
            (h, w) of every level, in proportion, each large enough for one patch.
        """
        height, width = self.size if size is None else size
        scale_y = height / self.size[0]
        scale_x = width / self.size[1]
        smallest = self.settings.patch_size
        scaled = []
        for h, w in self.sizes:
            scaled.append((max(smallest, round(h * scale_y)), max(smallest, round(w * scale_x))))
        return scaled

    def sample_latents(self, n: int, seed: int, size: tuple[int, int] | None = None) -> Tensor:
        """Draw latents: the noise at the first level, flattened.

        Args:
            n: number of samples.
            seed: the only thing that they depend on.
            size: (H, W) of the images; by default that of the frames.

        Returns:
            (n, 3 * h * w), on the CPU.
        """
        height, width = self.scaled_sizes(size)[0]
        return sample_latent_rows(n, (3 * height * width,), seed)

    def generate(
        self,
        latents: Tensor,
        *,
        size: tuple[int, int] | None = None,
        stage: int | None = None,
        start: int = 0,
    ) -> Tensor:
        """Generate images; each takes all steps of all levels.

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
        images, _ = self.match(latents, size)
        return images
