"""How long moves take."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from scanner.model import Viewpoint
from scanner.planning import Motion, move_time, shot_move_time
from tests.scanner.planning.rigs import FIXED, SHORT, TABLE, TILTED

angles = st.floats(-360, 360)


def simulated(distance: float, motion: Motion) -> float:
    """The same from the law of motion, in small steps of time."""
    step, time, way, speed = 1e-4, 0.0, 0.0, 0.0
    while way < distance and time < 100:
        braking = speed * speed / (2 * motion.acceleration)
        speed += motion.acceleration * step * (1 if way + braking < distance else -1)
        speed = min(max(speed, motion.acceleration * step), motion.speed)
        way += speed * step
        time += step
    return time


@pytest.mark.parametrize("distance", [0.5, 5, 15, 29.9, 30.1, 180])
def test_a_move_takes_what_the_law_of_motion_says(distance):
    assert move_time(distance, TABLE) == pytest.approx(simulated(distance, TABLE), rel=0.02, abs=0.01)


def test_known_moves():
    assert move_time(0, TABLE) == 0
    assert move_time(15, TABLE) == pytest.approx(2 * math.sqrt(15 / 120))
    assert move_time(-90, TABLE) == pytest.approx(90 / 60 + 60 / 120)


@given(st.floats(0, 1e4), st.floats(0, 1e4))
def test_further_never_takes_less(a, b):
    near, far = sorted((a, b))
    assert move_time(near, TABLE) <= move_time(far, TABLE) + 1e-9


def test_the_shortest_way_round_is_taken_and_axes_move_together():
    assert shot_move_time(Viewpoint(350, 10), Viewpoint(5, 10), TILTED) == pytest.approx(move_time(15, TABLE))
    assert shot_move_time(Viewpoint(0, 10), Viewpoint(5, 40), TILTED) == pytest.approx(1.5)  # the arm is slower
    assert shot_move_time(Viewpoint(-160, 20), Viewpoint(160, 20), SHORT) == pytest.approx(move_time(320, TABLE))


@given(angles, angles)
def test_there_and_back_take_the_same(a, b):
    assert shot_move_time(Viewpoint(a, 0), Viewpoint(b, 0), TILTED) == pytest.approx(
        shot_move_time(Viewpoint(b, 0), Viewpoint(a, 0), TILTED)
    )


def test_home_is_zero_or_the_nearest_there_is():
    assert TILTED.home == Viewpoint(0, 0)
    assert FIXED.home == Viewpoint(0, 20)
    assert replace(TILTED, tilt=(10, 50)).home.elevation == 10
    assert replace(TILTED, tilt=(-50, -10)).home.elevation == -10
    assert replace(SHORT, turntable_range=(30, 90)).home.azimuth == 30
    assert shot_move_time(None, Viewpoint(15, 20), FIXED) == pytest.approx(move_time(15, TABLE))
