"""The two lanes, each a task that takes one job after the other: opened at the start, closed within seconds."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Iterable
from typing import Any, Final, Protocol, TypeVar

from scanner.clock import Clock
from scanner.engine import Order
from scanner.errors import StorageError
from scanner.jobs.board import SCAN, Board, Ticket, fields_of
from scanner.records import Fault
from scanner.states import ACTIVE, JobState

log = logging.getLogger(__name__)

T = TypeVar("T")

PATIENCE: Final = 4.0  # seconds for a running scan to come to rest when the daemon stops
TIDYING: Final = 600.0  # seconds between two looks for jobs that ended long ago


class Runner(Protocol):
    """Works on one job of its lane at a time."""

    async def run(self, ticket: Ticket) -> None:
        """Return when the job has ended, or stands still because the daemon stops."""


class Lanes:
    """One lane for scans, because there is one rig, one for jobs that only read and write."""

    def __init__(self, board: Board, clock: Clock, *, scans: Runner, files: Runner) -> None:
        self._board = board
        self._clock = clock
        self._scans = scans
        self._files = files
        self._tasks: list[asyncio.Task[None]] = []
        self._kept: set[asyncio.Task[Any]] = set()
        self._closed = False

    def open(self) -> None:
        """Let the lanes take jobs."""
        self._tasks = [
            asyncio.create_task(self._lane(self._scans, scans=True), name="scan lane"),
            asyncio.create_task(self._lane(self._files, scans=False), name="file lane"),
            asyncio.create_task(self._tidy(), name="tidying jobs"),
        ]

    async def close(self) -> None:
        """Stop within seconds: the running scan is paused durable, other work is begun anew after the next start.

        A saving that hangs is not waited for: the rig is closed after this, motors and lights off.
        """
        self._board.closing = True
        for ticket in self._board.tickets():
            ticket.wake.set()
            if ticket.orders is not None:
                ticket.orders.give(Order.SHUTDOWN)
        try:
            async with asyncio.timeout(PATIENCE):
                await self._scan_left_lane()
        except TimeoutError:
            log.warning("the running scan did not come to rest within %.0f s; it will be found interrupted", PATIENCE)
        self._closed = True
        await _end((*self._tasks, *self._kept))
        self._tasks.clear()

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin work that nobody waits for; nothing once the lanes are closed."""
        if self._closed:
            work.close()
        else:
            _ = self._start(work)

    async def keep(self, work: Coroutine[Any, Any, T]) -> T:
        """Finish what was begun even if the one who asked goes away."""
        return await asyncio.shield(self._start(work))

    def _start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.ensure_future(work)
        self._kept.add(task)
        task.add_done_callback(self._kept.discard)
        return task

    async def _lane(self, runner: Runner, *, scans: bool) -> None:
        while True:
            ticket = await self._board.take(scans=scans)
            try:
                await runner.run(ticket)
            except Exception as error:  # the lane's root: a bug in one job must not stop the others
                log.exception("job %s failed", ticket.job.id, extra=fields_of(ticket.job))
                ticket.orders = None
                fault = Fault(code="internal", message=f"a fault in the program: {type(error).__name__}; see the log")
                if ticket.job.state in ACTIVE:
                    await self._board.change(
                        ticket, state=JobState.FAILED, error=fault, pause=None, ended_at=self._board.now()
                    )
            finally:
                self._board.leave_lane(ticket)

    async def _scan_left_lane(self) -> None:
        while any(t.in_lane and t.job.kind == SCAN for t in self._board.tickets()):
            await self._board.wait_change()

    async def _tidy(self) -> None:
        """Forget jobs that ended long ago, now and then."""
        while True:
            try:
                await self._board.forget_old()
            except StorageError as error:
                log.warning("ended jobs could not be forgotten: %s", error.message)
            await self._clock.sleep(TIDYING * self._clock.speed)


async def _end(tasks: Iterable[asyncio.Task[Any]]) -> None:
    chosen = tuple(tasks)
    for task in chosen:
        task.cancel()
    await asyncio.gather(*chosen, return_exceptions=True)
