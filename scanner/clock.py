"""Time, injected: nothing else in the product reads a clock or sleeps.

Durations use the monotonic clock. A Pi has no battery clock, so no decision rests on comparing wall-clock times. A
rig clock may run faster than the world (``speed``): the twin's motors, settling and exposures then take less real
time, and everything that predicts how long a person waits divides by the same factor.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Final, Protocol

_TIMEX_BYTES: Final = 256  # room for the kernel's structure; it has 208 bytes on 64-bit machines, 128 on others
_TIME_ERROR: Final = 5  # the kernel's word for a clock that nobody keeps right


class Clock(Protocol):
    """A source of time. Seconds; ``now`` is UTC."""

    @property
    def speed(self) -> float:
        """Seconds of this clock per second of the world."""

    def monotonic(self) -> float:
        """Seconds since some fixed moment; never goes back."""

    def now(self) -> datetime:
        """Wall-clock time, aware, UTC; may jump."""

    async def sleep(self, seconds: float) -> None:
        """Wait ``seconds`` of this clock."""


class SystemClock:
    """The clock of the machine, running ``speed`` times as fast for durations; ``now`` is always the world's."""

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed

    def monotonic(self) -> float:
        return time.monotonic() * self.speed

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251 - this is the clock that everything else is given

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.speed)


def utc_text(moment: datetime) -> str:
    """ISO 8601 with milliseconds and ``Z``, as on disk and in the API: ``2026-11-20T04:15:30.120Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def kernel_synchronised() -> bool:
    """Whether the wall clock can be believed: False only where the kernel says that nobody keeps it right.

    Asked with ``adjtimex``, which changes nothing when no mode is set.
    """
    import ctypes  # noqa: PLC0415 - asked for rarely, and never by the command line

    try:
        adjtimex = ctypes.CDLL(None).adjtimex
    except (AttributeError, OSError):
        return True  # another system: it cannot say
    return int(adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))) != _TIME_ERROR
