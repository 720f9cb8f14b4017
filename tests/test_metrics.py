"""Metrics that need no weights: known answers, and the same equations typed again in numpy."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from siv_lite import metrics
from siv_lite.errors import SivLiteError


@pytest.fixture
def scene():
    """A smooth random image (1, 3, 48, 64): unlike white noise it has structure on all scales."""
    generator = torch.Generator().manual_seed(0)
    sizes = [(3, 4), (12, 16), (48, 64)]
    layers = [torch.randn(1, 3, *size, generator=generator) for size in sizes]
    image = sum(torch.nn.functional.interpolate(layer, size=(48, 64), mode="bilinear") for layer in layers)
    return image / image.abs().max()


def noisy(image, count=3, strength=0.1):
    noise = torch.randn(count, *image.shape[1:], generator=torch.Generator().manual_seed(1))
    return (image + strength * noise).clamp(-1, 1)


def numpy_patches(image, size):
    """Patches (p, 3 * size * size) of an array (3, H, W)."""
    windows = np.lib.stride_tricks.sliding_window_view(image, (size, size), axis=(1, 2))
    return windows.transpose(1, 2, 0, 3, 4).reshape(-1, 3 * size * size)


def features_with(mean, std):
    """Features (8, 3) of exactly this mean and diagonal covariance."""
    signs = torch.cartesian_prod(*[torch.tensor([-1.0, 1.0])] * 3)
    return torch.tensor(mean) + signs * torch.tensor(std) * (7 / 8) ** 0.5


def test_frechet_distance_of_diagonal_gaussians_is_the_textbook_sum():
    first, second = features_with([0.0, 1.0, 2.0], [1.0, 2.0, 0.0]), features_with([1.0, 1.0, 0.0], [3.0, 2.0, 0.5])
    assert metrics.frechet_distance(first, second) == pytest.approx((1 + 0 + 4) + (4 + 0 + 0.25))


@pytest.mark.parametrize("count", [8, 200])  # fewer and more features than channels
def test_frechet_distance_of_shifted_features_is_the_squared_shift(count):
    features = torch.randn(count, 20, generator=torch.Generator().manual_seed(0))
    assert metrics.frechet_distance(features, features.flip(0)) == pytest.approx(0, abs=1e-9)
    assert metrics.frechet_distance(features, features + 2) == pytest.approx(20 * 4)


def test_frechet_distance_agrees_with_scipy():
    linalg = pytest.importorskip("scipy.linalg")
    first, second = np.random.default_rng(0).normal(size=(2, 50, 6)) * [[[1.0]], [[2.0]]]
    (mean1, cov1), (mean2, cov2) = ((x.mean(0), np.cov(x, rowvar=False)) for x in (first, second))
    expected = ((mean1 - mean2) ** 2).sum() + np.trace(cov1 + cov2 - 2 * linalg.sqrtm(cov1 @ cov2).real)
    assert metrics.frechet_distance(*map(torch.from_numpy, (first, second))) == pytest.approx(expected)


def test_pixel_diversity(scene):
    images = noisy(scene)
    assert metrics.pixel_diversity(scene.expand(3, -1, -1, -1), scene) == pytest.approx(0, abs=1e-6)
    grey, target = (np.tensordot(x.numpy(), [0.299, 0.587, 0.114], axes=(1, 0)) for x in (images, scene))
    assert metrics.pixel_diversity(images, scene) == pytest.approx(grey.std(axis=0).mean() / target.std(), rel=1e-4)


def test_sliced_wasserstein_is_zero_for_the_image_itself_and_brightness_is_coarse(scene):
    assert metrics.sliced_wasserstein(scene, scene) == [0, 0, 0]
    fine, middle, coarse = metrics.sliced_wasserstein(scene / 2 + 0.3, scene / 2)
    assert fine < 1e-4 and middle < 1e-4 and coarse > 0.3


def test_sliced_wasserstein_agrees_with_numpy(scene):
    image = noisy(scene, count=1)
    directions = torch.randn(75, 256, generator=torch.Generator().manual_seed(0)).numpy()
    directions /= np.linalg.norm(directions, axis=0)
    q = np.linspace(0.005, 0.995, 200)
    found, wanted = (np.quantile(numpy_patches(x[0].numpy(), 5) @ directions, q, axis=0) for x in (image, scene))
    expected = np.abs(found - wanted).mean() / scene.numpy().std(ddof=1)
    assert metrics.sliced_wasserstein(image, scene, levels=1) == [pytest.approx(expected, rel=1e-4)]


def test_a_crop_has_perfect_fidelity_but_not_coverage(scene):
    crop, smaller = scene[:, :, 4:36, 8:40], scene[:, :, 8:24, 8:24]
    assert metrics._nearest_patch(crop, scene, seed=0) < 1e-6
    assert metrics._nearest_patch(scene, smaller, seed=0) > 1e-3


def test_patch_fidelity_and_coverage_agree_with_numpy(scene):
    images, frame = noisy(scene)[:, :, :12, :14], scene[:, :, 6:18, 5:19]
    samples, training = ([numpy_patches((x.numpy() + 1) / 2, 7) for x in batch] for batch in (images, frame))
    squared = [((sample[:, None] - training[0][None]) ** 2).mean(axis=2) for sample in samples]
    fidelity, coverage = (np.mean([d.min(axis=axis).mean() for d in squared]) for axis in (1, 0))
    expected = {"patch_fidelity": fidelity, "patch_coverage": coverage}
    assert metrics.patch_distances(images, frame) == pytest.approx(expected, rel=1e-3)


def test_patches_of_a_large_image_are_a_fixed_subset_of_its_own_for_each_seed(scene):
    few = metrics.patches(scene, 7, most=50)
    everything = {tuple(patch) for patch in metrics.patches(scene, 7, most=10**6).tolist()}
    assert len(few) == 50 and {tuple(patch) for patch in few.tolist()} <= everything
    assert torch.equal(few, metrics.patches(scene, 7, most=50))
    assert not torch.equal(few, metrics.patches(scene, 7, most=50, seed=1))


def test_nearest_patches_of_a_lesson_image_are_exact(scene):
    """All 42 x 58 patches of a 48 x 64 image are compared, so the choice of a subset changes nothing."""
    image = noisy(scene, 1)
    found = [metrics._nearest_patch(image, scene, seed) for seed in (0, 1)]
    queries, training = (torch.from_numpy(numpy_patches((x[0].numpy() + 1) / 2, 7)) for x in (image, scene))
    exact = (torch.cdist(queries.double(), training.double()).amin(dim=1) ** 2).mean().item() / 147
    assert found == pytest.approx([exact, exact], rel=1e-3)


def test_copy_distance_recognises_mirrored_and_shifted_copies_of_any_frame(scene):
    clip = torch.cat([noisy(scene, 1), scene])
    copies = torch.cat([scene, scene.flip(3), scene.roll((6, -12), dims=(2, 3))])
    assert metrics.copy_distance(copies, clip) == pytest.approx(0, abs=1e-4)
    assert metrics.copy_distance(-scene, scene) > 20


def test_copy_distance_agrees_with_numpy(scene):
    images, frame = noisy(scene)[:, :, :20, :40], scene[:, :, :20, :40]
    small, large = range(-4, 5), range(-8, 9, 2)  # a fifth of 20 and 40, in steps of 1 and 2
    target = frame[0].numpy() * 127.5
    shifted = [np.roll(x, (dy, dx), (1, 2)) for x in (target, target[:, :, ::-1]) for dy in small for dx in large]
    expected = np.mean([min(np.sqrt(((x * 127.5 - s) ** 2).mean()) for s in shifted) for x in images.numpy()])
    assert metrics.copy_distance(images, frame) == pytest.approx(expected, rel=1e-4)


def numpy_ms_ssim(a, b, weights):
    """ms_ssim of arrays (H, W) in [0, 1] with even sides."""
    window = np.exp(-(np.arange(-5, 6) ** 2) / 4.5)
    window = np.outer(window, window) / window.sum() ** 2

    def blur(x):
        return np.einsum("hwij,ij->hw", np.lib.stride_tricks.sliding_window_view(x, (11, 11)), window)

    result = 1.0
    for scale, weight in enumerate(weights):
        mean_a, mean_b = blur(a), blur(b)
        product = blur(a * b) - mean_a * mean_b
        similarity = (2 * product + 9e-4) / (blur(a * a) - mean_a**2 + blur(b * b) - mean_b**2 + 9e-4)
        if scale == len(weights) - 1:
            similarity *= (2 * mean_a * mean_b + 1e-4) / (mean_a**2 + mean_b**2 + 1e-4)
        result *= max(similarity.mean(), 0) ** weight
        a, b = (x.reshape(x.shape[0] // 2, 2, x.shape[1] // 2, 2).mean(axis=(1, 3)) for x in (a, b))
    return result


def test_ms_ssim_agrees_with_numpy_on_the_three_scales_that_fit(scene):
    other = noisy(scene, 1)
    assert metrics.ms_ssim_pairs(torch.cat([scene, scene])) == pytest.approx(1, abs=1e-5)
    weights = np.array([0.0448, 0.2856, 0.3001]) / 0.6305
    pairs = zip((scene[0].double().numpy() + 1) / 2, (other[0].double().numpy() + 1) / 2, strict=True)
    expected = np.mean([numpy_ms_ssim(a, b, weights) for a, b in pairs])
    assert metrics.ms_ssim_pairs(torch.cat([scene, other])) == pytest.approx(expected, rel=1e-4)
    with pytest.raises(SivLiteError, match="11 x 11 pixels"):
        metrics.ms_ssim_pairs(torch.cat([scene, other])[:, :, :10])


@pytest.mark.parametrize("size", [(161, 170), (192, 256)])
def test_ms_ssim_agrees_with_pytorch_msssim_where_five_scales_fit(scene, size):
    reference = pytest.importorskip("pytorch_msssim")
    large = torch.nn.functional.interpolate(scene, size=size, mode="bicubic").clamp(-1, 1)
    a, b = large.repeat(2, 1, 1, 1), noisy(large, 2)
    expected = reference.ms_ssim((a + 1) / 2, (b + 1) / 2, data_range=1.0, size_average=False)
    torch.testing.assert_close(metrics._ms_ssim(a, b), expected, rtol=1e-4, atol=1e-5)


def test_ms_ssim_pairs_is_the_mean_over_pairs(scene):
    images = noisy(scene)
    pairs = [metrics.ms_ssim_pairs(images[[i, j]]) for i, j in ((0, 1), (0, 2), (1, 2))]
    assert metrics.ms_ssim_pairs(images) == pytest.approx(np.mean(pairs))


@pytest.mark.parametrize("clip", [False, True])
def test_evaluate_names_every_missing_metric_and_is_deterministic(scene, tmp_path, monkeypatch, clip):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    frames = torch.cat([scene, noisy(scene)]) if clip else scene
    table = metrics.evaluate(noisy(scene), frames)
    assert set(table.missing) >= {"fid" if clip else "sifid", "lpips", "distance_to_train"}
    assert "inception_v3_google-0cc3c7bd.pth" in table.missing["fid" if clip else "sifid"]
    assert "alexnet-owt-7be5be79.pth" in table.missing["lpips"] and str(tmp_path) in table.missing["lpips"]
    assert {"sliced_wasserstein_1", "patch_fidelity", "copy_distance", "pixel_diversity", "ms_ssim"} <= set(table)
    again = metrics.evaluate(noisy(scene), frames)
    assert table == again and list(table.missing) == list(again.missing)


def test_table_prints_aligned_and_survives_json():
    table = metrics.Table({"ms_ssim": 0.123456}, {"lpips": "no file"})
    assert str(table) == repr(table) == "ms_ssim  0.1235\nlpips    no file"
    again = metrics.Table(**json.loads(json.dumps({"values": table, "missing": table.missing})))
    assert again == table and again.missing == table.missing


def test_frames_of_another_size_are_resized_as_pillow_does(scene):
    pixels = ((scene[0].permute(1, 2, 0).numpy() + 1) * 127.5).round().astype(np.uint8)
    small = np.asarray(Image.fromarray(pixels).resize((26, 22), Image.BILINEAR)).transpose(2, 0, 1)[None]
    assert metrics.copy_distance(torch.from_numpy(small / 127.5 - 1), scene) < 1


def test_bad_input_is_refused_in_one_sentence(scene):
    pair, nan = noisy(scene, 2), scene.clone()
    nan[0, 0, 0, 0] = torch.nan
    for images, frames, sentence in [
        (pair[:1], scene, "at least 2"),
        (pair[:, :, :16], scene, "20 x 20"),
        (pair[0], scene, "must be a float tensor"),
        (pair.numpy(), scene, "must be a float tensor"),
        (pair[:, :1], scene, "must be a float tensor"),
        (pair * 127.5, scene, "outside"),
        (pair, nan, "frames hold NaN"),
        (pair, torch.zeros(1, 3, 48, 64), "flat colour"),
    ]:
        with pytest.raises(SivLiteError, match=sentence):
            metrics.evaluate(images, frames)
