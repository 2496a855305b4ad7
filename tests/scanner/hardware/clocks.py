"""A clock for tests of one device at a time: who sleeps wakes at once, at the time waited for."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta


class LeapClock:
    """A :class:`scanner.clock.Clock` that leaps over every sleep."""

    speed = 1.0

    def __init__(self) -> None:
        self.seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return datetime(2026, 11, 20, tzinfo=UTC) + timedelta(seconds=self.seconds)

    async def sleep(self, seconds: float) -> None:
        self.seconds += max(seconds, 0.0)
        await asyncio.sleep(0)
