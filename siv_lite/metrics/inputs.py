"""Input checks shared by all image metrics."""

import torch.nn.functional as F
from torch import Tensor

from siv_lite.errors import SivLiteError


def check_images(images: Tensor, name: str, min_count: int = 1, min_side: int = 1) -> Tensor:
    """Check that a batch of images can be measured.

    Args:
        images: a floating-point tensor (n, 3, H, W) in [-1, 1].
        name: name of the argument in error messages, such as "images".
        min_count: minimum n.
        min_side: minimum H and W in pixels.

    Returns:
        The images, detached, as float32.

    Raises:
        SivLiteError: If the type, shape or range is wrong, or a value is NaN.
    """
    shape = tuple(getattr(images, "shape", ()))
    is_float = isinstance(images, Tensor) and images.is_floating_point()
    is_batch = len(shape) == 4 and shape[1] == 3
    if not is_float or not is_batch or shape[0] < min_count or min(shape[2:]) < min_side:
        raise SivLiteError(
            f"{name} must be a float tensor (n, 3, H, W), n at least {min_count}, "
            f"of at least {min_side} x {min_side} pixels: got {type(images).__name__} {shape}"
        )

    in_range = images.abs() <= 1.001  # also false for NaN
    if not in_range.all():
        raise SivLiteError(
            f"{name} hold NaN or values outside [-1, 1]: scale pixels with x / 127.5 - 1"
        )
    return images.detach().float()


def prepare_inputs(
    images: Tensor, frames: Tensor, min_count: int = 1, min_side: int = 1
) -> tuple[Tensor, Tensor]:
    """Check samples and frames, and match the frames to the samples in size and device.

    Args:
        images: samples (n, 3, H, W) in [-1, 1].
        frames: training frames (N, 3, h, w) in [-1, 1].
        min_count: minimum n.
        min_side: minimum H and W in pixels.

    Returns:
        The images (n, 3, H, W) and the frames (N, 3, H, W), both float32.

    Raises:
        SivLiteError: If `check_images` refuses either, or the frames have a single flat color.
    """
    images = check_images(images, "images", min_count, min_side)
    frames = check_images(frames, "frames").to(images.device)

    size = images.shape[2:]
    if frames.shape[2:] != size:
        frames = F.interpolate(frames, size=size, mode="bilinear", antialias=True)
    if frames.amin() == frames.amax():
        raise SivLiteError(
            "frames have a single flat color: there is nothing to compare samples with"
        )
    return images, frames
