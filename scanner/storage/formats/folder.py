"""A foreign session folder, looked at without changing it and without ever leaving it: links are not followed.

Every file is listed by its path below the folder. What cannot be read is noted, and the rest is read.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Final

from scanner.storage.formats.fields import Fields, decode, printable

LARGEST_DOCUMENT: Final = 64 << 20  # bytes of JSON that are read
DEEPEST: Final = 8  # directories in directories
_OPEN: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class Flag(StrEnum):
    """What is to be said of a file."""

    DAMAGED = "damaged"  # kept, but not what it should be
    MISSING = "missing"  # promised, but not there
    UNVERIFIED = "unverified"  # whole, but nothing to check it against
    UNREGISTERED = "unregistered"  # whole, but in no list


@dataclass(frozen=True, slots=True, kw_only=True)
class Flagged:
    """A file of the folder ``source`` with what is to be said of it."""

    source: str
    file: str
    flag: Flag
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something odd about a file of the folder ``source`` that harms nothing."""

    source: str
    file: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file by its path below the folder."""

    name: str
    size: int
    mtime_ns: int

    @property
    def base(self) -> str:
        """Its last part."""
        return PurePosixPath(self.name).name

    @property
    def parent(self) -> str:
        """The directory it lies in, below the folder; "" at its top."""
        return self.name.rpartition("/")[0]


def go_on() -> None:
    """Nothing is to be given up."""


@dataclass(slots=True)
class Folder:
    """A folder as it was when it was looked at, and what was read of it so far."""

    root: Path
    entries: dict[str, Entry] = field(default_factory=dict)
    documents: dict[str, object] = field(default_factory=dict)
    flagged: list[Flagged] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    links: set[str] = field(default_factory=set)
    check: Callable[[], None] = go_on

    @classmethod
    def look(cls, root: Path, check: Callable[[], None] = go_on) -> Folder:
        """List everything in ``root``. ``check`` is asked before each file, and raises where that is to be given up."""
        folder = cls(root, check=check)
        folder._walk("", 0)
        return folder

    @property
    def name(self) -> str:
        """The folder's own name, printable."""
        return printable(self.root.name)

    def path(self, name: str) -> Path:
        """Where a listed file lies, for somebody who wants to read it."""
        self.check()
        return self.root / name

    def document(self, name: str) -> Fields | None:
        """The JSON object in a file; None where there is none, which is then flagged."""
        entry = self.entries.get(name)
        if entry is None:
            return None
        data, why = self._decode(entry)
        if data is None:
            self.flag(name, Flag.DAMAGED, why)
            return None
        self.documents[name] = data
        return Fields(data, partial(self.note, name))

    def matching(self, fits: Callable[[Entry], bool]) -> list[Entry]:
        """The files that fit, by name."""
        return sorted((entry for entry in self.entries.values() if fits(entry)), key=lambda entry: entry.name)

    def flag(self, name: str, flag: Flag, why: str) -> None:
        """Say something of a file."""
        self.flagged.append(Flagged(source=self.name, file=printable(name), flag=flag, why=why))

    def note(self, name: str, text: str) -> None:
        """Note something odd, once."""
        found = Note(source=self.name, file=printable(name), text=text)
        if found not in self.notes:
            self.notes.append(found)

    def signature(self) -> str:
        """Changes whenever a file is added, removed, or changed in size or time."""
        entries = self.entries.values()
        latest = max((entry.mtime_ns for entry in entries), default=0)
        return f"{self.name}:{len(entries)}:{sum(entry.size for entry in entries)}:{latest}"

    def _decode(self, entry: Entry) -> tuple[dict[str, object] | None, str]:
        if entry.size > LARGEST_DOCUMENT:
            return None, "it is too large to be read"
        try:
            return decode(read_plain(self.path(entry.name), LARGEST_DOCUMENT))
        except OSError as error:
            return None, f"it cannot be read ({error.strerror})"

    def _walk(self, below: str, depth: int) -> None:
        try:
            with os.scandir(self.root / below) as found:
                children = sorted(found, key=lambda child: child.name)
        except OSError as error:
            self.note(below or ".", f"the directory cannot be read ({error.strerror})")
            return
        for child in children:
            self._take(child, f"{below}/{child.name}" if below else child.name, depth)

    def _take(self, child: os.DirEntry[str], name: str, depth: int) -> None:
        try:
            found = child.stat(follow_symlinks=False)
        except OSError as error:
            self.note(name, f"it cannot be read ({error.strerror})")
            return
        if stat.S_ISREG(found.st_mode):
            self.entries[name] = Entry(name=name, size=found.st_size, mtime_ns=found.st_mtime_ns)
        elif stat.S_ISDIR(found.st_mode) and depth < DEEPEST:
            self._walk(name, depth + 1)
        elif stat.S_ISDIR(found.st_mode):
            self.note(name, "directories this deep are not looked into")
        else:
            self.links.add(name)
            self.note(name, "it is a link or no file; it was not followed")


def read_plain(path: Path, limit: int) -> bytes:
    """The bytes of a plain file, ``limit`` at most; links are not followed. Errors: OSError."""
    descriptor = open_plain(path)
    with os.fdopen(descriptor, "rb") as file:
        return file.read(limit)


def open_plain(path: Path) -> int:
    """A descriptor for reading a plain file; links are not followed. Errors: OSError."""
    descriptor = os.open(path, _OPEN)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    message = "no plain file"
    raise OSError(message)


def base_name(text: str) -> str | None:
    """The last part of a name that a foreign file gives, whatever path it writes before it; None if that is none."""
    name = text.replace("\\", "/").rpartition("/")[2]
    return None if name in {"", ".", ".."} or "\0" in name else name


def first_of(values: Iterable[str | None]) -> str | None:
    """The first text among ``values``."""
    return next((value for value in values if value), None)
