"""Train on an image or clip of the visitor's own."""

import re
import tempfile
from pathlib import Path
from typing import Any

import ipywidgets as widgets
from torch import Tensor

from siv_lite.errors import SivLiteError
from siv_lite.frames import read_frames
from siv_lite.methods import METHODS
from siv_lite.training.config import MAX_SIZE
from siv_lite.widgets.live import LiveTraining
from siv_lite.widgets.panel import Panel, make_seed_control

PRESETS = ("smoke", "lesson", "paper")


def upload(folder: str | Path) -> widgets.DOMWidget:
    """Make a form that trains on an image or clip of the visitor's own.

    Args:
        folder: each training gets a run folder of its own in it.

    Returns:
        The widget.
    """
    return Upload(Path(folder))


class Upload(Panel):
    """A form for one training after the other.

    Attributes:
        training: the last one, or None.
    """

    def __init__(self, folder: Path):
        """Build the form.

        Args:
            folder: of the run folders.
        """
        self.folder = folder
        self.training = None
        self.shown = widgets.VBox()
        controls = {
            "file": widgets.FileUpload(
                accept="image/*,video/*",
                description="Image, GIF or video",
                tooltip="Image, GIF or video",
                layout={"width": "auto"},
            ),
            "image_size": widgets.BoundedIntText(
                description="Longest side", value=64, min=32, max=MAX_SIZE
            ),
            "method": widgets.Dropdown(description="Method", options=list(METHODS)),
            "preset": widgets.Dropdown(description="Preset", options=PRESETS, value="lesson"),
            "seed": make_seed_control(),
        }
        super().__init__(controls, {"Start": ("Train on this file", self.start)}, self.shown)

    def start(self) -> str:
        """Train on the chosen file, of which only the frames are kept.

        Returns:
            Where the training goes on.

        Raises:
            SivLiteError: if there is no file, or none that can be used.
        """
        values = self.values()
        if not values["file"]:
            raise SivLiteError("No file is chosen yet; choose an image, a GIF or a video first")
        uploaded = values["file"][0]
        name = re.sub(r"[^\w.-]", "_", uploaded["name"])
        image_size = values["image_size"]
        frames = read_uploaded(uploaded, name, image_size)

        method = values["method"]
        preset = values["preset"]
        seed = values["seed"]
        folder = self.folder / f"{Path(name).stem}-{method}-{preset}-{image_size}-{seed}"
        self.training = LiveTraining(
            method, frames, folder, preset, seed=seed, image_size=image_size
        )
        self.shown.children = [self.training]
        noun = "frame" if len(frames) == 1 else "frames"
        return f"Training on {len(frames)} {noun}, in {folder}"


def read_uploaded(uploaded: dict[str, Any], name: str, image_size: int) -> Tensor:
    """Read the frames of a file that was uploaded.

    Args:
        uploaded: as `ipywidgets.FileUpload` describes it.
        name: of the file, with harmless characters only.
        image_size: at which the method will work, in pixels.

    Returns:
        (N, 3, H, W) in [-1, 1].

    Raises:
        SivLiteError: if it cannot be used.
    """
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary, f"upload-{name}")
        path.write_bytes(uploaded["content"])
        try:
            frames = read_frames(path, image_size)
            # A photograph is kept whole; a clip of some minutes would fill the memory.
            if len(frames) == 1:
                frames = read_frames(path, MAX_SIZE)
            return frames
        except SivLiteError as error:
            raise SivLiteError(str(error).replace(str(path), name)) from error
