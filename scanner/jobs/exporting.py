"""Runs an export job: a session in the layout of a photogrammetry program, below the session's ``exports/``."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from msgspec.structs import replace

from scanner.clock import Clock
from scanner.errors import ScannerError
from scanner.exports.registry import exporter
from scanner.exports.source import read_source
from scanner.jobs.board import Board, Ticket, fields_of
from scanner.model import SessionId
from scanner.records import Fault, JobResult
from scanner.states import JobState
from scanner.storage import StorageManager, place_of

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRunner:
    """Runs one export at a time: the lane for jobs that only read and write."""

    storage: StorageManager
    board: Board
    clock: Clock

    async def run(self, ticket: Ticket) -> None:
        """Build the export beside, put it into place in one step, or fail and leave nothing."""
        await self.board.change(ticket, state=JobState.RUNNING, started_at=self.board.now())
        began = self.clock.monotonic()
        job = ticket.job
        try:
            path, photos, size = await self._build(job.session_id, job.options["format"])
        except ScannerError as error:
            log.warning("export failed: %s", error.message, extra=fields_of(job))
            fault = Fault(code=error.code, message=error.message)
            await self.board.change(ticket, state=JobState.FAILED, error=fault, ended_at=self.board.now())
            return
        seconds = round((self.clock.monotonic() - began) / self.clock.speed, 3)
        await self.board.change(
            ticket,
            state=JobState.COMPLETED,
            progress=replace(job.progress, done=photos, total=photos),
            result=JobResult(saved=photos, bytes=size, duration_s=seconds, path=path),
            elapsed_s=seconds,
            ended_at=self.board.now(),
        )
        log.info("exported %d photos to %s", photos, path, extra=fields_of(job))

    async def _build(self, session_id: SessionId | None, name: str) -> tuple[str, int, int]:
        """Path below the data directory, photos and bytes of the export."""
        if session_id is None:
            message = "an export has a session"
            raise AssertionError(message)
        export = exporter(name)
        source = await read_source(self.storage, session_id)
        await self.storage.publish_export(session_id, name, lambda target: export(source, target))
        photos = [photo.photo for one in source.passes for photo in one.photos]
        return place_of(session_id, name), len(photos), sum(photo.bytes for photo in photos)
