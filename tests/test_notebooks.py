"""The notebooks: pairs agree, they run with tiny parameters, and running them again is a check."""

import ast
import csv
import json
import re
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import jupytext
import nbformat
import pytest
import time_lessons
from execute import execute, list_parameters
from PIL import Image

from siv_lite import SivLiteError, open_run, train
from siv_lite.training import check_run, measure_run

FOLDER = Path(__file__).parent.parent / "notebooks"
NAMES = sorted(
    path.relative_to(FOLDER).with_suffix("").as_posix()
    for path in FOLDER.rglob("[01][0-9]_*.ipynb")
)
NAMES += sorted(path.stem for path in FOLDER.glob("[a-z]*.ipynb"))
COURSE = sorted(path.stem for path in FOLDER.glob("[01][0-9]_*.ipynb"))[1:]  # without 00_start_here


def nbval(notebook: Path) -> subprocess.CompletedProcess:
    options = [
        "--nbval",
        "--nbval-current-env",
        "--nbval-cell-timeout=300",
        "-p",
        "no:cacheprovider",
        "-q",
    ]
    command = [sys.executable, "-m", "pytest", *options, notebook.name]
    return subprocess.run(command, cwd=notebook.parent, capture_output=True, text=True)


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """train.ipynb, executed with `smoke` on a picture that has vanished since."""
    folder = tmp_path_factory.mktemp("trained")
    source = shutil.copy(FOLDER.parent / "data_samples" / "beach.png", folder / "picture.png")
    executed = execute(
        FOLDER / "train.ipynb", folder / "run", {"preset": "smoke", "source": str(source)}
    )
    source.unlink()
    return executed


@pytest.fixture
def copied(trained, tmp_path) -> Path:
    """A copy of the run's folder, to damage."""
    return shutil.copytree(trained.parent, tmp_path / "run")


def printed_text(notebook: Path) -> str:
    """All that the cells of an executed notebook have printed."""
    cells = nbformat.read(notebook, as_version=4).cells
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return "".join(output.text for output in outputs if output.output_type == "stream")


def count_statements(source: str) -> int:
    """Statements and no lines: blank lines, comments and wrapped calls cost nothing."""
    return sum(isinstance(node, ast.stmt) for node in ast.walk(ast.parse(source)))


# The files


@pytest.mark.parametrize("name", NAMES)
def test_text_and_notebook_are_the_same(name):
    text, notebook = (
        jupytext.read(FOLDER / f"{name}.py"),
        nbformat.read(FOLDER / f"{name}.ipynb", as_version=4),
    )
    cells = [
        [(cell.cell_type, cell.source, cell.metadata.get("tags", [])) for cell in x.cells]
        for x in (text, notebook)
    ]
    assert cells[0] == cells[1]
    nbformat.validate(notebook)


@pytest.mark.parametrize("name", NAMES)
def test_notebook_is_stored_without_outputs_and_with_short_cells(name):
    code = [
        cell
        for cell in nbformat.read(FOLDER / f"{name}.ipynb", as_version=4).cells
        if cell.cell_type == "code"
    ]
    assert not [cell.source for cell in code if cell.outputs or cell.execution_count]
    assert max(count_statements(cell.source) for cell in code) <= 24


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_is_typed_and_described(name):
    known = list_parameters(FOLDER / f"{name}.ipynb")
    assert known.keys() >= {"out"}
    assert not {name for name, p in known.items() if not p.help or not p.fits(p.default)}


@pytest.mark.parametrize("name", COURSE)
def test_a_lesson_is_prose_with_short_cells_between(name):
    cells = jupytext.read(FOLDER / f"{name}.py").cells
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    prose = [cell.source for cell in cells if cell.cell_type == "markdown"]
    statements = [count_statements(source) for source in code]
    assert statistics.median(statements) <= 8
    assert sum(map(time_lessons.count_words, prose)) >= 5 * sum(statements)


def test_headers_say_the_measured_times():
    times = json.loads(time_lessons.TIMES.read_text(encoding="utf-8"))
    assert sorted(times) == COURSE
    for name, seconds in times.items():
        lesson = FOLDER / f"{name}.py"
        assert time_lessons.describe(seconds, lesson) in lesson.read_text(encoding="utf-8")
        assert seconds < 300  # lesson 7 trains for three minutes, live


def test_teaching_has_a_section_for_each_lesson_with_its_time():
    times = json.loads(time_lessons.TIMES.read_text(encoding="utf-8"))
    text = time_lessons.TEACHING.read_text(encoding="utf-8")
    for name, seconds in times.items():
        section = text.partition(f"/{name}.ipynb)")[2].partition("\n## ")[0]
        assert time_lessons.describe(seconds, FOLDER / f"{name}.py") in section, name
        for part in ("**Aim.**", "**Show first.**", "**Misconceptions.**", "**Exam.**"):
            assert part in section, f"{name}: {part}"


# Executed, and executed again


def test_an_executed_training_is_checked_on_a_machine_without_its_source(trained):
    assert (trained.parent / "done.json").exists()
    with Image.open(trained.parent / "scenes.png") as sheet:
        assert sheet.width > 4 * 256  # scenes at the picture's own size
    again = nbval(trained)
    assert again.returncode == 0, again.stdout
    output = trained.read_text()
    assert "metrics of 4 samples computed again: agree" in output
    assert "last grid drawn again: agrees" in output


def test_the_check_fails_with_other_settings_and_names_them(copied):
    notebook = nbformat.read(copied / "train.ipynb", as_version=4)
    (injected,) = [
        cell for cell in notebook.cells if "injected-parameters" in cell.metadata.get("tags", [])
    ]
    injected.source += "\nseed = 1"
    nbformat.write(notebook, copied / "train.ipynb")
    again = nbval(copied / "train.ipynb")
    assert again.returncode == 1
    assert "seed is 0 there, 1 here" in again.stdout


def test_start_here_runs_and_passes_its_check(tmp_path):
    executed = execute(FOLDER / "00_start_here.ipynb", tmp_path, {"preset": "smoke"})
    for name in ("grid.png", "scenes.png", "walk.gif"):
        assert (tmp_path / name).exists()
    with Image.open(tmp_path / "scenes.png") as sheet:
        assert sheet.width > 4 * 256 and sheet.height > 2 * 192  # at the photograph's own size
    again = nbval(executed)
    assert again.returncode == 0, again.stdout


@pytest.mark.parametrize("name", COURSE)
def test_a_lesson_runs_and_repeats(name, tmp_path):
    lesson = FOLDER / f"{name}.ipynb"
    small = {"preset": "smoke"} if "preset" in list_parameters(lesson) else {}
    executed = execute(lesson, tmp_path, small)
    assert printed_text(executed).lower().count("not yet") == 3
    again = nbval(executed)
    assert again.returncode == 0, again.stdout


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("solutions/*.ipynb")))
def test_a_solution_runs(name, tmp_path):  # that outputs repeat is tested with the lesson's
    solution = FOLDER / "solutions" / f"{name}.ipynb"
    small = {"preset": "smoke"} if "preset" in list_parameters(solution) else {}
    printed = printed_text(execute(solution, tmp_path, small)).lower()
    # A wrong answer raises nothing: it is a sentence.
    assert re.findall(r"exercise (\d): right", printed) == ["1", "2", "3"]


def test_uses_runs_and_repeats(tmp_path):
    again = nbval(execute(FOLDER / "uses.ipynb", tmp_path, {"preset": "smoke"}))
    assert again.returncode == 0, again.stdout


def test_speed_runs_and_writes_its_numbers(tmp_path):
    parameters = {"configurations": "smoke", "methods": "siv_gan,singan"}
    execute(FOLDER / "speed.ipynb", tmp_path, parameters | {"render_sizes": "32x40,48x64"})
    rendering = json.loads((tmp_path / "rendering.json").read_text())
    assert list(rendering) == ["32x40", "48x64"]
    for row in rendering.values():
        assert all(value > 0 for value in row.values())
    rows = json.loads((tmp_path / "speed.json").read_text())
    assert list(rows) == ["smoke", "singan_smoke"]
    stages = rows["singan_smoke"].pop("stages")
    assert (
        sum(stage["flops_per_step"] for stage in stages) == rows["singan_smoke"]["flops_per_step"]
    )
    for row in rows.values():
        assert all(value > 0 for value in row.values())
        assert row.keys() >= {
            "flops_per_step",
            "operations_per_step",
            "peak_memory_bytes",
            "seconds_per_step",
        }


@pytest.mark.parametrize(
    "name, parameters, folders",
    [
        (
            "compare_methods",
            {"methods": "siv_gan,singan", "skip_frames": "9"},
            {"siv_gan", "skip 9", "rendered.png"},
        ),
        (
            "ablations",
            {"tables": "5", "iterations": 2},
            {"full", "no DR", "lambda 0.05", "lambda 0.5"},
        ),
    ],
)
def test_a_comparison_is_checked_on_a_machine_without_its_source(
    name, parameters, folders, tmp_path
):
    clip = sorted((FOLDER.parent / "data_samples" / "bus").glob("*.jpg"))[
        : 18 if name == "compare_methods" else 1
    ]
    (tmp_path / "clip").mkdir()
    for frame in clip:  # small, so that rendering is quick
        with Image.open(frame) as image:
            image.resize((100, 60)).save(tmp_path / "clip" / frame.name)
    parameters |= {
        "preset": "smoke",
        "seeds": 1,
        "image_size": 54,
        "source": str(tmp_path / "clip"),
    }
    executed = execute(FOLDER / f"{name}.ipynb", tmp_path / "out", parameters)
    shutil.rmtree(tmp_path / "clip")
    with open(tmp_path / "out" / "table.csv", newline="") as file:
        assert {line["status"] for line in csv.DictReader(file)} == {"finished"}
    assert {path.name for path in (tmp_path / "out").iterdir()} >= folders | {"samples.png"}
    assert (
        "last grid drawn again: agrees" in executed.read_text()
        and "published " in executed.read_text()
    )
    again = nbval(executed)
    assert again.returncode == 0, again.stdout


# What the check finds


def test_an_intact_run_agrees(copied):
    assert check_run(open_run(copied)) == [
        "metrics of 4 samples computed again: agree",
        "last grid drawn again: agrees",
    ]


def test_a_flipped_bit_in_the_newest_checkpoint_is_found(copied):
    path = max(copied.glob("checkpoint-*.safetensors"))
    data = bytearray(path.read_bytes())
    data[-100] ^= 1
    path.write_bytes(data)
    with (
        pytest.warns(UserWarning, match="damaged"),
        pytest.raises(
            SivLiteError,
            match="last checkpoint of .* is damaged; the newest good one is of iteration 19",
        ),
    ):
        open_run(copied)


def replace_value(path: Path, *keys: str, value: object) -> None:
    content = json.loads(path.read_text())
    inner = content
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    path.write_text(json.dumps(content))


def test_altered_metrics_are_found(copied):
    replace_value(copied / "metrics.json", "checked", "copy_distance", value=1.0)
    with pytest.raises(SivLiteError, match="copy_distance is .* but 1 in metrics.json"):
        check_run(open_run(copied))


def test_altered_settings_of_the_run_are_found(copied):
    replace_value(copied / "config.json", "settings", "diversity_scale", value=1.0)
    with pytest.raises(SivLiteError, match="diversity_scale is 1.0 there"):
        train("siv_gan", open_run(copied).frames, copied, "smoke")


@pytest.mark.parametrize(
    "damage", [lambda path: path.unlink(), lambda path: path.write_bytes(b"PNG")]
)
def test_a_missing_or_damaged_grid_is_found(copied, damage):
    damage(copied / "samples" / "00000020.png")
    with pytest.raises(SivLiteError, match="00000020.png is missing or differs"):
        check_run(open_run(copied))


def test_another_runs_grid_is_found(copied):
    shutil.copy(copied / "samples" / "00000002.png", copied / "samples" / "00000020.png")
    with pytest.raises(SivLiteError, match="00000020.png is missing or differs"):
        check_run(open_run(copied))


def test_an_unfinished_run_stores_nothing(copied):
    (copied / "done.json").unlink()
    (copied / "metrics.json").unlink()
    run = open_run(copied)
    assert measure_run(run)["copy_distance"] > 0
    assert not (copied / "metrics.json").exists()
    assert "nothing is compared" in check_run(run)[0]
