"""ScanSpec -> session, passes, plans and job: they come into being together or not at all.

Everything that can be refused is refused before anything is created: the spec against the rig, the room on the disk,
the room in the queue. One submission at a time, so that two with the same idempotency key cannot both find that they
are the first.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Mapping
from concurrent.futures import Executor
from datetime import datetime

from msgspec import Struct, field
from msgspec.structs import replace

from scanner.clock import Clock
from scanner.engine import Habits
from scanner.errors import DiskFullError, IdempotencyError, SessionBusyError, SpecError, StorageError
from scanner.guards import Guards, size_text
from scanner.jobs.board import Board, Ticket, fields_of
from scanner.model import CameraInfo, JobId, PassName, Progress, SessionId
from scanner.planning import PlanEstimate, RigLimits, apply_preset, estimate, make_plans
from scanner.records import Job
from scanner.rig import RigControl
from scanner.spec import PassSpec, ScanSpec
from scanner.states import JobState, PassState
from scanner.storage import NewPass, NewSession, StorageManager, Submission

log = logging.getLogger(__name__)

EXPOSURE = 0.1  # rig seconds that a photo takes at least, in estimates
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # nothing that looks like something else when read aloud


class Planned(Struct, frozen=True, kw_only=True):
    """A spec with all that follows from it on this rig."""

    spec: ScanSpec
    passes: tuple[NewPass, ...]
    estimates: tuple[PlanEstimate, ...]

    @property
    def photos(self) -> int:
        """Photos of all passes."""
        return sum(one.count for one in self.estimates)

    @property
    def duration_s(self) -> float:
        """Seconds of the world."""
        return sum(one.duration_s for one in self.estimates)


class Submitter(Struct, frozen=True, kw_only=True):
    """Makes scan jobs."""

    storage: StorageManager
    rig: RigControl
    guards: Guards
    board: Board
    clock: Clock
    pool: Executor
    presets: Mapping[str, ScanSpec]
    habits: Habits
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def plan(self, spec: ScanSpec) -> Planned:
        """Work out plans and estimates; nothing is created. Errors: SpecError, PlanTooLargeError, RigMissingError."""
        whole = self._with_preset(spec)
        limits = await self._limits(whole)
        return await asyncio.get_running_loop().run_in_executor(self.pool, _plan, whole, limits, self.habits)

    async def scan(self, spec: ScanSpec, origin: str, submission: Submission | None) -> Ticket:
        """A new session with its job, or the job that the same submission made before.

        Errors: as :meth:`plan`, IdempotencyError, DiskFullError, QueueFullError, StorageError; nothing is left behind.
        """
        async with self._one_at_a_time:
            known = await self._known(submission)
            if known is not None:
                return known
            planned = await self.plan(spec)
            await self._preflight(planned)
            return await self._create(planned, origin, submission)

    async def add_pass(
        self, session_id: SessionId, spec: PassSpec, origin: str, submission: Submission | None
    ) -> Ticket:
        """Another pass of a session, with its job. Errors: as :meth:`scan`, SessionNotFoundError, PassExistsError,
        SessionBusyError (it is being deleted or restored).
        """
        async with self._one_at_a_time:
            known = await self._known(submission)
            if known is not None:
                return known
            await self.storage.handle(session_id)
            planned = await self.plan(ScanSpec(passes=(spec,)))
            await self._preflight(planned)
            with self.board.custody.touch(session_id, None):
                return await self._add_pass(session_id, planned, origin, submission)

    async def _add_pass(
        self, session_id: SessionId, planned: Planned, origin: str, submission: Submission | None
    ) -> Ticket:
        handle = await self.storage.add_pass(
            session_id, planned.passes[0], rig=self.rig.describe(), submission=submission
        )
        job = self.new_job(handle.id, handle.title, planned, origin)
        try:
            return await self.board.add(job)
        except StorageError:
            await self.storage.discard_pass(handle, job.passes[0])
            raise

    def new_job(self, session_id: SessionId, title: str, planned: Planned, origin: str) -> Job:
        """A pending scan job for planned passes."""
        names = tuple(PassName(one.spec.name) for one in planned.passes)
        return self.job_for(
            session_id, title, names, origin, Progress(done=0, total=planned.photos, eta_s=planned.duration_s)
        )

    def job_for(
        self,
        session_id: SessionId,
        title: str,
        passes: tuple[PassName, ...],
        origin: str,
        progress: Progress,
    ) -> Job:
        """A pending scan job for passes of a session."""
        return Job(
            id=new_job_id(),
            kind="scan",
            state=JobState.PENDING,
            session_id=session_id,
            pass_=passes[0],
            passes=passes,
            title=title,
            origin=origin,
            progress=progress,
            created_at=self.board.now(),
            rank=self.board.next_rank(),
        )

    def _with_preset(self, spec: ScanSpec) -> ScanSpec:
        if spec.preset is None:
            return spec
        preset = self.presets.get(spec.preset)
        if preset is None:
            known = ", ".join(self.presets) or "none"
            message = f"there is no preset {spec.preset!r}; there are: {known}"
            raise SpecError(message, errors=[{"path": "preset", "message": message}])
        return apply_preset(preset, spec)

    async def _limits(self, spec: ScanSpec) -> RigLimits:
        """The rig's limits, with the measured size of photos where there are any."""
        limits = self.rig.limits()
        asked = spec.passes[0].camera if spec.passes else spec.camera
        cameras: list[CameraInfo] = []
        for camera in limits.cameras:
            width = (asked and asked.width) or camera.width
            height = (asked and asked.height) or camera.height
            measured = await self.storage.photo_bytes(camera.name, width, height)
            scale = (camera.width * camera.height) / (width * height)
            cameras.append(replace(camera, bytes_per_photo=round(measured * scale)) if measured else camera)
        return replace(limits, cameras=tuple(cameras))

    async def _known(self, submission: Submission | None) -> Ticket | None:
        """The job that this submission made before; made anew if only its session survived a crash."""
        found = await self.storage.find_submission(submission.key) if submission else None
        if found is None or submission is None:
            return None
        before, session_id, passes = found
        if before.digest != submission.digest:
            message = f"the idempotency key {submission.key!r} was used before with another body: use a new key"
            raise IdempotencyError(message, key=submission.key)
        for ticket in self.board.tickets():
            if ticket.job.session_id == session_id and set(passes) & set(ticket.job.passes):
                return ticket
        session = await self.storage.get_session(session_id)
        infos = [info for info in session.passes if info.name in passes]
        log.info("session %s has no job any more: it gets a new one", session_id)
        photos, done = sum(info.shots for info in infos), sum(info.saved + info.skipped for info in infos)
        job = self.job_for(session_id, session.title, passes, session.origin, Progress(done=done, total=photos))
        states = {info.state for info in infos}
        if states <= {PassState.COMPLETED, PassState.CANCELLED}:  # nothing is left to do: the job is one that has ended
            state = JobState.COMPLETED if PassState.COMPLETED in states else JobState.CANCELLED
            job = replace(job, state=state, ended_at=self.board.now())
        return await self.board.add(job)

    async def _preflight(self, planned: Planned) -> None:
        self.board.require_room()
        lack = await self.lack_of_room(planned)
        if lack is not None:
            raise lack

    async def lack_of_room(self, planned: Planned) -> DiskFullError | None:
        """What a scan would be refused with for want of room; None if it fits."""
        need = sum(one.bytes for one in planned.estimates)
        usage = await self.storage.disk()
        reserve = self.guards.stop_below
        if need <= usage.free - reserve:
            return None
        message = (
            f"not enough room: about {size_text(need)} are needed, {size_text(usage.free)} are free and "
            f"{size_text(reserve)} stay in reserve. Delete or move sessions, or take fewer or smaller photos."
        )
        return DiskFullError(message, need=need, free=usage.free, reserve=reserve)

    async def _create(self, planned: Planned, origin: str, submission: Submission | None) -> Ticket:
        spec = planned.spec
        handle = await self.storage.create_session(
            NewSession(
                spec=spec,
                title=spec.title or self._title(spec.preset),
                passes=planned.passes,
                origin=origin,
                created_from=spec.preset,
                rig=self.rig.describe(),
                submission=submission,
            )
        )
        job = self.new_job(handle.id, handle.title, planned, origin)
        try:
            ticket = await self.board.add(job)
        except (StorageError, SessionBusyError):  # busy: somebody deletes it already
            await self.storage.discard_session(handle)
            raise
        log.info("session %s created by %s: %d photos planned", handle.id, origin, planned.photos, extra=fields_of(job))
        return ticket

    def _title(self, preset: str | None) -> str:
        now: datetime = self.clock.now().astimezone()
        return f"{preset or 'Scan'} {now:%Y-%m-%d %H:%M}"


def new_job_id() -> JobId:
    """A job id that nobody has guessed or used: ``j-`` and eight characters."""
    return JobId("j-" + "".join(secrets.choice(_ALPHABET) for _ in range(8)))


def _plan(spec: ScanSpec, limits: RigLimits, habits: Habits) -> Planned:
    pairs = make_plans(spec, limits)
    return Planned(
        spec=spec,
        passes=tuple(NewPass(spec=one, plan=plan) for one, plan in pairs),
        estimates=tuple(
            estimate(plan, one, limits, settle=max(habits.rest - EXPOSURE, 0.0), exposure=EXPOSURE)
            for one, plan in pairs
        ),
    )
