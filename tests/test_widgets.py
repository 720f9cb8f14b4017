"""The widgets without a browser: values are set, buttons clicked, what is shown is looked at."""

import io
import re
import shutil
import threading
import zipfile
from base64 import b64decode
from datetime import datetime
from pathlib import Path

import ipywidgets
import nbformat
import numpy
import pytest
import torch
from conftest import fingerprint
from execute import execute
from nbformat.v4 import new_code_cell, new_notebook
from PIL import Image
from test_notebooks import nbval

from siv_lite import SivLiteError, open_run, read_frames, train
from siv_lite.frames import image_grid, to_uint8
from siv_lite.training.loop import GRID_SEED
from siv_lite.widgets import (
    Picture,
    edit_region,
    explore,
    live,
    live_training,
    microscope,
    scene,
    trace,
    upload,
)
from siv_lite.widgets.background import Background
from siv_lite.widgets.canvas import Canvas
from siv_lite.widgets.estimate import Estimate, in_words
from siv_lite.widgets.provenance import Traced
from siv_lite.widgets.replay import Replay
from siv_lite.widgets.runs import RunList, name_photograph

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    """A folder of runs: `image` of siv_gan, `pyramid` of singan, `video` of hp_vae_gan."""
    folder = tmp_path_factory.mktemp("widgets") / "runs"
    frames = torch.rand(4, 3, 32, 40, generator=torch.Generator().manual_seed(3)) * 2 - 1
    for name, method, count in (
        ("image", "siv_gan", 1),
        ("pyramid", "singan", 1),
        ("video", "hp_vae_gan", 4),
    ):
        train(method, frames[:count], folder / name, "smoke", progress=False)
    return folder


@pytest.fixture
def copied(runs, tmp_path) -> Path:
    return shutil.copytree(runs, tmp_path / "runs")


def decode(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def set_values(panel, **values) -> None:
    for name, value in values.items():
        panel.controls[name].value = value


def canvas_of(view, index: int = 0):
    """The canvas of an explorer once its scene is rendered."""
    scene = view.scenes[index]
    scene.background.wait()
    return scene.canvas


def shown(view) -> bytes:
    return canvas_of(view).image


def pixels(data: bytes) -> numpy.ndarray:
    return numpy.asarray(decode(data))


def explore_as_drawn(folder: Path):
    """An explorer of one run that renders nothing."""
    view = explore(folder)
    set_values(view, show="as drawn")
    return view


# The explorer


@pytest.mark.parametrize("name", ["image", "pyramid", "video"])
def test_every_control_changes_the_image_and_going_back_restores_it(runs, name):
    view = explore_as_drawn(runs / name)
    set_values(view, seed=2)
    first, changes = shown(view), {"seed": 1, "walk": 0.5, "variety": 0.5}
    changes |= {} if name == "video" else {"show": "rendered"}
    changes |= {} if name == "image" else {"stage": 0, "start": 1, "height": 40, "width": 64}
    offered = {control for control in view.extra.children if control.layout.display != "none"}
    assert {view.controls[x] for x in changes} <= offered | {
        view.controls[x] for x in ("walk", "variety", "show")
    }
    for control, value in changes.items():
        old = view.controls[control].value
        set_values(view, **{control: value})
        assert shown(view) != first
        view.scenes[0].generate.cache_clear()  # it is drawn again, not remembered
        set_values(view, **{control: old})
        assert shown(view) == first
    again = explore_as_drawn(runs / name)
    set_values(again, seed=2)
    assert shown(again) == first


def test_pixels_are_shown_only_where_they_are_the_point(runs):
    view = explore(runs / "image")
    assert canvas_of(view).is_smooth
    set_values(view, show="as drawn")
    smooth = shown(view)
    assert canvas_of(view).is_smooth
    set_values(view, show="pixels")
    assert not canvas_of(view).is_smooth and shown(view) == smooth


def test_a_walk_leads_from_the_sample_of_one_seed_to_that_of_the_other(runs):
    view = explore_as_drawn(runs / "image")
    set_values(view, seed=3, second=5)
    for walk, seed in ((0, 3), (1, 5)):
        set_values(view, walk=walk)
        expected = to_uint8(view.scenes[0].run.sample(1, seed))[0].astype(int)
        assert abs(pixels(shown(view)) - expected).max() <= 1  # cos 90 degrees is 6e-17
    set_values(view, seed=5, second=3, walk=0)
    assert (pixels(shown(view)) == expected).all()


def test_eight_seeds_are_offered_and_a_click_shows_one(runs):
    view = explore_as_drawn(runs / "image")
    run = view.scenes[0].run
    for first in (0, 8):
        view.thumbnails.wait()
        assert view.seeds.texts == [f"Seed {seed}" for seed in range(first, first + 8)]
        assert len(set(view.seeds.images)) == 8
        set_values(view, walk=0.5)
        view.seeds._handle_custom_msg({"action": "choose", "index": 3}, [])
        assert view.controls["seed"].value == first + 3 and view.seeds.chosen == 3
        assert (pixels(shown(view)) == to_uint8(run.sample(1, first + 3))[0]).all()
        small = decode(view.seeds.images[3])
        assert abs(small.width / small.height - run.method.size[1] / run.method.size[0]) < 0.02
        view.buttons["More seeds"].click()
    assert view.seeds.chosen == -1  # seed 11 is not among 16 to 23


def test_a_pyramid_shows_its_stages_and_other_sizes(runs):
    view = explore_as_drawn(runs / "pyramid")
    for stage, (height, width) in enumerate(view.scenes[0].run.method.sizes):
        set_values(view, stage=stage, start=1)  # start is cut to the stage shown
        assert decode(shown(view)).size == (width, height)
        assert "role='status'></span>" in view.message.value
    set_values(view, start=1, height=48, width=33)
    assert decode(shown(view)).size == (33, 48)


def test_a_video_plays_and_is_downloaded(runs, monkeypatch):
    view = explore(runs / "video")
    scene = view.scenes[0]
    assert view.controls["show"].options == ("as drawn", "pixels")
    assert decode(shown(view)).n_frames == scene.run.method.frames_per_sample
    for button in ("Picture", "Film"):
        name, data = download(view, button, monkeypatch)
        assert name.endswith(".gif")
        assert decode(data).n_frames == scene.run.method.frames_per_sample


def test_kept_scenes_survive_another_run_and_a_click_goes_back_to_them(runs):
    view = explore(runs)
    set_values(view, run=runs / "image", seed=4, walk=0.25)
    kept = shown(view)
    view.buttons["Keep"].click()
    set_values(view, run=runs / "pyramid")
    view.buttons["Keep"].click()
    assert view.kept_strip.images == [kept, shown(view)] and kept != shown(view)
    assert "SIV-GAN, 20 iterations, seed 4" in view.kept_strip.texts[0]
    view.kept_strip._handle_custom_msg({"action": "choose", "index": 0}, [])
    assert shown(view) == kept and view.controls["run"].value == runs / "image"
    view.kept_strip._handle_custom_msg({"action": "drop", "index": 0}, [])
    assert len(view.kept_strip.images) == 1


def test_a_second_run_stands_beside_with_the_same_seed(runs):
    view = explore(runs)
    set_values(view, run=runs / "image", beside=runs / "pyramid", seed=3, show="as drawn")
    for index, name in enumerate(("image", "pyramid")):
        expected = to_uint8(open_run(runs / name).sample(1, 3))[0]
        assert (pixels(canvas_of(view, index).image) == expected).all()
    assert len(view.stage.children) == 2
    set_values(view, beside="")
    assert len(view.stage.children) == len(view.scenes) == 1


# Regions that are drawn anew


@pytest.fixture(scope="module")
def spatial(tmp_path_factory) -> Path:
    """A run of siv_gan whose latents have places."""
    folder = tmp_path_factory.mktemp("spatial") / "run"
    frames = read_frames(ROOT / "data_samples" / "balloons.png", 120)
    options = {"image_size": 48, "latent": "spatial"}
    train("siv_gan", frames, folder, "smoke", progress=False, **options)
    return folder


def click(view, *region: float) -> None:
    """What the page sends when the scene is clicked."""
    view.scenes[0].canvas._handle_custom_msg({"region": list(region)}, [])


def test_a_click_draws_a_region_anew_and_undo_takes_it_back(spatial):
    view = explore_as_drawn(spatial)
    run = view.scenes[0].run
    assert view.scenes[0].canvas.grid == list(run.method.latent_grid)
    first, region = shown(view), (0.0, 0.0, 0.5, 0.5)
    click(view, *region)
    once = shown(view)
    latents = run.resample(run.method.sample_latents(1, 0), region, 1)
    assert (pixels(once) == to_uint8(run.decode(latents))[0]).all() and once != first
    assert view.scenes[0].canvas.region == list(region)
    click(view, *region)
    assert shown(view) not in (first, once)  # each time in another way
    view.buttons["Undo"].click()
    assert shown(view) == once and view.controls["walk"].value == 1
    view.buttons["Undo"].click()
    assert shown(view) == first and view.buttons["Undo"].disabled
    assert view.controls["walk"].value == 0 and view.scenes[0].canvas.region == []


def test_the_walk_leads_from_before_to_after_and_changes_only_the_region(spatial):
    view = explore_as_drawn(spatial)
    first = shown(view)
    click(view, 0.0, 0.0, 0.5, 0.4)
    after = shown(view)
    edit = view.edit
    set_values(view, walk=0.5)
    half = view.scenes[0].find_latents(view.position())
    same = edit.before == edit.after
    assert torch.equal(half[same], edit.before[same]) and not same.all()
    assert shown(view) not in (first, after)
    set_values(view, walk=0)
    assert shown(view) == first
    # Another seed is another scene, which has no edits.
    set_values(view, seed=2)
    assert view.edit is None and view.controls["walk"].value == 0
    run = view.scenes[0].run
    assert (pixels(shown(view)) == to_uint8(run.sample(1, 2))[0]).all()


def test_without_places_in_the_latents_nothing_invites_to_a_click(runs):
    view = explore_as_drawn(runs / "pyramid")
    first = shown(view)
    assert view.scenes[0].canvas.grid == []
    assert view.buttons["Undo"].layout.display == "none"
    assert "Click on the scene" not in view.help.value
    click(view, 0.0, 0.0, 0.5, 0.5)
    assert "no latents with places" in view.message.value and shown(view) == first


# Rendering in the explorer


@pytest.fixture(scope="module")
def large(tmp_path_factory) -> Path:
    """A run on a photograph of 96 x 120 pixels, trained at 32."""
    folder = tmp_path_factory.mktemp("large") / "run"
    frames = read_frames(ROOT / "data_samples" / "balloons.png", 120)
    train("siv_gan", frames, folder, "smoke", progress=False, image_size=32)
    return folder


def test_the_rendered_image_follows_and_knows_its_sources(large):
    view = explore(large)
    run = view.scenes[0].run
    canvas = canvas_of(view)
    images, sources = run.provenance(run.sample(1, 0), seed=0)
    assert (pixels(canvas.image) == to_uint8(images)[0]).all()
    rows, columns = canvas.source_grid
    places = numpy.frombuffer(canvas.sources, numpy.float32).reshape(rows, columns, 2)
    height, width = run.frames.shape[2:]
    for row, column in ((0, 0), (7, 20), (rows - 1, columns - 1)):
        _, source_row, source_column = sources[0, 3 * row + 1, 3 * column + 1].tolist()
        expected = ((source_row + 0.5) / height, (source_column + 0.5) / width)
        assert places[row, column] == pytest.approx(expected, abs=1e-6)
    set_values(view, show="as drawn")
    assert (pixels(canvas.image) == to_uint8(run.sample(1, 0))[0]).all()
    assert not canvas.sources


class Slow:
    """Rendering that waits until it is allowed to end, and remembers what was asked of it."""

    def __init__(self, view, monkeypatch):
        self.begun, self.go_on, self.seeds = threading.Event(), threading.Event(), []
        run = view.scenes[0].run
        self.provenance = run.provenance
        monkeypatch.setattr(run, "provenance", self)

    def __call__(self, images, seed, **options):
        self.seeds.append(seed)
        self.begun.set()
        assert self.go_on.wait(60)
        return self.provenance(images, seed=seed, **options)


def test_the_newest_position_wins_and_older_ones_are_neither_begun_nor_shown(large, monkeypatch):
    view = explore(large)
    run = view.scenes[0].run
    canvas = canvas_of(view)
    sign = view.scenes[0].background.sign
    slow = Slow(view, monkeypatch)
    pictures = []
    canvas.observe(lambda change: pictures.append(decode(change.new)), "image")
    set_values(view, seed=1)
    assert slow.begun.wait(60)
    for seed in (2, 3, 4):
        set_values(view, seed=seed)
    assert "Drawing with the photograph" in sign.value
    slow.go_on.set()
    last = decode(shown(view))
    assert slow.seeds == [1, 4]
    small = run.method.size[::-1]
    assert [picture.size for picture in pictures] == [*[small] * 4, last.size]
    assert (numpy.asarray(last) == to_uint8(run.sample(1, 4, render=True))[0]).all()
    assert "Drawing" not in sign.value


def test_what_is_chosen_as_drawn_meanwhile_stays_as_drawn(large, monkeypatch):
    view = explore(large)
    shown(view)
    slow = Slow(view, monkeypatch)
    set_values(view, seed=1)
    assert slow.begun.wait(60)
    set_values(view, show="as drawn")
    slow.go_on.set()
    assert decode(shown(view)).size == view.scenes[0].run.method.size[::-1]


def download(view, button: str, monkeypatch) -> tuple[str, bytes]:
    """The name and the bytes of the file that a button hands to the browser."""
    sent = []
    canvas = view.scenes[0].canvas
    monkeypatch.setattr(canvas, "send", lambda content, buffers: sent.append((content, buffers)))
    view.buttons[button].click()
    view.downloads.wait()
    ((content, (data,)),) = sent
    return content["download"], data


def test_pictures_and_walks_are_downloaded_at_full_size(large, monkeypatch):
    monkeypatch.setattr(scene, "MAX_SHOWN_SIZE", 60)  # less than the photograph has
    monkeypatch.setattr(scene, "NUM_WALK_STEPS", 2)
    before = fingerprint(large)
    view = explore(large)
    run = view.scenes[0].run
    set_values(view, seed=3)
    assert max(decode(shown(view)).size) == 60
    for form in ("rendered", "as drawn", "pixels"):
        set_values(view, show=form)
        for button, kind in (("Picture", "png"), ("Film", "gif")):
            name, data = download(view, button, monkeypatch)
            assert name == f"{view.controls['run'].label}, seed 3.{kind}"
            if form != "pixels":
                assert decode(data).size == tuple(run.frames.shape[:1:-1])
            if kind == "gif":
                assert decode(data).n_frames == 4  # there, half way, half way back
            elif form == "rendered":
                assert (pixels(data) == to_uint8(run.sample(1, 3, render=True))[0]).all()
    assert decode(data).width >= run.frames.shape[3] / 2
    assert fingerprint(large) == before  # nothing is written


def test_a_size_that_cannot_be_rendered_gives_a_sentence_and_keeps_the_small_image(runs):
    view = explore(runs / "pyramid")
    sign = view.scenes[0].background.sign
    set_values(view, height=48, width=64)
    assert decode(shown(view)).size == (64, 48)
    assert "is larger than the frames" in sign.value
    set_values(view, height=24)
    assert "larger" not in sign.value


def test_an_unexpected_error_of_rendering_is_one_sentence_too(large, monkeypatch):
    view = explore(large)
    shown(view)

    def fail(*arguments, **options):
        raise RuntimeError("out of <b>memory</b>\nand more")

    monkeypatch.setattr(view.scenes[0].run, "provenance", fail)
    set_values(view, seed=9)
    assert decode(shown(view)).size == view.scenes[0].run.method.size[::-1]
    expected = "patches failed: RuntimeError: out of &lt;b&gt;memory&lt;/b&gt;<"
    assert expected in view.scenes[0].background.sign.value


# Where a place comes from


def test_the_tracer_frames_a_place_and_its_source(large):
    view = trace(large).view
    view.background.wait()
    images, sources = view.run.provenance(view.run.sample(1, 0), seed=0)
    assert torch.equal(view.traced.sources, sources[0])
    height, width = sources.shape[1:3]
    assert (view.controls["row"].max, view.controls["column"].max) == (height - 1, width - 1)
    for row, column in ((0, 0), (height - 1, width - 1), (10, 77)):
        set_values(view, row=row, column=column)
        _, source_row, source_column = sources[0, row, column].tolist()
        assert f"from row {source_row}, column {source_column} of" in view.place.value
    light = view.light.value
    set_values(view, seed=4)
    view.background.wait()
    assert not torch.equal(view.traced.sources, sources[0])
    assert view.light.value == light  # the same place of another sample


def test_each_cell_of_the_tracer_knows_its_place_and_its_source(large):
    view = trace(large).view
    view.background.wait()
    traced = view.traced
    rows, columns = traced.cell_grid()
    cells = traced.make_cells()
    assert len(cells) == rows * columns == view.images.value.count("<i style")
    photograph_width, sample_width, _ = traced.geometry()
    height, width = view.run.frames.shape[2:]
    for row, column in ((0, 0), (7, 20), (rows - 1, columns - 1)):
        numbers = re.findall(r"--(\w):([\d.]+)%", cells[row * columns + column])
        corners = {name: float(value) / 100 for name, value in numbers}
        y, x = (row + 0.5) / rows, (column + 0.5) / columns
        assert corners["y"] == pytest.approx(y, abs=0.001)
        left = 1 - sample_width / 100
        assert corners["x"] == pytest.approx(left + x * sample_width / 100, abs=0.001)
        sample_height_pixels, sample_width_pixels = traced.sources.shape[:2]
        place = (int(y * sample_height_pixels), int(x * sample_width_pixels))
        _, source_row, source_column = traced.sources[place].tolist()
        assert corners["v"] == pytest.approx((source_row + 0.5) / height, abs=0.001)
        u = (source_column + 0.5) / width * photograph_width / 100
        assert corners["u"] == pytest.approx(u, abs=0.001)


def test_the_tracer_shows_several_frames_as_a_grid():
    frames = torch.zeros(3, 3, 20, 30)  # two in the first row, one in the second
    sources = torch.zeros(10, 20, 3, dtype=torch.long)
    traced = Traced(frames, torch.zeros(1, 3, 10, 20), sources)
    v, u = traced.places(torch.tensor([[0, 0, 0], [1, 0, 0], [2, 10, 15]]))
    assert v.tolist() == pytest.approx([0.0125, 0.0125, 0.7625], abs=1e-4)
    assert u.tolist() == pytest.approx([1 / 120, 0.5 + 1 / 120, 31 / 120], abs=1e-4)


def test_the_tracer_refuses_videos(runs):
    chooser = trace(runs / "video")
    assert chooser.view is None and "makes videos" in chooser.message.value


# What is opened, and what is not


def test_runs_have_names_that_a_class_can_read():
    for folder, method, name in (
        ("balloons_siv_gan", "siv_gan", "Balloons"),
        ("balloons_siv_gan_half_way", "siv_gan", "Balloons, half way"),
        ("my-dog-siv_gan-lesson-64-0", "siv_gan", "My dog"),
        ("demo", "siv_gan", "Demo"),
        ("street/singan", "singan", "Street"),
    ):
        assert name_photograph(Path("runs", folder), method) == name


@pytest.mark.parametrize("make", [explore, trace])
def test_listing_again_finds_new_runs_and_keeps_the_view(copied, make):
    view = make(copied)
    names = ["Image - SIV-GAN, 20 iterations", "Pyramid - SinGAN, 9 iterations"]
    assert [label for label, _ in view.controls["run"].options][:2] == names
    set_values(view, run=copied / "pyramid")
    before = view.scenes if make is explore else view.view
    shutil.copytree(copied / "image", copied / "a" / "image")
    view.buttons["List again"].click()
    options = dict(view.controls["run"].options)
    assert {"Image - SIV-GAN, 20 iterations", "Image - SIV-GAN, 20 iterations (2)"} < set(options)
    assert view.controls["run"].value == copied / "pyramid"
    assert before is (view.scenes if make is explore else view.view)


def test_a_folder_without_runs_and_a_damaged_run_give_a_message(copied, tmp_path):
    for empty in (tmp_path / "empty", tmp_path / "nowhere"):
        view = explore(empty)
        assert not view.scenes and "There is no run in" in view.message.value
    for path in (copied / "image").glob("*.safetensors"):
        path.write_bytes(b"damaged")
    view = explore(copied)
    assert not view.scenes and "frames.safetensors is missing or damaged" in view.message.value
    set_values(view, run=copied / "pyramid")
    assert view.scenes and "damaged" not in view.message.value


def test_nothing_outside_of_the_folders_is_opened(copied):
    runs = RunList([copied / "image"])
    for outside in (copied / "pyramid", copied / "image" / ".." / "pyramid"):
        with pytest.raises(SivLiteError, match="lies outside of"):
            runs.open(outside)
    view = explore(copied / "image")
    with pytest.raises(ipywidgets.trait_types.traitlets.TraitError):
        set_values(view, run=copied / "pyramid")


@pytest.mark.parametrize("name", ["samples", "frames.safetensors", "run"])
def test_symlinks_out_of_the_folders_are_refused(copied, tmp_path, name):
    inside = tmp_path / "inside"
    run = inside / "run"
    if name == "run":
        inside.mkdir()
        run.symlink_to(copied / "image")
    else:
        shutil.copytree(copied / "image", run)
        shutil.rmtree(run / name) if name == "samples" else (run / name).unlink()
        (run / name).symlink_to(copied / "image" / name)
    with pytest.raises(SivLiteError, match="lies outside of"):
        RunList([inside]).open(run)


def test_an_unexpected_error_is_one_sentence_and_no_markup(runs, monkeypatch):
    view = explore(runs / "image")

    def fail(*arguments, **options):
        raise RuntimeError("out of <b>memory</b>\nand more")

    monkeypatch.setattr(view.scenes[0].run.method, "generate", fail)
    set_values(view, seed=9)
    assert "Drawing failed: RuntimeError: out of &lt;b&gt;memory&lt;/b&gt;<" in view.message.value


# The microscope


def test_moving_a_region_changes_places_only():
    image = torch.rand(3, 12, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    for down, right in ((0, 5), (3, 0), (2, 1), (99, -99)):
        moved = edit_region(image, (2, 6), (4, 8), down, right, 0)
        assert (moved.flatten(1).sort().values == image.flatten(1).sort().values).all()
        top, left = 2 + min(down, 6), 4 + max(right, -4)  # as far as the border
        assert (moved[:, top : top + 4, left : left + 4] == image[:, 2:6, 4:8]).all()
    apart = edit_region(image, (2, 6), (4, 8), 0, 5, 0)
    assert (apart[:, 2:6, 4:8] == image[:, 2:6, 9:13]).all()


def test_hue_turns_colors_about_gray():
    image = torch.rand(3, 12, 16, generator=torch.Generator().manual_seed(0)) - 0.5
    turned = edit_region(image, (2, 6), (4, 8), 0, 0, 120)
    assert torch.allclose(
        turned[:, 2:6, 4:8], image[[2, 0, 1], 2:6, 4:8], atol=1e-6
    )  # red to green to blue
    turned[:, 2:6, 4:8] = image[:, 2:6, 4:8]
    assert (turned == image).all()
    gray = torch.full((3, 12, 16), 0.3)
    assert torch.allclose(edit_region(gray, (0, 12), (0, 16), 0, 0, 77), gray)


def test_the_microscope_shows_what_the_discriminator_decides(runs):
    view = microscope(runs / "image").view
    method = view.run.method
    with torch.no_grad():
        expected = method.D([real[:1] for real in method.real])
    found = view.decide(method.real[0][0])
    assert found.keys() == expected.keys() == {"low_level", "content", "layout"}
    for part, maps in expected.items():
        for x, logits in zip(found[part], maps, strict=True):  # memory formats may differ
            torch.testing.assert_close(x, logits.sigmoid(), atol=1e-3, rtol=0)
    # A map for each block that has places, a number for each that has none.
    sizes = [x.numel() for maps in found.values() for x in maps]
    assert view.parts.value.count("<img") == sum(size > 1 for size in sizes) > 0
    assert all(f"<span>{x.item():.2f}</span>" in view.parts.value for x in found["content"])


def test_edits_show_and_undo_restores(runs):
    view = microscope(runs / "image").view
    before = view.picture.image, view.parts.value
    assert set(view.minds.values()) == {0} and "Drag the outlined part" in view.message.value
    for edit in ({"right": 9}, {"down": -4}, {"hue": 90}):
        set_values(view, **edit)
        assert view.picture.image != before[0] and view.parts.value != before[1]
        assert min(view.minds.values()) > 0 and "minds this edit most" in view.message.value
        view.buttons["Undo"].click()
        assert (view.picture.image, view.parts.value) == before
    set_values(view, source="sample", number=2)
    assert (numpy.asarray(decode(view.picture.image)) == to_uint8(view.run.sample(1, 2))[0]).all()


def test_what_is_dragged_in_the_picture_moves_the_sliders_and_the_part(runs, monkeypatch):
    view = microscope(runs / "image").view
    height, width = view.picture.size
    told = []
    monkeypatch.setattr(view.picture, "send", told.append)
    draws, judge = [], view.decide

    def decide(image):
        draws.append(image)
        return judge(image)

    monkeypatch.setattr(view, "decide", decide)
    # As the page does: both at once.
    view.picture.set_state({"region": [2, 4, 12, 10], "shift": [3, 5]})
    assert view.values()["rows"] == (2, 12) and view.values()["columns"] == (4, 10)
    assert (view.values()["down"], view.values()["right"]) == (3, 5)
    image = view.choose_image("training frame", 0)
    (drawn,) = draws
    assert torch.equal(drawn, edit_region(image, (2, 12), (4, 10), 3, 5, 0))
    assert told  # the page may send the next change
    # The outline follows the sliders, and stays within the picture; every move is drawn once.
    draws.clear()
    set_values(view, down=height, right=-width)
    assert len(draws) == 2
    assert view.picture.region == [2, 4, 12, 10]
    assert view.picture.shift == [height - 12, -4]


def test_the_striped_balloon_is_outlined_and_layout_minds_its_place():
    chooser = microscope(ROOT / "data_samples" / "runs")
    names = [name for name, _ in chooser.controls["run"].options]
    assert names[0].startswith("Balloons") and all("SIV-GAN" in name for name in names)
    view = chooser.view
    top, left, bottom, right = view.picture.region
    height, width = view.picture.size
    assert (top + bottom) / 2 < height / 2 and right < 0.4 * width  # left above
    # What lesson 4 finds: relative to a change of colors, layout minds a move more than content.
    set_values(view, right=width // 4)
    moved = view.minds
    set_values(view, right=0, hue=120)
    recolored = view.minds
    assert "Content minds this edit most" in view.message.value
    assert moved["layout"] / moved["content"] > recolored["layout"] / recolored["content"]


def test_a_new_scene_is_what_bars_are_measured_by(runs):
    view = microscope(runs / "image").view
    original = view.find_original("training frame", 0)
    changes = []
    for image in view.run.sample(8, 0):
        decided = view.decide(image)["layout"]
        for old, new in zip(original.decisions["layout"], decided, strict=True):
            changes.append((new - old).abs().mean())
    expected = torch.stack(changes).mean().item()
    assert original.exchanged["layout"] == pytest.approx(expected, rel=1e-4)


def test_only_runs_of_siv_gan_are_under_the_microscope(runs):
    (option,) = microscope(runs).controls["run"].options
    assert option[1] == runs / "image"
    chooser = microscope(runs / "pyramid")
    assert chooser.view is None and "There is no run of siv_gan in" in chooser.message.value


# Everything


def descendants(widget: ipywidgets.Widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from descendants(child)


def test_every_control_and_image_has_a_text(runs, tmp_path):
    shown = [
        *descendants(explore(runs)),
        *descendants(trace(runs)),
        *descendants(microscope(runs)),
        *descendants(upload(tmp_path)),
    ]
    for widget in shown:
        if isinstance(widget, Picture):
            assert widget.tooltip
        elif isinstance(widget, Canvas):
            assert widget.text
        elif isinstance(widget, ipywidgets.ValueWidget | ipywidgets.Button) and not isinstance(
            widget, ipywidgets.HTML
        ):
            assert widget.description


# Frames of another size than the samples


@pytest.fixture(scope="module")
def photograph(tmp_path_factory) -> Path:
    """A run on a frame of 16:9, of which SIV-GAN's samples have neither the size nor the shape."""
    folder = tmp_path_factory.mktemp("photograph") / "run"
    frames = torch.rand(1, 3, 72, 128, generator=torch.Generator().manual_seed(3)) * 2 - 1
    run = train("siv_gan", frames, folder, "smoke", progress=False, image_size=64)
    assert run.training_frames.shape[2:] == (40, 72)
    assert run.method.size == (40, 72)
    return folder


def test_a_photograph_is_explored(photograph, monkeypatch):
    monkeypatch.setattr(scene, "NUM_WALK_STEPS", 2)
    view = explore_as_drawn(photograph)
    assert decode(shown(view)).size == (72, 40)
    for button in ("Picture", "Film"):
        assert decode(download(view, button, monkeypatch)[1]).size == (128, 72)
    set_values(view, show="rendered")
    assert decode(shown(view)).size == (128, 72)
    assert canvas_of(view).aspect == pytest.approx(16 / 9)


def test_the_microscope_edits_a_photograph_as_the_discriminator_sees_it(photograph):
    view = microscope(photograph).view
    height, width = view.controls["rows"].max, view.controls["columns"].max
    assert (height, width) == (40, 72)
    for source in ("training frame", "sample"):
        set_values(view, source=source, rows=(20, 40), columns=(40, 72), down=0, right=0)
        before = view.picture.image
        set_values(view, down=-40, right=-72)
        assert "minds this edit most" in view.message.value
        assert view.picture.image != before
        assert decode(view.picture.image).size == (72, 40)


def test_a_photograph_is_uploaded(photograph, tmp_path, quick):
    path = tmp_path / "wide.png"
    frame = open_run(photograph).frames
    Image.fromarray(to_uint8(frame)[0]).resize((1600, 900)).save(path)
    form = upload(tmp_path / "runs")
    set_values(form, preset="smoke", image_size=64)
    choose_file(form, path)
    form.buttons["Start"].click()
    assert "Finished" in finish(form.training)
    run = form.training.run
    assert run.frames.shape == (1, 3, 576, 1024)
    assert run.training_frames.shape == (1, 3, 40, 72)
    assert all(f"-{name}'" in form.training.links.value for name in ("samples.png", "walk.gif"))


# Live training


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(live, "POLL_SECONDS", 0.1)


def finish(training: live.LiveTraining) -> str:
    training.thread.join(timeout=200)
    assert not training.thread.is_alive() and training.child.poll() is not None
    return training.message.value


def choose_file(form, path: Path) -> None:
    data = path.read_bytes()
    described = {
        "name": path.name,
        "type": "",
        "size": len(data),
        "last_modified": datetime.now(),
        "content": data,
    }
    form.controls["file"].value = (described,)


def test_an_uploaded_image_is_trained_on_as_by_train_and_can_be_taken_away(tmp_path, quick):
    form, source = upload(tmp_path / "runs"), ROOT / "data_samples" / "beach.png"
    set_values(form, preset="smoke")
    assert form.controls["image_size"].value == 48  # the preset's
    form.buttons["Start"].click()
    assert "No file is chosen yet" in form.message.value
    choose_file(form, source)
    form.buttons["Start"].click()
    assert form.buttons["Start"].disabled
    form.buttons["Start"].click()
    assert "under way" in form.message.value
    training = form.training
    assert "Finished" in finish(training) and training.bar.value == 20
    assert "under way" not in form.message.value and not form.buttons["Start"].disabled
    assert decode(training.losses.image).size
    # The photograph, of 256 x 192 pixels, and three scenes of the finished run, rendered.
    expected = training.run.sample(3, GRID_SEED, render=True)
    expected = image_grid(torch.cat([training.run.frames, expected]))
    assert (pixels(training.scenes.image) == numpy.asarray(expected)).all()
    assert "after 20 iterations" in training.caption.value
    links = re.findall(r"download='beach-siv_gan-smoke-48-0-([^']*)'", training.links.value)
    assert links == ["samples.png", "scenes.png", "walk.gif", "run.zip"]
    assert training.links.value.count("text-decoration: underline") == len(links)
    frames = read_frames(source, 1024)
    train("siv_gan", frames, tmp_path / "same", "smoke", progress=False, image_size=48)
    assert fingerprint(training.folder) == fingerprint(tmp_path / "same")
    data = training.links.value.partition("run.zip' href='data:application/octet-stream;base64,")[2]
    with zipfile.ZipFile(io.BytesIO(b64decode(data.split("'")[0]))) as archive:
        archive.extractall(tmp_path / "unpacked")
    again = open_run(tmp_path / "unpacked" / "beach-siv_gan-smoke-48-0")
    assert torch.equal(again.sample(1, 7), training.run.sample(1, 7))


def test_a_live_training_is_stopped_saved_and_goes_on(tmp_path, toy_frames, quick):
    training = live_training(
        "siv_gan", toy_frames, tmp_path / "run", "smoke", live=True, iterations=2000
    )
    stop, go_on = training.buttons["Save and stop"], training.buttons["Go on"]
    assert go_on.disabled and not stop.disabled
    # The places of both pictures are there from the beginning.
    layout = [id(child) for child in descendants(training)]
    assert decode(training.scenes.image).size == (2 * 48 + 6, 2 * 32 + 6)
    while training.thread.is_alive() and training.bar.value < 2:
        training.thread.join(timeout=0.1)
    stop.click()
    assert "Stopped: " in finish(training)
    iteration = training.run.iteration
    assert f"{iteration:,} of 2,000 iterations are saved" in training.message.value
    assert 2 <= iteration < 2000 and stop.disabled and not go_on.disabled
    assert f"after {iteration:,} iterations" in training.caption.value
    go_on.click()
    assert training.links.value == "" and go_on.disabled
    stop.click()
    finish(training)
    assert training.run.iteration >= iteration
    assert [id(child) for child in descendants(training)] == layout


def test_samples_of_another_training_are_replayed(runs):
    run = open_run(runs / "image")
    replay = Replay([run.folder], run.method.size)
    seen = replay.canvas.image
    replay.slider.value = replay.slider.max
    assert replay.canvas.image != seen and "after 20 iterations" in replay.text.value
    assert "not rendered" in replay.text.value
    # The last grid was drawn by the networks that the run has in the end.
    height, width = run.method.size
    last = pixels(replay.canvas.image)
    for index, sample in enumerate(to_uint8(run.sample(3, GRID_SEED))):
        left = index * (width + 2)
        assert (last[:, left : left + width] == sample).all()
    assert not Replay([], run.method.size).box.children
    with pytest.raises(SivLiteError, match="no grids to replay"):
        Replay([runs / "nowhere"], run.method.size)


# What is uploaded


@pytest.fixture
def form(tmp_path, monkeypatch):
    """A form that measures nothing: every training would take two minutes."""
    monkeypatch.setattr(Estimate, "measure", lambda *arguments: 120.0)
    return upload(tmp_path / "runs")


def save_clip(path: Path) -> None:
    frames = [Image.new("RGB", (48, 36), (20 * number, 0, 90)) for number in range(9)]
    frames[0].save(path, save_all=True, append_images=frames[1:])


def test_a_chosen_file_is_shown_with_the_time_it_will_take(form):
    choose_file(form, ROOT / "data_samples" / "beach.png")
    form.background.wait()
    kept = "beach.png</b>: an image, kept at 256 x 192 pixels; SIV-GAN learns it at 56 x 40"
    assert kept in form.chosen.value
    width, height = decode(form.picture.value).size
    assert width / height == pytest.approx(256 / 192, abs=0.02)
    assert form.picture.layout.display == "" and "about 2.0 minutes" in form.time.value
    set_values(form, method="singan")
    form.background.wait()
    assert "SinGAN learns it at 64 x 48" in form.chosen.value


def test_of_a_clip_some_frames_are_shown(form, tmp_path):
    save_clip(tmp_path / "clip.gif")
    choose_file(form, tmp_path / "clip.gif")
    form.background.wait()
    assert "a clip, of which all 9 frames are used (6 of them are shown)" in form.chosen.value
    width, height = decode(form.picture.value).size
    assert width > 6 * 48 and height < 48


def test_a_photograph_of_twelve_megapixels_is_turned_upright_and_kept(form, tmp_path):
    note = Image.Exif()
    note[0x0112] = 6  # turn clockwise
    Image.new("RGB", (4000, 3000), "teal").save(tmp_path / "photo.jpg", exif=note)
    choose_file(form, tmp_path / "photo.jpg")
    form.background.wait()
    assert "an image, kept at 768 x 1,024 pixels" in form.chosen.value


@pytest.mark.parametrize(
    ("content", "answer"),
    [(b"no picture", "is not an image or video that can be read"), (b"", "is empty (0 bytes)")],
)
def test_what_is_no_image_is_answered_by_a_sentence(form, tmp_path, content, answer):
    choose_file(form, ROOT / "data_samples" / "beach.png")
    form.background.wait()
    (tmp_path / "<b>.png").write_bytes(content)
    choose_file(form, tmp_path / "<b>.png")
    form.background.wait()
    sentence = f">_b_.png {answer}"
    assert sentence in form.background.sign.value
    assert form.chosen.value == "<b>&lt;b&gt;.png</b>"
    assert form.picture.layout.display == "none" and form.time.value == ""
    form.buttons["Start"].click()
    assert sentence in form.message.value and form.training is None


def test_a_preset_that_would_take_days_says_so(form, monkeypatch):
    monkeypatch.setattr(Estimate, "measure", lambda *arguments: 1e6)
    set_values(form, preset="paper")
    assert form.controls["image_size"].value == 256
    choose_file(form, ROOT / "data_samples" / "beach.png")
    form.background.wait()
    assert "about 12 days on this" in form.time.value and "<i>lesson</i>" in form.time.value
    monkeypatch.setattr(Estimate, "measure", lambda *arguments: None)
    set_values(form, method="gpdm")
    form.background.wait()
    assert "trains nothing" in form.time.value


def test_the_time_of_a_training_is_measured(toy_frames):
    seconds = Estimate().measure("siv_gan", toy_frames, "paper", 48)
    assert seconds > 100  # of 100,000 iterations
    assert Estimate().measure("gpdm", toy_frames, "smoke", 48) is None


def test_durations_are_written_in_words():
    words = [in_words(seconds) for seconds in (0.2, 40, 150, 600, 5400, 1e5, 1e6)]
    assert words[:4] == ["a second", "40 seconds", "2.5 minutes", "10 minutes"]
    assert words[4:] == ["1.5 hours", "28 hours", "12 days"]


def test_a_training_that_fails_says_why(tmp_path, toy_frames, quick):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "samples").write_text("a file where a folder should be")
    training = live_training("siv_gan", toy_frames, tmp_path / "run", "smoke", live=True)
    assert (
        "00000002.png cannot be written" in finish(training)
        and training.buttons["Save and stop"].disabled
    )


def test_a_killed_training_says_so(tmp_path, toy_frames, quick):
    training = live_training("siv_gan", toy_frames, tmp_path / "run", "smoke", live=True)
    training.child.kill()
    assert "process ended with code -9" in finish(training)


def test_without_a_front_end_a_training_shows_figures_and_ends_with_its_cell(tmp_path):
    shutil.copy(ROOT / "data_samples" / "beach.png", tmp_path)
    sources = [
        'out: str = "run"  # folder of the run',
        "from siv_lite import read_frames\nfrom siv_lite.widgets import live_training\n"
        'training = live_training("siv_gan", read_frames("../beach.png", 48), out, "smoke")',
        "training",
        "print(training.run.finished, training.run.iteration)",
    ]
    cells = [new_code_cell(source) for source in sources]
    cells[0].metadata.tags = ["parameters"]
    nbformat.write(new_notebook(cells=cells), tmp_path / "small.ipynb")
    executed = execute(tmp_path / "small.ipynb", tmp_path / "executed")
    outputs = nbformat.read(executed, as_version=4).cells
    assert "True 20" in outputs[-1].outputs[0].text
    assert (
        sum(
            "image/png" in output.get("data", {})
            for cell in outputs
            for output in cell.get("outputs", [])
        )
        == 2
    )
    again = nbval(executed)
    assert again.returncode == 0, again.stdout


def test_the_page_opens_where_there_is_no_run(tmp_path, monkeypatch):
    monkeypatch.delenv("SIV_LITE_RUNS", raising=False)
    execute(ROOT / "notebooks" / "explore.ipynb", tmp_path)


def test_a_page_that_connects_late_gets_the_first_result(monkeypatch):
    """Voila runs the notebook before its page listens: what was sent until then is lost."""
    monkeypatch.setattr("siv_lite.widgets.background.RESEND_PAUSES", (0.05,))
    shown = ipywidgets.HTML()
    sent = []
    background = Background(shown)
    background.start("Drawing", lambda: "the picture", lambda value: setattr(shown, "value", value))
    background.wait()
    for widget in (shown, background.sign):
        monkeypatch.setattr(widget, "send_state", lambda w=widget: sent.append((w, w.value)))
    background.send_again()
    assert (shown, "the picture") in sent
    assert (background.sign, background.sign.value) in sent
    assert "Drawing" not in background.sign.value
