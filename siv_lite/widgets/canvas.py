"""Images that hear the pointer: a canvas for a large one, a strip of small ones to choose from.

Their scripts and styles lie beside this file, so that a page needs no network.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
from torch import Tensor
from traitlets import Bool, Bytes, Float, Int, List, Unicode

FOLDER = Path(__file__).parent
CELL_PIXELS = 3  # side of a cell of the sample whose source is known to the page, in pixels

Region = tuple[float, float, float, float]  # (top, left, bottom, right), fractions of the sides


class Canvas(anywidget.AnyWidget):
    """An image as large as the screen allows, never distorted.

    The pointer lights up where a place of a rendered sample comes from, in the photograph of the
    same `name`; a click chooses a region.

    Attributes:
        text: what is shown.
        image: the bytes of a file, PNG or GIF.
        aspect: width over height on the screen; 0 for that of the image.
        is_smooth: whether enlarged pixels are blended.
        grid: (rows, columns) of cells, of which a click chooses some; empty for none.
        region: the sides that are outlined; empty for none.
        name: that sample and photograph have in common.
        sources: float32 values (y, x) for each cell of `source_grid`: the middle of its source as
            fractions of the photograph's sides; empty if unknown.
        source_grid: number of (rows, columns); empty for the photograph.
        patch: height and width of a patch in the sample and in the photograph, as fractions.
    """

    _esm = FOLDER / "canvas.js"
    _css = FOLDER / "canvas.css"

    text = Unicode().tag(sync=True)
    image = Bytes().tag(sync=True)
    aspect = Float(0.0).tag(sync=True)
    is_smooth = Bool(True).tag(sync=True)
    grid = List(Int()).tag(sync=True)
    region = List(Float()).tag(sync=True)
    name = Unicode().tag(sync=True)
    sources = Bytes().tag(sync=True)
    source_grid = List(Int()).tag(sync=True)
    patch = List(Float()).tag(sync=True)

    def show(self, image: bytes, aspect: float = 0.0, is_smooth: bool = True) -> None:
        """Show an image whose sources are not known.

        Args:
            image: the bytes of a file.
            aspect: width over height on the screen; 0 for that of the image.
            is_smooth: whether enlarged pixels are blended.
        """
        with self.hold_sync():
            self.image = image
            self.aspect = aspect
            self.is_smooth = is_smooth
            self.sources = b""

    def show_rendered(self, image: bytes, places: np.ndarray, patch: list[float]) -> None:
        """Show a rendered image and know where it comes from.

        Args:
            image: the bytes of a file.
            places: (rows, columns, 2), float32, as from `find_places`.
            patch: sizes of a patch; see the class.
        """
        with self.hold_sync():
            self.image = image
            self.is_smooth = True
            self.source_grid = list(places.shape[:2])
            self.patch = patch
            self.sources = places.tobytes()

    def when_clicked(self, action: Callable[[Region], None]) -> None:
        """Call something whenever a region is chosen.

        Args:
            action: called with the region.
        """
        self.on_msg(lambda _, content, buffers: action(tuple(content["region"])))

    def download(self, name: str, data: bytes) -> None:
        """Hand a file to the browser, which saves it as any download.

        Args:
            name: of the file.
            data: its bytes.
        """
        self.send({"download": name}, [data])


class Strip(anywidget.AnyWidget):
    """Small images in a row, each of them a button.

    Attributes:
        images: the bytes of a file each.
        texts: what each shows.
        chosen: index of the one that is marked; -1 for none.
        can_drop: whether each has a button that drops it.
    """

    _esm = FOLDER / "strip.js"
    _css = FOLDER / "canvas.css"

    images = List(Bytes()).tag(sync=True)
    texts = List(Unicode()).tag(sync=True)
    chosen = Int(-1).tag(sync=True)
    can_drop = Bool(False).tag(sync=True)

    def show(self, images: list[bytes], texts: list[str]) -> None:
        """Show other images.

        Args:
            images: the bytes of a file each.
            texts: what each shows.
        """
        with self.hold_sync():
            self.images = images
            self.texts = texts

    def when_clicked(
        self, choose: Callable[[int], Any], drop: Callable[[int], Any] | None = None
    ) -> None:
        """Call something whenever an image is chosen or dropped.

        Args:
            choose: called with its index.
            drop: called with its index, if the images can be dropped.
        """
        actions = {"choose": choose, "drop": drop}
        self.on_msg(lambda _, content, buffers: actions[content["action"]](content["index"]))


def find_places(sources: Tensor, size: tuple[int, int]) -> np.ndarray:
    """Reduce the sources of all pixels to what the page needs.

    Args:
        sources: frame, row and column for each pixel of a sample, (h, w, 3).
        size: (H, W) of the frame.

    Returns:
        (y, x) of the middle of every third pixel's source in fractions of the frame, (rows,
        columns, 2), float32.
    """
    middle = CELL_PIXELS // 2
    cells = sources[middle::CELL_PIXELS, middle::CELL_PIXELS, 1:]  # (rows, columns, 2)
    places = (cells.numpy() + 0.5) / np.array(size)
    return places.astype(np.float32)
