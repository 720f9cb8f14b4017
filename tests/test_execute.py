"""The papermill wrapper: parameters are checked before, and what looks finished is."""

import io
import json
import os
import re
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import nbformat
import progress_line
import pytest
from execute import execute, list_parameters, main
from progress_line import ProgressLine

from siv_lite import SivLiteError
from siv_lite.progress import PROGRESS_FILE

PARAMETERS = """\
count: int | None = 2  # how many # of them
share: float = 0.5
name: str = "a"
settings: dict = {}
flag: bool = False
source: str = "picture.png"  # what to read
out: str = "elsewhere"
"""
WRITE = """\
import json, os, sys
values, same = [count, share, name, settings, flag], os.path.samefile(source, expected)
result = {"values": values, "source": same, "python": sys.executable}
open(os.path.join(out, "result.json"), "w").write(json.dumps(result))"""


@pytest.fixture
def make_notebook(tmp_path):
    """Write a notebook of some cells into a folder `notebooks`, with a picture beside it."""

    def make(*cells: str) -> Path:
        (tmp_path / "notebooks").mkdir(exist_ok=True)
        (tmp_path / "notebooks" / "picture.png").touch()
        first = nbformat.v4.new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]})
        notebook = nbformat.v4.new_notebook(cells=[first, *map(nbformat.v4.new_code_cell, cells)])
        nbformat.write(notebook, tmp_path / "notebooks" / "toy.ipynb")
        return tmp_path / "notebooks" / "toy.ipynb"

    return make


def test_command_line_converts_runs_in_the_folder_and_uses_this_python(
    make_notebook, tmp_path, monkeypatch, capsys
):
    notebook = make_notebook(f"expected = {str(tmp_path / 'mine.png')!r}\n{WRITE}")
    (tmp_path / "mine.png").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(
        "JUPYTER_PATH", str(tmp_path / "jupyter")
    )  # a python3 kernel that must not be taken
    kernel = tmp_path / "jupyter" / "kernels" / "python3" / "kernel.json"
    kernel.parent.mkdir(parents=True)
    kernel.write_text(
        json.dumps({"argv": ["false"], "display_name": "other", "language": "python"})
    )
    settings = {
        "count": "1e3",
        "share": "1",
        "name": "7",
        "flag": "True",
        "source": "mine.png",
        "settings": "{'a': 'b'}",
    }
    words = [word for name, text in settings.items() for word in ("-p", name, text)]
    monkeypatch.setattr(sys, "argv", ["execute", str(notebook), "out", *words])
    main()
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert result == {
        "values": [1000, 1, "7", {"a": "b"}, True],
        "source": True,
        "python": sys.executable,
    }
    executed = nbformat.read(tmp_path / "out" / "toy.ipynb", as_version=4)
    assert all(cell.execution_count for cell in executed.cells)
    assert str(tmp_path) not in json.dumps(executed.metadata)
    assert [path.name for path in (tmp_path / "out").glob("*.ipynb")] == ["toy.ipynb"]


def test_a_failing_notebook_leaves_nothing_that_looks_finished(make_notebook, tmp_path):
    notebook = make_notebook(
        "from siv_lite import SivLiteError",
        "raise SivLiteError('The picture is flat; take another')",
    )
    with pytest.raises(SivLiteError, match="^The picture is flat; take another "):
        execute(notebook, tmp_path / "out", {"count": None})
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["toy.unfinished.ipynb"]
    text = (tmp_path / "out" / "toy.unfinished.ipynb").read_text()
    assert "take another" in text  # what failed can be seen in it


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"cuont": 3}, r"no parameter 'cuont'(.|\n)*count: int \| None = 2  how many # of them\n"),
        ({"out": "x"}, "no parameter 'out'"),
        ({"count": "3"}, "count must be int or None"),
        ({"count": 2.5}, "count must be int or None"),
        ({"count": True}, "count must be int or None"),
        ({"share": None}, "share must be float"),
        ({"name": 7}, "name must be str"),
        ({"flag": 1}, "flag must be bool"),
        ({"settings": [1]}, "settings must be dict"),
        ({"source": "absent.png"}, "absent.png does not exist"),
    ],
)
def test_unknown_names_and_wrong_types_are_refused_before_anything_runs(
    make_notebook, tmp_path, parameters, message
):
    with pytest.raises(SivLiteError, match=message):
        execute(make_notebook(), tmp_path / "out", parameters)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "name, text, value",
    [
        ("count", "20", 20),
        ("count", "None", None),
        ("count", "1e3", 1000),
        ("count", "1.5", "1.5"),  # as it was given, to be refused
        ("count", "1e999", "1e999"),
        ("share", "1e-3", 0.001),
        ("flag", "False", False),
        ("name", "None", "None"),
        ("settings", "{'a': (1, 2)}", {"a": (1, 2)}),
        ("settings", "{broken", "{broken"),
    ],
)
def test_words_of_the_command_line_become_the_annotated_type(make_notebook, name, text, value):
    assert list_parameters(make_notebook())[name].read(text) == value


# How far it is

TRAIN = """\
import time
from siv_lite.progress import ProgressReport
report = ProgressReport(out, 8)
for iteration in range(1, 9):
    time.sleep(0.4)
    report.update(iteration)
report.close()
print("trained")"""


class Terminal(io.StringIO):
    """A stand-in for the terminal."""

    def isatty(self) -> bool:
        return True


def test_stderr_says_how_far_the_training_is(make_notebook, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(progress_line, "LOG_PERIOD", 0)
    monkeypatch.setenv(PROGRESS_FILE, "mine")
    execute(make_notebook(TRAIN, "time.sleep(1.2)"), tmp_path / "runs" / "demo")
    assert os.environ[PROGRESS_FILE] == "mine"
    printed = capsys.readouterr()
    assert printed.out == "trained\n"
    lines = printed.err.splitlines()
    assert all(line != following for line, following in pairwise(lines))
    assert re.search(
        r"^Cell 3 of 4 \| runs/demo: \d of 8 iterations, 0\.\d minutes left$",
        printed.err,
        re.MULTILINE,
    )
    assert lines[-1] == "Cell 4 of 4"  # the training is over


def test_a_log_gets_a_line_every_ten_seconds(make_notebook, tmp_path, capsys):
    execute(make_notebook(TRAIN), tmp_path / "out")
    assert not capsys.readouterr().err  # it was over sooner


def test_a_terminal_has_one_line_that_is_cleared_for_what_is_printed_and_at_the_end(
    tmp_path, monkeypatch
):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(progress_line, "READ_PERIOD", 0.01)
    monkeypatch.setenv("COLUMNS", "24")
    with ProgressLine(tmp_path / "line.txt", 3) as line:
        line.start_cell(None, 0)
        (tmp_path / "line.txt").write_text("runs/demo: 1 of 8 iterations\n")
        time.sleep(0.3)
        line.write("hello\nand ")
        time.sleep(0.3)
        line.write("goodbye\n")
        time.sleep(0.3)
    drawn = "Cell 1 of 3 | runs/demo"  # as wide as fits
    cleared = f"\r{' ' * 23}\r"
    assert terminal.getvalue().endswith(f"{drawn}{cleared}hello\nand goodbye\n{drawn}{cleared}")


def test_the_source_notebook_is_never_overwritten(make_notebook):
    notebook = make_notebook()
    with pytest.raises(SivLiteError, match="own folder"):
        execute(notebook, notebook.parent)


@pytest.mark.parametrize(
    "content", ["", "{}", '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}']
)
def test_what_is_no_notebook_is_refused(tmp_path, content):
    (tmp_path / "x.ipynb").write_text(content)
    with pytest.raises(SivLiteError, match="x.ipynb is no notebook"):
        list_parameters(tmp_path / "x.ipynb")


def test_command_line_says_one_sentence_and_fails(make_notebook, tmp_path):
    script = Path(__file__).parent.parent / "tools" / "execute.py"
    command = [sys.executable, script, make_notebook(), tmp_path / "out", "-p", "count", "many"]
    child = subprocess.run(command, capture_output=True, text=True)
    assert child.returncode == 1 and not child.stdout
    assert child.stderr == "Parameter count must be int or None (how many # of them), not 'many'\n"
