"""What is known of a rig without asking its devices to do anything. Pure."""

from __future__ import annotations

from typing import Final

from scanner.errors import InvalidError
from scanner.hardware.api import AxisInfo, Rig
from scanner.model import RigInfo
from scanner.planning import Motion, RigLimits

FURTHEST: Final = 3600.0  # degrees that an endless table is asked to turn to by hand


def limits_of(rig: Rig, speed: float) -> RigLimits:
    """What plans may ask of a rig whose clock runs ``speed`` times as fast as the world."""
    turntable = rig.turntable.info
    tilt = rig.tilt.info if rig.tilt else None
    return RigLimits(
        tilt=(tilt.lowest, tilt.highest) if tilt else None,
        fixed_elevation=None if tilt else rig.fixed_elevation,
        cameras=tuple(camera.info for camera in rig.cameras.values()),
        turntable=Motion(turntable.speed, turntable.acceleration),
        tilt_motion=Motion(tilt.speed, tilt.acceleration) if tilt else None,
        speed=speed,
        turntable_range=None if turntable.endless else (turntable.lowest, turntable.highest),
        lights=tuple(rig.lights),
    )


def described(rig: Rig) -> RigInfo:
    """A rig as it is kept in ``pass.json``."""
    return RigInfo(
        name=rig.name,
        geometry=rig.geometry,
        fixed_elevation=None if rig.tilt else rig.fixed_elevation,
        cameras=tuple(camera.info for camera in rig.cameras.values()),
    )


def check_range(what: str, angle: float | None, info: AxisInfo) -> None:
    """A person's slip is no fault of the rig: it is refused before anything moves. Errors: InvalidError."""
    lowest, highest = (-FURTHEST, FURTHEST) if info.endless else (info.lowest, info.highest)
    if angle is None or lowest <= angle <= highest:
        return
    message = f"must be between {lowest:g} and {highest:g} degrees, got {angle:g}"
    text = f"{what} {message}"
    raise InvalidError(text, errors=[{"path": what, "message": message}])
