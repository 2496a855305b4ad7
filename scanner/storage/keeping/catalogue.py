"""The index as the event loop sees it: asking it, checking it, making it whole again."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Collection, Sequence
from functools import partial
from typing import Final, TypeVar

from msgspec import Struct

from scanner.errors import ConflictError, DamagedError
from scanner.events import Event, SessionChanged, SessionDeleted, WarningRaised
from scanner.model import SessionId
from scanner.storage.directory.glance import agree
from scanner.storage.directory.views import signature_of
from scanner.storage.disk.database import connect_reader, sql_reported, tells_of_database
from scanner.storage.disk.layout import Layout
from scanner.storage.disk.threads import Operations, Threads
from scanner.storage.index.queries import Queries
from scanner.storage.keeping.gathering import Gathering
from scanner.storage.keeping.keeper import Keeper
from scanner.storage.keeping.upkeep import Desk, Found, Reconciler, Report, Scope, check_index

_log: Final = logging.getLogger(__name__)
_TOLD: Final = 20  # sentences told at once
_KEPT: Final = 500  # sentences kept for those who ask later
_AT_ONCE: Final = 25  # sessions looked at before somebody else may ask the index

Answer = TypeVar("Answer")


def nobody(_event: Event) -> None:
    """Who is told of events where nobody wants to know."""


class Workplace(Struct, frozen=True, kw_only=True):
    """What the parts of the manager share. ``tell`` announces an event; on the loop, after it is durable."""

    layout: Layout
    threads: Threads
    operations: Operations
    keeper: Keeper
    tell: Callable[[Event], object] = nobody


class Catalogue:
    """Keeps the reading connection, and replaces the index under it when it turns out to be damaged."""

    def __init__(self, workplace: Workplace, queries: Queries, *, whole: bool) -> None:
        self._place = workplace
        self._queries = queries
        self._whole = whole
        self._broken = False
        self._stopping = threading.Event()
        self._rereading = threading.Event()
        self._reconciliation: asyncio.Task[Found] | None = None
        self._scope: Scope = "differing"  # of the reconciliation that runs, or ran last
        self.doubtful = False  # under a name that was known there lies, perhaps, something else: compare them
        self.notices: tuple[str, ...] = ()
        self.gathering = Gathering(workplace.keeper, workplace.threads, self._stopping)

    async def ask(self, question: Callable[[Queries], Answer]) -> Answer:
        """Ask the index. Errors: StorageError."""
        return await self.through(lambda: self._place.threads.reader.run(lambda: question(self._queries)))

    async def through(self, work: Callable[[], Awaitable[Answer]]) -> Answer:
        """Do what needs the index; where that turns out to be damaged, it is made anew and the work begun again.

        Errors: StorageError, and what ``work`` raises.
        """
        if not self._broken:
            try:
                return await work()
            except DamagedError as error:
                if not tells_of_database(error):
                    raise
                _log.warning("the index is made anew: %s", error.message)
                self._broken = True
        await self.reconcile()
        return await work()

    async def change(self, work: Callable[[], Answer]) -> Answer:
        """Do ``work`` in the writer thread, wholly or not at all. Errors: as :meth:`through`."""
        place = self._place
        return await self.through(lambda: place.operations.run(place.threads.writer.run(work)))

    async def ensure_whole(self) -> None:
        """Return when every session is in the index. Errors: StorageError."""
        if not self._whole:
            await self.reconcile()

    async def reconcile(self, report: Report | None = None) -> None:
        """Check and compare everything; who comes while it runs waits for the same. Errors: StorageError."""
        running = self._reconciliation
        if running is None or running.done() or self._scope != "differing":
            running = await self._begin("differing", report or _silent, self._stopping)
        await asyncio.shield(running)

    async def reread(self, report: Report | None = None) -> None:
        """Read every session again; cancelled, it stops at its next step. Errors: StorageError."""
        stopping = self._rereading = threading.Event()
        running = await self._begin("all", report or _silent, stopping)
        try:
            await asyncio.shield(running)
        except asyncio.CancelledError:
            stopping.set()
            raise

    async def compare_names(self) -> Found:
        """Read the sessions that are new, forget those that are gone; what was found is told. Errors: StorageError."""
        self.doubtful = False
        return await asyncio.shield(await self._begin("names", _silent, self._stopping))

    async def gather(self) -> None:
        """Look at what is none of ours by name or format; what was found is told. Errors: StorageError."""
        gathered, found = await self.gathering.look(), Found()
        found.add(gathered.read, gathered.gone)
        self._say(gathered.notices)
        self._tell(found)

    async def refresh(self, *session_ids: SessionId) -> list[SessionId]:
        """Read those of the sessions again that are not as the index knows them, and tell; which. Errors:
        StorageError.
        """
        differing: list[SessionId] = []
        for begin in range(0, len(session_ids), _AT_ONCE):
            some = session_ids[begin : begin + _AT_ONCE]
            differing += await self.ask(partial(self._differing, some))
        return [session_id for session_id in differing if await self._freshen(session_id)]

    def _differing(self, session_ids: Collection[SessionId], queries: Queries) -> list[SessionId]:
        """In the reader thread."""
        keeper, layout = self._place.keeper, self._place.layout
        known = {session_id: queries.signature(session_id) for session_id in session_ids}
        return [
            session_id
            for session_id, signature in known.items()
            if signature is not None
            and not agree(signature, signature_of(layout.session(session_id)), keeper.own(session_id))
        ]

    async def _freshen(self, session_id: SessionId) -> bool:
        before = await self.ask(lambda queries: queries.session(session_id))
        if not await self.change(lambda: self._place.keeper.freshen(session_id)):
            return False
        after = await self.ask(lambda queries: queries.session(session_id))
        if after is None:
            self.doubtful = True
            self._place.tell(SessionDeleted(session_id=session_id))
            if await self._place.threads.pool.run(self._place.layout.session(session_id).root.is_dir):
                self._say((f"the directory of session {session_id} was replaced: what is there now is looked at anew",))
            return True
        self._place.tell(SessionChanged(session_id=session_id))
        if before is not None and before.created_at != after.created_at and before.created_at and after.created_at:
            self._say((f"the directory of session {session_id} was replaced: it holds another session now",))
        return True

    async def _begin(self, scope: Scope, report: Report, stopping: threading.Event) -> asyncio.Task[Found]:
        """One after the other."""
        while self._reconciliation is not None and not self._reconciliation.done():
            await asyncio.wait([self._reconciliation])
        self._scope = scope
        self._reconciliation = self._place.operations.start(self._reconcile(scope, report, stopping))
        return self._reconciliation

    def require_time(self) -> None:
        """Between two files of long work, in any thread. Errors: ConflictError once the daemon stops."""
        if self._stopping.is_set():
            message = "the daemon is being stopped; nothing was changed, do it again when it runs"
            raise ConflictError(message)

    def stop(self) -> None:
        """Let a running reconciliation end at its next step."""
        self._stopping.set()
        self._rereading.set()

    async def close(self) -> None:
        """Let the reading connection go; idempotent."""
        await self._place.threads.reader.run(self._queries.close)

    async def _reconcile(self, scope: Scope, report: Report, stopping: threading.Event) -> Found:
        place, whole = self._place, self._whole
        fault = None
        if scope != "names" and not self._broken:
            fault = await place.threads.pool.run(lambda: check_index(place.layout.index, stopping))
        if self._broken or fault is not None:
            await self._renew(fault)
        try:
            found = await self._compare(scope, report, stopping)
        except DamagedError as error:
            if not tells_of_database(error):
                raise
            await self._renew(error.message)
            found = await self._compare("differing", report, stopping)
        if found.read or found.gone:
            _log.info("the index is up to date: %d sessions read, %d are gone", found.read, found.gone)
        self._whole = self._whole or (found.finished and scope != "names")
        self._say(found.notices)
        if whole:
            self._tell(found)
        return found

    async def _compare(self, scope: Scope, report: Report, stopping: threading.Event) -> Found:
        place = self._place
        desk = Desk(
            keeper=place.keeper,
            signatures=lambda after, upto: place.threads.reader.run(lambda: self._queries.signatures(after, upto)),
            threads=place.threads,
            gathering=self.gathering,
            stopping=stopping,
        )
        return await Reconciler(desk, scope).run(report)

    def _say(self, notices: Sequence[str]) -> None:
        """In the log, and to those who look: the first now, the last when they ask what was noticed."""
        for notice in notices:
            _log.warning("%s", notice)
        for notice in notices[:_TOLD]:
            self._place.tell(WarningRaised(message=notice))
        self.notices = (*self.notices, *notices)[-_KEPT:]

    def _tell(self, found: Found) -> None:
        """The first of what was found; more than that is seen in the list."""
        for session_id in found.names_read:
            self._place.tell(SessionChanged(session_id=session_id))
        for session_id in found.names_gone:
            self._place.tell(SessionDeleted(session_id=session_id))

    async def _renew(self, fault: str | None) -> None:
        self._whole = False
        why = "" if fault is None else f" ({fault})"
        self._say((f"the index was damaged{why}; it was renamed and made anew from the session directories",))
        await self.close()
        try:
            await self._place.threads.writer.run(self._place.keeper.renew_index)
        finally:
            self._queries = await self._place.threads.reader.run(lambda: open_queries(self._place.layout))
        self._broken = False


def open_queries(layout: Layout) -> Queries:
    """The reading connection; in the reader thread. Errors: StorageError."""
    with sql_reported("the index could not be opened"):
        return Queries(connect_reader(layout.index))


def _silent(_done: int, _total: int) -> None:
    """Nobody wants to know."""
