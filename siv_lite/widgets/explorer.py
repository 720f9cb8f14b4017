"""The explorer: what a run generates, by seed, walk, temperature, stage and size."""

import math
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import torch
from torch import Tensor

from siv_lite.frames import as_images, image_grid, save_animation, save_image
from siv_lite.methods import Method
from siv_lite.training import Run
from siv_lite.widgets.background import Background
from siv_lite.widgets.panel import (
    SCREEN_HEIGHT,
    Chooser,
    Panel,
    Picture,
    as_status,
    encode,
    make_seed_control,
)

NUM_WALK_STEPS = 24  # of a walk that is saved, one way
MAX_SHOWN_SIZE = 320  # longest side of a rendered image on the screen, in pixels, to be quick

# Sides of other sizes, in pixels.
MIN_SIDE = 16
MAX_SIDE = 1024

# Results that are kept, so that going back is quick.
NUM_KEPT_LATENTS = 8
NUM_KEPT_IMAGES = 64


def explore(*folders: str | Path) -> widgets.DOMWidget:
    """Explore what runs, of any method, generate.

    Two seeds and the walk between them, temperature, stages and size where there are any,
    favorites, and images and animations saved in the run's `exports`.

    Args:
        *folders: of runs, or of folders of runs.

    Returns:
        The widget.
    """
    return Chooser(folders, Explorer)


class Explorer(Panel):
    """Images or videos of a run, from latents.

    An image is shown as the method drew it at once, and rendered as soon as that is done.

    Attributes:
        run: the run.
        picture: what the controls ask for.
        background: renders it.
        favorites: the images that are kept.
    """

    def __init__(self, run: Run):
        """Build the explorer.

        Args:
            run: of any method.
        """
        self.run = run
        self.latents = lru_cache(NUM_KEPT_LATENTS)(self.sample_latents)
        self.encoded = lru_cache(NUM_KEPT_IMAGES)(self.encode_images)

        is_video = run.method.frames_per_sample > 1
        self.picture = Picture("The image of these settings", format="gif" if is_video else "png")
        self.background = Background(self.picture)
        self.favorites = widgets.HBox(layout={"flex_flow": "row wrap"})
        actions = {
            "Re-sample": ("Take the next seed", self.resample),
            "Keep": ("Keep the image", self.keep),
            "Save PNG": ("Save the image", self.save_png),
            "Save GIF": ("Save the walk", self.save_gif),
        }
        shown = widgets.VBox([self.picture, self.background.sign])
        super().__init__(make_controls(run.method), actions, shown, self.favorites)

    def sample_latents(self, seed: int, size: tuple[int, int] | None) -> Tensor:
        """Draw the latents of one sample, (1, ...)."""
        return self.run.method.sample_latents(1, seed, size)

    def generate_images(self, values: dict[str, Any]) -> Tensor:
        """Generate the sample that the controls ask for.

        Args:
            values: name of a control -> value.

        Returns:
            An image (1, 3, H, W) in [-1, 1], or the T frames of a video.
        """
        size = None
        if self.run.method.resizable:
            chosen_size = (values["height"], values["width"])
            if chosen_size != tuple(self.run.method.size):
                size = chosen_size

        stage = None
        start = 0
        if self.run.method.num_stages > 1:
            stage = values["stage"]
            start = min(values["start"], stage)

        # The walk is an arc, as in `Run.walk`: half way, too, the latents are N(0, 1).
        first = self.latents(values["seed"], size)
        second = self.latents(values["second"], size)
        angle = values["walk"] * math.pi / 2
        point = math.cos(angle) * first + math.sin(angle) * second
        latents = values["temperature"] * point

        samples = self.run.decode(latents, size=size, stage=stage, start=start)
        return as_images(samples)

    def render_images(
        self, images: Tensor, values: dict[str, Any], max_size: int | None = None
    ) -> Tensor:
        """Render images if the controls ask for it.

        Args:
            images: (n, 3, h, w) in [-1, 1].
            values: name of a control -> value.
            max_size: the longest side of the result, in pixels; by default as large as can be.

        Returns:
            (n, 3, H, W) in [-1, 1].
        """
        if not values.get("rendered"):
            return images
        return self.run.render(images, seed=values["seed"], max_size=max_size)

    def encode_images(self, values: tuple[tuple[str, Any], ...]) -> bytes:
        """Generate and encode; the values of the controls come as pairs, which can be cached."""
        values = dict(values)
        images = self.generate_images(values)
        return encode(self.render_images(images, values, MAX_SHOWN_SIZE))

    def draw(self) -> None:
        """Show the sample that the controls ask for, and render it in the background."""
        values = self.values()
        as_drawn = {**values, "rendered": False}
        self.background.cancel()
        self.picture.value = self.encoded(tuple(as_drawn.items()))
        if values.get("rendered"):
            pairs = tuple(values.items())
            work = partial(self.encoded, pairs)
            self.background.start("Drawing with the photograph's patches", work, self.show)

    def show(self, data: bytes) -> None:
        """Show the rendered image."""
        self.picture.value = data

    def resample(self) -> None:
        """Take the next seed."""
        self.controls["seed"].value += 1

    def keep(self) -> None:
        """Add the sample to the favorites, rendered if the controls ask for it."""
        self.background.wait()
        name = self.name()
        kept = Picture(
            name, SCREEN_HEIGHT // 2, value=self.picture.value, format=self.picture.format
        )
        box = Panel({}, {"Drop": (f"Drop {name}", lambda: self.drop(box))}, kept)
        box.message.value = name
        self.favorites.children = [*self.favorites.children, box]

    def drop(self, box: Panel) -> None:
        """Remove one of the favorites."""
        self.favorites.children = [kept for kept in self.favorites.children if kept is not box]

    def save_png(self) -> str:
        """Save the image at its full size, or all frames of the video."""
        values = self.values()
        images = self.render_images(self.generate_images(values), values)
        path = self.run.folder / "exports" / f"{self.name()}.png"
        save_image(image_grid(images, padding=0), path)
        height, width = images.shape[2:]
        return f"Saved {path}, {width} x {height} pixels"

    def save_gif(self) -> str:
        """Save the video, or of images the walk there and back, at its full size."""
        values = self.values()
        images = self.generate_images(values)
        if len(images) == 1:
            self.message.value = as_status("Drawing the walk ...")
            there = []
            for step in range(NUM_WALK_STEPS + 1):
                walked = {**values, "walk": step / NUM_WALK_STEPS}
                there.append(self.generate_images(walked))
            there = self.render_images(torch.cat(there), values)
            back = there[1:-1].flip(0)
            images = torch.cat([there, back])
        path = self.run.folder / "exports" / f"{self.name()}.gif"
        save_animation(images, path)
        return f"Saved {path}"

    def name(self) -> str:
        """Return all values as text, which is a name of a file too."""
        return " ".join(f"{name}={value:g}" for name, value in self.values().items())


def make_controls(method: Method) -> dict[str, widgets.Widget]:
    """Make the controls of an explorer.

    Args:
        method: of the run; not every method has stages or other sizes.

    Returns:
        Name -> control.
    """
    controls = {
        "seed": make_seed_control(),
        "second": make_seed_control("Second seed", 1000),
        "walk": widgets.FloatSlider(description="Walk", max=1, step=0.01),
        "temperature": widgets.FloatSlider(description="Temperature", value=1, max=2, step=0.05),
    }
    if method.frames_per_sample == 1:
        controls["rendered"] = make_render_control()
    if method.num_stages > 1:
        last = method.num_stages - 1
        controls["stage"] = widgets.IntSlider(description="Stage", value=last, max=last)
        controls["start"] = widgets.IntSlider(description="Start", value=0, max=last)
    if method.resizable:
        height, width = method.size
        controls["height"] = make_side_control("Height", height)
        controls["width"] = make_side_control("Width", width)
    return controls


def make_render_control() -> widgets.ToggleButtons:
    """Make a choice between images as the method drew them and rendered ones."""
    options = [("rendered", True), ("as drawn", False)]
    tooltips = [
        "Drawn anew with the photograph's patches; saved at the photograph's size",
        "As the method drew it",
    ]
    choice = widgets.ToggleButtons(
        description="Show",
        options=options,
        tooltips=tooltips,
        layout={"display": "flex"},  # the label beside the buttons
    )
    choice.style.button_width = "80px"
    return choice


def make_side_control(description: str, value: int) -> widgets.BoundedIntText:
    """Make a field for a height or width in pixels.

    Args:
        description: its label.
        value: at first.

    Returns:
        The control.
    """
    return widgets.BoundedIntText(description=description, min=MIN_SIDE, max=MAX_SIDE, value=value)
