"""All jobs as they now are. Here, and only here, a job changes, is written down and is announced."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from msgspec.structs import replace

from scanner.clock import Clock, utc_text
from scanner.engine import Orders
from scanner.errors import JobNotFoundError, QueueFullError, StorageError
from scanner.events import EventBus, JobChanged, JobCreated, SessionChanged
from scanner.jobs.custody import Custody
from scanner.model import JobId, PassName, Pause, SessionId
from scanner.records import WAITING_LIMIT, Job
from scanner.states import ENDED, Command, JobState, job_may_become
from scanner.storage import JobStore

log = logging.getLogger(__name__)

SCAN = "scan"
LANES = (SCAN, "export")  # a kind of job of each lane
STRENGTH = (Command.RESUME, Command.SKIP, Command.FINISH, Command.CANCEL)  # of decisions, weakest first


@dataclass(slots=True, eq=False)
class Ticket:
    """A job and what its runner needs while it is alive."""

    job: Job
    orders: Orders | None = None  # while a pass runs
    in_lane: bool = False  # a runner has it, running or waiting
    decision: Command | None = None  # what a person decided about a paused job that keeps its lane
    running_since: float | None = None  # on the board's clock, while a pass runs
    changes: int = 0  # counts changes, for those who wait for one
    asked: int = 0  # how many ask it to go on and wait to hear whether its pass is free
    skipping: bool = False  # a failed shot is being left out; what then follows is decided afterwards
    pass_alone: bool = False  # the order to end the pass at work leaves the job's other passes alone
    reopen: PassName | None = None  # a cancelled pass that somebody asked for by name
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    def decide(self, command: Command) -> None:
        """Let the waiting runner go on; the stronger decision wins until the runner takes it."""
        if self.decision is None or STRENGTH.index(command) > STRENGTH.index(self.decision):
            self.decision = command
        self.wake.set()


class Board:
    """Tickets by job id, in the order of creation."""

    def __init__(self, *, store: JobStore, bus: EventBus, clock: Clock, keep_ended: timedelta) -> None:
        self._store = store
        self._bus = bus
        self._clock = clock
        self._keep_ended = keep_ended
        self._tickets: dict[JobId, Ticket] = {}
        self._coming: dict[JobId, Job] = {}  # being written down for the first time
        self._changed = asyncio.Event()
        self.custody = Custody(self._active, self._notify)
        self.closing = False  # the daemon stops: no lane takes another job

    # ---- looking -------------------------------------------------------------------------------------------------

    def ticket(self, job_id: JobId) -> Ticket:
        """The ticket of a job. Errors: JobNotFoundError."""
        try:
            return self._tickets[job_id]
        except KeyError:
            message = f"there is no job {job_id}; jobs that ended long ago are forgotten"
            raise JobNotFoundError(message, id=job_id) from None

    def view(self, ticket: Ticket) -> Job:
        """The job with what changes by itself: its place in the queue, the time it has worked."""
        if ticket.job.state is not JobState.PENDING:
            return self._seen(ticket, {}, {})
        kind = ticket.job.kind
        places = {id(one): place for place, one in enumerate(self.waiting(kind), 1)}
        return self._seen(ticket, places, {_lane(kind): self._holder(kind)})

    def views(self, states: Collection[JobState] = frozenset(JobState)) -> list[Job]:
        """Every job in one of the states as :meth:`view` shows it, oldest first."""
        asked = [ticket for ticket in self._tickets.values() if ticket.job.state in states]
        queues = LANES if any(ticket.job.state is JobState.PENDING for ticket in asked) else ()
        places = {id(one): place for kind in queues for place, one in enumerate(self.waiting(kind), 1)}
        holders = {_lane(kind): self._holder(kind) for kind in queues}
        return [self._seen(ticket, places, holders) for ticket in asked]

    def _seen(self, ticket: Ticket, places: dict[int, int], holders: dict[str, JobId | None]) -> Job:
        job = ticket.job
        if ticket.running_since is not None:
            return replace(job, elapsed_s=round(job.elapsed_s + self.worked(ticket), 3))
        place = places.get(id(ticket))
        return job if place is None else replace(job, queue_position=place, waits_for=holders[_lane(job.kind)])

    def _holder(self, kind: str) -> JobId | None:
        """The job that has the lane of ``kind``, at work or paused."""
        lane = _lane(kind)
        return next((t.job.id for t in self._tickets.values() if t.in_lane and _lane(t.job.kind) == lane), None)

    def worked(self, ticket: Ticket) -> float:
        """Seconds of the world since its pass began to run; 0.0 while none runs."""
        since = ticket.running_since
        return 0.0 if since is None else (self._clock.monotonic() - since) / self._clock.speed

    def began(self, ticket: Ticket) -> None:
        """A pass begins to run."""
        ticket.running_since = self._clock.monotonic()

    def rested(self, ticket: Ticket) -> None:
        """The pass runs no more: what it worked is added up."""
        ticket.job = replace(ticket.job, elapsed_s=round(ticket.job.elapsed_s + self.worked(ticket), 3))
        ticket.running_since = None

    def tickets(self) -> tuple[Ticket, ...]:
        """Every ticket, oldest first."""
        return tuple(self._tickets.values())

    def waiting(self, kind: str) -> list[Ticket]:
        """The queue of a lane, next first."""
        lane = _lane(kind)
        pending = [
            ticket
            for ticket in self._tickets.values()
            if ticket.job.state is JobState.PENDING and _lane(ticket.job.kind) == lane and not ticket.in_lane
        ]
        return sorted(pending, key=lambda ticket: ticket.job.rank)

    def active_for(self, session_id: SessionId, name: PassName) -> Ticket | None:
        """The job that works, waits or stands still on a pass."""
        return next(
            (
                ticket
                for ticket in self._tickets.values()
                if ticket.job.session_id == session_id and name in ticket.job.passes and ticket.job.state not in ENDED
            ),
            None,
        )

    def active_of(self, session_id: SessionId) -> list[Ticket]:
        """The jobs of a session that work, wait or stand still."""
        return [t for t in self._tickets.values() if t.job.session_id == session_id and t.job.state not in ENDED]

    def _active(self) -> list[Job]:
        living = [ticket.job for ticket in self._tickets.values() if ticket.job.state not in ENDED]
        return [*living, *self._coming.values()]

    # ---- changing ------------------------------------------------------------------------------------------------

    async def move(self, ticket: Ticket, position: int) -> None:
        """Put a waiting job at a place of its queue, 1 being next; the others close up, all at once."""
        others = [other for other in self.waiting(ticket.job.kind) if other is not ticket]
        others.insert(min(max(position - 1, 0), len(others)), ticket)
        ranks = sorted(other.job.rank for other in others)
        moved = [(other, rank) for other, rank in zip(others, ranks, strict=True) if other.job.rank != rank]
        for other, rank in moved:
            self.set(other, rank=rank)
        await self.keep(*(other for other, _ in moved))

    def next_rank(self) -> float:
        """A rank behind everybody."""
        return max((ticket.job.rank for ticket in self._tickets.values()), default=0.0) + 1.0

    def require_room(self) -> None:
        """Errors: QueueFullError when no further job may wait."""
        waiting = sum(ticket.job.state is JobState.PENDING for ticket in self._tickets.values())
        if waiting >= WAITING_LIMIT:
            message = f"{WAITING_LIMIT} jobs wait already: let some end or cancel some"
            raise QueueFullError(message, waiting=waiting, limit=WAITING_LIMIT)

    async def add(self, job: Job) -> Ticket:
        """A new job: durable, then announced. Errors: SessionBusyError, StorageError, and nothing was added."""
        self.custody.require_unheld(job.session_id)
        self._coming[job.id] = job
        try:
            await self._store.put(job)
        finally:
            del self._coming[job.id]
        ticket = Ticket(job)
        self._tickets[job.id] = ticket
        self._bus.publish(JobCreated(job_id=job.id, kind=job.kind, session_id=job.session_id, origin=job.origin))
        self._tell_session(job)
        self._notify()
        return ticket

    def put_back(self, job: Job) -> Ticket:
        """A job that was kept over a restart."""
        ticket = Ticket(replace(job, queue_position=None, waits_for=None))
        self._tickets[job.id] = ticket
        return ticket

    def set(self, ticket: Ticket, **fields: object) -> None:
        """Change a job, at once and in memory; :meth:`keep` has to follow. Nothing is awaited in here."""
        job = replace(ticket.job, **fields)
        if not job_may_become(ticket.job.state, job.state):
            message = f"job {job.id} cannot go from {ticket.job.state} to {job.state}"
            raise AssertionError(message)
        ticket.job = job
        ticket.changes += 1
        self._notify()

    def stand_still(self, ticket: Ticket, pause: Pause, *, shot: int | None = None) -> None:
        """The job stands still, at once and in memory; a decision to go on that nobody has taken up is void."""
        ticket.decision = None
        self.set(ticket, state=JobState.PAUSED, pause=pause, order=None, shot=shot)

    async def keep(self, *tickets: Ticket) -> None:
        """Write changed jobs down, in one step, then announce them.

        A disk that refuses does not keep the truth from the page: it is logged, and the next start finds the jobs as
        they were written last, those at work interrupted.
        """
        try:
            await self._store.put(*(self.view(ticket) for ticket in tickets))
        except StorageError as error:
            for job in (ticket.job for ticket in tickets):
                log.warning("job %s could not be written down: %s", job.id, error.message, extra=fields_of(job))
        for ticket in tickets:
            self.announce(ticket)

    async def change(self, ticket: Ticket, **fields: object) -> None:
        """:meth:`set`, then :meth:`keep`."""
        self.set(ticket, **fields)
        await self.keep(ticket)

    async def pause(self, ticket: Ticket, pause: Pause, *, shot: int | None = None) -> None:
        """:meth:`stand_still`, then :meth:`keep`."""
        self.stand_still(ticket, pause, shot=shot)
        level = logging.ERROR if pause.by == "fault" else logging.INFO
        at = {} if shot is None else {"shot": str(shot)}
        log.log(level, "paused: %s", pause.message, extra=fields_of(ticket.job) | at)
        await self.keep(ticket)

    def announce(self, ticket: Ticket) -> None:
        """Publish the job as it now is."""
        job = ticket.job
        position = self.view(ticket).queue_position
        self._bus.publish(
            JobChanged(
                job_id=job.id,
                state=job.state.value,
                session_id=job.session_id,
                pass_=job.pass_,
                pause=job.pause,
                queue_position=position,
            )
        )
        self._tell_session(job)

    def now(self) -> str:
        """The time, for records."""
        return utc_text(self._clock.now())

    async def forget(self, tickets: Iterable[Ticket]) -> None:
        """Take ended jobs off the list."""
        ids = [ticket.job.id for ticket in tickets if ticket.job.state in ENDED]
        if ids:
            await self._store.delete(ids)
        for job_id in ids:
            self._tickets.pop(job_id, None)

    async def forget_old(self) -> None:
        """Take jobs off the list that ended long ago."""
        limit = utc_text(self._clock.now() - self._keep_ended)
        await self.forget(t for t in self.tickets() if t.job.ended_at is not None and t.job.ended_at < limit)

    # ---- waiting -------------------------------------------------------------------------------------------------

    async def take(self, *, scans: bool) -> Ticket:
        """Wait for the next job of a lane and take it."""
        while True:
            queue = self.waiting(SCAN if scans else "export")
            first = next((ticket for ticket in queue if not self.custody.is_held(ticket.job.session_id)), None)
            if first is not None and not self.closing:
                first.in_lane = True
                return first
            await self.wait_change()

    def leave_lane(self, ticket: Ticket) -> None:
        """The runner has done with it."""
        ticket.in_lane = False
        self._notify()

    def skipped(self, ticket: Ticket) -> None:
        """The shot is left out, or could not be."""
        ticket.skipping = False
        self._notify()

    async def wait_change(self) -> None:
        """Return at the next change of any job."""
        await self._changed.wait()

    def _notify(self) -> None:
        """Wake everybody who waits for a change: each waits for the event that was current when it looked."""
        self._changed.set()
        self._changed = asyncio.Event()

    def _tell_session(self, job: Job) -> None:
        if job.session_id is not None:
            self._bus.publish(SessionChanged(session_id=job.session_id))


def _lane(kind: str) -> str:
    """The one rig has a lane of its own; all other jobs only read and write."""
    return kind if kind == SCAN else "files"


def fields_of(job: Job) -> dict[str, str]:
    """Who a log line is about."""
    fields = {"job": str(job.id)}
    if job.session_id is not None:
        fields["session"] = str(job.session_id)
    if job.pass_ is not None:
        fields["pass_name"] = str(job.pass_)
    return fields
