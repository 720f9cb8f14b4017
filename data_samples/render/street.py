"""The street: layers at several depths, moved against each other for the clip and standing still for the picture."""

from functools import lru_cache

import numpy as np
from brushes import (
    SUPERSAMPLE,
    box,
    ellipse,
    empty,
    everywhere,
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

HEIGHT, WIDTH, MARGIN = 192, 320, 130  # the camera sees WIDTH of the WIDTH + MARGIN pixels of a layer
FRAMES = 72
SEEDS = {"street": 545, "bus": 330}
WALLS = ["c9603f", "e3c48a", "8fb0a0", "d98e73", "a9b7cc", "d9b24c", "b5533c", "e8ddc8"]
AWNINGS = ["b02a30", "1f6a4a", "24509a", "d98a1e", "7a2a6a"]
# vehicles, farthest first: kind, colour, left edge at frame 0, speed over ground (pixels per frame), ground line
VEHICLES = {
    "street": [("car", "c8201f", 6, 0, 141), ("car", "e8e6e0", 112, 0, 141), ("car", "1f5fb8", 256, 0, 141),
               ("bus", "e8b010", 164, 1, 170), ("car", "2a9a5a", 34, 1, 174)],
    "bus": [("car", "2a7ab0", 74, 0, 141), ("car", "e6e2d8", 316, 0, 141), ("car", "e0a81c", 400, -5, 153),
            ("bus", "c8231f", -150, 7.8, 170)],
}
PEDESTRIANS = {  # on the far pavement: x at frame 0, speed over ground, shirt
    "street": [(84, 1, "d8a01c"), (104, -1, "1f6ab0"), (228, 1, "b02a60")],
    "bus": [(190, -0.5, "d8a01c"), (50, 0.8, "b02a60")],
}
CYCLISTS = {"street": [], "bus": [(50, 2.7, 183)]}  # x at frame 0, speed over ground, ground line


def panel(
    canvas: np.ndarray, x0: float, y0: float, x1: float, y1: float, color: np.ndarray, drop: float = 1.2,
    grain: float = 0.15,
) -> None:
    """A flat part of a house with the soft shadow it drops to the lower right."""
    shade = box(x0 + drop, y0 + drop, x1 + 1.5 * drop, y1 + 2 * drop, 1.5 * drop)
    fill(canvas, shade, rgb("14161c"), soft=0.9, opacity=0.5)
    fill(canvas, box(x0, y0, x1, y1, 0.5), color, grain, 7)


def glass(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return mix(rgb("1c2733"), rgb("a8c4d8"), 0.35 + 0.9 * noise(x + y, 0.4 * y, 26, 11, 1.6))


def paint_house(
    canvas: np.ndarray, x0: float, x1: float, top: float, wall: np.ndarray, rng: np.random.Generator
) -> None:
    def masonry(x, y):
        stain = 0.26 * noise(x, y, 30, 2, 1.3) + 0.1 * noise(x, 5 * y, 10, 3) - 0.3 * np.exp(-(116 - y) / 7)
        return wall * (1 + stain - 0.25 * np.exp(-(y - top) / 3) - 0.3 * np.exp(-(x - x0) / 2))[..., None]

    def tiles(x, y):
        return mix(rgb("8a4a36"), rgb("4a3a3a"), 0.5 + 0.4 * noise(x, 3 * y, 14, 5) + 0.3 * np.sin(2.2 * y))

    pitch = rng.uniform(11, 17)
    chimney = rng.uniform(x0 + 10, x1 - 16)
    panel(canvas, chimney, top - pitch - 6, chimney + 6, top, rgb("8a5340"), grain=0.3)
    fill(canvas, polygon((x0 + 5, top - pitch), (x1 - 5, top - pitch), (x1 + 1, top), (x0 - 1, top)), tiles, 0.15)
    fill(canvas, box(x0, top, x1, 117), masonry, 0.1)
    panel(canvas, x0 - 1, top - 1, x1 + 1, top + 2, rgb("e6ddcc"))
    columns, shop = max(2, round((x1 - x0) / 19)), rng.random() < 0.6
    step, trim = (x1 - x0) / columns, rgb("efe8da")
    for middle in x0 + step * (np.arange(columns) + 0.5):
        for head in np.arange(top + 8, 84, 24):
            panel(canvas, middle - 5.5, head, middle + 5.5, head + 15, trim)
            fill(canvas, box(middle - 4.2, head + 1.3, middle + 4.2, head + 14), glass, 0.1)
            fill(canvas, box(middle - 0.5, head + 1, middle + 0.5, head + 14), trim)
            panel(canvas, middle - 6.5, head + 14.5, middle + 6.5, head + 16, trim, 1.5)
        if not shop:
            panel(canvas, middle - 5, 93, middle + 5, 108, trim)
            fill(canvas, box(middle - 3.8, 94.3, middle + 3.8, 107), glass, 0.1)
    door = x0 + step * (rng.integers(columns) + 0.5)
    if shop:
        panel(canvas, x0 + 4, 92, x1 - 4, 114, rgb("3a2e28"))
        fill(canvas, box(x0 + 6, 94, x1 - 6, 112), glass, 0.2)
        cloth = rgb(rng.choice(AWNINGS))
        fill(canvas, box(x0 + 4, 94, x1 - 4, 103, 2), rgb("0c0e14"), soft=0.9, opacity=0.6)
        fill(canvas, polygon((x0 + 5, 87), (x1 - 5, 87), (x1 - 2, 97), (x0 + 2, 97)),
             lambda x, y: mix(cloth, rgb("f4efe4"), np.floor(x / 4) % 2 + 0 * y) * (1.15 - 0.03 * (y - 87))[..., None])
    panel(canvas, door - 5, 92, door + 5, 117, trim * 0.8)
    fill(canvas, box(door - 3.8, 94, door + 3.8, 117), rgb(rng.choice(AWNINGS)) * 0.8, 0.2, 5)


def ground(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    slabs = ((x + 6 * np.floor(y / 4)) % 12 < 0.7) | (y % 4 < 0.5)
    paving = rgb("b5aa98") * (1 + 0.22 * noise(x, 2 * y, 20, 4, 1.2) - 0.16 * slabs)[..., None]
    tar = rgb("5c5d62") * (1 + 0.3 * noise(x, 3 * y, 50, 6) + 0.22 * noise(x, 1.5 * y, 6, 7))[..., None]
    line = (np.abs(y - 156) < 0.9) & (x % 34 < 18) & (noise(x, y, 8, 3) > -0.6)
    tar = mix(tar, rgb("e2ddd0"), 0.85 * line)
    road = (y > 131) & (y < 181)
    kerb = (np.abs(y - 130) < 1.6) | (np.abs(y - 182) < 1.6)
    color = mix(mix(paving, tar, road), rgb("cfc8ba") * (0.9 + 0.3 * noise(x, y, 9))[..., None], kerb)
    dapple = np.clip(2.5 * noise(x, 2 * y, 40, 9, 1.8) + 0.1, 0, 1) * np.clip((150 - y) / 14, 0, 1)
    return color * (1 - 0.5 * dapple - 0.4 * np.exp(-np.clip(y - 116, 0, 99) / 3))[..., None]


def paint_tree(canvas: np.ndarray, x: float, rng: np.random.Generator) -> None:
    height, spread = rng.uniform(56, 68), rng.uniform(15, 19)
    fill(canvas, limb(x, 126, x + 1, 126 - 0.55 * height, 1.7), rgb("5a4030"), 0.5, 5)
    for branch in (-1, 1):
        fill(canvas, limb(x, 126 - 0.4 * height, x + 9 * branch, 126 - 0.7 * height, 1), rgb("5a4030"), 0.5, 5)
    for clump in range(110):  # from the shaded back to the sunlit front
        angle, distance = rng.uniform(0, 2 * np.pi), spread * np.sqrt(rng.uniform(0, 1))
        cx, cy = distance * np.cos(angle), 1.15 * distance * np.sin(angle)
        glow = clump / 110 - 0.4 * (cx + cy) / spread
        green = mix(rgb("24441a"), rgb("8aa83a"), np.array(0.5 * glow + rng.uniform(0, 0.3)))
        radius = rng.uniform(2, 4)
        fill(canvas, ellipse(x + cx, 122 - 0.68 * height + cy, radius, 0.8 * radius), green, 0.5, 6)


def paint_lamp(canvas: np.ndarray, x: float) -> None:
    fill(canvas, limb(x, 128, x, 66, 0.9), rgb("2a3034"))
    fill(canvas, limb(x, 66, x + 9, 63, 0.7), rgb("2a3034"))
    fill(canvas, ellipse(x + 10, 64.5, 3.5, 1.8), rgb("f4ead0"))


@lru_cache
def scenery(name: str) -> tuple[np.ndarray, ...]:
    """Sky, houses, ground, lamps and two rows of trees: canvases of WIDTH + MARGIN pixels."""
    rng = np.random.default_rng(SEEDS[name])
    sky, houses, floor, lamps, odd, even = (empty(HEIGHT, WIDTH + MARGIN) for _ in range(6))
    paint_sky(sky, 110, seed=3)
    walls = np.cumsum(rng.uniform(40, 66, 13)) - 70
    for number in range(12):
        wall = rgb(WALLS[(number + SEEDS[name]) % len(WALLS)])
        paint_house(houses, walls[number], walls[number + 1], rng.uniform(26, 46), wall, rng)
    fill(floor, everywhere(floor), ground, 0.05)
    floor[: 116 * SUPERSAMPLE] = 0
    for number, x in enumerate(np.arange(30, WIDTH + MARGIN, 82) + rng.uniform(-8, 8, 6)):
        paint_tree((even, odd)[number % 2], x, rng)
        paint_lamp(lamps, x + 38)
    return sky, houses, floor, lamps, odd, even


def paint_car(canvas: np.ndarray, color: np.ndarray) -> None:
    def enamel(x, y):
        shine = mix(color, rgb("f2f6fa"), 0.5 * np.exp(-(((y - 133.5) / 1.5) ** 2)) + 0 * x)
        return mix(shine, rgb("14161c"), (y - 138) / 16 + 0 * x)

    fill(canvas, polygon((24, 124), (47, 124), (58, 135), (16, 135)), color, grain=0.1)
    fill(canvas, polygon((25.5, 125.5), (35, 125.5), (35, 134), (19, 134)), glass, grain=0.1)
    fill(canvas, polygon((37, 125.5), (46, 125.5), (55, 134), (37, 134)), glass, grain=0.1)
    fill(canvas, box(10, 132, 72, 147, 4), enamel, grain=0.12)
    fill(canvas, box(35.8, 134, 36.3, 146), rgb("22252a"))
    fill(canvas, ellipse(70, 137, 2, 1.6), rgb("fff2c0"))
    fill(canvas, ellipse(11.5, 137, 1.5, 1.8), rgb("c01810"))


def paint_bus(canvas: np.ndarray, color: np.ndarray) -> None:
    def enamel(x, y):
        return mix(color, rgb("fff6e8"), (abs(y - 128) < 2) + 0 * x) * (1.2 - 0.01 * (y - 96))[..., None]

    fill(canvas, box(10, 96, 146, 147, 4), enamel, grain=0.14, size=30)
    fill(canvas, box(13, 102, 144, 122, 2), rgb("1c2126"))
    for left in np.arange(14, 120, 17.5):
        fill(canvas, box(left, 103, left + 15.5, 121, 1.5), glass, grain=0.1)
        fill(canvas, ellipse(left + 6, 119, 3, 4.5), rgb("8a6550"), grain=0.4, opacity=0.8)  # a passenger
    fill(canvas, box(120, 103, 133, 145, 1), rgb("2a2f36"))
    for left, width in ((121, 5), (127, 5), (136, 9.5)):  # door wings and the driver's window
        fill(canvas, box(left, 104, left + width, 144 if width == 5 else 124), glass, grain=0.1)
    fill(canvas, ellipse(144, 140, 2, 2), rgb("fff2c0"))


@lru_cache
def vehicle(kind: str, color: str) -> np.ndarray:
    """A car or bus that drives right, without wheels, 10 pixels from the left edge, its ground line at y = 150."""
    length, paint = {"car": (62, paint_car), "bus": (136, paint_bus)}[kind]
    canvas = empty(HEIGHT, length + 20)
    shadow(canvas, 10 + length / 2, 150, 0.58 * length, 4.5, 0.85)
    paint(canvas, rgb(color))
    return canvas


def pan_speed(y: float | np.ndarray) -> float | np.ndarray:
    """Pixels per frame by which the panning camera moves what stands on the ground at row y: near things more."""
    return 1 + 0.6 * np.clip(y - 116, 0, None) / (HEIGHT - 116)


def paste(canvas: np.ndarray, layer: np.ndarray, left: float | np.ndarray, down: float = 0) -> None:
    """Lay a layer over the canvas, its column `left` (a number, or one per row) at the left edge of the canvas."""
    rows = np.arange(canvas.shape[0]) - round(down * SUPERSAMPLE)
    starts = np.round(np.broadcast_to(left, HEIGHT).repeat(SUPERSAMPLE) * SUPERSAMPLE).astype(int)
    columns = starts[:, None] + np.arange(canvas.shape[1])
    pixels = layer[np.clip(rows, 0, len(layer) - 1)[:, None], np.clip(columns, 0, layer.shape[1] - 1)]
    canvas *= 1 - pixels[..., 3:]
    canvas += pixels


def paint_wheel(canvas: np.ndarray, x: float, y: float, radius: float, angle: float, tyre: float) -> None:
    """Tyre and three spokes; a wheel with a thick tyre has a steel disc between them."""
    bounds, disc = ellipse(x, y, radius, radius)
    hole = (1 - tyre / radius) ** 2

    def ring(x, y):
        depth, nx, ny = disc(x, y)
        return np.minimum(depth, 1 - hole - depth), nx, ny

    if tyre > 2:
        fill(canvas, ellipse(x, y, radius - tyre, radius - tyre), rgb("8d949c"), grain=0.1)
    for spoke in angle + np.arange(3) * 2 * np.pi / 3:
        reach = radius - tyre
        tip = x + reach * np.cos(spoke), y + reach * np.sin(spoke)
        fill(canvas, limb(x, y, *tip, 0.3 * tyre), rgb("2a2d33"))
    fill(canvas, (bounds, ring), rgb("17181b"), grain=0.3, size=3)


def paint_vehicle(
    canvas: np.ndarray, frame: int, kind: str, color: str, start: float, speed: float, base: float
) -> None:
    body = vehicle(kind, color)
    x, length = start + frame * (speed - pan_speed(base)), body.shape[1] / SUPERSAMPLE
    paste(canvas, body[:, ::-1] if speed < 0 else body, -x, base - 150)
    radius, axles = {"car": (6, (24, 59)), "bus": (8, (38, 116))}[kind]
    for axle in axles:
        hub = x + (length - axle if speed < 0 else axle)
        paint_wheel(canvas, hub, base - radius, radius, speed * frame / radius, tyre=0.36 * radius)


def paint_cyclist(canvas: np.ndarray, frame: int, start: float, speed: float, base: float) -> None:
    x, angle = start + frame * (speed - pan_speed(base)), speed * frame / 8
    shadow(canvas, x, base, 19, 3)
    for axle in (-11, 11):
        paint_wheel(canvas, x + axle, base - 8, 8, angle, tyre=1.4)
    for ax, ay, bx, by in ((-11, 8, -4, 16), (-4, 16, 0, 8), (0, 8, 9, 17), (9, 17, 11, 8), (-4, 16, 9, 17)):
        fill(canvas, limb(x + ax, base - ay, x + bx, base - by, 0.8), rgb("1f9a5a"))
    feet = [(4 * np.cos(angle + turn) / 36, -(7 - 4 * np.sin(angle + turn)) / 36) for turn in (0, np.pi)]
    paint_person(canvas, x - 3, base, 36, "f07a14", "23304a", feet, ((0.3, -0.52), (0.33, -0.52)), 0.14)


def paint_street(name: str, frame: int) -> np.ndarray:
    """Frame (H, W, 3) uint8 of the street called `name`; frame 0 is where everybody starts."""
    canvas, rows = empty(HEIGHT, WIDTH), np.arange(HEIGHT)
    sky, houses, floor, lamps, *trees = scenery(name)
    paste(canvas, sky, 0.25 * frame)
    paste(canvas, houses, 1.0 * frame)
    paste(canvas, floor, pan_speed(rows) * frame)
    paste(canvas, lamps, pan_speed(128) * frame)
    for number, row_of_trees in enumerate(trees):
        wind = 1.8 * np.sin(2 * np.pi * frame / 36 + 2 * number) + 0.7 * np.sin(2 * np.pi * frame / 15)
        paste(canvas, row_of_trees, pan_speed(126) * frame + wind * (np.clip(112 - rows, 0, None) / 56) ** 2)
    for start, speed, shirt in PEDESTRIANS[name]:
        x, stride = start + frame * (speed - pan_speed(127)), 0.17 * np.cos(0.3 * frame)
        shadow(canvas, x + 3, 127, 9, 1.6)
        feet, hands = ((stride, 0), (-stride, 0)), ((-stride, -0.42), (stride, -0.42))
        paint_person(canvas, x, 127, 27, shirt, "27304a", feet, hands)
    for entry in VEHICLES[name]:
        paint_vehicle(canvas, frame, *entry)
    for entry in CYCLISTS[name]:
        paint_cyclist(canvas, frame, *entry)
    return to_picture(canvas)
