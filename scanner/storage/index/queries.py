"""``index.db``, the reading side: lives in the reader thread on a connection that cannot write.

Lists are paged by key and answer from indexes, so that 100,000 sessions cost what 100 do.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from scanner.model import CameraName, PassName, SessionId
from scanner.records import PassInfo, Session
from scanner.storage.directory.older import KnownOlder, OlderSession, known_older, read_older
from scanner.storage.disk.database import sql_reported
from scanner.storage.index.asking import words_of
from scanner.storage.index.listing import SessionPage, SessionQuery, next_cursor, rows_statement, total_statement
from scanner.storage.index.rows import (
    PASSES_COLUMNS,
    SESSIONS_COLUMNS,
    find_signature,
    find_submission,
    pass_from,
    session_from,
)
from scanner.storage.index.schema import INCOMPLETE
from scanner.storage.index.terms import expressions
from scanner.storage.journal.documents import Submission

Answer = TypeVar("Answer")

_ENDLESS: Final = 1 << 62  # above any number of a session
_AT_WORK: Final = 1000  # passes that are being worked on at once, at most
_READ: Final = "the index could not be read"


class Queries:
    """What may be asked of the index. Errors: StorageError (DamagedError where the file is broken)."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._looked_into: tuple[KnownOlder, OlderSession] | None = None  # the last one: pages ask many times

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
        rows_statement(query, words)  # says what cannot be asked
        with self._snapshot():
            if words is not None:
                words = expressions(self._connection, "sessions", words)
                if not words:
                    return SessionPage(items=(), next=None, total=0)
            counted = total_statement(query, words)
            (total,) = self._connection.execute(counted.text, counted.values).fetchone()
            asked = rows_statement(query, words, total)
            rows = self._connection.execute(asked.text, asked.values).fetchall()
            shown = rows[: query.limit]
            passes = self._passes([row[0] for row in shown])
            items = tuple(session_from(row, passes[row[0]]) for row in shown)
        more = len(rows) > query.limit
        return SessionPage(items=items, next=next_cursor(query, shown[-1]) if more else None, total=int(total))

    def unfinished(self, limit: int) -> list[tuple[SessionId, PassInfo]]:
        """Passes that are planned, running, paused or failed, newest sessions first."""
        columns = ", ".join(f"passes.{column}" for column in PASSES_COLUMNS.split(", "))
        with sql_reported(_READ):
            rows = self._connection.execute(
                f"SELECT id, {columns} FROM passes JOIN sessions ON sessions.number = session"  # noqa: S608 - our own constant
                f" WHERE passes.state IN {INCOMPLETE}"
                " ORDER BY session DESC, place LIMIT ?",
                (limit,),
            )
            return [(SessionId(row[0]), pass_from(row[1:])) for row in rows]

    def marked(self) -> list[SessionId]:
        """Sessions that have checkpoints."""
        with sql_reported(_READ):
            rows = self._connection.execute("SELECT id FROM sessions WHERE marked > 0")
            return [SessionId(row[0]) for row in rows]

    def running(self) -> list[tuple[SessionId, PassName]]:
        """Passes that are being worked on, here or elsewhere, as far as journals tell."""
        with sql_reported(_READ):
            rows = self._connection.execute(
                "SELECT id, name FROM passes INDEXED BY passes_running JOIN sessions ON sessions.number = session"
                " WHERE passes.state = 'running' ORDER BY session DESC, place LIMIT ?",
                (_AT_WORK,),
            )
            return [(SessionId(row[0]), PassName(row[1])) for row in rows]

    def newest(self, count: int) -> list[SessionId]:
        """The sessions that were made last."""
        return self.in_turn(0, count)[0]

    def in_turn(self, cursor: int, count: int) -> tuple[list[SessionId], int]:
        """Sessions behind ``cursor`` (0: the newest), whatever became of them; with the next cursor."""
        with sql_reported(_READ):
            rows = self._connection.execute(
                "SELECT id, number FROM sessions WHERE number < ? ORDER BY number DESC LIMIT ?",
                (cursor or _ENDLESS, count + 1),
            ).fetchall()
        return [SessionId(row[0]) for row in rows[:count]], rows[count - 1][1] if len(rows) > count else 0

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

    def signature(self, session_id: SessionId) -> str | None:
        """What a session's files looked like when the index last agreed with them; None for one that it does not know,
        or that lies under another name.
        """
        with sql_reported(_READ):
            return find_signature(self._connection, session_id)

    def restless(self, newest: int, cursor: int, others: int) -> tuple[list[SessionId], int]:
        """The newest sessions with something left to do, and those behind ``cursor``, in turn; with the next cursor."""
        query = (
            "SELECT id, number FROM sessions INDEXED BY sessions_incomplete"  # noqa: S608 - our own constant
            f" WHERE state IN {INCOMPLETE} AND number < ? ORDER BY number DESC LIMIT ?"
        )
        with sql_reported(_READ):
            first = self._connection.execute(query, (_ENDLESS, newest)).fetchall()
            behind = min(cursor or _ENDLESS, first[-1][1]) if first else 0
            then = self._connection.execute(query, (behind, others)).fetchall()
        following = then[-1][1] if len(then) == others else 0
        return [SessionId(row[0]) for row in (*first, *then)], following

    def signatures(self, after: str, upto: str | None) -> list[tuple[SessionId, str]]:
        """Ids behind ``after`` up to ``upto`` (None: to the end) with their signatures, in order of ids; without the
        sessions that lie under other names.
        """
        where, values = ("", (after,)) if upto is None else (" AND id <= ?", (after, upto))
        with sql_reported(_READ):
            return self._connection.execute(
                f"SELECT id, signature FROM sessions WHERE id > ?{where}"  # noqa: S608 - values are bound
                " AND number NOT IN (SELECT session FROM legacy) ORDER BY id",
                values,
            ).fetchall()

    def older(self, session_id: SessionId) -> OlderSession | None:
        """A session of an older format, or one that lies under another name, to be looked into; None for any other."""
        with sql_reported(_READ):
            known = next(known_older(self._connection, session_id), None)
            if known is None:
                return None
            if self._looked_into is None or self._looked_into[0] != known:
                self._looked_into = (known, read_older(self._connection, known))
            return self._looked_into[1]

    def known_older(self, session_id: SessionId) -> KnownOlder | None:
        """Where such a session lies; None for any other."""
        with sql_reported(_READ):
            return next(known_older(self._connection, session_id), None)

    def all_older(self) -> tuple[KnownOlder, ...]:
        """All of them, by id."""
        with sql_reported(_READ):
            return tuple(known_older(self._connection))

    def read(self, question: Callable[[sqlite3.Connection], Answer]) -> Answer:
        """What ``question`` finds in the index as it is at one moment. Errors: those of ``question``, too."""
        with self._snapshot():
            return question(self._connection)

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
