"""The lens: from pixels to rays, and how much is out of focus. Where the camera stands.

Plate frame: millimetres, right-handed, Z up, origin at the plate's centre. Camera axes as in OpenCV: x right, y down, z
forward.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from scanner.hardware.sim.scene import Flip
from scanner.hardware.sim.textures import Floats

INVERSIONS = 4  # steps of the fixed-point inversion of the distortion: converged far below a pixel


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """From where a picture is taken: true angles in degrees, the rig's measures in mm, ``flip`` of the object as in
    ``Scene.lay``.
    """

    azimuth: float
    elevation: float
    distance: float
    target_height: float
    flip: Flip = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Stand:
    """Where the camera is in the plate frame: ``rotation`` (3 x 3) takes plate axes to camera axes, ``centre`` is its
    place.
    """

    rotation: Floats
    centre: Floats

    @classmethod
    def of(cls, view: View) -> Stand:
        """Turning the plate by +azimuth takes the camera round by -azimuth; it always looks at the target point."""
        elevation, azimuth = math.radians(view.elevation), -math.radians(view.azimuth)
        out = view.distance * math.cos(elevation)
        rise = view.distance * math.sin(elevation)
        centre = np.array([out * math.cos(azimuth), out * math.sin(azimuth), view.target_height + rise])
        forward = np.array([0.0, 0.0, view.target_height]) - centre
        forward /= np.linalg.norm(forward)
        right = np.array([-math.sin(azimuth), math.cos(azimuth), 0.0])
        return cls(np.stack([right, np.cross(forward, right), forward]).astype(np.float32), centre.astype(np.float32))


@dataclass(frozen=True, slots=True, kw_only=True)
class Lens:
    """A lens before a sensor, for pictures of ``width`` x ``height`` pixels that use the sensor's whole width.

    ``k1`` is radial distortion as in OpenCV: a ray at ``r`` (tangent of its angle) is seen at ``r * (1 + k1 * r^2)``.
    """

    width: int
    height: int
    focal_mm: float
    sensor_width_mm: float
    f_number: float
    k1: float = 0.0

    @property
    def focal(self) -> float:
        """Focal length in pixels."""
        return self.focal_mm / self.sensor_width_mm * self.width

    def rays(self, columns: Floats, rows: Floats) -> tuple[Floats, Floats]:
        """Direction (x, y, 1) in camera axes through the middles of the pixels ``columns``, ``rows`` (any shapes that
        broadcast).

        Without distortion x keeps the shape of ``columns`` and y that of ``rows``.
        """
        seen_x = (columns + np.float32(0.5 - self.width / 2)) / np.float32(self.focal)
        seen_y = (rows + np.float32(0.5 - self.height / 2)) / np.float32(self.focal)
        if self.k1 == 0.0:
            return seen_x, seen_y
        x, y = seen_x, seen_y
        for _ in range(INVERSIONS):
            bend = 1 + np.float32(self.k1) * (x * x + y * y)
            x, y = seen_x / bend, seen_y / bend
        return x, y
