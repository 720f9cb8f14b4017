"""Uses of a trained pyramid: edits stay where they belong, and bad input is refused."""

import numpy as np
import pytest
import torch

from siv_lite import SivLiteError, train
from siv_lite.editing import (
    animate,
    blend,
    edit,
    harmonize,
    main_colors,
    paint_to_image,
    redraw,
    super_resolve,
)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    frames = torch.rand(1, 3, 40, 48, generator=torch.Generator().manual_seed(1)) * 2 - 1
    frames = torch.nn.functional.avg_pool2d(frames, 5, 1, 2)
    settings = {"iterations": 12, "scale_factor": 0.7, "progress": False}
    return train("singan", frames, tmp_path_factory.mktemp("editing") / "run", "smoke", **settings)


@pytest.fixture
def mask():
    mask = torch.full((1, 3, 40, 48), -1.0)  # as `read_frames` reads black
    mask[..., 16:22, 20:26] = 1
    return mask


@pytest.mark.parametrize("use", [edit, harmonize])
def test_only_what_is_near_the_mask_changes(use, run, mask):
    image = run.frames.flip(3)
    found = use(run, image, mask, start=1)
    assert found.shape == image.shape and found.abs().max() <= 1
    changed = (found - image).abs().amax((0, 1))
    assert changed[18, 22] > 1e-3
    assert changed[:6].max() < 1e-6 and changed[:, :8].max() < 1e-6 and changed[34:].max() < 1e-6


def test_the_blend_is_full_inside_the_mask_and_falls_smoothly(run, mask):
    weight = blend(run, torch.zeros(1, 3, 40, 48), mask, torch.ones(1, 3, 40, 48), reach=0.06)[0, 0]
    assert weight[16:22, 20:26].min() > 0.99
    row = weight[18].numpy()
    assert (np.diff(row[:23]) >= -1e-6).all() and (np.diff(row[23:]) <= 1e-6).all()


def test_a_higher_stage_keeps_more_of_the_image(run):
    image = run.frames.flip(2)
    stages = range(1, run.method.num_stages)
    distances = [(redraw(run, image, start) - image).abs().mean().item() for start in stages]
    assert len(distances) > 1 and distances[-1] < distances[0]
    assert redraw(run, image, 1, samples=3).shape == (3, 3, 40, 48)


def test_main_colors_of_flat_regions_are_those_colors():
    colors = torch.tensor([[-1.0, -0.5, 0.0], [0.2, 0.9, -0.7], [1.0, 1.0, 0.5]])
    image = (
        colors[torch.arange(32 * 33).remainder(5).clamp(max=2)]
        .view(1, 32, 33, 3)
        .permute(0, 3, 1, 2)
    )
    found = main_colors(image, 3)
    torch.testing.assert_close(found[found.sum(1).argsort()], colors[colors.sum(1).argsort()])


def test_quantized_paint_differs_from_paint_as_it_is(run):
    paint = torch.full_like(run.frames, 0.9)
    assert not torch.equal(paint_to_image(run, paint, 1), paint_to_image(run, paint, 1, colors=2))


def test_super_resolution_enlarges_the_training_image(run):
    large = super_resolve(run, factor=2, steps=2)
    assert large.shape == (1, 3, 80, 96)
    reduced = torch.nn.functional.avg_pool2d(large, 2)
    assert (reduced - run.frames).abs().mean() < (reduced - run.frames.flip(3)).abs().mean()


def test_animation_stands_still_where_it_should_and_moves_smoothly(run):
    still = animate(run, 4, alpha=1.0)
    torch.testing.assert_close(still, still[:1].expand(4, -1, -1, -1))
    moving = animate(run, 12, seed=3, alpha=0.0, beta=0.9)
    assert moving.shape == (12, 3, 40, 48)
    steps = (moving[1:] - moving[:-1]).abs().mean((1, 2, 3))
    far = (moving - run.sample(12, seed=5)).abs().mean()
    assert 0 < steps.max() < far


@pytest.mark.parametrize("start", [0, 9, -1, 1.5])
def test_a_start_out_of_range_is_refused(start, run):
    with pytest.raises(SivLiteError, match="start must be"):
        redraw(run, run.frames, start)


def test_images_of_another_size_are_refused(run, mask):
    with pytest.raises(
        SivLiteError, match="mask is 20 x 24 pixels, the training image of .* 40 x 48"
    ):
        edit(run, run.frames, mask[..., ::2, ::2], 1)
    with pytest.raises(SivLiteError, match="image is 40 x 96"):
        harmonize(run, run.frames.repeat(1, 1, 1, 2), mask, 1)


def test_a_run_of_another_method_is_refused(tmp_path, run, mask):
    other = train("siv_gan", run.frames, tmp_path / "run", "smoke", progress=False)
    calls = [
        lambda: edit(other, run.frames, mask, 1),
        lambda: paint_to_image(other, run.frames, 1),
        lambda: super_resolve(other),
        lambda: animate(other),
    ]
    for call in calls:
        with pytest.raises(SivLiteError, match="siv_gan|singan"):
            call()


@pytest.mark.parametrize("options", [{"factor": 1}, {"factor": 100}, {"steps": 0}])
def test_impossible_enlargements_are_refused(options, run):
    with pytest.raises(SivLiteError, match="factor|steps"):
        super_resolve(run, **options)


@pytest.mark.parametrize("options", [{"alpha": 1.5}, {"beta": -0.1}, {"n": 0}])
def test_impossible_walks_are_refused(options, run):
    with pytest.raises(SivLiteError, match="alpha|beta|n must"):
        animate(run, **options)
