"""The small finished runs that are shipped, and the script that makes them.

They open, draw what the whole run drew, cannot be trained on, and stay small.
"""

import csv
import importlib
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from siv_lite import SivLiteError, open_run, read_frames, train
from siv_lite.comparison import RENDERED
from siv_lite.methods import METHODS, find_method
from siv_lite.training.verify import check_last_grid

SAMPLES = Path(__file__).parents[1] / "data_samples"
SHIPPED = sorted(path.parent for path in SAMPLES.glob("runs/*/config.json"))


@pytest.fixture(scope="module")
def ship_runs():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SAMPLES / "render"))
        return importlib.import_module("ship_runs")


@pytest.fixture(scope="module", params=["siv_gan", "singan"])
def exported(request, ship_runs, tmp_path_factory):
    """A method's name, its frames, the folder of a short run and that of its export."""
    folder = tmp_path_factory.mktemp(request.param)
    coarse = torch.rand(1, 3, 8, 12, generator=torch.Generator().manual_seed(0)) * 2 - 1
    frames = torch.nn.functional.interpolate(coarse, (32, 48))
    train(request.param, frames, folder / "whole", preset="smoke", progress=False)
    ship_runs.export(folder / "whole", folder / "small")
    return request.param, frames, folder / "whole", folder / "small"


# What is shipped


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
def test_shipped_run_opens_and_draws_pictures_like_its_sample(folder, ship_runs):
    run = open_run(folder, "cpu")
    shipped = ship_runs.SHIPPED[folder.name]
    assert run.config["method"] == shipped.method and run.config["preset"] == "lesson"
    assert run.finished != shipped.is_half_way
    assert torch.equal(run.frames, read_frames(SAMPLES / f"{shipped.sample}.png"))
    drawn = run.sample(4)
    colours = (
        drawn.mean((0, 2, 3)) - run.frames.mean((0, 2, 3))
    ).abs()  # their sizes may differ by some pixels
    assert (
        colours.max() < 0.3 and (drawn[0] - drawn[1]).abs().mean() > 0.02
    )  # untrained weights draw plain grey
    assert len(run.log()) > 100 and run.log()[-1]["iteration"] == run.iteration
    if run.finished:
        assert len(run.log()) <= 200  # thinned


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
def test_the_last_grid_of_a_shipped_run_is_drawn_again_within_two_gray_levels(folder):
    check_last_grid(open_run(folder, "cpu"))


def test_all_runs_are_shipped_that_the_script_names(ship_runs):
    assert {folder.name for folder in SHIPPED} == set(ship_runs.SHIPPED)


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
def test_calling_train_again_opens_a_shipped_run_and_changes_nothing(folder, ship_runs, tmp_path):
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    shipped = ship_runs.SHIPPED[folder.name]
    if shipped.is_half_way:
        pytest.skip("shipped to be trained on")
    frames = open_run(copy).frames
    run = train(shipped.method, frames, copy, preset="lesson", progress=False, **shipped.settings)
    assert run.finished
    for path in filter(Path.is_file, folder.rglob("*")):
        assert (copy / path.relative_to(folder)).read_bytes() == path.read_bytes()


def test_shipped_runs_are_small_and_name_no_machine():
    files = [path for folder in SHIPPED for path in folder.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 25e6
    assert not [
        path for path in files if path.stat().st_size >= 1e6 and path.suffix != ".safetensors"
    ]
    assert not [
        path for path in files if path.suffix == ".json" and re.search(r"[\\/]", path.read_text())
    ]


# The comparison that is shipped, and exporting


def test_the_comparison_has_three_seeds_of_every_method_that_trains_and_a_sheet_of_each():
    with open(SAMPLES / "comparison" / "table.csv", newline="") as file:
        cells = [(line["row"], line["seed"], line["status"]) for line in csv.DictReader(file)]
    trained = [name for name in METHODS if hasattr(find_method(name).Settings, "iterations")]
    wanted = set()
    for name in METHODS:
        for seed in range(3) if name in trained else range(1):
            wanted.add((name, str(seed), "finished"))
            wanted.add((name + RENDERED, str(seed), "finished"))
    assert set(cells) == wanted
    for name in METHODS:
        with Image.open(SAMPLES / "comparison" / f"{name}.png") as sheet:
            assert sheet.size == ((4 * 56, 4 * 40) if name == "siv_gan" else (4 * 64, 4 * 48))


def test_the_first_picture_of_the_readme_is_drawn_by_the_script(ship_runs, tmp_path):
    ship_runs.draw_sheet(tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as image:
        drawn = np.array(image.convert("RGB"))
    with Image.open(SAMPLES.parent / "docs" / "demo_grid.png") as image:
        shipped = np.array(image.convert("RGB"))
    with Image.open(SAMPLES / "balloons.png") as image:
        photograph = np.array(image.convert("RGB"))

    # Processors round differently, which can change a scene, but not the training image.
    assert drawn.shape == shipped.shape
    for sheet in (drawn, shipped):
        assert (sheet[26 : 26 + 192, 2 : 2 + 256] == photograph).all()


def test_exported_run_draws_what_the_whole_one_draws(exported):
    _, _, whole, small = exported
    difference = open_run(whole, "cpu").sample(8, seed=1) - open_run(small, "cpu").sample(8, seed=1)
    assert difference.abs().mean() * 127.5 < 2


def test_export_halves_weights_and_keeps_the_rest_exactly(exported):
    method, _, whole, small = exported
    before, after = (
        load_file(max(folder.glob("checkpoint-*.safetensors"))) for folder in (whole, small)
    )
    assert not [name for name in after if ".adam." in name]
    exact = {name for name in after if after[name].dtype != torch.float16}
    assert {"random", "iteration"} <= exact and ("z_star" in exact) == (method == "singan")
    assert all(
        torch.equal(before[name], after[name]) and before[name].dtype == after[name].dtype
        for name in exact
    )
    assert all(torch.equal(before[name].half(), after[name]) for name in after.keys() - exact)


def test_microscope_finds_the_trained_discriminator(exported):
    method, _, whole, small = exported
    if method == "siv_gan":
        before, after = (open_run(folder, "cpu").method.D.state_dict() for folder in (whole, small))
        assert all(torch.allclose(before[name], after[name], atol=1e-3) for name in before)


def test_training_on_from_an_exported_run_is_refused(exported, tmp_path):
    method, frames, _, small = exported
    copy = Path(shutil.copytree(small, tmp_path / "copy"))
    with pytest.raises(SivLiteError, match="other settings: iterations is"):
        train(method, frames, copy, preset="smoke", iterations=1000, progress=False)
    (copy / "done.json").unlink()
    with pytest.raises(SivLiteError, match="holds only what drawing needs") as error:
        train(method, frames, copy, preset="smoke", progress=False)
    assert "\n" not in str(error.value)
    assert (copy / "log.jsonl").read_bytes() == (small / "log.jsonl").read_bytes()


def test_a_training_checkpoint_without_its_optimiser_is_still_refused(exported, tmp_path):
    _, _, _, small = exported
    copy = Path(shutil.copytree(small, tmp_path / "copy"))
    description = max(copy.glob("checkpoint-*.json"))
    description.write_text(description.read_text().replace(',\n "weights_only": true', ""))
    with pytest.raises(SivLiteError, match="does not fit"):
        open_run(copy)


def test_only_finished_runs_are_exported_and_nothing_is_overwritten(exported, ship_runs, tmp_path):
    _, _, whole, small = exported
    with pytest.raises(SivLiteError, match="is there already"):
        ship_runs.export(whole, small)
    unfinished = Path(shutil.copytree(whole, tmp_path / "unfinished"))
    (unfinished / "done.json").unlink()
    with pytest.raises(SivLiteError, match="no finished run"):
        ship_runs.export(unfinished, tmp_path / "target")
    assert not (tmp_path / "target").exists()
