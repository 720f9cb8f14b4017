"""The beach: sea and sand, and who is on them."""

from typing import NamedTuple

import numpy as np
from brushes import (
    HAZE,
    ColorFunction,
    Shape,
    below,
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
    to_image,
)

HEIGHT = 192
WIDTH = 256


class Parasol(NamedTuple):
    """A parasol on the beach."""

    x: float
    y: float  # of its foot
    radius: float
    colors: str


class Towel(NamedTuple):
    """A towel on the beach."""

    x: float
    y: float
    colors: str


class Board(NamedTuple):
    """A surfboard that stands in the sand."""

    x: float
    y: float  # of its foot
    colors: str


class Surfer(NamedTuple):
    """Somebody on a wave."""

    x: float
    y: float  # of the feet
    height: float
    suit: str
    board: str


class Bather(NamedTuple):
    """Somebody on the wet sand."""

    x: float
    y: float  # of the feet
    height: float
    shirt: str
    trousers: str


HORIZON = 52
PARASOLS = [
    Parasol(38, 152, 16, "d8231f f7f2e6"),
    Parasol(96, 172, 19, "1858b8 f6d23a"),
    Parasol(160, 150, 15, "f08a1a 8c1d6a"),
    Parasol(222, 176, 20, "128a4c f5f0e0"),
]
TOWELS = [
    Towel(54, 178, "e0452a f6e7c8"),
    Towel(144, 176, "2a6fb0 f4f0e6"),
    Towel(182, 186, "8a2a80 f2c838"),
]
BOARDS = [
    Board(68, 150, "f4d03a d6301f"),
    Board(128, 166, "17a5b8 f5f5ee"),
    Board(190, 158, "f06aa0 2a2f80"),
]
SURFERS = [
    Surfer(52, 76, 17, "d8231f", "f4d03a"),
    Surfer(132, 89, 21, "1b2a6a", "f2f2ea"),
    Surfer(208, 80, 18, "e06a14", "35b5c0"),
]
BATHERS = [
    Bather(20, 131, 21, "c99068", "1c4fb0"),
    Bather(108, 134, 22, "d8302a", "d8302a"),
    Bather(122, 133, 20, "b87a52", "f0b81c"),
    Bather(182, 132, 21, "7a2a90", "7a2a90"),
    Bather(240, 138, 23, "b87a52", "0e8a60"),
]
WAVES = [(7, 3.5), (17, 7), (33, 11), (51, 12)]  # distance below the horizon, height
LACE = [(0.5, 1.8), (7, 0.9), (13, 0.6)]  # distance from the water, width


def shore(x: np.ndarray) -> np.ndarray:
    """Draw the line between sea and sand.

    Args:
        x: position.

    Returns:
        y of the line.
    """
    return 116 + 4 * noise(x, 0.0, 110, 3, 2)


def headland_top(x: np.ndarray) -> np.ndarray:
    """Draw the upper edge of the headland, which falls to the right.

    Args:
        x: position.

    Returns:
        y of the edge.
    """
    return 34 + 0.16 * x + 4 * noise(x, 0.0, 50, 2)


def headland(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Color the headland: rocks and bushes in the haze.

    Args:
        x: position.
        y: position.

    Returns:
        (H, W, 3).
    """
    rock = mix(rgb("47602f"), rgb("9a8468"), 0.5 + 1.2 * noise(x, y, 16))
    return mix(rock, HAZE, 0.35 + 0 * (x + y))


def sea(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Color the sea, with four rows of breaking waves.

    Args:
        x: position.
        y: position.

    Returns:
        (H, W, 3).
    """
    # Ripples are finer towards the horizon.
    depth = np.maximum(y - HORIZON, 0.1)
    ripple = noise(60 * (x - 128) / (depth + 4), 260 * np.log(depth + 4), 40)
    water = mix(rgb("1a5584"), rgb("3fa9a8"), depth / 62 + 0 * x)
    color = water * (1 + 0.38 * ripple)[..., None]

    for row, (distance, height) in enumerate(WAVES):
        crest = HORIZON + distance + 0.14 * distance * noise(x, 97.0 * row, 90, row, 2)
        tall = height * np.clip(0.75 + 0.8 * noise(x, 53.0 * row, 80, row, 2), 0.2, 1.3)
        down = (y - crest) / tall  # 0 at the crest, 1 at the foot of the wave

        # The wave's face, light through the thin crest.
        face = mix(rgb("7fd6bd"), rgb("0c4f68"), np.clip(down, 0, 1) ** 0.6)
        face = face * (1 + 0.3 * noise(x, 0.5 * y, 9, row))[..., None]
        color = mix(color, face, 0.9 * (down > 0) * np.clip(3 - 3 * down, 0, 1))

        # Foam from a little above the crest to where the wave has broken.
        broken = 0.55 + 1.6 * noise(x, 31.0 * row, 75, row + 4, 1.7)
        ragged = noise(x, y, 0.9 * height, row)
        upper = np.clip(3 * (down + 0.25 + 0.3 * ragged), 0, 1)
        lower = np.clip(3 * (broken - down + 0.9 * ragged), 0, 1)
        shade = 0.25 + 0.45 * down + 0.9 * noise(x, y, 5, row + 1)
        white = mix(rgb("fffdf6"), rgb("9fb6c4"), shade)
        color = mix(color, white, upper * lower)
    return color


def sand(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Color the sand: footprints where it is dry, the sky's reflection where it is wet.

    Args:
        x: position.
        y: position.

    Returns:
        (H, W, 3).
    """
    light = 1 + 0.22 * noise(x, 1.7 * y, 14, 2) + 0.14 * noise(x, 3 * y, 70, 4, 1.5)
    footprints = noise(x, 2.5 * y, 9, 5) > 0.75
    dry = rgb("dcc08e") * light[..., None]
    dry = dry * (1 - 0.35 * footprints)[..., None]

    wetness = np.clip(1.1 - (y - shore(x)) / 20 + 0.25 * noise(x, 3 * y, 60), 0, 1)
    reflection = 0.5 + 0.6 * noise(x, 4 * y, 40, 8)
    wet = mix(rgb("8d7350"), rgb("b4cfe2"), reflection)
    color = mix(dry, wet, wetness)

    # The lace that every wave leaves behind.
    for offset, width in LACE:
        edge = (y - shore(x) - offset - 2 * noise(x, 9 * offset, 60, 6)) / width
        lace = np.exp(-(edge**2)) * (0.75 + 0.7 * noise(x, y, 6))
        color = mix(color, rgb("fffaf0"), lace)
    return color


def stripes(colors: str, across: ColorFunction) -> ColorFunction:
    """Make paint that changes its color whenever a function passes a whole number.

    Args:
        colors: as of `rgb`, with spaces between.
        across: function of position.

    Returns:
        Function of position.
    """
    palette = np.array([rgb(color) for color in colors.split()])
    return lambda x, y: palette[np.floor(across(x, y)).astype(int) % len(palette)]


def paint_parasol(canvas: np.ndarray, parasol: Parasol) -> None:
    """Paint a parasol, its pole and its shadow.

    Args:
        canvas: painted on.
        parasol: which, and where.
    """
    x0 = parasol.x
    y0 = parasol.y
    radius = parasol.radius
    top = y0 - 1.35 * radius

    def dome(x, y):
        nx = (x - x0) / radius
        ny = (y - top) / (0.8 * radius)
        fringe = 0.06 + 0.05 * np.cos(18 * nx) - ny
        return np.minimum(1 - nx**2 - ny**2, fringe), nx, ny

    def gore(x, y):
        half_width = radius * np.sqrt(np.clip(1 - ((y - top) / (0.82 * radius)) ** 2, 0.01, 1))
        return 4 + 8 * np.arcsin(np.clip((x - x0) / half_width, -1, 1)) / np.pi

    shadow(canvas, x0 + 0.9 * radius, y0 + 1, 1.3 * radius, 0.36 * radius)
    fill(canvas, limb(x0, top, x0, y0, 0.9), rgb("e8e0d0"))
    bounds = (x0 - radius, top - radius, x0 + radius, top + 0.2 * radius)
    fill(canvas, Shape(bounds, dome), stripes(parasol.colors, gore), size=8)


def paint_surfer(canvas: np.ndarray, surfer: Surfer) -> None:
    """Paint somebody on a surfboard.

    Args:
        canvas: painted on.
        surfer: who, and where.
    """
    x = surfer.x
    y = surfer.y
    height = surfer.height
    fill(canvas, ellipse(x, y + 0.5, 0.75 * height, 2), rgb(surfer.board), grain=0.2, size=4)
    feet = ((-0.24, 0), (0.24, 0))
    hands = ((-0.45, -0.72), (0.42, -0.6))
    paint_person(canvas, x, y, height, surfer.suit, surfer.suit, feet, hands, 0.12)


def paint_bather(canvas: np.ndarray, bather: Bather) -> None:
    """Paint somebody on the wet sand, with reflection and shadow.

    Args:
        canvas: painted on.
        bather: who, and where.
    """
    x = bather.x
    y = bather.y
    height = bather.height
    paint_person(canvas, x, y, -height, bather.shirt, bather.trousers, opacity=0.35)
    shadow(canvas, x + 0.25 * height, y, 0.35 * height, 1.5, 0.5)
    paint_person(canvas, x, y, height, bather.shirt, bather.trousers)


def paint_towel(canvas: np.ndarray, towel: Towel) -> None:
    """Paint a striped towel.

    Args:
        canvas: painted on.
        towel: which, and where.
    """
    x = towel.x
    y = towel.y
    shadow(canvas, x + 1, y + 2, 17, 6, 0.5)
    cloth = stripes(towel.colors, lambda x, y: x / 4 - y / 8)
    corners = ((x - 10, y - 4), (x + 14, y - 4), (x + 10, y + 4), (x - 14, y + 4))
    fill(canvas, polygon(*corners), cloth, grain=0.4)


def paint_board(canvas: np.ndarray, board: Board) -> None:
    """Paint a surfboard with a line along its middle.

    Args:
        canvas: painted on.
        board: which, and where.
    """

    def line(x, y):
        return (abs(x - board.x) < 1.1) + 0 * y

    shadow(canvas, board.x + 7, board.y, 9, 2)
    fill(canvas, ellipse(board.x, board.y - 13, 4.2, 14), stripes(board.colors, line))


def render_beach() -> np.ndarray:
    """Render surfers, bathers and what lies on the beach.

    Returns:
        (192, 256, 3) uint8.
    """
    canvas = empty(HEIGHT, WIDTH)
    paint_sky(canvas, 60, seed=9)
    fill(canvas, below(canvas, headland_top), headland)
    fill(canvas, below(canvas, lambda x: HORIZON + 0 * x), sea, grain=0.08)
    fill(canvas, below(canvas, shore), sand, grain=0.08)

    for surfer in SURFERS:
        paint_surfer(canvas, surfer)
    for bather in BATHERS:
        paint_bather(canvas, bather)
    for towel in TOWELS:
        paint_towel(canvas, towel)
    for board in BOARDS:
        paint_board(canvas, board)
    for parasol in PARASOLS:
        paint_parasol(canvas, parasol)
    return to_image(canvas)
