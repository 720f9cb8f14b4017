"""Watch a training from a notebook or a page while it runs in a process of its own."""

import html
import subprocess
import threading
import time
import zipfile
from base64 import b64encode
from collections.abc import Sequence
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
from traitlets import Bool

from siv_lite.comparison import start_child
from siv_lite.errors import SivLiteError
from siv_lite.figures import draw_losses, plot_losses
from siv_lite.frames import image_grid
from siv_lite.training import Run, open_run, train
from siv_lite.training.checkpoint import list_checkpoints, read_log
from siv_lite.training.collapse import explain_collapse, find_collapse
from siv_lite.training.config import create_or_verify, load_frames, make_method
from siv_lite.training.preview import NUM_SCENES, SCENES_FILE, Preview
from siv_lite.widgets.canvas import Canvas
from siv_lite.widgets.estimate import in_words
from siv_lite.widgets.panel import Panel, as_status, encode, explain
from siv_lite.widgets.replay import Replay

POLL_SECONDS = 1.0  # between two looks at a training
MAX_LINK_BYTES = 50_000_000  # of a file that a page holds as a link
NUM_WALK_FRAMES = 24
LINK_STYLE = "color: var(--jp-content-link-color, #1565c0); text-decoration: underline"


def live_training(
    method: str,
    frames: Tensor,
    out: str | Path,
    preset: str = "lesson",
    live: bool | None = None,
    beside: Sequence[str | Path] = (),
    **options: Any,
) -> widgets.DOMWidget:
    """Train and watch: progress, losses, newest scenes, and a button that saves and stops.

    Args:
        method: name in `METHODS`, such as "siv_gan".
        frames: (N, 3, H, W) in [-1, 1].
        out: the run folder.
        preset: "smoke", "lesson" or "paper".
        live: True trains in a process of its own, so that the notebook stays usable; False in this
            cell, with plain figures at the end; None chooses by whether somebody sits before the
            notebook.
        beside: run folders of another training, whose grids are replayed below.
        **options: of `train`.

    Returns:
        A widget, whose `run` is the `Run` as of its newest checkpoint.

    Raises:
        SivLiteError: for input that cannot be used.
    """
    if live is None:
        live = is_attended()
    if live:
        return LiveTraining(method, frames, Path(out), preset, beside=beside, **options)

    run = train(method, frames, out, preset, progress=False, **options)
    plot_losses(run.log(), run.method.coin_levels())
    Preview(run.folder, run.frames).save(run.method, run.iteration)
    display(Image.open(run.folder / SCENES_FILE))
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
        is_running: whether the training is under way.
        child: the process.
        thread: looks at the folder once a second until the process ends.
        bar: the progress.
        scenes: the photograph and the newest scenes, which the process renders; of a video, the
            clip and the newest video.
        losses: the losses so far.
        links: to the results.
    """

    flow = "column"
    newest = None  # the last training that this process has begun
    is_running = Bool(True)

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
        beside: Sequence[str | Path] = (),
        **settings: Any,
    ):
        """Start a training, or go on with one.

        Args:
            method: name in `METHODS`.
            frames: (N, 3, H, W) in [-1, 1].
            folder: the run folder.
            preset: "smoke", "lesson" or "paper".
            device: as in `train`, like most that follows.
            seed: seeds the weights and every draw of the training.
            precision: "fp32", "tf32" or "bf16".
            iterations: replaces the preset's number of iterations.
            beside: as for `live_training`.
            **settings: single settings that replace the preset's.

        Raises:
            SivLiteError: for input that cannot be used, and while another training is under way.
        """
        check_that_none_is_running()
        if iterations is not None:
            settings["iterations"] = iterations
        config = create_or_verify(folder, method, frames, preset, precision, seed, settings)
        kept_frames = load_frames(folder, config)
        # Only the method knows its number of iterations, which can depend on the frames.
        built = make_method(config, kept_frames, torch.device("cpu"))

        self.folder = folder
        self.device = device
        self.levels = built.coin_levels()
        self.frames_per_sample = built.frames_per_sample
        self.bar = widgets.IntProgress(description="Training", max=built.iterations)
        self.caption = widgets.HTML()
        self.scenes = Canvas(text="The photograph and the newest scenes")
        self.scenes.add_class("siv-lite-scene")
        self.losses = Canvas(text="The losses so far")
        self.losses.add_class("siv-lite-scene")
        self.links = widgets.HTML()
        self.links.add_class("siv-lite-links")
        self.replay = Replay(beside, built.size)

        self.begin()
        actions = {
            "Save and stop": ("Save and stop; Go on continues from there", self.stop),
            "Go on": ("Train on from where it was saved", self.go_on),
        }
        super().__init__({}, actions)
        self.add_class("siv-lite-live")
        # Both pictures have their places before they come, so that the page never jumps.
        self.show_scenes()
        if not self.scenes.image:
            self.show_placeholder(kept_frames)
        self.show_losses(read_log(folder))
        self.update_buttons()
        LiveTraining.newest = self
        self.thread.start()

    def arrange(self) -> list[widgets.Widget]:
        """Lay out: progress, buttons and message in a row; scenes and losses side by side."""
        self.column = widgets.HBox([self.bar, *self.buttons.values(), self.message])
        self.column.add_class("siv-lite-bar")
        scenes = widgets.VBox([self.caption, self.scenes])
        scenes.add_class("siv-lite-newest")
        losses = widgets.VBox([self.losses])
        losses.add_class("siv-lite-losses")
        main = widgets.HBox([scenes, losses])
        main.add_class("siv-lite-main")
        return [self.column, main, self.links, self.replay.box]

    @property
    def run(self) -> Run:
        """The run as of its newest checkpoint."""
        return open_run(self.folder)

    def begin(self) -> None:
        """Start the process, and get ready to watch it."""
        self.first_iteration = None  # that was seen, and when
        self.first_time = None
        self.shown_scenes = None  # time at which the scenes that are shown were written
        self.child = start_child(self.folder, self.device, "train", subprocess.PIPE)
        self.thread = threading.Thread(target=self.watch, daemon=True)

    def stop(self) -> str:
        """Ask the process to save and end."""
        self.child.stdin.close()
        self.buttons["Save and stop"].disabled = True
        return self.draw()

    def go_on(self) -> str:
        """Start the process again, from the newest checkpoint."""
        check_that_none_is_running()
        self.links.value = ""
        self.begin()
        self.is_running = True
        self.update_buttons()
        LiveTraining.newest = self
        self.thread.start()
        return self.draw()

    def update_buttons(self) -> None:
        """Enable the button that fits, if any does."""
        is_done = (self.folder / "done.json").exists()
        self.buttons["Save and stop"].disabled = not self.is_running
        self.buttons["Go on"].disabled = self.is_running or is_done

    def watch(self) -> None:
        """Show the training until its process ends."""
        while self.child.poll() is None:
            self.attempt("Showing the training", self.draw)
            time.sleep(POLL_SECONDS)
        self.attempt("The training", self.end)
        self.buttons["Save and stop"].disabled = True
        self.show_links()
        self.is_running = False
        self.update_buttons()

    def draw(self) -> str:
        """Show what the folder holds by now.

        Returns:
            How far the training is.
        """
        log = read_log(self.folder)
        if self.show_scenes():
            self.show_losses(log)
        if self.child.stdin.closed:
            return "Saving and stopping ..."
        if not log:
            return "Getting ready ..."
        iteration = log[-1]["iteration"]
        now = time.monotonic()
        if self.first_iteration is None:
            self.first_iteration = iteration
            self.first_time = now
        self.bar.value = iteration

        total = self.bar.max
        text = f"{iteration:,} of {total:,} iterations"
        done = iteration - self.first_iteration
        if done == 0:
            return f"Getting ready ... {text} are done"
        seconds_left = (now - self.first_time) * (total - iteration) / done
        return f"{text}, {in_words(seconds_left)} left"

    def show_scenes(self) -> bool:
        """Show the newest scenes.

        Returns:
            Whether there are newer ones than those that were shown.
        """
        path = self.folder / SCENES_FILE
        if not path.exists():
            return False
        written = path.stat().st_mtime_ns
        if written == self.shown_scenes:
            return False
        data = path.read_bytes()
        with Image.open(BytesIO(data)) as image:
            iteration = int(image.text["iteration"])
            aspect = image.width / image.height
        self.scenes.show(data, aspect)
        self.shown_scenes = written
        self.caption.value = self.describe(f"after {iteration:,} iterations")
        return True

    def show_placeholder(self, frames: Tensor) -> None:
        """Show the photograph alone until there are scenes, and keep their places."""
        num_samples = NUM_SCENES if self.frames_per_sample == 1 else 1
        gray = torch.zeros_like(frames[:1]).repeat(num_samples, 1, 1, 1)
        grid = image_grid(torch.cat([frames[:1], gray]))
        self.scenes.show(encode(grid), grid.width / grid.height)
        self.caption.value = self.describe("come in some seconds")

    def describe(self, state: str) -> str:
        """Say what the scenes are."""
        if self.frames_per_sample > 1:
            return f"First the clip; a new video {state}"
        return f"First the photograph; new scenes {state}, drawn with the photograph's patches"

    def show_losses(self, log: list[dict[str, float]]) -> None:
        """Show the losses of a log, without what stands in the lines of grids only."""
        if not log:
            return
        names = min(log, key=len)
        entries = [{name: entry[name] for name in names} for entry in log]
        figure = Figure(layout="constrained")
        draw_losses(figure, entries, self.levels, columns=1)
        data = BytesIO()
        figure.savefig(data)
        width, height = figure.get_size_inches()
        self.losses.show(data.getvalue(), width / height)

    def end(self) -> str:
        """Show the last state.

        Returns:
            How the training has ended.
        """
        self.show_scenes()
        log = read_log(self.folder)
        self.show_losses(log)
        iteration = log[-1]["iteration"] if log else 0
        self.bar.value = iteration

        if (self.folder / "done.json").exists():
            collapsed_at = find_collapse(self.folder, self.bar.max)
            advice = f". {explain_collapse(collapsed_at)}" if collapsed_at else ""
            return f"Finished, in {self.folder}{advice}"
        lines = self.child.stdout.read().decode().splitlines()
        last_line = lines[-1] if lines else ""
        if last_line == "KeyboardInterrupt" or last_line.startswith("stopped at iteration"):
            checkpoints = list_checkpoints(self.folder)
            saved = int(checkpoints[0].stem[-8:]) if checkpoints else 0
            return f"Stopped: {saved:,} of {self.bar.max:,} iterations are saved"
        return last_line or f"Its process ended with code {self.child.returncode}"

    def show_links(self) -> None:
        """Show links to the results, if there are any to take away."""
        if not list_checkpoints(self.folder):
            return
        self.links.value = as_status("Preparing what can be taken away ...")
        try:
            links = []
            for name, data in self.results().items():
                links.append(self.make_link(name, data))
            self.links.value = "Take away: " + ", ".join(links)
        except Exception as error:  # whoever looks at a page cannot use a traceback
            self.links.value = as_status(explain(error, "Preparing the results"))

    def results(self) -> dict[str, bytes]:
        """Collect what can be taken away.

        Returns:
            Name -> file: the newest grid and scenes if there are any, a walk or video, and the run
            folder with its newest checkpoint.
        """
        run = self.run
        files = {}
        grids = sorted(self.folder.glob("samples/*.png"))
        if grids:
            files["samples.png"] = grids[-1].read_bytes()
        scenes = self.folder / SCENES_FILE
        if scenes.exists():
            files["scenes.png"] = scenes.read_bytes()

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
        return f"<a download='{name}' href='{address}' style='{LINK_STYLE}'>{name}</a>"


def check_that_none_is_running() -> None:
    """Refuse to train while another training of this process is under way.

    Raises:
        SivLiteError: if there is one.
    """
    newest = LiveTraining.newest
    if newest is not None and newest.child.poll() is None:
        raise SivLiteError(f"A training is under way in {newest.folder}; stop it first")
