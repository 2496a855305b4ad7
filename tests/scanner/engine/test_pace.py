"""What is left is predicted motion and measured rest."""

import pytest

from scanner.engine.pace import Habits, Pace
from scanner.model import CameraName, Shot, Viewpoint
from scanner.planning import Motion, RigLimits, shot_move_time


def limits(speed: float) -> RigLimits:
    return RigLimits(
        tilt=(0.0, 80.0),
        fixed_elevation=None,
        cameras=(),
        turntable=Motion(60.0, 120.0),
        tilt_motion=Motion(30.0, 60.0),
        speed=speed,
    )


SHOTS = tuple(
    Shot(index=index, viewpoint=Viewpoint(15.0 * index, 20.0), camera=CameraName("main")) for index in range(1, 5)
)


@pytest.mark.parametrize("speed", [1.0, 5.0])
def test_it_counts_down_to_nothing_in_seconds_of_the_world(speed):
    pace = Pace(SHOTS, limits(speed), Habits(settle=0.7, exposure=0.3))
    step = shot_move_time(SHOTS[0].viewpoint, SHOTS[1].viewpoint, limits(speed))
    assert [pace.left(shot.index) for shot in SHOTS] == pytest.approx(
        [3 * step + 3 / speed, 2 * step + 2 / speed, step + 1 / speed, 0.0]
    )


def test_habits_are_learned_at_once_and_then_slowly():
    habits = Habits(settle=0.3)
    habits.took(1.0, 0.5)
    assert (habits.settle, habits.exposure, habits.rest) == (1.0, 0.5, 1.5)
    habits.took(2.0, 0.5)
    assert habits.settle == pytest.approx(1.2)


def test_what_was_learned_counts_at_once():
    habits = Habits(settle=0.0, exposure=0.0)
    pace = Pace(SHOTS, limits(1.0), habits)
    before = pace.left(1)
    habits.took(1.0, 1.0)
    assert pace.left(1) == pytest.approx(before + 3 * 2.0)
