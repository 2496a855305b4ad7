"""Makes the jobs that only read and write. The same work is not queued twice."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from scanner.errors import InvalidError
from scanner.exports.registry import check_format
from scanner.jobs.board import Board, Ticket
from scanner.jobs.submission import new_job_id
from scanner.model import Progress, SessionId
from scanner.records import Job
from scanner.states import JobState
from scanner.storage import StorageManager
from scanner.storage.disk.zones import zone_of


@dataclass(frozen=True, slots=True, kw_only=True)
class FileJobs:
    """Errors of all methods: ConflictError (with a session: SessionBusyError) naming the job that does the same
    already, SessionNotFoundError, QueueFullError, StorageError.
    """

    storage: StorageManager
    board: Board

    async def export(self, session_id: SessionId, name: str, origin: str) -> Ticket:
        """Export a session. Errors also: InvalidError (unknown format)."""
        check_format(name)
        return await self._add("export", session_id, origin, {"format": name})

    async def verify(self, session_id: SessionId | None, origin: str) -> Ticket:
        """Hash the photos of a session, or of all."""
        return await self._add("verify", session_id, origin, {})

    async def migrate(self, session_id: SessionId | None, origin: str, *, dry_run: bool) -> Ticket:
        """Migrate an old session or all of them."""
        return await self._add("migrate", session_id, origin, _chosen(dry_run=dry_run))

    async def undo(self, session_id: SessionId, origin: str, *, force: bool) -> Ticket:
        """Take the migration of a session back that no job has; ``force``: with photos that were taken since, too."""
        self.board.custody.require_free(session_id)
        return await self._add("migrate", session_id, origin, {"undo": "yes"} | _chosen(force=force))

    async def import_from(self, directory: str, timezone: str, origin: str, *, dry_run: bool) -> Ticket:
        """Copy sessions from elsewhere. Errors also: InvalidError (a path that is not absolute, an unknown time
        zone).
        """
        errors = [*_directory_faults(directory), *_zone_faults(timezone)]
        if errors:
            message = "; ".join(error["message"] for error in errors)
            raise InvalidError(message, errors=errors)
        options = {"directory": directory, "timezone": timezone} | _chosen(dry_run=dry_run)
        return await self._add("import", None, origin, options)

    async def reindex(self, origin: str) -> Ticket:
        """Read every session directory again."""
        return await self._add("reindex", None, origin, {})

    async def _add(self, kind: str, session_id: SessionId | None, origin: str, options: dict[str, str]) -> Ticket:
        session = None if session_id is None else await self.storage.get_session(session_id)
        unit = "photos" if kind in {"export", "verify"} else "sessions"
        total = 0
        if session is not None:
            total = session.photos if unit == "photos" else 1
        job = Job(
            id=new_job_id(),
            kind=kind,
            state=JobState.PENDING,
            session_id=session_id,
            title="" if session is None else session.title,
            origin=origin,
            progress=Progress(done=0, total=total, unit=unit),
            created_at=self.board.now(),
            rank=self.board.next_rank(),
            options=options,
        )
        self.board.require_room()
        self.board.custody.require_new(job)
        return await self.board.add(job)


def _chosen(**options: bool) -> dict[str, str]:
    return {name: "yes" for name, chosen in options.items() if chosen}


def _directory_faults(directory: str) -> list[dict[str, str]]:
    if Path(directory).is_absolute():
        return []
    return [{"path": "directory", "message": f"{directory[:200]!r} is no absolute path on the scanner's computer"}]


def _zone_faults(timezone: str) -> list[dict[str, str]]:
    try:
        zone_of(timezone)
    except InvalidError as error:
        return [{"path": "timezone", "message": error.message}]
    return []
