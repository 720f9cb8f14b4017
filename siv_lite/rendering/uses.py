"""What rendering can be used for, a few lines each.

All images are float tensors in [-1, 1]; nothing is trained.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from siv_lite.errors import SivLiteError, check_integer
from siv_lite.rendering.patches import as_volumes, resize_volumes
from siv_lite.rendering.render import (
    HEIGHT_SIGMA,
    MAX_START,
    check_size,
    check_values,
    draw_images,
    enlargement_sizes,
    render,
    start_size,
)
from siv_lite.rendering.sampler import make_levels

INPAINT_PATCH = 11  # pixels, at every size
INPAINT_START = 24  # pixels of the shorter side at which a hole is first filled
MATCHED_QUANTILES = 256


def retarget(
    frames: Tensor, size: tuple[int, int], strength: float = 0.7, seed: int = 0, samples: int = 1
) -> Tensor:
    """Change the shape of a scene; what stands in it keeps its size.

    The photograph is squeezed or stretched to the new shape at a small size, which says what stands
    where, and drawn anew with its own patches.

    Args:
        frames: the photograph, (1, 3, H, W), or the frames of a clip, of which the first is used.
        size: (height, width) wanted.
        strength: from 0, only stretched, to 1, a new scene.
        seed: of the noise; sample i takes seed + i.
        samples: how many images to draw.

    Returns:
        (samples, 3, *size).

    Raises:
        SivLiteError: if an argument is none of these.
    """
    frames = check_values(frames, "frames", (4,))
    size = check_size(size, frames)
    check_integer("samples", samples, 1)
    small = start_size(size, size)
    layout = resize_volumes(as_volumes(frames[:1]), small)[:, :, 0].clamp(-1, 1)
    images = [render(layout, frames, size, strength, seed + index) for index in range(samples)]
    return torch.cat(images)


def harmonize(collage: Tensor, frames: Tensor, strength: float = 0.4, seed: int = 0) -> Tensor:
    """Make a rough collage or sketch look as if it had always been in the scene.

    Args:
        collage: (n, 3, h, w), of any size.
        frames: (N, 3, H, W), whose patches are used.
        strength: from 0, as it is, to 1, drawn anew; a rough sketch needs more than a good collage.
        seed: of the noise.

    Returns:
        (n, 3, H, W).

    Raises:
        SivLiteError: as `render`.
    """
    return render(collage, frames, strength=strength, seed=seed)


def analogy(layout: Tensor, frames: Tensor, strength: float = 0.7, seed: int = 0) -> Tensor:
    """Draw the arrangement of one image with the patches of another (structural analogy).

    Before that, each color channel of the first gets the distribution of values of the second.

    Args:
        layout: says what stands where, (n, 3, h, w).
        frames: (N, 3, H, W), whose patches are used.
        strength: from 0 to 1; the larger, the less is kept of the layout.
        seed: of the noise.

    Returns:
        (n, 3, H, W).

    Raises:
        SivLiteError: as `render`.
    """
    layout = check_values(layout, "layout", (4,))
    frames = check_values(frames, "frames", (4,)).to(layout.device)
    matched = match_colors(layout, frames)
    return render(matched, frames, strength=strength, seed=seed)


def match_colors(images: Tensor, frames: Tensor) -> Tensor:
    """Give every channel of every image the distribution of values that the frames have.

    Args:
        images: (n, 3, h, w).
        frames: (N, 3, H, W).

    Returns:
        (n, 3, h, w): the k-th lowest share of an image's values becomes that of the frames.
    """
    matched = torch.empty_like(images)
    shares = torch.linspace(0, 1, MATCHED_QUANTILES, device=images.device)
    for channel in range(3):
        wanted = torch.quantile(_thinned(frames[:, channel]), shares)  # (quantiles,)
        for index, values in enumerate(images[:, channel]):
            order = values.flatten().argsort().argsort()  # the rank of every pixel
            rank = order / max(1, len(order) - 1)  # 0 to 1
            position = rank * (MATCHED_QUANTILES - 1)
            below = position.floor().long()
            above = position.ceil().long()
            mapped = torch.lerp(wanted[below], wanted[above], position - below)
            matched[index, channel] = mapped.view_as(values)
    return matched


def inpaint(frames: Tensor, mask: Tensor, seed: int = 0, samples: int = 1) -> Tensor:
    """Fill a region of a photograph with the patches of the rest: remove what stands there.

    Args:
        frames: the photograph, (1, 3, H, W).
        mask: (1, 1, H, W), 1 where the image is to be filled, 0 where it stays.
        seed: of the noise; sample i takes seed + i.
        samples: how many images to draw.

    Returns:
        (samples, 3, H, W); where the mask is 0 they equal the photograph.

    Raises:
        SivLiteError: if an argument is none of these, the mask is empty or leaves nothing.
    """
    image = check_values(frames, "frames", (4,))
    mask = check_mask(mask, image)
    check_integer("seed", seed, 0)
    check_integer("samples", samples, 1)

    # The hole is filled at a small size first, where a patch spans much of it.
    height, width = image.shape[2:]
    scale = max(INPAINT_START, INPAINT_PATCH) / min(height, width)
    coarsest = (round(height * min(1, scale)), round(width * min(1, scale)))
    sizes = enlargement_sizes(coarsest, (height, width))
    levels = make_levels(
        image, sizes, patch_side=INPAINT_PATCH, allowed=1 - mask, height_sigma=HEIGHT_SIGMA
    )
    if not all(level.table.allowed.any() for level in levels):
        raise SivLiteError(
            f"mask leaves no patch of {INPAINT_PATCH} x {INPAINT_PATCH} pixels of the photograph, "
            "reduced to fill large holes; make the region smaller or take a larger photograph"
        )

    # Outside the hole every size is known.
    known_images = [resize_volumes(as_volumes(image), size).clamp(-1, 1) for size in sizes]
    known_masks = []
    for size in sizes:
        small = F.interpolate(mask, size, mode="bilinear", antialias=True)
        known_masks.append((small > 0.01).float()[:, :, None])
    known = (known_images, known_masks)

    start = torch.lerp(known_images[0], torch.zeros_like(known_images[0]), known_masks[0])
    images = []
    for index in range(samples):
        drawn = draw_images(start, levels, strength=1.0, seed=seed + index, known=known)
        images.append(torch.lerp(image, drawn, mask))
    return torch.cat(images)


def tile(frames: Tensor, size: tuple[int, int] | None = None, seed: int = 0) -> Tensor:
    """Draw an image that continues at its opposite borders: a seamless tile.

    Args:
        frames: (N, 3, H, W), a texture or scene.
        size: (height, width) of the tile; by default that of the frames.
        seed: of the noise.

    Returns:
        (1, 3, *size).

    Raises:
        SivLiteError: if an argument is none of these.
    """
    frames = check_values(frames, "frames", (4,))
    size = check_size(size, frames)
    check_integer("seed", seed, 0)
    coarsest = start_size(size, size, longest=MAX_START // 2)
    levels = make_levels(frames, enlargement_sizes(coarsest, size), wrap=True)
    start = torch.zeros(1, 3, 1, *coarsest, device=frames.device)
    return draw_images(start, levels, strength=1.0, seed=seed)


def check_mask(mask: Tensor, image: Tensor) -> Tensor:
    """Check a mask.

    Args:
        mask: what the user gave.
        image: (1, 3, H, W), what it belongs to.

    Returns:
        The mask, 0 or 1, float.

    Raises:
        SivLiteError: if there are several images, or the mask has another size, is empty or full.
    """
    wanted = (1, 1, *image.shape[2:])
    if len(image) != 1:
        raise SivLiteError(f"frames must be one photograph (1, 3, H, W), not {len(image)} frames")
    if not isinstance(mask, Tensor) or tuple(mask.shape) != wanted:
        found = tuple(mask.shape) if isinstance(mask, Tensor) else type(mask).__name__
        raise SivLiteError(f"mask must have the size of the photograph, {wanted}, not {found}")
    mask = (mask.to(image.device) > 0.5).float()
    if mask.min() == mask.max():
        raise SivLiteError("mask must mark a part of the photograph with 1, and leave the rest 0")
    return mask


def _thinned(values: Tensor) -> Tensor:
    """Return at most about a million of the values, evenly chosen; `quantile` takes no more."""
    values = values.flatten()
    return values[:: max(1, len(values) // 1_000_000)]
