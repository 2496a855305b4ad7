"""What a job that only reads and writes has in hand while it works: where it says how far it is and what it found."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from scanner.events import EventBus, ProgressMade, SessionChanged
from scanner.jobs.board import Ticket
from scanner.jobs.reporter import Pulse
from scanner.jobs.sessions import WholeSessions
from scanner.model import SessionId
from scanner.records import Job

NOTES: Final = 100  # sentences that a result keeps


class Errand:
    """One job at work in the lane of those that only read and write."""

    def __init__(self, ticket: Ticket, sessions: WholeSessions, bus: EventBus) -> None:
        self.storage = sessions.storage
        self.custody = sessions.board.custody
        self._sessions = sessions
        self._ticket = ticket
        self._bus = bus
        self._pulse = Pulse(self._publish)
        self._notes: list[str] = []
        self._more = 0

    @property
    def job(self) -> Job:
        """The job as it now is."""
        return self._ticket.job

    @property
    def session_id(self) -> SessionId:
        """The session of a job that has one."""
        if self.job.session_id is None:
            message = f"job {self.job.id} has no session"
            raise AssertionError(message)
        return self.job.session_id

    def report(self, done: int, total: int) -> None:
        """So much is done. Told at most five times a second."""
        job = self._ticket.job
        self._ticket.job = replace(job, progress=replace(job.progress, done=done, total=total))
        self._pulse.soon()

    def found(self, sentence: str) -> None:
        """Something that the result tells; what goes beyond its room is counted."""
        if len(self._notes) < NOTES - 1:
            self._notes.append(sentence)
        else:
            self._more += 1

    @property
    def notes(self) -> tuple[str, ...]:
        """What was found, for the result."""
        return (*self._notes, f"And {self._more} more.") if self._more else tuple(self._notes)

    def changed(self, session_id: SessionId) -> None:
        """Tell that a session is not what it was."""
        self._bus.publish(SessionChanged(session_id=session_id))

    async def reopened(self, session_id: SessionId) -> None:
        """Tell that photos of a session were found lost."""
        self.changed(session_id)
        await self._sessions.reopened(session_id)

    def close(self) -> None:
        """Nothing is published any more; idempotent."""
        self._pulse.close()

    def _publish(self) -> None:
        job = self.job
        self._bus.publish(
            ProgressMade(job_id=job.id, session_id=job.session_id, pass_=None, progress=job.progress, phase=job.kind)
        )
