"""The lock of a pass: taking it, keeping it, losing it, letting go.

A pass is locked by a file ``.session.lock.<n>``, published complete (written aside, fsynced) by an exclusive ``link``.
``n`` is the generation. On a local disk its holder also keeps an ``flock``, which decides at once: whoever finds the
newest generation without one takes it over within the same generation, renaming a complete new file over it while
holding the ``flock`` of the old. On a network share an ``flock`` decides nothing: every taking of a lock that ended, or
whose holder is gone or silent, publishes the next generation; so it is on a local disk with a lock whose holder keeps
no ``flock`` because it has this disk as a share, or of another computer. So does force, everywhere: of twenty that
force, one has the link.

Decision. *Context*: no holder can be made to stop; one that was frozen wakes up after its lock was taken and writes on.
*Decision*: the disk is arranged so that what it then writes does not count. From generation 2 on each has its own
journal, whose first line says how much of the earlier ones counts, and photo names that carry the generation. A holder
publishes nothing (announces no photo, moves no file) after a durable line before it has looked whether a newer
generation is there (:meth:`PassLock.check`); a taker publishes its generation before it reads the journals. So every
announced line was there to be read. *Consequences*: a line costs one more look into the directory, and on shares every
taking leaves a small file behind.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from msgspec import Struct, structs

from scanner.errors import LockLostError, PassLockedError
from scanner.storage.disk.files import Files, discard
from scanner.storage.journal.lines import LockForced, decode_line
from scanner.storage.locks.lockfile import (
    FoundLock,
    LockRecord,
    is_same_file,
    journal_path,
    lock_path,
    mark_ended,
    newest_generation,
    newest_journal,
    publish,
    read_generation,
    take_flock,
    write_aside,
    write_beat,
)
from scanner.storage.locks.observer import Life

_TRIES: Final = 5
_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_BUSY: Final = "several others are taking this pass at the moment; try again"


class Rules(Struct, frozen=True, kw_only=True):
    """What decides whether a lock is still held. ``shared``: no ``flock`` does. ``judge``: what is known of its holder.
    ``elsewhere``: whether no ``flock`` of its holder could be seen here: one disk may be local to the computer that
    exports it, and a share to all others.
    """

    shared: bool
    judge: Callable[[FoundLock], Life]
    elsewhere: Callable[[FoundLock], bool]


class PassLock:
    """A lock that is held. Lives in the writer thread; its heartbeats come from another. ``displaced``: who had it
    before, where that did not let go.
    """

    def __init__(
        self,
        files: Files,
        metadata: Path,
        descriptor: int,
        record: LockRecord,
        *,
        shared: bool,
        displaced: LockRecord | None,
    ) -> None:
        self._files = files
        self._metadata = metadata
        self._descriptor: int | None = descriptor
        self._directory: int | None = None
        self._shared = shared
        self._beats = 0
        self._guard = threading.RLock()  # no heartbeat into a descriptor that is somebody else's by now
        self.record = record
        self.displaced = displaced
        self.loss: LockLostError | None = None

    @classmethod
    def take(cls, files: Files, metadata: Path, record: LockRecord, rules: Rules | None = None) -> PassLock:
        """Lock the pass whose documents lie in ``metadata``; the record's generation is set here.

        ``rules`` None: ``flock`` alone decides. Errors: PassLockedError naming the holder, OSError.
        """
        for _ in range(_TRIES):
            lock = _Taking(files, metadata, record, rules).once()
            if lock is not None:
                return lock
        raise PassLockedError(_BUSY)

    @classmethod
    def force(cls, files: Files, metadata: Path, record: LockRecord, found: FoundLock, *, shared: bool) -> PassLock:
        """Take the pass from whoever holds the lock ``found``. Errors: PassLockedError where somebody else was quicker,
        OSError.
        """
        mine = structs.replace(record, generation=found.generation + 1)
        for _ in range(_TRIES):
            descriptor = publish(files, lock_path(metadata, mine.generation), mine, flocked=not shared)
            if descriptor is not None:
                return cls(files, metadata, descriptor, mine, shared=shared, displaced=found.record)
            other = read_generation(metadata, mine.generation)
            if other is not None:
                message = f"somebody else was quicker: {other.holder}"
                raise PassLockedError(message)
            # nobody was: the holder, who was just opening the pass, swept away what was about to be published
        raise PassLockedError(_BUSY)

    @property
    def generation(self) -> int:
        """Of this lock."""
        return self.record.generation

    @property
    def beats(self) -> int:
        """The heartbeat counter."""
        return self._beats

    @property
    def held(self) -> bool:
        """Whether it is neither let go of nor known to be lost."""
        return self._descriptor is not None and self.loss is None

    def check(self) -> None:
        """Return if nobody has taken the pass meanwhile. Errors: LockLostError, OSError."""
        with self._guard:
            if self.loss is not None:
                raise self.loss
            if self._descriptor is not None and self._newer():
                self.loss = loss_of(self._metadata, self.generation + 1)
                raise self.loss

    def beat(self) -> None:
        """Raise the heartbeat counter. Errors: LockLostError, OSError.

        On a share the server is told at once. A local disk is not: who looks from the same machine sees it anyway, and
        after a power cut there is no holder.
        """
        with self._guard:
            self.check()
            if self._descriptor is None:
                return
            write_beat(self._files, self._descriptor, self.record, self._beats + 1)
            self._beats += 1
            if self._shared:
                self._files.fsync(self._descriptor)

    def release(self) -> None:
        """Mark the lock as ended and let go; idempotent, never raises: closing the file is what frees it. One that was
        lost is left as it is.
        """
        with self._guard:
            if self._descriptor is None:
                return
            descriptor, self._descriptor = self._descriptor, None
            if self.loss is None:
                mark_ended(self._files, descriptor, self.record)
            with suppress(OSError):
                self._files.close(descriptor)
            if self._directory is not None:
                os.close(self._directory)
                self._directory = None

    def _newer(self) -> bool:
        """Whether the next generation is published. A share may remember that a name was not there: opening the
        directory anew makes it ask the server.
        """
        if self._directory is None or self._shared:
            fresh = os.open(self._metadata, _DIRECTORY)
            if self._directory is not None:
                os.close(self._directory)
            self._directory = fresh
        try:
            os.stat(lock_path(self._metadata, self.generation + 1).name, dir_fd=self._directory)
        except FileNotFoundError:
            return False
        return True


def loss_of(metadata: Path, generation: int) -> LockLostError:
    """The error for who held the generation before this one: who took it, when, and why."""
    forced = _forced(metadata, generation)
    if forced is not None:
        message = f"{forced.origin} took this pass by force on {forced.host} at {forced.at}: {forced.reason}"
        return LockLostError(message, host=forced.host, origin=forced.origin, at=forced.at, reason=forced.reason)
    try:
        found = read_generation(metadata, generation)
    except OSError:
        found = None
    if found is None or found.record is None:
        message = "somebody took this pass by force"
        return LockLostError(message)
    record = found.record
    why = record.reason or "no heartbeat had been seen for too long"
    message = f"{record.origin} took this pass on {record.host} at {record.since}: {why}"
    return LockLostError(message, host=record.host, origin=record.origin, at=record.since, reason=why)


def _forced(metadata: Path, generation: int) -> LockForced | None:
    """What the journal of a generation begins with, if that is force and is written already."""
    try:
        with journal_path(metadata, generation).open("rb") as file:
            line = decode_line(file.readline().rstrip(b"\n"))
    except (OSError, ValueError):
        return None
    return line if isinstance(line, LockForced) else None


class _Taking:
    """One try to take a lock without force."""

    def __init__(self, files: Files, metadata: Path, record: LockRecord, rules: Rules | None) -> None:
        self._files = files
        self._metadata = metadata
        self._record = record
        self._rules = rules
        self._shared = rules is not None and rules.shared

    def once(self) -> PassLock | None:
        """The lock, or None where another was quicker. A journal without its lock (a session copied without hidden
        files) has the generation, too. Errors: PassLockedError, OSError.
        """
        locked, journaled = newest_generation(self._metadata), newest_journal(self._metadata)
        if locked < journaled:
            return self._publish(journaled, None)
        found = read_generation(self._metadata, locked)
        if found is None:
            return None
        if self._rules is not None and (self._shared or (not found.ended and self._rules.elsewhere(found))):
            return self._next(found, self._rules.judge(found))
        return self._take_over(found)

    def _next(self, found: FoundLock, life: Life) -> PassLock | None:
        """Begin the next generation where nobody is known to hold this one."""
        if life == "alive":
            raise _locked(found)
        return self._publish(found.generation + 1, None if life == "free" else found.record)

    def _publish(self, generation: int, displaced: LockRecord | None) -> PassLock | None:
        record = structs.replace(self._record, generation=generation)
        path = lock_path(self._metadata, generation)
        descriptor = publish(self._files, path, record, flocked=not self._shared)
        return None if descriptor is None else self._lock(descriptor, record, displaced)

    def _take_over(self, found: FoundLock) -> PassLock | None:
        """Take a lock that nobody holds an ``flock`` of, within its generation."""
        record = structs.replace(self._record, generation=found.generation)
        path = lock_path(self._metadata, found.generation)
        try:
            old = self._files.open(path, os.O_RDWR)
        except FileNotFoundError:
            return None
        try:
            if not take_flock(old):
                raise _locked(found)
            if not is_same_file(old, path):
                return None
            descriptor = self._renamed_over(path, record)
            return self._lock(descriptor, record, None if found.ended else found.record)
        finally:
            self._files.close(old)

    def _renamed_over(self, path: Path, record: LockRecord) -> int:
        aside, descriptor = write_aside(self._files, path, record, flocked=True)
        try:
            self._files.rename(aside, path)
            self._files.fsync_dir(path.parent)
        except OSError:
            self._files.close(descriptor)
            discard(self._files, aside)
            raise
        return descriptor

    def _lock(self, descriptor: int, record: LockRecord, displaced: LockRecord | None) -> PassLock:
        return PassLock(self._files, self._metadata, descriptor, record, shared=self._shared, displaced=displaced)


def _locked(found: FoundLock) -> PassLockedError:
    message, held = found.holder, found.record
    if held is None:
        return PassLockedError(message)
    return PassLockedError(message, host=held.host, origin=held.origin, since=held.since, job_id=held.job_id)
