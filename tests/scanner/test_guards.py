"""The disk guard stops below one figure and lets go above a higher one."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.clock import SystemClock
from scanner.errors import StorageError
from scanner.events import EventBus, GuardChanged
from scanner.guards import GIB, Guards, still_low

STOP, GO = 2 * GIB, 3 * GIB


class Disk:
    def __init__(self, free: int) -> None:
        self.free = free
        self.fault: StorageError | None = None

    async def __call__(self) -> int:
        if self.fault:
            raise self.fault
        return self.free


@pytest.fixture
def disk() -> Disk:
    return Disk(10 * GIB)


@pytest.fixture
def bus() -> EventBus:
    return EventBus(boot="b", clock=SystemClock())


@pytest.fixture
def guards(disk, bus) -> Guards:
    return Guards(disk_free=disk, stop_below=STOP, go_above=GO, clock=SystemClock(), bus=bus)


@given(active=st.booleans(), free=st.integers(0, 5 * GIB))
def test_hysteresis(active, free):
    low = still_low(active=active, free=free, stop_below=STOP, go_above=GO)
    assert low is (free < STOP or (active and free <= GO))


async def test_holds_up_and_lets_go(guards, disk, bus):
    subscriber, _ = bus.subscribe()
    await guards.look()
    assert guards.pause() is None
    disk.free = STOP - 1
    await guards.look()
    pause = guards.pause()
    assert pause is not None
    assert (pause.by, pause.reason, pause.resumes_by_itself) == ("guard", "disk_low", True)
    assert guards.states()[0].active
    waiting = asyncio.ensure_future(guards.wait_clear())
    disk.free = GO
    await guards.look()
    assert not waiting.done()
    disk.free = GO + 1
    await guards.look()
    await waiting
    assert guards.pause() is None
    events = [(await subscriber.next()).event for _ in range(2)]
    assert [event.active for event in events if isinstance(event, GuardChanged)] == [True, False]
    subscriber.close()


async def test_a_disk_that_cannot_be_asked_changes_nothing(guards, disk, caplog):
    disk.fault = StorageError("the disk is gone", reason="io_error")
    await guards.look()
    assert guards.pause() is None
    assert "the disk is gone" in caplog.text


async def test_watching_goes_on_until_cancelled(disk, bus):
    guards = Guards(disk_free=disk, stop_below=STOP, go_above=GO, clock=SystemClock(speed=1e6), bus=bus)
    disk.free = 0
    subscriber, _ = bus.subscribe()
    watch = asyncio.ensure_future(guards.watch())
    assert (await subscriber.next()).event.active
    watch.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watch
    subscriber.close()
