"""A line on the terminal that says how far a notebook, and the training in it, is."""

import shutil
import sys
import threading
import time
from pathlib import Path
from typing import Any

READ_PERIOD = 0.5  # seconds from one look at the training's progress to the next
LOG_PERIOD = 10.0  # seconds at least between two lines, where stderr is not a terminal


class ProgressLine:
    """Show on stderr which cell of a notebook runs, and how far a training in it is.

    On a terminal one line is rewritten, and cleared in the end. Elsewhere, in a log file for
    instance, new lines are added: at most one every 10 seconds, and only if something changed.

    Use it as a context manager, and as papermill's `stdout_file`: it hands what the notebook prints
    on to stdout, and keeps the two apart.
    """

    def __init__(self, progress_file: Path, num_cells: int):
        """Get ready; the line is shown from `with` on.

        Args:
            progress_file: where the training in the notebook reports; it need not exist.
            num_cells: number of the notebook's code cells.
        """
        self.progress_file = progress_file
        self.num_cells = num_cells
        self.num_started = 0  # code cells
        self.shown = ""  # the text on the terminal's last line, or the line that was logged last
        self.next_log = time.monotonic() + LOG_PERIOD
        self.inside_line = False  # whether the notebook printed a line without its end
        self.lock = threading.Lock()
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "ProgressLine":
        self.thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.ended.set()
        self.thread.join()
        self._clear()

    def start_cell(self, cell: Any, cell_index: int) -> None:
        """Count a cell; nbclient calls it at the start of every code cell.

        Args:
            cell: the cell; not used.
            cell_index: its place among all cells; not used, since Markdown cells count in it.
        """
        self.progress_file.unlink(missing_ok=True)  # it tells of an earlier cell's training
        self.num_started += 1

    def write(self, text: str) -> None:
        """Print what the notebook printed.

        Args:
            text: any number of lines; the last one may be unfinished.
        """
        with self.lock:
            self._clear()
            sys.stdout.write(text)
            self.inside_line = not text.endswith("\n")

    def flush(self) -> None:
        """Make stdout show all that was printed."""
        sys.stdout.flush()

    def status(self) -> str:
        """Return what there is to show.

        Returns:
            Text without line breaks, such as
            "Cell 5 of 12 | runs/demo: 2400 of 4800 iterations, 2.1 minutes left".
        """
        if self.num_started == 0:
            return "Starting Python"
        cell = f"Cell {self.num_started} of {self.num_cells}"
        try:
            report = self.progress_file.read_text(encoding="utf-8").strip()
        except OSError:  # no training, or none yet
            return cell
        return f"{cell} | {report}"

    def _watch(self) -> None:
        """Keep the line up to date until the end; this is the thread's program."""
        while not self.ended.wait(READ_PERIOD):
            with self.lock:
                if sys.stderr.isatty():
                    self._rewrite(self.status())
                else:
                    self._log(self.status())

    def _rewrite(self, text: str) -> None:
        """Replace the terminal's last line, unless the notebook has yet to print the rest of it."""
        text = text[: shutil.get_terminal_size().columns - 1]  # a wrapped line cannot be cleared
        if text != self.shown and not self.inside_line:
            self._clear()
            sys.stderr.write(text)
            sys.stderr.flush()
            self.shown = text

    def _log(self, text: str) -> None:
        """Add a line to the log, if it says anything new and the last one is old enough."""
        now = time.monotonic()
        if text != self.shown and now >= self.next_log:
            print(text, file=sys.stderr, flush=True)
            self.shown = text
            self.next_log = now + LOG_PERIOD

    def _clear(self) -> None:
        """Remove the line from the terminal."""
        if self.shown and sys.stderr.isatty():
            blank = " " * len(self.shown)
            sys.stderr.write(f"\r{blank}\r")
            sys.stderr.flush()
            self.shown = ""
