"""The newest scenes of a training, rendered now and then while it goes on, for whoever watches."""

import time
from pathlib import Path

import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from siv_lite.files import atomic_write
from siv_lite.frames import as_images, image_grid, reduced_size, resize_to
from siv_lite.methods import Method
from siv_lite.rendering import Renderer
from siv_lite.training.loop import GRID_SEED

SCENES_FILE = "scenes.png"  # in the run folder
NUM_SCENES = 3
MAX_SIDE = 256  # of a scene, in pixels
FRAME_MILLISECONDS = 80  # of a video

PERIOD = 3.0  # seconds of training from one drawing to the next, at least
MAX_SHARE = 0.15  # of the time of a training that is spent on drawing, about


class Preview:
    """Draws `scenes.png`: at the top left the photograph, then scenes of always the same latents.

    The training pauses for it. Rendered in another process, the scenes would compete with the
    training for the same cores, which slows both down far more than taking turns does.

    Videos are not rendered; they are an animated PNG, with the clip at the left.
    """

    def __init__(self, folder: Path, frames: Tensor):
        """Prepare to draw; nothing is written yet.

        Args:
            folder: the run folder.
            frames: (N, 3, H, W) in [-1, 1], as the run keeps them.
        """
        self.path = folder / SCENES_FILE
        self.size = reduced_size(*frames.shape[2:], MAX_SIDE)
        self.frames = resize_to(frames, self.size)
        self.renderer = Renderer(self.frames)
        self.next_time = 0.0  # by the monotonic clock

    def update(self, method: Method, iteration: int) -> None:
        """Draw the scenes if it is time for it; the training stays the same to the bit.

        Args:
            method: as it stands after that iteration.
            iteration: number of iterations done.
        """
        begin = time.monotonic()
        if begin < self.next_time:
            return
        self.save(method, iteration)
        end = time.monotonic()
        self.next_time = end + max(PERIOD, (end - begin) / MAX_SHARE)

    def save(self, method: Method, iteration: int) -> None:
        """Draw the scenes and write them, with the number of iterations, into the run folder.

        Args:
            method: as it stands after that iteration.
            iteration: number of iterations done.
        """
        is_video = method.frames_per_sample > 1
        num_samples = 1 if is_video else NUM_SCENES
        latents = method.sample_latents(num_samples, GRID_SEED)
        samples = method.generate(latents).float()
        if not samples.isfinite().all():  # the training loop will say so
            return

        # A pyramid's first stages draw smaller images, and leave the range a little.
        images = resize_to(as_images(samples).clamp(-1, 1), method.size)
        if is_video:
            sheets = self.draw_film(images)
        else:
            rendered = self.renderer.render(images, self.size, seed=GRID_SEED).cpu()
            sheets = [image_grid(torch.cat([self.frames[:1], rendered]))]

        info = PngInfo()
        info.add_text("iteration", str(iteration))
        options = {"pnginfo": info}
        if is_video:
            options |= {"save_all": True, "append_images": sheets[1:], "loop": 0}
            options["duration"] = FRAME_MILLISECONDS
        with atomic_write(self.path) as temporary:
            sheets[0].save(temporary, "PNG", **options)

    def draw_film(self, video: Tensor) -> list[Image.Image]:
        """Draw every frame of a video, (T, 3, h, w), beside the frame of the clip at that time."""
        sheets = []
        for clip_frame, frame in zip(self.frames, resize_to(video, self.size).cpu(), strict=False):
            sheets.append(image_grid(torch.stack([clip_frame, frame])))
        return sheets
