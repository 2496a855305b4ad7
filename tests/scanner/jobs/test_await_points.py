"""Every command, Stop and the daemon's end at every await point of engine, jobs and rig.

The points are enumerated at run time, from scans that are let run: a plain one, one of two passes, one whose camera is
restarted, one whose disk fails. Then each command strikes at each point: alone, twice, and followed late by another.
Whatever happens, the job ends in a legal state, its motors are still and its lights dark, no task is left, and what is
on disk is what was announced; a job that stands still goes on and takes exactly what is missing.
"""

from __future__ import annotations

import asyncio
import itertools

import pytest
from msgspec.structs import replace

from scanner.app import App, open_app
from scanner.config import Config
from scanner.records import Job
from scanner.states import ENDED, Command, JobState
from scanner.storage.work.writer import PassWriter
from tests.scanner.jobs.following import daemon
from tests.scanner.jobs.points import (
    PATIENCE,
    SCENARIOS,
    Run,
    Scenario,
    assert_comes_to_its_end,
    assert_often,
    assert_true,
    chosen,
    left_over,
    order,
    points_of,
)
from tests.scanner.jobs.stepping import Point, Stepper
from tests.support.sample import sample
from tests.support.twin import dark, still

AFTER = (None, "again", Command.CANCEL, Command.RESUME, Command.PAUSE)
SAMPLED = {"plain": 24, "two passes": 14, "camera": 8, "disk": 8}  # cases in the gate; all of them in the full run
SHUTDOWNS = {"plain": 7, "two passes": 5, "camera": 4, "disk": 4}
EVERY = 1_000_000
pytestmark = pytest.mark.usefixtures("stepper")  # before the daemon: it watches the lanes' tasks, too


@pytest.fixture(autouse=True)
def cured(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a scenario breaks in a class is whole again for the next test."""
    monkeypatch.setattr(PassWriter, "save", PassWriter.save)


async def strike(
    app: App, stepper: Stepper, scenario: Scenario, at: tuple[Point, int], commands: list[Command]
) -> bool:
    """One scan with ``commands`` given at a point; True if the point came up."""
    tasks_before = asyncio.all_tasks()
    run, orders = Run(app, scenario), []

    def act() -> None:
        active = [job for job in app.jobs.list(active=True) if job.kind == "scan"]
        orders.extend(asyncio.ensure_future(order(app, job.id, command)) for job in active for command in commands)

    stepper.strike_at(*at, act)
    await run.start()
    job = await run.until(*ENDED, JobState.PAUSED)
    while job.state is JobState.PAUSED and not stepper.struck and job.pause.by != "user":
        await order(app, job.id, Command.RESUME)  # the point lies behind a pause of the scan's own
        job = await run.until(*ENDED, JobState.PAUSED)
    struck = await assert_comes_to_its_end(run, stepper, orders)
    await assert_true(run)
    run.close()
    left = left_over(app, tasks_before)
    assert not left, left
    return struck


def cases_of(points: dict[Point, int]) -> list[tuple[tuple[Point, int], list[Command]]]:
    return [
        ((point, occurrence), [command] if after is None else [command, command if after == "again" else after])
        for (point, times), command, after in itertools.product(sorted(points.items()), Command, AFTER)
        for occurrence in sorted({1, (times + 1) // 2})
    ]


@pytest.mark.parametrize("name", SCENARIOS)
async def test_every_command_at_every_await_point(app, stepper, figures, name):
    scenario = SCENARIOS[name]
    points = await points_of(app, stepper, scenario)
    assert len(points) > 30, sorted(points)
    cases = cases_of(points)
    run = chosen(f"commands {name}", cases, sample(SAMPLED[name], EVERY))
    struck = 0
    for at, commands in run:
        try:
            struck += await strike(app, stepper, scenario, at, commands)
        except BaseException:
            print("at", *at, commands)
            raise
    figures(f"{name}: {len(points)} await points, {len(cases)} cases, {len(run)} run, {struck} struck")
    assert_often(struck, len(run), 0.7)


async def shut_down(config: Config, stepper: Stepper, scenario: Scenario, at: tuple[Point, int]) -> bool:
    """The daemon is stopped at a point of a scan and started again; True if the point came up."""
    tasks_before = asyncio.all_tasks()
    app = await open_app(config, demo=True)
    run, there = Run(app, scenario), asyncio.Event()
    stepper.strike_at(*at, there.set)
    await run.start()
    person = asyncio.ensure_future(run.to_the_end())
    reached = asyncio.ensure_future(there.wait())
    await asyncio.wait([person, reached], return_when=asyncio.FIRST_COMPLETED)
    async with asyncio.timeout(PATIENCE / 10):  # no waiting for anything but the step at work
        await app.jobs.close()
    struck = stepper.struck
    stepper.rest()
    for task in (person, reached):
        task.cancel()
    await asyncio.gather(person, reached, return_exceptions=True)
    assert dark(app.devices)
    assert still(app.devices)
    left = run.job
    run.close()
    await app.close()
    assert not left_over(app, tasks_before)
    await assert_found(config, run, left)
    return struck


async def assert_found(config: Config, before: Run, left: Job) -> None:
    """The next start finds the job as it was left; it takes what is missing, each shot once."""
    assert left.state in {JobState.PENDING, JobState.PAUSED, JobState.COMPLETED}
    async with daemon(config) as (app, _):
        run = Run(app, before.scenario)
        run.job_id, run.announced = left.id, before.announced
        assert run.job.state is left.state or left.state is JobState.PENDING  # which begins by itself
        await run.to_the_end()
        assert run.job.state is JobState.COMPLETED
        assert run.job.result is not None
        assert run.job.result.saved == run.scenario.shots
        await assert_true(run)
        run.close()


@pytest.mark.parametrize("name", SCENARIOS)
async def test_the_daemon_stops_at_every_await_point(demo, stepper, figures, name):
    scenario = SCENARIOS[name]
    app = await open_app(demo, demo=True)
    points = await points_of(app, stepper, scenario)
    await app.close()
    cases = [(point, occurrence) for point, times in sorted(points.items()) for occurrence in sorted({1, times})]
    run = chosen(f"stops {name}", cases, sample(SHUTDOWNS[name], EVERY))
    struck = 0
    for number, at in enumerate(run):
        place = demo.data_dir.parent / str(number)
        config = replace(demo, data_dir=place / "data", state_dir=place / "state")
        try:
            struck += await shut_down(config, stepper, scenario, at)
        except BaseException:
            print("at", *at)
            raise
    figures(f"{name}: {len(points)} await points, {len(cases)} stops of the daemon, {len(run)} run, {struck} struck")
    assert_often(struck, len(run), 0.7)
