"""What stands on the plate: a stone, given by its radius over direction, and how it lies there.

Scaled space: the stone's own axes, each divided by its semi-axis, so that the stone is nearly a unit ball. Its surface
is where ``excess`` is 0: ``|q| - 1 - sum_i height_i * exp(sharpness_i * (q/|q| . direction_i - 1))``. Lengths in
millimetres.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from scanner.hardware.sim.textures import PLATE_RADIUS, Floats, Pyramid, Stone, body_colours, interpolation, plate_greys

Flip = tuple[float, float, float]

SEMI_AXES = (33.0, 40.0, 46.0)
SUNK = 7.0  # the stone stands on a broad foot: so much of it is below the plate's surface
OFF_AXIS = (2.0, -1.5)  # it does not stand exactly in the middle
SHADOW_SIDE = 128  # texels; a shadow is soft
FOOT_STEPS = 48
FOOT_HEIGHT = 10.0  # mm above the plate up to which the stone shadows it
BUMP_DIRECTIONS = (
    (1.0, 0.2, 0.5),
    (-0.6, 0.9, 0.3),
    (-0.3, -1.0, 0.6),
    (0.2, 0.3, 1.0),
    (0.9, -0.8, -0.1),
    (-1.0, -0.2, -0.2),
    (0.1, 1.0, -0.4),
)
BUMP_SHARPNESS = (9.0, 12.0, 10.0, 14.0, 16.0, 7.0, 12.0)
BUMP_HEIGHTS = (0.30, 0.26, 0.22, 0.20, 0.18, 0.16, 0.20)
FAMILIAR_SEED = 7  # this seed keeps the bumps as written above; every other one turns and resizes them


@dataclass(frozen=True, slots=True)
class Shape:
    """A star-convex shape in scaled space: ``directions`` (bumps x 3, unit), ``sharpness`` and ``heights`` (bumps)."""

    directions: Floats
    sharpness: Floats
    heights: Floats

    @classmethod
    def seeded(cls, seed: int) -> Shape:
        """The stone of this seed."""
        directions, heights = np.array(BUMP_DIRECTIONS), np.array(BUMP_HEIGHTS)
        if seed != FAMILIAR_SEED:
            rng = np.random.default_rng((seed, 1))
            directions = directions + rng.normal(0.0, 0.5, directions.shape)
            heights = heights * rng.uniform(0.6, 1.3, heights.shape)
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        return cls(directions.astype(np.float32), np.array(BUMP_SHARPNESS, np.float32), heights.astype(np.float32))

    @property
    def reach(self) -> float:
        """Radius of a ball around the origin that holds the shape."""
        return 1.05 * float(self.radius(self.directions.T).max())

    def radius(self, unit: Floats) -> Floats:
        """Distance of the surface in directions ``unit`` (3 x n): n."""
        radius: Floats = 1 + self.heights @ self._bumps(unit)
        return radius

    def excess(self, points: Floats) -> Floats:
        """How far ``points`` (3 x n) are outside the surface, along the radius: n; negative inside."""
        length = norm(points)
        excess: Floats = length - self.radius(points / length)
        return excess

    def slope(self, points: Floats) -> tuple[Floats, Floats]:
        """The excess at ``points`` (3 x n): n, and its gradient, pointing outwards: 3 x n."""
        length = norm(points)
        unit = points / length
        bumps = self._bumps(unit) * self.heights[:, None]
        pull = (self.directions * self.sharpness[:, None]).T @ bumps
        pull -= unit * (unit[0] * pull[0] + unit[1] * pull[1] + unit[2] * pull[2])
        return length - 1 - bumps.sum(axis=0), unit - pull / length

    def _bumps(self, unit: Floats) -> Floats:
        """Each bump's share, 0 to 1, in directions ``unit`` (3 x n): bumps x n."""
        bumps: Floats = (self.directions * self.sharpness[:, None]) @ unit
        bumps -= self.sharpness[:, None]
        np.exp(bumps, out=bumps)
        return bumps


def norm(vectors: Floats) -> Floats:
    """Lengths of vectors (3 x n): n."""
    length: Floats = np.sqrt(vectors[0] * vectors[0] + vectors[1] * vectors[1] + vectors[2] * vectors[2])
    return length


@dataclass(frozen=True, slots=True)
class Laid:
    """The stone as it lies on the plate: ``turn`` (3 x 3) takes its own axes to the plate's, ``centre`` (mm) is its
    origin there.

    ``plate`` is the plate's texture with the stone's shadow.
    """

    turn: Floats
    centre: Floats
    plate: Pyramid


class Scene:
    """The stone and the plate with their textures, ``side`` texels wide. Threads may share it."""

    def __init__(self, seed: int, stone: Stone, side: int) -> None:
        rng = np.random.default_rng(seed)
        self.shape = Shape.seeded(seed)
        self.semi_axes = np.array(SEMI_AXES, np.float32)
        self.body = Pyramid.of(body_colours(rng, side, stone))
        self.greys = plate_greys(rng, side)
        self._surface = _directions(4000)
        self._surface *= self.shape.radius(self._surface) * self.semi_axes[:, None]
        self._laid: dict[Flip, Laid] = {}

    def lay(self, flip: Flip) -> Laid:
        """The stone laid on the plate, turned by ``flip``: degrees about x, then y, then z, from upright."""
        if flip not in self._laid:
            turn = _rotation(flip)
            lowest = float((turn[2] @ self._surface).min())
            centre = np.array([*OFF_AXIS, -lowest - SUNK], np.float32)
            plate = Pyramid.of(self.greys * self._shadow(turn, centre))
            self._laid[flip] = Laid(turn, centre, plate)
        return self._laid[flip]

    def _shadow(self, turn: Floats, centre: Floats) -> Floats:
        """What is left of the light on the plate around the stone's foot: like its texture, 0 to 1."""
        side = len(self.greys)
        coarse = (np.arange(SHADOW_SIDE, dtype=np.float32) + np.float32(0.5)) / SHADOW_SIDE * 2 - 1
        x, y = np.meshgrid(coarse * PLATE_RADIUS - centre[0], coarse * PLATE_RADIUS - centre[1])
        foot = self._foot(turn, centre)
        reach = np.interp(np.arctan2(y, x) % math.tau, np.arange(FOOT_STEPS + 1) / FOOT_STEPS * math.tau, foot)
        away = np.maximum(np.hypot(x, y) - reach, 0)
        light = 1 - 0.45 * np.exp(-away / 4) - 0.25 * np.exp(-away / 18)
        return _enlarged(light.astype(np.float32), side)

    def _foot(self, turn: Floats, centre: Floats) -> Floats:
        """Radius (mm) of the stone's foot around ``centre`` by azimuth, in even steps, the last is the first again."""
        x, y, z = turn @ self._surface
        low = (z > -centre[2]) & (z < FOOT_HEIGHT - centre[2])
        steps = np.round(np.arctan2(y[low], x[low]) / math.tau * FOOT_STEPS).astype(int) % FOOT_STEPS
        reach = np.zeros(FOOT_STEPS, np.float32)
        np.maximum.at(reach, steps, np.hypot(x[low], y[low]))
        reach[reach == 0] = reach.max()
        smooth = (2 * reach + np.roll(reach, 1) + np.roll(reach, -1)) / 4
        return np.append(smooth, smooth[0])


def _directions(count: int) -> Floats:
    """Unit vectors, evenly spread: 3 x count."""
    index = np.arange(count) + 0.5
    height = 1 - 2 * index / count
    turn, ring = math.pi * (3 - math.sqrt(5)) * index, np.sqrt(1 - height**2)
    return np.stack([ring * np.cos(turn), ring * np.sin(turn), height]).astype(np.float32)


def _enlarged(field: Floats, side: int) -> Floats:
    """A square field, bilinearly enlarged to ``side``."""
    at = (np.arange(side, dtype=np.float32) + np.float32(0.5)) * len(field) / side - np.float32(0.5)
    between = interpolation(np.clip(at, 0, np.float32(len(field) - 1.001)), len(field))
    enlarged: Floats = between @ field @ between.T
    return enlarged


def _rotation(degrees: Flip) -> Floats:
    """Rotation about x, then y, then z."""
    (sx, sy, sz), (cx, cy, cz) = ([f(math.radians(angle)) for angle in degrees] for f in (math.sin, math.cos))
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    turn: Floats = (about_z @ about_y @ about_x).astype(np.float32)
    return turn
