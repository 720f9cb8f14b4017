"""The papermill wrapper: parameters are checked before, and what looks finished is."""

import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from execute import execute, list_parameters, main

from siv_lite import SivLiteError

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
    """Write a notebook of the parameters cell and other cells into a folder `notebooks`, with a picture beside it."""

    def make(*cells: str) -> Path:
        (tmp_path / "notebooks").mkdir(exist_ok=True)
        (tmp_path / "notebooks" / "picture.png").touch()
        first = nbformat.v4.new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]})
        notebook = nbformat.v4.new_notebook(cells=[first, *map(nbformat.v4.new_code_cell, cells)])
        nbformat.write(notebook, tmp_path / "notebooks" / "toy.ipynb")
        return tmp_path / "notebooks" / "toy.ipynb"

    return make


def test_command_line_converts_runs_in_the_folder_and_uses_this_python(make_notebook, tmp_path, monkeypatch, capsys):
    notebook = make_notebook(f"expected = {str(tmp_path / 'mine.png')!r}\n{WRITE}")
    (tmp_path / "mine.png").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))  # a python3 kernel that must not be taken
    kernel = tmp_path / "jupyter" / "kernels" / "python3" / "kernel.json"
    kernel.parent.mkdir(parents=True)
    kernel.write_text(json.dumps({"argv": ["false"], "display_name": "other", "language": "python"}))
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
    assert result == {"values": [1000, 1, "7", {"a": "b"}, True], "source": True, "python": sys.executable}
    executed = nbformat.read(tmp_path / "out" / "toy.ipynb", as_version=4)
    assert all(cell.execution_count for cell in executed.cells)
    assert str(tmp_path) not in json.dumps(executed.metadata)
    assert [path.name for path in (tmp_path / "out").glob("*.ipynb")] == ["toy.ipynb"]


def test_a_failing_notebook_leaves_nothing_that_looks_finished(make_notebook, tmp_path):
    notebook = make_notebook(
        "from siv_lite import SivLiteError", "raise SivLiteError('The picture is flat; take another')"
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
def test_unknown_names_and_wrong_types_are_refused_before_anything_runs(make_notebook, tmp_path, parameters, message):
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


def test_the_source_notebook_is_never_overwritten(make_notebook):
    notebook = make_notebook()
    with pytest.raises(SivLiteError, match="own folder"):
        execute(notebook, notebook.parent)


@pytest.mark.parametrize("content", ["", "{}", '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'])
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
