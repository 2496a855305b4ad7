"""A step that takes too long is an error of its device; a driver's own time-out stays what it is."""

import asyncio

import pytest

from scanner.engine.steps import deadline
from scanner.errors import AxisStuckError

LATE = AxisStuckError("the table did not arrive")


async def test_too_long_is_the_error():
    with pytest.raises(AxisStuckError, match="did not arrive") as caught:
        async with deadline(0.0, LATE):
            await asyncio.Event().wait()
    assert isinstance(caught.value.__cause__, TimeoutError)


async def test_in_time_is_no_error():
    async with deadline(10.0, LATE):
        await asyncio.sleep(0)


async def test_a_drivers_own_time_out_passes():
    with pytest.raises(TimeoutError):
        async with deadline(10.0, LATE):
            raise TimeoutError
