"""Depth of field: what is not at the focus distance spreads into a disc.

It is drawn on codes, not on light: a bright spot spreads a little less than it should, at half the cost.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from scanner.hardware.sim.lens import Lens, View
from scanner.hardware.sim.textures import PLATE_RADIUS, Floats

UNSEEN = 0.75  # pixels: a smaller disc changes nothing
BOXES = ((1,), (1, 1), (2, 2), (4, 5), (9, 10), (19, 19))  # reaches of the boxes whose succession is nearly a disc


def _radius(reaches: tuple[int, ...]) -> float:
    """Radius of the disc that spreads as far as these boxes: a disc's deviation along an axis is half its radius."""
    return 2 * math.sqrt(sum(((2 * reach + 1) ** 2 - 1) / 12 for reach in reaches))


STEPS = (0.0, *(_radius(reaches) for reaches in BOXES))  # radii in pixels; what lies between is interpolated


@dataclass(frozen=True, slots=True)
class Defocus:
    """The blur of one picture: the disc's radius is ``factor * |focus - 1000 / depth|`` pixels, ``focus`` in dioptres.

    ``margin`` is how many rows above and below a band shine into it; 0: all is sharp.
    """

    factor: float
    focus: float
    margin: int

    @classmethod
    def of(cls, lens: Lens, focus: float, view: View) -> Defocus:
        """For a scene that is as near and as far as the plate's rim can be."""
        factor = lens.focal_mm / lens.f_number * lens.focal / 2000
        ends = (view.distance - PLATE_RADIUS, view.distance + PLATE_RADIUS)
        worst = max(abs(focus - 1000 / end) for end in ends) * factor
        if worst < UNSEEN:
            return cls(factor, focus, 0)
        drawn = next((step for step, radius in enumerate(STEPS) if radius >= worst), len(BOXES))
        return cls(factor, focus, sum(BOXES[drawn - 1]) * 2)

    def radius(self, depth: Floats) -> Floats:
        """Of the disc, pixels, by depth (rows x width, mm; infinite: the background, which has nothing to blur)."""
        away = np.abs(np.float32(self.focus) - np.float32(1000) / depth)
        radius: Floats = np.where(np.isfinite(depth), away * np.float32(self.factor), np.float32(0))
        return radius


def spread(codes: Floats, radius: Floats) -> Floats:
    """A plane of ``codes`` (rows x columns), each pixel taken from as blurred a plane as its ``radius`` wants."""
    widest = float(radius.max())
    if widest < UNSEEN:
        return codes
    result, sharper = codes.copy(), codes
    for step, reaches in enumerate(BOXES):
        at = np.flatnonzero(radius > STEPS[step])
        if not len(at):
            break
        blurred = codes
        for reach in reaches:
            blurred = _box(_box(blurred, reach).T, reach).T
        part = np.minimum((radius.ravel()[at] - np.float32(STEPS[step])) / np.float32(STEPS[step + 1] - STEPS[step]), 1)
        low = sharper.ravel()[at]
        result.ravel()[at] = low + (blurred.ravel()[at] - low) * part
        sharper = blurred
    return result


def _box(codes: Floats, reach: int) -> Floats:
    """The mean of ``2 * reach + 1`` neighbours in each row, its ends repeated."""
    sums = np.cumsum(np.pad(codes, ((0, 0), (reach + 1, reach)), mode="edge"), axis=1, dtype=np.float32)
    box: Floats = (sums[:, 2 * reach + 1 :] - sums[:, : -2 * reach - 1]) / np.float32(2 * reach + 1)
    return box
