"""What all widgets are made of: images, panels of controls, and a list of runs to choose from.

All controls work from the keyboard, and what goes wrong is said in one sentence.
"""

import html
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipywidgets as widgets
from PIL import Image
from torch import Tensor
from traitlets import Unicode

from siv_lite.errors import SivLiteError
from siv_lite.frames import to_uint8
from siv_lite.widgets.runs import RunList

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

        children = [*self.arrange(), *others]
        super().__init__(children, layout={"flex_flow": self.flow})
        self.redraw()

    def arrange(self) -> list[widgets.Widget]:
        """Lay out controls, buttons and message: here in a column."""
        row_of_buttons = widgets.HBox(list(self.buttons.values()))
        rows = [*self.controls.values(), row_of_buttons, self.message]
        self.column = widgets.VBox(rows, layout={"width": "330px"})
        return [self.column]

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
    run_list = RunList  # which runs are offered

    def __init__(self, folders: tuple[str | Path, ...], make_view: Callable[..., Panel]):
        """List the runs and show the first.

        Args:
            folders: only what lies in one of these is ever opened.
            make_view: makes a view from a `Run`.
        """
        self.runs = self.run_list(folders)
        self.make_view = make_view
        self.view = None
        self.folder = None  # of the run that is shown
        self.shown = widgets.VBox()
        style = widgets.HTML("<style>.siv-lite-picture {image-rendering: pixelated}</style>")
        chosen = widgets.Dropdown(
            description="Run",
            options=self.runs.find(),
            layout={"width": "auto"},  # the names are long
        )
        actions = {"List again": ("Look for new runs", self.list_again)}
        super().__init__({"run": chosen}, actions, style, self.shown)
        self.column.layout.width = "min(100%, 480px)"

    def list_again(self) -> None:
        """Look for runs again, and keep the one that is shown."""
        update_options(self.controls["run"], self.runs.find(), self.redraw)

    def draw(self) -> None:
        """Show the chosen run, unless it is shown already."""
        folder = self.controls["run"].value
        if folder is None or folder != self.folder:
            self.show(folder)

    def show(self, folder: Path | None) -> None:
        """Show a run.

        Args:
            folder: its run folder; None if there is none.

        Raises:
            SivLiteError: if it cannot be opened.
        """
        self.folder = None
        self.view = None
        self.shown.children = []
        self.view = self.make_view(self.runs.open(folder))
        self.shown.children = [self.view]
        self.folder = folder


def update_options(
    control: widgets.Dropdown, options: list[tuple[str, Any]], redraw: Callable[[Any], None]
) -> None:
    """Offer other options, and keep what is chosen if it is one of them.

    Args:
        control: the list.
        options: label and value each.
        redraw: what observes the control; called once, and only if another value is chosen now.
    """
    chosen = control.value
    control.unobserve(redraw, "value")
    control.options = options
    values = [value for _, value in options]
    if chosen in values:
        control.value = chosen
    control.observe(redraw, "value")
    if control.value != chosen:
        redraw(None)
