"""Photographs by name: found in scikit-image without importing it, credited, or one sentence."""

import importlib.util
import sys

import nbformat
import pytest
import torch
from execute import main
from PIL import Image

from siv_lite import SivLiteError, credit, read_frames
from siv_lite.photographs import PHOTOGRAPHS


@pytest.fixture
def fake_skimage(tmp_path, monkeypatch):
    """A package `skimage` of two photographs, which must not be imported."""
    data = tmp_path / "site" / "skimage" / "data"
    data.mkdir(parents=True)
    (data.parent / "__init__.py").write_text("raise RuntimeError('imported')")
    Image.new("RGB", (60, 40), "red").save(data / "coffee.png")
    Image.new("RGB", (64, 42), "blue").save(data / "rocket.jpg")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.setattr(sys, "path_importer_cache", {})
    return data


def test_a_photograph_is_read_by_name_like_any_other_file(fake_skimage):
    frames = read_frames("sample:coffee", max_size=48)
    assert frames.shape == (1, 3, 32, 48)
    assert torch.equal(frames, read_frames(fake_skimage / "coffee.png", max_size=48))
    assert read_frames("sample:rocket").shape == (1, 3, 42, 64)


def test_every_photograph_has_a_maker_and_a_free_license_and_a_path_has_none():
    for name in PHOTOGRAPHS:
        text = credit(f"sample:{name}")
        assert ", by " in text and text.endswith((", CC0", ", public domain"))
    assert credit("coffee.png") == credit("") == ""


@pytest.mark.parametrize("function", [read_frames, credit])
def test_an_unknown_name_is_answered_with_those_that_exist(function):
    with pytest.raises(SivLiteError, match="no photograph sample:tea; choose from .*") as error:
        function("sample:tea")
    for name in PHOTOGRAPHS:
        assert f"sample:{name}" in str(error.value)


def test_without_scikit_image_the_command_that_installs_it_is_named(fake_skimage, monkeypatch):
    sentence = "comes with scikit-image: pip install -U scikit-image"
    with pytest.raises(SivLiteError, match=f"sample:chelsea {sentence}"):  # an older one, perhaps
        read_frames("sample:chelsea")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SivLiteError, match=f"sample:coffee {sentence}"):
        read_frames("sample:coffee")


def test_a_notebook_takes_a_photograph_as_its_source(tmp_path, fake_skimage, monkeypatch, capsys):
    parameters = 'source: str = "x.png"  # what to read'
    first = nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]})
    second = nbformat.v4.new_code_cell("print('The source is', source)")
    nbformat.write(nbformat.v4.new_notebook(cells=[first, second]), tmp_path / "toy.ipynb")
    monkeypatch.chdir(tmp_path)
    words = ["execute", "toy.ipynb", "out", "-p", "source"]
    monkeypatch.setattr(sys, "argv", [*words, "sample:coffee"])
    main()
    shown = capsys.readouterr().out
    assert "The source is sample:coffee" in shown
    assert f"Photograph: {credit('sample:coffee')}" in shown
    # A name that does not exist is refused before anything runs.
    monkeypatch.setattr(sys, "argv", [*words, "sample:tea"])
    (tmp_path / "out" / "toy.ipynb").unlink()
    with pytest.raises(SystemExit, match="choose from sample:chelsea"):
        main()
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.skipif(importlib.util.find_spec("skimage") is None, reason="without scikit-image")
@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_scikit_image_has_the_photograph(name):
    frames = read_frames(f"sample:{name}", max_size=None)
    assert frames.shape[:2] == (1, 3) and min(frames.shape[2:]) >= 300
    assert frames.std() > 0.1  # of something
