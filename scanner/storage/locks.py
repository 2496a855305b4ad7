"""Who works on what: the lock of a pass and the lock of the daemon.

A pass is locked by a file ``.session.lock.<n>``, published complete (written aside, fsynced) by an exclusive ``link``,
and by the ``flock`` its holder keeps on it: on a local disk that decides, at once. ``n`` is the generation; it goes up
only when a lock is taken by force. Whoever finds the newest generation without a living holder takes it over within the
same generation: holding the ``flock`` of the old file, it renames a complete new one over it. Ended generations stay.

The record has a heartbeat counter and a state of fixed width, so that the holder can overwrite them in place.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec import Struct

from scanner.errors import DaemonRunningError, PassLockedError
from scanner.model import JobId
from scanner.storage.files import Files, discard
from scanner.storage.host import Host

_NAME: Final = re.compile(r"\.session\.lock\.([1-9]\d{0,8})")
_TRIES: Final = 5
_HELD: Final = b'"state":"held "'
_ENDED: Final = b'"state":"ended"'
_CREATE: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL

Token = Callable[[], str]


class LockRecord(Struct, frozen=True, kw_only=True):
    """Who holds a pass. ``beat`` and ``state`` have a fixed width: they are overwritten in place."""

    format: Literal["scanner-lock"] = "scanner-lock"
    version: int = 1
    generation: int
    token: str
    host_id: str
    host: str
    origin: str
    pid: int
    process_start: int
    boot_id: str
    job_id: JobId | None
    since: str
    beat: str = "0000000000"
    state: Literal["held ", "ended"] = "held "


class LockInfo(Struct, frozen=True, kw_only=True):
    """A lock as everybody sees it; the shape of ``GET /api/locks``."""

    host: str
    user: str
    origin: str
    since: str
    state: Literal["alive", "stale", "gone"]
    own: bool


class DaemonRecord(Struct, frozen=True, kw_only=True):
    """Who owns a state directory; the content of ``daemon.lock``."""

    pid: int
    host: str
    since: str
    description: str


def own_lock(record: LockRecord) -> LockInfo:
    """A lock that this process holds."""
    return LockInfo(
        host=record.host, user=record.origin, origin=record.origin, since=record.since, state="alive", own=True
    )


def lock_path(metadata: Path, generation: int) -> Path:
    """The lock file of a generation."""
    return metadata / f".session.lock.{generation}"


def newest_generation(metadata: Path) -> int:
    """The highest generation published, 0 for none. Errors: OSError."""
    return max((int(found[1]) for path in metadata.iterdir() if (found := _NAME.fullmatch(path.name))), default=0)


class PassLock:
    """A lock that is held. Lives in the writer thread."""

    def __init__(self, files: Files, path: Path, descriptor: int, record: LockRecord) -> None:
        self._files = files
        self._path = path
        self._descriptor: int | None = descriptor
        self.record = record

    @classmethod
    def take(cls, files: Files, metadata: Path, record: LockRecord) -> PassLock:
        """Lock the pass whose documents lie in ``metadata``; the record's generation is set here.

        Errors: PassLockedError naming the holder, OSError.
        """
        for _ in range(_TRIES):
            generation = newest_generation(metadata)
            mine = msgspec.structs.replace(record, generation=max(generation, 1))
            path = lock_path(metadata, mine.generation)
            lock = _take_over(files, path, mine) if generation else _publish_first(files, path, mine)
            if lock is not None:
                return lock
        message = "several others are taking this pass at the moment; try again"
        raise PassLockedError(message)

    def release(self) -> None:
        """Mark the lock as ended and let go; idempotent, never raises: closing the file is what frees it."""
        if self._descriptor is None:
            return
        descriptor, self._descriptor = self._descriptor, None
        with suppress(OSError):
            self._files.pwrite(descriptor, _ENDED, msgspec.json.encode(self.record).index(_HELD))
        with suppress(OSError):
            self._files.close(descriptor)


def _publish_first(files: Files, path: Path, record: LockRecord) -> PassLock | None:
    aside, descriptor = _write_aside(files, path, record)
    try:
        files.link(aside, path)
        files.unlink(aside)
        files.fsync_dir(path.parent)
    except (FileExistsError, FileNotFoundError):  # published by another, or swept away by one that published
        files.close(descriptor)
        discard(files, aside)
        return None
    except OSError:
        files.close(descriptor)
        discard(files, aside)
        raise
    return PassLock(files, path, descriptor, record)


def _take_over(files: Files, path: Path, record: LockRecord) -> PassLock | None:
    try:
        old = files.open(path, os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        if not _flock(old):
            raise _locked(path)
        if not _same_file(old, path):
            return None
        aside, descriptor = _write_aside(files, path, record)
        try:
            files.rename(aside, path)
            files.fsync_dir(path.parent)
        except OSError:
            files.close(descriptor)
            discard(files, aside)
            raise
        return PassLock(files, path, descriptor, record)
    finally:
        files.close(old)


def _write_aside(files: Files, path: Path, record: LockRecord) -> tuple[Path, int]:
    """The complete record in a file of its own, fsynced and locked before anybody can see it."""
    aside = path.with_name(f".session.lock.new-{record.token}")
    descriptor = files.open(aside, _CREATE)
    try:
        files.write(descriptor, msgspec.json.encode(record))
        files.fsync(descriptor)
        _flock(descriptor)
    except OSError:
        files.close(descriptor)
        discard(files, aside)
        raise
    return aside, descriptor


def _flock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _locked(path: Path) -> PassLockedError:
    try:
        held = msgspec.json.decode(path.read_bytes(), type=LockRecord)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        message = "somebody works on this pass"
        return PassLockedError(message)
    message = f"{held.origin} works on this pass on {held.host} since {held.since} (process {held.pid})"
    return PassLockedError(message, host=held.host, origin=held.origin, since=held.since, job_id=held.job_id)


class DaemonLock:
    """Exclusive ownership of a state directory."""

    def __init__(self, files: Files, descriptor: int) -> None:
        self._files = files
        self._descriptor: int | None = descriptor

    @classmethod
    def take(cls, files: Files, path: Path, host: Host, *, since: str, description: str) -> DaemonLock:
        """Own the state directory of ``path``. Errors: DaemonRunningError naming the other, OSError."""
        descriptor = files.open(path, os.O_RDWR | os.O_CREAT)
        if not _flock(descriptor):
            files.close(descriptor)
            raise _running(path)
        try:
            record = DaemonRecord(pid=host.pid, host=host.name, since=since, description=description)
            files.truncate(descriptor, 0)
            files.write(descriptor, msgspec.json.encode(record))
        except OSError:
            files.close(descriptor)
            raise
        return cls(files, descriptor)

    def release(self) -> None:
        """Let go; idempotent."""
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            self._files.close(descriptor)


def _running(path: Path) -> DaemonRunningError:
    try:
        other = msgspec.json.decode(path.read_bytes(), type=DaemonRecord)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        message = "another daemon works with this state directory; stop it first"
        return DaemonRunningError(message)
    said = f" ({other.description})" if other.description else ""
    message = (
        f"another daemon{said} works with this state directory: process {other.pid} on {other.host}, since"
        f" {other.since}; stop it first"
    )
    return DaemonRunningError(message, pid=other.pid, host=other.host, since=other.since)
