"""Where everything lies below the data directory, and how files are named. Pure: nothing here touches the disk."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from msgspec import Struct

from scanner.clock import utc_text
from scanner.errors import PassNotFoundError, SessionNotFoundError, SpecError
from scanner.model import PHOTO_NAME, SESSION_ID, SLUG, PassName, PhotoName, SessionId, Shot
from scanner.planning import slugify
from scanner.spec import CameraSettings

BUILDING: Final = ".new-"  # begins the name of a directory that is not whole yet
LEAVING: Final = ".gone-"  # begins the name of a directory that is being removed
UNDONE: Final = ".undone_"  # begins the name of what a session had become before its migration was undone
MIGRATING: Final = ".migrating_"  # begins the name of a note of what is being migrated, or of an undoing
ORPHANS: Final = ".orphans"
SUPERSEDED: Final = ".superseded"
STAMP: Final = "%Y%m%d-%H%M%S"  # of UTC; begins the id of a session, and the name of a place in the trash
_STAMPED: Final = 15  # letters
_GENERATION: Final = re.compile(r"_g([1-9]\d{0,8})\.[a-z]+(?:\.part)?$|^journal-([1-9]\d{0,8})\.jsonl")
_NUMBER_PART: Final = re.compile(r"(^|-)\d{5}(-|$)")


class PassPaths(Struct, frozen=True):
    """The places of one pass."""

    session: Path
    name: PassName

    @property
    def metadata(self) -> Path:
        """The directory of its documents."""
        return self.session / "metadata" / "passes" / self.name

    @property
    def document(self) -> Path:
        """What was asked for and the frozen plan."""
        return self.metadata / "pass.json"

    @property
    def journal(self) -> Path:
        """The facts."""
        return self.metadata / "journal.jsonl"

    @property
    def summary(self) -> Path:
        """What came of it."""
        return self.metadata / "summary.json"

    @property
    def manifest(self) -> Path:
        """Checksums of its photos."""
        return self.metadata / "manifest.sha256"

    @property
    def images(self) -> Path:
        """The directory of its photos."""
        return self.session / "images" / self.name

    @property
    def orphans(self) -> Path:
        """Photo files that no line accounts for."""
        return self.images / ORPHANS

    @property
    def superseded(self) -> Path:
        """Photo files that a later one replaced."""
        return self.images / SUPERSEDED

    def place(self, number: int) -> Path:
        """Photo files that the restore of this number took away; 0: those that a retake replaced."""
        return self.superseded / str(number) if number else self.superseded


class SessionPaths(Struct, frozen=True):
    """The places of one session."""

    root: Path

    @property
    def document(self) -> Path:
        """The session's identity."""
        return self.root / "metadata" / "session.json"

    @property
    def passes(self) -> Path:
        """The directory with one directory a pass."""
        return self.root / "metadata" / "passes"

    def as_text(self) -> tuple[str, str]:
        """:attr:`document` and :attr:`passes` as text: a sixth of the time, for 100,000 sessions in a row."""
        root = str(self.root)
        return f"{root}/metadata/session.json", f"{root}/metadata/passes"

    @property
    def checkpoints(self) -> Path:
        """The directory with one file a checkpoint."""
        return self.root / "metadata" / "checkpoints"

    @property
    def exports(self) -> Path:
        """The directory of what was made from the photos."""
        return self.root / "exports"

    def pass_(self, name: PassName) -> PassPaths:
        """The places of a pass."""
        return PassPaths(self.root, name)


class Layout(Struct, frozen=True):
    """The places of a data directory and its state directory."""

    data: Path
    state: Path

    @property
    def sessions(self) -> Path:
        """The directory with one directory a session."""
        return self.data / "sessions"

    @property
    def trash(self) -> Path:
        """The directory with one directory a deleted session."""
        return self.data / "trash"

    @property
    def room(self) -> Path:
        """What is kept aside for the day on which the disk is full."""
        return self.data / ".room"

    @property
    def index(self) -> Path:
        """The derived index."""
        return self.state / "index.db"

    @property
    def jobs(self) -> Path:
        """Jobs and queue."""
        return self.state / "jobs.db"

    @property
    def daemon_lock(self) -> Path:
        """Held by the daemon that owns the state directory."""
        return self.state / "daemon.lock"

    @property
    def thumbnails(self) -> Path:
        """The cache of small pictures."""
        return self.state / "cache" / "thumbnails"

    def session(self, session_id: SessionId) -> SessionPaths:
        """The places of a session. Errors: SessionNotFoundError where the id cannot be one, so that no id leads
        elsewhere.
        """
        if SESSION_ID.fullmatch(session_id) is None:
            raise session_missing(session_id)
        return SessionPaths(self.sessions / session_id)


def place_of(session_id: SessionId, export: str | None = None) -> str:
    """Where a session, or one of its exports, lies below the data directory: for people, not for opening."""
    session = SessionPaths(Layout(Path(), Path()).sessions / session_id)
    return (session.root if export is None else session.exports / export).as_posix()


def session_missing(session_id: str) -> SessionNotFoundError:
    """The error for an unknown session."""
    message = f"there is no session {session_id[:100]!r}"
    return SessionNotFoundError(message)


def pass_missing(session_id: str, name: str) -> PassNotFoundError:
    """The error for an unknown pass of a session."""
    message = f"session {session_id} has no pass {name[:100]!r}"
    return PassNotFoundError(message)


def session_ids(moment: datetime, title: str, attempt: int) -> SessionId:
    """The id for the ``attempt``-th try (from 1): UTC time and slug, then ``-2``, ``-3``."""
    base = f"{moment:{STAMP}}-{slugify(title) or 'scan'}"
    return SessionId(base if attempt == 1 else f"{base}-{attempt}")


def stamped_at(name: str) -> str:
    """The moment with which a name begins, UTC text; empty where it begins with none."""
    try:
        return utc_text(datetime.strptime(name[:_STAMPED], STAMP).replace(tzinfo=UTC))
    except ValueError:
        return ""


def photo_name(name: PassName, shot: Shot, settings: CameraSettings, taken: int, generation: int = 1) -> PhotoName:
    """The name of a shot's file: unique in the session, sortable; ``taken`` files of this shot came before it (``_r1``
    ...). ``generation``: that of the lock it is taken under (``_g2`` ...).
    """
    suffix = ""
    if len(settings.bracket_ev) > 1 or shot.ev:
        suffix += f"_e{shot.ev:.2f}".rstrip("0").rstrip(".").replace(".", "p")
    if settings.focus_steps is not None and shot.focus in settings.focus_steps:
        suffix += f"_f{settings.focus_steps.index(shot.focus)}"
    if taken:
        suffix += f"_r{taken}"
    if generation > 1:
        suffix += f"_g{generation}"
    return PhotoName(f"{name}-{shot.index:05}-{shot.camera}{suffix}.jpg")


def generation_of(name: str) -> int:
    """The generation of the lock under which a file of a pass came to be: photo, journal, or an unfinished one."""
    found = _GENERATION.search(name)
    return int(found[1] or found[2]) if found else 1


def check_names(name: str, cameras: frozenset[str]) -> None:
    """Refuse names that would make photo names unsafe or ambiguous. Errors: SpecError.

    The shot's number is the only part of five digits between dashes; that makes photo names unique in a session.
    """
    for kind, value in (("pass", name), *(("camera", camera) for camera in sorted(cameras))):
        if SLUG.fullmatch(value) is None:
            message = f"the {kind} name {value[:100]!r} is not usable: small letters, digits and dashes, at most 48"
            raise SpecError(message)
        if _NUMBER_PART.search(value):
            message = (
                f"the {kind} name {value!r} has a part of five digits, which is kept for the shot's number; use another"
            )
            raise SpecError(message)


def is_photo_name(name: str) -> bool:
    """Whether ``name`` can be a photo's: no separators, no leading dot."""
    return PHOTO_NAME.fullmatch(name) is not None
