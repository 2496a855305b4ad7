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
from scanner.engine.pace import whole
from scanner.engine.run import HALTED
from scanner.errors import ConflictError, HardwareError, NotFoundError, StorageError
from scanner.events import EventBus, PassCompleted
from scanner.guards import Guards
from scanner.jobs.board import Board, Ticket, fields_of
from scanner.jobs.reporter import Reporter
from scanner.model import PassName, Pause, SessionId
from scanner.records import JobResult, PassInfo
from scanner.states import Command, JobState, PassState
from scanner.storage import PassWriter, StorageManager, place_of

log = logging.getLogger(__name__)

OVER: Final = frozenset({PassState.COMPLETED, PassState.CANCELLED})


def turn_object(done: PassInfo, following: PassName) -> Pause:
    """Between two passes a person has to act."""
    how = "complete" if done.state is PassState.COMPLETED else "over"
    message = f"Pass {done.name} is {how}. Turn the object for pass {following}, then continue."
    return Pause(by="operator", reason="turn_object", message=message)


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
            ticket.pass_alone = False
            if self.board.closing:  # somebody resumed it in the moment in which the daemon stops
                orders.give(Order.SHUTDOWN)
            ending = await self._run_next(ticket, orders)
            decision = Command.FINISH if ending is None else await self._after(ticket, ending, orders)
            while isinstance(decision, Command):
                if await self.conclude(ticket, decision):
                    return
                decision = await self._decision(ticket)  # it could not be written down: it stands still again
            if decision is Order.SHUTDOWN:
                return

    # ---- one pass ------------------------------------------------------------------------------------------------

    async def _run_next(self, ticket: Ticket, orders: Orders) -> Ending | None:
        """Run the next pass of the job; None: there is none left."""
        try:
            name = next((info.name for info in await self.passes(ticket) if self._is_left(ticket, info)), None)
            return None if name is None else await self._run_pass(ticket, name, orders)
        except (StorageError, ConflictError, NotFoundError) as error:
            return Ending(kind=EndingKind.PAUSED, pause=fault(error))

    @staticmethod
    def _is_left(ticket: Ticket, info: PassInfo) -> bool:
        """Whether a pass is still to be worked on; a cancelled one only where somebody asked for it by name."""
        return info.state not in OVER or (info.state is PassState.CANCELLED and info.name == ticket.reopen)

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
            handle = await self.storage.handle(_session_id(ticket))
            async with self.storage.open_pass(handle, name, job_id=ticket.job.id, origin=ticket.job.origin) as writer:
                reporter = Reporter(ticket, writer, self.bus, later_s=await self._count(ticket, writer))
                try:
                    return await self.engine.run(writer, orders, reporter)
                finally:
                    reporter.close()
        finally:
            self.board.rested(ticket)

    async def _count(self, ticket: Ticket, writer: PassWriter) -> float:
        """Set the job's progress right; the seconds that the passes after this one will take."""
        others = [info for info in await self.passes(ticket) if info.name != writer.name]
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
            passes = await self.passes(ticket)
        except StorageError as error:
            decision = await self._stand_still(ticket, Ending(kind=EndingKind.PAUSED, pause=fault(error)), orders)
            return await self._after_pass(ticket, ending, orders) if decision is None else decision
        done = next(info for info in passes if info.name == ticket.job.pass_)
        if ending.kind is EndingKind.COMPLETED:
            self.bus.publish(PassCompleted(session_id=_session_id(ticket), pass_=done.name, saved=done.saved))
            log.info("pass %s completed with %d photos", done.name, done.saved, extra=fields_of(ticket.job))
        following = next((info.name for info in passes if self._is_left(ticket, info)), None)
        if following is None:
            return Command.FINISH
        pause = turn_object(done, following)
        return await self._stand_still(ticket, Ending(kind=EndingKind.PAUSED, pause=pause), orders)

    async def _end_late(self, ticket: Ticket, *, finish: bool) -> Ending:
        """End the pass whose run had decided to pause before the order came."""
        try:
            info = next(info for info in await self.passes(ticket) if info.name == ticket.job.pass_)
            finish = finish and info.saved > 0
            await self.end_pass(ticket, info.name, finish=finish)
        except (StorageError, ConflictError) as error:
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

    # ---- the end -------------------------------------------------------------------------------------------------

    async def conclude(self, ticket: Ticket, command: Command) -> bool:
        """End a job: what was begun is finished (finish) or cancelled, what was not begun is cancelled. Finishing a
        scan that has no photo is cancelling it.

        False: a pass could not be ended, and the job stands still for that reason; nothing counts as ended that is not
        on disk.
        """
        ticket.orders = None
        try:
            passes = await self.passes(ticket)
            finished = command is Command.FINISH and any(info.saved for info in passes)
            for info in passes:
                if info.state not in OVER or (finished and info.name == ticket.reopen):
                    await self.end_pass(ticket, info.name, finish=finished and info.saved > 0)
            passes = await self.passes(ticket)
        except (StorageError, ConflictError) as error:
            await self.board.pause(ticket, fault(error))
            return False
        await self._end(ticket, JobState.COMPLETED if finished else JobState.CANCELLED, passes)
        return True

    async def end_pass(self, ticket: Ticket, name: PassName, *, finish: bool) -> None:
        """Finish or cancel one pass that nobody works on. Errors: StorageError, ConflictError, NotFoundError."""
        handle = await self.storage.handle(_session_id(ticket))
        async with self.storage.open_pass(handle, name, job_id=ticket.job.id, origin=ticket.job.origin) as writer:
            if finish:
                await writer.finish("finished early")
            else:
                await writer.cancel("cancelled")

    async def skip(self, ticket: Ticket, shot: int, reason: str) -> None:
        """Leave a shot of the pass at work out, durable at once. Errors: StorageError, ConflictError, NotFoundError."""
        name = ticket.job.pass_
        if name is None:
            message = f"scan job {ticket.job.id} has no pass"
            raise AssertionError(message)
        handle = await self.storage.handle(_session_id(ticket))
        async with self.storage.open_pass(handle, name, job_id=ticket.job.id, origin=ticket.job.origin) as writer:
            await writer.skip(writer.plan.shots[shot - 1], reason)

    async def passes(self, ticket: Ticket) -> list[PassInfo]:
        """The passes of the job, in its order; none if the session is gone."""
        try:
            session = await self.storage.get_session(_session_id(ticket))
        except NotFoundError:
            return []
        infos = {info.name: info for info in session.passes}
        return [infos[name] for name in ticket.job.passes if name in infos]

    async def _end(self, ticket: Ticket, state: JobState, passes: list[PassInfo]) -> None:
        job = ticket.job
        saved = sum(info.saved for info in passes)
        result = JobResult(
            saved=saved,
            skipped=sum(info.skipped for info in passes),
            retaken=sum(info.retaken for info in passes),
            bytes=sum(info.bytes for info in passes),
            duration_s=job.elapsed_s,
            path=place_of(_session_id(ticket)) if passes else None,
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


def _session_id(ticket: Ticket) -> SessionId:
    if ticket.job.session_id is None:
        message = f"scan job {ticket.job.id} has no session"
        raise AssertionError(message)
    return ticket.job.session_id


def fault(error: StorageError | ConflictError | NotFoundError) -> Pause:
    """The pause of a job that an error stopped."""
    return Pause(by="fault", reason=error.code, message=error.message)


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
