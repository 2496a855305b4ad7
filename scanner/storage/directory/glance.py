"""The files that a session is known by, read and stamped in one go: 100,000 directories are looked at this way, so this
is written for speed, with names as text.

The signature of a session tells the size and time of its document and of every journal, and the names of its
checkpoints; it is taken from the files as they were when they were opened, so that what is written while they are read
is found to differ the next time.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import Final

from scanner.model import SLUG
from scanner.storage.directory.generations import read_generations
from scanner.storage.disk.files import check_plain
from scanner.storage.journal.text import JournalText, parse
from scanner.storage.locks.lockfile import journal_paths

_READ: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC  # of the name of a file there may lie a pipe
_FIRST: Final = "journal.jsonl"
_MARK: Final = ".json"  # ends the name of a checkpoint
_LATER: Final = "journal-"  # begins the names of the journals of later generations


def read_file(path: str) -> tuple[bytes, os.stat_result]:
    """A file and what is known of it. Errors: OSError."""
    descriptor = os.open(path, _READ)
    try:
        found = os.fstat(descriptor)
        check_plain(found)
        data = more = os.read(descriptor, found.st_size + 1)
        while more and len(data) < found.st_size:  # a signal or a network file system may give less
            more = os.read(descriptor, found.st_size + 1 - len(data))
            data += more
        return data, found
    finally:
        os.close(descriptor)


class Glance:
    """Reads, and remembers what it saw."""

    def __init__(self) -> None:
        self._stamps: list[str] = []

    def signature(self) -> str:
        """What was looked at, by size and time."""
        return "|".join(self._stamps)

    def read(self, path: str) -> bytes:
        """A file that counts. Errors: OSError."""
        try:
            data, found = read_file(path)
        except OSError:
            self._stamp(path, None)
            raise
        self._stamp(path, found)
        return data

    def look(self, path: str) -> None:
        """The same without reading it."""
        try:
            found = os.stat(path)  # noqa: PTH116 - text, for speed
        except OSError:
            self._stamp(path, None)
        else:
            self._stamp(path, found)

    def journal(self, directory: str) -> JournalText:
        """The journals of a pass as one."""
        if _has_later(directory):
            self.look_at_journals(directory)
            return read_generations(Path(directory))
        try:
            return parse(self.read(f"{directory}/{_FIRST}"))
        except OSError as error:
            return JournalText(lines=(), length=0, damage=f"the journal cannot be read ({error.strerror})")

    def look_at_journals(self, directory: str) -> None:
        """All journals of a pass without reading them."""
        if _has_later(directory):
            for path in journal_paths(Path(directory)):
                self.look(os.fspath(path))
        else:
            self.look(f"{directory}/{_FIRST}")

    def checkpoints(self, directory: str) -> int:
        """How many there are, by their names."""
        try:
            found = os.stat(directory)  # noqa: PTH116 - text, for speed
            names = [name[: -len(_MARK)] for name in os.listdir(directory) if name.endswith(_MARK)]  # noqa: PTH208 - text, for speed
        except OSError:
            self._stamps.append("checkpoints:-")
            return 0
        names = sorted(name for name in names if SLUG.fullmatch(name))
        self._stamps.append(f"checkpoints:{found.st_mtime_ns}:{','.join(names)}")
        return len(names)

    def _stamp(self, path: str, found: os.stat_result | None) -> None:
        place = path.rsplit("/", 2)[-2]
        self._stamps.append(f"{place}:-" if found is None else f"{place}:{found.st_size}:{found.st_mtime_ns}")


def agree(known: str, now: str, own: Collection[str]) -> bool:
    """Whether two signatures of a session are the same, but for the journals of the passes ``own``, which are worked on
    here: the index follows each of their lines.
    """
    return known == now or (bool(own) and _without(known, own) == _without(now, own))


def _without(signature: str, own: Collection[str]) -> list[str]:
    document, *journals = signature.split("|")
    kept = [stamp for stamp in journals[:-1] if stamp.split(":", 1)[0] not in own]
    return [document, *kept, *journals[-1:]]


def _has_later(directory: str) -> bool:
    try:
        names = os.listdir(directory)  # noqa: PTH208 - text, for speed
    except OSError:
        return False
    return any(name.startswith(_LATER) for name in names)
