"""Watch a training from a notebook or a page, and start one from a file."""

import html
import os
import re
import subprocess
import tempfile
import threading
import time
import zipfile
from base64 import b64encode
from io import BytesIO
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import torch
from IPython import get_ipython
from IPython.display import display
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from siv_lite.checkpoint import list_checkpoints, read_log
from siv_lite.comparison import start_child
from siv_lite.errors import SivLiteError
from siv_lite.figures import draw_losses, plot_losses
from siv_lite.frames import check_frames, read_frames
from siv_lite.methods import METHODS
from siv_lite.run import Run, build, claim_folder, make_config, open_run
from siv_lite.training import train
from siv_lite.widgets import Panel, Picture, Seed, encode

POLL, MOST_BYTES = 1.0, 50_000_000  # seconds between two looks at a training; of a file that a page holds as a link


def live_training(
    method: str, frames: Tensor, out: str | Path, preset: str = "lesson", live: bool | None = None, **options: Any
) -> widgets.DOMWidget:
    """`train` with its `options`, watched: progress, losses, newest samples, and a button that saves and stops. The
    widget's `run` is the `Run` as of its newest checkpoint.

    `live`: in a process of its own, so that the notebook stays usable; False: in this cell, with plain figures. None
    asks whether the cell may ask for `input`, as in JupyterLab, where somebody sits before it; papermill, nbval,
    nbconvert and Voila, which wait for each cell's end, forbid it. SivLiteError for input that cannot be used.
    """
    if live or (live is None and getattr(getattr(get_ipython(), "kernel", None), "_allow_stdin", False)):
        return LiveTraining(method, frames, Path(out), preset, **options)
    run, view = train(method, frames, out, preset, progress=False, **options), widgets.HTML()
    plot_losses(run.log())
    display(Image.open(max(run.folder.glob("samples/*.png"))).convert("RGB"))
    view.run, view.value = run, f"{run.iteration} iterations of {method} are done."
    return view


def upload(folder: str | Path) -> widgets.DOMWidget:
    """A form that trains on an image or clip of the visitor's own, in a folder of its own in `folder`."""
    return Upload(Path(folder))


class LiveTraining(Panel):
    """A training in a process of its own, seen through the files of its folder, and at its end links to them."""

    flow, newest = "column", None  # newest: the last one that this process began

    def __init__(
        self,
        method: str,
        frames: Tensor,
        folder: Path,
        preset: str,
        device: str = "auto",
        seed: int = 0,
        precision: str = "fp32",
        iterations: int | None = None,
        **settings: Any,
    ):
        if LiveTraining.newest and LiveTraining.newest.child.poll() is None:
            raise SivLiteError(f"A training is under way in {LiveTraining.newest.folder}; stop it first")
        settings |= {} if iterations is None else {"iterations": iterations}
        config = make_config(method, check_frames(frames), preset, precision, seed, settings)
        claim_folder(folder, config, frames)
        total = build(folder, config, torch.device("cpu"))[0].iterations
        self.folder, self.first = folder, None
        self.bar, self.links = widgets.IntProgress(description="Training", max=total), widgets.HTML()
        self.grid, self.losses = Picture("Newest samples"), Picture("Losses so far", None)
        self.child = start_child(folder, device, subprocess.PIPE, "train")
        super().__init__({}, {"Stop": ("Save and stop", self.stop)}, self.bar, self.links)
        self.thread, LiveTraining.newest = threading.Thread(target=self.watch, daemon=True), self
        self.thread.start()

    @property
    def run(self) -> Run:
        return open_run(self.folder)

    def stop(self) -> str:
        self.child.stdin.close()
        return self.draw()

    def watch(self) -> None:
        while self.child.poll() is None:
            self.attempt("Showing the training", self.draw)
            time.sleep(POLL)
        self.attempt("The training", self.end)

    def draw(self) -> str:
        """Show what the folder holds by now; return how far the training is."""
        log, now = read_log(self.folder), time.monotonic()
        if not log:
            return "Getting ready ..."
        iteration, total = log[-1]["iteration"], self.bar.max
        self.first = self.first or (iteration, now)
        if iteration != self.bar.value:
            figure, data = Figure(layout="constrained"), BytesIO()
            draw_losses(figure, log)
            figure.savefig(data)
            self.losses.value, self.bar.value = data.getvalue(), iteration
            self.grid.value = max(self.folder.glob("samples/*.png"), default=Path(os.devnull)).read_bytes()
            self.children = (*self.children[:3], *[self.grid] * bool(self.grid.value), self.losses)
        if self.child.stdin.closed:
            return "Saving and stopping ..."
        text, done = f"{iteration} of {total} iterations", iteration - self.first[0]
        return f"{text}, {(now - self.first[1]) * (total - iteration) / done / 60:.1f} minutes left" if done else text

    def end(self) -> str:
        """Show the links, if there is anything to take away, and say how it ended."""
        self.draw()
        self.buttons["Stop"].disabled = True
        if list_checkpoints(self.folder):
            self.links.value = "<br>".join(self.link(name, data) for name, data in self.files().items() if data)
        if (self.folder / "done.json").exists():
            return f"Finished, in {self.folder}"
        output = self.child.stdout.read().decode()
        lines = [f"Its process ended with code {self.child.returncode}", *output.splitlines()]
        return "Stopped while getting ready" if lines[-1] == "KeyboardInterrupt" else lines[-1]

    def files(self) -> dict[str, bytes]:
        """What can be taken away: the newest grid, a walk or video, and the run with its newest checkpoint."""
        run, zipped = self.run, BytesIO()
        walk = run.sample(1)[0] if run.method.length > 1 else run.walk(24)
        with zipfile.ZipFile(zipped, "w") as archive:
            for path in (*self.folder.glob("*.*"), *self.folder.glob("samples/*.png")):
                if "checkpoint" not in path.name or f"{run.iteration:08d}" in path.name:
                    archive.write(path, Path(self.folder.name, path.relative_to(self.folder)))
        return {"samples.png": self.grid.value, "walk.gif": encode(walk), "run.zip": zipped.getvalue()}

    def link(self, name: str, data: bytes) -> str:
        name = html.escape(f"{self.folder.name}-{name}")
        if len(data) > MOST_BYTES:
            return f"{name} would be too large: see {html.escape(str(self.folder))}"
        return f"<a download='{name}' href='data:application/octet-stream;base64,{b64encode(data).decode()}'>{name}</a>"


class Upload(Panel):
    """A form for one training after the other; `training` is the last one."""

    def __init__(self, folder: Path):
        self.folder, self.place, self.training = folder, widgets.VBox(), None
        texts = dict.fromkeys(("description", "tooltip"), "Image, GIF or video")
        controls = {
            "file": widgets.FileUpload(accept="image/*,video/*", layout={"width": "auto"}, **texts),
            "max_size": widgets.BoundedIntText(description="Longest side", value=64, min=32, max=1024),
            "method": widgets.Dropdown(description="Method", options=list(METHODS)),
            "preset": widgets.Dropdown(description="Preset", options=("smoke", "lesson", "paper"), value="lesson"),
            "seed": Seed(),
        }
        super().__init__(controls, {"Start": ("Train on this file", self.start)}, self.place)

    def start(self) -> str:
        """Train on the chosen file, of which only the frames are kept."""
        files, max_size, method, preset, seed = self.values().values()
        if not files:
            raise SivLiteError("No file is chosen yet; choose an image, a GIF or a video first")
        name = re.sub(r"[^\w.-]", "_", files[0]["name"])
        with tempfile.TemporaryDirectory() as temporary:
            path = Path(temporary, f"upload-{name}")
            path.write_bytes(files[0]["content"])
            try:
                frames = read_frames(path, max_size)
            except SivLiteError as error:
                raise SivLiteError(str(error).replace(str(path), name)) from error
        folder = self.folder / f"{Path(name).stem}-{method}-{preset}-{max_size}-{seed}"
        self.training = LiveTraining(method, frames, folder, preset, seed=seed)
        self.place.children = (self.training,)
        return f"Training on {len(frames)} frame{'s' * (len(frames) > 1)}, in {folder}"
