"""Taking and forcing the locks of passes, as this daemon: who it is, where it works, what it has observed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Container
from contextlib import suppress
from pathlib import Path
from typing import Final

from msgspec import Struct

from scanner.clock import utc_text
from scanner.errors import LockLostError, NotFoundError, PassLockedError, SessionBusyError
from scanner.model import JobId, PassName, SessionId
from scanner.storage.disk.files import reported
from scanner.storage.disk.premises import Premises
from scanner.storage.locks.lockfile import FoundLock, LockRecord, read_lock
from scanner.storage.locks.observer import Life, Observer
from scanner.storage.locks.passlock import PassLock, Rules

_log: Final = logging.getLogger(__name__)


class Work(Struct, frozen=True, kw_only=True):
    """Who works on a pass, and for which job."""

    job_id: JobId | None
    origin: str


class Locker:
    """Lives in the writer thread; ``observer``, and what is said of our own locks, is everybody's. ``shared``: other
    computers use the data directory.
    """

    def __init__(self, premises: Premises) -> None:
        self._premises = premises
        self.shared = premises.sharing.applies(premises.layout.data)
        self.observer = Observer(
            host=premises.host, monotonic=premises.clock.monotonic, stale_after=premises.sharing.stale_after
        )
        self._own: dict[str, PassLock] = {}  # by token, until let go of
        self._guard = threading.Lock()

    def take(self, session_id: SessionId, name: PassName, work: Work) -> PassLock:
        """Lock a pass whose directory exists. Errors: PassLockedError naming the holder, StorageError."""
        metadata = self.metadata(session_id, name)
        rules = self._rules(lambda found: self.judge(session_id, name, found), shared=self.shared)
        with reported(f"pass {name} could not be locked", self._premises.layout.data):
            lock = self._kept(PassLock.take(self._premises.files, metadata, self._record(work), rules))
        if lock.displaced is not None:
            _log.warning(
                "lock taken over from %s on %s (process %d), which is gone or silent",
                lock.displaced.origin, lock.displaced.host, lock.displaced.pid,
                extra={"session": session_id, "pass_name": name},
            )  # fmt: skip
        return lock

    def take_session(self, session_id: SessionId) -> PassLock:
        """Lock a session as a whole, on a share. Errors: PassLockedError, StorageError."""
        key = (session_id, None)
        rules = self._rules(lambda found: self.observer.judge(key, found), shared=True)
        with reported(f"session {session_id} could not be locked", self._premises.layout.data):
            metadata = self._premises.layout.session(session_id).document.parent
            record = self._record(Work(job_id=None, origin="edit"))
            return self._kept(PassLock.take(self._premises.files, metadata, record, rules))

    def force(self, session_id: SessionId, name: PassName, work: Work, reason: str) -> tuple[PassLock, FoundLock]:
        """Take a pass from whoever has it; the lock, and the one that was forced. Errors: NotFoundError where nobody
        has it, SessionBusyError where we do, PassLockedError where another forces it at the same time, StorageError.
        """
        metadata = self.metadata(session_id, name)
        with reported(f"pass {name} could not be locked", self._premises.layout.data):
            found = read_lock(metadata)
            if found is None or found.ended:
                message = f"nobody works on pass {name} of session {session_id}"
                raise NotFoundError(message)
            if found.record is not None and found.record.reason and self.judge(session_id, name, found) == "alive":
                message = f"somebody else was quicker: {found.holder}"
                raise PassLockedError(message)
            if self.is_own(found):
                message = f"pass {name} is being changed here: {found.holder}; wait until that has ended"
                raise SessionBusyError(message, job_id=found.record.job_id if found.record else None)
            record = self._record(work, reason)
            lock = PassLock.force(self._premises.files, metadata, record, found, shared=self.shared)
            return self._kept(lock), found

    def is_own(self, found: FoundLock) -> bool:
        """Whether this daemon holds this very lock, for a pass it works on or for a short operation. In any thread."""
        return found.record is not None and found.record.token in self._holding()

    def beat(self, but: Container[str]) -> None:
        """Raise the heartbeats of all that is held here, but of the locks with these tokens. In any thread.

        Whoever holds one that is lost finds out by itself. Errors: StorageError, after all had their turn.
        """
        fault: OSError | None = None
        for token, lock in self._holding().items():
            if token not in but:
                try:
                    with suppress(LockLostError):
                        lock.beat()
                except OSError as error:
                    fault = error
        if fault is not None:
            with reported("locks could not be kept up", self._premises.layout.data):
                raise fault

    def _holding(self) -> dict[str, PassLock]:
        with self._guard:
            self._own = {token: lock for token, lock in self._own.items() if lock.held}
            return self._own

    def _kept(self, lock: PassLock) -> PassLock:
        with self._guard:
            self._own = {**self._own, lock.record.token: lock}
        return lock

    def metadata(self, session_id: SessionId, name: PassName) -> Path:
        """Where the documents of a pass lie."""
        return self._premises.layout.session(session_id).pass_(name).metadata

    def judge(self, session_id: SessionId, name: PassName, found: FoundLock) -> Life:
        """What is known of a lock now. On a disk of its own, a holder of another run of this computer is gone, if it
        had the disk like this; and one of this run lives as long as its process: it keeps its ``flock`` also while that
        stands still, and nobody can take the pass but by force.
        """
        life = self.observer.judge((session_id, name), found)
        if life == "free" or self.shared or found.record is None or self._elsewhere(found):
            return life
        if found.record.boot_id != self._premises.host.boot_id:
            return "gone"
        return "alive" if life == "stale" else life

    def _elsewhere(self, found: FoundLock) -> bool:
        """Whether a lock is held on another computer, or by somebody who has this disk as a share: host ids may be
        cloned. Whoever keeps an ``flock`` on this computer is seen here.
        """
        record, host = found.record, self._premises.host
        return record is not None and not (
            record.flocked and host.is_same_computer(record.host_id, record.host, record.boot_id)
        )

    def _rules(self, judge: Callable[[FoundLock], Life], *, shared: bool) -> Rules:
        return Rules(shared=shared, judge=judge, elsewhere=self._elsewhere)

    def _record(self, work: Work, reason: str = "") -> LockRecord:
        host = self._premises.host
        return LockRecord(
            generation=1,
            token=self._premises.token(),
            host_id=host.id,
            host=host.name,
            origin=work.origin,
            pid=host.pid,
            process_start=host.process_start,
            boot_id=host.boot_id,
            job_id=work.job_id,
            since=utc_text(self._premises.clock.now()),
            reason=reason,
            flocked=not self.shared,
        )
