"""``jobs.db``: jobs and queue, which no session can hold. It is the truth about them, so every commit is fsynced.

Opened and used in the writer thread only. ``job_items``, ``slots`` and ``audit`` have their tables from the first
version on.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import ExitStack, closing
from pathlib import Path

import msgspec

from scanner.errors import DamagedError
from scanner.model import JobId
from scanner.records import Job
from scanner.storage.disk.database import (
    connect,
    migrate,
    place_fault,
    quick_check,
    schema_fault,
    sql_reported,
    transaction,
)
from scanner.storage.disk.files import reported
from scanner.storage.disk.threads import Lane


def _version_1(connection: sqlite3.Connection) -> None:
    for statement in (
        """CREATE TABLE jobs (
            id TEXT PRIMARY KEY, kind TEXT NOT NULL, state TEXT NOT NULL, session_id TEXT, created_at TEXT NOT NULL,
            ended_at TEXT, document BLOB NOT NULL) WITHOUT ROWID""",
        """CREATE TABLE job_items (
            job_id TEXT NOT NULL, item TEXT NOT NULL, state TEXT NOT NULL, outputs TEXT, sha256 TEXT, error TEXT,
            started_at TEXT, ended_at TEXT, PRIMARY KEY (job_id, item)) WITHOUT ROWID""",
        """CREATE TABLE slots (
            schedule TEXT NOT NULL, slot TEXT NOT NULL, outcome TEXT NOT NULL, job_id TEXT, at TEXT NOT NULL,
            PRIMARY KEY (schedule, slot)) WITHOUT ROWID""",
        """CREATE TABLE audit (
            number INTEGER PRIMARY KEY, at TEXT NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL, session_id TEXT,
            detail TEXT)""",
    ):
        connection.execute(statement)


MIGRATIONS = (_version_1,)


def open_jobs(path: Path) -> sqlite3.Connection:
    """The checked connection. Errors: DamagedError, StorageError (with the reason ``newer_version``, too)."""
    what = "the queue could not be opened"
    with reported(what, path.parent):
        _require(place_fault(path))
    with ExitStack() as stack, sql_reported(what):
        connection = stack.enter_context(closing(connect(path, "FULL")))
        migrate(connection, MIGRATIONS, "the queue")
        _require(quick_check(connection) or schema_fault(connection, MIGRATIONS))
        stack.pop_all()
    return connection


def _require(fault: str | None) -> None:
    """Errors: DamagedError where there is a fault."""
    if fault is not None:
        message = f"the queue is damaged ({fault})"
        raise DamagedError(message, reason="io_error", database=True)


class JobStore:
    """Keeps jobs over restarts. Every method returns when the change is durable. Errors: StorageError."""

    def __init__(self, lane: Lane, connection: sqlite3.Connection) -> None:
        self._lane = lane
        self._connection = connection
        self.unreadable = 0  # rows that load() could not read; they stay in the file

    async def load(self) -> list[Job]:
        """All jobs, oldest first."""
        return await self._lane.run(self._load)

    async def put(self, *jobs: Job) -> None:
        """Store jobs as they now are, in one step."""
        await self._lane.run(lambda: self._put(jobs))

    async def delete(self, ids: Iterable[JobId]) -> None:
        """Forget jobs; unknown ids are no error."""
        chosen = tuple(ids)
        await self._lane.run(lambda: self._delete(chosen))

    def _load(self) -> list[Job]:
        jobs: list[Job] = []
        self.unreadable = 0
        with sql_reported("the jobs could not be read"):
            for (document,) in self._connection.execute("SELECT document FROM jobs ORDER BY created_at, id"):
                try:
                    jobs.append(msgspec.json.decode(document, type=Job))
                except (msgspec.MsgspecError, UnicodeDecodeError):
                    self.unreadable += 1
        return jobs

    def _put(self, jobs: tuple[Job, ...]) -> None:
        rows = [
            (job.id, job.kind, job.state.value, job.session_id, job.created_at, job.ended_at, msgspec.json.encode(job))
            for job in jobs
        ]
        with sql_reported("the queue could not be written"), transaction(self._connection):
            self._connection.executemany("INSERT OR REPLACE INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    def _delete(self, ids: tuple[JobId, ...]) -> None:
        with sql_reported("the queue could not be written"), transaction(self._connection):
            self._connection.executemany("DELETE FROM jobs WHERE id = ?", [(job_id,) for job_id in ids])
