"""The writer thread's side of the manager: creates, opens, undoes and recovers sessions and passes, and keeps the index
in step.

Every change begins with a note of its intent in the index, fsynced, and ends with the rows; whatever a power cut leaves
between the two is read again at the next start.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

from scanner.clock import Clock, utc_text
from scanner.errors import (
    ConflictError,
    DamagedError,
    IdempotencyError,
    NotFoundError,
    PassCompletedError,
    PassLockedError,
    PassNotFoundError,
    SessionBusyError,
    StorageError,
)
from scanner.model import PassName, RigInfo, SessionId
from scanner.states import PassState
from scanner.storage.database import rename_broken, sql_reported
from scanner.storage.documents import NewPass, NewSession, PassFile, SessionHandle, Submission, read_pass_file
from scanner.storage.files import Files, reported
from scanner.storage.host import Host
from scanner.storage.index import Index, open_index
from scanner.storage.layout import Layout, session_missing
from scanner.storage.locks import LockRecord, PassLock
from scanner.storage.passdisk import PassDisk
from scanner.storage.recovery import OpenedPass, recover_pass
from scanner.storage.sessions import SessionBuilder, SessionDraft, check_passes
from scanner.storage.views import pass_names, read_session
from scanner.storage.writer import OpenPass, Work

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Premises:
    """What the keeper works with: where, by which clock, on which computer, with which source of unguessable names."""

    files: Files
    layout: Layout
    clock: Clock
    host: Host
    token: Callable[[], str]


class Keeper:
    """Lives in the writer thread. Errors of all methods: StorageError."""

    def __init__(self, premises: Premises) -> None:
        self.premises = premises
        self._files = premises.files
        self._layout = premises.layout
        self._builder = SessionBuilder(premises.files, premises.layout, premises.clock)
        self._open: dict[tuple[SessionId, PassName], PassDisk] = {}
        self._unwanted: list[tuple[SessionId, PassName | None]] = []
        self.touched: set[SessionId] = set()  # changed here since a reconciliation began
        self.index, self.index_fault = self._open_index()

    def close(self) -> None:
        """Let the index go, and passes that are still open as a crash would; idempotent."""
        for disk in self._open.values():
            disk.abandon()
        self._open.clear()
        self.index.close()

    def renew_index(self) -> None:
        """Begin a new index in place of a damaged one."""
        self.index.close()
        with reported("the damaged index could not be renamed", self._layout.state):
            rename_broken(self._files, self._layout.index, self.premises.clock.now())
        self.index, _ = self._open_index()
        for (session_id, name), disk in self._open.items():
            self.index.begin(session_id, name)
            disk.stale = True

    def is_open(self, session_id: SessionId) -> bool:
        """Whether a pass of the session is open here."""
        return any(session == session_id for session, _ in self._open)

    def create(self, new: NewSession) -> SessionHandle:
        """A new session, or the one that the same submission made. Errors: SpecError, IdempotencyError."""
        check_passes(new.passes)
        self.tidy()
        known = self._known(new.submission)
        if known is not None:
            return known
        doing = reported("the session could not be created", self._layout.data)
        with doing, self._builder.build(new, self.premises.token()) as draft:
            return SessionHandle(self._publish(draft), new.title)

    def add_pass(self, session_id: SessionId, new: NewPass, rig: RigInfo, made: Submission | None) -> SessionHandle:
        """Another pass of a session. Errors: SessionNotFoundError, PassExistsError, SpecError, IdempotencyError."""
        check_passes((new,))
        self.tidy()
        known = self._known(made)
        if known is not None:
            return known
        handle = self.handle(session_id)
        doing = reported(f"pass {new.spec.name} could not be created", self._layout.data)
        name = PassName(new.spec.name)
        with doing, self._noted(session_id), self._undone_on_failure(session_id, name) as published:
            self._builder.add_pass(session_id, new, rig, made, self.premises.token(), published)
            self.take_in(session_id)
        return handle

    def discard(self, handle: SessionHandle) -> None:
        """Undo a creation. Errors: SessionNotFoundError, SessionBusyError, ConflictError once a photo is saved."""
        record = read_session(self._layout.session(handle.id))
        if record is None:
            raise session_missing(handle.id)
        if self.is_open(handle.id):
            message = f"session {handle.id} is being worked on"
            raise SessionBusyError(message)
        if record.session.photos:
            message = f"session {handle.id} has photos; it cannot be discarded"
            raise ConflictError(message)
        with reported(f"session {handle.id} could not be removed", self._layout.data), self._noted(handle.id):
            self._builder.remove(handle.id, self.premises.token())
            self.index.remove([handle.id])

    def discard_pass(self, session_id: SessionId, name: PassName) -> None:
        """Undo the making of a pass. Errors: PassNotFoundError, SessionBusyError, ConflictError once a photo is
        saved.
        """
        self.document(session_id, name)
        if (session_id, name) in self._open:
            message = f"pass {name} of session {session_id} is being worked on"
            raise SessionBusyError(message)
        record = read_session(self._layout.session(session_id))
        if record is not None and any(info.name == name and info.saved for info in record.session.passes):
            message = f"pass {name} of session {session_id} has photos; it cannot be discarded"
            raise ConflictError(message)
        doing = reported(f"pass {name} could not be removed", self._layout.data)
        with doing, self._noted(session_id):
            try:
                self._builder.remove_pass(session_id, name, self.premises.token())
            finally:
                self.take_in(session_id)  # after a failure, too: it may be away already

    def handle(self, session_id: SessionId) -> SessionHandle:
        """A session that exists. Errors: SessionNotFoundError."""
        record = read_session(self._layout.session(session_id))
        if record is None:
            raise session_missing(session_id)
        if not self.index.knows(session_id):
            self.index.put([record])
        return SessionHandle(session_id, record.session.title, created=False)

    def open_pass(self, session_id: SessionId, name: PassName, work: Work) -> OpenPass:
        """Lock a pass and bring it into order. Errors: PassNotFoundError, PassLockedError, PassCompletedError."""
        document = self.document(session_id, name)
        lock = self._lock(session_id, name, work)
        try:
            self._begin(session_id, name)
            opened = self._recover_open(session_id, document)
            for notice in opened.notices:
                _log.warning("pass brought into order: %s", notice, extra={"session": session_id, "pass_name": name})
            stale = bool(opened.notices) or not self.index.knows(session_id)
        except BaseException:
            lock.release()
            raise
        disk = PassDisk(
            files=self._files,
            layout=self._layout,
            session_id=session_id,
            name=name,
            index=lambda: self.index,
            lock=lock,
            journal=opened.journal,
            stale=stale,
        )
        self._open[session_id, name] = disk
        return OpenPass(
            disk=disk, document=document, fold=opened.fold, work=work, release=lambda: self._close_pass(disk)
        )

    def recover_abandoned(self, session_id: SessionId, name: PassName) -> list[str]:
        """Bring a pass into order that nobody works on any more; one that is worked on, or has no document, is left
        alone.
        """
        try:
            document = self.document(session_id, name)
            lock = self._lock(session_id, name, Work(job_id=None, origin="recovery"))
        except (PassLockedError, NotFoundError, DamagedError):
            return []
        try:
            opened = self._recover(session_id, document)
            opened.journal.close()
        finally:
            lock.release()
        return opened.notices

    def take_in(self, session_id: SessionId) -> None:
        """Make the index tell what the session's directory tells."""
        record = read_session(self._layout.session(session_id))
        if record is None:
            self.index.remove([session_id])
        else:
            self.index.put([record])

    def document(self, session_id: SessionId, name: PassName) -> PassFile:
        """What was planned. Errors: SessionNotFoundError, PassNotFoundError, DamagedError."""
        paths = self._layout.session(session_id)
        if not paths.document.parent.is_dir():
            raise session_missing(session_id)
        if name not in pass_names(paths):
            message = f"session {session_id} has no pass {name[:100]!r}"
            raise PassNotFoundError(message)
        with reported(f"pass {name} could not be read", self._layout.data):
            return read_pass_file(paths.pass_(name).document)

    def _close_pass(self, disk: PassDisk) -> None:
        disk.close()
        self.touched.add(disk.session_id)
        self._open.pop((disk.session_id, disk.name), None)

    def _open_index(self) -> tuple[Index, str | None]:
        path, now = self._layout.index, self.premises.clock.now()
        with reported("the index could not be opened", path.parent), sql_reported("the index could not be opened"):
            connection, fault = open_index(self._files, path, now)
            return Index(connection), fault

    def _publish(self, draft: SessionDraft) -> SessionId:
        for attempt in itertools.count(1):
            session_id = draft.candidate(attempt)
            with self._noted(session_id), self._undone_on_failure(session_id, None) as published:
                if draft.publish(self._layout.sessions, attempt, published):
                    self.take_in(session_id)
                    return session_id
        raise AssertionError

    @contextmanager
    def _undone_on_failure(self, session_id: SessionId, name: PassName | None) -> Iterator[Callable[[], None]]:
        """Take back what the block published (it calls what it is given to say so) if it fails afterwards."""
        published = False

        def publish() -> None:
            nonlocal published
            published = True

        try:
            yield publish
        except (OSError, StorageError):
            if published:
                self._unwanted.append((session_id, name))
                self.tidy()
            raise

    def tidy(self) -> None:
        """Take back what was published by an operation that then failed; what the disk refuses is tried again later."""
        for session_id, name in tuple(self._unwanted):
            with suppress(OSError, StorageError):
                if name is None:
                    self._builder.remove(session_id, self.premises.token())
                else:
                    self._builder.remove_pass(session_id, name, self.premises.token())
                self._unwanted.remove((session_id, name))
                self.take_in(session_id)

    def _known(self, made: Submission | None) -> SessionHandle | None:
        found = None if made is None else self.index.submission(made.key)
        if found is None or made is None:
            return None
        earlier, session_id, _ = found
        if earlier.digest != made.digest:
            message = "this idempotency key came before with another body; use a new key for a new request"
            raise IdempotencyError(message, session_id=session_id)
        return self.handle(session_id)

    def _lock(self, session_id: SessionId, name: PassName, work: Work) -> PassLock:
        host = self.premises.host
        record = LockRecord(
            generation=1,
            token=self.premises.token(),
            host_id=host.id,
            host=host.name,
            origin=work.origin,
            pid=host.pid,
            process_start=host.process_start,
            boot_id=host.boot_id,
            job_id=work.job_id,
            since=utc_text(self.premises.clock.now()),
        )
        with reported(f"pass {name} could not be locked", self._layout.data):
            return PassLock.take(self._files, self._layout.session(session_id).pass_(name).metadata, record)

    def _recover(self, session_id: SessionId, document: PassFile) -> OpenedPass:
        paths = self._layout.session(session_id).pass_(document.name)
        with reported(f"pass {document.name} could not be brought into order", self._layout.data):
            return recover_pass(self._files, self.premises.clock, paths, document)

    def _recover_open(self, session_id: SessionId, document: PassFile) -> OpenedPass:
        """As :meth:`_recover`, for somebody who wants to work on the pass. Errors: PassCompletedError."""
        opened = self._recover(session_id, document)
        if opened.fold.state is not PassState.COMPLETED:
            return opened
        opened.journal.close()
        self.index.done(session_id, document.name)
        message = f"pass {document.name} of session {session_id} is completed; only a retake reopens it"
        raise PassCompletedError(message)

    def _begin(self, session_id: SessionId, name: str = "") -> None:
        self.touched.add(session_id)
        self.index.begin(session_id, name)

    @contextmanager
    def _noted(self, session_id: SessionId) -> Iterator[None]:
        """Note that the session changes. After a failure of the disk the note stays, and the next start reads what is
        there.
        """
        self._begin(session_id)
        try:
            yield
        except (OSError, StorageError):
            raise
        except BaseException:
            self._done(session_id)
            raise
        self._done(session_id)

    def _done(self, session_id: SessionId) -> None:
        try:
            self.index.done(session_id)
        except StorageError as error:
            _log.warning("session %s will be read again at the next start: %s", session_id, error.message)
