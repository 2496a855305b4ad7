"""Runs the jobs that only read and write, one at a time, whatever their kind: the second lane."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from scanner.engine import Order, Orders
from scanner.errors import ScannerError
from scanner.events import EventBus
from scanner.jobs.adopting import import_sessions, migrate
from scanner.jobs.board import Board, Ticket, fields_of
from scanner.jobs.checking import reindex, verify
from scanner.jobs.errand import Errand
from scanner.jobs.exporting import export
from scanner.jobs.sessions import WholeSessions
from scanner.records import Fault, JobResult
from scanner.states import JobState

log = logging.getLogger(__name__)

Work = Callable[[Errand], Awaitable[JobResult]]

WORKS: Final[Mapping[str, Work]] = MappingProxyType(
    {"export": export, "verify": verify, "migrate": migrate, "import": import_sessions, "reindex": reindex}
)


class FileRunner(Struct, frozen=True, kw_only=True):
    """Runs one such job at a time. Each kind of work is whole or not at all in every step, so that a job can be
    cancelled between two of them, and is begun anew after a restart.
    """

    sessions: WholeSessions
    board: Board
    bus: EventBus

    async def run(self, ticket: Ticket) -> None:
        """Work on a job until it has ended; one that the daemon's end interrupts is left as it is."""
        job, custody = ticket.job, self.board.custody
        await custody.until_unheld(job.session_id)
        with custody.touch(job.session_id, job.id):
            orders = ticket.orders = Orders()
            await self.board.change(ticket, state=JobState.RUNNING, started_at=self.board.now())
            errand = Errand(ticket, self.sessions, self.bus)
            self.board.began(ticket)
            try:
                outcome = await self._until_told(errand, orders)
            finally:
                errand.close()
                self.board.rested(ticket)
        if orders.order is Order.SHUTDOWN and outcome is None:
            return
        ticket.orders = None
        await self._end(ticket, outcome)

    async def _until_told(self, errand: Errand, orders: Orders) -> JobResult | Fault | None:
        """What comes of the work; None: it was ordered to end before."""
        working = asyncio.create_task(self._work(errand), name=errand.job.kind)
        told = asyncio.create_task(orders.wait_urgent(), name="orders")
        try:
            await asyncio.wait([working, told], return_when=asyncio.FIRST_COMPLETED)
        finally:
            told.cancel()
            working.cancel()  # without effect on one that is done
            await asyncio.wait([working, told])
        return None if working.cancelled() else working.result()

    async def _work(self, errand: Errand) -> JobResult | Fault:
        try:
            return await WORKS[errand.job.kind](errand)
        except ScannerError as error:
            return Fault(code=error.code, message=error.message, detail=error.detail)

    async def _end(self, ticket: Ticket, outcome: JobResult | Fault | None) -> None:
        fields, job = fields_of(ticket.job), ticket.job
        ended: dict[str, object] = {"order": None, "ended_at": self.board.now()}
        if outcome is None:
            log.info("%s cancelled", job.kind, extra=fields)
            await self.board.change(ticket, state=JobState.CANCELLED, **ended)
        elif isinstance(outcome, Fault):
            log.warning("%s failed: %s", job.kind, outcome.message, extra=fields)
            await self.board.change(ticket, state=JobState.FAILED, error=outcome, **ended)
        else:
            result = replace(outcome, duration_s=job.elapsed_s)
            log.info("%s ended: %s", job.kind, _told(result), extra=fields)
            await self.board.change(ticket, state=JobState.COMPLETED, result=result, **ended)


def _told(result: JobResult) -> str:
    return f"{result.saved} in order, {len(result.notes)} notes" if result.notes else f"{result.saved} in order"
