"""Commands to jobs: where an order meets the state of a job.

:func:`scanner.states.next_job_state` says whether it fits; from that look to the change nothing is awaited. What a
command leaves to do is returned as a coroutine, which the queue finishes even if the one who asked goes away.
"""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Final

from msgspec.structs import replace

from scanner.engine import Order
from scanner.engine.run import HALTED, PRESSED
from scanner.errors import CommandRefusedError
from scanner.jobs.board import Board, Ticket
from scanner.jobs.scans import ScanRunner
from scanner.states import Command, JobState, next_job_state

Work = Coroutine[Any, Any, None]

ORDERS: Final = {
    Command.PAUSE: Order.PAUSE,
    Command.FINISH: Order.FINISH,
    Command.CANCEL: Order.CANCEL,
    Command.HALT: Order.HALT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Commander:
    """Applies commands to tickets."""

    board: Board
    scans: ScanRunner

    def give(self, ticket: Ticket, command: Command, reason: str) -> Work | None:
        """Apply a command at once; what is left to do is returned. Errors: CommandRefusedError."""
        job = ticket.job
        state = next_job_state(job.state, command)
        if job.kind != "scan" and command is not Command.CANCEL:
            message = f"a job of kind {job.kind} cannot {command.value}"
            raise CommandRefusedError(message, kind=job.kind, command=command.value)
        if command is Command.SKIP:
            _mark_skip(ticket, reason)
        if ticket.orders is not None or job.state is JobState.RUNNING:
            return self._order(ticket, command)
        match job.state:
            case JobState.PAUSED | JobState.PENDING if state is not job.state:
                return self._settle(ticket, command, state)
            case JobState.PAUSED if command is Command.HALT:
                return self.board.pause(ticket, HALTED, shot=job.shot)
            case JobState.PAUSED if command is Command.PAUSE and job.pause and job.pause.resumes_by_itself:
                ticket.wake.set()
                return self.board.pause(ticket, PRESSED, shot=job.shot)
        return None

    def halt_waiting(self, ticket: Ticket) -> Work:
        """A job that a guard holds up must not go on by itself after somebody pressed Stop."""
        ticket.job = replace(ticket.job, pause=HALTED)
        ticket.wake.set()
        return self.board.pause(ticket, HALTED, shot=ticket.job.shot)

    def _order(self, ticket: Ticket, command: Command) -> Work | None:
        """To a running job."""
        if ticket.orders is None:
            message = "this job cannot be stopped half-way: it ends in a moment"
            raise CommandRefusedError(message, command=command.value)
        if command is Command.RESUME:
            ticket.orders.withdraw_pause()
            return self.board.change(ticket, order=None) if ticket.job.order == "pause" else None
        ticket.orders.give(ORDERS[command])
        strongest = ticket.orders.order or ORDERS[command]
        return self.board.change(ticket, order=strongest.name.lower())

    def _settle(self, ticket: Ticket, command: Command, state: JobState) -> Work:
        """To a job that waits or stands still: its runner decides if it has one, else it changes here."""
        if ticket.in_lane:
            ticket.decide(command)
            return self._taken_up(ticket)
        if command in {Command.CANCEL, Command.FINISH}:
            return self._end_waiting(ticket, command)
        if state is JobState.PAUSED:
            return self.board.pause(ticket, HALTED if command is Command.HALT else PRESSED)
        return self.board.change(ticket, state=state, pause=None)

    async def _taken_up(self, ticket: Ticket) -> None:
        """Return when the runner has acted on the decision, so that the answer shows it."""
        seen = ticket.changes
        while ticket.in_lane and ticket.changes == seen:
            await self.board.wait_change()

    async def _end_waiting(self, ticket: Ticket, command: Command) -> None:
        if ticket.job.kind == "scan":
            await self.scans.conclude(ticket, command)
        else:
            await self.board.change(ticket, state=JobState.CANCELLED, ended_at=self.board.now())


def _mark_skip(ticket: Ticket, reason: str) -> None:
    shot = ticket.job.shot
    if shot is None:
        message = "there is no failed shot to skip: the job is not paused on one"
        raise CommandRefusedError(message, command="skip")
    ticket.skip = (shot, reason or "skipped by the operator")
