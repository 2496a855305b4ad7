"""Motion as pure functions of time: what the motor does, what the gear makes of it, how the plate swings after it.

Degrees and seconds of the clock. A :class:`Ramp` is what the motor was told; a :class:`Leg` is a ramp with what really
follows from it; a :class:`Track` is the history of legs, from which the true angle at any instant of the near past or
future is read.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

SLOWEST = 1e-9  # degrees; shorter ways are none


@dataclass(frozen=True, slots=True, kw_only=True)
class Ramp:
    """A trapezoidal move from rest to rest: even acceleration, even speed, even braking.

    ``cut`` is when the motor was switched off.
    """

    start: float
    origin: float
    target: float
    speed: float
    acceleration: float
    cut: float = math.inf

    @property
    def distance(self) -> float:
        return abs(self.target - self.origin)

    @property
    def direction(self) -> float:
        """1 upwards, -1 downwards."""
        return math.copysign(1.0, self.target - self.origin)

    @property
    def peak(self) -> float:
        """The highest speed reached; short ways never reach ``speed``."""
        return min(self.speed, math.sqrt(self.acceleration * self.distance))

    @property
    def duration(self) -> float:
        """Seconds from start to rest, had it not been cut."""
        return self.distance / self.peak + self.peak / self.acceleration if self.distance > SLOWEST else 0.0

    @property
    def end(self) -> float:
        """When the motor stands."""
        return min(self.start + self.duration, max(self.cut, self.start))

    def angle(self, moment: float) -> float:
        """Where the motor is."""
        past, duration = min(moment, self.cut) - self.start, self.duration
        if past <= 0:
            return self.origin
        if past >= duration:
            return self.target
        return self.origin + self.direction * self._way(past, duration)

    def _way(self, past: float, duration: float) -> float:
        rise = self.peak / self.acceleration
        if past < rise:
            return self.acceleration * past * past / 2
        if past <= duration - rise:
            return self.peak * (past - rise / 2)
        return self.distance - self.acceleration * (duration - past) ** 2 / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Swing:
    """A damped oscillation after a stop: ``amplitude`` degrees after a stop from full speed, dying away with the time
    constant ``decay``.
    """

    amplitude: float
    frequency: float
    decay: float

    def angle(self, since: float, strength: float) -> float:
        """Degrees off, ``since`` seconds after the stop."""
        if since <= 0:
            return 0.0
        return self.amplitude * strength * math.exp(-since / self.decay) * math.sin(math.tau * self.frequency * since)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One ramp and what really follows from it.

    ``geared`` and ``true`` are the angles behind the gear, in commanded and in real degrees, as the leg begins. The
    gear has ``backlash`` degrees of play: pushed upwards the plate stands where the motor says, pushed downwards that
    much higher. ``ratio`` is real degrees per commanded degree; ``slip`` is lost evenly over the way.
    """

    ramp: Ramp
    geared: float
    true: float
    backlash: float
    swing: Swing
    ratio: float = 1.0
    slip: float = 0.0

    def geared_at(self, moment: float) -> float:
        """Behind the play, in commanded degrees."""
        motor = self.ramp.angle(moment)
        if self.ramp.direction > 0:
            return max(self.geared, motor)
        return min(self.geared, motor + self.backlash)

    def resting(self, moment: float) -> float:
        """The real angle without the swing."""
        share = abs(self.ramp.angle(moment) - self.ramp.origin) / max(self.ramp.distance, SLOWEST)
        return self.true + self.ratio * (self.geared_at(moment) - self.geared) + self.slip * share

    def swing_at(self, moment: float) -> float:
        """How far the plate swings off its resting angle, degrees; nothing before the end of the ramp."""
        if self.ratio == 0.0 or self.ramp.distance <= SLOWEST:
            return 0.0
        strength = self.ramp.direction * self.ramp.peak / self.ramp.speed
        return self.swing.angle(moment - self.ramp.end, strength)


@dataclass(frozen=True, slots=True)
class Track:
    """The last legs of an axis, oldest first. Immutable: a camera's thread may read it while the axis goes on."""

    legs: tuple[Leg, ...]

    KEPT = 6  # legs; swings of older ones have died away

    @classmethod
    def at_rest(cls, true: float, swing: Swing, backlash: float) -> Track:
        """An axis that has always stood at ``true``; its motor counts from 0."""
        ramp = Ramp(start=-math.inf, origin=0.0, target=0.0, speed=1.0, acceleration=1.0)
        return cls((Leg(ramp=ramp, geared=0.0, true=true, backlash=backlash, swing=swing),))

    def angle(self, moment: float) -> float:
        """The true angle, swing included."""
        leg = next((leg for leg in reversed(self.legs) if leg.ramp.start <= moment), self.legs[0])
        return leg.resting(moment) + sum(each.swing_at(moment) for each in self.legs)

    def go(self, ramp: Ramp, *, ratio: float, slip: float) -> Track:
        """The track with one more leg, which begins where the last one has come to by then."""
        last = self.legs[-1]
        leg = replace(
            last, ramp=ramp, geared=last.geared_at(ramp.start), true=last.resting(ramp.start), ratio=ratio, slip=slip
        )
        return Track((*self.legs, leg)[-self.KEPT :])

    def recount(self, moment: float, motor: float) -> Track:
        """The track with the motor's count set to ``motor`` where it stands now, the play pushed upwards (as homing
        leaves it).
        """
        last = self.legs[-1]
        still = Ramp(start=moment, origin=motor, target=motor, speed=1.0, acceleration=1.0)
        leg = replace(last, ramp=still, geared=motor, true=last.resting(moment), ratio=1.0, slip=0.0)
        return Track((*self.legs, leg)[-self.KEPT :])

    def cut(self, moment: float) -> Track:
        """The track with the motor switched off at ``moment``."""
        last = self.legs[-1]
        return Track((*self.legs[:-1], replace(last, ramp=replace(last.ramp, cut=moment))))
