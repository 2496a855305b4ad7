"""Putting a file of another folder into a directory under construction: durable, and hashed on both sides."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path
from typing import Final

from scanner.errors import DamagedError
from scanner.storage.directory.recovery import hash_file
from scanner.storage.disk.files import Files
from scanner.storage.formats.fields import printable

_BLOCK: Final = 1 << 20
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL
_NO_LINKS: Final = frozenset({errno.EPERM, errno.EXDEV, errno.EMLINK, errno.EOPNOTSUPP, errno.ENOSYS})


def take(files: Files, descriptor: int, source: Path, target: Path, *, linked: bool) -> str:
    """Make ``target`` hold what ``descriptor`` reads from ``source``; its sha256. The caller fsyncs the directory.

    ``linked``: by a second name of the same file, where the disk can. Errors: DamagedError where it reads back as
    something else, OSError.
    """
    digest = _linked(files, descriptor, source, target) if linked else None
    digest = digest or _copied(files, descriptor, target)
    if hash_file(target) != digest:
        message = f"{printable(source.name)} was written, but reads back as something else"
        raise DamagedError(message, reason="io_error")
    return digest


def _linked(files: Files, descriptor: int, source: Path, target: Path) -> str | None:
    try:
        files.link(source, target)
    except OSError as error:
        if error.errno in _NO_LINKS:
            return None
        raise
    _fsync(files, target)
    with os.fdopen(os.dup(descriptor), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fsync(files: Files, path: Path) -> None:
    """The old software never did."""
    descriptor = files.open(path, os.O_RDONLY)
    try:
        files.fsync(descriptor)
    finally:
        files.close(descriptor)


def _copied(files: Files, source: int, target: Path) -> str:
    digest = hashlib.sha256()
    descriptor = files.open(target, _NEW)
    try:
        while block := os.read(source, _BLOCK):
            digest.update(block)
            files.write(descriptor, block)
        files.fsync(descriptor)
    finally:
        files.close(descriptor)
    return digest.hexdigest()
