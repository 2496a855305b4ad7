"""Checkpoints of a session, and the newest of very many sessions. Reads only; for several threads at once.

There may be a hundred thousand files of a megabyte each: of all of them no more is read than when they were made, and
only those are decoded that are told. When a checkpoint was made stands in it; the time of its file says nothing of that
(copies, shares with clocks of their own, a clock that was set).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator
from heapq import nlargest
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from msgspec import Struct

from scanner.errors import DamagedError
from scanner.model import SessionId
from scanner.records import CheckpointInfo
from scanner.storage.directory.marks import date_mark, mark_info, mark_path, mark_paths
from scanner.storage.disk.layout import SessionPaths
from scanner.storage.index.asking import decode_cursor, encode_cursor
from scanner.storage.journal.documents import read_checkpoint_file

_log: Final = logging.getLogger(__name__)

Found = TypeVar("Found")


class CheckpointPage(Struct, frozen=True, kw_only=True):
    """Some checkpoints, the cursor of the next page (None: the last one) and how many there are in all."""

    items: tuple[CheckpointInfo, ...]
    next: str | None
    total: int


class MarkQuery(Struct, frozen=True, kw_only=True):
    """Which checkpoints to list. ``name``: only those that are called so. ``after``: ``next`` of the page before."""

    name: str | None = None
    after: str | None = None
    limit: int = 200


class _Cursor(Struct, frozen=True, array_like=True):
    created_at: str
    name: str
    session_id: str


class _Dated(NamedTuple):
    """A checkpoint in its place in the list."""

    created_at: str
    name: str
    session_id: str
    path: Path

    def is_behind(self, cursor: _Cursor | None) -> bool:
        """Whether it comes later in the list."""
        return cursor is None or self[:3] < (cursor.created_at, cursor.name, cursor.session_id)


class _Counted:
    """Counts what it hands on."""

    def __init__(self, dated: Iterable[_Dated]) -> None:
        self._dated = dated
        self.count = 0

    def __iter__(self) -> Iterator[_Dated]:
        for one in self._dated:
            self.count += 1
            yield one


class MarkLists:
    """What cannot be read is said in the log once, and once more when it has changed."""

    def __init__(self) -> None:
        self._said: dict[Path, tuple[int, ...]] = {}

    def of_session(self, paths: SessionPaths) -> tuple[CheckpointInfo, ...]:
        """All that can be read, oldest first."""
        found = [info for path in mark_paths(paths) if (info := self._read(path, _info)) is not None]
        return tuple(sorted(found, key=lambda info: (info.created_at, info.name)))

    def newest(self, places: Collection[SessionPaths], query: MarkQuery) -> CheckpointPage:
        """A page of the checkpoints of several sessions, newest first. Those of other pages that turn out to be damaged
        are counted. Errors: InvalidError for a cursor that is none.
        """
        cursor = None if query.after is None else decode_cursor(query.after, _Cursor)
        passed_by: set[_Dated] = set()
        while True:
            dated = _Counted(one for one in self._dated(places, query.name) if one not in passed_by)
            chosen = nlargest(query.limit + 1, (one for one in dated if one.is_behind(cursor)))
            found = {one: self._read(one.path, _info) for one in chosen[: query.limit]}
            damaged = {one for one, info in found.items() if info is None}
            if not damaged:
                items = tuple(info for info in found.values() if info is not None)
                more = encode_cursor(_Cursor(*chosen[query.limit - 1][:3])) if len(chosen) > query.limit else None
                return CheckpointPage(items=items, next=more, total=dated.count)
            passed_by |= damaged

    def _dated(self, places: Collection[SessionPaths], name: str | None) -> Iterator[_Dated]:
        for paths in places:
            for path in mark_paths(paths) if name is None else (mark_path(paths, name),):
                at = self._read(path, date_mark)
                if at is not None:
                    yield _Dated(at, path.stem, paths.root.name, path)

    def _read(self, path: Path, read: Callable[[Path], Found]) -> Found | None:
        try:
            return read(path)
        except FileNotFoundError:
            return None
        except (DamagedError, OSError) as error:
            if self._is_news(path):
                session = path.parents[2].name
                _log.warning("checkpoint %s cannot be read: %s", path.stem, error, extra={"session": session})
            return None

    def _is_news(self, path: Path) -> bool:
        try:
            found = path.stat()
        except OSError:
            stamp: tuple[int, ...] = ()
        else:
            stamp = (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
        known = self._said.get(path)
        self._said[path] = stamp
        return known != stamp


def _info(path: Path) -> CheckpointInfo:
    return mark_info(SessionId(path.parents[2].name), read_checkpoint_file(path))
