"""A training logs how differently its grids are arranged, and says so when they collapse."""

import json

import nbformat
import pytest
import torch
from conftest import fingerprint
from execute import execute

from siv_lite import metrics, open_run, train
from siv_lite.methods.hp_vae_gan import HPVAEGAN
from siv_lite.methods.siv_gan import SIVGAN
from siv_lite.training import collapse, loop
from siv_lite.training.collapse import (
    COLLAPSE_LEVEL,
    COLUMN,
    find_collapse,
    measure_grid,
    remove_bands,
)

SMALL = {"preset": "smoke", "progress": False}


def collapsed(self, latents, **options):
    """Pale to glaring versions of one image, whatever the latents."""
    image = torch.rand(1, 3, *self.size, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return torch.linspace(0.2, 1, len(latents)).view(-1, 1, 1, 1) * image


def test_the_log_has_a_column_where_a_grid_was_saved(toy_frames, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "MAX_LOG_LINES", 7)  # every third iteration; grids are every second
    seen = []
    run = train(
        "siv_gan",
        toy_frames,
        tmp_path / "run",
        on_log=lambda iteration, values: seen.append({"iteration": iteration, **values}),
        **SMALL,
    )
    log = run.log()
    assert log == seen
    grids = [int(path.stem) for path in sorted((run.folder / "samples").glob("*.png"))]
    assert [entry["iteration"] for entry in log if COLUMN in entry] == grids
    assert {entry["iteration"] for entry in log} == {*grids, *range(3, 21, 3)}
    detail = remove_bands(run.sample(16, seed=loop.GRID_SEED))
    expected = metrics.arrangement_diversity(detail)
    assert log[-1][COLUMN] == pytest.approx(expected, abs=1e-4)


def test_a_collapsed_training_says_so_once(toy_frames, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(collapse, "MIN_ITERATIONS", 20)
    monkeypatch.setattr(SIVGAN, "generate", collapsed)
    run = train("siv_gan", toy_frames, tmp_path / "run", **SMALL)
    lines = capsys.readouterr().out.splitlines()
    found = [line for line in lines if "nearly the same arrangement" in line]
    assert len(found) == 1 and found[0].startswith("At iteration 10 ")  # the second after 20 / 3
    assert 'diversity="normalized"' in found[0] and run.log()[-1][COLUMN] < 0.01
    # It changes nothing: trained on or opened again, the run is silent and the same.
    before = fingerprint(run.folder)
    train("siv_gan", toy_frames, tmp_path / "run", **SMALL)
    assert not capsys.readouterr().out and fingerprint(run.folder) == before


COLLAPSED_TRAINING = """\
import torch
from siv_lite import train
from siv_lite.methods.siv_gan import SIVGAN
from siv_lite.training import collapse

collapse.MIN_ITERATIONS = 20
SIVGAN.generate = lambda self, latents, **options: torch.ones(len(latents), 3, *self.size)
frames = torch.rand(1, 3, 32, 48, generator=torch.Generator().manual_seed(0))
train("siv_gan", frames, out, preset="smoke")
"""


def test_a_notebook_that_is_executed_says_so_on_the_terminal(tmp_path, capsys):
    parameters = nbformat.v4.new_code_cell('out: str = ""', metadata={"tags": ["parameters"]})
    cells = [parameters, nbformat.v4.new_code_cell(COLLAPSED_TRAINING)]
    path = tmp_path / "demo.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    execute(path, tmp_path / "out")
    assert capsys.readouterr().out.count("nearly the same arrangement") == 1


@pytest.mark.parametrize("num_frames, minimum", [(2, 20), (1, 21)])
def test_a_clip_and_a_short_training_are_not_judged(
    num_frames, minimum, toy_frames, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(collapse, "MIN_ITERATIONS", minimum)
    monkeypatch.setattr(SIVGAN, "generate", collapsed)
    clip = torch.cat([toy_frames, toy_frames.flip(3)])
    run = train("siv_gan", clip[:num_frames], tmp_path / "run", **SMALL)
    assert run.log()[-1][COLUMN] < 0.01 and not capsys.readouterr().out


@pytest.mark.parametrize(
    "grids, found",  # in hundredths of the training
    [
        ({}, None),
        ({10: 0.0, 20: 0.0, 30: 0.0}, None),  # in the first third
        ({30: 0.0, 40: 0.7}, None),
        ({40: 0.7, 50: 0.7}, 50),
        ({40: 0.7, 50: 0.7, 60: 0.7, 70: 0.9, 80: 0.7, 90: 0.7}, 50),
        ({40: 0.7, 50: 0.8, 60: 0.7, 70: 0.8}, None),
        ({80: 0.9, 90: 0.7, 100: 0.7}, 100),
    ],
)
def test_collapse_is_two_low_grids_in_a_row_after_the_first_third(grids, found, tmp_path):
    config = {"format": 2, "frames": {"shape": [1, 3, 32, 48]}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    lines = []
    for part in range(5, 101, 5):
        entry = {"iteration": 10 * part, "D": 1.0}
        if part in grids:
            entry[COLUMN] = grids[part]
        lines.append(json.dumps(entry) + "\n")
    (tmp_path / "log.jsonl").write_text("".join(lines))
    assert find_collapse(tmp_path, 1000) == (found and 10 * found)


@pytest.fixture
def bands():
    """A sky over a sea, darker to the left, without anything in them: (1, 3, 48, 64)."""
    rows = torch.linspace(1, -1, 48).sign() * 0.6
    columns = torch.linspace(-0.2, 0.2, 64)
    return (rows.view(48, 1) + columns).expand(1, 3, 48, 64)


def test_new_arrangements_between_strong_bands_are_no_collapse(bands, scene):
    boats = 0.15 * scene
    moved = torch.cat([boats.roll(8 * step, 3) for step in range(8)])
    arranged = measure_grid(bands + moved)[COLUMN]
    assert metrics.arrangement_diversity(bands + moved) < 0.15  # by nature
    assert arranged > COLLAPSE_LEVEL
    # The bands change nothing: without them the arrangements are as different.
    assert arranged == pytest.approx(measure_grid(moved)[COLUMN], abs=1e-3)


def test_one_arrangement_is_a_collapse_though_contrast_and_bands_change(bands, scene):
    contrast = torch.linspace(0.1, 0.8, 8).view(8, 1, 1, 1)
    one = (0.9 - contrast) * bands + contrast * scene
    noisy = one + 0.05 * torch.randn(8, 3, 48, 64, generator=torch.Generator().manual_seed(0))
    assert metrics.arrangement_diversity(one) > 0.1  # bought with contrast, where there are bands
    assert measure_grid(one)[COLUMN] < 0.02
    assert measure_grid(noisy)[COLUMN] < COLLAPSE_LEVEL


def test_grids_of_videos_of_one_sample_or_of_nan_are_measured_sensibly(scene):
    videos = torch.stack([scene.repeat(3, 1, 1, 1), -scene.repeat(3, 1, 1, 1)])
    assert measure_grid(videos)[COLUMN] == pytest.approx(2, abs=1e-6)
    assert measure_grid(1.5 * videos)[COLUMN] > 1.5  # beyond [-1, 1]
    assert measure_grid(scene) == {}
    assert measure_grid(torch.cat([scene, scene * float("nan")])) == {}


def test_a_method_of_videos_logs_it_at_every_grid(toy_frames, tmp_path):
    clip = torch.cat([toy_frames.roll(shift, 3) for shift in range(5)])
    run = train("hp_vae_gan", clip, tmp_path / "run", iterations=2, **SMALL)
    assert isinstance(open_run(run.folder).method, HPVAEGAN)
    assert run.log()[-1][COLUMN] >= 0
