"""Scans at whose await points something strikes, and what must hold afterwards, whatever it was."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from scanner.app import App
from scanner.errors import CommandRefusedError, StorageError
from scanner.events import Envelope, PhotoSaved
from scanner.model import JobId
from scanner.records import Job
from scanner.spec import PassSpec, ScanSpec
from scanner.states import ENDED, Command, JobState, PassState, ShotState
from scanner.storage.work.writer import PassWriter
from tests.scanner.jobs.following import a_pass
from tests.scanner.jobs.stepping import Point, Stepper
from tests.support.doubles import Failing
from tests.support.sample import turn
from tests.support.twin import dark, still

PATIENCE = 20.0  # real seconds: one that takes longer hangs
TRIES = 8  # resumes until a scan must be complete: every pass and every cured fault may want one
SHOTS = 3
MANY = 50  # cases of which a share can be asked
SAVE = PassWriter.save


def no_fault(_: App) -> None:
    """All is well."""


def camera_times_out(app: App) -> None:
    """Twice: it is restarted and tried again."""
    assert app.faults is not None
    app.faults.timeout, app.faults.camera_timeouts = 0.0, 2


def disk_fails(_: App) -> None:
    """One photo cannot be saved."""
    PassWriter.save = Failing(SAVE, StorageError("the disk is gone", reason="io_error"), times=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A scan, and what goes wrong in it."""

    passes: tuple[PassSpec, ...] = (a_pass(shots=SHOTS, settle="auto"),)
    fault: Callable[[App], None] = no_fault

    @property
    def spec(self) -> ScanSpec:
        return ScanSpec(title="Points", passes=self.passes)

    @property
    def shots(self) -> int:
        return SHOTS * len(self.passes)


SCENARIOS = {
    "plain": Scenario(),
    "two passes": Scenario(passes=(a_pass("upright", SHOTS), a_pass("flipped", SHOTS))),
    "camera": Scenario(passes=(a_pass(shots=SHOTS),), fault=camera_times_out),
    "disk": Scenario(passes=(a_pass(shots=SHOTS),), fault=disk_fails),
}


class Run:
    """One scan, with the announcements it made."""

    def __init__(self, app: App, scenario: Scenario) -> None:
        self.app = app
        self.scenario = scenario
        self.events, _ = app.bus.subscribe()
        self.announced: list[tuple[str, int]] = []
        self.job_id: JobId | None = None

    async def start(self) -> None:
        self.scenario.fault(self.app)
        self.job_id = (await self.app.jobs.submit_scan(self.scenario.spec, "test")).id

    @property
    def job(self) -> Job:
        assert self.job_id is not None
        return self.app.jobs.get(self.job_id)

    async def until(self, *states: JobState) -> Job:
        """Follow the events until the job is in one of ``states``."""
        async with asyncio.timeout(PATIENCE):
            while self.job.state not in states:
                self._note(await self.events.next())
        return self.job

    async def to_the_end(self) -> None:
        """Resume the job whenever it stands still, as a person would after turning the object or curing the fault."""
        for _ in range(TRIES):
            if (await self.until(JobState.PAUSED, *ENDED)).state in ENDED:
                return
            await order(self.app, self.job.id, Command.RESUME)
        await self.until(*ENDED)

    def drain(self) -> None:
        while self.events._facts:
            self._note(self.events._take())

    def _note(self, envelope: Envelope | None) -> None:
        assert envelope is not None
        event = envelope.event
        if isinstance(event, PhotoSaved) and event.job_id == self.job_id:
            self.announced.append((event.photo.pass_, event.photo.shot))

    def close(self) -> None:
        self.drain()
        self.events.close()


async def order(app: App, job_id: JobId, command: Command) -> None:
    """A command as a person gives it: it may come too early or too late."""
    try:
        await app.jobs.command(job_id, command, origin="test")
    except CommandRefusedError as error:
        assert error.detail["command"] == command.value


async def points_of(app: App, stepper: Stepper, scenario: Scenario) -> dict[Point, int]:
    """The await points of a scan that is let run, and how often each comes."""
    run = Run(app, scenario)
    stepper.rest()
    await run.start()
    await run.to_the_end()
    assert run.job.state is JobState.COMPLETED
    run.close()
    return dict(stepper.seen)


def chosen(name: str, cases: list[tuple], count: int) -> list[tuple]:
    """``count`` of the cases, others after every change of the source."""
    return cases if count >= len(cases) else turn(name).sample(cases, count)


def assert_often(times: int, cases: int, share: float) -> None:
    """Something came up in this share of the cases, so that these tests do not pass for want of an event; few cases
    tell nothing of a share.
    """
    assert cases < MANY or times > cases * share


async def assert_comes_to_its_end(run: Run, stepper: Stepper, orders: list[asyncio.Future[None]]) -> bool:
    """Once what was ordered is done: at rest where it stands and at its end. True if the point came up."""
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*orders)
    struck = stepper.struck
    stepper.rest()
    await run.until(*ENDED, JobState.PAUSED)
    await assert_at_rest(run.app)
    await run.to_the_end()
    await assert_at_rest(run.app)
    return struck


async def assert_at_rest(app: App) -> None:
    """No motor runs, no light burns, nobody has the rig."""
    async with app.rig._in_use:
        assert dark(app.devices)
        assert still(app.devices)


async def assert_true(run: Run) -> None:
    """The job has ended legally, and what was announced, each once, is what is on disk."""
    job, app = run.job, run.app
    assert job.state in ENDED
    assert job.session_id is not None
    on_disk = [
        (info.name, shot.shot)
        for info in (await app.storage.get_session(job.session_id)).passes
        for shot in await app.storage.shots(job.session_id, info.name)
        if shot.state is ShotState.SAVED
    ]
    run.drain()
    assert sorted(run.announced) == sorted(on_disk)
    states = {info.state for info in (await app.storage.get_session(job.session_id)).passes}
    if job.state is JobState.COMPLETED:
        assert states <= {PassState.COMPLETED, PassState.CANCELLED}
        assert PassState.COMPLETED in states
    else:
        assert job.state is JobState.CANCELLED
        assert states <= {PassState.COMPLETED, PassState.CANCELLED}


def left_over(app: App, before: Iterable[asyncio.Task[object]]) -> set[asyncio.Task[object]]:
    """Tasks that came since and have not gone, but for storage's own, which it begins now and then and waits for."""
    own = app.storage._operations._tasks
    return asyncio.all_tasks() - set(before) - own - {asyncio.current_task()}
