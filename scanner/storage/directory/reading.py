"""Reading a session's directory for those who look at it: shots of a pass, its documents, its files. Changes nothing.

Runs in the reader thread. No name from outside becomes a path before it is known to be one of ours, and links are not
followed.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from msgspec import Struct

from scanner.errors import DamagedError, NotFoundError, PhotoNotFoundError
from scanner.model import SLUG, PassName, Photo
from scanner.records import ShotInfo
from scanner.states import ShotState
from scanner.storage.directory.views import read_journal
from scanner.storage.disk.files import PART, reported, shown
from scanner.storage.disk.layout import PassPaths, SessionPaths, pass_missing
from scanner.storage.journal.documents import PassDocument, PassFile, read_pass_file
from scanner.storage.journal.progress import PassProgress, fold

_EXPORT: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,79}")


class StoredFile(Struct, frozen=True, kw_only=True):
    """A file: its name below the directory that was asked for, where it lies, size in bytes and time of its last
    change.
    """

    name: str
    path: Path
    size: int
    mtime_ns: int


class DiskUsage(Struct, frozen=True, kw_only=True):
    """Bytes of the disk that holds the data directory; ``free`` is what the daemon may still use."""

    free: int
    total: int


def disk_usage(path: Path) -> DiskUsage:
    """Errors: StorageError."""
    with reported("the disk does not answer", path):
        found = shutil.disk_usage(path)
    return DiskUsage(free=found.free, total=found.total)


def check_export_name(name: str) -> str:
    """The name of an export. Errors: NotFoundError where it cannot be one."""
    if _EXPORT.fullmatch(name) is None:
        message = f"there is no export {name[:100]!r}"
        raise NotFoundError(message)
    return name


def pass_document(paths: SessionPaths, name: PassName) -> PassDocument:
    """A pass as planned, and what its cameras hold. Errors: PassNotFoundError, DamagedError, StorageError."""
    return pass_answer(*_read(paths, name))


def pass_answer(document: PassFile, progress: PassProgress) -> PassDocument:
    """A pass as planned, and what its cameras hold."""
    return PassDocument(spec=document.spec, plan=document.plan, rig=document.rig, locked=progress.locked)


def shots(paths: SessionPaths, name: PassName) -> tuple[ShotInfo, ...]:
    """Every shot of a pass with its state, in the order of the plan. Errors: as :func:`pass_document`."""
    return shot_infos(*_read(paths, name))


def shot_infos(document: PassFile, progress: PassProgress) -> tuple[ShotInfo, ...]:
    """Every shot of a pass with its state, in the order of the plan."""
    infos: list[ShotInfo] = []
    for shot in document.plan.shots:
        photo = progress.saved.get(shot.index)
        skipped = shot.index in progress.skipped
        infos.append(
            ShotInfo(
                shot=shot.index,
                azimuth=shot.viewpoint.azimuth,
                elevation=shot.viewpoint.elevation,
                camera=shot.camera,
                state=ShotState.SAVED if photo else ShotState.SKIPPED if skipped else ShotState.PLANNED,
                photo=photo.name if photo else None,
                retaken=progress.files.get(shot.index, 0) > 1,
            )
        )
    return tuple(infos)


def photo_path(paths: SessionPaths, photo: Photo) -> Path:
    """The file of a photo of the index.

    Errors: PhotoNotFoundError where it is missing or no plain file, DamagedError where it has another size than it had.
    """
    path = paths.pass_(photo.pass_).images / photo.name
    size = 0
    for place, wanted in ((path.parent.parent, stat.S_IFDIR), (path.parent, stat.S_IFDIR), (path, stat.S_IFREG)):
        try:
            found = place.lstat()
        except OSError as error:
            raise photo_missing(paths.root.name, photo.name) from error
        if stat.S_IFMT(found.st_mode) != wanted:
            raise photo_missing(paths.root.name, photo.name)
        size = found.st_size
    if size != photo.bytes:
        message = f"photo {photo.name} is damaged: it has {size} bytes, {photo.bytes} were written"
        raise DamagedError(message, reason="io_error")
    return path


def photo_missing(session_id: str, name: str) -> PhotoNotFoundError:
    """The error for an unknown photo."""
    message = f"session {session_id} has no photo {name[:100]!r}"
    return PhotoNotFoundError(message)


def session_files(paths: SessionPaths, export: str | None) -> tuple[StoredFile, ...]:
    """All files of a session, or of one of its exports, but for hidden and unfinished ones; sorted by name. Errors:
    StorageError.
    """
    root = paths.root if export is None else paths.exports / check_export_name(export)
    if not root.is_dir() or root.is_symlink():
        return ()
    with reported("the files could not be listed", paths.root):
        return tuple(sorted(walk(root, root), key=lambda file: file.name))


def export_names(paths: SessionPaths) -> tuple[str, ...]:
    """The exports that were made, sorted."""
    try:
        names = sorted(path.name for path in paths.exports.iterdir())
    except OSError:
        return ()
    return tuple(name for name in names if _EXPORT.fullmatch(name))


def walk(directory: Path, root: Path) -> Iterator[StoredFile]:
    """The files in ``directory`` and below by their names below ``root``, but for hidden and unfinished ones. Errors:
    OSError.
    """
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.name.startswith(".") or entry.name.endswith(PART):
                continue
            path = Path(entry.path)
            if entry.is_dir(follow_symlinks=False):
                yield from walk(path, root)
            elif entry.is_file(follow_symlinks=False):
                found = entry.stat(follow_symlinks=False)
                name = shown(path.relative_to(root).as_posix())
                yield StoredFile(name=name, path=path, size=found.st_size, mtime_ns=found.st_mtime_ns)


def _read(paths: SessionPaths, name: PassName) -> tuple[PassFile, PassProgress]:
    place = _existing(paths, name)
    with reported(f"pass {name} could not be read", paths.root):
        document = read_pass_file(place.document)
    return document, fold(read_journal(place).lines, name=name)


def _existing(paths: SessionPaths, name: PassName) -> PassPaths:
    if SLUG.fullmatch(name) is None or not paths.pass_(name).metadata.is_dir():
        raise pass_missing(paths.root.name, name)
    return paths.pass_(name)
