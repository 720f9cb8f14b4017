"""Figures for notebooks: pictures and loss curves."""

import matplotlib.pyplot as plt
import numpy
from matplotlib.figure import Figure
from torch import Tensor

from siv_lite.frames import image_grid


def show_images(images: Tensor, title: str = "", columns: int | None = None, scale: float = 2) -> None:
    """Show images (n, 3, H, W) in [-1, 1] as one grid, every pixel `scale` screen pixels wide at 100 per inch."""
    grid = image_grid(images, columns)
    axes = plt.figure(figsize=(grid.width * scale / 100, grid.height * scale / 100)).add_axes((0, 0, 1, 1))
    axes.imshow(grid, interpolation="nearest")
    axes.axis("off")
    axes.set_title(title)
    plt.show()


def plot_losses(log: list[dict[str, float]]) -> None:
    """Show `draw_losses`."""
    draw_losses(plt.figure(layout="constrained"), log)
    plt.show()


def draw_losses(figure: Figure, log: list[dict[str, float]]) -> None:
    """Plot each loss of `Run.log()` over the iterations, one panel per loss: as logged, and its mean over 5 %."""
    names = [name for name in log[0] if name != "iteration"]
    window = numpy.full(max(1, len(log) // 20), 1 / max(1, len(log) // 20))
    figure.set_size_inches(4 * len(names), 2.6)
    for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        iterations, values = ([entry[key] for entry in log] for key in ("iteration", name))
        line = axes.plot(iterations, values, linewidth=0.5, alpha=0.4)[0]
        axes.plot(iterations[len(window) - 1 :], numpy.convolve(values, window, "valid"), color=line.get_color())
        axes.set_title(name)
        axes.set_xlabel("iteration")
