"""siv_lite: learn, run and compare generative models of one image or one short clip.

from siv_lite import evaluate, read_frames, train
frames = read_frames("data_samples/balloons.png")
run = train("siv_gan", frames, "runs/balloons", preset="lesson")
images = run.sample(16, seed=1)  # (16, 3, 40, 56) in [-1, 1]
scenes = run.sample(16, seed=1, render=True)  # (16, 3, 192, 256), drawn with the image's patches
print(evaluate(images, run.frames))
"""

import importlib
from typing import Any

# Public name -> module that has it. Imported when first used, so that `import siv_lite` is quick.
PUBLIC = {
    "Run": "training",
    "SivLiteError": "errors",
    "compare": "comparison",
    "contact_sheet": "frames",
    "credit": "photographs",
    "evaluate": "metrics",
    "image_grid": "frames",
    "open_run": "training",
    "provenance": "rendering",
    "read_frames": "frames",
    "render": "rendering",
    "save_animation": "frames",
    "save_image": "frames",
    "train": "training",
}
__all__ = list(PUBLIC)
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in PUBLIC:
        raise AttributeError(f"module 'siv_lite' has no attribute {name!r}")
    module = importlib.import_module(f"siv_lite.{PUBLIC[name]}")
    value = getattr(module, name)
    globals()[name] = value
    return value
