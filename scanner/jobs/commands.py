"""Commands to jobs: where an order meets the state of a job.

:func:`scanner.states.next_job_state` says whether it fits; from that look to the change nothing is awaited. What a
command leaves to do (writing it down, ending passes) is returned as a coroutine, which the queue finishes even if the
one who asked goes away.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Final

from msgspec import Struct

from scanner.engine import Order
from scanner.engine.run import HALTED, PRESSED
from scanner.errors import CommandRefusedError
from scanner.jobs.board import Board, Ticket
from scanner.jobs.passwork import PassWork
from scanner.model import Pause
from scanner.states import ENDED, Command, JobState, next_job_state

Work = Coroutine[Any, Any, None]

ORDERS: Final = {
    Command.PAUSE: Order.PAUSE,
    Command.FINISH: Order.FINISH,
    Command.CANCEL: Order.CANCEL,
    Command.HALT: Order.HALT,
}
ENDING: Final = frozenset({Command.FINISH, Command.CANCEL})


class Commander(Struct, frozen=True, kw_only=True):
    """Applies commands to tickets."""

    board: Board
    work: PassWork

    def give(self, ticket: Ticket, command: Command, reason: str, *, alone: bool = False) -> Work | None:
        """Apply a command at once; what is left to do is returned. ``alone``: it ends the pass at work, not the job.

        Errors: CommandRefusedError, SessionBusyError (its session is being deleted or restored).
        """
        job = ticket.job
        state = next_job_state(job.state, command)
        if job.kind != "scan" and command is not Command.CANCEL:
            message = f"a job of kind {job.kind} cannot {command.value}"
            raise CommandRefusedError(message, kind=job.kind, command=command.value)
        if job.state in ENDED:
            return None  # done already: saying it twice is saying it once
        if ticket.orders is not None or job.state is JobState.RUNNING:
            return self._order(ticket, command, alone=alone)
        return self._to_waiting(ticket, command, state, reason)

    def _to_waiting(self, ticket: Ticket, command: Command, state: JobState, reason: str) -> Work | None:
        """To a job that no run has: it waits in the queue or stands still."""
        if state is JobState.PAUSED:
            return self._stand_still(ticket, HALTED if command is Command.HALT else PRESSED)
        self.board.custody.require_unheld(ticket.job.session_id)
        if ticket.skipping:
            return self._once_skipped(ticket, command, reason)
        if command is Command.SKIP:
            return self._skip(ticket, reason)
        if ticket.in_lane:
            ticket.decide(command)
            return self._taken_up(ticket, ticket.changes)
        if state in ENDED:
            return self._end_waiting(ticket, command)
        self.board.set(ticket, state=state, pause=None)
        return self.board.keep(ticket)

    def halt(self, ticket: Ticket) -> Work | None:
        """Somebody pressed Stop: the job stands still, or will in a moment, and does not go on by itself."""
        if ticket.job.kind != "scan" or ticket.job.state in ENDED:
            return None
        if ticket.orders is not None:
            ticket.orders.give(Order.HALT)
            return None
        return None if ticket.job.state is JobState.RUNNING else self._stand_still(ticket, HALTED)

    def _order(self, ticket: Ticket, command: Command, *, alone: bool) -> Work | None:
        """To a run, or to a job that is about to be one."""
        orders = ticket.orders
        if orders is None or command is Command.SKIP:
            message = f"too late to {command.value}: the job goes on, or ends, in a moment"
            raise CommandRefusedError(message, command=command.value)
        if command is Command.RESUME:
            orders.withdraw_pause()
        else:
            if command in ENDING:  # to end the job is more than to end its pass, whichever was said first
                ticket.pass_alone = alone and (ticket.pass_alone or not orders.ends)
            orders.give(ORDERS[command])
        strongest = orders.order
        order = strongest.name.lower() if strongest else None
        if order == ticket.job.order:
            return None  # a change that is none would tell those who wait that the run has acted
        self.board.set(ticket, order=order)
        return self.board.keep(ticket)

    def _stand_still(self, ticket: Ticket, pause: Pause) -> Work | None:
        """A waiting job, or one that stands still already for a weaker reason."""
        before = ticket.job.pause
        goes_on = ticket.decision is not None or ticket.skipping or ticket.asked > 0
        weaker = before is None or before.resumes_by_itself or goes_on or pause is HALTED
        if not weaker or (before == pause and not goes_on):
            return None
        self.board.stand_still(ticket, pause, shot=ticket.job.shot)
        ticket.wake.set()
        return self.board.keep(ticket)

    def _skip(self, ticket: Ticket, reason: str) -> Work:
        shot = ticket.job.shot
        if shot is None or ticket.decision is not None:
            message = "there is no failed shot to skip: the job is not paused on one"
            raise CommandRefusedError(message, command=Command.SKIP.value)
        ticket.skipping = True
        return self._skip_and_resume(ticket, shot, reason or "skipped by the operator", ticket.changes)

    async def _skip_and_resume(self, ticket: Ticket, shot: int, reason: str, seen: int) -> None:
        """``seen``: changes of the job when it was ordered; another order may come before this begins."""
        try:
            await self.work.skip(ticket, shot, reason)
        finally:
            self.board.skipped(ticket)
        if ticket.changes != seen:  # somebody pressed Pause or Stop meanwhile
            await self.board.change(ticket, shot=None)
        elif ticket.in_lane:
            ticket.decide(Command.RESUME)
            await self._taken_up(ticket, ticket.changes)
        else:
            await self.board.change(ticket, state=JobState.PENDING, pause=None, shot=None)

    async def _once_skipped(self, ticket: Ticket, command: Command, reason: str) -> None:
        """An order that came while a shot is being left out: the pass is not free before."""
        while ticket.skipping:
            await self.board.wait_change()
        work = self.give(ticket, command, reason)
        if work is not None:
            await work

    async def _taken_up(self, ticket: Ticket, seen: int) -> None:
        """Return when the runner has acted on the decision, or another order was stronger, so that the answer shows it.
        ``seen``: changes of the job when it was decided.
        """
        while ticket.in_lane and ticket.changes == seen and not self.board.closing:
            await self.board.wait_change()

    def _end_waiting(self, ticket: Ticket, command: Command) -> Work:
        ticket.in_lane = True  # decided: nobody takes it up
        return self._conclude(ticket, command)

    async def _conclude(self, ticket: Ticket, command: Command) -> None:
        try:
            if ticket.job.kind == "scan":
                await self.work.conclude(ticket, command)
            else:
                await self.board.change(ticket, state=JobState.CANCELLED, ended_at=self.board.now())
        finally:
            self.board.leave_lane(ticket)
