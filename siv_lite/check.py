"""Measure a run, and check later, perhaps on another machine, that it still is what was measured."""

import math
from pathlib import Path

import numpy
from PIL import Image

from siv_lite.checkpoint import list_checkpoints, read_json, write_json
from siv_lite.errors import SivLiteError
from siv_lite.frames import image_grid
from siv_lite.metrics import Table, evaluate
from siv_lite.run import Run, open_run
from siv_lite.training import GRID_SEED, GRID_SIZE

SAMPLES, SEED = 16, 1
TOLERANCE = 0.02  # relative; devices and thread counts round differently
GREY_LEVELS = 2  # of 255, mean over a grid


def measure_run(run: Run) -> Table:
    """Metrics of 16 samples, as stored in the run's `metrics.json`, where a finished run keeps them once computed."""
    path = run.folder / "metrics.json"
    if run.finished and path.exists():
        return Table(**read_stored(run)["table"])
    table = evaluate(run.sample(SAMPLES, SEED), run.frames)
    table.missing = {name: text.replace(str(Path.home()), "~") for name, text in table.missing.items()}
    if run.finished:
        check_iteration(run)
        write_json(path, {"checkpoint": checkpoint_sum(run), "table": table.as_dict()})
    return table


def check_run(run: Run) -> list[str]:
    """Open a finished run anew, compute its metrics and draw its last grid again; return a line for each agreement.

    Raises SivLiteError with the first disagreement: a damaged or altered checkpoint, metric or grid.
    """
    if not run.finished:
        return [f"not finished: iteration {run.iteration} of {run.method.iterations}, so nothing is compared yet"]
    check_iteration(run)
    stored, again = read_stored(run), open_run(run.folder, str(run.method.device))
    if stored["checkpoint"] != checkpoint_sum(run):
        raise SivLiteError(f"{run.folder}: the newest checkpoint is not the one that metrics.json was computed from")
    found = evaluate(again.sample(SAMPLES, SEED), again.frames)
    wanted = stored["table"]["values"]
    for name in wanted.keys() & found.keys():  # either machine may lack the weights of some
        if not math.isclose(wanted[name], found[name], rel_tol=TOLERANCE, abs_tol=1e-6):
            raise SivLiteError(f"{run.folder}: {name} is {found[name]:.4g}, but {wanted[name]:.4g} in metrics.json")
    path = run.folder / "samples" / f"{run.iteration:08d}.png"
    grid = image_grid(again.generate(run.method.draw_latents(GRID_SIZE, GRID_SEED)))
    try:
        kept = Image.open(path).convert("RGB")
        difference = numpy.abs(numpy.asarray(grid, float) - numpy.asarray(kept)).mean()
    except (OSError, ValueError):  # missing, damaged or of another size
        difference = math.inf
    if not difference < GREY_LEVELS:
        raise SivLiteError(f"{path} is missing or differs from the grid drawn again (mean {difference:.3g} of 255)")
    return ["metrics recomputed from the checkpoint: agree", "last grid drawn again: agrees"]


def check_iteration(run: Run) -> None:
    """SivLiteError unless the newest good checkpoint of a finished run is its last."""
    if run.iteration != run.method.iterations:
        raise SivLiteError(
            f"{run.folder} was finished at iteration {run.method.iterations}, but its newest good checkpoint is of "
            f"{run.iteration}; restore the damaged one, or delete done.json and train on from there"
        )


def read_stored(run: Run) -> dict:
    """The content of `metrics.json`; SivLiteError if it is missing or damaged."""
    try:
        stored = read_json(run.folder / "metrics.json")
        return {"checkpoint": stored["checkpoint"], "table": stored["table"]}
    except (OSError, ValueError, KeyError):
        raise SivLiteError(f"{run.folder / 'metrics.json'} is missing or damaged; delete it to measure again") from None


def checkpoint_sum(run: Run) -> str:
    """SHA-256 of the newest checkpoint, as it stands beside it."""
    return read_json(list_checkpoints(run.folder)[0])["sha256"]
