"""Composition root: builds every part once, in order, and closes them in reverse. Nothing else constructs a part.

    clock -> bus -> storage (daemon lock, recovery) -> access -> rig -> guards -> engine -> preview, health -> jobs

What is slow and not needed to answer the page, the full check of the index, runs behind.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from collections.abc import Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from scanner import __version__
from scanner.access import Access
from scanner.clock import SystemClock, utc_text
from scanner.config import Config
from scanner.engine import Engine, Habits
from scanner.errors import StorageError
from scanner.events import EventBus, WarningRaised
from scanner.guards import Guards
from scanner.hardware.api import Rig
from scanner.hardware.registry import build_rig
from scanner.health import HealthMonitor
from scanner.imaging import encode_preview
from scanner.jobs import JobQueue
from scanner.jobs.queue import JobSettings
from scanner.jobs.submission import EXPOSURE
from scanner.logbook import LogBook
from scanner.preview import PreviewHub
from scanner.rig import RigControl
from scanner.storage import Files, Sharing, StorageManager
from scanner.storage.disk.zones import local_zone

if TYPE_CHECKING:
    from scanner.hardware.sim.faults import Faults

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """The parts of a running daemon."""

    config: Config
    demo: bool
    version: str
    started_at: str
    clock: SystemClock  # the world's; the rig's may run faster
    bus: EventBus
    storage: StorageManager
    access: Access
    devices: Rig | None
    faults: Faults | None  # of the twin, on request; in a demo only
    rig: RigControl
    guards: Guards
    preview: PreviewHub
    health: HealthMonitor
    jobs: JobQueue
    log: LogBook
    stack: AsyncExitStack

    async def close(self) -> None:
        """Close in reverse: jobs paused durable, motors and lights off, locks released. Idempotent."""
        self.bus.close()
        await self.stack.aclose()


async def open_app(
    config: Config, *, demo: bool = False, files: Files | None = None, book: LogBook | None = None
) -> App:
    """Build and open everything. ``files`` are the operations that change the disk; tests pass some that fail.
    ``book``: where the log is remembered.

    A rig that fails is a state, not an error: page and sessions work without it.
    Errors: DaemonRunningError, StorageError.
    """
    async with AsyncExitStack() as stack:
        app = await _build(config, stack, demo=demo, files=files, book=book or LogBook())
        stack.pop_all()
        return app


async def _build(config: Config, stack: AsyncExitStack, *, demo: bool, files: Files | None, book: LogBook) -> App:
    clock = SystemClock()
    rig_clock = SystemClock(config.rig.speed if config.rig else 1.0)
    bus = EventBus(boot=secrets.token_hex(4), clock=clock)
    storage = await _open_storage(config, clock, bus, files)
    stack.push_async_callback(storage.close)
    _say(storage.notices)
    access = await Access.open(config.state_dir, clock, required=config.web.login, files=files)
    stack.push_async_callback(access.close)

    faults = _faults() if demo else None
    devices = build_rig(config.rig, rig_clock, faults=faults) if config.rig else None
    rig = RigControl(devices, clock=rig_clock, bus=bus)
    stack.push_async_callback(rig.close)
    await rig.open()

    guards = Guards(
        disk_free=lambda: _free(storage),
        stop_below=config.disk.stop_below,
        go_above=config.disk.go_above,
        clock=clock,
        bus=bus,
    )
    await guards.look()
    behind = {"guards": guards.watch(), "reconciliation": _reconcile(storage, bus)}
    for name, work in {**behind, "locks": storage.locks.watch(), "watching": storage.watch()}.items():
        await _background(stack, work, name)

    pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="pictures")
    stack.callback(pool.shutdown, wait=True, cancel_futures=True)
    preview = PreviewHub(rig.camera, clock=clock, watched=rig.watch, encode=encode_preview)
    stack.push_async_callback(preview.close)
    health = HealthMonitor(storage.disk, clock=clock)
    health.start()
    stack.push_async_callback(health.close)

    habits = Habits(rest=EXPOSURE + (config.rig.settle_estimate if config.rig else 0.0))
    engine = Engine(rig=rig, clock=rig_clock, pool=pool, guards=guards, memory_bytes=_memory(), habits=habits)
    settings = JobSettings(
        keep_ended=timedelta(hours=config.jobs.keep_ended_hours),
        resume_on_start=config.resume_on_start,
        presets=dict(config.presets),
    )
    jobs = JobQueue(storage=storage, engine=engine, bus=bus, settings=settings)
    stack.push_async_callback(jobs.close)
    await jobs.start()
    return App(
        config=config,
        demo=demo,
        version=__version__,
        started_at=utc_text(clock.now()),
        clock=clock,
        bus=bus,
        storage=storage,
        access=access,
        devices=devices,
        faults=faults,
        rig=rig,
        guards=guards,
        preview=preview,
        health=health,
        jobs=jobs,
        log=book,
        stack=stack.pop_all(),
    )


async def _open_storage(config: Config, clock: SystemClock, bus: EventBus, files: Files | None) -> StorageManager:
    return await StorageManager.open(
        data_dir=config.data_dir,
        state_dir=config.state_dir,
        clock=clock,
        files=files,
        description=f"the rig {config.rig.name}" if config.rig else "",
        checkpoint_interval=config.checkpoint_interval,
        sharing=_sharing(config),
        tell=bus.publish,
        timezone=local_zone,
    )


def _say(notices: Iterable[str]) -> None:
    for notice in notices:
        log.warning("%s", notice)


def _sharing(config: Config) -> Sharing:
    asked = config.storage
    return Sharing(shared=asked.shared, stale_after=asked.stale_after, beat=asked.beat)


def _faults() -> Faults:
    """No faults yet."""
    from scanner.hardware.sim.faults import Faults  # noqa: PLC0415 - a daemon on a real rig never loads the twin

    return Faults()


async def _background(stack: AsyncExitStack, work: Coroutine[Any, Any, None], name: str) -> None:
    """Run ``work`` until the stack closes."""
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_say_if_broken)

    async def end() -> None:
        task.cancel()
        await asyncio.wait([task])

    stack.push_async_callback(end)


def _say_if_broken(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("%s ended by a fault in the program", task.get_name(), exc_info=error)


async def _reconcile(storage: StorageManager, bus: EventBus) -> None:
    """The full check, behind READY: what it finds is said in the log and on the page."""
    try:
        await storage.reconcile()
    except StorageError as error:
        log.warning("the index could not be checked: %s", error.message)
        bus.publish(WarningRaised(message=error.message))


async def _free(storage: StorageManager) -> int:
    return (await storage.disk()).free


def _memory() -> int:
    """Bytes of memory of this machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
