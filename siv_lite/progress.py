"""How far a training is, in a file of one line that another process reads and shows."""

import os
import time
from collections import deque
from contextlib import suppress
from pathlib import Path

PROGRESS_FILE = "SIV_LITE_PROGRESS_FILE"  # environment variable: path of the file
REPORT_PERIOD = 1.0  # seconds from one line to the next
SPEED_WINDOW = 60.0  # seconds of training from which the speed is taken


class ProgressReport:
    """Report how far a training is, in the file that SIV_LITE_PROGRESS_FILE names.

    Once a second the file's line is replaced by one such as
    `runs/demo: 2400 of 4800 iterations, 2.1 minutes left`. Without the environment variable nothing
    is written, and a file that cannot be written never stops a training.

    The minutes left are those of the remaining iterations at the mean speed of the last 60 seconds.
    What was trained before a resume does not count. Where later stages are slower, as in a pyramid,
    the estimate is too short until the last stage has been reached.
    """

    def __init__(self, folder: str | Path, total: int):
        """Get ready to report; nothing is written yet.

        Args:
            folder: the run folder; its name and its parent's begin the line.
            total: number of iterations of the whole training.
        """
        path = os.environ.get(PROGRESS_FILE)
        self.path = Path(path) if path else None
        self.label = "/".join(Path(folder).resolve().parts[-2:])
        self.total = total
        self.iteration: int | None = None  # the last one that was done
        self.next_report = 0.0  # by the monotonic clock
        self.history: deque[tuple[float, int]] = deque()  # (time, iteration) of the reports

    def update(self, iteration: int) -> None:
        """Write a line if the last one is a second old; cheap enough for every iteration.

        Args:
            iteration: number of iterations done.
        """
        if self.path is None:
            return
        self.iteration = iteration
        now = time.monotonic()
        if now >= self.next_report:
            self._write(now)
            self.next_report = now + REPORT_PERIOD

    def close(self) -> None:
        """Write the last line, if there was an iteration at all."""
        if self.iteration is not None:
            self._write(time.monotonic())

    def _write(self, now: float) -> None:
        """Replace the file's content, in one go, so that no reader ever sees half a line."""
        line = f"{self.label}: {self.iteration} of {self.total} iterations"
        minutes = self._minutes_left(now)
        if minutes is not None:
            line += f", {minutes:.1f} minutes left"

        temporary = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        with suppress(OSError):
            temporary.write_text(f"{line}\n", encoding="utf-8", errors="replace")
            os.replace(temporary, self.path)

    def _minutes_left(self, now: float) -> float | None:
        """Return the estimate of the class's docstring, or None before there is a speed."""
        self.history.append((now, self.iteration))

        # Forget what is older than the window, but for the newest entry outside of it: so the
        # whole window is measured, and there is a speed even if an iteration takes minutes.
        while len(self.history) > 2 and self.history[1][0] <= now - SPEED_WINDOW:
            self.history.popleft()

        first_time, first_iteration = self.history[0]
        num_iterations = self.iteration - first_iteration
        if num_iterations == 0:
            return None
        seconds_per_iteration = (now - first_time) / num_iterations
        return (self.total - self.iteration) * seconds_per_iteration / 60
