"""Comparisons: what all cells share, what failures and interruptions leave, the table."""

import csv
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
import torch
from conftest import fingerprint

from siv_lite import SivLiteError, comparison, open_run, render, train
from siv_lite.comparison import (
    PILOT_ITERATIONS,
    Comparison,
    compare,
    render_samples,
    time_stages,
)
from siv_lite.methods import METHODS, find_method
from siv_lite.training.checkpoint import read_config

ROWS = {
    "no DR": {"method": "siv_gan", "diversity": "none"},
    "misfit": {"method": "siv_gan", "low_level_blocks": 6},
}
UNTRAINED = [name for name in METHODS if not hasattr(find_method(name).Settings, "iterations")]


@pytest.fixture(scope="module")
def frames():
    return torch.rand(1, 3, 32, 40, generator=torch.Generator().manual_seed(3)) * 2 - 1


@pytest.fixture(scope="module")
def small(frames, tmp_path_factory):
    """Two rows, in a time that is too short for more than the one iteration each cell gets."""
    out = tmp_path_factory.mktemp("small")
    return out, compare(ROWS, frames, out, (7,), "smoke", seconds=1e-6)


@pytest.fixture
def fake(monkeypatch):
    """Cells that are not trained: what was asked of each; what is measured follows its seed."""
    asked = []

    def run_child(folder, device, task, names):
        if task == "pilot":
            return {"seconds_per_iteration": 0.5}
        config = read_config(folder)
        asked.append((folder.parent.name, config["seed"], config["settings"].get("iterations")))
        cost = {"iterations": 1, "seconds": 2.0, "parameters": 3, "peak_memory_bytes": None}
        values = {"ms_ssim": config["seed"] / 10}
        return {**cost, "table": {"values": values, "missing": {"lpips": "no weights"}}}

    monkeypatch.setattr(comparison, "run_child", run_child)
    return asked


def read_table(out):
    with open(out / "table.csv", newline="") as file:
        return list(csv.DictReader(file))


# Real cells


def test_a_cell_is_the_run_that_train_makes_from_the_same_seed(small, frames, tmp_path):
    alone = train(
        "siv_gan", frames, tmp_path / "alone", "smoke", 1, seed=7, progress=False, diversity="none"
    )
    cell = fingerprint(small[0] / "no DR" / "seed7")
    assert {name: cell[name] for name in fingerprint(alone.folder)} == fingerprint(alone.folder)


def test_the_table_holds_what_the_runs_folders_hold(small):
    good, bad = read_table(small[0])
    run = open_run(small[0] / "no DR" / "seed7")
    for name, value in json.loads((run.folder / "metrics.json").read_text())["table"][
        "values"
    ].items():
        assert float(good[name]) == value
    assert (good["row"], good["seed"], good["status"], good["iterations"]) == (
        "no DR",
        "7",
        "finished",
        "1",
    )
    assert int(good["parameters"]) == sum(
        p.numel() for net in (run.method.G, run.method.D) for p in net.parameters()
    )
    assert float(good["seconds"]) > 0 and (
        not good["peak_memory_bytes"] or int(good["peak_memory_bytes"]) > 1e7
    )
    assert bad["status"].startswith("failed: 6 low_level_blocks and 1 branch_blocks need images of")
    assert not any(value for name, value in bad.items() if name not in ("row", "seed", "status"))


def test_a_written_table_is_read_as_the_same_cells(small):
    found = comparison.read_table(small[0] / "table.csv")
    wanted = []
    for cell in small[1]:
        wanted.append({name: value for name, value in cell.items() if value is not None})
    assert found == wanted


@pytest.mark.parametrize("text", ["", "row,status\na,finished\nb,finished,3\n", "a,b\n1,2\n"])
def test_what_is_no_table_gets_a_sentence(text, tmp_path):
    (tmp_path / "table.csv").write_text(text)
    with pytest.raises(SivLiteError, match="no table of a comparison"):
        comparison.read_table(tmp_path / "table.csv")
    with pytest.raises(SivLiteError, match="no table of a comparison"):
        comparison.read_table(tmp_path / "missing.csv")


def test_an_old_comparison_gets_rendered_rows_without_training_again(small, frames, tmp_path):
    out = shutil.copytree(small[0], tmp_path / "out")
    before = fingerprint(out / "no DR" / "seed7")
    result = compare(ROWS, frames, out, (7,), "smoke", seconds=1e-6, render=True)
    assert [cell["row"] for cell in result] == ["no DR", "no DR rendered", "misfit"]
    assert result[0] == small[1][0]
    rendered = result[1]
    assert rendered["status"] == "finished" and rendered["seconds"] > 0
    assert rendered["patch_fidelity"] < result[0]["patch_fidelity"]  # drawn with true patches

    after = fingerprint(out / "no DR" / "seed7")
    assert after.pop("rendered.json") and after == before
    assert read_table(out)[1]["row"] == "no DR rendered"
    again = compare(ROWS, frames, out, (7,), "smoke", seconds=1e-6, render=True)
    assert again == result


def test_rendered_samples_are_those_that_are_measured_at_most_256_pixels_large(tmp_path):
    photograph = torch.rand(1, 3, 150, 300, generator=torch.Generator().manual_seed(3)) * 2 - 1
    run = train("patch_diffusion", photograph, tmp_path / "run", "smoke", progress=False)
    images, drawn_with = render_samples(run, 2)
    assert images.shape == (2, 3, 128, 256) and drawn_with.shape == (1, 3, 128, 256)
    expected = render(run.sample_images(16, seed=1)[:2], drawn_with, seed=1)
    assert torch.equal(images, expected)


def test_of_a_clip_single_images_are_rendered(tmp_path):
    clip = torch.rand(5, 3, 32, 40, generator=torch.Generator().manual_seed(3)) * 2 - 1
    run = train("hp_vae_gan", clip, tmp_path / "run", "smoke", 1, progress=False)
    images, drawn_with = render_samples(run, 2)
    assert images.shape == (2, 3, 32, 40) and drawn_with.shape == clip.shape


def test_finished_cells_are_opened_not_run_again(small, frames, monkeypatch):
    before = (small[0] / "table.csv").read_bytes()
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("run again"))
    rows = {"no DR": ROWS["no DR"]}
    assert compare(rows, frames, small[0], (7,), "smoke", 1e-6) == [small[1][0]]
    assert compare(rows, frames, small[0], (7,), "smoke", 1000)[0]["status"].startswith(
        "failed: "
    )  # other iterations
    compare(rows, frames, small[0], (7,), "smoke", 1e-6)
    assert before.startswith((small[0] / "table.csv").read_bytes())


@pytest.mark.parametrize("signalled", [signal.SIGINT, signal.SIGKILL])
def test_interrupted_or_killed_it_ends_its_cell_which_has_saved(signalled, frames, tmp_path):
    torch.save(frames, tmp_path / "frames.pt")
    read, write = os.pipe()
    script = f"""
import functools, subprocess, torch
from siv_lite import compare
subprocess.Popen = functools.partial(subprocess.Popen, pass_fds=[{write}])
frames = torch.load("frames.pt", weights_only=True)
compare({{"row": {{"method": "siv_gan", "iterations": 2000}}}}, frames, "out", preset="smoke")"""
    parent = subprocess.Popen(
        [sys.executable, "-c", script], cwd=tmp_path, pass_fds=[write], stderr=subprocess.DEVNULL
    )
    os.close(write)
    folder, deadline = tmp_path / "out" / "row" / "seed0", time.monotonic() + 60
    while not (
        (folder / "log.jsonl").exists() and (folder / "log.jsonl").read_text()
    ):  # every fourth iteration
        assert time.monotonic() < deadline and parent.poll() is None
        time.sleep(0.05)
    parent.send_signal(signalled)
    assert parent.wait(60) != 0
    assert (
        select.select([read], [], [], 60)[0] and os.read(read, 1) == b""
    )  # nobody holds the other end
    os.close(read)
    assert 4 <= open_run(folder).iteration < 100  # where it stood: checkpoints are due every 100


def test_seconds_of_training_add_up_over_interruptions(small, frames, tmp_path):
    folder = shutil.copytree(small[0] / "no DR" / "seed7", tmp_path / "run")
    (folder / "done.json").unlink()
    checkpoint = folder / "checkpoint-00000001.json"
    checkpoint.write_text(json.dumps(json.loads(checkpoint.read_text()) | {"seconds": 1000.0}))
    train("siv_gan", frames, folder, "smoke", 1, seed=7, progress=False, diversity="none")
    assert 1000 < json.loads((folder / "done.json").read_text())["seconds"] < 1100


def test_photographs_of_another_shape_than_the_samples_are_measured(tmp_path):
    generator = torch.Generator().manual_seed(3)
    photograph = torch.rand(1, 3, 72, 128, generator=generator) * 2 - 1
    rows = {"a": {"method": "siv_gan", "image_size": 64}}
    (cell,) = compare(rows, photograph, tmp_path, (0,), "smoke")
    assert cell["status"] == "finished"
    run = open_run(tmp_path / "a" / "seed0")
    assert run.frames.shape[2:] == (72, 128)
    assert run.training_frames.shape[2:] == run.method.size == (40, 72)


# What is asked for


def test_every_row_is_trained_from_every_seed_with_something_of_all_rows_first(
    fake, frames, tmp_path
):
    rows = {"a": {"method": "siv_gan"}, "b": {"method": "siv_gan", "iterations": 5}}
    result = compare(rows, frames, tmp_path, (3, 4), "smoke")
    assert fake == [("a", 3, 20), ("b", 3, 5), ("a", 4, 20), ("b", 4, 5)]
    assert result.values("b", "ms_ssim") == [0.3, 0.4]
    assert [(line["row"], line["seed"]) for line in read_table(tmp_path)] == [
        ("a", "3"), ("b", "3"), ("a", "4"), ("b", "4")
    ]  # fmt: skip


def test_rendering_that_fails_says_so_in_its_own_row(frames, tmp_path, monkeypatch):
    def run_child(folder, device, task, names):
        if task == "render":
            raise SivLiteError("no memory")
        cost = {"iterations": 1, "seconds": 2.0, "parameters": 3, "peak_memory_bytes": None}
        return {**cost, "table": {"values": {"ms_ssim": 0.5}, "missing": {}}}

    monkeypatch.setattr(comparison, "run_child", run_child)
    rows = {"a": {"method": "siv_gan"}}
    result = compare(rows, frames, tmp_path, (0,), "smoke", render=True)
    assert result.notes() == "a rendered, seed 0: failed: no memory"
    assert result.values("a", "ms_ssim") == [0.5]


def test_wall_clock_becomes_iterations_by_the_pilots_speed(fake, frames, tmp_path):
    compare(
        {"a": {"method": "siv_gan", "iterations": 5}}, frames, tmp_path, (0,), "smoke", seconds=60
    )
    assert fake == [("a", 0, 120)]


@pytest.mark.parametrize("method", UNTRAINED)
def test_what_trains_nothing_is_measured_once(method, fake, frames, tmp_path):
    compare({method: {"method": method}}, frames, tmp_path, (0, 1, 2), "smoke", seconds=60)
    assert fake == [(method, 0, None)]


def test_what_cannot_be_asked_for_fails_alone(fake, frames, tmp_path):
    rows = {
        "a": {"method": "gan"},
        "b": {"diversity": "none"},
        "c": {"method": "siv_gan", "widht": 8},
    }
    rows["d"] = ROWS["no DR"]
    result = compare(rows, frames, tmp_path, (0,), "smoke")
    assert [cell["status"].split(";")[0] for cell in result] == [
        "failed: Unknown method 'gan'",
        "failed: Unknown method None",
        "failed: Unknown setting 'widht' of siv_gan",
        "finished",
    ]
    assert "a, seed 0: failed: Unknown method 'gan'" in repr(
        result
    ) and "lpips: no weights" in repr(result)
    with pytest.raises(SivLiteError, match="under 32"):
        compare(rows, frames[..., :8], tmp_path)


def test_keyboard_interrupt_is_not_a_failed_cell(frames, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(comparison, "run_child", interrupted)
    with pytest.raises(KeyboardInterrupt):
        compare(ROWS, frames, tmp_path, preset="smoke")


# The table


def test_summary_shows_mean_spread_and_number_and_keeps_published_rows_apart():
    cells = [
        {"row": "a", "seed": seed, "status": "finished", "x": x, "n": 20_000}
        for seed, x in enumerate((1, 2, 6))
    ]
    cells += [{"row": "b", "seed": 0, "status": "failed: it broke"}]
    result = Comparison(cells, {"lpips": "no weights"})
    assert result.summary(
        ["x", "lpips", "n"], ["a", "b"], {"a (Table 1)": {"lpips": 0.28}}
    ).splitlines() == [
        "                       x            lpips  n",
        "a                      3 ± 2.6 (3)  -      20,000 ± 0 (3)",
        "b                      -            -      -",
        "published a (Table 1)  -            0.28   -",
    ]
    assert result.notes() == "b, seed 0: failed: it broke\nlpips: no weights"
    assert result.values("a", "lpips") == []


def test_a_pilot_times_every_stage_after_its_warm_up(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])

    class Stages(SimpleNamespace):
        iterations = 3 * PILOT_ITERATIONS
        device = torch.device("cpu")
        stage = 0
        done = 0

        def stage_at(self, iteration):
            return (iteration - 1) // PILOT_ITERATIONS

        def start_stage(self, stage):
            assert stage == self.stage + 1
            self.stage = stage

        def step(self):
            is_warmup = self.done % PILOT_ITERATIONS < PILOT_ITERATIONS // 2
            clock[0] += 5000 if is_warmup else 10.0**self.stage
            self.done += 1

    assert time_stages(Stages()) == 111
