"""Runs a scan job: pass after pass, waiting where a person or a guard has to act, and ending its passes when it
ends.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from msgspec import Struct
from msgspec.structs import replace

from scanner.engine import Ending, EndingKind, Engine, Order, Orders
from scanner.engine.pace import whole
from scanner.engine.run import HALTED
from scanner.errors import (
    ConflictError,
    HardwareError,
    LockLostError,
    NotFoundError,
    PassCompletedError,
    StorageError,
)
from scanner.events import EventBus, PassCompleted
from scanner.guards import Guards
from scanner.jobs.board import Board, Ticket, fields_of
from scanner.jobs.passwork import PassWork, fault, gone, is_left, pass_of, session_of, turn_object
from scanner.jobs.reporter import Reporter
from scanner.model import PassName, SessionId
from scanner.states import Command, JobState, PassState
from scanner.storage import PassWriter, StorageManager

log = logging.getLogger(__name__)


class ScanRunner(Struct, frozen=True, kw_only=True):
    """Runs one scan job at a time: the scan lane."""

    storage: StorageManager
    work: PassWork
    engine: Engine
    guards: Guards
    board: Board
    bus: EventBus

    async def run(self, ticket: Ticket) -> None:
        """Work on a job until it has ended, or stands still because the daemon stops."""
        try:
            await self._run(ticket)
        except LockLostError as error:
            await self.work.fail(ticket, error)

    async def _run(self, ticket: Ticket) -> None:
        """Errors: LockLostError: the pass at work is somebody else's now."""
        while True:
            orders = ticket.orders = Orders()  # from here on commands are orders to this run
            ticket.pass_alone = False
            if self.board.closing:  # somebody resumed it in the moment in which the daemon stops
                orders.give(Order.SHUTDOWN)
            ending = await self._run_next(ticket, orders)
            decision = Command.FINISH if ending is None else await self._after(ticket, ending, orders)
            while isinstance(decision, Command):
                if await self.work.conclude(ticket, decision):
                    return
                decision = await self._decision(ticket)  # it could not be written down: it stands still again
            if decision is Order.SHUTDOWN:
                return

    # ---- one pass ------------------------------------------------------------------------------------------------

    async def _run_next(self, ticket: Ticket, orders: Orders) -> Ending | None:
        """Run the next pass of the job; None: there is none left."""
        session_id, custody = session_of(ticket), self.board.custody
        await custody.until_unheld(session_id)
        with custody.touch(session_id, ticket.job.id):
            try:
                passes = await self.work.passes(ticket)
                name = next((info.name for info in passes if is_left(ticket, info)), None)
                if name is not None:
                    return await self._unless_gone(session_id, await self._run_pass(ticket, name, orders))
                return None if passes else _gone(session_id)
            except LockLostError:
                raise
            except PassCompletedError:  # its end was written, though nobody was told: the disk failed then
                return Ending(kind=EndingKind.COMPLETED)
            except NotFoundError:
                return _gone(session_id)
            except (StorageError, ConflictError) as error:
                return Ending(kind=EndingKind.PAUSED, pause=fault(error))

    async def _unless_gone(self, session_id: SessionId, ending: Ending) -> Ending:
        """A fault of the disk may be that somebody took the session away: then that is the reason."""
        if ending.pause is not None and ending.pause.by == "fault":
            with suppress(StorageError):
                await self.storage.handle(session_id)
        return ending

    async def _run_pass(self, ticket: Ticket, name: PassName, orders: Orders) -> Ending:
        await self.board.change(
            ticket,
            state=JobState.RUNNING,
            pass_=name,
            pause=None,
            started_at=ticket.job.started_at or self.board.now(),
        )
        log.info("scan of pass %s begins", name, extra=fields_of(ticket.job))
        self.board.began(ticket)
        try:
            async with self.work.opened(ticket, name) as writer:
                reporter = Reporter(ticket, writer, self.bus, later_s=await self._count(ticket, writer))
                try:
                    return await self.engine.run(writer, orders, reporter)
                finally:
                    reporter.close()
        finally:
            self.board.rested(ticket)

    async def _count(self, ticket: Ticket, writer: PassWriter) -> float:
        """Set the job's progress right; the seconds that the passes after this one will take."""
        others = [info for info in await self.work.passes(ticket) if info.name != writer.name]
        done = len(writer.plan.shots) - len(writer.remaining()) + sum(info.saved + info.skipped for info in others)
        ticket.job = replace(ticket.job, progress=replace(ticket.job.progress, done=done))
        try:
            limits = self.engine.rig.limits()
        except HardwareError:  # no rig, no prediction; the run itself will say so
            return 0.0
        later = 0.0
        for info in others:
            if info.state is PassState.PLANNED:
                plan = (await self.storage.pass_document(writer.session_id, info.name)).plan
                later += whole(plan.shots, limits, self.engine.habits)
        return later

    # ---- after a pass --------------------------------------------------------------------------------------------

    async def _after(self, ticket: Ticket, ending: Ending, orders: Orders) -> Command | Order | None:
        """What to do next: go on (None), end (a Command), or leave the job as it is because the daemon stops."""
        late = _late(ending, orders)
        if ending.kind is EndingKind.PAUSED and ticket.pass_alone and late in {Command.FINISH, Command.CANCEL}:
            ending = await self._end_late(ticket, finish=late is Command.FINISH)
        if ending.kind is EndingKind.PAUSED:
            return await self._stand_still(ticket, ending, orders)
        if orders.order is Order.FINISH and not ticket.pass_alone:
            return Command.FINISH
        if ending.kind is EndingKind.CANCELLED and not ticket.pass_alone:
            return Command.CANCEL
        return await self._after_pass(ticket, ending, orders)

    async def _after_pass(self, ticket: Ticket, ending: Ending, orders: Orders) -> Command | Order | None:
        """One pass is over, the job may not be."""
        ticket.reopen = None
        try:
            passes = await self.work.passes(ticket)
        except StorageError as error:
            decision = await self._stand_still(ticket, Ending(kind=EndingKind.PAUSED, pause=fault(error)), orders)
            return await self._after_pass(ticket, ending, orders) if decision is None else decision
        done = next((info for info in passes if info.name == ticket.job.pass_), None)
        if done is None:
            return await self._stand_still(ticket, _gone(session_of(ticket)), orders)
        if ending.kind is EndingKind.COMPLETED:
            self.bus.publish(PassCompleted(session_id=session_of(ticket), pass_=done.name, saved=done.saved))
            log.info("pass %s completed with %d photos", done.name, done.saved, extra=fields_of(ticket.job))
        following = next((info.name for info in passes if is_left(ticket, info)), None)
        if following is None:
            return Command.FINISH if any(info.state is PassState.COMPLETED for info in passes) else Command.CANCEL
        pause = turn_object(done, following)
        return await self._stand_still(ticket, Ending(kind=EndingKind.PAUSED, pause=pause), orders)

    async def _end_late(self, ticket: Ticket, *, finish: bool) -> Ending:
        """End the pass whose run had decided to pause before the order came."""
        try:
            name = pass_of(ticket)
            saved = sum(info.saved for info in await self.work.passes(ticket) if info.name == name)
            finish = finish and saved > 0
            await self.work.end_pass(ticket, name, finish=finish)
        except LockLostError:
            raise
        except (StorageError, ConflictError, NotFoundError) as error:
            return Ending(kind=EndingKind.PAUSED, pause=fault(error))
        return Ending(kind=EndingKind.COMPLETED if finish else EndingKind.CANCELLED)

    async def _stand_still(self, ticket: Ticket, ending: Ending, orders: Orders) -> Command | Order | None:
        late = _late(ending, orders)
        if late is Command.RESUME or (late is not None and not ticket.pass_alone):
            return None if late is Command.RESUME else late
        ticket.orders = None  # in the same step as the state below: a command finds either both or neither
        ticket.wake.clear()
        pause = HALTED if orders.includes(Order.HALT) or ending.pause is None else ending.pause
        failed = ending.shot.index if ending.shot else ticket.job.shot  # still the same one if no photo came after it
        await self.board.pause(ticket, pause, shot=failed)
        return await self._decision(ticket)

    async def _decision(self, ticket: Ticket) -> Command | Order | None:
        """Wait for a person, or for the guard to clear. None: go on."""
        while ticket.decision is None:
            ticket.wake.clear()
            pause = ticket.job.pause
            if self.board.closing:
                return Order.SHUTDOWN
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


def _gone(session_id: SessionId) -> Ending:
    return Ending(kind=EndingKind.PAUSED, pause=gone(session_id))


def _late(ending: Ending, orders: Orders) -> Command | None:
    """An order that came after the run had decided how it ends."""
    if orders.includes(Order.CANCEL):
        return Command.CANCEL
    if orders.includes(Order.HALT):
        return None
    if orders.includes(Order.FINISH) and ending.pause is not None and ending.pause.by != "fault":
        return Command.FINISH
    by_user = ending.pause is not None and ending.pause.by == "user"
    return Command.RESUME if by_user and orders.pause_withdrawn else None
