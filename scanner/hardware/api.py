"""What the engine needs of devices: protocols of at most five methods, none optional, and the Rig that holds the
devices.

Drivers raise only :class:`scanner.errors.HardwareError` subclasses, ``from`` the cause. ``close`` is idempotent and
leaves the device safe (motor released, light off). Opening twice raises :class:`scanner.errors.DeviceBusyError`. The
engine never asks what driver it has: there is no ``isinstance`` on devices.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Protocol

from msgspec import Struct, field

from scanner.model import CameraInfo, CameraName, Exposure, Geometry, LockedSettings
from scanner.spec import CameraSettings


class AxisInfo(Struct, frozen=True, kw_only=True):
    """An axis's limits in degrees and its motion (deg/s, deg/s^2, trapezoidal). ``endless``: any angle, the
    shortest way round is taken.
    """

    name: str
    lowest: float
    highest: float
    endless: bool
    speed: float
    acceleration: float
    driver: str


class PreviewFrame(Struct, frozen=True, kw_only=True):
    """One small live picture, planar I420 as in :class:`scanner.model.Exposure`; ``number`` counts the frames of
    this camera.
    """

    camera: CameraName
    width: int
    height: int
    yuv: bytes
    number: int


class Camera(Protocol):
    """A camera. ``capture`` and ``preview`` may be used at the same time; ``capture`` goes first."""

    @property
    def info(self) -> CameraInfo: ...

    async def open(self) -> None:
        """Take hold of the camera. Errors: DeviceBusyError, CameraGoneError."""

    async def prepare(self, settings: CameraSettings) -> LockedSettings:
        """Set size and converge exposure, white balance and focus once, then hold them. Errors: CameraError,
        SpecError (a size it cannot give).
        """

    async def capture(self, *, ev: float = 0.0, focus: float | None = None) -> Exposure:
        """Take a picture that is exposed wholly after this call began. Errors: CameraTimeoutError, CameraGoneError."""

    def preview(self) -> AsyncGenerator[PreviewFrame, None]:
        """Endless live frames at the driver's own pace; closing the iterator stops the work. Errors as ``capture``."""

    async def close(self) -> None:
        """Let go; idempotent."""


class Axis(Protocol):
    """A turntable or a tilt."""

    @property
    def info(self) -> AxisInfo: ...

    @property
    def position(self) -> float | None:
        """The angle as far as the driver knows, degrees; None while unknown (before homing, after a fault or an
        emergency stop).
        """

    async def open(self) -> None:
        """Take hold of the motor. Errors: DeviceBusyError, AxisError."""

    async def home(self) -> None:
        """Find the reference position. Afterwards ``position`` is known. Errors: AxisError."""

    async def move_to(self, angle: float) -> None:
        """Move to an absolute angle and return when the motion is over (settling comes after). Cancelling stops the
        motor at once.

        Errors: PositionUnknownError before homing, AxisLimitError out of range, AxisStuckError.
        """

    async def stop(self) -> None:
        """Emergency: motor off at once, whatever runs; a running ``move_to`` raises PositionUnknownError and the
        position is unknown.
        """

    async def close(self) -> None:
        """Let go; motor released; idempotent."""


class Light(Protocol):
    """A light."""

    @property
    def name(self) -> str: ...

    async def open(self) -> None:
        """Take hold of the light. Errors: DeviceBusyError, LightError."""

    async def set(self, level: float) -> None:
        """Brightness 0 to 1. Errors: LightError."""

    async def close(self) -> None:
        """Off, and let go; idempotent."""


class Rig(Struct, frozen=True, kw_only=True):
    """The devices together. ``tilt`` None: the camera stands at ``fixed_elevation``."""

    name: str
    turntable: Axis
    tilt: Axis | None
    cameras: Mapping[CameraName, Camera]
    lights: Mapping[str, Light]
    geometry: Geometry | None
    fixed_elevation: float = 20.0
    drivers: Mapping[str, str] = field(default_factory=dict)  # device -> driver name, for people
