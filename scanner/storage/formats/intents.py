"""What a migration or its undoing is about to do, written down before the first rename, so that a cut can be finished.

The file ``.migrating_<id>.json`` lies beside the sessions and is held by ``flock`` by whoever works on it. It appears
whole, and for one of several at a time.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from scanner.errors import ScannerError, SessionBusyError
from scanner.model import SessionId
from scanner.storage.disk.files import PART, Files, discard, write_part
from scanner.storage.disk.layout import MIGRATING
from scanner.storage.formats.fields import decode, encode

INTENT: Final = MIGRATING
READY: Final = ".ready_"  # begins the name of a whole new directory that is about to take its place
KEPT: Final = ".migrated_"  # begins the name of an old folder after its migration
LEGACY_FILE: Final = "metadata/legacy.json"
LEGACY_FORMAT: Final = "scanner-legacy"


class Source(Struct, frozen=True):
    """An old folder and the name it is kept under."""

    folder: str
    kept_as: str


class Intent(Struct, frozen=True, kw_only=True):
    """What is to be done. ``token`` marks the new directory. ``gone``: the name it gets when it is undone, else ""."""

    id: SessionId
    token: str
    sources: tuple[Source, ...]
    gone: str = ""

    @property
    def file(self) -> str:
        """The name of the file that says so."""
        return f"{INTENT}{self.id}.json"


@contextmanager
def declared(files: Files, sessions: Path, intent: Intent, draft: str, check: Callable[[], None]) -> Iterator[None]:
    """Write ``intent`` down and hold it; who leaves without an error has done it, and the file goes. ``draft``: a name
    of its own while it is written. ``check`` is asked once nobody else can be at it: where it raises, it is withdrawn.

    Errors: SessionBusyError where another one holds it, OSError, and what ``check`` raises.
    """
    place = sessions / intent.file
    part = write_part(files, place.with_name(f"{intent.file}.{draft}"), encode(msgspec.to_builtins(intent)))
    descriptor = -1
    try:
        descriptor = files.open(part, os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _publish(files, part, place, intent.id)
        try:
            check()
        except ScannerError:
            files.unlink(place)
            raise
        yield
        files.unlink(place)
        files.fsync_dir(sessions)
    finally:
        discard(files, part)
        if descriptor >= 0:
            files.close(descriptor)


def _publish(files: Files, part: Path, place: Path, session_id: SessionId) -> None:
    try:
        files.link(part, place)
    except FileExistsError as error:
        message = f"session {session_id} is being migrated; wait until that is done"
        raise SessionBusyError(message, session_id=session_id) from error
    files.unlink(part)
    files.fsync_dir(place.parent)


def pending(files: Files, sessions: Path) -> Iterator[Path]:
    """The files of what was begun; drafts of cut-off ones are removed. Errors: OSError."""
    for path in sorted(sessions.glob(f"{INTENT}*")):
        if path.name.endswith(PART):
            discard(files, path)
        elif path.name.endswith(".json"):
            yield path


@contextmanager
def taken_up(files: Files, path: Path) -> Iterator[Intent | None]:
    """Hold what was begun and left; None where it is being done, is done, or cannot be read. Errors: OSError."""
    try:
        descriptor = files.open(path, os.O_RDONLY)
    except FileNotFoundError:
        yield None
        return
    try:
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.exists() and os.path.samestat(path.stat(), os.fstat(descriptor)):
                yield read_intent(path)
                return
        yield None
    finally:
        files.close(descriptor)


def read_intent(path: Path) -> Intent | None:
    """What a file says is to be done, or None where it says nothing."""
    try:
        data, _ = decode(path.read_bytes())
        return msgspec.convert(data, Intent)
    except (OSError, msgspec.ValidationError):
        return None


def token_of(root: Path) -> str | None:
    """The token of a directory that was made from an old session; None where it is anything else."""
    data = legacy_file(root)
    token = data.get("token")
    return token if isinstance(token, str) and data.get("format") == LEGACY_FORMAT else None


def legacy_file(root: Path) -> dict[str, object]:
    """What ``legacy.json`` of a session directory holds; empty where there is none."""
    try:
        return decode((root / LEGACY_FILE).read_bytes())[0] or {}
    except OSError:
        return {}


def hidden_sources(sessions: Path) -> frozenset[str]:
    """Old folders that are not to be listed while renames are under way: their session is there already, or, where the
    disk cannot exchange names, its leading folder has just gone.
    """
    found: set[str] = set()
    for path in sessions.glob(f"{INTENT}*.json"):
        intent = read_intent(path)
        if intent is None or not intent.sources:
            continue
        target = sessions / intent.id
        gone = not os.path.lexists(target) and not os.path.lexists(sessions / intent.sources[0].folder)
        if gone or token_of(target) == intent.token:
            found |= {source.folder for source in intent.sources} - {intent.id}
    return frozenset(found)


def free_name(sessions: Path, prefix: str, name: str) -> str:
    """A name that nothing has yet: ``.migrated_vase``, ``.migrated_vase-2``."""
    wanted, number = f"{prefix}{name}", 1
    while os.path.lexists(sessions / wanted):
        number += 1
        wanted = f"{prefix}{name}-{number}"
    return wanted
