"""Keeping the index and the directories in step: at the start what was being changed, behind it everything.

At the start only the sessions are looked at that the index has noted as changing. Behind READY every directory is
compared with the index by the size and time of its documents; what differs is read again, in a pool, and taken over in
the writer thread.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import Future
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct, field

from scanner.errors import DamagedError, ScannerError
from scanner.model import PassName, SessionId
from scanner.states import PassState
from scanner.storage.directory.views import SessionRecord, is_hidden, read_session, signature_at
from scanner.storage.disk.claims import sweep
from scanner.storage.disk.database import connect_reader, full_check, sql_reported, tells_of_database
from scanner.storage.disk.files import reported
from scanner.storage.disk.layout import SessionPaths
from scanner.storage.disk.roll import Roll, is_link
from scanner.storage.disk.room import keep_room
from scanner.storage.disk.threads import Threads
from scanner.storage.keeping.foreign import settle_all, settle_noted
from scanner.storage.keeping.gathering import Gathering
from scanner.storage.keeping.keeper import Keeper
from scanner.storage.keeping.wrappers import tidy_trash

_log: Final = logging.getLogger(__name__)
_BATCH: Final = 250  # sessions read by one thread while another writes as many into the index
_NAMED: Final = 100  # of those read or gone that are named

Report = Callable[[int, int], None]
Signatures = Callable[[str, str | None], Awaitable[list[tuple[SessionId, str]]]]  # ids behind, up to


Scope = Literal["differing", "names", "all"]  # what is read: what differs, unknown names only, everything


class Found(Struct, kw_only=True):
    """What a reconciliation found. ``read`` and ``gone`` are counted; the first of them are named. ``at_work``:
    sessions that are gone while they are worked on here. ``strange``: directories that are no sessions of ours.
    ``finished`` False: it was stopped.
    """

    notices: list[str] = field(default_factory=list)
    read: int = 0
    gone: int = 0
    names_read: list[SessionId] = field(default_factory=list)
    names_gone: list[SessionId] = field(default_factory=list)
    at_work: list[SessionId] = field(default_factory=list)
    strange: frozenset[str] = frozenset()
    finished: bool = False

    def add(self, read: Sequence[SessionId], gone: Sequence[SessionId]) -> None:
        """Count more."""
        self.read += len(read)
        self.gone += len(gone)
        self.names_read += read[: _NAMED - len(self.names_read)]
        self.names_gone += gone[: _NAMED - len(self.names_gone)]


class Desk(Struct, frozen=True, kw_only=True):
    """What a reconciliation works with. ``stopping``: end at the next step."""

    keeper: Keeper
    signatures: Signatures
    threads: Threads
    gathering: Gathering
    stopping: threading.Event


def unfinished_work(record: SessionRecord) -> list[PassName]:
    """Passes on which work was left off without a word."""
    return [found.info.name for found in record.passes if found.info.state is PassState.RUNNING or found.unsettled]


def recover_noted(keeper: Keeper) -> list[str]:
    """Bring into order what was being changed when the daemon last stopped; a sentence for everything found.

    Errors: DamagedError where the index is damaged; the reconciliation of a new one finds the same.
    """
    notices: list[str] = []
    for session_id, name in keeper.index.intents():
        try:
            notices += recover_left(keeper, session_id, (PassName(name),) if name else ())
            keeper.index.done(session_id, name)
        except (ScannerError, OSError) as error:
            if isinstance(error, DamagedError) and tells_of_database(error):
                raise
            notices.append(f"session {session_id} could not be brought into order: {error}")
    return notices


def recover_left(keeper: Keeper, session_id: SessionId, names: Iterable[PassName]) -> list[str]:
    """Bring passes into order that nobody works on any more, in the writer thread; a sentence for everything found."""
    said = settle_noted(keeper.premises, session_id)
    for name in names:
        said += [f"session {session_id}, pass {name}: {text}" for text in keeper.recover_abandoned(session_id, name)]
    keeper.take_in(session_id)
    return said


class Reconciler:
    """One comparison of all directories with the index: thorough, by name only, or all read again."""

    def __init__(self, desk: Desk, scope: Scope = "differing") -> None:
        self._keeper = desk.keeper
        self._signatures = desk.signatures
        self._threads = desk.threads
        self._layout = desk.keeper.premises.layout
        self._stopping = desk.stopping
        self._gathering = desk.gathering
        self._scope = scope
        self._migrating = False
        self._strange: set[str] = set()  # names of directories that are no sessions of ours, by name or by content
        self._links: set[str] = set()  # names of links that are passed over
        self._taking: Future[None] | None = None  # what the writer thread does while the next ones are read
        self._found = Found()

    async def run(self, report: Report) -> Found:
        """Compare, read what differs, forget what is gone. ``report(done, total)`` is told now and then. Errors:
        StorageError.
        """
        await self._threads.writer.run(self._begin)
        roll = await self._settled_roll()
        try:
            await self._walk(roll, report)
            await self._taken()
        finally:
            roll.close()
        if not self._stopping.is_set():
            await self._gather()
            if self._scope != "names":
                await self._threads.writer.run(self._keeper.index.mark_whole)
            self._found.finished = True
        return self._found

    async def _walk(self, roll: Roll, report: Report) -> None:
        done, before = 0, ""
        while not self._stopping.is_set():
            batch = await self._threads.pool.run(partial(roll.page, before, _BATCH))
            done += len(batch)
            last = done >= roll.count or not batch
            await self._compare(batch, before, None if last else batch[-1])
            report(done, roll.count)
            if last:
                return
            before = batch[-1]

    def _begin(self) -> None:
        self._keeper.tidy()
        with reported("the trash could not be tidied", self._layout.data):
            tidy_trash(self._keeper.premises)
        keep_room(self._keeper.premises.files, self._layout)
        self._keeper.touched.clear()

    async def _compare(self, names: Sequence[SessionId], before: str, upto: str | None) -> None:
        known = dict(await self._signatures(before, upto))
        here = set(names)
        gone = [session_id for session_id in known if session_id not in here]
        changed = await self._threads.pool.run(lambda: self._changed(names, known))
        gone += [session_id for session_id in known if session_id in self._strange]
        await self._taken()
        if changed or gone:
            self._taking = self._threads.writer.submit(lambda: self._take_over(changed, gone))

    async def _taken(self) -> None:
        """Wait for the writer thread, which is one step behind."""
        if self._taking is not None:
            taking, self._taking = self._taking, None
            await asyncio.shield(asyncio.wrap_future(taking))

    def _changed(self, names: Sequence[SessionId], known: dict[SessionId, str]) -> list[SessionRecord]:
        records: list[SessionRecord] = []
        sessions = self._layout.sessions
        place = os.fspath(sessions)
        for session_id in names:
            if self._stopping.is_set():
                break
            if self._is_same(f"{place}/{session_id}", known.get(session_id)):
                continue
            paths = SessionPaths(sessions / session_id)
            record = read_session(paths)
            if record is not None:
                records.append(record)
            elif session_id in known and is_hidden(paths):
                self._found.notices.append(f"session {session_id} cannot be looked into; the list tells what was known")
            else:
                self._strange.add(session_id)
                if is_link(paths.root):
                    self._links.add(session_id)
        return records

    def _is_same(self, root: str, signature: str | None) -> bool:
        if signature is None or self._scope == "all":
            return False
        return self._scope == "names" or signature == signature_at(root)

    async def _gather(self) -> None:
        """What is none of ours by name or format."""
        found = await self._gathering.look(self._strange, thorough=self._scope != "names", anew=self._scope == "all")
        self._found.add(found.read, found.gone)
        self._found.notices += found.notices
        self._found.notices += await self._threads.pool.run(lambda: self._gathering.passed_over(self._links))
        self._found.strange = frozenset(self._strange)

    async def _settled_roll(self) -> Roll:
        """All names, read again where finishing what a cut left half done may have changed them. The watch leaves that
        alone: another daemon may be at it.
        """
        roll = await self._threads.pool.run(self._roll)
        if not self._migrating or self._scope == "names":
            return roll
        roll.close()
        self._found.notices += await self._threads.writer.run(self._settle)
        return await self._threads.pool.run(self._roll)

    def _settle(self) -> list[str]:
        """In the writer thread: finish, or take back, migrations that a cut left half done."""
        with reported("a migration that had been cut off could not be finished", self._layout.data):
            return settle_all(self._keeper.premises)

    def _take_over(self, records: list[SessionRecord], gone: list[SessionId]) -> None:
        """In the writer thread: what was changed here meanwhile is in the index already, or is read again here."""
        keeper = self._keeper
        fresh: list[SessionRecord] = []
        for record in records:
            session_id = record.session.id
            left = unfinished_work(record)
            if session_id in keeper.touched or keeper.is_open(session_id):
                if not keeper.index.knows(session_id):
                    keeper.take_in(session_id)
                else:
                    keeper.freshen(session_id)
            elif left and self._scope != "names":  # what was just copied in may still be growing
                self._found.notices += recover_left(keeper, session_id, left)
            else:
                fresh.append(record)
        keeper.index.put(fresh)
        self._found.at_work += [name for name in gone if keeper.is_open(name)]
        vanished = [name for name in gone if name not in keeper.touched and not keeper.is_open(name)]
        keeper.index.remove(vanished)
        self._found.add([record.session.id for record in records], vanished)

    def _roll(self) -> Roll:
        """All names; what cut-off creations and removals left is swept away on the way."""
        with reported("the sessions could not be listed", self._layout.data):
            roll = Roll.read(self._layout.sessions)
            if roll.left_over:
                sweep(self._keeper.premises.files, self._layout.sessions)
        self._migrating, self._strange, self._links = roll.migrating, roll.strange, roll.links
        return roll


def check_index(path: Path, stopping: threading.Event) -> str | None:
    """Read the whole index on a connection of its own; what is wrong with it, or None (also when stopped). Errors:
    StorageError.
    """
    if not path.exists():
        return "its file is gone"
    with sql_reported("the index could not be checked"), closing(connect_reader(path)) as connection:
        return full_check(connection, stopping.is_set)
