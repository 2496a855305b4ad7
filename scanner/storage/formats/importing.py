"""Sessions from elsewhere, copied in: old ones become sessions of this product, current ones stay as they are.

The source is only read. The same content is taken in once, however often it is asked for.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Final

from scanner.clock import utc_text
from scanner.errors import NotFoundError
from scanner.model import SESSION_ID, SessionId
from scanner.storage.disk.claims import claimed, is_temporary, remove_quietly
from scanner.storage.disk.files import PART, TAKEN, make_dirs
from scanner.storage.disk.layout import BUILDING
from scanner.storage.formats.assembling import outline_of
from scanner.storage.formats.bench import Bench, Outcome, built, check_checked, name_taken
from scanner.storage.formats.building import Stamp
from scanner.storage.formats.copying import take
from scanner.storage.formats.current import detect
from scanner.storage.formats.fields import printable
from scanner.storage.formats.folder import Folder, open_plain
from scanner.storage.formats.intents import legacy_file
from scanner.storage.formats.legacy import LegacySession
from scanner.storage.formats.loader import slug_of

MOST_NAMES: Final = 1000  # that are tried where the first is taken
LOCK: Final = ".session.lock."


def import_session(bench: Bench, legacy: LegacySession, *, taken: Collection[str] = ()) -> Outcome:
    """Take in an old session; ``taken`` are ids that sessions have which lie under other names.

    Errors: InvalidError (photos unchecked), ConflictError, DamagedError, OSError.
    """
    check_checked(legacy)
    session_id, known = _place(
        bench, legacy.id, taken, lambda target: legacy_file(target).get("fingerprint") == legacy.fingerprint
    )
    if known:
        return Outcome(id=session_id, done=False, known=True)
    stamp = Stamp(at=utc_text(bench.clock.now()), how="imported", token=bench.token())
    with built(bench, legacy, stamp, linked=False, session_id=session_id) as root:
        _publish(bench, root, session_id)
    return Outcome(id=session_id, done=True)


def import_current(bench: Bench, path: Path, *, taken: Collection[str] = ()) -> Outcome:
    """Take in a session of this product. Locks and what was under construction stay behind. ``taken``: as above.

    Errors: NotFoundError (no such session), ConflictError, DamagedError, OSError.
    """
    if not detect(path):
        message = f"there is no session in {printable(path.name)[:100]!r}"
        raise NotFoundError(message)
    folder = Folder.look(path)
    session_id, known = _place(bench, wanted_id(path.name), taken, lambda target: _same(folder, target))
    if known:
        return Outcome(id=session_id, done=False, known=True)
    root = bench.sessions / f"{BUILDING}{bench.token()}"
    with claimed(bench.files, root):
        try:
            _copy(bench, folder, root)
            _publish(bench, root, session_id)
        finally:
            remove_quietly(bench.files, root)
    return Outcome(id=session_id, done=True)


def is_known(sessions: Path, session_id: SessionId, folders: Sequence[Folder]) -> bool:
    """Whether the session of this id was made from these folders, or is the same, judged by names and sizes alone."""
    target = sessions / session_id
    return legacy_file(target).get("outline") == outline_of(folders) or _same(folders[0], target)


def wanted_id(name: str) -> SessionId:
    """The id of a session of this product that lies in a folder of this name."""
    return SessionId(name) if SESSION_ID.fullmatch(name) else slug_of(name)


def _place(
    bench: Bench, wanted: SessionId, taken: Collection[str], is_same: Callable[[Path], bool]
) -> tuple[SessionId, bool]:
    """A free id, or the one under which the same is there already."""
    for number in range(1, MOST_NAMES):
        session_id = SessionId(wanted if number == 1 else f"{wanted}-{number}")
        target = bench.sessions / session_id
        if is_same(target):
            return session_id, True
        if session_id not in taken and not os.path.lexists(target):
            return session_id, False
    raise name_taken(wanted)


def _publish(bench: Bench, root: Path, session_id: SessionId) -> None:
    try:
        bench.files.rename(root, bench.sessions / session_id)
    except OSError as error:
        if error.errno in TAKEN:
            raise name_taken(session_id) from error
        raise
    bench.files.fsync_dir(bench.sessions)


def _wanted(folder: Folder) -> Iterator[str]:
    for name, entry in sorted(folder.entries.items()):
        temporary = any(is_temporary(part) for part in PurePosixPath(name).parts)
        if not temporary and not name.endswith(PART) and not entry.base.startswith(LOCK):
            yield name


def _same(folder: Folder, target: Path) -> bool:
    """Whether ``target`` holds the same documents and journals; it may have gained other files since."""
    names = [name for name in _wanted(folder) if name.startswith("metadata/") and name.endswith((".json", ".jsonl"))]
    try:
        return bool(names) and all((target / name).read_bytes() == folder.path(name).read_bytes() for name in names)
    except OSError:
        return False


def _copy(bench: Bench, folder: Folder, root: Path) -> None:
    directories: dict[Path, None] = {}
    for name in _wanted(folder):
        bench.check()
        target = root / name
        make_dirs(bench.files, target.parent)
        directories[target.parent] = None
        descriptor = open_plain(folder.path(name))
        try:
            take(bench.files, descriptor, folder.path(name), target, linked=False)
        finally:
            os.close(descriptor)
    for directory in directories:
        bench.files.fsync_dir(directory)
