"""Motion, continuity, diversity and quality of sampled videos (n, T, 3, H, W) against their training clip (N, 3, h, w),
all in [-1, 1]. What `metrics` says of pictures it says of `videos.flatten(0, 1)` too."""

import numpy
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from siv_lite import features
from siv_lite.errors import SivLiteError
from siv_lite.frames import to_uint8
from siv_lite.metrics import Table, copy_distance, frechet_distance, pixel_diversity

R3D_FILE = "r3d_18-b3b3357e.pth"  # torchvision's ResNet of 18 layers in three dimensions, trained on Kinetics-400
R3D_MEAN, R3D_STD = (0.43216, 0.394666, 0.37645), (0.22803, 0.22145, 0.216989)  # of its input, from [0, 1]


def optical_flow(frames: Tensor) -> float:
    """Mean length of the optical flow (Farneback 2003) between neighbouring frames (T, 3, H, W), in widths of the
    picture. Raises SivLiteError if OpenCV is missing."""
    try:
        import cv2
    except ImportError as error:
        raise SivLiteError("the optical flow needs OpenCV: pip install opencv-python-headless") from error
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in to_uint8(frames)]
    flows = [cv2.calcOpticalFlowFarneback(*x, None, 0.5, 3, 9, 5, 5, 1.1, 0) for x in zip(grey, grey[1:], strict=False)]
    return float(numpy.linalg.norm(flows, axis=3).mean()) / frames.shape[3]


def flow_ratio(videos: Tensor, frames: Tensor) -> float:
    """Mean length of the optical flow of videos over that of the clip; 1: as much motion. Errors as in optical_flow."""
    return sum(map(optical_flow, videos)) / len(videos) / max(1e-6, optical_flow(frames))


def frame_jump(frames: Tensor) -> float:
    """Largest over median mean absolute difference of neighbouring frames (T, 3, H, W): high where a video cuts."""
    changes = (frames[1:] - frames[:-1]).abs().flatten(1).mean(1)
    return (changes.amax() / changes.median().clamp(min=1e-6)).item()


def svfid_r3d18(videos: Tensor, frames: Tensor) -> float:
    """Frechet distance between the features at all places of a video and of the clip's first T frames, both resized to
    16 of 112 x 112 pixels, mean over videos: SVFID (Gur et al. 2020, A.2), but of R3D-18 where the paper has C3D, so
    that its numbers do not compare. Raises SivLiteError if weights or their package are missing."""
    with torch.random.fork_rng(devices=[]):  # a network starts random: the user's generator must not notice
        network = features.imported("torchvision").models.video.r3d_18()
    network.load_state_dict(features.load_weights(R3D_FILE))
    trunk = nn.Sequential(*list(network.children())[:-2]).eval().requires_grad_(False)
    mean, std = (torch.tensor(x).view(3, 1, 1, 1) for x in (R3D_MEAN, R3D_STD))
    sets = (frames[None, : videos.shape[1]], *videos.split(1))
    inputs = (F.interpolate(x.cpu().transpose(1, 2), (16, 112, 112), mode="trilinear") for x in sets)
    target, *samples = (trunk(((x + 1) / 2 - mean) / std)[0].flatten(1).T for x in inputs)
    return sum(frechet_distance(sample, target) for sample in samples) / len(samples)


def evaluate_video(videos: Tensor, frames: Tensor) -> Table:
    """Table of all metrics of n >= 2 videos of T >= 2 frames, copy_distance that of all their frames, pixel_diversity
    that of frames of equal time, mean (section 4.2). `missing` names what cannot be computed, and why."""
    shape = tuple(getattr(videos, "shape", ()))
    if len(shape) != 5 or min(shape[:2]) < 2 or len(frames) < shape[1]:
        raise SivLiteError(f"videos must be (n, T, 3, H, W), n and T 2 or more, a clip as long at least: got {shape}")
    values, missing = {"copy_distance": copy_distance(videos.flatten(0, 1), frames)}, {}
    values |= {"frame_jump": sum(map(frame_jump, videos)) / len(videos), "frame_jump_clip": frame_jump(frames)}
    values["pixel_diversity"] = sum(pixel_diversity(x, frames) for x in videos.unbind(1)) / shape[1]
    for metric in (flow_ratio, svfid_r3d18):
        try:
            values[metric.__name__] = metric(videos, frames)
        except SivLiteError as error:
            missing[metric.__name__] = str(error)
    return Table(values, missing)
