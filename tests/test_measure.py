"""Counts that can be checked by hand."""

import pytest
import torch
import torch.nn.functional as F
from measure import count_work, measure_configuration

from siv_lite import SivLiteError


def test_counts_arithmetic_and_operations_but_no_views():
    a, b = torch.ones(3, 5), torch.ones(5, 7)
    flops, operations = count_work(lambda: (a @ b).T.reshape(-1)[None].relu_())
    assert flops == 2 * 3 * 5 * 7
    assert operations == 3  # product, the copy that reshaping a transposed matrix makes, relu_


def test_counts_the_backward_pass_too():
    images, weight = torch.ones(1, 2, 8, 8), torch.ones(4, 2, 3, 3, requires_grad=True)
    forward, _ = count_work(lambda: F.conv2d(images, weight, padding=1))
    both, _ = count_work(lambda: F.conv2d(images, weight, padding=1).sum().backward())
    assert forward == 2 * (8 * 8 * 4) * (2 * 3 * 3)
    assert both == 2 * forward  # the weight's gradient costs as much; the images need none


def test_counts_through_a_gradient_penalty():
    layer, x = torch.nn.Linear(4, 1, bias=False), torch.ones(1, 4, requires_grad=True)

    def work():
        (slope,) = torch.autograd.grad(layer(x).sum(), x, create_graph=True)
        torch.autograd.grad(slope.square().sum(), layer.weight)

    assert count_work(work)[0] == 3 * 2 * 4  # forward, its gradient, and the gradient of that


def test_a_foreach_operation_counts_once():
    tensors = [torch.ones(2) for _ in range(9)]
    assert count_work(lambda: torch._foreach_add_(tensors, 1))[1] == 1


def test_an_unknown_configuration_is_refused():
    with pytest.raises(SivLiteError, match="'paperr'; choose from smoke, lesson, paper"):
        measure_configuration("paperr")
