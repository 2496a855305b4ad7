"""A pass is taken away by force at every await point of its scan, alone and together with every command; and every
command at every await point of a scan that loses its pass.

Whatever comes first, the job ends legally, its motors are still and its lights dark, no task is left, nothing that was
announced is missing, and whoever then resumes the pass takes exactly what is missing.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import pytest

from scanner.app import App
from scanner.states import ENDED, Command, JobState, ShotState
from scanner.storage import StorageManager
from scanner.storage.work.writer import PassWriter
from tests.scanner.jobs.following import a_pass
from tests.scanner.jobs.points import (
    SHOTS,
    Run,
    Scenario,
    assert_comes_to_its_end,
    assert_often,
    chosen,
    left_over,
    order,
    points_of,
)
from tests.scanner.jobs.sharing import MAIN, another, force
from tests.scanner.jobs.stepping import Point, Stepper
from tests.support.sample import sample

SAMPLED = 10  # cases in the gate; all of them in the full run
EVERY = 1_000_000
SAVE = PassWriter.save
pytestmark = pytest.mark.usefixtures("stepper")  # before the daemon: it watches the lanes' tasks, too


@pytest.fixture
async def other(app: App) -> AsyncIterator[StorageManager]:
    async with another(app.config) as storage:
        yield storage


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """What happens at a point: a command, the loss of the pass, or one after the other."""

    command: Command | None
    forced: bool
    command_first: bool = False


async def give(app: App, other: StorageManager, run: Run, strike: Strike) -> None:
    async def command() -> None:
        if strike.command is not None:
            await order(app, run.job.id, strike.command)

    async def loss() -> None:
        if strike.forced and run.job.session_id is not None:
            await force(other, run.job.session_id)

    for act in (command, loss) if strike.command_first else (loss, command):
        await act()


async def hit(
    app: App, stepper: Stepper, other: StorageManager, scenario: Scenario, at: tuple[Point, int], strike: Strike
) -> tuple[bool, bool]:
    """One scan that is struck at a point. Whether the point came up, and whether the pass was lost."""
    tasks_before = asyncio.all_tasks()
    run, given = Run(app, scenario), []

    def act() -> None:
        if run.job_id is not None and run.job.state not in ENDED:
            given.append(asyncio.ensure_future(give(app, other, run, strike)))

    stepper.strike_at(*at, act)
    await run.start()
    await run.until(*ENDED, JobState.PAUSED)
    struck = await assert_comes_to_its_end(run, stepper, given)
    lost = run.job.state is JobState.FAILED
    if lost:
        assert run.job.error is not None
        assert run.job.error.code == "lock_lost"
    await assert_kept(run)
    if run.job.state is not JobState.COMPLETED:
        await take_the_rest(app, run)
    run.close()
    left = left_over(app, tasks_before)
    assert not left, left
    return struck, lost


async def saved(run: Run) -> list[int]:
    assert run.job.session_id is not None
    shots = await run.app.storage.shots(run.job.session_id, MAIN)
    return [shot.shot for shot in shots if shot.state is ShotState.SAVED]


async def assert_kept(run: Run, before: Sequence[int] = ()) -> None:
    """What was announced, each once, is there; what was saved in the very moment of the loss may be there, too."""
    run.drain()
    announced = [*before, *(shot for _, shot in run.announced)]
    on_disk = await saved(run)
    assert len(set(announced)) == len(announced)
    assert set(announced) <= set(on_disk)
    assert len(on_disk) - len(announced) <= (run.job.state is JobState.FAILED)


async def take_the_rest(app: App, run: Run) -> None:
    """Whoever resumes the pass takes what is missing; that may be when it is lost for the first time."""
    assert run.job.session_id is not None
    for _ in range(2):
        before = await saved(run)
        run.job_id = (await app.jobs.resume_pass(run.job.session_id, MAIN, "test")).id
        run.announced.clear()
        await run.to_the_end()
        if run.job.state is JobState.COMPLETED:
            break
        await assert_kept(run, before)
    assert run.job.state is JobState.COMPLETED
    run.drain()
    assert sorted([*before, *(shot for _, shot in run.announced)]) == list(range(1, SHOTS + 1))


def cases(points: dict[Point, int], strikes: list[Strike]) -> list[tuple[tuple[Point, int], Strike]]:
    return [
        ((point, occurrence), strike)
        for (point, times), strike in itertools.product(sorted(points.items()), strikes)
        for occurrence in sorted({1, (times + 1) // 2})
    ]


async def test_a_pass_is_lost_at_every_await_point(app, stepper, other, figures):
    scenario = Scenario(passes=(a_pass(shots=SHOTS, settle="auto"),))
    points = await points_of(app, stepper, scenario)
    strikes = [
        Strike(command=None, forced=True),
        *(Strike(command=command, forced=True, command_first=first) for command in Command for first in (True, False)),
    ]
    figures(await run_all(app, stepper, other, scenario, "losses", cases(points, strikes)))


async def test_every_command_at_every_await_point_of_a_scan_that_loses_its_pass(
    app, stepper, other, figures, monkeypatch
):
    scenario = Scenario(passes=(a_pass(shots=SHOTS),))
    points = await points_of(app, stepper, scenario)

    async def save_and_lose(writer: PassWriter, *args: object, **options: object) -> object:
        photo = await SAVE(writer, *args, **options)
        if writer.plan.shots[0].index in writer.progress.saved and writer.session_id not in taken:
            taken.add(writer.session_id)
            await force(other, writer.session_id)
        return photo

    taken: set[str] = set()
    monkeypatch.setattr(PassWriter, "save", save_and_lose)
    strikes = [Strike(command=command, forced=False) for command in Command]
    figures(await run_all(app, stepper, other, scenario, "commands at losses", cases(points, strikes)))


async def run_all(app, stepper, other, scenario, name, all_cases) -> str:
    run = chosen(name, all_cases, sample(SAMPLED, EVERY))
    struck = lost = 0
    for at, strike in run:
        try:
            came, was_lost = await hit(app, stepper, other, scenario, at, strike)
        except BaseException:
            print("at", *at, strike)
            raise
        struck += came
        lost += was_lost
    assert_often(struck, len(run), 0.7)
    assert_often(lost, len(run), 0.3)
    return f"locks: {len(all_cases)} cases, {len(run)} run, {struck} struck, {lost} lost"
