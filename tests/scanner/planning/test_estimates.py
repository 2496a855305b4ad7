"""What a plan will cost, and what is doubtful about it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from scanner.decoding import encode_json
from scanner.model import Viewpoint
from scanner.planning import estimate, make_plan, move_time, shot_move_time
from scanner.spec import CameraSettings, Fibonacci, FixedExposure, Grid, Listed, PassSpec, Ring, Rings, Spiral
from tests.scanner.planning.rigs import FIXED, TABLE, TILTED, TWO_CAMERAS


def estimated(spec, limits=TILTED, **times):
    """The estimate of a pass."""
    return estimate(make_plan(spec, limits), spec, limits, **times)


def ring(count, **values):
    """One ring at the home elevation of FIXED."""
    return PassSpec(plan=Rings(rings=(Ring(count=count),)), **values)


def test_duration_is_motion_settling_and_exposure_in_seconds_of_the_world():
    moves = 23 * move_time(15, TABLE)
    assert estimated(ring(24), replace(FIXED, speed=1), settle=0.5, exposure=0.2).duration_s == pytest.approx(
        moves + 24 * 0.7, abs=0.06
    )
    assert estimated(ring(24), FIXED, settle=0.5, exposure=0.2).duration_s == pytest.approx(
        (moves + 24 * 0.7) / 4, abs=0.06
    )


def test_the_way_from_home_counts():
    spec = PassSpec(plan=Listed(viewpoints=((90, 40),)))
    way = shot_move_time(None, Viewpoint(90, 40), TILTED)
    assert estimated(spec, settle=0, exposure=0).duration_s == pytest.approx(way, abs=0.06)


def test_the_rig_settles_once_a_viewpoint_and_exposes_every_shot():
    settings = CameraSettings(bracket_ev=(0, 1))
    spec = PassSpec(plan=Listed(viewpoints=((0, 0), (0, 0))), camera=settings, settle=2.0)
    made = estimated(spec, TWO_CAMERAS, settle=99, exposure=0.5)
    assert made.count == 8
    assert made.duration_s == pytest.approx(2 + 8 * 0.5)
    assert made.viewpoints == ((0, 0),)


def test_long_exposures_count_with_their_bracket():
    settings = CameraSettings(exposure=FixedExposure(shutter_us=1_000_000), bracket_ev=(0, 1))
    spec = PassSpec(plan=Listed(viewpoints=((0, 0),)), camera=settings, settle=0)
    assert estimated(spec, exposure=0.1).duration_s == pytest.approx(3)


def test_bytes_follow_the_size_of_the_picture():
    spec = PassSpec(plan=Listed(viewpoints=((0, 0),)))
    assert estimated(spec).bytes == 4_000_000
    half = PassSpec(plan=spec.plan, camera=CameraSettings(width=2304, height=1296))
    assert estimated(half).bytes == 1_000_000
    assert estimated(spec, TWO_CAMERAS).bytes == 8_000_000


def test_the_shape_is_the_one_of_the_api():
    made = estimated(PassSpec(name="up", plan=Listed(viewpoints=((0.0, 0.0), (90.0, 5.0)))), settle=0, exposure=0)
    assert encode_json(made) == (
        b'{"name":"up","count":2,"viewpoints":[[0.0,0.0],[90.0,5.0]],"duration_s":2.0,"bytes":8000000,"warnings":[]}'
    )


@pytest.mark.parametrize(
    ("plan", "warned"),
    [
        (Rings(), False),
        (Rings(rings=(Ring(count=18, elevation=10),)), False),
        (Rings(rings=(Ring(count=17, elevation=10),)), True),
        (Rings(rings=(Ring(count=24, elevation=10), Ring(count=8, elevation=60))), True),
        (Grid(azimuth_step=20), False),
        (Grid(azimuth_step=21), True),
        (Spiral(count=72, turns=3), False),
        (Spiral(count=72, turns=5), True),
        (Fibonacci(count=72), False),
        (Fibonacci(count=20), True),
        (Fibonacci(count=500), False),
        (Listed(viewpoints=tuple((azimuth, 10) for azimuth in range(0, 360, 15))), False),
        (Listed(viewpoints=tuple((azimuth, 10) for azimuth in range(0, 360, 30))), True),
        (Listed(viewpoints=((0, 10), (180, 10))), False),
    ],
)
def test_steps_above_20_degrees_are_warned_of(plan, warned):
    warnings = estimated(PassSpec(plan=plan)).warnings
    assert len(warnings) == warned
    assert all("above 20 photogrammetry may not connect" in warning for warning in warnings)


@given(st.integers(1, 200), st.floats(0, 5), st.floats(0, 5))
def test_more_of_anything_never_takes_less(count, settle, exposure):
    spec = PassSpec(plan=Spiral(count=count))
    made = estimated(spec, settle=settle, exposure=exposure)
    assert made.duration_s >= count * (settle + exposure) - 0.1
    assert made.count == len(made.viewpoints) == count
