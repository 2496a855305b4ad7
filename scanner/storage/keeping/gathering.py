"""Keeping the index in step with what lies among the sessions and is none of ours by name or format.

With 100,000 sessions of this product and none of these, nothing of this costs anything: only names that cannot be ours,
directories that turned out not to be, and folders that the index knows already are looked at. The readers of older
formats are loaded when the first such folder is met.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scanner.model import SessionId
from scanner.records import MergeQuestion
from scanner.storage.directory.older import KnownOlder
from scanner.storage.directory.views import FORMAT, SessionRecord, is_hidden, read_session
from scanner.storage.disk.layout import SessionPaths
from scanner.storage.disk.roll import is_alias
from scanner.storage.disk.threads import Threads
from scanner.storage.keeping.foreign import Seen, full_signature, read_folders
from scanner.storage.keeping.keeper import Keeper

if TYPE_CHECKING:
    from scanner.storage.formats import Group, Survey


_AT_ONCE: Final = 50  # known sessions whose folders one look compares


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What a look found: sessions that were read, sessions that are gone, and sentences for people."""

    read: tuple[SessionId, ...] = ()
    gone: tuple[SessionId, ...] = ()
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Differences:
    read: tuple[Group, ...]
    gone: tuple[KnownOlder, ...]
    notices: tuple[str, ...]


class Gathering:
    """One for each daemon: it remembers what it has seen and said. ``stopping``: end at the next step."""

    def __init__(self, keeper: Keeper, threads: Threads, stopping: threading.Event) -> None:
        self._keeper = keeper
        self._sessions = keeper.premises.layout.sessions
        self._timezone = keeper.premises.timezone
        self._threads = threads
        self._stopping = stopping
        self._seen: dict[SessionId, Seen] = {}
        self._foreign: dict[str, Seen] = {}  # directories that hold no session
        self._links: set[str] = set()  # links that were told to be passed over
        self._next = 0  # of the known ones, to be looked at in turn
        self._said: set[str] = set()
        self.questions: tuple[MergeQuestion, ...] = ()

    async def look(self, names: Collection[str] = (), *, thorough: bool = False, anew: bool = False) -> Gathered:
        """Compare the folders of these names, and all that the index knows, with the index, and bring it in step.

        Not ``thorough``: known folders only as far as a few times tell of a change. ``anew``: read all of them again.
        Errors: StorageError.
        """
        known = await self._threads.writer.run(self._keeper.index.older)
        if not names and not known and not self._foreign:
            self.questions = ()
            return Gathered()
        if anew:
            known = [replace(one, signature="") for one in known]
            self._seen.clear()
        found = await self._threads.pool.run(lambda: self._compare(names, known, thorough=thorough or anew))
        if found is None:
            return Gathered()
        read: list[SessionId] = []
        for group in found.read:
            if self._stopping.is_set():
                break
            record = await self._threads.pool.run(partial(self._read, group))
            if record is not None and await self._threads.writer.run(partial(self._take_over, record)):
                read.append(group.id)
        gone = await self._threads.writer.run(lambda: self._forget(found.gone))
        return Gathered(read=tuple(read), gone=gone, notices=found.notices)

    def passed_over(self, links: Collection[str]) -> list[str]:
        """What is to be said of links to directories that are passed over, once each. In the pool."""
        new = set(links) - self._links
        fresh = {name for name in new if os.path.isdir(self._sessions / name)}  # noqa: PTH112 - Path's raises for some
        self._links = (self._links & set(links)) | fresh
        return [_link(self._sessions / name) for name in sorted(fresh)]

    def _compare(self, names: Collection[str], known: Sequence[KnownOlder], *, thorough: bool) -> _Differences | None:
        """In the pool; None where nothing differs."""
        folders = {folder for one in known for folder in one.folders}
        fresh = set(names) - folders - self._foreign.keys()
        some = known if names else self._some(known)
        if not (fresh or thorough or self._is_restless() or any(self._differs(one) for one in some)):
            return None
        from scanner.storage.formats import survey  # noqa: PLC0415 - where there are no old sessions it is never needed

        found = survey(self._sessions, {*names, *self._foreign, *folders})
        self.questions = tuple(_questions(found))
        before = {one.id: one for one in known}
        return _Differences(
            read=tuple(group for group in found.groups if not self._is_same(group, before.get(group.id))),
            gone=tuple(one for one in known if one.id not in {group.id for group in found.groups}),
            notices=tuple(self._notices(found, thorough=thorough)),
        )

    def _some(self, known: Sequence[KnownOlder]) -> Sequence[KnownOlder]:
        """A few of the known ones, in turn."""
        begin, self._next = self._next, self._next + _AT_ONCE if self._next + _AT_ONCE < len(known) else 0
        return known[begin : begin + _AT_ONCE]

    def _is_restless(self) -> bool:
        """Whether a directory that holds no session has changed, or was seen only once."""
        settled = all(seen.is_same() for seen in self._foreign.values())
        return not settled or not self._foreign.keys() <= self._said

    def _differs(self, known: KnownOlder) -> bool:
        """Whether something has changed, or cannot be said not to have: a folder counts as settled when two looks in a
        row found the same.
        """
        if known.format == FORMAT:
            return full_signature(FORMAT, self._timezone(), self._paths(known.folders)) != known.signature
        before = self._seen.get(known.id)
        if before is not None and before.is_same():
            return False
        seen = Seen.now(self._paths(known.folders))
        if full_signature(known.format, self._timezone(), self._paths(known.folders)) != known.signature:
            return True
        self._seen[known.id] = seen
        return False

    def _is_same(self, group: Group, known: KnownOlder | None) -> bool:
        folders = tuple(path.name for path in group.paths)
        if known is None or (known.folders, known.format) != (folders, group.format):
            return False
        return not self._differs(known)

    def _notices(self, found: Survey, *, thorough: bool) -> Iterator[str]:
        """Directories that are no sessions, once each: those that are just being copied in may become some."""
        before, self._foreign = self._foreign, {path.name: Seen.now((path,)) for path in found.foreign}
        self._said &= self._foreign.keys()
        for name, seen in self._foreign.items():
            if name not in self._said and (thorough or before.get(name) == seen):
                self._said.add(name)
                yield f"{name!r} among the sessions {_why(self._sessions / name)}; it is left alone"

    def _read(self, group: Group) -> SessionRecord | None:
        self._seen.pop(group.id, None)
        return read_folders(self._sessions, group.id, tuple(path.name for path in group.paths), self._timezone())

    def _paths(self, folders: Iterable[str]) -> tuple[Path, ...]:
        return tuple(self._sessions / folder for folder in folders)

    def _take_over(self, record: SessionRecord) -> bool:
        """In the writer thread: unless it was migrated meanwhile."""
        older = record.older
        there = older is not None and all((self._sessions / folder).is_dir() for folder in older.folders)
        if not there or read_session(SessionPaths(self._sessions / record.session.id)) is not None:
            return False
        self._keeper.index.put([record])
        return True

    def _forget(self, gone: Sequence[KnownOlder]) -> tuple[SessionId, ...]:
        """In the writer thread: unless something else took its place meanwhile."""
        now = {one.id: one.folders for one in self._keeper.index.older()} if gone else {}
        vanished = [one.id for one in gone if now.get(one.id) == one.folders]
        if vanished:
            self._keeper.index.remove(vanished)
        return tuple(vanished)


def _link(path: Path) -> str:
    cure = "move the folder itself here, or copy it with 'scanner import'"
    if is_alias(path):
        cure = "it leads to what lies here itself; remove the link"
    return f"{path.name!r} among the sessions is a link to {os.path.realpath(path)!r} and is passed over: {cure}"


def _why(path: Path) -> str:
    """What is wrong with a directory that holds no session as far as can be seen."""
    if is_hidden(SessionPaths(path)):
        return "cannot be looked into: check its owner and mode, and the disk"
    return "is no session"


def _questions(found: Survey) -> Iterator[MergeQuestion]:
    ids = {path: group.id for group in found.groups for path in group.paths}
    for question in found.questions:
        yield MergeQuestion(first=ids[question.first], second=ids[question.second], text=question.text)
