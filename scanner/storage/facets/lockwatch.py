"""``storage.locks``: who works on which pass, here and elsewhere; the heartbeats of our own; taking by force.

Lives on the loop. Our own heartbeats have a loop and a thread of their own: whatever takes long, a copy, a recovery, a
look at others, does not silence them. With no pass open here and none held elsewhere a round, once in ``beat`` seconds,
is one question to the index and a ``stat`` for each of its newest unfinished passes.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, Literal

from msgspec import structs

from scanner.clock import Clock
from scanner.errors import LockLostError, SessionBusyError, StorageError
from scanner.events import LockChanged, SessionChanged
from scanner.model import PassName, SessionId
from scanner.records import LockInfo, Session
from scanner.states import PassState
from scanner.storage.facets.forcing import force_release
from scanner.storage.index.audit import AuditLog
from scanner.storage.keeping.catalogue import Catalogue, Workplace
from scanner.storage.locks.locking import Work
from scanner.storage.locks.lockscan import Key, LockScan
from scanner.storage.locks.observer import KEPT
from scanner.storage.work.writer import PassWriter

_log: Final = logging.getLogger(__name__)

LIMIT: Final = 200  # unfinished passes that are looked at, the newest, beside those that run as journals tell
State = Literal["alive", "stale", "gone", "free", "forced"]
_SAID: Final = {
    "alive": "{origin} works on it on {host}",
    "stale": "{origin} on {host} gives no sign of life",
    "gone": "the process of {origin} on {host} has ended",
}


@dataclass(slots=True)
class _Own:
    """A pass that is open here. ``moments``: when it was opened and its heartbeat raised, newest last."""

    writer: PassWriter
    moments: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT))


class Locks:
    """The facet. ``beat``: seconds between two rounds of :meth:`watch`."""

    def __init__(self, place: Workplace, catalogue: Catalogue, audit: AuditLog, clock: Clock) -> None:
        self._place = place
        self._catalogue = catalogue
        self._audit = audit
        self._clock = clock
        self._beat = place.keeper.premises.sharing.beat
        self._scan = LockScan(place.keeper.locker, clock)
        self._own: dict[Key, _Own] = {}
        self._foreign: dict[Key, LockInfo] = {}
        self._troubled: set[str] = set()  # what failed the last time, and was said

    # ---- what is known -------------------------------------------------------------------------------------------

    async def active(self) -> tuple[LockInfo, ...]:
        """Every lock that somebody holds, or held until he was gone, as it is now. Errors: StorageError."""
        await self._look_all()
        own = [info for key in self._own if (info := self._info(key)) is not None]
        return tuple(
            sorted((*own, *self._foreign.values()), key=lambda info: (info.since, info.session_id, info.pass_))
        )

    async def filled(self, sessions: Iterable[Session]) -> tuple[Session, ...]:
        """The sessions with the locks of their passes. What runs, or was held, but not here, is looked at now."""
        given = tuple(sessions)
        keys = [
            (session.id, info.name)
            for session in given
            for info in session.passes
            if self._is_foreign(key := (session.id, info.name))
            and (info.state is PassState.RUNNING or key in self._foreign)
        ]
        if keys:
            await self._look(keys)
        if not self._own and not self._foreign:
            return given
        return tuple(self._with_locks(session) for session in given)

    # ---- what happens --------------------------------------------------------------------------------------------

    def opened(self, writer: PassWriter) -> None:
        """A pass was locked and opened here."""
        key = (writer.session_id, writer.name)
        own = self._own[key] = _Own(writer)
        own.moments.append(self._clock.monotonic())
        self._foreign.pop(key, None)
        self._tell(key, "alive", writer.record.host, writer.record.origin)

    def closed(self, writer: PassWriter) -> None:
        """A pass that was open here is no longer."""
        key = (writer.session_id, writer.name)
        own = self._own.get(key)
        if own is None or own.writer is not writer:
            return
        del self._own[key]
        if writer.lost is None:
            self._tell(key, "free", writer.record.host, writer.record.origin, "nobody works on it any more")

    async def release(self, session_id: SessionId, name: PassName, *, origin: str, reason: str) -> LockInfo:
        """Force whoever works on the pass out; who that was. The pass is then free.

        Errors: SessionNotFoundError, PassNotFoundError, NotFoundError where nobody works on it, SessionBusyError with
        the job where we do ourselves, PassLockedError where somebody else was quicker, StorageError.
        """
        key = (session_id, name)
        if not self._is_foreign(key):
            message = f"pass {name} is being worked on here; cancel or pause the job instead"
            raise SessionBusyError(message, job_id=self._own[key].writer.record.job_id)
        work, why = Work(job_id=None, origin=origin), reason.strip() or "no reason was given"
        keeper = self._place.keeper
        info = await self._catalogue.change(lambda: force_release(keeper, session_id, name, work, why))
        said = f"{origin} took pass {name} by force from {info.origin or 'somebody'} on {info.host or '?'}: {why}"
        _log.warning("lock forced: %s", said, extra={"session": session_id, "pass_name": name})
        try:
            await self._audit.record(origin, "lock_forced", session_id=session_id, detail=said)
        except StorageError as error:
            _log.warning("a taking by force could not be entered in the audit: %s", error.message)
        self._foreign.pop(key, None)
        self._tell(key, "forced", info.host, info.origin, said)
        self._place.tell(SessionChanged(session_id=session_id))
        return info

    async def watch(self) -> None:
        """Raise our own heartbeats and look at those of others, for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._repeat(self.beat))
            group.create_task(self._repeat(self.look))

    async def round(self) -> None:
        """Both, once."""
        await self.beat()
        await self.look()

    async def beat(self) -> None:
        """Raise the heartbeats of all that is held here, once: of passes that are open, and for short operations."""
        await self._said_once("kept up", self._beat_all())

    async def look(self) -> None:
        """Look at the locks of others, once."""
        await self._said_once("looked at", self._look_all())

    async def _repeat(self, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            await work()
            await self._clock.sleep(self._beat)

    async def _said_once(self, what: str, work: Awaitable[None]) -> None:
        """What the disk refuses is said once and tried again in the next round."""
        try:
            await work
        except (StorageError, OSError) as error:
            if what not in self._troubled:
                _log.warning("the locks cannot be %s: %s", what, error)
            self._troubled.add(what)
        else:
            self._troubled.discard(what)

    async def _beat_all(self) -> None:
        fault: StorageError | None = None
        for key, own in tuple(self._own.items()):
            try:
                await self._beat_own(key, own)
            except StorageError as error:
                fault = error
        open_here = {own.writer.record.token for own in self._own.values()}
        locker = self._place.keeper.locker
        await self._place.threads.beats.run(lambda: locker.beat(open_here))
        if fault is not None:
            raise fault

    async def _beat_own(self, key: Key, own: _Own) -> None:
        if own.writer.lost is not None:
            return
        try:
            await own.writer.beat()
        except LockLostError as error:
            self._tell(key, "forced", own.writer.record.host, own.writer.record.origin, error.message)
        else:
            own.moments.append(self._clock.monotonic())

    async def _look_all(self) -> None:
        running = await self._catalogue.ask(lambda queries: queries.running())
        unfinished = await self._catalogue.ask(lambda queries: queries.unfinished(LIMIT))
        keys = dict.fromkeys([*running, *((session_id, info.name) for session_id, info in unfinished), *self._foreign])
        await self._look([key for key in keys if self._is_foreign(key)])
        self._scan.keep(keys)

    async def _look(self, keys: list[Key]) -> None:
        if not keys:
            return
        found = await self._place.threads.pool.run(lambda: self._scan.look(keys))
        for key in keys:
            if self._is_foreign(key):  # else it was opened here meanwhile
                self._take_in(key, found.get(key))

    def _take_in(self, key: Key, now: LockInfo | None) -> None:
        before = self._foreign.get(key)
        if now is not None:
            self._foreign[key] = now
        elif before is not None:
            del self._foreign[key]
        if _what(before) == _what(now):
            return
        if now is None:
            if before is not None:
                self._tell(key, "free", before.host, before.origin, "nobody works on it any more")
            return
        self._tell(key, now.state, now.host, now.origin)
        if now.state != "alive":
            said = _SAID[now.state].format(origin=now.origin, host=now.host)
            _log.warning("lock %s: %s", now.state, said, extra={"session": key[0], "pass_name": key[1]})

    def _tell(self, key: Key, state: State, host: str, origin: str, message: str = "") -> None:
        said = message or _SAID[state].format(origin=origin, host=host)
        self._place.tell(
            LockChanged(session_id=key[0], pass_=key[1], state=state, host=host, origin=origin, message=said)
        )

    # ---- one pass ------------------------------------------------------------------------------------------------

    def _is_foreign(self, key: Key) -> bool:
        own = self._own.get(key)
        return own is None or own.writer.lost is not None

    def _info(self, key: Key) -> LockInfo | None:
        if self._is_foreign(key):
            return self._foreign.get(key)
        own, now = self._own[key], self._clock.monotonic()
        record = own.writer.record
        return LockInfo(
            session_id=key[0],
            pass_=key[1],
            host=record.host,
            user=record.origin,
            origin=record.origin,
            since=record.since,
            beat=own.writer.beats,
            beats=tuple(round(now - moment, 1) for moment in reversed(own.moments)),
            state="alive",
            own=True,
            job_id=record.job_id,
        )

    def _with_locks(self, session: Session) -> Session:
        infos = {info.name: self._info((session.id, info.name)) for info in session.passes}
        if not any(infos.values()):
            return session
        passes = tuple(structs.replace(info, lock=infos[info.name]) for info in session.passes)
        return structs.replace(session, passes=passes)


def _what(info: LockInfo | None) -> tuple[str, ...]:
    """What makes a lock another one to those who look."""
    return () if info is None else (info.state, info.host, info.origin, info.since)
