"""What the sample scenes are painted with: noise, lit shapes, sky, people.

Everything is painted at three times the final size and then averaged down. Coordinates are final pixels, x to the
right and y down; colours are sRGB in [0, 1]; a canvas is premultiplied RGBA, float32 (3 H, 3 W, 4). The sun stands
high on the left, in front of every scene.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np

SUPERSAMPLE = 3
SUN = np.array([-0.50, -0.62, 0.60])
Shape = tuple[tuple[float, float, float, float], Callable]  # bounds x0, y0, x1, y1 and (x, y) -> inside, nx, ny


def rgb(hexadecimal: str) -> np.ndarray:
    return np.array([int(hexadecimal[i : i + 2], 16) for i in (0, 2, 4)], np.float32) / 255


def mix(a: np.ndarray, b: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """a where weight (H, W) is 0, b where it is 1."""
    weight = np.clip(weight, 0, 1)[..., None]
    return a * (1 - weight) + b * weight


@lru_cache
def fractal_tile(slope: float, size: int = 1024, lowest: int = 8) -> np.ndarray:
    """Periodic noise with amplitude 1/f^slope (1: natural images, more: smoother), mean 0, standard deviation 0.5."""
    frequency = size * np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None])
    spectrum = np.fft.rfft2(np.random.default_rng(0).standard_normal((size, size)))
    tile = np.fft.irfft2(spectrum * (frequency >= lowest) / np.maximum(frequency, 1) ** slope)
    return (0.5 * tile / tile.std()).astype(np.float32)


def noise(x: np.ndarray, y: np.ndarray, size: float, seed: int = 0, slope: float = 1) -> np.ndarray:
    """Fractal noise whose largest blobs measure `size` pixels, by bilinear look-up in the tile."""
    tile = fractal_tile(slope)
    u, v = (np.asarray(axis, np.float32) * (128 / size) + 101.3 * seed for axis in (x, y))
    column, row = np.floor(u).astype(int), np.floor(v).astype(int)
    right, down = u - column, v - row
    upper = tile[row & 1023, column & 1023] * (1 - right) + tile[row & 1023, (column + 1) & 1023] * right
    lower = tile[(row + 1) & 1023, column & 1023] * (1 - right) + tile[(row + 1) & 1023, (column + 1) & 1023] * right
    return upper * (1 - down) + lower * down


def ellipse(cx: float, cy: float, rx: float, ry: float) -> Shape:
    def inside(x, y):
        nx, ny = (x - cx) / rx, (y - cy) / ry
        return 1 - nx**2 - ny**2, nx, ny

    return (cx - rx, cy - ry, cx + rx, cy + ry), inside


def box(x0: float, y0: float, x1: float, y1: float, radius: float = 0.01) -> Shape:
    def inside(x, y):
        nx = np.clip((x - x0 - radius) / radius, -1, 0) + np.clip((x - x1 + radius) / radius, 0, 1)
        ny = np.clip((y - y0 - radius) / radius, -1, 0) + np.clip((y - y1 + radius) / radius, 0, 1)
        return 1 - nx**2 - ny**2, 0.6 * nx, 0.6 * ny

    return (x0, y0, x1, y1), inside


def limb(ax: float, ay: float, bx: float, by: float, radius: float) -> Shape:
    """A round stick from a to b."""

    def inside(x, y):
        dx, dy = bx - ax, by - ay
        along = np.clip(((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy + 1e-9), 0, 1)
        nx, ny = (x - ax - along * dx) / radius, (y - ay - along * dy) / radius
        return 1 - nx**2 - ny**2, nx, ny

    return (min(ax, bx) - radius, min(ay, by) - radius, max(ax, bx) + radius, max(ay, by) + radius), inside


def polygon(*corners: tuple[float, float]) -> Shape:
    """Convex, corners clockwise on the screen."""

    def inside(x, y):
        edges = zip(corners, (*corners[1:], corners[0]), strict=True)
        depth = np.min([(bx - ax) * (y - ay) - (by - ay) * (x - ax) for (ax, ay), (bx, by) in edges], axis=0)
        return depth, 0 * depth, 0 * depth

    columns, rows = zip(*corners, strict=True)
    return (min(columns), min(rows), max(columns), max(rows)), inside


def empty(height: float, width: float) -> np.ndarray:
    return np.zeros((round(height * SUPERSAMPLE), round(width * SUPERSAMPLE), 4), np.float32)


def sunlight(nx: np.ndarray, ny: np.ndarray) -> np.ndarray:
    """Warm sun plus blue sky light for a surface normal (nx, ny, nz): (H, W, 3), about 1 where it faces the viewer."""
    nz = np.sqrt(np.clip(1 - nx**2 - ny**2, 0, 1))
    direct = np.clip(nx * SUN[0] + ny * SUN[1] + nz * SUN[2], 0, 1)[..., None]
    return np.array([0.40, 0.43, 0.50]) + direct * np.array([1.02, 0.94, 0.82])


def fill(canvas: np.ndarray, shape: Shape, color, grain: float = 0.15, size: float = 9, soft: float = 0,
         opacity: float = 1) -> None:
    """Paint a lit shape; `color` is RGB or (x, y) -> (H, W, 3), `soft` the inside depth at which it is opaque."""
    bounds, inside = shape
    left, top = (round(value * SUPERSAMPLE) - 1 for value in bounds[:2])
    right, bottom = (round(value * SUPERSAMPLE) + 1 for value in bounds[2:])
    rows, columns = slice(max(top, 0), max(bottom, 0)), slice(max(left, 0), max(right, 0))
    view = canvas[rows, columns]
    if not view.size:
        return
    y = (np.arange(view.shape[0])[:, None] + rows.start + 0.5) / SUPERSAMPLE
    x = (np.arange(view.shape[1])[None] + columns.start + 0.5) / SUPERSAMPLE
    depth, nx, ny = inside(x, y)
    alpha = opacity * (np.clip(depth / soft, 0, 1) if soft else (depth >= 0))[..., None]
    shade = sunlight(nx, ny) * (1 + grain * noise(x, y, size))[..., None]
    pixels = np.clip((color(x, y) if callable(color) else color) * shade, 0, 1)
    view *= 1 - alpha
    view += alpha * np.concatenate([pixels, np.ones_like(pixels[..., :1])], axis=-1)


def shadow(canvas: np.ndarray, x: float, y: float, rx: float, ry: float, opacity: float = 0.6) -> None:
    fill(canvas, ellipse(x, y, rx, ry), rgb("10141f"), soft=0.9, opacity=opacity)


def below(canvas: np.ndarray, line: Callable) -> Shape:
    """All of the canvas below the curve y = line(x)."""

    def inside(x, y):
        depth = y - line(x)
        return depth, 0 * depth, 0 * depth

    return (0, 0, canvas.shape[1] / SUPERSAMPLE, canvas.shape[0] / SUPERSAMPLE), inside


def everywhere(canvas: np.ndarray) -> Shape:
    return below(canvas, lambda x: -1 + 0 * x)


def to_picture(canvas: np.ndarray) -> np.ndarray:
    """Area average of a canvas: uint8 (H, W, 3)."""
    height, width = canvas.shape[0] // SUPERSAMPLE, canvas.shape[1] // SUPERSAMPLE
    blocks = canvas[..., :3].reshape(height, SUPERSAMPLE, width, SUPERSAMPLE, 3)
    return np.round(255 * np.clip(blocks.mean(axis=(1, 3)), 0, 1)).astype(np.uint8)


def paint_sky(canvas: np.ndarray, horizon: float, seed: int) -> None:
    def density(x, y):
        flat = 1 + 1.6 * np.clip(y / horizon, 0, 1)  # clouds flatten towards the horizon
        return 0.5 + 1.3 * noise(x, flat * y, 120, seed, 1.5)

    def color(x, y):
        thick = density(x, y)
        lit = 0.6 + 0.8 * (thick - density(x - 6, y - 6)) + 0.25 * noise(x, 2 * y, 25, seed, 1.3)
        blue = mix(rgb("2f6db8"), rgb("b9d3e6"), (y / horizon) ** 1.1 + 0 * x)
        return mix(blue, mix(rgb("8f9fb8"), rgb("fff8ea"), lit), 0.9 * np.clip(thick, 0, 1) ** 1.5)

    fill(canvas, everywhere(canvas), color, grain=0.02)


def paint_person(canvas: np.ndarray, x: float, y: float, height: float, shirt: str, trousers: str,
                 feet=((-0.12, 0), (0.1, 0)), hands=((-0.2, -0.42), (0.22, -0.46)), lean: float = 0,
                 opacity: float = 1) -> None:
    """Feet and hands are offsets from the ground point (x, y) in heights; a negative height is a reflection."""
    unit = abs(height)

    def part(ax, ay, bx, by, radius, color):
        stick = limb(x + ax * unit, y + ay * height, x + bx * unit, y + by * height, radius * unit)
        fill(canvas, stick, rgb(color), grain=0.2, size=5, opacity=opacity)

    for foot_x, foot_y in feet:
        hip = 0.02 * np.sign(foot_x)
        part(hip, -0.5, foot_x, foot_y - 0.03, 0.055, "b87a52")
        part(hip, -0.5, 0.5 * foot_x, 0.5 * foot_y - 0.3, 0.075, trousers)
    part(0, -0.5, lean, -0.76, 0.1, shirt)
    for hand_x, hand_y in hands:
        part(lean, -0.76, hand_x, hand_y, 0.042, "c08458")
    part(1.3 * lean, -0.93, 1.3 * lean, -0.92, 0.085, "c08458")
    part(1.3 * lean, -0.96, 1.3 * lean - 0.01, -0.95, 0.08, "3a2416")
