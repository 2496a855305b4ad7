"""What operations on whole sessions share: doing them wholly, one at a time for each session, and saying so afterwards.

Every such operation is a log line, an entry in the audit and an event, in that order, after it is durable.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Any, Final, Protocol, TypeVar

from msgspec import Struct

from scanner.clock import Clock
from scanner.errors import ClockError, SessionBusyError, StorageError
from scanner.events import Event
from scanner.model import SessionId
from scanner.storage.directory.older import KnownOlder
from scanner.storage.disk.files import reported
from scanner.storage.disk.layout import Layout, SessionPaths
from scanner.storage.facets.editlock import Release, take_edit_lock
from scanner.storage.keeping.catalogue import Catalogue, Workplace
from scanner.storage.keeping.keeper import Keeper

_log: Final = logging.getLogger(__name__)
_TRIES: Final = 20
_BETWEEN: Final = 0.1  # seconds between two tries to get hold of a session

Answer = TypeVar("Answer")


class Auditor(Protocol):
    """Keeps who did what."""

    async def record(self, who: str, what: str, *, session_id: SessionId | None = None, detail: str = "") -> None:
        """Add an entry. Errors: StorageError."""


class Deed(Struct, frozen=True):
    """Who did what to which session."""

    who: str
    what: str
    session_id: SessionId | None
    detail: str


class Workshop(Struct, frozen=True, kw_only=True):
    """``ensure_current`` brings a session of an older format up to date, ``reserved`` keeps it from being migrated;
    ``synchronised`` tells whether the wall clock can be believed.
    """

    place: Workplace
    catalogue: Catalogue
    audit: Auditor
    ensure_current: Callable[[SessionId], Awaitable[None]]
    reserved: Callable[[SessionId], AbstractContextManager[None]]
    synchronised: Callable[[], bool]

    @property
    def keeper(self) -> Keeper:
        """The writer thread's side."""
        return self.place.keeper

    @property
    def layout(self) -> Layout:
        """The places of the data directory."""
        return self.place.layout

    @property
    def clock(self) -> Clock:
        """The world's."""
        return self.keeper.premises.clock

    def paths(self, session_id: SessionId) -> SessionPaths:
        """The places of a session. Errors: SessionNotFoundError where the id cannot be one."""
        return self.layout.session(session_id)

    async def whole(self, work: Callable[[], Coroutine[Any, Any, Answer]]) -> Answer:
        """Do ``work`` to its end whatever becomes of the caller; again where the index turns out to be damaged."""
        return await self.catalogue.through(lambda: self.place.operations.run(work()))

    async def writing(self, what: str, work: Callable[[], Answer]) -> Answer:
        """A step in the writer thread; ``what`` begins the message of its StorageError: ``the title could not be
        written``.
        """
        return await self.place.threads.writer.run(lambda: self._step(what, work))

    async def reading(self, what: str, work: Callable[[], Answer]) -> Answer:
        """The same beside the writer thread, for what changes nothing."""
        return await self.place.threads.pool.run(lambda: self._step(what, work))

    def _step(self, what: str, work: Callable[[], Answer]) -> Answer:
        with reported(what, self.layout.data):
            return work()

    async def older(self) -> tuple[KnownOlder, ...]:
        """All sessions of older formats. Errors: StorageError."""
        return await self.catalogue.ask(lambda queries: queries.all_older())

    @asynccontextmanager
    async def editing(self, session_id: SessionId) -> AsyncIterator[None]:
        """Have the session to oneself, against all who change it as a whole.

        Errors: SessionNotFoundError, SessionBusyError after a short wait, StorageError.
        """
        release = await self._edit_lock(session_id)
        try:
            yield
        finally:
            await self.place.threads.writer.run(release)

    async def change(self, session_id: SessionId, work: Callable[[], Answer]) -> Answer:
        """Do ``work`` in the writer thread, wholly, with the session to oneself. Errors: as :meth:`editing`, and those
        of ``work``.
        """

        async def alone() -> Answer:
            async with self.editing(session_id):
                return await self.place.threads.writer.run(work)

        return await self.whole(alone)

    async def _edit_lock(self, session_id: SessionId) -> Release:
        what = f"session {session_id} could not be locked"
        for attempt in range(_TRIES):
            if attempt:
                await self.clock.sleep(_BETWEEN)
            release = await self.writing(what, lambda: take_edit_lock(self.keeper, session_id))
            if release is not None:
                return release
        message = f"session {session_id} is being changed by somebody else at the moment; try again"
        raise SessionBusyError(message)

    def require_clock(self) -> None:
        """Refuse to judge by age. Errors: ClockError."""
        if not self.synchronised():
            message = "the clock is not synchronised, so nothing is judged by its age; connect the machine to a network"
            raise ClockError(message)

    async def conclude(self, deed: Deed, *events: Event) -> None:
        """Say what was done. What cannot be entered in the audit is said in the log: the deed itself is done."""
        fields = {"session": deed.session_id, "origin": deed.who}
        _log.info("%s: %s", deed.what, deed.detail, extra=fields)
        try:
            await self.audit.record(deed.who, deed.what, session_id=deed.session_id, detail=deed.detail)
        except StorageError as error:
            _log.warning("%s could not be entered in the audit: %s", deed.what, error.message, extra=fields)
        for event in events:
            self.place.tell(event)
