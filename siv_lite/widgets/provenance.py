"""The tracer: where in the photograph every place of a rendered sample comes from.

The pointer needs no script: every cell of the sample carries, as numbers in its style, the place of
its source, and a rule of CSS lights both up while the pointer is over the cell. So it answers at
once, in JupyterLab, in Voila and in a page that was saved. Two sliders do the same by keyboard.
"""

import html
import math
from base64 import b64encode
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import ipywidgets as widgets
import torch
from torch import Tensor

from siv_lite.errors import SivLiteError
from siv_lite.frames import image_grid, resize_frames
from siv_lite.rendering.sampler import PATCH_SIDE
from siv_lite.training import Run
from siv_lite.widgets.background import Background
from siv_lite.widgets.panel import Chooser, Panel, as_status, encode, make_seed_control

MAX_SAMPLE_SIZE = 320  # longest side of the sample, in pixels, to be quick
MAX_PHOTOGRAPH_SIZE = 640  # longest side of a frame, in pixels
MAX_CELLS = 72  # along the longest side of the sample
NUM_KEPT_SAMPLES = 8

# In percent of the width of the widget.
GAP = 1.0
WIDTH = 100 - GAP  # of photograph and sample together

STYLE = """
.siv-lite-trace {position: relative; display: grid; width: 100%; max-width: 1200px}
.siv-lite-trace img {display: block; width: 100%; height: 100%; grid-row: 1}
.siv-lite-trace .cells {display: grid; grid-area: 1 / 2; cursor: crosshair}
.siv-lite-trace i::before, .siv-lite-trace i::after {
  display: none; content: ""; position: absolute; box-sizing: content-box; pointer-events: none;
  border: 3px solid #ffe000; outline: 2px solid black; width: var(--w); height: var(--h);
  transform: translate(-50%, -50%)}
.siv-lite-trace i::before {left: var(--x); top: var(--y); --w: var(--sw); --h: var(--sh)}
.siv-lite-trace i::after {left: var(--u); top: var(--v); --w: var(--pw); --h: var(--ph)}
.siv-lite-trace i:hover::before, .siv-lite-trace i:hover::after {display: block}
"""


def trace(*folders: str | Path) -> widgets.DOMWidget:
    """See where in the photograph the places of a rendered sample come from.

    The place under the pointer, or the one that two sliders choose, is framed in the sample, and
    its source in the photograph.

    Args:
        *folders: of runs, or of folders of runs.

    Returns:
        The widget.
    """
    return Chooser(folders, Tracer)


class Tracer(Panel):
    """A photograph, and beside it a rendered sample whose places light up their sources.

    Attributes:
        run: the run.
        traced: what is shown; None until the first sample is drawn.
        background: draws the samples.
        images: photograph and sample.
        light: the style that lights up what the sliders choose.
        place: where that comes from, in words.
    """

    flow = "column"

    def __init__(self, run: Run):
        """Build the tracer.

        Args:
            run: of a method that makes images.

        Raises:
            SivLiteError: for a run of a method that makes videos.
        """
        if run.method.frames_per_sample > 1:
            raise SivLiteError(
                f"{run.folder} is a run of {run.config['method']}, which makes videos; the tracer "
                "is for images"
            )
        self.run = run
        self.traced = None
        self.seed = None  # of the sample that is shown or being drawn
        self.trace_sample = lru_cache(NUM_KEPT_SAMPLES)(self.draw_sample)
        self.images = widgets.HTML(layout={"width": "100%"})
        self.light = widgets.HTML()
        self.place = widgets.HTML()
        self.background = Background(self.images, self.light, self.place)

        # The size of the samples is known before they are drawn.
        unrendered = torch.empty(1, 3, *run.method.size)
        height, width = run.rendered_size(unrendered, MAX_SAMPLE_SIZE)
        controls = {
            "seed": make_seed_control(),
            "row": make_place_slider("Row", height),
            "column": make_place_slider("Column", width),
        }
        shown = (self.place, self.background.sign, self.images, self.light)
        super().__init__(controls, {}, *shown)

    def draw_sample(self, seed: int) -> "Traced":
        """Draw a sample and find out where it comes from."""
        samples = self.run.sample(1, seed)
        images, sources = self.run.provenance(samples, seed=seed, max_size=MAX_SAMPLE_SIZE)
        return Traced(self.run.frames, images, sources[0])

    def draw(self) -> None:
        """Begin to draw another sample, or light up what the sliders choose."""
        seed = self.controls["seed"].value
        if seed != self.seed:
            self.seed = seed
            work = partial(self.trace_sample, seed)
            self.background.start("Drawing with the photograph's patches", work, self.show)
        elif self.traced is not None:
            self.light_up()

    def show(self, traced: "Traced") -> None:
        """Show a sample and its sources."""
        self.traced = traced
        self.images.value = traced.as_html(self.model_id)
        self.light_up()

    def light_up(self) -> None:
        """Frame the place that the sliders choose, and its source, and say where that is."""
        traced = self.traced
        row = self.controls["row"].value
        column = self.controls["column"].value
        self.light.value = traced.rule(self.model_id, row, column)

        frame, source_row, source_column = traced.sources[row, column].tolist()
        place = f"Row {row}, column {column} of the sample: from row {source_row}, column "
        place += f"{source_column} of the photograph"
        if len(traced.frames) > 1:
            place += f", frame {frame}"
        self.place.value = as_status(place)


def make_place_slider(description: str, side: int) -> widgets.IntSlider:
    """Make a slider for a row or column.

    Args:
        description: its label.
        side: height or width of the image, in pixels.

    Returns:
        The control, set to the middle.
    """
    return widgets.IntSlider(description=description, value=side // 2, max=side - 1)


@dataclass(frozen=True)
class Traced:
    """A rendered sample and its sources, as HTML.

    Attributes:
        frames: (N, 3, H, W) in [-1, 1]; several are shown as a grid.
        images: the sample, (1, 3, h, w) in [-1, 1].
        sources: frame, row and column in pixels of the frames, (h, w, 3).
    """

    frames: Tensor
    images: Tensor
    sources: Tensor

    @property
    def columns(self) -> int:
        """The number of frames in a row of their grid."""
        return math.ceil(math.sqrt(len(self.frames)))

    def cell_grid(self) -> tuple[int, int]:
        """Return the number of rows and columns of cells that the sample is divided into."""
        height, width = self.sources.shape[:2]
        side = max(height, width) / MAX_CELLS
        side = max(side, 3)
        return round(height / side), round(width / side)

    def geometry(self) -> tuple[float, float, float]:
        """Return the widths of photograph and sample, and their height, in percent of the width
        of both; they are as high as each other."""
        rows = math.ceil(len(self.frames) / self.columns)
        height, width = self.frames.shape[2:]
        aspect = self.columns * width / (rows * height)
        sample_height, sample_width = self.sources.shape[:2]
        sample_aspect = sample_width / sample_height

        height = WIDTH / (aspect + sample_aspect)
        return aspect * height, sample_aspect * height, height

    def as_html(self, name: str) -> str:
        """Write the page with photograph and sample.

        Args:
            name: of the widget, letters and digits.

        Returns:
            HTML.
        """
        photograph_width, sample_width, _ = self.geometry()
        rows, columns = self.cell_grid()
        photograph = image_grid(
            resize_frames(self.frames, MAX_PHOTOGRAPH_SIZE), self.columns, padding=0
        )
        cells = "".join(self.make_cells())
        layout = f"grid-template-columns: {photograph_width:.3f}% {sample_width:.3f}%"
        grid = f"grid-template: repeat({rows}, 1fr) / repeat({columns}, 1fr)"
        return (
            f"<style>{STYLE}</style>"
            f"<div class='siv-lite-trace' id='trace-{html.escape(name)}' "
            f"style='{layout}; column-gap: {GAP}%; {self.frame_sizes()}'>"
            f"<img alt='The photograph' style='grid-column: 1' src='{as_url(photograph)}'>"
            f"<img alt='A new scene, drawn with its patches' style='grid-column: 2' "
            f"src='{as_url(self.images)}'>"
            f"<div class='cells' style='{grid}'>{cells}</div></div>"
        )

    def frame_sizes(self) -> str:
        """Return the sizes of the two frames, those of a patch, as variables of CSS."""
        photograph_width, sample_width, _ = self.geometry()
        sample_height_pixels, sample_width_pixels = self.sources.shape[:2]
        height, width = self.frames.shape[2:]
        rows = math.ceil(len(self.frames) / self.columns)

        # The photograph was reduced until it was as large as the sample.
        reduction = min(1, max(sample_height_pixels / height, sample_width_pixels / width))
        side = PATCH_SIDE / reduction
        sizes = {
            "sw": PATCH_SIDE / sample_width_pixels * sample_width,
            "sh": PATCH_SIDE / sample_height_pixels * 100,
            "pw": side / (self.columns * width) * photograph_width,
            "ph": side / (rows * height) * 100,
        }
        return "; ".join(f"--{name}: {size:.3f}%" for name, size in sizes.items())

    def make_cells(self) -> list[str]:
        """Return a cell for each place of the sample, row by row, with the corners of both frames.

        Left and right are percent of the whole width, top and bottom of the height.
        """
        photograph_width, sample_width, _ = self.geometry()
        height, width = self.sources.shape[:2]
        rows, columns = self.cell_grid()
        y = (torch.arange(rows) + 0.5) / rows  # middles of the cells, as shares of the sample
        x = (torch.arange(columns) + 0.5) / columns
        sources = self.sources[(y * height).long()][:, (x * width).long()]
        v, u = self.places(sources)

        cells = []
        left = photograph_width + GAP
        for row in range(rows):
            for column in range(columns):
                corners = {
                    "x": left + x[column].item() * sample_width,
                    "y": y[row].item() * 100,
                    "u": u[row, column].item() * photograph_width,
                    "v": v[row, column].item() * 100,
                }
                style = ";".join(f"--{name}:{value:.1f}%" for name, value in corners.items())
                cells.append(f"<i style='{style}'></i>")
        return cells

    def places(self, sources: Tensor) -> tuple[Tensor, Tensor]:
        """Return where sources lie in the grid of frames.

        Args:
            sources: (..., 3), frame, row and column in pixels.

        Returns:
            Shares of the grid's height and width, (...) each.
        """
        frame, row, column = sources.unbind(-1)
        height, width = self.frames.shape[2:]
        rows = math.ceil(len(self.frames) / self.columns)
        v = (frame // self.columns + (row + 0.5) / height) / rows
        u = (frame % self.columns + (column + 0.5) / width) / self.columns
        return v, u

    def rule(self, name: str, row: int, column: int) -> str:
        """Write the style that lights up a place while the pointer is elsewhere.

        Args:
            name: of the widget.
            row: of the sample, in pixels.
            column: of the sample, in pixels.

        Returns:
            HTML.
        """
        height, width = self.sources.shape[:2]
        rows, columns = self.cell_grid()
        number = row * rows // height * columns + column * columns // width
        cell = f"#trace-{html.escape(name)} .cells:not(:hover) i:nth-child({number + 1})"
        return f"<style>{cell}::before, {cell}::after {{display: block}}</style>"


def as_url(image: object) -> str:
    """Return an image as an address that holds it."""
    return f"data:image/png;base64,{b64encode(encode(image)).decode()}"
