"""The history: one record a pass, newest first, and what passes amount to. ``storage.history``."""

from __future__ import annotations

import sqlite3

import msgspec
from msgspec import Struct

from scanner.records import PassHistory, Statistics
from scanner.storage.index.asking import (
    RowNumber,
    Statement,
    Status,
    check_limit,
    check_status,
    decode_cursor,
    encode_cursor,
    matching,
    words_of,
)
from scanner.storage.index.rows import EVERY, HISTORY_COLUMNS, history_from, mark, number_from
from scanner.storage.index.statistics import midnight, read_statistics
from scanner.storage.index.terms import expressions
from scanner.storage.keeping.catalogue import Catalogue


class HistoryQuery(Struct, frozen=True, kw_only=True):
    """Which passes to tell of. ``q``: words that must all occur (as beginnings). ``rig``, ``operator``, ``preset``:
    exactly these, but for capitals. ``since``, ``until``: UTC days (YYYY-MM-DD); passes that began in ``[since,
    until)``, or were planned then and have not begun. ``after``: ``next`` of the page before.
    """

    q: str = ""
    state: Status | None = None
    rig: str | None = None
    operator: str | None = None
    preset: str | None = None
    since: str | None = None
    until: str | None = None
    after: str | None = None
    limit: int = 50


class HistoryPage(Struct, frozen=True, kw_only=True):
    """Some passes, the cursor of the next page (None: the last one) and how many there are in all."""

    items: tuple[PassHistory, ...]
    next: str | None
    total: int


class _Cursor(msgspec.Struct, frozen=True, array_like=True):
    pass_number: RowNumber


class History:
    """Answers from the index. Errors of both: InvalidError for what cannot be asked, StorageError."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    async def passes(self, query: HistoryQuery | None = None) -> HistoryPage:
        """A page of the history; without a query the newest passes."""
        chosen = query or HistoryQuery()
        return await self._catalogue.ask(lambda queries: queries.read(lambda db: read_page(db, chosen)))

    async def statistics(self, since: str | None = None, until: str | None = None) -> Statistics:
        """What the passes that began in ``[since, until)`` (UTC days, YYYY-MM-DD) amount to."""
        return await self._catalogue.ask(lambda queries: queries.read(lambda db: read_statistics(db, since, until)))


def read_page(connection: sqlite3.Connection, query: HistoryQuery) -> HistoryPage:
    """Errors: InvalidError, sqlite3.Error."""
    words = words_of(query.q)
    rows_statement(query, words)  # says what cannot be asked
    if words is not None:
        words = expressions(connection, "passes", words)
        if not words:
            return HistoryPage(items=(), next=None, total=0)
    asked, counted = rows_statement(query, words), total_statement(query, words)
    rows = connection.execute(asked.text, asked.values).fetchall()
    (total,) = connection.execute(counted.text, counted.values).fetchone()
    shown = rows[: query.limit]
    following = encode_cursor(_Cursor(shown[-1][0])) if len(rows) > query.limit else None
    return HistoryPage(items=tuple(history_from(row) for row in shown), next=following, total=int(total))


def rows_statement(query: HistoryQuery, words: tuple[str, ...] | None) -> Statement:
    """The passes of a page and one more. Errors: InvalidError."""
    check_status(query.state)
    check_limit(query.limit)
    where, values = _conditions(query, words)
    if query.after is not None:
        where += " AND passes_fts.rowid < ?"
        values += (decode_cursor(query.after, _Cursor).pass_number,)
    text = (
        f"SELECT {HISTORY_COLUMNS} FROM passes_fts JOIN passes p ON p.number = passes_fts.rowid"  # noqa: S608 - values are bound
        f" JOIN sessions s ON s.number = p.session WHERE {where} ORDER BY passes_fts.rowid DESC LIMIT ?"
    )
    return Statement(text, (*values, query.limit + 1))


def total_statement(query: HistoryQuery, words: tuple[str, ...] | None) -> Statement:
    """How many passes the whole list has. Errors: InvalidError."""
    if words is None and query == HistoryQuery(after=query.after, limit=query.limit):
        return Statement("SELECT count(*) FROM passes", ())
    where, values = _conditions(query, words)
    return Statement(f"SELECT count(*) FROM passes_fts WHERE {where}", values)  # noqa: S608 - values are bound


def _conditions(query: HistoryQuery, words: tuple[str, ...] | None) -> tuple[str, tuple[object, ...]]:
    filters = (("state", query.state), ("rig", query.rig), ("operator", query.operator), ("preset", query.preset))
    marks = [mark(kind, value) for kind, value in filters if value is not None]
    where = "passes_fts MATCH ?"
    values: tuple[object, ...] = (matching(words or (), marks if words else marks or [EVERY]),)
    for day, sign in ((query.since, ">="), (query.until, "<")):
        if day is not None:
            where += f" AND passes_fts.rowid {sign} ?"
            values += (number_from(midnight(day)),)
    return where, values
