"""The site: lessons as pages that need no network, and the archive for a room without one."""

import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import build_site
import nbformat
import pack_classroom
import pytest
from lesson_cache import run_lesson
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from site_markdown import split_sections

from siv_lite import SivLiteError

ROOT = Path(__file__).parent.parent
README = """\
# siv_lite

![Python](badge.svg)

**A tagline.** See [the method](siv_lite/methods/siv_gan.py) and [the words](docs/glossary.md#word).

## Who it is for

Everybody.

## Start

Type `make`.

## The course

Lessons.

| lesson | idea |
|---|---|
| [1 Toy](notebooks/01_toy.ipynb) | one idea |

## The explorer

A page.

## Seven methods, one roof

| `method` | what it is |
|---|---|
| `toy` | a toy |
"""
TEXT = """\
# Lesson 1: toy

$$ \\mathcal{L} = \\sum_{l=1}^L \\lVert G^l(z_1) - G^l(z_2) \\rVert $$

| a | b |
|---|---|
| `01_toy` | 2 |

## Quiz

**1.** Why? <details><summary>Answer</summary>Because.</details>
"""
PARAMETERS = 'out: str = "elsewhere"  # folder'
IMPORTS = "from pathlib import Path\n\nimport ipywidgets as widgets\nfrom PIL import Image"
COUNT = """\
with open("runs.txt", "a") as file:
    file.write("x")
print("a < b", Path.home() / "weights.pth")"""
PICTURE = 'Image.new("RGB", (60, 40), "red")'
SLIDER = """\
Image.new("RGB", (6, 4), "teal").save("small.png")
view = widgets.Image(value=Path("small.png").read_bytes(), format="png")
widgets.VBox([widgets.FloatSlider(value=0.1, max=0.3, description="sigma"), view])"""
FORM = "widgets.VBox([widgets.Button(description='Start'), widgets.FileUpload()])"


def write_lesson(root: Path, *codes: str, text: str = TEXT) -> Path:
    """Write the toy lesson of these cells."""
    first = new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]})
    cells = [new_markdown_cell(text), first, *map(new_code_cell, codes)]
    path = root / "notebooks" / "01_toy.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    return path


@pytest.fixture
def repository(tmp_path, monkeypatch) -> Path:
    """A repository of one lesson and some documents, which `build_site` takes for its own."""
    root = tmp_path / "repository"
    (root / "notebooks").mkdir(parents=True)
    (root / "docs").mkdir()
    (root / "README.md").write_text(README)
    for name in build_site.DOCUMENTS:
        text = (
            f"# {name}\n\n## Word\n\n[home](../README.md#start), [toy](../notebooks/01_toy.ipynb)\n"
        )
        (root / "docs" / f"{name}.md").write_text(text)
    write_lesson(root, IMPORTS, COUNT, PICTURE, SLIDER, FORM)
    monkeypatch.setattr(build_site, "ROOT", root)
    monkeypatch.setattr(build_site, "NOTEBOOKS", root / "notebooks")
    monkeypatch.setattr(build_site, "PAGE_BUILDER", root / "no_page.py")
    return root


def build(root: Path) -> Path:
    site = root / "build" / "site"
    build_site.build_site(site, build_site.list_lessons([], False), root / "build" / "lessons")
    return site


def read_pages(site: Path) -> dict[str, str]:
    return {
        path.relative_to(site).as_posix(): path.read_text(encoding="utf-8")
        for path in site.rglob("*.html")
    }


def list_targets(pages: dict[str, str]) -> list[tuple[str, str]]:
    """Every (page, link or source) of the pages, data left out."""
    found = []
    for page, text in pages.items():
        for target in re.findall(r'(?:href|src)="([^"]+)"', text):
            if not target.startswith("data:"):
                found.append((page, target))
    return found


def test_a_lesson_becomes_a_page_with_pictures_and_formulas_and_without_network(repository):
    site = build(repository)
    pages = read_pages(site)
    lesson = pages["lessons/01_toy.html"]
    assert "<math" in lesson and "$$" not in lesson
    assert "a &lt; b ~/weights.pth" in lesson  # and not whose folder it is
    assert "Because." in lesson
    assert "<summary>Code</summary>" in lesson  # the imports are folded

    # A picture, the slider's first position, and a sentence for what needs Python.
    assert sorted(path.name for path in (site / "lessons/01_toy").iterdir()) == ["01.png", "02.png"]
    assert "sigma 0.1" in lesson and "make lab" in lesson
    assert 'src="lessons/01_toy/01.png"' in pages["index.html"]
    assert "one idea" in pages["index.html"] and "badge" not in pages["index.html"]

    # Nothing is fetched from elsewhere, and every link leads somewhere.
    assert not [text for text in pages.values() if "<script" in text]
    for page, target in list_targets(pages):
        assert not re.match(r"https?:", target), f"{page} asks for {target}"
        path, _, place = target.partition("#")
        other = (site / page).parent / path if path else site / page
        assert other.is_file(), f"{page} leads to {target}"
        if place:
            assert f'id="{place}"' in other.read_text(), f"{page} leads to {target}"


def test_a_lesson_runs_again_only_if_its_code_has_changed(repository):
    build(repository)
    runs = repository / "build" / "lessons" / "notebooks" / "01_toy" / "runs.txt"
    write_lesson(repository, IMPORTS, COUNT, PICTURE, SLIDER, FORM, text="# Lesson 1: better words")
    site = build(repository)
    assert runs.read_text() == "x"
    lesson = (site / "lessons" / "01_toy.html").read_text()
    assert "better words" in lesson and "a &lt; b" in lesson

    write_lesson(repository, IMPORTS, COUNT.replace("a < b", "c < d"))
    assert "c &lt; d" in (build(repository) / "lessons" / "01_toy.html").read_text()
    assert runs.read_text() == "x"  # in an empty folder


def test_a_lesson_that_fails_stops_the_site_with_its_sentence(repository):
    site = build(repository)
    write_lesson(
        repository, "from siv_lite import SivLiteError\nraise SivLiteError('No balloons here')"
    )
    with pytest.raises(SivLiteError, match="No balloons here"):
        build(repository)
    assert "sigma" in (site / "lessons" / "01_toy.html").read_text()  # the old site still stands


def test_a_lesson_that_readme_leaves_out_is_named(repository):
    shutil.copy(
        repository / "notebooks" / "01_toy.ipynb", repository / "notebooks" / "02_new.ipynb"
    )
    with pytest.raises(SivLiteError, match="02_new"):
        build_site.list_lessons([], False)


def test_the_page_that_draws_in_the_browser_is_linked(repository, monkeypatch):
    script = repository / "build_page.py"
    script.write_text(
        "import sys, pathlib\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "folder.mkdir(parents=True)\n"
        "(folder / 'index.html').write_text('draws')\n"
    )
    monkeypatch.setattr(build_site, "PAGE_BUILDER", script)
    site = build(repository)
    assert (site / "try" / "index.html").read_text() == "draws"
    assert 'href="try/index.html"' in (site / "index.html").read_text()
    assert 'href="../try/index.html"' in (site / "lessons" / "01_toy.html").read_text()

    script.write_text("raise SystemExit('no weights')")
    with pytest.raises(SivLiteError, match=r"build_page.py failed"):
        build(repository)


def test_lesson_zero_opens_the_shipped_training(tmp_path):
    # Its folder holds the shipped run before anything runs; a toy of the same name shows it.
    first = new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]})
    look = new_code_cell("import os\nprint(os.path.exists('done.json'))")
    path = tmp_path / "notebooks" / "00_start_here.ipynb"
    path.parent.mkdir()
    nbformat.write(new_notebook(cells=[first, look]), path)
    lesson = run_lesson(path, tmp_path / "cache")
    assert lesson.cells[1].outputs[0].text == "True\n"


# The repository's own files


def test_readme_lists_every_lesson():
    lessons = build_site.list_lessons([], True)
    notebooks = sorted((ROOT / "notebooks").glob("[01][0-9]_*.ipynb"))
    assert [lesson.notebook for lesson in lessons if lesson.idea] == notebooks
    assert len(lessons) == 2 * len(notebooks) - 1  # solutions of all but the start


def test_readme_has_the_sections_of_the_front_page():
    sections = split_sections((ROOT / "README.md").read_text(encoding="utf-8"))
    needed = {"", "Who it is for", "Start", "The course", "The explorer", "Seven methods, one roof"}
    assert needed <= sections.keys()


@pytest.mark.parametrize(
    "name", ["README.md", *(f"docs/{name}.md" for name in build_site.DOCUMENTS)]
)
def test_links_of_documents_lead_to_files_and_headings(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if re.match(r"https?:", target):
            continue
        path, _, place = target.partition("#")
        other = (ROOT / name).parent / path if path else ROOT / name
        assert other.exists(), f"{name} leads to {target}"
        if place:
            headings = re.findall(r"^#+ (.+)$", other.read_text(encoding="utf-8"), re.MULTILINE)
            names = [re.sub(r"[^a-z0-9]+", "-", heading.lower()) for heading in headings]
            assert place in names, f"{name} leads to {target}"


# The classroom


def test_the_archive_holds_what_git_knows_and_its_wheels(tmp_path):
    names = [path.relative_to(ROOT).as_posix() for path in pack_classroom.list_repository(ROOT)]
    assert "README.md" in names and not [name for name in names if name.startswith("build/")]

    (tmp_path / "x.whl").write_text("wheel")
    files = {"README.md": ROOT / "README.md", **pack_classroom.list_folder(tmp_path, "wheels")}
    pack_classroom.pack(tmp_path / "out" / "classroom.zip", files)
    with zipfile.ZipFile(tmp_path / "out" / "classroom.zip") as archive:
        assert archive.namelist() == ["siv_lite/README.md", "siv_lite/wheels/x.whl"]

    with pytest.raises(SivLiteError, match="clone of the repository"):
        pack_classroom.list_repository(tmp_path)


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_make_installs_from_wheels_that_lie_beside_it(tmp_path):
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    command = ["make", "-n", ".venv/.installed"]
    online = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "--no-index" not in online.stdout and "--upgrade pip" in online.stdout

    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / "x.whl").touch()
    offline = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "--no-index --find-links wheels" in offline.stdout
    assert "--upgrade pip" not in offline.stdout
