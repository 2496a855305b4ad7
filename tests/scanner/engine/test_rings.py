"""Sharpness against the running median of the ring."""

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.engine.rings import RingMedians
from scanner.model import CameraName, Plan, Shot, Viewpoint


def plan(kind: str, *elevations: float) -> Plan:
    shots = tuple(
        Shot(index=index, viewpoint=Viewpoint(0.0, elevation), camera=CameraName("main"))
        for index, elevation in enumerate(elevations, 1)
    )
    return Plan(kind=kind, shots=shots)


@given(values=st.lists(st.floats(1, 1000), min_size=1, max_size=30))
def test_it_is_the_median_of_the_ring_so_far(values):
    one_ring = plan("rings", *([20.0] * len(values)))
    rings = RingMedians(one_ring, {})
    for index, (shot, value) in enumerate(zip(one_ring.shots, values, strict=True), 1):
        assert rings.relative(shot, value) == pytest.approx(value / statistics.median(values[:index]), abs=1e-3)


def test_rings_do_not_mix_and_bands_do():
    rings = RingMedians(plan("rings", 10.0, 12.0), {})
    first, second = plan("rings", 10.0, 12.0).shots
    assert rings.relative(first, 100.0) == 1.0
    assert rings.relative(second, 900.0) == 1.0
    banded = RingMedians(plan("fibonacci", 10.0, 12.0), {})
    assert banded.relative(first, 100.0) == 1.0
    assert banded.relative(second, 300.0) == 1.5


def test_a_black_picture_is_no_division_by_zero():
    only = plan("rings", 10.0)
    assert RingMedians(only, {}).relative(only.shots[0], 0.0) == 1.0
