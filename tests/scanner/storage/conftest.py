"""Fixtures of storage's tests."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from scanner.storage import SessionHandle, StorageManager
from tests.scanner.storage.support import Place, new_session

MEMORY = Path("/dev/shm")  # noqa: S108 - a file system in memory: the same calls, but fsync costs nothing


@pytest.fixture
def tmp_path(tmp_path: Path) -> Iterator[Path]:
    """A real directory, in memory where the machine has such a place: thousands of fsyncs need no disk here."""
    if not MEMORY.is_dir():
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=MEMORY, prefix="scanner-test-") as directory:
        yield Path(directory)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
async def storage(place: Place) -> AsyncIterator[StorageManager]:
    async with place.storage() as opened:
        yield opened


@pytest.fixture
async def handle(storage: StorageManager) -> SessionHandle:
    return await storage.create_session(new_session())
