"""The tables of ``index.db``, by version. Everything in them is derived from the session directories.

``sessions.number`` is made from the creation time: newest first is then the order of the key itself, also in the
full-text table, whose rowid it is. Triggers keep what would otherwise have to be counted: sessions by state, and the
sizes of photos by camera. ``size_key`` is ``bytes`` as of the last pause or end, so that saving a photo moves no
session in the list by size.
"""

from __future__ import annotations

import sqlite3
from typing import Final

WORD_COLUMNS: Final = "id title operator object tags notes passes"  # of the full-text table: what people search in
INCOMPLETE: Final = ("planned", "running", "paused", "failed")


def _version_1(connection: sqlite3.Connection) -> None:
    for statement in _TABLES + _TRIGGERS:
        connection.execute(statement)


_TABLES: Final = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    # a change that has begun on this session (pass '': on the session itself); fsynced before the change
    "CREATE TABLE intents (session_id TEXT NOT NULL, pass TEXT NOT NULL, PRIMARY KEY (session_id, pass)) WITHOUT ROWID",
    """CREATE TABLE sessions (
        number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, title TEXT NOT NULL, title_key TEXT NOT NULL,
        state TEXT NOT NULL, created_at TEXT NOT NULL, created_from TEXT, origin TEXT NOT NULL, operator TEXT NOT NULL,
        object TEXT, tags TEXT NOT NULL, notes TEXT NOT NULL, format TEXT NOT NULL, photos INTEGER NOT NULL,
        bytes INTEGER NOT NULL, size_key INTEGER NOT NULL, thumbnail TEXT, damage TEXT NOT NULL,
        signature TEXT NOT NULL)""",
    "CREATE INDEX sessions_title ON sessions (title_key, number)",
    "CREATE INDEX sessions_state ON sessions (state, number)",
    "CREATE INDEX sessions_state_title ON sessions (state, title_key, number)",
    "CREATE INDEX sessions_size ON sessions (size_key, number)",
    "CREATE INDEX sessions_state_size ON sessions (state, size_key, number)",
    f"CREATE INDEX sessions_incomplete ON sessions (number) WHERE state IN {INCOMPLETE}",
    """CREATE TABLE passes (
        session INTEGER NOT NULL, place INTEGER NOT NULL, name TEXT NOT NULL, state TEXT NOT NULL, kind TEXT NOT NULL,
        shots INTEGER NOT NULL, saved INTEGER NOT NULL, skipped INTEGER NOT NULL, retaken INTEGER NOT NULL,
        bytes INTEGER NOT NULL, pause TEXT, started_at TEXT, ended_at TEXT, duration_s REAL NOT NULL,
        submission TEXT, PRIMARY KEY (session, name)) WITHOUT ROWID""",
    f"CREATE INDEX passes_unfinished ON passes (session, place) WHERE state IN {INCOMPLETE}",
    """CREATE TABLE photos (
        session INTEGER NOT NULL, name TEXT NOT NULL, pass TEXT NOT NULL, shot INTEGER NOT NULL, camera TEXT NOT NULL,
        azimuth REAL NOT NULL, elevation REAL NOT NULL, measured_azimuth REAL NOT NULL,
        measured_elevation REAL NOT NULL,
        bytes INTEGER NOT NULL, sha256 TEXT NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL,
        taken_at TEXT NOT NULL, exposure_us INTEGER NOT NULL, gain REAL NOT NULL, sharpness REAL,
        sharpness_relative REAL, clipped REAL, PRIMARY KEY (session, name)) WITHOUT ROWID""",
    "CREATE TABLE submissions (key TEXT PRIMARY KEY, digest TEXT NOT NULL, session INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE INDEX submissions_session ON submissions (session)",
    "CREATE TABLE state_counts (state TEXT PRIMARY KEY, sessions INTEGER NOT NULL) WITHOUT ROWID",
    """CREATE TABLE photo_sizes (
        camera TEXT NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, photos INTEGER NOT NULL,
        bytes INTEGER NOT NULL, PRIMARY KEY (camera, width, height)) WITHOUT ROWID""",
    """CREATE VIRTUAL TABLE sessions_fts USING fts5 (
        id, title, operator, object, tags, notes, passes, state, tokenize = 'unicode61 remove_diacritics 2')""",
)
_COUNT_IN: Final = (
    "INSERT INTO state_counts VALUES (new.state, 1) ON CONFLICT (state) DO UPDATE SET sessions = sessions + 1"
)
_COUNT_OUT: Final = "UPDATE state_counts SET sessions = sessions - 1 WHERE state = old.state"
_TRIGGERS: Final = (
    f"CREATE TRIGGER session_in AFTER INSERT ON sessions BEGIN {_COUNT_IN}; END",
    f"CREATE TRIGGER session_out AFTER DELETE ON sessions BEGIN {_COUNT_OUT}; END",
    f"""CREATE TRIGGER session_state AFTER UPDATE OF state ON sessions WHEN old.state <> new.state
        BEGIN {_COUNT_OUT}; {_COUNT_IN}; END""",
    """CREATE TRIGGER photo_in AFTER INSERT ON photos BEGIN
        INSERT INTO photo_sizes VALUES (new.camera, new.width, new.height, 1, new.bytes)
        ON CONFLICT (camera, width, height) DO UPDATE SET photos = photos + 1, bytes = bytes + excluded.bytes; END""",
    """CREATE TRIGGER photo_out AFTER DELETE ON photos BEGIN
        UPDATE photo_sizes SET photos = photos - 1, bytes = bytes - old.bytes
        WHERE camera = old.camera AND width = old.width AND height = old.height; END""",
)
MIGRATIONS: Final = (_version_1,)
