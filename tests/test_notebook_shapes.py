"""Every notebook that learns from a `source` runs on an image of any shape: samples and frames may
differ in size, and nothing assumes 4:3."""

from pathlib import Path

import pytest
from execute import execute, list_parameters
from PIL import Image

FOLDER = Path(__file__).parent.parent / "notebooks"
SHAPES = {"16:9": (90, 160), "3:2": (80, 120), "portrait": (120, 80), "square": (96, 96)}
# Their `source` is no image to exchange: they show what is shipped beside it.
PLACES = {
    "notebooks/09_five_answers",
    "notebooks/10_your_own",
    "notebooks/12_one_image_ten_years",
    "solutions/08_measuring",
    "solutions/10_your_own",
}
WITH_SOURCE = []
for path in sorted(FOLDER.rglob("*.ipynb")):
    is_copy = ".ipynb_checkpoints" in path.parts
    if (
        not is_copy
        and f"{path.parent.name}/{path.stem}" not in PLACES
        and "source" in list_parameters(path)
    ):
        WITH_SOURCE.append(path)


CASES = []
for path in WITH_SOURCE:
    # Solutions share the lessons' code, and run on a 4:3 image in test_notebooks.py: one is enough.
    is_solution = path.parent.name == "solutions"
    for shape in ("portrait",) if is_solution else SHAPES:
        CASES.append(pytest.param(path, shape, id=f"{path.parent.name}/{path.stem}-{shape}"))


@pytest.mark.parametrize("notebook, shape", CASES)
def test_a_notebook_runs_on_an_image_of_any_shape(notebook, shape, tmp_path):
    # The street, cut to the shape.
    height, width = SHAPES[shape]
    with Image.open(FOLDER.parent / "data_samples" / "street.png") as street:
        scale = max(width / street.width, height / street.height)
        resized = street.resize((round(street.width * scale) + 1, round(street.height * scale) + 1))
        resized.crop((0, 0, width, height)).save(tmp_path / "image.png")
    known = list_parameters(notebook)
    wanted = {
        "preset": "smoke",
        "seeds": 1,
        "iterations": 2,
        "methods": "siv_gan,singan",
        "tables": "5",
        "render": shape == "portrait",  # of compare_methods; once is enough, for it takes long
    }
    parameters = {name: value for name, value in wanted.items() if name in known}
    parameters["source"] = str(tmp_path / "image.png")
    execute(notebook, tmp_path / "out", parameters)
