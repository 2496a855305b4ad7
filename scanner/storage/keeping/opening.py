"""Starting storage: directories, the daemon's lock, both databases, recovery. Runs in the writer thread, before READY,
hence quickly.
"""

from __future__ import annotations

import sqlite3
import stat
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from msgspec import Struct

from scanner.clock import utc_text
from scanner.errors import DamagedError, StorageError
from scanner.storage.disk.database import NEWER, rename_broken
from scanner.storage.disk.files import make_dirs, reported
from scanner.storage.disk.premises import Premises
from scanner.storage.disk.share import check_share, file_system, is_network
from scanner.storage.index.jobstore import open_jobs
from scanner.storage.keeping.keeper import Keeper
from scanner.storage.keeping.upkeep import recover_noted
from scanner.storage.locks.daemonlock import DaemonLock

_LOST: Final = (
    "The queue is lost; unfinished passes can be resumed from their sessions, jobs that waited must be ordered again,"
    " and the history of jobs and the audit begin anew"
)
_DAMAGED: Final = "the index was damaged ({}); it was renamed and is being made anew from the session directories"


class Opened(Struct, frozen=True, kw_only=True):
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
    used = layout.daemon_lock.exists()
    stack.callback(_daemon_lock(premises, description).release)
    check_share(premises.files, layout.data, premises.token)
    notices: list[str] = []
    if is_network(file_system(layout.state)):
        notices.append("the state directory lies on a network share, where databases break: give it a local disk")
    keeper = Keeper(premises)
    stack.callback(keeper.close)
    if keeper.index_fault is not None:
        notices.append(_DAMAGED.format(keeper.index_fault))
    jobs = _jobs(premises, notices, used=used)
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


def _jobs(premises: Premises, notices: list[str], *, used: bool) -> sqlite3.Connection:
    """``used``: a daemon worked with this state directory before, so that there was a queue."""
    path: Path = premises.layout.jobs
    if used and not _has_content(path):
        notices.append(f"the queue ({path.name}) was gone or empty and was begun anew. {_LOST}")
    try:
        return open_jobs(path)
    except StorageError as error:
        newer = error.detail.get("reason") == NEWER
        if not newer and not isinstance(error, DamagedError):
            raise
        with reported("the queue could not be renamed", path.parent):
            kept = rename_broken(premises.files, path, premises.clock.now(), "newer" if newer else "corrupt")
        notices.append(f"{error.message}; it was renamed to {kept.name if kept else path.name} and begun anew. {_LOST}")
    return open_jobs(path)


def _has_content(path: Path) -> bool:
    try:
        found = path.stat()
    except OSError:
        return False
    return found.st_size > 0 or not stat.S_ISREG(found.st_mode)


def _whole(keeper: Keeper) -> bool:
    if keeper.index.whole():
        return True
    if any(keeper.premises.layout.sessions.iterdir()):
        return False
    keeper.index.mark_whole()
    return True
