"""Measure a run, and check later, perhaps on another machine, that it still is what was measured."""

import math
from pathlib import Path

import numpy
from PIL import Image
from torch import Tensor

from siv_lite.checkpoint import list_checkpoints, read_json, write_json
from siv_lite.errors import SivLiteError
from siv_lite.frames import image_grid
from siv_lite.metrics import Table, evaluate
from siv_lite.run import Run, open_run
from siv_lite.training import GRID_SEED, GRID_SIZE

SAMPLES, SEED = 16, 1
CHECKED = 4  # of them are measured again: less than a minute also for 192 x 320 pixels on a laptop
TOLERANCE = 0.02  # relative; devices and thread counts round differently
GREY_LEVELS = 2  # of 255, mean over a grid


def measure_run(run: Run) -> Table:
    """Metrics of 16 samples; those of a finished run are computed once and kept in its folder, in `metrics.json`."""
    path = run.folder / "metrics.json"
    if run.finished and path.exists():
        return Table(**read_metrics(path)["table"])
    images = draw(run, SAMPLES)
    table = evaluate(images, run.frames)
    table.missing = {name: text.replace(str(Path.home()), "~") for name, text in table.missing.items()}
    if run.finished:
        check_iteration(run)
        checked = dict(evaluate(images[:CHECKED], run.frames))
        write_json(path, {"checkpoint": checksum(run), "table": table.as_dict(), "checked": checked})
    return table


def check_run(run: Run) -> list[str]:
    """Open a finished run anew, measure its first samples and draw its last grid again; a line for each agreement.

    Raises SivLiteError with the first disagreement: a damaged or altered checkpoint, metric or grid.
    """
    if not run.finished:
        return [f"not finished: iteration {run.iteration} of {run.method.iterations}, so nothing is compared yet"]
    check_iteration(run)
    stored, again = read_metrics(run.folder / "metrics.json"), open_run(run.folder, str(run.method.device))
    if stored["checkpoint"] != checksum(run):
        raise SivLiteError(f"{run.folder}: the newest checkpoint is not the one that metrics.json was computed from")
    found, wanted = evaluate(draw(again, CHECKED), again.frames), stored["checked"]
    for name in wanted.keys() & found.keys():  # either machine may lack the weights of some
        if not math.isclose(wanted[name], found[name], rel_tol=TOLERANCE, abs_tol=1e-6):
            raise SivLiteError(f"{run.folder}: {name} is {found[name]:.4g}, but {wanted[name]:.4g} in metrics.json")
    path = run.folder / "samples" / f"{run.iteration:08d}.png"
    grid = image_grid(again.generate(run.method.draw_latents(GRID_SIZE, GRID_SEED)))
    try:
        with Image.open(path) as kept:
            difference = numpy.abs(numpy.asarray(grid, float) - numpy.asarray(kept)).mean()
    except (OSError, ValueError, SyntaxError):  # missing, damaged or of another size
        difference = math.inf
    if not difference < GREY_LEVELS:
        raise SivLiteError(f"{path} is missing or differs from the grid drawn again (mean {difference:.3g} of 255)")
    return [f"metrics of {CHECKED} samples computed again: agree", "last grid drawn again: agrees"]


def draw(run: Run, n: int) -> Tensor:
    """The first `n` of the samples that are measured."""
    return run.generate(run.method.draw_latents(SAMPLES, SEED)[:n])


def check_iteration(run: Run) -> None:
    """SivLiteError unless the newest good checkpoint of a finished run is its last."""
    if run.iteration != run.method.iterations:
        raise SivLiteError(
            f"{run.folder} was finished at iteration {run.method.iterations}, but its newest good checkpoint is of "
            f"{run.iteration}; restore the damaged one, or delete done.json and metrics.json and train on from there"
        )


def read_metrics(path: Path) -> dict:
    """The content of `metrics.json`; SivLiteError if it is missing or damaged."""
    try:
        stored = read_json(path)
        return {name: stored[name] for name in ("checkpoint", "table", "checked")}
    except (OSError, ValueError, KeyError):
        raise SivLiteError(f"{path} is missing or damaged; delete it to measure again") from None


def checksum(run: Run) -> str:
    """SHA-256 of the newest checkpoint, as it stands beside it."""
    return read_json(list_checkpoints(run.folder)[0])["sha256"]
