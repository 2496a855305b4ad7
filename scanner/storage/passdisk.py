"""What a pass writer does on disk: photo files, journal, summary, manifest, and the rows of the index.

Lives in the writer thread and holds the pass's lock. The order of a save is the promise of the product: photo file
durable, line durable, row written, and only then does the caller hear of it. A row that cannot be written costs nothing
but a re-read: the journal is the truth.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from msgspec import structs

from scanner.errors import StorageError
from scanner.model import PassName, Photo, PhotoName, SessionId
from scanner.records import PassInfo
from scanner.storage import lines
from scanner.storage.documents import SummaryFile, encode
from scanner.storage.files import Files, discard, durable_write, make_dirs, reported
from scanner.storage.index import Index, MissingRowError
from scanner.storage.journal import Fact, JournalFile
from scanner.storage.layout import Layout
from scanner.storage.locks import PassLock
from scanner.storage.progress import photo_of
from scanner.storage.recovery import move_aside
from scanner.storage.views import read_session, signature_of

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
    stale: bool = False  # the index does not tell what the journal does
    unfinished: bool = False  # the journal does not tell that the work is over: the next start looks after it

    def save(self, data: bytes, digest: Future[str], fact: lines.Saved) -> lines.Saved:
        """Make a photo durable, then its line, then its row. Errors: StorageError; nothing of it is then left.

        ``fact`` lacks the sha256, which ``digest`` is still computing.
        """
        paths = self.layout.session(self.session_id).pass_(self.name)
        path = paths.images / fact.file
        with reported(f"photo {fact.file} could not be saved", self.layout.data):
            self.journal.repair()
            try:
                durable_write(self.files, path, data)
                line = self.journal.append(structs.replace(fact, sha256=digest.result()))
            except OSError:
                discard(self.files, path)
                raise
        replaces = line.replaces if isinstance(line, lines.Retaken) else None
        if replaces is not None:
            self._supersede(replaces)
        photo = photo_of(self.name, line)
        self._indexed(lambda index: index.photo_saved(self.session_id, photo, replaces, line.worked_s))
        return line

    def append(self, fact: Fact) -> Fact:
        """Journal a fact. Errors: StorageError; it then does not count."""
        with reported(f"the journal of pass {self.name} could not be written", self.layout.data):
            return self.journal.append(fact)

    def end(self, summary: SummaryFile, photos: Mapping[int, Photo], fact: Fact) -> Fact:
        """Write manifest and summary, then journal the end. Errors: StorageError; the pass has then not ended."""
        paths = self.layout.session(self.session_id).pass_(self.name)
        with reported(f"the end of pass {self.name} could not be written", self.layout.data):
            manifest = "".join(
                f"{photos[shot].sha256}  images/{self.name}/{photos[shot].name}\n" for shot in sorted(photos)
            )
            durable_write(self.files, paths.manifest, manifest.encode())
            durable_write(self.files, paths.summary, encode(summary))
            return self.journal.append(fact)

    def changed(self, info: PassInfo) -> None:
        """Tell the index the state of the pass."""
        self._indexed(lambda index: index.pass_changed(self.session_id, info))

    def checkpoint(self) -> None:
        """Checkpoint the index, so that its log stays small."""
        self._indexed(lambda index: index.checkpoint())

    def close(self) -> None:
        """Bring the index up to date and let go of journal and lock; never raises.

        What cannot be brought up to date stays noted in the index, and is at the next start.
        """
        with suppress(
            OSError
        ):  # the lines that count are durable; what else is in the file is cut off when it is opened again
            self.journal.repair()
        with suppress(OSError):
            self.journal.close()
        try:
            self._settle()
        except (StorageError, OSError) as error:
            _log.warning("the index will be brought up to date at the next start: %s", error, extra=self._fields())
        self.lock.release()

    def abandon(self) -> None:
        """Let go of journal and lock as a crash would: the next start brings the pass into order. Never raises."""
        with suppress(OSError):
            self.journal.close()
        self.lock.release()

    def _settle(self) -> None:
        if self.unfinished:
            return
        paths = self.layout.session(self.session_id)
        index = self.index()
        if not self.stale:
            index.sign(self.session_id, signature_of(paths))
        elif (record := read_session(paths)) is None:
            index.remove([self.session_id])
        else:
            index.put([record])
        index.done(self.session_id, self.name)

    def _supersede(self, name: PhotoName) -> None:
        """Move the replaced file away; recovery does it where this fails."""
        paths = self.layout.session(self.session_id).pass_(self.name)
        with suppress(OSError):
            if (paths.images / name).exists():
                make_dirs(self.files, paths.superseded)
                move_aside(self.files, paths.images / name, paths.superseded)

    def _indexed(self, change: Callable[[Index], None]) -> None:
        try:
            change(self.index())
        except (StorageError, MissingRowError) as error:
            if not self.stale:
                _log.warning("the index is behind and will be read again: %s", error, extra=self._fields())
            self.stale = True

    def _fields(self) -> dict[str, str]:
        return {"session": self.session_id, "pass_name": self.name}
