"""The explorer: the photograph, and beside it, large, the scenes that a run makes of it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from siv_lite.training import Run
from siv_lite.widgets.background import Background
from siv_lite.widgets.canvas import Canvas, Region, Strip
from siv_lite.widgets.controls import NONE, fit_controls, make_controls, make_help
from siv_lite.widgets.panel import Panel, Picture, encode, update_options
from siv_lite.widgets.runs import RunList
from siv_lite.widgets.scene import Edit, Position, Scene, make_thumbnail

NUM_SEEDS = 8  # that the strip offers
MAX_CLIP_FRAMES = 24  # of a clip, shown in place of the photograph


def explore(*folders: str | Path) -> widgets.DOMWidget:
    """Explore what runs, of any method, generate.

    The photograph and a new scene, eight seeds to choose from, the walk between two scenes, a
    second run beside, regions drawn anew, scenes that are kept, and downloads.

    Args:
        *folders: of runs, or of folders of runs.

    Returns:
        The widget.
    """
    return Explorer(folders)


@dataclass(frozen=True)
class Kept:
    """A scene that is kept.

    Attributes:
        values: name of a control -> its value.
        edit: the newest edit, or None.
        image: the bytes of a file.
        text: what it shows.
    """

    values: dict[str, Any]
    edit: Edit | None
    image: bytes
    text: str


class Explorer(Panel):
    """Scenes of one run, or of two side by side.

    Attributes:
        runs: that can be chosen.
        scenes: what is shown: of the chosen run, and of the run beside it.
        edit: the newest region drawn anew, or None.
        photograph: what the run was trained on.
        seeds: the strip of seeds.
        kept: scenes that are kept, whatever run is chosen.
        kept_strip: shows them.
        downloads: draws what is downloaded.
    """

    flow = "column"

    def __init__(self, folders: tuple[str | Path, ...]):
        """Show the first run.

        Args:
            folders: only what lies in one of these is ever opened.
        """
        self.runs = RunList(folders)
        self.scenes = []
        self.opened = {}  # name of a control -> folder of the run that is shown
        self.edit = None
        self.num_redrawn = 0
        self.kept = []
        self.is_setting = False
        self.first_seed = 0  # of the strip

        self.photograph = Canvas(text="The photograph")
        self.photograph.name = self.photograph.model_id
        self.photograph.add_class("siv-lite-photograph")
        self.thumbnail = Picture("The photograph", height=28)
        self.seeds = Strip()
        self.seeds.when_clicked(self.choose_seed)
        self.kept_strip = Strip(can_drop=True)
        self.kept_strip.when_clicked(
            lambda index: self.attempt("Going back", lambda: self.go_back(index)), self.drop
        )
        self.stage = widgets.HBox()
        self.help = widgets.HTML()
        self.thumbnails = Background(self.seeds)
        self.downloads = Background()

        actions = {
            "List again": ("Look for new runs", self.list_again),
            "More seeds": ("Show the next eight seeds", self.next_seeds),
            "Keep": ("Keep the scene, below", self.keep),
            "Undo": ("Take back the last part that was drawn anew", self.undo),
            "Picture": ("Download the picture at full size", self.download_picture),
            "Film": ("Download the walk there and back at full size", self.download_film),
        }
        super().__init__(make_controls(self.runs.find()), actions)
        self.add_class("siv-lite-explorer")

    def arrange(self) -> list[widgets.Widget]:
        """Lay everything out: runs on top, photograph and controls beside the scenes, strips."""
        controls = self.controls
        buttons = self.buttons
        for control in controls.values():
            control.style.description_width = "54px"
        self.extra = widgets.HBox().add_class("siv-lite-extra")
        self.extra.layout.display = "none"
        self.more = widgets.ToggleButton(
            description="More", tooltip="Second seed, stages and size", layout={"width": "auto"}
        )
        self.more.observe(self.show_extra, "value")

        bar = (self.thumbnail, controls["run"], controls["beside"], buttons["List again"])
        side = (
            self.photograph,
            controls["show"],
            controls["walk"],
            controls["variety"],
            widgets.HBox([buttons["Keep"], buttons["Undo"], self.more]),
            widgets.HBox([widgets.HTML("Download"), buttons["Picture"], buttons["Film"]]),
            self.extra,
            self.thumbnails.sign,
            self.downloads.sign,
            self.message,
        )
        strips = (self.seeds, buttons["More seeds"], self.kept_strip)
        column = widgets.VBox(side).add_class("siv-lite-side")
        self.stage.add_class("siv-lite-stage")
        return [
            widgets.HBox([*bar, self.help]).add_class("siv-lite-bar"),
            widgets.HBox([column, self.stage]).add_class("siv-lite-main"),
            widgets.HBox(strips).add_class("siv-lite-strips"),
        ]

    def show_extra(self, change: Any) -> None:
        """Show the controls that are seldom needed, or hide them."""
        self.extra.layout.display = None if self.more.value else "none"

    # What is shown.

    def redraw(self, change: Any = None) -> None:
        """Draw, unless several controls are being set."""
        if self.is_setting:
            return
        if change is not None and self.edit is not None:
            ends = [self.controls[name] for name in ("seed", "second", "height", "width")]
            if change.owner in ends:  # the edits were of another scene
                self.set_values(walk=0.0)
                return
        super().redraw(change)

    def set_values(self, edit: Edit | None = None, **values: Any) -> None:
        """Set controls, and draw once.

        Args:
            edit: the newest edit from now on.
            **values: name of a control -> its value.
        """
        self.is_setting = True
        try:
            for name, value in values.items():
                self.controls[name].value = value
        finally:
            self.is_setting = False
        self.edit = edit
        self.redraw()

    def draw(self) -> None:
        """Show what the controls ask for; open runs that are not open yet."""
        values = self.values()
        if self.opened.get("run") != values["run"] or not self.scenes:
            self.show_run(values["run"])
        if self.opened.get("beside") != values["beside"]:
            self.show_beside(values["beside"])
        self.buttons["Undo"].disabled = self.edit is None
        self.mark_seed()

        scene, *beside = self.scenes
        scene.draw(self.position(), values["show"])
        for other in beside:
            other.draw(self.position_beside(), values["show"])

    def position(self) -> Position:
        """Return what the controls ask for, of the chosen run."""
        method = self.scenes[0].run.method
        values = self.values()
        size = None
        if method.resizable:
            size = (values["height"], values["width"])
            if size == tuple(method.size):
                size = None
        stage = None
        start = 0
        if method.num_stages > 1:
            stage = values["stage"]
            start = min(values["start"], stage)
        return Position(
            seed=values["seed"],
            second=values["second"],
            walk=values["walk"],
            variety=values["variety"],
            size=size,
            stage=stage,
            start=start,
            edit=self.edit,
        )

    def position_beside(self) -> Position:
        """Return what the controls ask for, of the run beside: the same seeds.

        Regions are drawn anew in the chosen run only.
        """
        values = self.values()
        walk = values["walk"] if self.edit is None else 0.0
        return Position(values["seed"], values["second"], walk, values["variety"])

    # Runs.

    def show_run(self, folder: Path | None) -> None:
        """Open the chosen run, and set the controls to what it can do."""
        for scene in self.scenes:
            scene.background.cancel()
        self.scenes = []
        self.opened = {}
        self.stage.children = []
        self.edit = None
        run = self.runs.open(folder)

        self.photograph.show(encode_photograph(run))
        self.thumbnail.value = make_thumbnail(run.frames[0])
        self.is_setting = True
        try:
            names = fit_controls(self.controls, run)
        finally:
            self.is_setting = False
        self.extra.children = [self.controls[name] for name in names]
        can_redraw = run.method.latent_grid is not None
        self.buttons["Undo"].layout.display = None if can_redraw else "none"
        self.help.value = make_help(can_redraw)

        scene = Scene(run, self.photograph.name)
        scene.canvas.when_clicked(
            lambda region: self.attempt("Drawing anew", lambda: self.redraw_region(region))
        )
        self.scenes = [scene]
        self.stage.children = [scene.box]
        self.opened = {"run": folder, "beside": ""}
        self.show_seeds()

    def show_beside(self, folder: Path | str) -> None:
        """Open the run beside; "" for none."""
        for scene in self.scenes[1:]:
            scene.background.cancel()
        self.scenes = self.scenes[:1]
        self.opened["beside"] = folder
        if folder:
            self.scenes.append(Scene(self.runs.open(folder), ""))
        self.stage.children = [scene.box for scene in self.scenes]

    def list_again(self) -> None:
        """Look for runs again, and keep what is shown."""
        options = self.runs.find()
        update_options(self.controls["run"], options, self.redraw)
        update_options(self.controls["beside"], [NONE, *options], self.redraw)

    # Seeds.

    def show_seeds(self) -> None:
        """Draw the strip of seeds."""
        seeds = list(range(self.first_seed, self.first_seed + NUM_SEEDS))
        scene = self.scenes[0]
        texts = [f"Seed {seed}" for seed in seeds]
        self.thumbnails.start(
            "Drawing seeds",
            lambda: scene.thumbnails(seeds),
            lambda images: self.seeds.show(images, texts),
        )

    def mark_seed(self) -> None:
        """Mark the seed that is shown."""
        index = self.controls["seed"].value - self.first_seed
        self.seeds.chosen = index if 0 <= index < NUM_SEEDS else -1

    def choose_seed(self, index: int) -> None:
        """Show the scene of a seed of the strip."""
        self.set_values(seed=self.first_seed + index, walk=0.0)

    def next_seeds(self) -> None:
        """Show the next eight seeds in the strip."""
        self.first_seed += NUM_SEEDS
        self.show_seeds()
        self.mark_seed()

    # Regions.

    def redraw_region(self, region: Region) -> str:
        """Draw a region of the scene anew, each time in another way.

        Args:
            region: (top, left, bottom, right) as fractions of the sides.

        Returns:
            What can be done next.
        """
        self.num_redrawn += 1
        edit = self.scenes[0].redraw(self.position(), region, self.num_redrawn)
        self.set_values(edit=edit, walk=1.0)
        return "Drawn anew in the frame. Walk leads from before to after."

    def undo(self) -> None:
        """Take back the last region that was drawn anew."""
        if self.edit is not None:
            self.set_values(edit=self.edit.previous, walk=self.edit.walk)

    # Kept scenes.

    def keep(self) -> None:
        """Keep the scene as it is shown, rendered if the controls ask for it."""
        scene = self.scenes[0]
        scene.background.wait()
        text = f"{self.controls['run'].label}, seed {self.controls['seed'].value}"
        self.kept.append(Kept(self.values(), self.edit, scene.canvas.image, text))
        self.show_kept()

    def go_back(self, index: int) -> None:
        """Show a kept scene again."""
        kept = self.kept[index]
        self.set_values(run=kept.values["run"])  # first, since it decides what can be set
        self.set_values(edit=kept.edit, **kept.values)

    def drop(self, index: int) -> None:
        """Keep a scene no longer."""
        del self.kept[index]
        self.show_kept()

    def show_kept(self) -> None:
        """Show the scenes that are kept."""
        self.kept_strip.show([kept.image for kept in self.kept], [kept.text for kept in self.kept])

    # Downloads.

    def download_picture(self) -> None:
        """Hand the picture to the browser."""
        scene = self.scenes[0]
        kind = "png" if scene.can_render else "gif"
        self.download("Drawing the picture at full size", scene.picture, kind)

    def download_film(self) -> None:
        """Hand the walk to the browser, of a video the video."""
        self.download("Drawing the film", self.scenes[0].film, "gif")

    def download(self, text: str, draw: Callable[[Position, str], bytes], kind: str) -> None:
        """Draw a file in the background, and hand it to the browser."""
        position = self.position()
        show = self.controls["show"].value
        canvas = self.scenes[0].canvas
        name = f"{self.controls['run'].label}, seed {position.seed}.{kind}"
        self.downloads.start(
            text, lambda: draw(position, show), lambda data: canvas.download(name, data)
        )


def encode_photograph(run: Run) -> bytes:
    """Encode what a run was trained on, of a clip its first frames."""
    return encode(run.frames[:MAX_CLIP_FRAMES])
