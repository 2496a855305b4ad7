"""Who did what that others should know of: kept in ``jobs.db``, where no deletion of a session reaches it."""

from __future__ import annotations

import sqlite3

from scanner.clock import Clock, utc_text
from scanner.model import SessionId
from scanner.records import AuditEntry
from scanner.storage.disk.database import sql_reported, transaction
from scanner.storage.disk.threads import Lane


class AuditLog:
    """Entries are added, never changed. Errors of all methods: StorageError."""

    def __init__(self, lane: Lane, connection: sqlite3.Connection, clock: Clock) -> None:
        self._lane = lane
        self._connection = connection
        self._clock = clock

    async def record(self, who: str, what: str, *, session_id: SessionId | None = None, detail: str = "") -> None:
        """Add an entry; return when it is durable."""
        row = (utc_text(self._clock.now()), who, what, session_id, detail)
        await self._lane.run(lambda: self._add(row))

    async def list(self, limit: int = 200) -> tuple[AuditEntry, ...]:
        """The newest entries, newest first."""
        return await self._lane.run(lambda: self._newest(limit))

    def _add(self, row: tuple[str, str, str, SessionId | None, str]) -> None:
        statement = "INSERT INTO audit (at, who, what, session_id, detail) VALUES (?, ?, ?, ?, ?)"
        with sql_reported("the audit could not be written"), transaction(self._connection):
            self._connection.execute(statement, row)

    def _newest(self, limit: int) -> tuple[AuditEntry, ...]:
        query = "SELECT at, who, what, session_id, detail FROM audit ORDER BY number DESC LIMIT ?"
        with sql_reported("the audit could not be read"):
            rows = self._connection.execute(query, (max(0, limit),)).fetchall()
        return tuple(
            AuditEntry(
                at=at, who=who, what=what, session_id=None if about is None else SessionId(about), detail=detail or ""
            )
            for at, who, what, about, detail in rows
        )
