"""The rig as people see it: what it does, where it stands."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from scanner.hardware.api import Axis
from scanner.model import CameraInfo, Geometry


class RigPhase(StrEnum):
    """What the rig does."""

    MISSING = "missing"  # the configuration has none
    CLOSED = "closed"
    FAULT = "fault"  # could not be opened, or a device failed
    READY = "ready"
    MOVING = "moving"
    SCANNING = "scanning"


class AxisState(Struct, frozen=True, kw_only=True):
    """An axis for people: where it is (None: unknown until homed) and how far it goes."""

    name: str
    driver: str
    position: float | None
    lowest: float
    highest: float
    endless: bool
    speed: float
    acceleration: float


class LightState(Struct, frozen=True, kw_only=True):
    """A light for people."""

    name: str
    level: float


class RigState(Struct, frozen=True, kw_only=True):
    """A snapshot of the rig for page and command line."""

    name: str
    state: RigPhase
    message: str | None
    turntable: AxisState | None
    tilt: AxisState | None
    fixed_elevation: float | None
    geometry: Geometry | None
    cameras: tuple[CameraInfo, ...]
    lights: tuple[LightState, ...]
    homed_at: str | None


def axis_state(axis: Axis) -> AxisState:
    """An axis as it now is."""
    info = axis.info
    return AxisState(
        name=info.name,
        driver=info.driver,
        position=axis.position,
        lowest=info.lowest,
        highest=info.highest,
        endless=info.endless,
        speed=info.speed,
        acceleration=info.acceleration,
    )
