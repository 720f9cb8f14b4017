"""An image of which a part is outlined, to be dragged with the pointer or moved by arrow keys.

Script and style lie beside this file, so that a page needs no network.
"""

from collections.abc import Callable
from pathlib import Path

import anywidget
from traitlets import Bytes, Int, List, Unicode

FOLDER = Path(__file__).parent


class RegionPicture(anywidget.AnyWidget):
    """An image, and a part of it that is outlined where it was and where it is dragged to.

    A drag that begins in the part moves it; one that begins elsewhere outlines another part.

    Attributes:
        text: what is shown.
        image: the bytes of a file.
        size: (height, width) of the image, in pixels.
        region: (top, left, bottom, right) of the part, in pixels.
        shift: pixels (down, right) that it is dragged by.
    """

    _esm = FOLDER / "region.js"
    _css = FOLDER / "region.css"

    text = Unicode().tag(sync=True)
    image = Bytes().tag(sync=True)
    size = List(Int()).tag(sync=True)
    region = List(Int()).tag(sync=True)
    shift = List(Int()).tag(sync=True)

    def show(self, image: bytes, region: list[int], shift: list[int]) -> None:
        """Show another image and another part.

        Args:
            image: the bytes of a file.
            region: see the class.
            shift: see the class.
        """
        with self.hold_sync():
            self.image = image
            self.region = region
            self.shift = shift

    def when_dragged(self, action: Callable[[], None]) -> None:
        """Call something whenever `region` or `shift` changes.

        Args:
            action: called without arguments.
        """

        def answer(change: dict) -> None:
            action()
            self.send({"shown": True})  # the page sends the next change only now

        self.observe(answer, ["region", "shift"])
