"""Notice while training when all samples show one arrangement: the generator has collapsed.

How alike good samples are depends on the image: a sky over a sea is the same two bands in each of
them. So every row and every column of a sample loses its mean color first, and what is left is
compared: the *bandless diversity*. Neither contrast nor bands can change it much. It is near 1
where things stand elsewhere in each sample, whatever the image.

The level of 0.75 was set by looking at 16 samples of each of these trainings, 32 x 56 to 48 x 64
pixels, and lies between the two kinds (in quotes: `diversity` and `latent`):

| images, drawn by                             | arrangement diversity | bandless diversity |
|----------------------------------------------|-----------------------|--------------------|
| many arrangements:                           |                       |                    |
| balloons, street, beach, a photograph:       |                       |                    |
|   siv_gan, "normalized" and "spatial"        | 0.22 to 0.52          | 0.81 to 0.98       |
| balloons: singan, consingan, hp_vae_gan      | 0.45 to 0.61          | 0.88 to 0.96       |
| street: singan                               | 0.36                  | 0.85               |
| one arrangement:                             |                       |                    |
| beach: singan                                | 0.21                  | 0.67               |
| balloons: siv_gan, "features", "projected"   | 0.32                  | 0.67               |
| beach: the same                              | 0.19                  | 0.63               |
| firs before mountains, a photograph:         |                       |                    |
|   siv_gan, "normalized" and "spatial"        | 0.01                  | 0.18               |
| balloons: fastgan                            | 0.02                  | 0.03               |

No level of the arrangement diversity would do: 0.22 is good for the beach, 0.32 a collapse on the
balloons.
"""

from pathlib import Path

from torch import Tensor

from siv_lite.metrics import arrangement_diversity, video_arrangement_diversity
from siv_lite.training.checkpoint import read_config, read_log

COLUMN = "bandless_diversity"  # of the log, in the lines of iterations whose grid was saved
COLLAPSE_LEVEL = 0.75  # bandless diversity under which a grid is nearly one arrangement
MIN_ITERATIONS = 500  # of a whole training; a shorter one draws no scenes that could be alike
COLLAPSE_START = 1 / 3  # of the training; earlier grids are not scenes yet
COLLAPSE_GRIDS = 2  # in a row, under the level


def measure_grid(samples: Tensor) -> dict[str, float]:
    """Measure the bandless diversity of a grid, for the log.

    Args:
        samples: images (n, 3, H, W) or videos (n, T, 3, H, W), about in [-1, 1].

    Returns:
        The column of the log; nothing for a single sample, and where samples are not finite.
    """
    if len(samples) < 2 or not samples.isfinite().all():
        return {}
    samples = samples.float().clamp(-1, 1)  # unfinished pyramids leave the range a little
    detail = remove_bands(samples)
    if samples.ndim == 5:
        return {COLUMN: video_arrangement_diversity(detail)}
    return {COLUMN: arrangement_diversity(detail)}


def remove_bands(images: Tensor) -> Tensor:
    """Subtract from each image what its rows, and what its columns, have in common.

    Args:
        images: (..., H, W) in [-1, 1].

    Returns:
        What is left, of the same shape, divided by 4, so that it stays in [-1, 1]. The mean of each
        row and of each column is 0.
    """
    rows = images.mean(dim=-1, keepdim=True)  # (..., H, 1)
    columns = images.mean(dim=-2, keepdim=True)  # (..., 1, W)
    mean = rows.mean(dim=-2, keepdim=True)  # (..., 1, 1)
    return (images - rows - columns + mean) / 4


def find_collapse(folder: Path, total: int) -> int | None:
    """Find the iteration at which a training was first seen to draw one arrangement only.

    It depends on the log alone, so a resumed training finds what an uninterrupted one does. Only
    trainings on a single image are judged, for frames of a clip are alike by nature, and only those
    of 500 iterations or more.

    Args:
        folder: the run folder.
        total: number of iterations of the whole training.

    Returns:
        The iteration of the second grid in a row whose bandless diversity is under 0.75, after the
        first third of the training; None as long as there is no such grid.
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
        f"({COLUMN} under {COLLAPSE_LEVEL} on {COLLAPSE_GRIDS} grids in a row): unless little in "
        "the image could stand elsewhere, train again in another `out` with another seed or more "
        'diversity, of siv_gan with diversity="normalized", latent="spatial" or a higher '
        "diversity_weight"
    )
