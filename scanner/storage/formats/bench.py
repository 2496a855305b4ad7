"""Where migration and import work, and the new directory that both build: whole and checked, but not in place yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scanner.clock import Clock
from scanner.errors import ConflictError, DamagedError, InvalidError, ScannerError
from scanner.model import Photo, SessionId
from scanner.storage.directory.views import read_journal, read_session
from scanner.storage.disk.claims import claimed, remove_quietly
from scanner.storage.disk.files import Files
from scanner.storage.disk.layout import BUILDING, SessionPaths
from scanner.storage.formats.building import Building, Stamp
from scanner.storage.formats.folder import Folder, go_on
from scanner.storage.formats.legacy import LegacyPass, LegacySession
from scanner.storage.formats.passes import progress_of
from scanner.storage.journal.progress import fold


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Where the work is done. ``token``: a new random name each time it is asked. ``check`` is asked before every file,
    and raises where the work is to be given up.
    """

    files: Files
    sessions: Path
    clock: Clock
    token: Callable[[], str]
    check: Callable[[], None] = go_on


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one old session: ``error`` None and ``done`` False in a dry run, or where it was there already
    (``known``). ``said``: what is to be said of its files, a sentence each. ``unread``: no session, but the folder
    ``title`` into which nobody could look. ``left``: a person is to decide first, and how; nothing was done.
    """

    id: SessionId
    done: bool
    error: ScannerError | None = None
    title: str = ""
    format: str = ""
    photos: int = 0
    bytes: int = 0
    known: bool = False
    said: tuple[str, ...] = ()
    unread: bool = False
    left: str = ""

    def sentence(self) -> str:
        """All of it for a person."""
        if self.unread:
            return f"The folder {self.title} could not be read and was passed by"
        name = f"{self.title or self.id} ({self.format or 'session'}, {self.photos} photos)"
        if self.error is not None:
            return f"{name}: {self.error.message}"
        what = f"{'is now' if self.done else 'would become'} session {self.id}"
        if self.known:
            what = f"is there already {self.id}"
        elif self.left:
            what = f"was left alone: {self.left}"
        return f"{name} {what}" + "".join(f"; {text}" for text in self.said)


@contextmanager
def built(
    bench: Bench, legacy: LegacySession, stamp: Stamp, *, linked: bool, session_id: SessionId | None = None
) -> Iterator[Path]:
    """The whole new directory under a temporary name; what is still there at the end is removed.

    Errors: DamagedError, ConflictError (somebody changed the old one), OSError.
    """
    root = bench.sessions / f"{BUILDING}{stamp.token}"
    with claimed(bench.files, root):
        try:
            building = Building(bench.files, bench.check, root=root, legacy=legacy, stamp=stamp, linked=linked)
            building.fill()
            building.write(session_id or legacy.id)
            _check_built(root, legacy)
            check_unchanged(legacy)
            yield root
        finally:
            remove_quietly(bench.files, root)


def check_checked(legacy: LegacySession) -> None:
    """Errors: InvalidError where the photos were only glanced at."""
    if not legacy.checked:
        message = f"the photos of session {legacy.id} were not checked"
        raise InvalidError(message)


def check_unchanged(legacy: LegacySession) -> None:
    """Errors: ConflictError where the old folders are not what was read any more."""
    if any(Folder.look(folder.root).signature() != folder.signature() for folder in legacy.folders):
        message = f"session {legacy.id} was changed by somebody else meanwhile; try again"
        raise ConflictError(message)


def name_taken(name: str) -> ConflictError:
    """The error for a name that something else has."""
    message = f"the name {name[:100]!r} is taken among the sessions"
    return ConflictError(message)


def _check_built(root: Path, legacy: LegacySession) -> None:
    """What was built reads as what was meant."""
    paths = SessionPaths(root)
    made = read_session(paths)
    if (
        made is None
        or made.session.damage
        or made.passes != legacy.record.passes
        or any(_photos(paths, part) != progress_of(part).saved for part in legacy.passes)
    ):
        message = f"session {legacy.id} did not become what it was; the old one is untouched"
        raise DamagedError(message, reason="io_error")


def _photos(paths: SessionPaths, part: LegacyPass) -> Mapping[int, Photo]:
    name = part.document.name
    return fold(read_journal(paths.pass_(name)).lines, name=name).saved
