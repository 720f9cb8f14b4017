"""The lessons' checks: they pass on the package as it is, and say where to look when it is not."""

import pytest
import torch

from siv_lite import losses
from siv_lite.lesson_checks import (
    check,
    check_average,
    check_denoiser,
    check_diversity_sign,
    check_forward,
    check_overlaps,
    check_power_iteration,
    check_sizes,
    largest_difference,
)
from siv_lite.methods import find_method, make_settings
from siv_lite.rendering import patches


@pytest.fixture
def model(toy_frames):
    settings = make_settings("siv_gan", "smoke")
    return find_method("siv_gan")(toy_frames, settings, torch.device("cpu"), "fp32", 0)


def test_check_takes_numbers_lists_and_tensors():
    check(1.0, torch.tensor(1.0), "hint")
    check([1.0, 2.0], torch.tensor([1.0, 2.0]), "hint")
    check(1.02, 1.0, "hint", rtol=0.03)
    check(0.01, 0.0, "hint", atol=0.02)
    for found, options in (
        (1.1, {}),
        (1.04, {"rtol": 0.03}),
        (1.03, {"atol": 0.02}),
        ([1.0, 1.0], {}),
    ):
        with pytest.raises(AssertionError, match="^look at the sign\\n"):
            check(found, 1.0, "look at the sign", **options)


def test_largest_difference_takes_numbers_lists_and_tensors():
    assert largest_difference(1.0, 1.5) == 0.5
    assert largest_difference([1.0, 2.0], torch.tensor([1.0, 1.0])) == 1
    assert largest_difference(torch.tensor([1, 2]), torch.tensor([4, 2])) == 3


def test_power_iteration_is_checked():
    matrix = torch.tensor([[2.0, 1.0], [1.0, 2.0]])
    sigmas = torch.tensor([41 / 5, 3281 / 365]).sqrt()
    check_power_iteration(matrix, torch.tensor([1.0, 0.0]), sigmas)
    with pytest.raises(AssertionError, match="^Look at SpectralNetwork.normalize"):
        check_power_iteration(matrix, torch.tensor([0.6, 0.8]), sigmas)


def test_average_is_checked(model, monkeypatch):
    check_average(model, steps=2)
    monkeypatch.setattr("siv_lite.methods.siv_gan.update_ema", lambda *arguments: None)
    with pytest.raises(AssertionError, match="look at the call of update_ema"):
        check_average(model, steps=1)


def test_sizes_and_forward_are_checked(model):
    def judge(D, pyramid):
        """The package's own answers, and as F(x) what its last low-level block gives."""
        features = []
        hook = D.low_level[-1].register_forward_hook(
            lambda layer, inputs, output: features.append(output)
        )
        decisions = D(pyramid)
        hook.remove()
        return features[0], decisions

    def judge_swapped(D, pyramid):
        features, decisions = judge(D, pyramid)
        return features, {
            **decisions,
            "content": decisions["layout"],
            "layout": decisions["content"],
        }

    check_sizes(model.D)
    check_forward(model.D, model.real, judge)
    with pytest.raises(AssertionError, match="are the branches swapped"):
        check_forward(model.D, model.real, judge_swapped)

    model.D.branches = torch.nn.ModuleDict(
        zip(("layout", "content"), model.D.branches.values(), strict=True)
    )
    with pytest.raises(AssertionError, match="are the branches swapped"):
        check_sizes(model.D)


def test_sign_of_diversity_is_checked(toy_frames):
    check_diversity_sign(toy_frames, losses.diversity_in_features)
    with pytest.raises(AssertionError, match="look at the sign of `diversity`"):
        check_diversity_sign(toy_frames, lambda features: -losses.diversity_in_features(features))


def test_denoiser_is_checked():
    def denoise(query, patches, a, s):
        logits = -(query - a * patches).square().sum(1) / (2 * s * s)
        return logits.softmax(0) @ patches

    check_denoiser(denoise)
    with pytest.raises(AssertionError, match="is the a forgotten"):
        check_denoiser(lambda query, patches, a, s: denoise(query, patches, 1.0, s))


def test_overlaps_are_checked(monkeypatch):
    check_overlaps()
    # Only the first patch that reaches a pixel counts: nothing is averaged.
    averages = patches.average_weights

    def first_only(size, pixels):
        weights = averages(size, pixels)
        counts = (weights > 0).flatten(1)
        is_first = counts & (counts.cumsum(1) == 1)
        return is_first.view_as(weights).float()

    monkeypatch.setattr(patches, "average_weights", first_only)
    with pytest.raises(AssertionError, match="their mean is taken"):
        check_overlaps()
