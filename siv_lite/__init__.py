"""siv_lite: learn, run and compare generative models that are trained on a single image or a single short clip.

    from siv_lite import read_frames, train, evaluate
    frames = read_frames("data_samples/balloons.png", max_size=64)
    run = train("siv_gan", frames, "runs/balloons", preset="lesson")
    images = run.sample(16, seed=1)  # (16, 3, 48, 64) in [-1, 1]
    print(evaluate(images, run.frames))
"""

import importlib

NAMES = {name: "frames" for name in ("contact_sheet", "image_grid", "read_frames", "save_animation", "save_image")}
NAMES |= {"Run": "run", "SivLiteError": "errors", "evaluate": "metrics", "open_run": "run", "train": "training"}
NAMES |= {"compare": "comparison"}
__all__ = list(NAMES)
__version__ = "0.1.0"


def __getattr__(name: str):
    """Import a public name when it is first used: `import siv_lite` alone is quick and loads no plotting or video."""
    if name not in NAMES:
        raise AttributeError(f"module 'siv_lite' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"siv_lite.{NAMES[name]}"), name)
    globals()[name] = value
    return value
