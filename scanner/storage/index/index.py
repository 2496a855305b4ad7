"""``index.db``, the writing side. It is derived: whatever is in it can be read again from the session directories.

Lives in the writer thread. A change begins by noting its intent, fsynced; what a power cut leaves noted is read again
at the next start. All other rows are written without fsync (``synchronous=NORMAL``).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

from scanner.errors import DamagedError, StorageError
from scanner.model import PassName, Photo, SessionId
from scanner.records import Session
from scanner.states import PassState, session_state
from scanner.storage.directory.older import CLEAR, KnownOlder, known_older
from scanner.storage.directory.views import PassRecord, SessionRecord
from scanner.storage.disk.database import (
    connect,
    header_fault,
    is_broken,
    migrate,
    rename_broken,
    schema_fault,
    sql_reported,
    transaction,
)
from scanner.storage.disk.files import Files
from scanner.storage.index.batch import Rows
from scanner.storage.index.fitting import fitting
from scanner.storage.index.rows import (
    SESSIONS_COLUMNS,
    as_json,
    find_signature,
    find_submission,
    session_from,
    session_marks,
    with_photo,
)
from scanner.storage.index.schema import MIGRATIONS
from scanner.storage.index.tallies import Tallies, stored_shares
from scanner.storage.journal.documents import Submission
from scanner.storage.journal.progress import Standing

_CLEAR: Final = (
    "DELETE FROM passes_fts WHERE rowid IN (SELECT number FROM passes WHERE session = ?)",
    "DELETE FROM passes WHERE session = ?",
    "DELETE FROM submissions WHERE session = ?",
    "DELETE FROM sessions_fts WHERE rowid = ?",
    "DELETE FROM sessions WHERE number = ?",
)
_TOTAL: Final = (  # what a session has of its passes
    "UPDATE sessions SET (photos, bytes) ="
    " (SELECT coalesce(sum(saved), 0), coalesce(sum(passes.bytes), 0) FROM passes WHERE session = sessions.number),"
    " thumbnail ="
    " (SELECT first FROM passes WHERE session = sessions.number AND first IS NOT NULL ORDER BY place, name LIMIT 1)"
    " WHERE number = ?"
)
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

    def noted(self, session_id: SessionId, but: Collection[str] = ()) -> bool:
        """Whether a change of the session has begun and is not over, or was cut off; ``but`` for these passes."""
        with sql_reported("the index could not be read"):
            rows = self._connection.execute("SELECT pass FROM intents WHERE session_id = ?", (session_id,))
            return any(name not in but for (name,) in rows.fetchall())

    def knows(self, session_id: SessionId) -> bool:
        """Whether the session is in the index."""
        with sql_reported("the index could not be read"):
            return self._number(session_id) is not None

    def signature(self, session_id: SessionId) -> str | None:
        """What the session's files looked like when the index last agreed with them; None for an unknown one."""
        with sql_reported("the index could not be read"):
            return find_signature(self._connection, session_id)

    def checkpoint(self) -> None:
        """Move the write-ahead log into the file, as far as readers let it."""
        with sql_reported(_WRITE):
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def put(self, records: Iterable[SessionRecord]) -> None:
        """Make the index tell of these sessions what was read from their directories; of one whose figures no database
        can hold, that it is damaged.
        """
        chosen = tuple(records)
        try:
            self._put(chosen)
        except (DamagedError, OverflowError):
            fit = tuple(map(fitting, chosen))
            if fit == chosen:  # nothing is wrong with what was to be written
                raise
            self._put(fit)

    def _put(self, chosen: Sequence[SessionRecord]) -> None:
        with self._changing():
            tallies = Tallies()
            known = self._numbers(chosen)
            for number, _ in known.values():
                self._clear(number, tallies)
            made = {record.session.id: record.session.created_at for record in chosen}
            rows = Rows(self._connection, tallies)
            rows.add(chosen, {name: number for name, (number, at) in known.items() if made[name] == at})
            rows.write()

    def remove(self, session_ids: Iterable[SessionId]) -> None:
        """Forget sessions that are no longer there."""
        with self._changing():
            tallies = Tallies()
            for session_id in session_ids:
                number = self._number(session_id)
                if number is not None:
                    self._clear(number, tallies)
            tallies.write(self._connection)

    def photo_saved(self, session_id: SessionId, photo: Photo, standing: Standing) -> None:
        """Count a photo of a shot that had none; ``standing``: of its pass, with it."""
        with self._changing():
            number = self._known(session_id)
            passed = self._pass(number, photo.pass_)
            with self._counted(number):
                (sizes,) = self._connection.execute("SELECT sizes FROM passes WHERE number = ?", (passed,)).fetchone()
                self._connection.execute(
                    "UPDATE passes SET saved = saved + 1, bytes = bytes + ?, retaken = ?, damaged = ?, skipped = ?,"
                    " duration_s = ?, first = ?, sizes = ? WHERE number = ?",
                    (photo.bytes, *standing, with_photo(sizes, photo), passed),
                )
            self._connection.execute(_TOTAL, (number,))

    def pass_changed(self, session_id: SessionId, record: PassRecord) -> None:
        """Take in the new state and figures of a pass."""
        with self._changing():
            number = self._known(session_id)
            with self._counted(number):
                passed = self._pass(number, record.info.name)
                self._connection.execute("DELETE FROM passes_fts WHERE rowid = ?", (passed,))
                self._connection.execute("DELETE FROM passes WHERE number = ?", (passed,))
                rows = Rows(self._connection, Tallies())
                rows.add_pass(number, self._read(number), record)
                rows.write()
            states = self._connection.execute("SELECT state FROM passes WHERE session = ?", (number,))
            state = session_state(PassState(row[0]) for row in states)
            self._connection.execute(_TOTAL, (number,))
            self._connection.execute("UPDATE sessions SET size_key = bytes WHERE number = ?", (number,))
            changed = self._connection.execute(
                "UPDATE sessions SET state = ? WHERE number = ? AND state <> ?", (state.value, number, state.value)
            )
            if changed.rowcount:
                self._connection.execute(
                    "UPDATE sessions_fts SET marks = ? WHERE rowid = ?", (session_marks(self._read(number)), number)
                )

    def sign(self, session_id: SessionId, signature: str) -> None:
        """Note what the session's files looked like when the index last agreed with them."""
        with sql_reported(_WRITE):
            self._connection.execute("UPDATE sessions SET signature = ? WHERE id = ?", (signature, session_id))

    def submission(self, key: str) -> tuple[Submission, SessionId, tuple[PassName, ...]] | None:
        """The submission of this key with the session and the passes it made."""
        with sql_reported("the index could not be read"):
            return find_submission(self._connection, key)

    def older(self) -> list[KnownOlder]:
        """Sessions of older formats, and those of this product that lie under another name."""
        with sql_reported("the index could not be read"):
            return list(known_older(self._connection))

    def folders(self, session_id: SessionId) -> tuple[str, ...]:
        """The folders of such a session, below the directory of the sessions; empty for any other."""
        with sql_reported("the index could not be read"):
            return next((one.folders for one in known_older(self._connection, session_id)), ())

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """A transaction. Rows that contradict each other are damage."""
        with sql_reported(_WRITE):
            try:
                with transaction(self._connection):
                    yield
            except sqlite3.IntegrityError as error:
                raise ValueError(*error.args) from error

    def _number(self, session_id: SessionId) -> int | None:
        row = self._connection.execute("SELECT number FROM sessions WHERE id = ?", (session_id,)).fetchone()
        return None if row is None else int(row[0])

    def _numbers(self, records: Iterable[SessionRecord]) -> dict[SessionId, tuple[int, str]]:
        """Those of the sessions that the index knows, and when these were made: an id may have been used again."""
        ids = as_json([record.session.id for record in records])
        query = "SELECT id, number, created_at FROM sessions WHERE id IN (SELECT value FROM json_each(?))"
        return {row[0]: (row[1], row[2]) for row in self._connection.execute(query, (ids,))}

    def _known(self, session_id: SessionId) -> int:
        number = self._number(session_id)
        if number is None:
            raise MissingRowError(session_id)
        return number

    def _pass(self, session: int, name: PassName) -> int:
        query = "SELECT number FROM passes WHERE session = ? AND name = ?"
        row = self._connection.execute(query, (session, name)).fetchone()
        if row is None:
            raise MissingRowError(name)
        return int(row[0])

    def _read(self, number: int) -> Session:
        """The session as its row tells it, without its passes."""
        query = f"SELECT {SESSIONS_COLUMNS} FROM sessions WHERE number = ?"  # noqa: S608 - our own constant
        return session_from(self._connection.execute(query, (number,)).fetchone(), ())

    @contextmanager
    def _counted(self, number: int) -> Iterator[None]:
        """Keep the tallies in step with what the block does to the session's passes."""
        tallies = Tallies()
        tallies.add(stored_shares(self._connection, number), -1)
        yield
        tallies.add(stored_shares(self._connection, number))
        tallies.write(self._connection)

    def _clear(self, number: int, tallies: Tallies) -> None:
        tallies.add(stored_shares(self._connection, number), -1)
        for statement in CLEAR + _CLEAR:
            self._connection.execute(statement, (number,))
