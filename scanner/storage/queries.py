"""``index.db``, the reading side: lives in the reader thread on a connection that cannot write.

Lists are paged by key and answer from indexes, so that 100,000 sessions cost what 100 do.
"""

from __future__ import annotations

import base64
import binascii
import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

import msgspec

from scanner.errors import InvalidError
from scanner.model import CameraName, PassName, Photo, PhotoName, SessionId
from scanner.records import PassInfo, Session
from scanner.storage.database import sql_reported
from scanner.storage.documents import Submission
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

Sort = Literal["newest", "oldest", "title", "size"]
Status = Literal["planned", "running", "paused", "completed", "cancelled", "failed", "incomplete"]
SORTS: Final = get_args(Sort)
STATUSES: Final = get_args(Status)
MAX_LIMIT: Final = 500
_WORDS: Final = 12  # of a search text that count
_WORD: Final = re.compile(r"[^\W_]{1,40}")
_READ: Final = "the index could not be read"
_ORDERS: Final[dict[Sort, tuple[str, str, str]]] = {  # column before the number, comparison, direction
    "newest": ("", "<", "DESC"),
    "oldest": ("", ">", "ASC"),
    "title": ("title_key", ">", "ASC"),
    "size": ("size_key", "<", "DESC"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionQuery:
    """Which sessions to list. ``q``: words that must all occur (as beginnings). ``after``: the ``next`` of the page
    before.

    ``incomplete`` are those with something left to do. ``size``: largest first, as of each session's last pause or end.
    """

    status: Status | None = None
    q: str = ""
    sort: Sort = "newest"
    after: str | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPage:
    """Some sessions, the cursor of the next page (None: the last one) and how many there are in all."""

    items: tuple[Session, ...]
    next: str | None
    total: int


class _Cursor(msgspec.Struct, frozen=True, array_like=True):
    sort: Sort
    number: int
    key: str | int | None


class Queries:
    """What may be asked of the index. Errors: StorageError (DamagedError where the file is broken)."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def close(self) -> None:
        """Let go; idempotent."""
        self._connection.close()

    def session(self, session_id: SessionId) -> Session | None:
        """A session, or None."""
        with sql_reported(_READ):
            row = self._connection.execute(
                f"SELECT {SESSIONS_COLUMNS} FROM sessions WHERE id = ?",  # noqa: S608 - our own constant
                (session_id,),
            ).fetchone()
            return None if row is None else session_from(row, self._passes([row[0]])[row[0]])

    def page(self, query: SessionQuery) -> SessionPage:
        """A page of sessions. Errors: InvalidError for a cursor, sort or limit that cannot be."""
        cursor = _cursor(query)
        words = _match(query.q)
        if words == "":
            return SessionPage(items=(), next=None, total=0)
        with sql_reported(_READ):
            rows = self._rows(query, words, cursor)
            shown = rows[: query.limit]
            passes = self._passes([row[0] for row in shown])
            total = self._total(query.status, words)
        items = tuple(session_from(row, passes[row[0]]) for row in shown)
        more = len(rows) > query.limit
        return SessionPage(items=items, next=_encode(query.sort, shown[-1]) if more else None, total=total)

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

    def _rows(self, query: SessionQuery, words: str | None, cursor: _Cursor | None) -> list[Sequence[Any]]:
        where, values = _filter(query.status, words)
        key, sign, direction = _ORDERS[query.sort]
        if cursor is not None:
            where.append(f"({key}, number) {sign} (?, ?)" if key else f"number {sign} ?")
            values += [cursor.key, cursor.number] if key else [cursor.number]
        order = f"{key} {direction}, number {direction}" if key else f"number {direction}"
        index = " INDEXED BY sessions_incomplete" if query.status == "incomplete" and not key else ""
        return self._connection.execute(
            f"SELECT {SESSIONS_COLUMNS}, {key or 'NULL'} FROM sessions{index}"  # noqa: S608 - values are bound
            f"{_where(where)} ORDER BY {order} LIMIT ?",
            (*values, query.limit + 1),
        ).fetchall()

    def _total(self, status: Status | None, words: str | None) -> int:
        if words is None:
            states = INCOMPLETE if status == "incomplete" else (status,) if status else STATUSES
            marks = ", ".join("?" * len(states))
            statement = f"SELECT coalesce(sum(sessions), 0) FROM state_counts WHERE state IN ({marks})"  # noqa: S608
            values: Sequence[object] = states
        elif status is None:
            statement, values = "SELECT count(*) FROM sessions_fts WHERE sessions_fts MATCH ?", (words,)
        else:
            where, values = _filter(status, words)
            statement = f"SELECT count(*) FROM sessions{_where(where)}"  # noqa: S608 - values are bound
        (total,) = self._connection.execute(statement, values).fetchone()
        return int(total)

    def _passes(self, numbers: list[int]) -> dict[int, tuple[PassInfo, ...]]:
        marks = ", ".join("?" * len(numbers))
        rows = self._connection.execute(
            f"SELECT {PASSES_COLUMNS} FROM passes WHERE session IN ({marks}) ORDER BY session, place, name",  # noqa: S608
            numbers,
        )
        found: dict[int, list[PassInfo]] = {number: [] for number in numbers}
        for row in rows:
            found[row[0]].append(pass_from(row))
        return {number: tuple(passes) for number, passes in found.items()}


def _filter(status: Status | None, words: str | None) -> tuple[list[str], list[object]]:
    where: list[str] = []
    values: list[object] = []
    if status == "incomplete":
        where.append(f"state IN {INCOMPLETE}")  # word for word the condition of its index
    elif status is not None:
        where.append("state = ?")
        values.append(status)
    if words is not None:
        where.append("number IN (SELECT rowid FROM sessions_fts WHERE sessions_fts MATCH ?)")
        values.append(words)
    return where, values


def _where(conditions: list[str]) -> str:
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""


def _match(text: str) -> str | None:
    """The full-text query for a person's words: None without any text, "" where the text has no word in it."""
    if not text.strip():
        return None
    return " ".join(f'"{word}"*' for word in _WORD.findall(text)[:_WORDS])


def _encode(sort: Sort, row: Sequence[Any]) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(_Cursor(sort, row[0], row[-1]))).decode()


def _cursor(query: SessionQuery) -> _Cursor | None:
    if query.sort not in SORTS:
        message = f"sessions cannot be sorted by {query.sort[:40]!r}; possible: {', '.join(SORTS)}"
        raise InvalidError(message)
    if query.status is not None and query.status not in STATUSES:
        message = f"there is no status {query.status[:40]!r}; possible: {', '.join(STATUSES)}"
        raise InvalidError(message)
    if not 1 <= query.limit <= MAX_LIMIT:
        message = f"limit must be between 1 and {MAX_LIMIT}"
        raise InvalidError(message)
    if query.after is None:
        return None
    try:
        cursor = msgspec.json.decode(base64.urlsafe_b64decode(query.after), type=_Cursor)
    except (binascii.Error, ValueError) as error:
        message = "after is not the cursor of a page before"
        raise InvalidError(message) from error
    if cursor.sort != query.sort:
        message = f"after belongs to a list sorted by {cursor.sort}"
        raise InvalidError(message)
    return cursor
