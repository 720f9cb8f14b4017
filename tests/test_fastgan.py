"""FastGAN's networks, sizes, augmentation and losses, a whole step, and exact resume."""

import math

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
    move_average,
    refresh_spectral_norm,
)

from siv_lite import SivLiteError, losses, open_run, train
from siv_lite.augment import diff_augment
from siv_lite.methods import fastgan, make_settings
from siv_lite.methods.fastgan import (
    Discriminator,
    FastGAN,
    Generator,
    Settings,
    coarsest_size,
    crop_quarter,
    gated_linear_unit,
)

CPU = torch.device("cpu")


def build(frames, precision="fp32", seed=0, **settings):
    return FastGAN(frames, make_settings("fastgan", "smoke", **settings), CPU, precision, seed)


def narrow_networks(grid, resolution):
    settings = Settings(base_channels=8)
    return Generator(settings, grid, resolution), Discriminator(settings, resolution)


def networks(grid=(3, 4), resolution=64):
    generator = torch.Generator().manual_seed(0)
    G, D = narrow_networks(grid, resolution)
    for network in (G, D):
        network.init_weights(CPU, generator)
    return G, D


def count(network):
    return sum(parameter.numel() for parameter in network.parameters())


# Networks


def test_at_256_px_the_networks_have_as_many_parameters_as_the_official_code():
    assert coarsest_size(256, 256) == ((4, 4), 256)
    with torch.device("meta"):
        assert count(Generator(Settings(), (4, 4), 256)) == 29_127_846
        assert count(Discriminator(Settings(), 256)) == 11_526_160


def test_at_256_px_the_maps_are_those_of_the_official_code():
    """Channels and sides as listed there: nfc of 4 to 256 for G; 8 x 8 and 5 x 5 scores for D."""
    seen = []

    def note(module, inputs, output):
        seen.append(tuple(output.shape[1:]))

    with torch.device("meta"):
        G, D = Generator(Settings(), (4, 4), 256), Discriminator(Settings(), 256)
        for module in (*[block[-1] for block in G.blocks], *D.blocks, *D.decoders):
            module.register_forward_hook(note)
        images, small_images = G(torch.empty(2, 256))
        assert images.shape == (2, 3, 256, 256) and small_images.shape == (2, 3, 128, 128)
        coarse = [(512, 8, 8), (256, 16, 16), (128, 32, 32)]
        assert seen == [*coarse, (128, 64, 64), (64, 128, 128), (32, 256, 256)]
        seen.clear()
        scores, restored = D(images, small_images, torch.zeros(2, 1, dtype=torch.long))
        fine = [(32, 128, 128), (64, 64, 64), (128, 32, 32)]
        assert seen == [*fine, (256, 16, 16), (512, 8, 8), *[(3, 128, 128)] * 3]
        assert scores.shape == (2 * (25 + 25),) and restored.shape == (6, 3, 128, 128)


@pytest.mark.parametrize(
    "height, width, grid, resolution",
    [
        (32, 32, (4, 4), 32),
        (48, 64, (3, 4), 64),
        (32, 128, (4, 16), 32),
        (90, 160, (3, 5), 128),
        (192, 320, (3, 5), 256),
        (512, 512, (4, 4), 512),
        (1024, 1024, (4, 4), 1024),
    ],
)
def test_coarsest_size_follows_from_the_frames(height, width, grid, resolution):
    assert coarsest_size(height, width) == (grid, resolution)
    assert coarsest_size(width, height) == (grid[::-1], resolution)


def test_every_size_from_32_px_and_every_aspect_up_to_4_is_nearly_kept():
    for short in [*range(32, 200, 7), 256, 400, 1500]:
        for aspect in (1, 1.2, 4 / 3, 16 / 9, 2, 2.5, 3, 4):
            height, width = short, round(short * aspect)
            grid, resolution = coarsest_size(height, width)
            high, wide = (side * resolution / 4 for side in grid)
            assert abs(math.log(high / wide * width / height)) < 0.17, (height, width, grid)
            assert 0.7 < math.sqrt(high * wide / height / width) < 1.35, (height, width, grid)


@pytest.mark.parametrize(
    "grid, resolution",
    [
        ((4, 4), 32),
        ((3, 4), 64),
        ((16, 4), 32),
        ((3, 3), 128),
        ((3, 4), 512),
        ((3, 3), 1024),
    ],
)
def test_networks_fit_each_other_at_every_depth(grid, resolution):
    height, width = grid
    with torch.device("meta"):
        G, D = narrow_networks(grid, resolution)
        images, small_images = G(torch.empty(2, 256))
        assert images.shape == (2, 3, height * resolution // 4, width * resolution // 4)
        small = min(resolution // 2, 128)
        assert small_images.shape[2:] == (height * small // 4, width * small // 4)
        scores, restored = D(images, small_images, torch.ones(2, 1, dtype=torch.long))
        assert scores.shape == (4 * (2 * height - 3) * (2 * width - 3),)
        assert restored.shape == (6, *small_images.shape[1:])


def test_generator_gates_fine_maps_by_those_four_doublings_below():
    G, _ = networks(resolution=128)
    G.eval()
    latents = torch.randn(2, 256)
    sizes = []

    def note(module, inputs, output):
        sizes.append(tuple(inputs[0].shape[2:]))

    for excitation in G.excitations:
        excitation.register_forward_hook(note)
    before = G(latents)[0]
    assert sizes == [(3, 4), (6, 8)]
    with torch.no_grad():
        G.excitations[0][3].weight.zero_()  # sigmoid(0) = 1/2 of every channel
    assert not torch.allclose(G(latents)[0], before)


def test_gated_convolution_is_upsampling_convolution_noise_normalization_and_gate():
    G, _ = networks()
    layer, x = G.blocks[0][0], torch.randn(4, 128, 3, 4)
    with torch.no_grad():
        layer.strength.fill_(0.5)
    up = F.conv2d(F.interpolate(x, scale_factor=2, mode="nearest"), layer.conv.weight, padding=1)
    # Noise: the same in all channels.
    noise = torch.randn(4, 1, 6, 8, generator=torch.Generator().manual_seed(2))
    up = (up + 0.5 * noise).detach().numpy()
    mean, variance = up.mean((0, 2, 3), keepdims=True), up.var((0, 2, 3), keepdims=True)
    scale = layer.norm.weight.detach().numpy()[:, None, None]
    normal = (up - mean) / np.sqrt(variance + 1e-5) * scale
    values, gates = normal[:, :64], normal[:, 64:]
    found = layer(x, torch.Generator().manual_seed(2)).detach()
    np.testing.assert_allclose(found, values / (1 + np.exp(-gates)), rtol=1e-3, atol=1e-4)


def test_gate_and_its_gradient_are_those_of_pytorch():
    x = torch.randn(2, 6, 4, 5, dtype=torch.float64, requires_grad=True)
    torch.testing.assert_close(gated_linear_unit(x), F.glu(x, 1))
    (found,) = torch.autograd.grad(gated_linear_unit(x).square().sum(), x)
    (wanted,) = torch.autograd.grad(F.glu(x, 1).square().sum(), x)
    torch.testing.assert_close(found, wanted)


def test_down_block_is_the_mean_of_two_ways():
    _, D = networks()
    block, x = D.blocks[0], torch.randn(3, 8, 12, 16)
    first, second, direct = block.main[0].weight, block.main[3].weight, block.direct[1].weight

    def act(x, norm):
        return F.leaky_relu(F.batch_norm(x, None, None, norm.weight, norm.bias, training=True), 0.2)

    main = act(F.conv2d(x, first, stride=2, padding=1), block.main[1])
    main = act(F.conv2d(main, second, padding=1), block.main[4])
    plain = (main + act(F.conv2d(F.avg_pool2d(x, 2), direct), block.direct[2])) / 2
    torch.testing.assert_close(block(x), plain, rtol=1e-4, atol=1e-5)


def test_every_weight_has_spectral_norm_one_and_no_bias():
    for network in networks():
        for _ in range(30):
            network.normalize()
        kernels = [parameter for parameter in network.parameters() if parameter.dim() == 4]
        assert len(network.layers) == len(kernels)
        for layer in network.layers:
            assert layer.bias is None
            norm = torch.linalg.matrix_norm(layer.as_matrix(layer.weight), 2)
            assert norm.item() == pytest.approx(1, abs=0.05)


def test_noise_begins_silent_and_is_in_every_other_block():
    G, _ = networks()
    strengths = [layer.strength for block in G.blocks for layer in block]
    noisy = [strength is not None for strength in strengths]
    assert noisy == [True, True, False, True, True, False]
    latents, generator = torch.randn(4, 256), torch.Generator().manual_seed(0)
    silent = G(latents)[0]
    assert torch.equal(G(latents, generator)[0], silent)
    with torch.no_grad():
        strengths[-2].fill_(1.0)
    assert torch.equal(G(latents)[0], silent)
    assert not torch.allclose(G(latents, generator)[0], G(latents, generator)[0], atol=1e-3)


@pytest.mark.parametrize("row, column", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_quarter_is_that_corner(row, column):
    x = torch.arange(2 * 3 * 6 * 8.0).view(2, 3, 6, 8)
    expected = x[:, :, 3 * row : 3 * row + 3, 4 * column : 4 * column + 4]
    assert torch.equal(crop_quarter(x, torch.tensor([[row], [column]])), expected)


def test_the_two_sizes_are_judged_apart():
    _, D = networks()
    big, small = torch.randn(2, 3, 48, 64), torch.randn(2, 3, 24, 32)
    a, b = D(big, small)[0], D(big, -small)[0]
    half = len(a) // 2
    assert torch.equal(a[:half], b[:half]) and not torch.allclose(a[half:], b[half:])


# Augmentation and losses


def test_diff_augment_translates_by_whole_pixels_at_most_an_eighth_and_fills_zeros():
    """Gray stays gray under saturation and contrast: only brightness and translation are seen."""
    moved = diff_augment(torch.full((64, 3, 32, 48), 0.25), torch.Generator().manual_seed(0))
    assert moved.shape == (64, 3, 32, 48)
    rows, columns = set(), set()
    for image in moved:
        inside = (image != 0).all(0)
        high, wide = inside.any(1).sum().item(), inside.any(0).sum().item()
        assert inside.sum() == high * wide  # a rectangle
        values = image[:, inside]
        assert (values - values[0, 0]).abs().max() < 1e-5 and abs(values[0, 0] - 0.25) <= 0.5
        rows.add(32 - high)
        columns.add(48 - wide)
    assert rows == set(range(5)) and columns == set(range(7))


def test_diff_augment_changes_saturation_around_gray_and_contrast_around_the_mean():
    images = torch.rand(1, 3, 32, 32).expand(16, -1, -1, -1) * 2 - 1
    changed = diff_augment(images, torch.Generator().manual_seed(1))
    draw = torch.rand((5, 16, 1, 1, 1), generator=torch.Generator().manual_seed(1)).numpy()
    x = images.numpy() + draw[0] - 0.5
    gray = x.mean(1, keepdims=True)
    x = (x - gray) * (2 * draw[1]) + gray
    mean = x.mean((1, 2, 3), keepdims=True)
    x = (x - mean) * (draw[2] + 0.5) + mean
    for i, (image, plain) in enumerate(zip(changed.numpy(), x, strict=True)):
        right, down = (int(np.floor(9 * draw[axis, i, 0, 0, 0])) - 4 for axis in (3, 4))
        inner = (slice(None), slice(4, 28), slice(4, 28))
        shifted = np.roll(plain, (-down, -right), (1, 2))
        np.testing.assert_allclose(image[inner], shifted[inner], atol=1e-5)


def test_hinge_has_margins_between_08_and_1():
    scores = torch.zeros(10_000)
    margins = [losses.hinge(scores[i : i + 1], torch.Generator().manual_seed(i)) for i in range(50)]
    assert 0.8 <= min(margins) < 0.83 and 0.97 < max(margins) <= 1
    mean = losses.hinge(scores, torch.Generator().manual_seed(0)).item()
    assert mean == pytest.approx(0.9, abs=0.005)
    assert losses.hinge(scores + 1, torch.Generator().manual_seed(0)) == 0


def test_multi_scale_l1_against_naive_means():
    a = torch.rand(2, 3, 16, 24, dtype=torch.float64)
    b = torch.rand(2, 3, 16, 24, dtype=torch.float64)
    difference, expected = (a - b).numpy(), np.zeros(2)
    for cell in (1, 2, 4, 8):
        cells = difference.reshape(2, 3, 16 // cell, cell, 24 // cell, cell).mean((3, 5))
        expected += np.abs(cells).mean((1, 2, 3)) / 4
    np.testing.assert_allclose(losses.multi_scale_l1(a, b), expected)


# Training


def test_step_trains_every_weight_and_names_its_reconstruction(toy_frames):
    method = build(toy_frames)
    before = {key: tensor.clone() for key, tensor in method.state().items()}
    for _ in range(3):
        named = method.step()
    assert named.keys() == {"D", "G", "reconstruction_l1"}
    assert all(value.isfinite() for value in named.values())
    for key, tensor in method.state().items():
        is_trained = key.endswith((".weight_orig", ".strength", "norm.weight"))
        if is_trained and key.startswith(("G.", "D.", "G_ema.")):
            assert not torch.equal(tensor, before[key]), f"{key} does not learn"


def naive_generator(G, z, generator):
    """G for a grid of 3 x 4 cells and resolution 64, map by map."""
    x = G.project(z[:, :, None, None]).view(len(z), 3, 4, -1).permute(0, 3, 1, 2)
    maps = {4: F.glu(G.norm(x), 1)}
    for resolution, block in zip((8, 16, 32, 64), G.blocks, strict=True):
        x = maps[resolution // 2]
        for layer in block:
            x = layer.conv(x)
            if layer.strength is not None:
                noise = torch.randn(len(x), 1, *x.shape[2:], generator=generator)
                x = x + layer.strength * noise
            x = F.glu(layer.norm(x), 1)
        maps[resolution] = x
    gated = maps[64] * G.excitations[0](maps[4])
    return torch.tanh(G.to_big(gated)), torch.tanh(G.to_small(maps[32]))


def naive_discriminator(D, images, small_images):
    """D for resolution 64: the scores, and what the decoders get of whole and small images."""
    fine = D.stem(images)
    middle = D.blocks[1](D.blocks[0](fine))
    coarse = D.blocks[2](middle) * D.excitations[0](fine)
    small = D.small(small_images)
    scores = [D.score_big(coarse).flatten(), D.score_small(small).flatten()]
    return torch.cat(scores), middle, coarse, small


def test_a_whole_step_is_what_the_paper_says_by_plain_backward(toy_frames, double_precision):
    frame = F.interpolate(toy_frames.double(), (48, 64), mode="bilinear")
    clip = torch.cat([frame, -frame])
    method = build(clip, learning_rate=1e-3, seed=0, ema_decay=0.29, batch_size=6)
    for _ in range(2):  # so that no state of Adam, no strength of noise and no statistic is fresh
        method.step()
    n = method.settings.batch_size
    generator = copy_generator(method)
    G, D, G_ema = copy_networks(method, "G", "D", "G_ema")
    adam_G = copy_adam(method, "G", G, 1e-3)
    adam_D = copy_adam(method, "D", D, 1e-3)

    # Real images, at both sizes, and one quarter of them.
    mirrored = torch.rand((n, 1, 1, 1), generator=generator).flatten() < 0.5
    index = torch.randint(2, (n,), generator=generator)
    assert 0 < index.sum() < n and 0 < mirrored.sum() < n  # with this seed, some of each
    real = method.real[index].clone()
    real[mirrored] = real[mirrored].flip(3)
    real = diff_augment(real, generator)
    row, column = torch.randint(2, (2, 1), generator=generator).flatten().tolist()
    assert row != column  # so that they cannot be confused
    quarter = real[:, :, 24 * row : 24 * row + 24, 32 * column : 32 * column + 32]
    real_small = F.avg_pool2d(real, 2)

    # D: hinge loss with random margins, and reconstruction of the real images.
    z = torch.randn((n, 32), generator=generator)
    fake, fake_small = naive_generator(G, z, generator)
    fake = diff_augment(fake, generator)
    fake_small = diff_augment(fake_small, generator)
    scores, middle, coarse, small = naive_discriminator(D, real, real_small)
    middle = middle[:, :, 6 * row : 6 * row + 6, 8 * column : 8 * column + 8]
    error = 0
    for decoder, x, target in zip(
        D.decoders, (coarse, middle, small), (real_small, quarter, real_small), strict=True
    ):
        difference = decoder(x) - target
        for cell in (1, 2, 4, 8):
            error = error + F.avg_pool2d(difference, cell).abs().mean((1, 2, 3)).sum() / 4
    fake_scores = naive_discriminator(D, fake.detach(), fake_small.detach())[0]
    loss_D = 0
    for signed in (scores, -fake_scores):
        margins = 0.8 + 0.2 * torch.rand(len(signed), generator=generator)
        loss_D = loss_D + (margins - signed).clamp(min=0).mean()
    descend(loss_D + error, adam_D)
    refresh_spectral_norm(D)

    # G, judged by the new D; then the average of its weights, at iteration 3.
    loss_G = -naive_discriminator(D, fake, fake_small)[0].mean()
    descend(loss_G, adam_G)
    refresh_spectral_norm(G)
    move_average(G_ema, G, 0.29, 3)

    before = {name: tensor.clone() for name, tensor in method.state().items()}
    found = method.step()
    for name, wanted in (("D", loss_D), ("G", loss_G), ("reconstruction_l1", error)):
        torch.testing.assert_close(found[name], wanted.detach(), rtol=1e-7, atol=1e-9)
    for name, plain in (("G", G), ("D", D), ("G_ema", G_ema)):
        compare_updates(before, method.networks[name], plain, name)
    assert torch.equal(generator.get_state(), method.generator.get_state())


def test_restored_images_come_nearer(toy_frames):
    method = build(toy_frames, learning_rate=1e-3)
    errors = [method.step()["reconstruction_l1"].item() for _ in range(30)]
    assert np.mean(errors[-5:]) < 0.7 * np.mean(errors[:5])


def test_samples_follow_from_their_latents_alone(toy_frames):
    method = build(toy_frames)
    for _ in range(5):
        method.step()
    latents = method.sample_latents(4, 0)
    together = method.generate(latents)
    alone = torch.cat([method.generate(z) for z in latents.split(1)])
    assert together.shape == (4, 3, *method.size) and together.abs().max() <= 1
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)
    assert torch.equal(method.generate(latents), together) and together.std(0).max() > 0


@pytest.mark.parametrize("size", [(32, 32), (32, 128), (100, 70)])
def test_frames_of_a_clip_of_any_shape_train(size):
    frames = torch.rand(3, 3, *size, generator=torch.Generator().manual_seed(0)) * 2 - 1
    method = build(frames, batch_size=2)
    assert all(value.isfinite() for value in method.step().values())
    assert method.generate(method.sample_latents(2, 0)).shape == (2, 3, *method.size)


def test_bf16_trains_and_stays_near_fp32(toy_frames):
    a, b = build(toy_frames).step(), build(toy_frames, precision="bf16").step()
    assert all(abs(a[name] - b[name]) < 0.1 for name in a)


def test_stopped_in_the_middle_it_ends_bit_for_bit_the_same(toy_frames, tmp_path, monkeypatch):
    train("fastgan", toy_frames, tmp_path / "whole", preset="smoke", progress=False)
    step, calls = FastGAN.step, []

    def breaking(self):
        calls.append(1)
        if len(calls) == 9:
            raise KeyboardInterrupt
        return step(self)

    monkeypatch.setattr(FastGAN, "step", breaking)
    with pytest.raises(KeyboardInterrupt):
        train("fastgan", toy_frames, tmp_path / "parts", preset="smoke", progress=False)
    assert open_run(tmp_path / "parts").iteration == 8
    assert train("fastgan", toy_frames, tmp_path / "parts", preset="smoke", progress=False).finished
    for name in ("checkpoint-00000020.safetensors", "log.jsonl", "samples/00000020.png"):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_one_seed_makes_one_result(toy_frames):
    a, b, c = (build(toy_frames, seed=seed).step() for seed in (0, 0, 1))
    assert a == b and a != c


# Reconstruction by LPIPS


@pytest.fixture
def square_vectors(monkeypatch):
    """In place of LPIPS, whose weights are not there: the squared distance of these vectors."""
    monkeypatch.setattr(fastgan, "lpips_vectors", lambda images: F.avg_pool2d(images, 4).flatten(1))


@pytest.fixture
def large_frames(toy_frames):
    return F.interpolate(toy_frames, (64, 96), mode="bilinear")


def test_auto_takes_lpips_where_it_can_and_keeps_to_it(large_frames, toy_frames, square_vectors):
    method = build(large_frames)
    assert method.step().keys() == {"D", "G", "reconstruction_lpips"}
    assert build(toy_frames).step().keys() == {"D", "G", "reconstruction_l1"}  # too small
    plain = build(large_frames, reconstruction="l1")
    for name, state in (("lpips", method.state()), ("l1", plain.state())):
        other = build(large_frames)
        other.load_state(state)
        assert f"reconstruction_{name}" in other.step()


def test_lpips_is_summed_over_all_pairs(large_frames, square_vectors):
    method = build(large_frames, reconstruction="lpips")
    a, b = torch.rand(6, 3, 32, 48), torch.rand(6, 3, 32, 48)
    expected = (F.avg_pool2d(a, 4) - F.avg_pool2d(b, 4)).square().sum()
    torch.testing.assert_close(method.reconstruction_error(a, b), expected)


def test_lpips_without_weights_is_said_in_the_first_step(large_frames):
    with pytest.raises(SivLiteError, match="is missing|is not installed"):
        build(large_frames, reconstruction="lpips").step()


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"reconstruction": "lpips"}, "LPIPS needs images of 62 px a side"),
        ({"reconstruction": "vgg"}, "Literal\\['auto'"),
        ({"batch_size": 1}, "batch_size"),
        ({"base_channels": 4}, "base_channels"),
        ({"iterations": 0}, "iterations"),
        ({"ema_decay": 1.5}, "ema_decay"),
        ({"learning_rate": -1.0}, "learning_rate"),
        ({"blocks": 4}, "Unknown setting 'blocks'"),
    ],
)
def test_bad_settings_get_one_sentence(settings, message, toy_frames):
    with pytest.raises(SivLiteError, match=message) as error:
        build(toy_frames, **settings)
    assert "\n" not in str(error.value)
