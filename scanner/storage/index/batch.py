"""Rows of many sessions for ``index.db``, written with one statement a table."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from scanner.model import SessionId
from scanner.records import Session
from scanner.storage.directory.older import write_older
from scanner.storage.directory.views import PassRecord, SessionRecord
from scanner.storage.disk.database import insert
from scanner.storage.index.rows import (
    as_json,
    first_number,
    pass_marks,
    pass_number,
    pass_row,
    search_words,
    session_marks,
    session_row,
)
from scanner.storage.index.schema import WORD_COLUMNS
from scanner.storage.index.tallies import Share, Tallies

_INTO_COUNTS: Final = (
    "INSERT INTO state_counts VALUES (?, ?) ON CONFLICT (state) DO UPDATE SET sessions = sessions + excluded.sessions"
)
_WORDS: Final = ", ".join(WORD_COLUMNS.split())
_INTO_SUBMISSIONS: Final = "INSERT OR IGNORE INTO submissions VALUES (?, ?, ?)"


class Rows:
    """Collects rows, and counts in what of them is counted."""

    def __init__(self, connection: sqlite3.Connection, tallies: Tallies) -> None:
        self._connection = connection
        self._tallies = tallies
        self._sessions: list[Sequence[object]] = []
        self._states = Counter[str]()
        self._session_texts: list[Sequence[object]] = []
        self._passes: list[Sequence[object]] = []
        self._pass_texts: list[Sequence[object]] = []
        self._submissions: list[Sequence[object]] = []

    def add(self, records: Sequence[SessionRecord], known: Mapping[SessionId, int]) -> None:
        """Sessions with all that belongs to them; ``known``: numbers that some had before. Errors: sqlite3.Error."""
        wanted = [
            known.get(record.session.id) or first_number(record.session.id, record.session.created_at)
            for record in records
        ]
        for number, record in zip(self._free("sessions", wanted), records, strict=True):
            self._add_session(number, record)

    def add_pass(self, session: int, of: Session, record: PassRecord, words: Sequence[str] = ()) -> Share:
        """A pass of the session ``of``, whose number is ``session`` and whose search words may be known; what of it is
        counted.
        """
        words = words or search_words(of)
        self._passes.append(pass_row(pass_number(of.id, record), session, record))
        self._pass_texts.append((*words, record.info.name, pass_marks(of, record)))
        if (made := record.submission) is not None:
            self._submissions.append((made.key, made.digest, session))
        return _share(of, record)

    def write(self) -> None:
        """Errors: sqlite3.Error."""
        connection = self._connection
        insert(connection, "sessions", self._sessions)
        connection.executemany(_INTO_COUNTS, self._states.items())
        insert(connection, f"sessions_fts (rowid, {_WORDS}, marks)", self._session_texts)
        numbers = self._free("passes", [row[0] for row in self._passes])
        passes = [(number, *row[1:]) for number, row in zip(numbers, self._passes, strict=True)]
        insert(connection, "passes", passes)
        texts = [(number, *text) for number, text in zip(numbers, self._pass_texts, strict=True)]
        insert(connection, f"passes_fts (rowid, {_WORDS}, marks)", texts)
        connection.executemany(_INTO_SUBMISSIONS, self._submissions)
        self._tallies.write(self._connection)

    def _add_session(self, number: int, record: SessionRecord) -> None:
        session = record.session
        self._sessions.append(session_row(number, record))
        self._states[session.state.value] += 1
        words, names = search_words(session), " ".join([info.name for info in session.passes])
        self._session_texts.append((number, *words, names, session_marks(session)))
        if record.older is not None:
            write_older(self._connection, number, record.signature, record.older)
        self._tallies.add([self.add_pass(number, session, item, words) for item in record.passes])

    def _free(self, table: str, wanted: Sequence[Any]) -> list[int]:
        """For each number the first from it on that neither a row nor one before it has."""
        query = f"SELECT number FROM {table} WHERE number IN (SELECT value FROM json_each(?))"  # noqa: S608 - our own constants
        taken = {row[0] for row in self._connection.execute(query, (as_json(wanted),))}
        numbers: list[int] = []
        for number in wanted:
            free = number
            while free in taken:
                free += 1
                if self._connection.execute(query, (f"[{free}]",)).fetchone():
                    taken.add(free)
            taken.add(free)
            numbers.append(free)
        return numbers


def _share(session: Session, record: PassRecord) -> Share:
    info = record.info
    return Share(
        state=info.state.value,
        started_at=info.started_at,
        photos=info.saved,
        bytes=info.bytes,
        worked_s=info.duration_s,
        retakes=info.retaken,
        failures=record.failures,
        rig=record.rig,
        preset=session.created_from,
        operator=session.operator,
        sizes=record.sizes,
    )
