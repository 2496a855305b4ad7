"""What a demo does beyond a daemon: it scans an example, and turns the object over between two passes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from scanner.app import App
from scanner.errors import NotFoundError, ScannerError, StorageError
from scanner.events import JobChanged, Subscriber
from scanner.spec import ScanSpec
from scanner.states import JobState

log = logging.getLogger(__name__)

EXAMPLE: Final = ScanSpec(title="Painted stone")


@asynccontextmanager
async def object_turner(app: App) -> AsyncIterator[None]:
    """While this is open, every second pass of a session finds the simulated object upside down."""
    subscriber, _ = app.bus.subscribe()
    task = asyncio.create_task(_turn(app, subscriber), name="object turner")
    try:
        yield
    finally:
        subscriber.close()
        with suppress(asyncio.CancelledError):
            await task


async def _turn(app: App, subscriber: Subscriber) -> None:
    while (envelope := await subscriber.next()) is not None:
        event = envelope.event
        if isinstance(event, JobChanged) and event.state == JobState.RUNNING and event.session_id and event.pass_:
            try:
                session = await app.storage.get_session(event.session_id)
            except (NotFoundError, StorageError) as error:
                log.warning("the object was not turned: %s", error.message)
                continue
            names = [info.name for info in session.passes]
            if app.faults is not None and event.pass_ in names:
                app.faults.turned_over = names.index(event.pass_) % 2 == 1


async def scan_example(app: App) -> None:
    """The first start of a demo shows a scan; later ones find what the first left."""
    if app.jobs.list() or (await app.storage.list_sessions()).total:
        return
    try:
        await app.jobs.submit_scan(EXAMPLE, "demo")
    except ScannerError as error:
        log.warning("the example scan could not start: %s", error.message)
