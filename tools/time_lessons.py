"""Run every lesson as a reader does and write its time: into its header, into `times.json`, and
into `docs/teaching.md`.

python tools/time_lessons.py                 # all lessons; several minutes of a quiet machine
python tools/time_lessons.py 05_diversity    # one of them
python tools/time_lessons.py --headers       # measure nothing, write the headers again
"""

import io
import json
import re
import subprocess
import sys
import tempfile
import tokenize
from pathlib import Path

import jupytext
import nbformat
from execute import execute

from siv_lite.files import atomic_write

FOLDER = Path(__file__).parents[1] / "notebooks"
TIMES = Path(__file__).with_name("times.json")
TEACHING = FOLDER.parent / "docs" / "teaching.md"
LINE = re.compile(r"\*\*Time:\*\*[^\n]*")

WORDS_PER_MINUTE = 200  # of prose, read carefully
TOKENS_PER_MINUTE = 120  # of code
EXERCISE_MINUTES = 10


def count_words(markdown: str) -> int:
    """Count the words of prose in Markdown; tables, formulas, code and tags are none.

    Args:
        markdown: the text of one or several cells.

    Returns:
        The number of words.
    """
    lines = [line for line in markdown.splitlines() if not line.startswith(("|", "$$"))]
    prose = re.sub(r"<[^>]+>|`[^`]+`", "", " ".join(lines))
    return len(re.findall(r"[A-Za-z][\w'-]*", prose))


def count_tokens(code: str) -> int:
    """Count the tokens of Python code: names, numbers, strings, operators; comments are none.

    Args:
        code: the text of a cell.

    Returns:
        The number of tokens.
    """
    counted = {tokenize.NAME, tokenize.NUMBER, tokenize.STRING, tokenize.OP}
    tokens = tokenize.generate_tokens(io.StringIO(code).readline)
    return sum(token.type in counted for token in tokens)


def reading_minutes(lesson: Path) -> float:
    """Estimate how long a lesson takes to read and to work through.

    Args:
        lesson: its text pair, a .py file.

    Returns:
        Minutes for prose, code and exercises.
    """
    minutes = EXERCISE_MINUTES
    for cell in jupytext.read(lesson).cells:
        if cell.cell_type == "markdown":
            minutes += count_words(cell.source) / WORDS_PER_MINUTE
        else:
            minutes += count_tokens(cell.source) / TOKENS_PER_MINUTE
    return minutes


def describe(seconds: float, lesson: Path) -> str:
    """Write the header's line.

    Args:
        seconds: of computing.
        lesson: its text pair, a .py file.

    Returns:
        A line such as "**Time:** 40 seconds of computing on two cores; 45 minutes of reading and
        exercises."
    """
    if seconds < 90:
        computing = f"{5 * max(1, round(seconds / 5))} seconds"
    else:
        computing = f"{seconds / 60:.1f} minutes"
    reading = 5 * round(reading_minutes(lesson) / 5)
    return (
        f"**Time:** {computing} of computing on two cores; {reading} minutes of reading and "
        "exercises."
    )


def measure(lesson: str) -> float:
    """Run a lesson at its default settings, in an empty folder.

    Args:
        lesson: name of the notebook, without its suffix.

    Returns:
        Seconds from the start of the first cell to the end of the last.
    """
    with tempfile.TemporaryDirectory() as folder:
        executed = execute(FOLDER / f"{lesson}.ipynb", folder)
        cells = nbformat.read(executed, 4).cells
    return sum(cell.metadata.papermill.duration or 0 for cell in cells)


def write_header(lesson: Path, seconds: float) -> None:
    """Write the time into the header of a lesson, the text pair and the notebook.

    Args:
        lesson: its text pair, a .py file.
        seconds: of computing.
    """
    text = lesson.read_text(encoding="utf-8")
    lesson.write_text(LINE.sub(describe(seconds, lesson), text, count=1), encoding="utf-8")
    command = [sys.executable, "-m", "jupytext", "--sync", "--quiet", str(lesson)]
    subprocess.run(command, check=True)


def write_teaching(times: dict[str, int]) -> None:
    """Write the times into the sections of lessons in `docs/teaching.md`.

    Args:
        times: name of a lesson -> seconds of computing.
    """
    text = TEACHING.read_text(encoding="utf-8")
    for lesson, seconds in times.items():
        section = re.compile(rf"(/{lesson}\.ipynb\).*?)\*\*Time:\*\*[^\n]*", re.DOTALL)
        line = describe(seconds, FOLDER / f"{lesson}.py")
        text = section.sub(rf"\1{line}", text, count=1)
    TEACHING.write_text(text, encoding="utf-8")


def main() -> None:
    """Measure the lessons named on the command line, or all; then write all headers."""
    lessons = sorted(path.stem for path in FOLDER.glob("[01][0-9]_*.py"))
    lessons.remove("00_start_here")
    times = json.loads(TIMES.read_text()) if TIMES.exists() else {}

    chosen = sys.argv[1:] or lessons
    if chosen == ["--headers"]:
        chosen = []
    for lesson in chosen:
        times[lesson] = round(measure(lesson))
        print(f"{lesson:<32}{times[lesson]:4} s", flush=True)
        ordered = {name: times[name] for name in lessons if name in times}
        with atomic_write(TIMES) as temporary:
            temporary.write_text(json.dumps(ordered, indent=1) + "\n")

    for lesson, seconds in times.items():
        write_header(FOLDER / f"{lesson}.py", seconds)
    write_teaching(times)


if __name__ == "__main__":
    main()
