"""Reading a session whose files lie in folders of other names, or in an older format, for the index. Changes nothing.

The readers of older formats are loaded when the first such folder is met: a daemon without old sessions starts sooner.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct, structs

from scanner.errors import NotFoundError
from scanner.model import SessionId
from scanner.storage.directory.older import Older, OlderPass
from scanner.storage.directory.views import FORMAT, SessionRecord, read_session, signature_of
from scanner.storage.disk.layout import MIGRATING, SessionPaths
from scanner.storage.disk.premises import Premises
from scanner.storage.journal.documents import encode
from scanner.storage.journal.lines import encode_line

if TYPE_CHECKING:
    from scanner.storage.formats import Bench, LegacyPass

_DOCUMENT: Final = ".json"
_SIDECAR: Final = "_metadata.json"  # files of this ending are many, and are not looked at one by one


def read_folders(sessions: Path, session_id: SessionId, folders: tuple[str, ...], zone: tzinfo) -> SessionRecord | None:
    """The session that lies in these folders, in the shapes of this product; None where there is none (any more)."""
    paths = tuple(sessions / folder for folder in folders)
    if not paths or not all(path.is_dir() for path in paths):
        return None
    if len(paths) == 1:
        signature = full_signature(FORMAT, zone, paths)
        record = read_session(SessionPaths(paths[0]))
        if record is not None:
            session = structs.replace(record.session, id=session_id)
            return structs.replace(record, session=session, signature=signature, older=Older(folders=folders))
    return _read_legacy(paths, session_id, zone)


def _read_legacy(paths: tuple[Path, ...], session_id: SessionId, zone: tzinfo) -> SessionRecord | None:
    from scanner.storage.formats import Depth, load_legacy  # noqa: PLC0415 - see above

    signature = full_signature("", zone, paths)
    try:
        legacy = load_legacy(paths, zone, session_id=session_id, depth=Depth.LOOK)
    except NotFoundError:
        return None
    older = Older(
        folders=tuple(path.name for path in paths),
        passes=tuple(_kept(part, paths[0].parent) for part in legacy.passes),
    )
    return structs.replace(legacy.record, signature=signature, older=older)


def _kept(part: LegacyPass, sessions: Path) -> OlderPass:
    return OlderPass(
        name=part.document.name,
        document=encode(part.document),
        journal=b"".join(encode_line(line) for line in part.lines),
        files={
            placed.name: os.fsencode(placed.picture.path.relative_to(sessions))
            for placed in part.placed
            if placed.picture.present
        },
    )


def settle_noted(premises: Premises, session_id: SessionId) -> list[str]:
    """Finish, or take back, a migration of this session that a cut left half done; a sentence. In the writer thread.
    Errors: OSError.
    """
    sessions = premises.layout.sessions
    if not is_migrating(sessions, session_id):
        return []
    from scanner.storage.formats import settle  # noqa: PLC0415 - see above

    return settle(bench_of(premises), session_id)


def settle_all(premises: Premises) -> list[str]:
    """As :func:`settle_noted`, for all."""
    from scanner.storage.formats import settle  # noqa: PLC0415 - see above

    return settle(bench_of(premises))


def is_migrating(sessions: Path, session_id: SessionId) -> bool:
    """Whether a migration of this session, or the undoing of one, was begun and not ended."""
    return (sessions / f"{MIGRATING}{session_id}.json").exists()


def bench_of(premises: Premises, check: Callable[[], None] | None = None) -> Bench:
    """What the readers of older formats work with. ``check`` raises where the work is to be given up."""
    from scanner.storage.formats import Bench, go_on  # noqa: PLC0415 - see above

    return Bench(
        files=premises.files,
        sessions=premises.layout.sessions,
        clock=premises.clock,
        token=premises.token,
        check=check or go_on,
    )


def full_signature(kind: str, zone: tzinfo, paths: Sequence[Path]) -> str:
    """Changes with every file of the folders, and with the zone in which their times are read."""
    if kind == FORMAT:
        return signature_of(SessionPaths(paths[0]))
    from scanner.storage.formats import Folder  # noqa: PLC0415 - see above

    return "|".join((str(zone), *(Folder.look(path).signature() for path in paths)))


class Seen(Struct, frozen=True):
    """What some folders looked like, cheap to compare: their directories, in which names come and go, and documents."""

    places: tuple[str, ...]
    stamps: tuple[tuple[int, int] | None, ...]

    @classmethod
    def now(cls, paths: Iterable[Path]) -> Seen:
        """List them."""
        places = tuple(place for path in paths for place in (str(path), *_places(str(path), 1)))
        return cls(places, tuple(_stamp(place) for place in places))

    def is_same(self) -> bool:
        """Whether they look the same; nothing is listed for that."""
        return all(_stamp(place) == stamp for place, stamp in zip(self.places, self.stamps, strict=True))


def _places(directory: str, depth: int) -> Iterator[str]:
    try:
        with os.scandir(directory) as found:
            children = list(found)
    except OSError:
        return
    for child in children:
        if child.is_dir(follow_symlinks=False):
            yield child.path
            if depth:
                yield from _places(child.path, depth - 1)
        elif child.name.endswith(_DOCUMENT) and not child.name.endswith(_SIDECAR):
            yield child.path


def _stamp(place: str) -> tuple[int, int] | None:
    try:
        found = os.lstat(place)
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns
