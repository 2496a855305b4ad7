"""Tells the world how far a running pass is: facts at once, progress at most five times a second."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from msgspec.structs import replace

from scanner.errors import ScannerError
from scanner.events import EventBus, PhotoSaved, ProgressMade, ShotFailed
from scanner.jobs.board import Ticket, fields_of
from scanner.model import Photo, Shot
from scanner.storage import PassWriter

log = logging.getLogger(__name__)

PERIOD = 0.2  # seconds between two progress events


class Pulse:
    """Calls back soon after it is asked to, at most five times a second."""

    def __init__(self, beat: Callable[[], None]) -> None:
        self._beat = beat
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._last = -PERIOD

    def soon(self) -> None:
        """Call back now, or as soon as that is not too often."""
        if self._timer is None:
            self._timer = self._loop.call_at(max(self._loop.time(), self._last + PERIOD), self._now)

    def close(self) -> None:
        """Call back no more; idempotent."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _now(self) -> None:
        self._timer = None
        self._last = self._loop.time()
        self._beat()


class Reporter:
    """The engine's observer for one run of one pass."""

    def __init__(self, ticket: Ticket, writer: PassWriter, bus: EventBus, *, later_s: float) -> None:
        self._ticket = ticket
        self._writer = writer
        self._bus = bus
        self._later_s = later_s  # seconds that the passes after this one will take
        self._phase: str | None = None
        self._shot: int | None = None
        self._pulse = Pulse(self._publish)

    def phase(self, phase: str, shot: Shot) -> None:
        """Saving goes on beside the next shot's moving: it is told of, but does not hide what the rig does."""
        if phase == "save" and self._phase in {"move", "settle", "expose"} and self._shot != shot.index:
            return
        self._phase, self._shot = phase, shot.index
        self._pulse.soon()

    def saved(self, photo: Photo, left_s: float) -> None:
        """One more photo is durable and indexed: now it may be announced."""
        job = self._ticket.job
        done = replace(job.progress, done=job.progress.done + 1, eta_s=round(left_s + self._later_s, 1))
        self._ticket.job = replace(job, progress=done, shot=None)
        self._bus.publish(PhotoSaved(job_id=job.id, session_id=self._writer.session_id, photo=photo))
        log.debug("photo %s saved", photo.name, extra={**fields_of(job), "shot": photo.shot, "camera": photo.camera})
        self._pulse.soon()

    def shot_failed(self, shot: Shot, error: ScannerError) -> None:
        """The run pauses on this shot."""
        job = self._ticket.job
        self._bus.publish(
            ShotFailed(
                job_id=job.id,
                session_id=self._writer.session_id,
                pass_=self._writer.name,
                shot=shot.index,
                code=error.code,
                message=error.message,
            )
        )

    def close(self) -> None:
        """The run is over: nothing is published any more."""
        self._pulse.close()

    def _publish(self) -> None:
        job = self._ticket.job
        self._bus.publish(
            ProgressMade(
                job_id=job.id,
                session_id=job.session_id,
                pass_=job.pass_,
                progress=job.progress,
                phase=self._phase,
                shot=self._shot,
            )
        )
