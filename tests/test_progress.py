"""The line that says how far a training is: whole, of the recent speed, never in the way."""

import os
import re
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest

from siv_lite import progress, train
from siv_lite.progress import PROGRESS_FILE, ProgressReport

LINE = re.compile(r"(\S+): (\d+) of (\d+) iterations(?:, (\d+\.\d) minutes left)?\n")


@pytest.fixture
def file(tmp_path, monkeypatch):
    """The file that reports are written to, in a folder of its own."""
    folder = tmp_path / "progress"
    folder.mkdir()
    monkeypatch.setenv(PROGRESS_FILE, str(folder / "line.txt"))
    return folder / "line.txt"


@pytest.fixture
def clock(monkeypatch):
    """A clock for the reports that stands still until it is set."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def run_until(report, clock, iterations, seconds_per_iteration):
    for iteration in iterations:
        clock.now += seconds_per_iteration
        report.update(iteration)


def test_nothing_is_written_without_the_variable(tmp_path, monkeypatch):
    monkeypatch.delenv(PROGRESS_FILE, raising=False)
    monkeypatch.chdir(tmp_path)
    report = ProgressReport(tmp_path / "run", 10)
    report.update(1)
    report.close()
    assert not list(tmp_path.iterdir())


def test_the_line_names_the_folder_even_if_it_is_the_working_folder(file, tmp_path, monkeypatch):
    (tmp_path / "runs" / "demo").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "runs" / "demo")
    ProgressReport(".", 4800).update(1)
    assert file.read_text() == "runs/demo: 1 of 4800 iterations\n"


def test_a_line_a_second_and_one_at_the_end(file, clock):
    report = ProgressReport("runs/demo", 100)
    seen = []
    for iteration in range(1, 101):
        run_until(report, clock, [iteration], 0.25)
        seen.append(file.read_text())
    assert len(set(seen)) == 25  # a second is four iterations
    report.close()
    assert file.read_text() == "runs/demo: 100 of 100 iterations, 0.0 minutes left\n"
    assert [path.name for path in file.parent.iterdir()] == ["line.txt"]


def test_minutes_are_those_of_this_process_and_not_of_what_it_resumed(file, clock):
    report = ProgressReport("runs/demo", 3000)
    run_until(report, clock, range(2401, 2461), 0.5)
    report.close()
    assert (
        file.read_text() == "runs/demo: 2460 of 3000 iterations, 4.5 minutes left\n"
    )  # 540 halves


def test_minutes_follow_the_last_sixty_seconds(file, clock):
    report = ProgressReport("runs/demo", 1001)
    run_until(report, clock, range(1, 401), 0.5)
    run_until(report, clock, range(401, 462), 1)  # a slower stage, for a minute
    report.close()
    assert (
        file.read_text() == "runs/demo: 461 of 1001 iterations, 9.0 minutes left\n"
    )  # 540 seconds


def test_iterations_of_minutes_have_a_speed_too(file, clock):
    report = ProgressReport("runs/demo", 10)
    run_until(report, clock, [1, 2, 3], 120)
    assert file.read_text() == "runs/demo: 3 of 10 iterations, 14.0 minutes left\n"


def test_a_reader_never_sees_half_a_line(file, monkeypatch):
    monkeypatch.setattr(progress, "REPORT_PERIOD", 0)
    report = ProgressReport("runs/demo", 3000)
    report.update(1)
    writer = threading.Thread(target=lambda: [report.update(i) for i in range(2, 3001)])
    writer.start()
    lines = [file.read_text()]
    while writer.is_alive():
        lines.append(file.read_text())
    writer.join()
    assert all(LINE.fullmatch(line) for line in lines)


def test_a_training_reports_and_ends_with_the_last_iteration(file, toy_frames, tmp_path):
    train("siv_gan", toy_frames, tmp_path / "run", preset="smoke", iterations=3, progress=False)
    label, iteration, total, minutes = LINE.fullmatch(file.read_text()).groups()
    assert label.endswith("/run") and (iteration, total, minutes) == ("3", "3", "0.0")


def test_a_process_of_its_own_inherits_the_file(file):
    script = (
        "from siv_lite.progress import ProgressReport; ProgressReport('runs/child', 5).update(2)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
    assert file.read_text() == "runs/child: 2 of 5 iterations\n"


@pytest.mark.parametrize("path", ["absent/line.txt", "."])
def test_a_file_that_cannot_be_written_stops_no_training(path, toy_frames, tmp_path, monkeypatch):
    monkeypatch.setenv(PROGRESS_FILE, os.path.join(tmp_path, path))
    run = train(
        "siv_gan", toy_frames, tmp_path / "run", preset="smoke", iterations=2, progress=False
    )
    assert run.finished
