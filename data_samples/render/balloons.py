"""The balloons: a sky, four wooded ridges, ten hot-air balloons."""

from typing import NamedTuple

import numpy as np
from brushes import (
    HAZE,
    Shape,
    below,
    box,
    ellipse,
    empty,
    fill,
    limb,
    mix,
    noise,
    paint_sky,
    rgb,
    shadow,
    to_image,
)

HEIGHT = 192
WIDTH = 256


class Balloon(NamedTuple):
    """A hot-air balloon and its pattern."""

    x: float
    y: float
    radius: float
    gores: int  # number of upright stripes
    twist: float  # how far they wind around the balloon
    bands: float  # number of level stripes
    zigzag: float  # how high those go up and down
    colors: str  # as of `rgb`, with spaces between


BALLOONS = [
    Balloon(54, 50, 25, 6, 0.0, 0.0, 0.0, "d7261e f6c21c 1d4fa0 f4efe2"),
    Balloon(197, 56, 22, 5, 1.6, 0.0, 0.0, "6a1f8f f59a1b"),
    Balloon(128, 33, 17, 4, 0.0, 3.2, 0.0, "12803c f7e04a"),
    Balloon(103, 95, 18, 0, 0.0, 3.5, 0.5, "e8431f ffd23a 2a9a8f 7c1d55"),
    Balloon(158, 102, 13, 5, 0.0, 0.0, 0.0, "1763c6 f7f3ea"),
    Balloon(232, 112, 14, 0, 0.0, 3.0, 0.0, "c8143c fbf1da 223a7a"),
    Balloon(22, 112, 13, 5, -1.8, 0.0, 0.0, "ef5fa0 7a1fa0 fbe9c0"),
    Balloon(90, 18, 10, 0, 0.0, 2.2, 0.4, "10a5b5 f7efe0 e0541b"),
    Balloon(236, 22, 11, 4, 0.0, 2.4, 0.0, "22282f f2c028"),
    Balloon(62, 124, 11, 4, 0.0, 0.0, 0.0, "f07a12 a01818"),
]

RIDGES = [(128, 0.62), (138, 0.4), (149, 0.2), (166, 0.0)]  # y, haze; far to near


def paint_balloon(canvas: np.ndarray, balloon: Balloon) -> None:
    """Paint a balloon, its basket and the ropes between.

    Args:
        canvas: painted on.
        balloon: which, and where.
    """
    x0 = balloon.x
    y0 = balloon.y
    radius = balloon.radius
    palette = np.array([rgb(color) for color in balloon.colors.split()])
    haze = 0.32 * np.clip((20 - radius) / 10, 0, 1)  # small ones are far away

    def half_width(v):
        """A sphere above, its tangent cone down to the mouth below; both in radii."""
        sphere = np.sqrt(np.clip(1 - v**2, 1e-4, 1))
        cone = 0.714 - 0.98 * (v - 0.7)
        return np.where(v < 0.7, sphere, cone)

    def envelope(x, y):
        v = (y - y0) / radius
        width = half_width(v)
        u = (x - x0) / radius / width
        depth = np.minimum(1 - np.abs(u), np.minimum(v + 1, 1.18 - v))
        return depth, 0.97 * u * width, 0.9 * np.clip(v, -1, 1) + 0 * u

    def cloth(x, y):
        v = (y - y0) / radius
        longitude = np.arcsin(np.clip((x - x0) / radius / half_width(v), -1, 1)) / np.pi + 0.55

        # The pattern is a checkerboard of gores and bands.
        zigzag = balloon.zigzag * np.abs((longitude * 6) % 2 - 1)
        gore = np.floor(2 * balloon.gores * longitude + balloon.twist * v)
        band = np.floor(balloon.bands * (v + 1) + zigzag)
        cell = (gore + band).astype(int)
        seam = np.cos(2 * np.pi * longitude * 12) ** 8
        color = palette[cell % len(palette)] * (1 - 0.22 * seam)[..., None]
        return mix(color, HAZE, haze + 0 * v * x)

    # Ropes.
    mouth = y0 + 1.16 * radius
    basket = y0 + 1.62 * radius
    for side in (-1, -0.4, 0.4, 1):
        rope = limb(x0 + 0.24 * side * radius, mouth, x0 + 0.17 * side * radius, basket, 0.4)
        fill(canvas, rope, rgb("3a2f2a"))

    bounds = (x0 - radius, y0 - radius, x0 + radius, y0 + 1.2 * radius)
    fill(canvas, Shape(bounds, envelope), cloth, grain=0.14, size=0.5 * radius)

    half = 0.19 * radius
    wicker = box(x0 - half, basket - 0.4, x0 + half, basket + 1.9 * half, 0.4 * half)
    fill(canvas, wicker, rgb("7a4a22"), grain=0.5, size=3)


def paint_tree(
    canvas: np.ndarray, x: float, y: float, radius: float, haze: float, rng: np.random.Generator
) -> None:
    """Paint a round tree, seen from far, with its shadow.

    Args:
        canvas: painted on.
        x: of its middle.
        y: of its middle.
        radius: of the crown.
        haze: in [0, 1].
        rng: decides on its leaves.
    """
    shadow(canvas, x + radius, y + 0.6 * radius, 1.6 * radius, 0.6 * radius, 0.5 * (1 - haze))
    for clump in range(7):
        green = mix(rgb("2d5522"), rgb("71862e"), rng.uniform(0, 1, ()))
        cx, cy = rng.uniform(-0.7, 0.7, 2) * radius * [1, 1 - 0.05 * clump]
        crown = ellipse(x + cx, y + cy - 0.6 * radius, 0.6 * radius, 0.55 * radius)
        fill(canvas, crown, mix(green, HAZE, np.array(haze)), grain=0.6, size=3)


def paint_ridge(
    canvas: np.ndarray, ridge: int, base: float, haze: float, rng: np.random.Generator
) -> None:
    """Paint a ridge of meadows and woods.

    Args:
        canvas: painted on.
        ridge: its number, 0 for the farthest.
        base: y about which its upper edge goes up and down.
        haze: in [0, 1].
        rng: decides where trees stand.
    """

    def top(x):
        return base + 9 * noise(x, 40.0 * ridge, 120, 3, 2.5)

    def meadow(x, y):
        mown = noise(x + 2 * y, 5 * y, 60, ridge)  # in rows
        grass = mix(rgb("5f8a2a"), rgb("c9b45a"), 0.45 + 0.7 * mown)
        at_top = np.exp(-(y - top(x)) / 6)
        light = 1.05 + 0.35 * noise(x, 2 * y, 12, ridge) - 0.25 * at_top
        return mix(grass * light[..., None], HAZE, haze + 0 * mown)

    fill(canvas, below(canvas, top), meadow)

    # Trees in groups, the farthest first.
    places = rng.uniform([0, base - 8], [WIDTH, base + 24], (320, 2))
    for x, y in places[np.argsort(places[:, 1])]:
        is_wood = noise(x, 2.5 * y, 70, 7 + ridge) > 0.15
        if y > top(x) - 1 and is_wood:
            radius = (1.6 + 0.8 * ridge) * rng.uniform(0.8, 1.3)
            paint_tree(canvas, x, y, radius, haze, rng)


def render_balloons() -> np.ndarray:
    """Render ten balloons over four ridges.

    Returns:
        (192, 256, 3) uint8.
    """
    canvas = empty(HEIGHT, WIDTH)
    rng = np.random.default_rng(3)
    paint_sky(canvas, 150, seed=5)
    for ridge, (base, haze) in enumerate(RIDGES):
        paint_ridge(canvas, ridge, base, haze, rng)
    for balloon in sorted(BALLOONS, key=lambda balloon: balloon.radius):
        paint_balloon(canvas, balloon)
    return to_image(canvas)
