"""Every operation that changes the disk, and how its failures are named.

All of storage writes through one :class:`Files` object. Tests replace it to make the n-th operation fail or to record
what was done; SQLite alone writes for itself. Messages never carry a path of the machine.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import Final

from scanner.errors import DiskFullError, StorageError

PART: Final = ".part"  # suffix of a file that is not whole yet
TAKEN: Final = frozenset({errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR})  # of a rename: something has the name
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC

_HERE: Final = -100  # AT_FDCWD: names are taken as they are
_EXCHANGE: Final = 2  # RENAME_EXCHANGE

_REASONS: Final = {
    errno.ENOSPC: "disk_full",
    errno.EDQUOT: "disk_full",
    errno.EROFS: "read_only",
    errno.EACCES: "read_only",
    errno.EPERM: "read_only",
    errno.EMFILE: "too_many_files",
    errno.ENFILE: "too_many_files",
}
_OBSTACLES: Final = {  # of a path rather than of the disk
    errno.EACCES: "this program may not read or change it; check owner and mode of the files, and the mount",
    errno.EPERM: "this program may not read or change it; check owner and mode of the files, and the mount",
    errno.ENOTDIR: "a file is where a directory should be",
    errno.EISDIR: "a directory is where a file should be",
    errno.EEXIST: "something else is in its place",
    errno.ENOENT: "it, or a directory on the way to it, is missing",
    errno.ENAMETOOLONG: "the path is too long",
    errno.ELOOP: "links lead in a circle",
    errno.EXDEV: "it would have to move to another disk; sessions and trash belong on one",
}
_ADVICE: Final = {
    "disk_full": "the disk is full; free some space and try again",
    "read_only": "the disk cannot be written to; check its mount and permissions",
    "too_many_files": "too many files are open; restart the daemon",
    "io_error": "the disk reports an error; check its connection and health",
}


class Files:
    """The operations, one system call each. Errors: OSError."""

    def open(self, path: Path, flags: int) -> int:
        """A descriptor; new files get the process's default mode."""
        return os.open(path, flags | os.O_CLOEXEC, 0o666)

    def write(self, descriptor: int, data: bytes) -> None:
        """Write all of ``data`` where the descriptor stands."""
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]

    def pwrite(self, descriptor: int, data: bytes, offset: int) -> None:
        """Overwrite a few bytes at ``offset``."""
        os.pwrite(descriptor, data, offset)

    def truncate(self, descriptor: int, size: int) -> None:
        """Cut a file to ``size`` bytes."""
        os.ftruncate(descriptor, size)

    def fsync(self, descriptor: int) -> None:
        """Return only when the file's content is on the disk."""
        os.fsync(descriptor)

    def close(self, descriptor: int) -> None:
        """Close a descriptor of :meth:`open`."""
        os.close(descriptor)

    def rename(self, source: Path, target: Path) -> None:
        """Move in one step; an existing file (or empty directory) at ``target`` is replaced."""
        source.rename(target)

    def exchange(self, source: Path, target: Path) -> None:
        """Let two existing names change places in one step. Errors: OSError, also where the disk cannot do it."""
        import ctypes  # noqa: PLC0415 - asked for rarely, and never by the command line

        names = (os.fsencode(source), os.fsencode(target))
        if ctypes.CDLL(None, use_errno=True).renameat2(_HERE, names[0], _HERE, names[1], _EXCHANGE) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))

    def fsync_dir(self, directory: Path) -> None:
        """Return only when the names in ``directory`` are on the disk."""
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def mkdir(self, path: Path) -> None:
        """Make one directory. Errors: FileExistsError."""
        path.mkdir()

    def link(self, source: Path, target: Path) -> None:
        """Give ``source`` a second name. Errors: FileExistsError, so that of several exactly one wins."""
        target.hardlink_to(source)

    def unlink(self, path: Path) -> None:
        """Remove a file."""
        path.unlink()

    def rmdir(self, path: Path) -> None:
        """Remove an empty directory."""
        path.rmdir()


def read_whole(path: Path, limit: int = -1) -> bytes:
    """The bytes of a plain file, ``limit`` at most. Errors: OSError."""
    with reading(path) as file:
        return file.read(limit)


def shown(name: str) -> str:
    """A name of a file, or a path, as text that can be sent: what is no character of it is replaced."""
    return os.fsencode(name).decode(errors="replace")


def check_plain(found: os.stat_result) -> None:
    """Errors: OSError where it is no plain file."""
    if not stat.S_ISREG(found.st_mode):
        number = errno.EISDIR if stat.S_ISDIR(found.st_mode) else errno.EINVAL
        raise OSError(number, os.strerror(number))


@contextmanager
def reading(path: Path) -> Iterator[BufferedReader]:
    """A plain file, open for reading. Anything else of that name is refused: a pipe would be waited for, and a device
    has no end. Errors: OSError.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        check_plain(os.fstat(descriptor))
        with open(descriptor, "rb", closefd=False) as file:
            yield file
    finally:
        os.close(descriptor)


def write_part(files: Files, path: Path, data: bytes) -> Path:
    """Write and fsync ``data`` beside ``path``; the ``.part`` file's path. A left-over one is never written into: it
    gets a new inode. On an error none is left.
    """
    part = path.with_name(path.name + PART)
    try:
        descriptor = files.open(part, _NEW)
    except FileExistsError:
        files.unlink(part)
        descriptor = files.open(part, _NEW)
    try:
        files.write(descriptor, data)
        files.fsync(descriptor)
    except OSError:
        discard(files, part)
        raise
    finally:
        files.close(descriptor)
    return part


def durable_write(files: Files, path: Path, data: bytes) -> None:
    """Make ``path`` hold ``data``, durably and in one step: ``.part``, write, fsync, rename, fsync of the directory.

    On an error no ``.part`` is left, and ``path`` holds either the old or the new content. Errors: OSError.
    """
    part = write_part(files, path, data)
    try:
        files.rename(part, path)
    except OSError:
        discard(files, part)
        raise
    files.fsync_dir(path.parent)


def discard(files: Files, path: Path) -> None:
    """Remove a file that nobody was told of. Where that fails too, recovery removes it: the first error is the one to
    report.
    """
    with suppress(OSError):
        files.unlink(path)


def remove_tree(files: Files, path: Path) -> None:
    """Remove a directory with all it holds; links are removed, not followed. Errors: OSError."""
    with os.scandir(path) as entries:
        children = list(entries)
    for child in children:
        if child.is_dir(follow_symlinks=False):
            remove_tree(files, Path(child.path))
        else:
            files.unlink(Path(child.path))
    files.rmdir(path)


def make_dirs(files: Files, path: Path) -> None:
    """Make ``path`` and its missing parents, each fsynced into its parent. Errors: OSError."""
    if path.is_dir():
        return
    make_dirs(files, path.parent)
    make_dir(files, path)


def make_dir(files: Files, path: Path) -> None:
    """Make ``path`` if it is missing, fsynced into its parent, which exists. Errors: OSError."""
    if path.is_dir():
        return
    with suppress(FileExistsError):
        files.mkdir(path)
    files.fsync_dir(path.parent)


def storage_error(error: OSError, what: str, where: Path) -> StorageError:
    """The typed error for a failed operation. ``what`` begins the message: ``photo upright-00009-main.jpg could not be
    saved``.
    """
    reason = _REASONS.get(error.errno or 0, "io_error")
    detail: dict[str, object] = {"reason": reason, "errno": errno.errorcode.get(error.errno or 0, "")}
    message = f"{what}: {_OBSTACLES.get(error.errno or 0, _ADVICE[reason])}"
    if reason != "disk_full":
        return StorageError(message, **detail)
    with suppress(OSError):
        usage = shutil.disk_usage(where)
        detail |= {"free": usage.free, "total": usage.total}
    return DiskFullError(message, **detail)


@contextmanager
def reported(what: str, where: Path) -> Iterator[None]:
    """Turn every OSError of the block into the typed error that says ``what`` could not be done; ``where`` is any path
    on that disk.
    """
    try:
        yield
    except OSError as error:
        raise storage_error(error, what, where) from error
