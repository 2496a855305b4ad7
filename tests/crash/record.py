"""Everything that storage does to a directory, operation by operation, and what its callers were told in between."""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scanner.storage import Files

MADE = "made"  # the name of an ``open`` that made its file


@dataclass(frozen=True, slots=True, kw_only=True)
class Op:
    """One operation that was done. ``path`` and ``other`` are names below the directory that is recorded.

    ``name``: as in :class:`Files`; an ``open`` that made the file is ``made``, another ``open``. ``file`` numbers what
    was opened: ``write``, ``pwrite``, ``truncate`` and ``fsync`` say by it which file is meant, whatever its name is by
    then. ``offset`` is where ``data`` was written, or the size it was cut to; ``mtime`` the file's time afterwards, ns.
    """

    name: str
    path: str
    other: str = ""
    file: int = 0
    data: bytes = b""
    offset: int = 0
    mtime: int = 0


@dataclass(frozen=True, slots=True)
class Told:
    """What a caller learned: from now on it must be so."""

    what: str
    value: object = None


@dataclass(frozen=True, slots=True)
class Entry:
    """An operation or an announcement; ``aside`` is what ``Record.aside`` made of that moment."""

    fact: Op | Told
    aside: object


class Recorder(Files):
    """Files that keeps a record of what is done below ``root``. ``aside`` is called at every entry, in whatever thread
    is at work. An operation that fails is not recorded. ``exchanges``: whether the disk can let names change places.
    """

    def __init__(self, root: Path, aside: Callable[[], object] = lambda: None, *, exchanges: bool = True) -> None:
        self.entries: list[Entry] = []
        self._root = root.resolve()
        self._aside = aside
        self._exchanges = exchanges
        self._opened: dict[int, int] = {}  # number of the file by descriptor
        self._count = 0
        self._lock = threading.Lock()

    def tell(self, what: str, value: object = None) -> None:
        """Note what a caller was told."""
        self._keep(Told(what, value))

    @property
    def operations(self) -> list[Op]:
        """All but the announcements."""
        return [entry.fact for entry in self.entries if isinstance(entry.fact, Op)]

    def open(self, path: Path, flags: int) -> int:
        fresh = bool(flags & os.O_CREAT) and not os.path.lexists(path)
        descriptor = super().open(path, flags)
        with self._lock:
            self._opened.pop(descriptor, None)
            if (below := self._below(path)) is not None:
                self._count += 1
                self._opened[descriptor] = self._count
                name = MADE if fresh else "open"
                self._put(Op(name=name, path=below, file=self._count, mtime=os.fstat(descriptor).st_mtime_ns))
        return descriptor

    def write(self, descriptor: int, data: bytes) -> None:
        super().write(descriptor, data)
        if data:  # nothing is no system call
            self._file("write", descriptor, bytes(data), os.lseek(descriptor, 0, os.SEEK_CUR) - len(data))

    def pwrite(self, descriptor: int, data: bytes, offset: int) -> None:
        super().pwrite(descriptor, data, offset)
        self._file("pwrite", descriptor, bytes(data), offset)

    def truncate(self, descriptor: int, size: int) -> None:
        super().truncate(descriptor, size)
        self._file("truncate", descriptor, b"", size)

    def fsync(self, descriptor: int) -> None:
        super().fsync(descriptor)
        self._file("fsync", descriptor, b"", 0)

    def rename(self, source: Path, target: Path) -> None:
        super().rename(source, target)
        self._names("rename", source, target)

    def exchange(self, source: Path, target: Path) -> None:
        if not self._exchanges:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        super().exchange(source, target)
        self._names("exchange", source, target)

    def link(self, source: Path, target: Path) -> None:
        super().link(source, target)
        self._names("link", source, target)

    def fsync_dir(self, directory: Path) -> None:
        super().fsync_dir(directory)
        self._names("fsync_dir", directory)

    def mkdir(self, path: Path) -> None:
        super().mkdir(path)
        self._names("mkdir", path)

    def unlink(self, path: Path) -> None:
        super().unlink(path)
        self._names("unlink", path)

    def rmdir(self, path: Path) -> None:
        super().rmdir(path)
        self._names("rmdir", path)

    def _below(self, path: Path) -> str | None:
        """The name below the root; None for what lies elsewhere. Links on the way to it count as where they lead."""
        real = path.parent.resolve() / path.name
        return real.relative_to(self._root).as_posix() if real.is_relative_to(self._root) else None

    def _names(self, name: str, path: Path, other: Path | None = None) -> None:
        below = self._below(path)
        target = "" if other is None else self._below(other)
        if below is not None and target is not None:
            self._keep(Op(name=name, path=below, other=target))

    def _file(self, name: str, descriptor: int, data: bytes, offset: int) -> None:
        found = os.fstat(descriptor)
        with self._lock:
            number = self._opened.get(descriptor)
            if number is not None and not stat.S_ISDIR(found.st_mode):
                path = Path(f"/proc/self/fd/{descriptor}").readlink().as_posix().removesuffix(" (deleted)")
                below = Path(path).relative_to(self._root).as_posix()
                op = Op(name=name, path=below, file=number, data=data, offset=offset, mtime=found.st_mtime_ns)
                self._put(op)

    def _keep(self, fact: Op | Told) -> None:
        with self._lock:
            self._put(fact)

    def _put(self, fact: Op | Told) -> None:
        self.entries.append(Entry(fact, self._aside()))
