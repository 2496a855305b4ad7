"""Twins for the tests of the hardware package."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest

from scanner.clock import Clock, SystemClock
from scanner.config import RigConfig, SimCamera, SimLight, SimTilt, SimTurntable
from scanner.hardware.sim.faults import Faults
from scanner.hardware.sim.twin import Twin

SPEED = 200.0  # so fast that a move takes milliseconds
SMALL = SimCamera(width=320, height=240)


def rig_config(
    *,
    turntable: SimTurntable | None = None,
    tilt: SimTilt | None = None,
    camera: SimCamera = SMALL,
    light: SimLight | None = None,
) -> RigConfig:
    """A rig with one of each."""
    return RigConfig(
        turntable=turntable or SimTurntable(start_angle=77.0),
        tilt=tilt or SimTilt(start_angle=12.0),
        cameras={"main": camera},
        lights={"ring": light or SimLight()},
    )


def make_twin(config: RigConfig | None = None, clock: Clock | None = None) -> Twin:
    """A healthy twin, not opened."""
    return Twin(config or rig_config(), clock or SystemClock(SPEED), Faults())


async def open_devices(twin: Twin, stack: AsyncExitStack) -> None:
    """Open and home everything, the light on."""
    axes = (twin.turntable, *((twin.tilt,) if twin.tilt else ()))
    for device in (*axes, *twin.cameras.values(), *twin.lights.values()):
        await device.open()
        stack.push_async_callback(device.close)
    for axis in axes:
        await axis.home()
    for light in twin.lights.values():
        await light.set(1.0)


@pytest.fixture
async def opened() -> AsyncIterator[Callable]:
    """Opens twins, homed and lit; closes them in the end."""
    async with AsyncExitStack() as stack:

        async def opener(config: RigConfig | None = None, clock: Clock | None = None) -> Twin:
            twin = make_twin(config, clock)
            await open_devices(twin, stack)
            return twin

        yield opener


@pytest.fixture
async def twin(opened: Callable) -> Twin:
    """A twin, homed and lit."""
    return await opened()
