"""Doubles for coroutine functions: one that waits, one that fails. They stand in on an object or on a class."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

Work = Callable[..., Any]
TURNS = 50  # of the loop: more than any chain of awaits here is long


class Held:
    """Says when it is reached, and does the work once it is let go; calls that ``when`` is false for are not held."""

    def __init__(self, work: Work, *, when: Callable[..., bool] = lambda *_, **__: True) -> None:
        self._work = work
        self._when = when
        self.reached = asyncio.Event()
        self._free = asyncio.Event()

    def __get__(self, instance: object, owner: type) -> Work:
        return partial(self, instance)

    async def __call__(self, *args: Any, **options: Any) -> Any:
        if self._when(*args, **options):
            self.reached.set()
            await self._free.wait()
        return await self._work(*args, **options)

    def let_go(self) -> None:
        """From now on nothing is held."""
        self._free.set()


class Failing:
    """Fails ``times`` times, then does the work."""

    def __init__(
        self, work: Work, error: Exception, *, times: int = 1_000_000, when: Callable[..., bool] = lambda *_, **__: True
    ) -> None:
        self._work = work
        self._error = error
        self._when = when
        self.left = times

    def __get__(self, instance: object, owner: type) -> Work:
        return partial(self, instance)

    async def __call__(self, *args: Any, **options: Any) -> Any:
        if self.left > 0 and self._when(*args, **options):
            self.left -= 1
            raise self._error
        return await self._work(*args, **options)


async def never(*_: object, **__: object) -> None:
    """A device that does not answer."""
    await asyncio.Event().wait()


async def turns(count: int = TURNS) -> None:
    """Let everybody who can run do so."""
    for _ in range(count):
        await asyncio.sleep(0)
