"""The microscope: what SIV-GAN's discriminator minds about an edited image, part by part."""

import math
from base64 import b64encode
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import ipywidgets as widgets
import torch
from torch import Tensor

from siv_lite.errors import SivLiteError
from siv_lite.training import Run
from siv_lite.training.checkpoint import read_config
from siv_lite.widgets.panel import Chooser, Panel, encode, make_seed_control
from siv_lite.widgets.region import RegionPicture
from siv_lite.widgets.runs import RunList

Maps = dict[str, list[Tensor]]  # of each part of D, a map for each of its blocks

PARTS = {
    "low_level": ("low-level", "textures and edges"),
    "content": ("content", "what is there, not where"),
    "layout": ("layout", "where things are, not what"),
    "trunk": ("trunk", "what is there, and where"),  # in place of both branches
}
# Around the striped balloon of the shipped image; fractions of the sides.
FIRST_ROWS = (0.1, 0.6)
FIRST_COLUMNS = (0.1, 0.3)

NUM_SCENES = 8  # that the image is exchanged for, to know what much is
SCENES_SEED = 0
MIN_CHANGE = 1e-4  # of a probability

MAP_HEIGHT = 64  # pixels of the screen
STYLE = """
.siv-lite-parts {font-size: 16px; line-height: 1.4}
.siv-lite-parts .bar {background: #8883; height: 18px; margin: 2px 0}
.siv-lite-parts .bar div {background: #1976d2; height: 100%}
.siv-lite-parts .maps {display: flex; flex-wrap: wrap; gap: 0 12px; margin-bottom: 10px}
.siv-lite-parts figure {margin: 0}
.siv-lite-parts img {display: block; image-rendering: pixelated; outline: 1px solid #8888}
"""
ADVICE = (
    "Drag the outlined part, or turn its hue, and see which part of the discriminator minds. "
    "By keyboard: arrow keys on the image, or the sliders. A drag elsewhere outlines another part."
)
DECISION_LEGEND = (
    "How real each place seems to each block, from 0 to 1. Red: more than 0.5; blue: less. The "
    "scale is below each map; a block without places has one number."
)
CHANGE_LEGEND = (
    "100 %: as if the whole image were exchanged for a new scene. Red places seem more real than "
    "before the edit, blue ones less; the scale is below each map."
)


def microscope(*folders: str | Path) -> widgets.DOMWidget:
    """See what every part of SIV-GAN's discriminator minds about an image.

    A part of the image can be dragged elsewhere and recolored. For each part of the discriminator a
    bar says how much it minds, and maps show where.

    Args:
        *folders: of runs of siv_gan, or of folders of runs; those of other methods are left out.

    Returns:
        The widget.
    """
    return MicroscopeChooser(folders, Microscope)


class SivGanRuns(RunList):
    """The runs of siv_gan in and below some folders, those of the balloons first."""

    def find(self) -> list[tuple[str, Path]]:
        """Find every run of siv_gan that has a checkpoint; see `RunList.find`."""
        options = [option for option in super().find() if is_of_siv_gan(option[1])]
        return sorted(options, key=lambda option: "balloons" not in option[0].lower())

    def open(self, folder: Path | None) -> Run:
        """Open a run; see `RunList.open`."""
        if folder is None:
            allowed = " and ".join(str(root) for root in self.roots)
            raise SivLiteError(
                f"There is no run of siv_gan in {allowed}, and the microscope is for these; "
                "train one first"
            )
        return super().open(folder)


class MicroscopeChooser(Chooser):
    """A list of the runs of siv_gan, and a microscope for the one that is chosen."""

    run_list = SivGanRuns


def is_of_siv_gan(folder: Path) -> bool:
    """Tell whether a run is of siv_gan; one that is damaged counts, and says so when opened."""
    try:
        return read_config(folder)["method"] == "siv_gan"
    except SivLiteError:
        return True


@dataclass
class Original:
    """An image before it is edited, and what the discriminator decides about it.

    Attributes:
        image: (3, H, W) in [-1, 1], on the CPU.
        decisions: see `Microscope.decide`.
        exchanged: by how much each part's decisions differ on average from those about new scenes.
    """

    image: Tensor
    decisions: Maps
    exchanged: dict[str, float]


class Microscope(Panel):
    """What SIV-GAN's discriminator minds about an edited image: a bar for each part, and maps.

    Attributes:
        run: the run.
        picture: the edited image, whose outlined part can be dragged.
        parts: bars and maps.
        minds: part -> how much it minds; 1: as much as if the image were exchanged for a new scene.
    """

    def __init__(self, run: Run):
        """Build the microscope.

        Args:
            run: of siv_gan.

        Raises:
            SivLiteError: for a run of another method.
        """
        method = run.config["method"]
        if method != "siv_gan":
            raise SivLiteError(
                f"{run.folder} is a run of {method}; the microscope is for siv_gan's"
            )
        self.run = run
        self.minds = {}
        self.find_original = lru_cache(maxsize=16)(self.prepare)
        self.is_following = False  # whether sliders follow the picture now, or it follows them

        # The frames as D sees them are as large as the samples: `method.size`.
        height, width = run.method.size
        text = "The edited image: drag the outlined part, or press the arrow keys"
        layout = {"flex": "1 1 240px", "min_width": "200px"}
        self.picture = RegionPicture(text=text, size=[height, width], layout=layout)
        self.parts = widgets.HTML(layout={"flex": "1 1 250px", "margin": "0 0 0 16px"})
        slider = widgets.IntSlider
        controls = {
            "source": widgets.Dropdown(description="Image", options=("training frame", "sample")),
            "number": make_seed_control("Frame, seed"),
            "rows": make_range_control("Rows", height, FIRST_ROWS),
            "columns": make_range_control("Columns", width, FIRST_COLUMNS),
            "down": slider(description="Move down", min=-height, max=height),
            "right": slider(description="Move right", min=-width, max=width),
            "hue": slider(description="Turn hue", min=-180, max=180),
        }
        actions = {"Undo": ("Show the image without edits", self.undo)}
        super().__init__(controls, actions, self.picture, self.parts)
        self.message.add_class("siv-lite-parts")  # as large as the bars' text
        self.picture.when_dragged(self.follow)

    def undo(self) -> str:
        """Take all edits back."""
        self.set_controls({"down": 0, "right": 0, "hue": 0})
        return self.draw()

    def follow(self) -> None:
        """Do what was dragged."""
        if self.is_following:
            return
        top, left, bottom, end = self.picture.region
        down, right = self.picture.shift
        wanted = {"rows": (top, bottom), "columns": (left, end), "down": down, "right": right}
        current = {name: self.controls[name].value for name in wanted}
        if wanted != current:
            self.set_controls(wanted)
            self.redraw()

    def set_controls(self, values: dict[str, object]) -> None:
        """Set several controls, and draw nothing yet."""
        self.is_following = True
        for name, value in values.items():
            self.controls[name].value = value
        self.is_following = False

    def redraw(self, change: object = None) -> None:
        """Draw, unless more controls are about to change."""
        if not self.is_following:
            super().redraw(change)

    def choose_image(self, source: str, number: int) -> Tensor:
        """Return the training frame or sample of a number, (3, H, W), on the CPU."""
        if source == "sample":
            return self.run.sample(1, number)[0]
        frames = self.run.method.real[0]
        return frames[number % len(frames)].cpu()

    def prepare(self, source: str, number: int) -> Original:
        """Judge an image that is not edited, and the new scenes that it is compared with."""
        image = self.choose_image(source, number)
        decisions = self.decide(image)
        totals = dict.fromkeys(decisions, 0.0)
        for scene in self.run.sample(NUM_SCENES, SCENES_SEED):
            for part, maps in self.decide(scene).items():
                totals[part] += mean_change(decisions[part], maps)
        exchanged = {part: total / NUM_SCENES for part, total in totals.items()}
        return Original(image, decisions, exchanged)

    @torch.no_grad()
    def decide(self, image: Tensor) -> Maps:
        """Judge an image.

        Args:
            image: (3, H, W) in [-1, 1], of the method's size.

        Returns:
            For each part of D, how real each of its blocks finds each place: maps (1, 1, h_l, w_l)
            of probabilities.
        """
        method = self.run.method
        logits = method.D(method.image_pyramid(image[None].to(method.device)))
        probabilities = {}
        for part, maps in logits.items():
            probabilities[part] = [x.sigmoid().cpu() for x in maps]
        return probabilities

    def draw(self) -> str:
        """Show the edited image and what D minds.

        Returns:
            Which part minds most.
        """
        values = self.values()
        original = self.find_original(values["source"], values["number"])
        height, width = original.image.shape[1:]
        top, bottom = values["rows"]
        left, end = values["columns"]
        down = limit_move(values["down"], top, bottom, height)
        right = limit_move(values["right"], left, end, width)
        edited = edit_region(original.image, (top, bottom), (left, end), down, right, values["hue"])
        decisions = self.decide(edited)
        is_edited = not torch.equal(edited, original.image)

        self.minds = {}
        shown = {}
        for part, maps in decisions.items():
            before = original.decisions[part]
            change = mean_change(before, maps)
            self.minds[part] = change / max(original.exchanged[part], MIN_CHANGE)
            shown[part] = draw_changes(before, maps) if is_edited else draw_decisions(maps)

        self.is_following = True
        self.picture.show(encode(edited[None]), [top, left, bottom, end], [down, right])
        self.is_following = False
        self.parts.value = write_parts(self.minds, shown, is_edited)
        return summarize(self.minds) if is_edited else ADVICE


def make_range_control(
    description: str, side: int, part: tuple[float, float]
) -> widgets.IntRangeSlider:
    """Make a slider for a range of rows or columns.

    Args:
        description: its label.
        side: height or width of the image, in pixels.
        part: of the side that is chosen at first, from and to, as fractions.

    Returns:
        The control.
    """
    first, last = (round(fraction * side) for fraction in part)
    return widgets.IntRangeSlider(description=description, max=side, value=(first, last))


def summarize(minds: dict[str, float]) -> str:
    """Say which part of the discriminator minds an edit most.

    Args:
        minds: part -> how much it minds; 1: as much as if the image were exchanged.

    Returns:
        Two sentences.
    """
    least, *_, most = sorted(minds, key=minds.get)
    return (
        f"{PARTS[most][0].capitalize()} minds this edit most: {as_percent(minds[most])} of what a "
        f"whole new scene would change. {PARTS[least][0].capitalize()} minds it least: "
        f"{as_percent(minds[least])}."
    )


def as_percent(share: float) -> str:
    """Write a share as text."""
    return f"{100 * share:.0f} %"


def write_parts(minds: dict[str, float], shown: dict[str, str], is_edited: bool) -> str:
    """Write the bars, and the maps below each.

    Args:
        minds: part -> how much it minds; 1: as much as if the image were exchanged.
        shown: part -> its maps, as HTML.
        is_edited: whether the maps show a change.

    Returns:
        HTML.
    """
    blocks = []
    for part, share in minds.items():
        name, meaning = PARTS[part]
        bar = f"<div class='bar'><div style='width: {min(share, 1):.0%}'></div></div>"
        title = f"<b>{name}</b> ({meaning}) minds: {as_percent(share)}"
        blocks.append(f"<div>{title}{bar}<div class='maps'>{shown[part]}</div></div>")
    legend = CHANGE_LEGEND if is_edited else DECISION_LEGEND
    return f"<style>{STYLE}</style><div class='siv-lite-parts'>{''.join(blocks)}{legend}</div>"


def draw_changes(before: list[Tensor], after: list[Tensor]) -> str:
    """Draw what an edit changed in the maps of one part, each on a scale of its own.

    Args:
        before: maps (1, 1, h_l, w_l) of probabilities, one for each block.
        after: the same of the edited image.

    Returns:
        HTML.
    """
    figures = []
    for old, new in zip(before, after, strict=True):
        change = new - old
        if change.numel() == 1:
            figures.append(f"<span>{change.item():+.3f}</span>")
        else:
            figures.append(draw_map(change, f"± {change.abs().max():.3f}"))
    return "".join(figures)


def draw_decisions(maps: list[Tensor]) -> str:
    """Draw the maps of one part, each on a scale of its own.

    Args:
        maps: (1, 1, h_l, w_l) of probabilities, one for each block.

    Returns:
        HTML.
    """
    figures = []
    for x in maps:
        if x.numel() == 1:
            figures.append(f"<span>{x.item():.2f}</span>")
        else:
            figures.append(draw_map(x - 0.5, f"{x.min():.2f} to {x.max():.2f}"))
    return "".join(figures)


def draw_map(values: Tensor, caption: str) -> str:
    """Draw a map in which the value that is farthest from 0 has the full color.

    Args:
        values: (1, 1, h, w); 0 becomes white, positive values red, negative ones blue.
        caption: below it.

    Returns:
        HTML.
    """
    largest = values.abs().max().clamp(min=MIN_CHANGE)
    colors = color_probabilities(0.5 + values / largest / 2)
    url = f"data:image/png;base64,{b64encode(encode(colors)).decode()}"
    height, width = values.shape[2:]
    style = f"height: {MAP_HEIGHT}px; width: {round(MAP_HEIGHT * width / height)}px"
    return f"<figure><img alt='a map' style='{style}' src='{url}'>{caption}</figure>"


def mean_change(before: list[Tensor], after: list[Tensor]) -> float:
    """Compute how much maps differ.

    Args:
        before: maps of any sizes.
        after: maps of the same sizes.

    Returns:
        The mean absolute difference of each map, averaged over the maps.
    """
    total = 0.0
    for old, new in zip(before, after, strict=True):
        total += (new - old).abs().mean().item()
    return total / len(after)


def color_probabilities(probabilities: Tensor) -> Tensor:
    """Turn probabilities into colors: 0 is blue, 0.5 white, 1 red.

    Args:
        probabilities: (n, 1, H, W).

    Returns:
        (n, 3, H, W) in [-1, 1].
    """
    red = 2 * probabilities
    blue = 2 - 2 * probabilities
    green = torch.minimum(red, blue)
    colors = torch.cat([red, green, blue], dim=1)  # (n, 3, H, W) in [0, 2]
    return colors.clamp(max=1) * 2 - 1


def edit_region(
    image: Tensor,
    rows: tuple[int, int],
    columns: tuple[int, int],
    down: int,
    right: int,
    hue: float,
) -> Tensor:
    """Turn the hue of a rectangle of an image, and move the rectangle.

    The pixels that it covers fill the place that it leaves, so that moving changes places only.

    Args:
        image: (3, H, W) in [-1, 1].
        rows: first row of the rectangle, and the row after its last.
        columns: first column of the rectangle, and the column after its last.
        down: pixels to move it by, as far as the border.
        right: pixels to move it by, as far as the border.
        hue: degrees; 120 turns red to green.

    Returns:
        The edited image, (3, H, W) in [-1, 1].
    """
    _, height, width = image.shape
    top, bottom = rows
    left, end = columns
    down = limit_move(down, top, bottom, height)
    right = limit_move(right, left, end, width)

    source = torch.zeros((height, width), dtype=torch.bool)
    source[top:bottom, left:end] = True
    target = torch.zeros((height, width), dtype=torch.bool)
    target[top + down : bottom + down, left + right : end + right] = True

    # Turning the hue is a rotation of (red, green, blue) about the axis of grays, (1, 1, 1): the
    # exponential of the angle times the cross product with that axis.
    cross_product = torch.tensor([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / math.sqrt(3)
    rotation = torch.matrix_exp(math.radians(hue) * cross_product)
    moved = (rotation @ image[:, source]).clamp(-1, 1)  # (3, number of pixels)

    edited = image.clone()
    edited[:, target] = moved
    edited[:, source & ~target] = image[:, target & ~source]
    return edited


def limit_move(by: int, first: int, last: int, side: int) -> int:
    """Return how far a range of rows or columns is moved if it is to stay within the image.

    Args:
        by: pixels to move it by.
        first: row or column.
        last: the one after the range.
        side: of the image, in pixels.

    Returns:
        Pixels.
    """
    return max(-first, min(by, side - last))
