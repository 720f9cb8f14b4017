"""The microscope: what SIV-GAN's discriminator decides about an image, block by block."""

import math
from pathlib import Path

import ipywidgets as widgets
import torch
import torch.nn.functional as F
from torch import Tensor

from siv_lite.errors import SivLiteError
from siv_lite.frames import contact_sheet
from siv_lite.training import Run
from siv_lite.widgets.panel import Chooser, Panel, Picture, encode, make_seed_control


def microscope(*folders: str | Path) -> widgets.DOMWidget:
    """See what every block of SIV-GAN's discriminator decides about an image.

    A part of the image can be moved and recolored, to see which blocks notice.

    Args:
        *folders: of runs of siv_gan, or of folders of runs.

    Returns:
        The widget.
    """
    return Chooser(folders, Microscope)


class Microscope(Panel):
    """The decisions of SIV-GAN's discriminator on an edited image: a map for each block.

    Attributes:
        run: the run.
        picture: the edited image.
        maps: the decisions.
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
        self.picture = Picture("The edited image")
        self.maps = Picture("What each block of each part decides, place by place", height=None)

        # The frames as D sees them are as large as the samples: `method.size`.
        height, width = run.method.size
        slider = widgets.IntSlider
        controls = {
            "source": widgets.Dropdown(description="Image", options=("training frame", "sample")),
            "number": make_seed_control("Frame, seed"),
            "rows": make_range_control("Rows", height),
            "columns": make_range_control("Columns", width),
            "down": slider(description="Change down", min=-height, max=height),
            "right": slider(description="Change right", min=-width, max=width),
            "hue": slider(description="Change hue", min=-180, max=180),
        }
        actions = {"Undo": ("Show the image without edits", self.undo)}
        super().__init__(controls, actions, self.picture, self.maps)

    def undo(self) -> str:
        """Take all edits back."""
        for name in ("down", "right", "hue"):
            self.controls[name].value = 0
        return self.draw()

    def chosen_image(self) -> Tensor:
        """Return the training frame or sample that is chosen, (3, H, W), on the CPU."""
        number = self.controls["number"].value
        if self.controls["source"].value == "sample":
            return self.run.sample(1, number)[0]
        frames = self.run.method.real[0]
        return frames[number % len(frames)].cpu()

    @torch.no_grad()
    def decide(self, image: Tensor) -> dict[str, list[Tensor]]:
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
        """Show the edited image and what D decides about it.

        Returns:
            What the maps mean.
        """
        values = self.values()
        image = self.chosen_image()
        edited = edit_region(
            image,
            rows=values["rows"],
            columns=values["columns"],
            down=values["down"],
            right=values["right"],
            hue=values["hue"],
        )
        before = self.decide(image)
        after = self.decide(edited)

        rows = {}
        for part, maps in after.items():
            means = ", ".join(f"{x.mean():.2f}" for x in maps)
            change = mean_change(before[part], maps)
            enlarged = torch.cat([F.interpolate(x, image.shape[1:]) for x in maps])
            framed = F.pad(color_probabilities(enlarged), [1, 1, 1, 1], value=-1)
            rows[f"{part}: {means}; changed by {change:.3f}"] = framed

        self.picture.value = encode(edited[None])
        self.maps.value = encode(contact_sheet(rows, scale=2))
        return (
            "Blue: fake, red: real. Means of the blocks, and of the change by the edits: "
            f"{'. '.join(rows)}."
        )


def make_range_control(description: str, side: int) -> widgets.IntRangeSlider:
    """Make a slider for a range of rows or columns.

    Args:
        description: its label.
        side: height or width of the image, in pixels.

    Returns:
        The control, set to the second quarter of the side.
    """
    value = (side // 4, side // 2)
    return widgets.IntRangeSlider(description=description, max=side, value=value)


def mean_change(before: list[Tensor], after: list[Tensor]) -> Tensor:
    """Compute how much maps differ.

    Args:
        before: maps of any sizes.
        after: maps of the same sizes.

    Returns:
        The mean absolute difference of each map, averaged over the maps; a scalar.
    """
    total = 0
    for old, new in zip(before, after, strict=True):
        total = total + (new - old).abs().mean()
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
    down = max(-top, min(down, height - bottom))
    right = max(-left, min(right, width - end))

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
