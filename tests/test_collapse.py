"""A training logs how differently its grids are arranged, and says so when they collapse."""

import json

import pytest
import torch
from conftest import fingerprint

from siv_lite import metrics, open_run, train
from siv_lite.methods.hp_vae_gan import HPVAEGAN
from siv_lite.methods.siv_gan import SIVGAN
from siv_lite.training import collapse, loop
from siv_lite.training.collapse import COLUMN, find_collapse, measure_grid

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
    expected = metrics.arrangement_diversity(run.sample(16, seed=loop.GRID_SEED))
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
        ({30: 0.0, 40: 0.1}, None),
        ({40: 0.1, 50: 0.1}, 50),
        ({40: 0.1, 50: 0.1, 60: 0.1, 70: 0.5, 80: 0.1, 90: 0.1}, 50),
        ({40: 0.1, 50: 0.2, 60: 0.1, 70: 0.2}, None),
        ({80: 0.5, 90: 0.1, 100: 0.1}, 100),
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
