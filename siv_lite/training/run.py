"""`Run`: one training in its folder, to sample from while it trains or long after."""

import math
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from siv_lite.errors import SivLiteError, check_integer
from siv_lite.frames import as_images
from siv_lite.methods import Method
from siv_lite.rendering import Renderer
from siv_lite.training.checkpoint import read_config, read_log
from siv_lite.training.config import choose_device, load_frames, make_method, reduce_frames, restore

BATCH_SIZE = 16  # images generated at once, so that many samples need no more memory than few
MIN_SIDE = 16  # pixels of a sample of another size
MAX_SIDE = 4096


Region = tuple[float, float, float, float]  # (top, left, bottom, right), fractions of the sides


class Run:
    """A training's folder, as of its newest checkpoint when it was opened.

    Attributes:
        folder: the run folder.
        config: what was asked for.
        frames: (N, 3, H, W) in [-1, 1], whole, as they were given (in 8 bits).
        method: the networks.
        iteration: of the checkpoint.
    """

    def __init__(
        self, folder: Path, config: dict[str, Any], frames: Tensor, method: Method, iteration: int
    ):
        """Wrap what `train` or `open_run` made.

        Args:
            folder: the run folder.
            config: of the run.
            frames: (N, 3, H, W) in [-1, 1].
            method: with the checkpoint loaded.
            iteration: of the checkpoint.
        """
        self.folder = folder
        self.config = config
        self.frames = frames
        self.method = method
        self.iteration = iteration

    @cached_property
    def training_frames(self) -> Tensor:
        """The frames at the size that the method learned from, (N, 3, h, w) in [-1, 1]."""
        _, training_frames = reduce_frames(type(self.method), self.method.settings, self.frames)
        return training_frames

    @cached_property
    def renderer(self) -> Renderer:
        """Draws with the patches of the frames; what it prepares is kept from call to call."""
        return Renderer(self.frames)

    @property
    def finished(self) -> bool:
        """Whether the training has ended by now."""
        return (self.folder / "done.json").exists()

    def log(self) -> list[dict[str, float]]:
        """Read the losses logged so far.

        Returns:
            Dictionaries with "iteration" and one value per loss, oldest first; those of iterations
            whose grid was saved have the grid's "bandless_diversity", too.
        """
        return read_log(self.folder)

    def sample(
        self,
        n: int,
        seed: int = 0,
        size: tuple[int, int] | None = None,
        start: int = 0,
        stage: int | None = None,
        render: bool = False,
    ) -> Tensor:
        """Draw new samples.

        Args:
            n: number of samples.
            seed: one seed always gives the same latents.
            size: (H, W) in pixels, where the method can draw at other sizes than it was trained at.
            start: of methods with stages, the first that gets noise; below it the training image's
                layout is kept.
            stage: of methods with stages, the finished one whose images are shown; by default the
                newest.
            render: whether to draw them anew with the patches of the frames, sharply and at the
                frames' own size (see `render`).

        Returns:
            Images (n, 3, H, W) in [-1, 1], on the CPU, or videos (n, T, 3, H, W) of methods that
            make them.

        Raises:
            SivLiteError: for what the method cannot do.
        """
        check_integer("n", n, 1)
        check_integer("seed", seed, 0)
        check_integer("start", start, 0)
        if stage is not None:
            check_integer("stage", stage, 0)
        self.method.check_options(size, stage, start)
        if size is not None:
            size = check_sample_size(size)
        latents = self.method.sample_latents(n, seed, size)
        samples = self.decode(latents, size=size, stage=stage, start=start)
        return self.render(samples, seed=seed) if render else samples

    def render(
        self,
        samples: Tensor,
        strength: float = 0.55,
        seed: int = 0,
        max_size: int | None = None,
    ) -> Tensor:
        """Draw samples of this run anew, with the patches of its frames and at their size.

        Args:
            samples: as from `sample`; those of another shape than the frames keep it.
            strength: as for `siv_lite.render`.
            seed: of the noise.
            max_size: the longest side of the result, in pixels, for a quick look; by default it is
                as large as the frames allow.

        Returns:
            Images (n, 3, H, W) in [-1, 1], or videos (n, T, 3, H, W), on the CPU.
        """
        size = self.rendered_size(samples, max_size)
        samples = samples.to(self.method.device)
        return self.renderer.render(samples, size, strength, seed).cpu()

    def provenance(
        self,
        samples: Tensor,
        strength: float = 0.55,
        seed: int = 0,
        max_size: int | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Draw samples as `render` does, and tell where in the frames every pixel comes from.

        Args:
            samples: images as from `sample`; no videos.
            strength: as for `siv_lite.provenance`.
            seed: of the noise.
            max_size: as for `render`.

        Returns:
            Images (n, 3, H, W) in [-1, 1], and for every pixel the frame, row and column of its
            source, (n, H, W, 3), both on the CPU.
        """
        size = self.rendered_size(samples, max_size)
        samples = samples.to(self.method.device)
        rendered, sources = self.renderer.provenance(samples, size, strength, seed)
        return rendered.cpu(), sources.cpu()

    def rendered_size(self, samples: Tensor, max_size: int | None = None) -> tuple[int, int]:
        """Return the size at which samples are rendered.

        Args:
            samples: as for `render`.
            max_size: as for `render`.

        Returns:
            (height, width) in pixels.
        """
        # The scale of the frames over that of the samples.
        scale_y = self.frames.shape[2] / self.method.size[0]
        scale_x = self.frames.shape[3] / self.method.size[1]
        height = samples.shape[-2] * scale_y
        width = samples.shape[-1] * scale_x
        if max_size is not None:
            check_integer("max_size", max_size, 1)
            reduction = min(1, max_size / max(height, width))
            height *= reduction
            width *= reduction
        return round(height), round(width)

    def sample_images(self, n: int, seed: int = 0, render: bool = False) -> Tensor:
        """Draw single images, also from a method that makes videos.

        Args:
            n: number of images.
            seed: as in `sample`.
            render: as in `sample`.

        Returns:
            (n, 3, H, W) in [-1, 1]: n samples, or the frames of the smallest sufficient number of
            videos.
        """
        num_samples = math.ceil(n / self.method.frames_per_sample)
        return as_images(self.sample(num_samples, seed, render=render))[:n]

    def decode(self, latents: Tensor, **options: Any) -> Tensor:
        """Generate samples from latents, a few at a time.

        Args:
            latents: (n, ...) from `method.sample_latents`, or anything between them.
            **options: `size`, `stage`, `start` and what else the method's `generate` takes.

        Returns:
            Images or videos as from `sample`, on the CPU.
        """
        samples_at_once = max(1, BATCH_SIZE // self.method.frames_per_sample)
        parts = []
        for part in latents.split(samples_at_once):
            parts.append(self.method.generate(part, **options).float().cpu())
        return torch.cat(parts)

    def resample(self, latents: Tensor, region: Region, seed: int) -> Tensor:
        """Draw the latents of a region anew and keep all others.

        Only for latents that are maps, as of siv_gan with `latent="spatial"`. What lies beyond the
        region's border changes a little too, as far as G's convolutions reach; the rest of the
        image stays.

        Args:
            latents: (n, C, rows, columns), from `method.sample_latents` or from here.
            region: (top, left, bottom, right) as fractions of the image's sides, 0 to 1. Every cell
                that it touches is drawn anew; a point, (y, x, y, x), touches one.
            seed: of the new latents; the seed of the old ones gives new ones, too.

        Returns:
            New latents of the same shape; `latents` stay as they are.

        Raises:
            SivLiteError: for methods whose latents have no places, and for other latents, regions
                or seeds than these.
        """
        grid = self.method.latent_grid
        if grid is None:
            raise SivLiteError(
                f"This {type(self.method).__name__} has no latents with places, so no region can "
                'be drawn anew; train siv_gan with latent="spatial"'
            )
        rows, columns = find_cells(region, grid)
        check_integer("seed", seed, 0)

        # Rows behind the first n: those could be the given latents, if their seed was the same.
        n = len(latents)
        fresh = self.method.sample_latents(2 * n, seed)[n:]
        if latents.shape != fresh.shape:
            raise SivLiteError(
                f"latents must be (n, {', '.join(map(str, fresh.shape[1:]))}), as "
                f"method.sample_latents returns them, not {tuple(latents.shape)}"
            )
        changed = latents.clone()
        changed[:, :, rows, columns] = fresh[:, :, rows, columns].to(latents)
        return changed

    def walk(self, n: int = 48, seed: int = 0) -> Tensor:
        """Draw samples along a circle through latent space: cos(t) z1 + sin(t) z2.

        Every point of the circle is as likely as a fresh draw, and the walk ends where it began.

        Args:
            n: number of samples.
            seed: chooses z1 and z2.

        Returns:
            As from `sample`.
        """
        check_integer("n", n, 1)
        latents = self.method.sample_latents(2, check_integer("seed", seed, 0))
        z1, z2 = latents.split(1)
        angles = torch.arange(n) * 2 * math.pi / n
        angles = angles.view(-1, *[1] * (z1.ndim - 1))  # (n, 1, ...), to multiply with latents
        return self.decode(angles.cos() * z1 + angles.sin() * z2)

    def __repr__(self) -> str:
        state = "finished" if self.finished else "unfinished"
        method = self.config["method"]
        return f"Run({method}, {self.iteration} iterations, {state}, {self.folder})"


def find_cells(region: Region, grid: tuple[int, int]) -> tuple[slice, slice]:
    """Find the cells of a grid that a region of the image touches.

    Args:
        region: (top, left, bottom, right) as fractions of the image's sides, 0 to 1.
        grid: number of (rows, columns).

    Returns:
        The rows and the columns, at least one of each. A border between two cells touches both only
        if the region goes beyond it; a point on it touches the cell below or on the right.

    Raises:
        SivLiteError: if the region is not four such fractions, top above bottom, left before right.
    """
    try:
        top, left, bottom, right = (float(side) for side in region)
        fits = 0 <= top <= bottom <= 1 and 0 <= left <= right <= 1
    except (TypeError, ValueError):
        fits = False
    if not fits:
        raise SivLiteError(
            "region must be (top, left, bottom, right) as fractions of the image's sides, with "
            f"0 <= top <= bottom <= 1 and 0 <= left <= right <= 1, not {region!r}"
        )
    num_rows, num_columns = grid
    return _touched(top, bottom, num_rows), _touched(left, right, num_columns)


def _touched(start: float, end: float, count: int) -> slice:
    """Return which of `count` equal parts of [0, 1] the interval from `start` to `end` touches."""
    first = math.floor(round(start * count, 6))  # rounded: 3/7 * 7 shall be 3
    first = min(first, count - 1)
    last = math.ceil(round(end * count, 6)) - 1
    return slice(first, max(first, last) + 1)


def check_sample_size(size: tuple[int, int]) -> tuple[int, int]:
    """Check the size of a sample.

    Args:
        size: (height, width) in pixels.

    Returns:
        The size as a tuple.

    Raises:
        SivLiteError: if it is no pair of whole numbers from 16 to 4096.
    """
    sides = size if isinstance(size, tuple | list) else ()
    valid = len(sides) == 2
    for side in sides:
        valid = valid and isinstance(side, int) and MIN_SIDE <= side <= MAX_SIDE
    if not valid:
        raise SivLiteError(
            f"size must be (height, width) in whole pixels from {MIN_SIDE} to {MAX_SIDE}, "
            f"not {size!r}"
        )
    return tuple(size)


def open_run(folder: str | Path, device: str = "auto") -> Run:
    """Open a run at its newest good checkpoint; it may still be training.

    Args:
        folder: a run folder.
        device: where to generate: "auto", "cpu", "cuda" or "cuda:1".

    Returns:
        The run.

    Raises:
        SivLiteError: if the folder is no run, was written by a newer version, is damaged at its
            end, or has no checkpoint yet.
    """
    folder = Path(folder)
    if not (folder / "config.json").exists():
        raise SivLiteError(
            f"{folder} is not a run folder: it has no config.json; give the folder that `train` "
            "wrote"
        )
    config = read_config(folder)
    frames = load_frames(folder, config)
    method = make_method(config, frames, choose_device(device))
    iteration = restore(method, folder, config["seed"])["iteration"]
    if iteration == 0:
        raise SivLiteError(
            f"{folder} has no checkpoint yet; wait for the first, or call train again to go on"
        )
    if (folder / "done.json").exists() and iteration != method.iterations:
        raise SivLiteError(
            f"The last checkpoint of {folder} is damaged; the newest good one is of iteration "
            f"{iteration}: delete done.json, and metrics.json if there, and train on from it"
        )
    return Run(folder, config, frames, method, iteration)
