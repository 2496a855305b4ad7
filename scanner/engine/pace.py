"""How long the rest of a run will take, from predicted motion and measured settling and exposing."""

from __future__ import annotations

from scanner.model import Shot
from scanner.planning import RigLimits, shot_move_time

GUESS = 0.4  # seconds per shot beside motion, until the first one is measured
WEIGHT = 0.2  # of the newest measurement


class Pace:
    """Predicts the seconds left, in seconds of the world."""

    def __init__(self, shots: tuple[Shot, ...], limits: RigLimits) -> None:
        self._speed = limits.speed
        self._rest = GUESS
        self._measured = False
        self._left: dict[int, tuple[int, float]] = {}  # shot index -> shots after it, motion after it
        motion = 0.0
        after: Shot | None = None
        for count, shot in enumerate(reversed(shots)):
            if after is not None:
                motion += shot_move_time(shot.viewpoint, after.viewpoint, limits)
            self._left[shot.index] = (count, motion)
            after = shot
        self._all = (len(shots), motion)

    def took(self, beside_motion: float) -> None:
        """Learn from one shot how long settling and exposing take, rig seconds."""
        weight = WEIGHT if self._measured else 1.0
        self._rest += weight * (beside_motion - self._rest)
        self._measured = True

    def left(self, after_shot: int | None) -> float:
        """Seconds left after ``after_shot`` was saved; None: before the first."""
        shots, motion = self._all if after_shot is None else self._left[after_shot]
        return (motion * self._speed + shots * self._rest) / self._speed
