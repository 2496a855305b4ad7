"""How far and how fast a rig moves."""

from __future__ import annotations

import math

from msgspec import Struct

from scanner.model import CameraInfo, Viewpoint


class Motion(Struct, frozen=True):
    """A trapezoidal motion: deg/s and deg/s^2, both above 0."""

    speed: float
    acceleration: float


class RigLimits(Struct, frozen=True, kw_only=True):
    """What planning must know of a rig.

    ``tilt`` is the range of elevations, None on a rig whose camera stands at ``fixed_elevation``. ``turntable_range``
    None: endless, the shortest way round is taken. ``lights`` None: names of lights are not checked. ``speed``: rig
    seconds per second of the world.
    """

    tilt: tuple[float, float] | None
    fixed_elevation: float | None
    cameras: tuple[CameraInfo, ...]
    turntable: Motion
    tilt_motion: Motion | None
    speed: float = 1.0
    turntable_range: tuple[float, float] | None = None
    lights: tuple[str, ...] | None = None

    @property
    def elevation(self) -> float | None:
        """The only elevation there is; None with a tilt."""
        return None if self.tilt is not None else self.fixed_elevation or 0.0

    @property
    def home(self) -> Viewpoint:
        """Where the axes stand after homing: at zero, or at the end of their range that is nearest to it."""
        lowest, highest = self.turntable_range or (0.0, 0.0)
        azimuth = min(max(0.0, lowest), highest)
        if self.tilt is None:
            return Viewpoint(azimuth, self.fixed_elevation or 0.0)
        return Viewpoint(azimuth, min(max(0.0, self.tilt[0]), self.tilt[1]))


def move_time(distance: float, motion: Motion) -> float:
    """Seconds for ``distance`` degrees from rest to rest: up the ramp, along, down the ramp."""
    way = abs(distance)
    ramps = motion.speed * motion.speed / motion.acceleration  # the way that both ramps take at full speed
    if way < ramps:
        return 2 * math.sqrt(way / motion.acceleration)
    return way / motion.speed + motion.speed / motion.acceleration


def turn(start: float, end: float, limits: RigLimits) -> float:
    """Degrees the turntable turns from ``start`` to ``end``: the shortest way round if it is endless."""
    if limits.turntable_range is not None:
        return end - start
    return (end - start + 180) % 360 - 180


def shot_move_time(start: Viewpoint | None, end: Viewpoint, limits: RigLimits) -> float:
    """Rig seconds from one viewpoint (None: home) to the next; the axes move together."""
    start = limits.home if start is None else start
    around = move_time(turn(start.azimuth, end.azimuth, limits), limits.turntable)
    if limits.tilt_motion is None:
        return around
    return max(around, move_time(end.elevation - start.elevation, limits.tilt_motion))
