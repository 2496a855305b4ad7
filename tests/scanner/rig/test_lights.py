"""Lights: each light's changes one after the other, one that fails keeps no other from changing."""

from __future__ import annotations

import asyncio

import pytest

from scanner.errors import LightError
from scanner.rig import lights as lights_module
from scanner.rig.lights import Lights
from tests.support.doubles import turns


class Lamp:
    """A light whose driver finishes what it began; ``slow`` changes wait to be let go."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.level = 0.5  # nobody knows what it was left at
        self.history: list[float] = []
        self.broken = False
        self.slow: set[float] = set()
        self.free = asyncio.Event()

    async def open(self) -> None:
        """Needs nothing."""

    async def set(self, level: float) -> None:
        if level in self.slow:
            await self.free.wait()
        if self.broken:
            message = f"light {self.name} does not answer"
            raise LightError(message)
        self.level = level
        self.history.append(level)

    async def close(self) -> None:
        """Needs nothing."""


@pytest.fixture
def ring() -> Lamp:
    return Lamp("ring")


@pytest.fixture
def back() -> Lamp:
    return Lamp("back")


@pytest.fixture
def lights(ring, back) -> Lights:
    return Lights({"ring": ring, "back": back})


async def test_what_is_known_is_not_set_again(lights, ring, back):
    await lights.set({"ring": 1.0, "back": 0.0})
    await lights.set({"ring": 1.0, "back": 0.25})
    assert (ring.history, back.history) == ([1.0], [0.0, 0.25])
    assert (lights.level("ring"), lights.level("back")) == (1.0, 0.25)


async def test_one_that_fails_keeps_no_other_on(lights, ring, back):
    await lights.set({"ring": 1.0, "back": 1.0})
    ring.broken = True
    with pytest.raises(LightError, match="ring"):
        await lights.idle(usable=True)
    assert back.level == 0.0
    ring.broken = False
    await lights.idle(usable=True)  # what failed is not known, and set anew
    assert ring.level == 0.0


async def test_stop_switches_off_what_is_thought_to_be_off(lights, ring):
    await lights.set({"ring": 0.0})
    ring.level = 1.0  # somebody else did that
    await lights.stop()
    assert ring.level == 0.0


async def test_a_change_under_way_ends_before_the_next_although_nobody_waits_for_it(lights, ring):
    ring.slow = {1.0}
    lighting = asyncio.ensure_future(lights.set({"ring": 1.0}))
    await turns()
    lighting.cancel()
    stopping = asyncio.ensure_future(lights.stop())
    await turns()
    assert not stopping.done()
    ring.free.set()
    await stopping
    assert ring.history == [1.0, 0.0]
    assert lights.level("ring") == 0.0
    with pytest.raises(asyncio.CancelledError):
        await lighting


async def test_one_that_never_answers_keeps_nobody_waiting(lights, ring, back, monkeypatch):
    monkeypatch.setattr(lights_module, "ANSWER", 0.05)
    ring.slow = {0.0, 1.0}
    with pytest.raises(LightError, match="ring does not answer"):
        await lights.set({"ring": 1.0, "back": 1.0})
    with pytest.raises(LightError, match="ring does not answer"):
        await lights.stop()
    assert back.level == 0.0
    await lights.forget()


async def test_letting_the_devices_go_waits_for_what_is_under_way(lights, ring):
    ring.slow, ring.broken = {1.0}, True
    lighting = asyncio.ensure_future(lights.set({"ring": 1.0}))
    await turns()
    forgetting = asyncio.ensure_future(lights.forget())
    await turns()
    assert not forgetting.done()
    ring.free.set()
    await forgetting
    with pytest.raises(LightError):
        await lighting
    ring.broken = False
    await lights.set({"ring": 0.0})
    assert ring.history == [0.0]  # nothing was known any more


async def test_idle_light_is_a_persons_then_a_lamp_then_dark(lights, ring, back):
    await lights.idle(usable=True)
    assert (ring.level, back.level) == (0.0, 0.0)
    lights.watched = True
    lights.by_person["back"] = 0.25
    await lights.idle(usable=True)
    assert (ring.level, back.level) == (1.0, 0.25)
    await lights.idle(usable=False)
    assert (ring.level, back.level) == (0.0, 0.0)
    await lights.stop()
    await lights.idle(usable=True)  # after Stop nothing lights up because somebody looks
    assert (ring.level, back.level) == (0.0, 0.0)
