"""Figures for notebooks: images and loss curves."""

import matplotlib.pyplot as plt
import numpy
from matplotlib.figure import Figure
from torch import Tensor

from siv_lite.frames import image_grid

DPI = 100


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


def plot_losses(log: list[dict[str, float]]) -> None:
    """Show the figure of `draw_losses`.

    Args:
        log: of a run, `run.log()`.
    """
    figure = plt.figure(layout="constrained")
    draw_losses(figure, log)
    plt.show()


def draw_losses(figure: Figure, log: list[dict[str, float]]) -> None:
    """Plot each loss over the iterations, in a panel of its own: as logged, and its moving average.

    Args:
        figure: an empty figure; its size is set.
        log: of a run, `run.log()`; the average is over 5 % of it.
    """
    names = [name for name in log[0] if name != "iteration"]
    iterations = [entry["iteration"] for entry in log]
    window_size = max(1, len(log) // 20)
    window = numpy.full(window_size, 1 / window_size)

    figure.set_size_inches(4 * len(names), 2.6)
    panels = figure.subplots(1, len(names), squeeze=False)[0]
    for axes, name in zip(panels, names, strict=True):
        values = [entry[name] for entry in log]
        (line,) = axes.plot(iterations, values, linewidth=0.5, alpha=0.4)
        averages = numpy.convolve(values, window, "valid")
        axes.plot(iterations[window_size - 1 :], averages, color=line.get_color())
        axes.set_title(name)
        axes.set_xlabel("iteration")
