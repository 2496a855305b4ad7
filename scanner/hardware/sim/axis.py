"""The simulated turntable and tilt: a driver's knowledge on one side, the true angle on the other."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass

from scanner.clock import Clock
from scanner.errors import AxisError, AxisLimitError, AxisStuckError, DeviceBusyError, PositionUnknownError
from scanner.hardware.api import AxisInfo
from scanner.hardware.sim.faults import Faults
from scanner.hardware.sim.motion import Ramp, Swing, Track

HOMING_SPEED = 0.5  # of the axis's speed
HOMING_LIMIT = 400.0  # degrees after which a switch that was not found is given up
TAKE_UP = 1.0  # degrees beyond the play by which an approach from one side overshoots
NEARLY = 1e-6  # degrees by which arithmetic may miss a limit or the zero


@dataclass(frozen=True, slots=True, kw_only=True)
class Mechanics:
    """What an axis is really like: ``start`` is its true angle at power-on, ``approach`` the side from which it reaches
    every target (1 from below, -1 from above, 0 the short way), degrees.
    """

    start: float
    swing: Swing
    backlash: float = 0.0
    approach: int = 0


class SimAxis:
    """A simulated axis with the contract of :class:`scanner.hardware.api.Axis`."""

    def __init__(self, info: AxisInfo, mechanics: Mechanics, *, clock: Clock, faults: Faults) -> None:
        self.info = info
        self._mechanics = mechanics
        self._clock = clock
        self._faults = faults
        self._track = Track.at_rest(mechanics.start, mechanics.swing, mechanics.backlash)
        self._open = False
        self._known = False
        self._moving = False
        self._waiting: asyncio.Task[None] | None = None

    def true_angle(self, moment: float) -> float:
        """Where the axis really stands at ``moment`` of the monotonic clock, degrees, not reduced to one turn."""
        return self._track.angle(moment)

    @property
    def position(self) -> float | None:
        if not self._known:
            return None
        return self._reduced(self._motor())

    async def open(self) -> None:
        if self._open:
            msg = f"The {self.info.name} is in use already: this program has it and asks again."
            raise DeviceBusyError(msg, device=self.info.name)
        self._open = True

    async def home(self) -> None:
        self._begin()
        try:
            self._known = False
            await self._seek()
            self._known = True
        finally:
            self._moving = False

    async def move_to(self, angle: float) -> None:
        target = self._target(angle)
        self._begin()
        try:
            limit, slip = self._faults.take_limit_hit(), self._faults.take_slip(self.info.name)
            for stage in self._stages(target):
                await self._drive(stage, self.info.speed, slip=slip, limit=limit)
                slip = 0.0
        finally:
            self._moving = False

    async def stop(self) -> None:
        self._known = False
        self._track = self._track.cut(self._clock.monotonic())
        if self._waiting is not None:
            self._waiting.cancel()

    async def close(self) -> None:
        if self._open:
            await self.stop()
            self._open = False

    def _begin(self) -> None:
        if not self._open:
            msg = f"The {self.info.name} is not open."
            raise AxisError(msg, device=self.info.name)
        if self._moving:
            msg = f"The {self.info.name} is in use already: it moves for another caller."
            raise DeviceBusyError(msg, device=self.info.name)
        self._moving = True

    def _target(self, angle: float) -> float:
        """The motor's count for an angle, exact over any number of moves; on an endless axis the nearest turn."""
        if not self._known:
            raise _lost(self.info.name, "must be homed before it can move to an angle")
        if self.info.endless:
            return angle + 360.0 * round((self._motor() - angle) / 360.0)
        if not self.info.lowest <= angle <= self.info.highest:
            reach = f"{self.info.lowest:g} to {self.info.highest:g}"
            msg = f"The {self.info.name} cannot move to {angle:g} degrees: it reaches from {reach}."
            raise AxisLimitError(msg, device=self.info.name, angle=angle)
        return angle

    def _stages(self, target: float) -> tuple[float, ...]:
        """The way to ``target``: straight, or past it and back if it must be approached from the other side."""
        side = self._mechanics.approach
        if side == 0 or (target - self._motor()) * side >= 0:
            return (target,)
        beyond = target - side * (self._mechanics.backlash + TAKE_UP)
        if not self.info.endless:
            beyond = min(max(beyond, self.info.lowest), self.info.highest)
        return (beyond, target)

    async def _drive(self, target: float, speed: float, *, slip: float = 0.0, limit: bool = False) -> None:
        """Run the motor to its count ``target``; raise what hinders it."""
        name, origin = self.info.name, self._motor()
        if target == origin:
            return
        stuck = self._faults.stuck(name)
        ratio = 0.0 if stuck else self._faults.ratio(name)
        ramp = Ramp(
            start=self._clock.monotonic(),
            origin=origin,
            target=target,
            speed=speed,
            acceleration=self.info.acceleration,
        )
        self._track = self._track.go(ramp, ratio=ratio, slip=slip)
        await self._until(ramp.start + ramp.duration * (0.5 if limit else 1.0))
        if limit or stuck:
            self._known = False
            self._track = self._track.cut(self._clock.monotonic())
        if limit:
            msg = (
                f"The {name} ran into a limit switch on its way to {self._reduced(target):g} degrees: free it, home it."
            )
            raise AxisLimitError(msg, device=name, angle=target)
        if stuck:
            msg = f"The {name} did not reach {self._reduced(target):g} degrees: it is stuck. Free it and home it."
            raise AxisStuckError(msg, device=name, angle=target)

    async def _seek(self) -> None:
        """Drive to the switch at the true zero (an endless axis, upwards) or at the lower limit."""
        way = self._way_to_switch()
        speed = self.info.speed * HOMING_SPEED
        if abs(way) > HOMING_LIMIT:
            await self._drive(self._motor() + HOMING_LIMIT, speed)
            msg = f"The {self.info.name} found no reference switch in {HOMING_LIMIT:g} degrees. Check its coupling."
            raise AxisStuckError(msg, device=self.info.name)
        await self._drive(self._motor() + way, speed)
        self._track = self._track.recount(self._clock.monotonic(), 0.0 if self.info.endless else self.info.lowest)

    def _way_to_switch(self) -> float:
        """Commanded degrees to go until the switch is reached, the play of the gear taken up first."""
        leg, moment = self._track.legs[-1], self._clock.monotonic()
        ratio, true = self._faults.ratio(self.info.name), leg.resting(moment)
        way = (-true * math.copysign(1.0, ratio)) % 360.0 if self.info.endless else self.info.lowest - true
        if abs(way) < NEARLY or way > 360.0 - NEARLY:
            return 0.0
        play = leg.geared_at(moment) - leg.ramp.angle(moment)
        return way / max(abs(ratio), NEARLY) + (play if way > 0 else play - leg.backlash)

    async def _until(self, moment: float) -> None:
        """Wait for ``moment`` of the clock.

        Cancelled: the motor stops at once. Stopped from elsewhere: PositionUnknownError.
        """
        self._waiting = asyncio.create_task(self._wait(moment))
        try:
            await asyncio.wait((self._waiting,))
        except asyncio.CancelledError:
            self._track = self._track.cut(self._clock.monotonic())
            self._waiting.cancel()
            await asyncio.wait((self._waiting,))
            raise
        if self._waiting.cancelled():
            raise _lost(self.info.name, "was stopped while it moved; home it")
        self._waiting.result()

    async def _wait(self, moment: float) -> None:
        while (left := moment - self._clock.monotonic()) > 0:
            await self._clock.sleep(left)

    def _motor(self) -> float:
        """The driver's count now."""
        return self._track.legs[-1].ramp.angle(self._clock.monotonic())

    def _reduced(self, motor: float) -> float:
        if not self.info.endless:
            return motor
        return motor % 360.0 % 360.0  # twice: -1e-17 % 360 is 360


def _lost(axis: str, what: str) -> PositionUnknownError:
    msg = f"The {axis} {what}: its position is unknown."
    return PositionUnknownError(msg, device=axis)
