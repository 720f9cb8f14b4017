"""Augmentation of images and of feature maps, against naive forms."""

import numpy as np
import pytest
import torch

from siv_lite.augment import (
    apply_transforms,
    mix_channels,
    mix_rectangle,
    recolor_rectangle,
    sample_rectangles,
    sample_transforms,
    shuffle_rectangles,
)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_probability_zero_changes_nothing():
    images = torch.rand(3, 3, 24, 32, generator=generator()) * 2 - 1
    transforms = sample_transforms(3, 24, 32, 0.0, generator())
    torch.testing.assert_close(apply_transforms(images, transforms), images, atol=1e-5, rtol=0)


def test_transforms_differ_between_samples_and_keep_to_their_ranges():
    transforms = sample_transforms(4000, 48, 64, 0.7, generator()).numpy()
    identity = np.isclose(transforms, [[1, 0, 0], [0, 1, 0]], atol=1e-6).all((1, 2))
    assert identity.mean() == pytest.approx(0.3**3, abs=0.01)
    moved = transforms[~identity]
    assert (transforms[:, 0, 0] < 0).mean() == pytest.approx(0.7, abs=0.03)  # flipped
    to_pixels = np.array([[1, 64 / 48], [48 / 64, 1]])  # undo the aspect: then rotation times scale
    linear = moved[:, :, :2] * to_pixels
    scales = np.sqrt(np.abs(np.linalg.det(linear)))
    assert 0.74 <= scales.min() < 0.76 and scales.max() <= 1.01
    angles = np.degrees(np.abs(np.arctan2(linear[:, 0, 1], linear[:, 1, 1])))
    assert 7 < angles.max() <= 8.01
    whole = np.isclose(np.abs(moved[:, 0, 0]), 1)  # neither turned nor cropped
    pixels = moved[whole, :, 2] * [32, 24]
    np.testing.assert_allclose(pixels, pixels.round(), atol=1e-3)
    assert np.abs(pixels).max(0) == pytest.approx([19, 14])  # three tenths of 64 and 48
    assert len(np.unique(moved[~whole], axis=0)) > 0.99 * (~whole).sum()


def test_a_flip_is_a_flip_at_every_scale():
    flip = torch.tensor([[[-1.0, 0, 0], [0, 1, 0]]])
    for size in ((24, 32), (12, 16)):
        images = torch.rand(1, 3, *size, generator=generator())
        torch.testing.assert_close(
            apply_transforms(images, flip), images.flip(3), atol=1e-5, rtol=0
        )


def test_what_enters_by_translation_is_the_reflection():
    images = torch.rand(1, 3, 8, 16, generator=generator())
    shift = torch.tensor([[[1.0, 0, 2 * 3 / 16], [0, 1, 0]]])  # three pixels
    expected = torch.cat([images[..., 3:], images[..., -3:].flip(3)], dim=3)
    torch.testing.assert_close(apply_transforms(images, shift), expected, atol=1e-5, rtol=0)


def test_rectangle_comes_from_the_neighbour_and_reaches_every_place():
    maps = torch.arange(3.0).view(3, 1, 1, 1).expand(3, 1, 6, 8)
    covered, draws = np.zeros((6, 8), bool), generator()
    for _ in range(1500):
        mixed = mix_rectangle(maps, 1.0, draws).numpy()[:, 0]
        pasted = mixed != maps.numpy()[:, 0]
        assert (pasted[0] == pasted[1]).all()  # one rectangle for the batch
        rows, columns = np.nonzero(pasted[0].any(1))[0], np.nonzero(pasted[0].any(0))[0]
        assert pasted[0].sum() == len(rows) * len(columns)
        assert len(rows) <= 3 and len(columns) <= 4
        assert set(np.unique(mixed[1])) <= {0, 1}  # sample 1 holds only itself and sample 0
        covered |= pasted[0]
    assert covered.all()  # the last row and column too


def test_channels_come_whole_from_the_neighbour_as_it_was_or_vanish():
    maps = 1 + torch.arange(4.0).view(4, 1, 1, 1) + 10 * torch.arange(200.0).view(1, 200, 1, 1)
    mixed = mix_channels(maps, 1.0, generator()).numpy()[:, :, 0, 0]
    own, other = maps.numpy()[:, :, 0, 0], np.roll(maps.numpy()[:, :, 0, 0], 1, axis=0)
    dropped, exchanged = mixed == 0, mixed == other
    assert (dropped | exchanged | (mixed == own)).all()
    assert (exchanged.mean(1) > 0.03).all() and (
        exchanged.mean(1) < 0.35
    ).all()  # every sample receives, the last too
    assert (dropped.mean(1) > 0.05).all() and (dropped.mean(1) < 0.36).all()


@pytest.mark.parametrize("mix", [mix_rectangle, mix_channels])
def test_mixing_happens_with_its_probability(mix):
    maps, draws = torch.randn(3, 8, 10, 10, generator=generator()), generator(1)
    assert torch.equal(mix(maps, 0.0, draws), maps)
    changed = np.mean([not torch.equal(mix(maps, 0.4, draws), maps) for _ in range(400)])
    expected = 0.4 if mix is mix_rectangle else 1 - 0.6**2  # exchange and drop are drawn apart
    assert changed == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize("height, width", [(36, 64), (64, 36), (40, 40)])
def test_rectangles_have_their_sizes_and_reach_every_place(height, width):
    masks = sample_rectangles(3000, (height, width), generator()).numpy()
    assert masks.shape == (3000, 1, height, width) and masks.dtype == bool
    row_counts = masks.any(3).sum(2)[:, 0]
    column_counts = masks.any(2).sum(2)[:, 0]
    assert (masks.sum((1, 2, 3)) == row_counts * column_counts).all()  # one rectangle each
    for counts, side in ((row_counts, height), (column_counts, width)):
        assert 0.1 * side - 1 <= counts.min() and counts.max() <= 0.4 * side + 1
        assert counts.mean() == pytest.approx(0.25 * side, rel=0.05)
    assert masks.any((0, 1, 3)).all() and masks.any((0, 1, 2)).all()  # the last row and column too


@pytest.mark.parametrize("alter", [recolor_rectangle, shuffle_rectangles])
def test_alterations_change_rectangles_and_nothing_else(alter, toy_frames):
    images = toy_frames.expand(20, -1, -1, -1)
    changed = (alter(images, generator()) != images).any(1)
    share = changed.float().mean((1, 2))
    assert 0.01 < share.mean() < 0.5 and share.max() < 0.6
    assert len({tuple(x.flatten().tolist()) for x in changed}) == 20  # another place in each sample


def test_recolored_rectangles_keep_their_shapes():
    ramp = torch.linspace(-0.5, 0.5, 40).expand(10, 3, 40, 40)
    altered = recolor_rectangle(ramp, generator(2))
    assert altered.min() >= -1 and altered.max() <= 1
    for old, new in zip(ramp, altered, strict=True):
        for channel in range(3):
            inside = old[channel] != new[channel]
            x, y = old[channel][inside].double().numpy(), new[channel][inside].double().numpy()
            keep = np.abs(y) < 1  # what was not clamped is gain * x + shift
            if keep.sum() > 40:
                gain, shift = np.polyfit(x[keep], y[keep], 1)
                assert 0.5 <= gain <= 1.5 and -0.5 <= shift <= 0.5
                np.testing.assert_allclose(gain * x[keep] + shift, y[keep], atol=1e-5)


def test_shuffled_pixels_come_from_up_to_15_percent_away():
    columns = torch.arange(100.0).expand(30, 3, 100, 100)
    moved = shuffle_rectangles(columns, generator())[:, 0] - columns[:, 0]
    inner = moved[..., 20:80]  # farther out, reflections enter
    assert inner.abs().max() <= 15.5 and inner.abs().max() > 12
    for sample in inner:
        assert len(sample.unique()) <= 4  # three rectangles, each moved as one, and what stayed
