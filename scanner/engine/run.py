"""One run of one pass: staging, shooting and saving side by side, and the one place that decides how it ended."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import Executor
from enum import StrEnum
from typing import Final, Protocol

from msgspec import Struct

from scanner.clock import Clock
from scanner.engine.handover import HandOver, room_for
from scanner.engine.orders import Order, Orders
from scanner.engine.pace import Habits, Pace
from scanner.engine.saving import Saver
from scanner.engine.shooting import Shooter
from scanner.engine.staging import cameras_of, stage
from scanner.errors import DeviceNotFoundError, HardwareError, LockLostError, ScannerError, SpecError, StorageError
from scanner.guards import Guards
from scanner.model import Pause, Photo, Shot
from scanner.planning import RigLimits
from scanner.rig import RigControl
from scanner.storage import PassWriter

log = logging.getLogger(__name__)

HALTED: Final = Pause(
    by="operator", reason="halted", message="Stop was pressed: motors and light are off. Resuming homes the rig first."
)
SHUTDOWN: Final = Pause(by="restart", reason="shutdown", message="The daemon was stopped.")
PRESSED: Final = Pause(by="user", reason="paused", message="Somebody pressed Pause.")
GUARD_GONE: Final = Pause(by="guard", reason="guard", message="A guard held the scan up.", resumes_by_itself=True)


class EndingKind(StrEnum):
    """How a run can end."""

    COMPLETED = "completed"
    PAUSED = "paused"
    CANCELLED = "cancelled"


class Ending(Struct, frozen=True, kw_only=True):
    """How a run ended. ``pause`` says why it is paused, ``shot`` on which shot it failed."""

    kind: EndingKind
    pause: Pause | None = None
    shot: Shot | None = None


class Observer(Protocol):
    """Who is told what a run does. Called on the loop's thread; must not wait."""

    def phase(self, phase: str, shot: Shot) -> None:
        """The run is now in ``phase`` (move, settle, expose, save) of ``shot``."""

    def saved(self, photo: Photo, left_s: float) -> None:
        """A photo is durable; about ``left_s`` seconds are left."""

    def shot_failed(self, shot: Shot, error: ScannerError) -> None:
        """A shot could not be taken; the run pauses on it."""


class Engine(Struct, frozen=True, kw_only=True):
    """Runs passes on one rig, one at a time."""

    rig: RigControl
    clock: Clock
    pool: Executor
    guards: Guards
    memory_bytes: int
    habits: Habits

    async def run(self, writer: PassWriter, orders: Orders, observer: Observer) -> Ending:
        """Take every remaining shot of the pass, or stop earlier for a reason, and journal how it ended.

        Afterwards the motors are still and the lights off. No error of a device or of the disk leaves this function.
        Errors: LockLostError: the pass was taken by force, and is not written to any more.
        """
        try:
            limits = self.rig.limits()
        except HardwareError as error:
            pause = Pause(by="fault", reason=error.code, message=error.message)
            await writer.pause(pause)
            return Ending(kind=EndingKind.PAUSED, pause=pause)
        return await _Run(self, writer, orders, observer, limits).run()


class _Run:
    """One run. The tasks report into ``_fault`` and ``_shot``; ``_decide`` alone makes an ending of it."""

    def __init__(
        self, engine: Engine, writer: PassWriter, orders: Orders, observer: Observer, limits: RigLimits
    ) -> None:
        self._engine = engine
        self._rig = engine.rig
        self._writer = writer
        self._orders = orders
        self._observer = observer
        self._shots = writer.remaining()
        self._pace = Pace(self._shots, limits, engine.habits)
        self._line = HandOver(room_for(_frame_bytes(writer), engine.memory_bytes))
        self._fault: ScannerError | None = None
        self._shot: Shot | None = None
        self._lost: LockLostError | None = None

    async def run(self) -> Ending:
        try:
            async with self._rig.lease():
                await self._work()
        except HardwareError as error:
            self._fault = self._fault or error
        if self._lost is not None:
            raise self._lost
        ending = self._decide()
        if ending.shot is not None and self._fault is not None:
            self._observer.shot_failed(ending.shot, self._fault)
        return await self._record(ending)

    async def _work(self) -> None:
        async with asyncio.TaskGroup() as group:
            shooting = group.create_task(self._shoot(), name="shooting")
            saving = group.create_task(self._save(shooting), name="saving")
            urgent = group.create_task(self._interrupt(shooting), name="urgent orders")
            lost = group.create_task(self._notice_loss(shooting), name="lock")
            await asyncio.wait([shooting, saving])
            urgent.cancel()
            lost.cancel()

    async def _interrupt(self, shooting: asyncio.Task[None]) -> None:
        await self._orders.wait_urgent()
        shooting.cancel()

    async def _notice_loss(self, shooting: asyncio.Task[None]) -> None:
        """Somebody took the pass by force: nothing of it need be shot any more."""
        self._lost = await self._writer.wait_lost()
        shooting.cancel()

    async def _shoot(self) -> None:
        """Stage and shoot; a device's fault ends the shooting, what was taken before is still saved."""
        try:
            if self._orders.order is not None:  # given before anything moved: nothing need move
                return
            shooter = await self._staged()
            try:
                await shooter.shoot(self._shots, self._line, self._orders, self._held_up)
            except HardwareError:
                self._shot = shooter.shot
                raise
        except LockLostError as error:
            self._lost = error
        except (HardwareError, SpecError, StorageError, DeviceNotFoundError) as error:
            self._fault = self._fault or error
            if isinstance(error, HardwareError) and self._orders.order is not Order.HALT:
                self._rig.report_fault(error)
        finally:
            self._line.close()

    async def _staged(self) -> Shooter:
        writer = self._writer
        locked = await stage(self._rig, writer.spec, self._shots, writer.progress.locked)
        await writer.start(locked)
        shooter = Shooter(
            rig=self._rig, clock=self._engine.clock, spec=writer.spec, locked=locked, report=self._observer.phase
        )
        for name in cameras_of(self._shots):
            if shooter.by_sight(name):
                await shooter.measure_noise(name)
        return shooter

    def _held_up(self) -> bool:
        return self._engine.guards.pause() is not None

    async def _save(self, shooting: asyncio.Task[None]) -> None:
        saver = Saver(writer=self._writer, pool=self._engine.pool, report=self._observer.phase, saved=self._one_saved)
        try:
            await saver.save(self._line)
        except LockLostError as error:
            self._lost = error
            shooting.cancel()
        except StorageError as error:
            self._fault, self._shot = error, None  # the disk's fault, not the shot's
            shooting.cancel()

    def _one_saved(self, photo: Photo) -> None:
        clock = self._engine.clock
        self._pace.saved(photo.shot, clock.monotonic() / clock.speed)
        self._observer.saved(photo, self._pace.left(photo.shot))

    def _decide(self) -> Ending:
        """How the run ended, from orders and faults, in one step: nothing is awaited in here."""
        order = self._orders.order
        if order is Order.CANCEL or (order is Order.FINISH and not self._writer.progress.saved):
            return Ending(kind=EndingKind.CANCELLED)
        early = order is Order.FINISH and not isinstance(self._fault, StorageError)
        if order is not Order.HALT and (early or not self._writer.remaining()):
            return Ending(kind=EndingKind.COMPLETED)
        return Ending(kind=EndingKind.PAUSED, pause=self._why(), shot=self._shot if self._fault else None)

    def _why(self) -> Pause:
        order = self._orders.order
        if order is Order.HALT:
            return HALTED
        if self._fault is not None:
            return Pause(by="fault", reason=self._fault.code, message=self._fault.message)
        if order is Order.SHUTDOWN:
            return SHUTDOWN
        if order is Order.PAUSE or self._orders.pause_withdrawn:
            return PRESSED
        return self._engine.guards.pause() or GUARD_GONE

    async def _record(self, ending: Ending) -> Ending:
        """Journal the ending. A disk that refuses turns an end into a pause: nothing counts as ended that is not on
        disk.
        """
        try:
            match ending.kind:
                case EndingKind.COMPLETED:
                    await self._writer.finish("finished early" if self._writer.remaining() else "all shots taken")
                case EndingKind.CANCELLED:
                    await self._writer.cancel("cancelled")
                case EndingKind.PAUSED:
                    if ending.shot is not None and self._fault is not None:
                        await self._writer.fail_shot(ending.shot, self._fault.code, self._fault.message)
                    await self._writer.pause(ending.pause or GUARD_GONE)
        except StorageError as error:
            log.warning("the end of the run could not be written down: %s", error.message)
            if ending.kind is not EndingKind.PAUSED:
                pause = Pause(by="fault", reason=error.code, message=error.message)
                return Ending(kind=EndingKind.PAUSED, pause=pause)
        return ending


def _frame_bytes(writer: PassWriter) -> int:
    """Bytes of the largest raw exposure of this pass."""
    asked = writer.spec.camera
    return max(
        (asked.width or camera.width) * (asked.height or camera.height) * 3 // 2 for camera in writer.rig.cameras
    )
