"""What is done to a session as a whole while none of its jobs may touch it, and what becomes of jobs whose session is
gone.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta

from msgspec import Struct
from msgspec.structs import replace

from scanner.errors import StorageError
from scanner.jobs.board import SCAN, Board, Ticket, fields_of
from scanner.jobs.passwork import OVER, PassWork, gone, says_gone, without_session
from scanner.model import PassName, Pause, SessionId
from scanner.records import CheckpointInfo, CleanedSession, TrashEntry
from scanner.states import JobState
from scanner.storage import SessionHandle, StorageManager

log = logging.getLogger(__name__)


class WholeSessions(Struct, frozen=True, kw_only=True):
    """Deletes, restores; from the look at the jobs to the end of the work, none of them begins or goes on."""

    storage: StorageManager
    board: Board
    work: PassWork

    async def delete(self, session_id: SessionId, origin: str) -> TrashEntry:
        """Into the trash. Errors: SessionBusyError naming the job, SessionNotFoundError, PassLockedError,
        StorageError.
        """
        with self._deleting(session_id):
            return await self.storage.trash.delete(session_id, origin=origin)

    async def clean(self, older_than: timedelta, origin: str, *, dry_run: bool) -> tuple[CleanedSession, ...]:
        """Into the trash what ended longer ago and no job has at that moment; what goes, or would. Errors: ClockError,
        StorageError.
        """
        return await self.storage.trash.clean(older_than, dry_run=dry_run, origin=origin, hold=self._deleting)

    @contextmanager
    def _deleting(self, session_id: SessionId) -> Iterator[None]:
        """Errors: SessionBusyError where a job has it."""
        self.board.custody.require_free(session_id)
        with self.board.custody.hold(session_id, "deleted"):
            yield

    async def restore(self, session_id: SessionId, name: str, origin: str) -> CheckpointInfo:
        """Back, or forward, to a checkpoint; jobs that wait or stand still go on from there. Returns the checkpoint
        by which one gets back.

        Errors: SessionBusyError naming the job at work, CheckpointNotFoundError, SessionNotFoundError, PassLockedError,
        StorageError.
        """
        self.board.custody.require_free(session_id, of_waiting=False)
        with self.board.custody.hold(session_id, "restored"):
            before = await self.storage.checkpoints.restore(session_id, name, origin=origin)
            await self._restored(session_id, name)
        return before

    async def merge(self, first: SessionId, second: SessionId, origin: str) -> SessionHandle:
        """Two of an older format become one. Errors: InvalidError (twice the same), SessionBusyError,
        SessionNotFoundError, ConflictError, StorageError.
        """
        custody, ids = self.board.custody, dict.fromkeys((first, second))  # twice the same is refused below
        for session_id in ids:
            custody.require_free(session_id)
        with ExitStack() as stack:
            for session_id in ids:
                stack.enter_context(custody.hold(session_id, "merged"))
            return await self.storage.legacy.merge(first, second, origin=origin)

    async def reopened(self, session_id: SessionId) -> None:
        """Photos were found lost: a job that waits for the object to be turned may have to go back to an earlier pass,
        and says so.
        """
        for ticket, following in await self._standing(session_id):
            pause = ticket.job.pause
            if following is not None and pause is not None and pause.reason == "turn_object":
                message = f"Photos of pass {following} are lost. Turn the object for pass {following}, then continue."
                await self.board.pause(ticket, Pause(by="operator", reason="turn_object", message=message))

    async def _restored(self, session_id: SessionId, name: str) -> None:
        for ticket, following in await self._standing(session_id):
            goes_on = f"Resume goes on with pass {following}." if following else "Nothing is left to do."
            message = f"Checkpoint {name} was restored. {goes_on}"
            await self.board.pause(ticket, Pause(by="operator", reason="restored", message=message))

    async def _standing(self, session_id: SessionId) -> list[tuple[Ticket, PassName | None]]:
        """The scans of a session that stand still, with the pass at which they go on; how far all are is set right."""
        standing: list[tuple[Ticket, PassName | None]] = []
        for ticket in self.board.active_of(session_id):
            if ticket.job.kind != SCAN:
                continue
            try:
                passes = await self.work.passes(ticket)
            except StorageError as error:
                log.warning("how far job %s is cannot be read: %s", ticket.job.id, error.message)
                continue
            done = sum(info.saved + info.skipped for info in passes)
            ticket.job = replace(ticket.job, progress=replace(ticket.job.progress, done=done))
            await self.board.keep(ticket)
            if ticket.job.state is JobState.PAUSED and ticket.orders is None and ticket.decision is None:
                standing.append((ticket, next((info.name for info in passes if info.state not in OVER), None)))
        return standing

    async def deleted(self, session_id: SessionId) -> None:
        """A session is gone, whoever did it: its scans stand still and say so, since it may come back, as a share does
        that was away; what else waits for it is cancelled. A job at work finds out by itself.
        """
        for ticket in self.board.active_of(session_id):
            if ticket.orders is not None or ticket.decision is not None:
                continue
            waits = ticket.job.state is JobState.PENDING and not ticket.in_lane
            if waits and ticket.job.kind != SCAN:
                error = without_session(session_id)
                log.warning("cancelled: %s", error.message, extra=fields_of(ticket.job))
                await self.board.change(ticket, state=JobState.CANCELLED, error=error, ended_at=self.board.now())
            elif waits or (ticket.job.state is JobState.PAUSED and not says_gone(ticket.job.pause)):
                await self.board.pause(ticket, gone(session_id))
