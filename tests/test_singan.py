"""SinGAN's networks, pyramid, losses and step against what its paper and official code say."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from siv_lite import losses
from siv_lite.methods import make_settings
from siv_lite.methods.pyramid import PatchDiscriminator, pyramid_sizes
from siv_lite.methods.singan import Generator, SinGAN

CPU = torch.device("cpu")


def build(frames, seed=0, **settings):
    return SinGAN(frames, make_settings("singan", "smoke", **settings), CPU, "fp32", seed)


def train(method, iterations):
    """Train as the loop does, and return the losses of every iteration."""
    history = []
    for iteration in range(1, iterations + 1):
        method.start_stage(method.stage_at(iteration))
        history.append(method.step())
    return history


def flat_reconstruction_noise(method, n):
    return torch.cat([noise.flatten(1) for noise in method.reconstruction_noise(n)], dim=1)


def count_weights(network):
    return sum(p.numel() for p in network.parameters())


def test_networks_have_as_many_weights_as_the_official_code():
    assert count_weights(Generator(32)) == 29_763
    assert count_weights(Generator(64)) == 114_819
    one_channel_less = 32 * 9 + 1  # D gives one map, not three
    assert count_weights(PatchDiscriminator(32)) == 29_763 - 2 * one_channel_less


def reach(output, image):
    """Height and width of the part of `image` (1, c, H, W) that one value depends on."""
    (gradient,) = torch.autograd.grad(output, image)
    rows, columns = gradient[0].abs().sum(0).nonzero(as_tuple=True)
    return rows.max() - rows.min() + 1, columns.max() - columns.min() + 1


def test_receptive_field_is_11_at_every_scale(toy_frames):
    method = build(toy_frames)
    method.start_stage(method.num_stages - 1)
    # With fixed statistics: with the image's own ones, every pixel depends on all others.
    method.set_eval_except()
    for stage, size in enumerate(method.sizes):
        noise = torch.randn(1, 3, *size, requires_grad=True)
        image = method.networks[f"G{stage}"](noise, torch.zeros_like(noise))
        assert reach(image[0, 0, size[0] // 2, size[1] // 2], noise) == (11, 11)
        scores = method.networks["D"](noise)
        assert reach(scores[0, 0, 3, 4], noise) == (11, 11)
        assert scores.shape[2:] == (size[0] - 10, size[1] - 10)


def test_pyramid_is_the_papers():
    sizes = pyramid_sizes(186, 248, 25, 0.75)
    assert len(sizes) == 9 and sizes[0] == (25, 34) and sizes[-1] == (186, 248)
    ratios = [b[0] / a[0] for a, b in zip(sizes, sizes[1:], strict=False)]
    assert max(ratios) < 1.35 and min(ratios) > 1.2
    assert pyramid_sizes(25, 30, 25, 0.75)[-1] == (25, 30)


def test_channels_double_every_four_stages_and_equal_networks_are_passed_on(toy_frames):
    settings = {"scale_factor": 0.95, "iterations": 1, "inner_steps": 1, "base_channels": 32}
    method = build(toy_frames, **settings)
    channels = [method.num_channels(stage) for stage in (0, 3, 4, 7, 8, 12, 16)]
    assert channels == [32, 32, 64, 64, 128, 128, 128]
    D = method.networks["D"]

    method.start_stage(1)
    first = method.networks["G0"].state_dict()
    second = method.networks["G1"].state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert method.networks["D"] is D

    method.start_stage(4)
    assert method.networks["D"] is not D
    assert sorted(method.optimizers) == ["D", "G4"]


def test_noise_amplitude_is_a_tenth_of_the_reconstructions_error(toy_frames):
    method = build(toy_frames)
    train(method, method.settings.iterations)
    method.start_stage(1)
    image = method.generate(flat_reconstruction_noise(method, 1), stage=0)
    coarser = F.interpolate(image, method.sizes[1], mode="bicubic", antialias=True)
    error = (coarser.numpy().astype(float) - method.real[1].numpy()) ** 2
    wanted = 0.1 * math.sqrt(error.mean())
    assert method.noise_amplitudes[1].item() == pytest.approx(wanted, rel=1e-4)
    assert method.noise_amplitudes[0] == 1


def test_the_training_s_own_seed_does_not_draw_its_fixed_noise_again(toy_frames):
    method = build(toy_frames)
    noise = method.split_latents(method.sample_latents(1, seed=0), method.sizes)[0]
    assert (noise - method.z_star).abs().mean() > 0.5


def test_reconstruction_is_learned(toy_frames):
    method = build(toy_frames, iterations=40, reconstruction_weight=100.0)
    errors = [values["reconstruction"].item() for values in train(method, 40)]
    assert np.mean(errors[-5:]) < 0.5 * np.mean(errors[:5])


def test_learning_rate_falls_to_a_tenth_in_the_last_fifth_of_a_stage(toy_frames):
    method = build(toy_frames, iterations=10)
    rates = []
    for done in range(20):
        method.start_stage(method.stage_at(done + 1))
        method.iteration.fill_(done)
        rates.append(method.learning_rate().item() / method.settings.learning_rate)
    assert rates == pytest.approx(([1] * 8 + [0.1] * 2) * 2)


def test_gradient_penalty_is_the_equation(toy_frames):
    weight = torch.rand(1, 3, 32, 48, generator=torch.Generator().manual_seed(0))
    fake = torch.rand(1, 3, 32, 48, generator=torch.Generator().manual_seed(1))
    generator = torch.Generator().manual_seed(2)
    found = losses.gradient_penalty(lambda x: weight * x**2, toy_frames, fake, generator)

    share = torch.rand(1, generator=torch.Generator().manual_seed(2)).item()
    x = share * toy_frames.numpy().astype(float) + (1 - share) * fake.numpy()
    slope = 2 * weight.numpy() * x  # of the sum of w x^2
    wanted = ((np.sqrt((slope**2).sum(1)) - 1) ** 2).mean()
    assert found.item() == pytest.approx(wanted, rel=1e-4)

    penalty = losses.gradient_penalty(lambda x: x[:, :1], toy_frames, fake, torch.Generator())
    assert penalty.item() < 1e-6


def test_a_clip_is_reconstructed_frame_by_frame(toy_frames):
    clip = torch.cat([toy_frames, toy_frames.flip(3)])
    method = build(clip, iterations=60, reconstruction_weight=300.0, scale_factor=0.3)
    train(method, 60)
    first, second = method.generate(flat_reconstruction_noise(method, 2), stage=0)
    frames = method.real[0]
    assert F.mse_loss(first, frames[0]) < F.mse_loss(first, frames[1])
    assert F.mse_loss(second, frames[1]) < F.mse_loss(second, frames[0])


# One whole step, typed again in plain PyTorch.


def copy_weights(network):
    """Weights and statistics by name; the weights are leaves that gradients are taken at."""
    copies = {}
    for name, tensor in network.state_dict().items():
        copies[name] = tensor.detach().clone()
    for name, _ in network.named_parameters():
        copies[name].requires_grad_()
    return copies


def leaves(weights):
    return [tensor for tensor in weights.values() if tensor.requires_grad]


def naive_blocks(weights, x, training):
    """Four times a 3x3 convolution, batch normalization and a leaky ReLU."""
    for i in range(4):
        conv = f"layers.{i}.0"
        norm = f"layers.{i}.1"
        x = F.conv2d(x, weights[f"{conv}.weight"], weights[f"{conv}.bias"])
        x = F.batch_norm(
            x,
            weights[f"{norm}.running_mean"],
            weights[f"{norm}.running_var"],
            weights[f"{norm}.weight"],
            weights[f"{norm}.bias"],
            training=training,
        )
        x = F.leaky_relu(x, 0.2)
    return x


def naive_G(weights, noise, coarser, training):
    """Eq. 3; at the coarsest stage `coarser` is zero."""
    x = F.pad(noise + coarser, [5, 5, 5, 5])
    x = naive_blocks(weights, x, training)
    return coarser + torch.tanh(F.conv2d(x, weights["tail.weight"], weights["tail.bias"]))


def naive_D(weights, image):
    x = naive_blocks(weights, image, training=True)
    return F.conv2d(x, weights["layers.4.weight"], weights["layers.4.bias"])


def naive_coarser(method, all_G, noise, stage):
    """What the finished stages make of one noise map each, at the size of the next stage."""
    image = torch.zeros(1, 3, *method.sizes[0])
    for i in range(stage):
        z = noise[i] * method.noise_amplitudes[i]
        image = naive_G(all_G[i], z.expand(1, 3, -1, -1), image, training=False)
        image = F.interpolate(image, method.sizes[i + 1], mode="bicubic", antialias=True)
    return image.detach()


def naive_step(method, clip, generator):
    """Return the weights of D and of the stage's G after one iteration of the official code."""
    stage = method.stage
    height, width = method.sizes[stage]
    amplitude = method.noise_amplitudes[stage]
    all_G = [copy_weights(method.networks[f"G{i}"]) for i in range(stage + 1)]
    G = all_G[stage]
    D = copy_weights(method.networks["D"])
    adam_G = torch.optim.Adam(leaves(G), lr=5e-4, betas=(0.5, 0.999))
    adam_D = torch.optim.Adam(leaves(D), lr=5e-4, betas=(0.5, 0.999))

    # The real image, and z* = (z*, 0, 0, ...).
    frame = torch.randint(2, (1,), generator=generator).item()
    assert frame == 1  # with the first frame, nobody would notice that it is always taken
    real = F.interpolate(clip, (height, width), mode="bicubic", antialias=True)[frame : frame + 1]
    z_star = [method.z_star[frame : frame + 1]]
    for h, w in method.sizes[1 : stage + 1]:
        z_star.append(torch.zeros(1, 3, h, w))
    real_coarser = naive_coarser(method, all_G, z_star, stage)

    # Noise for three fake images: gray at stage 0.
    noise = []
    for i in range(stage + 1):
        channels = 1 if i == 0 else 3
        shape = (3, channels, *method.sizes[i])
        noise.append(torch.randn(shape, generator=generator))

    # Three updates of D, each with a fake image of its own.
    for k in range(3):
        own_noise = [z[k : k + 1] for z in noise]
        coarser = naive_coarser(method, all_G, own_noise, stage)
        z = amplitude * own_noise[stage]
        fake = naive_G(G, z.expand(1, 3, -1, -1), coarser, training=True).detach()

        adam_D.zero_grad()
        loss = -naive_D(D, real).mean() + naive_D(D, fake).mean()
        weight = torch.rand((1, 1, 1, 1), generator=generator)
        between = (weight * real + (1 - weight) * fake).requires_grad_()
        (gradient,) = torch.autograd.grad(naive_D(D, between).sum(), between, create_graph=True)
        norm = gradient.pow(2).sum(1).add(1e-12).sqrt()
        loss = loss + 0.1 * ((norm - 1) ** 2).mean()
        loss.backward()
        adam_D.step()

    # Three updates of G, all with the last fake image's noise.
    for _ in range(3):
        adam_G.zero_grad()
        reconstruction = naive_G(G, z_star[stage].expand(1, 3, -1, -1), real_coarser, training=True)
        fake = naive_G(G, z.expand(1, 3, -1, -1), coarser, training=True)
        loss = 10 * (reconstruction - real).pow(2).mean() - naive_D(D, fake).mean()
        loss.backward()
        adam_G.step()
    return {f"G{stage}": G, "D": D}


@pytest.mark.parametrize("stage", [0, 2])
def test_a_whole_step_is_that_of_plain_pytorch(stage, toy_frames, double_precision):
    clip = torch.cat([toy_frames, toy_frames.flip(3)]).double()
    method = build(clip, seed=5, iterations=2, inner_steps=3)
    train(method, stage * method.settings.iterations)
    method.start_stage(stage)
    generator = torch.Generator()
    generator.set_state(method.generator.get_state())
    before = {name: copy_weights(network) for name, network in method.networks.items()}

    wanted = naive_step(method, clip, generator)
    method.step()

    assert torch.equal(method.generator.get_state(), generator.get_state())
    for network, weights in wanted.items():
        found = method.networks[network].state_dict()
        for name, tensor in weights.items():
            if name.endswith("num_batches_tracked"):
                continue
            # Of a bias before a batch normalization the gradient is rounding alone, so small that
            # Adam's epsilon stops it: hence the absolute term.
            change = (tensor - before[network][name]).norm()
            error = (found[name] - tensor).norm()
            assert error < 1e-5 * change + 1e-7, f"the change of {name} is {error} off"
            if tensor.dim() > 1:
                assert change > 1e-6, f"{name} is as before"

    # Finished stages stay as they are.
    for name in set(method.networks) - set(wanted):
        for key, tensor in method.networks[name].state_dict().items():
            assert torch.equal(tensor, before[name][key])
