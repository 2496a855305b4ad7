"""JobQueue: what web, command line and schedule call. Submitting, ordering, looking; every way into a scan ends
here.
"""

from __future__ import annotations

import logging
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from scanner.engine import Engine
from scanner.errors import CommandRefusedError
from scanner.events import Event, EventBus, SessionDeleted
from scanner.jobs.board import Board, Ticket, fields_of
from scanner.jobs.commands import Commander
from scanner.jobs.filejobs import FileJobs
from scanner.jobs.files import FileRunner
from scanner.jobs.lanes import Lanes
from scanner.jobs.named import NamedPasses
from scanner.jobs.passwork import PassWork
from scanner.jobs.reporting import report_of
from scanner.jobs.restore import Policy, goes_on, restore
from scanner.jobs.scans import ScanRunner
from scanner.jobs.sessions import WholeSessions
from scanner.jobs.submission import Submitter
from scanner.model import JobId, PassName, SessionId
from scanner.planning import PlanEstimate
from scanner.records import CheckpointInfo, CleanedSession, Job, JobReport, TrashEntry
from scanner.spec import PassSpec, ScanSpec
from scanner.states import ACTIVE, Command, JobState
from scanner.storage import SessionHandle, StorageManager, Submission

log = logging.getLogger(__name__)


class JobSettings(Struct, frozen=True, kw_only=True):
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
        work = PassWork(storage=storage, board=self._board, clock=clock)
        scans = ScanRunner(storage=storage, work=work, engine=engine, guards=guards, board=self._board, bus=bus)
        self._sessions = WholeSessions(storage=storage, board=self._board, work=work)
        files = FileRunner(sessions=self._sessions, board=self._board, bus=bus)
        self._lanes = Lanes(self._board, clock, scans=scans, files=files)
        self._commander = Commander(board=self._board, work=work)
        self._named = NamedPasses(
            storage=storage,
            board=self._board,
            work=work,
            commander=self._commander,
            submitter=self._submitter,
        )
        self._files = FileJobs(storage=storage, board=self._board)
        engine.rig.on_stop(self._halt_all)
        bus.listen(SessionDeleted, self._session_deleted)

    # ---- life ----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Put back what a restart interrupted and open the lanes."""
        await restore(self._board, self._storage)
        self._lanes.open()
        for ticket in self._board.tickets():
            if goes_on(ticket.job, self._settings.resume_on_start):
                log.info("resumes by itself after the restart", extra=fields_of(ticket.job))
                await self._give(ticket, Command.RESUME, "restart", "")

    async def close(self) -> None:
        """Stop within seconds: the running scan is paused durable, other work is begun anew after the next start."""
        await self._lanes.close()

    # ---- submitting ----------------------------------------------------------------------------------------------

    async def submit_scan(
        self, spec: ScanSpec, origin: str, *, idempotency_key: str | None = None, digest: str = ""
    ) -> Job:
        """Start or queue a scan: one session, its passes and plans, one job.

        A key that came before gives the job it made then. Errors: SpecError, PlanTooLargeError, IdempotencyError,
        DiskFullError, QueueFullError, RigMissingError, StorageError; nothing is left behind.
        """
        submission = _submission(idempotency_key, digest)
        return await self._made(self._submitter.scan(spec, origin, submission))

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
        return await self._made(self._submitter.add_pass(session_id, spec, origin, submission))

    async def submit_export(self, session_id: SessionId, name: str, origin: str) -> Job:
        """Export a session. Errors: as :class:`FileJobs`."""
        return await self._made(self._files.export(session_id, name, origin))

    async def submit_verify(self, session_id: SessionId | None, origin: str) -> Job:
        """Hash the photos of a session, or of all. What is lost is planned again. Errors: as :class:`FileJobs`."""
        return await self._made(self._files.verify(session_id, origin))

    async def submit_migrate(self, session_id: SessionId | None, origin: str, *, dry_run: bool = False) -> Job:
        """Make an old session, or all, one of this product. Errors: as :class:`FileJobs`."""
        return await self._made(self._files.migrate(session_id, origin, dry_run=dry_run))

    async def submit_undo(self, session_id: SessionId, origin: str, *, force: bool = False) -> Job:
        """Take a migration back; ``force``: also where photos were taken since. Errors: as :class:`FileJobs`."""
        return await self._made(self._files.undo(session_id, origin, force=force))

    async def submit_import(self, directory: str, timezone: str, origin: str, *, dry_run: bool = False) -> Job:
        """Copy the sessions in a directory of the scanner's computer. Errors: as :class:`FileJobs`."""
        return await self._made(self._files.import_from(directory, timezone, origin, dry_run=dry_run))

    async def submit_reindex(self, origin: str) -> Job:
        """Read every session directory again. Errors: as :class:`FileJobs`."""
        return await self._made(self._files.reindex(origin))

    async def _made(self, making: Coroutine[Any, Any, Ticket]) -> Job:
        return self._board.view(await self._lanes.keep(making))

    async def plan(self, spec: ScanSpec) -> tuple[PlanEstimate, ...]:
        """What a spec would cost, one estimate a pass; nothing is created. Errors: SpecError, PlanTooLargeError,
        RigMissingError.
        """
        planned = await self._submitter.plan(spec)
        lack = await self._submitter.lack_of_room(planned)
        *others, last = planned.estimates
        return (*others, replace(last, warnings=(*last.warnings, lack.message)) if lack else last)

    # ---- passes of a session -------------------------------------------------------------------------------------

    async def resume_pass(self, session_id: SessionId, name: PassName, origin: str) -> Job:
        """Go on with an unfinished pass, in its own job if that still lives.

        Errors: SessionNotFoundError, PassNotFoundError, PassCompletedError, PassLockedError (another scanner has it),
        SessionBusyError (being deleted or restored), CommandRefusedError.
        """
        return await self._lanes.keep(self._named.resume(session_id, name, origin))

    async def finish_pass(self, session_id: SessionId, name: PassName, origin: str) -> Job:
        """Take one unfinished pass as complete; others are left alone. Errors: as :meth:`resume_pass`."""
        return await self._lanes.keep(self._named.end(session_id, name, Command.FINISH, origin))

    async def cancel_pass(self, session_id: SessionId, name: PassName, origin: str) -> Job:
        """Give one unfinished pass up; its photos stay, others are left alone. Errors: as :meth:`resume_pass`."""
        return await self._lanes.keep(self._named.end(session_id, name, Command.CANCEL, origin))

    # ---- sessions as a whole -------------------------------------------------------------------------------------

    def require_free(self, session_id: SessionId) -> None:
        """Errors: SessionBusyError, naming the job that works, waits or stands still on the session, if it is one."""
        self._board.custody.require_free(session_id)

    async def delete_session(self, session_id: SessionId, origin: str) -> TrashEntry:
        """Move a session that no job has into the trash. Errors: SessionBusyError, SessionNotFoundError,
        PassLockedError, StorageError.
        """
        return await self._lanes.keep(self._sessions.delete(session_id, origin))

    async def clean_sessions(
        self, older_than: timedelta, origin: str, *, dry_run: bool = False
    ) -> tuple[CleanedSession, ...]:
        """Move sessions that ended longer ago and that no job has into the trash. Errors: ClockError, StorageError."""
        return await self._lanes.keep(self._sessions.clean(older_than, origin, dry_run=dry_run))

    async def restore_checkpoint(self, session_id: SessionId, name: str, origin: str) -> CheckpointInfo:
        """Put a session that no job works on back to a checkpoint; returns the one by which one gets forward again.

        Errors: SessionBusyError, CheckpointNotFoundError, SessionNotFoundError, PassLockedError, StorageError.
        """
        return await self._lanes.keep(self._sessions.restore(session_id, name, origin))

    async def merge_sessions(self, first: SessionId, second: SessionId, origin: str) -> SessionHandle:
        """Put two old sessions together that are one scan. Errors: SessionBusyError, SessionNotFoundError,
        ConflictError, StorageError.
        """
        return await self._lanes.keep(self._sessions.merge(first, second, origin))

    def _session_deleted(self, event: Event) -> None:
        if isinstance(event, SessionDeleted):
            self._lanes.begin(self._sessions.deleted(event.session_id))

    # ---- commands ------------------------------------------------------------------------------------------------

    async def command(self, job_id: JobId, command: Command, *, origin: str, reason: str = "") -> Job:
        """Order something of a job; returns the job as it is right after, which may still be carrying the order out.

        Errors: JobNotFoundError, CommandRefusedError; resume also PassLockedError (another scanner has the pass); halt
        also HardwareError.
        """
        ticket = self._board.ticket(job_id)
        if command is not Command.RESUME or await self._named.may_go_on(ticket):
            await self._give(ticket, command, origin, reason)
        if command is Command.HALT:
            await self._rig.stop()
        return self._board.view(ticket)

    async def _give(self, ticket: Ticket, command: Command, origin: str, reason: str) -> None:
        work = self._commander.give(ticket, command, reason)
        log.info("%s ordered %s", origin, command.value, extra=fields_of(ticket.job))
        if work is not None:
            await self._lanes.keep(work)

    def _halt_all(self) -> None:
        """Stop was pressed: called before the motors are cut, so that the run knows why they fail. What waits behind it
        does not begin to move either, until a person says so.
        """
        for ticket in self._board.tickets():
            work = self._commander.halt(ticket)
            if work is not None:
                self._lanes.begin(work)

    # ---- looking and tidying -------------------------------------------------------------------------------------

    def get(self, job_id: JobId) -> Job:
        """A job. Errors: JobNotFoundError."""
        return self._board.view(self._board.ticket(job_id))

    def list(self, *, active: bool = False) -> tuple[Job, ...]:
        """All jobs, newest first; ``active``: pending, running, paused only."""
        return tuple(reversed(self._board.views(ACTIVE) if active else self._board.views()))

    def report(self) -> tuple[JobReport, ...]:
        """Every job as a row, oldest first."""
        return tuple(map(report_of, self._board.views()))

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
