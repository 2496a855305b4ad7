"""Passes that are locked for a short operation: all that it needs, or none.

Lives in the writer thread. A pass that somebody works on, here or elsewhere, is never touched: taking it is refused
with the owner's name.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Final

from msgspec import Struct

from scanner.errors import LockLostError, StorageError
from scanner.model import PassName, SessionId
from scanner.storage.journal import lines
from scanner.storage.journal.documents import PassFile
from scanner.storage.journal.progress import Fold
from scanner.storage.journal.text import JournalFile
from scanner.storage.keeping.keeper import Keeper
from scanner.storage.locks.locking import Work
from scanner.storage.locks.passlock import PassLock

_log: Final = logging.getLogger(__name__)


class HeldPass(Struct, frozen=True, kw_only=True):
    """A pass that is locked here and in order."""

    name: PassName
    document: PassFile
    journal: JournalFile
    fold: Fold
    lock: PassLock

    def append(self, fact: lines.Line) -> None:
        """Journal a fact. Errors: OSError; LockLostError where the pass was taken by force, the line then does not
        count.
        """
        self.fold.apply(self.journal.append(fact))


class Holding:
    """The passes of one session that a short operation has taken so far."""

    def __init__(self, keeper: Keeper, session_id: SessionId, origin: str) -> None:
        self._keeper = keeper
        self._session_id = session_id
        self._work = Work(job_id=None, origin=origin)
        self.passes: dict[PassName, HeldPass] = {}

    def take(self, name: PassName) -> HeldPass:
        """Lock a pass and bring it into order. Errors: PassNotFoundError, PassLockedError, DamagedError,
        StorageError.
        """
        keeper, session_id = self._keeper, self._session_id
        document = keeper.document(session_id, name)
        lock = keeper.lock(session_id, name, self._work)
        try:
            keeper.begin(session_id, name)
            opened = keeper.recover(session_id, document, lock)
        except BaseException:
            keeper.give_up(session_id, name)
            lock.release()
            raise
        for notice in opened.notices:
            _log.warning("pass brought into order: %s", notice, extra={"session": session_id, "pass_name": name})
        held = HeldPass(name=name, document=document, journal=opened.journal, fold=opened.fold, lock=lock)
        self.passes[name] = held
        return held

    def release(self) -> None:
        """Bring the index up to date and let go of all; idempotent, never raises.

        What is not in order, or not in the index, stays noted for the next start.
        """
        if not self.passes:
            return
        for held in self.passes.values():
            with suppress(OSError, LockLostError):
                held.journal.repair()
            with suppress(OSError):
                held.journal.close()
        try:
            self._settle()
        except StorageError as error:
            fields = {"session": self._session_id}
            _log.warning("the index will be brought up to date at the next start: %s", error.message, extra=fields)
        broken_off = [held.name for held in self.passes.values() if held.fold.moving is not None]
        for held in self.passes.values():
            held.lock.release()
            self._keeper.give_up(self._session_id, held.name)
        self.passes.clear()
        if broken_off:
            self._finish(broken_off)

    def _finish(self, names: list[PassName]) -> None:
        """Finish the moves that a failure broke off, where the disk lets us by now; else they stay noted for the next
        start, and for whoever opens the pass before.
        """
        fields = {"session": self._session_id}
        try:
            for name in names:
                for notice in self._keeper.recover_abandoned(self._session_id, name):
                    _log.warning("pass brought into order: %s", notice, extra=fields)
                self._keeper.index.done(self._session_id, name)
            self._keeper.take_in(self._session_id)
        except (StorageError, LockLostError, OSError) as error:
            _log.warning("photos are still to be moved into their places: %s", error, extra=fields)

    def _settle(self) -> None:
        self._keeper.take_in(self._session_id)
        for held in self.passes.values():
            if held.fold.moving is None:
                self._keeper.index.done(self._session_id, held.name)
