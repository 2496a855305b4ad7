"""Fixtures of storage's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from scanner.storage import SessionHandle, StorageManager
from tests.scanner.storage.formats.samples import CASES, SAMPLES
from tests.scanner.storage.support import Place, new_session
from tests.support.demand import demand
from tests.support.memory import in_memory


@pytest.fixture
def tmp_path(tmp_path: Path) -> Iterator[Path]:
    """A real directory, in memory where the machine has such a place: thousands of fsyncs need no disk here."""
    with in_memory(tmp_path) as directory:
        yield directory


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


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Path:
    """A folder of examples of an older format, with what they must be read as."""
    demand(SAMPLES.is_dir(), "the samples of older formats (../shared/data/legacy)")
    return SAMPLES / request.param
