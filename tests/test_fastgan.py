"""FastGAN's networks, sizes, augmentation and losses, and that its training goes on exactly where it stopped."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from siv_lite import SivLiteError, losses, open_run, train
from siv_lite.augment import diff_augment
from siv_lite.methods import fastgan, make_settings
from siv_lite.methods.fastgan import Discriminator, FastGAN, Generator, Settings, gate, latent_grid, quarter

CPU = torch.device("cpu")


def build(frames, precision="fp32", seed=0, **settings):
    return FastGAN(frames, make_settings("fastgan", "smoke", **settings), CPU, precision, seed)


def networks(grid=(3, 4), doublings=4):
    generator = torch.Generator().manual_seed(0)
    G, D = Generator(Settings(width=8), grid, doublings), Discriminator(Settings(width=8), doublings)
    for network in (G, D):
        network.prepare(CPU, generator)
    return G, D


def count(network):
    return sum(parameter.numel() for parameter in network.parameters())


# Networks


def test_at_256_px_the_networks_have_as_many_parameters_as_the_release():
    assert latent_grid(256, 256) == ((4, 4), 6)
    with torch.device("meta"):
        assert count(Generator(Settings(), (4, 4), 6)) == 29_127_846
        assert count(Discriminator(Settings(), 6)) == 11_526_160


def test_at_256_px_the_maps_are_those_of_the_release():
    """Channels and sides as the release lists them: nfc of 4, 8, ... 256 for G; 8 x 8 and 5 x 5 scores for D."""
    with torch.device("meta"):
        G, D = Generator(Settings(), (4, 4), 6), Discriminator(Settings(), 6)
        seen = []
        for module in (*G.blocks, *D.blocks, *D.decoders):
            module.register_forward_hook(lambda module, inputs, output: seen.append(tuple(output.shape[1:])))
        for block in G.blocks:
            block[-1].register_forward_hook(lambda module, inputs, output: seen.append(tuple(output.shape[1:])))
        big, small = G(torch.empty(2, 256))
        assert (big.shape, small.shape) == ((2, 3, 256, 256), (2, 3, 128, 128))
        assert seen == [(512, 8, 8), (256, 16, 16), (128, 32, 32), (128, 64, 64), (64, 128, 128), (32, 256, 256)]
        seen.clear()
        scores, restored = D(big, small, torch.zeros(2, 1, dtype=torch.long))
        downs = [(32, 128, 128), (64, 64, 64), (128, 32, 32), (256, 16, 16), (512, 8, 8)]
        assert seen == [*downs, *[(3, 128, 128)] * 3]
        assert scores.shape == (2 * (25 + 25),) and restored.shape == (6, 3, 128, 128)


@pytest.mark.parametrize("height, width, grid, doublings", [
    (32, 32, (4, 4), 3),
    (48, 64, (3, 4), 4),
    (32, 128, (4, 16), 3),
    (90, 160, (3, 5), 5),
    (192, 320, (3, 5), 6),
    (512, 512, (4, 4), 7),
    (1024, 1024, (4, 4), 8),
])
def test_grid_follows_from_the_frames(height, width, grid, doublings):
    assert latent_grid(height, width) == (grid, doublings)
    assert latent_grid(width, height) == (grid[::-1], doublings)


def test_every_size_from_32_px_and_every_aspect_up_to_4_is_nearly_kept():
    for short in [*range(32, 200, 7), 256, 400, 1500]:
        for aspect in (1, 1.2, 4 / 3, 16 / 9, 2, 2.5, 3, 4):
            height, width = short, round(short * aspect)
            grid, doublings = latent_grid(height, width)
            made = [side * 2**doublings for side in grid]
            assert abs(math.log(made[0] / made[1] * width / height)) < 0.17, (height, width, grid)
            assert 0.7 < math.sqrt(made[0] * made[1] / height / width) < 1.35, (height, width, grid)


@pytest.mark.parametrize(
    "grid, doublings", [((4, 4), 3), ((3, 4), 4), ((16, 4), 3), ((3, 3), 5), ((3, 4), 7), ((3, 3), 8)]
)
def test_networks_fit_each_other_at_every_depth(grid, doublings):
    with torch.device("meta"):
        G, D = Generator(Settings(width=8), grid, doublings), Discriminator(Settings(width=8), doublings)
        big, small = G(torch.empty(2, 256))
        assert big.shape == (2, 3, grid[0] << doublings, grid[1] << doublings)
        assert small.shape[2:] == tuple(side << min(doublings - 1, 5) for side in grid)
        scores, restored = D(big, small, torch.ones(2, 1, dtype=torch.long))
        assert scores.shape == (4 * (2 * grid[0] - 3) * (2 * grid[1] - 3),)
        assert restored.shape == (6, *small.shape[1:])


def test_generator_gates_fine_maps_by_those_four_doublings_below():
    G, _ = networks(doublings=5)
    G.eval()
    latents, inputs = torch.randn(2, 256), []
    for excite in G.excitations:
        excite.register_forward_hook(lambda module, inputs_, output: inputs.append(tuple(inputs_[0].shape[2:])))
    before = G(latents)[0]
    assert inputs == [(3, 4), (6, 8)]
    with torch.no_grad():
        G.excitations[0][3].weight.zero_()  # sigmoid(0) = 1/2 of every channel
    assert not torch.allclose(G(latents)[0], before)


def test_gated_convolution_is_upsampling_convolution_noise_normalisation_and_gate():
    G, _ = networks()
    layer, x = G.blocks[0][0], torch.randn(4, 128, 3, 4)
    with torch.no_grad():
        layer.strength.fill_(0.5)
    up = F.conv2d(F.interpolate(x, scale_factor=2, mode="nearest"), layer.conv.weight, padding=1)
    noise = torch.randn(4, 1, 6, 8, generator=torch.Generator().manual_seed(2))  # the same in all channels
    up = (up + 0.5 * noise).detach().numpy()
    mean, variance = up.mean((0, 2, 3), keepdims=True), up.var((0, 2, 3), keepdims=True)
    normal = (up - mean) / np.sqrt(variance + 1e-5) * layer.norm.weight.detach().numpy()[:, None, None]
    values, gates = normal[:, :64], normal[:, 64:]
    found = layer(x, torch.Generator().manual_seed(2)).detach()
    np.testing.assert_allclose(found, values / (1 + np.exp(-gates)), rtol=1e-3, atol=1e-4)


def test_gate_and_its_gradient_are_those_of_pytorch():
    x = torch.randn(2, 6, 4, 5, dtype=torch.float64, requires_grad=True)
    torch.testing.assert_close(gate(x), F.glu(x, 1))
    gradients = [torch.autograd.grad(f(x).square().sum(), x)[0] for f in (gate, lambda x: F.glu(x, 1))]
    torch.testing.assert_close(*gradients)


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
        assert len(network.layers) == sum(parameter.dim() == 4 for parameter in network.parameters())
        for layer in network.layers:
            assert layer.bias is None
            assert torch.linalg.matrix_norm(layer.matrix(layer.weight), 2).item() == pytest.approx(1, abs=0.05)


def test_noise_begins_silent_and_is_in_every_other_block():
    G, _ = networks()
    strengths = [layer.strength for block in G.blocks for layer in block]
    assert [strength is not None for strength in strengths] == [True, True, False, True, True, False]
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
    assert torch.equal(quarter(x, torch.tensor([[row], [column]])), expected)


def test_the_two_sizes_are_judged_apart():
    _, D = networks()
    big, small = torch.randn(2, 3, 48, 64), torch.randn(2, 3, 24, 32)
    a, b = D(big, small)[0], D(big, -small)[0]
    half = len(a) // 2
    assert torch.equal(a[:half], b[:half]) and not torch.allclose(a[half:], b[half:])


# Augmentation and losses


def test_diff_augment_translates_by_whole_pixels_at_most_an_eighth_and_fills_zeros():
    """A grey picture keeps its colour under saturation and contrast, so only brightness and translation are seen."""
    picture = torch.full((64, 3, 32, 48), 0.25)
    moved = diff_augment(picture, torch.Generator().manual_seed(0))
    assert moved.shape == picture.shape
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


def test_diff_augment_changes_saturation_around_grey_and_contrast_around_the_mean():
    pictures = torch.rand(1, 3, 32, 32).expand(16, -1, -1, -1) * 2 - 1
    changed = diff_augment(pictures, torch.Generator().manual_seed(1))
    draw = torch.rand((5, 16, 1, 1, 1), generator=torch.Generator().manual_seed(1)).numpy()
    x = pictures.numpy() + draw[0] - 0.5
    grey = x.mean(1, keepdims=True)
    x = (x - grey) * (2 * draw[1]) + grey
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
    assert losses.hinge(scores, torch.Generator().manual_seed(0)).item() == pytest.approx(0.9, abs=0.005)
    assert losses.hinge(scores + 1, torch.Generator().manual_seed(0)) == 0


def test_multi_scale_l1_against_naive_means():
    a, b = torch.rand(2, 3, 16, 24, dtype=torch.float64), torch.rand(2, 3, 16, 24, dtype=torch.float64)
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
    assert named.keys() == {"D", "G", "reconstruction_l1"} and all(value.isfinite() for value in named.values())
    for key, tensor in method.state().items():
        if key.startswith(("G.", "D.", "average.")) and key.endswith((".raw", ".strength", "norm.weight")):
            assert not torch.equal(tensor, before[key]), f"{key} does not learn"


def test_restored_pictures_come_nearer(toy_frames):
    method = build(toy_frames, learning_rate=1e-3)
    errors = [method.step()["reconstruction_l1"].item() for _ in range(30)]
    assert np.mean(errors[-5:]) < 0.7 * np.mean(errors[:5])


def test_samples_follow_from_their_latents_alone(toy_frames):
    method = build(toy_frames)
    for _ in range(5):
        method.step()
    latents = method.draw_latents(4, 0)
    together, alone = method.generate(latents), torch.cat([method.generate(z) for z in latents.split(1)])
    assert together.shape == (4, 3, *method.size) and together.abs().max() <= 1
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)
    assert torch.equal(method.generate(latents), together) and together.std(0).max() > 0


@pytest.mark.parametrize("size", [(32, 32), (32, 128), (100, 70)])
def test_frames_of_a_clip_of_any_shape_train(size):
    frames = torch.rand(3, 3, *size, generator=torch.Generator().manual_seed(0)) * 2 - 1
    method = build(frames, batch_size=2)
    assert all(value.isfinite() for value in method.step().values())
    assert method.generate(method.draw_latents(2, 0)).shape == (2, 3, *method.size)


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


def test_auto_takes_lpips_where_it_can_and_keeps_to_it(large_frames, toy_frames, square_vectors, monkeypatch):
    method = build(large_frames)
    assert method.step().keys() == {"D", "G", "reconstruction_lpips"}
    assert build(toy_frames).step().keys() == {"D", "G", "reconstruction_l1"}  # too small
    for name, state in (("lpips", method.state()), ("l1", build(large_frames, reconstruction="l1").state())):
        other = build(large_frames)
        other.load_state(state)
        assert f"reconstruction_{name}" in other.step()


def test_lpips_is_summed_over_all_pairs(large_frames, square_vectors):
    method = build(large_frames, reconstruction="lpips")
    a, b = torch.rand(6, 3, 32, 48), torch.rand(6, 3, 32, 48)
    expected = (F.avg_pool2d(a, 4) - F.avg_pool2d(b, 4)).square().sum()
    torch.testing.assert_close(method.distance(a, b), expected)


def test_lpips_without_weights_is_said_in_the_first_step(large_frames):
    with pytest.raises(SivLiteError, match="is missing|is not installed"):
        build(large_frames, reconstruction="lpips").step()


@pytest.mark.parametrize("settings, message", [
    ({"reconstruction": "lpips"}, "LPIPS needs pictures of 62 px a side"),
    ({"reconstruction": "vgg"}, "Literal\\['auto'"),
    ({"batch_size": 1}, "batch_size"),
    ({"width": 4}, "width"),
    ({"iterations": 0}, "iterations"),
    ({"average": 1.5}, "average"),
    ({"learning_rate": -1.0}, "learning_rate"),
    ({"blocks": 4}, "Unknown setting 'blocks'"),
])
def test_bad_settings_get_one_sentence(settings, message, toy_frames):
    with pytest.raises(SivLiteError, match=message) as error:
        build(toy_frames, **settings)
    assert "\n" not in str(error.value)
