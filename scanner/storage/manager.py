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
from datetime import UTC, tzinfo
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar

from scanner.clock import Clock, kernel_synchronised
from scanner.events import Event
from scanner.model import JobId, PassName, RigInfo, SessionId
from scanner.records import Session, Verification
from scanner.storage.directory.exports import Build, publish_export
from scanner.storage.directory.thumbnails import Thumbnails
from scanner.storage.disk.files import Files
from scanner.storage.disk.host import Host
from scanner.storage.disk.layout import Layout
from scanner.storage.disk.premises import Premises
from scanner.storage.disk.share import Sharing
from scanner.storage.disk.threads import Operations, Threads
from scanner.storage.facets.discarding import discard_pass, discard_session
from scanner.storage.facets.editing import Editor, SessionChanges
from scanner.storage.facets.history import History
from scanner.storage.facets.lockwatch import Locks
from scanner.storage.facets.migrating import Migrations
from scanner.storage.facets.workshop import Workshop
from scanner.storage.index.audit import AuditLog
from scanner.storage.index.jobstore import JobStore
from scanner.storage.journal.documents import NewPass, NewSession, SessionHandle, Submission
from scanner.storage.keeping.catalogue import Catalogue, Workplace, nobody, open_queries
from scanner.storage.keeping.opening import Opened, open_storage
from scanner.storage.keeping.upkeep import Report
from scanner.storage.keeping.watching import Watcher
from scanner.storage.locks.locking import Work
from scanner.storage.looking import SessionReader
from scanner.storage.work.writer import OpenPass, PassWriter, Runtime

if TYPE_CHECKING:
    from scanner.storage.facets.checkpoints import Checkpoints
    from scanner.storage.facets.legacy import LegacySessions
    from scanner.storage.facets.trash import Trash
    from scanner.storage.facets.verifying import Verifier

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
    synchronised: Callable[[], bool]


class StorageManager(SessionReader):
    """The parts are built by :meth:`open`, in order, and closed in reverse by :meth:`close`."""

    def __init__(self, parts: Parts) -> None:
        files, place = parts.premises.files, parts.workplace
        thumbnails = Thumbnails(
            files=files, threads=place.threads, operations=place.operations, root=place.layout.thumbnails
        )
        clock = parts.premises.clock
        self.audit = AuditLog(place.threads.writer, parts.opened.jobs, clock)
        migrations = Migrations(place, parts.catalogue)
        locks = Locks(place, parts.catalogue, self.audit, clock)
        super().__init__(place, parts.catalogue, thumbnails, locks, migrations)
        self._premises = parts.premises
        self._opened = parts.opened
        self._stack = parts.stack
        self._runtime = parts.runtime
        self._closed = False
        self._ended = False
        self.history = History(parts.catalogue)
        self.watcher = Watcher(place, parts.catalogue)
        self.jobs = JobStore(place.threads.writer, parts.opened.jobs)
        self._shop = Workshop(
            place=place,
            catalogue=parts.catalogue,
            audit=self.audit,
            ensure_current=migrations.ensure_current,
            reserved=migrations.reserved,
            synchronised=parts.synchronised,
        )
        self._editor = Editor(self._shop, self.get_session)

    # What follows is loaded when it is first asked for: most daemons do without most of it most of the time.

    @cached_property
    def legacy(self) -> LegacySessions:
        """Sessions of older formats."""
        from scanner.storage.facets.legacy import LegacySessions  # noqa: PLC0415 - see above

        return LegacySessions(self._shop, self._migrations)

    @cached_property
    def checkpoints(self) -> Checkpoints:
        """Marks to which a session can go back."""
        from scanner.storage.facets.checkpoints import Checkpoints  # noqa: PLC0415 - see above

        return Checkpoints(self._shop)

    @cached_property
    def trash(self) -> Trash:
        """Deleted sessions."""
        from scanner.storage.facets.trash import Looking, Trash  # noqa: PLC0415 - see above

        looking = Looking(
            session=self.get_session, page=self.list_sessions, handle=self.handle, survey=self.legacy.look
        )
        return Trash(self._shop, looking)

    @cached_property
    def _verifier(self) -> Verifier:
        from scanner.storage.facets.verifying import Verifier  # noqa: PLC0415 - see above

        return Verifier(self._shop)

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
        sharing: Sharing | None = None,
        tell: Callable[[Event], object] = nobody,
        synchronised: Callable[[], bool] = kernel_synchronised,
        timezone: Callable[[], tzinfo] = lambda: UTC,
    ) -> Self:
        """Own the state directory, check the databases, bring into order what was being changed at the last stop.

        ``checkpoint_interval``: photos between two checkpoints of the index. ``sharing``: how locks are held.
        ``tell``: called on the loop with every event. ``synchronised``: whether the wall clock can be believed.
        ``timezone``: says that of times in old files that name none. Errors: DaemonRunningError naming the other
        daemon, StorageError; nothing is then left open.
        """
        premises = Premises(
            files=files or Files(),
            layout=Layout(data_dir, state_dir),
            clock=clock,
            host=host or Host.current(),
            token=lambda: secrets.token_hex(8),
            sharing=sharing or Sharing(),
            timezone=timezone,
            synchronised=synchronised,
        )
        threads, stack = Threads(), ExitStack()
        try:
            opened = await threads.writer.run(lambda: open_storage(premises, description, stack))
            queries = await threads.reader.run(lambda: open_queries(premises.layout))
        except BaseException:
            await threads.writer.run(stack.close)
            await threads.close()
            raise
        place = Workplace(
            layout=premises.layout, threads=threads, operations=Operations(), keeper=opened.keeper, tell=tell
        )
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
                synchronised=synchronised,
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
        await self._change(lambda: discard_session(self._keeper, handle))

    async def add_pass(
        self, session_id: SessionId, new: NewPass, *, rig: RigInfo, submission: Submission | None = None
    ) -> SessionHandle:
        """Another pass of a session; a submission's key as in :meth:`create_session`.

        Errors: SessionNotFoundError, SessionBusyError, PassExistsError, SpecError, IdempotencyError, StorageError.
        """
        if submission is not None:
            await self._catalogue.ensure_whole()
        await self._migrations.ensure_current(session_id)
        return await self._shop.change(session_id, lambda: self._keeper.add_pass(session_id, new, rig, submission))

    async def discard_pass(self, handle: SessionHandle, name: PassName) -> None:
        """Undo :meth:`add_pass` while nothing is saved. Errors: PassNotFoundError, SessionBusyError, ConflictError,
        StorageError.
        """
        await self._change(lambda: discard_pass(self._keeper, handle.id, name))

    @asynccontextmanager
    async def open_pass(
        self, handle: SessionHandle, name: PassName, *, job_id: JobId | None, origin: str
    ) -> AsyncIterator[PassWriter]:
        """Lock a pass, bring it into order and hand out the one object that can save its photos.

        Errors: SessionNotFoundError, PassNotFoundError, PassCompletedError, PassLockedError, StorageError.
        """
        work = Work(job_id=job_id, origin=origin)
        opening = self._operations.start(self._open_pass(handle.id, name, work))
        try:
            opened = await asyncio.shield(opening)
        except asyncio.CancelledError:
            await self._operations.run(self._close_unused(opening))
            raise
        writer = PassWriter(opened, self._runtime)
        self.locks.opened(writer)
        try:
            yield writer
        finally:
            await self._operations.run(self._close_pass(writer))

    async def publish_export(self, session_id: SessionId, name: str, build: Build) -> Path:
        """Let ``build`` fill an empty directory, then put it in place as ``exports/<name>`` in one step.

        Errors: SessionNotFoundError, StorageError, and what ``build`` raises; an older export then stays.
        """
        await self.handle(session_id)
        await self._migrations.ensure_current(session_id)
        paths, premises = self._layout.session(session_id), self._premises
        return await self._threads.pool.run(
            lambda: publish_export(premises.files, paths, name, premises.token(), build)
        )

    async def edit(self, session_id: SessionId, changes: SessionChanges, *, origin: str = "") -> Session:
        """Change a session's title, tags, notes or operator; the session as it then is.

        Errors: SessionNotFoundError, SessionBusyError, DamagedError, StorageError.
        """
        return await self._editor.edit(session_id, changes, origin)

    async def verify(
        self, session_id: SessionId, report: Report | None = None, *, origin: str = "verify"
    ) -> Verification:
        """Hash every photo of a session and mark what is missing or damaged, so that resume takes it again.

        ``report(done, total)`` photos, on the loop; a cancelled caller ends it between two photos. Errors:
        SessionNotFoundError, PassLockedError where damage cannot be marked, SessionBusyError, StorageError.
        """
        return await self._verifier.verify(session_id, report, origin)

    async def watch(self) -> None:
        """Notice, for good, what others do to the data directory, and tell it."""
        await self.watcher.watch()

    async def reindex(self, report: Report | None = None) -> None:
        """Read every session's directory again; ``report(done, total)`` is called on the loop. Errors: StorageError."""
        await self._catalogue.reread(report)

    async def reconcile(self, progress: Report | None = None) -> None:
        """Check the whole index and compare it with every session directory; who comes meanwhile waits for the same.

        ``progress(done, total)`` is called on the loop. Errors: StorageError.
        """
        await self._catalogue.reconcile(progress)

    async def _change(self, work: Callable[[], Answer]) -> Answer:
        """Do ``work`` in the writer thread, wholly or not at all."""
        return await self._catalogue.change(work)

    async def _open_pass(self, session_id: SessionId, name: PassName, work: Work) -> OpenPass:
        await self._migrations.ensure_current(session_id)
        return await self._catalogue.through(
            lambda: self._threads.writer.run(lambda: self._keeper.open_pass(session_id, name, work))
        )

    async def _close_pass(self, writer: PassWriter) -> None:
        if not self._ended:  # else it was let go of with everything else
            await writer.close()
        self.locks.closed(writer)

    async def _close_unused(self, opening: asyncio.Task[OpenPass]) -> None:
        """The caller was cancelled while its pass was being opened."""
        await asyncio.wait([opening])
        if opening.exception() is None:
            await self._close_pass(PassWriter(opening.result(), self._runtime))
