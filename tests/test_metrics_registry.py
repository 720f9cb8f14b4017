"""The table of all metrics: what is missing, what is refused, and a metric of one's own."""

import json

import pytest
import torch
from conftest import noisy

from siv_lite import metrics
from siv_lite.errors import SivLiteError


@pytest.mark.parametrize("clip", [False, True])
def test_evaluate_names_every_missing_metric_and_is_deterministic(
    scene, tmp_path, monkeypatch, clip
):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    frames = torch.cat([scene, noisy(scene)]) if clip else scene
    table = metrics.evaluate(noisy(scene), frames)
    assert set(table.missing) >= {"fid" if clip else "sifid", "lpips", "distance_to_train"}
    assert "inception_v3_google-0cc3c7bd.pth" in table.missing["fid" if clip else "sifid"]
    assert (
        "alexnet-owt-7be5be79.pth" in table.missing["lpips"]
        and str(tmp_path) in table.missing["lpips"]
    )
    assert {
        "sliced_wasserstein_1",
        "patch_fidelity",
        "large_patch_fidelity",
        "copy_distance",
        "pixel_diversity",
        "arrangement_diversity",
        "ms_ssim",
    } <= set(table)
    again = metrics.evaluate(noisy(scene), frames)
    assert table == again and list(table.missing) == list(again.missing)


@pytest.fixture
def own_metrics(monkeypatch):
    """The registry of image metrics, emptied for the duration of a test."""
    monkeypatch.setitem(metrics.METRICS, "image", {})


def test_a_metric_is_one_decorated_function(scene, own_metrics):
    @metrics.register_metric("mean", samples=2)
    def mean(images, frames):
        assert frames.shape == scene.shape
        return float(len(images))

    @metrics.register_metric("range", frames="none", min_sides={"range_big": 49})
    def value_range(images):
        return {"range_low": images.amin().item(), "range_high": images.amax().item()}

    @metrics.register_metric("broken")
    def broken(images, frames):
        raise SivLiteError("no such network")

    table = metrics.evaluate(noisy(scene), scene)
    assert list(table) == ["mean", "range_low", "range_high"] and table["mean"] == 2
    assert table.missing == {"range_big": "needs 49 x 49 pixels", "broken": "no such network"}
    assert mean(noisy(scene), scene) == 3  # the function itself is as it was


def test_a_metric_is_left_out_for_numbers_of_frames_that_it_is_not_for(scene, own_metrics):
    for rule in ("any", "one", "clip"):
        metrics.register_metric(rule, frames=rule)(lambda images, frames: 0.0)
    assert list(metrics.evaluate(noisy(scene), scene)) == ["any", "one"]
    assert list(metrics.evaluate(noisy(scene), noisy(scene))) == ["any", "clip"]


def test_table_prints_aligned_and_survives_json():
    table = metrics.Table({"ms_ssim": 0.123456}, {"lpips": "no file"})
    assert str(table) == repr(table) == "ms_ssim  0.1235\nlpips    no file"
    again = metrics.Table(**json.loads(json.dumps({"values": table, "missing": table.missing})))
    assert again == table and again.missing == table.missing


def test_bad_input_is_refused_in_one_sentence(scene):
    pair, nan = noisy(scene, 2), scene.clone()
    nan[0, 0, 0, 0] = torch.nan
    for images, frames, sentence in [
        (pair[:1], scene, "at least 2"),
        (pair[:, :, :16], scene, "20 x 20"),
        (pair[0], scene, "must be a float tensor"),
        (pair.numpy(), scene, "must be a float tensor"),
        (pair[:, :1], scene, "must be a float tensor"),
        (pair * 127.5, scene, "outside"),
        (pair, nan, "frames hold NaN"),
        (pair, torch.zeros(1, 3, 48, 64), "flat color"),
    ]:
        with pytest.raises(SivLiteError, match=sentence):
            metrics.evaluate(images, frames)
