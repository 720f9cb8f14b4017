"""From noise to images: the denoiser of patches applied step by step, from coarse to fine sizes."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from siv_lite.rendering.denoiser import (
    HeightPrior,
    denoise_exact,
    denoise_near,
    height_prior,
    search_everywhere,
    search_near_matches,
)
from siv_lite.rendering.patches import PatchGrid, PatchTable, as_volumes, resize_volumes

PATCH_SIDE = 9  # pixels
PATCH_DEPTH = 3  # frames, of a video
STRIDE = 3  # pixels between neighboring patches

NUM_NOISE_LEVELS = 10  # between pure noise and the image, equally far apart
LATER_NOISE = 0.35  # that every size but the first begins with
MIN_NOISE = 0.05  # assumed by the last step, so that equally good patches are averaged
MAX_EXACT_PATCHES = 6_000  # of a table that is compared with patch by patch
MAX_VALUES = 10_000_000  # of the queries of all volumes that are drawn at once: 40 MB


@dataclass
class Level:
    """One size of the images that are drawn.

    Attributes:
        grid: where patches are denoised.
        table: the patches of the frames at this size.
        prior: how likely a patch is at a place; None where all are equally likely.
    """

    grid: PatchGrid
    table: PatchTable
    prior: HeightPrior | None = None


def draw(
    start: Tensor,
    levels: list[Level],
    strength: float,
    seed: int,
    noise: Tensor | None = None,
    known: tuple[list[Tensor], list[Tensor]] | None = None,
) -> tuple[Tensor, Tensor]:
    """Go through all sizes, from coarse to fine.

    Args:
        start: volumes (n, 3, T, h, w) of the first level's size.
        levels: coarse to fine.
        strength: the noise that the first level begins with, above 0 and at most 1.
        seed: of the noise.
        noise: that of the first level, of the shape of `start`; by default drawn from the seed,
            the same for all volumes.
        known: for every level an image (1, 3, T, H, W) and a mask (1, 1, T, H, W): where the mask
            is 0, the result stays as that image is.

    Returns:
        Volumes (n, 3, T, H, W) of the last level's size in [-1, 1], and the matches of their
        patches, numbers in the last level's table.
    """
    generator = torch.Generator().manual_seed(seed)
    result = start
    matches = None
    for index, level in enumerate(levels):
        height, width = level.grid.size[1:]
        base = resize_volumes(result, (height, width))
        shape = base.shape[1:]
        if index > 0 or noise is None:
            noise = torch.randn(shape, generator=generator).to(base.device)

        first_noise = strength if index == 0 else min(strength, LATER_NOISE)
        previous = levels[index - 1] if index > 0 else None
        known_here = (known[0][index], known[1][index]) if known else None
        result, matches = draw_level(base, noise, first_noise, level, previous, matches, known_here)
    return result, matches


def draw_level(
    base: Tensor,
    noise: Tensor,
    first_noise: float,
    level: Level,
    previous: Level | None,
    matches: Tensor | None,
    known: tuple[Tensor, Tensor] | None,
) -> tuple[Tensor, Tensor]:
    """Cover volumes with noise and remove it step by step (DDIM, deterministic).

    Args:
        base: volumes (n, 3, T, H, W) of this size: the start, or the coarser result enlarged.
        noise: (3, T, H, W) or (n, 3, T, H, W), N(0, 1).
        first_noise: s of the first step, above 0 and at most 1.
        level: this size.
        previous: the coarser one, None for the first.
        matches: of the coarser one's patches.
        known: an image and a mask as in `draw`, of this size.

    Returns:
        As `draw`.
    """
    grid = level.grid
    table = level.table
    steps = noise_levels(first_noise)
    if known is not None:
        # What is known carries no noise, so it says most about the patches beside it.
        image, mask = known
        noise = noise * mask
    x = (1 - steps[0]) * base + steps[0] * noise  # x = a x0 + s n with a + s = 1
    old_grid = previous.grid if previous else None
    old_table = previous.table if previous else None

    for step, s in enumerate(steps):
        a = 1 - s
        is_last = step == len(steps) - 1
        sigma = max(s, MIN_NOISE)

        # Denoise every patch. At the first size all patches are candidates; later those near the
        # matches so far.
        queries = grid.extract(x)
        if previous is None and len(table) <= MAX_EXACT_PATCHES:
            means, matches = denoise_exact(queries, table, a, sigma, level.prior)
        else:
            if previous is None:
                candidates = search_everywhere(queries, table, a, sigma, level.prior)
            else:
                candidates = search_near_matches(matches, old_grid, old_table, grid, table)
                old_grid = grid
                old_table = table
            means, matches = denoise_near(queries, candidates, table, a, sigma)
        clean = grid.average(means)
        if known is not None:
            clean = torch.lerp(image.expand_as(clean), clean, mask)

        # Remove a part of the noise. The coarser size has decided what stands where.
        noise_left = (x - a * clean) / sigma
        if previous is not None and not is_last:
            coarse = resize_volumes(clean, previous.grid.size[1:])
            clean = clean - resize_volumes(coarse, grid.size[1:]) + base
        if is_last:
            x = clean
        else:
            x = (1 - steps[step + 1]) * clean + steps[step + 1] * noise_left
    return x.clamp(-1, 1), matches


def noise_levels(first: float) -> list[float]:
    """Return the noise of every step, from `first` down to 0."""
    spacing = 1 / (NUM_NOISE_LEVELS - 1)
    num_lower = math.ceil(first / spacing - 1e-6)
    lower = [index * spacing for index in range(num_lower)]
    return [first, *reversed(lower)]


def make_levels(
    frames: Tensor,
    sizes: list[tuple[int, int]],
    num_frames: int = 1,
    patch_side: int = PATCH_SIDE,
    stride: int = STRIDE,
    wrap: bool = False,
    allowed: Tensor | None = None,
    height_sigma: float | None = None,
) -> list[Level]:
    """Prepare every size at which images are drawn.

    Args:
        frames: (N, 3, H, W) in [-1, 1].
        sizes: (h, w) of the images, coarse to fine. Frames keep their shape and are scaled as the
            longer-stretched side of the last size asks for, but never enlarged.
        num_frames: T of the volumes that are drawn, 1 for images.
        patch_side: height and width of a patch.
        stride: pixels between neighboring patches.
        wrap: whether the images are to go on at the opposite border.
        allowed: (1, 1, H, W), 1 where the frames' pixels may be used; by default everywhere.
        height_sigma: of the first size, how far a patch may stand from the height that it has in
            the frames: a standard deviation, as a share of the height. By default, anywhere.

    Returns:
        The levels.
    """
    height, width = frames.shape[2:]
    last_height, last_width = sizes[-1]
    frame_scale = min(1.0, max(last_height / height, last_width / width))
    depth = PATCH_DEPTH if num_frames >= PATCH_DEPTH and len(frames) >= PATCH_DEPTH else 1
    patch_size = (depth, patch_side, patch_side)

    levels = []
    for size in sizes:
        scale = frame_scale * math.sqrt(size[0] * size[1] / (last_height * last_width))
        scaled = (
            max(patch_side, round(height * scale)),
            max(patch_side, round(width * scale)),
        )
        volume = resize_volumes(as_volumes(frames[None]), scaled).clamp(-1, 1)
        allowed_here = None if allowed is None else allowed_patches(allowed, scaled, patch_side)
        grid = PatchGrid(
            size=(num_frames, *size),
            patch_size=patch_size,
            stride=(max(1, depth - 1), stride, stride),
            wrap=wrap,
            device=frames.device,
        )
        levels.append(Level(grid, PatchTable(volume, patch_size, allowed_here)))

    if height_sigma is not None:
        levels[0].prior = height_prior(levels[0].grid, levels[0].table, height_sigma)
    return levels


def allowed_patches(allowed: Tensor, size: tuple[int, int], patch_side: int) -> Tensor:
    """Return which patches hold no pixel that must not be used.

    Args:
        allowed: (1, 1, H, W), 1 where pixels may be used.
        size: (h, w) of the frames that the patches are of.
        patch_side: height and width of a patch.

    Returns:
        (m,) boolean, in the order of `PatchTable`.
    """
    forbidden = F.interpolate(1 - allowed, size, mode="bilinear", antialias=True)
    forbidden_in_patch = F.max_pool2d((forbidden > 0.01).float(), patch_side, stride=1)
    return forbidden_in_patch.flatten() == 0


def samples_at_once(levels: list[Level]) -> int:
    """Return how many volumes are drawn together, so that the memory is bounded."""
    grid = levels[-1].grid
    values = math.prod(grid.shape) * 3 * math.prod(grid.patch_size)
    return max(1, MAX_VALUES // values)


def pixel_sources(matches: Tensor, level: Level, size: tuple[int, int]) -> Tensor:
    """Tell where in the frames every pixel comes from.

    Args:
        matches: numbers of the patches of the last level, (n * q,), of images.
        level: the last one.
        size: (H, W) of the frames as they were given.

    Returns:
        (n, H, W, 3): frame, row and column of every pixel's source, in pixels of `size`.
    """
    grid = level.grid
    table = level.table
    frame, y, x = table.positions(matches.view(-1, *grid.shape[1:]))  # (n, B, C) each

    # The patch that counts most at every pixel, and the pixel's place inside it.
    rows = grid.nearest_patch(1)  # (H,) indices of patches
    columns = grid.nearest_patch(2)  # (W,)
    row_offsets = torch.arange(grid.size[1], device=rows.device) - grid.starts[1][rows]
    column_offsets = torch.arange(grid.size[2], device=rows.device) - grid.starts[2][columns]
    row_offsets = row_offsets % grid.size[1]  # of a patch that goes on at the opposite border
    column_offsets = column_offsets % grid.size[2]

    rows = rows[:, None]
    frame = frame[:, rows, columns]  # (n, H, W)
    y = y[:, rows, columns] + row_offsets[:, None]
    x = x[:, rows, columns] + column_offsets
    height, width = table.volume.shape[3:]
    y = (y + 0.5) * size[0] / height
    x = (x + 0.5) * size[1] / width
    return torch.stack([frame, y.long(), x.long()], dim=3)
