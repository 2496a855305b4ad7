"""Every step of a run has a deadline: a device that never answers pauses the run instead of holding it for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from scanner.errors import HardwareError


@asynccontextmanager
async def deadline(seconds: float, error: HardwareError) -> AsyncIterator[None]:
    """Raise ``error`` when the body takes longer than ``seconds`` of the world; a driver's own time-out passes."""
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            yield
    except TimeoutError as cause:
        if not limit.expired():
            raise
        raise error from cause
