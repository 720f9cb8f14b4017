"""What the sample scenes are painted with: noise, lit shapes, sky, people.

Everything is painted at three times the final size and then averaged down. Coordinates are final
pixels, x to the right and y down. Colors are sRGB in [0, 1]. A canvas is premultiplied RGBA,
float32 (3 H, 3 W, 4). The sun stands high on the left, in front of every scene.

Functions of position take x and y as arrays that broadcast to (H, W), and return (H, W) or, for
colors, (H, W, 3).
"""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np

SUPERSAMPLE = 3
SUN = np.array([-0.50, -0.62, 0.60])  # direction to the sun, z towards the viewer
SKY_LIGHT = np.array([0.40, 0.43, 0.50])
SUN_LIGHT = np.array([1.02, 0.94, 0.82])

TILE_SIZE = 1024  # a power of two
TILE_MASK = TILE_SIZE - 1  # index & mask wraps around
TILE_BLOB = 128  # pixels of the tile's largest blobs
LOWEST_FREQUENCY = TILE_SIZE // TILE_BLOB

SKIN = "c08458"
LEG = "b87a52"
HAIR = "3a2416"

ColorFunction = Callable[[np.ndarray, np.ndarray], np.ndarray]
Point = tuple[float, float]


class Shape(NamedTuple):
    """A shape to fill."""

    bounds: tuple[float, float, float, float]  # x0, y0, x1, y1
    # (x, y) -> depth, nx, ny: depth is negative outside, nx and ny are the surface's normal.
    inside: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]


def rgb(hexadecimal: str) -> np.ndarray:
    """Convert a color.

    Args:
        hexadecimal: six digits, like "d7261e".

    Returns:
        (3,) float32 in [0, 1].
    """
    channels = [int(hexadecimal[i : i + 2], 16) for i in (0, 2, 4)]
    return np.array(channels, np.float32) / 255


HAZE = rgb("a9c0d0")  # of what is far away


def mix(a: np.ndarray, b: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Mix two colors.

    Args:
        a: (..., 3), the color where the weight is 0.
        b: (..., 3), the color where the weight is 1.
        weight: (...), clipped to [0, 1].

    Returns:
        (..., 3).
    """
    weight = np.clip(weight, 0, 1)[..., None]
    return a * (1 - weight) + b * weight


@lru_cache
def fractal_tile(slope: float) -> np.ndarray:
    """Make a periodic tile of fractal noise, always the same.

    Args:
        slope: the amplitude is 1 / frequency^slope; 1 is that of natural images, more is smoother.

    Returns:
        (1024, 1024) float32 of mean 0 and standard deviation 0.5.
    """
    rows = np.fft.fftfreq(TILE_SIZE)[:, None]
    columns = np.fft.rfftfreq(TILE_SIZE)[None]
    frequency = TILE_SIZE * np.hypot(rows, columns)

    white = np.random.default_rng(0).standard_normal((TILE_SIZE, TILE_SIZE))
    spectrum = np.fft.rfft2(white) * (frequency >= LOWEST_FREQUENCY)
    tile = np.fft.irfft2(spectrum / np.maximum(frequency, 1) ** slope)
    return (0.5 * tile / tile.std()).astype(np.float32)


def noise(x: np.ndarray, y: np.ndarray, size: float, seed: int = 0, slope: float = 1) -> np.ndarray:
    """Look fractal noise up, bilinearly in the tile.

    Args:
        x: position.
        y: position.
        size: pixels of the largest blobs.
        seed: chooses a place in the tile.
        slope: see `fractal_tile`.

    Returns:
        (H, W) of about mean 0 and standard deviation 0.5.
    """
    tile = fractal_tile(slope)
    scale = TILE_BLOB / size
    offset = 101.3 * seed
    u = np.asarray(x, np.float32) * scale + offset
    v = np.asarray(y, np.float32) * scale + offset

    # The four neighbors, around the tile's edges if need be.
    column = np.floor(u).astype(int)
    row = np.floor(v).astype(int)
    left = column & TILE_MASK
    right = (column + 1) & TILE_MASK
    top = row & TILE_MASK
    bottom = (row + 1) & TILE_MASK

    weight_x = u - column
    weight_y = v - row
    upper = tile[top, left] * (1 - weight_x) + tile[top, right] * weight_x
    lower = tile[bottom, left] * (1 - weight_x) + tile[bottom, right] * weight_x
    return upper * (1 - weight_y) + lower * weight_y


def ellipse(cx: float, cy: float, rx: float, ry: float) -> Shape:
    """Make an ellipsoid seen from the front.

    Args:
        cx: x of the center.
        cy: y of the center.
        rx: half of the width.
        ry: half of the height.

    Returns:
        The shape.
    """

    def inside(x, y):
        nx = (x - cx) / rx
        ny = (y - cy) / ry
        return 1 - nx**2 - ny**2, nx, ny

    return Shape((cx - rx, cy - ry, cx + rx, cy + ry), inside)


def box(x0: float, y0: float, x1: float, y1: float, radius: float = 0.01) -> Shape:
    """Make a box with rounded edges.

    Args:
        x0: left side.
        y0: upper side.
        x1: right side.
        y1: lower side.
        radius: of the edges.

    Returns:
        The shape.
    """

    def inside(x, y):
        nx = np.clip((x - x0 - radius) / radius, -1, 0) + np.clip((x - x1 + radius) / radius, 0, 1)
        ny = np.clip((y - y0 - radius) / radius, -1, 0) + np.clip((y - y1 + radius) / radius, 0, 1)
        return 1 - nx**2 - ny**2, 0.6 * nx, 0.6 * ny

    return Shape((x0, y0, x1, y1), inside)


def limb(ax: float, ay: float, bx: float, by: float, radius: float) -> Shape:
    """Make a round stick from a to b.

    Args:
        ax: x of a.
        ay: y of a.
        bx: x of b.
        by: y of b.
        radius: half of its thickness.

    Returns:
        The shape.
    """

    def inside(x, y):
        dx = bx - ax
        dy = by - ay
        along = np.clip(((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy + 1e-9), 0, 1)
        nx = (x - ax - along * dx) / radius
        ny = (y - ay - along * dy) / radius
        return 1 - nx**2 - ny**2, nx, ny

    x0 = min(ax, bx) - radius
    y0 = min(ay, by) - radius
    x1 = max(ax, bx) + radius
    y1 = max(ay, by) + radius
    return Shape((x0, y0, x1, y1), inside)


def polygon(*corners: Point) -> Shape:
    """Make a flat convex polygon.

    Args:
        *corners: (x, y), clockwise on the screen.

    Returns:
        The shape.
    """
    next_corners = (*corners[1:], corners[0])

    def inside(x, y):
        distances = []  # from every edge, positive inside
        for (ax, ay), (bx, by) in zip(corners, next_corners, strict=True):
            distances.append((bx - ax) * (y - ay) - (by - ay) * (x - ax))
        depth = np.min(distances, axis=0)
        return depth, 0 * depth, 0 * depth

    columns, rows = zip(*corners, strict=True)
    return Shape((min(columns), min(rows), max(columns), max(rows)), inside)


def below(canvas: np.ndarray, line: Callable[[np.ndarray], np.ndarray]) -> Shape:
    """Make all of the canvas below a curve.

    Args:
        canvas: gives the bounds.
        line: the curve y = line(x).

    Returns:
        The shape, flat.
    """

    def inside(x, y):
        depth = y - line(x)
        return depth, 0 * depth, 0 * depth

    width = canvas.shape[1] / SUPERSAMPLE
    height = canvas.shape[0] / SUPERSAMPLE
    return Shape((0, 0, width, height), inside)


def everywhere(canvas: np.ndarray) -> Shape:
    """Make the whole canvas a shape.

    Args:
        canvas: gives the bounds.

    Returns:
        The shape, flat.
    """
    return below(canvas, lambda x: -1 + 0 * x)


def empty(height: float, width: float) -> np.ndarray:
    """Make a transparent canvas.

    Args:
        height: in final pixels.
        width: in final pixels.

    Returns:
        (3 height, 3 width, 4) float32 of zeros.
    """
    return np.zeros((round(height * SUPERSAMPLE), round(width * SUPERSAMPLE), 4), np.float32)


def sunlight(nx: np.ndarray, ny: np.ndarray) -> np.ndarray:
    """Light a surface with the warm sun and the blue sky.

    Args:
        nx: (H, W), x of the surface's normal.
        ny: (H, W), y of the surface's normal.

    Returns:
        (H, W, 3), about 1 where the surface faces the viewer.
    """
    nz = np.sqrt(np.clip(1 - nx**2 - ny**2, 0, 1))
    direct = np.clip(nx * SUN[0] + ny * SUN[1] + nz * SUN[2], 0, 1)[..., None]
    return SKY_LIGHT + direct * SUN_LIGHT


def fill(
    canvas: np.ndarray,
    shape: Shape,
    color: np.ndarray | ColorFunction,
    grain: float = 0.15,
    size: float = 9,
    soft: float = 0,
    opacity: float = 1,
) -> None:
    """Paint a lit shape.

    Args:
        canvas: painted on.
        shape: what to fill.
        color: (3,), or a function of position.
        grain: contrast of the noise in it.
        size: pixels of the noise's largest blobs.
        soft: depth inside the shape at which it is opaque; 0 for a sharp edge.
        opacity: in [0, 1].
    """
    # The part of the canvas in which the shape lies, with a pixel around it.
    x0, y0, x1, y1 = shape.bounds
    left = max(round(x0 * SUPERSAMPLE) - 1, 0)
    top = max(round(y0 * SUPERSAMPLE) - 1, 0)
    right = max(round(x1 * SUPERSAMPLE) + 1, 0)
    bottom = max(round(y1 * SUPERSAMPLE) + 1, 0)
    view = canvas[top:bottom, left:right]
    if view.size == 0:
        return

    y = (np.arange(view.shape[0])[:, None] + top + 0.5) / SUPERSAMPLE
    x = (np.arange(view.shape[1])[None] + left + 0.5) / SUPERSAMPLE
    depth, nx, ny = shape.inside(x, y)

    # How much of the shape is seen, and in which color.
    coverage = np.clip(depth / soft, 0, 1) if soft else depth >= 0
    alpha = opacity * coverage[..., None]
    shade = sunlight(nx, ny) * (1 + grain * noise(x, y, size))[..., None]
    if callable(color):
        color = color(x, y)
    pixels = np.clip(color * shade, 0, 1)
    opaque = np.ones_like(pixels[..., :1])

    view *= 1 - alpha
    view += alpha * np.concatenate([pixels, opaque], axis=-1)


def shadow(
    canvas: np.ndarray, x: float, y: float, rx: float, ry: float, opacity: float = 0.6
) -> None:
    """Paint a soft shadow on the ground.

    Args:
        canvas: painted on.
        x: of the center.
        y: of the center.
        rx: half of the width.
        ry: half of the height.
        opacity: in [0, 1].
    """
    fill(canvas, ellipse(x, y, rx, ry), rgb("10141f"), soft=0.9, opacity=opacity)


def to_image(canvas: np.ndarray) -> np.ndarray:
    """Average a canvas down to its final size.

    Args:
        canvas: (3 H, 3 W, 4).

    Returns:
        (H, W, 3) uint8.
    """
    height = canvas.shape[0] // SUPERSAMPLE
    width = canvas.shape[1] // SUPERSAMPLE
    blocks = canvas[..., :3].reshape(height, SUPERSAMPLE, width, SUPERSAMPLE, 3)
    image = np.clip(blocks.mean(axis=(1, 3)), 0, 1)
    return np.round(255 * image).astype(np.uint8)


def paint_sky(canvas: np.ndarray, horizon: float, seed: int) -> None:
    """Paint a blue sky with clouds all over the canvas.

    Args:
        canvas: painted on.
        horizon: y at which the sky is brightest.
        seed: of the clouds.
    """

    def density(x, y):
        flat = 1 + 1.6 * np.clip(y / horizon, 0, 1)  # clouds flatten towards the horizon
        return 0.5 + 1.3 * noise(x, flat * y, 120, seed, 1.5)

    def color(x, y):
        thick = density(x, y)
        towards_sun = thick - density(x - 6, y - 6)
        lit = 0.6 + 0.8 * towards_sun + 0.25 * noise(x, 2 * y, 25, seed, 1.3)
        cloud = mix(rgb("8f9fb8"), rgb("fff8ea"), lit)
        blue = mix(rgb("2f6db8"), rgb("b9d3e6"), (y / horizon) ** 1.1 + 0 * x)
        return mix(blue, cloud, 0.9 * np.clip(thick, 0, 1) ** 1.5)

    fill(canvas, everywhere(canvas), color, grain=0.02)


def paint_person(
    canvas: np.ndarray,
    x: float,
    y: float,
    height: float,
    shirt: str,
    trousers: str,
    feet: tuple[Point, ...] = ((-0.12, 0), (0.1, 0)),
    hands: tuple[Point, ...] = ((-0.2, -0.42), (0.22, -0.46)),
    lean: float = 0,
    opacity: float = 1,
) -> None:
    """Paint a person who stands at (x, y).

    Args:
        canvas: painted on.
        x: of the point on the ground.
        y: of the point on the ground.
        height: in pixels; negative for a reflection.
        shirt: color, as of `rgb`.
        trousers: color, as of `rgb`.
        feet: offsets from the point on the ground, in heights.
        hands: offsets from the point on the ground, in heights.
        lean: offset of the shoulders to the right, in heights.
        opacity: in [0, 1].
    """
    unit = abs(height)

    def part(ax, ay, bx, by, radius, color):
        """Paint a stick between two points in heights."""
        stick = limb(x + ax * unit, y + ay * height, x + bx * unit, y + by * height, radius * unit)
        fill(canvas, stick, rgb(color), grain=0.2, size=5, opacity=opacity)

    for foot_x, foot_y in feet:
        hip = 0.02 * np.sign(foot_x)
        part(hip, -0.5, foot_x, foot_y - 0.03, 0.055, LEG)
        part(hip, -0.5, 0.5 * foot_x, 0.5 * foot_y - 0.3, 0.075, trousers)
    part(0, -0.5, lean, -0.76, 0.1, shirt)
    for hand_x, hand_y in hands:
        part(lean, -0.76, hand_x, hand_y, 0.042, SKIN)
    part(1.3 * lean, -0.93, 1.3 * lean, -0.92, 0.085, SKIN)  # head
    part(1.3 * lean, -0.96, 1.3 * lean - 0.01, -0.95, 0.08, HAIR)
