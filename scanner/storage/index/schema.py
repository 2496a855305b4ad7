"""The tables of ``index.db``, by version. Everything in them is derived from the session directories.

``sessions.number`` is made from the creation time, ``passes.number`` from the time the pass began (before that: was
planned): newest first is then the order of the key itself, also in the full-text tables, whose rowid it is. Every list
with a filter or a search text is answered by a full-text table, in the order of its rowid: each value that can be
filtered by is a word of its column ``marks``, which begins with a character that no word of a text has. Beginnings of
words are answered from indexes of their own as long as they are short; see :mod:`.terms` for longer ones.

What would otherwise have to be counted is kept: sessions by state (new ones by :mod:`.batch`, many at once; what
becomes of them by triggers), and by :mod:`.tallies` the sizes of photos by camera and what passes amount to by day and
month. ``size_key`` is ``bytes`` as of the last pause or end, so that saving a photo moves no session in the list by
size. There is no row a photo: 10 million of them would be 2.5 GB that say what the journals say.
"""

from __future__ import annotations

import sqlite3
from typing import Final

WORD_COLUMNS: Final = "id title operator object tags notes passes"  # of the full-text tables: what people search in
BEGINNINGS: Final = (1, 2, 3)  # characters of the beginnings that have an index of their own
INCOMPLETE: Final = ("planned", "running", "paused", "failed")


def _version_1(connection: sqlite3.Connection) -> None:
    for statement in _NOTES:
        connection.execute(statement)


def _version_2(connection: sqlite3.Connection) -> None:
    """Everything but the notes is made anew, and read again from the directories."""
    for table in ("photos", *_DERIVED):
        connection.execute(f"DROP TABLE IF EXISTS {table}")
    connection.execute("DELETE FROM meta")
    for statement in _TABLES + _TRIGGERS:
        connection.execute(statement)


def _version_3(connection: sqlite3.Connection) -> None:
    """New sessions are counted many at once."""
    connection.execute("DROP TRIGGER IF EXISTS session_in")


def _version_4(connection: sqlite3.Connection) -> None:
    """Words are folded (:mod:`.folding`), and passes that nobody can date have no day: all is read again."""
    _version_2(connection)


def _version_5(connection: sqlite3.Connection) -> None:
    """Words are folded in every script."""
    _version_2(connection)


def _version_6(connection: sqlite3.Connection) -> None:
    """Marks are told from words by their first character; more beginnings have an index."""
    _version_2(connection)


_NOTES: Final = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    # a change that has begun on this session (pass '': on the session itself); fsynced before the change
    "CREATE TABLE intents (session_id TEXT NOT NULL, pass TEXT NOT NULL, PRIMARY KEY (session_id, pass)) WITHOUT ROWID",
)
_WORDS: Final = ", ".join(WORD_COLUMNS.split())
_FULL_TEXT: Final = f"""USING fts5 (
    {_WORDS}, marks, tokenize = 'unicode61 remove_diacritics 2', prefix = '{" ".join(map(str, BEGINNINGS))}')"""
_FIGURES: Final = ", ".join(
    f"{name} INTEGER NOT NULL"
    for name in ("sessions", "passes", "completed", "photos", "bytes", "worked_ms", "retakes", "failures")
)
_TABLES: Final = (
    """CREATE TABLE sessions (
        number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, title TEXT NOT NULL, title_key TEXT NOT NULL,
        state TEXT NOT NULL, created_at TEXT NOT NULL, created_from TEXT, origin TEXT NOT NULL, operator TEXT NOT NULL,
        object TEXT, tags TEXT NOT NULL, notes TEXT NOT NULL, format TEXT NOT NULL, photos INTEGER NOT NULL,
        bytes INTEGER NOT NULL, size_key INTEGER NOT NULL, thumbnail TEXT, damage TEXT NOT NULL,
        migrated_from TEXT, signature TEXT NOT NULL, marked INTEGER NOT NULL)""",
    "CREATE INDEX sessions_title ON sessions (title_key, number)",
    "CREATE INDEX sessions_state ON sessions (state, number)",
    "CREATE INDEX sessions_state_title ON sessions (state, title_key, number)",
    "CREATE INDEX sessions_size ON sessions (size_key, number)",
    "CREATE INDEX sessions_state_size ON sessions (state, size_key, number)",
    "CREATE INDEX sessions_marked ON sessions (number) WHERE marked > 0",
    f"CREATE INDEX sessions_incomplete ON sessions (number) WHERE state IN {INCOMPLETE}",
    """CREATE TABLE passes (
        number INTEGER PRIMARY KEY, session INTEGER NOT NULL, place INTEGER NOT NULL, name TEXT NOT NULL,
        state TEXT NOT NULL, kind TEXT NOT NULL, shots INTEGER NOT NULL, saved INTEGER NOT NULL,
        skipped INTEGER NOT NULL, retaken INTEGER NOT NULL, bytes INTEGER NOT NULL, pause TEXT, started_at TEXT,
        ended_at TEXT, duration_s REAL NOT NULL, damaged INTEGER NOT NULL, submission TEXT, created_at TEXT NOT NULL,
        rig TEXT NOT NULL, host TEXT NOT NULL, origin TEXT NOT NULL, failures INTEGER NOT NULL, reason TEXT NOT NULL,
        sizes TEXT NOT NULL, first TEXT, UNIQUE (session, name))""",
    "CREATE INDEX passes_running ON passes (session) WHERE state = 'running'",
    f"CREATE INDEX passes_unfinished ON passes (session, place) WHERE state IN {INCOMPLETE}",
    # sessions whose files lie in folders of other names, or are of older formats; see older.py
    "CREATE TABLE legacy (session INTEGER PRIMARY KEY, folders BLOB NOT NULL, signature TEXT NOT NULL)",
    "CREATE TABLE legacy_passes (session INTEGER NOT NULL, name TEXT NOT NULL, content BLOB NOT NULL)",
    "CREATE INDEX legacy_passes_session ON legacy_passes (session)",
    "CREATE TABLE submissions (key TEXT PRIMARY KEY, digest TEXT NOT NULL, session INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE INDEX submissions_session ON submissions (session)",
    "CREATE TABLE state_counts (state TEXT PRIMARY KEY, sessions INTEGER NOT NULL) WITHOUT ROWID",
    """CREATE TABLE photo_sizes (
        camera TEXT NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, photos INTEGER NOT NULL,
        bytes INTEGER NOT NULL, PRIMARY KEY (camera, width, height)) WITHOUT ROWID""",
    # span: day or month; kind: all, rig, preset, operator; key: its value
    f"""CREATE TABLE tallies (
        span TEXT NOT NULL, period TEXT NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL, {_FIGURES},
        PRIMARY KEY (span, period, kind, key)) WITHOUT ROWID""",
    f"CREATE VIRTUAL TABLE sessions_fts {_FULL_TEXT}",
    f"CREATE VIRTUAL TABLE passes_fts {_FULL_TEXT}",
    # every word with each place where it stands: a view of the full-text tables, not a copy
    "CREATE VIRTUAL TABLE sessions_terms USING fts5vocab (sessions_fts, instance)",
    "CREATE VIRTUAL TABLE passes_terms USING fts5vocab (passes_fts, instance)",
)
_DERIVED: Final = (
    "sessions", "passes", "legacy", "legacy_passes", "submissions", "state_counts", "photo_sizes", "tallies",
    "sessions_terms", "passes_terms", "sessions_fts", "passes_fts",
)  # fmt: skip
_COUNT_IN: Final = (
    "INSERT INTO state_counts VALUES (new.state, 1) ON CONFLICT (state) DO UPDATE SET sessions = sessions + 1"
)
_COUNT_OUT: Final = "UPDATE state_counts SET sessions = sessions - 1 WHERE state = old.state"
_TRIGGERS: Final = (
    f"CREATE TRIGGER session_out AFTER DELETE ON sessions BEGIN {_COUNT_OUT}; END",
    f"""CREATE TRIGGER session_state AFTER UPDATE OF state ON sessions WHEN old.state <> new.state
        BEGIN {_COUNT_OUT}; {_COUNT_IN}; END""",
)
MIGRATIONS: Final = (_version_1, _version_2, _version_3, _version_4, _version_5, _version_6)
