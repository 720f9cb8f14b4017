"""Figures for notebooks: the map of SIV-GAN, images, maps of features, curves."""

import html
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import hsv_to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from torch import Tensor

from siv_lite.errors import SivLiteError
from siv_lite.frames import image_grid, to_uint8

DPI = 100
MAP = Path(__file__).with_name("map.svg")

# Name in a log -> title of its panel, and what its axis says.
LOSS_TITLES = {
    "D": ("D, the discriminator", "loss"),
    "G": ("G, the generator", "loss"),
    "diversity": ("diversity of the batch", "distance"),
    "bandless_diversity": ("arrangements of the grid", "1 - correlation"),
    "arrangement_diversity": ("arrangements of the grid", "1 - correlation"),
    "distance": ("distance of real and generated", "loss"),
    "penalty": ("gradient penalty", "loss"),
    "reconstruction": ("reconstruction", "error"),
}


def show_map(*parts: str) -> None:
    """Show the map of SIV-GAN with the parts of today's lesson lit.

    Args:
        parts: names of parts that keep their colors, such as "content"; none: all of them do.

    Raises:
        SivLiteError: if the map has no such part.
    """
    from IPython.display import SVG, display

    display(SVG(draw_map(*parts)))


def draw_map(*parts: str) -> str:
    """Draw the map of SIV-GAN with only some parts lit.

    Args:
        parts: names of parts that keep their colors, such as "content"; none: all of them do.

    Returns:
        The text of an SVG image of 1000 x 560 pixels.

    Raises:
        SivLiteError: if the map has no such part.
    """
    text = MAP.read_text(encoding="utf-8")
    known = re.findall(r'class="part" id="map-(\w+)"', text)
    for part in parts:
        if part not in known:
            raise SivLiteError(f"The map has no part {part!r}; choose from {', '.join(known)}")
    if not parts:
        return text

    for part in known:
        if part not in parts:
            lit = f'class="part" id="map-{part}"'
            pale = f'class="part pale" id="map-{part}"'
            text = text.replace(lit, pale)
    names = ", ".join(parts).replace("_", "-")
    label = 'aria-label="Map of SIV-GAN"'
    return text.replace(label, f'{label[:-1]}; lit: {names}"')


def show_images(
    images: Tensor, title: str = "", columns: int | None = None, scale: float = 2
) -> None:
    """Show images as one grid.

    Args:
        images: (n, 3, H, W) in [-1, 1].
        title: above the grid.
        columns: images in a row; by default the grid is as near to a square as can be.
        scale: width of a pixel in pixels of the screen, at 100 per inch.
    """
    grid = image_grid(images, columns)
    width = grid.width * scale / DPI  # in inches
    height = grid.height * scale / DPI
    figure = plt.figure(figsize=(width, height))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(grid, interpolation="nearest")
    axes.axis("off")
    axes.set_title(title)
    plt.show()


def show_row(images: dict[str, Tensor]) -> None:
    """Show images side by side, each under its title.

    Args:
        images: title -> image (1, 3, H, W) in [-1, 1]; all are drawn equally wide.
    """
    with plt.rc_context({"font.size": 12}):
        figure = plt.figure(figsize=(2.6 * len(images), 2.6), layout="constrained")
        panels = figure.subplots(1, len(images), squeeze=False)[0]
        for axes, (title, image) in zip(panels, images.items(), strict=True):
            axes.imshow(to_uint8(image)[0], interpolation="nearest")
            axes.set_title(title)
            axes.axis("off")
        plt.show()


def color_places(size: tuple[int, int]) -> Tensor:
    """Give every place of an image its own color: its column decides the hue, its row how bright.

    Args:
        size: (H, W) of the image, in pixels.

    Returns:
        (H, W, 3) in 0 to 1: from red at the left to violet at the right, dark at the bottom.
    """
    height, width = size
    rows = torch.linspace(0, 1, height)[:, None].expand(size)
    columns = torch.linspace(0, 1, width).expand(size)
    hue = 0.8 * columns  # not 1, which would be red again
    saturation = torch.full(size, 0.9)
    brightness = 1 - 0.7 * rows
    colors = hsv_to_rgb(torch.stack([hue, saturation, brightness], dim=2).numpy())
    return torch.from_numpy(colors)


def show_provenance(frames: Tensor, images: Tensor, sources: Tensor) -> None:
    """Show where in the photograph the pixels of rendered images come from.

    Each image stands beside the photograph, painted with one color for every place, and beside a
    map of the image in which each pixel has the color of its source.

    Args:
        frames: (N, 3, H, W) in [-1, 1]; of several the first is painted.
        images: (n, 3, h, w) in [-1, 1], from `provenance`.
        sources: (n, h, w, 3): frame, row and column of every pixel's source, from `provenance`.
    """
    colors = color_places(tuple(frames.shape[2:])).numpy()
    gray = to_uint8(frames[:1])[0].mean(2, keepdims=True) / 255
    painted = 0.6 * colors + 0.4 * gray  # the photograph stays recognizable

    aspect = images.shape[2] / images.shape[3]
    with plt.rc_context({"font.size": 12}):
        figure = plt.figure(figsize=(10, 0.4 + 3.3 * aspect * len(images)), layout="constrained")
        panels = figure.subplots(len(images), 3, squeeze=False)
        for row, image, source in zip(panels, to_uint8(images), sources.cpu().numpy(), strict=True):
            row[0].imshow(image)
            row[1].imshow(colors[source[..., 1], source[..., 2]])
            row[2].imshow(painted)
            for axes in row:
                axes.axis("off")
        panels[0, 0].set_title("a new scene")
        panels[0, 1].set_title("sources of its pixels")
        panels[0, 2].set_title("colors of the places")
        plt.show()


def color_maps(maps: Tensor, limit: float = 1.0) -> Tensor:
    """Color maps of one channel: blue where negative, white at 0, red where positive.

    Args:
        maps: (n, 1, h, w).
        limit: the absolute value, above 0, from which on a color is full.

    Returns:
        Images (n, 3, h, w) in [-1, 1], as `contact_sheet` takes them.
    """
    values = (maps.detach() / limit).clamp(-1, 1)
    red = 1 + values.clamp(max=0)  # all colors are 1 in white
    green = 1 - values.abs()
    blue = 1 - values.clamp(min=0)
    return 2 * torch.cat([red, green, blue], dim=1) - 1


def plot_lines(
    lines: dict[str, Sequence[float]], x: Sequence | None = None, **options: Any
) -> None:
    """Plot named lines into one panel, few points with markers, several lines with a legend.

    Args:
        lines: label -> values; all have the same number of them.
        x: where the values stand, numbers or words; None: 0, 1, 2, ...
        options: further ones of Matplotlib's `Axes.set`, such as `xlabel` and `yscale`.
    """
    with plt.rc_context({"font.size": 12}):
        axes = plt.figure(figsize=(10, 3.4), layout="constrained").add_subplot()
        for label, values in lines.items():
            places = range(len(values)) if x is None else x
            marker = "o" if len(values) <= 16 else None
            axes.plot(places, values, marker=marker, label=label)
        axes.set(**options)
        if len(lines) > 1:
            axes.legend(bbox_to_anchor=(1, 1), loc="upper left")  # beside the lines, not on them
        plt.show()


def plot_bars(groups: dict[str, dict[str, float]], **options: Any) -> None:
    """Plot groups of bars, one bar of each color in every group, its value above it.

    Args:
        groups: name of a group -> label of a bar -> value; all groups have the first one's labels.
        options: further ones of Matplotlib's `Axes.set`, such as `ylabel`.
    """
    labels = list(next(iter(groups.values())))
    width = 0.8 / len(labels)  # a fifth of every group's place stays empty
    with plt.rc_context({"font.size": 12}):
        axes = plt.figure(figsize=(10, 3.4), layout="constrained").add_subplot()
        for number, label in enumerate(labels):
            shift = (number - (len(labels) - 1) / 2) * width
            places = [place + shift for place in range(len(groups))]
            values = [values[label] for values in groups.values()]
            bars = axes.bar(places, values, width, label=label)
            axes.bar_label(bars, fmt="{:.3g}", fontsize=11, padding=2)
        axes.axhline(0, color="black", linewidth=0.8)
        axes.set_xticks(range(len(groups)), list(groups))
        axes.margins(y=0.15)  # room for the values
        axes.set(**options)
        if len(labels) > 1:
            axes.legend(bbox_to_anchor=(1, 1), loc="upper left")
        plt.show()


def show_table(rows: dict[str, dict[str, float]], high: set[str]) -> None:
    """Show metrics as a table, the best value of each column in gold.

    Args:
        rows: name -> metric -> value; all rows have the metrics of the first.
        high: the metrics of which the largest value is the best; of all others it is the smallest.
    """
    from IPython.display import HTML, display

    metrics = list(next(iter(rows.values())))
    best = {}
    for metric in metrics:
        choose = max if metric in high else min
        best[metric] = choose(rows, key=lambda name: rows[name][metric])

    heads = [
        f"{metric.replace('_', ' ')}<br>{'high' if metric in high else 'low'}" for metric in metrics
    ]
    lines = ["<th></th>" + "".join(f"<th>{head}</th>" for head in heads)]
    for name, row in rows.items():
        line = f"<th>{html.escape(name)}</th>"
        for metric in metrics:
            style = " style='background: gold; color: black'" if best[metric] == name else ""
            digits = 1 if row[metric] > 9 else 4
            line += f"<td{style}>{row[metric]:.{digits}f}</td>"
        lines.append(line)
    display(HTML("<table><tr>" + "</tr><tr>".join(lines) + "</tr></table>"))


def plot_losses(log: list[dict[str, float]], levels: dict[str, float] | None = None) -> None:
    """Show the figure of `draw_losses`.

    Args:
        log: of a run, `run.log()`.
        levels: as for `draw_losses`.
    """
    figure = plt.figure(layout="constrained")
    draw_losses(figure, log, levels)
    plt.show()


def draw_losses(
    figure: Figure,
    log: list[dict[str, float]],
    levels: dict[str, float] | None = None,
    columns: int | None = None,
) -> None:
    """Plot each loss over the iterations, in a panel of its own: as logged, and its moving average.

    What is measured on grids only stands in few lines of the log, and is plotted with markers.

    Args:
        figure: an empty figure; its size is set.
        log: of a run, `run.log()`; the average is over 5 % of it.
        levels: name of a loss -> where it is while the discriminator tosses coins, as from
            `run.method.coin_levels()`; a dashed line.
        columns: panels in a row; by default all.
    """
    names = list_names(log)
    columns = columns or len(names)
    rows = math.ceil(len(names) / columns)

    row_height = 2.2 if rows == 1 else 1.7
    figure.set_size_inches(4 * columns, 0.7 + row_height * rows)
    panels = figure.subplots(rows, columns, squeeze=False).flat
    lines = {}  # legend -> one of the lines it explains
    for axes, name in zip(panels, names, strict=False):
        entries = [entry for entry in log if name in entry]
        level = (levels or {}).get(name)
        found = draw_loss(axes, name, entries, len(entries) < len(log), level)
        lines = {**found, **lines}
    figure.legend(lines.values(), lines, loc="outside lower center", ncols=min(3, columns))


def list_names(log: list[dict[str, float]]) -> list[str]:
    """List what a log holds besides the iterations, in the order of its lines."""
    names = []
    for entry in log:
        for name in entry:
            if name not in ("iteration", *names):
                names.append(name)
    return names


def draw_loss(
    axes: Axes, name: str, entries: list[dict[str, float]], is_rare: bool, level: float | None
) -> dict[str, Line2D]:
    """Plot one loss into a panel.

    Args:
        axes: the panel.
        name: of the loss.
        entries: the lines of the log that have it.
        is_rare: whether other lines of the log lack it; it then gets markers.
        level: of a dashed line, or None.

    Returns:
        Legend -> line.
    """
    iterations = [entry["iteration"] for entry in entries]
    values = [entry[name] for entry in entries]
    window_size = max(1, len(entries) // 20)
    window = np.full(window_size, 1 / window_size)
    averages = np.convolve(values, window, "valid")

    marker = "o" if is_rare else None
    (logged,) = axes.plot(iterations, values, marker=marker, linewidth=0.5, alpha=0.4)
    (average,) = axes.plot(iterations[window_size - 1 :], averages, color=logged.get_color())
    lines = {"as logged": logged, "moving average": average}
    if level is not None:
        coin = axes.axhline(level, color="black", linestyle="--", linewidth=0.8)
        lines["coin level: D cannot tell real from fake"] = coin
    title, unit = LOSS_TITLES.get(name, (name, "loss"))
    axes.set(title=title, xlabel="iteration", ylabel=unit)
    return lines
