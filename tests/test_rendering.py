"""Rendering: images drawn with the patches of the frames."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from siv_lite import SivLiteError, provenance, render
from siv_lite.metrics import sliced_wasserstein
from siv_lite.rendering import analogy, harmonize, inpaint, retarget, sampler, tile
from siv_lite.rendering.denoiser import (
    denoise_exact,
    denoise_near,
    height_prior,
    search_everywhere,
    search_near_matches,
)
from siv_lite.rendering.patches import PatchGrid, PatchTable, as_volumes

PATCH = (1, 5, 5)


@pytest.fixture
def photograph(scene):
    """An image (1, 3, 96, 128) with structure on all scales, fine ones too."""
    large = F.interpolate(scene, (96, 128), mode="bilinear")
    grain = torch.randn(large.shape, generator=torch.Generator().manual_seed(2))
    return (large + 0.2 * grain).clamp(-1, 1)


@pytest.fixture
def table(scene):
    return PatchTable(as_volumes(scene[:, :, :20, :24]), PATCH)


def random_queries(table, count=30, a=0.6, s=0.4):
    """Noisy patches of the table, and the numbers of the clean ones."""
    generator = torch.Generator().manual_seed(3)
    numbers = torch.randint(len(table), (count,), generator=generator)
    clean = table.look_up(numbers)
    noise = torch.randn(clean.shape, generator=generator)
    return a * clean + s * noise, numbers


# Patches


@pytest.mark.parametrize(
    ("size", "patch", "stride", "wrap"),
    [
        ((1, 20, 31), (1, 9, 9), (1, 3, 3), False),
        ((1, 9, 40), (1, 9, 9), (1, 4, 4), False),
        ((1, 20, 31), (1, 9, 9), (1, 4, 4), True),
        ((7, 16, 18), (3, 5, 5), (2, 3, 3), False),
    ],
)
def test_patches_put_back_where_they_were_give_the_volume(size, patch, stride, wrap):
    volumes = torch.rand(2, 3, *size)
    grid = PatchGrid(size, patch, stride, wrap)
    patches = grid.extract(volumes)
    assert patches.shape == (2 * math.prod(grid.shape), 3 * math.prod(patch))
    assert torch.allclose(grid.average(patches), volumes, atol=1e-5)


def test_overlaps_are_averaged_under_a_gaussian_window():
    size, side = (1, 8, 10), 5
    grid = PatchGrid(size, (1, side, side), (1, 2, 2))
    patches = torch.rand(math.prod(grid.shape), 3 * side * side)

    offsets = np.arange(side) - 2
    window = np.exp(-0.5 * (offsets / (0.3 * 2)) ** 2)
    total = np.zeros((3, 8, 10))
    weight = np.zeros((8, 10))
    number = 0
    for top in grid.starts[1].tolist():
        for left in grid.starts[2].tolist():
            patch = patches[number].numpy().reshape(3, side, side)
            for i in range(side):
                for j in range(side):
                    w = window[i] * window[j]
                    total[:, top + i, left + j] += w * patch[:, i, j]
                    weight[top + i, left + j] += w
            number += 1
    expected = torch.tensor(total / weight, dtype=torch.float32)
    assert torch.allclose(grid.average(patches)[0, :, 0], expected, atol=1e-5)


def test_a_patch_is_looked_up_where_it_stands_whether_stored_or_cut_out(monkeypatch, table):
    number = torch.tensor(2 * table.shape[2] + 3)  # row 2, column 3
    expected = table.volume[0, :, 0, 2:7, 3:8].flatten()
    assert torch.equal(table.look_up(number[None])[0], expected)
    monkeypatch.setattr("siv_lite.rendering.patches.MAX_TABLE_BYTES", 0)
    assert not table.is_stored
    assert torch.equal(table.look_up(number[None])[0], expected)
    assert [int(p) for p in table.positions(number)] == [0, 2, 3]


# The denoiser


@pytest.mark.parametrize(("a", "s"), [(0.0, 1.0), (0.3, 0.7), (0.6, 0.4), (0.95, 0.05)])
def test_exact_denoiser_equals_a_double_loop(table, a, s):
    queries, _ = random_queries(table, 12, a, s)
    means, matches = denoise_exact(queries, table, a, s)

    patches = table.patches.double().numpy()
    for query, mean, match in zip(queries.double().numpy(), means, matches, strict=True):
        logits = np.array([-((query - a * p) ** 2).sum() / (2 * s * s) for p in patches])
        weights = np.exp(logits - logits.max())
        weights /= weights.sum()
        expected = sum(w * p for w, p in zip(weights, patches, strict=True))
        assert np.allclose(mean.numpy(), expected, atol=1e-3)
        assert logits[match] >= logits.max() - 1e-2


def test_without_noise_the_denoiser_is_nearest_neighbor_and_with_noise_alone_the_mean(table):
    queries, numbers = random_queries(table, a=1.0, s=0.0)
    means, matches = denoise_exact(queries, table, 1.0, 0.01)
    assert torch.allclose(means, table.look_up(numbers), atol=1e-4)
    assert torch.equal(matches, numbers)

    means, _ = denoise_exact(torch.randn(5, queries.shape[1]), table, 0.0, 1.0)
    assert torch.allclose(means, table.patches.mean(0).expand(5, -1), atol=1e-4)


def test_fast_denoiser_finds_what_the_exact_one_finds(table):
    queries, numbers = random_queries(table, 100, a=0.9, s=0.1)
    exact, _ = denoise_exact(queries, table, 0.9, 0.1)
    candidates = search_everywhere(queries, table, 0.9, 0.1)
    near, matches = denoise_near(queries, candidates, table, 0.9, 0.1)
    assert (matches == numbers).float().mean() > 0.95
    assert (near - exact).square().mean() < 0.01 * exact.var()


def test_a_candidate_proposed_twice_counts_once(table):
    queries, _ = random_queries(table, 4, a=0.5, s=1.0)
    once = torch.tensor([[3, 50, 90]]).expand(4, -1)
    twice = torch.tensor([[3, 3, 50, 90, 90]]).expand(4, -1)
    assert torch.allclose(
        denoise_near(queries, once, table, 0.5, 1.0)[0],
        denoise_near(queries, twice, table, 0.5, 1.0)[0],
        atol=1e-5,
    )


def test_search_continues_the_matches_of_a_coarser_size(photograph):
    """Where the coarse image is the coarse photograph, the fine patch itself must be proposed."""
    small = F.interpolate(photograph, scale_factor=0.5, mode="bilinear", antialias=True)
    sizes = [(48, 64), (96, 128)]
    coarse, fine = sampler.make_levels(photograph, sizes)
    queries = coarse.grid.extract(as_volumes(small))
    _, matches = denoise_exact(queries, coarse.table, 1.0, 0.01)

    candidates = search_near_matches(matches, coarse.grid, coarse.table, fine.grid, fine.table)
    rows, columns = torch.meshgrid(*fine.grid.starts[1:], indexing="ij")
    own = fine.table.numbers(torch.zeros_like(rows), rows, columns).flatten()
    found = (candidates == own[:, None]).any(1)
    assert found.float().mean() > 0.9


def test_patches_of_the_same_height_are_likelier(table):
    grid = PatchGrid((1, 40, 48), PATCH, (1, 3, 3))
    prior = height_prior(grid, table, sigma=0.1)
    log_probability = prior.of_queries(0, math.prod(grid.shape))
    _, y, _ = table.positions(torch.arange(len(table)))
    expected = y[log_probability.argmax(1)] / y.max()
    own = grid.starts[1].repeat_interleave(grid.shape[2]) / grid.starts[1].max()
    assert (expected - own).abs().max() < 0.1


# Rendering


def blurred(photograph, size=(24, 32)):
    return F.interpolate(photograph, size, mode="bilinear", antialias=True)


def test_rendering_keeps_the_arrangement_and_is_sharp(photograph):
    small = blurred(photograph)
    rendered = render(small, photograph)
    assert rendered.shape == photograph.shape
    assert rendered.abs().max() <= 1

    again = blurred(rendered)
    correlation = torch.corrcoef(torch.stack([again.flatten(), small.flatten()]))[0, 1]
    assert correlation > 0.75
    bicubic = F.interpolate(small, photograph.shape[2:], mode="bicubic").clamp(-1, 1)
    fine = sliced_wasserstein(rendered, photograph)[0]
    assert fine < 0.3 * sliced_wasserstein(bicubic, photograph)[0]


def test_fast_and_exact_paths_have_equal_scores(photograph, monkeypatch):
    small = blurred(torch.cat([photograph.flip(3), photograph.roll(40, 3)]))
    fast = sliced_wasserstein(render(small, photograph), photograph)

    def all_patches(queries, candidates, table, a, s):
        return denoise_exact(queries, table, a, s)

    monkeypatch.setattr(sampler, "denoise_near", all_patches)
    exact = sliced_wasserstein(render(small, photograph), photograph)
    assert fast == pytest.approx(exact, abs=0.06)


def test_strength_goes_from_as_it_is_to_anew(photograph):
    small = blurred(photograph.flip(3))
    enlarged = F.interpolate(
        small, photograph.shape[2:], mode="bicubic", antialias=True, align_corners=False
    )
    assert torch.allclose(render(small, photograph, strength=0), enlarged.clamp(-1, 1), atol=1e-5)
    distances = []
    for strength in (0.2, 0.55, 1.0):
        rendered = render(small, photograph, strength=strength)
        distances.append((blurred(rendered) - small).square().mean().item())
    assert distances[0] < distances[2]
    assert distances[1] < distances[2]


def test_one_seed_is_one_image_however_many_are_rendered_together(photograph):
    small = torch.cat([blurred(photograph.roll(20 * k, 3)) for k in range(3)])
    together = render(small, photograph, seed=4)
    for index in range(3):
        alone = render(small[index : index + 1], photograph, seed=4)
        assert (alone - together[index : index + 1]).abs().mean() < 0.01
    other = render(small, photograph, seed=5)
    assert (other - together).abs().mean() > 0.01


@pytest.mark.parametrize(
    ("small", "size"),
    [((20, 31), None), ((30, 18), (96, 50)), ((16, 64), (64, 128)), ((96, 128), (96, 128))],
)
def test_any_shape_is_rendered(photograph, small, size):
    rendered = render(blurred(photograph, small), photograph, size)
    assert rendered.shape[2:] == (size or (96, 128))
    assert rendered.isfinite().all()


def test_memory_is_bounded_by_parts(photograph, monkeypatch):
    small = torch.cat([blurred(photograph.roll(20 * k, 3)) for k in range(3)])
    whole = render(small, photograph)
    monkeypatch.setattr(sampler, "MAX_VALUES", 1)
    monkeypatch.setattr("siv_lite.rendering.denoiser.MAX_LOGITS", 10_000)
    monkeypatch.setattr("siv_lite.rendering.patches.MAX_TABLE_BYTES", 0)
    assert (render(small, photograph) - whole).abs().mean() < 0.01


def test_videos_are_rendered_whole(photograph):
    clip = torch.cat([photograph.roll(2 * k, 3) for k in range(6)])
    videos = F.interpolate(clip, (24, 32), mode="bilinear", antialias=True)[None]
    rendered = render(videos, clip)
    assert rendered.shape == (1, 6, 3, 96, 128)
    # What moves evenly must not flicker: neighboring frames, aligned, differ little.
    aligned = rendered[0, 1:].roll(-2, 3)[..., 8:-8]
    own = rendered[0, :-1][..., 8:-8]
    assert (aligned - own).abs().mean() < 1.5 * (own[..., 2:] - own[..., :-2]).abs().mean()


def test_provenance_leads_to_the_pixel_that_is_shown(photograph):
    frames = torch.cat([photograph, photograph.flip(2)])
    images, sources = provenance(blurred(photograph.flip(3)), frames)
    assert sources.shape == (1, 96, 128, 3)
    frame, row, column = sources[0].unbind(2)
    assert frame.min() >= 0 and frame.max() <= 1
    assert row.min() >= 0 and row.max() < 96
    assert column.min() >= 0 and column.max() < 128
    shown = frames[frame, :, row, column].permute(2, 0, 1)
    assert (shown - images[0]).abs().mean() < 0.5 * (shown - shown.flip(1)).abs().mean()


# Uses


def test_inpainting_changes_the_hole_alone_and_takes_nothing_from_it(photograph):
    marked = photograph * 0.5
    mask = torch.zeros(1, 1, 96, 128)
    mask[:, :, 30:60, 40:70] = 1
    marked = torch.lerp(marked, torch.tensor([1.0, -1.0, 1.0]).view(1, 3, 1, 1), mask)
    filled = inpaint(marked, mask, samples=2)
    assert filled.shape == (2, 3, 96, 128)
    outside = mask.expand_as(filled) == 0
    assert torch.equal(filled[outside], marked.expand_as(filled)[outside])
    assert filled[:, :, 32:58, 42:68].abs().max() <= 0.51


def test_tile_continues_at_its_borders(photograph):
    image = tile(photograph, (64, 80))
    inside = (image[:, :, :, 1:] - image[:, :, :, :-1]).abs().mean()
    seam = (image[:, :, :, 0] - image[:, :, :, -1]).abs().mean()
    assert seam < 1.5 * inside


def test_other_uses_give_images_of_the_size_asked_for(photograph, toy_frames):
    assert retarget(photograph, (96, 160), samples=2).shape == (2, 3, 96, 160)
    assert harmonize(photograph.flip(3), photograph).shape == photograph.shape
    assert analogy(toy_frames, photograph).shape == photograph.shape


# Bad input


NAN = torch.full((1, 3, 32, 32), torch.nan)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda x: render(NAN, x), "NaN"),
        (lambda x: render(x[0], x), r"images must be a float tensor"),
        (lambda x: render(x, x * 3), "outside"),
        (lambda x: render(x[:, :, :5], x), "smaller than a patch"),
        (lambda x: render(x, x, (200, 300)), "larger than the frames"),
        (lambda x: render(x, x, (5, 50)), "size must be"),
        (lambda x: render(x, x, strength=1.5), "strength must be"),
        (lambda x: render(x, x, strength=torch.nan), "strength must be"),
        (lambda x: render(x, x, seed=-1), "seed must be"),
        (lambda x: provenance(x[None], x), "provenance is for images"),
        (lambda x: provenance(x, x, strength=0), "no pixel has a source"),
        (lambda x: inpaint(x, torch.zeros(1, 1, 5, 5)), "mask must have the size"),
        (lambda x: inpaint(x, torch.zeros(1, 1, 96, 128)), "mask must mark"),
        (lambda x: inpaint(x.repeat(2, 1, 1, 1), x[:, :1]), "one photograph"),
        (lambda x: retarget(x, (96, 128), samples=0), "samples must be"),
    ],
)
def test_bad_input_gets_one_sentence(photograph, call, sentence):
    with pytest.raises(SivLiteError, match=sentence) as caught:
        call(photograph)
    assert "\n" not in str(caught.value)


def test_a_mask_that_leaves_no_patch_is_refused(photograph):
    mask = torch.ones(1, 1, 96, 128)
    mask[:, :, :4] = 0
    with pytest.raises(SivLiteError, match="leaves no patch"):
        inpaint(photograph, mask)
