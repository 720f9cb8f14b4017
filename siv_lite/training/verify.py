"""Measure a run, and check later, perhaps on another machine, that it is still the same."""

import math
from pathlib import Path

import numpy as np
from PIL import Image

from siv_lite.errors import SivLiteError
from siv_lite.frames import as_images, image_grid
from siv_lite.metrics import Table, evaluate
from siv_lite.training.checkpoint import read_json, write_json
from siv_lite.training.loop import preview_latents
from siv_lite.training.run import Run, open_run

NUM_SAMPLES = 16
SAMPLE_SEED = 1
NUM_CHECKED = 4  # samples measured again: under a minute at 192 x 320 pixels
RELATIVE_TOLERANCE = 0.02  # devices and thread counts round differently
MAX_GRAY_LEVELS = 2  # of 255, mean absolute difference over a grid


def measure_run(run: Run) -> Table:
    """Measure 16 samples of a run; the table of a finished run is kept in its `metrics.json`.

    Args:
        run: finished or not.

    Returns:
        The table of all metrics.
    """
    path = run.folder / "metrics.json"
    if run.finished and path.exists():
        return Table(**read_json(path)["table"])

    images = run.sample_images(NUM_SAMPLES, SAMPLE_SEED)
    table = evaluate(images, run.training_frames)
    for name, reason in table.missing.items():
        table.missing[name] = reason.replace(str(Path.home()), "~")
    if run.finished:
        stored = {"values": table, "missing": table.missing}
        checked = evaluate(images[:NUM_CHECKED], run.training_frames)
        write_json(path, {"table": stored, "checked": checked})
    return table


def check_run(run: Run) -> list[str]:
    """Open a finished run anew, measure its first samples and draw its last grid again.

    Args:
        run: measured by `measure_run` before.

    Returns:
        One line for each agreement.

    Raises:
        SivLiteError: with the first disagreement: a damaged or altered checkpoint, metric or grid.
    """
    if not run.finished:
        return [
            f"not finished: iteration {run.iteration} of {run.method.iterations}, so nothing is "
            "compared yet"
        ]
    reopened = open_run(run.folder)
    _check_metrics(reopened)
    check_last_grid(reopened)
    return [
        f"metrics of {NUM_CHECKED} samples computed again: agree",
        "last grid drawn again: agrees",
    ]


def _check_metrics(run: Run) -> None:
    """Raise SivLiteError if the metrics of the first samples are not those in `metrics.json`."""
    stored = read_json(run.folder / "metrics.json")["checked"]
    images = run.sample_images(NUM_SAMPLES, SAMPLE_SEED)[:NUM_CHECKED]
    found = evaluate(images, run.training_frames)
    for name in stored.keys() & found.keys():  # either machine may lack the weights of some
        if not math.isclose(stored[name], found[name], rel_tol=RELATIVE_TOLERANCE, abs_tol=1e-6):
            raise SivLiteError(
                f"{run.folder}: {name} is {found[name]:.4g}, but {stored[name]:.4g} in metrics.json"
            )


def check_last_grid(run: Run) -> None:
    """Draw the newest grid of a run again and compare it with the file.

    Args:
        run: opened at the checkpoint that the grid was drawn at.

    Raises:
        SivLiteError: if the file is missing, or more than 2 gray levels off in the mean.
    """
    path = run.folder / "samples" / f"{run.iteration:08d}.png"
    samples = run.decode(preview_latents(run.method))
    grid = np.asarray(image_grid(as_images(samples)), float)
    try:
        with Image.open(path) as stored:
            difference = np.abs(grid - np.asarray(stored)).mean()
    except (OSError, ValueError, SyntaxError):  # missing, damaged or of another size
        difference = math.inf
    if not difference < MAX_GRAY_LEVELS:
        raise SivLiteError(
            f"{path} is missing or differs from the grid drawn again (mean {difference:.3g} of 255)"
        )
