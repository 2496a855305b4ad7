"""Viewpoints of each kind, and what the rig cannot reach."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from scanner.decoding import Faults
from scanner.model import Viewpoint
from scanner.planning.viewpoints import count_viewpoints, make_viewpoints
from scanner.spec import Fibonacci, Grid, Listed, Ring, Rings, Spiral
from tests.scanner.planning.rigs import FIXED, SHORT, TILTED


def points(plan, limits=TILTED):
    """The viewpoints as pairs; the rig must reach them all."""
    found = Faults()
    made = make_viewpoints(plan, limits, found, ("plan",))
    assert not found.listed
    return [(point.azimuth, point.elevation) for point in made]


def faults(plan, limits=TILTED):
    """Path -> message of what cannot be done."""
    found = Faults()
    make_viewpoints(plan, limits, found, ("plan",))
    assert found.count == len(found.listed)
    return {fault.path: fault.message for fault in found.listed}


def test_the_default_is_three_staggered_rings_of_24():
    made = points(Rings())
    assert len(made) == 72
    assert made[0] == (0, 10)
    assert made[1] == (15, 10)
    assert made[24] == (5, 30)
    assert made[48] == (10, 50)
    assert Counter(elevation for _, elevation in made) == {10: 24, 30: 24, 50: 24}


def test_without_tilt_the_default_is_one_ring_at_the_fixed_elevation():
    assert points(Rings(), FIXED) == [(15 * number, 20) for number in range(24)]
    assert points(Rings(rings=(Ring(count=2), Ring(count=1, elevation=20))), FIXED) == [(0, 20), (180, 20), (180, 20)]


def test_rings_without_stagger_stand_above_each_other():
    rings = (Ring(count=4, elevation=10), Ring(count=4, elevation=30))
    assert [a for a, _ in points(Rings(rings=rings, stagger=False))] == [0, 90, 180, 270] * 2
    assert [a for a, _ in points(Rings(rings=rings))] == [0, 90, 180, 270, 45, 135, 225, 315]


def test_a_spiral_winds_upwards():
    made = points(Spiral(count=9, turns=2, elevation=(0, 40)))
    assert [elevation for _, elevation in made] == [5 * number for number in range(9)]
    assert [azimuth for azimuth, _ in made] == [80 * number % 360 for number in range(9)]
    assert points(Spiral(count=1, elevation=(7, 40))) == [(0, 7)]


@pytest.mark.parametrize(
    ("step", "rows", "columns"), [((90, 20), 3, 4), ((100, 40), 2, 4), ((360, 100), 1, 1), ((0.1, 40), 2, 3600)]
)
def test_a_grid_covers_the_turn_and_the_span(step, rows, columns):
    plan = Grid(azimuth_step=step[0], elevation_step=step[1], elevation=(10, 50))
    made = points(plan)
    assert len(made) == len(set(made)) == rows * columns == count_viewpoints(plan, TILTED)
    assert max(azimuth for azimuth, _ in made) < 360
    assert max(elevation for _, elevation in made) <= 50


def test_a_grid_of_endless_steps_is_counted_not_made():
    plan = Grid(azimuth_step=5e-324, elevation_step=5e-324)
    assert count_viewpoints(plan, TILTED) >= 10**15


def test_a_list_is_taken_as_it_is_written():
    assert points(Listed(viewpoints=((10, 5), (-90, 80), (720, 0), (10, 5)))) == [(10, 5), (270, 80), (0, 0), (10, 5)]
    text = "\ufeffazimuth,elevation\n# by hand\n\n 10 , 20\r\n30;40\n50\t60\n70 80\n"
    assert points(Listed(csv=text)) == [(10, 20), (30, 40), (50, 60), (70, 80)]
    assert points(Listed(csv="10\n20,20\n"), FIXED) == [(10, 20), (20, 20)]


def test_unreadable_lines_are_all_named():
    text = "1,2,3\nx\n1,2\nnan,1\n1,91\n3601,0\n1,nan\n"
    with_faults = Faults()
    make_viewpoints(Listed(csv=text), TILTED, with_faults, ("plan",))
    lines = [fault.message.partition(":")[0] for fault in with_faults.listed]
    assert lines == ["line 1", "line 2", "line 4", "line 5", "line 6", "line 7"]
    assert {fault.path for fault in with_faults.listed} == {"plan.csv"}
    assert count_viewpoints(Listed(csv=text), TILTED) == 7


def test_a_list_needs_viewpoints_from_one_place():
    assert faults(Listed()) == {"plan": "has no viewpoints"}
    assert "only one of them" in faults(Listed(viewpoints=((1, 1),), csv="1,1"))["plan.csv"]


def test_out_of_range_is_refused_with_limit_and_path_never_clamped():
    rings = (Ring(count=3, elevation=10), Ring(count=3, elevation=81), Ring(count=3, elevation=-1), Ring(count=2))
    assert faults(Rings(rings=rings)) == {
        "plan.rings[1].elevation": "81 degrees is beyond the tilt's range of 0 to 80",
        "plan.rings[2].elevation": "-1 degrees is beyond the tilt's range of 0 to 80",
        "plan.rings[3].elevation": "is missing: the tilt reaches from 0 to 80 degrees",
    }
    assert faults(Listed(viewpoints=((0, 5), (0, 85)))) == {
        "plan.viewpoints[1][1]": "85 degrees is beyond the tilt's range of 0 to 80"
    }
    assert (
        "this rig has no tilt" in faults(Rings(rings=(Ring(count=3, elevation=30),)), FIXED)["plan.rings[0].elevation"]
    )
    assert set(faults(Rings(), replace(TILTED, tilt=(0, 45)))) == {"plan.rings[2].elevation"}


@pytest.mark.parametrize("kind", [Fibonacci, Spiral, Grid])
def test_spans_are_checked_at_their_ends(kind):
    assert set(faults(kind(elevation=(-5, 85)))) == {"plan.elevation[0]", "plan.elevation[1]"}
    assert faults(kind(elevation=(50, 10))) == {"plan.elevation": "the lowest elevation comes first, then the highest"}
    assert set(faults(kind(elevation=(20, 30)), FIXED)) == {"plan.elevation[1]"}
    assert {elevation for _, elevation in points(kind(elevation=(20, 20)), FIXED)} == {20}


def test_a_turntable_with_ends_turns_within_them():
    listed = Listed(viewpoints=((190, 20), (-160, 20), (170, 20)))
    assert points(listed, SHORT) == [(-170, 20), (-160, 20), (170, 20)]
    assert faults(Rings(), SHORT) == {"plan.rings[0]": "180 degrees is beyond the turntable's range of -170 to 170"}
    assert set(faults(Listed(viewpoints=((175, 20), (0, 20))), SHORT)) == {"plan.viewpoints[0][0]"}
    assert set(faults(Spiral(elevation=(20, 20)), SHORT)) == {"plan"}
    full = replace(SHORT, turntable_range=(-180.0, 180.0))
    assert all(-180 <= azimuth <= 180 for azimuth, _ in points(Rings(), full))


plans = st.one_of(
    st.builds(
        Rings,
        rings=st.lists(
            st.builds(Ring, count=st.integers(1, 40), elevation=st.floats(0, 80)), min_size=1, max_size=5
        ).map(tuple),
        stagger=st.booleans(),
    ),
    st.builds(Fibonacci, count=st.integers(1, 150), elevation=st.sampled_from([(0.0, 80.0), (5.0, 5.0), (5.0, 55.0)])),
    st.builds(Spiral, count=st.integers(1, 150), turns=st.floats(0.1, 20)),
    st.builds(Grid, azimuth_step=st.floats(5, 360), elevation_step=st.floats(5, 180)),
    st.builds(
        Listed,
        viewpoints=st.lists(st.tuples(st.floats(-3600, 3600), st.floats(0, 80)), min_size=1, max_size=40).map(tuple),
    ),
)


@given(plans)
def test_every_plan_has_the_viewpoints_it_counts_all_within_reach(plan):
    made = points(plan)
    assert len(made) == count_viewpoints(plan, TILTED)
    assert all(0 <= azimuth < 360 for azimuth, _ in made)
    assert all(0 <= elevation <= 80 for _, elevation in made)
    assert made == points(plan)


def test_no_negative_zero_and_no_360():
    assert points(Listed(viewpoints=((-1e-9, 0), (359.9999999, 0)))) == [(0, 0), (0, 0)]
    assert repr(make_viewpoints(Rings(), TILTED, Faults(), ())[0]) == repr(Viewpoint(0.0, 10.0))
