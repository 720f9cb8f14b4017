"""Render the sample pictures and the sample clip: python data_samples/render/render.py [folder]."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from brushes import (
    below,
    box,
    ellipse,
    empty,
    fill,
    limb,
    mix,
    noise,
    paint_person,
    paint_sky,
    polygon,
    rgb,
    shadow,
    to_picture,
)
from PIL import Image
from street import FRAMES, paint_street

FRAMES_PER_SECOND = 24
HAZE = rgb("a9c0d0")

BALLOONS = [  # x, y, radius, gores, twist, bands, zigzag, colours
    (54, 50, 25, 6, 0.0, 0.0, 0.0, "d7261e f6c21c 1d4fa0 f4efe2"),
    (197, 56, 22, 5, 1.6, 0.0, 0.0, "6a1f8f f59a1b"),
    (128, 33, 17, 4, 0.0, 3.2, 0.0, "12803c f7e04a"),
    (103, 95, 18, 0, 0.0, 3.5, 0.5, "e8431f ffd23a 2a9a8f 7c1d55"),
    (158, 102, 13, 5, 0.0, 0.0, 0.0, "1763c6 f7f3ea"),
    (232, 112, 14, 0, 0.0, 3.0, 0.0, "c8143c fbf1da 223a7a"),
    (22, 112, 13, 5, -1.8, 0.0, 0.0, "ef5fa0 7a1fa0 fbe9c0"),
    (90, 18, 10, 0, 0.0, 2.2, 0.4, "10a5b5 f7efe0 e0541b"),
    (236, 22, 11, 4, 0.0, 2.4, 0.0, "22282f f2c028"),
    (62, 124, 11, 4, 0.0, 0.0, 0.0, "f07a12 a01818"),
]


def paint_balloon(
    canvas: np.ndarray, x0: float, y0: float, radius: float, gores: int, twist: float, bands: float,
    zigzag: float, colors: str,
) -> None:
    palette = np.array([rgb(color) for color in colors.split()])
    haze = 0.32 * np.clip((20 - radius) / 10, 0, 1)  # small ones are far away

    def half_width(v):  # a sphere above, its tangent cone down to the mouth below
        return np.where(v < 0.7, np.sqrt(np.clip(1 - v**2, 1e-4, 1)), 0.714 - 0.98 * (v - 0.7))

    def envelope(x, y):
        v = (y - y0) / radius
        width = half_width(v)
        u = (x - x0) / radius / width
        return np.minimum(1 - np.abs(u), np.minimum(v + 1, 1.18 - v)), 0.97 * u * width, 0.9 * np.clip(v, -1, 1) + 0 * u

    def cloth(x, y):
        v = (y - y0) / radius
        longitude = np.arcsin(np.clip((x - x0) / radius / half_width(v), -1, 1)) / np.pi + 0.55
        zig = zigzag * np.abs((longitude * 6) % 2 - 1)
        cell = np.floor(2 * gores * longitude + twist * v) + np.floor(bands * (v + 1) + zig)
        seam = np.cos(2 * np.pi * longitude * 12) ** 8
        stained = palette[cell.astype(int) % len(palette)] * (1 - 0.22 * seam)[..., None]
        return mix(stained, HAZE, haze + 0 * v * x)

    mouth, basket = y0 + 1.16 * radius, y0 + 1.62 * radius
    for side in (-1, -0.4, 0.4, 1):
        fill(canvas, limb(x0 + 0.24 * side * radius, mouth, x0 + 0.17 * side * radius, basket, 0.4), rgb("3a2f2a"))
    bounds = (x0 - radius, y0 - radius, x0 + radius, y0 + 1.2 * radius)
    fill(canvas, (bounds, envelope), cloth, grain=0.14, size=0.5 * radius)
    half = 0.19 * radius
    wicker = box(x0 - half, basket - 0.4, x0 + half, basket + 1.9 * half, 0.4 * half)
    fill(canvas, wicker, rgb("7a4a22"), grain=0.5, size=3)


def paint_tree(canvas: np.ndarray, x: float, y: float, radius: float, haze: float, rng: np.random.Generator) -> None:
    shadow(canvas, x + radius, y + 0.6 * radius, 1.6 * radius, 0.6 * radius, 0.5 * (1 - haze))
    for clump in range(7):
        green = mix(rgb("2d5522"), rgb("71862e"), rng.uniform(0, 1, ()))
        cx, cy = rng.uniform(-0.7, 0.7, 2) * radius * [1, 1 - 0.05 * clump]
        crown = ellipse(x + cx, y + cy - 0.6 * radius, 0.6 * radius, 0.55 * radius)
        fill(canvas, crown, mix(green, HAZE, np.array(haze)), grain=0.6, size=3)


def render_balloons() -> np.ndarray:
    canvas, rng = empty(192, 256), np.random.default_rng(3)
    paint_sky(canvas, 150, seed=5)
    for ridge, (base, haze) in enumerate([(128, 0.62), (138, 0.4), (149, 0.2), (166, 0.0)]):

        def top(x, base=base, ridge=ridge):
            return base + 9 * noise(x, 40.0 * ridge, 120, 3, 2.5)

        def meadow(x, y, haze=haze, ridge=ridge, top=top):
            mown = noise(x + 2 * y, 5 * y, 60, ridge)  # in rows
            grass = mix(rgb("5f8a2a"), rgb("c9b45a"), 0.45 + 0.7 * mown)
            grass = grass * (1.05 + 0.35 * noise(x, 2 * y, 12, ridge) - 0.25 * np.exp(-(y - top(x)) / 6))[..., None]
            return mix(grass, HAZE, haze + 0 * mown)

        fill(canvas, below(canvas, top), meadow)
        places = rng.uniform([0, base - 8], [256, base + 24], (320, 2))
        for x, y in places[np.argsort(places[:, 1])]:
            if y > top(x) - 1 and noise(x, 2.5 * y, 70, 7 + ridge) > 0.15:
                paint_tree(canvas, x, y, (1.6 + 0.8 * ridge) * rng.uniform(0.8, 1.3), haze, rng)
    for balloon in sorted(BALLOONS, key=lambda entry: entry[2]):
        paint_balloon(canvas, *balloon)
    return to_picture(canvas)


HORIZON = 52
PARASOLS = [  # x, y of the foot, radius, colours
    (38, 152, 16, "d8231f f7f2e6"), (96, 172, 19, "1858b8 f6d23a"),
    (160, 150, 15, "f08a1a 8c1d6a"), (222, 176, 20, "128a4c f5f0e0"),
]
TOWELS = [(54, 178, "e0452a f6e7c8"), (144, 176, "2a6fb0 f4f0e6"), (182, 186, "8a2a80 f2c838")]  # x, y, colours
BOARDS = [(68, 150, "f4d03a d6301f"), (128, 166, "17a5b8 f5f5ee"), (190, 158, "f06aa0 2a2f80")]  # x, foot, colours
SURFERS = [  # x, feet, height, suit, board
    (52, 76, 17, "d8231f", "f4d03a"), (132, 89, 21, "1b2a6a", "f2f2ea"), (208, 80, 18, "e06a14", "35b5c0"),
]
PEOPLE = [  # x, feet, height, shirt, trousers
    (20, 131, 21, "c99068", "1c4fb0"), (108, 134, 22, "d8302a", "d8302a"), (122, 133, 20, "b87a52", "f0b81c"),
    (182, 132, 21, "7a2a90", "7a2a90"), (240, 138, 23, "b87a52", "0e8a60"),
]


def shore(x: np.ndarray) -> np.ndarray:
    return 116 + 4 * noise(x, 0.0, 110, 3, 2)


def headland(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    rock = mix(rgb("47602f"), rgb("9a8468"), 0.5 + 1.2 * noise(x, y, 16))
    return mix(rock, HAZE, 0.35 + 0 * (x + y))


def sea(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    depth = np.maximum(y - HORIZON, 0.1)
    ripple = noise(60 * (x - 128) / (depth + 4), 260 * np.log(depth + 4), 40)  # finer towards the horizon
    color = mix(rgb("1a5584"), rgb("3fa9a8"), depth / 62 + 0 * x) * (1 + 0.38 * ripple)[..., None]
    for row, (distance, height) in enumerate([(7, 3.5), (17, 7), (33, 11), (51, 12)]):
        crest = HORIZON + distance + 0.14 * distance * noise(x, 97.0 * row, 90, row, 2)
        tall = height * np.clip(0.75 + 0.8 * noise(x, 53.0 * row, 80, row, 2), 0.2, 1.3)
        down = (y - crest) / tall  # 0 at the crest, 1 at the foot of the wave
        face = mix(rgb("7fd6bd"), rgb("0c4f68"), np.clip(down, 0, 1) ** 0.6)
        face = face * (1 + 0.3 * noise(x, 0.5 * y, 9, row))[..., None]
        color = mix(color, face, 0.9 * (down > 0) * np.clip(3 - 3 * down, 0, 1))
        broken, ragged = 0.55 + 1.6 * noise(x, 31.0 * row, 75, row + 4, 1.7), noise(x, y, 0.9 * height, row)
        foam = np.clip(3 * (down + 0.25 + 0.3 * ragged), 0, 1) * np.clip(3 * (broken - down + 0.9 * ragged), 0, 1)
        white = mix(rgb("fffdf6"), rgb("9fb6c4"), 0.25 + 0.45 * down + 0.9 * noise(x, y, 5, row + 1))
        color = mix(color, white, foam)
    return color


def sand(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    dry = rgb("dcc08e") * (1 + 0.22 * noise(x, 1.7 * y, 14, 2) + 0.14 * noise(x, 3 * y, 70, 4, 1.5))[..., None]
    dry = dry * (1 - 0.35 * (noise(x, 2.5 * y, 9, 5) > 0.75))[..., None]  # footprints
    wet = np.clip(1.1 - (y - shore(x)) / 20 + 0.25 * noise(x, 3 * y, 60), 0, 1)
    color = mix(dry, mix(rgb("8d7350"), rgb("b4cfe2"), 0.5 + 0.6 * noise(x, 4 * y, 40, 8)), wet)
    for offset, width in ((0.5, 1.8), (7, 0.9), (13, 0.6)):  # the lace that every wave leaves behind
        edge = (y - shore(x) - offset - 2 * noise(x, 9 * offset, 60, 6)) / width
        color = mix(color, rgb("fffaf0"), np.exp(-(edge**2)) * (0.75 + 0.7 * noise(x, y, 6)))
    return color


def stripes(colors: str, across: Callable) -> Callable:
    """Paint that changes colour whenever across(x, y) passes a whole number."""
    palette = np.array([rgb(color) for color in colors.split()])
    return lambda x, y: palette[np.floor(across(x, y)).astype(int) % len(palette)]


def paint_parasol(canvas: np.ndarray, x0: float, y0: float, radius: float, colors: str) -> None:
    top = y0 - 1.35 * radius

    def dome(x, y):
        nx, ny = (x - x0) / radius, (y - top) / (0.8 * radius)
        return np.minimum(1 - nx**2 - ny**2, 0.06 + 0.05 * np.cos(18 * nx) - ny), nx, ny

    def gore(x, y):
        half_width = radius * np.sqrt(np.clip(1 - ((y - top) / (0.82 * radius)) ** 2, 0.01, 1))
        return 4 + 8 * np.arcsin(np.clip((x - x0) / half_width, -1, 1)) / np.pi

    shadow(canvas, x0 + 0.9 * radius, y0 + 1, 1.3 * radius, 0.36 * radius)
    fill(canvas, limb(x0, top, x0, y0, 0.9), rgb("e8e0d0"))
    fill(canvas, ((x0 - radius, top - radius, x0 + radius, top + 0.2 * radius), dome), stripes(colors, gore), size=8)


def render_beach() -> np.ndarray:
    canvas = empty(192, 256)
    paint_sky(canvas, 60, seed=9)
    fill(canvas, below(canvas, lambda x: 34 + 0.16 * x + 4 * noise(x, 0.0, 50, 2)), headland)
    fill(canvas, below(canvas, lambda x: HORIZON + 0 * x), sea, grain=0.08)
    fill(canvas, below(canvas, shore), sand, grain=0.08)
    for x, y, height, suit, board in SURFERS:
        fill(canvas, ellipse(x, y + 0.5, 0.75 * height, 2), rgb(board), grain=0.2, size=4)
        paint_person(canvas, x, y, height, suit, suit, ((-0.24, 0), (0.24, 0)), ((-0.45, -0.72), (0.42, -0.6)), 0.12)
    for x, y, height, shirt, trousers in PEOPLE:
        paint_person(canvas, x, y, -height, shirt, trousers, opacity=0.35)
        shadow(canvas, x + 0.25 * height, y, 0.35 * height, 1.5, 0.5)
        paint_person(canvas, x, y, height, shirt, trousers)
    for x, y, colors in TOWELS:
        shadow(canvas, x + 1, y + 2, 17, 6, 0.5)
        cloth = stripes(colors, lambda x, y: x / 4 - y / 8)
        fill(canvas, polygon((x - 10, y - 4), (x + 14, y - 4), (x + 10, y + 4), (x - 14, y + 4)), cloth, grain=0.4)
    for x, y, colors in BOARDS:
        shadow(canvas, x + 7, y, 9, 2)
        fill(canvas, ellipse(x, y - 13, 4.2, 14), stripes(colors, lambda px, py, x=x: (abs(px - x) < 1.1) + 0 * py))
    for parasol in PARASOLS:
        paint_parasol(canvas, *parasol)
    return to_picture(canvas)


def render_scene(name: str) -> np.ndarray:
    """One of the pictures "balloons", "beach" (192, 256, 3) and "street" (192, 320, 3), uint8 RGB."""
    return {"balloons": render_balloons, "beach": render_beach, "street": lambda: paint_street("street", 0)}[name]()


def render_frame(index: int) -> np.ndarray:
    """Frame 0 <= index < FRAMES of the clip: (192, 320, 3) uint8 RGB."""
    return paint_street("bus", index)


def write_video(path: Path, frames: list[np.ndarray]) -> None:
    try:
        import cv2
    except ImportError:
        sys.exit(f"{path} was not written: it needs OpenCV (pip install opencv-python-headless); the rest is done.")
    height, width, _ = frames[0].shape
    video = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), FRAMES_PER_SECOND, (width, height))
    for frame in frames:
        video.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    video.release()


def main(folder: Path) -> None:
    (folder / "bus").mkdir(parents=True, exist_ok=True)
    for name in ("balloons", "beach", "street"):
        Image.fromarray(render_scene(name)).save(folder / f"{name}.png", optimize=True)
    frames = [render_frame(index) for index in range(FRAMES)]
    for index, frame in enumerate(frames):
        Image.fromarray(frame).save(folder / "bus" / f"{index:05d}.jpg", quality=90, subsampling=0, optimize=True)
    write_video(folder / "bus.mp4", frames)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1])
