"""The scenes that are drawn while a training goes on."""

import numpy
import pytest
import torch
from conftest import fingerprint
from PIL import Image

from siv_lite import train
from siv_lite.frames import to_uint8
from siv_lite.methods import METHODS
from siv_lite.training import preview
from siv_lite.training.preview import Preview

TRAINED = [name for name in METHODS if name not in ("gpdm", "patch_diffusion")]


@pytest.mark.parametrize("method", TRAINED)
def test_scenes_leave_the_training_as_it_is(tmp_path, toy_frames, monkeypatch, method):
    monkeypatch.setattr(preview, "NUM_SCENES", 1)
    drawn = Preview(tmp_path / "watched", toy_frames)
    counted = []

    def draw(trained, iteration):
        drawn.save(trained, iteration)
        counted.append(int(Image.open(drawn.path).text["iteration"]))

    options = {"preset": "smoke", "iterations": 3, "progress": False}
    train(method, toy_frames, tmp_path / "plain", **options)
    run = train(method, toy_frames, tmp_path / "watched", **options, on_step=draw)
    assert fingerprint(tmp_path / "watched") == fingerprint(tmp_path / "plain")
    assert counted == list(range(1, run.iteration + 1))
    sheet = numpy.asarray(Image.open(drawn.path))
    assert (sheet[2:34, 2:50] == to_uint8(toy_frames)[0]).all()  # the photograph comes first


def test_of_a_clip_there_is_a_film(tmp_path):
    frames = torch.rand(4, 3, 32, 40, generator=torch.Generator().manual_seed(3)) * 2 - 1
    run = train("hp_vae_gan", frames, tmp_path / "clip", "smoke", progress=False)
    drawn = Preview(run.folder, run.frames)
    drawn.save(run.method, run.iteration)
    with Image.open(drawn.path) as film:
        assert film.n_frames == run.method.frames_per_sample > 1
        assert film.text["iteration"] == str(run.iteration)


def test_drawing_takes_a_small_share_of_the_time(tmp_path, toy_frames, monkeypatch):
    drawn = Preview(tmp_path, toy_frames)
    clock = [100.0]
    times = []

    def save(method, iteration):
        times.append(clock[0])
        clock[0] += 2.0  # seconds that drawing takes

    monkeypatch.setattr(preview.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(drawn, "save", save)
    for iteration in range(1000):
        drawn.update(None, iteration)
        clock[0] += 0.1
    share = 2.0 * len(times) / (clock[0] - 100.0)
    assert len(times) > 2 and share < 0.2
