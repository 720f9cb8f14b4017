"""Image filters that several modules share."""

import torch
from torch import Tensor


def gaussian_window(
    size: int,
    sigma: float,
    device: torch.device | None = None,
) -> Tensor:
    """Compute a one-dimensional Gaussian window with sum 1.

    Args:
        size: length of the window in pixels, odd.
        sigma: standard deviation in pixels.
        device: device of the window; None is torch's default.

    Returns:
        The window (size,).
    """
    offsets = torch.arange(size, device=device) - size // 2
    exponents = -(offsets**2) / (2 * sigma**2)
    return torch.softmax(exponents, dim=0)  # exp(exponents), divided by its sum
