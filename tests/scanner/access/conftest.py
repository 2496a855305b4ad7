"""Access on a real directory, with a clock that tests move."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from scanner.access import Access
from scanner.storage import Files
from tests.support.clock import ManualClock

PASSWORD = "correct horse"  # noqa: S105 - of nobody
HERE = "192.168.1.20"

Opener = Callable[..., Awaitable[Access]]


@pytest.fixture
def clock() -> ManualClock:
    """Stands still."""
    return ManualClock()


@pytest.fixture
async def opened(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Opener]:
    """Opens access below ``tmp_path``, again and again; what is open at the end is closed."""
    async with AsyncExitStack() as stack:

        async def open_access(
            *, required: bool = True, files: Files | None = None, synchronised: bool = True
        ) -> Access:
            access = await Access.open(
                tmp_path, clock, required=required, files=files, synchronised=lambda: synchronised
            )
            stack.push_async_callback(access.close)
            return access

        yield open_access


@pytest.fixture
async def access(opened: Opener) -> Access:
    """With one administrator, anna."""
    made = await opened()
    await made.people.add("anna", "admin", PASSWORD)
    return made
