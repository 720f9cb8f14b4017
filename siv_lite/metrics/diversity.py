"""Metrics of how much samples differ from each other, without a network."""

import itertools

import torch
import torch.nn.functional as F
from torch import Tensor

from siv_lite.filters import gaussian_window
from siv_lite.metrics.inputs import check_images, prepare_inputs
from siv_lite.metrics.registry import register_metric

LUMA = (0.299, 0.587, 0.114)  # weights of red, green and blue in the gray intensity
SSIM_WINDOW = 11  # pixels
SSIM_SIGMA = 1.5
SSIM_C1 = 0.01**2  # keeps the luminance ratio stable where it is dark
SSIM_C2 = 0.03**2  # keeps the contrast and structure ratio stable where it is flat
# The standard deviation under which an image counts as flat: an 8th of a gray level.
MIN_CONTRAST = 1e-3
MS_SSIM_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # section 3.2, fine to coarse


@register_metric("pixel_diversity")
def pixel_diversity(images: Tensor, frames: Tensor) -> float:
    """Measure how much each pixel varies over samples (Shaham et al. 2019, section 3).

    Args:
        images: samples (n, 3, H, W) in [-1, 1], n at least 2; the paper uses 100.
        frames: training frames (N, 3, h, w) in [-1, 1].

    Returns:
        The standard deviation of a pixel's gray intensity over samples, averaged over pixels and
        divided by the standard deviation of the frames' gray intensity. 0: all samples are equal.

    Raises:
        SivLiteError: If `prepare_inputs` refuses the images or the frames.
    """
    images, frames = prepare_inputs(images, frames, min_count=2)
    luma = images.new_tensor(LUMA)
    gray_images = torch.einsum("nchw,c->nhw", images, luma)
    gray_frames = torch.einsum("nchw,c->nhw", frames, luma)

    deviation = gray_images.std(dim=0, correction=0).mean()
    return (deviation / gray_frames.std(correction=0)).item()


@register_metric("arrangement_diversity", frames="none")
def arrangement_diversity(images: Tensor) -> float:
    """Measure how differently samples are arranged, whatever their colors and contrast.

    Pale and glaring versions of one picture differ in every pixel, but not in where things are. So
    each sample is halved, its mean color is subtracted, and pairs are compared by correlation,
    which no change of contrast can lower. A flat sample shows no arrangement: its correlation with
    any other counts as 1.

    Args:
        images: samples (n, 3, H, W) in [-1, 1], n, H and W at least 2.

    Returns:
        1 minus the mean correlation over all pairs, 0 to 2. 0: one arrangement; 1: samples have
        nothing in common. Where the training image has strong bands, such as a sky over a sea, even
        good samples have much in common.

    Raises:
        SivLiteError: If `check_images` refuses the images.
    """
    images = check_images(images, "images", min_count=2, min_side=2)
    halves = F.avg_pool2d(images, 2)
    centered = halves - halves.mean(dim=(2, 3), keepdim=True)
    vectors = centered.flatten(1)  # (n, d)

    # Correlations of all samples with each other.
    deviation = vectors.square().mean(dim=1, keepdim=True).sqrt()  # (n, 1)
    standardized = vectors / deviation.clamp(min=MIN_CONTRAST)
    correlation = standardized @ standardized.T / vectors.shape[1]  # (n, n)
    flat = deviation < MIN_CONTRAST
    correlation = correlation.masked_fill(flat | flat.T, 1.0)

    first, second = torch.triu_indices(len(images), len(images), offset=1)  # each pair once
    return 1 - correlation[first, second].mean().item()


def ms_ssim(a: Tensor, b: Tensor) -> Tensor:
    """Compute the multi-scale structural similarity of pairs of images (Wang et al. 2003).

    Small images use only the scales on which the shorter side has 11 pixels or more, three at
    48 x 64. So values are comparable only between images of the same size.

    Args:
        a: first images (n, 3, H, W) in [-1, 1], H and W at least 11.
        b: second images, of the same shape.

    Returns:
        The similarity of each pair, averaged over colors, (n,). 1: identical.
    """
    window = gaussian_window(SSIM_WINDOW, SSIM_SIGMA, a.device)
    window = window.expand(15, 1, 1, SSIM_WINDOW)  # 5 moments of 3 colors
    a = (a + 1) / 2
    b = (b + 1) / 2

    # Keep the weights of the scales that are large enough.
    side = min(a.shape[2:])
    weights = []
    for scale, weight in enumerate(MS_SSIM_WEIGHTS):
        if side > (SSIM_WINDOW - 1) * 2**scale:
            weights.append(weight)

    result = 1.0
    for scale, weight in enumerate(weights, start=1):
        # Local moments under the Gaussian window, which is separable: rows, then columns.
        products = [a, b, a * a, b * b, a * b]
        moments = torch.cat(products, dim=1)  # (n, 15, h, w)
        moments = F.conv2d(moments, window, groups=15)
        moments = F.conv2d(moments, window.mT, groups=15)  # (n, 15, h - 10, w - 10)
        mean_a, mean_b, square_a, square_b, product = moments.chunk(5, dim=1)

        # Contrast and structure.
        variances = square_a - mean_a**2 + square_b - mean_b**2
        covariance = product - mean_a * mean_b
        similarity = (2 * covariance + SSIM_C2) / (variances + SSIM_C2)

        # Luminance, on the coarsest scale only.
        if scale == len(weights):
            numerator = 2 * mean_a * mean_b + SSIM_C1
            denominator = mean_a**2 + mean_b**2 + SSIM_C1
            similarity = similarity * numerator / denominator

        similarity = similarity.mean(dim=(2, 3)).relu()  # (n, 3)
        result = result * similarity ** (weight / sum(weights))

        # Halve the images; odd sides are padded with zeros.
        padding = [size % 2 for size in a.shape[2:]]
        a = F.avg_pool2d(a, 2, padding=padding)
        b = F.avg_pool2d(b, 2, padding=padding)
    return result.mean(dim=1)


@register_metric("ms_ssim", samples=16, frames="none")
def ms_ssim_pairs(images: Tensor) -> float:
    """Average the multi-scale structural similarity over all pairs of images.

    Args:
        images: samples (n, 3, H, W) in [-1, 1], n at least 2, H and W at least 11.

    Returns:
        The mean of `ms_ssim` over pairs. 1: all samples are identical; low: diverse.

    Raises:
        SivLiteError: If `check_images` refuses the images.
    """
    images = check_images(images, "images", min_count=2, min_side=SSIM_WINDOW)
    pairs = itertools.combinations(images.split(1), 2)
    similarities = [ms_ssim(a, b) for a, b in pairs]
    return torch.cat(similarities).mean().item()
