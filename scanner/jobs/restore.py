"""What comes back after a restart: jobs as they were written down, set against what their passes say on disk.

Nothing moves by itself here: a job that was running is paused, and goes on when somebody resumes it or when the
policy says so.
"""

from __future__ import annotations

import logging
from typing import Literal

from msgspec.structs import replace

from scanner.errors import NotFoundError, StorageError
from scanner.jobs.board import SCAN, Board, Ticket
from scanner.jobs.passwork import OVER, gone, says_gone, session_of, turn_object
from scanner.model import Pause, SessionId
from scanner.records import Job, PassInfo, Session
from scanner.states import ENDED, Command, JobState, PassState
from scanner.storage import StorageManager

log = logging.getLogger(__name__)

Policy = Literal["auto", "ask", "never"]

INTERRUPTED = Pause(by="restart", reason="interrupted", message="The daemon was interrupted while it worked on this.")


async def restore(board: Board, storage: StorageManager) -> None:
    """Put every kept job back, corrected by the state of its passes, which are the truth."""
    for job in sorted(await storage.jobs.load(), key=lambda job: job.created_at):
        ticket = board.put_back(job)
        if job.state in ENDED:
            continue
        if job.kind != SCAN:
            await _restore_other(board, ticket)
        elif job.state is JobState.PENDING:
            await _restore_waiting(board, ticket, storage)
        else:
            await _restore_scan(board, ticket, job, await _session(storage, session_of(ticket)))


async def _restore_other(board: Board, ticket: Ticket) -> None:
    """Begun anew: whatever it did is whole, and done again or found done. Unless somebody had cancelled it."""
    if ticket.job.order == Command.CANCEL.value:
        await board.change(ticket, state=JobState.CANCELLED, order=None, ended_at=board.now())
    else:
        progress = replace(ticket.job.progress, done=0)
        await board.change(ticket, state=JobState.PENDING, started_at=None, elapsed_s=0.0, progress=progress)


async def _restore_waiting(board: Board, ticket: Ticket, storage: StorageManager) -> None:
    """As it was, in its place. Where its session cannot be looked for, its run will say so."""
    job = ticket.job
    try:
        await storage.handle(session_of(ticket))
    except NotFoundError:
        await _stand_without_session(board, ticket, job)
    except StorageError as error:
        log.warning("the session of job %s cannot be looked for: %s", job.id, error.message)


async def _stand_without_session(board: Board, ticket: Ticket, job: Job) -> None:
    """It may come back, as a share does that is mounted late: nothing is given up for that, and nothing tries. What
    the job stood still for when it was kept is still to be done.
    """
    before, pause = job.pause, replace(gone(session_of(ticket)), by="restart")
    if before is not None:
        told = before.message if says_gone(before) else f"{pause.message} Before that: {before.message}"
        pause = replace(pause, message=told)
    await board.pause(ticket, pause, shot=job.shot)


async def _restore_scan(board: Board, ticket: Ticket, job: Job, session: Session | None) -> None:
    """``job``: as it was kept; by now it may say itself that its session is gone."""
    passes = [info for info in session.passes if info.name in job.passes] if session else []
    if not passes:
        await _stand_without_session(board, ticket, job)
        return
    done = sum(info.saved + info.skipped for info in passes)
    worked = max(job.elapsed_s, sum(info.duration_s for info in passes))
    ticket.job = job = replace(job, progress=replace(job.progress, done=done), order=None, elapsed_s=worked)
    states = {info.state for info in passes}
    if states <= {PassState.COMPLETED, PassState.CANCELLED}:
        state = JobState.COMPLETED if PassState.COMPLETED in states else JobState.CANCELLED
        await board.change(ticket, state=state, pause=None, ended_at=job.ended_at or board.now())
    elif job.state is JobState.RUNNING or (job.pause is not None and job.pause.resumes_by_itself):
        await board.pause(ticket, _why(passes, job.pause))


def _why(passes: list[PassInfo], before: Pause | None) -> Pause:
    """A pass that was not begun, behind one that is over, still wants the object turned; a guard held up what now waits
    for a person or the policy.
    """
    if before is not None and before.by == "guard":
        message = f"The daemon was restarted while a guard held this up. {before.message}"
        return Pause(by="restart", reason="interrupted", message=message)
    over = [info for info in passes if info.state in OVER]
    left = [info for info in passes if info.state not in OVER]
    return turn_object(over[-1], left[0].name) if over and left[0].state is PassState.PLANNED else INTERRUPTED


async def _session(storage: StorageManager, session_id: SessionId) -> Session | None:
    try:
        return await storage.get_session(session_id)
    except NotFoundError:
        return None


def goes_on(job: Job, policy: Policy) -> bool:
    """Whether a job that a restart interrupted resumes without being asked: by policy, and scheduled ones unless
    ``never``. Not one whose session was not there.
    """
    if job.state is not JobState.PAUSED or job.pause is None or job.pause.by != "restart" or says_gone(job.pause):
        return False
    return policy == "auto" or (policy == "ask" and job.origin.startswith("schedule:"))
