"""Automatic exposure and focus: found once, on a small sharp picture without noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scanner.hardware.sim.lens import Lens, View
from scanner.hardware.sim.render import Picture
from scanner.hardware.sim.scene import Scene
from scanner.hardware.sim.sensor import UNIT_EXPOSURE_US, UNIT_F_NUMBER

WIDTH = 160  # pixels of the small picture
HIGHLIGHTS = 99.0  # percentile of its light that is brought to FULL
FULL = 0.66  # of what the sensor can hold
FASTEST_US, SLOWEST_US = 100, 100_000  # a longer exposure would slow a scan down; gain does the rest
MOST_GAIN = 8.0
BRIGHT_ENOUGH = 1e-5  # light below which there is nothing to meter


@dataclass(frozen=True, slots=True)
class Metering:
    """What a look at the scene tells: ``light`` of its highlights under 1 of brightness, and the ``depth`` (mm) of what
    is in its middle.
    """

    light: float
    depth: float

    @classmethod
    def look(cls, scene: Scene, view: View, lens: Lens) -> Metering:
        """Look through ``lens``, at a small size."""
        height = max(round(WIDTH * lens.height / lens.width / 2) * 2, 2)
        small = Lens(
            width=WIDTH,
            height=height,
            focal_mm=lens.focal_mm,
            sensor_width_mm=lens.sensor_width_mm,
            f_number=lens.f_number,
            k1=lens.k1,
        )
        light, depth = Picture(scene, view, small).paint(0, height)
        middle = depth[height // 3 : -height // 3, WIDTH * 2 // 5 : -WIDTH * 2 // 5]
        seen = middle[np.isfinite(middle)]
        return cls(
            float(np.percentile(light.max(axis=0), HIGHLIGHTS)), float(np.median(seen)) if len(seen) else view.distance
        )

    def exposure(self, brightness: float, f_number: float) -> tuple[int, float]:
        """Shutter (us) and gain for a well lit picture; the longest shutter and highest gain where it is too dark."""
        level = max(self.light * brightness * (UNIT_F_NUMBER / f_number) ** 2, BRIGHT_ENOUGH)
        wanted = UNIT_EXPOSURE_US * FULL / level
        shutter = round(min(max(wanted, FASTEST_US), SLOWEST_US))
        return shutter, round(min(max(wanted / shutter, 1.0), MOST_GAIN), 3)
