"""The manual clock wakes sleepers in order, each at its own moment."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from tests.support.clock import START, ManualClock


async def test_sleepers_wake_in_order_and_see_their_own_time(manual_clock: ManualClock):
    begin = manual_clock.monotonic()
    woke: list[tuple[str, float]] = []

    async def sleeper(name: str, *seconds: float) -> None:
        for pause in seconds:
            await manual_clock.sleep(pause)
            woke.append((name, manual_clock.monotonic() - begin))

    async with asyncio.TaskGroup() as group:
        group.create_task(sleeper("slow", 3.0))
        group.create_task(sleeper("steps", 1.0, 1.0, 2.0))
        await manual_clock.advance(2.5)
        assert woke == [("steps", 1.0), ("steps", 2.0)]
        assert manual_clock.sleeping == 2
        await manual_clock.advance(2.0)
    assert woke == [("steps", 1.0), ("steps", 2.0), ("slow", 3.0), ("steps", 4.0)]
    assert manual_clock.monotonic() - begin == 4.5


async def test_the_wall_clock_jumps_alone_and_a_cancelled_sleeper_is_forgotten(manual_clock: ManualClock):
    assert manual_clock.now() == START
    manual_clock.set_wall(START - timedelta(days=400))
    assert manual_clock.now() == START - timedelta(days=400)
    task = asyncio.create_task(manual_clock.sleep(1.0))
    await manual_clock.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    await manual_clock.advance(5.0)
    assert manual_clock.sleeping == 0
    assert manual_clock.now() == START - timedelta(days=400) + timedelta(seconds=5)
