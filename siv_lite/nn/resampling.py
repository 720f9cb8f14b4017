"""Two exact identities that make residual blocks cheap.

A residual block upsamples before a 3x3 convolution, or averages behind one. Both pairs of
operations are linear, so each pair is one single convolution with a larger kernel:

- nearest x2 upsampling, then a 3x3 convolution  =  one transposed 4x4 convolution of stride 2;
- a 3x3 convolution, then 2x2 average pooling    =  one 4x4 convolution of stride 2.

The 4x4 kernel follows from the learned 3x3 kernel by sums of its taps. (A 1x1 convolution simply
commutes with both, so that the shortcuts of the blocks work on the smaller map.)
"""

import functools

import torch
from torch import Tensor

Taps = tuple[tuple[float, ...], ...]

# Row i holds the weights with which tap i of the 4-tap kernel sums the three taps of the 3x3
# kernel, along one side. Upsampling: neighboring taps that read the same repeated pixel are added.
UPSAMPLE_TAPS: Taps = (
    (0, 0, 1),
    (0, 1, 1),
    (1, 1, 0),
    (1, 0, 0),
)
# Pooling: the mean of the kernel at two neighboring positions.
POOL_TAPS: Taps = (
    (0.5, 0, 0),
    (0.5, 0.5, 0),
    (0, 0.5, 0.5),
    (0, 0, 0.5),
)


def upsample_kernel(weight: Tensor) -> Tensor:
    """Fold nearest x2 upsampling into the 3x3 convolution that follows it.

    Four of nine products are left, since neighboring taps read the same, repeated pixel.

    Args:
        weight: (out, in, 3, 3), the kernel of the convolution.

    Returns:
        (in, out, 4, 4), the kernel of the equal transposed convolution (stride 2, padding 1).
    """
    return fold_taps(weight.transpose(0, 1), UPSAMPLE_TAPS)


def pool_kernel(weight: Tensor) -> Tensor:
    """Fold 2x2 average pooling into the 3x3 convolution before it.

    Args:
        weight: (out, in, 3, 3), the kernel of the convolution.

    Returns:
        (out, in, 4, 4), the kernel of the equal convolution (stride 2, padding 1).
    """
    return fold_taps(weight, POOL_TAPS)


def fold_taps(weight: Tensor, taps: Taps) -> Tensor:
    """Make 4x4 kernels of 3x3 kernels, by the same sums of taps along both sides.

    Args:
        weight: (a, b, 3, 3), any order of the two kinds of channels.
        taps: four rows of three weights, as `UPSAMPLE_TAPS`.

    Returns:
        (a, b, 4, 4), in channels-last memory.
    """
    a, b = weight.shape[:2]
    flat = weight.permute(0, 2, 3, 1).reshape(a, 9, b)  # (a, 3 * 3, b)
    folded = tap_matrix(taps, weight.dtype, weight.device) @ flat  # (a, 4 * 4, b)
    return folded.view(a, 4, 4, b).permute(0, 3, 1, 2)


@functools.cache
def tap_matrix(taps: Taps, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return the sums along both sides at once, as a matrix (16, 9)."""
    side = torch.tensor(taps, dtype=dtype, device=device)  # (4, 3)
    return torch.kron(side, side)
