"""The filters against numpy."""

import numpy as np
import pytest

from siv_lite.filters import gaussian_window


@pytest.mark.parametrize("size, sigma", [(11, 1.5), (3, 0.5), (25, 4.0)])
def test_gaussian_window_is_a_normalized_gaussian(size, sigma):
    offsets = np.arange(size) - (size - 1) / 2
    expected = np.exp(-(offsets**2) / (2 * sigma**2))
    np.testing.assert_allclose(
        gaussian_window(size, sigma).numpy(), expected / expected.sum(), rtol=1e-5
    )
