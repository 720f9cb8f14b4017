"""SinGAN's networks, pyramid and losses against what its paper and program say."""

import math

import numpy as np
import pytest
import torch

from siv_lite import losses
from siv_lite.methods import make_settings
from siv_lite.methods.pyramid import PatchDiscriminator, pyramid_sizes
from siv_lite.methods.singan import Generator, SinGAN

CPU = torch.device("cpu")


def build(frames, **settings):
    return SinGAN(frames, make_settings("singan", "smoke", **settings), CPU, "fp32", 0)


def count(network):
    return sum(p.numel() for p in network.parameters())


def test_networks_have_as_many_weights_as_the_release():
    assert count(Generator(32)) == 29_763
    assert count(Generator(64)) == 114_819
    assert count(PatchDiscriminator(32)) == 29_763 - 2 * (32 * 9 + 1)  # one map out, not three


def reach(output, image):
    """Height and width of the part of `image` (1, c, H, W) that one value depends on."""
    (gradient,) = torch.autograd.grad(output, image)
    rows, columns = gradient[0].abs().sum(0).nonzero(as_tuple=True)
    return rows.max() - rows.min() + 1, columns.max() - columns.min() + 1


def test_receptive_field_is_11_at_every_scale(toy_frames):
    method = build(toy_frames)
    method.enter(method.iterations)
    for network in method.networks.values():  # with fixed statistics: those of the picture make all depend on all
        network.eval()
    for stage, size in enumerate(method.sizes):
        image = torch.randn(1, 3, *size, requires_grad=True)
        picture = method.networks[f"G{stage}"](image, torch.zeros_like(image))
        assert reach(picture[0, 0, size[0] // 2, size[1] // 2], image) == (11, 11)
        scores = method.networks["D"](image)
        assert reach(scores[0, 0, 3, 4], image) == (11, 11)
        assert scores.shape[2:] == (size[0] - 10, size[1] - 10)


def test_pyramid_is_the_papers():
    sizes = pyramid_sizes(186, 248, 25, 0.75)
    assert len(sizes) == 9 and sizes[0] == (25, 34) and sizes[-1] == (186, 248)
    ratios = [b[0] / a[0] for a, b in zip(sizes, sizes[1:], strict=False)]
    assert max(ratios) < 1.35 and min(ratios) > 1.2
    assert pyramid_sizes(25, 30, 25, 0.75)[-1] == (25, 30)


def test_widths_grow_every_four_scales_and_equal_ones_are_passed_on(toy_frames):
    method = build(toy_frames, scale_factor=0.95, iterations=1, inner_steps=1, width=32)
    assert [method.width(stage) for stage in (0, 3, 4, 7, 8, 12, 16)] == [32, 32, 64, 64, 128, 128, 128]
    method.enter(2)
    first, second = (method.networks[name].state_dict() for name in ("G0", "G1"))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_noise_amplitude_is_a_tenth_of_the_reconstructions_error(toy_frames):
    method = build(toy_frames)
    for iteration in range(1, method.settings.iterations + 1):
        method.enter(iteration)
        method.step()
    method.enter(method.settings.iterations + 1)
    picture = method.generate(torch.cat([x.flatten(1) for x in method.fixed_noise(1)], 1), stage=0)
    coarser = torch.nn.functional.interpolate(picture, method.sizes[1], mode="bicubic", antialias=True)
    error = (coarser.numpy().astype(float) - method.real[1].numpy()) ** 2
    assert method.amplitudes[1].item() == pytest.approx(0.1 * math.sqrt(error.mean()), rel=1e-4)
    assert method.amplitudes[0] == 1


def test_the_training_s_own_seed_does_not_draw_its_fixed_noise_again(toy_frames):
    method = build(toy_frames)
    drawn = method.split(method.draw_latents(1, seed=0), method.sizes)[0]
    assert (drawn - method.fixed).abs().mean() > 0.5


def test_reconstruction_is_learned_and_noise_changes_the_picture(toy_frames):
    method = build(toy_frames, iterations=40, reconstruction_weight=100.0)
    errors = []
    for iteration in range(1, 41):
        method.enter(iteration)
        errors.append(method.step()["reconstruction"].item())
    assert np.mean(errors[-5:]) < 0.5 * np.mean(errors[:5])


def test_learning_rate_falls_to_a_tenth_in_the_last_fifth_of_a_stage(toy_frames):
    method = build(toy_frames, iterations=10)
    rates = []
    for done in range(20):
        method.enter(done + 1)
        method.count.fill_(done)
        rates.append(method.rate().item() / method.settings.learning_rate)
    assert rates == pytest.approx(([1] * 8 + [0.1] * 2) * 2)


def test_gradient_penalty_is_the_equation(toy_frames):
    weight = torch.rand(1, 3, 32, 48, generator=torch.Generator().manual_seed(0))
    fake = torch.rand(1, 3, 32, 48, generator=torch.Generator().manual_seed(1))
    found = losses.gradient_penalty(lambda x: weight * x**2, toy_frames, fake, torch.Generator().manual_seed(2))
    share = torch.rand(1, generator=torch.Generator().manual_seed(2)).item()
    x = share * toy_frames.numpy().astype(float) + (1 - share) * fake.numpy()
    slope = 2 * weight.numpy() * x  # of the sum of w x^2
    wanted = ((np.sqrt((slope**2).sum(1)) - 1) ** 2).mean()
    assert found.item() == pytest.approx(wanted, rel=1e-4)
    assert losses.gradient_penalty(lambda x: x[:, :1], toy_frames, fake, torch.Generator()).item() < 1e-6


def test_a_clip_is_reconstructed_frame_by_frame(toy_frames):
    clip = torch.cat([toy_frames, toy_frames.flip(3)])
    method = build(clip, iterations=60, reconstruction_weight=300.0, scale_factor=0.3)
    for iteration in range(1, 61):
        method.enter(iteration)
        method.step()
    fixed = torch.cat([x.flatten(1) for x in method.fixed_noise(2)], 1)
    first, second = method.generate(fixed, stage=0)
    frames = method.real[0]
    assert (first - frames[0]).square().mean() < (first - frames[1]).square().mean()
    assert (second - frames[1]).square().mean() < (second - frames[0]).square().mean()
