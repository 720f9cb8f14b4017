"""What all widgets are made of: images, panels of controls, and a list of runs to choose from.

All controls work from the keyboard, and what goes wrong is said in one sentence.
"""

import html
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipywidgets as widgets
from PIL import Image
from torch import Tensor
from traitlets import Unicode

from siv_lite.errors import SivLiteError
from siv_lite.frames import to_uint8
from siv_lite.training import open_run

SCREEN_HEIGHT = 384  # of an image, in pixels of the screen
GIF_DURATION = 80  # milliseconds per frame
PNG_COMPRESSION = 3  # of 9; the usual 6 takes twice as long

Action = Callable[[], str | None]  # what a button does; it may return a message


class Picture(widgets.Image):
    """An image, enlarged by the browser with sharp pixels, and a text that describes it."""

    # The front end fails on the tooltip of a widget without a description.
    description = Unicode().tag(sync=True)

    def __init__(self, text: str, height: int | None = SCREEN_HEIGHT, **traits: Any):
        """Make an image, empty at first.

        Args:
            text: what it shows.
            height: in pixels of the screen; None for one pixel of the screen per pixel.
            **traits: of `ipywidgets.Image`, such as `value` (the bytes of a file) and `format`.
        """
        layout = {"align_self": "flex-start", "max_width": "100%", "width": "auto"}
        if height is not None:
            layout["height"] = f"{height}px"
        super().__init__(tooltip=text, layout=layout, **traits)
        self.add_class("siv-lite-picture")


def encode(images: Tensor | Image.Image) -> bytes:
    """Encode one image as PNG, or several as an endless GIF.

    Args:
        images: (n, 3, H, W) in [-1, 1], or an image of Pillow.

    Returns:
        The bytes of the file, as the `value` of a `Picture`.
    """
    if isinstance(images, Tensor):
        frames = [Image.fromarray(pixels) for pixels in to_uint8(images)]
    else:
        frames = [images]

    data = io.BytesIO()
    if len(frames) == 1:
        frames[0].save(data, "PNG", compress_level=PNG_COMPRESSION)
    else:
        later = frames[1:]
        frames[0].save(
            data, "GIF", save_all=True, append_images=later, duration=GIF_DURATION, loop=0
        )
    return data.getvalue()


def explain(error: Exception, task: str) -> str:
    """Say in one sentence why something failed.

    Args:
        error: what was raised.
        task: what was attempted, for an error that is not expected.

    Returns:
        The sentence.
    """
    if isinstance(error, SivLiteError):
        return str(error)
    return f"{task} failed: {type(error).__name__}: {error}".partition("\n")[0]


def as_status(text: str) -> str:
    """Turn a text into HTML that screen readers read out when it changes."""
    return f"<span role='status'>{html.escape(text)}</span>"


def make_seed_control(description: str = "Seed", value: int = 0) -> widgets.BoundedIntText:
    """Make a field for a seed.

    Args:
        description: its label.
        value: the seed at first.

    Returns:
        The control.
    """
    return widgets.BoundedIntText(description=description, value=value, max=2**31 - 1)


class Panel(widgets.Box):
    """Controls, buttons and a message, one below the other, and the widgets that they change.

    Attributes:
        controls: name -> control; every change of one calls `draw`.
        buttons: label -> button.
        message: what has been done, or why it failed.
        column: controls, buttons and message, the first child of the panel.
    """

    flow = "row wrap"  # CSS: where the other widgets stand, beside the column or below it

    def __init__(
        self,
        controls: dict[str, Any],
        actions: dict[str, tuple[str, Action]],
        *others: widgets.DOMWidget,
    ):
        """Build the panel and draw it for the first time.

        A subclass sets whatever its `draw` reads before it calls this.

        Args:
            controls: name -> control, from top to bottom.
            actions: label of a button -> hint and action.
            *others: widgets beside or below the column.
        """
        self.controls = controls
        self.message = widgets.HTML()
        self.buttons = {}
        for label, (hint, action) in actions.items():
            self.buttons[label] = self.make_button(label, hint, action)
        for control in controls.values():
            control.style.description_width = "90px"
            control.observe(self.redraw, "value")

        row_of_buttons = widgets.HBox(list(self.buttons.values()))
        rows = [*controls.values(), row_of_buttons, self.message]
        self.column = widgets.VBox(rows, layout={"width": "330px"})
        super().__init__([self.column, *others], layout={"flex_flow": self.flow})
        self.redraw()

    def make_button(self, label: str, hint: str, action: Action) -> widgets.Button:
        """Make a button that does an action and shows its message."""
        button = widgets.Button(description=label, tooltip=hint, layout={"width": "auto"})
        button.on_click(lambda _: self.attempt(label, action))
        return button

    def redraw(self, change: Any = None) -> None:
        """Draw and show the message; called whenever a control changes."""
        self.attempt("Drawing", self.draw)

    def draw(self) -> str | None:
        """Show what the controls ask for; the same values always show the same.

        Returns:
            A message, or None.
        """

    def attempt(self, task: str, action: Action) -> None:
        """Do something and show its message, or in one sentence why it failed.

        Args:
            task: what is attempted, for a message about an unexpected error.
            action: called without arguments; it may return a message.
        """
        try:
            text = action() or ""
        except Exception as error:  # whoever looks at a page cannot use a traceback
            text = explain(error, task)
        self.message.value = as_status(text)

    def values(self) -> dict[str, Any]:
        """Return the values of all controls.

        Returns:
            Name of the control -> its value.
        """
        return {name: control.value for name, control in self.controls.items()}


class Chooser(Panel):
    """A list of the runs in and below some folders, and a view of the one that is chosen.

    Attributes:
        view: the view, or None if there is none.
    """

    flow = "column"

    def __init__(self, folders: tuple[str | Path, ...], make_view: Callable[..., Panel]):
        """List the runs and show the first.

        Args:
            folders: only what lies in one of these is ever opened.
            make_view: makes a view from a `Run`.
        """
        self.roots = [Path(folder).resolve() for folder in folders]
        self.make_view = make_view
        self.view = None
        self.shown = widgets.VBox()
        style = widgets.HTML("<style>.siv-lite-picture {image-rendering: pixelated}</style>")
        runs = widgets.Dropdown(
            description="Run",
            options=self.find_runs(),
            layout={"width": "auto"},  # the names are long
        )
        actions = {"List again": ("Look for new runs", self.list_again)}
        super().__init__({"run": runs}, actions, style, self.shown)

    def find_runs(self) -> list[tuple[str, Path]]:
        """Return a label and the folder of every run that has a checkpoint."""
        found = set()
        for root in self.roots:
            for checkpoint in root.rglob("checkpoint-*.json"):
                found.add(checkpoint.parent)
        base = os.path.commonpath([root.parent for root in self.roots])
        return [(os.path.relpath(folder, base), folder) for folder in sorted(found)]

    def list_again(self) -> str:
        """Look for runs again, and show the first."""
        self.controls["run"].options = self.find_runs()
        return self.draw()

    def draw(self) -> str:
        """Show the chosen run."""
        return self.show(self.controls["run"].value)

    def show(self, folder: Path | None) -> str:
        """Show a run.

        Args:
            folder: its run folder; None if there is none.

        Returns:
            A message that describes the run.

        Raises:
            SivLiteError: if there is none, and if it, or anything in it, lies outside of the
                folders.
        """
        self.view = None
        self.shown.children = []
        allowed = " and ".join(str(root) for root in self.roots)
        if folder is None:
            raise SivLiteError(f"There is no run in {allowed} yet; train one first")

        # Symbolic links are followed to where they lead.
        for path in [folder, *folder.glob("*")]:
            if not any(path.resolve().is_relative_to(root) for root in self.roots):
                raise SivLiteError(f"{path} lies outside of {allowed}; choose a run in there")

        run = open_run(folder)
        self.view = self.make_view(run)
        self.shown.children = [self.view]
        return repr(run)
