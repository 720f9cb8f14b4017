"""Eq. 1 to 5 and the alternatives of Table 4, against a naive re-typing in numpy."""

import itertools

import numpy as np
import pytest
import torch

from siv_lite import losses


def draw(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_discriminator_loss_is_equations_1_and_2():
    decisions = [draw(5, 1, 4, 6, seed=1), draw(5, 1, 2, 3, seed=2), draw(5, 1, 1, 1, seed=3)]
    total = 0.0
    for logits in decisions:
        d = sigmoid(logits.numpy())
        total += -np.mean(np.log(d[:2])) - np.mean(np.log(1 - d[2:]))
    assert losses.discriminator_part_loss(decisions, num_real=2).item() == pytest.approx(total / 3)


def test_generator_loss_is_the_non_saturating_form():
    decisions = [draw(5, 1, 4, 6, seed=1), draw(5, 1, 2, 3, seed=2)]
    naive = np.mean([-np.mean(np.log(sigmoid(logits.numpy()))) for logits in decisions])
    assert losses.generator_part_loss(decisions).item() == pytest.approx(naive)


@pytest.mark.parametrize("n", [2, 3, 5, 6])
def test_diversity_in_features_is_equation_4_over_all_pairs(n):
    features = [draw(n, 4, 2, 3, seed=1), draw(n, 3, 4, 6, seed=2), draw(n, 2, 8, 12, seed=3)]
    total = 0.0
    for feature in features:
        f = np.tanh(feature.numpy())
        total += np.mean(
            [np.abs(f[i] - f[j]).mean() for i, j in itertools.combinations(range(n), 2)]
        )
    assert losses.diversity_in_features(features).item() == pytest.approx(total / 3, rel=1e-5)


@pytest.mark.parametrize("n", [2, 5])
def test_normalized_diversity_is_equation_4_on_features_without_contrast(n):
    features = [draw(n, 4, 2, 3, seed=1), draw(n, 3, 4, 6, seed=2)]
    total = 0.0
    for feature in features:
        normalized = []
        for f in np.tanh(feature.numpy()):
            centered = np.stack([channel - channel.mean() for channel in f])
            normalized.append(centered / np.sqrt((centered**2).mean() + 1e-6))
        pairs = itertools.combinations(normalized, 2)
        total += np.mean([np.abs(a - b).mean() for a, b in pairs])
    found = losses.diversity_in_normalized_features(features).item()
    assert found == pytest.approx(total / 2, rel=1e-5)


def test_contrast_and_brightness_buy_no_normalized_diversity():
    after_tanh = 0.4 * torch.tanh(draw(4, 3, 4, 6))
    contrast = torch.tensor([1.0, 0.5, 2.0, 1.5], dtype=torch.float64).view(4, 1, 1, 1)
    brightness = 0.1 * draw(4, 3, 1, 1, seed=1)
    changed = contrast * after_tanh + brightness

    def normalized(x):
        return losses.diversity_in_normalized_features([x.atanh()]).item()

    assert normalized(changed) == pytest.approx(normalized(after_tanh), rel=1e-3)
    # One arrangement, pale to glaring: by Eq. 4 diverse, without contrast all the same.
    one = contrast * after_tanh[:1]
    assert losses.diversity_in_features([one.atanh()]) > 0.1
    assert normalized(one) < 1e-3


def test_normalized_diversity_of_flat_features_has_a_gradient():
    flat = torch.zeros(3, 2, 4, 4, requires_grad=True)
    losses.diversity_in_normalized_features([flat]).backward()
    assert flat.grad.isfinite().all()


def test_pair_distance_has_the_naive_gradient():
    values = draw(5, 3, 4, 4).requires_grad_()
    losses.pair_distance(values).backward()
    x, naive = values.detach().numpy(), np.zeros((5, 3, 4, 4))
    for i, j in itertools.permutations(range(5), 2):
        naive[i] += np.sign(x[i] - x[j]) / (10 * x[0].size)
    np.testing.assert_allclose(values.grad, naive, rtol=1e-5)


def test_diversity_sensitive_is_clipped_ratio_of_distances():
    images, latents = draw(4, 3, 2, 2, seed=1), draw(4, 6, seed=2)
    x, z = images.numpy(), latents.numpy()
    ratios = [
        np.abs(x[i] - x[i - 1]).mean() / (np.abs(z[i] - z[i - 1]).mean() + 1e-5) for i in range(4)
    ]
    assert losses.diversity_sensitive(images, latents).item() == pytest.approx(
        np.mean(np.minimum(ratios, 1))
    )


def test_latent_consistency_is_the_mean_square():
    a, b = draw(2, 3, 4, 4, seed=1), draw(2, 3, 4, 4, seed=2)
    assert losses.latent_consistency(a, b).item() == pytest.approx(
        ((a.numpy() - b.numpy()) ** 2).mean()
    )
