"""The documents of a session, each read as those who need it would: what is damaged, and what is not ours to read."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from scanner.errors import DamagedError
from scanner.states import PassState
from scanner.storage.directory.marks import mark_paths
from scanner.storage.directory.views import pass_names, read_journal
from scanner.storage.disk.files import read_whole
from scanner.storage.disk.layout import PassPaths, SessionPaths
from scanner.storage.journal.documents import (
    read_checkpoint_file,
    read_pass_file,
    read_session_file,
    read_summary_file,
)
from scanner.storage.journal.progress import fold
from scanner.storage.locks.lockfile import journal_paths

_REFUSED: Final = frozenset({errno.EACCES, errno.EPERM})
_OURS: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})  # of this program rather than of a file
_MANIFEST: Final = re.compile(rb"(?:[0-9a-f]{64}  images/[^/\n]+/[^/\n]+\n)*")

Check = Callable[[Path], object]


def check_papers(paths: SessionPaths) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Documents that are damaged, by their place in the session; and a sentence for each that is not ours to read.
    Errors: OSError where that is nothing of theirs.
    """
    damaged: list[str] = []
    refused: list[str] = []
    for path, read in _checks(paths):
        place = path.relative_to(paths.root).as_posix()
        try:
            read(path)
        except DamagedError:
            damaged.append(place)
        except OSError as error:
            if error.errno in _OURS:
                raise
            if error.errno in _REFUSED:
                refused.append(f"{place} may not be read by this program")
            else:
                damaged.append(place)
    return tuple(damaged), tuple(refused)


def _checks(paths: SessionPaths) -> Iterator[tuple[Path, Check]]:
    """All documents with what reads them."""
    yield paths.document, read_session_file
    yield paths.root / "metadata" / "legacy.json", _if_there(_check_legacy)
    yield paths.passes, _if_there(os.listdir)
    for name in pass_names(paths):
        part = paths.pass_(name)
        yield part.document, read_pass_file
        yield from _journals(part)
        yield part.summary, _if_there(read_summary_file)
        yield part.manifest, _manifest_of(part)
    yield paths.checkpoints, _if_there(os.listdir)
    yield from ((path, read_checkpoint_file) for path in mark_paths(paths))


def _if_there(read: Check) -> Callable[[Path], None]:
    """For what not every session, or pass, has."""

    def reading(path: Path) -> None:
        with suppress(FileNotFoundError):
            read(path)

    return reading


def _manifest_of(paths: PassPaths) -> Check:
    """Only a completed pass must have one."""

    def reading(path: Path) -> None:
        try:
            _check_manifest(path)
        except FileNotFoundError:
            progress = fold(read_journal(paths).lines, name=paths.name)
            if progress.state is PassState.COMPLETED and not progress.unsettled:
                _check_manifest(path)  # once more: it is written before the journal says completed

    return reading


def _journals(paths: PassPaths) -> Iterator[tuple[Path, Check]]:
    """Those that are to blame where the journals of a pass do not read as one."""
    if read_journal(paths).damage is not None:
        unread = [path for path in journal_paths(paths.metadata) if not _can_be_read(path)]
        yield from ((path, _check_journal) for path in unread or [paths.journal])


def _can_be_read(path: Path) -> bool:
    try:
        read_whole(path)
    except OSError:
        return False
    return True


def _check_journal(path: Path) -> None:
    read_whole(path)
    raise _damaged(path)


def _check_legacy(path: Path) -> None:
    try:
        msgspec.json.decode(read_whole(path), type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _damaged(path) from error


def _check_manifest(path: Path) -> None:
    if _MANIFEST.fullmatch(read_whole(path)) is None:
        raise _damaged(path)


def _damaged(path: Path) -> DamagedError:
    message = f"{path.name} is damaged"
    return DamagedError(message, reason="io_error")
