"""Augmentations: of images (DA), of feature maps (FA), and of the image that a stage starts from.

`sample_transforms`, `apply_transforms`: SIV-GAN's DA. `mix_rectangle`, `mix_channels`: its FA.
`diff_augment`: FastGAN's DA. `recolor_rectangle`, `shuffle_rectangles`: ConSinGAN's input of stage
0. All randomness comes from the generator that is passed in, on the device of the images.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

# SIV-GAN's DA.
MAX_TRANSLATION = 0.3  # of the side
MIN_CROP = 0.75  # of the side
MAX_ROTATION = math.radians(8)

# FastGAN's DA.
MAX_DIFF_TRANSLATION = 1 / 8  # of the side

# ConSinGAN's altered images.
NUM_SHUFFLED = 3  # rectangles per image
MAX_SHUFFLE = 0.15  # how far away a rectangle comes from, of the side


def sample_transforms(
    n: int,
    height: int,
    width: int,
    probability: float,
    generator: torch.Generator,
) -> Tensor:
    """Sample one random affine map per image (SIV-GAN, section 3.3).

    Each image is independently translated (by whole pixels, so no blur), flipped, and either
    cropped or rotated (official code). Each of the three happens with `probability`.

    Args:
        n: how many maps.
        height: of the images, in pixels.
        width: of the images, in pixels; both are needed to rotate a wide image without shear.
        probability: from 0 to 1, of each kind of transform.
        generator: source of all randomness; the maps are on its device.

    Returns:
        (n, 2, 3), for `apply_transforms`. A map leads from output to input coordinates, both of
        which are (x, y, 1) with x and y in [-1, 1] over the image.
    """
    uniform = _uniform((9, n), generator)  # in [0, 1)
    signed = 2 * uniform - 1  # the same draws in [-1, 1)

    # Decide what happens to each image.
    is_translated, is_flipped, is_changed = uniform[:3] < probability
    is_rotated = is_changed & (uniform[3] < 0.5)
    is_cropped = is_changed & ~is_rotated

    # Translate by whole pixels. An image is 2 units wide and high.
    pixels_x = torch.round(signed[5] * MAX_TRANSLATION * width)
    pixels_y = torch.round(signed[6] * MAX_TRANSLATION * height)
    translate_x = is_translated * (2 * pixels_x / width)
    translate_y = is_translated * (2 * pixels_y / height)

    # Flip left and right.
    flip = 1 - 2.0 * is_flipped  # -1 or 1

    # Crop: read a smaller window, which lies anywhere inside the image.
    removed = (1 - MIN_CROP) * (1 + signed[4]) / 2
    scale = 1 - is_cropped * removed
    crop_x = (1 - scale) * signed[7]
    crop_y = (1 - scale) * signed[8]

    # Rotate. No image is both cropped and rotated, so the two can share a draw.
    angle = is_rotated * (MAX_ROTATION * signed[4])
    cos = scale * torch.cos(angle)
    sin = scale * torch.sin(angle)

    # Compose: flip, then scale and rotate, then move. The aspect ratio makes the angle one between
    # pixels: x and y both run from -1 to 1, however wide the image is.
    x_row = [flip * cos, -sin * height / width, translate_x + crop_x]
    y_row = [flip * sin * width / height, cos, translate_y + crop_y]
    transforms = torch.stack(x_row + y_row, dim=1)  # (n, 6)
    return transforms.view(n, 2, 3)


def apply_transforms(images: Tensor, transforms: Tensor) -> Tensor:
    """Apply one affine map to each image; what enters at the borders is a reflection.

    Args:
        images: (n, c, h, w), at any scale of the pyramid.
        transforms: (n, 2, 3), of `sample_transforms`.

    Returns:
        The transformed images, (n, c, h, w).
    """
    return _resample(images, transforms, "bilinear", "reflection")


def mix_rectangle(x: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    """Copy one rectangle from sample i - 1 into sample i: FA of layout (SIV-GAN, section 3.1).

    As CutMix; the rectangle is the same for the whole batch and lies anywhere inside the map.

    Args:
        x: feature maps (n, c, h, w).
        probability: that the batch is mixed at all, from 0 to 1.
        generator: source of all randomness, on the device of `x`.

    Returns:
        The mixed maps, (n, c, h, w).
    """
    draw = _uniform((5,), generator)

    # The sides (height, width) are 10 to 50 % of the map's.
    sides = 0.1 + 0.4 * draw[:2]
    top, left = (1 - sides) * draw[2:4]
    height, width = sides
    bottom = top + height
    right = left + width

    # Mask the pixels whose centers lie inside.
    rows = _pixel_centers(x.shape[2], x.device)  # (h)
    columns = _pixel_centers(x.shape[3], x.device)  # (w)
    row_mask = (rows >= top) & (rows < bottom)
    column_mask = (columns >= left) & (columns < right)
    inside = row_mask[:, None] & column_mask  # (h, w)

    neighbor = x.roll(1, 0)
    do_mix = draw[4] < probability
    return torch.where(inside & do_mix, neighbor, x)


def mix_channels(x: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    """Exchange some channels between samples, then drop some: FA of content (SIV-GAN, section 3.1).

    Args:
        x: feature maps (n, c, h, w).
        probability: that the batch's channels are exchanged, and again that some are dropped.
        generator: source of all randomness, on the device of `x`.

    Returns:
        The mixed maps, (n, c, h, w): in sample i, 10 to 30 % of the channels come from sample
        i - 1 as it was, and 10 to 30 % are zero.
    """
    n, c = x.shape[:2]
    draw = _uniform((4,), generator)
    channel_draw = _uniform((2, n, c, 1, 1), generator)

    # Exchange 10 to 30 % of the channels.
    share = 0.1 + 0.2 * draw[0]
    do_exchange = draw[1] < probability
    exchanged = (channel_draw[0] < share) & do_exchange  # (n, c, 1, 1)
    neighbor = x.roll(1, 0)
    x = torch.where(exchanged, neighbor, x)

    # Drop 10 to 30 % of the channels.
    share = 0.1 + 0.2 * draw[2]
    do_drop = draw[3] < probability
    dropped = (channel_draw[1] < share) & do_drop  # (n, c, 1, 1)
    return x.masked_fill(dropped, 0)


def diff_augment(images: Tensor, generator: torch.Generator) -> Tensor:
    """Change color and position of each image, differentiably: DiffAugment (Zhao et al. 2020).

    Each image gets its own brightness, saturation and contrast, and a translation by whole pixels
    of up to 1/8 of each side, zero-padded.

    Args:
        images: (n, 3, H, W) in [-1, 1].
        generator: source of all randomness, on the device of `images`.

    Returns:
        The augmented images, (n, 3, H, W); their values may leave [-1, 1].
    """
    n, _, height, width = images.shape
    draw = _uniform((5, n, 1, 1, 1), generator)

    # Brightness: between 0.5 less and 0.5 more.
    brightness = draw[0]
    images = images + brightness - 0.5

    # Saturation: 0 to 2 times as far from gray.
    gray = images.mean(1, keepdim=True)
    saturation = 2 * draw[1]
    images = torch.lerp(gray, images, saturation)

    # Contrast: 0.5 to 1.5 times as far from the image's mean.
    mean = images.mean((1, 2, 3), keepdim=True)
    contrast = draw[2] + 0.5
    images = torch.lerp(mean, images, contrast)

    # Translate by whole pixels, which "nearest" copies exactly.
    identity = torch.eye(2, 3, device=images.device)
    transforms = identity.repeat(n, 1, 1)  # (n, 2, 3)
    transforms[:, 0, 2] = _whole_translation(draw[3], width)
    transforms[:, 1, 2] = _whole_translation(draw[4], height)
    return _resample(images, transforms, "nearest", "zeros")


def sample_rectangles(n: int, size: tuple[int, int], generator: torch.Generator) -> Tensor:
    """Sample one random rectangle per image, with sides of 10 to 40 % of the image's.

    Args:
        n: how many rectangles.
        size: (height, width) of the images in pixels.
        generator: source of all randomness; the masks are on its device.

    Returns:
        Masks (n, 1, height, width), True inside the rectangle, which lies anywhere in the image.
    """
    draw = _uniform((4, n, 1), generator)

    # The sides are 10 to 40 % of the image's.
    height = 0.1 + 0.3 * draw[0]  # (n, 1)
    width = 0.1 + 0.3 * draw[1]
    top = draw[2] * (1 - height)
    left = draw[3] * (1 - width)

    # Mask the pixels whose centers lie inside.
    from_top = _pixel_centers(size[0], draw.device) - top  # (n, height)
    from_left = _pixel_centers(size[1], draw.device) - left  # (n, width)
    row_mask = (from_top > 0) & (from_top < height)
    column_mask = (from_left > 0) & (from_left < width)
    inside = row_mask[:, :, None] & column_mask[:, None, :]  # (n, height, width)
    return inside[:, None]


def recolor_rectangle(images: Tensor, generator: torch.Generator) -> Tensor:
    """Recolor one rectangle per image, as if something had been pasted there (ConSinGAN).

    Args:
        images: (n, 3, h, w) in [-1, 1].
        generator: source of all randomness, on the device of `images`.

    Returns:
        The altered images, (n, 3, h, w) in [-1, 1].
    """
    n = len(images)
    draw = _uniform((2, n, 3, 1, 1), generator)
    gain = 1 + (draw[0] - 0.5)  # 0.5 to 1.5, for each color channel
    shift = draw[1] - 0.5
    recolored = gain * images + shift
    recolored = recolored.clamp(-1, 1)

    size = images.shape[2:]
    mask = sample_rectangles(n, size, generator)
    return torch.where(mask, recolored, images)


def shuffle_rectangles(images: Tensor, generator: torch.Generator) -> Tensor:
    """Show in three rectangles per image what is up to 15 % of the sides away (ConSinGAN).

    Args:
        images: (n, 3, h, w).
        generator: source of all randomness, on the device of `images`.

    Returns:
        The altered images, (n, 3, h, w).
    """
    n = len(images)
    size = images.shape[2:]
    identity = torch.eye(2, device=images.device)
    identity = identity.expand(n, 2, 2)

    result = images
    for _ in range(NUM_SHUFFLED):
        # Move the whole image, which is 2 units wide and high.
        draw = _uniform((n, 2, 1), generator)
        translation = 2 * MAX_SHUFFLE * draw - MAX_SHUFFLE  # of the sides
        transforms = torch.cat([identity, 2 * translation], dim=2)  # (n, 2, 3)
        moved = _resample(images, transforms, "nearest", "reflection")

        # Keep a rectangle of it.
        mask = sample_rectangles(n, size, generator)
        result = torch.where(mask, moved, result)
    return result


def _uniform(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Draw uniformly from [0, 1) on the generator's device."""
    return torch.rand(shape, generator=generator, device=generator.device)


def _pixel_centers(size: int, device: torch.device) -> Tensor:
    """Return where the centers of `size` pixels lie along a side of length 1, (size)."""
    indices = torch.arange(size, device=device)
    return (indices + 0.5) / size


def _whole_translation(uniform: Tensor, side: int) -> Tensor:
    """Turn draws (n, 1, 1, 1) into translations (n) by whole pixels, where a side is 2 long."""
    maximum = int(side * MAX_DIFF_TRANSLATION + 0.5)
    num_choices = 2 * maximum + 1
    choice = torch.floor(num_choices * uniform.flatten())
    pixels = choice - maximum
    return pixels * 2 / side


def _resample(images: Tensor, transforms: Tensor, mode: str, padding_mode: str) -> Tensor:
    """Read images (n, c, h, w) where affine maps (n, 2, 3) lead to."""
    size = list(images.shape)
    grid = F.affine_grid(transforms, size, align_corners=False)
    return F.grid_sample(images, grid, mode, padding_mode, align_corners=False)
