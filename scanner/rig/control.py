"""RigControl: the one owner of the rig's devices.

It opens them, knows what they do, moves them by hand, lends them to one pass at a time and stops them in an emergency.
While a pass holds the rig, everybody else may only look and stop.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from scanner.clock import Clock
from scanner.errors import (
    CameraGoneError,
    DeviceNotFoundError,
    HardwareError,
    PositionUnknownError,
    RigBusyError,
    RigMissingError,
)
from scanner.events import EventBus, RigChanged
from scanner.hardware.api import Axis, Camera, Rig
from scanner.model import CameraName, RigInfo, Viewpoint
from scanner.planning import RigLimits
from scanner.rig.facts import check_range, described, limits_of
from scanner.rig.lights import Lights
from scanner.rig.sidebyside import every, together
from scanner.rig.state import LightState, RigPhase, RigState, axis_state

log = logging.getLogger(__name__)


class RigControl:
    """Opens, moves, lends and stops the devices of one rig. All methods run on the loop's thread."""

    def __init__(self, rig: Rig | None, *, clock: Clock, bus: EventBus) -> None:
        self._rig = rig
        self._clock = clock
        self._bus = bus
        self._stack = AsyncExitStack()
        self._phase = RigPhase.MISSING if rig is None else RigPhase.CLOSED
        self._message: str | None = None if rig else "the configuration has no section `rig`"
        self._lights = Lights(rig.lights if rig else {})
        self._opening = asyncio.Lock()
        self._in_use = asyncio.Lock()  # by a pass or by hand
        self._lent = False  # to a pass
        self._fault: HardwareError | None = None
        self._homed_at: str | None = None
        self._on_stop: list[Callable[[], None]] = []

    # ---- looking -------------------------------------------------------------------------------------------------

    @property
    def devices(self) -> Rig:
        """The devices. Errors: RigMissingError without a rig in the configuration."""
        if self._rig is None:
            message = "there is no rig: add a section `rig` to the configuration and restart"
            raise RigMissingError(message)
        return self._rig

    @property
    def phase(self) -> RigPhase:
        """What the rig does now."""
        return self._phase

    def info(self) -> RigState:
        """A snapshot; never fails."""
        rig = self._rig
        return RigState(
            name=rig.name if rig else "",
            state=self._phase,
            message=self._message,
            turntable=axis_state(rig.turntable) if rig else None,
            tilt=axis_state(rig.tilt) if rig and rig.tilt else None,
            fixed_elevation=rig.fixed_elevation if rig and rig.tilt is None else None,
            geometry=rig.geometry if rig else None,
            cameras=tuple(camera.info for camera in rig.cameras.values()) if rig else (),
            lights=tuple(LightState(name=name, level=self._lights.level(name)) for name in rig.lights) if rig else (),
            homed_at=self._homed_at,
        )

    def limits(self) -> RigLimits:
        """What plans may ask of this rig. Errors: RigMissingError."""
        return limits_of(self.devices, self._clock.speed)

    def describe(self) -> RigInfo:
        """The rig as it is kept in ``pass.json``. Errors: RigMissingError."""
        return described(self.devices)

    def measured(self) -> Viewpoint:
        """Where the axes are now. Errors: PositionUnknownError."""
        rig = self.devices
        azimuth = rig.turntable.position
        elevation = rig.tilt.position if rig.tilt else rig.fixed_elevation
        if azimuth is None or elevation is None:
            message = "the position of the rig is unknown: home it"
            raise PositionUnknownError(message)
        return Viewpoint(azimuth % 360.0, elevation)

    def camera(self, name: CameraName) -> Camera:
        """A camera by name. Errors: DeviceNotFoundError, RigMissingError."""
        rig = self.devices
        try:
            return rig.cameras[name]
        except KeyError:
            message = f"the rig has no camera {name!r}; it has {', '.join(rig.cameras)}"
            raise DeviceNotFoundError(message, name=name, known=list(rig.cameras)) from None

    # ---- opening and closing -------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Open every device, or none: one that fails leaves the rig in ``fault`` with the reason, no error here."""
        async with self._opening:
            if self._rig is None or self._phase not in {RigPhase.CLOSED, RigPhase.FAULT}:
                return
            await self._let_go()
            try:
                for device in self._all():
                    await device.open()
                    self._stack.push_async_callback(device.close)
            except HardwareError as error:
                await self._let_go()
                self.report_fault(error)
                return
            self._become(RigPhase.READY)

    async def close(self) -> None:
        """Let every device go, motors released, lights off; idempotent."""
        await self._let_go()
        if self._rig is not None:
            self._become(RigPhase.CLOSED)

    async def _let_go(self) -> None:
        await self._lights.forget()
        await self._stack.aclose()

    async def reopen_camera(self, name: CameraName) -> None:
        """Close and open one camera for the pass that holds the rig.

        If that does not succeed the rig is in ``fault``, so that whoever uses it next opens it anew.
        Errors: DeviceNotFoundError, CameraError.
        """
        camera, done = self.camera(name), False
        try:
            await camera.close()
            await camera.open()
            done = True
            if self._phase is RigPhase.FAULT:  # an earlier attempt failed
                self._become(RigPhase.SCANNING)
        finally:
            if not done:
                self.report_fault(
                    CameraGoneError(f"camera {name} could not be restarted: check its cable", camera=name)
                )

    def _all(self) -> list[Axis | Camera]:
        rig = self.devices
        axes: list[Axis | Camera] = [rig.turntable, *([rig.tilt] if rig.tilt else [])]
        return [*axes, *rig.cameras.values(), *rig.lights.values()]  # type: ignore[list-item] # only open and close

    def report_fault(self, error: HardwareError) -> None:
        """Remember that a device failed, until the rig is opened anew. Said here unless a pass holds the rig: then
        its job says it.
        """
        if not self._lent and self._message != error.message:
            log.error("rig fault: %s", error.message)
        self._become(RigPhase.FAULT, error.message)
        self._fault = error

    # ---- moving by hand ------------------------------------------------------------------------------------------

    async def home(self) -> None:
        """Find the reference position of every axis. Errors: RigBusyError, HardwareError."""
        async with self._by_hand():
            await self.home_axes()

    async def move(self, azimuth: float | None, elevation: float | None) -> None:
        """Move axes together. Errors: InvalidError (out of range), RigBusyError, DeviceNotFoundError (no tilt),
        AxisError.
        """
        rig = self.devices
        if elevation is not None and rig.tilt is None:
            message = f"this rig has no tilt; its camera stands at {rig.fixed_elevation} degrees"
            raise DeviceNotFoundError(message, name="tilt")
        check_range("azimuth", azimuth, rig.turntable.info)
        if rig.tilt is not None:
            check_range("elevation", elevation, rig.tilt.info)
        async with self._by_hand():
            await self.move_axes(azimuth, elevation)

    async def light(self, name: str, level: float) -> None:
        """Set one light. Errors: RigBusyError, DeviceNotFoundError, LightError."""
        if name not in self.devices.lights:
            message = f"the rig has no light {name!r}; it has {', '.join(self.devices.lights) or 'none'}"
            raise DeviceNotFoundError(message, name=name)
        async with self._alone():
            self._lights.stopped = False
            self._lights.by_person[name] = level
            await self._idle_light()
            if self._phase is RigPhase.READY:  # else the fault was announced
                self._tell()

    async def watch(self, watched: bool) -> None:  # noqa: FBT001 - a state, not an option
        """Somebody looks at the preview, or nobody any more: the lights follow while the rig is idle, as a modelling
        lamp.
        """
        self._lights.watched = watched
        if self._phase in {RigPhase.READY, RigPhase.FAULT}:
            await self._idle_light()

    async def _idle_light(self) -> None:
        try:
            await self._lights.idle(usable=self._phase is RigPhase.READY)
        except HardwareError as error:
            self.report_fault(error)

    @asynccontextmanager
    async def _by_hand(self) -> AsyncIterator[None]:
        async with self._alone():
            self._lights.stopped = False
            self._become(RigPhase.MOVING)
            try:
                yield
            except PositionUnknownError:  # not homed yet, or stopped: no device is broken
                raise
            except HardwareError as error:
                self.report_fault(error)
                raise
            finally:
                if self._phase is RigPhase.MOVING:
                    self._become(RigPhase.READY)
                await self._idle_light()

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        if self._in_use.locked():
            scanning = self._phase is RigPhase.SCANNING
            message = "a scan uses the rig: pause it first" if scanning else "the rig is moving"
            raise RigBusyError(message, state=self._phase.value)
        async with self._in_use:
            await self._make_usable()
            yield

    async def _make_usable(self) -> None:
        """Open a rig that is closed or has failed. Errors: RigMissingError, the fault."""
        if self._phase in {RigPhase.FAULT, RigPhase.CLOSED}:
            await self.open()
        self._require_open()

    def _require_open(self) -> None:
        if self._fault is not None:
            raise self._fault
        if self._phase in {RigPhase.FAULT, RigPhase.CLOSED, RigPhase.MISSING}:
            raise RigMissingError(self._message or "the rig is closed")

    # ---- for the pass that holds the rig, and for moving by hand ---------------------------------------------------

    @asynccontextmanager
    async def lease(self) -> AsyncIterator[Rig]:
        """Lend the rig to one pass, once nobody moves it by hand. At the end, however it ends: axes still, lights off.

        Errors: RigMissingError, or the fault of the device that cannot be opened.
        """
        async with self._in_use:
            await self._make_usable()
            self._lights.by_person.clear()
            self._become(RigPhase.SCANNING)
            self._lent = True
            try:
                yield self.devices
            finally:
                self._lent = False
                if self.phase is RigPhase.SCANNING:
                    self._become(RigPhase.READY)
                await self._idle_light()

    async def home_axes(self, *, only_unknown: bool = False) -> None:
        """Home all axes together, or those whose position is unknown. One that fails stops the others."""
        axes = [axis for axis in self._axes() if axis.position is None or not only_unknown]
        async with together() as group:
            for axis in axes:
                group.create_task(axis.home())
        if axes:
            self._homed_at = self._clock.now().isoformat(timespec="seconds")
            self._tell()

    async def move_axes(self, azimuth: float | None, elevation: float | None) -> None:
        """Move the axes together and return when both stand. One that fails stops the other."""
        rig = self.devices
        async with together() as group:
            if azimuth is not None:
                group.create_task(rig.turntable.move_to(azimuth))
            if elevation is not None and rig.tilt is not None:
                group.create_task(rig.tilt.move_to(elevation))
        self._tell()

    async def set_lights(self, levels: Mapping[str, float]) -> None:
        """Set lights by name: the pass begins to use the rig. Errors: LightError."""
        self._lights.stopped = False
        await self._lights.set(levels)

    def on_stop(self, callback: Callable[[], None]) -> None:
        """Have ``callback`` called, at once and before the motors, whenever somebody presses Stop."""
        self._on_stop.append(callback)

    async def stop(self) -> None:
        """Emergency: motors and lights off at once; positions are unknown afterwards. Works in every state.

        Everything is tried, whatever fails. Errors: HardwareError, the first.
        """
        for callback in self._on_stop:
            callback()
        if self._rig is None:
            return
        log.warning("stop: motors and light off")
        try:
            await every([*(axis.stop() for axis in self._axes()), self._lights.stop()])
        except HardwareError as error:
            self.report_fault(error)
            raise
        finally:
            self._tell()

    def _axes(self) -> list[Axis]:
        rig = self.devices
        return [rig.turntable, *([rig.tilt] if rig.tilt else [])]

    def _become(self, phase: RigPhase, message: str | None = None) -> None:
        if self._fault is not None and phase is RigPhase.READY:
            log.info("the rig works again")
        if phase is not RigPhase.FAULT:
            self._fault = None
        self._phase, self._message = phase, message
        self._tell()

    def _tell(self) -> None:
        rig = self._rig
        self._bus.publish(
            RigChanged(
                turntable=rig.turntable.position if rig else None,
                tilt=rig.tilt.position if rig and rig.tilt else None,
                state=self._phase.value,
            )
        )
