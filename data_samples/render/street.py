"""The street: layers at several depths, which move against each other in the clip.

In the image of the street they stand still.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from brushes import (
    SUPERSAMPLE,
    Shape,
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
    to_image,
)

HEIGHT = 192
WIDTH = 320
MARGIN = 130  # the camera sees WIDTH of the WIDTH + MARGIN pixels of a layer
FRAMES = 72

# y of what stands one behind the other, far to near.
HOUSE_LINE = 116
TREE_LINE = 126
PAVEMENT = 127
LAMP_LINE = 128
CURB = 130
ROAD = (131, 181)
NEAR_CURB = 182

SEEDS = {"street": 545, "bus": 330}
WALLS = ["c9603f", "e3c48a", "8fb0a0", "d98e73", "a9b7cc", "d9b24c", "b5533c", "e8ddc8"]
AWNINGS = ["b02a30", "1f6a4a", "24509a", "d98a1e", "7a2a6a"]


class Vehicle(NamedTuple):
    """A car or bus."""

    kind: str
    color: str
    start: float  # x of its left edge at frame 0
    speed: float  # over ground, in pixels per frame; negative: to the left
    base: float  # y of its ground line


class Pedestrian(NamedTuple):
    """Somebody on the far pavement."""

    start: float  # x at frame 0
    speed: float  # over ground, in pixels per frame
    shirt: str


class Cyclist(NamedTuple):
    """Somebody on a bicycle, who rides to the right."""

    start: float  # x at frame 0
    speed: float  # over ground, in pixels per frame
    base: float  # y of the ground line


VEHICLES = {  # farthest first
    "street": [
        Vehicle("car", "c8201f", 6, 0, 141),
        Vehicle("car", "e8e6e0", 112, 0, 141),
        Vehicle("car", "1f5fb8", 256, 0, 141),
        Vehicle("bus", "e8b010", 164, 1, 170),
        Vehicle("car", "2a9a5a", 34, 1, 174),
    ],
    "bus": [
        Vehicle("car", "2a7ab0", 74, 0, 141),
        Vehicle("car", "e6e2d8", 316, 0, 141),
        Vehicle("car", "e0a81c", 400, -5, 153),
        Vehicle("bus", "c8231f", -150, 7.8, 170),
    ],
}
PEDESTRIANS = {
    "street": [
        Pedestrian(84, 1, "d8a01c"),
        Pedestrian(104, -1, "1f6ab0"),
        Pedestrian(228, 1, "b02a60"),
    ],
    "bus": [
        Pedestrian(190, -0.5, "d8a01c"),
        Pedestrian(50, 0.8, "b02a60"),
    ],
}
CYCLISTS = {"street": [], "bus": [Cyclist(50, 2.7, 183)]}

# Vehicles are painted 10 pixels from the left edge of their canvas, their ground line at y = 150.
VEHICLE_EDGE = 10
VEHICLE_BASE = 150
LENGTHS = {"car": 62, "bus": 136}
WHEEL_RADII = {"car": 6, "bus": 8}
AXLES = {"car": (24, 59), "bus": (38, 116)}

BICYCLE_RADIUS = 8
BICYCLE_AXLES = (-11, 11)
BICYCLE_FRAME = [  # from x, height to x, height
    (-11, 8, -4, 16),
    (-4, 16, 0, 8),
    (0, 8, 9, 17),
    (9, 17, 11, 8),
    (-4, 16, 9, 17),
]
CYCLIST_HEIGHT = 36
PEDESTRIAN_HEIGHT = 27


def panel(
    canvas: np.ndarray,
    x0: float,
    y0: float,
    x1: float,
    y1: float,
    color: np.ndarray,
    drop: float = 1.2,
    grain: float = 0.15,
) -> None:
    """Paint a flat part of a house, with the soft shadow that it drops to the lower right.

    Args:
        canvas: painted on.
        x0: left side.
        y0: upper side.
        x1: right side.
        y1: lower side.
        color: (3,).
        drop: pixels between the part and its shadow.
        grain: contrast of the noise in it.
    """
    shade = box(x0 + drop, y0 + drop, x1 + 1.5 * drop, y1 + 2 * drop, 1.5 * drop)
    fill(canvas, shade, rgb("14161c"), soft=0.9, opacity=0.5)
    fill(canvas, box(x0, y0, x1, y1, 0.5), color, grain, 7)


def glass(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Color a window, which mirrors the sky.

    Args:
        x: position.
        y: position.

    Returns:
        (H, W, 3).
    """
    reflection = 0.35 + 0.9 * noise(x + y, 0.4 * y, 26, 11, 1.6)
    return mix(rgb("1c2733"), rgb("a8c4d8"), reflection)


def paint_house(
    canvas: np.ndarray, x0: float, x1: float, top: float, wall: np.ndarray, rng: np.random.Generator
) -> None:
    """Paint a house with roof, chimney, windows, door and perhaps a shop.

    Args:
        canvas: painted on.
        x0: left side.
        x1: right side.
        top: y of the eaves.
        wall: (3,), color of the wall.
        rng: decides on all that differs from house to house.
    """

    def masonry(x, y):
        """Color the wall: stained, and darker at the ground, below the eaves and at the left."""
        stain = 0.26 * noise(x, y, 30, 2, 1.3) + 0.1 * noise(x, 5 * y, 10, 3)
        stain = stain - 0.3 * np.exp(-(116 - y) / 7)
        shade = 1 + stain - 0.25 * np.exp(-(y - top) / 3) - 0.3 * np.exp(-(x - x0) / 2)
        return wall * shade[..., None]

    def tiles(x, y):
        rows = 0.3 * np.sin(2.2 * y)
        return mix(rgb("8a4a36"), rgb("4a3a3a"), 0.5 + 0.4 * noise(x, 3 * y, 14, 5) + rows)

    # Chimney, roof, wall and eaves.
    pitch = rng.uniform(11, 17)
    chimney = rng.uniform(x0 + 10, x1 - 16)
    panel(canvas, chimney, top - pitch - 6, chimney + 6, top, rgb("8a5340"), grain=0.3)
    ridge = top - pitch
    roof = polygon((x0 + 5, ridge), (x1 - 5, ridge), (x1 + 1, top), (x0 - 1, top))
    fill(canvas, roof, tiles, 0.15)
    fill(canvas, box(x0, top, x1, 117), masonry, 0.1)
    panel(canvas, x0 - 1, top - 1, x1 + 1, top + 2, rgb("e6ddcc"))

    # Windows; those on the ground floor only where there is no shop.
    columns = max(2, round((x1 - x0) / 19))
    has_shop = rng.random() < 0.6
    step = (x1 - x0) / columns
    trim = rgb("efe8da")
    for middle in x0 + step * (np.arange(columns) + 0.5):
        for head in np.arange(top + 8, 84, 24):
            paint_window(canvas, middle, head, trim)
        if not has_shop:
            panel(canvas, middle - 5, 93, middle + 5, 108, trim)
            fill(canvas, box(middle - 3.8, 94.3, middle + 3.8, 107), glass, 0.1)

    door = x0 + step * (rng.integers(columns) + 0.5)
    if has_shop:
        paint_shop(canvas, x0, x1, rgb(rng.choice(AWNINGS)))
    panel(canvas, door - 5, 92, door + 5, 117, trim * 0.8)
    fill(canvas, box(door - 3.8, 94, door + 3.8, 117), rgb(rng.choice(AWNINGS)) * 0.8, 0.2, 5)


def paint_window(canvas: np.ndarray, middle: float, head: float, trim: np.ndarray) -> None:
    """Paint a window of two wings, with a sill.

    Args:
        canvas: painted on.
        middle: x of its middle.
        head: y of its upper side.
        trim: (3,), color of the frame.
    """
    panel(canvas, middle - 5.5, head, middle + 5.5, head + 15, trim)
    fill(canvas, box(middle - 4.2, head + 1.3, middle + 4.2, head + 14), glass, 0.1)
    fill(canvas, box(middle - 0.5, head + 1, middle + 0.5, head + 14), trim)
    panel(canvas, middle - 6.5, head + 14.5, middle + 6.5, head + 16, trim, 1.5)


def paint_shop(canvas: np.ndarray, x0: float, x1: float, cloth: np.ndarray) -> None:
    """Paint a shop window under a striped awning.

    Args:
        canvas: painted on.
        x0: left side of the house.
        x1: right side of the house.
        cloth: (3,), color of every other stripe.
    """

    def striped(x, y):
        stripes = mix(cloth, rgb("f4efe4"), np.floor(x / 4) % 2 + 0 * y)
        return stripes * (1.15 - 0.03 * (y - 87))[..., None]

    panel(canvas, x0 + 4, 92, x1 - 4, 114, rgb("3a2e28"))
    fill(canvas, box(x0 + 6, 94, x1 - 6, 112), glass, 0.2)
    fill(canvas, box(x0 + 4, 94, x1 - 4, 103, 2), rgb("0c0e14"), soft=0.9, opacity=0.6)
    awning = polygon((x0 + 5, 87), (x1 - 5, 87), (x1 - 2, 97), (x0 + 2, 97))
    fill(canvas, awning, striped)


def ground(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Color the pavements, the curbs and the road.

    Args:
        x: position.
        y: position.

    Returns:
        (H, W, 3).
    """
    joints = ((x + 6 * np.floor(y / 4)) % 12 < 0.7) | (y % 4 < 0.5)
    slabs = 1 + 0.22 * noise(x, 2 * y, 20, 4, 1.2) - 0.16 * joints
    paving = rgb("b5aa98") * slabs[..., None]

    # Tar with a worn, broken line along its middle.
    rough = 1 + 0.3 * noise(x, 3 * y, 50, 6) + 0.22 * noise(x, 1.5 * y, 6, 7)
    tar = rgb("5c5d62") * rough[..., None]
    line = (np.abs(y - 156) < 0.9) & (x % 34 < 18) & (noise(x, y, 8, 3) > -0.6)
    tar = mix(tar, rgb("e2ddd0"), 0.85 * line)

    road = (y > ROAD[0]) & (y < ROAD[1])
    curb = (np.abs(y - CURB) < 1.6) | (np.abs(y - NEAR_CURB) < 1.6)
    curbstone = rgb("cfc8ba") * (0.9 + 0.3 * noise(x, y, 9))[..., None]
    color = mix(mix(paving, tar, road), curbstone, curb)

    # Shade under the trees, and at the foot of the houses.
    dapple = np.clip(2.5 * noise(x, 2 * y, 40, 9, 1.8) + 0.1, 0, 1) * np.clip((150 - y) / 14, 0, 1)
    at_houses = np.exp(-np.clip(y - HOUSE_LINE, 0, 99) / 3)
    return color * (1 - 0.5 * dapple - 0.4 * at_houses)[..., None]


def paint_tree(canvas: np.ndarray, x: float, rng: np.random.Generator) -> None:
    """Paint a tree on the pavement.

    Args:
        canvas: painted on.
        x: of the trunk.
        rng: decides on size and leaves.
    """
    height = rng.uniform(56, 68)
    spread = rng.uniform(15, 19)
    bark = rgb("5a4030")
    fill(canvas, limb(x, TREE_LINE, x + 1, TREE_LINE - 0.55 * height, 1.7), bark, 0.5, 5)
    fork = TREE_LINE - 0.4 * height
    for side in (-1, 1):
        branch = limb(x, fork, x + 9 * side, TREE_LINE - 0.7 * height, 1)
        fill(canvas, branch, bark, 0.5, 5)

    # From the shaded back to the sunlit front.
    for clump in range(110):
        angle = rng.uniform(0, 2 * np.pi)
        distance = spread * np.sqrt(rng.uniform(0, 1))
        cx = distance * np.cos(angle)
        cy = 1.15 * distance * np.sin(angle)
        glow = clump / 110 - 0.4 * (cx + cy) / spread
        green = mix(rgb("24441a"), rgb("8aa83a"), np.array(0.5 * glow + rng.uniform(0, 0.3)))
        radius = rng.uniform(2, 4)
        leaves = ellipse(x + cx, 122 - 0.68 * height + cy, radius, 0.8 * radius)
        fill(canvas, leaves, green, 0.5, 6)


def paint_lamp(canvas: np.ndarray, x: float) -> None:
    """Paint a street lamp.

    Args:
        canvas: painted on.
        x: of the post.
    """
    iron = rgb("2a3034")
    fill(canvas, limb(x, LAMP_LINE, x, 66, 0.9), iron)
    fill(canvas, limb(x, 66, x + 9, 63, 0.7), iron)
    fill(canvas, ellipse(x + 10, 64.5, 3.5, 1.8), rgb("f4ead0"))


class Scenery(NamedTuple):
    """What does not move by itself: canvases of WIDTH + MARGIN pixels."""

    sky: np.ndarray
    houses: np.ndarray
    floor: np.ndarray
    lamps: np.ndarray
    odd_trees: np.ndarray
    even_trees: np.ndarray


@lru_cache
def paint_scenery(name: str) -> Scenery:
    """Paint all layers of a street.

    Args:
        name: "street" or "bus".

    Returns:
        The layers; do not change them, they are kept.
    """
    rng = np.random.default_rng(SEEDS[name])
    layers = [empty(HEIGHT, WIDTH + MARGIN) for _ in Scenery._fields]
    scenery = Scenery(*layers)

    paint_sky(scenery.sky, 110, seed=3)

    sides = np.cumsum(rng.uniform(40, 66, 13)) - 70
    for number in range(12):
        wall = rgb(WALLS[(number + SEEDS[name]) % len(WALLS)])
        top = rng.uniform(26, 46)
        paint_house(scenery.houses, sides[number], sides[number + 1], top, wall, rng)

    fill(scenery.floor, everywhere(scenery.floor), ground, 0.05)
    scenery.floor[: HOUSE_LINE * SUPERSAMPLE] = 0

    places = np.arange(30, WIDTH + MARGIN, 82) + rng.uniform(-8, 8, 6)
    for number, x in enumerate(places):
        trees = scenery.even_trees if number % 2 == 0 else scenery.odd_trees
        paint_tree(trees, x, rng)
        paint_lamp(scenery.lamps, x + 38)
    return scenery


def paint_car(canvas: np.ndarray, color: np.ndarray) -> None:
    """Paint a car that drives right, without wheels.

    Args:
        canvas: painted on.
        color: (3,).
    """

    def enamel(x, y):
        """Color the body: it shines along the middle and is dark at the bottom."""
        shine = 0.5 * np.exp(-(((y - 133.5) / 1.5) ** 2)) + 0 * x
        return mix(mix(color, rgb("f2f6fa"), shine), rgb("14161c"), (y - 138) / 16 + 0 * x)

    # Cabin with two windows.
    fill(canvas, polygon((24, 124), (47, 124), (58, 135), (16, 135)), color, grain=0.1)
    fill(canvas, polygon((25.5, 125.5), (35, 125.5), (35, 134), (19, 134)), glass, grain=0.1)
    fill(canvas, polygon((37, 125.5), (46, 125.5), (55, 134), (37, 134)), glass, grain=0.1)

    # Body, the gap of a door, headlight and tail light.
    fill(canvas, box(10, 132, 72, 147, 4), enamel, grain=0.12)
    fill(canvas, box(35.8, 134, 36.3, 146), rgb("22252a"))
    fill(canvas, ellipse(70, 137, 2, 1.6), rgb("fff2c0"))
    fill(canvas, ellipse(11.5, 137, 1.5, 1.8), rgb("c01810"))


def paint_bus(canvas: np.ndarray, color: np.ndarray) -> None:
    """Paint a bus that drives right, without wheels.

    Args:
        canvas: painted on.
        color: (3,).
    """

    def enamel(x, y):
        """Color the body: a bright stripe below the windows, darker towards the ground."""
        striped = mix(color, rgb("fff6e8"), (abs(y - 128) < 2) + 0 * x)
        return striped * (1.2 - 0.01 * (y - 96))[..., None]

    fill(canvas, box(10, 96, 146, 147, 4), enamel, grain=0.14, size=30)
    fill(canvas, box(13, 102, 144, 122, 2), rgb("1c2126"))
    for left in np.arange(14, 120, 17.5):
        fill(canvas, box(left, 103, left + 15.5, 121, 1.5), glass, grain=0.1)
        passenger = ellipse(left + 6, 119, 3, 4.5)
        fill(canvas, passenger, rgb("8a6550"), grain=0.4, opacity=0.8)

    # Two door wings, the driver's window, a headlight.
    fill(canvas, box(120, 103, 133, 145, 1), rgb("2a2f36"))
    fill(canvas, box(121, 104, 126, 144), glass, grain=0.1)
    fill(canvas, box(127, 104, 132, 144), glass, grain=0.1)
    fill(canvas, box(136, 104, 145.5, 124), glass, grain=0.1)
    fill(canvas, ellipse(144, 140, 2, 2), rgb("fff2c0"))


@lru_cache
def make_vehicle(kind: str, color: str) -> np.ndarray:
    """Paint a vehicle with its shadow, driving right, without wheels.

    Args:
        kind: "car" or "bus".
        color: as of `rgb`.

    Returns:
        A canvas, 20 pixels wider than the vehicle; do not change it, it is kept.
    """
    length = LENGTHS[kind]
    canvas = empty(HEIGHT, length + 2 * VEHICLE_EDGE)
    middle = VEHICLE_EDGE + length / 2
    shadow(canvas, middle, VEHICLE_BASE, 0.58 * length, 4.5, 0.85)
    if kind == "car":
        paint_car(canvas, rgb(color))
    else:
        paint_bus(canvas, rgb(color))
    return canvas


def pan_speed(y: float | np.ndarray) -> float | np.ndarray:
    """Compute how fast the panning camera moves what stands on the ground: near things faster.

    Args:
        y: row on which it stands.

    Returns:
        Pixels per frame.
    """
    return 1 + 0.6 * np.clip(y - HOUSE_LINE, 0, None) / (HEIGHT - HOUSE_LINE)


def paste(canvas: np.ndarray, layer: np.ndarray, left: float | np.ndarray, down: float = 0) -> None:
    """Lay a layer over the canvas; beyond its sides its last pixels are repeated.

    Args:
        canvas: painted on.
        layer: canvas of any size.
        left: the layer's column at the left edge of the canvas, one for all rows or (HEIGHT,).
        down: pixels by which the layer is lowered.
    """
    rows = np.arange(canvas.shape[0]) - round(down * SUPERSAMPLE)
    rows = np.clip(rows, 0, layer.shape[0] - 1)

    starts = np.broadcast_to(left, HEIGHT).repeat(SUPERSAMPLE) * SUPERSAMPLE
    columns = np.round(starts).astype(int)[:, None] + np.arange(canvas.shape[1])
    columns = np.clip(columns, 0, layer.shape[1] - 1)

    pixels = layer[rows[:, None], columns]
    canvas *= 1 - pixels[..., 3:]
    canvas += pixels


def paint_wheel(
    canvas: np.ndarray, x: float, y: float, radius: float, angle: float, tire: float
) -> None:
    """Paint a wheel of tire and three spokes, and a steel disc where the tire is thick.

    Args:
        canvas: painted on.
        x: of the hub.
        y: of the hub.
        radius: of the whole wheel.
        angle: of the first spoke, in radians.
        tire: its thickness in pixels.
    """
    wheel = ellipse(x, y, radius, radius)
    reach = radius - tire  # of the spokes
    hole = (1 - tire / radius) ** 2

    def ring(x, y):
        depth, nx, ny = wheel.inside(x, y)
        return np.minimum(depth, 1 - hole - depth), nx, ny

    if tire > 2:
        fill(canvas, ellipse(x, y, reach, reach), rgb("8d949c"), grain=0.1)
    for spoke in angle + np.arange(3) * 2 * np.pi / 3:
        tip_x = x + reach * np.cos(spoke)
        tip_y = y + reach * np.sin(spoke)
        fill(canvas, limb(x, y, tip_x, tip_y, 0.3 * tire), rgb("2a2d33"))
    fill(canvas, Shape(wheel.bounds, ring), rgb("17181b"), grain=0.3, size=3)


def paint_vehicle(canvas: np.ndarray, frame: int, vehicle: Vehicle) -> None:
    """Paint a vehicle with turning wheels.

    Args:
        canvas: painted on.
        frame: number of the frame.
        vehicle: which, and where.
    """
    body = make_vehicle(vehicle.kind, vehicle.color)
    length = body.shape[1] / SUPERSAMPLE
    x = vehicle.start + frame * (vehicle.speed - pan_speed(vehicle.base))
    goes_left = vehicle.speed < 0
    if goes_left:
        body = body[:, ::-1]
    paste(canvas, body, -x, vehicle.base - VEHICLE_BASE)

    radius = WHEEL_RADII[vehicle.kind]
    angle = vehicle.speed * frame / radius
    for axle in AXLES[vehicle.kind]:
        hub = x + (length - axle if goes_left else axle)
        paint_wheel(canvas, hub, vehicle.base - radius, radius, angle, tire=0.36 * radius)


def paint_cyclist(canvas: np.ndarray, frame: int, cyclist: Cyclist) -> None:
    """Paint a cyclist with turning wheels and pedals.

    Args:
        canvas: painted on.
        frame: number of the frame.
        cyclist: where, and how fast.
    """
    x = cyclist.start + frame * (cyclist.speed - pan_speed(cyclist.base))
    base = cyclist.base
    angle = cyclist.speed * frame / BICYCLE_RADIUS

    shadow(canvas, x, base, 19, 3)
    for axle in BICYCLE_AXLES:
        paint_wheel(canvas, x + axle, base - BICYCLE_RADIUS, BICYCLE_RADIUS, angle, tire=1.4)
    for ax, ay, bx, by in BICYCLE_FRAME:
        fill(canvas, limb(x + ax, base - ay, x + bx, base - by, 0.8), rgb("1f9a5a"))

    feet = []
    for turn in (0, np.pi):
        foot_x = 4 * np.cos(angle + turn) / CYCLIST_HEIGHT
        foot_y = -(7 - 4 * np.sin(angle + turn)) / CYCLIST_HEIGHT
        feet.append((foot_x, foot_y))
    hands = ((0.3, -0.52), (0.33, -0.52))
    paint_person(canvas, x - 3, base, CYCLIST_HEIGHT, "f07a14", "23304a", tuple(feet), hands, 0.14)


def paint_pedestrian(canvas: np.ndarray, frame: int, pedestrian: Pedestrian) -> None:
    """Paint somebody who walks on the far pavement.

    Args:
        canvas: painted on.
        frame: number of the frame.
        pedestrian: who, and where.
    """
    x = pedestrian.start + frame * (pedestrian.speed - pan_speed(PAVEMENT))
    stride = 0.17 * np.cos(0.3 * frame)
    shadow(canvas, x + 3, PAVEMENT, 9, 1.6)
    feet = ((stride, 0), (-stride, 0))
    hands = ((-stride, -0.42), (stride, -0.42))
    paint_person(canvas, x, PAVEMENT, PEDESTRIAN_HEIGHT, pedestrian.shirt, "27304a", feet, hands)


def paint_street(name: str, frame: int) -> np.ndarray:
    """Render a frame of a street.

    Args:
        name: "street" or "bus".
        frame: its number; 0 is where everybody starts.

    Returns:
        (H, W, 3) uint8.
    """
    canvas = empty(HEIGHT, WIDTH)
    rows = np.arange(HEIGHT)
    scenery = paint_scenery(name)
    paste(canvas, scenery.sky, 0.25 * frame)
    paste(canvas, scenery.houses, 1.0 * frame)
    paste(canvas, scenery.floor, pan_speed(rows) * frame)
    paste(canvas, scenery.lamps, pan_speed(LAMP_LINE) * frame)

    # The wind bends the tree tops, and both rows of trees a little differently.
    bend = (np.clip(112 - rows, 0, None) / 56) ** 2  # (HEIGHT,)
    for number, trees in enumerate((scenery.odd_trees, scenery.even_trees)):
        sway = 1.8 * np.sin(2 * np.pi * frame / 36 + 2 * number)
        wind = sway + 0.7 * np.sin(2 * np.pi * frame / 15)
        paste(canvas, trees, pan_speed(TREE_LINE) * frame + wind * bend)

    for pedestrian in PEDESTRIANS[name]:
        paint_pedestrian(canvas, frame, pedestrian)
    for vehicle in VEHICLES[name]:
        paint_vehicle(canvas, frame, vehicle)
    for cyclist in CYCLISTS[name]:
        paint_cyclist(canvas, frame, cyclist)
    return to_image(canvas)
