"""Frames in and pictures out: the only file that knows image and video formats, and the owner of the range [-1, 1].

*frames*: float32 (N, 3, H, W), red green blue, N = 1 for an image; the 8-bit value v stands as v / 127.5 - 1.
"""

import hashlib
import math
import os
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont, ImageOps, UnidentifiedImageError

from siv_lite.errors import SivLiteError, check_whole
from siv_lite.files import replacing

MIN_SIDE, MAX_ASPECT, MAX_FRAMES, MAX_PIXELS = 32, 4, 1000, 50_000_000
# Only these decoders are tried: Pillow's others include one that starts a PostScript interpreter.
IMAGE_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF")
IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif"}
VIDEO_SUFFIXES = {".mp4", ".m4v", ".mov", ".avi", ".webm", ".mkv"}


def read_frames(
    path: str | os.PathLike, max_size: int | None = 256, stride: int = 1, start: int = 0, stop: int | None = None
) -> torch.Tensor:
    """Read an image, a folder of images, an animated GIF / WebP / TIFF or a video as (N, 3, H, W) in [-1, 1].

    `max_size`: longest side in pixels; larger frames are reduced as they are read, smaller ones never enlarged.
    `start`, `stop`: the range of frames in the source (from 0, not negative), of which every `stride`-th is kept (the
    skip-frame factor of SIV-GAN, Fig. 5). Of a folder, each image's first frame, frame2 before frame10, none hidden.
    Transparency is composited on white, 16 bits become 8, EXIF rotation is applied, colour profiles are not.
    Raises SivLiteError for unreadable sources, sides under 32, aspects over 4:1, over 1,000 frames or 50 megapixels.
    """
    check_whole("max_size", MIN_SIDE if max_size is None else max_size, MIN_SIDE)
    check_whole("stride", stride, 1)
    check_whole("start", start, 0)
    check_whole("stop", 1 if stop is None else stop, 1)
    pixels, first = [], (0, 0)
    for label, image in _open_source(path, slice(start, stop, stride)):
        if not pixels:
            first = image.size
            scale = min(1, (max_size or max(first)) / max(first))
            size = max(1, round(first[0] * scale)), max(1, round(first[1] * scale))
            _check_size(*size, label if scale == 1 else f"{label}, reduced by max_size={max_size},")
        if image.size != first:
            raise SivLiteError(f"{label} has size {image.size} but the first frame {first}; give all frames one size")
        _check_count(len(pixels) + 1, path)
        # Lanczos, widened by the ratio, is antialiased at every ratio; Pillow's box filter only at whole ratios.
        pixels.append(np.array(image.resize(size, Image.Resampling.LANCZOS)))
    if not pixels:
        raise SivLiteError(f"start={start}, stop={stop}, stride={stride} select no frame of {path}; widen the range")
    return torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).contiguous().float().div_(127.5).sub_(1)


def check_frames(frames: torch.Tensor) -> torch.Tensor:
    """Return frames (N, 3, H, W) in [-1, 1] as contiguous float32; SivLiteError says what is wrong with any others."""
    if not isinstance(frames, torch.Tensor):
        raise SivLiteError(f"frames must be a torch tensor, as read_frames returns, not {type(frames).__name__}")
    if not frames.is_floating_point():
        raise SivLiteError(f"frames are {frames.dtype}, not float in [-1, 1]; convert with frames.float() / 127.5 - 1")
    if frames.ndim != 4 or frames.shape[0] < 1 or frames.shape[1] != 3:
        raise SivLiteError(f"frames have shape {tuple(frames.shape)}; they must be (N, 3, H, W) with N at least 1")
    _check_size(frames.shape[3], frames.shape[2], "each frame")
    finite = frames.isfinite().flatten(1).all(1)
    if not finite.all():
        raise SivLiteError(f"frame {int((~finite).int().argmax())} holds NaN or infinite values; repair or drop it")
    low, high = frames.min().item(), frames.max().item()
    if low < -1 - 1e-4 or high > 1 + 1e-4:
        raise SivLiteError(f"frames reach from {low:.4g} to {high:.4g}, not in [-1, 1]; scale 0..255 by / 127.5 - 1")
    return frames.float().contiguous()


def source_checksum(frames: torch.Tensor) -> str:
    """SHA-256 (hex) over the shape and the 8-bit values of frames: the same for the same pixels on every machine."""
    pixels = to_uint8(check_frames(frames))
    return hashlib.sha256(str(pixels.shape).encode() + pixels.tobytes()).hexdigest()


def to_uint8(images: torch.Tensor) -> np.ndarray:
    """(N, 3, H, W) in [-1, 1] -> numpy (N, H, W, 3) uint8, rounded and clamped."""
    if not isinstance(images, torch.Tensor) or images.ndim != 4 or images.shape[0] < 1 or images.shape[1] != 3:
        raise SivLiteError(f"images must be a tensor (N >= 1, 3, H, W), not {getattr(images, 'shape', type(images))}")
    values = images.detach().float().cpu().add(1).mul_(127.5).round_().clamp_(0, 255).to(torch.uint8)
    return values.permute(0, 2, 3, 1).contiguous().numpy()


def image_grid(images: torch.Tensor, columns: int | None = None, padding: int = 2) -> Image.Image:
    """Images (N, 3, H, W) row by row on white, `padding` pixels apart; as near to a square as can be by default."""
    pixels = to_uint8(images)
    count, height, width, _ = pixels.shape
    if columns is None:
        columns = min(count, max(1, round(math.sqrt(count * height / width))))
    check_whole("columns", columns, 1)
    step_y, step_x = height + padding, width + padding
    grid = Image.new("RGB", (columns * step_x + padding, math.ceil(count / columns) * step_y + padding), "white")
    for index, image in enumerate(pixels):
        grid.paste(Image.fromarray(image), (padding + index % columns * step_x, padding + index // columns * step_y))
    return grid


def contact_sheet(rows: dict[str, torch.Tensor]) -> Image.Image:
    """One labelled row of images (N, 3, H, W) per entry, all rows enlarged to the height of the tallest images."""
    if not rows:
        raise SivLiteError('contact_sheet has no rows; give at least one, like {"training": frames}')
    font, label_height = ImageFont.load_default(), 16
    strips = {str(label): image_grid(images, columns=len(images), padding=0) for label, images in rows.items()}
    height = max(strip.height for strip in strips.values())
    strips = {label: ImageOps.scale(strip, height / strip.height) for label, strip in strips.items()}
    width = max(max(strip.width, math.ceil(font.getlength(label))) for label, strip in strips.items())
    sheet = Image.new("RGB", (width, len(strips) * (label_height + height)), "white")
    for index, (label, strip) in enumerate(strips.items()):
        top = index * (label_height + height)
        ImageDraw.Draw(sheet).text((0, top + 2), label, fill="black", font=font)
        sheet.paste(strip, (0, top + label_height))
    return sheet


def save_image(image: Image.Image, path: str | os.PathLike) -> None:
    """Write a PNG, whole or not at all; SivLiteError when the name is no .png or cannot be written."""
    _check_suffix(path, {".png"})
    with replacing(path) as temporary:
        image.save(temporary)


def save_animation(images: torch.Tensor, path: str | os.PathLike, fps: float = 12) -> None:
    """Write images (N, 3, H, W) as an endless .gif or .webp, whole or not at all; `fps` frames a second, at most 50."""
    if isinstance(fps, bool) or not isinstance(fps, int | float) or not 0 < fps <= 50:
        raise SivLiteError(f"fps must be a number above 0 and at most 50, not {fps!r}")
    _check_suffix(path, {".gif", ".webp"})
    first, *rest = [Image.fromarray(image) for image in to_uint8(images)]
    with replacing(path) as temporary:
        first.save(temporary, save_all=True, append_images=rest, duration=round(1000 / fps), loop=0, quality=90)


def _open_source(path: str | os.PathLike, chosen: slice) -> Iterator[tuple[str, Image.Image]]:
    """Yield (label for messages, RGB image) for the chosen frames of whatever `path` is, one at a time."""
    if not isinstance(path, str | os.PathLike) or not os.path.exists(path):
        raise SivLiteError(f"{path} does not exist; check the path")
    path = Path(path)
    if not os.access(path, os.R_OK):
        raise SivLiteError(f"{path} may not be read; change its permissions")
    if path.is_dir():
        names = [name for name in sorted(os.listdir(path)) if not name.startswith(".")]
        names.sort(key=lambda name: [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)])
        files = [path / name for name in names if os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES]
        if not files:
            raise SivLiteError(f"{path} holds no images; put {', '.join(IMAGE_FORMATS)} files into it")
        _check_count(len(files[chosen]), path)
        for file in files[chosen]:
            yield from _image_frames(file, slice(1))
    elif not path.is_file():
        raise SivLiteError(f"{path} is neither a file nor a folder; give an image, a folder of images or a video")
    elif path.stat().st_size == 0:
        raise SivLiteError(f"{path} is empty (0 bytes); copy or download it again")
    else:
        yield from (_video_frames if path.suffix.lower() in VIDEO_SUFFIXES else _image_frames)(path, chosen)


def _image_frames(path: Path, chosen: slice) -> Iterator[tuple[str, Image.Image]]:
    try:
        # Opened here: given a name, Pillow maps grey TIFFs into memory and then rotates them wrongly.
        with path.open("rb") as file:
            with warnings.catch_warnings(action="ignore"):  # many pixels are refused below, in one sentence
                image = Image.open(file, formats=IMAGE_FORMATS)
            # The further pictures of a camera's multi-picture JPEG are previews and depth maps.
            count = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
            _check_count(len(range(count)[chosen]), path)
            for index in range(count)[chosen]:
                label = f"frame {index} of {path}" if count > 1 else str(path)
                image.seek(index)
                _check_pixels(image.width, image.height, label)
                yield label, _to_rgb(ImageOps.exif_transpose(image), label)
    except SivLiteError:
        raise
    except Image.DecompressionBombError:
        _check_pixels(MAX_PIXELS, MAX_PIXELS, str(path))
    except UnidentifiedImageError as error:
        raise SivLiteError(f"{path} is not an image or video that can be read; save it as PNG or MP4") from error
    except Exception as error:  # damaged files make Pillow's decoders raise nearly every kind of exception
        raise SivLiteError(f"{path} cannot be decoded ({error}); the file is damaged or cut short") from error


def _video_frames(path: Path, chosen: slice) -> Iterator[tuple[str, Image.Image]]:
    try:
        import cv2
    except ImportError as error:
        raise SivLiteError(f"{path} is a video, which needs OpenCV: pip install opencv-python-headless") from error
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    try:
        if not capture.isOpened():
            raise SivLiteError(f"{path} cannot be opened as a video; the file is damaged, cut short or not a video")
        _check_pixels(capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT), str(path))
        # WebM and Matroska store no number of frames, and OpenCV's estimate from their duration can be far off.
        stated = 0 if path.suffix.lower() in {".webm", ".mkv"} else max(0, int(capture.get(cv2.CAP_PROP_FRAME_COUNT)))
        _check_count(len(range(stated)[chosen]), path)
        wanted, index = range(10**9)[chosen], 0
        while index < wanted.stop and capture.grab():
            if index in wanted:
                decoded, frame = capture.retrieve()
                if not decoded:
                    raise SivLiteError(f"frame {index} of {path} cannot be decoded; the file is damaged")
                yield f"frame {index} of {path}", Image.fromarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))
            index += 1
        if index < min(wanted.stop, 0.9 * stated):  # a sound file's edit list may hide a few of its frames
            raise SivLiteError(f"{path} ends after {index} of {stated} frames, so it was cut short; copy it again")
    finally:
        capture.release()


def _to_rgb(image: Image.Image, label: str) -> Image.Image:
    if image.mode in ("I", "F"):
        raise SivLiteError(f"{label} has 32-bit pixels, whose range is unknown; save it with 8 or 16 bits")
    if image.mode.startswith("I;16"):  # Pillow clips 16-bit grey at 255, but reads 16-bit colour as its high bytes
        image = Image.fromarray((np.asarray(image, np.float32) / 257).round().astype(np.uint8))
    if image.has_transparency_data:
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    return image.convert("RGB")


def _check_suffix(path: str | os.PathLike, suffixes: set[str]) -> None:
    if Path(path).suffix.lower() not in suffixes:
        raise SivLiteError(f"{path} must end in {' or '.join(sorted(suffixes))}")


def _check_count(count: int, path: str | os.PathLike) -> None:
    if count > MAX_FRAMES:
        raise SivLiteError(f"{path} gives more than {MAX_FRAMES:,} frames; use a larger stride or a start and stop")


def _check_pixels(width: float, height: float, label: str) -> None:
    if width * height > MAX_PIXELS:
        raise SivLiteError(f"{label} has more than {MAX_PIXELS // 10**6} megapixels; reduce it beforehand")


def _check_size(width: int, height: int, label: str) -> None:
    longest, shortest = max(width, height), min(width, height)
    if longest > MAX_ASPECT * shortest + 2:  # rounding to whole pixels may cost the short side half a pixel
        raise SivLiteError(f"{label} is {width} x {height} pixels, longer than {MAX_ASPECT}:1; crop the image")
    if shortest < MIN_SIDE:
        raise SivLiteError(f"{label} is {width} x {height} pixels; both sides must be at least {MIN_SIDE}")
