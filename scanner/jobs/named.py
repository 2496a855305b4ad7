"""Commands to one pass by its name: resume, finish or cancel it alone, whether or not a job still lives for it."""

from __future__ import annotations

import asyncio
import logging

from msgspec import Struct, field
from msgspec.structs import replace

from scanner.errors import (
    CommandRefusedError,
    PassCompletedError,
    PassLockedError,
    PassNotFoundError,
    StorageError,
)
from scanner.jobs.board import SCAN, Board, Ticket, fields_of
from scanner.jobs.commands import Commander
from scanner.jobs.passwork import OVER, PassWork, is_left, session_of, turn_object
from scanner.jobs.submission import Submitter
from scanner.model import PassName, Pause, Progress, SessionId
from scanner.records import Job, PassInfo
from scanner.states import ENDED, Command, JobState, PassState
from scanner.storage import StorageManager

log = logging.getLogger(__name__)

NOT_AT_WORK = Pause(by="operator", reason="not_at_work", message="Nobody works on this pass.")


class NamedPasses(Struct, frozen=True, kw_only=True):
    """One command at a time, so that five who resume a pass at once get one job."""

    storage: StorageManager
    board: Board
    work: PassWork
    commander: Commander
    submitter: Submitter
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def resume(self, session_id: SessionId, name: PassName, origin: str) -> Job:
        """Go on with a pass. Errors: PassNotFoundError, PassCompletedError, PassLockedError (another scanner has it),
        CommandRefusedError, SessionBusyError, StorageError.
        """
        async with self._one_at_a_time:
            info = await self._unfinished(session_id, name)
            ticket = await self._living(session_id, name)
            if ticket is None:
                return self.board.view(await self._begun(session_id, info, origin, JobState.PENDING))
            reopened = info.state is PassState.CANCELLED and ticket.orders is None
            await self._require_next(ticket, name, reopened=reopened)
            if await self.may_go_on(ticket, name):
                await self._go_on(ticket, name if reopened else None)
            return self.board.view(ticket)

    async def _go_on(self, ticket: Ticket, reopen: PassName | None) -> None:
        work = self.commander.give(ticket, Command.RESUME, "")
        if reopen is not None and ticket.orders is None:  # in the same step: nobody takes the job up before
            ticket.reopen = reopen
        if work is not None:
            await work

    async def end(self, session_id: SessionId, name: PassName, command: Command, origin: str) -> Job:
        """Finish or cancel a pass alone. Errors: PassNotFoundError, PassCompletedError, PassLockedError, StorageError,
        ConflictError.
        """
        async with self._one_at_a_time:
            info = await self._unfinished(session_id, name)
            ticket = await self._living(session_id, name)
            if ticket is None:
                ticket = await self._begun(session_id, info, origin, JobState.PAUSED)
                await self._give(ticket, command)
            elif ticket.orders is not None and ticket.job.pass_ == name:
                await self._give(ticket, command, alone=True)
            else:
                await self._end_waiting(ticket, info, command)
            return self.board.view(ticket)

    async def _end_waiting(self, ticket: Ticket, info: PassInfo, command: Command) -> None:
        """End a pass that its living job does not work on; the job ends with its last pass."""
        finish = command is Command.FINISH and info.saved > 0
        if finish or info.state not in OVER:
            await self.work.end_pass(ticket, info.name, finish=finish)
        passes = await self.work.passes(ticket)
        left = [one.name for one in passes if one.state not in OVER]
        if not left:
            complete = any(one.state is PassState.COMPLETED for one in passes)
            paused = ticket.job.state is JobState.PAUSED
            await self._give(ticket, Command.FINISH if paused and complete else Command.CANCEL)
        elif ticket.job.state is JobState.PAUSED and info.name == ticket.job.pass_:
            over = next(one for one in passes if one.name == info.name)
            await self.board.pause(ticket, turn_object(over, left[0]))
        else:
            await self.board.keep(ticket)

    async def _give(self, ticket: Ticket, command: Command, *, alone: bool = False) -> None:
        work = self.commander.give(ticket, command, "", alone=alone)
        if work is not None:
            await work

    async def may_go_on(self, ticket: Ticket, name: PassName | None = None) -> bool:
        """Look whether the pass of a job that stands still is free; without a name, its next one. False: somebody
        ordered something else of the job meanwhile. Errors: PassLockedError.
        """
        if ticket.job.kind != SCAN or ticket.job.state is not JobState.PAUSED or ticket.orders is not None:
            return True
        seen = ticket.changes
        ticket.asked += 1
        try:
            await self._require_free(ticket, name)
        finally:
            ticket.asked -= 1
        return ticket.changes == seen or ticket.job.state in ENDED

    async def _require_free(self, ticket: Ticket, name: PassName | None) -> None:
        """Where storage cannot say who has the pass, the runner will find out."""
        try:
            if name is None:
                name = next((info.name for info in await self.work.passes(ticket) if is_left(ticket, info)), None)
            if name is not None:
                await self._require_unlocked(session_of(ticket), name)
        except StorageError as error:
            log.info("who has the pass cannot be looked up: %s", error.message, extra=fields_of(ticket.job))

    async def _require_next(self, ticket: Ticket, name: PassName, *, reopened: bool) -> None:
        """``reopened``: the pass is over, and would be worked on again."""
        passes = await self.work.passes(ticket)
        left = [info.name for info in passes if info.state not in OVER or (reopened and info.name == name)]
        if left and left[0] != name:
            message = f"pass {left[0]} comes first in job {ticket.job.id}: resume, finish or cancel it"
            raise CommandRefusedError(message, command=Command.RESUME.value, job_id=ticket.job.id)

    async def _require_unlocked(self, session_id: SessionId, name: PassName) -> None:
        """Whoever asks for a pass that another scanner scans is told so at once; the runner would find it later. A lock
        of a job of ours that we do not hold is one whose end a failing disk did not take down.
        """
        ours = {None, *(ticket.job.id for ticket in self.board.tickets())}
        for lock in await self.storage.locks.active():
            theirs = lock.state == "alive" and not lock.own and lock.job_id not in ours
            if theirs and (lock.session_id, lock.pass_) == (session_id, name):
                message = f"{lock.origin} works on pass {name} on {lock.host} since {lock.since}"
                raise PassLockedError(message, host=lock.host, origin=lock.origin, since=lock.since, job_id=lock.job_id)

    async def _living(self, session_id: SessionId, name: PassName) -> Ticket | None:
        """The job that has the pass. Errors: PassLockedError where none has and another scanner works on it."""
        if self.board.active_for(session_id, name) is None:
            await self._require_unlocked(session_id, name)
        return self.board.active_for(session_id, name)

    async def _begun(self, session_id: SessionId, info: PassInfo, origin: str, state: JobState) -> Ticket:
        """A new job for the pass alone."""
        handle = await self.storage.handle(session_id)
        progress = Progress(done=info.saved + info.skipped, total=info.shots)
        job = self.submitter.job_for(session_id, handle.title, (info.name,), origin, progress)
        pause = NOT_AT_WORK if state is JobState.PAUSED else None
        ticket = await self.board.add(replace(job, state=state, pause=pause))
        ticket.reopen = info.name
        return ticket

    async def _unfinished(self, session_id: SessionId, name: PassName) -> PassInfo:
        session = await self.storage.get_session(session_id)
        info = next((info for info in session.passes if info.name == name), None)
        if info is None:
            message = f"session {session_id} has no pass {name}"
            raise PassNotFoundError(message, session_id=session_id, **{"pass": name})
        if info.state is PassState.COMPLETED:
            message = f"pass {name} is complete; a completed pass is never redone"
            raise PassCompletedError(message, session_id=session_id, **{"pass": name})
        return info
