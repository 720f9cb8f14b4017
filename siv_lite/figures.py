"""Figures for notebooks: pictures and loss curves."""

import matplotlib.pyplot as plt
from torch import Tensor

from siv_lite.frames import image_grid


def show_images(images: Tensor, title: str | None = None, columns: int | None = None, scale: float = 2) -> None:
    """Show images (n, 3, H, W) in [-1, 1] as one grid, every pixel `scale` screen pixels wide at 100 per inch."""
    grid = image_grid(images, columns)
    figure = plt.figure(figsize=(grid.width * scale / 100, grid.height * scale / 100))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(grid, interpolation="nearest")
    axes.axis("off")
    if title:
        axes.set_title(title)
    plt.show()


def plot_losses(log: list[dict[str, float]]) -> None:
    """Plot each loss of `Run.log()` over the iterations, one panel per loss, with its running mean."""
    names = [name for name in log[0] if name != "iteration"] if log else []
    if not names:
        print("Nothing is logged yet.")
        return
    iterations = [entry["iteration"] for entry in log]
    _, panels = plt.subplots(1, len(names), figsize=(4 * len(names), 2.6), layout="constrained", squeeze=False)
    for axes, name in zip(panels[0], names, strict=True):
        values = [entry[name] for entry in log]
        means = running_mean(values)
        axes.plot(iterations, values, linewidth=0.5, alpha=0.4)
        axes.plot(iterations, means, color=axes.lines[0].get_color())
        axes.set_title(name)
        axes.set_xlabel("iteration")
    plt.show()


def running_mean(values: list[float], share: float = 0.05) -> list[float]:
    """Exponential running mean with a memory of `share` of the values, started at the first."""
    weight, mean, means = 1 / max(1, share * len(values)), values[0], []
    for value in values:
        mean += weight * (value - mean)
        means.append(mean)
    return means
