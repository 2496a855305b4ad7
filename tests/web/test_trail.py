"""Every request that changes something is in the audit, with who asked from where, and costs few fsyncs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest

from scanner.access import Principal, Role
from scanner.access.access import NOBODY
from scanner.errors import StorageError
from scanner.records import AuditEntry
from tests.web.conftest import serving
from web.context import PRINCIPAL
from web.trail import Trail

if TYPE_CHECKING:
    from scanner.app import App

ANNA = Principal(kind="login", role=Role.ADMIN, name="anna", key="k")


def asked(path: str = "/api/rig/light", principal: Principal = ANNA, **match: str) -> Any:
    """A request that was admitted."""
    request = mock.MagicMock(method="POST", path=path, match_info=match)
    request.__getitem__.side_effect = {PRINCIPAL: principal}.__getitem__
    return request


class Book:
    """Keeps what is written, or refuses it."""

    def __init__(self) -> None:
        self.written: list[list[AuditEntry]] = []
        self.refuses = False
        self.tried = asyncio.Event()

    async def write(self, entries: Sequence[AuditEntry]) -> None:
        """As the audit does."""
        self.tried.set()
        if self.refuses:
            message = "the disk is full"
            raise StorageError(message)
        self.written.append(list(entries))


async def test_entries_are_gathered_and_written_together() -> None:
    book = Book()
    trail = Trail(book.write, lambda: "now", gathered=0.01)
    for level in range(50):
        trail.note(asked(), 200 + level, "10.0.0.1")
    await book.tried.wait()
    ((first, *_),) = book.written
    assert len(book.written[0]) == 50
    assert (first.who, first.what, first.detail, first.session_id) == (
        "web:anna", "POST /api/rig/light", "200 from 10.0.0.1", None,
    )  # fmt: skip
    await trail.close()


async def test_what_waits_is_written_when_the_daemon_stops() -> None:
    book = Book()
    trail = Trail(book.write, lambda: "now", gathered=3600.0)
    trail.note(asked("/api/sessions/s-1/verify", id="s-1"), 202, "")
    await trail.close()
    await trail.close()
    ((entry,),) = book.written
    assert (entry.session_id, entry.detail) == ("s-1", "202")


async def test_nobody_in_particular_fills_nothing_and_long_addresses_are_cut() -> None:
    book = Book()
    trail = Trail(book.write, lambda: "now")
    trail.note(asked(principal=NOBODY), 401, "10.0.0.1")
    trail.note(asked("/api/sessions/" + "x" * 5000, id="../x"), 404, "")
    await trail.close()
    ((entry,),) = book.written
    assert len(entry.what) < 300
    assert entry.session_id is None


async def test_a_disk_that_refuses_is_said_once_and_the_end_of_it_too(caplog: pytest.LogCaptureFixture) -> None:
    book = Book()
    trail = Trail(book.write, lambda: "now", gathered=0.001)
    for refuses, said in ((True, 1), (True, 1), (False, 1), (True, 2)):
        book.refuses = refuses
        book.tried.clear()
        trail.note(asked(), 200, "")
        await book.tried.wait()
        await asyncio.sleep(0)
        assert caplog.text.count("could not be entered in the audit") == said
    await trail.close()


async def test_more_than_can_be_written_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    book = Book()
    trail = Trail(book.write, lambda: "now", gathered=3600.0)
    for _ in range(1010):
        trail.note(asked(), 200, "")
    await trail.close()
    assert len(book.written[0]) == 1000
    assert "10 requests are not in the audit" in caplog.text


REQUESTS = [
    ("POST", "/api/rig/stop", None, {}),
    ("DELETE", "/api/jobs", None, {}),
    ("POST", "/api/jobs/j-abcdef/pause", {}, {}),
    ("GET", "/api/sessions", None, {}),
    ("POST", "/api/plans", {"title": "x"}, {}),
    ("POST", "/api/nothing", {}, {}),
    ("POST", "/api/rig/stop", None, {"Host": "evil.example"}),
]


async def test_changing_requests_are_in_the_audit_once_the_daemon_has_stopped(app: App) -> None:
    async with serving(app) as (_, client):
        for method, path, body, headers in REQUESTS:
            async with client.request(method, path, json=body, headers=headers):
                pass
    assert [(one.who, one.what, one.detail) for one in (await app.storage.audit.list()).items] == [
        ("web", "POST /api/jobs/j-abcdef/pause", "404 from 127.0.0.1"),
        ("web", "DELETE /api/jobs", "204 from 127.0.0.1"),
        ("web", "POST /api/rig/stop", "200 from 127.0.0.1"),
    ]
