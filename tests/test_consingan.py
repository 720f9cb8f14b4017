"""ConSinGAN's growing generator, its stages and its step against a naive re-typing of its authors' program."""

import functools
import math

import pytest
import torch
import torch.nn.functional as F

from siv_lite import losses, train
from siv_lite.editing import edit
from siv_lite.methods import make_settings
from siv_lite.methods.consingan import SLOPE, ConSinGAN, stage_sizes, upsample
from siv_lite.methods.pyramid import PatchDiscriminator
from siv_lite.nn import linearize

CPU = torch.device("cpu")
SMALL = {"width": 8, "inner_steps": 1, "stages": 5}


def build(frames, stage=0, **settings):
    """A method at the first iteration of a stage, every stage below trained for one."""
    method = ConSinGAN(frames, make_settings("consingan", "smoke", iterations=1, **settings), CPU, "fp32", 0)
    for iteration in range(1, stage + 1):
        method.step()
        method.enter(iteration + 1)
    return method


def count(*networks):
    return sum(p.numel() for network in networks for p in network.parameters())


def naive_picture(method, noise):
    """The release's generator: explicit padding, the library's interpolation, one sample at a time."""

    def block(name, x):
        for layer in method.networks[name].layers:
            x = F.leaky_relu(F.conv2d(x, layer.weight, layer.bias), 0.05)
        return x

    def up(x, height, width):
        return F.interpolate(x, (height, width), mode="bicubic", align_corners=True)

    x = block("head", F.pad(noise[0], [1] * 4))
    x = block("B0", F.pad(up(x, x.shape[2] + 2, x.shape[3] + 2), [2] * 4))
    for i, (h, w) in enumerate(method.sizes[1 : len(noise)], start=1):
        x = block(f"B{i}", up(x, h + 6, w + 6) + noise[i] * method.amplitudes[i]) + up(x, h, w)
    (tail,) = method.networks["tail"].layers
    return torch.tanh(F.conv2d(F.pad(x, [1] * 4), tail.weight, tail.bias))


def test_networks_have_as_many_weights_as_the_release(toy_frames):
    method = ConSinGAN(toy_frames, make_settings("consingan"), CPU, "fp32", 0)
    convolution = 64 * 64 * 9 + 64
    assert count(method.networks["D"]) == 113_153
    assert count(method.networks["B0"]) == 3 * convolution
    assert count(method.networks["head"]) == 64 * 27 + 64 and count(method.networks["tail"]) == 3 * 64 * 9 + 3


def test_stages_are_dense_at_low_resolution():
    sizes = stage_sizes(186, 248, 25, 6)
    assert sizes[0] == (25, 34) and sizes[-1] == (186, 248)
    assert sizes == [(25, 34), (32, 42), (42, 56), (63, 84), (125, 167), (186, 248)]
    r = (25 / 186) ** (1 / 5)
    for n in range(5):
        assert sizes[n][0] == math.ceil(186 * r ** (4 / math.log(5) * math.log(5 - n) + 1) - 1e-9)
    assert stage_sizes(48, 36, 25, 3) == [(34, 25), (40, 30), (48, 36)]
    assert stage_sizes(32, 32, 40, 4) == [(32, 32)] * 4  # nothing is enlarged


@pytest.mark.parametrize("size", [(20, 31), (13, 17), (9, 40)])
def test_upsampling_is_the_library_s_and_so_is_its_gradient(size):
    features = torch.randn((2, 5, 13, 17), generator=torch.Generator().manual_seed(0)).requires_grad_()
    wanted = F.interpolate(features, (size[0] + 6, size[1] + 6), mode="bicubic", align_corners=True)
    found = upsample(features, size, margin=3)
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-4)
    gradients = [torch.autograd.grad(x.square().sum(), features)[0] for x in (found, wanted)]
    torch.testing.assert_close(*gradients, atol=1e-4, rtol=1e-4)


def test_the_penalty_of_the_linearised_discriminator_and_its_gradient_are_the_same():
    D, generator = PatchDiscriminator(8, norm=False, slope=SLOPE), torch.Generator().manual_seed(0)
    D.prepare(CPU, generator)
    with torch.no_grad():
        for parameter in D.parameters():
            parameter.mul_(20).add_(0.01)
    real, fake = torch.randn((2, 1, 3, 17, 19), generator=generator)
    layers = [*(block[0] for block in D.layers[:-1]), D.layers[-1]]
    scores = functools.partial(linearize, layers, SLOPE), D
    found, wanted = (losses.gradient_penalty(x, real, fake, torch.Generator().manual_seed(1)) for x in scores)
    assert found.item() == pytest.approx(wanted.item(), rel=1e-5) and found > 0.1
    kernels = [p for p in D.parameters() if p.dim() == 4]
    for a, b in zip(torch.autograd.grad(found, kernels), torch.autograd.grad(wanted, kernels), strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("stage", [0, 1, 4])
def test_pictures_are_those_of_the_release_s_generator(stage, toy_frames):
    method = build(toy_frames, stage, width=8, stages=5)
    noise = method.noise(2, method.sizes[: stage + 1])
    with torch.no_grad():
        found, wanted = method.refine_all(noise, method.sizes[: stage + 1]), naive_picture(method, noise)
    assert found.shape == (2, 3, *method.sizes[stage])
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("stage", [0, 2, 4])
def test_step_descends_the_gradient_of_the_release_s_losses(stage, toy_frames):
    method = build(toy_frames, stage, **SMALL)
    twin = build(toy_frames, stage, **SMALL)
    draws = torch.Generator()
    draws.set_state(method.generator.get_state())
    method.step()
    torch.randint(1, (1,), generator=draws)
    noise = [torch.randn((1, *s), generator=draws) for s in twin.noise_shapes(twin.sizes[: stage + 1])]
    real, D = toy_frames if stage == 4 else twin.real[stage], twin.networks["D"]
    fake = naive_picture(twin, noise)
    penalty = losses.gradient_penalty(D, real, fake, draws)
    loss_D = D(fake.detach()).mean() - D(real).mean() + 0.1 * penalty
    for own, wanted in zip(
        method.networks["D"].parameters(), torch.autograd.grad(loss_D, list(D.parameters())), strict=True
    ):
        torch.testing.assert_close(own.grad, wanted, atol=1e-6, rtol=1e-3)
    error = F.mse_loss(naive_picture(twin, twin.fixed_noise(1)[: stage + 1]), real)
    loss_G = 10 * error - method.networks["D"](fake).mean()  # D as its update left it
    names = {0: ["head", "B0"], 2: ["head", "B0", "B1", "B2"], 4: ["B2", "B3", "B4"]}[stage] + ["tail"]
    assert sorted(method.optimisers) == sorted([*names, "D"])
    for name in names:
        leaves = list(twin.networks[name].parameters())
        for own, wanted in zip(
            method.networks[name].parameters(), torch.autograd.grad(loss_G, leaves, retain_graph=True), strict=True
        ):
            torch.testing.assert_close(own.grad, wanted, atol=1e-6, rtol=1e-3)


def test_g_takes_three_steps_of_adam_along_one_gradient_at_falling_rates(toy_frames):
    method = build(toy_frames, 3, **(SMALL | {"inner_steps": 3}))
    before = {name: [p.detach().clone() for p in network.parameters()] for name, network in method.networks.items()}
    method.settings.__dict__["iterations"] = 10**6  # so that the rate does not yet fall within the stage
    method.count.fill_(3 * 10**6)
    method.step()
    rates = {"B3": 5e-4, "B2": 5e-5, "B1": 5e-6, "tail": 5e-4, "B0": 0, "head": 0}
    for name, rate in rates.items():
        for old, new in zip(before[name], method.networks[name].parameters(), strict=True):
            if rate == 0:
                assert torch.equal(old, new)
                continue
            twin = old.requires_grad_()
            adam, twin.grad = torch.optim.Adam([twin], rate, (0.5, 0.999)), new.grad
            for _ in range(3):
                adam.step()
            torch.testing.assert_close(new, twin, atol=1e-7, rtol=1e-5)


def test_a_new_stage_starts_as_a_copy_with_noise_in_proportion_to_its_error(toy_frames):
    method = build(toy_frames, 2, **SMALL)
    old = {name: tensor.clone() for name, tensor in method.networks["B2"].state_dict().items()}
    method.step()
    trained = method.networks["B2"].state_dict()
    assert any(not torch.equal(old[name], trained[name]) for name in old)
    method.enter(4)
    assert all(torch.equal(trained[name], tensor) for name, tensor in method.networks["B3"].state_dict().items())
    amplitude = method.amplitudes[3].clone()
    method.amplitudes[3] = 0
    with torch.no_grad():
        error = F.mse_loss(naive_picture(method, method.fixed_noise(1)[:4]), method.real[3]).sqrt()
    assert amplitude.item() == pytest.approx(0.1 * error.item(), rel=1e-4)
    assert method.amplitudes[0] == 1


def test_learning_rate_is_a_tenth_in_the_last_fifth_of_a_stage(toy_frames):
    method = ConSinGAN(toy_frames, make_settings("consingan", "smoke", iterations=10), CPU, "fp32", 0)
    method.enter(11)
    for done, rate in [(10, 5e-4), (17, 5e-4), (18, 5e-5), (19, 5e-5)]:
        method.count.fill_(done)
        assert method.rate().item() == pytest.approx(rate)


def test_every_frame_of_a_clip_is_reconstructed_from_itself(toy_frames):
    clip = torch.cat([toy_frames, -toy_frames])
    method = build(clip, 1, **SMALL)
    fixed = method.fixed_noise(3)
    assert torch.equal(fixed[0], method.real[0][[0, 1, 0]]) and torch.equal(fixed[1][0], fixed[1][2])
    method.step()


def test_training_learns_the_picture_and_start_keeps_its_layout(toy_frames):
    settings = make_settings("consingan", "smoke", iterations=40, stages=3, inner_steps=1, learning_rate=3e-3)
    method = ConSinGAN(toy_frames, settings, CPU, "fp32", 0)
    first = None
    for iteration in range(1, 121):
        method.enter(iteration)
        found = method.step()["reconstruction"]
        first = found if first is None else first
    assert found < first / 3
    latents = method.draw_latents(2, seed=0)
    kept = method.generate(latents, start=2)
    free = method.generate(latents)
    assert F.mse_loss(kept, toy_frames.expand_as(kept)) < F.mse_loss(free, toy_frames.expand_as(free)) / 2
    redrawn = method.generate(latents, start=2, image=toy_frames)
    torch.testing.assert_close(redrawn, kept, atol=0.05, rtol=0)
    assert method.generate(method.draw_latents(1, 0, (40, 70)), (40, 70), start=1).shape == (1, 3, 40, 70)


@pytest.mark.parametrize("mode", ["harmonization", "editing"])
def test_other_modes_learn_to_give_the_training_image_back(mode, toy_frames, tmp_path):
    settings = {"mode": mode, "iterations": 30, "stages": 3, "progress": False}
    run = train("consingan", toy_frames, tmp_path / "run", "smoke", **settings)
    losses_of = [entry["reconstruction"] for entry in run.log()]
    assert losses_of[-1] < 0.5 * losses_of[0]
    naive = toy_frames.clone()
    naive[..., 8:16, 8:16] = 1
    mask = torch.zeros(1, 1, 32, 48)
    mask[..., 8:16, 8:16] = 1
    assert edit(run, naive, mask, start=1).shape == toy_frames.shape
    assert torch.equal(run.sample(2, seed=3), run.sample(2, seed=3))
