"""The work of migrate and import jobs: old sessions become sessions of this product, in their place or copied here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scanner.jobs.errand import Errand
from scanner.model import SessionId
from scanner.records import JobResult
from scanner.storage import place_of
from scanner.storage.disk.zones import zone_of

if TYPE_CHECKING:
    from scanner.storage.formats import Outcome  # a daemon that finds no old session never loads the readers

CURRENT: Final = "current"


async def migrate(errand: Errand) -> JobResult:
    """Migrate one session or all, take one back, or say what would be done. Errors: SessionNotFoundError,
    ConflictError, DamagedError, StorageError.
    """
    options, legacy = errand.job.options, errand.storage.legacy
    if errand.job.session_id is None:
        outcomes = await legacy.migrate_all(dry_run="dry_run" in options, report=errand.report)
        return _result(errand, outcomes)
    session_id, saved = errand.session_id, 1
    if "dry_run" in options:
        return await _look(errand)
    if "undo" in options:
        undone = await legacy.undo(session_id, origin=errand.job.origin, force="force" in options)
        errand.found(f"Session {session_id} is again what it was before its migration.")
        lost = f", with {undone.photos} photos taken since" if undone.photos else ""
        errand.found(f"What had become of it is kept in {place_of(SessionId(undone.aside))}{lost}.")
    else:
        before = (await errand.storage.get_session(session_id)).format
        await legacy.migrate(session_id, origin=errand.job.origin)
        saved = int(before != CURRENT)
        errand.found(f"Session {session_id} {'was migrated' if saved else 'is in the present format already'}.")
        for sentence in await legacy.damage(session_id) if saved else ():
            errand.found(sentence)
    errand.report(1, 1)
    return JobResult(saved=saved, notes=errand.notes)


async def import_sessions(errand: Errand) -> JobResult:
    """Copy what is in a directory, and leave that as it is. Errors: InvalidError, StorageError."""
    options = errand.job.options
    outcomes = await errand.storage.legacy.import_from(
        Path(options["directory"]),
        timezone=zone_of(options["timezone"]),
        dry_run="dry_run" in options,
        origin=errand.job.origin,
        report=errand.report,
    )
    if all(outcome.unread for outcome in outcomes):
        errand.found(f"No session was found in {options['directory']!r}, nor in the folders close below it.")
    return _result(errand, outcomes)


async def _look(errand: Errand) -> JobResult:
    session = await errand.storage.get_session(errand.session_id)
    if session.format == CURRENT:
        errand.found(f"Session {session.id} needs no migration.")
    else:
        errand.found(f"Session {session.id} ({session.format}) would be migrated.")
    for sentence in session.damage:
        errand.found(sentence)
    return JobResult(notes=errand.notes)


def _result(errand: Errand, outcomes: Sequence[Outcome]) -> JobResult:
    for outcome in outcomes:
        errand.found(outcome.sentence())
        if outcome.done:
            errand.changed(outcome.id)
    done = [outcome for outcome in outcomes if outcome.done]
    return JobResult(saved=len(done), bytes=sum(outcome.bytes for outcome in done), notes=errand.notes)
