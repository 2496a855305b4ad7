"""What a pass writer does on disk: photo files, journal, summary, manifest, and the rows of the index.

Lives in the writer thread and holds the pass's lock. The order of a save is the promise of the product: photo file
durable, line durable, row written, and only then does the caller hear of it. A row that cannot be written costs nothing
but a re-read: the journal is the truth.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

from msgspec import structs

from scanner.errors import LockLostError, StorageError
from scanner.model import PassName, Photo, PhotoName, SessionId
from scanner.storage.directory.glance import agree
from scanner.storage.directory.recovery import move_aside
from scanner.storage.directory.views import PassRecord, read_session, signature_of
from scanner.storage.disk.files import Files, discard, durable_write, make_dirs, reported
from scanner.storage.disk.layout import Layout
from scanner.storage.index.index import Index, MissingRowError
from scanner.storage.journal import lines
from scanner.storage.journal.documents import SummaryFile, encode
from scanner.storage.journal.facts import make_manifest
from scanner.storage.journal.progress import Standing, photo_of
from scanner.storage.journal.text import Fact, JournalFile
from scanner.storage.locks.passlock import PassLock

_log: Final = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class PassDisk:
    """An open pass. ``index`` is asked for anew each time: a damaged one is replaced while passes are open."""

    files: Files
    layout: Layout
    session_id: SessionId
    name: PassName
    index: Callable[[], Index]
    lock: PassLock
    journal: JournalFile
    synchronised: Callable[[], bool]  # whether the wall clock can be believed
    stale: bool = False  # the index does not tell what the journal does
    replaced: list[PhotoName] = field(default_factory=list)  # files that are still to be moved to ``.superseded``
    unfinished: bool = False  # the journal does not tell that the work is over: the next start looks after it

    def save(
        self, data: bytes, digest: Callable[[bytes], Future[str]], fact: lines.Saved, standing: Standing
    ) -> lines.Saved:
        """Make a photo durable, then its line, then its row. Errors: StorageError; nothing of it is then left;
        LockLostError.

        ``fact`` lacks the sha256, which ``digest`` computes in another thread; ``standing``: of the pass with it. It
        begins here, where this thread is at work and will wait for the disk: two threads that are woken in the same
        moment may be put on one core, and the disk would wait for the sha256.
        """
        sha256 = digest(data)
        paths = self.layout.session(self.session_id).pass_(self.name)
        path = paths.images / fact.file
        with self._reported(f"photo {fact.file} could not be saved"):
            self.journal.repair()
            try:
                durable_write(self.files, path, data)
                line = self.journal.append(structs.replace(fact, sha256=sha256.result()))
            except OSError:
                self._check()  # else the line may count for whoever took the pass, and the photo with it
                discard(self.files, path)
                raise
        replaces = line.replaces if isinstance(line, lines.Retaken) else None
        if replaces is not None:
            self.replaced.append(replaces)
            self._supersede()
        photo = photo_of(self.name, line)
        self._indexed(lambda index: index.photo_saved(self.session_id, photo, standing))
        return line

    def append(self, fact: Fact) -> Fact:
        """Journal a fact. Errors: StorageError; it then does not count; LockLostError."""
        with self._reported(f"the journal of pass {self.name} could not be written"):
            return self.journal.append(fact)

    def end(self, summary: SummaryFile, photos: Mapping[int, Photo], fact: Fact) -> Fact:
        """Write manifest and summary, then journal the end. Errors: StorageError; the pass has then not ended;
        LockLostError.
        """
        paths = self.layout.session(self.session_id).pass_(self.name)
        summary = structs.replace(summary, synchronised=self.synchronised())
        self._supersede()
        with self._reported(f"the end of pass {self.name} could not be written"):
            for path, data in ((paths.manifest, make_manifest(self.name, photos)), (paths.summary, encode(summary))):
                self.lock.check()
                durable_write(self.files, path, data)
            return self.journal.append(fact)

    def beat(self) -> None:
        """Raise the heartbeat counter of the lock; in any thread. Errors: StorageError, LockLostError."""
        with self._reported(f"the lock of pass {self.name} could not be kept up"):
            self.lock.beat()

    def changed(self, record: PassRecord) -> None:
        """Tell the index the state of the pass."""
        self._indexed(lambda index: index.pass_changed(self.session_id, record))

    def checkpoint(self) -> None:
        """Checkpoint the index, so that its log stays small."""
        self._indexed(lambda index: index.checkpoint())

    def close(self) -> None:
        """Bring the index up to date and let go of journal and lock; never raises.

        What cannot be brought up to date stays noted in the index, and is at the next start. A pass that was lost is
        not touched, but read again: it is somebody else's.
        """
        self._mend()
        with suppress(OSError):
            self.journal.close()
        try:
            self._settle()
        except (StorageError, OSError) as error:
            _log.warning("the index will be brought up to date at the next start: %s", error, extra=self._fields())
        self.lock.release()

    def _mend(self) -> None:
        """The lines that count are durable; what else is in the file, and stays there, is cut off when it is opened
        again.
        """
        try:
            with suppress(OSError):
                self.lock.check()
                self.journal.repair()
        except LockLostError:
            self.stale = True

    def abandon(self) -> None:
        """Let go of journal and lock as a crash would: the next start brings the pass into order. Never raises."""
        with suppress(OSError):
            self.journal.close()
        self.lock.release()

    def _settle(self) -> None:
        """The index is signed only if all that is not this pass is still as it was when the index read it."""
        if self.unfinished:
            return
        paths = self.layout.session(self.session_id)
        index, now = self.index(), signature_of(paths)
        known = None if self.stale else index.signature(self.session_id)
        if known is not None and agree(known, now, {self.name}):
            index.sign(self.session_id, now)
        elif (record := read_session(paths)) is not None:  # else whoever compares names finds out, and says so
            index.put([record])
        index.done(self.session_id, self.name)

    def _supersede(self) -> None:
        """Move replaced files away. Where this fails it is tried again with the next one and at the end of the pass;
        recovery does it where the pass has not ended. Nothing is moved in a pass that somebody took.
        """
        try:
            self.lock.check()
        except (LockLostError, OSError):
            return
        paths = self.layout.session(self.session_id).pass_(self.name)
        for name in tuple(self.replaced):
            with suppress(OSError):
                if (paths.images / name).exists():
                    make_dirs(self.files, paths.superseded)
                    move_aside(self.files, paths.images / name, paths.superseded)
                self.replaced.remove(name)

    def _indexed(self, change: Callable[[Index], None]) -> None:
        try:
            change(self.index())
        except (StorageError, MissingRowError) as error:
            if not self.stale:
                _log.warning("the index is behind and will be read again: %s", error, extra=self._fields())
            self.stale = True

    def _check(self) -> None:
        with suppress(OSError):
            self.lock.check()

    @contextmanager
    def _reported(self, what: str) -> Iterator[None]:
        """As :func:`reported`. What fails because the pass was taken, whose new owner cleans up, is no fault of the
        disk.
        """
        with reported(what, self.layout.data):
            try:
                yield
            except OSError:
                self._check()
                raise

    def _fields(self) -> dict[str, str]:
        return {"session": self.session_id, "pass_name": self.name}
