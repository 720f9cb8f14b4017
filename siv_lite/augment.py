"""Augmentation of pictures (DA), one random transform per sample at every scale, and of features (FA)."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

TRANSLATION = 0.3  # of the side; what enters is the reflection of what was there
CROP = 0.75  # the smallest crop, of the side
ROTATION = math.radians(8)


def sample_transforms(n: int, height: int, width: int, probability: float, generator: torch.Generator) -> Tensor:
    """Draw `n` affine maps (n, 2, 3) from output to input coordinates, both in [-1, 1] over the picture. A sample is,
    each with `probability` (SIV-GAN, section 3.3), translated by whole pixels, which blurs nothing, flipped, and either
    cropped and resized or rotated (release; in pixels, so that a wide picture is not sheared)."""
    uniform = torch.rand((9, n), generator=generator, device=generator.device)
    translated, flipped, changed = uniform[:3] < probability
    rotated, drawn = changed & (uniform[3] < 0.5), 2 * uniform[4:] - 1
    angle, scale = rotated * ROTATION * drawn[0], 1 - (changed & ~rotated) * (1 - CROP) * (1 + drawn[0]) / 2
    right, down = (
        translated * torch.round(drawn[i] * TRANSLATION * side) * 2 / side + (1 - scale) * drawn[i + 2]
        for i, side in ((1, width), (2, height))  # the second term lays the crop anywhere inside
    )
    cosine, sine, flip = scale * torch.cos(angle), scale * torch.sin(angle), 1 - 2.0 * flipped
    rows = [flip * cosine, -sine * height / width, right, flip * sine * width / height, cosine, down]
    return torch.stack(rows, dim=1).view(n, 2, 3)


def apply_transforms(images: Tensor, transforms: Tensor) -> Tensor:
    """Apply affine maps (n, 2, 3) of `sample_transforms` to images (n, c, h, w) of any scale; borders are reflected."""
    grid = F.affine_grid(transforms, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def mix_rectangle(x: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    """FA of layout, maps x (n, c, h, w): with `probability` for the whole batch, one rectangle with sides of 10 to 50 %
    of the map is drawn, anywhere inside it, and copied from sample i - 1 into sample i (section 3.1, as CutMix)."""
    height, width = x.shape[2:]
    draw = torch.rand(5, generator=generator, device=x.device)
    sides = 0.1 + 0.4 * draw[:2]
    starts = (1 - sides) * draw[2:4]
    rows, columns = ((torch.arange(size, device=x.device) + 0.5) / size for size in (height, width))
    inside = [(p >= start) & (p < start + side) for p, start, side in zip((rows, columns), starts, sides, strict=True)]
    return torch.where(inside[0][:, None] & inside[1] & (draw[4] < probability), x.roll(1, 0), x)


def mix_channels(x: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    """FA of content, maps x (n, c, h, w): each with `probability` for the whole batch, 10 to 30 % of the channels of
    sample i come from sample i - 1 as it was, then 10 to 30 % of the channels become zero (section 3.1)."""
    draw = torch.rand(4, generator=generator, device=x.device)
    chosen = torch.rand((2, len(x), x.shape[1], 1, 1), generator=generator, device=x.device)
    exchange = (chosen[0] < 0.1 + 0.2 * draw[0]) & (draw[1] < probability)
    drop = (chosen[1] < 0.1 + 0.2 * draw[2]) & (draw[3] < probability)
    return torch.where(exchange, x.roll(1, 0), x).masked_fill(drop, 0)


def diff_augment(images: Tensor, generator: torch.Generator) -> Tensor:
    """DiffAugment (Zhao et al. 2020) of images (n, 3, H, W): each gets its own brightness, saturation and contrast, and
    is translated by whole pixels, an eighth of a side at most, which zeros fill. Values may leave [-1, 1]."""
    n, _, height, width = images.shape
    draw = torch.rand((5, n, 1, 1, 1), generator=generator, device=images.device)
    images = images + draw[0] - 0.5
    images = torch.lerp(images.mean(1, keepdim=True), images, 2 * draw[1])
    images = torch.lerp(images.mean((1, 2, 3), keepdim=True), images, draw[2] + 0.5)
    affine = torch.eye(2, 3, device=images.device).repeat(n, 1, 1)
    for axis, side in enumerate((width, height)):
        most = int(side / 8 + 0.5)
        affine[:, axis, 2] = (torch.floor((2 * most + 1) * draw[3 + axis].flatten()) - most) * 2 / side
    grid = F.affine_grid(affine, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, mode="nearest", padding_mode="zeros", align_corners=False)
