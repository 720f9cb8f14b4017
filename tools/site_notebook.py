"""Executed notebooks as HTML without a script; pictures become files beside it.

What needs a kernel is shown as it stood when the notebook ran: of a slider, its first position.
"""

import ast
import html
import re
from base64 import b64decode
from pathlib import Path

from nbconvert.filters import strip_ansi
from nbformat import NotebookNode
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from site_markdown import PageRenderer, render_markdown

ROOT = Path(__file__).parents[1]
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
NEEDS_PYTHON = (
    "Here the notebook has a tool that needs a running Python; <code>make lab</code> opens it."
)
FIRST_POSITION = "In the notebook this moves; here it stands as it begins: "
PICTURES = {"image/svg+xml": "svg", "image/png": "png", "image/jpeg": "jpg", "image/gif": "gif"}


class NotebookPage:
    """The HTML of one notebook, and the pictures that it needs.

    Attributes:
        renderer: writes its text, and knows its headings afterwards.
        pictures: names of the files of its pictures, in their order.
        sheets: those of them that are images of samples and the like, and no charts.
        covers: the pictures of cells that hold the words of `cover_code`.
    """

    def __init__(
        self,
        notebook: NotebookNode,
        folder: Path,
        renderer: PageRenderer,
        cover_code: str | None = None,
    ):
        """Get ready.

        Args:
            notebook: with outputs.
            folder: for its pictures, beside the page and named like it; it is made when needed.
            renderer: of the page.
            cover_code: words in the code of the cell whose picture stands for the notebook.
        """
        self.cover_code = cover_code
        self.notebook = notebook
        self.folder = folder
        self.renderer = renderer
        self.pictures: list[str] = []
        self.sheets: list[str] = []
        self.covers: list[str] = []
        state = notebook.metadata.get("widgets", {}).get(WIDGET_STATE, {})
        self.widgets = state.get("state", {})

    def render(self) -> str:
        """Write the page.

        Returns:
            HTML without a head.
        """
        parts = []
        for cell in self.notebook.cells:
            if cell.cell_type == "markdown":
                parts.append(render_markdown(cell.source, self.renderer))
            elif cell.cell_type == "code":
                parts.append(render_code(cell.source))
                first = len(self.pictures)
                shown = "".join(self.render_output(output) for output in cell.outputs)
                if self.cover_code is not None and self.cover_code in cell.source:
                    self.covers += self.pictures[first:]
                parts.append(f'<div class="output">{shown}</div>\n' if shown else "")
        return "".join(parts)

    def choose_cover(self) -> str | None:
        """Choose the picture that stands for the notebook, once it is rendered.

        Returns:
            The name of its file: the last of the cell with the words of `cover_code`, else the
            sheet with most to see; None without any.
        """
        if self.covers:
            return self.covers[-1]
        if not self.sheets:
            return None
        return max(self.sheets, key=lambda name: (self.folder / name).stat().st_size)

    def render_output(self, output: NotebookNode) -> str:
        """Write one output of a cell: a picture, a widget, HTML or text, in this order."""
        if output.output_type == "stream":
            return render_text(output.text) if output.name == "stdout" else ""
        data = output.get("data", {})
        for kind, suffix in PICTURES.items():
            if kind in data:
                is_text = suffix == "svg"
                content = data[kind].encode() if is_text else b64decode(data[kind])
                shown = self.add_picture(content, suffix)
                if "PIL" in data.get("text/plain", ""):
                    self.sheets.append(self.pictures[-1])
                return shown
        if WIDGET_VIEW in data:
            return self.render_widget(data[WIDGET_VIEW]["model_id"])
        if "text/html" in data:
            return f'<div class="wide">{data["text/html"]}</div>'
        return render_text(data.get("text/plain", ""))

    def add_picture(self, content: bytes, suffix: str) -> str:
        """Write a picture into its file."""
        self.folder.mkdir(parents=True, exist_ok=True)
        name = f"{len(self.pictures) + 1:02}.{suffix}"
        (self.folder / name).write_bytes(content)
        self.pictures.append(name)

        headings = self.renderer.headings
        text = re.sub(r"<[^>]+>", "", headings[-1][2]) if headings else ""
        alt = f"{text}: picture {len(self.pictures)} of this page"
        path = f"{self.folder.name}/{name}"
        return f'<img src="{path}" alt="{html.escape(alt)}" loading="lazy">'

    def render_widget(self, model_id: str) -> str:
        """Write what a widget shows before anybody touches it."""
        found = self.list_widgets(model_id)
        names = {widget["model_name"] for widget in found}
        if "FloatProgressModel" in names:  # of a training that is over
            return ""
        if "ImageModel" not in names:
            if names <= {"HTMLModel", "LabelModel", "VBoxModel"}:
                return "".join(self.render_part(widget) for widget in found)
            return f'<p class="note">{NEEDS_PYTHON}</p>'

        parts = [self.render_part(widget) for widget in found]
        positions = [
            describe_slider(widget) for widget in found if "Slider" in widget["model_name"]
        ]
        note = f'<p class="note">{FIRST_POSITION}{", ".join(positions)}.</p>' if positions else ""
        return note + "".join(parts)

    def list_widgets(self, model_id: str) -> list[dict]:
        """List a widget and all that it holds, from top to bottom."""
        if model_id not in self.widgets:
            return []
        widget = self.widgets[model_id]
        found = [widget]
        for child in widget["state"].get("children", []):
            found += self.list_widgets(child.removeprefix("IPY_MODEL_"))
        return found

    def render_part(self, widget: dict) -> str:
        """Write one widget without what it holds; controls are left out."""
        state = widget["state"]
        if widget["model_name"] == "ImageModel":
            buffers = widget.get("buffers", [])
            content = [buffer["data"] for buffer in buffers if buffer["path"] == ["value"]]
            return self.add_picture(b64decode(content[0]), state.get("format", "png"))
        if widget["model_name"] == "HTMLModel":
            return f"<p>{state.get('value', '')}</p>"
        if widget["model_name"] == "LabelModel":
            return f"<p>{html.escape(state.get('value', ''))}</p>"
        return ""


def render_code(source: str) -> str:
    """Write the code of a cell; one that only imports, or draws the map, is folded.

    Args:
        source: Python.

    Returns:
        HTML.
    """
    code = highlight(source, PythonLexer(), HtmlFormatter(cssclass="code"))
    imports = ast.Import | ast.ImportFrom
    only_imports = all(isinstance(node, imports) for node in ast.parse(source).body)
    if only_imports or source.startswith("from siv_lite.figures import show_map"):
        return f"<details><summary>Code</summary>{code}</details>\n"
    return f"{code}\n"


def render_text(text: str) -> str:
    """Write what a cell printed.

    Args:
        text: with the control characters of a terminal, perhaps.

    Returns:
        HTML; nothing for no text.
    """
    plain = hide_folders(strip_ansi(text).rstrip())
    return f"<pre>{html.escape(plain)}</pre>" if plain else ""


def hide_folders(text: str) -> str:
    """Leave out of a text where on this machine the repository and the user's folder lie.

    Args:
        text: what a cell printed.

    Returns:
        The text with paths that begin at the repository, or with a tilde.
    """
    text = text.replace(f"{ROOT}/", "")
    home = Path.home()
    return text if home == Path(home.anchor) else text.replace(str(home), "~")


def describe_slider(widget: dict) -> str:
    """Say where a slider stands.

    Args:
        widget: its state, as notebooks keep it.

    Returns:
        Such as "sigma 0.1".
    """
    state = widget["state"]
    if "_options_labels" in state:
        value = state["_options_labels"][state["index"]]
    else:
        value = state.get("value", 0)  # what equals its default is not kept
    return html.escape(f"{state.get('description', '')} {value}".strip())
