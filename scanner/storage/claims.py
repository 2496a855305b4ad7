"""Directories under construction: claimed by a ``flock`` while somebody builds in them, swept away when nobody does."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from scanner.storage.files import Files, remove_tree
from scanner.storage.layout import BUILDING, LEAVING


@contextmanager
def claimed(files: Files, root: Path) -> Iterator[None]:
    """Make the directory ``root`` and keep others from sweeping it away. Errors: OSError."""
    files.mkdir(root)
    try:
        descriptor = files.open(root, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        remove_quietly(files, root)
        raise
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        files.close(descriptor)


def sweep(files: Files, directory: Path) -> None:
    """Remove what cut-off constructions and removals left in ``directory``. Errors: OSError."""
    for path in tuple(directory.iterdir()):
        if is_temporary(path.name) and not _is_claimed(path):
            remove_quietly(files, path)


def is_temporary(name: str) -> bool:
    """Whether a directory of this name is under construction or being removed."""
    return name.startswith((BUILDING, LEAVING))


def remove_quietly(files: Files, root: Path) -> None:
    """Remove a directory that is nobody's. What cannot be removed now is swept away later."""
    with suppress(OSError):
        remove_tree(files, root)


def _is_claimed(root: Path) -> bool:
    try:
        descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
