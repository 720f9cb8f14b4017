"""The Frechet distance: known answers and scipy's; test_metrics_pretrained has SIFID and FID."""

import numpy as np
import pytest
import torch

from siv_lite import metrics


def features_with(mean, std):
    """Features (8, 3) of exactly this mean and diagonal covariance."""
    signs = torch.cartesian_prod(*[torch.tensor([-1.0, 1.0])] * 3)
    return torch.tensor(mean) + signs * torch.tensor(std) * (7 / 8) ** 0.5


def test_frechet_distance_of_diagonal_gaussians_is_the_textbook_sum():
    first, second = (
        features_with([0.0, 1.0, 2.0], [1.0, 2.0, 0.0]),
        features_with([1.0, 1.0, 0.0], [3.0, 2.0, 0.5]),
    )
    assert metrics.frechet_distance(first, second) == pytest.approx((1 + 0 + 4) + (4 + 0 + 0.25))


@pytest.mark.parametrize("count", [8, 200])  # fewer and more features than channels
def test_frechet_distance_of_shifted_features_is_the_squared_shift(count):
    features = torch.randn(count, 20, generator=torch.Generator().manual_seed(0))
    assert metrics.frechet_distance(features, features.flip(0)) == pytest.approx(0, abs=1e-9)
    assert metrics.frechet_distance(features, features + 2) == pytest.approx(20 * 4)


def test_frechet_distance_agrees_with_scipy():
    linalg = pytest.importorskip("scipy.linalg")
    first, second = np.random.default_rng(0).normal(size=(2, 50, 6)) * [[[1.0]], [[2.0]]]
    (mean1, cov1), (mean2, cov2) = ((x.mean(0), np.cov(x, rowvar=False)) for x in (first, second))
    expected = ((mean1 - mean2) ** 2).sum() + np.trace(
        cov1 + cov2 - 2 * linalg.sqrtm(cov1 @ cov2).real
    )
    assert metrics.frechet_distance(*map(torch.from_numpy, (first, second))) == pytest.approx(
        expected
    )
