"""Where the camera stood: the one module that converts coordinates. Pure mathematics.

The plate frame is right-handed, in millimetres, Z up, its origin at the plate's centre; it rides on the plate, and so
does the object. Azimuth is the turntable's angle, counter-clockwise seen from above: turning the plate by +a is, for
the object, a camera that orbits by -a. At azimuth 0 the camera stands over the plate's +X axis. Camera axes are those
of OpenCV: x right, y down, z forward.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scanner.model import Geometry, Viewpoint

Vector = tuple[float, float, float]
Matrix = tuple[Vector, Vector, Vector]  # rows
Quaternion = tuple[float, float, float, float]  # w, x, y, z


@dataclass(frozen=True, slots=True, kw_only=True)
class Pose:
    """A camera in the plate frame: ``X_camera = rotation @ X_plate + translation``; ``centre`` is the camera's place.

    ``rotation``'s rows are the camera's right, down and forward axes in the plate frame; lengths are millimetres.
    """

    rotation: Matrix
    translation: Vector
    centre: Vector


def camera_pose(viewpoint: Viewpoint, geometry: Geometry) -> Pose:
    """The pose of the camera that looks at the target point from ``viewpoint``; defined straight from above, too."""
    orbit = math.radians(-viewpoint.azimuth)
    elevation = math.radians(viewpoint.elevation)
    cos_o, sin_o = math.cos(orbit), math.sin(orbit)
    cos_e, sin_e = math.cos(elevation), math.sin(elevation)
    right = (-sin_o, cos_o, 0.0)
    down = (sin_e * cos_o, sin_e * sin_o, -cos_e)
    forward = (-cos_e * cos_o, -cos_e * sin_o, -sin_e)
    x, y, z = (-geometry.distance * part for part in forward)
    centre = (x, y, z + geometry.target_height)
    rotation = (right, down, forward)
    return Pose(rotation=rotation, translation=_translation(rotation, centre), centre=centre)


def quaternion(rotation: Matrix) -> Quaternion:
    """The unit quaternion of a rotation matrix, w >= 0."""
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = rotation
    # Each candidate is the quaternion times four times one of its parts; the largest part loses the least precision.
    candidates: tuple[Quaternion, ...] = (
        (1 + xx + yy + zz, zy - yz, xz - zx, yx - xy),
        (zy - yz, 1 + xx - yy - zz, xy + yx, xz + zx),
        (xz - zx, xy + yx, 1 - xx + yy - zz, yz + zy),
        (yx - xy, xz + zx, yz + zy, 1 - xx - yy + zz),
    )
    _, best = max((candidate[i], candidate) for i, candidate in enumerate(candidates))
    scale = math.copysign(1 / math.hypot(*best), best[0])
    w, x, y, z = (part * scale for part in best)
    return w, x, y, z


def _translation(rotation: Matrix, centre: Vector) -> Vector:
    x, y, z = (-sum(a * b for a, b in zip(row, centre, strict=True)) for row in rotation)
    return x, y, z
