"""Run a notebook into a folder: papermill, with its parameters checked before and a result that is whole or not there.

    python -m siv_lite.execute notebooks/train.ipynb --parameters
    python -m siv_lite.execute notebooks/train.ipynb runs/balloons -p preset lesson -p iterations 1e3
"""

import argparse
import ast
import json
import logging
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
import papermill
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpecManager

from siv_lite.errors import SivLiteError
from siv_lite.files import replacing


class Parameter(NamedTuple):
    types: tuple[str, ...]  # of int, float, str, bool, dict, None
    default: Any
    help: str


class ThisPython(AsyncKernelManager):
    """Starts `python3` kernels in the Python that runs this file, whatever kernels are registered on the machine."""

    def _kernel_spec_manager_default(self) -> KernelSpecManager:
        return KernelSpecManager(kernel_dirs=[])


def list_parameters(notebook: Path) -> dict[str, Parameter]:
    """The parameters of a notebook: the lines `name: type = default  # help` of its cell tagged `parameters`."""
    try:
        cells = nbformat.read(notebook, as_version=4).cells
        (source,) = [cell.source for cell in cells if "parameters" in cell.metadata.get("tags", [])]
    except Exception as error:  # nbformat raises nearly anything for a damaged file
        raise SivLiteError(f"{notebook} cannot be read as a notebook with one cell tagged `parameters`") from error
    lines, found = source.splitlines(), {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.AnnAssign):
            types = tuple(ast.unparse(node.annotation).split(" | "))
            comment = lines[node.end_lineno - 1].encode()[node.end_col_offset :].decode().strip(" #")
            found[node.target.id] = Parameter(types, ast.literal_eval(node.value), comment)
    return found


def describe(known: dict[str, Parameter]) -> str:
    """The parameters with types, defaults and help, a line each."""
    return "\n".join(f"  {name}: {' | '.join(p.types)} = {p.default!r}  {p.help}" for name, p in known.items())


def fits(value: Any, parameter: Parameter) -> bool:
    """Whether a value is of one of the parameter's types; a whole number is a float too."""
    name = "None" if value is None else type(value).__name__
    return name in parameter.types or (name == "int" and "float" in parameter.types)


def read_text(text: str, parameter: Parameter) -> Any:
    """A word of the command line as the parameter's type (1e3 is a whole number too), or else as it is."""
    for read in (json.loads, ast.literal_eval):
        with suppress(ValueError, TypeError, SyntaxError):
            value = read(text)
            if isinstance(value, float) and value.is_integer() and "int" in parameter.types:
                value = int(value)
            return value if fits(value, parameter) else text
    return text


def execute(notebook: str | Path, out: str | Path, parameters: dict[str, Any] | None = None) -> Path:
    """Run `notebook` with `out` as its working folder and its parameter `out`; return its executed copy there.

    A `source` given here is relative to the caller's folder, the notebook's own to the notebook's. Until it is complete
    the copy is called `<name>.unfinished.ipynb`, and stays so where a cell fails. Raises SivLiteError for unknown
    parameters, values of a wrong type and failed cells; one that a cell raised keeps its sentence.
    """
    notebook, out, values = Path(notebook).absolute(), Path(out).absolute(), dict(parameters or {})
    known = list_parameters(notebook)
    for name, value in values.items():
        if name not in known or name == "out":
            raise SivLiteError(f"{notebook.name} has no parameter {name!r} to be set; it has\n{describe(known)}")
        if not fits(value, known[name]):
            wanted = " or ".join(known[name].types)
            raise SivLiteError(f"Parameter {name} must be {wanted} ({known[name].help}), not {value!r}")
    if "source" in known:
        base = Path.cwd() if "source" in values else notebook.parent
        source = base / values.get("source", known["source"].default)
        if "source" in values and not source.exists():
            raise SivLiteError(f"{source} does not exist; check the path")
        values["source"] = Path(os.path.relpath(source, out)).as_posix()  # so that both can move together
    if "out" in known:
        values["out"] = "."
    if out == notebook.parent:
        raise SivLiteError(f"{out} is the notebook's own folder; choose another `out`")
    return run_whole(notebook, out, values)


def run_whole(notebook: Path, out: Path, values: dict[str, Any]) -> Path:
    """Execute in `out` and rename what is complete; see `execute`."""
    unfinished, target = out / f"{notebook.stem}.unfinished.ipynb", out / notebook.name
    logging.getLogger("papermill").setLevel(logging.ERROR)  # it takes `int | None` for no annotation, and warns
    try:
        out.mkdir(parents=True, exist_ok=True)
        node = papermill.execute_notebook(
            notebook, unfinished, values, kernel_name="python3", kernel_manager_class=ThisPython, cwd=out,
            progress_bar=False, stdout_file=sys.stdout,
        )  # fmt: skip
    except papermill.PapermillExecutionError as error:
        said = error.evalue if error.ename == "SivLiteError" else f"{error.ename}: {error.evalue}"
        raise SivLiteError(f"{said} (cell {error.exec_count} of {unfinished})") from error
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise SivLiteError(f"{notebook.name} was not run to its end in {out}: {reason}") from error
    record = node.metadata.papermill
    code = [cell for cell in node.cells if cell.cell_type == "code" and cell.source.strip()]
    if not record.end_time or record.exception or not all(cell.execution_count for cell in code):
        raise SivLiteError(f"{notebook.name} was not run to its end; see {unfinished}")
    record.input_path = record.output_path = notebook.name  # no folder of this machine
    with replacing(target) as temporary:
        nbformat.write(node, temporary)
    unfinished.unlink()
    return target


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m siv_lite.execute", description=__doc__.splitlines()[0])
    parser.add_argument("notebook", type=Path)
    parser.add_argument("out", nargs="?", help="folder for the executed notebook and all that it writes")
    parser.add_argument("-p", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"), help="set a parameter")
    parser.add_argument("--parameters", action="store_true", help="list the notebook's parameters")
    given = parser.parse_args(arguments)
    try:
        known = list_parameters(given.notebook)
        if given.parameters or not given.out:
            print(f"Parameters of {given.notebook.name}:\n{describe(known)}")
            return
        values = {name: read_text(text, known[name]) if name in known else text for name, text in given.p}
        print(f"Executed: {execute(given.notebook, given.out, values)}")
    except SivLiteError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
