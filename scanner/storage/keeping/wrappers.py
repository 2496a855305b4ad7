"""The trash on disk: ``trash/<time>-<token>/`` holds what was one session, and ``deleted.json``.

A session goes there and comes back by renaming its directory, in one step: it is always whole in one of the two places.
Lives in the writer thread.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from msgspec import Struct

from scanner.errors import ConflictError, DamagedError, NotFoundError
from scanner.model import SessionId
from scanner.records import TrashEntry
from scanner.storage.directory.views import read_session
from scanner.storage.disk.claims import claimed, remove_quietly, sweep, unclaimed
from scanner.storage.disk.files import PART, TAKEN, Files, discard, durable_write, make_dirs
from scanner.storage.disk.layout import BUILDING, LEAVING, STAMP, Layout, SessionPaths, stamped_at
from scanner.storage.disk.premises import Premises
from scanner.storage.journal.documents import DeletedFile, encode, read_deleted_file

DELETED: Final = "deleted.json"


class Wrapper(Struct, frozen=True, kw_only=True):
    """A place in the trash that holds something. ``folders``: what lies in it now."""

    root: Path
    deleted: DeletedFile
    folders: tuple[str, ...]

    @property
    def entry(self) -> TrashEntry:
        """As everybody sees it."""
        said = self.deleted
        return TrashEntry(
            session_id=said.session_id,
            title=said.title,
            deleted_at=said.deleted_at,
            origin=said.origin,
            photos=said.photos,
            bytes=said.bytes,
        )


def wrappers(layout: Layout) -> list[Wrapper]:
    """All, newest first. What cannot be read of one is made up from what it holds. Errors: OSError."""
    found = [wrapper for root in _roots(layout) if (wrapper := _look(root)) is not None]
    return sorted(found, key=lambda wrapper: (wrapper.deleted.deleted_at, wrapper.root.name), reverse=True)


def throw_away(premises: Premises, said: DeletedFile) -> None:
    """Move a session's folders into a new wrapper. Errors: OSError; they are then back where they were, as far as the
    disk lets them.
    """
    files, layout = premises.files, premises.layout
    make_dirs(files, layout.trash)
    root = layout.trash / f"{premises.clock.now():{STAMP}}-{premises.token()}"
    with claimed(files, root):
        try:
            durable_write(files, root / DELETED, encode(said))
            files.fsync_dir(layout.trash)
            pairs = [(layout.sessions / name, root / name) for name in said.folders]
            _move(files, pairs, (root, layout.sessions))
        except OSError:
            _remove_empty(files, root)
            raise


def take_back(premises: Premises, wrapper: Wrapper) -> None:
    """Move what a wrapper holds back. Errors: ConflictError where a name is taken again, NotFoundError where somebody
    else was quicker, OSError.
    """
    files, layout = premises.files, premises.layout
    pairs = [(wrapper.root / name, layout.sessions / name) for name in wrapper.folders]
    for _, target in pairs:
        if os.path.lexists(target):
            raise _taken(target.name)
    try:
        _move(files, pairs, (layout.sessions, wrapper.root))
    except FileNotFoundError as error:
        message = f"session {wrapper.deleted.session_id} is no longer in the trash"
        raise NotFoundError(message) from error
    except OSError as error:
        if error.errno in TAKEN:
            raise _taken(wrapper.deleted.session_id) from error
        raise
    _remove_empty(files, wrapper.root)


def leave(premises: Premises, wrapper: Wrapper) -> Path | None:
    """Take a wrapper out of the trash for good, in one step; the directory that is still to be removed, or None where
    somebody else was quicker. Errors: OSError.
    """
    gone = premises.layout.trash / f"{LEAVING}{premises.token()}"
    try:
        premises.files.rename(wrapper.root, gone)
    except FileNotFoundError:
        return None
    premises.files.fsync_dir(premises.layout.trash)
    return gone


def tidy_trash(premises: Premises) -> None:
    """Bring into order what cut-off deletions, returns and purges left. Errors: OSError.

    A deletion of several folders is finished. What a disk whose renames are two steps left in both places goes from
    the trash: nobody was told that it was moved.
    """
    files, layout = premises.files, premises.layout
    if not layout.trash.is_dir():
        return
    sweep(files, layout.trash)
    for root in tuple(_roots(layout)):
        with unclaimed(root) as free:
            if free:
                _tidy(premises, root)


def _tidy(premises: Premises, root: Path) -> None:
    files, sessions = premises.files, premises.layout.sessions
    wrapper = _look(root)
    if wrapper is None:
        _remove_empty(files, root)
        return
    left = [name for name in wrapper.deleted.folders if name not in wrapper.folders]
    pairs = [(sessions / name, root / name) for name in left if (sessions / name).is_dir()]
    if pairs:
        _move(files, pairs, (root, sessions))
    elif all(_is_double(root / name, sessions / name) for name in wrapper.folders):
        gone = leave(premises, wrapper)
        if gone is not None:
            remove_quietly(files, gone)


def _is_double(one: Path, other: Path) -> bool:
    """Whether two directories hold the same files, by name, size and the bytes of small ones."""
    if not other.is_dir():
        return False
    names = _files_below(one)
    return names == _files_below(other) and all(
        (one / name).read_bytes() == (other / name).read_bytes() for name in names if name.startswith("metadata/")
    )


def _files_below(root: Path) -> dict[str, int]:
    found: dict[str, int] = {}
    for directory, _, files in os.walk(root):
        for name in files:
            path = Path(directory) / name
            found[path.relative_to(root).as_posix()] = path.lstat().st_size
    return found


def _roots(layout: Layout) -> Iterator[Path]:
    if layout.trash.is_dir():
        for path in layout.trash.iterdir():
            if path.is_dir() and not path.name.startswith((BUILDING, LEAVING)):
                yield path


def _look(root: Path) -> Wrapper | None:
    try:
        folders = _folders(root)
    except OSError:
        return None  # none of ours, or nobody can say; it must not hide the others
    if not folders:
        return None
    try:
        said = read_deleted_file(root / DELETED)
    except (DamagedError, OSError):
        said = _made_up(root, folders)
    return Wrapper(root=root, deleted=said, folders=folders)


def _folders(root: Path) -> tuple[str, ...]:
    """What was a session: its directories, or links to such as lie elsewhere. None where another scanner was quicker.
    Errors: OSError.
    """
    try:
        with os.scandir(root) as entries:
            found = [entry.name for entry in entries if entry.is_symlink() or entry.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return ()
    return tuple(sorted(found, key=lambda name: (name.startswith("."), name)))  # the session before what is kept of it


def _made_up(root: Path, folders: tuple[str, ...]) -> DeletedFile:
    record = read_session(SessionPaths(root / folders[0]))
    return DeletedFile(
        session_id=SessionId(folders[0]),
        title=record.session.title if record else folders[0],
        deleted_at=stamped_at(root.name),
        origin="",
        photos=record.session.photos if record else 0,
        bytes=record.session.bytes if record else 0,
        folders=folders,
    )


def _move(files: Files, pairs: Iterable[tuple[Path, Path]], directories: tuple[Path, Path]) -> None:
    """Rename all and make it durable, or undo it as far as the disk lets us. Errors: OSError."""
    done: list[tuple[Path, Path]] = []
    try:
        for source, target in pairs:
            files.rename(source, target)
            done.append((source, target))
        for directory in directories:
            files.fsync_dir(directory)
    except OSError:
        with suppress(OSError):
            for source, target in reversed(done):
                files.rename(target, source)
            for directory in reversed(directories):
                files.fsync_dir(directory)
        raise


def _remove_empty(files: Files, root: Path) -> None:
    """Remove a wrapper if it holds no folder any more; what cannot be removed now is another time."""
    try:
        if _folders(root):
            return
    except OSError:
        return
    for name in (DELETED, DELETED + PART):
        discard(files, root / name)
    with suppress(OSError):
        files.rmdir(root)


def _taken(name: str) -> ConflictError:
    message = f"there is a session {name} again; delete or rename that one first"
    return ConflictError(message, session_id=name)
