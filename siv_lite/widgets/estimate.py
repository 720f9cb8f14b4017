"""How long a training will take on this machine, found by trying a few iterations of it."""

import subprocess
import tempfile
from pathlib import Path
from typing import Any

from torch import Tensor

from siv_lite.comparison import SPEED_FILE, start_child
from siv_lite.errors import SivLiteError
from siv_lite.frames import reduced_size
from siv_lite.methods import find_method, make_settings
from siv_lite.training.checkpoint import read_json
from siv_lite.training.config import create_or_verify

ITERATIONS = 4  # of every stage that are tried; the second half of them is timed
UNITS = {"days": 86_400, "hours": 3600, "minutes": 60, "seconds": 1}


class Estimate:
    """The time that a training will take, measured in a process of its own.

    Attributes:
        child: the process, or None.
    """

    def __init__(self):
        """Measure nothing yet."""
        self.child = None
        self.is_cancelled = False

    def cancel(self) -> None:
        """End a measurement that is under way."""
        self.is_cancelled = True
        if self.child is not None:
            self.child.kill()

    def measure(self, method: str, frames: Tensor, preset: str, image_size: int) -> float | None:
        """Measure, in some seconds; in minutes where an iteration takes so long.

        Args:
            method: name in `METHODS`.
            frames: (N, 3, H, W) in [-1, 1].
            preset: "smoke", "lesson" or "paper".
            image_size: at which the method will work, in pixels.

        Returns:
            Seconds of the whole training; None for a method that trains nothing.

        Raises:
            SivLiteError: for input that cannot be used, and if the trial ended early.
        """
        if not hasattr(find_method(method).Settings, "iterations"):
            return None
        self.is_cancelled = False
        tried: dict[str, Any] = {"image_size": image_size, "iterations": ITERATIONS}
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary, "estimate")
            create_or_verify(folder, method, frames, preset, settings=tried)
            self.child = start_child(folder, "auto", "estimate", subprocess.DEVNULL)
            with self.child as child:
                if self.is_cancelled:  # before there was a process
                    child.kill()
                child.wait()
            if child.returncode != 0:
                raise SivLiteError(
                    "The time could not be measured, perhaps for want of memory; choose a smaller "
                    "side"
                )
            per_iteration = read_json(folder / SPEED_FILE)["seconds_per_iteration"]
        settings, _ = fit_settings(method, frames, preset, image_size)
        return per_iteration * settings.iterations


def fit_settings(
    method: str, frames: Tensor, preset: str, image_size: int
) -> tuple[Any, tuple[int, int]]:
    """Complete a preset by what follows from the frames, such as the number of iterations.

    Args:
        method: name in `METHODS`.
        frames: (N, 3, H, W) in [-1, 1].
        preset: "smoke", "lesson" or "paper".
        image_size: at which the method will work, in pixels.

    Returns:
        The settings, and the (height, width) that the method learns from.
    """
    settings = make_settings(method, preset, image_size=image_size)
    size = reduced_size(*frames.shape[2:], image_size)
    return find_method(method).fit_settings(settings, len(frames), *size)


def in_words(seconds: float) -> str:
    """Write a duration in words, such as "5 minutes" or "1.5 hours".

    Args:
        seconds: above 0.

    Returns:
        A number, with a digit behind the point under 3, and the largest unit that it holds 1.5 of.
    """
    for unit, length in UNITS.items():
        number = seconds / length
        if number >= 1.5:
            return f"{number:.0f} {unit}" if number >= 3 else f"{number:.1f} {unit}"
    return "a second"
