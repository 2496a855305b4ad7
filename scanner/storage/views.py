"""A session as its directory tells it: Session, PassInfo and photos made from the documents and journals on disk.

Reading changes nothing and never raises for what a directory holds: whatever cannot be read becomes a sentence in
``damage`` and the rest is still told.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scanner.errors import DamagedError
from scanner.model import SLUG, PassName, Photo, SessionId
from scanner.records import PassInfo, PlanInfo, Session
from scanner.states import session_state
from scanner.storage.documents import PassFile, SessionFile, Submission, read_pass_file, read_session_file
from scanner.storage.journal import JournalText, parse
from scanner.storage.layout import PassPaths, SessionPaths
from scanner.storage.progress import PassProgress, fold

FORMAT: Final = "current"


@dataclass(frozen=True, slots=True, kw_only=True)
class PassRecord:
    """A pass with what the index keeps of it."""

    info: PassInfo
    place: int
    photos: tuple[Photo, ...]
    submission: Submission | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRecord:
    """A session with what the index keeps of it. ``signature`` changes with its documents and journals."""

    session: Session
    passes: tuple[PassRecord, ...]
    signature: str


def read_session(paths: SessionPaths) -> SessionRecord | None:
    """What the directory tells; None where there is no session in it."""
    if not paths.document.parent.is_dir():
        return None
    signature = signature_of(paths)
    damage: list[str] = []
    identity = _identity(paths, damage)
    passes = tuple(
        sorted(
            (record for name in pass_names(paths) if (record := _read_pass(paths.pass_(name), damage)) is not None),
            key=lambda record: (record.place, record.info.name),
        )
    )
    return SessionRecord(session=_session(paths, identity, passes, damage), passes=passes, signature=signature)


def pass_names(paths: SessionPaths) -> tuple[PassName, ...]:
    """The passes that have a directory."""
    try:
        names = sorted(path.name for path in paths.passes.iterdir())
    except OSError:
        return ()
    return tuple(PassName(name) for name in names if SLUG.fullmatch(name))


def signature_of(paths: SessionPaths) -> str:
    """Size and time of the session's document and of every journal: what differs must be read again."""
    return "|".join(
        _stamp(path) for path in (paths.document, *(paths.pass_(name).journal for name in pass_names(paths)))
    )


def _stamp(path: Path) -> str:
    try:
        found = path.stat()
    except OSError:
        return f"{path.parent.name}:-"
    return f"{path.parent.name}:{found.st_size}:{found.st_mtime_ns}"


def read_journal(paths: PassPaths) -> JournalText:
    """The journal as it can be read; a missing one is empty and damaged."""
    try:
        return parse(paths.journal.read_bytes())
    except OSError as error:
        return JournalText(lines=(), length=0, damage=f"the journal cannot be read ({error.strerror})")


def pass_info(document: PassFile, progress: PassProgress) -> PassInfo:
    """The pass as everybody sees it."""
    return PassInfo(
        name=document.name,
        state=progress.state,
        shots=len(document.plan.shots),
        saved=len(progress.saved),
        skipped=len(progress.skipped),
        retaken=progress.retaken,
        bytes=progress.bytes,
        plan=PlanInfo(kind=document.plan.kind),
        pause=progress.pause,
        started_at=progress.started_at,
        ended_at=progress.ended_at,
        duration_s=progress.duration_s,
    )


def _identity(paths: SessionPaths, damage: list[str]) -> SessionFile | None:
    try:
        return read_session_file(paths.document)
    except (DamagedError, OSError) as error:
        damage.append(_sentence("session.json", error))
        return None


def _read_pass(paths: PassPaths, damage: list[str]) -> PassRecord | None:
    try:
        document = read_pass_file(paths.document)
    except (DamagedError, OSError) as error:
        damage.append(_sentence(f"pass.json of pass {paths.name}", error))
        return None
    text = read_journal(paths)
    if text.damage is not None:
        damage.append(f"pass {paths.name}: {text.damage}; what follows it is not counted, the photo files are kept")
    progress = fold(text.lines, name=paths.name)
    photos = tuple(progress.saved[shot] for shot in sorted(progress.saved))
    return PassRecord(
        info=pass_info(document, progress), place=document.number, photos=photos, submission=document.submission
    )


def _sentence(what: str, error: DamagedError | OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"{what} is missing"
    return f"{what} cannot be read ({error.strerror if isinstance(error, OSError) else error.message})"


def _session(
    paths: SessionPaths, identity: SessionFile | None, passes: tuple[PassRecord, ...], damage: list[str]
) -> Session:
    session_id = SessionId(paths.root.name)
    photos = [photo for record in passes for photo in record.photos]
    return Session(
        id=session_id,
        title=identity.title if identity else session_id,
        state=session_state(record.info.state for record in passes),
        created_at=identity.created_at if identity else "",
        created_from=identity.created_from if identity else None,
        origin=identity.origin if identity else "",
        operator=identity.operator if identity else "",
        object=identity.object if identity else None,
        tags=identity.tags if identity else (),
        notes=identity.notes if identity else "",
        format=FORMAT,
        passes=tuple(record.info for record in passes),
        photos=len(photos),
        bytes=sum(photo.bytes for photo in photos),
        thumbnail=photos[0].name if photos else None,
        damage=tuple(damage),
    )
