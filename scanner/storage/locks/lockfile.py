"""The file of a pass lock: its record, its name, reading it, and publishing it complete.

The record has a heartbeat counter and a state of fixed width, so that the holder can overwrite them in place.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec import Struct

from scanner.model import JobId
from scanner.storage.disk.files import Files, discard, read_whole

_NAME: Final = re.compile(r"\.session\.lock\.([1-9]\d{0,8})")
_JOURNAL: Final = re.compile(r"journal-([1-9]\d{0,8})\.jsonl")
_CREATE: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL
_HELD: Final = b'"state":"held "'
_BEAT: Final = b'"beat":"'
_ENDED: Final = b'"state":"ended"'


class LockRecord(Struct, frozen=True, kw_only=True):
    """Who holds a pass. ``beat`` and ``state`` have a fixed width: they are overwritten in place. ``reason``: why
    somebody was forced out, empty where nobody was. ``flocked``: whether the holder keeps an ``flock``, which tells
    others on the same disk that it lives; who has the disk as a share keeps none.
    """

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
    reason: str = ""
    flocked: bool = True
    beat: str = "0000000000"
    state: Literal["held ", "ended"] = "held "

    @property
    def holder(self) -> str:
        """Who this is, for a sentence."""
        return f"{self.origin} works on this pass on {self.host} since {self.since} (process {self.pid})"


class FoundLock(Struct, frozen=True, kw_only=True):
    """The newest lock of a pass as it was read. ``record`` is None where ``raw`` cannot be understood."""

    generation: int
    record: LockRecord | None
    raw: bytes

    @property
    def ended(self) -> bool:
        """Whether its holder let go of it by itself."""
        return self.record is not None and self.record.state == "ended"

    @property
    def holder(self) -> str:
        """Who holds it, for a sentence."""
        return self.record.holder if self.record else "somebody works on this pass"


def lock_path(metadata: Path, generation: int) -> Path:
    """The lock file of a generation."""
    return metadata / f".session.lock.{generation}"


def journal_path(metadata: Path, generation: int) -> Path:
    """The journal of a generation."""
    return metadata / ("journal.jsonl" if generation <= 1 else f"journal-{generation}.jsonl")


def newest_generation(metadata: Path) -> int:
    """The highest generation of which there is a lock, 0 for none. Errors: OSError."""
    return max(_generations(metadata, _NAME), default=0)


def newest_journal(metadata: Path) -> int:
    """The highest generation of which there is a journal; 1 where there is only the first one, or none. Errors:
    OSError.
    """
    return max(_generations(metadata, _JOURNAL), default=1)


def journal_paths(metadata: Path) -> list[Path]:
    """The journals of all generations, the first one also where it is missing."""
    try:
        later = sorted(_generations(metadata, _JOURNAL))
    except OSError:
        later = []
    return [journal_path(metadata, generation) for generation in (1, *later)]


def _generations(metadata: Path, pattern: re.Pattern[str]) -> Iterator[int]:
    with os.scandir(metadata) as entries:
        for entry in entries:
            if (found := pattern.fullmatch(entry.name)) is not None:
                yield int(found[1])


def read_lock(metadata: Path) -> FoundLock | None:
    """The newest lock of a pass; None where there is none. Errors: OSError."""
    generation = newest_generation(metadata)
    return read_generation(metadata, generation) if generation else None


def read_generation(metadata: Path, generation: int) -> FoundLock | None:
    """The lock of a generation; None where there is none. Errors: OSError."""
    try:
        raw = read_whole(lock_path(metadata, generation))
    except FileNotFoundError:
        return None
    return FoundLock(generation=generation, record=_decode(raw), raw=raw)


def _decode(raw: bytes) -> LockRecord | None:
    try:
        return msgspec.json.decode(raw, type=LockRecord)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def write_beat(files: Files, descriptor: int, record: LockRecord, beat: int) -> None:
    """Overwrite the heartbeat counter. Errors: OSError.

    No text in a record can hold the mark that is looked for: quotes in it are escaped.
    """
    files.pwrite(descriptor, b"%010d" % beat, msgspec.json.encode(record).index(_BEAT) + len(_BEAT))


def write_aside(files: Files, path: Path, record: LockRecord, *, flocked: bool) -> tuple[Path, int]:
    """The complete record in a file of its own, fsynced (and locked) before anybody can see it. Errors: OSError."""
    aside = path.with_name(f".session.lock.new-{record.token}")
    descriptor = files.open(aside, _CREATE)
    try:
        files.write(descriptor, msgspec.json.encode(record))
        files.fsync(descriptor)
        if flocked:
            take_flock(descriptor)
    except OSError:
        _forget(files, descriptor, aside)
        raise
    return aside, descriptor


def publish(files: Files, path: Path, record: LockRecord, *, flocked: bool) -> int | None:
    """Make ``path`` the complete lock of ``record`` if there is none yet; its descriptor, or None where another was
    quicker. Errors: OSError.
    """
    aside, descriptor = write_aside(files, path, record, flocked=flocked)
    linked = False
    try:
        linked = _linked(files, aside, path)
        if linked:
            files.unlink(aside)
            files.fsync_dir(path.parent)
            return descriptor
    except OSError:
        if linked:
            mark_ended(files, descriptor, record)
        _forget(files, descriptor, aside)
        raise
    _forget(files, descriptor, aside)
    return None


def _forget(files: Files, descriptor: int, aside: Path) -> None:
    with suppress(OSError):
        files.close(descriptor)
    discard(files, aside)


def mark_ended(files: Files, descriptor: int, record: LockRecord) -> None:
    """Say in the file that its holder let go; never raises: whoever cannot see it sees that the holder is gone. Tried
    twice: on a share a lock that was not let go of can only be forced as long as this process lives.
    """
    for _ in range(2):
        with suppress(OSError):
            files.pwrite(descriptor, _ENDED, msgspec.json.encode(record).index(_HELD))
            return


def _linked(files: Files, aside: Path, path: Path) -> bool:
    try:
        files.link(aside, path)
    except FileExistsError:
        return is_same_file(aside, path)  # a share may answer so when it repeats a request whose answer was lost
    except FileNotFoundError:  # swept away by one that published
        return False
    return True


def is_same_file(one: Path | int, other: Path) -> bool:
    """Whether a path (or descriptor) and a path are the same file now."""
    try:
        found = os.fstat(one) if isinstance(one, int) else one.stat()
        return os.path.samestat(found, other.stat())
    except FileNotFoundError:
        return False


def take_flock(descriptor: int) -> bool:
    """Lock a file against others; False where somebody else has. Errors: OSError."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
