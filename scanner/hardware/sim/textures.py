"""Textures of the twin: many-scaled noise, the stone of the body, the printed plate with its markers.

A texture is a pyramid of levels, each half as wide as the one before, so that pictures from afar do not shimmer. Codes
are the square root of linear light, 0 to 255 (finer steps where it is dark). Everything is seeded: the same seed gives
the same stone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import reduce
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]  # float32; numpy's own types of results differ between its versions
Bytes = NDArray[Any]  # uint8
Words = NDArray[Any]  # uint32
Stone = Literal["agate", "jasper", "lapis", "malachite", "bone"]

PLATE_RADIUS = 85.0  # mm
MARKER_RADIUS = 68.0  # mm, centres of the markers
MARKER_SIDE = 12.0  # mm, black border included
MARKERS = (0xB532, 0x0F9A, 0x332D, 0x9946, 0x549E, 0x79CD, 0x9E2E, 0xC4F2)  # DICT_4X4_50 ids 0-7, 16 bits row by row
CELLS = 6  # of a marker's side, its black border included
FIELD = 0.75  # half the white field's side, in sides of the marker
SCALE_FROM = 0.93  # of the plate's radius: where the degree scale begins
STROKE = 0.0064  # of the radius: width of a stroke
DARKEST, BRIGHTEST = 0.02, 0.95  # reflectance
SMALLEST = 32  # texels, the side of a pyramid's last level
RED_BLUE = np.uint32(0x00FF00FF)
SPECK = 2.0  # deviations of the noise: bright where it is above
FOLD = 0.03  # of the width of the octahedral map: where its edges are blended

# Bands of colour from one side of the noise to the other (linear RGB), and where they end.
STONES: dict[Stone, tuple[tuple[tuple[float, float, float], ...], tuple[float, ...]]] = {
    "agate": (
        ((0.62, 0.16, 0.07), (0.80, 0.55, 0.18), (0.10, 0.30, 0.36), (0.75, 0.72, 0.62), (0.16, 0.10, 0.20)),
        (-1.0, -0.3, 0.0, 0.9),
    ),
    "jasper": (
        ((0.55, 0.12, 0.04), (0.66, 0.20, 0.06), (0.78, 0.50, 0.20), (0.36, 0.05, 0.03), (0.80, 0.72, 0.56)),
        (-1.1, 0.2, 0.7, 1.2),
    ),
    "lapis": (
        ((0.03, 0.07, 0.42), (0.06, 0.14, 0.60), (0.02, 0.05, 0.30), (0.10, 0.20, 0.62), (0.74, 0.60, 0.22)),
        (-0.8, 0.1, 0.5, 1.3),
    ),
    "malachite": (
        ((0.02, 0.22, 0.13), (0.05, 0.42, 0.27), (0.03, 0.30, 0.19), (0.02, 0.14, 0.09), (0.30, 0.62, 0.48)),
        (-1.0, 0.0, 0.6, 0.9),
    ),
    "bone": (
        ((0.56, 0.50, 0.40), (0.72, 0.66, 0.54), (0.40, 0.37, 0.30), (0.66, 0.60, 0.48), (0.26, 0.19, 0.13)),
        (-0.9, 0.3, 0.6, 1.5),
    ),
}


def noise(rng: np.random.Generator, side: int, scales: tuple[int, int], fall: float = 0.75) -> Floats:
    """Value noise of ``side`` x ``side`` with octaves from ``scales[0]`` to ``scales[1]`` cells a side, of unit
    deviation.

    Each octave weighs ``fall`` times the one before it.
    """
    total = np.zeros((side, side), np.float32)
    weight, cells = 1.0, scales[0]
    while cells <= scales[1]:
        total += np.float32(weight) * _octave(rng, side, cells)
        weight, cells = weight * fall, cells * 2
    total -= total.mean()
    total /= total.std()
    return total


def _octave(rng: np.random.Generator, side: int, cells: int) -> Floats:
    """One octave of value noise: random corner values of -0.5 to 0.5, smoothly interpolated between them."""
    corners = rng.random((cells + 1, cells + 1), dtype=np.float32) - np.float32(0.5)
    at = np.linspace(0, cells, side, endpoint=False, dtype=np.float32)
    part = at % 1
    between = interpolation(at - part + part * part * (3 - 2 * part), cells + 1)
    octave: Floats = between @ corners @ between.T
    return octave


def interpolation(places: Floats, count: int) -> Floats:
    """The matrix (places x count) that interpolates ``count`` values linearly at ``places``, each from 0 to below count
    - 1.
    """
    low = places.astype(np.intp)
    part = places - low
    matrix = np.zeros((len(places), count), np.float32)
    rows = np.arange(len(places))
    matrix[rows, low], matrix[rows, low + 1] = 1 - part, part
    return matrix


def fold(field: Floats) -> Floats:
    """A field on the octahedral map without seams.

    Each edge of the map touches itself, mirrored at its middle: there, both sides are blended, keeping their deviation.
    """
    for turned in (field, field.T):
        side = len(turned)
        width = max(1, int(side * FOLD))
        ramp = (0.5 + 0.5 * (np.arange(width, dtype=np.float32) + 0.5) / width)[:, None]
        strength = np.sqrt(ramp**2 + (1 - ramp) ** 2)
        for rows in (turned[:width], turned[::-1][:width]):
            rows[:] = (ramp * rows + (1 - ramp) * rows[:, ::-1]) / strength
    return field


def body_colours(rng: np.random.Generator, side: int, stone: Stone) -> Floats:
    """The stone on the octahedral map, side x side x 3: bands of colour, veins along them, grain, bright specks."""
    palette, bounds = STONES[stone]
    bands = fold(noise(rng, side, (4, 16)) + np.float32(0.35) * noise(rng, side, (10, 40)))
    grain = fold(noise(rng, side, (24, side * 3 // 8), 0.95))
    colour = np.array(palette, np.float32)[np.digitize(bands, bounds)]
    vein = reduce(np.minimum, (np.abs(bands - bound) for bound in bounds))
    shade = np.float32(0.64) + np.float32(0.30) * np.tanh(grain * np.float32(1.3))
    shade *= 1 - np.float32(0.45) * np.exp(-((vein / np.float32(0.03)) ** 2))
    colour *= shade[..., None]
    specks = fold(noise(rng, side, (side // 16, side // 8))) > SPECK
    colour[specks] = colour[specks] * 0.25 + np.float32(0.5)
    return np.clip(colour, DARKEST, BRIGHTEST)


def plate_greys(rng: np.random.Generator, side: int) -> Floats:
    """The plate seen from above, side x side, row 0 at y = -PLATE_RADIUS: speckles, a degree scale, eight markers."""
    axis = (np.arange(side, dtype=np.float32) + np.float32(0.5)) / side * 2 - 1
    x, y = np.meshgrid(axis, axis)
    dark = noise(rng, side, (16, side // 4), 0.95) > 0
    grey = np.where(dark, np.float32(0.20), np.float32(0.58)) * (1 + np.float32(0.12) * noise(rng, side, (8, 64)))
    _draw_scale(grey, x, y)
    for number, bits in enumerate(MARKERS):
        _draw_marker(grey, axis, number, bits)
    return np.clip(grey, DARKEST, BRIGHTEST)


def _draw_scale(grey: Floats, x: Floats, y: Floats) -> None:
    """A white rim with a stroke every degree, longer ones every 5 and 10."""
    radius = np.hypot(x, y)
    rim = np.nonzero(radius > SCALE_FROM)
    distance, angle = radius[rim], np.degrees(np.arctan2(y[rim], x[rim]))
    ink = np.full(len(distance), 0.72, np.float32)
    for step, begin in ((1, 0.967), (5, 0.955), (10, 0.940)):
        off = np.abs((angle + step / 2) % step - step / 2) * (math.pi / 180) * distance
        ink[(distance > begin) & (off < STROKE / 2)] = 0.05
    grey[rim] = ink


def _draw_marker(grey: Floats, axis: Floats, number: int, bits: int) -> None:
    """Marker ``number`` at azimuth 45 x number, its top outwards, on the white field that a detector needs."""
    angle, radius, half = math.radians(45 * number), MARKER_RADIUS / PLATE_RADIUS, MARKER_SIDE / PLATE_RADIUS
    centre_x, centre_y = radius * math.cos(angle), radius * math.sin(angle)
    rows = slice(*np.searchsorted(axis, (centre_y - half, centre_y + half)))
    columns = slice(*np.searchsorted(axis, (centre_x - half, centre_x + half)))
    dy, dx = axis[rows, None] - centre_y, axis[None, columns] - centre_x
    along = (dy * math.cos(angle) - dx * math.sin(angle)) / half  # the tangent, counter-clockwise from above
    outwards = (dx * math.cos(angle) + dy * math.sin(angle)) / half
    part = grey[rows, columns]
    part[(np.abs(along) < FIELD) & (np.abs(outwards) < FIELD)] = 0.85
    cells = np.zeros((CELLS, CELLS), np.float32)
    cells[1:-1, 1:-1] = np.array([(bits >> (15 - place)) & 1 for place in range(16)], np.float32).reshape(4, 4)
    column, row = (np.floor((0.5 - each) * CELLS).astype(int) for each in (along, outwards))
    inside = (column >= 0) & (column < CELLS) & (row >= 0) & (row < CELLS)
    part[inside] = np.where(cells[row[inside], column[inside]] > 0, np.float32(0.85), np.float32(0.03))


@dataclass(frozen=True, slots=True)
class Pyramid:
    """A square texture of one or three channels: ``levels[0]`` is the full one, each next has half its side.

    Levels of three channels are packed into 32-bit words (red lowest), so that one fetch brings all of them.
    """

    levels: tuple[Bytes | Words, ...]

    @classmethod
    def of(cls, light: Floats) -> Pyramid:
        """From linear light 0 to 1, side x side or side x side x 3, side a power of two."""
        levels: list[Bytes | Words] = []
        while True:
            codes = np.ascontiguousarray(np.rint(np.sqrt(light) * 255), np.uint8)
            levels.append(_packed(codes) if codes.shape[2:] else codes)
            if len(light) <= SMALLEST:
                return cls(tuple(levels))
            light = (light[0::2, 0::2] + light[1::2, 0::2] + light[0::2, 1::2] + light[1::2, 1::2]) / 4

    def level(self, pixel: float) -> Bytes | Words:
        """The level for pictures whose pixels are ``pixel`` of the map's width wide."""
        texels = max(pixel * len(self.levels[0]), 1.0)
        return self.levels[min(round(math.log2(texels)), len(self.levels) - 1)]


def fetch_grey(level: Bytes, u: Floats, v: Floats) -> Floats:
    """Linear light 0 to 1 of a one-channel level at ``u``, ``v`` (n each, 0 to 1), bilinear: n."""
    corner, step, part_u, part_v = _place(level, u, v)
    flat = level.ravel()
    upper, right = flat.take(corner).astype(np.float32), flat.take(corner + 1).astype(np.float32)
    lower, far = flat.take(corner + step).astype(np.float32), flat.take(corner + (step + 1)).astype(np.float32)
    upper += (right - upper) * part_u
    lower += (far - lower) * part_u
    upper += (lower - upper) * part_v
    upper *= np.float32(1 / 255)
    return upper * upper


def fetch_colour(level: Words, u: Floats, v: Floats) -> Floats:
    """Linear light 0 to 1 of a packed level at ``u``, ``v`` (n each, 0 to 1), bilinear: 3 x n.

    Red and blue of a word are blended together, with weights of 8 bits: their products stay within 16 bits each.
    """
    corner, step, part_u, part_v = _place(level, u, v)
    weight_u, weight_v = (part_u * 256).astype(np.uint32), (part_v * 256).astype(np.uint32)
    flat = level.ravel()
    words = [flat.take(corner + offset) for offset in (0, 1, step, step + 1)]
    both = _blend([word & RED_BLUE for word in words], weight_u, weight_v)
    green = _blend([(word >> 8) & RED_BLUE for word in words], weight_u, weight_v)
    light = np.empty((3, len(u)), np.float32)
    light[0], light[1], light[2] = both & 255, green & 255, both >> 16
    light *= np.float32(1 / 255)
    light *= light
    return light


def _place(level: Bytes | Words, u: Floats, v: Floats) -> tuple[NDArray[np.intp], int, Floats, Floats]:
    """Index of the upper left texel, texels a row, and the parts of the way to the next ones."""
    side = len(level)
    x = np.clip(u * np.float32(side) - np.float32(0.5), 0, np.float32(side - 1.001))
    y = np.clip(v * np.float32(side) - np.float32(0.5), 0, np.float32(side - 1.001))
    column, row = x.astype(np.int32), y.astype(np.int32)
    corner = (row * np.int32(side) + column).astype(np.intp)
    return corner, side, x - column, y - row


def _blend(words: list[Words], weight_u: Words, weight_v: Words) -> Words:
    other_u, other_v = 256 - weight_u, 256 - weight_v
    upper = ((words[0] * other_u + words[1] * weight_u) >> 8) & RED_BLUE
    lower = ((words[2] * other_u + words[3] * weight_u) >> 8) & RED_BLUE
    blend: Words = ((upper * other_v + lower * weight_v) >> 8) & RED_BLUE
    return blend


def _packed(codes: Bytes) -> Words:
    words = codes.astype(np.uint32)
    packed: Words = words[..., 0] | (words[..., 1] << 8) | (words[..., 2] << 16)
    return packed
