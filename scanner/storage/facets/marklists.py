"""Checkpoints of a session, and the newest of very many sessions. Reads only; for several threads at once.

There may be a hundred thousand files of a megabyte each: of all of them no more is read than when they were made, and
only those are decoded that are told. When a checkpoint was made stands in it; the time of its file says nothing of that
(copies, shares with clocks of their own, a clock that was set).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator
from heapq import nlargest
from pathlib import Path
from typing import Final, TypeVar

from scanner.errors import DamagedError
from scanner.model import SessionId
from scanner.records import CheckpointInfo
from scanner.storage.directory.marks import date_mark, mark_info, mark_path, mark_paths
from scanner.storage.disk.layout import SessionPaths
from scanner.storage.journal.documents import read_checkpoint_file

_log: Final = logging.getLogger(__name__)

Found = TypeVar("Found")
_Dated = tuple[str, str, Path]  # when it was made, its name, where it lies


class MarkLists:
    """What cannot be read is said in the log once, and once more when it has changed."""

    def __init__(self) -> None:
        self._said: dict[Path, tuple[int, ...]] = {}

    def of_session(self, paths: SessionPaths) -> tuple[CheckpointInfo, ...]:
        """All that can be read, oldest first."""
        found = [info for path in mark_paths(paths) if (info := self._read(path, _info)) is not None]
        return tuple(sorted(found, key=lambda info: (info.created_at, info.name)))

    def newest(self, places: Collection[SessionPaths], limit: int, name: str | None) -> tuple[CheckpointInfo, ...]:
        """The newest of several sessions, newest first; ``name``: only those that are called so."""
        passed_by: set[_Dated] = set()
        while True:
            dated = (one for one in self._dated(places, name) if one not in passed_by)
            found = {one: self._read(one[2], _info) for one in nlargest(limit, dated)}
            damaged = {one for one, info in found.items() if info is None}
            if not damaged:
                return tuple(info for info in found.values() if info is not None)
            passed_by |= damaged

    def _dated(self, places: Collection[SessionPaths], name: str | None) -> Iterator[_Dated]:
        for paths in places:
            for path in mark_paths(paths) if name is None else (mark_path(paths, name),):
                at = self._read(path, date_mark)
                if at is not None:
                    yield at, path.stem, path

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
