"""The registry of metrics. A new metric is one decorated function:

    @register_metric("brightness_error")
    def brightness_error(images: Tensor, frames: Tensor) -> float:
        return (images.mean() - frames.mean()).abs().item()

It returns one number, shown in the column `name`, or a dictionary of several columns. A metric that
cannot be computed raises SivLiteError; the table then shows the error's sentence instead.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor

from siv_lite.errors import SivLiteError
from siv_lite.metrics.inputs import prepare_inputs

MetricFunction = Callable[..., float | dict[str, float]]
Kind = Literal["image", "video"]
FramesRule = Literal["any", "one", "clip", "none"]


class Table(dict):
    """Metrics by name, shown as aligned text.

    Attributes:
        missing: For each metric that could not be computed, a sentence that says why.
    """

    def __init__(self, values: dict[str, float], missing: dict[str, str]) -> None:
        """Build a table.

        Args:
            values: column name -> value.
            missing: metric name -> sentence that says why it could not be computed.
        """
        super().__init__(values)
        self.missing = missing

    def __repr__(self) -> str:
        rows = {name: f"{value:.4g}" for name, value in self.items()}
        rows |= self.missing
        width = max(map(len, rows), default=0)
        return "\n".join(f"{name:<{width}}  {text}" for name, text in rows.items())


@dataclass(frozen=True)
class Metric:
    """A registered metric. The fields are the arguments of `register_metric`."""

    name: str
    function: MetricFunction
    samples: int | None = None
    frames: FramesRule = "any"
    min_sides: dict[str, int] = field(default_factory=dict)

    def applies_to(self, frames: Tensor) -> bool:
        """Return whether the metric is defined for this number of frames."""
        if self.frames == "one":
            return len(frames) == 1
        if self.frames == "clip":
            return len(frames) > 1
        return True

    def compute(self, samples: Tensor, frames: Tensor) -> dict[str, float]:
        """Return the columns of the metric."""
        samples = samples[: self.samples]  # all of them for None
        arguments = [samples]
        if self.frames != "none":
            arguments.append(frames)
        result = self.function(*arguments)
        return result if isinstance(result, dict) else {self.name: result}


# All metrics of each kind by name, in the order of the table.
METRICS: dict[str, dict[str, Metric]] = {"image": {}, "video": {}}


def register_metric(
    name: str,
    kind: Kind = "image",
    *,
    samples: int | None = None,
    frames: FramesRule = "any",
    min_sides: dict[str, int] | None = None,
) -> Callable[[MetricFunction], MetricFunction]:
    """Add the decorated function to the registry, as the last metric of its kind.

    Args:
        name: column name, also used in `Table.missing`.
        kind: "image": called by `evaluate` with images (n, 3, H, W) and frames (N, 3, H, W).
            "video": called by `evaluate_video` with videos (n, T, 3, H, W) and frames (N, 3, h, w).
        samples: maximum number of samples it is computed on, the first ones. None: all.
        frames: "any": computed for any number of frames. "one": only for a single image.
            "clip": only for two frames or more. "none": called with the samples alone.
        min_sides: column name -> minimum H and W in pixels, for columns that need large images.

    Returns:
        A decorator that returns the function unchanged.
    """

    def register(function: MetricFunction) -> MetricFunction:
        METRICS[kind][name] = Metric(name, function, samples, frames, min_sides or {})
        return function

    return register


def compute_table(kind: Kind, samples: Tensor, frames: Tensor) -> Table:
    """Compute all metrics of one kind that apply, in the order of the registry.

    Args:
        kind: "image" or "video".
        samples: images (n, 3, H, W) or videos (n, T, 3, H, W) in [-1, 1].
        frames: training frames (N, 3, h, w) in [-1, 1].

    Returns:
        The table. Its `missing` holds the message of every SivLiteError that a metric raised.
    """
    values: dict[str, float] = {}
    missing: dict[str, str] = {}
    side = min(samples.shape[-2:])

    for metric in METRICS[kind].values():
        if not metric.applies_to(frames):
            continue
        for column, min_side in metric.min_sides.items():
            if side < min_side:
                missing[column] = f"needs {min_side} x {min_side} pixels"
        try:
            values |= metric.compute(samples, frames)
        except SivLiteError as error:
            missing[metric.name] = str(error)
    return Table(values, missing)


def evaluate(images: Tensor, frames: Tensor) -> Table:
    """Compute all image metrics.

    Columns: sliced_wasserstein_1 (fine) to _3 (coarse), patch_fidelity, patch_coverage,
    large_patch_fidelity, copy_distance, pixel_diversity, arrangement_diversity and ms_ssim; if
    pretrained weights are available also sifid_... (one frame) or fid_... (a clip), lpips and
    distance_to_train. sliced_wasserstein, patch_..., large_patch_fidelity, copy_distance and
    ms_ssim use the first 16 samples, the others all of them.

    Args:
        images: samples (n, 3, H, W) in [-1, 1], n at least 2, H and W at least 20.
        frames: training frames (N, 3, h, w) in [-1, 1]; resized to the samples if necessary.

    Returns:
        The table. Its `missing` says which metrics could not be computed, and why.

    Raises:
        SivLiteError: If `prepare_inputs` refuses the images or the frames.
    """
    images, frames = prepare_inputs(images, frames, min_count=2, min_side=20)
    return compute_table("image", images, frames)
