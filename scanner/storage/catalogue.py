"""The index as the event loop sees it: asking it, checking it, making it whole again."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from scanner.errors import DamagedError
from scanner.storage.database import connect_reader, sql_reported, tells_of_database
from scanner.storage.keeper import Keeper
from scanner.storage.layout import Layout
from scanner.storage.queries import Queries
from scanner.storage.threads import Operations, Threads
from scanner.storage.upkeep import Reconciler, Report, check_index

_log: Final = logging.getLogger(__name__)

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """What the parts of the manager share."""

    layout: Layout
    threads: Threads
    operations: Operations
    keeper: Keeper


class Catalogue:
    """Keeps the reading connection, and replaces the index under it when it turns out to be damaged."""

    def __init__(self, workplace: Workplace, queries: Queries, *, whole: bool) -> None:
        self._place = workplace
        self._queries = queries
        self._whole = whole
        self._broken = False
        self._stopping = threading.Event()
        self._reconciliation: asyncio.Task[None] | None = None
        self.notices: tuple[str, ...] = ()

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

    async def ensure_whole(self) -> None:
        """Return when every session is in the index. Errors: StorageError."""
        if not self._whole:
            await self.reconcile()

    async def reconcile(self, report: Report | None = None) -> None:
        """Check and compare everything; who comes while it runs waits for the same. Errors: StorageError."""
        if self._reconciliation is None or self._reconciliation.done():
            self._reconciliation = self._place.operations.start(self._reconcile(report or _silent))
        await asyncio.shield(self._reconciliation)

    def stop(self) -> None:
        """Let a running reconciliation end at its next step."""
        self._stopping.set()

    async def close(self) -> None:
        """Let the reading connection go; idempotent."""
        await self._place.threads.reader.run(self._queries.close)

    async def _reconcile(self, report: Report) -> None:
        place = self._place
        broken = self._broken
        fault = (
            None if broken else await place.threads.pool.run(lambda: check_index(place.layout.index, self._stopping))
        )
        if broken or fault is not None:
            await self._renew(fault)
        reconciler = Reconciler(
            keeper=place.keeper,
            signatures=lambda after, upto: place.threads.reader.run(lambda: self._queries.signatures(after, upto)),
            threads=place.threads,
            layout=place.layout,
            stopping=self._stopping,
        )
        found = await reconciler.run(report)
        if found.read or found.gone:
            _log.info("the index is up to date: %d sessions read, %d are gone", found.read, found.gone)
        self._whole = self._whole or found.finished
        for notice in found.notices:
            _log.warning("%s", notice)
        self.notices += found.notices

    async def _renew(self, fault: str | None) -> None:
        if fault is not None:
            _log.warning("the index is damaged (%s); it is renamed and made anew", fault)
        self._whole = False
        self.notices += ("the index was damaged; it was renamed and made anew from the session directories",)
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
