"""A clock that stands still until the test moves it."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 20, 4, 15, 30, 120_000, tzinfo=UTC)
TURNS = 20  # of the loop given to whoever woke, before the next sleeper wakes


class ManualClock:
    """A :class:`scanner.clock.Clock` moved by :meth:`advance` alone; the wall clock can jump without it."""

    speed = 1.0

    def __init__(self, start: datetime = START) -> None:
        self._seconds = 1000.0
        self._wall = start - timedelta(seconds=self._seconds)
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def monotonic(self) -> float:
        """Seconds; moves only by ``advance``."""
        return self._seconds

    def now(self) -> datetime:
        """Wall-clock time: begins at ``start``, moves with ``advance`` and jumps by ``set_wall``."""
        return self._wall + timedelta(seconds=self._seconds)

    def set_wall(self, moment: datetime) -> None:
        """Let the wall clock jump, as it does when a machine without a battery clock finds a time server."""
        self._wall = moment - timedelta(seconds=self._seconds)

    async def sleep(self, seconds: float) -> None:
        """Wait until ``advance`` has passed this moment; zero or less only lets others run."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._seconds + seconds, next(self._order), woken))
        await woken

    @property
    def sleeping(self) -> int:
        """How many wait in ``sleep``."""
        return sum(not woken.done() for _, _, woken in self._sleepers)

    async def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass: sleepers wake in order, each at its own moment, and run before the next one wakes."""
        end = self._seconds + seconds
        await self._turns()
        while self._sleepers and self._sleepers[0][0] <= end:
            self._seconds, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                woken.set_result(None)
                await self._turns()
        self._seconds = end
        await self._turns()

    async def _turns(self) -> None:
        for _ in range(TURNS):
            await asyncio.sleep(0)
