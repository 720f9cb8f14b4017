"""Watch a training from a notebook or a page while it runs in a process of its own."""

import html
import math
import subprocess
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

from siv_lite.comparison import start_child
from siv_lite.errors import SivLiteError
from siv_lite.figures import draw_losses, plot_losses
from siv_lite.frames import image_grid
from siv_lite.training import Run, open_run, train
from siv_lite.training.checkpoint import list_checkpoints, read_log
from siv_lite.training.collapse import explain_collapse, find_collapse
from siv_lite.training.config import create_or_verify, load_frames, make_method
from siv_lite.training.loop import GRID_SEED
from siv_lite.widgets.background import Background
from siv_lite.widgets.panel import Panel, Picture, encode

POLL_SECONDS = 1.0  # between two looks at a training
MAX_LINK_BYTES = 50_000_000  # of a file that a page holds as a link
NUM_WALK_FRAMES = 24

# Rendering while a training goes on, in the same cores.
NUM_RENDERED = 4  # samples
MAX_RENDERED_SIZE = 256  # longest side, in pixels
MAX_RENDERED_SHARE = 0.05  # of the time


def live_training(
    method: str,
    frames: Tensor,
    out: str | Path,
    preset: str = "lesson",
    live: bool | None = None,
    **options: Any,
) -> widgets.DOMWidget:
    """Train and watch: progress, losses, newest samples, and a button that saves and stops.

    Args:
        method: name in `METHODS`, such as "siv_gan".
        frames: (N, 3, H, W) in [-1, 1].
        out: the run folder.
        preset: "smoke", "lesson" or "paper".
        live: True trains in a process of its own, so that the notebook stays usable; False in this
            cell, with plain figures at the end; None chooses by whether somebody sits before the
            notebook.
        **options: of `train`.

    Returns:
        A widget, whose `run` is the `Run` as of its newest checkpoint.

    Raises:
        SivLiteError: for input that cannot be used.
    """
    if live is None:
        live = is_attended()
    if live:
        return LiveTraining(method, frames, Path(out), preset, **options)

    run = train(method, frames, out, preset, progress=False, **options)
    plot_losses(run.log())
    newest_grid = max(run.folder.glob("samples/*.png"))
    display(Image.open(newest_grid).convert("RGB"))
    view = widgets.HTML(f"{run.iteration} iterations of {method} are done.")
    view.run = run
    return view


def is_attended() -> bool:
    """Tell whether somebody sits before the notebook.

    Returns:
        Whether the cell may ask for `input`: JupyterLab allows it; papermill, nbval, nbconvert and
        Voila, which wait for the end of each cell, do not.
    """
    kernel = getattr(get_ipython(), "kernel", None)
    return getattr(kernel, "_allow_stdin", False)


class LiveTraining(Panel):
    """A training in a process of its own, seen through the files of its run folder.

    At its end there are links to take the results away.

    Attributes:
        folder: the run folder.
        child: the process.
        thread: looks at the folder once a second until the process ends.
        bar: the progress.
        scenes: samples of the newest checkpoint, rendered; empty for videos.
        background: renders them.
        grid: the newest samples.
        losses: the losses so far.
        links: to the results.
    """

    flow = "column"
    newest = None  # the last training that this process has begun

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
        """Start a training, or go on with one.

        Args:
            method: name in `METHODS`.
            frames: (N, 3, H, W) in [-1, 1].
            folder: the run folder.
            preset: "smoke", "lesson" or "paper".
            device: as in `train`, like all that follows.
            seed: seeds the weights and every draw of the training.
            precision: "fp32", "tf32" or "bf16".
            iterations: replaces the preset's number of iterations.
            **settings: single settings that replace the preset's.

        Raises:
            SivLiteError: for input that cannot be used, and while another training is under way.
        """
        newest = LiveTraining.newest
        if newest is not None and newest.child.poll() is None:
            raise SivLiteError(f"A training is under way in {newest.folder}; stop it first")

        if iterations is not None:
            settings["iterations"] = iterations
        config = create_or_verify(folder, method, frames, preset, precision, seed, settings)
        # Only the method knows its number of iterations, which can depend on the frames.
        built = make_method(config, load_frames(folder, config), torch.device("cpu"))

        self.folder = folder
        self.first_iteration = None  # that was seen, and when
        self.first_time = None
        self.is_rendered = built.frames_per_sample == 1
        self.rendered_checkpoint = None  # the newest that was
        self.next_rendering = 0.0  # not before this time
        self.bar = widgets.IntProgress(description="Training", max=built.iterations)
        self.scenes = Picture("New scenes, rendered with the photograph's patches", height=None)
        self.background = Background()
        self.links = widgets.HTML()
        self.grid = Picture("Newest samples")
        self.losses = Picture("Losses so far", height=None)
        self.child = start_child(folder, device, "train", subprocess.PIPE)
        shown = (self.bar, self.links, self.background.sign)
        super().__init__({}, {"Stop": ("Save and stop", self.stop)}, *shown)
        self.thread = threading.Thread(target=self.watch, daemon=True)
        LiveTraining.newest = self
        self.thread.start()

    @property
    def run(self) -> Run:
        """The run as of its newest checkpoint."""
        return open_run(self.folder)

    def stop(self) -> str:
        """Ask the process to save and end."""
        self.child.stdin.close()
        return self.draw()

    def watch(self) -> None:
        """Show the training until its process ends."""
        while self.child.poll() is None:
            self.attempt("Showing the training", self.draw)
            if time.monotonic() >= self.next_rendering:
                self.render_newest()
            time.sleep(POLL_SECONDS)
        self.attempt("The training", self.end)

    def draw(self) -> str:
        """Show what the folder holds by now.

        Returns:
            How far the training is.
        """
        log = read_log(self.folder)
        if not log:
            return "Getting ready ..."
        iteration = log[-1]["iteration"]
        now = time.monotonic()
        if self.first_iteration is None:
            self.first_iteration = iteration
            self.first_time = now
        if iteration != self.bar.value:
            self.show_newest(log)
        if self.child.stdin.closed:
            return "Saving and stopping ..."

        total = self.bar.max
        text = f"{iteration} of {total} iterations"
        done = iteration - self.first_iteration
        if done == 0:
            return text
        seconds_left = (now - self.first_time) * (total - iteration) / done
        return f"{text}, {seconds_left / 60:.1f} minutes left"

    def show_newest(self, log: list[dict[str, float]]) -> None:
        """Show the losses of a log and the newest samples."""
        figure = Figure(layout="constrained")
        draw_losses(figure, log)
        data = BytesIO()
        figure.savefig(data)
        self.losses.value = data.getvalue()
        self.bar.value = log[-1]["iteration"]

        children = [self.column, self.bar, self.links, self.background.sign]
        if self.scenes.value:
            children.append(self.scenes)
        grids = sorted(self.folder.glob("samples/*.png"))
        if grids:
            self.grid.value = grids[-1].read_bytes()
            children.append(self.grid)
        children.append(self.losses)
        self.children = children

    def render_newest(self) -> None:
        """Begin to render samples of the newest checkpoint, unless they are shown already."""
        checkpoints = list_checkpoints(self.folder)
        if not self.is_rendered or not checkpoints or checkpoints[0] == self.rendered_checkpoint:
            return
        self.rendered_checkpoint = checkpoints[0]
        self.next_rendering = math.inf  # until this one is done
        self.background.start("Rendering the newest samples", self.draw_scenes, self.show_scenes)

    def draw_scenes(self) -> bytes:
        """Render the first samples of the grid, as of the newest checkpoint."""
        begin = time.monotonic()
        try:
            run = self.run
            samples = run.sample(NUM_RENDERED, seed=GRID_SEED)
            rendered = run.render(samples, seed=GRID_SEED, max_size=MAX_RENDERED_SIZE)
        finally:
            now = time.monotonic()
            self.next_rendering = now + (now - begin) / MAX_RENDERED_SHARE
        return encode(image_grid(rendered))

    def show_scenes(self, data: bytes) -> None:
        """Show the rendered samples, above the grid."""
        self.scenes.value = data
        if self.scenes not in self.children:
            column, bar, links, sign, *others = self.children
            self.children = [column, bar, links, sign, self.scenes, *others]

    def end(self) -> str:
        """Show the links, if there is anything to take away.

        Returns:
            How the training has ended.
        """
        self.draw()
        self.buttons["Stop"].disabled = True
        self.render_newest()
        self.background.wait()
        if list_checkpoints(self.folder):
            links = []
            for name, data in self.results().items():
                links.append(self.make_link(name, data))
            self.links.value = "<br>".join(links)

        if (self.folder / "done.json").exists():
            collapsed_at = find_collapse(self.folder, self.bar.max)
            advice = f". {explain_collapse(collapsed_at)}" if collapsed_at else ""
            return f"Finished, in {self.folder}{advice}"
        lines = self.child.stdout.read().decode().splitlines()
        if not lines:
            return f"Its process ended with code {self.child.returncode}"
        if lines[-1] == "KeyboardInterrupt":
            return "Stopped while getting ready"
        return lines[-1]

    def results(self) -> dict[str, bytes]:
        """Collect what can be taken away.

        Returns:
            Name -> file: the newest samples if there are any, rendered ones, a walk or video, and
            the run folder with its newest checkpoint.
        """
        run = self.run
        files = {}
        if self.grid.value:
            files["samples.png"] = self.grid.value
        if self.scenes.value:
            files["rendered.png"] = self.scenes.value

        if run.method.frames_per_sample > 1:
            files["walk.gif"] = encode(run.sample(1)[0])
        else:
            files["walk.gif"] = encode(run.walk(NUM_WALK_FRAMES))

        zipped = BytesIO()
        with zipfile.ZipFile(zipped, "w") as archive:
            for path in [*self.folder.glob("*.*"), *self.folder.glob("samples/*.png")]:
                is_checkpoint = "checkpoint" in path.name
                if not is_checkpoint or f"{run.iteration:08d}" in path.name:
                    archive.write(path, Path(self.folder.name, path.relative_to(self.folder)))
        files["run.zip"] = zipped.getvalue()
        return files

    def make_link(self, name: str, data: bytes) -> str:
        """Make a link that holds a file.

        Args:
            name: of the file.
            data: its bytes.

        Returns:
            HTML; only a text if the file is too large for a page.
        """
        name = html.escape(f"{self.folder.name}-{name}")
        if len(data) > MAX_LINK_BYTES:
            return f"{name} would be too large: see {html.escape(str(self.folder))}"
        address = f"data:application/octet-stream;base64,{b64encode(data).decode()}"
        return f"<a download='{name}' href='{address}'>{name}</a>"
