"""The course notices a broken package: with each of these faults a lesson stops, and says why."""

import re
import shutil
from pathlib import Path

import pytest
from execute import execute

import siv_lite
from siv_lite import SivLiteError

PACKAGE = Path(siv_lite.__file__).parent
NOTEBOOKS = PACKAGE.parent / "notebooks"


def swap_branches(text: str) -> str:
    """The discriminator's branches under each other's name."""
    begin = text.index("class Discriminator(")
    end = text.index("class SIVGAN(")
    other = {'"content"': '"layout"', '"layout"': '"content"'}
    swapped = re.sub('"content"|"layout"', lambda x: other[x[0]], text[begin:end])
    return text[:begin] + swapped + text[end:]


def replace(old: str, new: str):
    def change(text: str) -> str:
        assert text.count(old) == 1
        return text.replace(old, new)

    return change


FAULTS = {
    "the sign of DR is flipped": (
        "methods/siv_gan.py",
        replace("loss_G - diversity_weight * diversity", "loss_G + diversity_weight * diversity"),
        ("05_diversity", "look at the sign of `diversity`"),
    ),
    "the branches are swapped": (
        "methods/siv_gan.py",
        swap_branches,
        ("04_two_judges", "are the branches swapped"),
    ),
    "the smaller pictures are not read": (
        "methods/siv_gan.py",
        replace("torch.cat([x, rgb], dim=1)", "torch.cat([x, 0 * rgb], dim=1)"),
        ("04_two_judges", "from-RGB"),
    ),
    "pictures are in [0, 1]": (
        "frames.py",
        replace(".div_(127.5).sub_(1)", ".div_(255)"),
        ("08_measuring", r"read_frames"),
    ),
    "weights are not averaged": (
        "methods/siv_gan.py",
        replace(
            "        update_ema(self.G_ema, self.G, self.settings.ema_decay, self.iteration)\n", ""
        ),
        ("03_from_noise_to_image", "update_ema"),
    ),
    "the share of the image is forgotten": (
        "rendering/denoiser.py",
        replace("alpha=a / variance", "alpha=1 / variance"),
        ("11_the_network_that_needs_no_training", "is the a forgotten"),
    ),
    "overlapping patches are added up": (
        "rendering/patches.py",
        replace("weights / weights.sum((1, 2), keepdim=True)", "weights"),
        ("11_the_network_that_needs_no_training", "patches put back must be the image"),
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_lesson_stops_and_says_what_to_look_at(fault, tmp_path, monkeypatch):
    file, change, (lesson, message) = FAULTS[fault]
    shutil.copytree(PACKAGE, tmp_path / "siv_lite", ignore=shutil.ignore_patterns("__pycache__"))
    path = tmp_path / "siv_lite" / file
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(SivLiteError, match=f"AssertionError: (.|\n)*{message}"):
        execute(NOTEBOOKS / f"{lesson}.ipynb", tmp_path / "out", {"preset": "smoke"})
