"""The writer thread's side of the manager: creates, opens, undoes and recovers sessions and passes, and keeps the index
in step.

Every change begins with a note of its intent in the index, fsynced, and ends with the rows; whatever a power cut leaves
between the two is read again at the next start.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Final

from scanner.errors import (
    DamagedError,
    IdempotencyError,
    LockLostError,
    NotFoundError,
    PassCompletedError,
    PassLockedError,
    StorageError,
)
from scanner.model import PassName, RigInfo, SessionId
from scanner.states import PassState
from scanner.storage.directory.glance import agree
from scanner.storage.directory.recovery import OpenedPass, recover_pass
from scanner.storage.directory.sessions import SessionBuilder, SessionDraft, check_passes
from scanner.storage.directory.views import SessionRecord, is_hidden, pass_names, read_session, signature_of
from scanner.storage.disk.database import rename_broken, sql_reported
from scanner.storage.disk.files import reported
from scanner.storage.disk.layout import pass_missing, session_missing
from scanner.storage.disk.premises import Premises
from scanner.storage.disk.roll import is_alias
from scanner.storage.index.index import Index, open_index
from scanner.storage.journal.documents import NewPass, NewSession, PassFile, SessionHandle, Submission, read_pass_file
from scanner.storage.keeping.foreign import read_folders
from scanner.storage.locks.locking import Locker, Work
from scanner.storage.locks.passlock import PassLock
from scanner.storage.work.passdisk import PassDisk
from scanner.storage.work.writer import OpenPass

_log: Final = logging.getLogger(__name__)


class Keeper:
    """Lives in the writer thread. Errors of all methods: StorageError."""

    def __init__(self, premises: Premises) -> None:
        self.premises = premises
        self._files = premises.files
        self._layout = premises.layout
        self.builder = SessionBuilder(premises.files, premises.layout, premises.clock)
        self._open: dict[tuple[SessionId, PassName], PassDisk] = {}
        self.locker = Locker(premises)
        self._unwanted: list[tuple[SessionId, PassName | None]] = []
        self.broken_off: set[tuple[SessionId, str]] = set()  # changes that failed: what came of them?
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
        """Whether a pass of the session is open here. May be asked in any thread."""
        return any(session == session_id for session, _ in tuple(self._open))

    def own(self, session_id: SessionId) -> frozenset[PassName]:
        """The passes of the session that are open here. May be asked in any thread."""
        return frozenset(name for session, name in tuple(self._open) if session == session_id)

    def disk(self, session_id: SessionId, name: PassName) -> PassDisk | None:
        """The pass, where it is open here."""
        return self._open.get((session_id, name))

    def create(self, new: NewSession) -> SessionHandle:
        """A new session, or the one that the same submission made. Errors: SpecError, IdempotencyError."""
        check_passes(new.passes)
        self.tidy()
        known = self._known(new.submission)
        if known is not None:
            return known
        doing = reported("the session could not be created", self._layout.data)
        with doing, self.builder.build(new, self.premises.token()) as draft:
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
        with doing, self.noted(session_id), self._undone_on_failure(session_id, name) as published:
            try:
                self.builder.add_pass(session_id, new, rig, made, self.premises.token(), published)
            except FileNotFoundError as error:
                if self._layout.session(session_id).root.exists():
                    raise
                raise session_missing(session_id) from error
            self.take_in(session_id)
        return handle

    def handle(self, session_id: SessionId) -> SessionHandle:
        """A session that exists. Errors: SessionNotFoundError."""
        record = self._read(session_id)
        if record is None:
            raise session_missing(session_id)
        if not self.index.knows(session_id):
            self.index.put([record])
        return SessionHandle(session_id, record.session.title, created=False)

    def open_pass(self, session_id: SessionId, name: PassName, work: Work) -> OpenPass:
        """Lock a pass and bring it into order. Errors: PassNotFoundError, PassLockedError, PassCompletedError."""
        document = self.document(session_id, name)
        lock = self.lock(session_id, name, work)
        try:
            self.begin(session_id, name)
            opened = self._recover_open(session_id, document, lock)
            for notice in opened.notices:
                _log.warning("pass brought into order: %s", notice, extra={"session": session_id, "pass_name": name})
            if self.index.signature(session_id) != signature_of(self._layout.session(session_id)):
                self.take_in(session_id)  # from here on the index follows every line
        except BaseException:
            self.give_up(session_id, name)
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
            synchronised=self.premises.synchronised,
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
            lock = self.lock(session_id, name, Work(job_id=None, origin="recovery"))
        except (PassLockedError, NotFoundError, DamagedError):
            return []
        try:
            opened = self.recover(session_id, document, lock)
            opened.journal.close()
        except LockLostError:  # somebody works on it from now on
            return []
        finally:
            lock.release()
        return opened.notices

    def take_in(self, session_id: SessionId) -> None:
        """Make the index tell what the session's directory tells."""
        record = self._read(session_id)
        if record is None:
            self.index.remove([session_id])
        else:
            self.index.put([record])

    def freshen(self, session_id: SessionId) -> bool:
        """Read a session again if the index does not agree with its directory; whether it was so. One that is being
        changed here is left alone, but for work on passes that are open: others may work on the rest of it.
        """
        own, known = self.own(session_id), self.index.signature(session_id)
        if known is None or self.index.noted(session_id, own):
            return False
        if agree(known, signature_of(self._layout.session(session_id)), own):
            return False
        paths = self._layout.session(session_id)
        if (own or is_hidden(paths)) and read_session(paths) is None:
            return False  # removed under the work, which will find out and say so; or nobody can say what is there
        self.take_in(session_id)
        return True

    def _read(self, session_id: SessionId) -> SessionRecord | None:
        """What the session's directory tells, or the folders in which it lies."""
        paths = self._layout.session(session_id)
        record = None if is_alias(paths.root) else read_session(paths)
        if record is not None:
            return record
        folders = self.index.folders(session_id)
        return read_folders(self._layout.sessions, session_id, folders, self.premises.timezone())

    def document(self, session_id: SessionId, name: PassName) -> PassFile:
        """What was planned. Errors: SessionNotFoundError, PassNotFoundError, DamagedError."""
        paths = self._layout.session(session_id)
        if not paths.document.parent.is_dir():
            raise session_missing(session_id)
        if name not in pass_names(paths):
            raise pass_missing(session_id, name)
        with reported(f"pass {name} could not be read", self._layout.data):
            return read_pass_file(paths.pass_(name).document)

    def _close_pass(self, disk: PassDisk) -> None:
        disk.close()
        self.touched.add(disk.session_id)
        key = (disk.session_id, disk.name)
        if self._open.get(key) is disk:
            del self._open[key]
            self.give_up(*key)
        elif key in self._open:  # after a loss it was opened anew; its note went with this one's
            with suppress(StorageError):
                self.index.begin(*key)

    def _open_index(self) -> tuple[Index, str | None]:
        path, now = self._layout.index, self.premises.clock.now()
        with reported("the index could not be opened", path.parent), sql_reported("the index could not be opened"):
            connection, fault = open_index(self._files, path, now)
            return Index(connection), fault

    def _publish(self, draft: SessionDraft) -> SessionId:
        for attempt in itertools.count(1):
            session_id = draft.candidate(attempt)
            with self.noted(session_id), self._undone_on_failure(session_id, None) as published:
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
                    self.builder.remove(session_id, self.premises.token())
                else:
                    self.builder.remove_pass(session_id, name, self.premises.token())
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

    def lock(self, session_id: SessionId, name: PassName, work: Work) -> PassLock:
        """Lock a pass whose directory exists. Errors: PassLockedError naming the holder."""
        return self.locker.take(session_id, name, work)

    @contextmanager
    def locked(self, session_id: SessionId, names: Iterable[PassName], origin: str) -> Iterator[None]:
        """Hold the locks of passes whose directories exist. Errors: PassLockedError naming the holder."""
        with ExitStack() as stack:
            for name in names:
                stack.callback(self.lock(session_id, name, Work(job_id=None, origin=origin)).release)
            yield

    def recover(self, session_id: SessionId, document: PassFile, lock: PassLock) -> OpenedPass:
        """Bring a pass that is locked here into order. Errors: LockLostError."""
        paths = self._layout.session(session_id).pass_(document.name)
        with reported(f"pass {document.name} could not be brought into order", self._layout.data):
            return recover_pass(self._files, self.premises.clock, paths, document, lock)

    def _recover_open(self, session_id: SessionId, document: PassFile, lock: PassLock) -> OpenedPass:
        """As :meth:`recover`, for somebody who wants to work on the pass. Errors: PassCompletedError."""
        opened = self.recover(session_id, document, lock)
        if opened.fold.state is not PassState.COMPLETED:
            return opened
        opened.journal.close()
        self.take_in(session_id)  # its end may be news: of another scanner, or written by a disk that then failed
        self.index.done(session_id, document.name)
        message = f"pass {document.name} of session {session_id} is completed; only a retake reopens it"
        raise PassCompletedError(message)

    def begin(self, session_id: SessionId, name: str = "") -> None:
        """Note, fsynced, that a session, or one of its passes, changes."""
        self.touched.add(session_id)
        self.broken_off.discard((session_id, name))
        self.index.begin(session_id, name)

    @contextmanager
    def noted(self, session_id: SessionId) -> Iterator[None]:
        """Note that the session changes. After a failure of the disk the note stays, and the watch, or the next start,
        reads what is there.
        """
        self.begin(session_id)
        try:
            yield
        except (OSError, StorageError):
            self.give_up(session_id)
            raise
        except BaseException:
            self._done(session_id)
            raise
        self._done(session_id)

    def give_up(self, session_id: SessionId, name: str = "") -> None:
        """After a failure: where the change is still noted, somebody has to see what came of it; never raises."""
        with suppress(StorageError):
            if (session_id, name) not in self.index.intents():
                return
        self.broken_off.add((session_id, name))

    def _done(self, session_id: SessionId) -> None:
        try:
            self.index.done(session_id)
        except StorageError as error:
            self.give_up(session_id)
            _log.warning("session %s will be read again: %s", session_id, error.message)
