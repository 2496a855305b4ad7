"""What a list of sessions asks of the index: a query, its cursor, and the statements they become (pure).

Newest and oldest follow the key, title and size have indexes of their own, and the full-text table knows the state of a
session, too: no list reads or sorts more than it shows, but for searches and incomplete ones sorted by title or size,
which sort what they found.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

import msgspec

from scanner.errors import InvalidError
from scanner.records import Session
from scanner.storage.rows import SESSIONS_COLUMNS, state_word
from scanner.storage.schema import INCOMPLETE, WORD_COLUMNS

Sort = Literal["newest", "oldest", "title", "size"]
Status = Literal["planned", "running", "paused", "completed", "cancelled", "failed", "incomplete"]
SORTS: Final = get_args(Sort)
STATUSES: Final = get_args(Status)
MAX_LIMIT: Final = 500
_WORDS: Final = 12  # of a search text that count
_WORD: Final = re.compile(r"[^\W_]{1,40}")
_ORDERS: Final[dict[Sort, tuple[str, str, str]]] = {  # column before the number, comparison, direction
    "newest": ("", "<", "DESC"),
    "oldest": ("", ">", "ASC"),
    "title": ("title_key", ">", "ASC"),
    "size": ("size_key", "<", "DESC"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionQuery:
    """Which sessions to list. ``q``: words that must all occur (as beginnings). ``after``: ``next`` of the page before.

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


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with the values it is bound to."""

    text: str
    values: tuple[object, ...]


class _Cursor(msgspec.Struct, frozen=True, array_like=True):
    sort: Sort
    number: int
    key: str | int | None


def words_of(text: str) -> tuple[str, ...] | None:
    """The words of a search text that count; None where there is no text at all."""
    return tuple(_WORD.findall(text)[:_WORDS]) if text.strip() else None


def rows_statement(query: SessionQuery, words: tuple[str, ...] | None) -> Statement:
    """The sessions of a page and one more: :data:`SESSIONS_COLUMNS` and the sort key. Errors: InvalidError."""
    cursor = _checked(query)
    key, sign, direction = _ORDERS[query.sort]
    by_rank = words is not None and not key  # the full-text table itself is in the order that is wanted
    source, conditions, values = _source(query, words, by_rank=by_rank)
    number = "sessions_fts.rowid" if by_rank else "number"
    if cursor is not None:
        conditions.append(f"({key}, number) {sign} (?, ?)" if key else f"{number} {sign} ?")
        values += [cursor.key, cursor.number] if key else [cursor.number]
    order = f"{key} {direction}, number {direction}" if key else f"{number} {direction}"
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    columns = ", ".join(f"sessions.{column.strip()}" for column in SESSIONS_COLUMNS.split(","))
    text = f"SELECT {columns}, {key or 'NULL'} FROM {source}{where} ORDER BY {order} LIMIT ?"  # noqa: S608 - values are bound
    return Statement(text, (*values, query.limit + 1))


def total_statement(query: SessionQuery, words: tuple[str, ...] | None) -> Statement:
    """How many sessions the whole list has."""
    if words is not None:
        text = "SELECT count(*) FROM sessions_fts WHERE sessions_fts MATCH ?"
        return Statement(text, (_match(query.status, words),))
    states = INCOMPLETE if query.status == "incomplete" else (query.status,) if query.status else STATUSES
    marks = ", ".join("?" * len(states))
    text = f"SELECT coalesce(sum(sessions), 0) FROM state_counts WHERE state IN ({marks})"  # noqa: S608 - values are bound
    return Statement(text, states)


def next_cursor(query: SessionQuery, row: Sequence[Any]) -> str:
    """The cursor behind the last row of a page."""
    return base64.urlsafe_b64encode(msgspec.json.encode(_Cursor(query.sort, row[0], row[-1]))).decode()


def _source(
    query: SessionQuery, words: tuple[str, ...] | None, *, by_rank: bool
) -> tuple[str, list[str], list[object]]:
    """Tables, conditions and their values."""
    if words is not None:
        match = _match(query.status, words)
        if by_rank:
            return "sessions_fts JOIN sessions ON number = sessions_fts.rowid", ["sessions_fts MATCH ?"], [match]
        return "sessions", ["number IN (SELECT rowid FROM sessions_fts WHERE sessions_fts MATCH ?)"], [match]
    if query.status is None:
        return "sessions", [], []
    if query.status != "incomplete":
        return "sessions", ["state = ?"], [query.status]
    by_number = not _ORDERS[query.sort][0]
    return f"sessions{' INDEXED BY sessions_incomplete' if by_number else ''}", [f"state IN {INCOMPLETE}"], []


def _match(status: Status | None, words: tuple[str, ...]) -> str:
    """The full-text query: every word at the beginning of some word of the session, and its state."""
    beginnings = " AND ".join(f'"{word}"*' for word in words)
    text = f"{{{WORD_COLUMNS}}} : ({beginnings})"
    return text if status is None else f'{text} AND state : "{state_word(status)}"'


def _checked(query: SessionQuery) -> _Cursor | None:
    if query.sort not in SORTS:
        message = f"sessions cannot be sorted by {query.sort[:40]!r}; possible: {', '.join(SORTS)}"
        raise InvalidError(message)
    if query.status is not None and query.status not in STATUSES:
        message = f"there is no status {query.status[:40]!r}; possible: {', '.join(STATUSES)}"
        raise InvalidError(message)
    if not 1 <= query.limit <= MAX_LIMIT:
        message = f"limit must be between 1 and {MAX_LIMIT}"
        raise InvalidError(message)
    return None if query.after is None else _decoded(query.after, query.sort)


def _decoded(text: str, sort: Sort) -> _Cursor:
    try:
        cursor = msgspec.json.decode(base64.urlsafe_b64decode(text), type=_Cursor)
    except (binascii.Error, ValueError) as error:
        message = "after is not the cursor of a page before"
        raise InvalidError(message) from error
    if cursor.sort != sort:
        message = f"after belongs to a list sorted by {cursor.sort}"
        raise InvalidError(message)
    return cursor
