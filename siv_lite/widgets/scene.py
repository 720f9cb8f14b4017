"""A scene: a sample of one run at a position of the sliders, drawn at once and then rendered."""

import io
import math
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import ipywidgets as widgets
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from siv_lite.frames import as_images, resize_to
from siv_lite.rendering.sampler import PATCH_SIDE
from siv_lite.training import Run
from siv_lite.widgets.background import Background
from siv_lite.widgets.canvas import Canvas, Region, find_places
from siv_lite.widgets.panel import encode

NUM_WALK_STEPS = 24  # of a walk that is saved, one way
MAX_SHOWN_SIZE = 320  # longest side of a rendered image on the screen, in pixels, to be quick
SMALL_HEIGHT = 96  # of an image in a strip, in pixels

# Results that are kept, so that going back is quick.
NUM_KEPT_LATENTS = 8
NUM_KEPT_IMAGES = 64


@dataclass(frozen=True, eq=False)
class Edit:
    """A region that was drawn anew.

    Attributes:
        before: the latents before, (1, C, rows, columns).
        after: the latents after.
        region: (top, left, bottom, right) as fractions of the sides.
        walk: the position of the walk before.
        previous: the edit before, or None.
    """

    before: Tensor
    after: Tensor
    region: Region
    walk: float
    previous: "Edit | None"


@dataclass(frozen=True)
class Position:
    """What the controls ask for.

    Attributes:
        seed: of the latents where the walk begins.
        second: of those where it ends.
        walk: from 0 to 1; after an edit from the scene before to the scene after.
        variety: factor of the latents; at 0 all seeds show the same.
        size: (H, W) in pixels, or None.
        stage: whose images are shown, or None.
        start: the first stage that gets noise.
        edit: the newest edit, or None.
    """

    seed: int
    second: int = 0
    walk: float = 0.0
    variety: float = 1.0
    size: tuple[int, int] | None = None
    stage: int | None = None
    start: int = 0
    edit: Edit | None = None


class Scene:
    """The samples of one run.

    Attributes:
        run: the run.
        canvas: shows the sample.
        background: renders it.
        box: canvas and sign.
        can_render: whether samples are rendered; videos are not.
    """

    def __init__(self, run: Run, name: str):
        """Show nothing yet.

        Args:
            run: of any method.
            name: that the canvas has in common with the photograph's.
        """
        self.run = run
        self.drawn = None  # the position and the form that are shown
        self.can_render = run.method.frames_per_sample == 1
        self.canvas = Canvas(text="A new scene", name=name)
        self.canvas.source_grid = [1, 1]
        self.canvas.add_class("siv-lite-scene")
        if run.method.latent_grid is not None:
            self.canvas.grid = list(run.method.latent_grid)
        self.background = Background(self.canvas)
        self.background.sign.add_class("siv-lite-sign")
        self.box = widgets.Box([self.canvas, self.background.sign])
        self.box.add_class("siv-lite-pane")

        self.latents = lru_cache(NUM_KEPT_LATENTS)(self.sample_latents)
        self.generate = lru_cache(NUM_KEPT_IMAGES)(self.generate_images)
        self.rendered = lru_cache(NUM_KEPT_IMAGES)(self.render_images)

    def sample_latents(self, seed: int, size: tuple[int, int] | None) -> Tensor:
        """Draw the latents of one sample, (1, ...)."""
        return self.run.method.sample_latents(1, seed, size)

    def find_latents(self, position: Position) -> Tensor:
        """Return the latents of a position, before their variety, (1, ...)."""
        edit = position.edit
        if edit is not None:
            return walk_between(edit.before, edit.after, position.walk)
        first = self.latents(position.seed, position.size)
        second = self.latents(position.second, position.size)
        return walk_between(first, second, position.walk)

    def generate_images(self, position: Position) -> Tensor:
        """Generate the sample of a position: an image (1, 3, H, W), or the T frames of a video."""
        latents = position.variety * self.find_latents(position)
        samples = self.run.decode(
            latents, size=position.size, stage=position.stage, start=position.start
        )
        return as_images(samples)

    def render_images(self, position: Position) -> tuple[bytes, np.ndarray, list[float]]:
        """Render the sample of a position: the image, the places of its sources, a patch's size."""
        images, sources = self.run.provenance(
            self.generate(position), seed=position.seed, max_size=MAX_SHOWN_SIZE
        )
        height, width = images.shape[2:]
        frame_height, frame_width = self.run.frames.shape[2:]
        reduction = min(1, max(height / frame_height, width / frame_width))
        side = PATCH_SIDE / reduction
        patch = [PATCH_SIDE / height, PATCH_SIDE / width, side / frame_height, side / frame_width]
        places = find_places(sources[0], (frame_height, frame_width))
        return encode(images), places, patch

    def draw(self, position: Position, show: str) -> None:
        """Show the sample of a position, and render it in the background.

        Args:
            position: of the sliders.
            show: "rendered", "as drawn" or "pixels".
        """
        if (position, show) == self.drawn:
            return
        self.drawn = None
        self.background.cancel()
        self.canvas.region = list(position.edit.region) if position.edit else []

        # A rendered sample has the shape of the photograph, also while it is still small.
        images = self.generate(position)
        will_render = show == "rendered" and self.can_render
        aspect = 0.0
        if will_render:
            height, width = self.run.rendered_size(images)
            aspect = width / height
        self.canvas.show(encode(images), aspect, is_smooth=show != "pixels")
        self.drawn = (position, show)
        if will_render:
            work = partial(self.rendered, position)
            self.background.start("Drawing with the photograph's patches", work, self.show)

    def show(self, rendered: tuple[bytes, np.ndarray, list[float]]) -> None:
        """Show a rendered sample."""
        data, places, patch = rendered
        self.canvas.show_rendered(data, places, patch)
        # Of several frames the page does not know which one is shown.
        if len(self.run.frames) > 1:
            self.canvas.sources = b""

    def redraw(self, position: Position, region: Region, seed: int) -> Edit:
        """Draw a region anew.

        Args:
            position: of the sliders.
            region: (top, left, bottom, right) as fractions of the sides.
            seed: of the new latents.

        Returns:
            The edit, from what is shown to the same with the region drawn anew.
        """
        before = self.find_latents(position)
        after = self.run.resample(before, region, seed)
        return Edit(before, after, region, position.walk, position.edit)

    def thumbnails(self, seeds: list[int], **options: Any) -> list[bytes]:
        """Draw samples small, all at once.

        Args:
            seeds: one for each sample.
            **options: `stage` and `start`, as in `Position`.

        Returns:
            A PNG each; of a video its first frame.
        """
        latents = torch.cat([self.run.method.sample_latents(1, seed) for seed in seeds])
        samples = self.run.decode(latents, **options)
        if samples.ndim == 5:
            samples = samples[:, 0]
        return [make_thumbnail(sample) for sample in samples]

    def picture(self, position: Position, show: str) -> bytes:
        """Draw a sample at full size.

        Args:
            position: of the sliders.
            show: "rendered", "as drawn" or "pixels".

        Returns:
            A PNG, or a GIF of a video.
        """
        return encode(self.enlarge(self.generate(position), position, show))

    def film(self, position: Position, show: str) -> bytes:
        """Draw the walk there and back at full size.

        Args:
            position: of the sliders.
            show: "rendered", "as drawn" or "pixels".

        Returns:
            A GIF.
        """
        if not self.can_render:
            return self.picture(position, show)
        latents = []
        for step in range(NUM_WALK_STEPS + 1):
            walked = replace(position, walk=step / NUM_WALK_STEPS)
            latents.append(self.find_latents(walked))
        there = self.run.decode(
            position.variety * torch.cat(latents),
            size=position.size,
            stage=position.stage,
            start=position.start,
        )
        there = self.enlarge(there, position, show)
        back = there[1:-1].flip(0)
        return encode(torch.cat([there, back]))

    def enlarge(self, images: Tensor, position: Position, show: str) -> Tensor:
        """Bring samples to the photograph's size, (n, 3, H, W), in the form that is shown."""
        if show == "rendered" and self.can_render:
            return self.run.render(images, seed=position.seed)
        height, width = self.run.rendered_size(images)
        if show == "pixels":
            factor = max(1, round(height / images.shape[2]))
            return F.interpolate(images, scale_factor=factor, mode="nearest")
        return resize_to(images, (height, width))


def walk_between(first: Tensor, second: Tensor, walk: float) -> Tensor:
    """Walk from latents to others on an arc, so that half way, too, they are N(0, 1).

    Args:
        first: latents, N(0, 1).
        second: latents of the same shape; values that they have in common stay.
        walk: from 0 to 1.

    Returns:
        Latents of the same shape.
    """
    angle = walk * math.pi / 2
    point = math.cos(angle) * first + math.sin(angle) * second
    return torch.where(first == second, first, point)


def make_thumbnail(image: Tensor) -> bytes:
    """Make a small PNG of an image (3, H, W) in [-1, 1]."""
    data = io.BytesIO(encode(image[None]))
    small = Image.open(data)
    width = max(1, round(small.width * SMALL_HEIGHT / small.height))
    return encode(small.resize((width, SMALL_HEIGHT), Image.Resampling.BICUBIC))
