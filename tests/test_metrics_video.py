"""Metrics of videos: known motions, cuts and copies; SVFID with random weights."""

import hashlib
import importlib.util
import sys

import numpy as np
import pytest
import torch

from siv_lite import SivLiteError
from siv_lite.metrics import (
    evaluate_video,
    flow_ratio,
    frame_jump,
    frechet_distance,
    optical_flow,
    pretrained,
    svfid_r3d18,
)


@pytest.fixture(scope="module")
def texture():
    """A smooth random image (1, 3, 48, 96) that repeats at its sides."""
    waves = torch.randn(1, 3, 48, 96, generator=torch.Generator().manual_seed(0))
    kernel = torch.ones(3, 1, 5, 5) / 25
    for _ in range(2):
        waves = torch.nn.functional.pad(waves, [2] * 4, mode="circular")
        waves = torch.nn.functional.conv2d(waves, kernel, groups=3)
    return waves / waves.abs().max()


def moving(texture, step, length=6):
    """A clip (length, 3, 48, 64) of a window that moves by `step` pixels a frame."""
    return torch.cat([texture.roll(-step * t, 3)[..., :64] for t in range(length)])


def test_optical_flow_is_the_motion_in_widths(texture):
    pytest.importorskip("cv2")
    assert optical_flow(moving(texture, 2)) == pytest.approx(2 / 64, rel=0.1)
    assert optical_flow(moving(texture, 0)) < 0.001


def test_flow_ratio_is_that_of_the_speeds(texture):
    pytest.importorskip("cv2")
    videos = torch.stack([moving(texture, 1), moving(texture, 3)])
    assert flow_ratio(videos, moving(texture, 2)) == pytest.approx(1, rel=0.1)


def test_frame_jump_finds_a_cut(texture):
    video = moving(texture, 1)
    assert frame_jump(video) < 1.2
    cut = torch.cat([video[:3], -video[3:]])
    changes = np.abs(np.diff(cut.numpy(), axis=0)).mean((1, 2, 3))
    assert frame_jump(cut) == pytest.approx(changes.max() / np.median(changes), rel=1e-4)
    assert frame_jump(cut) > 3


def test_copies_have_no_distance_and_no_diversity(texture):
    clip = moving(texture, 2, length=3)[..., :24, :32]
    same = evaluate_video(torch.stack([clip, clip]), clip)
    assert same["copy_distance"] < 1e-3 and same["pixel_diversity"] < 1e-6
    assert same["arrangement_diversity"] == pytest.approx(0, abs=1e-6)
    assert same["frame_jump"] == pytest.approx(same["frame_jump_clip"])
    other = evaluate_video(torch.stack([clip, -clip]), clip)
    assert other["copy_distance"] > 5 and other["pixel_diversity"] > 0.5
    assert other["arrangement_diversity"] == pytest.approx(2, abs=1e-6)


def test_what_is_missing_is_named_and_the_rest_is_there(texture, monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    clip = moving(texture, 2)
    table = evaluate_video(torch.stack([clip, -clip]), clip)
    assert "pip install opencv" in table.missing["flow_ratio"] and "copy_distance" in table
    if "svfid_r3d18" in table.missing:
        assert "\n" not in table.missing["svfid_r3d18"]


@pytest.mark.parametrize(
    "shape", [(2, 6, 3, 48), (1, 6, 3, 48, 64), (2, 1, 3, 48, 64), (2, 7, 3, 48, 64)]
)
def test_other_shapes_are_refused_in_one_sentence(shape, texture):
    with pytest.raises(SivLiteError, match="videos must be"):
        evaluate_video(torch.zeros(shape), moving(texture, 2))


def small_network():
    """As R3D-18 a trunk, a pooling and a linear layer."""
    return torch.nn.Sequential(
        torch.nn.Conv3d(3, 5, 8, 8), torch.nn.AdaptiveAvgPool3d(1), torch.nn.Linear(5, 4)
    )


@pytest.mark.skipif(importlib.util.find_spec("torchvision") is None, reason="needs torchvision")
def test_svfid_is_the_frechet_distance_of_features_over_places(
    texture, tmp_path, monkeypatch, request
):
    video_models = pretrained.require("torchvision").models.video
    assert [name for name, _ in video_models.r3d_18().named_children()][-2:] == [
        "avgpool",
        "fc",
    ]  # left out
    small = small_network()
    torch.save(small.state_dict(), tmp_path / "weights")
    file = f"small-{hashlib.sha256((tmp_path / 'weights').read_bytes()).hexdigest()[:8]}.pth"
    (tmp_path / "weights").rename(tmp_path / file)
    monkeypatch.setenv("SIV_LITE_WEIGHTS", str(tmp_path))
    monkeypatch.setattr(pretrained, "R3D_FILE", file)
    monkeypatch.setattr(video_models, "r3d_18", small_network)
    request.addfinalizer(pretrained._r3d18.cache_clear)
    clip, others = moving(texture, 2), torch.stack([moving(texture, 1), moving(texture, 4)])
    state = torch.get_rng_state()
    found = svfid_r3d18(others, clip)
    assert torch.equal(state, torch.get_rng_state())
    assert svfid_r3d18(clip[None], clip) < 1e-6 * found
    maps = []
    for video in (clip, *others):
        resized = torch.nn.functional.interpolate(
            video.transpose(0, 1)[None], (16, 112, 112), mode="trilinear"
        )
        mean, std = (
            torch.tensor(x)[:, None, None, None] for x in (pretrained.R3D_MEAN, pretrained.R3D_STD)
        )
        maps.append(small[0](resized * 0.5 / std + (0.5 - mean) / std)[0].detach().flatten(1).T)
    wanted = (frechet_distance(maps[1], maps[0]) + frechet_distance(maps[2], maps[0])) / 2
    assert found == pytest.approx(wanted, rel=1e-3)


def test_missing_weights_are_named(texture, tmp_path, monkeypatch):
    monkeypatch.setenv("SIV_LITE_WEIGHTS", str(tmp_path))
    with pytest.raises(SivLiteError, match="r3d_18-b3b3357e.pth is missing"):
        svfid_r3d18(moving(texture, 1)[None], moving(texture, 2))
