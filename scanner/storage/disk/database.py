"""SQLite as storage uses it: one writing connection a file, WAL, migrations by ``user_version``, typed errors.

Readers open the same file with ``mode=ro`` in their own thread and never checkpoint. A file that is not the database it
should be is renamed, never deleted.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Final, Literal

from scanner.errors import DamagedError, DiskFullError, StorageError
from scanner.storage.disk.files import Files

Migration = Callable[[sqlite3.Connection], None]
Synchronous = Literal["NORMAL", "FULL"]

NEWER: Final = "newer_version"  # the reason of the error where a file was written by a newer version
_MAGIC: Final = b"SQLite format 3\0"
_HEADER: Final = 100  # bytes
_BUSY: Final = 5.0  # seconds; nobody else writes, but a reader may just be opening
_STEPS: Final = 100_000  # of SQLite's machine between two looks at whether to stop
_AT_ONCE: Final = 50  # rows of one statement; each of another number of rows is prepared anew
_LOGS: Final = ("-wal", "-shm")  # what SQLite writes beside a database
_PRIMARY: Final = 0xFF  # of an extended result code
_REASONS: Final = {
    sqlite3.SQLITE_FULL: "disk_full",
    sqlite3.SQLITE_READONLY: "read_only",
}
_BROKEN: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR})


def connect(path: Path, synchronous: Synchronous) -> sqlite3.Connection:
    """The writing connection; transactions are explicit. Errors: sqlite3.Error."""
    connection = sqlite3.connect(path, timeout=_BUSY, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    """A connection that cannot write. Errors: sqlite3.Error."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY, isolation_level=None)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing. Errors: sqlite3.Error, or what the block raises."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):  # a failed COMMIT may have rolled back by itself
            connection.execute("ROLLBACK")
        raise


def insert(connection: sqlite3.Connection, into: str, rows: Sequence[Sequence[object]], then: str = "") -> None:
    """Insert rows, all of the same length, a few dozen with one statement; ``then``: what becomes of one that is there.

    A thread that runs Python meanwhile is interrupted once a statement, not once a row. Errors: sqlite3.Error.
    """
    if not rows:
        return
    row = f"({', '.join('?' * len(rows[0]))})"
    for start in range(0, len(rows), _AT_ONCE):
        some = rows[start : start + _AT_ONCE]
        text = f"INSERT INTO {into} VALUES {', '.join([row] * len(some))} {then}"  # noqa: S608 - values are bound
        connection.execute(text, tuple(chain.from_iterable(some)))


def migrate(connection: sqlite3.Connection, migrations: Sequence[Migration], what: str = "it") -> None:
    """Bring the schema to the newest version, one transaction a step. Errors: StorageError for a file of a newer
    version.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(migrations):
        message = f"{what} was written by a newer version ({version}, this one knows {len(migrations)})"
        raise StorageError(message, reason=NEWER)
    for number, step in enumerate(migrations[version:], version + 1):
        with transaction(connection):
            step(connection)
            connection.execute(f"PRAGMA user_version = {number}")


def place_fault(path: Path) -> str | None:
    """What lies where a database or one of its logs belongs and is no file, or None. SQLite says only that it cannot
    open that, as it does of a file that the disk refuses. Errors: OSError.
    """
    for suffix in ("", *_LOGS):
        place = path.with_name(path.name + suffix)
        try:
            mode = place.stat().st_mode
        except FileNotFoundError:
            continue
        if not stat.S_ISREG(mode):
            return f"{place.name} is {'a directory' if stat.S_ISDIR(mode) else 'no plain file'}"
    return None


def header_fault(path: Path) -> str | None:
    """What is wrong with a database file at first sight, or None. An empty or missing file is a new database, not a
    fault. Errors: OSError.
    """
    fault = place_fault(path)
    if fault is not None:
        return fault
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER)
            size = file.seek(0, os.SEEK_END)
    except FileNotFoundError:
        return None
    if not header:
        return None
    if not header.startswith(_MAGIC) or len(header) < _HEADER:
        return "it is no database"
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size:
        return None  # what the file lacks may stand in its log
    page = int.from_bytes(header[16:18], "big")
    page = 65536 if page == 1 else page
    pages = int.from_bytes(header[28:32], "big")
    return "its end is missing" if size < page * pages else None


def schema_fault(connection: sqlite3.Connection, migrations: Sequence[Migration]) -> str | None:
    """Whether the schema differs from what ``migrations`` make; reads the schema only. Errors: sqlite3.Error."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:
        migrate(fresh, migrations)
        return None if _schema(connection) == _schema(fresh) else "its tables are not the ones it should have"


def _schema(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    query = "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY name"
    return connection.execute(query).fetchall()


def quick_check(connection: sqlite3.Connection) -> str | None:
    """Read the whole file, not the order of its indexes; what is wrong with it, or None."""
    return _check(connection, "PRAGMA quick_check(1)")


def full_check(connection: sqlite3.Connection, stop: Callable[[], bool]) -> str | None:
    """Read and compare everything; what is wrong with the file, or None. ``stop`` is asked now and then and ends the
    check.
    """
    connection.set_progress_handler(stop, _STEPS)
    return _check(connection, "PRAGMA integrity_check(1)")


def _check(connection: sqlite3.Connection, pragma: str) -> str | None:
    try:
        (found,) = connection.execute(pragma).fetchone()
    except sqlite3.DatabaseError as error:
        return None if _primary(error) == sqlite3.SQLITE_INTERRUPT else str(error)
    return None if found == "ok" else str(found)


def rename_broken(files: Files, path: Path, now: datetime, word: str = "corrupt") -> Path | None:
    """Move a database that cannot be used aside as ``<name>.<word>-<time>``; its new path, or None where there is only
    a left-over log. Errors: OSError.
    """
    kept = _free_name(path.with_name(f"{path.name}.{word}-{now:%Y%m%dT%H%M%SZ}"))
    found = None
    for suffix in ("", *_LOGS):
        source = path.with_name(path.name + suffix)
        if source.exists():
            target = kept.with_name(kept.name + suffix)
            files.rename(source, target)
            found = target if not suffix else found
    files.fsync_dir(path.parent)
    return found


def _free_name(path: Path) -> Path:
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.name}-{number}")
    return free


def is_broken(error: sqlite3.Error) -> bool:
    """Whether the error means that the file is damaged rather than that the disk refused."""
    code = _primary(error)
    return code in _BROKEN or (code == 0 and isinstance(error, sqlite3.OperationalError))  # 0: text that is none


def tells_of_database(error: DamagedError) -> bool:
    """Whether it is a database that is damaged, not a file of a session."""
    return bool(error.detail.get("database"))


def _primary(error: sqlite3.Error) -> int:
    return (getattr(error, "sqlite_errorcode", None) or 0) & _PRIMARY


@contextmanager
def sql_reported(what: str) -> Iterator[None]:
    """Turn SQLite's errors into typed ones: DiskFullError, StorageError, DamagedError (file or rows broken)."""
    try:
        yield
    except (ValueError, TypeError) as error:
        message = f"{what}: the database is damaged ({error})"
        raise DamagedError(message, reason="io_error", database=True) from error
    except sqlite3.Error as error:
        if is_broken(error):
            message = f"{what}: the database is damaged ({error})"
            raise DamagedError(message, reason="io_error", database=True) from error
        reason = _REASONS.get(_primary(error), "io_error")
        message = f"{what}: {error}"
        kind = DiskFullError if reason == "disk_full" else StorageError
        raise kind(message, reason=reason) from error
