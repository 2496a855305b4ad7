"""Where migration and import work, and the new directory that both build: whole and checked, but not in place yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scanner.clock import Clock
from scanner.errors import ConflictError, DamagedError, InvalidError, ScannerError
from scanner.model import SessionId
from scanner.storage.claims import claimed, remove_quietly
from scanner.storage.files import Files
from scanner.storage.formats.building import Building, Stamp
from scanner.storage.formats.folder import Folder
from scanner.storage.formats.legacy import LegacySession
from scanner.storage.layout import BUILDING, SessionPaths
from scanner.storage.views import read_session


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Where the work is done. ``token``: a new random name each time it is asked."""

    files: Files
    sessions: Path
    clock: Clock
    token: Callable[[], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one old session: ``error`` None and ``done`` False in a dry run, or where it was there already."""

    id: SessionId
    done: bool
    error: ScannerError | OSError | None = None


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
            building = Building(files=bench.files, root=root, legacy=legacy, stamp=stamp, linked=linked)
            building.fill()
            building.write(session_id or legacy.id)
            _check_built(root, legacy)
            _check_unchanged(legacy)
            yield root
        finally:
            remove_quietly(bench.files, root)


def check_checked(legacy: LegacySession) -> None:
    """Errors: InvalidError where the photos were only glanced at."""
    if not legacy.checked:
        message = f"the photos of session {legacy.id} were not checked"
        raise InvalidError(message)


def _check_unchanged(legacy: LegacySession) -> None:
    if any(Folder.look(folder.root).signature() != folder.signature() for folder in legacy.folders):
        message = f"session {legacy.id} was changed by somebody else meanwhile; try again"
        raise ConflictError(message)


def name_taken(name: str) -> ConflictError:
    """The error for a name that something else has."""
    message = f"the name {name[:100]!r} is taken among the sessions"
    return ConflictError(message)


def _check_built(root: Path, legacy: LegacySession) -> None:
    """What was built reads as what was meant."""
    made = read_session(SessionPaths(root))
    if made is None or made.session.damage or made.passes != legacy.record.passes:
        message = f"session {legacy.id} did not become what it was; the old one is untouched"
        raise DamagedError(message, reason="io_error")
