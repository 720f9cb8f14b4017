"""Diversity without weights: the equations typed again in numpy, and another implementation."""

import itertools

import numpy as np
import pytest
import torch
from conftest import noisy

from siv_lite import metrics
from siv_lite.errors import SivLiteError


def test_pixel_diversity(scene):
    images = noisy(scene)
    assert metrics.pixel_diversity(scene.expand(3, -1, -1, -1), scene) == pytest.approx(0, abs=1e-6)
    gray, target = (
        np.tensordot(x.numpy(), [0.299, 0.587, 0.114], axes=(1, 0)) for x in (images, scene)
    )
    assert metrics.pixel_diversity(images, scene) == pytest.approx(
        gray.std(axis=0).mean() / target.std(), rel=1e-4
    )


def numpy_arrangement_diversity(images):
    """1 minus the mean of numpy's correlation coefficients, of samples without colors' means."""
    vectors = []
    for image in images.double().numpy():
        height, width = image.shape[1] // 2, image.shape[2] // 2
        image = image[:, : 2 * height, : 2 * width]
        halved = image.reshape(3, height, 2, width, 2).mean(axis=(2, 4))
        vectors.append((halved - halved.mean(axis=(1, 2), keepdims=True)).ravel())
    pairs = itertools.combinations(vectors, 2)
    return 1 - np.mean([np.corrcoef(a, b)[0, 1] for a, b in pairs])


@pytest.mark.parametrize("size", [(48, 64), (27, 33)])
def test_arrangement_diversity_agrees_with_numpy(size):
    images = torch.rand(5, 3, *size, generator=torch.Generator().manual_seed(0)) * 2 - 1
    images[1:] += images[0]
    images /= 2
    expected = numpy_arrangement_diversity(images)
    assert 0.1 < expected < 0.9
    assert metrics.arrangement_diversity(images) == pytest.approx(expected, rel=1e-4)


def test_arrangement_diversity_is_not_bought_with_contrast_or_brightness(scene):
    contrast = torch.tensor([1.0, 0.5, 0.1, 0.02]).view(4, 1, 1, 1)
    tint = torch.tensor([[0, 0, 0], [0.3, 0, -0.4], [0.8, 0.8, 0.8], [-0.9, 0.5, 0]])
    pale_to_glaring = (contrast * scene + tint.view(4, 3, 1, 1)).clamp(-1, 1)
    assert metrics.pixel_diversity(pale_to_glaring, scene) > 0.5
    assert metrics.arrangement_diversity(pale_to_glaring) < 0.05
    # Flat pictures, equal or not, show no arrangement at all.
    flat = tint.view(4, 3, 1, 1).expand(4, 3, 48, 64)
    assert metrics.arrangement_diversity(flat) == pytest.approx(0, abs=1e-6)
    assert metrics.arrangement_diversity(torch.cat([scene, flat])) == pytest.approx(0, abs=1e-6)


def test_arrangement_diversity_of_equal_independent_and_opposite_pictures(scene):
    equal = scene.expand(3, -1, -1, -1)
    assert metrics.arrangement_diversity(equal) == pytest.approx(0, abs=1e-6)
    independent = torch.rand(4, 3, 48, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1
    assert metrics.arrangement_diversity(independent) == pytest.approx(1, abs=0.05)
    opposite = torch.cat([scene, -scene])
    assert metrics.arrangement_diversity(opposite) == pytest.approx(2, abs=1e-6)
    with pytest.raises(SivLiteError, match="n at least 2"):
        metrics.arrangement_diversity(scene)


def numpy_ms_ssim(a, b, weights):
    """ms_ssim of arrays (H, W) in [0, 1] with even sides."""
    window = np.exp(-(np.arange(-5, 6) ** 2) / 4.5)
    window = np.outer(window, window) / window.sum() ** 2

    def blur(x):
        return np.einsum(
            "hwij,ij->hw", np.lib.stride_tricks.sliding_window_view(x, (11, 11)), window
        )

    result = 1.0
    for scale, weight in enumerate(weights):
        mean_a, mean_b = blur(a), blur(b)
        product = blur(a * b) - mean_a * mean_b
        similarity = (2 * product + 9e-4) / (
            blur(a * a) - mean_a**2 + blur(b * b) - mean_b**2 + 9e-4
        )
        if scale == len(weights) - 1:
            similarity *= (2 * mean_a * mean_b + 1e-4) / (mean_a**2 + mean_b**2 + 1e-4)
        result *= max(similarity.mean(), 0) ** weight
        a, b = (x.reshape(x.shape[0] // 2, 2, x.shape[1] // 2, 2).mean(axis=(1, 3)) for x in (a, b))
    return result


def test_ms_ssim_agrees_with_numpy_on_the_three_scales_that_fit(scene):
    other = noisy(scene, 1)
    assert metrics.ms_ssim_pairs(torch.cat([scene, scene])) == pytest.approx(1, abs=1e-5)
    weights = np.array([0.0448, 0.2856, 0.3001]) / 0.6305
    pairs = zip(
        (scene[0].double().numpy() + 1) / 2, (other[0].double().numpy() + 1) / 2, strict=True
    )
    expected = np.mean([numpy_ms_ssim(a, b, weights) for a, b in pairs])
    assert metrics.ms_ssim_pairs(torch.cat([scene, other])) == pytest.approx(expected, rel=1e-4)
    with pytest.raises(SivLiteError, match="11 x 11 pixels"):
        metrics.ms_ssim_pairs(torch.cat([scene, other])[:, :, :10])


@pytest.mark.parametrize("size", [(161, 170), (192, 256)])
def test_ms_ssim_agrees_with_pytorch_msssim_where_five_scales_fit(scene, size):
    reference = pytest.importorskip("pytorch_msssim")
    large = torch.nn.functional.interpolate(scene, size=size, mode="bicubic").clamp(-1, 1)
    a, b = large.repeat(2, 1, 1, 1), noisy(large, 2)
    expected = reference.ms_ssim((a + 1) / 2, (b + 1) / 2, data_range=1.0, size_average=False)
    torch.testing.assert_close(metrics.ms_ssim(a, b), expected, rtol=1e-4, atol=1e-5)


def test_ms_ssim_pairs_is_the_mean_over_pairs(scene):
    images = noisy(scene)
    pairs = [metrics.ms_ssim_pairs(images[[i, j]]) for i, j in ((0, 1), (0, 2), (1, 2))]
    assert metrics.ms_ssim_pairs(images) == pytest.approx(np.mean(pairs))
