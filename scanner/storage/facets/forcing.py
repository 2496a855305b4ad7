"""Taking a pass away from whoever works on it. Lives in the writer thread.

The new generation is published first; from then on the former owner can announce nothing more. What it had written
until then is read, journaled as what counts, and the pass brought into order; then it is free for anybody.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Final

from scanner.errors import LockLostError, StorageError
from scanner.model import PassName, SessionId
from scanner.records import LockInfo
from scanner.storage.journal.documents import PassFile
from scanner.storage.keeping.keeper import Keeper
from scanner.storage.locks.locking import Work
from scanner.storage.locks.lockscan import describe
from scanner.storage.locks.passlock import PassLock

_log: Final = logging.getLogger(__name__)


def force_release(keeper: Keeper, session_id: SessionId, name: PassName, work: Work, reason: str) -> LockInfo:
    """Take the pass by force and let it go; who had it. Errors: SessionNotFoundError, PassNotFoundError, NotFoundError
    where nobody has it, PassLockedError where somebody else was quicker, StorageError.
    """
    document = keeper.document(session_id, name)
    keeper.begin(session_id, name)
    try:
        lock, found = keeper.locker.force(session_id, name, work, reason)
    except BaseException:
        with suppress(StorageError):
            keeper.index.done(session_id, name)
        raise
    try:
        _bring_into_order(keeper, session_id, document, lock)
    finally:
        lock.release()
    return describe((session_id, name), found, keeper.locker.judge(session_id, name, found))


def _bring_into_order(keeper: Keeper, session_id: SessionId, document: PassFile, lock: PassLock) -> None:
    """Whatever fails here, the pass is taken: it stays noted, and the next who opens it brings it into order."""
    fields = {"session": session_id, "pass_name": document.name}
    try:
        opened = keeper.recover(session_id, document, lock)
        opened.journal.close()
        for notice in opened.notices:
            _log.warning("pass brought into order: %s", notice, extra=fields)
        keeper.take_in(session_id)
        keeper.index.done(session_id, document.name)
    except (StorageError, LockLostError, OSError) as error:
        keeper.give_up(session_id, document.name)
        _log.warning("the pass taken by force is not in order yet: %s", error, extra=fields)
