"""The threads that storage owns: a writer, a reader, a hasher, one for heartbeats and a small pool. Nothing else of
storage leaves the event loop.

Work handed to a thread is done wholly, whatever becomes of the task that waits for it: a cancelled save is either
durable with all that belongs to it, or was never begun. :class:`Operations` gives the same to work of several steps.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

Result = TypeVar("Result")


class Lane:
    """A thread (or a few) that does one thing after the other."""

    def __init__(self, name: str, workers: int = 1) -> None:
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix=name)

    def submit(self, work: Callable[[], Result]) -> Future[Result]:
        """Begin ``work`` as soon as the thread is free."""
        return self._executor.submit(work)

    async def run(self, work: Callable[[], Result]) -> Result:
        """What ``work`` returns or raises. Cancelling the waiting task does not reach the work."""
        return await asyncio.shield(asyncio.wrap_future(self._executor.submit(work)))

    async def close(self) -> None:
        """Wait for what was begun, then end the thread; idempotent."""
        await asyncio.to_thread(self._executor.shutdown)


class Threads:
    """All of them. ``writer`` changes the disk, ``reader`` reads the index, ``pool`` makes thumbnails, builds exports,
    reads sessions. ``beats`` only raises the heartbeats of our locks: whoever is silent for too long loses its pass, so
    no long work may ever stand before them.
    """

    def __init__(self) -> None:
        self.writer = Lane("storage-writer")
        self.reader = Lane("storage-reader")
        self.hasher = Lane("storage-hasher")
        self.beats = Lane("storage-beats")
        self.pool = Lane("storage-pool", 2)

    async def close(self) -> None:
        """End all; idempotent."""
        for lane in (self.pool, self.hasher, self.beats, self.reader, self.writer):
            await lane.close()


class Operations:
    """Coroutines that run to their end in tasks of their own, kept and waited for."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
        """Begin ``work`` in a task that nobody else cancels."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def launch(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin ``work`` that nobody waits for."""
        _ = self.start(work)

    async def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """What ``work`` returns or raises. Cancelling the waiting task does not reach the work."""
        return await asyncio.shield(self.start(work))

    async def drain(self) -> None:
        """Wait until none is left; their errors belong to those who started them."""
        while self._tasks:
            await asyncio.wait(tuple(self._tasks))
