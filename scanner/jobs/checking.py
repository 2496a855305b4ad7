"""The work of verify and reindex jobs: is every photo what was saved, does the index tell what the directories tell."""

from __future__ import annotations

from collections.abc import AsyncIterator

from scanner.errors import ConflictError, NotFoundError, StorageError
from scanner.jobs.adopting import CURRENT
from scanner.jobs.errand import Errand
from scanner.records import JobResult, Session, Verification
from scanner.storage import SessionQuery

PAGE = 100  # sessions read at a time
PHOTOS = (".jpg", ".jpeg")


async def verify(errand: Errand) -> JobResult:
    """Hash the photos of one session, or of all; of all, what cannot be read of one keeps no other from it.

    Errors: SessionNotFoundError, SessionBusyError, StorageError.
    """
    if errand.job.session_id is not None:
        session = await errand.storage.get_session(errand.session_id)
        found = await _verify_one(errand, session, errand.job.progress.done)
        return JobResult(saved=_good(session, found), notes=errand.notes, flawed=_is_flawed(found))
    good = total = done = 0
    flawed = False
    async for session in _sessions(errand):
        total += _to_check(session)
    async for session in _sessions(errand):
        errand.report(done, total)
        try:
            with errand.custody.touch(session.id, errand.job.id):
                found = await _verify_one(errand, session, done, total)
            good += _good(session, found)
            flawed |= _is_flawed(found)
        except NotFoundError:
            continue  # deleted since
        except (ConflictError, StorageError) as error:
            flawed |= isinstance(error, StorageError)
            errand.found(f"Session {session.id} was left out: {error.message}.")
        finally:
            done += _to_check(session)
    errand.report(total, total)
    return JobResult(saved=good, notes=errand.notes, flawed=flawed)


async def reindex(errand: Errand) -> JobResult:
    """Read every session directory again. Errors: StorageError."""
    await errand.storage.reindex(errand.report)
    return JobResult(saved=errand.job.progress.total, notes=errand.notes)


async def _sessions(errand: Errand) -> AsyncIterator[Session]:
    """All, a page in memory at a time."""
    after: str | None = None
    while True:
        page = await errand.storage.list_sessions(SessionQuery(limit=PAGE, sort="oldest", after=after))
        for session in page.items:
            yield session
        after = page.next
        if after is None:
            return


async def _verify_one(errand: Errand, session: Session, before: int, total: int | None = None) -> Verification:
    session_id = session.id
    found = await errand.storage.verify(
        session_id,
        lambda done, own: errand.report(before + done, own if total is None else total),
        origin=errand.job.origin,
    )
    of = f" of session {session_id}" if total is not None else ""
    for name in found.missing:
        errand.found(f"Photo {name}{of} is missing.")
    for name in found.damaged:
        errand.found(f"{'Photo' if _is_photo(name) else 'File'} {name}{of} is damaged.")
    for name in found.unlisted:
        errand.found(f"File {name}{of} is in no list.")
    for sentence in found.unmarked:
        errand.found(f"Session {session_id}: {sentence}.")
    if session.format == CURRENT and (found.missing or found.damaged):
        await errand.reopened(session_id)
    return found


def _is_photo(name: str) -> bool:
    """Whether something damaged is a photo and no document."""
    return name.lower().endswith(PHOTOS)


def _good(session: Session, found: Verification) -> int:
    """How many photos are what was saved. Of an older format only those count as checked."""
    if session.format != CURRENT:
        return found.checked
    return found.checked - len(found.missing) - sum(map(_is_photo, found.damaged))


def _to_check(session: Session) -> int:
    """Photos that are there, and those that are known to be lost."""
    return sum(info.saved + info.damaged for info in session.passes)


def _is_flawed(found: Verification) -> bool:
    return bool(found.missing or found.damaged or found.unmarked)
