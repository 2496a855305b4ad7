"""One loader over all formats: each is chosen by what lies in a folder, never by its name. Reading only."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Final

from msgspec import structs

from scanner.errors import NotFoundError
from scanner.model import SESSION_ID, SessionId
from scanner.planning import slugify
from scanner.records import Session
from scanner.storage.directory.views import FORMAT, SessionRecord
from scanner.storage.formats import current, dual, openscan3, raspi
from scanner.storage.formats.assembling import assemble
from scanner.storage.formats.dual import Question
from scanner.storage.formats.fields import printable
from scanner.storage.formats.folder import Entry, Flagged, Folder, Note, go_on
from scanner.storage.formats.intents import hidden_sources
from scanner.storage.formats.legacy import DUAL, OPENSCAN, RASPI, Draft, LegacySession
from scanner.storage.formats.pictures import Depth

CURRENT: Final = FORMAT
DEEPEST: Final = 3  # directories between what is given and a session
PASSED_BY: Final = frozenset({"exports", "backups", "temp", "trash", "thumbnails", "cache"})
_DETECTORS: Final[Mapping[str, Callable[[Path], bool]]] = {
    CURRENT: current.detect,
    DUAL: dual.detect,
    RASPI: raspi.detect,
    OPENSCAN: openscan3.detect,
}
_READERS: Final[Mapping[str, Callable[[Sequence[Folder], tzinfo, Depth], Draft]]] = {
    DUAL: raspi.read,
    RASPI: raspi.read,
    OPENSCAN: openscan3.read,
}
_HASHED: Final = 6  # hexadecimal digits that tell folders apart whose names make the same id
_ID_ROOM: Final = 41


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A session somewhere below a directory. ``paths``: its folders, the leading one first. ``assumed``: the zone in
    which the time of its creation was read, where that named none; else empty.
    """

    id: SessionId
    format: str
    paths: tuple[Path, ...]
    session: Session
    assumed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """All sessions below a directory, what a person must decide, and what is odd about lists that lie beside them.
    ``unread``: folders into which nobody could look.
    """

    found: tuple[Found, ...]
    questions: tuple[Question, ...]
    flagged: tuple[Flagged, ...]
    notes: tuple[Note, ...]
    unread: tuple[Path, ...] = ()


def format_of(path: Path) -> str | None:
    """The format of the session in a folder; None where there is none."""
    return next((name for name, detects in _DETECTORS.items() if detects(path)), None)


def info(path: Path, timezone: tzinfo = UTC) -> Session:
    """The session in a folder at a glance: no photo is opened. Errors: NotFoundError."""
    return _record(path, timezone, Depth.GLANCE).session


def load_any(path: Path, timezone: tzinfo = UTC) -> SessionRecord:
    """The session in a folder, its photos checked, in the shapes of this product. Errors: NotFoundError."""
    return _record(path, timezone, Depth.CHECK)


def load_legacy(
    paths: Path | Sequence[Path],
    timezone: tzinfo = UTC,
    *,
    session_id: SessionId | None = None,
    depth: Depth = Depth.CHECK,
    check: Callable[[], None] = go_on,
) -> LegacySession:
    """An old session with everything that migration needs. Several paths: a person or an id says that they are one.
    ``check`` is asked before every file, and raises where the work is to be given up.

    Errors: NotFoundError where there is no session of an older format.
    """
    given = (paths,) if isinstance(paths, Path) else tuple(paths)
    kind = format_of(given[0]) if isinstance(paths, Path) else single_format(given[0])
    if kind is None or kind == CURRENT:
        raise _nothing(given[0], "of an older format ")
    if kind == DUAL:
        given = dual.group_of(given[0])
    folders = [Folder.look(path, check) for path in given]
    if single_format(given[0]) not in {kind, RASPI}:  # another daemon has migrated it since it was told what it is
        raise _nothing(given[0], "of an older format ")
    return _load(folders, kind, session_id or slug_of(given[0].name), timezone, depth)


def list_all(directory: Path, timezone: tzinfo = UTC) -> Listing:
    """Every session in ``directory`` or a few directories below it, at a glance. Never raises for what is there."""
    unread: dict[Path, None] = {}
    kinds = dict(_candidates(directory, unread))
    for parent in {path.parent for path in kinds}:
        for name in hidden_sources(parent):
            kinds.pop(parent / name, None)
    halves = [dual.half_of(path) for path, kind in kinds.items() if kind == RASPI]
    groups = [*dual.groups(halves), *((path,) for path, kind in kinds.items() if kind != RASPI)]
    groups.sort(key=lambda group: group[0])
    ids = session_ids(groups, {path for path, kind in kinds.items() if is_foreign(path, kind)})
    found = [_found(group, kinds[group[0]], ids.get(group[0]), timezone) for group in groups]
    flagged, notes = _index_faults(directory, {path.name for path in kinds})
    return Listing(
        found=tuple(one for one in found if one is not None),
        questions=tuple(dual.questions(halves)),
        flagged=flagged,
        notes=notes,
        unread=tuple(unread),
    )


def slug_of(name: str) -> SessionId:
    """The id of the session in a folder of this name: always the same."""
    slug = slugify(printable(name))
    return SessionId(slug) if slug else SessionId(f"legacy-{_digits(name)}")


def zone_name(timezone: tzinfo) -> str:
    """What a time zone is called."""
    return getattr(timezone, "key", None) or str(timezone)


def _record(path: Path, timezone: tzinfo, depth: Depth) -> SessionRecord:
    kind = format_of(path)
    if kind is None:
        raise _nothing(path)
    if kind != CURRENT:
        return load_legacy(path, timezone, depth=depth).record
    record = current.load(path)
    if record is None:
        raise _nothing(path)
    return record


def _load(folders: Sequence[Folder], kind: str, session_id: SessionId, timezone: tzinfo, depth: Depth) -> LegacySession:
    draft = _READERS[kind](folders, timezone, depth)
    if kind == RASPI and len(folders) == 1:
        for name in sorted(dual.half_of(folders[0].root).calls):
            folders[0].note(raspi.SESSION, f"it belongs to {printable(name)[:100]}, and was not put together with it")
    return assemble(draft, folders, session_id, zone_name(timezone), depth)


def _nothing(path: Path, kind: str = "") -> NotFoundError:
    message = f"there is no session {kind}in {printable(path.name)[:100]!r}"
    return NotFoundError(message)


def single_format(path: Path) -> str | None:
    """The format of what a folder holds by itself: ``raspi_v2`` for either half of a dual session. None also where it
    may not be looked into.
    """
    try:
        return _single_format(path)
    except OSError:
        return None


def _single_format(path: Path) -> str | None:
    return next((name for name, detects in _DETECTORS.items() if name != DUAL and detects(path)), None)


def is_foreign(path: Path, kind: str | None) -> bool:
    """Whether the session in a folder has not the folder's name as its id: by format, or since it can be none."""
    return kind != CURRENT or not SESSION_ID.fullmatch(path.name)


def session_ids(groups: Iterable[tuple[Path, ...]], foreign: Collection[Path]) -> dict[Path, SessionId]:
    """The ids of those groups whose leading folder is ``foreign``, by that folder. All other names beside the foreign
    ones are taken, whatever bears them.
    """
    parents = {path.parent for path in foreign}

    def taken(name: str) -> bool:
        return any(parent / name not in foreign and os.path.lexists(parent / name) for parent in parents)

    return ids_of((group[0] for group in groups if group[0] in foreign), taken)


def ids_of(paths: Iterable[Path], is_taken: Callable[[str], bool]) -> dict[Path, SessionId]:
    """An id for each folder: its slug, with a part of its hash where that is taken already."""
    ids: dict[Path, SessionId] = {}
    given: set[str] = set()
    for path in sorted(paths, key=lambda path: (path.name != slug_of(path.name), path.name, path)):
        slug = slug_of(path.name)
        if slug in given or is_taken(slug):
            slug = SessionId(f"{slug[:_ID_ROOM].rstrip('-')}-{_digits(path.name)}")
        base, number = slug, 2
        while slug in given or is_taken(slug):
            slug, number = SessionId(f"{base}-{number}"), number + 1
        given.add(slug)
        ids[path] = slug
    return ids


def _candidates(directory: Path, unread: dict[Path, None]) -> Iterator[tuple[Path, str]]:
    """Folders that hold a session, with its format; ``raspi_v2`` for either half of a dual one. Those that refuse to be
    looked into are put into ``unread``.
    """
    level = [directory]
    for _ in range(DEEPEST + 1):
        deeper: list[Path] = []
        for path in level:
            try:
                kind = _single_format(path)
                children = [] if kind is not None else _children(path)
            except OSError:
                unread[path] = None
                continue
            if kind is not None:
                yield path, kind
            deeper += children
        level = deeper


def _children(path: Path) -> list[Path]:
    """Errors: OSError."""
    return sorted(
        child
        for child in path.iterdir()
        if not child.name.startswith(".") and child.name not in PASSED_BY and not child.is_symlink() and child.is_dir()
    )


def _found(paths: tuple[Path, ...], kind: str, session_id: SessionId | None, timezone: tzinfo) -> Found | None:
    if kind == CURRENT:
        record = current.load(paths[0])
        if record is None:
            return None
        session = structs.replace(record.session, id=session_id or record.session.id)
        return Found(id=session.id, format=kind, paths=paths, session=session)
    folders = [Folder.look(path) for path in paths]
    legacy = _load(folders, kind, session_id or slug_of(paths[0].name), timezone, Depth.GLANCE)
    assumed = legacy.zone if legacy.created is not None and legacy.created.naive is not None else ""
    return Found(id=legacy.id, format=legacy.format, paths=paths, session=legacy.record.session, assumed=assumed)


def _digits(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:_HASHED]


def _index_faults(directory: Path, names: set[str]) -> tuple[tuple[Flagged, ...], tuple[Note, ...]]:
    """What the predecessor's index says that the disk does not: it lost sessions, and is not trusted."""
    flagged: list[Flagged] = []
    notes: list[Note] = []
    for root in (directory, directory.parent):
        base = Folder(root)
        place = root / raspi.INDEX
        if not place.is_file() or place.is_symlink():
            continue
        base.entries[raspi.INDEX] = Entry(name=raspi.INDEX, size=place.stat().st_size, mtime_ns=0)
        index = base.document(raspi.INDEX)
        for name in index.names() if index is not None else ():
            if name not in names:
                base.note(raspi.INDEX, f"it lists {name[:100]}, which has no folder")
        flagged += base.flagged
        notes += base.notes
    return tuple(flagged), tuple(notes)
