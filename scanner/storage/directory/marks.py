"""Checkpoints on disk: ``metadata/checkpoints/<name>.json``, each complete in itself. Changes no pass."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from scanner.errors import CheckpointExistsError, CheckpointNotFoundError, InvalidError
from scanner.model import SLUG, PassName, SessionId
from scanner.records import CheckpointInfo
from scanner.storage.disk.files import Files, discard, durable_write, make_dirs, read_whole
from scanner.storage.disk.layout import SessionPaths
from scanner.storage.journal.documents import (
    CheckpointFile,
    MarkedPass,
    MarkedPhoto,
    MarkedSkip,
    encode,
    read_checkpoint_file,
)
from scanner.storage.journal.progress import PassProgress

_ENDING: Final = ".json"
_AUTOMATIC: Final = re.compile(r"auto-([1-9]\d{0,8})")
_HEAD: Final = 512  # bytes; what comes before the passes, which can be a megabyte
_DATED: Final = re.compile(
    rb'\{\s*"format":\s*"scanner-checkpoint",\s*"version":\s*\d+,\s*"session_id":\s*"[\w.-]*",\s*"name":\s*"[\w.-]*",'
    rb'\s*"created_at":\s*"([\w:.-]*)"'
)


def check_mark_name(name: str) -> str:
    """The name of a new checkpoint. Errors: InvalidError."""
    if SLUG.fullmatch(name) is None:
        message = "the name of a checkpoint is made of a-z, 0-9 and '-', at most 48 characters"
        raise InvalidError(message, errors=[{"path": "name", "message": message}])
    return name


def check_free(paths: SessionPaths, name: str) -> None:
    """Errors: CheckpointExistsError."""
    if mark_path(paths, name).exists():
        message = f"session {paths.root.name} already has a checkpoint {name!r}; choose another name"
        raise CheckpointExistsError(message)


def mark_pass(name: PassName, progress: PassProgress) -> MarkedPass:
    """How far a pass is."""
    return MarkedPass(
        name=name,
        state=progress.state,
        saved=tuple(
            MarkedPhoto(shot=shot, file=photo.name, sha256=photo.sha256)
            for shot, photo in sorted(progress.saved.items())
        ),
        skipped=tuple(MarkedSkip(shot=shot, reason=reason) for shot, reason in sorted(progress.skipped.items())),
        worked_s=progress.duration_s,
    )


def mark_info(session_id: SessionId, mark: CheckpointFile, notes: Iterable[str] = ()) -> CheckpointInfo:
    """A checkpoint as everybody sees it."""
    return CheckpointInfo(
        session_id=session_id,
        name=mark.name,
        created_at=mark.created_at,
        origin=mark.origin,
        automatic=mark.automatic,
        photos=sum(len(marked.saved) for marked in mark.passes),
        passes={marked.name: marked.state for marked in mark.passes},
        notes=(*(f"pass {name} could not be read and is not in it" for name in mark.left_out), *notes),
    )


def write_mark(files: Files, paths: SessionPaths, mark: CheckpointFile) -> None:
    """Write a new checkpoint, whose name is free; on an error there is none. Errors: OSError."""
    path = mark_path(paths, mark.name)
    make_dirs(files, path.parent)
    try:
        durable_write(files, path, encode(mark))
    except OSError:
        discard(files, path)
        raise


def read_mark(paths: SessionPaths, name: str) -> CheckpointFile:
    """Errors: CheckpointNotFoundError, DamagedError, OSError."""
    if SLUG.fullmatch(name) is None:
        raise mark_missing(paths.root.name, name)
    try:
        return read_checkpoint_file(mark_path(paths, name))
    except FileNotFoundError as error:
        raise mark_missing(paths.root.name, name) from error


def mark_missing(session_id: str, name: str) -> CheckpointNotFoundError:
    """The error for an unknown checkpoint."""
    message = f"session {session_id} has no checkpoint {name[:100]!r}"
    return CheckpointNotFoundError(message)


def date_mark(path: Path) -> str:
    """When a checkpoint was made, without reading what follows where we wrote it. Errors: DamagedError, OSError."""
    found = _DATED.match(read_whole(path, _HEAD))
    return found[1].decode() if found else read_checkpoint_file(path).created_at


def mark_names(paths: SessionPaths) -> tuple[str, ...]:
    """The checkpoints of a session, by name."""
    try:
        files = os.listdir(paths.checkpoints)  # noqa: PTH208 - text, for speed
    except OSError:
        return ()
    names = (file.removesuffix(_ENDING) for file in files if file.endswith(_ENDING))
    return tuple(sorted(name for name in names if SLUG.fullmatch(name)))


def mark_paths(paths: SessionPaths) -> tuple[Path, ...]:
    """Where they lie."""
    directory = paths.checkpoints
    return tuple(directory / f"{name}{_ENDING}" for name in mark_names(paths))


def next_automatic(paths: SessionPaths) -> str:
    """The name of the next automatic checkpoint; never one that is taken, though people may use such names, too."""
    taken = mark_names(paths)
    number = max((int(found[1]) for name in taken if (found := _AUTOMATIC.fullmatch(name))), default=0) + 1
    while f"auto-{number}" in taken:
        number += 1
    return f"auto-{number}"


def mark_path(paths: SessionPaths, name: str) -> Path:
    """Where the checkpoint of this name lies."""
    return paths.checkpoints / f"{name}{_ENDING}"
