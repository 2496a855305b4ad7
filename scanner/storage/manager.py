"""StorageManager: the only door to the data directory. Constructed once, in ``app``.

It holds the daemon's lock on the state directory and owns the threads. What changes the disk runs in the writer thread,
what reads the index in the reader thread, so that a page never waits for an fsync. Whatever was begun is done wholly,
even when its caller is cancelled.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeVar

from scanner.clock import Clock
from scanner.model import JobId, PassName, RigInfo, SessionId
from scanner.storage.catalogue import Catalogue, Workplace, open_queries
from scanner.storage.documents import NewPass, NewSession, SessionHandle, Submission
from scanner.storage.exports import Build, publish_export
from scanner.storage.files import Files
from scanner.storage.host import Host
from scanner.storage.jobstore import JobStore
from scanner.storage.keeper import Premises
from scanner.storage.layout import Layout
from scanner.storage.locks import own_lock
from scanner.storage.looking import SessionReader
from scanner.storage.opening import Opened, open_storage
from scanner.storage.threads import Operations, Threads
from scanner.storage.thumbnails import Thumbnails
from scanner.storage.upkeep import Report
from scanner.storage.writer import OpenPass, PassWriter, Runtime, Work

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What :meth:`StorageManager.open` has built."""

    premises: Premises
    opened: Opened
    catalogue: Catalogue
    workplace: Workplace
    stack: ExitStack  # closes what lives in the writer thread, in that thread
    runtime: Runtime


class StorageManager(SessionReader):
    """The parts are built by :meth:`open`, in order, and closed in reverse by :meth:`close`."""

    def __init__(self, parts: Parts) -> None:
        files, place = parts.premises.files, parts.workplace
        thumbnails = Thumbnails(
            files=files, threads=place.threads, operations=place.operations, root=place.layout.thumbnails
        )
        super().__init__(place, parts.catalogue, thumbnails)
        self._premises = parts.premises
        self._opened = parts.opened
        self._stack = parts.stack
        self._runtime = parts.runtime
        self._closed = False
        self._ended = False
        self.jobs = JobStore(place.threads.writer, parts.opened.jobs)

    @classmethod
    async def open(  # noqa: PLR0913 - the composition root's one call: everything that is injected meets here
        cls,
        *,
        data_dir: Path,
        state_dir: Path,
        clock: Clock,
        files: Files | None = None,
        host: Host | None = None,
        description: str = "",
        checkpoint_interval: int = 10,
    ) -> Self:
        """Own the state directory, check the databases, bring into order what was being changed at the last stop.

        ``checkpoint_interval``: photos between two checkpoints of the index. Errors: DaemonRunningError naming the
        other daemon, StorageError; nothing is then left open.
        """
        premises = Premises(
            files=files or Files(),
            layout=Layout(data_dir, state_dir),
            clock=clock,
            host=host or Host.current(),
            token=lambda: secrets.token_hex(8),
        )
        threads, stack = Threads(), ExitStack()
        try:
            opened = await threads.writer.run(lambda: open_storage(premises, description, stack))
            queries = await threads.reader.run(lambda: open_queries(premises.layout))
        except BaseException:
            await threads.writer.run(stack.close)
            await threads.close()
            raise
        place = Workplace(layout=premises.layout, threads=threads, operations=Operations(), keeper=opened.keeper)
        return cls(
            Parts(
                premises=premises,
                opened=opened,
                catalogue=Catalogue(place, queries, whole=opened.whole),
                workplace=place,
                stack=stack,
                runtime=Runtime(
                    clock=clock,
                    threads=threads,
                    operations=place.operations,
                    checkpoint_interval=checkpoint_interval,
                ),
            )
        )

    @property
    def notices(self) -> tuple[str, ...]:
        """What recovery and reconciliation found and did, a sentence each."""
        return self._opened.notices + self._catalogue.notices

    async def close(self) -> None:
        """Finish what was begun, let go of files, locks and threads; idempotent."""
        if self._closed:
            return
        self._closed = True
        self._catalogue.stop()
        await self._operations.drain()
        await self._catalogue.close()
        await self._threads.writer.run(self._stack.close)
        self._ended = True
        await self._threads.close()

    async def create_session(self, new: NewSession) -> SessionHandle:
        """A new session with its passes, or the one that the same submission made before (``handle.created`` is then
        False).

        All or nothing. Errors: SpecError, IdempotencyError (the key came with another body), StorageError.
        """
        if new.submission is not None:
            await self._catalogue.ensure_whole()
        return await self._change(lambda: self._keeper.create(new))

    async def discard_session(self, handle: SessionHandle) -> None:
        """Undo :meth:`create_session` while nothing is saved. Errors: SessionBusyError, ConflictError, StorageError."""
        await self._change(lambda: self._keeper.discard(handle))

    async def add_pass(
        self, session_id: SessionId, new: NewPass, *, rig: RigInfo, submission: Submission | None = None
    ) -> SessionHandle:
        """Another pass of a session; a submission's key as in :meth:`create_session`.

        Errors: SessionNotFoundError, PassExistsError, SpecError, IdempotencyError, StorageError.
        """
        if submission is not None:
            await self._catalogue.ensure_whole()
        return await self._change(lambda: self._keeper.add_pass(session_id, new, rig, submission))

    async def discard_pass(self, handle: SessionHandle, name: PassName) -> None:
        """Undo :meth:`add_pass` while nothing is saved. Errors: PassNotFoundError, SessionBusyError, ConflictError,
        StorageError.
        """
        await self._change(lambda: self._keeper.discard_pass(handle.id, name))

    @asynccontextmanager
    async def open_pass(
        self, handle: SessionHandle, name: PassName, *, job_id: JobId | None, origin: str
    ) -> AsyncIterator[PassWriter]:
        """Lock a pass, bring it into order and hand out the one object that can save its photos.

        Errors: SessionNotFoundError, PassNotFoundError, PassCompletedError, PassLockedError, StorageError.
        """
        work = Work(job_id=job_id, origin=origin)
        opening = self._operations.start(
            self._catalogue.through(
                lambda: self._threads.writer.run(lambda: self._keeper.open_pass(handle.id, name, work))
            )
        )
        try:
            opened = await asyncio.shield(opening)
        except asyncio.CancelledError:
            await self._operations.run(self._close_unused(opening))
            raise
        writer = PassWriter(opened, self._runtime)
        self._locks[handle.id, name] = own_lock(opened.disk.lock.record)
        try:
            yield writer
        finally:
            await self._operations.run(self._close_pass(writer))

    async def publish_export(self, session_id: SessionId, name: str, build: Build) -> Path:
        """Let ``build`` fill an empty directory, then put it in place as ``exports/<name>`` in one step.

        Errors: SessionNotFoundError, StorageError, and what ``build`` raises; an older export then stays.
        """
        await self.handle(session_id)
        paths, premises = self._layout.session(session_id), self._premises
        return await self._threads.pool.run(
            lambda: publish_export(premises.files, paths, name, premises.token(), build)
        )

    async def reconcile(self, progress: Report | None = None) -> None:
        """Check the whole index and compare it with every session directory; who comes meanwhile waits for the same.

        ``progress(done, total)`` is called on the loop. Errors: StorageError.
        """
        await self._catalogue.reconcile(progress)

    async def _change(self, work: Callable[[], Answer]) -> Answer:
        """Do ``work`` in the writer thread, wholly or not at all."""
        return await self._catalogue.through(lambda: self._operations.run(self._threads.writer.run(work)))

    async def _close_pass(self, writer: PassWriter) -> None:
        if not self._ended:  # else it was let go of with everything else
            await writer.close()
        self._locks.pop((writer.session_id, writer.name), None)

    async def _close_unused(self, opening: asyncio.Task[OpenPass]) -> None:
        """The caller was cancelled while its pass was being opened."""
        await asyncio.wait([opening])
        if opening.exception() is None:
            await self._close_pass(PassWriter(opening.result(), self._runtime))
