"""Frames in and pictures out: the only file that knows image and video formats.
Frames: float32 (N, 3, H, W), red green blue, N = 1 for an image; the 8-bit value v stands as v / 127.5 - 1."""

import hashlib
import math
import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont, ImageOps, UnidentifiedImageError

from siv_lite.errors import SivLiteError, check_whole
from siv_lite.files import replacing

MIN_SIDE, MAX_ASPECT, MAX_FRAMES, MAX_PIXELS = 32, 4, 1000, 50_000_000
IMAGE_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF")  # another of Pillow's would start PostScript
IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif"}
VIDEO_SUFFIXES = {".mp4", ".m4v", ".mov", ".avi", ".webm", ".mkv"}


def read_frames(
    path: str | os.PathLike, max_size: int | None = 256, stride: int = 1, start: int = 0, stop: int | None = None
) -> torch.Tensor:
    """Read an image, a folder of images, an animated GIF / WebP / TIFF or a video as (N, 3, H, W) in [-1, 1].
    `max_size`: longest side in pixels; larger frames are reduced, smaller ones never enlarged. `start`, `stop`: the
    range of frames, of which every `stride`-th is kept (the skip-frame factor of SIV-GAN, Fig. 5). Of a folder, each
    image's first frame, frame2 before frame10. Raises SivLiteError for unreadable sources, sides under 32, aspects over
    4:1, over 1,000 frames or 50 megapixels. Transparency becomes white, EXIF rotation is applied."""
    check_whole("max_size", MIN_SIDE if max_size is None else max_size, MIN_SIDE)
    check_whole("stride", stride, 1)
    check_whole("start", start, 0)
    check_whole("stop", 1 if stop is None else stop, 1)
    chosen, pixels, first = slice(start, stop, stride), [], None
    if not isinstance(path, str | os.PathLike) or not os.path.exists(path) or not os.access(path, os.R_OK):
        raise SivLiteError(f"{path} does not exist or may not be read; check the path and its permissions")
    path = Path(path)
    if path.is_dir():
        files = [x for x in sorted(path.iterdir()) if x.suffix.lower() in IMAGE_SUFFIXES and not x.name.startswith(".")]
        files.sort(key=lambda x: [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", x.name)])
        if not files:
            raise SivLiteError(f"{path} holds no images; put {', '.join(IMAGE_FORMATS)} files into it")
        _check_count(len(files[chosen]), path)
        source = (frame for file in files[chosen] for frame in _image_frames(file, slice(1)))
    elif path.stat().st_size == 0:  # devices and pipes too
        raise SivLiteError(f"{path} is empty (0 bytes); copy or download it again")
    else:
        source = (_video_frames if path.suffix.lower() in VIDEO_SUFFIXES else _image_frames)(path, chosen)
    for label, image in source:
        first = first or image.size
        scale = min(1, (max_size or max(first)) / max(first))
        size = max(1, round(first[0] * scale)), max(1, round(first[1] * scale))
        _check_size(*size, label if scale == 1 else f"{label}, reduced by max_size={max_size},")
        if image.size != first:
            raise SivLiteError(f"{label} has size {image.size} but the first frame {first}; give all frames one size")
        _check_count(len(pixels) + 1, path)
        pixels.append(np.array(image.resize(size, Image.Resampling.BILINEAR)))  # antialiased, no ringing
    if not pixels:
        raise SivLiteError(f"start={start}, stop={stop}, stride={stride} select no frame of {path}; widen the range")
    return torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).contiguous().float().div_(127.5).sub_(1)


def check_frames(frames: torch.Tensor) -> torch.Tensor:
    """Return frames (N, 3, H, W) in [-1, 1] as contiguous float32; SivLiteError says what is wrong with any others."""
    if not isinstance(frames, torch.Tensor) or not frames.is_floating_point():
        raise SivLiteError("frames are no torch tensor of floats in [-1, 1]; convert 8 bits by x.float() / 127.5 - 1")
    if frames.ndim != 4 or frames.shape[0] < 1 or frames.shape[1] != 3:
        raise SivLiteError(f"frames have shape {tuple(frames.shape)}; they must be (N, 3, H, W) with N at least 1")
    _check_size(frames.shape[3], frames.shape[2], "each frame")
    good = (frames.abs() <= 1 + 1e-4).flatten(1).all(1)  # false for NaN
    if not good.all():
        raise SivLiteError(f"frame {good.int().argmin()} holds NaN or leaves [-1, 1]; scale 0..255 by / 127.5 - 1")
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
    square = min(count, max(1, round(math.sqrt(count * height / width))))
    columns = square if columns is None else check_whole("columns", columns, 1)
    step_y, step_x = height + padding, width + padding
    grid = Image.new("RGB", (columns * step_x + padding, math.ceil(count / columns) * step_y + padding), "white")
    for index, image in enumerate(pixels):
        grid.paste(Image.fromarray(image), (padding + index % columns * step_x, padding + index // columns * step_y))
    return grid


def contact_sheet(rows: dict[str, torch.Tensor], scale: int = 1) -> Image.Image:
    """Draw one captioned row of images per entry, all rows equally high.

    Args:
        rows: caption -> images (N, 3, H, W) in [-1, 1]; N, H and W may differ from row to row.
        scale: how many pixels high a pixel of the tallest images becomes, at least 1.

    Returns:
        The sheet, with captions in a font of 16 pixels.

    Raises:
        SivLiteError: if there is no row, or `scale` is no whole number of at least 1.
    """
    if not rows:
        raise SivLiteError('contact_sheet has no rows; give at least one, like {"training": frames}')
    check_whole("scale", scale, 1)
    font = ImageFont.load_default(size=16)
    gap = 2
    caption_height = 24

    # Every row becomes as high as `scale` times the tallest image, and as wide as its own shape asks for.
    image_height = scale * max(images.shape[2] for images in rows.values())
    row_height = caption_height + image_height
    sheet_width = 0
    image_widths = {}
    for caption, images in rows.items():
        count, _, height, width = images.shape
        image_widths[caption] = round(width * image_height / height)
        row_width = count * (image_widths[caption] + gap) - gap
        sheet_width = max(sheet_width, row_width, math.ceil(font.getlength(caption)))

    sheet = Image.new("RGB", (sheet_width, len(rows) * row_height), "white")
    for row, (caption, images) in enumerate(rows.items()):
        top = row * row_height
        ImageDraw.Draw(sheet).text((0, top + caption_height / 2), caption, "black", font, anchor="lm")
        for column, pixels in enumerate(to_uint8(images)):
            size = (image_widths[caption], image_height)
            enlarged = Image.fromarray(pixels).resize(size, Image.Resampling.NEAREST)
            sheet.paste(enlarged, (column * (size[0] + gap), top + caption_height))
    return sheet


def save_image(image: Image.Image, path: str | os.PathLike) -> None:
    """Write a PNG, whole or not at all; SivLiteError when the name is no .png or cannot be written."""
    if Path(path).suffix.lower() != ".png":
        raise SivLiteError(f"{path} must end in .png")
    with replacing(path) as temporary:
        image.save(temporary)


def save_animation(images: torch.Tensor, path: str | os.PathLike, fps: float = 12) -> None:
    """Write images (N, 3, H, W) as an endless .gif or .webp, whole or not at all; `fps` frames a second, at most 50."""
    if isinstance(fps, bool) or not isinstance(fps, int | float) or not 0 < fps <= 50:
        raise SivLiteError(f"fps must be a number above 0 and at most 50, not {fps!r}")
    if Path(path).suffix.lower() not in (".gif", ".webp"):
        raise SivLiteError(f"{path} must end in .gif or .webp")
    first, *rest = [Image.fromarray(image) for image in to_uint8(images)]
    with replacing(path) as temporary:
        first.save(temporary, save_all=True, append_images=rest, duration=round(1000 / fps), loop=0, quality=90)


def _image_frames(path: Path, chosen: slice) -> Iterator[tuple[str, Image.Image]]:
    try:
        with path.open("rb") as file:  # given a name, Pillow maps grey TIFFs into memory and rotates them wrongly
            image = Image.open(file, formats=IMAGE_FORMATS)
            count = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)  # a camera's MPO: previews
            _check_count(len(range(count)[chosen]), path)
            for index in range(count)[chosen]:
                label = f"frame {index} of {path}" if count > 1 else str(path)
                image.seek(index)
                if image.width * image.height > MAX_PIXELS:
                    raise Image.DecompressionBombError
                yield label, _to_rgb(ImageOps.exif_transpose(image), label)
    except SivLiteError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise SivLiteError(f"{path} has more than {MAX_PIXELS // 10**6} megapixels; reduce it beforehand") from error
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
    if not capture.isOpened():
        raise SivLiteError(f"{path} cannot be opened as a video; the file is damaged, cut short or not a video")
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


def _to_rgb(image: Image.Image, label: str) -> Image.Image:
    if image.mode in ("I", "F"):
        raise SivLiteError(f"{label} has 32-bit pixels, whose range is unknown; save it with 8 or 16 bits")
    if image.mode.startswith("I;16"):  # Pillow clips 16-bit grey at 255, but reads 16-bit colour as its high bytes
        image = Image.fromarray((np.asarray(image, np.float32) / 257).round().astype(np.uint8))
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA")).convert("RGB")


def _check_count(count: int, path: Path) -> None:
    if count > MAX_FRAMES:
        raise SivLiteError(f"{path} gives more than {MAX_FRAMES:,} frames; use a larger stride or a start and stop")


def _check_size(width: int, height: int, label: str) -> None:
    shortest, longest = sorted((width, height))
    if shortest < MIN_SIDE or longest > MAX_ASPECT * shortest + 2:  # rounding may cost the short side half a pixel
        reason = "under 32 or longer than 4:1; crop it, enlarge it or reduce it less"
        raise SivLiteError(f"{label} is {width} x {height} pixels: {reason}")
