"""The line between exposing and saving, bounded by bytes.

Room is reserved before the exposure is taken, so that memory is bounded including the picture in the making. One side
puts, one side gets; only the two waits are coroutines, so closing the line cannot be interrupted.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from msgspec import Struct

from scanner.model import Exposure, Shot, Viewpoint

SMALL_MACHINE: Final = 2 * 1024**3  # below this much memory: one raw exposure in flight


def room_for(frame_bytes: int, memory_bytes: int) -> int:
    """How many bytes of raw exposures may be in flight: two frames or a tenth of memory, whichever is less."""
    if memory_bytes < SMALL_MACHINE:
        return frame_bytes
    return min(2 * frame_bytes, memory_bytes // 10)


class Taken(Struct, frozen=True, kw_only=True):
    """A shot that was exposed and is not yet saved. Durations in seconds of the rig's clock."""

    shot: Shot
    exposure: Exposure
    measured: Viewpoint
    settle_s: float
    capture_s: float

    @property
    def size_bytes(self) -> int:
        """Bytes it occupies in the line."""
        return len(self.exposure.yuv)


class HandOver:
    """A queue of exposures whose bytes never exceed ``limit``; a single one always fits."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._used = 0
        self._items: deque[Taken] = deque()
        self._closed = False
        self._room = asyncio.Event()
        self._news = asyncio.Event()

    async def reserve(self, size: int) -> None:
        """Wait until ``size`` bytes fit and take them."""
        while self._used and self._used + size > self._limit:
            self._room.clear()
            await self._room.wait()
        self._used += size

    def put(self, taken: Taken) -> None:
        """Hand an exposure over, in the room reserved for it."""
        self._items.append(taken)
        self._news.set()

    async def get(self) -> Taken | None:
        """The next exposure, or None once closed and empty."""
        while not self._items:
            if self._closed:
                return None
            self._news.clear()
            await self._news.wait()
        return self._items.popleft()

    def release(self, size: int) -> None:
        """Give bytes back."""
        self._used -= size
        self._room.set()

    def close(self) -> None:
        """Nothing more will be put; what is there is still handed out."""
        self._closed = True
        self._news.set()
