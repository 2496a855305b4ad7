"""A short way through scattered viewpoints."""

from __future__ import annotations

import itertools
import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from scanner.decoding import Faults
from scanner.model import Viewpoint
from scanner.planning import Motion, shot_move_time
from scanner.planning.ordering import shortest_order
from scanner.planning.viewpoints import make_viewpoints
from scanner.spec import Fibonacci
from tests.scanner.planning.rigs import TILTED


def cost(points, limits=TILTED):
    """Seconds of motion along the way."""
    return sum(shot_move_time(a, b, limits) for a, b in itertools.pairwise(points))


def scattered(count, seed=1):
    """Points by chance, with some of them equal."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    return [Viewpoint(chance.uniform(0, 360), chance.uniform(0, 80)) for _ in range(count)] + [Viewpoint(0, 0)] * 2


@pytest.mark.parametrize(("count", "seconds"), [(72, 58), (144, 98)])
def test_fibonacci_costs_little_more_than_rings(count, seconds, figures):
    made = make_viewpoints(Fibonacci(count=count, elevation=(5, 55)), TILTED, Faults(), ())
    figures(f"{count} viewpoints: {cost(made):.1f} s of motion")
    assert cost(made) < seconds  # in the order of the formula: 198 and 399 s


def test_few_points_are_ordered_as_well_as_can_be():
    points = scattered(5)
    best = min(cost([points[0], *rest]) for rest in itertools.permutations(points[1:]))
    assert cost(shortest_order(points, TILTED)) <= 1.25 * best


@given(st.lists(st.builds(Viewpoint, st.floats(0, 359.9), st.floats(-90, 90)), max_size=40))
def test_every_point_is_visited_once_beginning_with_the_first(points):
    order = shortest_order(points, TILTED)
    assert sorted(order, key=repr) == sorted(points, key=repr)
    assert order[:1] == points[:1]


def test_the_rigs_speeds_decide_what_is_near():
    ring = [Viewpoint(azimuth, elevation) for azimuth in range(0, 60, 10) for elevation in (0, 40)]
    slow_arm = replace(TILTED, tilt_motion=Motion(1, 1))
    slow_table = replace(TILTED, turntable=Motion(0.5, 1), tilt_motion=Motion(90, 900))
    climbs = [
        sum(a.elevation != b.elevation for a, b in itertools.pairwise(shortest_order(ring, limits)))
        for limits in (slow_arm, slow_table)
    ]
    assert climbs[0] == 1
    assert climbs[1] >= 6


def test_ten_thousand_points_take_bounded_work(figures):
    plan = Fibonacci(count=10_000, elevation=(5, 55))
    began = time.process_time()
    made = make_viewpoints(plan, TILTED, Faults(), ())
    took = time.process_time() - began
    figures(f"10,000 viewpoints: {took:.2f} s to order, {cost(made):.0f} s of motion")
    assert len(set(made)) == 10_000
    assert cost(made) < 2400  # in the order of the formula: 27,915 s
    assert took < 20  # 0.4 s on a PC, more while coverage is measured


def test_all_points_in_one_place_and_long_reversals():
    same = [Viewpoint(5, 5)] * 50
    assert shortest_order(same, TILTED) == same
    many = scattered(1500)
    assert cost(shortest_order(many, TILTED)) < cost(many) / 4
