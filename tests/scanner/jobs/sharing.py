"""Another scanner's storage on the same data directory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from scanner.clock import SystemClock
from scanner.config import Config
from scanner.errors import NotFoundError
from scanner.model import PassName, SessionId
from scanner.storage import StorageManager

MAIN = PassName("main")


@asynccontextmanager
async def another(config: Config) -> AsyncIterator[StorageManager]:
    """A second daemon's storage, with a state directory of its own."""
    storage = await StorageManager.open(
        data_dir=config.data_dir, state_dir=config.state_dir.parent / "studio", clock=SystemClock()
    )
    try:
        yield storage
    finally:
        await storage.close()


async def force(other: StorageManager, session_id: SessionId, name: PassName = MAIN) -> None:
    """Somebody at the other scanner takes the pass away, if it is locked."""
    with suppress(NotFoundError):
        await other.locks.release(session_id, name, origin="web:eve", reason="wrong object")
