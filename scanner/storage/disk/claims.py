"""Directories under construction: claimed by a ``flock`` while somebody builds in them, swept away when nobody does.

A network share may be unable to lock a directory. Nobody sweeps there then: what a cut leaves stays, and means nothing.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from scanner.storage.disk.files import Files, remove_tree
from scanner.storage.disk.layout import BUILDING, LEAVING

_UNABLE: Final = frozenset({errno.EBADF, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL})


@contextmanager
def claimed(files: Files, root: Path) -> Iterator[None]:
    """Make the directory ``root`` and keep others from sweeping it away. Errors: OSError."""
    descriptor = None
    while descriptor is None:
        files.mkdir(root)
        descriptor = _claim(files, root)
    try:
        yield
    finally:
        files.close(descriptor)


def _claim(files: Files, root: Path) -> int | None:
    """Lock the directory just made; None where somebody swept it away before it was locked."""
    try:
        descriptor = files.open(root, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return None
    except OSError:
        remove_quietly(files, root)
        raise
    _flock(descriptor, fcntl.LOCK_EX)
    if _is_at(descriptor, root):
        return descriptor
    files.close(descriptor)
    return None


def sweep(files: Files, directory: Path) -> None:
    """Remove what cut-off constructions and removals left in ``directory``. Errors: OSError."""
    for path in tuple(directory.iterdir()):
        if is_temporary(path.name):
            _sweep_away(files, path)


def _sweep_away(files: Files, root: Path) -> None:
    """Remove a directory that nobody claims; it stays locked meanwhile, so that nobody begins to build in it."""
    with unclaimed(root) as free:
        if free:
            remove_quietly(files, root)


@contextmanager
def unclaimed(root: Path) -> Iterator[bool]:
    """Whether a directory is there that nobody claims; nobody can while the block runs."""
    try:
        descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        yield False
        return
    try:
        yield _flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        os.close(descriptor)


def _flock(descriptor: int, how: int) -> bool:
    """Whether it is locked now; False also where the file system cannot. Errors: OSError."""
    try:
        fcntl.flock(descriptor, how)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _UNABLE:
            raise
        return False
    return True


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def is_temporary(name: str) -> bool:
    """Whether a directory of this name is under construction or being removed."""
    return name.startswith((BUILDING, LEAVING))


def remove_quietly(files: Files, root: Path) -> None:
    """Remove a directory that is nobody's. What cannot be removed now is swept away later."""
    with suppress(OSError):
        remove_tree(files, root)
