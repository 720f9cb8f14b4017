"""Train on an image or clip of the visitor's own."""

import html
import re
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import torch
from torch import Tensor

from siv_lite.errors import SivLiteError
from siv_lite.frames import image_grid, read_frames, resize_frames
from siv_lite.methods import METHODS, make_settings
from siv_lite.training.config import MAX_SIZE
from siv_lite.widgets.background import Background
from siv_lite.widgets.estimate import UNITS, Estimate, fit_settings, in_words
from siv_lite.widgets.live import LiveTraining
from siv_lite.widgets.panel import Panel, Picture, as_status, encode, explain, make_seed_control
from siv_lite.widgets.runs import TITLES

PRESETS = {
    "smoke": "smoke: seconds, only to try",
    "lesson": "lesson: minutes on two cores",
    "paper": "paper: as published, for a GPU",
}
WORDS = {
    "siv_gan": "things in new places",
    "singan": "new details, at any size",
    "consingan": "as SinGAN, grown stage by stage",
    "gpdm": "patches put together, no training",
    "fastgan": "single images from many frames",
    "hp_vae_gan": "new videos from a clip",
    "patch_diffusion": "patches, quickly, no training",
}
MAX_SHOWN_FRAMES = 6  # of a clip
SHOWN_SIZE = 320  # longest side of an image that is shown, in pixels
SHOWN_FRAME_SIZE = 200  # the same of a frame of a clip
LONG_SECONDS = UNITS["days"]  # of a training that one is warned of


def upload(folder: str | Path) -> widgets.DOMWidget:
    """Make a form that trains on an image or clip of the visitor's own.

    Args:
        folder: each training gets a run folder of its own in it.

    Returns:
        The widget.
    """
    return Upload(Path(folder))


@dataclass(frozen=True, eq=False)
class ReadFile:
    """A file that was uploaded and read.

    Attributes:
        uploaded: as `ipywidgets.FileUpload` describes it.
        image_size: for which it was read.
        frames: (N, 3, H, W) in [-1, 1].
    """

    uploaded: dict[str, Any]
    image_size: int
    frames: Tensor


class Upload(Panel):
    """A form for one training after the other.

    Attributes:
        training: the last one, or None.
        chosen: what is known about the chosen file.
        picture: its frames, or some of them.
        time: how long the training will take.
        background: reads the file, then measures the time.
    """

    flow = "column"

    def __init__(self, folder: Path):
        """Build the form.

        Args:
            folder: of the run folders.
        """
        self.folder = folder
        self.training = None
        self.asked = None  # what was read and measured last, or is being
        self.read = None  # the `ReadFile` of the file that was read last
        self.estimate = Estimate()
        self.chosen = widgets.HTML()
        self.picture = Picture("The frames that will be used", height=None)
        self.picture.layout.display = "none"
        self.time = widgets.HTML()
        self.background = Background()
        self.shown = widgets.VBox()
        methods = [(f"{TITLES[name]}: {WORDS[name]}", name) for name in METHODS]
        presets = [(text, name) for name, text in PRESETS.items()]
        controls = {
            "file": widgets.FileUpload(
                accept="image/*,video/*",
                description="Image, GIF or video",
                tooltip="Image, GIF or video",
                layout={"width": "auto"},
            ),
            "method": widgets.Dropdown(description="Method", options=methods),
            "preset": widgets.Dropdown(description="Preset", options=presets, value="lesson"),
            "image_size": widgets.BoundedIntText(
                description="Longest side", value=64, min=32, max=MAX_SIZE
            ),
            "seed": make_seed_control(),
        }
        for name in ("method", "preset"):
            controls[name].layout.width = "auto"
            controls[name].observe(self.fit_size, "value")
        super().__init__(controls, {"Start": ("Train on this file", self.start)})
        self.fit_size()

    def arrange(self) -> list[widgets.Widget]:
        """Lay out: the controls, what was chosen beside them, the training below."""
        rows = [*self.controls.values(), self.buttons["Start"], self.message]
        self.column = widgets.VBox(rows, layout={"width": "380px"})
        beside = [self.chosen, self.picture, self.time, self.background.sign]
        beside = widgets.VBox(beside, layout={"flex": "1 1 300px", "min_width": "0"})
        row = widgets.HBox([self.column, beside], layout={"flex_flow": "row wrap"})
        row.add_class("siv-lite-main")
        return [row, self.shown]

    def fit_size(self, change: Any = None) -> None:
        """Set the longest side to the preset's."""
        settings = make_settings(self.controls["method"].value, self.controls["preset"].value)
        self.controls["image_size"].value = settings.image_size

    def draw(self) -> None:
        """Read the chosen file and measure the time, unless that has been done."""
        values = self.values()
        is_training = self.training is not None and self.training.is_running
        self.buttons["Start"].disabled = is_training
        asked = {name: value for name, value in values.items() if name != "seed"}
        if not values["file"] or is_training or asked == self.asked:
            return
        self.asked = asked
        self.estimate.cancel()
        self.chosen.value = f"<b>{html.escape(values['file'][0]['name'])}</b>"
        self.time.value = ""
        read = partial(self.read_frames, values)
        self.background.start("Reading the file", read, partial(self.show_frames, values))

    def read_frames(self, values: dict[str, Any]) -> Tensor:
        """Read the chosen file, unless that has been done.

        Args:
            values: of all controls.

        Returns:
            (N, 3, H, W) in [-1, 1].

        Raises:
            SivLiteError: if it cannot be used.
        """
        uploaded = values["file"][0]
        image_size = values["image_size"]
        read = self.read
        if read is None or read.uploaded is not uploaded or read.image_size != image_size:
            self.read = None
            self.picture.layout.display = "none"
            read = ReadFile(uploaded, image_size, read_uploaded(uploaded, image_size))
            self.read = read
        return read.frames

    def show_frames(self, values: dict[str, Any], frames: Tensor) -> None:
        """Show the frames of the chosen file, and begin to measure the time.

        Args:
            values: of all controls.
            frames: (N, 3, H, W) in [-1, 1].
        """
        self.picture.value = encode(draw_frames(frames))
        self.picture.layout.display = ""
        self.chosen.value += f": {describe_frames(frames, values)}"
        self.time.value = as_status("Measuring how long it will take ...")
        self.background.start("", partial(self.measure_time, values, frames), self.show_time)

    def measure_time(self, values: dict[str, Any], frames: Tensor) -> str:
        """Measure how long the training will take.

        Args:
            values: of all controls.
            frames: (N, 3, H, W) in [-1, 1].

        Returns:
            HTML.
        """
        try:
            seconds = self.estimate.measure(
                values["method"], frames, values["preset"], values["image_size"]
            )
        except Exception as error:  # whoever looks at a page cannot use a traceback
            return as_status(explain(error, "Measuring the time"))
        if seconds is None:
            return "It trains nothing: each new picture takes seconds."
        machine = "GPU" if torch.cuda.is_available() else "processor"
        text = f"about {in_words(seconds)} on this {machine}"
        if seconds < LONG_SECONDS:
            return f"Training takes {text}."
        return (
            f"<b>Training takes {text}.</b> Choose the preset <i>lesson</i> or a smaller side, or "
            "train on a machine with a GPU."
        )

    def show_time(self, text: str) -> None:
        """Show what `measure_time` returned."""
        self.time.value = text

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
        self.background.cancel()
        self.estimate.cancel()
        self.time.value = ""
        frames = self.read_frames(values)

        method = values["method"]
        preset = values["preset"]
        seed = values["seed"]
        image_size = values["image_size"]
        name = Path(make_harmless(values["file"][0]["name"])).stem
        folder = self.folder / f"{name}-{method}-{preset}-{image_size}-{seed}"
        self.training = LiveTraining(
            method, frames, folder, preset, seed=seed, image_size=image_size
        )
        self.training.observe(self.redraw, "is_running")
        self.shown.children = [self.training]
        self.buttons["Start"].disabled = True
        noun = "frame" if len(frames) == 1 else "frames"
        return f"Training on {len(frames)} {noun}, in {folder}"


def draw_frames(frames: Tensor) -> Any:
    """Draw frames in a row: all of them, or some from the first to the last.

    Args:
        frames: (N, 3, H, W) in [-1, 1].

    Returns:
        An image.
    """
    count = min(len(frames), MAX_SHOWN_FRAMES)
    chosen = torch.linspace(0, len(frames) - 1, count).round().long()
    size = SHOWN_SIZE if count == 1 else SHOWN_FRAME_SIZE
    return image_grid(resize_frames(frames[chosen], size), columns=count)


def describe_frames(frames: Tensor, values: dict[str, Any]) -> str:
    """Say what a file holds and how the method will see it.

    Args:
        frames: (N, 3, H, W) in [-1, 1].
        values: of the form's controls.

    Returns:
        A text such as "an image, kept at 256 x 192 pixels; SIV-GAN learns it at 56 x 40".
    """
    num_frames, _, height, width = frames.shape
    _, (small_height, small_width) = fit_settings(
        values["method"], frames, values["preset"], values["image_size"]
    )
    if num_frames == 1:
        text = f"an image, kept at {width:,} x {height:,} pixels"
    else:
        text = f"a clip, of which all {num_frames} frames are used"
        if num_frames > MAX_SHOWN_FRAMES:
            text += f" ({MAX_SHOWN_FRAMES} of them are shown)"
    title = TITLES[values["method"]]
    return f"{text}; {title} learns it at {small_width} x {small_height}"


def make_harmless(name: str) -> str:
    """Replace what a file's name could do harm with, in a path or a page."""
    return re.sub(r"[^\w.-]", "_", name)


def read_uploaded(uploaded: dict[str, Any], image_size: int) -> Tensor:
    """Read the frames of a file that was uploaded.

    Args:
        uploaded: as `ipywidgets.FileUpload` describes it.
        image_size: at which the method will work, in pixels.

    Returns:
        (N, 3, H, W) in [-1, 1].

    Raises:
        SivLiteError: if it cannot be used.
    """
    name = make_harmless(uploaded["name"])
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
