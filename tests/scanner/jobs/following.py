"""A small scan, and someone who follows it by its events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from scanner.app import App, open_app
from scanner.config import Config
from scanner.events import Envelope, PhotoSaved, ProgressMade
from scanner.model import JobId, Pause
from scanner.records import Job
from scanner.spec import CameraSettings, PassSpec, Ring, Rings, ScanSpec
from scanner.states import ENDED, Command, JobState
from scanner.storage import PassWriter

PATIENCE = 10.0  # real seconds: a test that waits longer has failed


def a_pass(name: str = "main", shots: int = 4, **fields: object) -> PassSpec:
    plan = Rings(rings=(Ring(count=shots, elevation=20.0),))
    return PassSpec(
        **{"name": name, "plan": plan, "camera": CameraSettings(width=96, height=72), "settle": 0.0} | fields
    )


def a_scan(*names: str, shots: int = 4, title: str = "Blue vase", **fields: object) -> ScanSpec:
    return ScanSpec(title=title, passes=tuple(a_pass(name, shots, **fields) for name in names or ("main",)))


@asynccontextmanager
async def daemon(config: Config) -> AsyncIterator[tuple[App, Follower]]:
    """A daemon from its start to its orderly end, and somebody who follows it."""
    app = await open_app(config, demo=True)
    follower = Follower(app)
    try:
        yield app, follower
    finally:
        follower.close()
        await app.close()


class Follower:
    """Sees every event from its making on, in order."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._subscriber, _ = app.bus.subscribe()
        self.seen: list[Envelope] = []

    async def until(self, job_id: JobId, *states: JobState) -> Job:
        """Follow the events until the job is in one of the states."""
        async with asyncio.timeout(PATIENCE):
            while self._app.jobs.get(job_id).state not in states:
                await self.next()
        return self._app.jobs.get(job_id)

    async def next(self) -> Envelope:
        envelope = await self._subscriber.next()
        assert envelope is not None
        self.seen.append(envelope)
        return envelope

    async def photo(self) -> PhotoSaved:
        """Follow the events until the next photo is announced."""
        async with asyncio.timeout(PATIENCE):
            while not isinstance(event := (await self.next()).event, PhotoSaved):
                pass
        return event

    async def phase(self, phase: str) -> ProgressMade:
        """Follow the events until a run is in a phase."""
        async with asyncio.timeout(PATIENCE):
            while not (isinstance(event := (await self.next()).event, ProgressMade) and event.phase == phase):
                pass
        return event

    def drain(self) -> None:
        """Take in what waits."""
        while self._subscriber._facts or self._subscriber._progress:
            self.seen.append(self._subscriber._take())

    @property
    def announced(self) -> list[int]:
        return [one.event.photo.shot for one in self.seen if isinstance(one.event, PhotoSaved)]

    def close(self) -> None:
        self._subscriber.close()


async def paused_scan(app: App, follower: Follower, *names: str, shots: int = 12) -> Job:
    """A scan that somebody paused after its first photo."""
    job = await app.jobs.submit_scan(a_scan(*names, shots=shots), "test")
    await follower.photo()
    await app.jobs.command(job.id, Command.PAUSE, origin="test")
    return await follower.until(job.id, JobState.PAUSED)


async def cancelled_scan(app: App, follower: Follower, *, shots: int = 8) -> Job:
    """A scan that somebody cancelled after its first photo."""
    job = await app.jobs.submit_scan(a_scan(shots=shots), "test")
    await follower.photo()
    await app.jobs.command(job.id, Command.CANCEL, origin="test")
    return await follower.until(job.id, *ENDED)


def pausing(job: Job) -> bool:
    """Whether what is written down is a pause."""
    return job.state is JobState.PAUSED


def before_the_pause(monkeypatch: pytest.MonkeyPatch, act: Callable[[], Awaitable[object]]) -> None:
    """A run that has decided to pause finds that somebody has acted first, once."""
    pause = PassWriter.pause

    async def act_and_pause(writer: PassWriter, reason: Pause) -> None:
        monkeypatch.setattr(PassWriter, "pause", pause)
        await act()
        await pause(writer, reason)

    monkeypatch.setattr(PassWriter, "pause", act_and_pause)
