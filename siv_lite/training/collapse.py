"""Notice while training when all samples show one arrangement: the generator has collapsed."""

from pathlib import Path

from torch import Tensor

from siv_lite.metrics import arrangement_diversity, video_arrangement_diversity
from siv_lite.training.checkpoint import read_config, read_log

COLUMN = "arrangement_diversity"  # of the log, in the lines of iterations whose grid was saved
COLLAPSE_LEVEL = 0.15  # arrangement diversity under which a grid is nearly one image
MIN_ITERATIONS = 500  # of a whole training; a shorter one draws no scenes that could be alike
COLLAPSE_START = 1 / 3  # of the training; earlier grids are not scenes yet
COLLAPSE_GRIDS = 2  # in a row, under the level


def measure_grid(samples: Tensor) -> dict[str, float]:
    """Measure the arrangement diversity of a grid, for the log.

    Args:
        samples: images (n, 3, H, W) or videos (n, T, 3, H, W), about in [-1, 1].

    Returns:
        The column of the log; nothing for a single sample, and where samples are not finite.
    """
    if len(samples) < 2 or not samples.isfinite().all():
        return {}
    samples = samples.float().clamp(-1, 1)  # unfinished pyramids leave the range a little
    if samples.ndim == 5:
        return {COLUMN: video_arrangement_diversity(samples)}
    return {COLUMN: arrangement_diversity(samples)}


def find_collapse(folder: Path, total: int) -> int | None:
    """Find the iteration at which a training was first seen to draw one arrangement only.

    It depends on the log alone, so a resumed training finds what an uninterrupted one does. Only
    trainings on a single image are judged, for frames of a clip are alike by nature, and only those
    of 500 iterations or more.

    Args:
        folder: the run folder.
        total: number of iterations of the whole training.

    Returns:
        The iteration of the second grid in a row whose arrangement diversity is under 0.15, after
        the first third of the training; None as long as there is no such grid.
    """
    num_frames = read_config(folder)["frames"]["shape"][0]
    if num_frames > 1 or total < MIN_ITERATIONS:
        return None
    num_low = 0  # grids in a row
    for entry in read_log(folder):
        if COLUMN not in entry or entry["iteration"] <= COLLAPSE_START * total:
            continue
        is_low = entry[COLUMN] < COLLAPSE_LEVEL
        num_low = num_low + 1 if is_low else 0
        if num_low == COLLAPSE_GRIDS:
            return entry["iteration"]
    return None


def explain_collapse(iteration: int) -> str:
    """Say what `find_collapse` has found, and what to do.

    Args:
        iteration: that it returned.

    Returns:
        One sentence.
    """
    return (
        f"At iteration {iteration} all samples show nearly the same arrangement "
        f"({COLUMN} under {COLLAPSE_LEVEL} on {COLLAPSE_GRIDS} grids in a row): unless the image "
        "is all bands, which leave little else to draw, train again in another `out` with another "
        'seed or more diversity, of siv_gan with diversity="normalized", latent="spatial" or a '
        "higher diversity_weight"
    )
