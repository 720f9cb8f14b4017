"""Run a notebook into a folder by papermill, with checked parameters, whole or not at all.

    python tools/execute.py notebooks/train.ipynb
    python tools/execute.py notebooks/train.ipynb runs/balloons -p preset lesson -p iterations 1e3

The first line lists the notebook's parameters. While a notebook runs, stderr shows how far it is.
"""

import argparse
import ast
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
import papermill
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpecManager
from nbformat import NotebookNode
from progress_line import ProgressLine

from siv_lite.errors import SivLiteError
from siv_lite.files import atomic_write
from siv_lite.photographs import credit, find_photograph, is_sample
from siv_lite.progress import PROGRESS_FILE


class ThisPython(AsyncKernelManager):
    """Start `python3` kernels in the Python that runs this file, not in a registered one."""

    def _kernel_spec_manager_default(self) -> KernelSpecManager:
        return KernelSpecManager(kernel_dirs=[])


class Parameter(NamedTuple):
    """A line `name: type = default  # help` of a notebook's cell tagged `parameters`."""

    types: list[str]  # of int, float, str, bool, dict, None
    default: Any
    help: str

    def fits(self, value: Any) -> bool:
        """Tell whether a value has one of the parameter's types; an int is a float, too.

        Args:
            value: of any type.

        Returns:
            Whether the notebook can be given this value.
        """
        name = "None" if value is None else type(value).__name__
        return name in self.types or (name == "int" and "float" in self.types)

    def read(self, text: str) -> Any:
        """Convert a word of the command line.

        Args:
            text: a Python literal, or any other text; 1e3 is an int where one is wanted.

        Returns:
            A value of one of the parameter's types, or the text itself if there is none.
        """
        try:
            value = ast.literal_eval(text)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            return text
        if isinstance(value, float) and value.is_integer() and "int" in self.types:
            value = int(value)
        return value if self.fits(value) else text


def list_parameters(notebook: str | Path) -> dict[str, Parameter]:
    """List a notebook's parameters.

    Args:
        notebook: path of the notebook.

    Returns:
        The parameters by name, in their order.

    Raises:
        SivLiteError: if it is no notebook with one cell of parameters, each with a type.
    """
    try:
        cells = nbformat.read(notebook, as_version=4).cells
        (source,) = [cell.source for cell in cells if "parameters" in cell.metadata.get("tags", [])]
        lines = source.splitlines()

        found = {}
        for node in ast.parse(source).body:
            types = ast.unparse(node.annotation).split(" | ")
            default = ast.literal_eval(node.value)
            help_text = lines[node.end_lineno - 1].partition("  # ")[2]
            found[node.target.id] = Parameter(types, default, help_text)
        return found
    except Exception as error:  # nbformat raises nearly anything for a damaged file
        raise SivLiteError(
            f"{notebook} is no notebook with one cell tagged `parameters`, each with a type"
        ) from error


def describe(parameters: dict[str, Parameter]) -> str:
    """Describe parameters for a reader.

    Args:
        parameters: by name, as `list_parameters` returns them.

    Returns:
        A line for each: name, types, default, help.
    """
    lines = []
    for name, parameter in parameters.items():
        types = " | ".join(parameter.types)
        lines.append(f"  {name}: {types} = {parameter.default!r}  {parameter.help}")
    return "\n".join(lines)


def execute(
    notebook: str | Path, out: str | Path, parameters: dict[str, Any] | None = None
) -> Path:
    """Run a notebook in a folder, which is its working folder and its parameter `out`.

    Until the executed copy is complete it is called `<name>.unfinished.ipynb`; it stays so where a
    cell fails. How far the notebook is, is shown on stderr.

    Args:
        notebook: path of the notebook; it is not changed.
        out: the folder, which is made where it is missing.
        parameters: values of the notebook's parameters; the others keep their defaults. A `source`
            given here is relative to the caller's folder, the notebook's own to the notebook's;
            "sample:coffee" and the like are photographs.

    Returns:
        Path of the executed copy in the folder.

    Raises:
        SivLiteError: for unknown parameters, values of a wrong type and failed cells; one that a
            cell raised keeps its sentence.
    """
    notebook = Path(notebook).absolute()
    out = Path(out).absolute()
    if out == notebook.parent:
        raise SivLiteError(f"{out} is the notebook's own folder; choose another to run it into")
    values = _complete_values(notebook, out, dict(parameters or {}))

    unfinished = out / f"{notebook.stem}.unfinished.ipynb"
    try:
        out.mkdir(parents=True, exist_ok=True)
        node = _run_papermill(notebook, unfinished, values)
    except Exception as error:  # a failed cell, a kernel that died, a full disk
        name = getattr(error, "ename", type(error).__name__)
        text = str(getattr(error, "evalue", error))
        reason = text if name == "SivLiteError" else f"{name}: {text}"
        raise SivLiteError(f"{reason} (see {unfinished})") from error
    if not _is_complete(node):
        raise SivLiteError(f"{unfinished} was not run to its end; run it again")

    # The copy names no folder of this machine.
    node.metadata.papermill.input_path = notebook.name
    node.metadata.papermill.output_path = notebook.name
    target = out / notebook.name
    with atomic_write(target) as temporary:
        nbformat.write(node, temporary)
    unfinished.unlink()
    return target


def _complete_values(notebook: Path, out: Path, values: dict[str, Any]) -> dict[str, Any]:
    """Check the given values of parameters, and add those of `source` and `out`."""
    known = list_parameters(notebook)
    for name, value in values.items():
        if name not in known or name == "out":
            raise SivLiteError(
                f"{notebook.name} has no parameter {name!r} to be set; it has\n{describe(known)}"
            )
        if not known[name].fits(value):
            wanted = " or ".join(known[name].types)
            raise SivLiteError(
                f"Parameter {name} must be {wanted} ({known[name].help}), not {value!r}"
            )

    # The path of the source is relative to `out`, so that both can be moved together.
    if is_sample(values.get("source")):
        find_photograph(values["source"])  # or a sentence before anything runs
    elif "source" in known:
        if "source" in values:
            source = Path.cwd() / values["source"]
            if not source.exists():
                raise SivLiteError(f"{source} does not exist; check the path")
        else:
            source = notebook.parent / known["source"].default
        values["source"] = Path(os.path.relpath(source, out)).as_posix()
    if "out" in known:
        values["out"] = "."
    return values


def _run_papermill(notebook: Path, unfinished: Path, values: dict[str, Any]) -> NotebookNode:
    """Execute the notebook into the file `unfinished`, in its folder, and show how far it is."""
    logging.getLogger("papermill").setLevel(logging.ERROR)  # it knows no `int | None`, and warns
    with _show_progress(notebook, values) as line:
        return papermill.execute_notebook(
            notebook,
            unfinished,
            values,
            cwd=unfinished.parent,
            language="python",
            kernel_name="python3",
            kernel_manager_class=ThisPython,
            extra_arguments=["--log-level=CRITICAL"],
            progress_bar=False,
            stdout_file=line,
            on_cell_execute=line.start_cell,
        )


@contextmanager
def _show_progress(notebook: Path, values: dict[str, Any]) -> Iterator[ProgressLine]:
    """Show a line while the notebook runs; a training in its kernel finds the file by its name."""
    cells = nbformat.read(notebook, as_version=4).cells
    num_cells = len([cell for cell in cells if cell.cell_type == "code"])
    if values:
        num_cells += 1  # papermill adds a cell that sets them

    previous = os.environ.get(PROGRESS_FILE)
    with tempfile.TemporaryDirectory(prefix="siv_lite_", ignore_cleanup_errors=True) as folder:
        progress_file = Path(folder, "progress.txt")
        os.environ[PROGRESS_FILE] = str(progress_file)  # the kernel inherits it
        try:
            with ProgressLine(progress_file, num_cells) as line:
                yield line
        finally:
            if previous is None:
                del os.environ[PROGRESS_FILE]
            else:
                os.environ[PROGRESS_FILE] = previous


def _is_complete(node: NotebookNode) -> bool:
    """Tell whether a notebook was run to its end; papermill's own record says so too early."""
    record = node.metadata.papermill
    if not record.end_time or record.exception:
        return False
    return all(cell.execution_count for cell in node.cells if cell.cell_type == "code")


def main() -> None:
    """Read the command line; without a folder, list the notebook's parameters."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebook")
    parser.add_argument(
        "out",
        nargs="?",
        help="folder for all that it writes; without it, its parameters are listed",
    )
    parser.add_argument(
        "-p",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "VALUE"),
        help="set a parameter",
    )
    given = parser.parse_args()
    try:
        known = list_parameters(given.notebook)
        if not given.out:
            print(f"Parameters of {given.notebook}:\n{describe(known)}")
            return
        values = {}
        for name, text in given.p:
            values[name] = known[name].read(text) if name in known else text
        target = execute(given.notebook, given.out, values)
        print(f"Executed: {target}")
        if photograph := credit(values.get("source", "")):
            print(f"Photograph: {photograph}")
    except SivLiteError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit("Interrupted; the same command goes on from the last checkpoint")


if __name__ == "__main__":
    main()
