"""The rig's lights: what they are at, what they should be at while no pass holds the rig."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from scanner.errors import LightError
from scanner.hardware.api import Light
from scanner.rig.sidebyside import every

ANSWER: Final = 5.0  # seconds within which a light has changed: nothing may wait for ever for one that does not


class Lights:
    """Sets the lights of one rig, each light's changes one after the other."""

    def __init__(self, lights: Mapping[str, Light]) -> None:
        self._lights = lights
        self._levels: dict[str, float] = {}  # as known; a light that is not in here is set anew
        self._newest: dict[str, asyncio.Future[None]] = {}  # change of each light
        self.by_person: dict[str, float] = {}  # set by hand, until a pass, a fault or Stop
        self.watched = False  # somebody looks at the preview
        self.stopped = False  # somebody pressed Stop: nothing lights up by itself until somebody uses the rig

    def level(self, name: str) -> float:
        """What a light is at, as far as is known."""
        return self._levels.get(name, 0.0)

    async def set(self, levels: Mapping[str, float]) -> None:
        """Set lights by name, all of them even if one fails. Errors: LightError, the first."""
        await every(self._set(name, level) for name, level in levels.items() if self._levels.get(name) != level)

    async def idle(self, *, usable: bool) -> None:
        """The light of a rig that no pass holds: what a person set, else a lamp for whoever looks, else dark. A rig
        that is not ``usable`` is dark. Errors: LightError.
        """
        lamp = 1.0 if self.watched and not self.stopped else 0.0
        await self.set({name: self.by_person.get(name, lamp) if usable else 0.0 for name in self._lights})

    async def stop(self) -> None:
        """Off, whatever is known of them and whatever is under way. Errors: LightError, the first."""
        self.stopped = True
        self.by_person.clear()
        self._levels.clear()
        await self.set(dict.fromkeys(self._lights, 0.0))

    async def forget(self) -> None:
        """The devices are let go: nothing is known any more once what is under way has ended."""
        self.by_person.clear()
        await asyncio.gather(*self._newest.values(), return_exceptions=True)
        self._levels.clear()

    async def _set(self, name: str, level: float) -> None:
        """A driver may finish what it began although nobody waits for it any more: the next change comes after it."""
        self._levels.pop(name, None)  # unknown until it is done
        self._newest[name] = change = asyncio.ensure_future(self._change(self._newest.get(name), name, level))
        await asyncio.shield(change)

    async def _change(self, before: asyncio.Future[None] | None, name: str, level: float) -> None:
        if before is not None:
            await asyncio.wait([before])
        try:
            async with asyncio.timeout(ANSWER):
                await self._lights[name].set(level)
        except TimeoutError as error:
            message = f"light {name} does not answer: check its wire"
            raise LightError(message) from error
        self._levels[name] = level
