"""The line between exposing and saving never holds more bytes than it may."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.engine.handover import SMALL_MACHINE, HandOver, Taken, room_for
from scanner.model import CameraName, Exposure, Shot, Viewpoint, WhiteBalance


def taken(index: int, size: int) -> Taken:
    exposure = Exposure(
        camera=CameraName("main"),
        width=2,
        height=2,
        yuv=bytes(size),
        exposure_us=1,
        gain=1.0,
        white_balance=WhiteBalance(red=1.0, blue=1.0),
        lens_position=None,
        taken_at="2026-11-20T04:15:30.120Z",
    )
    shot = Shot(index=index, viewpoint=Viewpoint(0.0, 0.0), camera=CameraName("main"))
    return Taken(shot=shot, exposure=exposure, measured=Viewpoint(0.0, 0.0), settle_s=0.0, capture_s=0.0)


@pytest.mark.parametrize(
    ("frame", "memory", "room"),
    [
        (10, SMALL_MACHINE - 1, 10),  # one in flight
        (10, SMALL_MACHINE, 20),  # two frames
        (SMALL_MACHINE, SMALL_MACHINE, SMALL_MACHINE // 10),  # a tenth of memory
    ],
)
def test_room(frame, memory, room):
    assert room_for(frame, memory) == room


@given(sizes=st.lists(st.integers(1, 30), max_size=30), limit=st.integers(1, 40))
def test_never_more_than_the_limit_and_in_order(sizes, limit):
    async def run() -> tuple[list[int], int]:
        line, inside, most, order = HandOver(limit), 0, 0, []

        async def put() -> None:
            nonlocal inside, most
            for index, size in enumerate(sizes):
                await line.reserve(size)
                inside += size
                most = max(most, inside if inside > size else 0)  # one alone always fits
                line.put(taken(index, size))
            line.close()

        async def get() -> None:
            nonlocal inside
            while (item := await line.get()) is not None:
                await asyncio.sleep(0)
                order.append(item.shot.index)
                inside -= item.size_bytes
                line.release(item.size_bytes)

        async with asyncio.timeout(5), asyncio.TaskGroup() as group:
            group.create_task(put())
            group.create_task(get())
        return order, most

    order, most = asyncio.run(run())
    assert order == list(range(len(sizes)))
    assert most <= limit


async def test_what_was_put_before_closing_is_still_handed_out():
    line = HandOver(10)
    await line.reserve(4)
    line.put(taken(1, 4))
    line.close()
    item = await line.get()
    assert item is not None
    assert item.shot.index == 1
    assert await line.get() is None
