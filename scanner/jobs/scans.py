"""Runs a scan job: pass after pass, waiting where a person or a guard has to act, and ending its passes when it
ends.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from scanner.engine import Ending, EndingKind, Engine, Order, Orders
from scanner.engine.run import HALTED
from scanner.errors import ConflictError, NotFoundError, ScannerError, StorageError
from scanner.events import EventBus, PassCompleted
from scanner.guards import Guards
from scanner.jobs.board import Board, Ticket, fields_of
from scanner.jobs.reporter import Reporter
from scanner.model import PassName, Pause, SessionId
from scanner.records import JobResult, PassInfo, Session
from scanner.states import Command, JobState, PassState
from scanner.storage import StorageManager, place_of

log = logging.getLogger(__name__)

TURN_OBJECT: Final = "turn_object"
OVER: Final = frozenset({PassState.COMPLETED, PassState.CANCELLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanRunner:
    """Runs one scan job at a time: the scan lane."""

    storage: StorageManager
    engine: Engine
    guards: Guards
    board: Board
    bus: EventBus

    async def run(self, ticket: Ticket) -> None:
        """Work on a job until it has ended, or stands still because the daemon stops."""
        while True:
            orders = ticket.orders = Orders()  # from here on commands are orders to this run
            name = await self._next_pass(ticket)
            if name is None:
                break
            ending = await self._run_pass(ticket, name, orders)
            decision = await self._after(ticket, ending, orders)
            if decision is Order.SHUTDOWN:
                return
            if decision in {Command.CANCEL, Command.FINISH}:
                await self.conclude(ticket, Command(decision))
                return
        await self._end(ticket, JobState.COMPLETED)

    # ---- one pass ------------------------------------------------------------------------------------------------

    async def _next_pass(self, ticket: Ticket) -> PassName | None:
        session = await self._session(ticket)
        if session is None:
            return None
        states = {info.name: info.state for info in session.passes}
        return next((name for name in ticket.job.passes if states.get(name) not in OVER), None)

    async def _run_pass(self, ticket: Ticket, name: PassName, orders: Orders) -> Ending:
        job = ticket.job
        await self.board.change(
            ticket,
            state=JobState.RUNNING,
            pass_=name,
            pause=None,
            order=None,
            started_at=job.started_at or self.board.now(),
        )
        log.info("scan of pass %s begins", name, extra=fields_of(ticket.job))
        self.board.began(ticket)
        try:
            return await self._with_writer(ticket, name, orders)
        except (StorageError, ConflictError, NotFoundError) as error:
            return Ending(kind=EndingKind.PAUSED, pause=Pause(by="fault", reason=error.code, message=error.message))
        finally:
            self.board.rested(ticket)

    async def _with_writer(self, ticket: Ticket, name: PassName, orders: Orders) -> Ending:
        session = await self.storage.get_session(_session_id(ticket))
        handle = await self.storage.handle(session.id)
        async with self.storage.open_pass(handle, name, job_id=ticket.job.id, origin=ticket.job.origin) as writer:
            if ticket.skip is not None:
                index, reason = ticket.skip
                await writer.skip(writer.plan.shots[index - 1], reason)
                ticket.skip = None
            others = [info for info in session.passes if info.name in ticket.job.passes and info.name != name]
            done = len(writer.plan.shots) - len(writer.remaining()) + sum(info.saved + info.skipped for info in others)
            ticket.job = replace(ticket.job, progress=replace(ticket.job.progress, done=done))
            reporter = Reporter(ticket, writer, self.bus, later_s=0.0)
            try:
                return await self.engine.run(writer, orders, reporter)
            finally:
                reporter.close()

    # ---- after a pass --------------------------------------------------------------------------------------------

    async def _after(self, ticket: Ticket, ending: Ending, orders: Orders) -> Command | Order | None:
        """What to do next: go on (None), end (a Command), or leave the job as it is because the daemon stops."""
        if ending.kind is EndingKind.CANCELLED:
            return Command.CANCEL
        if ending.kind is EndingKind.COMPLETED:
            return await self._after_completed(ticket, orders)
        return await self._stand_still(ticket, ending, orders)

    async def _after_completed(self, ticket: Ticket, orders: Orders) -> Command | Order | None:
        name = ticket.job.pass_
        session = await self._session(ticket)
        done = next((info for info in session.passes if info.name == name), None) if session else None
        if done is not None:
            self.bus.publish(PassCompleted(session_id=_session_id(ticket), pass_=done.name, saved=done.saved))
            log.info("pass %s completed with %d photos", done.name, done.saved, extra=fields_of(ticket.job))
        if orders.order is Order.FINISH:
            return Command.FINISH
        following = await self._next_pass(ticket)
        if following is None:
            return None
        pause = Pause(
            by="operator",
            reason=TURN_OBJECT,
            message=f"Pass {name} is complete. Turn the object for pass {following}, then continue.",
        )
        ending = Ending(kind=EndingKind.PAUSED, pause=pause)
        return await self._stand_still(ticket, ending, orders)

    async def _stand_still(self, ticket: Ticket, ending: Ending, orders: Orders) -> Command | Order | None:
        late = _late(ending, orders)
        if late is not None:
            return None if late is Command.RESUME else late
        pause = ending.pause
        if orders.order is Order.HALT:
            pause = HALTED
        ticket.orders = None  # in the same step as the state below: a command finds either both or neither
        ticket.decision = None
        ticket.wake.clear()
        if pause is None:
            message = "a paused run says why"
            raise AssertionError(message)
        await self.board.pause(ticket, pause, shot=ending.shot.index if ending.shot else None)
        if orders.order is Order.SHUTDOWN:
            return Order.SHUTDOWN
        return await self._decision(ticket)

    async def _decision(self, ticket: Ticket) -> Command | None:
        """Wait for a person, or for the guard to clear. None: go on."""
        while ticket.decision is None:
            ticket.wake.clear()
            pause = ticket.job.pause
            if pause is not None and pause.resumes_by_itself:
                if self.guards.pause() is None:
                    return None
                await self._wait_guard(ticket)
            else:
                await ticket.wake.wait()
        decision, ticket.decision = ticket.decision, None
        return decision if decision in {Command.CANCEL, Command.FINISH} else None

    async def _wait_guard(self, ticket: Ticket) -> None:
        woken = asyncio.ensure_future(ticket.wake.wait())
        clear = asyncio.ensure_future(self.guards.wait_clear())
        try:
            await asyncio.wait({woken, clear}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            woken.cancel()
            clear.cancel()

    # ---- the end -------------------------------------------------------------------------------------------------

    async def conclude(self, ticket: Ticket, command: Command) -> None:
        """End a job by cancel or finish: what was begun is finished (finish) or cancelled, what was not begun is
        cancelled. Finishing a scan that has no photo is cancelling it.
        """
        ticket.orders = None
        ticket.in_lane = True  # decided: nobody else takes it up, and orders come too late
        session = await self._session(ticket)
        passes = [info for info in session.passes if info.name in ticket.job.passes] if session else []
        finished = command is Command.FINISH and any(info.saved for info in passes)
        state = JobState.COMPLETED if finished else JobState.CANCELLED
        for info in passes:
            if info.state not in OVER:
                await self._end_pass(ticket, info, command)
        await self._end(ticket, state)
        ticket.in_lane = False

    async def _end_pass(self, ticket: Ticket, info: PassInfo, command: Command) -> None:
        try:
            handle = await self.storage.handle(_session_id(ticket))
            async with self.storage.open_pass(
                handle, info.name, job_id=ticket.job.id, origin=ticket.job.origin
            ) as writer:
                if command is Command.FINISH and info.saved:
                    await writer.finish("finished early")
                else:
                    await writer.cancel("cancelled")
        except ScannerError as error:
            log.warning("pass %s stays unfinished: %s", info.name, error.message, extra=fields_of(ticket.job))

    async def _end(self, ticket: Ticket, state: JobState) -> None:
        ticket.orders = None
        job = ticket.job
        session = await self._session(ticket)
        passes = [info for info in session.passes if info.name in job.passes] if session else []
        saved = sum(info.saved for info in passes)
        result = JobResult(
            saved=saved,
            skipped=sum(info.skipped for info in passes),
            retaken=sum(info.retaken for info in passes),
            bytes=sum(info.bytes for info in passes),
            duration_s=job.elapsed_s,
            path=place_of(session.id) if session else None,
        )
        log.info("scan %s: %d photos", state.value, saved, extra=fields_of(job))
        await self.board.change(
            ticket,
            state=state,
            pause=None,
            order=None,
            result=result,
            ended_at=self.board.now(),
            progress=replace(job.progress, done=saved + result.skipped, eta_s=None),
        )

    async def _session(self, ticket: Ticket) -> Session | None:
        try:
            return await self.storage.get_session(_session_id(ticket))
        except NotFoundError:
            return None


def _session_id(ticket: Ticket) -> SessionId:
    if ticket.job.session_id is None:
        message = f"scan job {ticket.job.id} has no session"
        raise AssertionError(message)
    return ticket.job.session_id


def _late(ending: Ending, orders: Orders) -> Command | None:
    """An order that came after the run had decided how it ends."""
    if orders.order is Order.CANCEL:
        return Command.CANCEL
    if orders.order is Order.FINISH and ending.pause is not None and ending.pause.by != "fault":
        return Command.FINISH
    by_user = ending.pause is not None and ending.pause.by == "user"
    return Command.RESUME if by_user and orders.pause_withdrawn else None
