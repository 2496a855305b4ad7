"""Several devices at once: together, where one that fails must stop the others, or each for itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import Any

from scanner.errors import HardwareError


async def every(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Do all of it side by side; what fails stops nothing else, the first error is raised at the end."""
    errors = [one for one in await asyncio.gather(*work, return_exceptions=True) if one is not None]
    if errors:
        raise errors[0]


@asynccontextmanager
async def together() -> AsyncIterator[asyncio.TaskGroup]:
    """A TaskGroup that raises the device's own error instead of a group of one."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except* HardwareError as errors:
        first: BaseException = errors
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from None
