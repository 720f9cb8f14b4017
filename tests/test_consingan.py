"""ConSinGAN's growing generator, its stages and its step against a naive re-typing of its official
code."""

import copy
import functools
import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from siv_lite import losses, train
from siv_lite.augment import recolor_rectangle, shuffle_rectangles
from siv_lite.editing import edit
from siv_lite.methods import make_settings
from siv_lite.methods.consingan import (
    LEAKY_SLOPE,
    ConSinGAN,
    stage_sizes,
    upsample,
)
from siv_lite.methods.pyramid import PatchDiscriminator
from siv_lite.nn import linearize

CPU = torch.device("cpu")
SMALL = {"base_channels": 8, "inner_steps": 1, "num_stages": 5}


def build(frames, stage=0, preset="smoke", seed=0, **settings):
    """A method at the first iteration of a stage, every stage below trained for one."""
    settings = {"iterations": 1, **settings}
    method = ConSinGAN(frames, make_settings("consingan", preset, **settings), CPU, "fp32", seed)
    for next_stage in range(1, stage + 1):
        method.step()
        method.start_stage(next_stage)
    return method


def count_weights(*networks):
    return sum(p.numel() for network in networks for p in network.parameters())


def naive_images(method, noise):
    """The official code's generator: explicit padding, torch's interpolation."""

    def block(name, x):
        for layer in method.networks[name].layers:
            x = F.leaky_relu(F.conv2d(x, layer.weight, layer.bias), 0.05)
        return x

    def up(x, height, width):
        return F.interpolate(x, (height, width), mode="bicubic", align_corners=True)

    x = block("head", F.pad(noise[0], [1] * 4))
    x = block("B0", F.pad(up(x, x.shape[2] + 2, x.shape[3] + 2), [2] * 4))
    for i, (h, w) in enumerate(method.sizes[1 : len(noise)], start=1):
        noisy = up(x, h + 6, w + 6) + noise[i] * method.noise_amplitudes[i]
        x = block(f"B{i}", noisy) + up(x, h, w)
    (tail,) = method.networks["tail"].layers
    return torch.tanh(F.conv2d(F.pad(x, [1] * 4), tail.weight, tail.bias))


def test_networks_have_as_many_weights_as_the_official_code(toy_frames):
    networks = build(toy_frames, preset="paper").networks
    convolution = 64 * 64 * 9 + 64
    assert count_weights(networks["D"]) == 113_153
    assert count_weights(networks["B0"]) == 3 * convolution
    assert count_weights(networks["head"]) == 64 * 27 + 64
    assert count_weights(networks["tail"]) == 3 * 64 * 9 + 3


def test_stages_are_dense_at_low_resolution():
    sizes = stage_sizes(186, 248, 25, 6)
    assert sizes[0] == (25, 34) and sizes[-1] == (186, 248)
    assert sizes == [(25, 34), (32, 42), (42, 56), (63, 84), (125, 167), (186, 248)]
    r = (25 / 186) ** (1 / 5)
    for n in range(5):
        exponent = 4 / math.log(5) * math.log(5 - n) + 1
        assert sizes[n][0] == math.ceil(186 * r**exponent - 1e-9)
    assert stage_sizes(48, 36, 25, 3) == [(34, 25), (40, 30), (48, 36)]
    assert stage_sizes(32, 32, 40, 4) == [(32, 32)] * 4  # nothing is enlarged


@pytest.mark.parametrize("size", [(20, 31), (13, 17), (9, 40)])
def test_upsampling_is_torch_s_and_so_is_its_gradient(size):
    features = torch.randn((2, 5, 13, 17), generator=torch.Generator().manual_seed(0))
    features.requires_grad_()
    larger = (size[0] + 6, size[1] + 6)
    wanted = F.interpolate(features, larger, mode="bicubic", align_corners=True)
    found = upsample(features, size, margin=3)
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-4)

    (wanted_gradient,) = torch.autograd.grad(wanted.square().sum(), features)
    (found_gradient,) = torch.autograd.grad(found.square().sum(), features)
    torch.testing.assert_close(found_gradient, wanted_gradient, atol=1e-4, rtol=1e-4)


def test_the_penalty_of_the_linearized_discriminator_and_its_gradient_are_the_same():
    generator = torch.Generator().manual_seed(0)
    D = PatchDiscriminator(8, norm=False, slope=LEAKY_SLOPE)
    D.init_weights(CPU, generator)
    with torch.no_grad():
        for parameter in D.parameters():
            parameter.mul_(20).add_(0.01)
    real, fake = torch.randn((2, 1, 3, 17, 19), generator=generator)

    layers = [*(block[0] for block in D.layers[:-1]), D.layers[-1]]
    linearized = functools.partial(linearize, layers, LEAKY_SLOPE)
    found = losses.gradient_penalty(linearized, real, fake, torch.Generator().manual_seed(1))
    wanted = losses.gradient_penalty(D, real, fake, torch.Generator().manual_seed(1))
    assert found.item() == pytest.approx(wanted.item(), rel=1e-5) and found > 0.1

    kernels = [p for p in D.parameters() if p.dim() == 4]
    found_gradients = torch.autograd.grad(found, kernels)
    wanted_gradients = torch.autograd.grad(wanted, kernels)
    for a, b in zip(found_gradients, wanted_gradients, strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("stage", [0, 1, 4])
def test_images_are_those_of_the_official_generator(stage, toy_frames):
    method = build(toy_frames, stage, base_channels=8, num_stages=5)
    sizes = method.sizes[: stage + 1]
    noise = method.sample_noise(2, sizes)
    with torch.no_grad():
        found = method.refine_stages(noise, sizes)
        wanted = naive_images(method, noise)
    assert found.shape == (2, 3, *method.sizes[stage])
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-4)


def naive_step(method, clip, generator):
    """One iteration of the official code, in plain PyTorch; it changes the method's networks."""
    stage = method.stage
    networks = method.networks
    D = networks["D"]
    adam_D = torch.optim.Adam(D.parameters(), lr=5e-4, betas=(0.5, 0.999))

    # The newest three stages train, each at a tenth of the next finer one's learning rate.
    groups = [{"params": networks["tail"].parameters(), "lr": 5e-4}]
    for i in range(max(0, stage - 2), stage + 1):
        lr = 5e-4 * 0.1 ** (stage - i)
        groups.append({"params": networks[f"B{i}"].parameters(), "lr": lr})
        if i == 0:
            groups.append({"params": networks["head"].parameters(), "lr": lr})
    adam_G = torch.optim.Adam(groups, betas=(0.5, 0.999))

    # The real image, a fake one, and the reconstruction, from the image itself at stage 0.
    frame = torch.randint(2, (1,), generator=generator).item()
    size = method.sizes[stage]
    real = F.interpolate(clip, size, mode="bicubic", antialias=True)[frame : frame + 1]
    noise = []
    for shape in method.noise_shapes(method.sizes[: stage + 1]):
        noise.append(torch.randn((1, *shape), generator=generator))
    z_star = method.reconstruction_noise(2)[: stage + 1]
    z_star = [z[frame : frame + 1] for z in z_star]
    fake = naive_images(method, noise)
    reconstruction = naive_images(method, z_star)

    # Three updates of D.
    for _ in range(3):
        adam_D.zero_grad()
        loss = D(fake.detach()).mean() - D(real).mean()
        weight = torch.rand((1, 1, 1, 1), generator=generator)
        between = (weight * real + (1 - weight) * fake.detach()).requires_grad_()
        (gradient,) = torch.autograd.grad(D(between).sum(), between, create_graph=True)
        norm = gradient.pow(2).sum(1).add(1e-12).sqrt()
        loss = loss + 0.1 * ((norm - 1) ** 2).mean()
        loss.backward()
        adam_D.step()

    # Three updates of G along one gradient.
    adam_G.zero_grad()
    loss = 10 * (reconstruction - real).pow(2).mean() - D(fake).mean()
    loss.backward()
    for _ in range(3):
        adam_G.step()
    return frame


@pytest.mark.parametrize("stage", [0, 2, 4])
def test_a_whole_step_is_that_of_plain_pytorch(stage, toy_frames, double_precision):
    clip = torch.cat([toy_frames, toy_frames.flip(3)]).double()
    settings = {"base_channels": 8, "num_stages": 5, "inner_steps": 3, "seed": 4}
    method = build(clip, stage, **settings)
    twin = build(clip, stage, **settings)
    for each in (method, twin):  # the gradient of a new D is so small that it is mostly rounding
        for parameter in each.networks["D"].parameters():
            parameter.data.mul_(8)
    before = copy.deepcopy(method.networks)
    generator = torch.Generator()
    generator.set_state(method.generator.get_state())

    frame = naive_step(twin, clip, generator)
    method.step()

    assert frame == 1  # with the first frame, nobody would notice that it is always taken
    assert torch.equal(method.generator.get_state(), generator.get_state())
    for name, network in twin.networks.items():
        found = method.networks[name].state_dict()
        old = before[name].state_dict()
        for key, wanted in network.state_dict().items():
            # Of the last bias of D the gradient is rounding alone, so small that Adam's epsilon
            # stops it: hence the absolute term.
            change = (wanted - old[key]).norm()
            error = (found[key] - wanted).norm()
            assert error < 1e-5 * change + 1e-7, f"the change of {name}.{key} is {error} off"


def test_g_takes_three_steps_of_adam_along_one_gradient_at_falling_rates(toy_frames):
    method = build(toy_frames, 3, **(SMALL | {"inner_steps": 3}))
    before = {}
    for name, network in method.networks.items():
        before[name] = [p.detach().clone() for p in network.parameters()]
    # Long stages: the rate does not yet fall within this one.
    method.settings = replace(method.settings, iterations=10**6)
    method.iteration.fill_(3 * 10**6)
    method.step()

    rates = {"B3": 5e-4, "B2": 5e-5, "B1": 5e-6, "B0": 0, "head": 0, "tail": 5e-4}
    for name, rate in rates.items():
        for old, new in zip(before[name], method.networks[name].parameters(), strict=True):
            if rate == 0:
                assert torch.equal(old, new)
                continue
            twin = old.requires_grad_()
            twin.grad = new.grad
            adam = torch.optim.Adam([twin], rate, (0.5, 0.999))
            for _ in range(3):
                adam.step()
            torch.testing.assert_close(new, twin, atol=1e-7, rtol=1e-5)


def test_a_new_stage_starts_as_a_copy_with_noise_in_proportion_to_its_error(toy_frames):
    method = build(toy_frames, 2, **SMALL)
    old = {name: tensor.clone() for name, tensor in method.networks["B2"].state_dict().items()}
    method.step()
    trained = method.networks["B2"].state_dict()
    assert any(not torch.equal(old[name], trained[name]) for name in old)

    method.start_stage(3)
    for name, tensor in method.networks["B3"].state_dict().items():
        assert torch.equal(trained[name], tensor)

    amplitude = method.noise_amplitudes[3].clone()
    method.noise_amplitudes[3] = 0
    with torch.no_grad():
        reconstruction = naive_images(method, method.reconstruction_noise(1)[:4])
    error = F.mse_loss(reconstruction, method.real[3]).sqrt()
    assert amplitude.item() == pytest.approx(0.1 * error.item(), rel=1e-4)
    assert method.noise_amplitudes[0] == 1


def test_learning_rate_is_a_tenth_in_the_last_fifth_of_a_stage(toy_frames):
    method = build(toy_frames, iterations=10)
    method.start_stage(1)
    for done, rate in [(10, 5e-4), (17, 5e-4), (18, 5e-5), (19, 5e-5)]:
        method.iteration.fill_(done)
        assert method.learning_rate().item() == pytest.approx(rate)


def test_every_frame_of_a_clip_is_reconstructed_from_itself(toy_frames):
    clip = torch.cat([toy_frames, -toy_frames])
    method = build(clip, 1, **SMALL)
    noise = method.reconstruction_noise(3)
    assert torch.equal(noise[0], method.real[0][[0, 1, 0]])
    assert torch.equal(noise[1][0], noise[1][2])
    method.step()


def test_training_learns_the_image_and_start_keeps_its_layout(toy_frames):
    settings = {"num_stages": 3, "inner_steps": 1, "learning_rate": 3e-3}
    method = build(toy_frames, iterations=40, **settings)
    errors = []
    for iteration in range(1, 121):
        method.start_stage(method.stage_at(iteration))
        errors.append(method.step()["reconstruction"])
    assert errors[-1] < errors[0] / 3

    latents = method.sample_latents(2, seed=0)
    fixed_layout = method.generate(latents, start=2)
    free = method.generate(latents)
    frames = toy_frames.expand_as(free)
    assert F.mse_loss(fixed_layout, frames) < F.mse_loss(free, frames) / 2
    redrawn = method.generate(latents, start=2, image=toy_frames)
    torch.testing.assert_close(redrawn, fixed_layout, atol=0.05, rtol=0)

    latents = method.sample_latents(1, seed=0, size=(40, 70))
    assert method.generate(latents, size=(40, 70), start=1).shape == (1, 3, 40, 70)


@pytest.mark.parametrize("alter", [recolor_rectangle, shuffle_rectangles])
def test_alterations_change_rectangles_and_nothing_else(alter, toy_frames):
    images = toy_frames.expand(20, -1, -1, -1)
    changed = (alter(images, torch.Generator().manual_seed(0)) != images).any(1)
    share = changed.float().mean((1, 2))
    assert 0.01 < share.mean() < 0.5 and share.max() < 0.6
    assert len({tuple(x.flatten().tolist()) for x in changed}) == 20  # each image its own


@pytest.mark.parametrize("mode", ["harmonization", "editing"])
def test_other_modes_learn_to_give_the_training_image_back(mode, toy_frames, tmp_path):
    settings = {"mode": mode, "iterations": 30, "num_stages": 3, "progress": False}
    run = train("consingan", toy_frames, tmp_path / "run", "smoke", **settings)
    errors = [entry["reconstruction"] for entry in run.log()]
    assert errors[-1] < 0.5 * errors[0]

    pasted = toy_frames.clone()
    pasted[..., 8:16, 8:16] = 1
    mask = torch.zeros(1, 1, 32, 48)
    mask[..., 8:16, 8:16] = 1
    assert edit(run, pasted, mask, start=1).shape == toy_frames.shape
    assert torch.equal(run.sample(2, seed=3), run.sample(2, seed=3))
