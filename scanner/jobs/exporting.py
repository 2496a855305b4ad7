"""The work of an export job: a session in the layout of a photogrammetry program, below its ``exports/``."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

from scanner.errors import ConflictError
from scanner.exports.registry import exporter
from scanner.jobs.errand import Errand
from scanner.records import JobResult
from scanner.storage import place_of


async def export(errand: Errand) -> JobResult:
    """Build the export beside, put it into place in one step, or leave nothing. Errors: SessionNotFoundError,
    InvalidError, StorageError.
    """
    from scanner.exports.source import read_source  # noqa: PLC0415 - many daemons never export

    session_id, name = errand.session_id, errand.job.options["format"]
    write = exporter(name)
    await errand.storage.legacy.ensure_current(session_id)  # its photos may lie elsewhere afterwards
    source = await read_source(errand.storage, session_id)
    stopped = threading.Event()

    def build(target: Path) -> None:
        write(source, target)
        if stopped.is_set():
            message = f"the export of session {session_id} was cancelled"
            raise ConflictError(message)

    try:
        await errand.storage.publish_export(session_id, name, build)
    except asyncio.CancelledError:  # the thread is not interrupted: what it builds is thrown away
        stopped.set()
        raise
    photos = [photo.photo for one in source.passes for photo in one.photos]
    errand.report(len(photos), len(photos))
    return JobResult(saved=len(photos), bytes=sum(photo.bytes for photo in photos), path=place_of(session_id, name))
