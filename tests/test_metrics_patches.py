"""Metrics of patches and copies: known answers, and the same equations typed again in numpy."""

from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import noisy
from PIL import Image

from siv_lite import metrics, read_frames

SAMPLES = Path(__file__).parents[1] / "data_samples"


def numpy_patches(image, size):
    """Patches (p, 3 * size * size) of an array (3, H, W)."""
    windows = np.lib.stride_tricks.sliding_window_view(image, (size, size), axis=(1, 2))
    return windows.transpose(1, 2, 0, 3, 4).reshape(-1, 3 * size * size)


def test_sliced_wasserstein_is_zero_for_the_image_itself_and_brightness_is_coarse(scene):
    assert metrics.sliced_wasserstein(scene, scene) == pytest.approx([0, 0, 0], abs=1e-6)
    fine, middle, coarse = metrics.sliced_wasserstein(scene / 2 + 0.3, scene / 2)
    assert fine < 1e-4 and middle < 1e-4 and coarse > 0.3


def test_sliced_wasserstein_agrees_with_numpy(scene):
    image = noisy(scene, count=1)
    directions = torch.randn(75, 256, generator=torch.Generator().manual_seed(0)).numpy()
    directions /= np.linalg.norm(directions, axis=0)
    q = np.linspace(0.005, 0.995, 200)
    found, wanted = (
        np.quantile(numpy_patches(x[0].numpy(), 5) @ directions, q, axis=0) for x in (image, scene)
    )
    expected = np.abs(found - wanted).mean() / scene.numpy().std(ddof=1)
    assert metrics.sliced_wasserstein(image, scene, levels=1) == [pytest.approx(expected, rel=1e-4)]


def test_a_crop_has_perfect_fidelity_but_not_coverage(scene):
    crop, smaller = scene[:, :, 4:36, 8:40], scene[:, :, 8:24, 8:24]
    assert metrics.nearest_patch_distance(crop, scene, seed=0) < 1e-6
    assert metrics.nearest_patch_distance(scene, smaller, seed=0) > 1e-3


def test_patch_fidelity_and_coverage_agree_with_numpy(scene):
    images, frame = noisy(scene)[:, :, :12, :14], scene[:, :, 6:18, 5:19]
    samples, training = (
        [numpy_patches((x.numpy() + 1) / 2, 7) for x in batch] for batch in (images, frame)
    )
    squared = [((sample[:, None] - training[0][None]) ** 2).mean(axis=2) for sample in samples]
    fidelity, coverage = (np.mean([d.min(axis=axis).mean() for d in squared]) for axis in (1, 0))
    expected = {"patch_fidelity": fidelity, "patch_coverage": coverage}
    assert metrics.patch_distances(images, frame) == pytest.approx(expected, rel=1e-3)


def test_patches_of_a_large_image_are_a_fixed_subset_of_its_own_for_each_seed(scene):
    few = metrics.extract_patches(scene, 7, max_count=50)
    everything = {
        tuple(patch) for patch in metrics.extract_patches(scene, 7, max_count=10**6).tolist()
    }
    assert len(few) == 50 and {tuple(patch) for patch in few.tolist()} <= everything
    assert torch.equal(few, metrics.extract_patches(scene, 7, max_count=50))
    assert not torch.equal(few, metrics.extract_patches(scene, 7, max_count=50, seed=1))


def test_nearest_patches_of_a_lesson_image_are_exact(scene):
    """All 42 x 58 patches of a 48 x 64 image are compared: no subset is chosen."""
    image = noisy(scene, 1)
    found = [metrics.nearest_patch_distance(image, scene, seed) for seed in (0, 1)]
    queries, training = (
        torch.from_numpy(numpy_patches((x[0].numpy() + 1) / 2, 7)) for x in (image, scene)
    )
    exact = (torch.cdist(queries.double(), training.double()).amin(dim=1) ** 2).mean().item() / 147
    assert found == pytest.approx([exact, exact], rel=1e-3)


def test_large_patch_fidelity_agrees_with_numpy(scene):
    """Patches of 24 pixels of an image of 28 x 36: halved, so 12 of 14 x 18."""
    images, frame = noisy(scene)[:, :, :28, :36], scene[:, :, 6:34, 5:41]
    halve = dict(size=(14, 18), mode="bilinear", antialias=True)
    samples, training = (
        [
            numpy_patches((x + 1) / 2, 12)
            for x in torch.nn.functional.interpolate(batch, **halve).numpy()
        ]
        for batch in (images, frame)
    )
    squared = [((sample[:, None] - training[0][None]) ** 2).mean(axis=2) for sample in samples]
    expected = np.mean([distances.min(axis=1).mean() for distances in squared])
    assert metrics.large_patch_fidelity(images, frame) == pytest.approx(expected, rel=1e-3)


def shuffled_mosaic(image, side):
    """Tiles cut anywhere out of an image (1, 3, H, W), laid side by side in any order."""
    generator = torch.Generator().manual_seed(0)
    mosaic = torch.empty_like(image)
    height, width = image.shape[2:]
    for y in range(0, height, side):
        for x in range(0, width, side):
            top = torch.randint(height - side + 1, (), generator=generator)
            left = torch.randint(width - side + 1, (), generator=generator)
            tile = image[:, :, top : top + side, left : left + side]
            mosaic[:, :, y : y + side, x : x + side] = tile
    return mosaic


def test_a_mosaic_of_copied_patches_fools_patch_fidelity_and_not_that_of_large_patches():
    photograph = read_frames(SAMPLES / "balloons.png", 64)
    grainy = noisy(photograph, 1, strength=0.3)  # the true arrangement, no patch of it a copy
    mosaic = shuffled_mosaic(photograph, side=16)
    small = [metrics.patch_distances(x, photograph)["patch_fidelity"] for x in (mosaic, grainy)]
    large = [metrics.large_patch_fidelity(x, photograph) for x in (mosaic, grainy)]
    assert small[0] < small[1] / 1.5
    assert large[0] > 2 * large[1]


@pytest.mark.parametrize("size", [(20, 27), (96, 130), (120, 480)])
def test_large_patches_of_any_image_are_compared_and_a_copy_is_perfect(size):
    image = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0)) * 2 - 1
    assert metrics.large_patch_fidelity(image, image) < 1e-6
    assert metrics.large_patch_fidelity(image[:1], -image[:1]) > 1e-3


def test_copy_distance_recognizes_mirrored_and_shifted_copies_of_any_frame(scene):
    clip = torch.cat([noisy(scene, 1), scene])
    copies = torch.cat([scene, scene.flip(3), scene.roll((6, -12), dims=(2, 3))])
    assert metrics.copy_distance(copies, clip) == pytest.approx(0, abs=1e-4)
    assert metrics.copy_distance(-scene, scene) > 20


def test_copy_distance_agrees_with_numpy(scene):
    images, frame = noisy(scene)[:, :, :20, :40], scene[:, :, :20, :40]
    small, large = range(-4, 5), range(-8, 9, 2)  # a fifth of 20 and 40, in steps of 1 and 2
    target = frame[0].numpy() * 127.5
    shifted = [
        np.roll(x, (dy, dx), (1, 2))
        for x in (target, target[:, :, ::-1])
        for dy in small
        for dx in large
    ]
    expected = np.mean(
        [min(np.sqrt(((x * 127.5 - s) ** 2).mean()) for s in shifted) for x in images.numpy()]
    )
    assert metrics.copy_distance(images, frame) == pytest.approx(expected, rel=1e-4)


def test_frames_of_another_size_are_resized_as_pillow_does(scene):
    pixels = ((scene[0].permute(1, 2, 0).numpy() + 1) * 127.5).round().astype(np.uint8)
    small = np.asarray(Image.fromarray(pixels).resize((26, 22), Image.BILINEAR)).transpose(2, 0, 1)[
        None
    ]
    assert metrics.copy_distance(torch.from_numpy(small / 127.5 - 1), scene) < 1
