"""What is done to the passes of a job outside a run: looking at them, skipping a shot, ending them one by one or with
their job.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from scanner.clock import Clock
from scanner.errors import (
    ConflictError,
    LockLostError,
    NotFoundError,
    PassLockedError,
    SessionNotFoundError,
    StorageError,
)
from scanner.jobs.board import Board, Ticket, fields_of
from scanner.model import PassName, Pause, SessionId
from scanner.records import Fault, Job, JobResult, PassInfo
from scanner.states import Command, JobState, PassState
from scanner.storage import PassWriter, SessionHandle, StorageManager, place_of

log = logging.getLogger(__name__)

MOMENTS: Final = (0.05, 0.2, 0.5)  # seconds between attempts at a pass that is locked for a moment
OVER: Final = frozenset({PassState.COMPLETED, PassState.CANCELLED})


def is_left(ticket: Ticket, info: PassInfo) -> bool:
    """Whether a pass is still to be worked on; a cancelled one only where somebody asked for it by name."""
    return info.state not in OVER or (info.state is PassState.CANCELLED and info.name == ticket.reopen)


def turn_object(done: PassInfo, following: PassName) -> Pause:
    """Between two passes a person has to act."""
    how = "complete" if done.state is PassState.COMPLETED else "over"
    message = f"Pass {done.name} is {how}. Turn the object for pass {following}, then continue."
    return Pause(by="operator", reason="turn_object", message=message)


class _End(Struct, frozen=True, kw_only=True):
    """What came of a scan job: its passes, None where they cannot be read, and what its end left undone."""

    finished: bool = False
    passes: list[PassInfo] | None = None
    error: Fault | None = None


class PassWork(Struct, frozen=True, kw_only=True):
    """Acts on the passes of scan jobs while no run has them."""

    storage: StorageManager
    board: Board
    clock: Clock

    async def conclude(self, ticket: Ticket, command: Command) -> bool:
        """End a job: what was begun is finished (finish) or cancelled, what was not begun is cancelled. Finishing a
        scan that has no photo is cancelling it.

        False: a pass could not be ended, and the job stands still for that reason; nothing counts as ended that is not
        on disk. A disk that fails does not keep a job from being cancelled: what it could not write down stays to be
        resumed, and the job says so.
        """
        ticket.orders = None
        session_id, custody = session_of(ticket), self.board.custody
        await custody.until_unheld(session_id)
        try:
            with custody.touch(session_id, ticket.job.id):
                end = await self._end_passes(ticket, command)
        except LockLostError as error:
            await self.fail(ticket, error)
            return True
        except NotFoundError:
            end = _End(passes=[], error=without_session(session_id))
        except (StorageError, ConflictError) as error:
            if command is not Command.CANCEL or not isinstance(error, StorageError):
                await self.board.pause(ticket, fault(error))
                return False
            end = _End(error=_untold("what is left of its passes", error))
        await self._end(ticket, end)
        return True

    async def _end_passes(self, ticket: Ticket, command: Command) -> _End:
        """What came of the job. Errors: StorageError, ConflictError, NotFoundError."""
        passes = await self.passes(ticket)
        finished = command is Command.FINISH and any(info.saved for info in passes)
        untold: dict[PassName, StorageError] = {}
        for info in passes:
            reopened = finished and info.name == ticket.reopen and info.state is not PassState.COMPLETED
            if info.state not in OVER or reopened:
                error = await self._end_or_leave(ticket, info, command, finished=finished)
                if error is not None:
                    untold[info.name] = error
        names = " and ".join(f"pass {name}" for name in untold)
        kept = _untold(names, next(iter(untold.values()))) if untold else None
        passes = await self.passes(ticket)
        if finished and not any(info.state is PassState.COMPLETED for info in passes):
            finished, kept = False, _given_up(passes)
        return _End(finished=finished, passes=passes, error=kept if passes else without_session(session_of(ticket)))

    async def _end_or_leave(
        self, ticket: Ticket, info: PassInfo, command: Command, *, finished: bool
    ) -> StorageError | None:
        """A pass that another scanner works on is none of the concern of a job that is given up here. Returns why a
        disk that fails did not take down that the pass is cancelled.
        """
        try:
            await self.end_pass(ticket, info.name, finish=finished and info.saved > 0)
        except PassLockedError as error:
            if finished or not await self._is_elsewhere(session_of(ticket), info.name):
                raise
            log.warning("pass %s is left alone: %s", info.name, error.message, extra=fields_of(ticket.job))
        except StorageError as error:
            if command is not Command.CANCEL:
                raise
            return error
        return None

    async def _is_elsewhere(self, session_id: SessionId, name: PassName) -> bool:
        locks = await self.storage.locks.active()
        return any((lock.session_id, lock.pass_, lock.own) == (session_id, name, False) for lock in locks)

    async def end_pass(self, ticket: Ticket, name: PassName, *, finish: bool) -> None:
        """Finish or cancel one pass that nobody works on. Errors: StorageError, ConflictError, NotFoundError."""
        async with self.opened(ticket, name) as writer:
            if finish:
                await writer.finish("finished early")
            else:
                await writer.cancel("cancelled")

    async def skip(self, ticket: Ticket, shot: int, reason: str) -> None:
        """Leave a shot of the pass at work out, durable at once. Errors: StorageError, ConflictError, NotFoundError."""
        async with self.opened(ticket, pass_of(ticket)) as writer:
            await writer.skip(writer.plan.shots[shot - 1], reason)

    @asynccontextmanager
    async def opened(self, ticket: Ticket, name: PassName) -> AsyncIterator[PassWriter]:
        """A pass of the job, locked. One that is locked for a moment only, because a checkpoint is saved or damage is
        marked, is waited for. Errors: SessionBusyError, StorageError, ConflictError, NotFoundError.
        """
        session_id = session_of(ticket)
        async with AsyncExitStack() as stack:
            stack.enter_context(self.board.custody.touch(session_id, ticket.job.id))
            handle = await self.storage.handle(session_id)
            yield await self._open(stack, handle, name, ticket.job)

    async def _open(self, stack: AsyncExitStack, handle: SessionHandle, name: PassName, job: Job) -> PassWriter:
        def opening() -> AbstractAsyncContextManager[PassWriter]:
            return self.storage.open_pass(handle, name, job_id=job.id, origin=job.origin)

        for moment in MOMENTS:
            try:
                return await stack.enter_async_context(opening())
            except PassLockedError as error:
                if error.detail.get("job_id") is not None:  # somebody's scan is no moment
                    raise
            await self.clock.sleep(moment * self.clock.speed)
        return await stack.enter_async_context(opening())

    async def passes(self, ticket: Ticket) -> list[PassInfo]:
        """The passes of the job, in its order; none if the session is gone."""
        try:
            session = await self.storage.get_session(session_of(ticket))
        except NotFoundError:
            return []
        infos = {info.name: info for info in session.passes}
        return [infos[name] for name in ticket.job.passes if name in infos]

    async def _end(self, ticket: Ticket, end: _End) -> None:
        job, result, progress = ticket.job, None, replace(ticket.job.progress, eta_s=None)
        state = JobState.COMPLETED if end.finished else JobState.CANCELLED
        if end.passes is not None:
            result = _result(ticket, end.passes)
            progress = replace(progress, done=result.saved + result.skipped)
            log.info("scan %s: %d photos", state.value, result.saved, extra=fields_of(job))
        if end.error is not None:
            log.warning("scan %s: %s", state.value, end.error.message, extra=fields_of(job))
        await self.board.change(
            ticket,
            state=state,
            pause=None,
            order=None,
            error=end.error,
            result=result,
            ended_at=self.board.now(),
            progress=progress,
        )

    async def fail(self, ticket: Ticket, error: LockLostError) -> None:
        """Somebody took the pass by force: it is his now, and nothing of it is touched any more."""
        ticket.orders = None
        log.error("the scan ends: %s", error.message, extra=fields_of(ticket.job))
        why = Fault(code=error.code, message=error.message, detail=error.detail)
        await self.board.change(
            ticket, state=JobState.FAILED, error=why, pause=None, order=None, shot=None, ended_at=self.board.now()
        )


def _result(ticket: Ticket, passes: list[PassInfo]) -> JobResult:
    return JobResult(
        saved=sum(info.saved for info in passes),
        skipped=sum(info.skipped for info in passes),
        retaken=sum(info.retaken for info in passes),
        bytes=sum(info.bytes for info in passes),
        duration_s=ticket.job.elapsed_s,
        path=place_of(session_of(ticket)) if passes else None,
    )


def _given_up(passes: list[PassInfo]) -> Fault:
    """Why a job is cancelled that was to end well: somebody else had cancelled its passes."""
    names = " and ".join(f"pass {info.name}" for info in passes)
    message = f"No pass is complete or left: {names} had been cancelled. Resume a pass by its name to go on with it."
    return Fault(code=ConflictError.code, message=message)


def _untold(what: str, error: StorageError) -> Fault:
    """What a job says that is cancelled although the disk could not take it down."""
    message = f"That it is cancelled could not be written down for {what}, which can be resumed later: {error.message}"
    return Fault(code=error.code, message=message, detail=error.detail)


def session_of(ticket: Ticket) -> SessionId:
    """The session of a scan job."""
    if ticket.job.session_id is None:
        message = f"scan job {ticket.job.id} has no session"
        raise AssertionError(message)
    return ticket.job.session_id


def pass_of(ticket: Ticket) -> PassName:
    """The pass that a scan job works on, or did last."""
    if ticket.job.pass_ is None:
        message = f"scan job {ticket.job.id} has no pass"
        raise AssertionError(message)
    return ticket.job.pass_


def without_session(session_id: SessionId) -> Fault:
    """Why a job is cancelled whose session is gone."""
    return Fault(code=SessionNotFoundError.code, message=f"Session {session_id} is gone: it was deleted or moved away.")


def gone(session_id: SessionId) -> Pause:
    """Somebody took the session away from under its job."""
    message = f"The directory of session {session_id} is gone. Put it back and resume, or cancel."
    return Pause(by="fault", reason=SessionNotFoundError.code, message=message)


def says_gone(pause: Pause | None) -> bool:
    """Whether a job stands still because its session was not there."""
    return pause is not None and pause.reason == SessionNotFoundError.code


def fault(error: StorageError | ConflictError | NotFoundError) -> Pause:
    """The pause of a job that an error stopped."""
    return Pause(by="fault", reason=error.code, message=error.message)
