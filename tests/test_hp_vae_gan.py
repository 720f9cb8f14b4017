"""HP-VAE-GAN's networks, pyramid in space and time, losses and samples against what its paper and release say."""

import numpy as np
import pytest
import torch

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


def test_networks_have_as_many_weights_as_the_release():
    encoder, decoder = PatchNetwork(3, 64, 256, 2), Generator(128, 64, 2)
    assert count(encoder) == (3 * 64 * 9 + 64) + 2 * (64 * 64 * 9 + 64) + 2 * (64 * 128 * 9 + 128) == 223_360
    assert count(decoder) == (128 * 64 * 9 + 64) + 5 * (64 * 64 * 9 + 64) + 6 * 2 * 64 + (64 * 3 * 9 + 3) == 260_931
    assert count(encoder) + count(decoder) == 484_291
    assert count(Generator(3, 64, 2)) == 188_931
    assert count(PatchNetwork(6, 64, 1, 2)) == (3 * 64 * 9 + 64) + 5 * (64 * 64 * 9 + 64) + (64 * 9 + 1)
    assert count(Generator(3, 64, 3)) - count(Generator(3, 64, 2)) == 18 * (3 * 64 + 5 * 64 * 64 + 64 * 3)  # 27 taps


def test_the_papers_pyramid_has_ten_stages_and_samples_time_by_4_3_2_1(clip):
    method = build(torch.zeros(13, 3, 256, 256), "paper", width=4)
    assert [t for t, _, _ in method.sizes] == [4, 4, 4, 5, 5, 5, 7, 7, 7, 13]
    heights = [h for _, h, _ in method.sizes]
    assert heights[0] == 32 and heights[-1] == 256
    assert all(1.2 < b / a < 1.35 for a, b in zip(heights, heights[1:], strict=False))
    method = build(clip)
    for stage, (t, _, _) in enumerate(method.sizes):  # the same span at all rates
        times = method.clips(stage, method.first)[0, 0, :, 0, 0] * 6 + 6
        torch.testing.assert_close(times, torch.linspace(0, 12, t), atol=1e-4, rtol=0)


def test_enlarging_keeps_the_first_and_the_last_frame(clip):
    method = build(clip)
    video = torch.randn(1, 3, 4, 5, 6, generator=torch.Generator().manual_seed(0))
    larger = method.enlarge(video, (7, 5, 6))
    torch.testing.assert_close(larger[:, :, [0, 2, 4, 6]], video)
    torch.testing.assert_close(larger[:, :, 1], (video[:, :, 0] + video[:, :, 1]) / 2)


def test_a_longer_video_is_learned_in_random_windows_of_the_clips_length():
    frames = (torch.arange(20) / 10 - 1).view(20, 1, 1, 1).expand(20, 3, 32, 40).contiguous()
    method = build(frames, batch=64)
    assert method.length == 13 and method.windows == 8
    real, coarsest, z, _ = method.encode()
    starts = (real[:, 0, 0, 0, 0] * 10 + 10).round()
    assert set(starts.int().tolist()) == set(range(8))
    torch.testing.assert_close(coarsest[:, 0, -1, 0, 0] * 10 + 10, starts + 12, atol=1e-4, rtol=0)
    assert z.shape == (64, 2 * method.settings.width, *method.sizes[0])


@pytest.mark.parametrize("n, counts", [(4, {0: 2, -1: 4}), (9, {0: 3, -1: 9})])
def test_shorter_videos_are_learned_whole(n, counts):
    method = build(torch.zeros(n, 3, 32, 40))
    assert method.length == n and {i: method.sizes[i][0] for i in counts} == counts


def test_two_frames_are_neither_image_nor_video(toy_frames, tmp_path):
    with pytest.raises(SivLiteError, match="4 frames at least, not 2"):
        train("hp_vae_gan", toy_frames.repeat(2, 1, 1, 1), tmp_path / "run", preset="smoke", progress=False)


def test_divergence_is_the_equation():
    mean, log_variance = torch.randn(2, 2, 5, 4, 3, generator=torch.Generator().manual_seed(0))
    m, v = mean.numpy().astype(float), np.exp(log_variance.numpy().astype(float))
    wanted = np.mean((m**2 + v - np.log(v) - 1) / 2)
    assert losses.kl_divergence(mean, log_variance).item() == pytest.approx(wanted, rel=1e-5)
    assert losses.kl_divergence(torch.zeros(3), torch.zeros(3)) == 0


@pytest.mark.parametrize("shape", [(2, 3, 9, 8), (2, 3, 4, 9, 8)])
def test_linearised_gives_the_gradient_penalty_and_its_gradient(shape):
    D = PatchNetwork(3, 8, 1, len(shape) - 2)
    D.prepare(CPU, torch.Generator().manual_seed(0))
    real, fake = (torch.randn(shape, generator=torch.Generator().manual_seed(seed)) for seed in (1, 2))
    found = []
    for score in (D, D.linearised):
        penalty = losses.gradient_penalty(score, real, fake, torch.Generator().manual_seed(3))
        gradients = torch.autograd.grad(penalty, [*(block.weight for block in D.blocks), D.tail.weight])
        found.append([penalty.detach(), *gradients])
    torch.testing.assert_close(found[0], found[1], atol=1e-5, rtol=1e-3)


def test_spectral_norm_in_three_dimensions_is_one_and_so_is_its_gradient():
    D = PatchNetwork(2, 4, 1, 3)
    D.prepare(CPU, torch.Generator().manual_seed(0))
    for _ in range(100):
        D.normalize()
    x = torch.randn(1, 3, 4, 5, 6, generator=torch.Generator().manual_seed(1))
    D.receive(list(torch.autograd.grad(D(x).square().sum(), D.leaves())))
    raw = [block.raw.detach().clone().requires_grad_() for block in D.blocks]
    y = x
    for weight, block in zip(raw, D.blocks, strict=True):
        sigma = torch.linalg.matrix_norm(weight.flatten(1), 2)
        torch.testing.assert_close(block.weight.detach(), (weight / sigma).detach(), atol=1e-4, rtol=1e-3)
        y = torch.nn.functional.leaky_relu(torch.nn.functional.conv3d(y, weight / sigma, padding=1), 0.2)
    wanted = torch.autograd.grad(D.tail(y).square().sum(), raw)
    for block, gradient in zip(D.blocks, wanted, strict=True):
        torch.testing.assert_close(block.raw.grad, gradient, atol=1e-3, rtol=1e-2)


def trained(method, name):
    return torch.cat([p.detach().flatten() for p in method.networks[name].parameters()])


def test_each_stage_trains_the_papers_networks_and_no_others(toy_frames):
    method, moved = build(toy_frames, iterations=1, vae_stages=3, scale_factor=0.7), []
    for stage in range(method.stages):
        method.enter(stage + 1)
        before = {name: trained(method, name) for name in method.networks}
        method.step()
        moved.append({name for name in before if not torch.equal(before[name], trained(method, name))})
    assert moved == [{"E", "G0"}, {"E", "G0", "G1"}, {"E", "G0", "G2"}, {"G3", "D"}, {"G4", "D"}][: len(moved)]
    assert len(moved) >= 4


def test_rates_of_encoder_and_decoder_fall_by_a_fifth_each_stage(toy_frames):
    method = build(toy_frames, iterations=1, vae_stages=3, scale_factor=0.7)
    for stage in range(3):
        method.enter(stage + 1)
        method.step()
        rates = {name: optimiser.param_groups[0]["lr"].item() for name, optimiser in method.optimisers.items()}
        expected = {"E": 5e-4 * 0.2**stage, "G0": 5e-4 * 0.2**stage} | ({f"G{stage}": 5e-4} if stage else {})
        assert rates == pytest.approx(expected)


def test_a_stage_starts_as_a_copy_and_the_discriminator_stays(toy_frames):
    method = build(toy_frames, iterations=1, vae_stages=2, scale_factor=0.7)
    method.enter(3)
    assert torch.equal(trained(method, "G2"), trained(method, "G1"))
    D = method.networks["D"]
    method.enter(4)
    assert method.networks["D"] is D


def test_noise_comes_in_at_z_and_in_the_gans_only(toy_frames):
    method = build(toy_frames, iterations=1)
    for iteration in range(1, method.iterations + 1):
        method.enter(iteration)
        method.step()
    assert method.amplitudes[0] == 1 and method.amplitudes[1] == 0 and (method.amplitudes[2:] > 0).all()
    coarser = method.generate(torch.cat([x.flatten(1) for x in method.fixed_noise(1)], 1), stage=1)
    larger = torch.nn.functional.interpolate(coarser, method.sizes[2], mode="bilinear", align_corners=True)
    error = ((larger - method.real[2]).numpy().astype(float) ** 2).mean() ** 0.5
    assert method.amplitudes[2].item() == pytest.approx(0.1 * error, rel=1e-4)


def test_gradients_are_cut_to_the_given_norm(toy_frames):
    method = build(toy_frames, clip=1e-3)
    method.step()
    slopes = [p.grad for name in ("E", "G0") for p in method.networks[name].parameters()]
    assert torch.stack([g.norm() for g in slopes]).norm().item() == pytest.approx(1e-3, rel=1e-3)


@pytest.mark.parametrize("frames", ["toy_frames", "clip"])
def test_the_training_frames_are_reconstructed(frames, request):
    method = build(request.getfixturevalue(frames), iterations=60, vae_stages=1, coarsest=8)
    errors = []
    for iteration in range(1, 61):
        method.enter(iteration)
        errors.append(method.step()["reconstruction"].item())
    assert np.mean(errors[-5:]) < 0.3 * np.mean(errors[:5])


def test_videos_come_out_in_order_of_time_and_at_other_sizes(clip, tmp_path):
    run = train("hp_vae_gan", clip, tmp_path / "run", preset="smoke", progress=False, iterations=2)
    videos = run.sample(2, seed=1)
    assert videos.shape == (2, 13, 3, 32, 40) and not torch.equal(videos[0], videos[1])
    assert run.sample(1, seed=1, stage=0).shape == (1, 4, 3, *run.method.sizes[0][1:])
    assert run.sample(1, size=(40, 64)).shape == (1, 13, 3, 40, 64)
    assert run.sample(1, size=(40, 64), start=2).shape == (1, 13, 3, 40, 64)
    assert run.pictures(20).shape == (20, 3, 32, 40)
    assert run.sample(1, start=run.method.stages - 1).shape == (1, 13, 3, 32, 40)


def test_bfloat16_trains_all_stages(clip):
    method = HPVAEGAN(clip, make_settings("hp_vae_gan", "smoke", iterations=1), CPU, "bf16", 0)
    for iteration in range(1, method.iterations + 1):
        method.enter(iteration)
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
