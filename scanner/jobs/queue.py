"""JobQueue: what web, command line and schedule call. Submitting, ordering, looking; every way into a scan ends
here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Protocol, TypeVar

from msgspec.structs import replace

from scanner.engine import Engine, Order
from scanner.errors import CommandRefusedError, StorageError
from scanner.events import EventBus
from scanner.exports.registry import exporter
from scanner.jobs.board import Board, Ticket, fields_of
from scanner.jobs.commands import Commander
from scanner.jobs.exporting import ExportRunner
from scanner.jobs.named import NamedPasses
from scanner.jobs.restore import Policy, goes_on, restore
from scanner.jobs.scans import ScanRunner
from scanner.jobs.submission import Submitter, new_job_id
from scanner.model import JobId, PassName, Progress, SessionId
from scanner.planning import PlanEstimate
from scanner.records import Fault, Job
from scanner.spec import PassSpec, ScanSpec
from scanner.states import ACTIVE, Command, JobState
from scanner.storage import StorageManager, Submission

log = logging.getLogger(__name__)

T = TypeVar("T")


PATIENCE: Final = 4.0  # seconds for a running scan to come to rest when the daemon stops
TIDYING: Final = 600.0  # seconds between two looks for jobs that ended long ago


class Runner(Protocol):
    """Works on one job of its lane at a time."""

    async def run(self, ticket: Ticket) -> None:
        """Return when the job has ended, or stands still because the daemon stops."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSettings:
    """What the configuration says about jobs."""

    keep_ended: timedelta = timedelta(hours=24)
    resume_on_start: Policy = "ask"
    presets: dict[str, ScanSpec]


class JobQueue:
    """All jobs of the daemon. Constructed once, in ``app``."""

    def __init__(self, *, storage: StorageManager, engine: Engine, bus: EventBus, settings: JobSettings) -> None:
        clock, guards = engine.clock, engine.guards
        self._storage = storage
        self._settings = settings
        self._rig = engine.rig
        self._clock = clock
        self._board = Board(store=storage.jobs, bus=bus, clock=clock, keep_ended=settings.keep_ended)
        self._submitter = Submitter(
            storage=storage,
            rig=engine.rig,
            guards=guards,
            board=self._board,
            clock=clock,
            pool=engine.pool,
            presets=settings.presets,
            habits=engine.habits,
        )
        self._scans = ScanRunner(storage=storage, engine=engine, guards=guards, board=self._board, bus=bus)
        self._exports = ExportRunner(storage=storage, board=self._board, clock=clock)
        self._commander = Commander(board=self._board, scans=self._scans)
        self._named = NamedPasses(
            storage=storage,
            board=self._board,
            scans=self._scans,
            commander=self._commander,
            submitter=self._submitter,
        )
        self._tasks: list[asyncio.Task[None]] = []
        self._kept: set[asyncio.Task[Any]] = set()
        engine.rig.on_stop(self._halt_all)

    # ---- life ----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Put back what a restart interrupted and open the lanes."""
        await restore(self._board, self._storage)
        self._tasks = [
            asyncio.create_task(self._lane(self._scans, scans=True), name="scan lane"),
            asyncio.create_task(self._lane(self._exports, scans=False), name="export lane"),
            asyncio.create_task(self._tidy(), name="tidying jobs"),
        ]
        for ticket in self._board.tickets():
            if goes_on(ticket.job, self._settings.resume_on_start):
                log.info("resumes by itself after the restart", extra=fields_of(ticket.job))
                await self.command(ticket.job.id, Command.RESUME, origin="restart")

    async def close(self) -> None:
        """Stop within seconds: the running scan is paused durable, an export is begun anew after the next start.

        A saving that hangs is not waited for: the rig is closed after this, motors and lights off.
        """
        self._board.closing = True
        for ticket in self._board.tickets():
            ticket.wake.set()
            if ticket.orders is not None:
                ticket.orders.give(Order.SHUTDOWN)
        try:
            async with asyncio.timeout(PATIENCE):
                await self._scan_left_lane()
        except TimeoutError:
            log.warning("the running scan did not come to rest within %.0f s; it will be found interrupted", PATIENCE)
        for task in (*self._tasks, *self._kept):
            task.cancel()
        await asyncio.gather(*self._tasks, *self._kept, return_exceptions=True)
        self._tasks.clear()

    async def _scan_left_lane(self) -> None:
        while any(t.in_lane and t.job.kind == "scan" for t in self._board.tickets()):
            await self._board.wait_change()

    async def _tidy(self) -> None:
        """Forget jobs that ended long ago, now and then."""
        while True:
            try:
                await self._board.forget_old()
            except StorageError as error:
                log.warning("ended jobs could not be forgotten: %s", error.message)
            await self._clock.sleep(TIDYING * self._clock.speed)

    async def _lane(self, runner: Runner, *, scans: bool) -> None:
        while True:
            ticket = await self._board.take(scans=scans)
            try:
                await runner.run(ticket)
            except Exception as error:  # the lane's root: a bug in one job must not stop the others
                log.exception("job %s failed", ticket.job.id, extra=fields_of(ticket.job))
                ticket.orders = None
                fault = Fault(code="internal", message=f"a fault in the program: {type(error).__name__}; see the log")
                if ticket.job.state in ACTIVE:
                    await self._board.change(
                        ticket, state=JobState.FAILED, error=fault, pause=None, ended_at=self._board.now()
                    )
            finally:
                self._board.leave_lane(ticket)

    # ---- submitting ----------------------------------------------------------------------------------------------

    async def submit_scan(
        self, spec: ScanSpec, origin: str, *, idempotency_key: str | None = None, digest: str = ""
    ) -> Job:
        """Start or queue a scan: one session, its passes and plans, one job.

        A key that came before gives the job it made then. Errors: SpecError, PlanTooLargeError, IdempotencyError,
        DiskFullError, QueueFullError, RigMissingError, StorageError; nothing is left behind.
        """
        submission = _submission(idempotency_key, digest)
        ticket = await self._keep(self._submitter.scan(spec, origin, submission))
        return self._board.view(ticket)

    async def submit_pass(
        self,
        session_id: SessionId,
        spec: PassSpec,
        origin: str,
        *,
        idempotency_key: str | None = None,
        digest: str = "",
    ) -> Job:
        """Another pass of a session, as a job. Errors: as :meth:`submit_scan`, SessionNotFoundError,
        PassExistsError.
        """
        submission = _submission(idempotency_key, digest)
        ticket = await self._keep(self._submitter.add_pass(session_id, spec, origin, submission))
        return self._board.view(ticket)

    async def submit_export(self, session_id: SessionId, name: str, origin: str) -> Job:
        """Export a session. Errors: InvalidError (unknown format), SessionNotFoundError, QueueFullError,
        StorageError.
        """
        exporter(name)
        session = await self._storage.get_session(session_id)
        self._board.require_room()
        job = Job(
            id=new_job_id(),
            kind="export",
            state=JobState.PENDING,
            session_id=session_id,
            title=session.title,
            origin=origin,
            progress=Progress(done=0, total=session.photos),
            created_at=self._board.now(),
            rank=self._board.next_rank(),
            options={"format": name},
        )
        return self._board.view(await self._keep(self._board.add(job)))

    async def plan(self, spec: ScanSpec) -> tuple[PlanEstimate, ...]:
        """What a spec would cost, one estimate a pass; nothing is created. Errors: SpecError, PlanTooLargeError,
        RigMissingError.
        """
        planned = await self._submitter.plan(spec)
        lack = await self._submitter.lack_of_room(planned)
        *others, last = planned.estimates
        return (*others, replace(last, warnings=(*last.warnings, lack.message)) if lack else last)

    def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._kept.add(task)
        task.add_done_callback(self._kept.discard)

    async def _keep(self, work: Coroutine[Any, Any, T]) -> T:
        """Finish what was begun even if the one who asked goes away."""
        task = asyncio.ensure_future(work)
        self._kept.add(task)
        task.add_done_callback(self._kept.discard)
        return await asyncio.shield(task)

    # ---- passes of a session -------------------------------------------------------------------------------------

    async def resume_pass(self, session_id: SessionId, name: PassName, origin: str) -> Job:
        """Go on with an unfinished pass, in its own job if that still lives.

        Errors: SessionNotFoundError, PassNotFoundError, PassCompletedError, CommandRefusedError.
        """
        return await self._keep(self._named.resume(session_id, name, origin))

    async def finish_pass(self, session_id: SessionId, name: PassName, origin: str) -> Job:
        """Take one unfinished pass as complete; others are left alone. Errors: as :meth:`resume_pass`."""
        return await self._keep(self._named.end(session_id, name, Command.FINISH, origin))

    async def cancel_pass(self, session_id: SessionId, name: PassName, origin: str) -> Job:
        """Give one unfinished pass up; its photos stay, others are left alone. Errors: as :meth:`resume_pass`."""
        return await self._keep(self._named.end(session_id, name, Command.CANCEL, origin))

    # ---- commands ------------------------------------------------------------------------------------------------

    async def command(self, job_id: JobId, command: Command, *, origin: str, reason: str = "") -> Job:
        """Order something of a job; returns the job as it is right after, which may still be carrying the order out.

        Errors: JobNotFoundError, CommandRefusedError; halt also HardwareError.
        """
        ticket = self._board.ticket(job_id)
        work = self._commander.give(ticket, command, reason)
        log.info("%s ordered %s", origin, command.value, extra=fields_of(ticket.job))
        if work is not None:
            await self._keep(work)
        if command is Command.HALT:
            await self._rig.stop()
        return self._board.view(ticket)

    def _halt_all(self) -> None:
        """Stop was pressed: called before the motors are cut, so that the run knows why they fail. What waits behind it
        does not begin to move either, until a person says so.
        """
        for ticket in self._board.tickets():
            work = self._commander.halt(ticket)
            if work is not None:
                self._soon(work)

    # ---- looking and tidying -------------------------------------------------------------------------------------

    def get(self, job_id: JobId) -> Job:
        """A job. Errors: JobNotFoundError."""
        return self._board.view(self._board.ticket(job_id))

    def list(self, *, active: bool = False) -> tuple[Job, ...]:
        """All jobs, newest first; ``active``: pending, running, paused only."""
        return tuple(job for job in reversed(self._board.views()) if not active or job.state in ACTIVE)

    async def move(self, job_id: JobId, position: int) -> Job:
        """Put a waiting job at a place of the queue, 1 being next. Errors: JobNotFoundError, CommandRefusedError."""
        ticket = self._board.ticket(job_id)
        if ticket.job.state is not JobState.PENDING:
            message = f"only a waiting job has a place in the queue; this one is {ticket.job.state.value}"
            raise CommandRefusedError(message, state=ticket.job.state.value)
        await self._board.move(ticket, position)
        return self._board.view(ticket)

    async def forget(self, job_id: JobId) -> None:
        """Cancel a job that lives, take one that has ended off the list. Errors: JobNotFoundError."""
        ticket = self._board.ticket(job_id)
        if ticket.job.state in ACTIVE:
            await self.command(job_id, Command.CANCEL, origin="forget")
        else:
            await self._board.forget([ticket])

    async def clear(self) -> None:
        """Take every ended job off the list."""
        await self._board.forget(self._board.tickets())


def _submission(key: str | None, digest: str) -> Submission | None:
    return None if key is None else Submission(key=key, digest=digest)
