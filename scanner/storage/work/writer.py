"""PassWriter: the only object that can save a photo.

It exists while its pass is open and locked. Every change is an operation that runs to its end in a task of its own, one
after the other; a caller that is cancelled leaves it either wholly done or never begun.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from typing import Final, TypeVar

from msgspec import Struct, structs

from scanner.clock import Clock, utc_text
from scanner.errors import ConflictError, LockLostError, StorageError
from scanner.model import (
    CameraName,
    Frame,
    LockedSettings,
    PassName,
    Pause,
    Photo,
    Plan,
    RigInfo,
    SessionId,
    Shot,
    Viewpoint,
)
from scanner.spec import PassSpec
from scanner.states import PassState, pass_may_become
from scanner.storage.directory.views import pass_record
from scanner.storage.disk.layout import photo_name
from scanner.storage.disk.threads import Lane, Operations, Threads
from scanner.storage.journal import lines
from scanner.storage.journal.documents import PassFile
from scanner.storage.journal.facts import Ending, interrupted, make_summary, retaken_fact, saved_fact
from scanner.storage.journal.progress import Fold, PassProgress, photo_of
from scanner.storage.locks.lockfile import LockRecord
from scanner.storage.locks.locking import Work
from scanner.storage.work.passdisk import PassDisk

_log: Final = logging.getLogger(__name__)

Result = TypeVar("Result")


class OpenPass(Struct, frozen=True, kw_only=True):
    """A pass that is locked and in order."""

    disk: PassDisk
    document: PassFile
    fold: Fold
    work: Work
    release: Callable[[], None]  # in the writer thread; never raises


class Runtime(Struct, frozen=True, kw_only=True):
    """What all writers share. ``checkpoint_interval``: photos between two checkpoints of the index."""

    clock: Clock
    threads: Threads
    operations: Operations
    checkpoint_interval: int


class PassWriter:
    """Saves the photos of one pass and journals its fate.

    Errors of all methods: StorageError (the writer can be used again once the cause is cured), ConflictError where the
    call does not fit the state, LockLostError once somebody has taken the pass: nothing is then written, moved or
    announced any more, and closing only lets go.
    """

    def __init__(self, opened: OpenPass, runtime: Runtime) -> None:
        self.session_id: SessionId = opened.disk.session_id
        self.name: PassName = opened.disk.name
        self._document = opened.document
        self._disk = opened.disk
        self._fold = opened.fold
        self._work = opened.work
        self._release = opened.release
        self._clock = runtime.clock
        self._threads = runtime.threads
        self._operations = runtime.operations
        self._interval = runtime.checkpoint_interval
        self._one_at_a_time = asyncio.Lock()
        self._began: tuple[float, float] | None = None  # monotonic time, and seconds worked before, while work runs
        self._closed = False
        self._lost: LockLostError | None = None
        self._knows = asyncio.Event()  # that it is lost

    @property
    def record(self) -> LockRecord:
        """The lock under which the pass is open."""
        return self._disk.lock.record

    @property
    def beats(self) -> int:
        """How often :meth:`beat` was done."""
        return self._disk.lock.beats

    @property
    def lost(self) -> LockLostError | None:
        """Who took the pass, when and why, once that is known."""
        return self._lost

    async def wait_lost(self) -> LockLostError:
        """Return once it is known that somebody took the pass: at the next heartbeat or change."""
        await self._knows.wait()
        if self._lost is None:
            raise AssertionError
        return self._lost

    @property
    def plan(self) -> Plan:
        """The frozen plan."""
        return self._document.plan

    @property
    def spec(self) -> PassSpec:
        """What was asked for."""
        return self._document.spec

    @property
    def rig(self) -> RigInfo:
        """The rig that the pass was planned for."""
        return self._document.rig

    @property
    def progress(self) -> PassProgress:
        """How far the pass is; its mappings follow the work."""
        return self._fold.progress()

    def remaining(self) -> tuple[Shot, ...]:
        """The shots that are still planned, in the order of the plan."""
        done, left_out = self._fold.saved, self._fold.skipped
        return tuple(shot for shot in self.plan.shots if shot.index not in done and shot.index not in left_out)

    async def start(self, locked: Mapping[CameraName, LockedSettings]) -> None:
        """Work begins, or goes on with newly locked cameras."""
        if self._fold.started_at is not None:
            await self.resume(locked)
            return
        who = self._work
        fact = lines.Started(job_id=who.job_id, origin=who.origin, host=self.record.host, locked=dict(locked))
        await self._operations.run(self._begin(fact))

    async def resume(self, locked: Mapping[CameraName, LockedSettings] | None = None) -> None:
        """Work goes on; ``locked`` None: the cameras hold what they held before."""
        who = self._work
        chosen = None if locked is None else dict(locked)
        fact = lines.Resumed(job_id=who.job_id, origin=who.origin, host=self.record.host, locked=chosen)
        await self._operations.run(self._begin(fact))

    async def save(
        self,
        shot: Shot,
        frame: Frame,
        *,
        measured: Viewpoint,
        settle_s: float,
        capture_s: float,
        sharpness_relative: float | None = None,
    ) -> Photo:
        """Make the photo of a planned shot durable; returns when file, line and row are written."""
        fact = saved_fact(shot, frame, measured)
        fact = structs.replace(fact, settle_s=settle_s, capture_s=capture_s, sharpness_relative=sharpness_relative)
        return await self._operations.run(self._save(shot, fact, frame.data))

    async def fail_shot(self, shot: Shot, code: str, message: str) -> None:
        """Journal that a shot could not be taken; it stays planned."""
        await self._operations.run(self._note(lines.Failed(shot=shot.index, code=code, message=message)))

    async def skip(self, shot: Shot, reason: str) -> None:
        """Leave a planned shot out, by a person's word."""
        await self._operations.run(self._note(lines.Skipped(shot=shot.index, reason=reason)))

    async def pause(self, pause: Pause) -> None:
        """Work stands still for a reason; a paused pass may be given another reason."""
        await self._operations.run(self._pause(pause))

    async def finish(self, reason: str) -> None:
        """The pass is complete as it is."""
        await self._operations.run(self._end(PassState.COMPLETED, reason, lines.Finished(reason=reason, worked_s=0.0)))

    async def cancel(self, reason: str) -> None:
        """The pass is given up; what was saved stays."""
        await self._operations.run(self._end(PassState.CANCELLED, reason, lines.Cancelled(reason=reason, worked_s=0.0)))

    async def fail(self, code: str, message: str) -> None:
        """The pass ends by an error."""
        fact = lines.PassFailed(code=code, message=message, worked_s=0.0)
        await self._operations.run(self._end(PassState.FAILED, message, fact))

    async def beat(self) -> None:
        """Show others that the pass is being worked on, and see whether somebody took it."""
        if not self._closed and self._lost is None:
            await self._operations.run(self._write(self._disk.beat, self._threads.beats))

    async def close(self) -> None:
        """Let go of the pass; idempotent, never raises. A pass left running is journaled as interrupted."""
        await self._operations.run(self._close())

    # The operations: each holds the lock from its first look at the state to its last change.

    async def _begin(self, fact: lines.Started | lines.Resumed) -> None:
        async with self._one_at_a_time:
            self._require(PassState.RUNNING)
            await self._journal(fact)
            self._began = (self._clock.monotonic(), self._fold.duration_s)
            await self._tell_index()

    async def _save(self, shot: Shot, fact: lines.Saved, data: bytes) -> Photo:
        async with self._one_at_a_time:
            self._require_planned(shot)
            taken, generation = self._fold.files.get(shot.index, 0), self._disk.lock.generation
            name = photo_name(self.name, shot, self.spec.camera, taken, generation)
            fact = structs.replace(fact, file=name, worked_s=self._worked())
            lost = self._fold.lost.get(shot.index)
            chosen = fact if lost is None else retaken_fact(fact, lost)
            line = await self._write(lambda: self._disk.save(data, self._digest, chosen, self._fold.standing(chosen)))
            self._fold.apply(line)
            if len(self._fold.saved) % self._interval == 0:
                self._operations.launch(self._checkpoint())
            return photo_of(self.name, line)

    async def _note(self, fact: lines.Failed | lines.Skipped) -> None:
        async with self._one_at_a_time:
            self._require_open()
            if fact.shot in self._fold.saved:
                raise self._not_planned(fact.shot)
            await self._journal(fact)
            await self._tell_index()

    async def _pause(self, pause: Pause) -> None:
        async with self._one_at_a_time:
            if self._fold.state is not PassState.PAUSED:
                self._require(PassState.PAUSED)
            self._require_open()
            await self._journal(
                lines.Paused(
                    by=pause.by,
                    reason=pause.reason,
                    message=pause.message,
                    resumes_by_itself=pause.resumes_by_itself,
                    worked_s=self._worked(),
                )
            )
            self._began = None
            await self._tell_index()

    async def _end(self, state: PassState, reason: str, fact: Ending) -> None:
        async with self._one_at_a_time:
            self._require(state)
            at, worked = utc_text(self._clock.now()), self._worked()
            ending = structs.replace(fact, at=at, worked_s=worked)
            summary = make_summary(self._document, self._fold.progress(), state, reason, ending)
            photos = self._fold.saved
            self._fold.apply(await self._write(lambda: self._disk.end(summary, photos, ending)))
            self._began = None
            await self._tell_index()

    async def _close(self) -> None:
        async with self._one_at_a_time:
            if self._closed:
                return
            self._closed = True
            if self._fold.state is PassState.RUNNING and self._lost is None:
                await self._interrupt()
            await self._threads.writer.run(self._release)

    async def _interrupt(self) -> None:
        fact = interrupted(self._worked())
        try:
            await self._journal(fact)
        except LockLostError:
            return  # it is no longer ours to say
        except StorageError as error:
            _log.warning("pass %s could not be marked as interrupted: %s", self.name, error.message)
            self._disk.unfinished = True
            self._fold.apply(fact)
        await self._tell_index()

    async def _checkpoint(self) -> None:
        fields = {"session": self.session_id, "pass_name": self.name}
        _log.info("%d of %d photos saved", len(self._fold.saved), len(self.plan.shots), extra=fields)
        await self._threads.writer.run(self._disk.checkpoint)

    async def _journal(self, fact: lines.Line) -> None:
        self._fold.apply(await self._write(lambda: self._disk.append(fact)))

    async def _write(self, work: Callable[[], Result], lane: Lane | None = None) -> Result:
        """Do ``work``, in the writer thread if in no other, and know afterwards whether the pass is lost."""
        try:
            return await (lane or self._threads.writer).run(work)
        except LockLostError as error:
            if self._lost is None:
                self._lost = error
                self._knows.set()
                _log.warning("lock lost: %s", error.message, extra={"session": self.session_id, "pass_name": self.name})
            raise

    async def _tell_index(self) -> None:
        record = pass_record(self._document, self._fold.progress())
        await self._threads.writer.run(lambda: self._disk.changed(record))

    def _digest(self, data: bytes) -> Future[str]:
        """The sha256, while the disk is busy with the same bytes."""
        return self._threads.hasher.submit(partial(_sha256, data))

    def _worked(self) -> float:
        if self._began is None:
            return self._fold.duration_s
        since, before = self._began
        return round(before + self._clock.monotonic() - since, 3)

    def _require_open(self) -> None:
        if self._lost is not None:
            raise self._lost
        if self._closed:
            message = f"pass {self.name} of session {self.session_id} is no longer open here"
            raise ConflictError(message)

    def _require(self, state: PassState) -> None:
        self._require_open()
        if not pass_may_become(self._fold.state, state):
            message = f"pass {self.name} is {self._fold.state.value}; it cannot become {state.value}"
            raise ConflictError(message, state=self._fold.state.value)

    def _require_planned(self, shot: Shot) -> None:
        self._require_open()
        if self._fold.state is not PassState.RUNNING:
            message = f"pass {self.name} is {self._fold.state.value}: nothing is saved before it is started"
            raise ConflictError(message, state=self._fold.state.value)
        planned = self.plan.shots[shot.index - 1] if 1 <= shot.index <= len(self.plan.shots) else None
        if planned != shot or shot.index in self._fold.saved:
            raise self._not_planned(shot.index)

    def _not_planned(self, shot: int) -> ConflictError:
        message = f"shot {shot} of pass {self.name} is not one that is still planned"
        return ConflictError(message, shot=shot)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
