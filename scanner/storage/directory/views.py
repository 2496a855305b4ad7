"""A session as its directory tells it: Session, PassInfo and photos made from the documents and journals on disk.

Reading changes nothing and never raises for what a directory holds: whatever cannot be read becomes a sentence in
``damage`` and the rest is still told.
"""

from __future__ import annotations

import errno
import os
import re
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from scanner.errors import DamagedError
from scanner.model import SLUG, PassName, PhotoName, SessionId
from scanner.records import PassInfo, PlanInfo, Session
from scanner.states import session_state
from scanner.storage.directory.generations import read_generations
from scanner.storage.directory.glance import Glance, read_file
from scanner.storage.directory.origins import ORIGIN, migrated_from
from scanner.storage.disk.files import read_whole
from scanner.storage.disk.layout import PassPaths, SessionPaths
from scanner.storage.journal.documents import PassFile, SessionFile, Submission, pass_file, session_file
from scanner.storage.journal.plain import Size, Story, plain_story, sizes_of
from scanner.storage.journal.progress import PassProgress, fold
from scanner.storage.journal.text import JournalText

if TYPE_CHECKING:
    from scanner.storage.directory.older import Older

FORMAT: Final = "current"
_MARK: Final = re.compile(rb'"format"\s*:\s*"scanner-session"')
_HEAD: Final = 4096  # bytes of session.json in which it stands
_REFUSED: Final = frozenset({errno.EACCES, errno.EPERM})
_TO_RENAME: Final = "title, notes and tags are unknown; give it a title again, and it is written anew"
_TO_RESTORE: Final = "the pass cannot be told without it; put a copy of it back, its photos are kept"
_TO_RESUME: Final = "what follows it is not counted, the photo files are kept; resume the pass to count them again"


class PassRecord(Struct, frozen=True, kw_only=True):
    """A pass with what the index keeps of it. ``host`` and ``origin``: where and for whom it was worked on last;
    ``reason``: why it ended. ``sizes``: of its photos; ``first``: the one of the lowest shot. ``unsettled``: a restore
    was cut off and must be finished.
    """

    info: PassInfo
    place: int
    submission: Submission | None
    sizes: tuple[Size, ...] = ()
    first: PhotoName | None = None
    created_at: str = ""
    rig: str = ""
    host: str = ""
    origin: str = ""
    failures: int = 0
    reason: str = ""
    unsettled: bool = False


class SessionRecord(Struct, frozen=True, kw_only=True):
    """A session with what the index keeps of it. ``signature`` changes with its document, its journals and the names of
    its checkpoints; ``marked``: how many these are.
    """

    session: Session
    passes: tuple[PassRecord, ...]
    signature: str
    marked: int = 0
    older: Older | None = None  # where its files lie, and what is kept of them, if that is not as ours do


def is_session(paths: SessionPaths) -> bool:
    """Whether a directory is a session of this product, also a damaged one. The predecessor's have ``session.json``,
    too.
    """
    try:
        return paths.passes.is_dir() or _MARK.search(read_whole(paths.document, _HEAD)) is not None
    except OSError:
        return False


def is_hidden(paths: SessionPaths) -> bool:
    """Whether nobody can say what a directory is: this program may not look into it, or the disk does not let it."""
    for path in (paths.passes, paths.document):
        try:
            path.stat()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            return True
    return False


def read_session(paths: SessionPaths) -> SessionRecord | None:
    """What the directory tells; None where there is no session of this product in it."""
    document, directory = paths.as_text()
    names = _names(directory)
    if not names and not is_session(paths):
        return None
    glance, damage = Glance(), list[str]()
    identity = _identity(document, glance, damage)
    if not names:
        damage += _unlisted(directory)
    found = (_read_pass(f"{directory}/{name}", name, glance, damage) for name in names)
    passes = tuple(
        sorted((record for record in found if record is not None), key=lambda record: (record.place, record.info.name))
    )
    session = _session(paths, identity, passes, damage)
    marked = glance.checkpoints(_checkpoints(document))
    return SessionRecord(session=session, passes=passes, signature=glance.signature(), marked=marked)


def pass_names(paths: SessionPaths) -> tuple[PassName, ...]:
    """The passes that have a directory."""
    return _names(paths.as_text()[1])


def _names(directory: str) -> tuple[PassName, ...]:
    try:
        names = sorted(os.listdir(directory))  # noqa: PTH208 - text, for speed
    except OSError:
        return ()
    return tuple(PassName(name) for name in names if SLUG.fullmatch(name))


def _unlisted(directory: str) -> tuple[str, ...]:
    """Why the passes cannot be told, where there may be some."""
    try:
        os.listdir(directory)  # noqa: PTH208 - as above
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except OSError as error:
        return (_sentence("the directory of the passes", error, ""),)
    return ()


def signature_of(paths: SessionPaths) -> str:
    """Size and time of the session's document and of every journal, and its checkpoints: what differs must be read
    again.
    """
    return signature_at(os.fspath(paths.root))


def signature_at(root: str) -> str:
    """The same of the session in the directory ``root``: paths as objects would cost a quarter more, and names that the
    interpreter never gives back.
    """
    glance, metadata = Glance(), f"{root}/metadata"
    glance.look(f"{metadata}/session.json")
    for name in _names(f"{metadata}/passes"):
        glance.look_at_journals(f"{metadata}/passes/{name}")
    glance.checkpoints(f"{metadata}/checkpoints")
    return glance.signature()


def _checkpoints(document: str) -> str:
    return f"{document.rpartition('/')[0]}/checkpoints"


def read_journal(paths: PassPaths) -> JournalText:
    """The journals of all generations as they can be read, as one; a missing one is empty and damaged."""
    return read_generations(paths.metadata)


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
        damaged=len(progress.lost),
    )


def pass_record(document: PassFile, progress: PassProgress) -> PassRecord:
    """The pass as the index keeps it."""
    return PassRecord(
        info=pass_info(document, progress),
        place=document.number,
        submission=document.submission,
        sizes=sizes_of(tuple(progress.saved.values()), progress.bytes),
        first=progress.saved[min(progress.saved)].name if progress.saved else None,
        created_at=document.created_at,
        rig=document.rig.name,
        host=progress.host,
        origin=progress.origin,
        failures=progress.failures,
        reason=progress.reason,
        unsettled=progress.unsettled,
    )


def plain_record(document: PassFile, story: Story) -> PassRecord:
    """The same as :func:`pass_record`."""
    fold = story.fold
    return PassRecord(
        info=PassInfo(
            name=document.name,
            state=fold.state,
            shots=len(document.plan.shots),
            saved=story.saved,
            bytes=story.bytes,
            plan=PlanInfo(kind=document.plan.kind),
            pause=fold.pause,
            started_at=fold.started_at,
            ended_at=fold.ended_at,
            duration_s=story.duration_s,
        ),
        place=document.number,
        submission=document.submission,
        sizes=story.sizes,
        first=story.first,
        created_at=document.created_at,
        rig=document.rig.name,
        host=fold.host,
        origin=fold.origin,
        reason=fold.reason,
    )


def _identity(path: str, glance: Glance, damage: list[str]) -> SessionFile | None:
    try:
        return session_file(glance.read(path))
    except (DamagedError, OSError) as error:
        damage.append(_sentence("session.json", error, _TO_RENAME))
        return None


def _read_pass(directory: str, name: PassName, glance: Glance, damage: list[str]) -> PassRecord | None:
    text = glance.journal(directory)
    try:
        document = pass_file(read_file(f"{directory}/pass.json")[0])
    except (DamagedError, OSError) as error:
        damage.append(_sentence(f"pass.json of pass {name}", error, _TO_RESTORE))
        return None
    if text.damage is not None:
        damage.append(f"pass {name}: {text.damage}; {_TO_RESUME}")
    story = plain_story(text.lines, name)
    return pass_record(document, fold(text.lines, name=name)) if story is None else plain_record(document, story)


def _sentence(what: str, error: DamagedError | OSError, remedy: str) -> str:
    """What is wrong, and what to do about it."""
    if isinstance(error, FileNotFoundError):
        return f"{what} is missing; {remedy}"
    if isinstance(error, DamagedError):
        return f"{what} cannot be read ({error.message}); {remedy}"
    todo = "check owner and mode of the files" if error.errno in _REFUSED else "check the disk"
    return f"{what} cannot be read ({error.strerror}); {todo}"


def _session(
    paths: SessionPaths, identity: SessionFile | None, passes: tuple[PassRecord, ...], damage: list[str]
) -> Session:
    session_id = SessionId(paths.root.name)
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
        photos=sum(record.info.saved for record in passes),
        bytes=sum(record.info.bytes for record in passes),
        thumbnail=next((record.first for record in passes if record.first), None),
        migrated_from=migrated_from(paths.root) if identity and identity.origin == ORIGIN else None,
        damage=tuple(damage),
    )
