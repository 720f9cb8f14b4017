"""Measure a run, and check later, perhaps on another machine, that it still is what was measured."""

import math
from pathlib import Path

import numpy
from PIL import Image

from siv_lite.checkpoint import read_json, write_json
from siv_lite.errors import SivLiteError
from siv_lite.frames import image_grid
from siv_lite.metrics import Table, evaluate
from siv_lite.run import Run, open_run
from siv_lite.training import grid_latents

SAMPLES, SEED, CHECKED = 16, 1, 4  # of the samples, these are measured again: under a minute at 192 x 320 pixels
TOLERANCE, GREY_LEVELS = 0.02, 2  # relative; of 255, mean over a grid: devices and thread counts round differently


def measure_run(run: Run) -> Table:
    """Metrics of 16 samples; those of a finished run are computed once and kept in its folder, in `metrics.json`."""
    path = run.folder / "metrics.json"
    if run.finished and path.exists():
        return Table(**read_json(path)["table"])
    images = run.pictures(SAMPLES, SEED)
    table = evaluate(images, run.frames)
    table.missing = {name: text.replace(str(Path.home()), "~") for name, text in table.missing.items()}
    if run.finished:
        stored = {"values": table, "missing": table.missing}
        write_json(path, {"table": stored, "checked": evaluate(images[:CHECKED], run.frames)})
    return table


def check_run(run: Run) -> list[str]:
    """Open a finished run anew, measure its first samples and draw its last grid again; a line for each agreement.
    Raises SivLiteError with the first disagreement: a damaged or altered checkpoint, metric or grid."""
    if not run.finished:
        return [f"not finished: iteration {run.iteration} of {run.method.iterations}, so nothing is compared yet"]
    wanted, again = read_json(run.folder / "metrics.json")["checked"], open_run(run.folder)
    found = evaluate(again.pictures(SAMPLES, SEED)[:CHECKED], again.frames)
    for name in wanted.keys() & found.keys():  # either machine may lack the weights of some
        if not math.isclose(wanted[name], found[name], rel_tol=TOLERANCE, abs_tol=1e-6):
            raise SivLiteError(f"{run.folder}: {name} is {found[name]:.4g}, but {wanted[name]:.4g} in metrics.json")
    path = run.folder / "samples" / f"{again.iteration:08d}.png"
    grid = image_grid(again.generate(grid_latents(again.method)).flatten(0, -4))
    try:
        with Image.open(path) as kept:
            difference = numpy.abs(numpy.asarray(grid, float) - numpy.asarray(kept)).mean()
    except (OSError, ValueError, SyntaxError):  # missing, damaged or of another size
        difference = math.inf
    if not difference < GREY_LEVELS:
        raise SivLiteError(f"{path} is missing or differs from the grid drawn again (mean {difference:.3g} of 255)")
    return [f"metrics of {CHECKED} samples computed again: agree", "last grid drawn again: agrees"]
