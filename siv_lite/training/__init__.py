"""Training and what it leaves behind: the loop, run folders, checkpoints, exact resume, checks."""

from siv_lite.training.loop import train
from siv_lite.training.run import Run, open_run
from siv_lite.training.verify import check_run, measure_run

__all__ = ["Run", "check_run", "measure_run", "open_run", "train"]
