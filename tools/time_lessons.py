"""Run every lesson as a reader does, first cell to last, and write its time into its header and into `times.json`:

    python tools/time_lessons.py                 # all lessons; needs several minutes of a quiet machine
    python tools/time_lessons.py 05_diversity    # one of them
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
from execute import execute

from siv_lite.files import atomic_write

FOLDER = Path(__file__).parents[1] / "notebooks"
TIMES = Path(__file__).with_name("times.json")
LINE = re.compile(r"\*\*Time:\*\*[^\n]*")
WORDS_A_MINUTE, EXERCISES = 180, 10  # of careful reading; minutes


def count_words(text: str) -> int:
    """Words of prose in the Markdown cells of a lesson's text pair; tables, formulas and tags are none."""
    cells = [cell for cell in text.split("\n# %%")[1:] if cell.startswith(" [markdown]")]
    lines = [line[2:] for cell in cells for line in cell.splitlines()[1:]]
    prose = " ".join(line for line in lines if not line.startswith(("|", "$$")))
    return len(re.findall(r"[A-Za-z][\w'-]*", re.sub(r"<[^>]+>|`[^`]+`", "", prose)))


def describe(seconds: float, text: str) -> str:
    """The header's line, like **Time:** 40 seconds of computing on two cores; 25 minutes of reading and exercises."""
    computing = f"{5 * max(1, round(seconds / 5))} seconds" if seconds < 90 else f"{seconds / 60:.1f} minutes"
    reading = 5 * round((count_words(text) / WORDS_A_MINUTE + EXERCISES) / 5)
    return f"**Time:** {computing} of computing on two cores; {reading} minutes of reading and exercises."


def measure(lesson: str) -> float:
    """Seconds from the start of the first cell to the end of the last, at default settings, in an empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        executed = execute(FOLDER / f"{lesson}.ipynb", folder)
        return sum(cell.metadata.papermill.duration or 0 for cell in nbformat.read(executed, 4).cells)


def main() -> None:
    """Measure the lessons named on the command line, or all; then write all headers."""
    known = sorted(path.stem for path in FOLDER.glob("[01][0-9]_*.py") if path.stem != "00_start_here")
    times = json.loads(TIMES.read_text()) if TIMES.exists() else {}
    for lesson in sys.argv[1:] or known:
        times[lesson] = round(measure(lesson))
        print(f"{lesson:<32}{times[lesson]:4} s", flush=True)
        with atomic_write(TIMES) as temporary:
            temporary.write_text(json.dumps({name: times[name] for name in known if name in times}, indent=1) + "\n")
    for lesson, seconds in times.items():
        path = FOLDER / f"{lesson}.py"
        text = path.read_text(encoding="utf-8")
        path.write_text(LINE.sub(describe(seconds, text), text, count=1), encoding="utf-8")
        subprocess.run([sys.executable, "-m", "jupytext", "--sync", "--quiet", str(path)], check=True)


if __name__ == "__main__":
    main()
