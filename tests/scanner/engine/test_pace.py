"""What is left is predicted motion and measured rest."""

import pytest

from scanner.engine.pace import GUESS, Pace
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
    pace = Pace(SHOTS, limits(speed))
    step = shot_move_time(SHOTS[0].viewpoint, SHOTS[1].viewpoint, limits(speed))
    assert pace.left(None) == pytest.approx(3 * step + 4 * GUESS / speed)
    pace.took(1.0)
    assert [pace.left(shot.index) for shot in SHOTS] == pytest.approx(
        [3 * step + 3 / speed, 2 * step + 2 / speed, step + 1 / speed, 0.0]
    )


def test_it_learns_slowly_after_the_first_shot():
    pace = Pace(SHOTS, limits(1.0))
    pace.took(1.0)
    pace.took(2.0)
    assert pace.left(3) == pytest.approx(1.2 + shot_move_time(SHOTS[2].viewpoint, SHOTS[3].viewpoint, limits(1.0)))
