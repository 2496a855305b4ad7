"""Starting storage: directories, the daemon's lock, both databases, recovery. Runs in the writer thread, before READY,
hence quickly.
"""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scanner.clock import utc_text
from scanner.errors import DamagedError
from scanner.storage.database import rename_broken
from scanner.storage.files import make_dirs, reported
from scanner.storage.jobstore import open_jobs
from scanner.storage.keeper import Keeper, Premises
from scanner.storage.locks import DaemonLock
from scanner.storage.upkeep import recover_noted

_DAMAGED: Final = "the index was damaged ({}); it was renamed and is being made anew from the session directories"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What lives in the writer thread. ``whole``: every session is in the index."""

    keeper: Keeper
    jobs: sqlite3.Connection
    notices: tuple[str, ...]
    whole: bool


def open_storage(premises: Premises, description: str, stack: ExitStack) -> Opened:
    """What is opened is closed by ``stack``, in this thread. Errors: DaemonRunningError, StorageError."""
    layout = premises.layout
    for name, directory in (("data", layout.sessions), ("state", layout.state)):
        with reported(f"the {name} directory {directory} could not be made", layout.data.parent):
            make_dirs(premises.files, directory)
    stack.callback(_daemon_lock(premises, description).release)
    notices: list[str] = []
    keeper = Keeper(premises)
    stack.callback(keeper.close)
    if keeper.index_fault is not None:
        notices.append(_DAMAGED.format(keeper.index_fault))
    jobs = _jobs(premises, notices)
    stack.callback(jobs.close)
    try:
        notices += recover_noted(keeper)
        whole = _whole(keeper)
    except DamagedError as error:
        notices.append(_DAMAGED.format(error.message))
        keeper.renew_index()
        whole = _whole(keeper)
    return Opened(keeper=keeper, jobs=jobs, notices=tuple(notices), whole=whole)


def _daemon_lock(premises: Premises, description: str) -> DaemonLock:
    since = utc_text(premises.clock.now())
    path = premises.layout.daemon_lock
    with reported("the state directory could not be locked", path.parent):
        return DaemonLock.take(premises.files, path, premises.host, since=since, description=description)


def _jobs(premises: Premises, notices: list[str]) -> sqlite3.Connection:
    path: Path = premises.layout.jobs
    try:
        return open_jobs(path)
    except DamagedError as error:
        with reported("the damaged queue could not be renamed", path.parent):
            kept = rename_broken(premises.files, path, premises.clock.now())
        notices.append(
            f"{error.message}; it was renamed to {kept.name if kept else path.name} and begun anew. The queue is lost;"
            " unfinished passes can be resumed from their sessions"
        )
    return open_jobs(path)


def _whole(keeper: Keeper) -> bool:
    if keeper.index.whole():
        return True
    if any(keeper.premises.layout.sessions.iterdir()):
        return False
    keeper.index.mark_whole()
    return True
