"""What the simulated cameras look at: the stone on the plate, where everything truly stands, and the light on it."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, field
from functools import lru_cache

from scanner.config import SimWorld
from scanner.hardware.sim.axis import SimAxis
from scanner.hardware.sim.faults import Faults
from scanner.hardware.sim.lens import View
from scanner.hardware.sim.light import SimLight
from scanner.hardware.sim.scene import Flip, Scene
from scanner.hardware.sim.textures import PLATE_RADIUS, Stone
from scanner.model import Geometry

TURNED_OVER: Flip = (180.0, 0.0, 0.0)
GLANCES = 9  # instants of an exposure at which the plate's angle is read to see whether it moves
STILL = 0.3  # pixels that the plate's rim may move during an exposure before the picture shows it


@lru_cache(maxsize=4)
def made(seed: int, stone: Stone, side: int) -> Scene:
    """A scene; the last few are kept, because making one takes a tenth of a second or more."""
    return Scene(seed, stone, side)


@dataclass(slots=True, kw_only=True)
class World:
    """The state that the devices of one twin share. Cameras read it from their threads.

    ``tilt`` is an axis or the fixed elevation, ``side`` the textures' width. ``flip`` is how the stone
    lies on the plate while nobody has turned it over.
    """

    settings: SimWorld
    geometry: Geometry
    turntable: SimAxis
    tilt: SimAxis | float
    lights: tuple[SimLight, ...]
    faults: Faults
    side: int
    flip: Flip = (0.0, 0.0, 0.0)
    _scene: Scene | None = None
    _making: threading.Lock = field(default_factory=threading.Lock)

    def scene(self) -> Scene:
        """Stone and plate, made at the first call (a few tenths of a second)."""
        with self._making:
            if self._scene is None:
                self._scene = made(self.settings.seed, self.settings.stone, self.side)
            return self._scene

    def brightness(self) -> float:
        """How light it is: 1 is one default light at full level, or a rig without lights in its room."""
        given = self.settings.ambient + sum(light.brightness for light in self.lights) if self.lights else 1.0
        return float(given * 2**self.faults.overexposure)

    def view(self, moment: float) -> View:
        """From where a camera sees the plate at ``moment`` of the clock's monotonic time: the true angles."""
        return View(
            azimuth=self.turntable.true_angle(moment),
            elevation=self.tilt if isinstance(self.tilt, float) else self.tilt.true_angle(moment),
            distance=self.geometry.distance,
            target_height=self.geometry.target_height,
            flip=TURNED_OVER if self.faults.turned_over else self.flip,
        )

    def views(self, start: float, end: float, focal: float, most: int) -> list[View]:
        """The views whose mean is an exposure from ``start`` to ``end``: one unless something moves, at most
        ``most``.

        ``focal`` is the focal length in pixels of the picture.
        """
        glances = [self.view(start + (end - start) * (part + 0.5) / GLANCES) for part in range(GLANCES)]
        turned, tilted = (_span([getattr(view, angle) for view in glances]) for angle in ("azimuth", "elevation"))
        moved = math.radians(max(turned, tilted)) * PLATE_RADIUS * focal / self.geometry.distance
        if moved < STILL:
            return [glances[GLANCES // 2]]
        count = min(max(math.ceil(moved), 3), most)
        return [self.view(start + (end - start) * (part + 0.5) / count) for part in range(count)]


def _span(angles: list[float]) -> float:
    return max(angles) - min(angles)
