"""``index.db``, the writing side. It is derived: whatever is in it can be read again from the session directories.

Lives in the writer thread. A change begins by noting its intent, fsynced; what a power cut leaves noted is read again
at the next start. All other rows are written without fsync (``synchronous=NORMAL``).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import ExitStack, closing
from datetime import datetime
from pathlib import Path
from typing import Final

from scanner.errors import StorageError
from scanner.model import PassName, Photo, PhotoName, SessionId
from scanner.records import PassInfo
from scanner.states import PassState, session_state
from scanner.storage.database import (
    connect,
    header_fault,
    is_broken,
    migrate,
    rename_broken,
    schema_fault,
    sql_reported,
    transaction,
)
from scanner.storage.documents import Submission
from scanner.storage.files import Files
from scanner.storage.rows import (
    as_json,
    find_submission,
    first_number,
    pass_row,
    photo_row,
    search_words,
    session_row,
    state_words,
)
from scanner.storage.schema import MIGRATIONS
from scanner.storage.views import SessionRecord

_INTO_PHOTOS: Final = "INSERT INTO photos VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_INTO_PASSES: Final = "INSERT INTO passes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_INTO_SESSIONS: Final = "INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_WRITE: Final = "the index could not be written"


class MissingRowError(Exception):
    """The index does not know this session: it must be read from its directory."""


def open_index(files: Files, path: Path, now: datetime) -> tuple[sqlite3.Connection, str | None]:
    """The writing connection, and what was wrong with the file before (it was then renamed and begun anew), or None.

    Errors: sqlite3.Error, OSError.
    """
    fault = header_fault(path)
    if fault is None:
        connection, fault = _open_sound(path)
        if connection is not None:
            return connection, None
    rename_broken(files, path, now)
    connection = connect(path, "NORMAL")
    migrate(connection, MIGRATIONS)
    return connection, fault


def _open_sound(path: Path) -> tuple[sqlite3.Connection | None, str | None]:
    """The connection, or what is wrong with the file at first sight."""
    try:
        with ExitStack() as stack:
            connection = stack.enter_context(closing(connect(path, "NORMAL")))
            migrate(connection, MIGRATIONS)
            fault = schema_fault(connection, MIGRATIONS)
            if fault is None:
                stack.pop_all()
                return connection, None
            return None, fault
    except StorageError as error:
        return None, error.message
    except sqlite3.DatabaseError as error:
        if not is_broken(error):
            raise
        return None, str(error)


class Index:
    """What may be changed in the index. Errors: StorageError (DamagedError where the file is broken)."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def close(self) -> None:
        """Checkpoint and let go; idempotent."""
        self._connection.close()

    def whole(self) -> bool:
        """Whether every session was in the index once; False while it is being rebuilt."""
        with sql_reported("the index could not be read"):
            row = self._connection.execute("SELECT value FROM meta WHERE key = 'whole'").fetchone()
        return row is not None and row[0] == "1"

    def mark_whole(self) -> None:
        """Say that every session is in the index."""
        with sql_reported(_WRITE):
            self._connection.execute("INSERT OR REPLACE INTO meta VALUES ('whole', '1')")

    def begin(self, session_id: SessionId, name: str = "") -> None:
        """Note, fsynced, that a change begins: after a power cut this session is read again."""
        with sql_reported(_WRITE):
            self._connection.execute("PRAGMA synchronous = FULL")
            try:
                self._connection.execute("INSERT OR IGNORE INTO intents VALUES (?, ?)", (session_id, name))
            finally:
                self._connection.execute("PRAGMA synchronous = NORMAL")

    def done(self, session_id: SessionId, name: str = "") -> None:
        """The change noted by :meth:`begin` is over and in the index."""
        with sql_reported(_WRITE):
            self._connection.execute("DELETE FROM intents WHERE session_id = ? AND pass = ?", (session_id, name))

    def intents(self) -> list[tuple[SessionId, str]]:
        """Changes that had begun when the daemon last stopped."""
        with sql_reported("the index could not be read"):
            return self._connection.execute("SELECT session_id, pass FROM intents ORDER BY session_id, pass").fetchall()

    def knows(self, session_id: SessionId) -> bool:
        """Whether the session is in the index."""
        with sql_reported("the index could not be read"):
            return self._number(session_id) is not None

    def checkpoint(self) -> None:
        """Move the write-ahead log into the file, as far as readers let it."""
        with sql_reported(_WRITE):
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def put(self, records: Iterable[SessionRecord]) -> None:
        """Make the index tell of these sessions what was read from their directories."""
        with sql_reported(_WRITE), transaction(self._connection):
            for record in records:
                self._put(record)

    def remove(self, session_ids: Iterable[SessionId]) -> None:
        """Forget sessions that are no longer there."""
        with sql_reported(_WRITE), transaction(self._connection):
            for session_id in session_ids:
                number = self._number(session_id)
                if number is not None:
                    self._clear(number)

    def photo_saved(self, session_id: SessionId, photo: Photo, replaces: PhotoName | None, worked_s: float) -> None:
        """Add a photo; ``replaces`` is the file it took the place of, ``worked_s`` the time worked on its pass."""
        with sql_reported(_WRITE), transaction(self._connection):
            number = self._known(session_id)
            gone, gone_bytes = (0, 0) if replaces is None else self._drop_photo(number, replaces)
            self._connection.execute(_INTO_PHOTOS, photo_row(number, photo))
            more, more_bytes = 1 - gone, photo.bytes - gone_bytes
            self._connection.execute(
                "UPDATE passes SET saved = saved + ?, bytes = bytes + ?, retaken = retaken + ?, duration_s = ?"
                " WHERE session = ? AND name = ?",
                (more, more_bytes, replaces is not None, worked_s, number, photo.pass_),
            )
            self._connection.execute(
                "UPDATE sessions SET photos = photos + ?, bytes = bytes + ?, thumbnail = coalesce(thumbnail, ?)"
                " WHERE number = ?",
                (more, more_bytes, photo.name, number),
            )

    def pass_changed(self, session_id: SessionId, info: PassInfo) -> None:
        """Take in the new state and counts of a pass."""
        with sql_reported(_WRITE), transaction(self._connection):
            number = self._known(session_id)
            self._update_pass(number, info)
            states = self._connection.execute("SELECT state FROM passes WHERE session = ?", (number,))
            state = session_state(PassState(row[0]) for row in states)
            self._connection.execute("UPDATE sessions SET size_key = bytes WHERE number = ?", (number,))
            changed = self._connection.execute(
                "UPDATE sessions SET state = ? WHERE number = ? AND state <> ?", (state.value, number, state.value)
            )
            if changed.rowcount:
                self._connection.execute(
                    "UPDATE sessions_fts SET state = ? WHERE rowid = ?", (state_words(state), number)
                )

    def sign(self, session_id: SessionId, signature: str) -> None:
        """Note what the session's files looked like when the index last agreed with them."""
        with sql_reported(_WRITE):
            self._connection.execute("UPDATE sessions SET signature = ? WHERE id = ?", (signature, session_id))

    def submission(self, key: str) -> tuple[Submission, SessionId, tuple[PassName, ...]] | None:
        """The submission of this key with the session and the passes it made."""
        with sql_reported("the index could not be read"):
            return find_submission(self._connection, key)

    def _number(self, session_id: SessionId) -> int | None:
        row = self._connection.execute("SELECT number FROM sessions WHERE id = ?", (session_id,)).fetchone()
        return None if row is None else int(row[0])

    def _known(self, session_id: SessionId) -> int:
        number = self._number(session_id)
        if number is None:
            raise MissingRowError(session_id)
        return number

    def _drop_photo(self, number: int, name: PhotoName) -> tuple[int, int]:
        query = "DELETE FROM photos WHERE session = ? AND name = ? RETURNING bytes"
        rows = self._connection.execute(query, (number, name)).fetchall()
        return len(rows), sum(row[0] for row in rows)

    def _update_pass(self, number: int, info: PassInfo) -> None:
        self._connection.execute(
            "UPDATE passes SET state = ?, saved = ?, skipped = ?, retaken = ?, bytes = ?, pause = ?, started_at = ?,"
            " ended_at = ?, duration_s = ? WHERE session = ? AND name = ?",
            (
                info.state.value,
                info.saved,
                info.skipped,
                info.retaken,
                info.bytes,
                as_json(info.pause),
                info.started_at,
                info.ended_at,
                info.duration_s,
                number,
                info.name,
            ),
        )

    def _put(self, record: SessionRecord) -> None:
        session = record.session
        number = self._number(session.id)
        if number is None:
            number = self._new_number(session.id, session.created_at)
        self._clear(number)
        self._connection.execute(_INTO_SESSIONS, session_row(number, session, record.signature))
        self._connection.execute(
            "INSERT INTO sessions_fts (rowid, id, title, operator, object, tags, notes, passes, state)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (number, *search_words(session)),
        )
        self._connection.executemany(_INTO_PASSES, [pass_row(number, item) for item in record.passes])
        self._connection.executemany(
            _INTO_PHOTOS, [photo_row(number, photo) for item in record.passes for photo in item.photos]
        )
        self._connection.executemany(
            "INSERT OR IGNORE INTO submissions VALUES (?, ?, ?)",
            [(made.key, made.digest, number) for item in record.passes if (made := item.submission) is not None],
        )

    def _clear(self, number: int) -> None:
        for statement in (
            "DELETE FROM photos WHERE session = ?",
            "DELETE FROM passes WHERE session = ?",
            "DELETE FROM submissions WHERE session = ?",
            "DELETE FROM sessions_fts WHERE rowid = ?",
            "DELETE FROM sessions WHERE number = ?",
        ):
            self._connection.execute(statement, (number,))

    def _new_number(self, session_id: SessionId, created_at: str) -> int:
        number = first_number(session_id, created_at)
        while self._connection.execute("SELECT 1 FROM sessions WHERE number = ?", (number,)).fetchone():
            number += 1
        return number
