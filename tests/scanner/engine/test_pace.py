"""What is left is predicted motion and measured rest."""

import pytest

from scanner.engine.pace import Habits, Pace, whole
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
    pace = Pace(SHOTS, limits(speed), Habits(rest=1.0))
    step = shot_move_time(SHOTS[0].viewpoint, SHOTS[1].viewpoint, limits(speed)) / speed
    assert [pace.left(shot.index) for shot in SHOTS] == pytest.approx(
        [3 * step + 3 / speed, 2 * step + 2 / speed, step + 1 / speed, 0.0]
    )
    assert whole(SHOTS, limits(speed), Habits(rest=1.0)) == pytest.approx(3 * step + 4 / speed)
    assert whole((), limits(speed), Habits(rest=1.0)) == 0.0


def test_habits_are_learned_at_once_and_then_slowly():
    habits = Habits(rest=0.3)
    habits.took(1.0)
    assert habits.rest == 1.0
    habits.took(2.0)
    assert habits.rest == pytest.approx(1.2)


@pytest.mark.parametrize("speed", [1.0, 1000.0])
def test_it_learns_the_true_pace_from_photo_to_photo(speed):
    """Whatever a shot costs that no model knows of: it is in the time from one photo to the next."""
    pace = Pace(SHOTS, limits(speed), Habits(rest=0.0))
    step = shot_move_time(SHOTS[0].viewpoint, SHOTS[1].viewpoint, limits(speed)) / speed
    pace.saved(1, 100.0)
    pace.saved(2, 100.0 + step + 0.25)
    assert pace.left(2) == pytest.approx(2 * (step + 0.25))
