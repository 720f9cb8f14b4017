"""Run lessons once: what they showed is kept, and only a lesson whose code changed runs again."""

import hashlib
import shutil
from pathlib import Path

import nbformat
from execute import execute
from nbformat import NotebookNode

ROOT = Path(__file__).parents[1]

# These folders are copied before a notebook runs in them, so that it opens a finished training.
FINISHED_RUNS = {"00_start_here": ROOT / "data_samples" / "runs" / "balloons_siv_gan"}


def run_lesson(notebook: Path, cache: Path) -> NotebookNode:
    """Return a lesson with its outputs.

    Its text is that of today. Its outputs are those of the last time that it ran; it runs only if
    its code has changed since. What changed in the package or in the data does not count: empty the
    cache after that.

    Args:
        notebook: path of a notebook without outputs.
        cache: folder for what lessons leave, such as trainings; one folder in it for each lesson.

    Returns:
        The notebook, its code cells with outputs, and with the state of its widgets.

    Raises:
        SivLiteError: if a cell fails.
    """
    lesson = nbformat.read(notebook, as_version=4)
    folder = cache / notebook.parent.name / notebook.stem
    executed = folder / notebook.name
    stamp = folder / "code.sha256"
    checksum = _code_checksum(lesson)

    if not executed.exists() or not stamp.exists() or stamp.read_text() != checksum:
        shutil.rmtree(folder, ignore_errors=True)  # a training of other code is no start
        if notebook.stem in FINISHED_RUNS:
            shutil.copytree(FINISHED_RUNS[notebook.stem], folder)
        execute(notebook, folder)
        stamp.write_text(checksum)

    return _add_outputs(lesson, nbformat.read(executed, as_version=4))


def _code_checksum(lesson: NotebookNode) -> str:
    """The checksum of all code of a notebook."""
    sources = [cell.source for cell in lesson.cells if cell.cell_type == "code"]
    return hashlib.sha256("\0".join(sources).encode()).hexdigest()


def _add_outputs(lesson: NotebookNode, executed: NotebookNode) -> NotebookNode:
    """Put the outputs of an executed copy into the notebook that it was made of."""
    outputs = []
    for cell in executed.cells:
        is_injected = "injected-parameters" in cell.metadata.get("tags", [])
        if cell.cell_type == "code" and not is_injected:
            outputs.append(cell.outputs)

    code = [cell for cell in lesson.cells if cell.cell_type == "code"]
    for cell, shown in zip(code, outputs, strict=True):
        cell.outputs = shown
    lesson.metadata["widgets"] = executed.metadata.get("widgets", {})
    return lesson
