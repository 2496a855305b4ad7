"""Whether the data directory lies on a network share, and whether that share can do what locks need.

On a share an ``flock`` of one computer is nothing to another, so only files decide there. A share on which two can both
create the same name, or give a file a second one, cannot hold locks at all and is refused.
"""

from __future__ import annotations

import errno
import logging
import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct

from scanner.errors import StorageError
from scanner.storage.disk.files import Files, discard

_log: Final = logging.getLogger(__name__)

MOUNTS: Final = Path("/proc/self/mountinfo")
_PROBE: Final = ".probe-"
_TRIES: Final = 5
_CREATE: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL
_IMPOSSIBLE: Final = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
_ESCAPED: Final = re.compile(r"\\([0-7]{3})")
_NETWORK: Final = frozenset(
    {
        "9p", "acfs", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "gfs2", "gpfs", "lustre", "ncpfs", "nfs",
        "nfs4", "ocfs2", "orangefs", "prl_fs", "smb3", "smbfs", "vboxsf", "virtiofs", "vmhgfs",
    }
)  # fmt: skip


class Sharing(Struct, frozen=True, kw_only=True):
    """How locks are held. ``shared``: whether other computers use the data directory; ``auto``: where it lies on a
    network file system. A lock without heartbeat for ``stale_after`` seconds counts as abandoned; a heartbeat comes
    every ``beat`` seconds.
    """

    shared: Literal["auto"] | bool = "auto"
    stale_after: float = 300.0
    beat: float = 60.0

    def applies(self, data: Path) -> bool:
        """Whether the data directory is to be treated as a share."""
        return is_network(file_system(data)) if self.shared == "auto" else self.shared


def file_system(path: Path, mounts: Path = MOUNTS) -> str:
    """The type of the file system that ``path`` lies on; empty where the system does not tell."""
    try:
        place = path.resolve()
        text = mounts.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""
    best, kind = -1, ""
    for line in text.splitlines():
        mounted, _, source = line.partition(" - ")
        point = Path(_ESCAPED.sub(lambda found: chr(int(found[1], 8)), mounted.split()[4]))
        if (point == place or point in place.parents) and len(point.parts) >= best:  # a later mount covers an earlier
            best, kind = len(point.parts), source.split()[0]
    return kind


def is_network(kind: str) -> bool:
    """Whether other computers may use a file system of this type. What a program serves (``fuse.``) is taken for one:
    nobody knows what is behind it.
    """
    return kind in _NETWORK or kind.startswith("fuse.")


def check_share(files: Files, data: Path, token: Callable[[], str]) -> None:
    """Return if names can be created exclusively below ``data``, and linked; where the disk is full or cannot be
    written, that is not known and no reason to refuse. Errors: StorageError.
    """
    refusals: list[StorageError] = []
    for attempt in range(_TRIES):
        try:
            if attempt == 0:
                _sweep(files, data)
            return _probe(files, data, token())
        except FileNotFoundError:  # another daemon that starts just now has swept it away
            continue
        except StorageError as error:  # this, too, can be another's sweeping; a disk says it every time
            refusals.append(error)
        except OSError as error:
            _log.warning("whether the data directory can hold locks is not known: %s", error.strerror)
            return None
    if len(refusals) == _TRIES:
        raise refusals[-1]
    return None


def _sweep(files: Files, data: Path) -> None:
    """Remove what those left who crashed while they tried."""
    for left in tuple(data.glob(f"{_PROBE}*")):
        discard(files, left)


def _probe(files: Files, data: Path, token: str) -> None:
    first, second = data / f"{_PROBE}{token}", data / f"{_PROBE}{token}-2"
    files.close(files.open(first, _CREATE))
    try:
        if _creates_twice(files, first):
            raise _refused(data, "lets two create the same file")
        _link(files, data, first, second)
    finally:
        discard(files, first)
        discard(files, second)


def _creates_twice(files: Files, path: Path) -> bool:
    with suppress(FileExistsError):
        files.close(files.open(path, _CREATE))
        return True
    return False


def _link(files: Files, data: Path, first: Path, second: Path) -> None:
    try:
        files.link(first, second)
    except OSError as error:
        if error.errno in _IMPOSSIBLE:
            raise _refused(data, "cannot give a file a second name (hard link)") from error
        raise
    if not first.samefile(second):
        raise _refused(data, "copies a file instead of giving it a second name (hard link)")
    with suppress(FileExistsError):
        files.link(first, second)
        raise _refused(data, "lets two publish the same name")


def _refused(data: Path, why: str) -> StorageError:
    kind = file_system(data) or "unknown"
    message = (
        f"the file system of the data directory (type {kind}) {why}; passes cannot be locked on it: choose another"
        " place for data_dir"
    )
    return StorageError(message, reason="unsuitable", file_system=kind)
