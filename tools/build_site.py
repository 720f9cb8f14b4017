"""Build the course as a web site: executed lessons and documents, for a browser without network.

    python tools/build_site.py                      # all lessons, into build/site
    python tools/build_site.py --lessons 02 04      # only these
    python tools/build_site.py --solutions          # with the solutions of the exercises

Lessons run once; later only those whose code has changed run again. `--again` runs all.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import nbformat
from jinja2 import Environment, FileSystemLoader
from lesson_cache import FINISHED_RUNS, ROOT, run_lesson
from nbformat import NotebookNode
from pygments.formatters import HtmlFormatter
from site_markdown import PageRenderer, render_markdown, split_sections
from site_notebook import NotebookPage

from siv_lite.errors import SivLiteError

SITE = ROOT / "build" / "site"
CACHE = ROOT / "build" / "lessons"
NOTEBOOKS = ROOT / "notebooks"
TEMPLATES = Path(__file__).with_name("site_template")
DOCUMENTS = {  # of docs/
    "teaching": "Teaching",
    "reference": "Reference",
    "recipe": "Recipe",
    "glossary": "Glossary",
    "classroom": "Classroom",
}
PAGE_BUILDER = Path(__file__).with_name("build_page.py")  # of the page that draws in the browser
# Words in the code of the cell whose picture stands for a lesson; else it is the largest picture.
COVERS = {
    "01_one_image_is_a_data_set": "original, shuffled, blurred",
    "02_the_patch_gan_pyramid": "real, reduced",
    "03_from_noise_to_image": "a scene, then its upper left corner",
    "04_two_judges": "layout's input",
    "05_diversity": "with the diversity term",
    "06_mixing_and_augmentation": 'f"probability {p}"',
    "07_training_live": "six samples of yours",
    "08_measuring": "show(cheats)",
    "09_five_answers": "{letter: images[name]",
    "10_your_own": "scene_sheet(run.frames, rendered",
    "11_the_network_that_needs_no_training": "at the photograph's own size",
    "12_one_image_ten_years": "draw_years(rendered)",
}
OPENED_NOTE = (
    "For this page nothing was trained: the finished training that comes with the repository was "
    "opened. On your computer the cell below trains."
)


class Lesson(NamedTuple):
    """What the site says about a lesson."""

    notebook: Path
    page: str  # its path on the site
    title: str
    idea: str  # one line; empty for a solution


class Site:
    """The pages of a site while it is written.

    Attributes:
        folder: where it is written.
        lessons: in their order.
        pages: path in the repository -> path on the site, of all that has a page or a file here.
        has_try: whether there is a page that draws in the browser.
    """

    def __init__(self, folder: Path, lessons: list[Lesson], has_try: bool):
        """Get ready.

        Args:
            folder: where it is written.
            lessons: in their order.
            has_try: whether there is a page that draws in the browser.
        """
        self.folder = folder
        self.lessons = lessons
        self.has_try = has_try
        self.templates = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=False)
        self.pages = {"README.md": "index.html"}
        for name in DOCUMENTS:
            self.pages[f"docs/{name}.md"] = f"{name}.html"
        for lesson in lessons:
            path = lesson.notebook.relative_to(ROOT).as_posix()
            self.pages[path] = lesson.page

    def make_resolver(self, source: str, page: str) -> Callable[[str], str | None]:
        """Make what turns the links of one file into links of its page.

        Args:
            source: path of the file in the repository.
            page: path of its page on the site.

        Returns:
            A function from a link as written to the link on the page, or None.
        """

        def resolve(url: str) -> str | None:
            if re.match(r"https?:|#", url):
                return url
            path, _, place = url.partition("#")
            base = "" if path.startswith("notebooks/") else str(PurePosixPath(source).parent)
            path = os.path.normpath(os.path.join(base, path)).replace(os.sep, "/")
            if path not in self.pages:
                if not path.startswith("docs/") or not (ROOT / path).is_file():
                    return None
                self.copy(path)
            target = os.path.relpath(self.pages[path], PurePosixPath(page).parent)
            return target.replace(os.sep, "/") + (f"#{place}" if place else "")

        return resolve

    def copy(self, path: str) -> None:
        """Copy a picture of the repository to the site."""
        target = f"pictures/{PurePosixPath(path).name}"
        (self.folder / "pictures").mkdir(exist_ok=True)
        shutil.copyfile(ROOT / path, self.folder / target)
        self.pages[path] = target

    def write(self, page: str, template: str, **values: object) -> None:
        """Fill a template and write the page.

        Args:
            page: path on the site.
            template: name of its file.
            **values: what the template asks for, besides what all pages have.
        """
        path = self.folder / page
        path.parent.mkdir(parents=True, exist_ok=True)
        root = "../" * (len(PurePosixPath(page).parts) - 1)
        text = self.templates.get_template(template).render(
            root=root,
            page=page,
            lessons=[lesson for lesson in self.lessons if lesson.idea],
            documents=DOCUMENTS,
            has_try=self.has_try,
            **values,
        )
        path.write_text(text, encoding="utf-8")

    def write_lesson(self, lesson: Lesson, notebook: NotebookNode) -> str | None:
        """Write the page of a lesson.

        Args:
            lesson: what the site says about it.
            notebook: with outputs.

        Returns:
            The path, on the site, of the picture that stands for the lesson; None if it has none.
        """
        source = lesson.notebook.relative_to(ROOT).as_posix()
        renderer = PageRenderer(self.make_resolver(source, lesson.page))
        folder = (self.folder / lesson.page).with_suffix("")
        page = NotebookPage(notebook, folder, renderer, COVERS.get(lesson.notebook.stem))
        body = page.render()

        place = self.lessons.index(lesson)
        self.write(
            lesson.page,
            "page.html.j2",
            title=lesson.title,
            **split_heading(body),
            note=OPENED_NOTE if lesson.notebook.stem in FINISHED_RUNS else "",
            contents=[heading[1:] for heading in renderer.headings if heading[0] == 2],
            previous=self.lessons[place - 1] if place > 0 else None,
            following=self.lessons[place + 1] if place + 1 < len(self.lessons) else None,
        )
        cover = page.choose_cover()
        return None if cover is None else (folder / cover).relative_to(self.folder).as_posix()

    def write_document(self, name: str) -> None:
        """Write the page of a document of docs/."""
        source = ROOT / "docs" / f"{name}.md"
        page = f"{name}.html"
        renderer = PageRenderer(self.make_resolver(f"docs/{name}.md", page))
        body = render_markdown(source.read_text(encoding="utf-8"), renderer)
        contents = [heading[1:] for heading in renderer.headings if heading[0] == 2]
        parts = split_heading(body)
        self.write(page, "page.html.j2", title=DOCUMENTS[name], contents=contents, **parts)

    def write_front(self, pictures: dict[str, str]) -> None:
        """Write the front page out of README.

        Args:
            pictures: page of a lesson -> path of the picture that stands for it.
        """
        sections = split_sections((ROOT / "README.md").read_text(encoding="utf-8"))
        renderer = PageRenderer(self.make_resolver("README.md", "index.html"))

        # The name of the project is the page's head, its badges are for the repository, and the
        # table of lessons becomes cards.
        lines = sections[""].splitlines()
        intro = "\n".join(line for line in lines if not line.startswith(("# ", "![Python")))
        course = sections["The course"].partition("\n\n")[0]
        self.write(
            "index.html",
            "front.html.j2",
            title="siv_lite",
            intro=render_markdown(intro, renderer),
            audience=render_markdown(sections["Who it is for"], renderer),
            course=render_markdown(course, renderer),
            explorer=render_markdown(sections["The explorer"], renderer),
            start=render_markdown(sections["Start"], renderer),
            methods=render_markdown(sections["Seven methods, one roof"], renderer),
            pictures=pictures,
        )


def list_lessons(chosen: list[str], with_solutions: bool) -> list[Lesson]:
    """List the lessons, as README's table describes them.

    Args:
        chosen: beginnings of the names of lessons, such as "02"; none: all.
        with_solutions: whether the solutions follow.

    Returns:
        The lessons in their order, then the solutions.

    Raises:
        SivLiteError: if README's table leaves out a lesson.
    """
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    ideas = dict(re.findall(r"\]\(notebooks/(\w+)\.ipynb\) \| (.+?) \|", readme))
    lessons = []
    solutions = []
    for notebook in sorted(NOTEBOOKS.glob("[01][0-9]_*.ipynb")):
        if chosen and not notebook.name.startswith(tuple(chosen)):
            continue
        if notebook.stem not in ideas:
            raise SivLiteError(f"README's table of lessons has no row for {notebook.stem}; add one")
        page = f"lessons/{notebook.stem}.html"
        lessons.append(Lesson(notebook, page, read_title(notebook), ideas[notebook.stem]))
        solution = NOTEBOOKS / "solutions" / notebook.name
        if with_solutions and solution.exists():
            page = f"solutions/{notebook.stem}.html"
            solutions.append(Lesson(solution, page, read_title(solution), ""))
    return lessons + solutions


def split_heading(body: str) -> dict[str, str]:
    """Split a page behind its first heading, where the list of contents stands.

    Args:
        body: HTML.

    Returns:
        The two parts, "heading" and "body".
    """
    heading, mark, rest = body.partition("</h1>\n")
    if not mark:
        return {"heading": "", "body": body}
    return {"heading": heading + mark, "body": rest}


def read_title(notebook: Path) -> str:
    """Return a notebook's first heading.

    Args:
        notebook: path of a notebook.

    Returns:
        The heading without its mark.
    """
    cells = nbformat.read(notebook, as_version=4).cells
    return cells[0].source.splitlines()[0].removeprefix("# ")


def build_site(target: Path, lessons: list[Lesson], cache: Path) -> None:
    """Run the lessons and write the site.

    The site that is there stays as it is until all lessons have run.

    Args:
        target: folder of the site; what it holds is replaced.
        lessons: as `list_lessons` returns them.
        cache: folder of what lessons leave.

    Raises:
        SivLiteError: if a lesson fails, or the page that draws in the browser.
    """
    notebooks = []
    for lesson in lessons:
        print(f"{lesson.notebook.stem} ...", flush=True)
        notebooks.append(run_lesson(lesson.notebook, cache))

    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    has_try = PAGE_BUILDER.exists()
    if has_try:
        command = [sys.executable, str(PAGE_BUILDER), str(target / "try")]
        if subprocess.run(command).returncode != 0:
            raise SivLiteError(f"{PAGE_BUILDER.name} failed; what it says stands above")

    style = (TEMPLATES / "site.css").read_text(encoding="utf-8")
    colors = HtmlFormatter(style="friendly", cssclass="code").get_style_defs(".code")
    (target / "site.css").write_text(f"{style}\n{colors}\n", encoding="utf-8")

    site = Site(target, lessons, has_try)
    pictures = {}
    for lesson, notebook in zip(lessons, notebooks, strict=True):
        picture = site.write_lesson(lesson, notebook)
        if picture is not None:
            pictures[lesson.page] = picture
    for name in DOCUMENTS:
        site.write_document(name)
    site.write_front(pictures)


def main() -> None:
    """Read the command line and build the site."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=SITE, help="default: build/site")
    parser.add_argument("--lessons", nargs="+", default=[], help="only these, such as 02 04")
    parser.add_argument("--solutions", action="store_true", help="with the solutions")
    parser.add_argument("--again", action="store_true", help="run all lessons again")
    given = parser.parse_args()
    if given.again:
        shutil.rmtree(CACHE, ignore_errors=True)
    try:
        build_site(given.folder, list_lessons(given.lessons, given.solutions), CACHE)
    except SivLiteError as error:
        sys.exit(str(error))
    size = sum(path.stat().st_size for path in given.folder.rglob("*") if path.is_file())
    print(f"{size / 1e6:.0f} megabytes; open {given.folder / 'index.html'} in a browser")


if __name__ == "__main__":
    main()
