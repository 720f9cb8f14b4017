"""The grids of a training that has been, to look at beside one that goes on."""

from collections.abc import Sequence
from pathlib import Path

import ipywidgets as widgets
from PIL import Image

from siv_lite.errors import SivLiteError
from siv_lite.training.preview import NUM_SCENES
from siv_lite.widgets.canvas import Canvas
from siv_lite.widgets.panel import encode

PLAY_MILLISECONDS = 1500  # from one grid to the next
PADDING = 2  # pixels between the samples of a grid


class Replay:
    """The first samples of a training's grids: as its network drew them, not rendered.

    A training with the same settings draws its newest scenes from the same latents.

    Attributes:
        paths: the grids, in the order of their iterations.
        slider: chooses one.
        box: all that is shown; empty if there are no grids.
    """

    def __init__(self, folders: Sequence[str | Path], size: tuple[int, int]):
        """Show samples of the first grid, if there is any.

        Args:
            folders: run folders of one training, such as its first half and its whole.
            size: (H, W) of a sample, in pixels.

        Raises:
            SivLiteError: if a folder has no grids.
        """
        self.size = size
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
        with Image.open(path) as grid:
            self.canvas.show(encode(cut_row(grid, self.size)))
        self.text.value = (
            f"Another training of this photograph, after {int(path.stem):,} iterations: samples as "
            "its network drew them, not rendered"
        )


def cut_row(grid: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Cut the first samples out of a grid, as many as there are newest scenes.

    Args:
        grid: as from `image_grid`.
        size: (H, W) of a sample, in pixels.

    Returns:
        The samples in one row; the whole grid if its samples have another size.
    """
    height, width = size
    num_columns, rest = divmod(grid.width - PADDING, width + PADDING)
    if rest > 0 or num_columns == 0:
        return grid
    row = Image.new("RGB", (NUM_SCENES * (width + PADDING), height), "white")
    for index in range(NUM_SCENES):
        top = PADDING + index // num_columns * (height + PADDING)
        left = PADDING + index % num_columns * (width + PADDING)
        sample = grid.crop((left, top, left + width, top + height))
        row.paste(sample, (index * (width + PADDING), 0))
    return row
