"""The shipped sample pictures and clip are what their scripts render, and are fit to train on."""

import importlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

FOLDER = Path(__file__).parents[1] / "data_samples"
PICTURES = {"balloons": (192, 256, 3), "beach": (192, 256, 3), "street": (192, 320, 3)}
CLIP = sorted((FOLDER / "bus").glob("*.jpg"))


@pytest.fixture
def render(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER / "render"))
    return importlib.import_module("render")


def read(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"), dtype=np.float64)


@pytest.mark.parametrize("name", PICTURES)
def test_rendering_a_scene_again_gives_the_shipped_picture(render, name):
    again = render.render_scene(name)
    assert again.dtype == np.uint8
    assert np.abs(again - read(FOLDER / f"{name}.png")).mean() < 1


@pytest.mark.parametrize("index", [0, 40])
def test_rendering_a_frame_again_gives_the_shipped_jpeg(render, index):
    assert np.abs(render.render_frame(index) - read(CLIP[index])).mean() < 4


def test_the_clip_has_60_to_100_numbered_frames_of_one_size():
    assert 60 <= len(CLIP) <= 100
    assert [path.stem for path in CLIP] == [f"{index:05d}" for index in range(len(CLIP))]
    assert {Image.open(path).size for path in CLIP} == {(320, 192)}


def test_every_frame_of_the_clip_moves_but_never_cuts():
    frames = [read(path) for path in CLIP]
    change = [
        np.abs(after - before).mean() for before, after in zip(frames, frames[1:], strict=False)
    ]
    unrelated = np.abs(read(CLIP[0])[:, ::-1] - read(CLIP[40])).mean()
    assert min(change) > 1
    assert max(change) < 0.6 * unrelated


def test_the_video_holds_the_frames_of_the_clip():
    cv2 = pytest.importorskip("cv2", reason="decoding bus.mp4 needs OpenCV")
    video, count = cv2.VideoCapture(str(FOLDER / "bus.mp4")), 0
    while True:
        decoded, frame = video.read()
        if not decoded:
            break
        assert np.abs(frame[..., ::-1] - read(CLIP[count])).mean() < 12
        count += 1
    assert count == len(CLIP)


@pytest.mark.parametrize(
    "name", ["balloons.png", "beach.png", "street.png", "bus/00000.jpg", "bus/00071.jpg"]
)
def test_pictures_are_textured_nearly_everywhere_and_have_a_wide_histogram(name):
    gray = read(FOLDER / name).mean(axis=2)
    height, width = gray.shape
    deviation = gray.reshape(height // 8, 8, width // 8, 8).std(axis=(1, 3))
    assert (deviation > 4).mean() > 0.9
    assert np.percentile(gray, 1) < 80
    assert np.percentile(gray, 99) > 220


def test_shipped_files_stay_small():
    assert sum(path.stat().st_size for path in CLIP) < 3_000_000
    assert (FOLDER / "bus.mp4").stat().st_size < 1_500_000
