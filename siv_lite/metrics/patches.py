"""Metrics that compare patches or whole images with the training frames, without a network."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from siv_lite.metrics.inputs import prepare_inputs
from siv_lite.metrics.registry import register_metric

SWD_PATCH_SIZE = 5
SWD_MAX_PATCHES = 8_000
SWD_DIRECTIONS = 256
NEAREST_PATCH_SIZE = 7
NEAREST_MAX_PATCHES = 60_000
NEAREST_MAX_DISTANCES = 50_000_000  # float32, so 200 MB
LARGE_PATCH_SIDE = 24  # pixels; of larger images a quarter of the shorter side
REDUCED_PATCH_SIDE = 12  # pixels of a large patch when it is compared


def extract_patches(images: Tensor, size: int, max_count: int, seed: int = 0) -> Tensor:
    """Extract all patches of a batch of images, or a random subset, in random order.

    Args:
        images: (n, 3, H, W).
        size: height and width of a patch in pixels.
        max_count: maximum number of patches.
        seed: seed of the random order, and so of the subset.

    Returns:
        The patches (p, 3 * size * size), p at most `max_count`.
    """
    # A view of all windows: no pixel is copied yet.
    windows = images.unfold(2, size, 1)
    windows = windows.unfold(3, size, 1)  # (n, 3, y, x, size, size)
    windows = windows.permute(0, 2, 3, 1, 4, 5)  # (n, y, x, 3, size, size)
    positions = windows.shape[:3]

    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(positions.numel(), generator=generator)
    chosen = order[:max_count].to(images.device)
    index = torch.unravel_index(chosen, positions)  # (p,) each of n, y and x
    return windows[index].flatten(1)


def sliced_wasserstein(images: Tensor, frames: Tensor, levels: int = 3) -> list[float]:
    """Compare the distributions of 5 x 5 patches on each level of a Laplacian pyramid.

    Sliced Wasserstein distance (Karras et al. 2018, section 5), but between 200 quantiles of at
    most 8,000 patches instead of all sorted values, and divided by the standard deviation of the
    frames' level. A high value on a fine level means blur or noise.

    Args:
        images: samples (n, 3, H, W) in [-1, 1], H and W at least 5 * 2 ** (levels - 1).
        frames: training frames (N, 3, h, w) in [-1, 1].
        levels: number of pyramid levels.

    Returns:
        One distance per level, fine to coarse, averaged over samples. 0: same patches.

    Raises:
        SivLiteError: If `prepare_inputs` refuses the images or the frames.
    """
    min_side = SWD_PATCH_SIZE * 2 ** (levels - 1)
    images, frames = prepare_inputs(images, frames, min_side=min_side)
    n = len(images)
    level = torch.cat([images, frames])  # (n + N, 3, H, W)
    generator = torch.Generator().manual_seed(0)

    distances = []
    for levels_below in reversed(range(levels)):
        # Laplacian level: subtract the halved and enlarged copy, except on the coarsest level.
        halved = F.avg_pool2d(level, 2)
        if levels_below > 0:
            enlarged = F.interpolate(halved, size=level.shape[2:], mode="bilinear")
            level = level - enlarged
        samples = level[:n]
        references = level[n:]

        # Draw random unit vectors to project patches on.
        directions = torch.randn(3 * SWD_PATCH_SIZE**2, SWD_DIRECTIONS, generator=generator)
        directions = F.normalize(directions, dim=0)
        directions = directions.to(level.device).T  # (256, 75)

        # Compare the quantiles of the projections.
        target = _projected_quantiles(references, directions)  # (200, 256)
        found = [_projected_quantiles(image, directions) for image in samples.split(1)]
        differences = (torch.stack(found) - target).abs()  # (n, 200, 256)
        distance = differences.mean() / references.std()
        distances.append(distance.item())
        level = halved
    return distances


def _projected_quantiles(images: Tensor, directions: Tensor) -> Tensor:
    """Project all patches on directions (k, 75) and return 200 quantiles of each, (200, k)."""
    quantiles = torch.linspace(0.005, 0.995, 200, device=images.device)
    patches = extract_patches(images, SWD_PATCH_SIZE, SWD_MAX_PATCHES)  # (p, 75)
    return torch.quantile(directions @ patches.T, quantiles, dim=1)


@register_metric("sliced_wasserstein", samples=16)
def sliced_wasserstein_columns(images: Tensor, frames: Tensor) -> dict[str, float]:
    """Name the distances of the three levels of `sliced_wasserstein`.

    Args:
        images: samples (n, 3, H, W) in [-1, 1], H and W at least 20.
        frames: training frames (N, 3, h, w) in [-1, 1].

    Returns:
        "sliced_wasserstein_1" (fine) to "sliced_wasserstein_3" (coarse).

    Raises:
        SivLiteError: If `prepare_inputs` refuses the images or the frames.
    """
    columns = {}
    for level, distance in enumerate(sliced_wasserstein(images, frames), start=1):
        columns[f"sliced_wasserstein_{level}"] = distance
    return columns


def nearest_patch_distance(
    images: Tensor, references: Tensor, seed: int, size: int = NEAREST_PATCH_SIZE
) -> float:
    """Compare square patches with their nearest neighbors among other patches.

    Args:
        images: images (n, 3, H, W) in [-1, 1] with the query patches.
        references: images (N, 3, h, w) in [-1, 1] with the patches to search.
        seed: seed of the random subsets that are used for large images.
        size: height and width of a patch in pixels.

    Returns:
        The mean squared difference between a query and its nearest neighbor, in [0, 1].
    """
    candidates = extract_patches((references + 1) / 2, size, NEAREST_MAX_PATCHES, seed)
    max_queries = NEAREST_MAX_DISTANCES // len(candidates)
    queries = extract_patches((images + 1) / 2, size, max_queries, seed)

    nearest = torch.cdist(queries, candidates).amin(dim=1)
    return nearest.square().mean().item() / queries.shape[1]


@register_metric("patch_distances", samples=16)
def patch_distances(images: Tensor, frames: Tensor) -> dict[str, float]:
    """Compare 7 x 7 patches of samples and frames with their nearest neighbors, in both directions.

    Above 80 x 100 pixels, random subsets of the patches are compared. The score favors methods that
    copy patches of the frames; `large_patch_fidelity`, which stands beside it, favors only those
    that copy larger pieces.

    Args:
        images: samples (n, 3, H, W) in [-1, 1], H and W at least 7.
        frames: training frames (N, 3, h, w) in [-1, 1].

    Returns:
        Mean squared differences of intensities in [0, 1], averaged over samples:
        "patch_fidelity", from sample patches to the nearest frame patches (low: every patch looks
        like a training patch), and "patch_coverage", from frame patches to the nearest sample
        patches (low: nothing of the scene is missing).

    Raises:
        SivLiteError: If `prepare_inputs` refuses the images or the frames.
    """
    images, frames = prepare_inputs(images, frames, min_side=NEAREST_PATCH_SIZE)

    fidelity = []
    coverage = []
    for seed, image in enumerate(images.split(1)):
        fidelity.append(nearest_patch_distance(image, frames, seed))
        coverage.append(nearest_patch_distance(frames, image, seed))
    return {
        "patch_fidelity": sum(fidelity) / len(images),
        "patch_coverage": sum(coverage) / len(images),
    }


@register_metric("large_patch_fidelity", samples=16)
def large_patch_fidelity(images: Tensor, frames: Tensor) -> float:
    """Compare large patches of samples with their nearest neighbors among those of the frames.

    A method that copies small patches gets every 7 x 7 window right wherever it puts them. Here the
    patches are larger: what stands beside what must be true, too. Blur costs little, and copies of
    the whole image cost nothing; `sliced_wasserstein` and `copy_distance` see these.

    A patch has 24 pixels a side, or a quarter of the image's shorter side if that is more. Images
    and frames are reduced by the same factor first, such that a patch has 12 pixels. For a clip,
    the distance to frames that were kept from the training would be another such score.

    Args:
        images: samples (n, 3, H, W) in [-1, 1], H and W at least 12.
        frames: training frames (N, 3, h, w) in [-1, 1].

    Returns:
        The mean squared difference of intensities in [0, 1], averaged over samples. Low: every
        large patch looks like one of the frames. 0: a copy of the frames.

    Raises:
        SivLiteError: If `prepare_inputs` refuses the images or the frames.
    """
    images, frames = prepare_inputs(images, frames, min_side=REDUCED_PATCH_SIDE)
    height, width = images.shape[2:]
    shorter = min(height, width)
    side = max(min(LARGE_PATCH_SIDE, shorter), shorter // 4)

    factor = REDUCED_PATCH_SIDE / side
    size = (round(height * factor), round(width * factor))
    images = F.interpolate(images, size, mode="bilinear", antialias=True)
    frames = F.interpolate(frames, size, mode="bilinear", antialias=True)

    distances = []
    for seed, image in enumerate(images.split(1)):
        distances.append(nearest_patch_distance(image, frames, seed, REDUCED_PATCH_SIDE))
    return sum(distances) / len(distances)


@register_metric("copy_distance", samples=16)
def copy_distance(images: Tensor, frames: Tensor) -> float:
    """Measure how far samples are from copies of the training frames.

    Copies are the frames and their mirror images, each with wrapped shifts of up to a fifth of
    each side.

    Args:
        images: samples (n, 3, H, W) in [-1, 1].
        frames: training frames (N, 3, h, w) in [-1, 1].

    Returns:
        The root mean squared difference, in 0..255, to the nearest copy, averaged over samples.
        Low: memorized.

    Raises:
        SivLiteError: If `prepare_inputs` refuses the images or the frames.
    """
    images, frames = prepare_inputs(images, frames)
    height, width = images.shape[2:]
    originals = torch.cat([frames, frames.flip(3)])
    originals = originals.double().flatten(1)  # (2 N, 3 H W)

    # Shift the samples: the same as shifting all originals the other way.
    nearest = originals.new_full((len(images),), math.inf)
    for down in _shifts(height):
        for right in _shifts(width):
            shifted = images.roll((down, right), dims=(2, 3))
            shifted = shifted.double().flatten(1)  # (n, 3 H W)
            distances = torch.cdist(shifted, originals)  # (n, 2 N)
            nearest = torch.minimum(nearest, distances.amin(dim=1))

    # Convert Euclidean distances in [-1, 1] to root mean squared differences in 0..255.
    num_values = originals.shape[1]
    return (nearest.mean() * 127.5 / num_values**0.5).item()


def _shifts(side: int) -> range:
    """Return shifts in pixels: up to a fifth of the side, in steps of a sixteenth, 0 included."""
    step = max(1, side // 16)
    largest = side // 5 // step * step
    return range(-largest, largest + 1, step)
