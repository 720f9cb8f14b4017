"""The exact identities, spectral normalization and the weights' average, against naive forms."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from siv_lite.nn import (
    SpectralConv2d,
    SpectralNetwork,
    as_reference,
    assign_gradients,
    make_adam,
    pool_kernel,
    reference_parameter,
    update_ema,
    upsample_kernel,
)


class Toy(SpectralNetwork):
    def __init__(self):
        super().__init__()
        self.first = SpectralConv2d(3, 6, 3)
        self.second = SpectralConv2d(6, 4, 3, resample="down")
        self.third = SpectralConv2d(4, 4, 3, resample="up")
        self.last = nn.Linear(4, 1)

    def forward(self, x):
        return self.last(
            F.leaky_relu(self.third(self.second(F.leaky_relu(self.first(x), 0.2))), 0.2).mean(
                (2, 3)
            )
        )


@pytest.fixture
def toy():
    network = Toy()
    network.init_weights(torch.device("cpu"), torch.Generator().manual_seed(0))
    return network


def images(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@pytest.mark.parametrize("size", [(4, 6), (3, 5), (1, 2)])
def test_upsampling_before_a_3x3_is_one_transposed_4x4(size):
    x, weight = images(2, 5, *size), images(7, 5, 3, 3)
    plain = F.conv2d(F.interpolate(x, scale_factor=2, mode="nearest"), weight, padding=1)
    torch.testing.assert_close(
        F.conv_transpose2d(x, upsample_kernel(weight), stride=2, padding=1), plain
    )


@pytest.mark.parametrize("size", [(8, 6), (5, 7), (3, 2)])
def test_pooling_behind_a_3x3_is_one_4x4_of_stride_2(size):
    x, weight = images(2, 5, *size), images(7, 5, 3, 3)
    plain = F.avg_pool2d(F.conv2d(x, weight, padding=1), 2)
    torch.testing.assert_close(F.conv2d(x, pool_kernel(weight), stride=2, padding=1), plain)


def test_a_1x1_commutes_with_upsampling_and_pooling():
    x, weight = images(2, 5, 6, 4), images(7, 5, 1, 1)
    for resample in (
        lambda y: F.interpolate(y, scale_factor=2, mode="nearest"),
        lambda y: F.avg_pool2d(y, 2),
    ):
        torch.testing.assert_close(F.conv2d(resample(x), weight), resample(F.conv2d(x, weight)))


def test_normalized_weights_have_spectral_norm_one(toy):
    for _ in range(60):
        toy.normalize()
    for layer in toy.layers:
        matrix = layer.weight.detach().numpy().reshape(len(layer.weight), -1)
        assert np.linalg.svd(matrix, compute_uv=False)[0] == pytest.approx(1, abs=1e-3)


def test_one_power_iteration_is_the_textbooks(toy):
    layer = toy.first
    matrix, u = layer.as_matrix(layer.weight_orig).detach().numpy().copy(), layer.u.numpy().copy()
    toy.normalize()
    v = matrix.T @ u / np.linalg.norm(matrix.T @ u)
    u = matrix @ v / np.linalg.norm(matrix @ v)
    np.testing.assert_allclose(layer.u, u, rtol=1e-5)
    np.testing.assert_allclose(
        layer.as_matrix(layer.weight).detach(), matrix / (u @ matrix @ v), rtol=1e-4, atol=1e-6
    )


def test_gradients_pass_through_the_norm_as_autograd_says(toy):
    x = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(2))
    assign_gradients(toy(x).square().sum(), [toy])
    ours = [p.grad.clone() for p in toy.parameters()]
    names = [name for name, _ in toy.named_parameters()]
    raws = {id(layer): layer.weight_orig for layer in toy.layers}
    for layer in toy.layers:  # the plain form: W / (u W v) with autograd
        layer.weight = raws[id(layer)] / (layer.u @ layer.as_matrix(raws[id(layer)]) @ layer.v)
    plain = torch.autograd.grad(toy(x).square().sum(), list(toy.parameters()))
    for name, a, b in zip(names, ours, plain, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6, msg=name)


def test_backward_touches_no_other_network(toy):
    other = Toy()
    other.init_weights(torch.device("cpu"), torch.Generator().manual_seed(3))
    x = torch.randn(2, 3, 8, 8)
    assign_gradients(toy(x).sum() * other(x).sum(), [toy])
    assert all(p.grad is None for p in other.parameters()) and all(
        p.grad is not None for p in toy.parameters()
    )


def test_normalizing_again_without_iterating_changes_no_bit(toy):
    toy.normalize()
    before = {name: tensor.clone() for name, tensor in toy.state_dict().items()}
    weights = [layer.weight.clone() for layer in toy.layers]
    toy.normalize(power_iteration=False)
    assert all(torch.equal(tensor, before[name]) for name, tensor in toy.state_dict().items())
    assert all(
        torch.equal(layer.weight, weight) for layer, weight in zip(toy.layers, weights, strict=True)
    )


def test_the_average_is_of_weights_and_copies_singular_vectors(toy):
    average = Toy()
    average.init_weights(torch.device("cpu"), torch.Generator().manual_seed(4))
    before = average.first.weight_orig.detach().numpy().copy()
    update_ema(average, toy, 0.75, torch.tensor(1e6))
    expected = 0.75 * before + 0.25 * toy.first.weight_orig.detach().numpy()
    np.testing.assert_allclose(average.first.weight_orig.detach(), expected, atol=1e-7)
    assert torch.equal(average.first.u, toy.first.u) and torch.equal(average.first.v, toy.first.v)


def test_adam_is_adam(toy):
    optimizer, p = make_adam(toy, 0.01), toy.last.weight
    w, m, v = p.detach().numpy().astype(np.float64), 0.0, 0.0
    for t in range(1, 4):
        for parameter in toy.parameters():
            parameter.grad = torch.full_like(parameter, 0.3 * t)
        optimizer.step()
        m, v = 0.5 * m + 0.5 * 0.3 * t, 0.999 * v + 0.001 * (0.3 * t) ** 2
        w = w - 0.01 * (m / (1 - 0.5**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    np.testing.assert_allclose(p.detach(), w, rtol=1e-5)


def test_reference_network_gives_the_same_outputs_and_gradients_by_plain_backward(toy):
    x = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(2))
    reference = as_reference(toy)
    assert not [m for m in reference.modules() if isinstance(m, SpectralConv2d)]

    output = reference(x)
    torch.testing.assert_close(output, toy(x), rtol=1e-4, atol=1e-6)
    output.square().sum().backward()

    assign_gradients(toy(x).square().sum(), [toy])
    for name, parameter in toy.named_parameters():
        plain = reference_parameter(reference, name)
        torch.testing.assert_close(parameter.grad, plain.grad, rtol=1e-4, atol=1e-6, msg=name)
