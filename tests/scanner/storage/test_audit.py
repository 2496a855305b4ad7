"""What was done that others should know of stays known."""

from __future__ import annotations

import sqlite3

import pytest

from scanner.errors import StorageError
from scanner.model import SessionId


async def test_entries_come_back_newest_first_and_outlive_the_daemon(place):
    async with place.storage() as storage:
        await storage.audit.record("web:anna", "delete", session_id=SessionId("s"), detail="to the trash")
        await storage.audit.record("cli", "purge")
    async with place.storage() as storage:
        newest, oldest = await storage.audit.list()
        assert (newest.who, newest.what, newest.session_id, newest.detail) == ("cli", "purge", None, "")
        assert (oldest.who, oldest.session_id, oldest.detail) == ("web:anna", "s", "to the trash")
        assert oldest.at < newest.at
        assert await storage.audit.list(limit=1) == (newest,)
        assert await storage.audit.list(limit=0) == ()


async def test_a_queue_that_cannot_be_written_is_said(storage, monkeypatch):
    class Broken:
        def execute(self, *_: object) -> None:
            raise sqlite3.OperationalError

    monkeypatch.setattr(storage.audit, "_connection", Broken())
    with pytest.raises(StorageError, match="the audit could not be written"):
        await storage.audit.record("cli", "purge")
    with pytest.raises(StorageError, match="the audit could not be read"):
        await storage.audit.list()
