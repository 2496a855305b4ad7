"""The leak detector detects: a fixture that never fails proves nothing."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
import threading
from pathlib import Path

import pytest

from tests.support import leaks


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(leaks, "PATIENCE", 0.05)


async def test_a_task_that_stays_is_reported_with_its_name_and_one_that_ends_is_not():
    before = asyncio.all_tasks()
    stays = asyncio.create_task(asyncio.Event().wait(), name="forgotten")
    ends = asyncio.create_task(asyncio.sleep(0))
    (report,) = await leaks.leaked_tasks(before)
    assert report.startswith("forgotten")
    stays.cancel()
    await asyncio.wait([stays])
    assert ends.done()
    assert await leaks.leaked_tasks(before) == []


def test_a_thread_that_stays_is_reported_and_one_that_ends_is_not():
    before = leaks.threads()
    go = threading.Event()
    thread = threading.Thread(target=go.wait, name="storage-writer")
    thread.start()
    assert leaks.leaked_threads(before) == ["storage-writer"]
    go.set()
    thread.join()
    assert leaks.leaked_threads(before) == []


def test_open_files_sockets_and_databases_are_reported_until_they_are_closed(tmp_path: Path):
    before = leaks.descriptors()
    database = sqlite3.connect(tmp_path / "index.db")
    database.execute("create table sessions (id)")
    with socket.socket(), (tmp_path / "a.part").open("wb"):
        found = leaks.leaked_descriptors(before)
    database.close()
    assert {Path(name).name for name in found if name.startswith("/")} == {"index.db", "a.part"}
    assert sum(name.startswith("socket:") for name in found) == 1
    assert leaks.leaked_descriptors(before) == []
