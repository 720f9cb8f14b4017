"""HP-VAE-GAN's networks, pyramid in space and time, losses, whole steps and samples."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from plain_training import (
    compare_updates,
    copy_adam,
    copy_generator,
    copy_networks,
    descend,
    refresh_spectral_norm,
)

from siv_lite import SivLiteError, losses, train
from siv_lite.methods import make_settings
from siv_lite.methods.hp_vae_gan import HPVAEGAN, Generator, PatchNetwork

CPU = torch.device("cpu")


def build(frames, preset="smoke", **settings):
    return HPVAEGAN(frames, make_settings("hp_vae_gan", preset, **settings), CPU, "fp32", 0)


def count(network):
    return sum(p.numel() for p in network.parameters())


@pytest.fixture(scope="module")
def clip():
    """13 frames (13, 3, 32, 40) in which every pixel says what time it is: frame t is t / 6 - 1."""
    return (torch.arange(13) / 6 - 1).view(13, 1, 1, 1).expand(13, 3, 32, 40).contiguous()


def test_networks_have_as_many_weights_as_the_official_code():
    encoder, decoder = PatchNetwork(3, 64, 256, 2), Generator(128, 64, 2)
    first = 3 * 64 * 9 + 64
    middle = 64 * 64 * 9 + 64
    assert count(encoder) == first + 2 * middle + 2 * (64 * 128 * 9 + 128) == 223_360
    scales = 6 * 2 * 64
    last = 64 * 3 * 9 + 3
    assert count(decoder) == 128 * 64 * 9 + 64 + 5 * middle + scales + last == 260_931
    assert count(encoder) + count(decoder) == 484_291
    assert count(Generator(3, 64, 2)) == 188_931
    assert count(PatchNetwork(6, 64, 1, 2)) == first + 5 * middle + 64 * 9 + 1
    more_taps = 18 * (3 * 64 + 5 * 64 * 64 + 64 * 3)  # 27 in place of 9
    assert count(Generator(3, 64, 3)) - count(Generator(3, 64, 2)) == more_taps


def test_the_papers_pyramid_has_ten_stages_and_samples_time_by_4_3_2_1(clip):
    method = build(torch.zeros(13, 3, 256, 256), "paper", base_channels=4)
    assert [t for t, _, _ in method.sizes] == [4, 4, 4, 5, 5, 5, 7, 7, 7, 13]
    heights = [h for _, h, _ in method.sizes]
    assert heights[0] == 32 and heights[-1] == 256
    assert all(1.2 < b / a < 1.35 for a, b in zip(heights, heights[1:], strict=False))
    method = build(clip)
    for stage, (t, _, _) in enumerate(method.sizes):  # the same span at all rates
        times = method.clips(stage, method.first_window)[0, 0, :, 0, 0] * 6 + 6
        torch.testing.assert_close(times, torch.linspace(0, 12, t), atol=1e-4, rtol=0)


def test_enlarging_keeps_the_first_and_the_last_frame(clip):
    method = build(clip)
    video = torch.randn(1, 3, 4, 5, 6, generator=torch.Generator().manual_seed(0))
    larger = method.enlarge(video, (7, 5, 6))
    torch.testing.assert_close(larger[:, :, [0, 2, 4, 6]], video)
    torch.testing.assert_close(larger[:, :, 1], (video[:, :, 0] + video[:, :, 1]) / 2)


def test_a_longer_video_is_learned_in_random_windows_of_the_clips_length():
    frames = (torch.arange(20) / 10 - 1).view(20, 1, 1, 1).expand(20, 3, 32, 40).contiguous()
    method = build(frames, batch_size=64)
    assert method.frames_per_sample == 13 and method.num_windows == 8
    drawn = method.sample_windows()
    coarsest = method.clips(0, drawn)
    z, _ = method.encode(coarsest)
    starts = (coarsest[:, 0, 0, 0, 0] * 10 + 10).round()
    assert torch.equal(starts.long(), drawn)
    assert set(starts.int().tolist()) == set(range(8))
    torch.testing.assert_close(coarsest[:, 0, -1, 0, 0] * 10 + 10, starts + 12, atol=1e-4, rtol=0)
    assert z.shape == (64, 2 * method.settings.base_channels, *method.sizes[0])


@pytest.mark.parametrize("n, counts", [(4, {0: 2, -1: 4}), (9, {0: 3, -1: 9})])
def test_shorter_videos_are_learned_whole(n, counts):
    method = build(torch.zeros(n, 3, 32, 40))
    assert method.frames_per_sample == n and {i: method.sizes[i][0] for i in counts} == counts


def test_two_frames_are_neither_image_nor_video(toy_frames, tmp_path):
    with pytest.raises(SivLiteError, match="4 frames at least, not 2"):
        frames = toy_frames.repeat(2, 1, 1, 1)
        train("hp_vae_gan", frames, tmp_path / "run", preset="smoke", progress=False)


def test_divergence_is_the_equation():
    mean, log_variance = torch.randn(2, 2, 5, 4, 3, generator=torch.Generator().manual_seed(0))
    m, v = mean.numpy().astype(float), np.exp(log_variance.numpy().astype(float))
    wanted = np.mean((m**2 + v - np.log(v) - 1) / 2)
    assert losses.kl_divergence(mean, log_variance).item() == pytest.approx(wanted, rel=1e-5)
    assert losses.kl_divergence(torch.zeros(3), torch.zeros(3)) == 0


@pytest.mark.parametrize("shape", [(2, 3, 9, 8), (2, 3, 4, 9, 8)])
def test_linearize_gives_the_gradient_penalty_and_its_gradient(shape):
    D = PatchNetwork(3, 8, 1, len(shape) - 2)
    D.init_weights(CPU, torch.Generator().manual_seed(0))
    real = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    fake = torch.randn(shape, generator=torch.Generator().manual_seed(2))
    weights = [*(block.weight for block in D.blocks), D.tail.weight]
    found = []
    for score in (D, D.linearize):
        penalty = losses.gradient_penalty(score, real, fake, torch.Generator().manual_seed(3))
        gradients = torch.autograd.grad(penalty, weights)
        found.append([penalty.detach(), *gradients])
    torch.testing.assert_close(found[0], found[1], atol=1e-5, rtol=1e-3)


def test_spectral_norm_in_three_dimensions_is_one_and_so_is_its_gradient():
    D = PatchNetwork(2, 4, 1, 3)
    D.init_weights(CPU, torch.Generator().manual_seed(0))
    for _ in range(100):
        D.normalize()
    x = torch.randn(1, 3, 4, 5, 6, generator=torch.Generator().manual_seed(1))
    D.set_grads(list(torch.autograd.grad(D(x).square().sum(), D.grad_inputs())))
    weights = [block.weight_orig.detach().clone().requires_grad_() for block in D.blocks]
    y = x
    for weight, block in zip(weights, D.blocks, strict=True):
        normalized = weight / torch.linalg.matrix_norm(weight.flatten(1), 2)
        found = block.weight.detach()
        torch.testing.assert_close(found, normalized.detach(), atol=1e-4, rtol=1e-3)
        y = F.leaky_relu(F.conv3d(y, normalized, padding=1), 0.2)
    wanted = torch.autograd.grad(D.tail(y).square().sum(), weights)
    for block, gradient in zip(D.blocks, wanted, strict=True):
        torch.testing.assert_close(block.weight_orig.grad, gradient, atol=1e-3, rtol=1e-2)


def trained(method, name):
    return torch.cat([p.detach().flatten() for p in method.networks[name].parameters()])


def test_each_stage_trains_the_papers_networks_and_no_others(toy_frames):
    method = build(toy_frames, iterations=1, vae_stages=3, scale_factor=0.7)
    moved = []
    for stage in range(method.num_stages):
        method.start_stage(stage)
        before = {name: trained(method, name) for name in method.networks}
        method.step()
        names = set()
        for name, weights in before.items():
            if not torch.equal(weights, trained(method, name)):
                names.add(name)
        moved.append(names)
    expected = [{"E", "G0"}, {"E", "G0", "G1"}, {"E", "G0", "G2"}, {"G3", "D"}, {"G4", "D"}]
    assert moved == expected[: len(moved)] and len(moved) >= 4


def test_rates_of_encoder_and_decoder_fall_by_a_fifth_each_stage(toy_frames):
    method = build(toy_frames, iterations=1, vae_stages=3, scale_factor=0.7)
    for stage in range(3):
        method.start_stage(stage)
        method.step()
        rates = {}
        for name, optimizer in method.optimizers.items():
            rates[name] = optimizer.param_groups[0]["lr"].item()
        expected = {"E": 5e-4 * 0.2**stage, "G0": 5e-4 * 0.2**stage, f"G{stage}": 5e-4}
        assert rates == pytest.approx(expected)


def naive_enlarge(x, size):
    """Linear along all sides, corners kept."""
    mode = "bilinear" if x.ndim == 4 else "trilinear"
    return F.interpolate(x, size, mode=mode, align_corners=True)


def clip_gradients(optimizers, max_norm):
    """Scale all gradients together where their norm is above `max_norm`."""
    parameters = []
    for optimizer in optimizers:
        parameters.extend(optimizer.param_groups[0]["params"])
    norm = sum(parameter.grad.square().sum() for parameter in parameters).sqrt()
    assert norm > max_norm  # or nothing is tested
    for parameter in parameters:
        parameter.grad *= max_norm / norm


@pytest.fixture
def waves():
    """6 frames (6, 3, 20, 24) of waves in motion."""
    times = torch.arange(6).view(6, 1, 1, 1)
    phases = torch.arange(3 * 20 * 24).view(1, 3, 20, 24)
    return torch.sin(phases / 9 + times)


def at_stage(frames, stage):
    """A method in the third iteration of a stage, so that Adam's state is not fresh."""
    method = build(frames.double(), iterations=3, max_grad_norm=0.05, clip_length=4)
    for iteration in range(1, 3 * stage + 3):
        method.start_stage(method.stage_at(iteration))
        method.step()
    assert method.stage == stage
    return method


def draw_windows(method, generator):
    """The first frames of two training clips."""
    num_windows = 3 if method.is_video else 1  # of 4 frames in 6
    starts = torch.randint(num_windows, (2,), generator=generator)
    assert num_windows == 1 or starts.any()  # or nobody would notice that it is always the first
    return starts


def compare_step(method, generator, networks, losses_by_name):
    """Take the step, and hold it to networks and losses that were found without it."""
    before = {name: tensor.clone() for name, tensor in method.state().items()}
    found = method.step()
    for name, wanted in losses_by_name.items():
        torch.testing.assert_close(found[name], wanted.detach(), rtol=1e-7, atol=1e-9)
    for name, network in method.networks.items():
        if name in networks:
            compare_updates(before, network, networks[name], name)
        else:
            for key, parameter in network.named_parameters():
                assert torch.equal(parameter, before[f"{name}.{key}"]), f"{name}.{key} moves"
    assert torch.equal(generator.get_state(), method.generator.get_state())


@pytest.mark.parametrize("frames", ["toy_frames", "waves"])
def test_a_whole_vae_step_is_equation_8_by_plain_backward(frames, request, double_precision):
    method = at_stage(request.getfixturevalue(frames), stage=1)
    generator = copy_generator(method)
    E, G0, G1 = copy_networks(method, "E", "G0", "G1")
    adams = [
        copy_adam(method, "E", E, 5e-4 * 0.2),
        copy_adam(method, "G0", G0, 5e-4 * 0.2),
        copy_adam(method, "G1", G1, 5e-4),
    ]

    starts = draw_windows(method, generator)
    mean, log_variance = E(method.clips(0, starts)).chunk(2, dim=1)
    z = mean + torch.exp(log_variance / 2) * torch.randn(mean.shape, generator=generator)
    divergence = ((mean**2 + log_variance.exp() - log_variance - 1) / 2).mean()

    coarse = torch.tanh(G0(z))
    enlarged = naive_enlarge(coarse, method.sizes[1])
    fine = torch.tanh(enlarged + G1(enlarged))  # no noise in the VAE
    for channels, size in zip((16, 3), method.sizes, strict=False):  # but drawn
        torch.randn((2, channels, *size), generator=generator)

    error = (fine - method.clips(1, starts)).square().mean()
    coarse_error = (coarse - method.clips(0, starts)).square().mean()
    for adam in adams:
        adam.zero_grad()
    (error + coarse_error + 0.1 * divergence).backward()
    clip_gradients(adams, 0.05)
    for adam in adams:
        adam.step()
    refresh_spectral_norm(E)

    networks = {"E": E, "G0": G0, "G1": G1}
    compare_step(method, generator, networks, {"reconstruction": error, "KL": divergence})


@pytest.mark.parametrize("frames", ["toy_frames", "waves"])
def test_a_whole_gan_step_is_equations_10_and_11_by_plain_backward(
    frames, request, double_precision
):
    method = at_stage(request.getfixturevalue(frames), stage=2)
    generator = copy_generator(method)
    E, G0, G1, G2, D = copy_networks(method, "E", "G0", "G1", "G2", "D")
    adam_G = copy_adam(method, "G2", G2, 5e-4)
    adam_D = copy_adam(method, "D", D, 5e-4)
    amplitude = method.noise_amplitudes[2]
    assert amplitude > 0

    # Below the stage, one after the other: two reconstructions, and two samples.
    starts = draw_windows(method, generator)
    real = method.clips(2, starts)
    with torch.no_grad():
        mean, log_variance = E(method.clips(0, starts)).chunk(2, dim=1)
        z = mean + torch.exp(log_variance / 2) * torch.randn(mean.shape, generator=generator)
        noise = []
        for channels, size in zip((16, 3, 3), method.sizes, strict=True):
            noise.append(torch.randn((2, channels, *size), generator=generator))
        enlarged = []
        for coarsest in (z, noise[0]):
            x = naive_enlarge(torch.tanh(G0(coarsest)), method.sizes[1])
            x = torch.tanh(x + G1(x))
            enlarged.append(naive_enlarge(x, method.sizes[2]))
    reconstruction = torch.tanh(enlarged[0] + G2(enlarged[0]))
    fake = torch.tanh(enlarged[1] + G2(enlarged[1] + amplitude * noise[2]))

    # D: Wasserstein distance and gradient penalty.
    distance = D(real).mean() - D(fake.detach()).mean()
    share = torch.rand((2, *[1] * (real.ndim - 1)), generator=generator)
    between = (share * real + (1 - share) * fake.detach()).requires_grad_()
    (slope,) = torch.autograd.grad(D(between).sum(), between, create_graph=True)
    norm = torch.sqrt((slope**2).sum(1) + 1e-12)  # over the colors of each pixel
    penalty = ((norm - 1) ** 2).mean()
    descend(-distance + 0.1 * penalty, adam_D)
    refresh_spectral_norm(D)

    # G, judged by the new D.
    error = (reconstruction - real).square().mean()
    adam_G.zero_grad()
    (error - 0.1 * D(fake).mean()).backward()
    clip_gradients([adam_G], 0.05)
    adam_G.step()

    expected = {"reconstruction": error, "distance": distance}
    compare_step(method, generator, {"G2": G2, "D": D}, expected)


def test_reconstruction_noise_changes_nothing(toy_frames):
    method = build(toy_frames)
    before = {name: tensor.clone() for name, tensor in method.state().items()}
    attributes = set(vars(method))
    noise = method.reconstruction_noise(3)
    assert [tuple(x.shape) for x in noise] == [(3, *x) for x in method.noise_shapes(method.sizes)]
    assert set(vars(method)) == attributes
    for name, tensor in method.state().items():
        assert torch.equal(tensor, before[name]), name


def test_a_stage_starts_as_a_copy_and_the_discriminator_stays(toy_frames):
    method = build(toy_frames, iterations=1, vae_stages=2, scale_factor=0.7)
    method.start_stage(2)
    assert torch.equal(trained(method, "G2"), trained(method, "G1"))
    D = method.networks["D"]
    method.start_stage(3)
    assert method.networks["D"] is D


def test_noise_comes_in_at_z_and_in_the_gans_only(toy_frames):
    method = build(toy_frames, iterations=1)
    for iteration in range(1, method.iterations + 1):
        method.start_stage(method.stage_at(iteration))
        method.step()
    amplitudes = method.noise_amplitudes
    assert amplitudes[0] == 1 and amplitudes[1] == 0 and (amplitudes[2:] > 0).all()
    z_star = torch.cat([x.flatten(1) for x in method.reconstruction_noise(1)], 1)
    coarser = method.generate(z_star, stage=1)
    larger = F.interpolate(coarser, method.sizes[2], mode="bilinear", align_corners=True)
    error = ((larger - method.real[2]).numpy().astype(float) ** 2).mean() ** 0.5
    assert amplitudes[2].item() == pytest.approx(0.1 * error, rel=1e-4)


def test_gradients_are_cut_to_the_given_norm(toy_frames):
    method = build(toy_frames, max_grad_norm=1e-3)
    method.step()
    slopes = [p.grad for name in ("E", "G0") for p in method.networks[name].parameters()]
    assert torch.stack([g.norm() for g in slopes]).norm().item() == pytest.approx(1e-3, rel=1e-3)


@pytest.mark.parametrize("frames", ["toy_frames", "clip"])
def test_the_training_frames_are_reconstructed(frames, request):
    method = build(request.getfixturevalue(frames), iterations=60, vae_stages=1, coarsest_side=8)
    errors = []
    for iteration in range(1, 61):
        method.start_stage(method.stage_at(iteration))
        errors.append(method.step()["reconstruction"].item())
    assert np.mean(errors[-5:]) < 0.3 * np.mean(errors[:5])


def test_videos_come_out_in_order_of_time_and_at_other_sizes(clip, tmp_path):
    run = train("hp_vae_gan", clip, tmp_path / "run", preset="smoke", progress=False, iterations=2)
    videos = run.sample(2, seed=1)
    assert videos.shape == (2, 13, 3, 32, 40) and not torch.equal(videos[0], videos[1])
    assert run.sample(1, seed=1, stage=0).shape == (1, 4, 3, *run.method.sizes[0][1:])
    assert run.sample(1, size=(40, 64)).shape == (1, 13, 3, 40, 64)
    assert run.sample(1, size=(40, 64), start=2).shape == (1, 13, 3, 40, 64)
    assert run.sample_images(20).shape == (20, 3, 32, 40)
    assert run.sample(1, start=run.method.num_stages - 1).shape == (1, 13, 3, 32, 40)


def test_bfloat16_trains_all_stages(toy_frames):
    """On an image: in PyTorch 2.13 not every CPU finds the gradients of 3D kernels in bfloat16."""
    settings = make_settings("hp_vae_gan", "smoke", iterations=1)
    method = HPVAEGAN(toy_frames, settings, CPU, "bf16", 0)
    for iteration in range(1, method.iterations + 1):
        method.start_stage(method.stage_at(iteration))
        assert all(value.isfinite() for value in method.step().values())


def test_a_video_training_resumes_to_the_bit(clip, tmp_path, monkeypatch):
    call = dict(preset="smoke", progress=False, iterations=2)
    whole = train("hp_vae_gan", clip, tmp_path / "whole", **call)
    step, calls = HPVAEGAN.step, []

    def interrupted(self):
        calls.append(1)
        if len(calls) == whole.method.iterations - 1:  # inside the last stage
            raise KeyboardInterrupt
        return step(self)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(HPVAEGAN, "step", interrupted)
        train("hp_vae_gan", clip, tmp_path / "cut", **call)
    again = train("hp_vae_gan", clip, tmp_path / "cut", **call)
    name = f"checkpoint-{whole.method.iterations:08d}.safetensors"
    assert (again.folder / name).read_bytes() == (whole.folder / name).read_bytes()
