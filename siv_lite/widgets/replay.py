"""The grids of a training that has been, to look at beside one that goes on."""

from collections.abc import Sequence
from pathlib import Path

import ipywidgets as widgets

from siv_lite.errors import SivLiteError
from siv_lite.widgets.canvas import Canvas

PLAY_MILLISECONDS = 1500  # from one grid to the next


class Replay:
    """The grids of some run folders, by iteration: as the networks drew them, not rendered.

    Attributes:
        paths: the grids, in the order of their iterations.
        slider: chooses one.
        box: all that is shown; empty if there are no grids.
    """

    def __init__(self, folders: Sequence[str | Path]):
        """Show the first grid, if there is any.

        Args:
            folders: of the same training.

        Raises:
            SivLiteError: if a folder has no grids.
        """
        self.paths = []
        for folder in folders:
            found = list(Path(folder).glob("samples/*.png"))
            if not found:
                raise SivLiteError(f"{folder} has no grids to replay; leave it out of `beside`")
            self.paths += found
        self.paths.sort(key=lambda path: path.stem)

        last = max(0, len(self.paths) - 1)
        self.slider = widgets.IntSlider(max=last, readout=False, description="Replay")
        play = widgets.Play(max=last, interval=PLAY_MILLISECONDS, description="Replay")
        widgets.jslink((play, "value"), (self.slider, "value"))
        self.text = widgets.HTML()
        self.canvas = Canvas(text="Samples of another training")
        self.canvas.add_class("siv-lite-photograph")
        bar = widgets.HBox([play, self.slider, self.text])
        bar.add_class("siv-lite-bar")
        self.box = widgets.VBox([bar, self.canvas] if self.paths else [])
        self.slider.observe(self.show, "value")
        if self.paths:
            self.show()

    def show(self, change: dict | None = None) -> None:
        """Show the chosen grid, and say what it is."""
        path = self.paths[self.slider.value]
        self.canvas.show(path.read_bytes())
        self.text.value = (
            f"Another training of this photograph, after {int(path.stem):,} iterations: "
            "sixteen samples as its network drew them, not rendered"
        )
