"""Frames: each source comes out right, each bad one as one sentence, no file is half-written."""

import errno
import hashlib
import os
import struct
import sys
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from siv_lite import frames as frames_module
from siv_lite.errors import SivLiteError
from siv_lite.frames import (
    as_images,
    check_frames,
    contact_sheet,
    image_grid,
    pixels_checksum,
    read_frames,
    resize_frames,
    resize_to,
    save_animation,
    save_image,
    scene_sheet,
    to_uint8,
)


def random_pixels(height=48, width=64, seed=0):
    """Coloured blocks of 8 x 8, that survive lossy formats and show any turn or mirroring."""
    blocks = np.random.default_rng(seed).integers(
        0, 256, (height // 8, width // 8, 3), dtype=np.uint8
    )
    return blocks.repeat(8, 0).repeat(8, 1)


def as_frames(pixels):
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 127.5 - 1


def one_sentence(error):
    text = str(error.value)
    assert "\n" not in text and 20 < len(text) < 400
    return text


def refuse(pattern, function, *arguments, **options):
    with pytest.raises(SivLiteError, match=pattern) as error:
        function(*arguments, **options)
    return one_sentence(error)


def write_png(path, pixels, colour_type, size=None):
    """A PNG with 16 bits per channel, or a header alone (size), neither of which Pillow writes."""

    def chunk(name, data):
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    height, width = pixels.shape[:2] if size is None else size
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0))
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )


def write_video(path, codec, count=20, size=(64, 48)):
    """Frame i is uniformly of grey 10 i."""
    cv2 = pytest.importorskip("cv2")
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), 24, size)
    if not writer.isOpened():
        pytest.skip(f"this OpenCV has no {codec} encoder")
    for index in range(count):
        writer.write(np.full((size[1], size[0], 3), 10 * index, np.uint8))
    writer.release()
    return path


def greys(frames):
    return ((frames.mean((1, 2, 3)) + 1) * 127.5).tolist()


# Images


@pytest.mark.parametrize(
    "suffix, options, tolerance",
    [
        (".png", {}, 0),
        (".bmp", {}, 0),
        (".tif", {}, 0),
        (".tif", {"compression": "tiff_lzw"}, 0),
        (".webp", {"lossless": True}, 0),
        (".gif", {}, 0),
        (".jpg", {"quality": 100, "subsampling": 0}, 4),
    ],
)
def test_image_formats(tmp_path, suffix, options, tolerance):
    pixels = random_pixels()
    Image.fromarray(pixels).save(tmp_path / f"image{suffix}", **options)
    frames = read_frames(tmp_path / f"image{suffix}")
    assert (
        frames.shape == (1, 3, 48, 64) and frames.dtype == torch.float32 and frames.is_contiguous()
    )
    assert np.abs(to_uint8(frames)[0].astype(int) - pixels).max() <= tolerance
    check_frames(frames)


def test_values_are_exactly_v_over_127_5_minus_1_and_round_trip(tmp_path):
    pixels = np.arange(256, dtype=np.uint8).repeat(12).reshape(32, 32, 3)
    Image.fromarray(pixels).save(tmp_path / "ramp.png")
    frames = read_frames(str(tmp_path / "ramp.png"))
    torch.testing.assert_close(frames, as_frames(pixels), rtol=0, atol=1e-6)
    assert frames.min() == -1 and frames.max() == 1
    assert (to_uint8(frames)[0] == pixels).all()


def test_grey_bilevel_and_palette(tmp_path):
    grey = random_pixels()[..., 0]
    for name, image in (
        ("grey.png", Image.fromarray(grey)),
        ("grey.tif", Image.fromarray(grey)),
        ("palette.png", Image.fromarray(grey).convert("P")),
        ("palette.gif", Image.fromarray(grey).convert("P")),
    ):
        image.save(tmp_path / name)
        assert (to_uint8(read_frames(tmp_path / name))[0] == grey[..., None]).all(), name
    Image.fromarray(grey > 127).save(tmp_path / "bilevel.png")
    assert (
        to_uint8(read_frames(tmp_path / "bilevel.png"))[0] == np.uint8(grey > 127)[..., None] * 255
    ).all()


def test_transparency_is_composited_on_white(tmp_path):
    pixels = np.dstack([random_pixels(), np.full((48, 64), 255, np.uint8)])
    pixels[:, :16, 3] = 0
    pixels[:, 16:32, 3] = 51  # a fifth
    expected = pixels[..., :3].astype(float)
    expected[:, :16] = 255
    expected[:, 16:32] = 0.2 * expected[:, 16:32] + 0.8 * 255
    for name in ("alpha.png", "alpha.tif"):
        Image.fromarray(pixels).save(tmp_path / name)
        assert np.abs(to_uint8(read_frames(tmp_path / name))[0] - expected).max() <= 1

    palette = Image.new("P", (64, 48), 1)
    palette.putpalette([10, 20, 30, 200, 100, 50])
    palette.paste(0, (0, 0, 16, 48))
    palette.save(tmp_path / "palette.png", transparency=0)
    found = to_uint8(read_frames(tmp_path / "palette.png"))[0]
    assert (found[:, :16] == 255).all() and (found[:, 16:] == (200, 100, 50)).all()


def test_sixteen_bits_are_scaled_not_clipped(tmp_path):
    values = np.random.default_rng(1).integers(0, 65536, (48, 64, 4), dtype=np.uint16)
    values[..., 3] = 65535
    grey = values[..., 0]
    write_png(tmp_path / "grey.png", grey, 0)
    Image.fromarray(grey).save(tmp_path / "grey.tif")
    write_png(tmp_path / "colour.png", values[..., :3], 2)
    write_png(tmp_path / "alpha.png", values, 6)
    write_png(tmp_path / "grey_alpha.png", values[..., 2:], 4)
    for name, expected in (
        ("grey.png", grey[..., None]),
        ("grey.tif", grey[..., None]),
        ("colour.png", values[..., :3]),
        ("alpha.png", values[..., :3]),
        ("grey_alpha.png", values[..., 2:3]),
    ):
        found = to_uint8(read_frames(tmp_path / name))[0].astype(float)
        assert np.abs(found - expected / 257).max() < (
            0.501 if name in ("grey.png", "grey.tif") else 1
        ), name


def test_sixteen_bit_colour_tiff(tmp_path):
    cv2 = pytest.importorskip("cv2")
    values = np.random.default_rng(1).integers(0, 65536, (48, 64, 3), dtype=np.uint16)
    cv2.imwrite(str(tmp_path / "colour.tif"), values[..., ::-1])
    found = to_uint8(read_frames(tmp_path / "colour.tif"))[0].astype(float)
    assert np.abs(found - values / 257).max() < 1


@pytest.mark.parametrize("mode, dtype", [("I", np.int32), ("F", np.float32)])
def test_32_bit_pixels_have_no_known_range(tmp_path, mode, dtype):
    Image.fromarray(np.full((48, 64), 1000, dtype)).save(tmp_path / "wide.tif")
    refuse("wide.tif has 32-bit pixels", read_frames, tmp_path / "wide.tif")


def test_cmyk(tmp_path):
    Image.fromarray(np.full((48, 64, 3), (250, 20, 40), np.uint8)).convert("CMYK").save(
        tmp_path / "cmyk.jpg"
    )
    found = to_uint8(read_frames(tmp_path / "cmyk.jpg"))[0].astype(int)
    assert np.abs(found - (250, 20, 40)).max() <= 4


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
@pytest.mark.parametrize(
    "orientation, upright", [(3, lambda a: a[::-1, ::-1]), (6, lambda a: np.rot90(a, -1))]
)
@pytest.mark.parametrize("grey", [False, True])
def test_exif_rotation(tmp_path, suffix, orientation, upright, grey):
    pixels = random_pixels()
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels[..., 0] if grey else pixels).save(
        tmp_path / f"photo{suffix}", exif=exif, quality=95
    )
    expected = upright(pixels).astype(int)
    found = to_uint8(read_frames(tmp_path / f"photo{suffix}"))[0]
    assert found.shape == expected.shape
    assert np.abs(found - (expected[..., :1] if grey else expected)).mean() < 12


def test_pictures_hidden_in_a_camera_file_are_not_frames(tmp_path):
    small = Image.fromarray(random_pixels(32, 32))
    Image.fromarray(random_pixels()).save(
        tmp_path / "camera.jpg", "MPO", save_all=True, append_images=[small]
    )
    assert read_frames(tmp_path / "camera.jpg").shape == (1, 3, 48, 64)


# Size


def test_max_size_only_reduces_and_keeps_the_aspect(tmp_path):
    Image.fromarray(random_pixels(96, 160)).save(tmp_path / "image.png")
    path = tmp_path / "image.png"
    shapes = {
        size: tuple(read_frames(path, max_size=size).shape[2:]) for size in (None, 256, 100, 77)
    }
    assert shapes == {None: (96, 160), 256: (96, 160), 100: (60, 100), 77: (46, 77)}


def test_images_are_kept_whole_up_to_1024_pixels(tmp_path):
    for size, expected in (((1024, 576), (576, 1024)), ((1100, 1100), (1024, 1024))):
        Image.new("RGB", size).save(tmp_path / "image.png")
        assert read_frames(tmp_path / "image.png").shape[2:] == expected


# (height, width): 16:9, portrait, square, an odd 3:4, nearly 4:1, as large as is kept whole
SIZES = [(360, 640), (288, 162), (200, 200), (99, 133), (300, 77), (576, 1024)]


def noisy_pixels(height, width):
    """Pixels in which every value occurs beside every other, so that any other rounding shows."""
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("height, width", SIZES)
@pytest.mark.parametrize("max_size", [64, 100, 131, 1024])
def test_reducing_later_gives_the_pixels_of_reducing_at_once(tmp_path, height, width, max_size):
    path = tmp_path / "image.png"
    Image.fromarray(noisy_pixels(height, width)).save(path)
    whole = read_frames(path)
    assert whole.shape == (1, 3, height, width)

    reduced = resize_frames(whole, max_size)
    assert reduced.dtype == torch.float32 and reduced.is_contiguous()
    scale = min(1, max_size / max(height, width))
    if min(height, width) * scale >= frames_module.MIN_SIDE:  # else read_frames refuses
        assert max(reduced.shape[2:]) == min(max_size, max(height, width))
        assert torch.equal(reduced, read_frames(path, max_size))


def test_every_frame_of_a_clip_is_reduced_alike(tmp_path):
    (tmp_path / "clip").mkdir()
    for index in range(3):
        pixels = np.roll(noisy_pixels(90, 160), index, axis=1)
        Image.fromarray(pixels).save(tmp_path / "clip" / f"{index}.png")
    assert torch.equal(
        resize_frames(read_frames(tmp_path / "clip"), 64), read_frames(tmp_path / "clip", 64)
    )


@pytest.mark.parametrize("max_size", [64, 65, 10_000])
def test_small_frames_are_returned_as_they_are(max_size):
    frames = torch.rand(2, 3, 36, 64) * 2 - 1  # not of 8 bits
    assert resize_frames(frames, max_size) is frames
    assert resize_to(frames, (36, 64)) is frames


@pytest.mark.parametrize(
    "size, reduced",
    [((90, 160), (32, 57)), ((160, 90), (57, 32)), ((40, 160), (32, 128)), ((90, 100), (43, 48))],
)
def test_resize_frames_leaves_no_side_that_is_too_short_to_learn_from(size, reduced):
    assert resize_frames(torch.zeros(1, 3, *size), 48).shape[2:] == reduced


@pytest.mark.parametrize("size", [(90, 160), (20, 35), (160, 90), (64, 64), (1, 7)])
def test_resize_to_gives_exactly_this_size(size):
    pixels = noisy_pixels(45, 80)
    frames = as_frames(pixels).repeat(2, 1, 1, 1)
    found = resize_to(frames, size)
    assert found.shape == (2, 3, *size)
    height, width = size
    expected = Image.fromarray(pixels).resize((width, height), Image.Resampling.BILINEAR)
    assert (to_uint8(found) == np.array(expected)).all()


def test_resize_to_keeps_the_place_of_things():
    frames = torch.full((1, 3, 40, 40), -1.0)
    frames[:, :, :20, 20:] = 1  # the upper right quarter
    found = resize_to(frames, (80, 120))
    assert (found[:, :, :36, 66:] == 1).all() and (found[:, :, 44:] == -1).all()
    assert (found[:, :, :, :54] == -1).all()


def test_resizing_refuses():
    frames = torch.zeros(1, 3, 90, 160)
    for wrong in (frames[0], torch.zeros(2, 4, 3, 90, 160), None):
        refuse("images must be a tensor", resize_frames, wrong, 64)
        refuse("images must be a tensor", resize_to, wrong, (45, 80))
    for max_size in (31, 64.0, None):
        refuse("max_size must be a whole number of at least 32", resize_frames, frames, max_size)
    refuse("height must be a whole number of at least 1", resize_to, frames, (0, 80))
    refuse("width must be a whole number of at least 1", resize_to, frames, (45, 80.0))


def test_the_frames_of_videos_become_one_batch_of_images():
    videos = torch.arange(6.0).view(2, 3, 1, 1, 1).expand(2, 3, 3, 4, 5)
    images = as_images(videos)
    assert images.shape == (6, 3, 4, 5)
    assert images[:, 0, 0, 0].tolist() == [0, 1, 2, 3, 4, 5]
    assert as_images(images) is images


def test_reduction_is_antialiased(tmp_path):
    board = (
        np.indices((256, 256)).sum(0) % 2 * np.uint8(255)
    )  # at a quarter of the size only its mean is left
    Image.fromarray(board.astype(np.uint8)).save(tmp_path / "board.png")
    assert read_frames(tmp_path / "board.png", max_size=64)[..., 2:-2, 2:-2].abs().max() < 0.02


def test_four_to_one_passes_at_every_reduction(tmp_path):
    Image.new("RGB", (520, 130)).save(tmp_path / "wide.png")
    for max_size in (None, 257, 250, 131):
        check_frames(read_frames(tmp_path / "wide.png", max_size=max_size))


@pytest.mark.parametrize(
    "size, options, pattern",
    [
        ((4, 4), {}, "4 x 4 pixels"),
        ((31, 64), {}, "31 x 64"),
        ((300, 100), {"max_size": 64}, r"max_size=64, is 64 x 21 pixels"),
        ((1, 2000), {}, "longer than 4:1"),
        ((40, 400), {}, "longer than 4:1"),
        ((400, 40), {}, "longer than 4:1"),
    ],
)
def test_too_small_or_elongated(tmp_path, size, options, pattern):
    Image.new("RGB", size).save(tmp_path / "image.png")
    assert "image.png" in refuse(pattern, read_frames, tmp_path / "image.png", **options)


@pytest.mark.parametrize("size", [(7200, 7200), (10000, 10000), (40000, 40000)])
@pytest.mark.filterwarnings("error")
def test_too_many_pixels_are_refused_before_decoding(tmp_path, monkeypatch, size):
    write_png(tmp_path / "bomb.png", np.zeros((1, 1)), 0, size)
    monkeypatch.setattr(frames_module, "_to_rgb", None)
    refuse("more than 50 megapixels", read_frames, tmp_path / "bomb.png")


# Clips


@pytest.fixture
def clip():
    """Ten frames of grey 20 i."""
    return torch.stack([torch.full((3, 48, 64), 20 * index / 127.5 - 1) for index in range(10)])


@pytest.fixture(params=["folder", ".gif", ".webp", ".tif", ".mp4"])
def clip_path(request, clip, tmp_path):
    """The same ten frames in every container (MP4 loses a little)."""
    if request.param == "folder":
        (tmp_path / "folder").mkdir()
        for index, pixels in enumerate(to_uint8(clip)):
            Image.fromarray(pixels).save(
                tmp_path / "folder" / f"frame{index + 5}.png"
            )  # frame5 .. frame14
        return tmp_path / "folder"
    path = tmp_path / f"clip{request.param}"
    if request.param == ".mp4":
        cv2 = pytest.importorskip("cv2")
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 24, (64, 48))
        if not writer.isOpened():
            pytest.skip("this OpenCV has no mp4v encoder")
        for pixels in to_uint8(clip):
            writer.write(pixels)
        writer.release()
    elif request.param == ".tif":
        first, *rest = [Image.fromarray(pixels) for pixels in to_uint8(clip)]
        first.save(path, save_all=True, append_images=rest)
    else:
        save_animation(clip, path)
    return path


def test_stride_start_and_stop_are_python_slicing(clip, clip_path):
    for start, stop, stride in (
        (0, None, 1),
        (0, None, 3),
        (4, None, 2),
        (0, 4, 1),
        (1, 9, 4),
        (3, 99, 5),
        (9, 10, 1),
    ):
        found = greys(read_frames(clip_path, stride=stride, start=start, stop=stop))
        assert found == pytest.approx(greys(clip)[start:stop:stride], abs=4), (start, stop, stride)


@pytest.mark.parametrize(
    "options", [{"start": 10}, {"start": 5, "stop": 5}, {"start": 7, "stop": 3}]
)
def test_a_range_without_frames(clip_path, options):
    refuse(f"start={options['start']}.* select no frame of", read_frames, clip_path, **options)


@pytest.mark.parametrize("name", ["stride", "start", "stop", "max_size"])
@pytest.mark.parametrize("value", [-1, True, 1.0, "2", float("nan")])
def test_options_must_be_whole_numbers(tmp_path, name, value):
    refuse(f"{name} must be a whole number of at least", read_frames, tmp_path, **{name: value})


def test_options_have_minima(tmp_path):
    wrong = [
        ("stride", 0),
        ("stop", 0),
        ("max_size", 0),
        ("max_size", 31),
        ("stride", None),
        ("start", None),
    ]
    for name, value in wrong:
        refuse(f"{name} must be a whole number", read_frames, tmp_path, **{name: value})


def test_folder_is_sorted_naturally_and_ignores_other_files(tmp_path):
    for name, grey in (
        ("frame10.png", 100),
        ("frame2.PNG", 20),
        ("frame1.jpg", 10),
        ("frame2b.bmp", 25),
    ):
        Image.new("RGB", (64, 48), (grey,) * 3).save(tmp_path / name)
    Image.new("RGB", (32, 32)).save(tmp_path / ".frame3.png")
    (tmp_path / "notes.txt").write_text("not an image")
    (tmp_path / "Thumbs.db").write_bytes(b"\0")
    assert greys(read_frames(tmp_path)) == pytest.approx([10, 20, 25, 100], abs=0.1)


def test_frames_of_two_sizes_name_the_first_that_differs(tmp_path):
    for index, size in enumerate([(64, 48), (64, 48), (80, 48), (90, 48)]):
        Image.new("RGB", size).save(tmp_path / f"{index}.png")
    message = refuse("2.png", read_frames, tmp_path)
    assert "(80, 48)" in message and "(64, 48)" in message
    assert len(read_frames(tmp_path, stop=2)) == 2


def test_too_many_frames_are_refused_before_decoding(clip_path, monkeypatch):
    monkeypatch.setattr(frames_module, "MAX_FRAMES", 5)
    assert len(read_frames(clip_path, stride=2)) == 5 and len(read_frames(clip_path, start=5)) == 5
    monkeypatch.setattr(Image.Image, "resize", None)
    refuse("more than 5 frames; use a larger stride", read_frames, clip_path)


def test_a_webm_is_counted_as_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(frames_module, "MAX_FRAMES", 5)
    path = write_video(tmp_path / "clip.webm", "VP80")
    refuse("more than 5 frames", read_frames, path)
    assert len(read_frames(path, stride=4)) == 5


def test_the_limit_is_a_thousand_frames(tmp_path):
    for index in range(1001):
        (tmp_path / f"{index}.png").touch()
    refuse("more than 1,000 frames", read_frames, tmp_path)


def test_all_frames_together_have_a_limit(clip_path, monkeypatch):
    assert frames_module.MAX_TOTAL_PIXELS == 100_000_000
    monkeypatch.setattr(frames_module, "MAX_TOTAL_PIXELS", 5 * 48 * 64)
    assert len(read_frames(clip_path, stride=2)) == 5
    assert len(read_frames(clip_path, start=5)) == 5
    assert len(read_frames(clip_path, max_size=44)) == 10  # 33 x 44: what is returned counts
    message = refuse("megapixels in all", read_frames, clip_path)
    assert "use a larger stride, a start and stop, or a smaller max_size" in message


def test_one_frame_is_never_too_many_pixels():
    assert frames_module.MAX_TOTAL_PIXELS > frames_module.MAX_PIXELS


def test_an_animation_in_a_folder_is_one_frame(tmp_path, clip):
    save_animation(clip[5:], tmp_path / "1.gif")
    save_animation(clip[2:], tmp_path / "2.webp")
    assert greys(read_frames(tmp_path)) == pytest.approx([100, 40], abs=2)


def test_a_long_clip_is_reduced_frame_by_frame(tmp_path, monkeypatch):
    """Each frame is reduced before the next one is decoded, so that large ones never pile up."""
    events = []
    decode, reduce = frames_module._to_rgb, Image.Image.resize
    monkeypatch.setattr(
        frames_module, "_to_rgb", lambda *args: events.append("decode") or decode(*args)
    )
    monkeypatch.setattr(
        Image.Image, "resize", lambda *args: events.append("reduce") or reduce(*args)
    )
    for index in range(3):
        Image.new("RGB", (64, 64)).save(tmp_path / f"{index}.png")
    read_frames(tmp_path, max_size=40)
    assert events == ["decode", "reduce"] * 3


# Videos


@pytest.mark.parametrize(
    "name, codec", [("a.mp4", "mp4v"), ("a.MOV", "mp4v"), ("a.avi", "MJPG"), ("a.webm", "VP80")]
)
def test_video_formats(tmp_path, name, codec):
    frames = read_frames(write_video(tmp_path / name, codec), max_size=48)
    assert frames.shape == (20, 3, 36, 48)
    assert greys(frames) == pytest.approx([10 * index for index in range(20)], abs=4)


def test_video_channels_are_red_green_blue(tmp_path):
    cv2 = pytest.importorskip("cv2")
    writer = cv2.VideoWriter(
        str(tmp_path / "red.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 24, (64, 48)
    )
    if not writer.isOpened():
        pytest.skip("this OpenCV has no MJPG encoder")
    writer.write(np.full((48, 64, 3), (0, 0, 255), np.uint8))  # OpenCV's order is blue, green, red
    writer.release()
    red, green, blue = read_frames(tmp_path / "red.avi").mean((0, 2, 3))
    assert red > 0.9 and green < -0.9 and blue < -0.9


@pytest.mark.parametrize(
    "name, codec, pattern",
    [("a.mp4", "mp4v", "cannot be opened"), ("a.avi", "MJPG", r"ends after \d+ of 20 frames")],
)
def test_truncated_video(tmp_path, name, codec, pattern):
    """An MP4 cut short loses its index and cannot be opened; an AVI opens and ends early."""
    path = write_video(tmp_path / name, codec, size=(320, 240))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    refuse(f"{pattern}.* cut short", read_frames, path)


def test_video_without_opencv(tmp_path, monkeypatch):
    (tmp_path / "clip.mp4").write_bytes(b"anything")
    monkeypatch.setitem(sys.modules, "cv2", None)
    refuse("clip.mp4 .*pip install opencv-python-headless", read_frames, tmp_path / "clip.mp4")


# Files that cannot be read


def test_missing_empty_and_odd_paths(tmp_path):
    refuse("nowhere.png does not exist", read_frames, tmp_path / "nowhere.png")
    refuse("None does not exist", read_frames, None)
    refuse("holds no images", read_frames, tmp_path)
    (tmp_path / "notes.txt").write_text("text")
    refuse("holds no images", read_frames, tmp_path)
    refuse("notes.txt is not an image or video", read_frames, tmp_path / "notes.txt")
    refuse("0 bytes", read_frames, os.devnull)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.gif", "a.mp4"])
def test_empty_files_and_text_under_another_name(tmp_path, name):
    if name.endswith("mp4"):
        pytest.importorskip("cv2")
    path = tmp_path / name
    path.touch()
    refuse("0 bytes", read_frames, path)
    path.write_text("This is no picture. " * 50)
    refuse("is not an image|cannot be opened as a video", read_frames, path)


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.bmp", "a.webp", "a.gif", "a.tif"])
@pytest.mark.parametrize("kept", [0.3, 0.8])
@pytest.mark.filterwarnings("ignore")
def test_truncated_images(tmp_path, name, kept):
    path = tmp_path / name
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    assert name in refuse("cannot be decoded|is not an image", read_frames, path)


def test_files_that_may_not_be_read(tmp_path, monkeypatch):
    Image.new("RGB", (64, 48)).save(tmp_path / "private.png")
    monkeypatch.setattr(
        os, "access", lambda *_: False
    )  # the tests may run as root, whom permissions do not bind
    refuse("private.png .*may not be read", read_frames, tmp_path / "private.png")


# Checks


def test_check_frames_returns_contiguous_float32():
    frames = torch.rand(2, 40, 48, 3, dtype=torch.float64).permute(0, 3, 1, 2) * 2 - 1
    checked = check_frames(frames)
    assert checked.dtype == torch.float32 and checked.is_contiguous()
    torch.testing.assert_close(checked, frames.float())
    check_frames(torch.full((1, 3, 32, 32), 1.00005))


@pytest.mark.parametrize(
    "frames, pattern",
    [
        (np.zeros((1, 3, 32, 32)), "torch tensor"),
        (None, "torch tensor"),
        (
            torch.zeros(1, 3, 32, 32, dtype=torch.uint8),
            r"no torch tensor of floats.* x.float\(\) / 127.5 - 1",
        ),
        (torch.full((1, 3, 32, 32), 200.0), "leaves.* / 127.5 - 1"),
        (torch.full((1, 3, 32, 32), 1.01), "frame 0"),
        (torch.zeros(3, 32, 32), r"\(3, 32, 32\)"),
        (torch.zeros(1, 1, 32, 32), r"\(1, 1, 32, 32\)"),
        (torch.zeros(0, 3, 32, 32), r"\(0, 3, 32, 32\)"),
        (torch.zeros(1, 3, 31, 32), "32 x 31"),
        (torch.zeros(1, 3, 40, 400), "400 x 40"),
    ],
)
def test_check_frames_refuses(frames, pattern):
    refuse(pattern, check_frames, frames)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_check_frames_names_the_first_bad_frame(value):
    frames = torch.zeros(4, 3, 32, 32)
    frames[2, 1, 3, 4] = frames[3, 0, 0, 0] = value
    refuse("frame 2 holds NaN or leaves", check_frames, frames)


def frames_sum(frames):
    return pixels_checksum(to_uint8(frames))


def test_checksum_depends_on_pixels_and_shape_alone():
    frames = as_frames(random_pixels(32, 64))
    checksum = frames_sum(frames)
    assert len(checksum) == 64 and int(checksum, 16) >= 0
    assert frames_sum(frames + 1e-6 * torch.randn_like(frames).clamp(-9, 9)) == checksum
    assert frames_sum(frames.reshape(1, 3, 64, 32)) != checksum
    changed = frames.clone()
    changed[0, 0, 0, 0] += 1 / 127.5 if changed[0, 0, 0, 0] < 0 else -1 / 127.5
    assert frames_sum(changed) != checksum
    # A run is recognised by it later, so that its definition must not change.
    white = hashlib.sha256(b"(2, 32, 40, 3)" + b"\xff" * 2 * 32 * 40 * 3).hexdigest()
    assert frames_sum(torch.ones(2, 3, 32, 40)) == white


# Pictures


def test_to_uint8_rounds_and_clamps():
    images = torch.tensor([-7.0, -1, -0.9, 0.3, 1, 7]).repeat(1, 3, 2, 1).requires_grad_()
    assert to_uint8(images).shape == (1, 2, 6, 3)
    assert to_uint8(images)[0, 0, :, 0].tolist() == [0, 0, 13, 166, 255, 255]
    for wrong in (torch.zeros(3, 8, 8), torch.zeros(1, 1, 8, 8), torch.zeros(0, 3, 8, 8), None):
        refuse("images must be a tensor", to_uint8, wrong)


def test_image_grid_places_every_image():
    images = torch.stack([torch.full((3, 8, 10), index / 127.5 - 1) for index in range(5)])
    grid = np.array(image_grid(images, columns=3, padding=2))
    assert grid.shape == (2 * 10 + 2, 3 * 12 + 2, 3)
    for index in range(5):
        top, left = 2 + index // 3 * 10, 2 + index % 3 * 12
        assert (grid[top : top + 8, left : left + 10] == index).all()
        grid[top : top + 8, left : left + 10] = 255
    assert (grid == 255).all()


@pytest.mark.parametrize(
    "count, height, width, grid", [(9, 8, 8, (3, 3)), (1, 8, 8, (1, 1)), (8, 8, 16, (4, 2))]
)
def test_image_grid_is_nearly_square(count, height, width, grid):
    image = image_grid(torch.zeros(count, 3, height, width), padding=0)
    assert image.size == (grid[1] * width, grid[0] * height)


def test_image_grid_refuses():
    for columns in (0, -1, 1.5):
        refuse(
            "columns must be a whole number", image_grid, torch.zeros(2, 3, 8, 8), columns=columns
        )


def flat_images(count, height, width, value):
    """Images (count, 3, height, width) of one gray."""
    return torch.full((count, 3, height, width), float(value))


@pytest.mark.parametrize(
    "size, columns", [((192, 256), 4), ((256, 192), 4), ((64, 256), 2), ((256, 64), 8)]
)
def test_scene_sheet_shows_scenes_at_full_size_and_the_small_ones_beneath(size, columns):
    height, width = size
    photograph = flat_images(1, 2 * height, 2 * width, -1)
    scenes = flat_images(7, height, width, 0)
    small = flat_images(7, height // 4, width // 4, 0.5)
    pixels = np.array(scene_sheet(photograph, scenes, small))[..., 0].astype(int)

    rows = 8 // columns
    above = pixels[24 : 24 + rows * (height + 2) + 2, : columns * (width + 2) + 2]
    assert (above == 0).sum() == height * width  # the photograph, once, as large as a scene
    assert (above == 128).sum() == 7 * height * width
    assert above[2 + height // 2, 2 + width // 2] == 0
    beneath = pixels[24 + len(above) :]
    share = (beneath == 191).sum() / (beneath <= 0).sum()  # the caption is black, too
    assert 5 < share < 7.5
    assert beneath.shape[0] < above.shape[0] + 24


def test_scene_sheet_refuses_what_does_not_belong_together():
    scenes = flat_images(3, 40, 48, 0)
    refuse("3 scenes but 2 small", scene_sheet, scenes[:1], scenes, scenes[:2])


def test_contact_sheet_labels_rows_and_evens_their_heights():
    rows = {
        "training": torch.full((1, 3, 40, 60), -1.0),
        "samples": torch.full((4, 3, 20, 30), 0.0),
    }
    sheet = np.array(contact_sheet(rows, scale=1)).astype(int)
    label = (sheet.shape[0] - 2 * 40) // 2
    assert label > 0 and sheet.shape[1] == 4 * 60 + 3 * 2  # pictures do not run together
    assert (sheet[label : label + 40, :60] == 0).all() and (
        sheet[label : label + 40, 60:] == 255
    ).all()
    grey = np.abs(sheet[-40:] - 127.5) <= 1
    assert (
        grey[:, [0, 59, 62, 121, 124, 183, 186, 245]].all()
        and (sheet[-40:, [60, 61, 122, 123]] == 255).all()
    )
    first, second = sheet[:label], sheet[label + 40 : -40]
    assert first.min() < 100 and second.min() < 100 and (first != second).any()
    refuse("no rows", contact_sheet, {})


@pytest.mark.parametrize(
    "rows, scale",
    [
        ({"six": torch.zeros(6, 3, 40, 56)}, 3),
        ({"a column": torch.zeros(1, 3, 40, 56)}, 18),
        ({str(row): torch.zeros(1, 3, 40, 56) for row in range(8)}, 3),  # not higher than a screen
        ({"small": torch.zeros(2, 3, 10, 14), "large": torch.zeros(2, 3, 40, 56)}, 9),
        ({"rendered": torch.zeros(8, 3, 192, 256)}, 1),  # never reduced
    ],
)
def test_contact_sheet_fills_a_screen(rows, scale):
    assert contact_sheet(rows).size == contact_sheet(rows, scale).size


def test_contact_sheet_captions_can_be_read_from_the_last_row():
    image = torch.ones(1, 3, 32, 32)  # white, so that all that is dark is caption
    dark = np.array(contact_sheet({"Hg": image}, scale=1)).min(2) < 128
    rows = dark.any(1).nonzero()[0]
    assert (
        rows[-1] - rows[0] + 1 >= 14
    )  # from the top of H to the foot of g, of a font of 16 pixels
    assert rows[-1] < 24  # above the image
    long = contact_sheet({"a caption that is wider than its image": image}, scale=1)
    assert long.width > 250 and (np.array(long)[:24, -8:] < 128).any()  # not cut off
    assert long.height == 24 + 32


def test_save_image_round_trips_and_replaces(tmp_path):
    image = image_grid(as_frames(random_pixels()))
    for _ in range(2):
        save_image(image, tmp_path / "grid.png")
    assert (np.array(Image.open(tmp_path / "grid.png")) == np.array(image)).all()
    assert os.listdir(tmp_path) == ["grid.png"]


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".GIF"])
def test_save_animation_loops_at_its_rate(tmp_path, clip, suffix):
    save_animation(clip, tmp_path / f"walk{suffix}", fps=10)
    with Image.open(tmp_path / f"walk{suffix}") as image:
        image.load()
        assert image.n_frames == 10 and image.info["loop"] == 0 and image.info["duration"] == 100
    assert os.listdir(tmp_path) == [f"walk{suffix}"]


def test_save_refuses_other_suffixes_and_rates(tmp_path, clip):
    refuse("walk.mp4 must end in .gif or .webp", save_animation, clip, tmp_path / "walk.mp4")
    refuse("grid.jpg must end in .png", save_image, Image.new("RGB", (8, 8)), tmp_path / "grid.jpg")
    for fps in (0, -1, 51, float("nan"), "12", True):
        refuse("fps must be", save_animation, clip, tmp_path / "walk.gif", fps=fps)
    assert os.listdir(tmp_path) == []


def test_failed_saves_leave_nothing_behind(tmp_path, clip, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    image = Image.new("RGB", (8, 8))
    refuse("grid.png cannot be written", save_image, image, tmp_path / "file" / "grid.png")
    refuse("walk.gif cannot be written", save_animation, clip, tmp_path / "file" / "walk.gif")

    save_image(image, tmp_path / "grid.png")
    before = (tmp_path / "grid.png").read_bytes()

    def full_disk(self, path, *args, **options):
        path.write_bytes(b"half of a")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Image.Image, "save", full_disk)
    refuse("grid.png cannot be written .*No space left", save_image, image, tmp_path / "grid.png")
    assert (tmp_path / "grid.png").read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == ["file", "grid.png"]


def test_frames_alone_loads_no_opencv():
    code = (
        "import sys, siv_lite.frames; sys.exit('cv2' in sys.modules or 'matplotlib' in sys.modules)"
    )
    assert os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-c", code]) == 0
