"""What the simulated axis does beyond the contract: its true angle, its faults, its time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import pytest

from scanner.config import SimTilt, SimTurntable
from scanner.errors import AxisLimitError, AxisStuckError, PositionUnknownError
from scanner.hardware.sim.axis import SimAxis
from scanner.hardware.sim.faults import Faults
from scanner.hardware.sim.twin import Twin
from tests.scanner.hardware.clocks import LeapClock
from tests.scanner.hardware.conftest import make_twin, rig_config
from tests.support.clock import ManualClock


@pytest.fixture
def clock() -> LeapClock:
    return LeapClock()


async def homed(clock: LeapClock, *, table: SimTurntable | None = None, tilt: SimTilt | None = None) -> Twin:
    twin = make_twin(rig_config(turntable=table, tilt=tilt), clock)
    for axis in (twin.turntable, twin.tilt):
        assert axis is not None
        await axis.open()
        await axis.home()
    return twin


def true(axis: SimAxis, clock: LeapClock) -> float:
    """Where it stands when all swinging is over."""
    return axis.true_angle(clock.monotonic() + 5.0)


async def took(clock: LeapClock, work: Callable) -> float:
    begin = clock.monotonic()
    await work()
    return clock.monotonic() - begin


async def test_at_power_on_the_table_stands_anywhere(clock: LeapClock) -> None:
    by_seed = {make_twin(clock=clock).turntable.true_angle(0.0)}
    assert by_seed == {77.0}
    chance = make_twin(rig_config(turntable=SimTurntable(), tilt=SimTilt()), clock)
    assert chance.turntable.true_angle(0.0) == pytest.approx(7 * 137.508 % 360)
    assert 0.0 <= chance.tilt.true_angle(0.0) <= 80.0


@pytest.mark.parametrize("start", [0.0, 1e-9, 77.0, 359.999999999, -400.0])
async def test_homing_finds_the_true_zero(clock: LeapClock, start: float) -> None:
    twin = await homed(clock, table=SimTurntable(start_angle=start))
    assert (true(twin.turntable, clock) + 180) % 360 - 180 == pytest.approx(0.0, abs=1e-6)
    assert twin.turntable.position == 0.0


async def test_homing_takes_the_time_of_its_way(clock: LeapClock) -> None:
    twin = make_twin(rig_config(turntable=SimTurntable(start_angle=270.0)), clock)
    await twin.turntable.open()
    assert await took(clock, twin.turntable.home) == pytest.approx(90 / 30 + 30 / 120)
    assert await took(clock, twin.turntable.home) == 0.0


async def test_the_tilt_homes_to_its_lower_limit(clock: LeapClock) -> None:
    twin = await homed(clock, tilt=SimTilt(start_angle=40.0, lowest=5.0))
    assert twin.tilt.position == 5.0
    assert true(twin.tilt, clock) == pytest.approx(5.0)
    await twin.tilt.move_to(30.0)
    assert true(twin.tilt, clock) == pytest.approx(30.0)


@pytest.mark.parametrize(
    ("origin", "target", "way"), [(10.0, 350.0, -20.0), (350.0, 10.0, 20.0), (0.0, 180.0, 180.0), (0.0, 725.0, 5.0)]
)
async def test_the_table_takes_the_short_way(clock: LeapClock, origin: float, target: float, way: float) -> None:
    table = (await homed(clock)).turntable
    await table.move_to(origin)
    before = true(table, clock)
    await table.move_to(target)
    assert abs(true(table, clock) - before) == pytest.approx(abs(way))
    if abs(way) < 180:
        assert true(table, clock) - before == pytest.approx(way)


async def test_a_move_takes_the_time_of_its_ramp(clock: LeapClock) -> None:
    table = (await homed(clock)).turntable
    assert await took(clock, lambda: table.move_to(90.0)) == pytest.approx(2.0)
    assert await took(clock, lambda: table.move_to(90.0)) == 0.0


async def test_thousands_of_moves_lose_nothing(clock: LeapClock) -> None:
    table = (await homed(clock)).turntable
    chance = random.Random(1)  # noqa: S311 - the same angles in every run
    target = 0.0
    for _ in range(3000):
        target = chance.uniform(-720, 720)
        await table.move_to(target)
    assert table.position == pytest.approx(target % 360, abs=1e-9)
    assert (true(table, clock) - target + 180) % 360 - 180 == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(("approach", "offs"), [("either", (0.0, 0.8)), ("up", (0.0, 0.0)), ("down", (0.8, 0.8))])
async def test_backlash_shows_unless_approached_from_one_side(
    clock: LeapClock, approach: str, offs: tuple[float, ...]
) -> None:
    table = (await homed(clock, table=SimTurntable(start_angle=5.0, backlash=0.8, approach=approach))).turntable
    for target, off in zip((40.0, 20.0), offs, strict=True):
        await table.move_to(target)
        assert table.position == pytest.approx(target)
        assert (true(table, clock) - target) % 360 == pytest.approx(off, abs=1e-6)


async def test_homing_takes_up_the_play(clock: LeapClock) -> None:
    table = (await homed(clock, table=SimTurntable(start_angle=5.0, backlash=0.8))).turntable
    for target in (40.0, 20.0):
        await table.move_to(target)
    await table.home()
    assert true(table, clock) % 360 == pytest.approx(0.0, abs=1e-6)


async def test_the_tilt_homes_downwards_through_its_play(clock: LeapClock) -> None:
    twin = await homed(clock, tilt=SimTilt(start_angle=3.0, backlash=0.8))
    await twin.tilt.move_to(40.0)
    await twin.tilt.home()
    assert true(twin.tilt, clock) == pytest.approx(0.0, abs=1e-6)


async def test_an_approach_from_one_side_stays_within_the_limits(clock: LeapClock) -> None:
    twin = await homed(clock, tilt=SimTilt(backlash=0.5, approach="up"))
    await twin.tilt.move_to(30.0)
    await twin.tilt.move_to(0.0)
    assert twin.tilt.position == 0.0


async def test_the_plate_swings_after_a_move(clock: LeapClock) -> None:
    table = (await homed(clock)).turntable
    await table.move_to(90.0)
    now = clock.monotonic()
    turn = true(table, clock)
    assert abs(table.true_angle(now + 0.03) - turn) > 0.1
    assert abs(table.true_angle(now + 0.3) - turn) < 0.001


# -- faults


async def test_a_stuck_table_is_noticed(clock: LeapClock) -> None:
    twin = await homed(clock)
    twin.faults.stuck_table = True
    before = true(twin.turntable, clock)
    with pytest.raises(AxisStuckError, match="90 degrees"):
        await twin.turntable.move_to(90.0)
    assert twin.turntable.position is None
    assert true(twin.turntable, clock) == before
    await twin.tilt.move_to(30.0)
    twin.faults.stuck_table = False
    await twin.turntable.home()
    await twin.turntable.move_to(90.0)
    assert true(twin.turntable, clock) % 360 == pytest.approx(90.0)


async def test_a_stuck_axis_cannot_be_homed(clock: LeapClock) -> None:
    twin = await homed(clock)
    await twin.tilt.move_to(30.0)
    twin.faults.stuck_tilt = True
    with pytest.raises(AxisStuckError):
        await twin.tilt.home()
    assert twin.tilt.position is None
    with pytest.raises(PositionUnknownError):
        await twin.tilt.move_to(10.0)


async def test_a_limit_hit_ends_the_move_half_way(clock: LeapClock) -> None:
    twin = await homed(clock)
    twin.faults.limit_hits = 1
    with pytest.raises(AxisLimitError, match="limit switch"):
        await twin.turntable.move_to(90.0)
    assert twin.turntable.position is None
    assert true(twin.turntable, clock) % 360 == pytest.approx(45.0, abs=0.01)
    await twin.turntable.home()
    await twin.turntable.move_to(90.0)
    assert twin.faults.limit_hits == 0


async def test_a_slip_is_not_noticed_and_happens_once(clock: LeapClock) -> None:
    twin = await homed(clock)
    twin.faults.slip = -3.0
    await twin.tilt.move_to(20.0)
    assert true(twin.tilt, clock) == pytest.approx(20.0)
    for target in (90.0, 120.0):
        await twin.turntable.move_to(target)
        assert twin.turntable.position == target
        assert true(twin.turntable, clock) % 360 == pytest.approx(target - 3.0)
    await twin.turntable.home()
    assert true(twin.turntable, clock) % 360 == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("ratio", [14.8 / 15, -1.0])
async def test_a_wrong_ratio_is_not_noticed(clock: LeapClock, ratio: float) -> None:
    twin = await homed(clock)
    twin.faults.table_ratio = ratio
    for target in (15.0, 30.0, 45.0):
        await twin.turntable.move_to(target)
    assert twin.turntable.position == 45.0
    assert (true(twin.turntable, clock) - 45.0 * ratio + 180) % 360 - 180 == pytest.approx(0.0, abs=1e-6)
    await twin.turntable.home()
    assert (true(twin.turntable, clock) + 180) % 360 - 180 == pytest.approx(0.0, abs=1e-6)


async def test_a_loose_table_stands_still_and_is_found_out_by_homing(clock: LeapClock) -> None:
    twin = await homed(clock)
    await twin.turntable.move_to(10.0)
    twin.faults.table_ratio = 0.0
    await twin.turntable.move_to(90.0)
    assert twin.turntable.position == 90.0
    assert true(twin.turntable, clock) % 360 == pytest.approx(10.0)
    with pytest.raises(AxisStuckError, match="coupling"):
        await twin.turntable.home()


def test_faults_become_others() -> None:
    faults = Faults(camera_dead=True, slip=2.0)
    faults.become(Faults(stuck_table=True))
    assert faults == Faults(stuck_table=True)


# -- time


async def test_nothing_arrives_before_its_time() -> None:
    clock = ManualClock()
    twin = make_twin(clock=clock)
    await twin.turntable.open()
    homing = asyncio.create_task(twin.turntable.home())
    await clock.advance(30.0)
    await homing
    move = asyncio.create_task(twin.turntable.move_to(90.0))
    await clock.advance(1.0)
    assert twin.turntable.position == pytest.approx(45.0)
    await clock.advance(0.999)
    assert not move.done()
    await clock.advance(0.002)
    await move
    assert twin.turntable.position == 90.0
    await twin.turntable.close()


async def test_stopping_in_mid_move_leaves_the_plate_there() -> None:
    clock = ManualClock()
    twin = make_twin(rig_config(turntable=SimTurntable(start_angle=0.0)), clock)
    await twin.turntable.open()
    await twin.turntable.home()
    move = asyncio.create_task(twin.turntable.move_to(90.0))
    await clock.advance(1.0)
    await twin.turntable.stop()
    with pytest.raises(PositionUnknownError):
        await move
    await clock.advance(5.0)
    assert twin.turntable.true_angle(clock.monotonic()) == pytest.approx(45.0, abs=1e-6)
    await twin.turntable.close()
