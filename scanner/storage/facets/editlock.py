"""The short exclusive lock under which a session as a whole is changed: its identity, its checkpoints, its place.

On a local disk it is a ``flock`` on the directory of the session's documents: it leaves nothing behind and ends with
its process. On a network share, where a ``flock`` decides nothing, it is a lock like that of a pass, in that directory.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from dataclasses import dataclass

from scanner.errors import PassLockedError
from scanner.model import SessionId
from scanner.storage.disk.files import Files
from scanner.storage.disk.layout import SessionPaths, session_missing
from scanner.storage.keeping.keeper import Keeper


@dataclass(frozen=True, slots=True)
class EditLock:
    """Held. In the writer thread: ``release`` lets go of it, ``beat`` gives a sign of life, on a share where whoever is
    silent for too long counts as gone (errors: LockLostError, OSError).
    """

    release: Callable[[], None]
    beat: Callable[[], None]


def take_edit_lock(keeper: Keeper, session_id: SessionId) -> EditLock | None:
    """The lock, or None while somebody else has it; in the writer thread.

    Errors: SessionNotFoundError, StorageError, OSError.
    """
    paths = keeper.premises.layout.session(session_id)
    if not paths.document.parent.is_dir():
        raise session_missing(session_id)
    if not keeper.locker.shared:
        return _flock(keeper.premises.files, paths)
    try:
        lock = keeper.locker.take_session(session_id)
        return EditLock(lock.release, lock.beat)
    except PassLockedError:
        return None


def _flock(files: Files, paths: SessionPaths) -> EditLock | None:
    descriptor = files.open(paths.document.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        files.close(descriptor)
        if isinstance(error, BlockingIOError):
            return None
        raise
    return EditLock(lambda: files.close(descriptor), lambda: None)
