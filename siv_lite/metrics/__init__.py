"""Metrics of the quality, diversity and memorization of samples.

`evaluate` and `evaluate_video` compute all of them. Samples are compared with the training frames;
all tensors are in [-1, 1], and results are deterministic. To add a metric, see
siv_lite.metrics.registry.
"""

# Importing a module registers its metrics: the order of these imports is the order of the table.
# ruff: isort: off
from siv_lite.metrics.registry import METRICS, Table, evaluate, register_metric
from siv_lite.metrics.patches import (
    copy_distance,
    extract_patches,
    large_patch_fidelity,
    nearest_patch_distance,
    patch_distances,
    sliced_wasserstein,
)
from siv_lite.metrics.diversity import (
    arrangement_diversity,
    ms_ssim,
    ms_ssim_pairs,
    pixel_diversity,
)
from siv_lite.metrics.frechet import fid_sets, frechet_distance, sifid
from siv_lite.metrics.perceptual import distance_to_train, lpips_pairs
from siv_lite.metrics.video import (
    evaluate_video,
    flow_ratio,
    frame_jump,
    optical_flow,
    svfid_r3d18,
    video_arrangement_diversity,
)
from siv_lite.metrics.pretrained import (
    ALEXNET_SIDE,
    INCEPTION_SIDE,
    inception_features,
    load_weights,
    lpips_vectors,
)

__all__ = [
    "ALEXNET_SIDE",
    "INCEPTION_SIDE",
    "METRICS",
    "Table",
    "arrangement_diversity",
    "copy_distance",
    "distance_to_train",
    "evaluate",
    "evaluate_video",
    "extract_patches",
    "fid_sets",
    "flow_ratio",
    "frame_jump",
    "frechet_distance",
    "inception_features",
    "large_patch_fidelity",
    "load_weights",
    "lpips_pairs",
    "lpips_vectors",
    "ms_ssim",
    "ms_ssim_pairs",
    "nearest_patch_distance",
    "optical_flow",
    "patch_distances",
    "pixel_diversity",
    "register_metric",
    "sifid",
    "sliced_wasserstein",
    "svfid_r3d18",
    "video_arrangement_diversity",
]
