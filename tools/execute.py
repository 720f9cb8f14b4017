"""Run a notebook into a folder: papermill, with its parameters checked before and a result that is whole or not there.

    python tools/execute.py notebooks/train.ipynb
    python tools/execute.py notebooks/train.ipynb runs/balloons -p preset lesson -p iterations 1e3
"""

import argparse
import ast
import logging
import os
import sys
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
import papermill
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpecManager

from siv_lite.errors import SivLiteError
from siv_lite.files import replacing


class ThisPython(AsyncKernelManager):
    """Starts `python3` kernels in the Python that runs this file, whatever kernels are registered on the machine."""

    def _kernel_spec_manager_default(self) -> KernelSpecManager:
        return KernelSpecManager(kernel_dirs=[])


class Parameter(NamedTuple):
    """A line `name: type = default  # help` of a notebook's cell tagged `parameters`."""

    types: list[str]  # of int, float, str, bool, dict, None
    default: Any
    help: str

    def fits(self, value: Any) -> bool:
        name = "None" if value is None else type(value).__name__
        return name in self.types or (name == "int" and "float" in self.types)

    def read(self, text: str) -> Any:
        """A word of the command line as a value of this type (1e3 is a whole number too), or else as it is."""
        try:
            value = ast.literal_eval(text)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            return text
        if isinstance(value, float) and value.is_integer() and "int" in self.types:
            value = int(value)
        return value if self.fits(value) else text


def list_parameters(notebook: str | Path) -> dict[str, Parameter]:
    """A notebook's parameters by name; SivLiteError if it is no notebook or has not one cell of them."""
    try:
        cells = nbformat.read(notebook, as_version=4).cells
        (source,) = [cell.source for cell in cells if "parameters" in cell.metadata.get("tags", [])]
        found, lines = {}, source.splitlines()
        for node in ast.parse(source).body:
            types, help = ast.unparse(node.annotation).split(" | "), lines[node.end_lineno - 1].partition("  # ")[2]
            found[node.target.id] = Parameter(types, ast.literal_eval(node.value), help)
        return found
    except Exception as error:  # nbformat raises nearly anything for a damaged file
        raise SivLiteError(f"{notebook} is no notebook with one cell tagged `parameters`, each with a type") from error


def describe(known: dict[str, Parameter]) -> str:
    """A line per parameter: name, types, default, help."""
    return "\n".join(f"  {name}: {' | '.join(p.types)} = {p.default!r}  {p.help}" for name, p in known.items())


def execute(notebook: str | Path, out: str | Path, parameters: dict[str, Any] | None = None) -> Path:
    """Run `notebook` with `out` as its working folder and its parameter `out`; return its executed copy there.

    A `source` given here is relative to the caller's folder, the notebook's own to the notebook's. Until it is complete
    the copy is called `<name>.unfinished.ipynb`, and stays so where a cell fails. Raises SivLiteError for unknown
    parameters, values of a wrong type and failed cells; one that a cell raised keeps its sentence.
    """
    notebook, out, values = Path(notebook).absolute(), Path(out).absolute(), dict(parameters or {})
    known = list_parameters(notebook)
    if out == notebook.parent:
        raise SivLiteError(f"{out} is the notebook's own folder; choose another to run it into")
    for name, value in values.items():
        if name not in known or name == "out":
            raise SivLiteError(f"{notebook.name} has no parameter {name!r} to be set; it has\n{describe(known)}")
        if not known[name].fits(value):
            wanted = " or ".join(known[name].types)
            raise SivLiteError(f"Parameter {name} must be {wanted} ({known[name].help}), not {value!r}")
    if "source" in known:
        source = (Path.cwd() if "source" in values else notebook.parent) / values.get("source", known["source"].default)
        if "source" in values and not source.exists():
            raise SivLiteError(f"{source} does not exist; check the path")
        values["source"] = Path(os.path.relpath(source, out)).as_posix()  # so that both can move together
    values |= {"out": "."} if "out" in known else {}
    unfinished, target = out / f"{notebook.stem}.unfinished.ipynb", out / notebook.name
    logging.getLogger("papermill").setLevel(logging.ERROR)  # it takes `int | None` for no annotation, and warns
    how = {"language": "python", "kernel_name": "python3", "kernel_manager_class": ThisPython, "progress_bar": False}
    how |= {"extra_arguments": ["--log-level=CRITICAL"], "stdout_file": sys.stdout}
    try:
        out.mkdir(parents=True, exist_ok=True)
        node = papermill.execute_notebook(notebook, unfinished, values, cwd=out, **how)
    except Exception as error:  # a failed cell, a kernel that died, a full disk
        name, text = getattr(error, "ename", type(error).__name__), str(getattr(error, "evalue", error))
        reason = text if name == "SivLiteError" else f"{name}: {text}"
        raise SivLiteError(f"{reason} (see {unfinished})") from error
    record, code = node.metadata.papermill, [cell for cell in node.cells if cell.cell_type == "code"]
    if not record.end_time or record.exception or not all(cell.execution_count for cell in code):
        raise SivLiteError(f"{unfinished} was not run to its end; run it again")
    record.input_path = record.output_path = notebook.name  # no folder of this machine
    with replacing(target) as temporary:
        nbformat.write(node, temporary)
    unfinished.unlink()
    return target


def main() -> None:
    """The command line; without a folder it lists the notebook's parameters."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebook")
    parser.add_argument("out", nargs="?", help="folder for all that it writes; without it, its parameters are listed")
    parser.add_argument("-p", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"), help="set a parameter")
    given = parser.parse_args()
    try:
        known = list_parameters(given.notebook)
        if not given.out:
            print(f"Parameters of {given.notebook}:\n{describe(known)}")
            return
        values = {name: known[name].read(text) if name in known else text for name, text in given.p}
        print(f"Executed: {execute(given.notebook, given.out, values)}")
    except SivLiteError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit("Interrupted; the same command goes on from the last checkpoint")


if __name__ == "__main__":
    main()
