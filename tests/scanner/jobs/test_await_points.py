"""Every command at every await point of engine, jobs and rig.

The points are enumerated at run time, from a scan that is let run. Then each command strikes at each point: alone,
twice, and followed late by another. Whatever happens, the job ends in a legal state, its motors are still and its
lights off, no task is left, and what is on disk is what was announced; a job that stands still goes on and takes
exactly what is missing.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator

import pytest

from scanner.app import App, open_app
from scanner.errors import CommandRefusedError
from scanner.events import JobChanged, PhotoSaved
from scanner.model import JobId
from scanner.records import Job
from scanner.spec import CameraSettings, PassSpec, Ring, Rings, ScanSpec
from scanner.states import ENDED, Command, JobState, PassState, ShotState
from tests.scanner.jobs.stepping import Point, Stepper
from tests.support.sample import sample

SHOTS = 3
SPEC = ScanSpec(
    title="Points",
    passes=(
        PassSpec(
            name="upright",
            plan=Rings(rings=(Ring(count=SHOTS, elevation=20.0),)),
            camera=CameraSettings(width=96, height=72),
        ),
    ),
)
COMMANDS = tuple(Command)
SAMPLED = 150  # cases in the gate; all of them in the full run
AFTER = (None, "again", Command.CANCEL, Command.RESUME, Command.PAUSE)


@pytest.fixture
async def stepper() -> AsyncIterator[Stepper]:
    loop, stepper = asyncio.get_running_loop(), Stepper()
    loop.set_task_factory(stepper.factory)
    yield stepper
    loop.set_task_factory(None)


@pytest.fixture
async def app(demo, stepper) -> AsyncIterator[App]:  # noqa: ARG001 - the lanes' tasks are to be watched
    running = await open_app(demo, demo=True)
    yield running
    await running.close()


class Run:
    """One scan, with the announcements it made."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.events, _ = app.bus.subscribe()
        self.announced: list[int] = []

    async def start(self) -> Job:
        self.job_id: JobId | None = None
        job = await self.app.jobs.submit_scan(SPEC, "test")
        self.job_id = job.id
        return job

    @property
    def job(self) -> Job:
        assert self.job_id is not None
        return self.app.jobs.get(self.job_id)

    async def until(self, *states: JobState) -> Job:
        """Follow the events until the job is in one of ``states`` and nobody works on it."""
        async with asyncio.timeout(20):
            while self.job.state not in states:
                self._note(await self.events.next())
        return self.job

    def _note(self, envelope) -> None:
        assert envelope is not None
        event = envelope.event
        if isinstance(event, PhotoSaved) and event.job_id == self.job_id:
            self.announced.append(event.photo.shot)
        if isinstance(event, JobChanged):
            JobState(event.state)

    def close(self) -> None:
        self.events.close()


async def order(app: App, job_id: JobId, command: Command) -> None:
    """A command as a person gives it: it may come too early or too late."""
    try:
        await app.jobs.command(job_id, command, origin="test")
    except CommandRefusedError as error:
        assert error.detail["command"] == command.value


async def points_of(app: App, stepper: Stepper) -> dict[Point, int]:
    run = Run(app)
    stepper.rest()
    await run.start()
    await run.until(JobState.COMPLETED)
    run.close()
    return dict(stepper.seen)


async def strike(app: App, stepper: Stepper, point: Point, occurrence: int, commands: list[Command]) -> bool:
    """One scan with ``commands`` given at a point; True if the point came up."""
    tasks_before = asyncio.all_tasks()
    run, orders = Run(app), []

    def act() -> None:
        active = [job for job in app.jobs.list(active=True) if job.kind == "scan"]
        orders.extend(asyncio.ensure_future(order(app, job.id, command)) for job in active for command in commands)

    stepper.strike_at(point, occurrence, act)
    await run.start()
    job = await run.until(*ENDED, JobState.PAUSED)
    await asyncio.gather(*orders)
    struck = stepper.struck
    stepper.rest()
    await settle(run)
    await check(app, run, job)
    if run.job.state is JobState.PAUSED:
        await order(app, run.job.id, Command.RESUME)
        await run.until(*ENDED)
        await settle(run)
    await check_end(app, run)
    run.close()
    left = asyncio.all_tasks() - tasks_before - {asyncio.current_task()}
    assert not left, left
    return struck


async def settle(run: Run) -> None:
    """Take in what was announced."""
    while run.events._facts:
        run._note(await run.events.next())


async def check(app: App, run: Run, job: Job) -> None:
    assert job.state in ENDED | {JobState.PAUSED}
    assert all(light.level == 0 for light in app.rig.info().lights)
    if run.job.state is JobState.PAUSED:
        assert run.job.pause is not None


async def check_end(app: App, run: Run) -> None:
    job = run.job
    assert job.state in ENDED
    assert job.session_id is not None
    assert all(light.level == 0 for light in app.rig.info().lights)
    shots = await app.storage.shots(job.session_id, job.passes[0])
    saved = [shot.shot for shot in shots if shot.state is ShotState.SAVED]
    assert sorted(run.announced) == saved  # each announced once, each announced one is there
    session = await app.storage.get_session(job.session_id)
    state = session.passes[0].state
    if job.state is JobState.COMPLETED:
        assert state is PassState.COMPLETED
    else:
        assert state in {PassState.CANCELLED, PassState.PLANNED, PassState.COMPLETED}


async def test_every_command_at_every_await_point(app, stepper, figures):
    points = await points_of(app, stepper)
    assert len(points) > 20, sorted(points)
    cases = []
    for (point, times), command, after in itertools.product(sorted(points.items()), COMMANDS, AFTER):
        follow = [command] if after is None else [command, command if after == "again" else after]
        cases.extend((point, occurrence, follow) for occurrence in {1, (times + 1) // 2})
    chosen = cases[:: max(1, len(cases) // sample(SAMPLED, len(cases)))]
    struck = 0
    for point, occurrence, commands in chosen:
        try:
            struck += await strike(app, stepper, point, occurrence, commands)
        except BaseException:
            print("at", point, occurrence, commands)
            raise
    figures(f"{len(points)} await points, {len(cases)} cases, {len(chosen)} run, {struck} struck")
    assert struck > len(chosen) * 0.8
