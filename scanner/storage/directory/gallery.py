"""The photos of the sessions that were looked at last, from their journals. Lives in the reader thread.

There are no rows of photos: a journal of 10,000 lines is read in a fraction of a second, once, and of one that has only
grown since, only what it gained. What is kept is bounded by sessions and by photos.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scanner.model import PassName, Photo, PhotoName, SessionId
from scanner.storage.directory.views import pass_names, read_journal
from scanner.storage.disk.layout import PassPaths, SessionPaths
from scanner.storage.journal.lines import AnyLine, decode_line
from scanner.storage.journal.progress import Fold
from scanner.storage.locks.lockfile import journal_paths

_SESSIONS: Final = 8  # kept at most
_PHOTOS: Final = 12_000  # kept at most, but for those of the session looked at last

Stamp = tuple[str, int, int, int]  # name, inode, size, time of the last change


@dataclass(slots=True, kw_only=True)
class _Followed:
    """A pass as far as its journals were read. ``length``: bytes read of the newest; None where that is not sound."""

    stamps: list[Stamp]
    length: int | None
    lines: int
    fold: Fold


class Gallery:
    """Answers what photos a session has."""

    def __init__(self) -> None:
        self._kept: OrderedDict[SessionId, dict[PassName, _Followed]] = OrderedDict()

    def photos(self, paths: SessionPaths, name: PassName | None) -> tuple[Photo, ...]:
        """The current photos of a session or of one pass, by name; empty where there are none."""
        passes = self._look(paths)
        chosen = passes if name is None else {name: passes[name]} if name in passes else {}
        found = (photo for followed in chosen.values() for photo in followed.fold.saved.values())
        return tuple(sorted(found, key=lambda photo: photo.name))

    def photo(self, paths: SessionPaths, name: PhotoName) -> Photo | None:
        """A current photo, or None."""
        for followed in self._look(paths).values():
            photo = followed.fold.photos.get(name)
            if photo is not None and followed.fold.saved.get(photo.shot) is photo:
                return photo
        return None

    def _look(self, paths: SessionPaths) -> Mapping[PassName, _Followed]:
        session_id = SessionId(paths.root.name)
        before = self._kept.pop(session_id, {})
        now = {name: _follow(paths.pass_(name), before.get(name)) for name in pass_names(paths)}
        if now:
            self._kept[session_id] = now
            self._forget()
        return now

    def _forget(self) -> None:
        while len(self._kept) > _SESSIONS or (len(self._kept) > 1 and sum(self._sizes()) > _PHOTOS):
            self._kept.popitem(last=False)

    def _sizes(self) -> Iterator[int]:
        return (len(followed.fold.photos) for passes in self._kept.values() for followed in passes.values())


def _follow(paths: PassPaths, before: _Followed | None) -> _Followed:
    journals = journal_paths(paths.metadata)
    stamps = [_stamp(path) for path in journals]
    if before is not None and before.stamps == stamps:
        return before
    if before is not None and _grown(before.stamps, stamps) and _go_on(before, journals[-1], stamps):
        return before
    text = read_journal(paths)
    fold = Fold(paths.name)
    for line in text.lines:
        fold.apply(line)
    return _Followed(stamps=stamps, length=text.length if text.sound else None, lines=len(text.lines), fold=fold)


def _stamp(path: Path) -> Stamp:
    try:
        found = path.stat()
    except OSError:
        return path.name, 0, 0, 0
    return path.name, found.st_ino, found.st_size, found.st_mtime_ns


def _grown(before: list[Stamp], now: list[Stamp]) -> bool:
    """Whether nothing is different but that the newest journal may have become longer."""
    (_, file, size, _), (_, same, longer, _) = before[-1], now[-1]
    return before[:-1] == now[:-1] and len(before) == len(now) and file == same and size < longer


def _go_on(followed: _Followed, path: Path, stamps: list[Stamp]) -> bool:
    """Read what a journal gained; False where it must be read anew."""
    if followed.length is None:
        return False
    try:
        with path.open("rb") as file:
            file.seek(followed.length)
            gained, _, torn = file.read().rpartition(b"\n")
        lines = [decode_line(raw) for raw in gained.split(b"\n")] if gained else []
    except (OSError, ValueError):
        return False
    if torn or not _in_order(lines, followed.lines):
        return False
    for line in lines:
        followed.fold.apply(line)
    followed.length += len(gained) + 1 if gained else 0
    followed.lines += len(lines)
    followed.stamps = stamps
    return True


def _in_order(lines: list[AnyLine], before: int) -> bool:
    return [line.seq for line in lines] == list(range(before + 1, before + 1 + len(lines)))
