"""Metrics of motion, continuity, diversity and quality of videos.

For single frames of videos, call `evaluate(videos.flatten(0, 1), frames)`.
"""

import numpy as np
from torch import Tensor

from siv_lite.errors import SivLiteError
from siv_lite.frames import to_uint8
from siv_lite.metrics.diversity import arrangement_diversity, pixel_diversity
from siv_lite.metrics.frechet import frechet_distance
from siv_lite.metrics.inputs import prepare_inputs
from siv_lite.metrics.patches import copy_distance
from siv_lite.metrics.pretrained import r3d18_features
from siv_lite.metrics.registry import Table, compute_table, register_metric

# Parameters of the optical flow.
FARNEBACK = {
    "pyr_scale": 0.5,
    "levels": 3,
    "winsize": 9,  # pixels
    "iterations": 5,
    "poly_n": 5,  # pixels
    "poly_sigma": 1.1,
    "flags": 0,
}


@register_metric("copy_distance", kind="video")
def video_copy_distance(videos: Tensor, frames: Tensor) -> float:
    """Compute the copy distance of all frames of all videos.

    Args:
        videos: samples (n, T, 3, H, W) in [-1, 1].
        frames: training clip (N, 3, h, w) in [-1, 1].

    Returns:
        The mean of `copy_distance` over all frames, in 0..255. Low: memorized.

    Raises:
        SivLiteError: If `prepare_inputs` refuses the videos or the frames.
    """
    return copy_distance(videos.flatten(0, 1), frames)


def frame_jump(frames: Tensor) -> float:
    """Compare the largest change between neighboring frames with the median change.

    Args:
        frames: one video (T, 3, H, W), T at least 2.

    Returns:
        Maximum over median of the mean absolute differences. 1: steady; high: the video has a cut.
    """
    differences = (frames[1:] - frames[:-1]).abs()
    changes = differences.flatten(1).mean(1)  # (T - 1,)
    median = changes.median().clamp(min=1e-6)  # not 0 for a still video
    return (changes.amax() / median).item()


@register_metric("frame_jump", kind="video")
def frame_jumps(videos: Tensor, frames: Tensor) -> dict[str, float]:
    """Compute `frame_jump` of the videos, and of the clip to compare with.

    Args:
        videos: samples (n, T, 3, H, W), T at least 2.
        frames: training clip (N, 3, h, w), N at least 2.

    Returns:
        "frame_jump", averaged over videos, and "frame_jump_clip".
    """
    jumps = [frame_jump(video) for video in videos]
    return {
        "frame_jump": sum(jumps) / len(jumps),
        "frame_jump_clip": frame_jump(frames),
    }


@register_metric("pixel_diversity", kind="video")
def video_pixel_diversity(videos: Tensor, frames: Tensor) -> float:
    """Compute the pixel diversity of the videos at each time (SIV-GAN, section 4.2).

    Args:
        videos: samples (n, T, 3, H, W) in [-1, 1], n at least 2.
        frames: training clip (N, 3, h, w) in [-1, 1].

    Returns:
        The mean of `pixel_diversity` over times. 0: all videos are equal.

    Raises:
        SivLiteError: If `prepare_inputs` refuses the videos or the frames.
    """
    diversities = [pixel_diversity(images, frames) for images in videos.unbind(1)]
    return sum(diversities) / len(diversities)


@register_metric("arrangement_diversity", kind="video", frames="none")
def video_arrangement_diversity(videos: Tensor) -> float:
    """Compute the arrangement diversity of the videos at each time.

    Args:
        videos: samples (n, T, 3, H, W) in [-1, 1], n at least 2.

    Returns:
        The mean of `arrangement_diversity` over times. 0: all videos show one arrangement.

    Raises:
        SivLiteError: If `check_images` refuses the videos.
    """
    diversities = [arrangement_diversity(images) for images in videos.unbind(1)]
    return sum(diversities) / len(diversities)


def optical_flow(frames: Tensor) -> float:
    """Measure motion by the optical flow between neighboring frames (Farneback 2003).

    Args:
        frames: one video (T, 3, H, W) in [-1, 1], T at least 2.

    Returns:
        The mean length of the flow vectors, in image widths.

    Raises:
        SivLiteError: If OpenCV is not installed.
    """
    try:
        import cv2
    except ImportError as error:
        raise SivLiteError(
            "the optical flow needs OpenCV: pip install opencv-python-headless"
        ) from error

    gray = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in to_uint8(frames)]
    flows = []
    for before, after in zip(gray[:-1], gray[1:], strict=True):
        flow = cv2.calcOpticalFlowFarneback(before, after, None, **FARNEBACK)
        flows.append(flow)  # (H, W, 2), in pixels

    lengths = np.linalg.norm(flows, axis=3)  # (T - 1, H, W)
    return float(lengths.mean()) / frames.shape[3]


@register_metric("flow_ratio", kind="video")
def flow_ratio(videos: Tensor, frames: Tensor) -> float:
    """Compare the amount of motion in the videos with that in the clip.

    Args:
        videos: samples (n, T, 3, H, W) in [-1, 1], T at least 2.
        frames: training clip (N, 3, h, w) in [-1, 1], N at least 2.

    Returns:
        The mean `optical_flow` of the videos divided by that of the clip. 1: equal motion.

    Raises:
        SivLiteError: If OpenCV is not installed.
    """
    flows = [optical_flow(video) for video in videos]
    clip_flow = max(1e-6, optical_flow(frames))
    return sum(flows) / len(flows) / clip_flow


@register_metric("svfid_r3d18", kind="video")
def svfid_r3d18(videos: Tensor, frames: Tensor) -> float:
    """Compare the features at all positions of a video with those of the clip's first T frames.

    Single video FID (SVFID, Gur et al. 2020, section A.2), but with features of R3D-18. The paper
    uses C3D, so values are not comparable with published ones.

    Args:
        videos: samples (n, T, 3, H, W) in [-1, 1].
        frames: training clip (N, 3, h, w) in [-1, 1], N at least T.

    Returns:
        The Frechet distance, averaged over videos. 0: same features.

    Raises:
        SivLiteError: If `r3d18_features` fails.
    """
    clip = frames[: videos.shape[1]]
    target = r3d18_features(clip).flatten(1).T  # (positions, channels)

    distances = []
    for video in videos:
        sample = r3d18_features(video).flatten(1).T
        distances.append(frechet_distance(sample, target))
    return sum(distances) / len(distances)


def evaluate_video(videos: Tensor, frames: Tensor) -> Table:
    """Compute all video metrics.

    Columns: copy_distance, frame_jump, frame_jump_clip, pixel_diversity, arrangement_diversity,
    flow_ratio (needs OpenCV) and svfid_r3d18 (needs pretrained weights).

    Args:
        videos: samples (n, T, 3, H, W) in [-1, 1], n and T at least 2.
        frames: training clip (N, 3, h, w) in [-1, 1], N at least T.

    Returns:
        The table. Its `missing` says which metrics could not be computed, and why.

    Raises:
        SivLiteError: If the shape of the videos is wrong, the clip is shorter than the videos, or
            `prepare_inputs` refuses either.
    """
    shape = tuple(getattr(videos, "shape", ()))
    is_batch = len(shape) == 5 and min(shape[:2]) >= 2
    if not is_batch or len(frames) < shape[1]:
        raise SivLiteError(
            "videos must be (n, T, 3, H, W) with n and T at least 2, and the clip must have T "
            f"frames or more: got {shape} and {len(frames)} frames"
        )
    prepare_inputs(videos.flatten(0, 1), frames)  # refuses what no metric can use
    return compute_table("video", videos, frames)
