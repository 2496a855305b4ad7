"""The short exclusive lock under which a session as a whole is changed: its identity, its checkpoints, its place.

On a local disk it is a ``flock`` on the directory of the session's documents: it leaves nothing behind and ends with
its process. On a network share, where a ``flock`` decides nothing, it is a lock like that of a pass, in that directory.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable

from scanner.errors import PassLockedError
from scanner.model import SessionId
from scanner.storage.disk.files import Files
from scanner.storage.disk.layout import SessionPaths, session_missing
from scanner.storage.keeping.keeper import Keeper

Release = Callable[[], None]


def take_edit_lock(keeper: Keeper, session_id: SessionId) -> Release | None:
    """What lets go of the lock, or None while somebody else has it; both in the writer thread. Signs of life are given
    for it with those for all other locks that are held here.

    Errors: SessionNotFoundError, StorageError, OSError.
    """
    paths = keeper.premises.layout.session(session_id)
    if not paths.document.parent.is_dir():
        raise session_missing(session_id)
    if not keeper.locker.shared:
        return _flock(keeper.premises.files, paths)
    try:
        return keeper.locker.take_session(session_id).release
    except PassLockedError:
        return None


def _flock(files: Files, paths: SessionPaths) -> Release | None:
    descriptor = files.open(paths.document.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        files.close(descriptor)
        if isinstance(error, BlockingIOError):
            return None
        raise
    return lambda: files.close(descriptor)
