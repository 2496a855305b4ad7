"""Building, extending and undoing session directories: each appears whole under its name, or not at all.

Lives in the writer thread. A directory is built under ``.new-<token>`` (with a ``flock``, so that nobody's recovery
takes it for a left-over), every file and directory fsynced, then renamed into place; the rename itself finds out
whether the name is free.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from scanner.clock import Clock, utc_text
from scanner.errors import DamagedError, PassExistsError
from scanner.model import PassName, RigInfo, SessionId
from scanner.storage.directory.views import pass_names
from scanner.storage.disk.claims import claimed, remove_quietly, sweep
from scanner.storage.disk.files import TAKEN, Files, durable_write, make_dir
from scanner.storage.disk.layout import BUILDING, LEAVING, Layout, SessionPaths, check_names, session_ids
from scanner.storage.journal.documents import (
    SOFTWARE,
    NewPass,
    NewSession,
    PassFile,
    SessionFile,
    Submission,
    encode,
    read_pass_file,
)


def check_passes(passes: tuple[NewPass, ...]) -> None:
    """Refuse names that cannot become photo names. Errors: SpecError."""
    for new in passes:
        check_names(new.spec.name, frozenset(shot.camera for shot in new.plan.shots))


class SessionBuilder:
    """Makes and unmakes session directories."""

    def __init__(self, files: Files, layout: Layout, clock: Clock) -> None:
        self._files = files
        self._layout = layout
        self._clock = clock

    @contextmanager
    def build(self, new: NewSession, token: str) -> Iterator[SessionDraft]:
        """A whole session under a temporary name; on leaving, what was not published is removed. Errors: OSError."""
        now = self._clock.now()
        root = self._layout.sessions / f"{BUILDING}{token}"
        with claimed(self._files, root):
            draft = SessionDraft(self._files, root, new, now)
            try:
                draft.fill()
                yield draft
            finally:
                if not draft.published:
                    remove_quietly(self._files, root)

    def add_pass(
        self,
        session_id: SessionId,
        new: NewPass,
        rig: RigInfo,
        made: Submission | None,
        token: str,
        published: Callable[[], None],
    ) -> None:
        """Add a planned pass in one step and say so to ``published``. Errors: PassExistsError, OSError
        (FileNotFoundError where the session has gone; nothing is made in its place).
        """
        paths = self._layout.session(session_id)
        if new.spec.name in pass_names(paths):
            raise _exists(session_id, new.spec.name)
        number = 1 + max((document.number for document in _documents(paths)), default=0)
        document = _pass_file(session_id, number, new, rig, made, utc_text(self._clock.now()))
        place = paths.pass_(document.name)
        for directory in (place.images.parent, place.images):  # but not the session, should somebody have taken it
            make_dir(self._files, directory)
        building = paths.passes / f"{BUILDING}{token}"
        sweep(self._files, paths.passes)
        with claimed(self._files, building):
            try:
                write_pass(self._files, building, document)
                self._files.rename(building, place.metadata)
            except OSError as error:
                remove_quietly(self._files, building)
                if error.errno in TAKEN:
                    raise _exists(session_id, new.spec.name) from error
                raise
        published()
        self._files.fsync_dir(paths.passes)

    def remove(self, session_id: SessionId, token: str) -> None:
        """Take a session away in one step, then remove what it held. Errors: OSError before it is away."""
        gone = self._layout.sessions / f"{LEAVING}{token}"
        self._files.rename(self._layout.session(session_id).root, gone)
        self._files.fsync_dir(self._layout.sessions)
        remove_quietly(self._files, gone)

    def remove_pass(self, session_id: SessionId, name: PassName, token: str) -> None:
        """Take a pass without photos away in one step, then remove what it held. Errors: OSError before it is away."""
        paths = self._layout.session(session_id)
        gone = paths.passes / f"{LEAVING}{token}"
        self._files.rename(paths.pass_(name).metadata, gone)
        self._files.fsync_dir(paths.passes)
        remove_quietly(self._files, gone)
        with suppress(OSError):  # an empty directory of images does no harm
            self._files.rmdir(paths.pass_(name).images)


class SessionDraft:
    """A session that has no name yet."""

    def __init__(self, files: Files, root: Path, new: NewSession, now: datetime) -> None:
        self._files = files
        self._paths = SessionPaths(root)
        self._new = new
        self._now = now
        self.published = False

    def fill(self) -> None:
        """Write everything that does not depend on the id. Errors: OSError."""
        metadata = self._paths.document.parent
        images = self._paths.root / "images"
        leaves = [metadata / "checkpoints", self._paths.exports]
        for directory in (metadata, self._paths.passes, images, *leaves):
            self._files.mkdir(directory)
        for new in self._new.passes:
            paths = self._paths.pass_(PassName(new.spec.name))
            self._files.mkdir(paths.metadata)
            self._files.mkdir(paths.images)
            leaves.append(paths.images)
        for directory in (*leaves, images):
            self._files.fsync_dir(directory)

    def publish(self, sessions: Path, attempt: int, published: Callable[[], None]) -> bool:
        """Take the ``attempt``-th name and say so to ``published``; False where it is taken. Errors: OSError."""
        session_id = session_ids(self._now, self._new.title, attempt)
        self._write_documents(session_id)
        try:
            self._files.rename(self._paths.root, sessions / session_id)
        except OSError as error:
            if error.errno in TAKEN:
                return False
            raise
        self.published = True
        published()
        self._files.fsync_dir(sessions)
        return True

    def candidate(self, attempt: int) -> SessionId:
        """The name that :meth:`publish` will try."""
        return session_ids(self._now, self._new.title, attempt)

    def _write_documents(self, session_id: SessionId) -> None:
        at = utc_text(self._now)
        for number, new in enumerate(self._new.passes, 1):
            document = _pass_file(session_id, number, new, self._new.rig, self._new.submission, at)
            write_pass(self._files, self._paths.pass_(document.name).metadata, document)
        self._files.fsync_dir(self._paths.passes)
        durable_write(self._files, self._paths.document, encode(_session_file(session_id, self._new, at)))
        self._files.fsync_dir(self._paths.root)


def write_pass(files: Files, directory: Path, document: PassFile) -> None:
    """The documents of a planned pass: ``pass.json`` and an empty journal, durable. Errors: OSError."""
    durable_write(files, directory / "journal.jsonl", b"")
    durable_write(files, directory / "pass.json", encode(document))


def _documents(paths: SessionPaths) -> Iterator[PassFile]:
    for name in pass_names(paths):
        with suppress(DamagedError, OSError):
            yield read_pass_file(paths.pass_(name).document)


def _exists(session_id: SessionId, name: str) -> PassExistsError:
    message = f"session {session_id} already has a pass {name!r}; choose another name"
    return PassExistsError(message, session_id=session_id, **{"pass": name})


def _session_file(session_id: SessionId, new: NewSession, at: str) -> SessionFile:
    return SessionFile(
        id=session_id,
        title=new.title,
        created_at=at,
        created_from=new.created_from,
        origin=new.origin,
        operator=new.spec.operator,
        object=new.spec.object,
        tags=new.spec.tags,
        notes=new.spec.notes,
        rig=new.rig.name,
        software=SOFTWARE,
    )


def _pass_file(
    session_id: SessionId, number: int, new: NewPass, rig: RigInfo, made: Submission | None, at: str
) -> PassFile:
    return PassFile(
        session_id=session_id,
        name=PassName(new.spec.name),
        number=number,
        created_at=at,
        spec=new.spec,
        plan=new.plan,
        rig=rig,
        submission=made,
    )
