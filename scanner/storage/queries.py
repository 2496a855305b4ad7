"""``index.db``, the reading side: lives in the reader thread on a connection that cannot write.

Lists are paged by key and answer from indexes, so that 100,000 sessions cost what 100 do.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from scanner.model import CameraName, PassName, Photo, PhotoName, SessionId
from scanner.records import PassInfo, Session
from scanner.storage.database import sql_reported
from scanner.storage.documents import Submission
from scanner.storage.listing import SessionPage, SessionQuery, next_cursor, rows_statement, total_statement, words_of
from scanner.storage.rows import (
    PASSES_COLUMNS,
    PHOTOS_COLUMNS,
    SESSIONS_COLUMNS,
    find_submission,
    pass_from,
    photo_from,
    session_from,
)
from scanner.storage.schema import INCOMPLETE

_READ: Final = "the index could not be read"


class Queries:
    """What may be asked of the index. Errors: StorageError (DamagedError where the file is broken)."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def close(self) -> None:
        """Let go; idempotent."""
        self._connection.close()

    def session(self, session_id: SessionId) -> Session | None:
        """A session, or None."""
        with self._snapshot():
            row = self._connection.execute(
                f"SELECT {SESSIONS_COLUMNS} FROM sessions WHERE id = ?",  # noqa: S608 - our own constant
                (session_id,),
            ).fetchone()
            return None if row is None else session_from(row, self._passes([row[0]])[row[0]])

    def page(self, query: SessionQuery) -> SessionPage:
        """A page of sessions. Errors: InvalidError for a cursor, sort, status or limit that cannot be."""
        words = words_of(query.q)
        asked, counted = rows_statement(query, words), total_statement(query, words)
        if words == ():
            return SessionPage(items=(), next=None, total=0)
        with self._snapshot():
            rows = self._connection.execute(asked.text, asked.values).fetchall()
            (total,) = self._connection.execute(counted.text, counted.values).fetchone()
            shown = rows[: query.limit]
            passes = self._passes([row[0] for row in shown])
            items = tuple(session_from(row, passes[row[0]]) for row in shown)
        more = len(rows) > query.limit
        return SessionPage(items=items, next=next_cursor(query, shown[-1]) if more else None, total=int(total))

    def photos(self, session_id: SessionId, name: PassName | None) -> tuple[Photo, ...]:
        """The photos of a session or of one pass, by name; empty where there are none."""
        where, values = ("", ()) if name is None else (" AND pass = ?", (name,))
        with sql_reported(_READ):
            rows = self._connection.execute(
                f"SELECT {PHOTOS_COLUMNS} FROM photos"  # noqa: S608 - our own constants
                f" WHERE session = (SELECT number FROM sessions WHERE id = ?){where} ORDER BY name",
                (session_id, *values),
            )
            return tuple(photo_from(row) for row in rows)

    def photo(self, session_id: SessionId, name: PhotoName) -> Photo | None:
        """A photo, or None."""
        with sql_reported(_READ):
            row = self._connection.execute(
                f"SELECT {PHOTOS_COLUMNS} FROM photos"  # noqa: S608 - our own constant
                " WHERE session = (SELECT number FROM sessions WHERE id = ?) AND name = ?",
                (session_id, name),
            ).fetchone()
            return None if row is None else photo_from(row)

    def unfinished(self, limit: int) -> list[tuple[SessionId, PassInfo]]:
        """Passes that are planned, running, paused or failed, newest sessions first."""
        columns = ", ".join(f"passes.{column}" for column in PASSES_COLUMNS.split(", "))
        with sql_reported(_READ):
            rows = self._connection.execute(
                f"SELECT id, {columns} FROM passes JOIN sessions ON number = session"  # noqa: S608 - our own constant
                f" WHERE passes.state IN {INCOMPLETE}"
                " ORDER BY session DESC, place LIMIT ?",
                (limit,),
            )
            return [(SessionId(row[0]), pass_from(row[1:])) for row in rows]

    def submission(self, key: str) -> tuple[Submission, SessionId, tuple[PassName, ...]] | None:
        """The submission of this key with the session and the passes it made."""
        with sql_reported(_READ):
            return find_submission(self._connection, key)

    def photo_bytes(self, camera: CameraName, width: int, height: int) -> int | None:
        """The mean size of this camera's photos of this size, or None before there are any."""
        with sql_reported(_READ):
            row = self._connection.execute(
                "SELECT bytes / photos FROM photo_sizes WHERE camera = ? AND width = ? AND height = ? AND photos > 0",
                (camera, width, height),
            ).fetchone()
        return None if row is None else int(row[0])

    def signatures(self, after: str, upto: str | None) -> list[tuple[SessionId, str]]:
        """Ids behind ``after`` up to ``upto`` (None: to the end) with their signatures, in order of ids."""
        where, values = ("", (after,)) if upto is None else (" AND id <= ?", (after, upto))
        with sql_reported(_READ):
            return self._connection.execute(
                f"SELECT id, signature FROM sessions WHERE id > ?{where} ORDER BY id",  # noqa: S608 - values are bound
                values,
            ).fetchall()

    @contextmanager
    def _snapshot(self) -> Iterator[None]:
        """All queries of the block see the same moment."""
        with sql_reported(_READ):
            self._connection.execute("BEGIN")
            try:
                yield
            finally:
                self._connection.rollback()

    def _passes(self, numbers: list[int]) -> dict[int, tuple[PassInfo, ...]]:
        marks = ", ".join("?" * len(numbers))
        rows = self._connection.execute(
            f"SELECT {PASSES_COLUMNS} FROM passes WHERE session IN ({marks})"  # noqa: S608 - values are bound
            " ORDER BY session, place, name",
            numbers,
        )
        found: dict[int, list[PassInfo]] = {number: [] for number in numbers}
        for row in rows:
            found[row[0]].append(pass_from(row))
        return {number: tuple(passes) for number, passes in found.items()}
