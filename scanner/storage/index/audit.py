"""Who did what that others should know of: kept in ``jobs.db``, where no deletion of a session reaches it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from scanner.clock import Clock, utc_text
from scanner.model import SessionId
from scanner.records import AuditEntry
from scanner.storage.disk.database import sql_reported, transaction
from scanner.storage.disk.threads import Lane
from scanner.storage.index.asking import LARGEST, RowNumber, decode_cursor, encode_cursor

KEPT: Final = 100_000  # entries: years of a busy scanner, some 20 MB


class AuditPage(Struct, frozen=True, kw_only=True):
    """Some entries, the cursor of the next page (None: the last one) and how many there are in all."""

    items: tuple[AuditEntry, ...]
    next: str | None
    total: int


class _Cursor(Struct, frozen=True, array_like=True):
    number: RowNumber


class AuditLog:
    """Entries are added, never changed. Errors of all methods: StorageError."""

    def __init__(self, lane: Lane, connection: sqlite3.Connection, clock: Clock) -> None:
        self._lane = lane
        self._connection = connection
        self._clock = clock

    async def record(self, who: str, what: str, *, session_id: SessionId | None = None, detail: str = "") -> None:
        """Add an entry; return when it is durable."""
        await self.record_all([AuditEntry(at=self.now(), who=who, what=what, session_id=session_id, detail=detail)])

    async def record_all(self, entries: Sequence[AuditEntry]) -> None:
        """Add entries, oldest first; return when all of them are durable. Of very many the oldest make room."""
        rows = [(one.at, one.who, one.what, one.session_id, one.detail) for one in entries]
        await self._lane.run(lambda: self._add(rows))

    def now(self) -> str:
        """The time as it is kept."""
        return utc_text(self._clock.now())

    async def list(self, limit: int = 200, after: str | None = None) -> AuditPage:
        """The newest entries, newest first, or those behind ``after``, the ``next`` of the page before. Errors:
        InvalidError for what is none.
        """
        upto = LARGEST if after is None else decode_cursor(after, _Cursor).number
        return await self._lane.run(lambda: self._page(max(0, limit), upto))

    def _add(self, rows: Sequence[tuple[str, str, str, SessionId | None, str]]) -> None:
        statement = "INSERT INTO audit (at, who, what, session_id, detail) VALUES (?, ?, ?, ?, ?)"
        with sql_reported("the audit could not be written"), transaction(self._connection):
            self._connection.executemany(statement, rows)
            self._connection.execute("DELETE FROM audit WHERE number <= (SELECT max(number) FROM audit) - ?", (KEPT,))

    def _page(self, limit: int, upto: int) -> AuditPage:
        query = (
            "SELECT number, at, who, what, session_id, detail FROM audit WHERE number < ? ORDER BY number DESC LIMIT ?"
        )
        with sql_reported("the audit could not be read"):
            rows = self._connection.execute(query, (upto, limit + 1)).fetchall()
            (total,) = self._connection.execute("SELECT count(*) FROM audit").fetchone()
        shown = rows[:limit]
        following = encode_cursor(_Cursor(shown[-1][0])) if shown and len(rows) > limit else None
        return AuditPage(items=tuple(_entry(*row[1:]) for row in shown), next=following, total=int(total))


def _entry(at: str, who: str, what: str, about: str | None, detail: str | None) -> AuditEntry:
    session_id = None if about is None else SessionId(about)
    return AuditEntry(at=at, who=who, what=what, session_id=session_id, detail=detail or "")
