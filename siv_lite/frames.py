"""Frames in, images out: the only file that knows image and video formats.

Frames are float32 (N, 3, H, W), red green blue, N = 1 for an image; the 8-bit value v stands as
v / 127.5 - 1.
"""

import hashlib
import math
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont, ImageOps, UnidentifiedImageError

from siv_lite.errors import SivLiteError, check_integer
from siv_lite.files import atomic_write
from siv_lite.photographs import find_photograph, is_sample

MIN_SIDE = 32
MAX_ASPECT = 4
MAX_FRAMES = 1000
MAX_PIXELS = 50_000_000  # of one frame, before it is reduced
MAX_TOTAL_PIXELS = 100_000_000  # of all frames together, reduced: these are 1.2 GB of floats

IMAGE_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF")  # others could start PostScript
IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif"}
VIDEO_SUFFIXES = {".mp4", ".m4v", ".mov", ".avi", ".webm", ".mkv"}
UNCOUNTED_SUFFIXES = {".webm", ".mkv"}  # these store no number of frames


def read_frames(
    path: str | os.PathLike,
    max_size: int | None = 1024,
    stride: int = 1,
    start: int = 0,
    stop: int | None = None,
) -> torch.Tensor:
    """Read an image, a folder of images, an animated GIF / WebP / TIFF or a video.

    Transparency becomes white, EXIF rotation is applied. Of a folder, each image's first frame is
    taken, frame2 before frame10.

    Args:
        path: the image, folder or video; or the name of a free photograph that comes with
            scikit-image, such as "sample:coffee" (`siv_lite.credit` says who made it).
        max_size: longest side in pixels. Larger frames are reduced, smaller ones never enlarged;
            None keeps every size. The size that a method works at is its setting `image_size`.
        stride: of the frames in the range, every `stride`-th is kept (the skip-frame factor of
            SIV-GAN, Fig. 5).
        start: the first frame of the range, counted from 0.
        stop: the frame after the last of the range; None: up to the end.

    Returns:
        (N, 3, H, W) in [-1, 1].

    Raises:
        SivLiteError: if the source cannot be read; if a side is under 32 pixels, or the aspect over
            4:1; or for over 1,000 frames, 50 megapixels in a frame as it is stored, or 250 in all
            frames as they are returned.
    """
    if max_size is not None:
        check_integer("max_size", max_size, MIN_SIDE)
    check_integer("stride", stride, 1)
    check_integer("start", start, 0)
    if stop is not None:
        check_integer("stop", stop, 1)
    path = _check_path(path)
    chosen = slice(start, stop, stride)

    frames = []  # (H, W, 3) of 8 bits each
    for label, image in _open_source(path, chosen):
        # The first frame decides the size of all.
        if not frames:
            first_size = image.size
            size = _reduced_size(image.height, image.width, max_size)
            is_reduced = size != (image.height, image.width)
            note = f", reduced by max_size={max_size}," if is_reduced else ""
            _check_size(*size, label + note)
        if image.size != first_size:
            raise SivLiteError(
                f"{label} has size {image.size} but the first frame {first_size}; "
                "give all frames one size"
            )

        # Reduce each frame before the next is decoded, so that large ones never pile up.
        _check_count(len(frames) + 1, path)
        _check_total_pixels(len(frames) + 1, *size, path)
        frames.append(_resize_image(image, *size))

    if not frames:
        raise SivLiteError(
            f"start={start}, stop={stop}, stride={stride} select no frame of {path}; "
            "widen the range"
        )
    return from_uint8(np.stack(frames))


def resize_frames(frames: torch.Tensor, max_size: int) -> torch.Tensor:
    """Reduce frames so that their longest side is `max_size` pixels; never enlarge them.

    Of frames that were read whole, the result has exactly the pixels of `read_frames(path,
    max_size)`: both reduce the 8-bit values in the same way. Where the shorter side would fall
    under 32 pixels, which `check_frames` refuses, it becomes 32, and the longest side follows.

    Args:
        frames: (N, 3, H, W) in [-1, 1].
        max_size: longest side in pixels.

    Returns:
        (N, 3, H', W') in [-1, 1]; `frames` itself if it is small enough already.

    Raises:
        SivLiteError: if `frames` are no images, or `max_size` is no integer of at least 32.
    """
    _check_images(frames)
    return resize_to(frames, reduced_size(*frames.shape[2:], max_size))


def reduced_size(height: int, width: int, max_size: int) -> tuple[int, int]:
    """Return the size that `resize_frames` reduces frames to.

    Args:
        height: of the frames, in pixels.
        width: of the frames, in pixels.
        max_size: longest side in pixels.

    Returns:
        (height, width).

    Raises:
        SivLiteError: if `max_size` is no integer of at least 32.
    """
    check_integer("max_size", max_size, MIN_SIDE)
    size = _reduced_size(height, width, max_size)
    if min(size) < MIN_SIDE:
        scale = min(1, MIN_SIDE / min(height, width))
        size = (round(height * scale), round(width * scale))
    return size


def resize_to(frames: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Resize frames to exactly `size`, up or down, in the way that `read_frames` reduces them.

    Args:
        frames: (N, 3, H, W) in [-1, 1]; they are rounded to 8 bits.
        size: (height, width) in pixels.

    Returns:
        (N, 3, height, width) in [-1, 1]; `frames` itself if it has that size already.

    Raises:
        SivLiteError: if `frames` are no images, or a side is no positive integer.
    """
    _check_images(frames)
    height, width = size
    check_integer("height", height, 1)
    check_integer("width", width, 1)
    if frames.shape[2:] == (height, width):
        return frames

    resized = []
    for pixels in to_uint8(frames):
        image = Image.fromarray(pixels)
        resized.append(_resize_image(image, height, width))
    return from_uint8(np.stack(resized)).to(frames.device)


def as_images(samples: torch.Tensor) -> torch.Tensor:
    """Put the frames of all videos into one batch of images.

    Args:
        samples: images (n, 3, H, W) or videos (n, T, 3, H, W).

    Returns:
        Images as they are, or (n * T, 3, H, W), the frames of each video one after another.
    """
    if samples.ndim == 5:
        return samples.flatten(0, 1)
    return samples


def check_frames(frames: torch.Tensor) -> torch.Tensor:
    """Check that a tensor holds frames.

    Args:
        frames: (N, 3, H, W) in [-1, 1], of any floating-point type.

    Returns:
        The frames as contiguous float32.

    Raises:
        SivLiteError: if they are anything else; the message says what is wrong with them.
    """
    if not isinstance(frames, torch.Tensor) or not frames.is_floating_point():
        raise SivLiteError(
            "frames are no torch tensor of floats in [-1, 1]; "
            "convert 8 bits by x.float() / 127.5 - 1"
        )
    if frames.ndim != 4 or frames.shape[0] < 1 or frames.shape[1] != 3:
        raise SivLiteError(
            f"frames have shape {tuple(frames.shape)}; they must be (N, 3, H, W) with N at least 1"
        )
    _check_size(frames.shape[2], frames.shape[3], "each frame")

    is_good = (frames.abs() <= 1 + 1e-4).flatten(1).all(1)  # (N), False for NaN
    if not is_good.all():
        first_bad = is_good.int().argmin()
        raise SivLiteError(
            f"frame {first_bad} holds NaN or leaves [-1, 1]; scale 0..255 by / 127.5 - 1"
        )
    return frames.float().contiguous()


def to_uint8(images: torch.Tensor) -> np.ndarray:
    """Convert images to 8 bits, rounded and clamped.

    Args:
        images: (N, 3, H, W) in [-1, 1].

    Returns:
        (N, H, W, 3) of uint8.

    Raises:
        SivLiteError: if the tensor has another shape.
    """
    _check_images(images)
    values = images.detach().float().cpu()
    values = values.add(1).mul_(127.5).round_().clamp_(0, 255)
    pixels = values.to(torch.uint8).permute(0, 2, 3, 1)  # (N, H, W, 3)
    return pixels.contiguous().numpy()


def from_uint8(pixels: np.ndarray) -> torch.Tensor:
    """Convert 8-bit pixels to frames.

    Args:
        pixels: (N, H, W, 3) of uint8.

    Returns:
        (N, 3, H, W) in [-1, 1].
    """
    values = torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()
    return values.float().div_(127.5).sub_(1)


def pixels_checksum(pixels: np.ndarray) -> str:
    """Compute a checksum that is the same for the same pixels on every machine.

    Args:
        pixels: (N, H, W, 3) of uint8, as from `to_uint8`.

    Returns:
        SHA-256 over shape and values, in hexadecimal.
    """
    shape = str(pixels.shape).encode()
    return hashlib.sha256(shape + pixels.tobytes()).hexdigest()


def image_grid(images: torch.Tensor, columns: int | None = None, padding: int = 2) -> Image.Image:
    """Lay images row by row on a white ground.

    Args:
        images: (N, 3, H, W) in [-1, 1].
        columns: images in a row; by default the grid is as near to a square as can be.
        padding: pixels between images and around them.

    Returns:
        The grid.

    Raises:
        SivLiteError: if `images` are no images or `columns` is no positive integer.
    """
    pixels = to_uint8(images)
    count, height, width, _ = pixels.shape
    if columns is None:
        columns = round(math.sqrt(count * height / width))
        columns = min(count, max(1, columns))
    check_integer("columns", columns, 1)
    rows = math.ceil(count / columns)

    step_x = width + padding
    step_y = height + padding
    grid_size = (columns * step_x + padding, rows * step_y + padding)
    grid = Image.new("RGB", grid_size, "white")
    for index, image in enumerate(pixels):
        row, column = divmod(index, columns)
        left = padding + column * step_x
        top = padding + row * step_y
        grid.paste(Image.fromarray(image), (left, top))
    return grid


def contact_sheet(rows: dict[str, torch.Tensor], scale: int | None = None) -> Image.Image:
    """Draw one captioned row of images per entry, all rows equally high.

    Args:
        rows: caption -> images (N, 3, H, W) in [-1, 1]; N, H and W may differ from row to row.
        scale: how many pixels high a pixel of the tallest images becomes, at least 1; None: as many
            as fit a screen, 1,024 pixels across and down.

    Returns:
        The sheet, with captions in a font of 16 pixels.

    Raises:
        SivLiteError: if there is no row, or `scale` is no whole number of at least 1.
    """
    if not rows:
        raise SivLiteError(
            'contact_sheet has no rows; give at least one, like {"training": frames}'
        )
    if scale is None:
        scale = _largest_scale(rows.values())
    check_integer("scale", scale, 1)
    font = ImageFont.load_default(size=16)
    gap = 2
    caption_height = 24

    # Every row becomes as high as `scale` times the tallest image, and as wide as its own shape
    # asks for.
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
        ImageDraw.Draw(sheet).text(
            (0, top + caption_height / 2), caption, "black", font, anchor="lm"
        )
        for column, pixels in enumerate(to_uint8(images)):
            size = (image_widths[caption], image_height)
            enlarged = Image.fromarray(pixels).resize(size, Image.Resampling.NEAREST)
            sheet.paste(enlarged, (column * (size[0] + gap), top + caption_height))
    return sheet


def _largest_scale(rows: Iterable[torch.Tensor]) -> int:
    """The whole number at which rows of equally high images fill a square of 1,024 pixels."""
    sizes = [(len(images), *images.shape[2:]) for images in rows]
    tallest = max(height for _, height, _ in sizes)
    widest = max(count * width * tallest / height for count, height, width in sizes)
    high = tallest * len(sizes)
    return max(1, int(1024 // max(widest, high)))


def scene_sheet(frames: torch.Tensor, scenes: torch.Tensor, small: torch.Tensor) -> Image.Image:
    """Draw a sheet: the training image and rendered scenes beside it, the small ones beneath.

    Args:
        frames: (N, 3, H, W) in [-1, 1]; the first is shown, at the size of the scenes.
        scenes: rendered samples (n, 3, H, W) in [-1, 1], drawn pixel for pixel.
        small: the same n samples before they were rendered, (n, 3, h, w) in [-1, 1], in one row
            across the sheet.

    Returns:
        The sheet, with captions in a font of 16 pixels.

    Raises:
        SivLiteError: if any of them are no images, or there are not as many small ones as scenes.
    """
    for images in (frames, scenes, small):
        _check_images(images)
    if len(scenes) != len(small):
        raise SivLiteError(
            f"scene_sheet has {len(scenes)} scenes but {len(small)} small images; "
            "give the same samples rendered and as they were drawn"
        )
    height, width = scenes.shape[2:]
    photograph = resize_to(frames[:1], (height, width))
    above = image_grid(torch.cat([photograph, scenes]), _sheet_columns(len(scenes) + 1, scenes))

    # The small ones: one row, enlarged or reduced to the width of the sheet.
    reduced = resize_to(frames[:1], small.shape[2:])
    below = image_grid(torch.cat([reduced, small]), columns=len(small) + 1, padding=1)
    below_height = round(below.height * above.width / below.width)
    below = below.resize((above.width, below_height), Image.Resampling.NEAREST)

    caption_height = 24
    font = ImageFont.load_default(size=16)
    blocks = {
        f"top left the training image, then scenes: {width} x {height} pixels": above,
        f"as they were before rendering: {small.shape[3]} x {small.shape[2]} pixels": below,
    }
    caption_width = max(math.ceil(font.getlength(caption)) for caption in blocks)
    sheet_width = max(above.width, caption_width)
    sheet_height = 2 * caption_height + above.height + below.height

    sheet = Image.new("RGB", (sheet_width, sheet_height), "white")
    top = 0
    for caption, block in blocks.items():
        middle = top + caption_height / 2
        ImageDraw.Draw(sheet).text((2, middle), caption, "black", font, anchor="lm")
        sheet.paste(block, (0, top + caption_height))
        top += caption_height + block.height
    return sheet


def _sheet_columns(count: int, images: torch.Tensor) -> int:
    """Return the number of columns that leaves no gap and makes a sheet about twice as wide."""
    height, width = images.shape[2:]
    differences = {}
    for columns in range(1, count + 1):
        if count % columns == 0:
            shape = columns * width / (count // columns * height)
            differences[columns] = abs(math.log(shape / 2))
    return min(differences, key=differences.get)


def save_image(image: Image.Image, path: str | os.PathLike) -> None:
    """Write a PNG, whole or not at all.

    Args:
        image: what to write.
        path: the file, which must end in .png.

    Raises:
        SivLiteError: if the name ends in anything else or the file cannot be written.
    """
    if Path(path).suffix.lower() != ".png":
        raise SivLiteError(f"{path} must end in .png")
    with atomic_write(path) as temporary:
        image.save(temporary)


def save_animation(images: torch.Tensor, path: str | os.PathLike, fps: float = 12) -> None:
    """Write an endless animation, whole or not at all.

    Args:
        images: (N, 3, H, W) in [-1, 1], shown one after another.
        path: the file, which must end in .gif or .webp.
        fps: frames per second, above 0 and at most 50.

    Raises:
        SivLiteError: if an argument is none of these or the file cannot be written.
    """
    is_number = isinstance(fps, int | float) and not isinstance(fps, bool)
    if not is_number or not 0 < fps <= 50:
        raise SivLiteError(f"fps must be a number above 0 and at most 50, not {fps!r}")
    if Path(path).suffix.lower() not in (".gif", ".webp"):
        raise SivLiteError(f"{path} must end in .gif or .webp")

    frames = [Image.fromarray(image) for image in to_uint8(images)]
    options = {
        "save_all": True,
        "append_images": frames[1:],
        "duration": round(1000 / fps),  # of a frame, in milliseconds
        "loop": 0,  # endless
        "quality": 90,  # of a WebP
    }
    with atomic_write(path) as temporary:
        frames[0].save(temporary, **options)


# Sources: each yields every chosen frame with a label for messages.


def _check_path(path: str | os.PathLike) -> Path:
    """Return the path of something that exists and may be read."""
    if is_sample(path):
        path = find_photograph(path)
    is_path = isinstance(path, str | os.PathLike)
    if not is_path or not os.path.exists(path) or not os.access(path, os.R_OK):
        raise SivLiteError(
            f"{path} does not exist or may not be read; check the path and its permissions"
        )
    return Path(path)


def _open_source(path: Path, chosen: slice) -> Iterator[tuple[str, Image.Image]]:
    """Return the frames of a folder, a video or an image."""
    if path.is_dir():
        return _folder_frames(path, chosen)
    if path.stat().st_size == 0:  # devices and pipes too
        raise SivLiteError(f"{path} is empty (0 bytes); copy or download it again")
    if path.suffix.lower() in VIDEO_SUFFIXES:
        return _video_frames(path, chosen)
    return _image_frames(path, chosen)


def _folder_frames(path: Path, chosen: slice) -> Iterator[tuple[str, Image.Image]]:
    """Yield the first frame of every chosen image in a folder."""
    files = []
    for file in sorted(path.iterdir()):
        if file.suffix.lower() in IMAGE_SUFFIXES and not file.name.startswith("."):
            files.append(file)
    if not files:
        formats = ", ".join(IMAGE_FORMATS)
        raise SivLiteError(f"{path} holds no images; put {formats} files into it")
    files.sort(key=_natural_order)

    files = files[chosen]
    _check_count(len(files), path)
    for file in files:
        yield from _image_frames(file, slice(1))


def _natural_order(file: Path) -> list[str | int]:
    """Return a key that sorts frame2 before frame10: the name, with its numbers as numbers."""
    parts = re.split(r"(\d+)", file.name)
    return [int(part) if part.isdecimal() else part for part in parts]


def _image_frames(path: Path, chosen: slice) -> Iterator[tuple[str, Image.Image]]:
    """Yield the chosen frames of an image or animation."""
    # Given a name instead of a file, Pillow maps gray TIFFs into memory and rotates them wrongly.
    with _explain_image_errors(path), path.open("rb") as file:
        image = Image.open(file, formats=IMAGE_FORMATS)
        num_frames = getattr(image, "n_frames", 1)
        if image.format == "MPO":  # of a camera: what follows the photo are its previews
            num_frames = 1
        indices = range(num_frames)[chosen]
        _check_count(len(indices), path)

        for index in indices:
            label = f"frame {index} of {path}" if num_frames > 1 else str(path)
            image.seek(index)
            if image.width * image.height > MAX_PIXELS:
                raise Image.DecompressionBombError
            upright = ImageOps.exif_transpose(image)
            yield label, _to_rgb(upright, label)


@contextmanager
def _explain_image_errors(path: Path) -> Iterator[None]:
    """Turn whatever Pillow raises on a file into a SivLiteError."""
    try:
        yield
    except SivLiteError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        limit = f"{MAX_PIXELS // 10**6} megapixels"
        raise SivLiteError(f"{path} has more than {limit}; reduce it beforehand") from error
    except UnidentifiedImageError as error:
        raise SivLiteError(
            f"{path} is not an image or video that can be read; save it as PNG or MP4"
        ) from error
    except Exception as error:  # damaged files make decoders raise nearly every kind of exception
        raise SivLiteError(
            f"{path} cannot be decoded ({error}); the file is damaged or cut short"
        ) from error


def _to_rgb(image: Image.Image, label: str) -> Image.Image:
    """Convert an image of any mode to 8-bit RGB, with white behind what is transparent."""
    if image.mode in ("I", "F"):
        raise SivLiteError(
            f"{label} has 32-bit pixels, whose range is unknown; save it with 8 or 16 bits"
        )

    # Pillow clips 16-bit gray at 255, but reads 16-bit color as its high bytes.
    if image.mode.startswith("I;16"):
        values = np.asarray(image, np.float32) / 257
        image = Image.fromarray(values.round().astype(np.uint8))

    white = Image.new("RGBA", image.size, "white")
    composite = Image.alpha_composite(white, image.convert("RGBA"))
    return composite.convert("RGB")


def _video_frames(path: Path, chosen: slice) -> Iterator[tuple[str, Image.Image]]:
    """Yield the chosen frames of a video."""
    cv2 = _import_opencv(path)
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    if not capture.isOpened():
        raise SivLiteError(
            f"{path} cannot be opened as a video; the file is damaged, cut short or not a video"
        )

    # Where no number is stored, OpenCV estimates one from the duration, which can be far off.
    num_stated = 0
    if path.suffix.lower() not in UNCOUNTED_SUFFIXES:
        num_stated = max(0, int(capture.get(cv2.CAP_PROP_FRAME_COUNT)))
    _check_count(len(range(num_stated)[chosen]), path)

    wanted = range(10**9)[chosen]
    index = 0
    while index < wanted.stop and capture.grab():
        if index in wanted:
            label = f"frame {index} of {path}"
            is_decoded, frame = capture.retrieve()
            if not is_decoded:
                raise SivLiteError(f"{label} cannot be decoded; the file is damaged")
            frame = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
            yield label, Image.fromarray(frame)
        index += 1

    # The edit list of a sound file may hide a few frames of a good video.
    if index < min(wanted.stop, 0.9 * num_stated):
        raise SivLiteError(
            f"{path} ends after {index} of {num_stated} frames, so it was cut short; copy it again"
        )


def _import_opencv(path: Path) -> ModuleType:
    """Return cv2, which only videos need."""
    try:
        import cv2
    except ImportError as error:
        raise SivLiteError(
            f"{path} is a video, which needs OpenCV: pip install opencv-python-headless"
        ) from error
    return cv2


# Sizes and pixels


def _reduced_size(height: int, width: int, max_size: int | None) -> tuple[int, int]:
    """Return (height, width) with a longest side of at most `max_size`, in the same proportion."""
    longest = max(height, width)
    if max_size is None or longest <= max_size:
        return height, width
    scale = max_size / longest
    return max(1, round(height * scale)), max(1, round(width * scale))


def _resize_image(image: Image.Image, height: int, width: int) -> np.ndarray:
    """Return the pixels (height, width, 3) of a resized image: antialiased, without ringing."""
    return np.array(image.resize((width, height), Image.Resampling.BILINEAR))


def _check_count(count: int, path: Path) -> None:
    """Refuse too many frames."""
    if count > MAX_FRAMES:
        raise SivLiteError(
            f"{path} gives more than {MAX_FRAMES:,} frames; use a larger stride or a start and stop"
        )


def _check_total_pixels(count: int, height: int, width: int, path: Path) -> None:
    """Refuse frames that would fill the memory."""
    if count * height * width > MAX_TOTAL_PIXELS:
        raise SivLiteError(
            f"{path} gives frames of more than {MAX_TOTAL_PIXELS // 10**6} megapixels in all; "
            "use a larger stride, a start and stop, or a smaller max_size"
        )


def _check_size(height: int, width: int, label: str) -> None:
    """Refuse sides that are too short and images that are too elongated."""
    shortest = min(height, width)
    longest = max(height, width)
    is_elongated = longest > MAX_ASPECT * shortest + 2  # rounding may take half a pixel of a side
    if shortest < MIN_SIDE or is_elongated:
        raise SivLiteError(
            f"{label} is {width} x {height} pixels: under 32 or longer than 4:1; "
            "crop it, enlarge it or reduce it less"
        )


def _check_images(images: torch.Tensor) -> None:
    """Refuse what is no batch of images."""
    is_tensor = isinstance(images, torch.Tensor)
    if not is_tensor or images.ndim != 4 or images.shape[0] < 1 or images.shape[1] != 3:
        found = getattr(images, "shape", type(images))
        raise SivLiteError(f"images must be a tensor (N >= 1, 3, H, W), not {found}")
