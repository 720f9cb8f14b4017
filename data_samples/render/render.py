"""Render the sample images and the sample clip: python data_samples/render/render.py [FOLDER]."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from balloons import render_balloons
from beach import render_beach
from PIL import Image
from street import FRAMES, paint_street

FRAMES_PER_SECOND = 24


def render_street() -> np.ndarray:
    """Render the street.

    Returns:
        (192, 320, 3) uint8.
    """
    return paint_street("street", 0)


SCENES: dict[str, Callable[[], np.ndarray]] = {
    "balloons": render_balloons,
    "beach": render_beach,
    "street": render_street,
}


def render_scene(name: str) -> np.ndarray:
    """Render one of the sample images.

    Args:
        name: "balloons", "beach" or "street".

    Returns:
        (192, 256, 3), of the street (192, 320, 3), uint8 RGB.
    """
    return SCENES[name]()


def render_frame(index: int) -> np.ndarray:
    """Render a frame of the sample clip.

    Args:
        index: 0 <= index < FRAMES.

    Returns:
        (192, 320, 3) uint8 RGB.
    """
    return paint_street("bus", index)


def write_video(path: Path, frames: list[np.ndarray]) -> None:
    """Write frames as a video; without OpenCV, end the program with a sentence.

    Args:
        path: of the .mp4 file.
        frames: (H, W, 3) uint8 RGB each.
    """
    try:
        import cv2
    except ImportError:
        sys.exit(
            f"{path} was not written: it needs OpenCV (pip install opencv-python-headless); the "
            "rest is done."
        )
    height, width, _ = frames[0].shape
    codec = cv2.VideoWriter_fourcc(*"mp4v")
    video = cv2.VideoWriter(str(path), codec, FRAMES_PER_SECOND, (width, height))
    for frame in frames:
        video.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    video.release()


def main(folder: Path) -> None:
    """Render everything into files.

    Args:
        folder: where they are written.
    """
    (folder / "bus").mkdir(parents=True, exist_ok=True)
    for name in SCENES:
        Image.fromarray(render_scene(name)).save(folder / f"{name}.png", optimize=True)

    frames = [render_frame(index) for index in range(FRAMES)]
    for index, frame in enumerate(frames):
        path = folder / "bus" / f"{index:05d}.jpg"
        Image.fromarray(frame).save(path, quality=90, subsampling=0, optimize=True)
    write_video(folder / "bus.mp4", frames)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1])
