"""What was done that others should know of stays known."""

from __future__ import annotations

import sqlite3
from base64 import b64encode

import pytest

from scanner.errors import InvalidError, StorageError
from scanner.model import SessionId


async def test_entries_come_back_newest_first_and_outlive_the_daemon(place):
    async with place.storage() as storage:
        await storage.audit.record("web:anna", "delete", session_id=SessionId("s"), detail="to the trash")
        await storage.audit.record("cli", "purge")
    async with place.storage() as storage:
        newest, oldest = (await storage.audit.list()).items
        assert (newest.who, newest.what, newest.session_id, newest.detail) == ("cli", "purge", None, "")
        assert (oldest.who, oldest.session_id, oldest.detail) == ("web:anna", "s", "to the trash")
        assert oldest.at < newest.at
        assert (await storage.audit.list(limit=1)).items == (newest,)
        assert (await storage.audit.list(limit=0)).items == ()


async def test_entries_are_read_page_by_page(storage):
    for number in range(5):
        await storage.audit.record("cli", f"deed-{number}")
    found, after = [], None
    for _ in range(3):
        page = await storage.audit.list(2, after)
        assert page.total == 5 + len(found) // 2
        found += [entry.what for entry in page.items]
        after = page.next
        await storage.audit.record("cli", "meanwhile")  # newer: moves nothing on the pages behind
    assert (found, after) == ([f"deed-{number}" for number in (4, 3, 2, 1, 0)], None)
    whole = await storage.audit.list(8)
    assert (len(whole.items), whole.next, whole.total) == (8, None, 8)


@pytest.mark.parametrize(
    "after", ["nonsense", *(b64encode(text).decode() for text in (b"[-1]", b"[9223372036854775808]", b"{}"))]
)
async def test_what_is_no_cursor_is_refused(storage, after):
    with pytest.raises(InvalidError, match="after"):
        await storage.audit.list(2, after)


async def test_a_queue_that_cannot_be_written_is_said(storage, monkeypatch):
    class Broken:
        def execute(self, *_: object) -> None:
            raise sqlite3.OperationalError

    monkeypatch.setattr(storage.audit, "_connection", Broken())
    with pytest.raises(StorageError, match="the audit could not be written"):
        await storage.audit.record("cli", "purge")
    with pytest.raises(StorageError, match="the audit could not be read"):
        await storage.audit.list()


async def test_of_very_many_entries_the_oldest_make_room(storage, monkeypatch):
    monkeypatch.setattr("scanner.storage.index.audit.KEPT", 5)
    for number in range(8):
        await storage.audit.record("cli", f"deed-{number}")
    assert [one.what for one in (await storage.audit.list()).items] == [f"deed-{number}" for number in (7, 6, 5, 4, 3)]
