"""Passes resumed, finished and cancelled by their name: that one alone, whether or not a job lives for it."""

from __future__ import annotations

import asyncio

import pytest

from scanner.app import App
from scanner.clock import SystemClock
from scanner.config import Config
from scanner.errors import CommandRefusedError, PassCompletedError, PassNotFoundError, SessionNotFoundError
from scanner.model import PassName, SessionId
from scanner.states import ENDED, Command, JobState, PassState
from scanner.storage import StorageManager
from tests.scanner.jobs.following import PATIENCE, a_scan, cancelled_scan, daemon, paused_scan
from tests.scanner.jobs.sharing import another

MAIN, ONE, TWO, THREE = (PassName(name) for name in ("main", "one", "two", "three"))


async def states(app: App, session_id: SessionId) -> dict[str, PassState]:
    return {info.name: info.state for info in (await app.storage.get_session(session_id)).passes}


async def forget_jobs(config: Config) -> None:
    """Lose the job list, as another computer that is given the sessions has it."""
    storage = await StorageManager.open(data_dir=config.data_dir, state_dir=config.state_dir, clock=SystemClock())
    await storage.jobs.delete([job.id for job in await storage.jobs.load()])
    await storage.close()


async def test_a_cancelled_pass_is_resumed_and_takes_its_photos(app, follower):
    job = await app.jobs.submit_scan(a_scan("one", "two"), "test")
    await follower.until(job.id, JobState.PAUSED)
    await app.jobs.command(job.id, Command.CANCEL, origin="test")
    await follower.until(job.id, *ENDED)
    again = await app.jobs.resume_pass(job.session_id, TWO, "test")
    ended = await follower.until(again.id, *ENDED)
    assert (ended.state, ended.passes, ended.result.saved) == (JobState.COMPLETED, (TWO,), 4)
    assert set((await states(app, job.session_id)).values()) == {PassState.COMPLETED}


async def test_a_resumed_pass_begins_with_the_photos_that_it_has(demo):
    async with daemon(demo) as (app, follower):
        job = await app.jobs.submit_scan(a_scan(shots=30), "test")
        await follower.photo()
    await forget_jobs(demo)
    async with daemon(demo) as (app, follower):
        (info,) = (await app.storage.get_session(job.session_id)).passes
        again = await app.jobs.resume_pass(job.session_id, MAIN, "test")
        assert (again.progress.done, again.progress.total) == (info.saved, 30)
        assert info.saved > 0


async def test_five_who_resume_a_pass_at_once_get_one_job(app, follower):
    job = await cancelled_scan(app, follower)
    jobs = await asyncio.gather(*(app.jobs.resume_pass(job.session_id, MAIN, "test") for _ in range(5)))
    assert len({one.id for one in jobs} - {job.id}) == 1
    await follower.until(jobs[0].id, *ENDED)
    assert len(await app.storage.photos(job.session_id)) == 8


@pytest.mark.parametrize("order", ["finish", "cancel"])
async def test_a_pass_without_a_job_is_ended_and_takes_no_photo(demo, order):
    async with daemon(demo) as (app, follower):
        job = await app.jobs.submit_scan(a_scan(shots=30), "test")
        await follower.photo()
    await forget_jobs(demo)
    async with daemon(demo) as (app, follower):
        before = len(await app.storage.photos(job.session_id))
        end = app.jobs.finish_pass if order == "finish" else app.jobs.cancel_pass
        ended = await end(job.session_id, MAIN, "test")
        wanted = JobState.COMPLETED if order == "finish" else JobState.CANCELLED
        assert ended.state is wanted
        assert (await states(app, job.session_id))[MAIN] == PassState(wanted.value)
        assert len(await app.storage.photos(job.session_id)) == before


async def test_a_cancelled_pass_can_still_be_taken_as_complete(app, follower):
    job = await cancelled_scan(app, follower)
    finished = await app.jobs.finish_pass(job.session_id, MAIN, "test")
    assert finished.state is JobState.COMPLETED
    assert (await states(app, job.session_id))[MAIN] is PassState.COMPLETED


async def test_cancelling_a_cancelled_pass_again_changes_nothing(app, follower):
    job = await cancelled_scan(app, follower)
    again = await app.jobs.cancel_pass(job.session_id, MAIN, "test")
    assert again.state is JobState.CANCELLED
    assert (await states(app, job.session_id))[MAIN] is PassState.CANCELLED


async def test_a_pass_that_waits_for_its_turn_is_cancelled_alone(app, follower):
    job = await app.jobs.submit_scan(a_scan("one", "two", "three"), "test")
    await follower.until(job.id, JobState.PAUSED)
    after = await app.jobs.cancel_pass(job.session_id, TWO, "test")
    assert (after.id, after.state, after.pause.reason) == (job.id, JobState.PAUSED, "turn_object")
    assert await states(app, job.session_id) == {
        ONE: PassState.COMPLETED,
        TWO: PassState.CANCELLED,
        THREE: PassState.PLANNED,
    }
    await app.jobs.resume_pass(job.session_id, THREE, "test")
    ended = await follower.until(job.id, *ENDED)
    assert (ended.state, ended.result.saved) == (JobState.COMPLETED, 8)


async def test_a_cancelled_pass_of_a_living_job_can_be_taken_as_complete(app, follower):
    job = await app.jobs.submit_scan(a_scan("one", "two", shots=12), "test")
    await follower.photo()
    await app.jobs.cancel_pass(job.session_id, ONE, "test")
    await follower.until(job.id, JobState.PAUSED)
    after = await app.jobs.finish_pass(job.session_id, ONE, "test")
    assert after.state is JobState.PAUSED
    assert await states(app, job.session_id) == {ONE: PassState.COMPLETED, TWO: PassState.PLANNED}


async def test_resuming_a_pass_whose_turn_it_is_not_says_which_comes_first(app, follower):
    job = await app.jobs.submit_scan(a_scan("one", "two", "three"), "test")
    await follower.until(job.id, JobState.PAUSED)
    with pytest.raises(CommandRefusedError, match="pass two comes first") as caught:
        await app.jobs.resume_pass(job.session_id, THREE, "test")
    assert caught.value.detail["job_id"] == job.id
    assert app.jobs.get(job.id).state is JobState.PAUSED


@pytest.mark.parametrize("order", ["finish", "cancel"])
async def test_the_pass_at_work_is_ended_alone(app, follower, order):
    job = await app.jobs.submit_scan(a_scan("one", "two", shots=12), "test")
    await follower.photo()
    end = app.jobs.finish_pass if order == "finish" else app.jobs.cancel_pass
    await end(job.session_id, ONE, "test")
    paused = await follower.until(job.id, JobState.PAUSED, *ENDED)
    assert (paused.state, paused.pause.reason) == (JobState.PAUSED, "turn_object")
    assert "pass two" in paused.pause.message
    over = PassState.COMPLETED if order == "finish" else PassState.CANCELLED
    assert await states(app, job.session_id) == {ONE: over, TWO: PassState.PLANNED}
    await app.jobs.command(job.id, Command.RESUME, origin="test")
    ended = await follower.until(job.id, *ENDED)
    assert ended.state is JobState.COMPLETED
    assert (await states(app, job.session_id))[TWO] is PassState.COMPLETED


async def test_a_paused_job_goes_on_with_its_next_pass_when_the_one_at_work_is_ended(app, follower):
    job = await paused_scan(app, follower, "one", "two", shots=12)
    after = await app.jobs.finish_pass(job.session_id, ONE, "test")
    assert (after.state, after.pause.reason) == (JobState.PAUSED, "turn_object")
    assert await states(app, job.session_id) == {ONE: PassState.COMPLETED, TWO: PassState.PLANNED}


@pytest.mark.parametrize("order", ["finish", "cancel"])
async def test_a_job_ends_with_its_last_pass(app, follower, order):
    job = await app.jobs.submit_scan(a_scan("one", "two"), "test")
    await follower.until(job.id, JobState.PAUSED)
    end = app.jobs.finish_pass if order == "finish" else app.jobs.cancel_pass
    await end(job.session_id, TWO, "test")
    ended = await follower.until(job.id, *ENDED)
    assert ended.state is JobState.COMPLETED  # pass one is
    assert await states(app, job.session_id) == {ONE: PassState.COMPLETED, TWO: PassState.CANCELLED}


async def test_passes_of_a_job_in_the_queue(app, follower):
    first = await app.jobs.submit_scan(a_scan("one", "two"), "test")
    await follower.until(first.id, JobState.PAUSED)  # keeps the lane
    waiting = await app.jobs.submit_scan(a_scan("one", "two", title="Second"), "test")
    after = await app.jobs.cancel_pass(waiting.session_id, ONE, "test")
    assert (after.id, after.state) == (waiting.id, JobState.PENDING)
    assert await states(app, waiting.session_id) == {ONE: PassState.CANCELLED, TWO: PassState.PLANNED}
    ended = await app.jobs.cancel_pass(waiting.session_id, TWO, "test")
    assert ended.state is JobState.CANCELLED


async def test_a_resumed_pass_that_waits_can_be_cancelled_again(app, follower):
    job = await cancelled_scan(app, follower)
    first = await app.jobs.submit_scan(a_scan("one", "two"), "test")
    await follower.until(first.id, JobState.PAUSED)  # keeps the lane
    again = await app.jobs.resume_pass(job.session_id, MAIN, "test")
    assert again.state is JobState.PENDING
    ended = await app.jobs.command(again.id, Command.CANCEL, origin="test")
    assert (ended.state, ended.pause) == (JobState.CANCELLED, None)


@pytest.mark.parametrize("call", ["resume_pass", "finish_pass", "cancel_pass"])
async def test_what_is_not_there_or_complete_is_refused(app, follower, call):
    job = await app.jobs.submit_scan(a_scan(), "test")
    await follower.until(job.id, *ENDED)
    order = getattr(app.jobs, call)
    with pytest.raises(SessionNotFoundError):
        await order(SessionId("20200101-000000-none"), MAIN, "test")
    with pytest.raises(PassNotFoundError):
        await order(job.session_id, TWO, "test")
    with pytest.raises(PassCompletedError):
        await order(job.session_id, MAIN, "test")
    assert [one.id for one in app.jobs.list()] == [job.id]


async def cancel_elsewhere(app: App, session_id: SessionId, name: PassName = MAIN) -> None:
    """At another scanner."""
    async with another(app.config) as other:
        handle = await other.handle(session_id)
        async with other.open_pass(handle, name, job_id=None, origin="web:eve") as writer:
            await writer.cancel("cancelled")


async def test_a_pass_cancelled_elsewhere_goes_on_in_its_own_job_when_asked_for_by_name(app, follower):
    job = await paused_scan(app, follower)
    await cancel_elsewhere(app, job.session_id)
    again = await app.jobs.resume_pass(job.session_id, MAIN, "test")
    assert again.id == job.id
    ended = await follower.until(job.id, *ENDED)
    assert (ended.state, ended.result.saved, ended.error) == (JobState.COMPLETED, 12, None)
    assert await states(app, job.session_id) == {MAIN: PassState.COMPLETED}


@pytest.mark.parametrize("command", [Command.RESUME, Command.FINISH])
async def test_a_job_whose_only_pass_was_cancelled_elsewhere_does_not_end_as_completed(app, follower, command):
    job = await paused_scan(app, follower)
    await cancel_elsewhere(app, job.session_id)
    await app.jobs.command(job.id, command, origin="test")
    ended = await follower.until(job.id, *ENDED)
    assert (ended.state, ended.error.code) == (JobState.CANCELLED, "conflict")
    assert "pass main had been cancelled" in ended.error.message
    assert await states(app, job.session_id) == {MAIN: PassState.CANCELLED}
    again = await app.jobs.resume_pass(job.session_id, MAIN, "test")  # as it says
    assert (await follower.until(again.id, *ENDED)).result.saved == 12


@pytest.mark.parametrize("paused", [True, False])
async def test_a_job_whose_only_pass_is_cancelled_by_name_is_cancelled(app, follower, paused):
    if paused:
        job = await paused_scan(app, follower)
    else:
        job = await app.jobs.submit_scan(a_scan(shots=30), "test")
        await follower.photo()
    await app.jobs.cancel_pass(job.session_id, MAIN, "test")
    ended = await follower.until(job.id, *ENDED)
    assert (ended.state, ended.error) == (JobState.CANCELLED, None)
    assert await states(app, job.session_id) == {MAIN: PassState.CANCELLED}


async def test_a_cancelled_pass_comes_first_again_where_its_job_stands_before_the_next(app, follower):
    job = await paused_scan(app, follower, "one", "two")
    after = await app.jobs.cancel_pass(job.session_id, ONE, "test")
    assert after.pause.reason == "turn_object"
    await app.jobs.resume_pass(job.session_id, ONE, "test")
    async with asyncio.timeout(PATIENCE):
        while (await states(app, job.session_id))[ONE] is not PassState.COMPLETED:
            await follower.next()
    stands = await follower.until(job.id, JobState.PAUSED, *ENDED)
    assert (stands.state, stands.pause.reason) == (JobState.PAUSED, "turn_object")
    await app.jobs.command(job.id, Command.RESUME, origin="test")
    assert (await follower.until(job.id, *ENDED)).result.saved == 24


async def test_a_cancelled_pass_does_not_go_on_while_its_job_works_on_another(app, follower):
    job = await paused_scan(app, follower, "one", "two", shots=30)
    await app.jobs.cancel_pass(job.session_id, ONE, "test")
    await app.jobs.resume_pass(job.session_id, TWO, "test")
    await follower.photo()
    with pytest.raises(CommandRefusedError, match="pass two comes first"):
        await app.jobs.resume_pass(job.session_id, ONE, "test")
    ended = await follower.until(job.id, *ENDED)
    assert (ended.state, (await states(app, job.session_id))[ONE]) == (JobState.COMPLETED, PassState.CANCELLED)
