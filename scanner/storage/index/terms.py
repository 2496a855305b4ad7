"""What of the full-text tables is searched for a word that is the beginning of what somebody means.

FTS5 answers a beginning from an index of beginnings of that length, or gathers all words that begin so, which takes as
long as these are many or stand in many rows. Of a longer beginning there are mostly one or two words: these themselves
are found at once.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final, Literal

from scanner.storage.index.schema import BEGINNINGS

_FEW: Final = 8  # words that are searched for by themselves
_BEHIND: Final = "\x01"  # makes of a word what comes behind it, and before all words that begin with it

Table = Literal["sessions", "passes"]


def expressions(connection: sqlite3.Connection, table: Table, words: Sequence[str]) -> tuple[str, ...] | None:
    """A full-text expression for each of ``words``, any word that begins with it; None where there is none. Errors:
    sqlite3.Error.
    """
    found: list[str] = []
    for word in words:
        terms = _terms(connection, table, word)
        if terms == ():
            return None
        found.append(f'"{word}"*' if terms is None else _any(terms))
    return tuple(found)


def _any(terms: Sequence[str]) -> str:
    quoted = [f'"{term}"' for term in terms]
    return f"({' OR '.join(quoted)})"


def _terms(connection: sqlite3.Connection, table: Table, word: str) -> tuple[str, ...] | None:
    """The words of the table that begin with ``word``; None where it is better asked for as a beginning."""
    if len(word) in BEGINNINGS or not word.isascii():  # how SQLite folds other letters is its own affair
        return None
    beginning = word.lower()
    query = f"SELECT term FROM {table}_terms WHERE term >= ? LIMIT 1"  # noqa: S608 - our own constants
    found: list[str] = []
    while len(found) <= _FEW:
        row = connection.execute(query, (found[-1] + _BEHIND if found else beginning,)).fetchone()
        if row is None or not row[0].startswith(beginning):
            return tuple(found)
        found.append(row[0])
    return None
