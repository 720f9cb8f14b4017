"""Frechet distances between features of Inception-v3: SIFID for one frame, FID for a clip.

They need pretrained weights: see siv_lite.metrics.pretrained.
"""

import torch
from torch import Tensor

from siv_lite.errors import SivLiteError
from siv_lite.metrics.inputs import check_images, prepare_inputs
from siv_lite.metrics.pretrained import INCEPTION_SIDE, inception_features
from siv_lite.metrics.registry import register_metric


def frechet_distance(features1: Tensor, features2: Tensor) -> float:
    """Compute the Frechet distance between Gaussians fitted to two sets of features.

    |m1 - m2|^2 + tr(C1 + C2 - 2 sqrt(C1 C2)) with means m and covariances C (Heusel et al. 2017,
    Eq. 6).

    Args:
        features1: first set (n1, c), n1 at least 2.
        features2: second set (n2, c), n2 at least 2.

    Returns:
        The distance, at least 0.
    """
    mean1, root1 = _fit_gaussian(features1.double())
    mean2, root2 = _fit_gaussian(features2.double())
    mean_term = (mean1 - mean2).square().sum()

    # With C = R^T R, tr sqrt(C1 C2) is the sum of the singular values of R1 R2^T. This is exact
    # even if C is singular.
    trace1 = root1.square().sum()
    trace2 = root2.square().sum()
    trace_of_root = torch.linalg.svdvals(root1 @ root2.T).sum()
    covariance_term = trace1 + trace2 - 2 * trace_of_root
    return (mean_term + covariance_term).clamp(min=0).item()


def _fit_gaussian(features: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean (c,) of features (n, c), and R (min(n, c), c) with covariance R^T R."""
    mean = features.mean(dim=0)
    scaled = (features - mean) / (len(features) - 1) ** 0.5
    return mean, torch.linalg.qr(scaled, mode="r").R


@register_metric(
    "sifid",
    frames="one",
    min_sides={f"sifid_{channels}": side for channels, side in INCEPTION_SIDE.items()},
)
def sifid(images: Tensor, frame: Tensor) -> dict[str, float]:
    """Compare the features at all positions of a sample with those of a single frame.

    Single image FID (Shaham et al. 2019, section 3, who use the level of 64 channels), on each
    level of features that the images are large enough for.

    Args:
        images: samples (n, 3, H, W) in [-1, 1], H and W at least 9.
        frame: training frame (1, 3, h, w) in [-1, 1].

    Returns:
        For each level with c channels "sifid_c", averaged over samples, and "sifid_c_best", the
        minimum over samples. 0: same features.

    Raises:
        SivLiteError: If `prepare_inputs` refuses the images or the frame, there is more than one
            frame, or `inception_features` fails.
    """
    images, frame = prepare_inputs(images, frame, min_side=INCEPTION_SIDE[64])
    if len(frame) > 1:
        raise SivLiteError(
            f"sifid compares with one frame, but got {len(frame)}: use fid_sets for a clip"
        )

    features = inception_features(torch.cat([frame, images]))

    columns = {}
    for channels, maps in features.items():
        positions = maps.flatten(2).mT  # (1 + n, h w, c)
        target = positions[0]
        found = [frechet_distance(sample, target) for sample in positions[1:]]
        columns[f"sifid_{channels}"] = sum(found) / len(found)
        columns[f"sifid_{channels}_best"] = min(found)
    return columns


@register_metric(
    "fid",
    frames="clip",
    min_sides={f"fid_{channels}": side for channels, side in INCEPTION_SIDE.items()},
)
def fid_sets(images: Tensor, frames: Tensor) -> dict[str, float]:
    """Compare the set of samples with the set of frames by their spatially averaged features.

    FID (Heusel et al. 2017), on each level of features that the images are large enough for. It is
    biased upwards for few images, so compare only results with equal numbers of images.

    Args:
        images: samples (n, 3, H, W) in [-1, 1], n at least 2, H and W at least 9.
        frames: training frames (N, 3, h, w) in [-1, 1], N at least 2.

    Returns:
        For each level with c channels "fid_c". 0: same mean and covariance.

    Raises:
        SivLiteError: If `prepare_inputs` refuses the images or the frames, there is only one
            frame, or `inception_features` fails.
    """
    images, frames = prepare_inputs(images, frames, min_count=2, min_side=INCEPTION_SIDE[64])
    check_images(frames, "frames", min_count=2)
    n = len(images)
    features = inception_features(torch.cat([images, frames]))

    columns = {}
    for channels, maps in features.items():
        vectors = maps.mean(dim=(2, 3))  # (n + N, c)
        columns[f"fid_{channels}"] = frechet_distance(vectors[:n], vectors[n:])
    return columns
