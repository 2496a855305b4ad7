"""Motion as a function of time."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as some

from scanner.hardware.sim.motion import Ramp, Swing, Track

STILL = Swing(amplitude=0.0, frequency=9.0, decay=0.045)
SWING = Swing(amplitude=0.4, frequency=9.0, decay=0.045)


def ramp(origin: float, target: float, start: float = 0.0) -> Ramp:
    return Ramp(start=start, origin=origin, target=target, speed=60.0, acceleration=120.0)


def at_rest(*, true: float = 0.0, swing: Swing = STILL, backlash: float = 0.0) -> Track:
    return Track.at_rest(true, swing, backlash)


@pytest.mark.parametrize(
    ("distance", "duration"),
    [(15.0, 2 * math.sqrt(15 / 120)), (30.0, 1.0), (90.0, 90 / 60 + 60 / 120), (-90.0, 2.0), (0.0, 0.0)],
)
def test_a_ramp_takes_the_time_of_a_trapezoid(distance: float, duration: float) -> None:
    assert ramp(5.0, 5.0 + distance).duration == pytest.approx(duration)


@given(distance=some.floats(-720, 720), cuts=some.lists(some.floats(0, 15), min_size=2, max_size=2))
def test_a_ramp_never_exceeds_its_speed_and_ends_at_its_target(distance: float, cuts: list[float]) -> None:
    way = ramp(10.0, 10.0 + distance)
    first, second = sorted(cuts)
    assert abs(way.angle(second) - way.angle(first)) <= 60.0 * (second - first) + 1e-6
    assert way.angle(-1.0) == 10.0
    assert way.angle(way.duration + 1e-9) == 10.0 + distance
    assert (way.angle(second) - way.angle(first)) * way.direction >= -1e-6


def test_a_ramp_accelerates_and_brakes_evenly() -> None:
    way = ramp(0.0, 90.0)
    assert way.angle(0.25) == pytest.approx(120 * 0.25**2 / 2)
    assert way.angle(1.0) == pytest.approx(15 + 30)
    assert way.angle(1.75) == pytest.approx(90 - 120 * 0.25**2 / 2)


def test_a_cut_ramp_stays_where_it_was_cut() -> None:
    way = at_rest().go(ramp(0.0, 90.0), ratio=1.0, slip=0.0).cut(1.0).legs[-1].ramp
    assert way.angle(5.0) == way.angle(1.0) == pytest.approx(45.0)
    assert way.end == 1.0
    assert ramp(0.0, 90.0).end == 2.0


def test_a_swing_begins_at_nothing_and_is_below_noise_after_three_tenths_of_a_second() -> None:
    assert SWING.angle(0.0, 1.0) == 0.0
    assert SWING.angle(-1.0, 1.0) == 0.0
    early = max(abs(SWING.angle(moment / 1000, 1.0)) for moment in range(100))
    late = max(abs(SWING.angle(0.3 + moment / 1000, 1.0)) for moment in range(300))
    assert early > 0.15
    assert late < 0.001


def test_a_track_swings_only_after_its_move() -> None:
    still = at_rest().go(ramp(0.0, 90.0), ratio=1.0, slip=0.0)
    swings = at_rest(swing=SWING).go(ramp(0.0, 90.0), ratio=1.0, slip=0.0)
    assert swings.angle(1.9) == still.angle(1.9)
    assert abs(swings.angle(2.03) - 90.0) > 0.1
    assert swings.angle(2.6) == pytest.approx(90.0, abs=1e-5)


def test_short_moves_swing_less() -> None:
    far = at_rest(swing=SWING).go(ramp(0.0, 90.0), ratio=1.0, slip=0.0)
    near = at_rest(swing=SWING).go(ramp(0.0, 1.0), ratio=1.0, slip=0.0)
    off_far = abs(far.angle(ramp(0.0, 90.0).duration + 0.02) - 90.0)
    off_near = abs(near.angle(ramp(0.0, 1.0).duration + 0.02) - 1.0)
    assert 0 < off_near < off_far / 3


@given(targets=some.lists(some.floats(-400, 400), min_size=1, max_size=4), backlash=some.floats(0, 3))
def test_a_track_never_jumps(targets: list[float], backlash: float) -> None:
    track, start, motor = at_rest(true=33.0, swing=SWING, backlash=backlash), 1.0, 0.0
    for target in targets:
        way = ramp(motor, target, start)
        track = track.go(way, ratio=1.01, slip=0.0)
        start, motor = way.end + 0.4, target
        moments = [way.start + (start - way.start) * part / 60 for part in range(61)]
        for before, after in itertools.pairwise(moments):
            assert abs(track.angle(after) - track.angle(before)) < (61 * 1.01 + 30) * (after - before) + 0.01


def test_a_track_remembers_the_recent_past() -> None:
    track = at_rest().go(ramp(0.0, 30.0, 1.0), ratio=1.0, slip=0.0).go(ramp(30.0, 0.0, 3.0), ratio=1.0, slip=0.0)
    assert track.angle(0.0) == 0.0
    assert track.angle(1.5) == pytest.approx(15.0)
    assert track.angle(2.5) == pytest.approx(30.0)
    assert track.angle(3.5) == pytest.approx(15.0)
    assert track.angle(9.0) == pytest.approx(0.0)


def test_a_track_forgets_the_distant_past() -> None:
    track, motor = at_rest(), 0.0
    for number in range(20):
        track = track.go(ramp(motor, motor + 10, 2.0 * number), ratio=1.0, slip=0.0)
        motor += 10
    assert len(track.legs) == Track.KEPT
    assert track.angle(100.0) == pytest.approx(200.0)


def test_play_is_taken_up_before_the_plate_follows() -> None:
    track = at_rest(backlash=1.0).go(ramp(0.0, 10.0), ratio=1.0, slip=0.0)
    assert track.angle(5.0) == pytest.approx(10.0)
    track = track.go(ramp(10.0, 9.5, 5.0), ratio=1.0, slip=0.0)
    assert track.angle(9.0) == pytest.approx(10.0)  # within the play
    track = track.go(ramp(9.5, 5.0, 10.0), ratio=1.0, slip=0.0)
    assert track.angle(14.0) == pytest.approx(6.0)  # pushed downwards: one degree higher
    track = track.go(ramp(5.0, 7.0, 15.0), ratio=1.0, slip=0.0)
    assert track.angle(19.0) == pytest.approx(7.0)  # and upwards again


@pytest.mark.parametrize(
    ("ratio", "slip", "true"),
    [(1.0, 0.0, 90.0), (0.98, 0.0, 88.2), (-1.0, 0.0, -90.0), (0.0, 0.0, 0.0), (1.0, 2.5, 92.5)],
)
def test_what_no_driver_notices(ratio: float, slip: float, true: float) -> None:
    track = at_rest(swing=SWING).go(ramp(0.0, 90.0), ratio=ratio, slip=slip)
    assert track.angle(0.0) == 0.0
    assert track.angle(5.0) == pytest.approx(true)


def test_a_new_count_moves_nothing() -> None:
    track = at_rest(true=12.0, backlash=1.0).go(ramp(0.0, -5.0), ratio=1.0, slip=0.0)
    true = track.angle(4.0)
    counted = track.recount(4.0, 0.0)
    assert counted.angle(4.0) == counted.angle(9.0) == pytest.approx(true)
    assert counted.legs[-1].ramp.angle(9.0) == 0.0
    assert counted.go(ramp(0.0, 3.0, 10.0), ratio=1.0, slip=0.0).angle(14.0) == pytest.approx(true + 3.0)
