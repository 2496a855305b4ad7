"""What a list of sessions asks of the index: a query, its cursor, and the statements they become (pure).

Newest and oldest follow the key, title and size have indexes of their own, and the full-text table knows everything
else that is filtered by: no list reads or sorts more than it shows, but for searches, filters beside the status, and
incomplete ones, by title or size. Those sort what they found where that is little; else they follow the index of title
or size and pass over what does not belong, which then is not much. Incomplete ones are merged from their states.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal, get_args

import msgspec
from msgspec import Struct

from scanner.errors import InvalidError
from scanner.records import Session
from scanner.storage.index.asking import (
    STATUSES,
    RowNumber,
    Statement,
    Status,
    check_limit,
    check_status,
    decode_cursor,
    encode_cursor,
    matching,
)
from scanner.storage.index.rows import SESSIONS_COLUMNS, mark
from scanner.storage.index.schema import INCOMPLETE

Sort = Literal["newest", "oldest", "title", "size"]
SORTS: Final = get_args(Sort)
_MANY: Final = 2000  # sessions that are rather found along an index than sorted
_ORDERS: Final[dict[Sort, tuple[str, str, str]]] = {  # column before the number, comparison, direction
    "newest": ("", "<", "DESC"),
    "oldest": ("", ">", "ASC"),
    "title": ("title_key", ">", "ASC"),
    "size": ("size_key", "<", "DESC"),
}


class SessionQuery(Struct, frozen=True, kw_only=True):
    """Which sessions to list. ``q``: words that must all occur (as beginnings). ``after``: ``next`` of the page before.

    ``incomplete`` are those with something left to do. ``tag``, ``operator``, ``format``: exactly these, but for
    capitals. ``size``: largest first, as of each session's last pause or end.
    """

    status: Status | None = None
    q: str = ""
    tag: str | None = None
    operator: str | None = None
    format: str | None = None
    sort: Sort = "newest"
    after: str | None = None
    limit: int = 50


class SessionPage(Struct, frozen=True, kw_only=True):
    """Some sessions, the cursor of the next page (None: the last one) and how many there are in all."""

    items: tuple[Session, ...]
    next: str | None
    total: int


class _Cursor(msgspec.Struct, frozen=True, array_like=True):
    sort: Sort
    number: RowNumber
    key: str | RowNumber | None


def rows_statement(query: SessionQuery, words: tuple[str, ...] | None, total: int = 0) -> Statement:
    """The sessions of a page and one more: :data:`SESSIONS_COLUMNS` and the sort key; ``total``: of the whole list.
    Errors: InvalidError.
    """
    cursor = _checked(query)
    key, sign, direction = _ORDERS[query.sort]
    match = _match(query, words)
    if match is None and query.status == "incomplete" and key:
        return _incomplete(query, cursor)
    by_rank = match is not None and not key  # the full-text table itself is in the order that is wanted
    source, conditions, values = _source(query, match, many=total > _MANY)
    number = "sessions_fts.rowid" if by_rank else "number"
    if cursor is not None:
        conditions.append(f"({key}, number) {sign} (?, ?)" if key else f"{number} {sign} ?")
        values += [cursor.key, cursor.number] if key else [cursor.number]
    order = f"{key} {direction}, number {direction}" if key else f"{number} {direction}"
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    text = f"SELECT {_columns()}, {key or 'NULL'} FROM {source}{where} ORDER BY {order} LIMIT ?"  # noqa: S608 - values are bound
    return Statement(text, (*values, query.limit + 1))


def total_statement(query: SessionQuery, words: tuple[str, ...] | None) -> Statement:
    """How many sessions the whole list has."""
    match = _match(query, words)
    if match is not None:
        return Statement("SELECT count(*) FROM sessions_fts WHERE sessions_fts MATCH ?", (match,))
    states = INCOMPLETE if query.status == "incomplete" else (query.status,) if query.status else STATUSES
    marks = ", ".join("?" * len(states))
    text = f"SELECT coalesce(sum(sessions), 0) FROM state_counts WHERE state IN ({marks})"  # noqa: S608 - values are bound
    return Statement(text, states)


def _incomplete(query: SessionQuery, cursor: _Cursor | None) -> Statement:
    """Incomplete sessions by title or size: the first of each state, along its index, and of those the first."""
    key, sign, direction = _ORDERS[query.sort]
    behind = "" if cursor is None else f" AND ({key}, number) {sign} (?, ?)"
    order = f"{key} {direction}, number {direction}"
    one = f"SELECT number AS n FROM sessions WHERE state = ?{behind} ORDER BY {order} LIMIT ?"  # noqa: S608 - values are bound
    found = " UNION ALL ".join(f"SELECT * FROM ({one})" for _ in INCOMPLETE)  # noqa: S608 - as above
    since = () if cursor is None else (cursor.key, cursor.number)
    values = [value for state in INCOMPLETE for value in (state, *since, query.limit + 1)]
    text = (
        f"SELECT {_columns()}, {key} FROM ({found}) JOIN sessions ON number = n"  # noqa: S608 - values are bound
        f" ORDER BY {order} LIMIT ?"
    )
    return Statement(text, (*values, query.limit + 1))


def _columns() -> str:
    return ", ".join(f"sessions.{column.strip()}" for column in SESSIONS_COLUMNS.split(","))


def next_cursor(query: SessionQuery, row: Sequence[Any]) -> str:
    """The cursor behind the last row of a page."""
    return encode_cursor(_Cursor(query.sort, row[0], row[-1]))


def _source(query: SessionQuery, match: str | None, *, many: bool) -> tuple[str, list[str], list[object]]:
    """Tables, conditions and their values."""
    by_number = not _ORDERS[query.sort][0]
    along = f" INDEXED BY sessions_{query.sort}" if many and not by_number else ""
    free = "+" if along else ""  # keeps a condition from choosing the index
    if match is not None:
        if by_number:
            return "sessions_fts JOIN sessions ON number = sessions_fts.rowid", ["sessions_fts MATCH ?"], [match]
        found = f"{free}number IN (SELECT rowid FROM sessions_fts WHERE sessions_fts MATCH ?)"  # noqa: S608 - value is bound
        return f"sessions{along}", [found], [match]
    if query.status is None:
        return "sessions", [], []
    if query.status != "incomplete":
        return "sessions", ["state = ?"], [query.status]
    return "sessions INDEXED BY sessions_incomplete", [f"state IN {INCOMPLETE}"], []


def _match(query: SessionQuery, words: tuple[str, ...] | None) -> str | None:
    """The full-text query; None where the tables answer by themselves."""
    filters = (("tag", query.tag), ("operator", query.operator), ("format", query.format))
    marks = [mark(kind, value) for kind, value in filters if value is not None]
    if words is None and not marks:
        return None
    return matching(words or (), [*marks, *([] if query.status is None else [mark("state", query.status)])])


def _checked(query: SessionQuery) -> _Cursor | None:
    if query.sort not in SORTS:
        message = f"sessions cannot be sorted by {query.sort[:40]!r}; possible: {', '.join(SORTS)}"
        raise InvalidError(message)
    check_status(query.status)
    check_limit(query.limit)
    cursor = None if query.after is None else decode_cursor(query.after, _Cursor)
    if cursor is not None and cursor.sort != query.sort:
        message = f"after belongs to a list sorted by {cursor.sort}"
        raise InvalidError(message)
    return cursor
