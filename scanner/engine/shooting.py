"""Move, settle, expose: the part of a run that holds the motors. The retry policy lives here and nowhere else.

A camera that times out is restarted and tried again, up to three times; then the shot has failed and the run pauses
on it. An axis that fails is never tried again: its position is unknown, only homing may move it.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Final

from scanner.clock import Clock
from scanner.engine.handover import HandOver, Taken
from scanner.engine.orders import Orders
from scanner.engine.staging import held, prepare
from scanner.engine.steps import deadline
from scanner.errors import AxisStuckError, CameraError, CameraTimeoutError, HardwareError
from scanner.hardware.api import PreviewFrame
from scanner.model import CameraName, Exposure, LockedSettings, Shot
from scanner.planning import RigLimits, shot_move_time
from scanner.quality import stillness
from scanner.rig import RigControl
from scanner.spec import PassSpec

log = logging.getLogger(__name__)

ATTEMPTS: Final = 3  # exposures per shot, the camera restarted in between
RESTARTING: Final = 20.0  # rig seconds
STEP_GRACE: Final = 10.0  # real seconds a step may take beyond what was predicted
SETTLE_AT_LEAST: Final = 0.1
SETTLE_AT_MOST: Final = 3.0
SETTLE_BLIND: Final = 1.0  # seconds, where settling cannot be watched
LONG_EXPOSURE_US: Final = 500_000
STILL: Final = 1.25  # a picture that differs less than this times its noise stands still

Report = Callable[[str, Shot], None]  # phase, shot


class Shooter:
    """Takes the shots of one run, in the order of the plan, and hands them over."""

    def __init__(
        self, *, rig: RigControl, clock: Clock, spec: PassSpec, locked: dict[CameraName, LockedSettings], report: Report
    ) -> None:
        self._rig = rig
        self._clock = clock
        self._spec = spec
        self._locked = locked
        self._report = report
        self._limits: RigLimits = rig.limits()
        self._noise: dict[CameraName, float] = {}
        self.shot: Shot | None = None  # the shot at work: where a fault stops the run

    async def shoot(self, shots: tuple[Shot, ...], line: HandOver, orders: Orders, held_up: Callable[[], bool]) -> None:
        """Take ``shots`` until done, ordered to stop, or held up by a guard. Errors: HardwareError, with
        ``self.shot`` the shot it struck.
        """
        for shot in shots:
            self.shot = shot
            locked = self._locked[shot.camera]
            size = locked.width * locked.height * 3 // 2
            await line.reserve(size)
            if (
                orders.order is not None or held_up()
            ):  # the checkpoint: nothing is awaited between this look and the return
                return
            line.put(await self._take(shot))
        self.shot = None

    async def _take(self, shot: Shot) -> Taken:
        self._report("move", shot)
        await self._move(shot)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await self._settle_and_expose(shot)
            except CameraError as error:
                if attempt == ATTEMPTS:
                    raise
                log.warning("camera %s: %s; restarting it, attempt %d", shot.camera, error.message, attempt + 1)
                await self._restart(shot.camera)
        raise AssertionError(ATTEMPTS)

    async def _settle_and_expose(self, shot: Shot) -> Taken:
        self._report("settle", shot)
        began = self._clock.monotonic()
        await self._settle(shot)
        exposing = self._clock.monotonic()
        self._report("expose", shot)
        exposure = await self._capture(shot)
        return Taken(
            shot=shot,
            exposure=exposure,
            measured=self._rig.measured(),
            settle_s=round(exposing - began, 4),
            capture_s=round(self._clock.monotonic() - exposing, 4),
        )

    async def _move(self, shot: Shot) -> None:
        target = shot.viewpoint
        predicted = shot_move_time(self._rig.measured(), target, self._limits)
        overdue = AxisStuckError(
            f"the rig did not reach {target.azimuth:.1f} degrees in time: check motor and coupling"
        )
        async with self._deadline(predicted, overdue):
            await self._rig.move_axes(target.azimuth, target.elevation if self._rig.devices.tilt else None)

    async def _settle(self, shot: Shot) -> None:
        if self.by_sight(shot.camera):
            await self._settle_by_sight(shot.camera)
        elif self._spec.settle == "auto":
            await self._clock.sleep(SETTLE_BLIND)
        else:
            await self._clock.sleep(self._spec.settle)

    def by_sight(self, name: CameraName) -> bool:
        """Whether settling is watched. Not with long exposures: a live picture then takes longer than settling does."""
        return self._spec.settle == "auto" and self._locked[name].exposure_us <= LONG_EXPOSURE_US

    async def _settle_by_sight(self, name: CameraName) -> None:
        """Wait until two live pictures differ by no more than their noise, measured once while the rig stood."""
        await self._clock.sleep(SETTLE_AT_LEAST)
        until = self._clock.monotonic() + SETTLE_AT_MOST
        async with aclosing(self._frames(name)) as frames:
            last = await anext(frames)
            async for frame in frames:
                difference = stillness(last, frame)
                if difference <= self._noise.get(name, 0.0) * STILL or self._clock.monotonic() >= until:
                    return
                last = frame

    async def measure_noise(self, name: CameraName) -> None:
        """Learn how much two pictures of a resting scene differ."""
        async with aclosing(self._frames(name)) as frames:
            first, second = await anext(frames), await anext(frames)
        self._noise[name] = stillness(first, second)

    async def _frames(self, name: CameraName) -> AsyncGenerator[PreviewFrame, None]:
        async with aclosing(self._rig.camera(name).preview()) as preview:
            while True:
                silent = CameraTimeoutError(f"camera {name} shows no live picture: check its cable")
                async with self._deadline(1.0, silent):
                    frame = await anext(preview)
                yield frame

    async def _capture(self, shot: Shot) -> Exposure:
        overdue = CameraTimeoutError(f"camera {shot.camera} gave no picture in time: check its cable")
        exposure_s = self._locked[shot.camera].exposure_us / 1e6
        async with self._deadline(exposure_s * 2**shot.ev, overdue):
            return await self._rig.camera(shot.camera).capture(ev=shot.ev, focus=shot.focus)

    async def _restart(self, name: CameraName) -> None:
        """Close and open the camera; one that fails at that is tried again by the next attempt."""
        silent = CameraTimeoutError(f"camera {name} could not be restarted in time: check its cable")
        try:
            async with self._deadline(RESTARTING, silent):
                await self._rig.reopen_camera(name)
            await prepare(self._rig, name, held(self._spec.camera, self._locked[name]))
        except CameraError as error:
            log.debug("camera %s: %s", name, error.message)  # the next attempt says it

    def _deadline(self, predicted: float, error: HardwareError) -> AbstractAsyncContextManager[None]:
        """``predicted``: rig seconds that the step should take."""
        return deadline(2 * predicted / self._clock.speed + STEP_GRACE, error)
