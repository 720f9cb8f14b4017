"""Free photographs of the world: scikit-image brings them along, and nothing is copied.

They are read by name, as in `read_frames("sample:coffee")`. Only what skimage.data states to be in
the public domain, or CC0, is listed here.
"""

import importlib.util
import os
from pathlib import Path

from siv_lite.errors import SivLiteError

PREFIX = "sample:"
# Name -> file in skimage/data; what it shows, who made it, and its license.
PHOTOGRAPHS = {
    "chelsea": ("chelsea.png", "Chelsea the cat, by Stefan van der Walt, CC0"),
    "coffee": (
        "coffee.png",
        "a cup of coffee, by Rachel Michetti, courtesy of Pikolo Espresso Bar, CC0",
    ),
    "hubble_deep_field": (
        "hubble_deep_field.jpg",
        "the Hubble eXtreme Deep Field, by NASA, public domain",
    ),
    "rocket": ("rocket.jpg", "the launch of DSCOVR on a Falcon 9, by SpaceX, public domain"),
}


def credit(source: str | os.PathLike) -> str:
    """Say who made a photograph that is read by name, and under which license.

    Args:
        source: what `read_frames` reads, such as "sample:coffee".

    Returns:
        One line to show beside the photograph; "" for a path, whose maker is not known here.

    Raises:
        SivLiteError: if there is no photograph of that name.
    """
    if not is_sample(source):
        return ""
    _, text = _look_up(source)
    return text


def is_sample(source: str | os.PathLike) -> bool:
    """Tell whether a source is the name of a photograph, and not a path.

    Args:
        source: what `read_frames` is given, of any type.

    Returns:
        Whether it begins with "sample:".
    """
    is_path = isinstance(source, str | os.PathLike)
    return is_path and str(source).startswith(PREFIX)


def find_photograph(source: str | os.PathLike) -> Path:
    """Find a photograph in scikit-image, which is not imported for that.

    Args:
        source: such as "sample:coffee".

    Returns:
        The path of its file.

    Raises:
        SivLiteError: if there is no photograph of that name, or no scikit-image.
    """
    file, _ = _look_up(source)
    package = importlib.util.find_spec("skimage")
    folders = [] if package is None else package.submodule_search_locations or []
    for folder in folders:
        path = Path(folder, "data", file)
        if path.exists():
            return path
    raise SivLiteError(f"{source} comes with scikit-image: pip install -U scikit-image")


def _look_up(source: str | os.PathLike) -> tuple[str, str]:
    """Return the file name and the credit of a photograph."""
    name = str(source).removeprefix(PREFIX)
    if name not in PHOTOGRAPHS:
        names = ", ".join(PREFIX + known for known in PHOTOGRAPHS)
        raise SivLiteError(f"There is no photograph {source}; choose from {names}")
    return PHOTOGRAPHS[name]
