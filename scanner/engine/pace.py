"""How long shots take beside motion, learned while working, and how long the rest of a run will take."""

from __future__ import annotations

from dataclasses import dataclass

from scanner.model import Shot
from scanner.planning import RigLimits, shot_move_time

WEIGHT = 0.2  # of the newest measurement


@dataclass(slots=True)
class Habits:
    """What a shot takes beside motion on this rig, in its seconds: a guess at first, then a running mean of what was
    measured from photo to photo, so that everything is in it.
    """

    rest: float
    measured: bool = False

    def took(self, rest: float) -> None:
        """Learn from one shot; the first one replaces the guess."""
        self.rest += (WEIGHT if self.measured else 1.0) * (rest - self.rest)
        self.measured = True


class Pace:
    """Predicts the seconds left of one run, in seconds of the world."""

    def __init__(self, shots: tuple[Shot, ...], limits: RigLimits, habits: Habits) -> None:
        self._speed = limits.speed
        self._habits = habits
        self._left: dict[int, tuple[int, float]] = {}  # shot index -> shots after it, world seconds of motion after it
        self._last: tuple[int, float] | None = None  # the photo before, and when it was saved
        motion = 0.0
        after: Shot | None = None
        for count, shot in enumerate(reversed(shots)):
            if after is not None:
                motion += shot_move_time(shot.viewpoint, after.viewpoint, limits) / limits.speed
            self._left[shot.index] = (count, motion)
            after = shot

    def saved(self, shot: int, now: float) -> None:
        """The photo of ``shot`` is saved, at ``now`` seconds of the world: learn from the time since the one before."""
        if self._last is not None:
            before, then = self._last
            motion = self._left[before][1] - self._left[shot][1]
            self._habits.took(max(now - then - motion, 0.0) * self._speed)
        self._last = (shot, now)

    def left(self, after_shot: int) -> float:
        """Seconds left after ``after_shot`` was saved."""
        shots, motion = self._left[after_shot]
        return motion + shots * self._habits.rest / self._speed


def whole(shots: tuple[Shot, ...], limits: RigLimits, habits: Habits) -> float:
    """Seconds of the world that a whole pass takes."""
    if not shots:
        return 0.0
    return Pace(shots, limits, habits).left(shots[0].index) + habits.rest / limits.speed
