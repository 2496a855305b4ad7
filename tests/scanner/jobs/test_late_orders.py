"""Orders that come early, late, twice, or one on top of the other: each is carried out or refused, none hangs."""

from __future__ import annotations

import asyncio

import pytest

from scanner.app import App
from scanner.errors import CommandRefusedError
from scanner.events import JobChanged
from scanner.model import JobId, PassName
from scanner.records import Job
from scanner.states import ENDED, Command, JobState, PassState, next_job_state
from scanner.storage.work.writer import PassWriter
from tests.scanner.jobs.following import Follower, a_scan, daemon, paused_scan, pausing
from tests.support.doubles import Held, turns


def states_of(follower: Follower, job_id: JobId) -> list[str]:
    """The states a job was announced in."""
    follower.drain()
    changes = [one.event for one in follower.seen if isinstance(one.event, JobChanged)]
    return [event.state for event in changes if event.job_id == job_id]


async def paused_by_a_fault(app: App, follower: Follower) -> Job:
    """A scan of 6 shots that stood still for a fault of the camera, which is cured."""
    job = await app.jobs.submit_scan(a_scan(shots=6), "test")
    await follower.photo()
    app.faults.camera_dead = True
    await follower.until(job.id, JobState.PAUSED)
    app.faults.camera_dead = False
    return job


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("order", ["stop", Command.PAUSE, Command.HALT])
async def test_a_resume_that_nobody_has_taken_up_is_taken_back(app, follower, monkeypatch, order, at_once):
    """While the disk still writes the pause down somebody resumes, and somebody else thinks better of it: a little
    later, or in the same moment.
    """
    job = await app.jobs.submit_scan(a_scan(shots=30), "test")
    await follower.photo()
    writing = Held(app.storage.jobs.put, when=pausing)
    monkeypatch.setattr(app.storage.jobs, "put", writing)
    await app.jobs.command(job.id, Command.PAUSE, origin="test")
    await writing.reached.wait()
    resuming = asyncio.ensure_future(app.jobs.command(job.id, Command.RESUME, origin="test"))
    if not at_once:
        await turns()
    if order == "stop":
        other = asyncio.ensure_future(app.rig.stop())
    else:
        other = asyncio.ensure_future(app.jobs.command(job.id, order, origin="test"))
    await turns()
    writing.let_go()
    async with asyncio.timeout(5):  # both get their answer
        await asyncio.gather(resuming, other)
    await turns()
    assert app.jobs.get(job.id).state is JobState.PAUSED


async def test_a_pause_that_is_withdrawn_in_time_is_none(app, follower):
    job = await app.jobs.submit_scan(a_scan(shots=6), "test")
    await follower.photo()
    await app.jobs.command(job.id, Command.PAUSE, origin="test")
    running = await app.jobs.command(job.id, Command.RESUME, origin="test")
    assert (running.state, running.order) == (JobState.RUNNING, None)
    ended = await follower.until(job.id, *ENDED, JobState.PAUSED)
    assert ended.state is JobState.COMPLETED
    assert "paused" not in states_of(follower, job.id)


async def taken_up(app: App, job: Job) -> asyncio.Future[Job]:
    """Somebody resumed the job: its lane has taken that up, but told nobody yet. What will be answered."""
    ticket = app.jobs._board.ticket(job.id)
    resuming = asyncio.ensure_future(app.jobs.command(job.id, Command.RESUME, origin="test"))
    async with asyncio.timeout(5):
        while ticket.orders is None:  # noqa: ASYNC110 - the lane has taken it up, but told nobody yet
            await asyncio.sleep(0)
    return resuming


async def test_skip_after_resume_is_too_late(app, follower):
    job = await paused_by_a_fault(app, follower)
    resuming = await taken_up(app, job)
    with pytest.raises(CommandRefusedError):
        await app.jobs.command(job.id, Command.SKIP, origin="test")
    await resuming
    assert (await follower.until(job.id, *ENDED)).result.saved == 6


async def test_a_second_resume_does_not_answer_the_first_before_the_job_runs(app, follower):
    job = await paused_by_a_fault(app, follower)
    first = await taken_up(app, job)
    assert app.jobs.get(job.id).state is JobState.PAUSED
    await app.jobs.command(job.id, Command.RESUME, origin="test")
    assert (await first).state is JobState.RUNNING
    assert (await follower.until(job.id, *ENDED)).result.saved == 6


async def test_a_pause_in_the_moment_of_a_skip_keeps_the_job_where_it_is(app, follower):
    job = await paused_by_a_fault(app, follower)
    orders = (app.jobs.command(job.id, command, origin="test") for command in (Command.SKIP, Command.PAUSE))
    async with asyncio.timeout(5):
        await asyncio.gather(*orders)
    await turns()
    found = app.jobs.get(job.id)
    assert (found.state, found.pause.by, found.shot) == (JobState.PAUSED, "user", None)
    await app.jobs.command(job.id, Command.RESUME, origin="test")
    assert (await follower.until(job.id, *ENDED)).result.skipped == 1


@pytest.mark.parametrize("in_lane", [True, False])
@pytest.mark.parametrize("order", ["stop", *(command for command in Command)])
async def test_an_order_while_a_skipped_shot_is_written_down(demo, monkeypatch, order, in_lane):
    """Stop and Pause keep the job where it is; every other order comes after the skip."""
    async with daemon(demo) as (app, follower):
        job = await paused_by_a_fault(app, follower)
        if in_lane:
            await order_while_skipping(app, follower, monkeypatch, job.id, order)
    if not in_lane:
        async with daemon(demo) as (app, follower):
            await order_while_skipping(app, follower, monkeypatch, job.id, order)


async def order_while_skipping(app, follower, monkeypatch, job_id, order):
    writing = Held(PassWriter.skip)
    with monkeypatch.context() as patched:
        patched.setattr(PassWriter, "skip", writing)
        skipping = asyncio.ensure_future(app.jobs.command(job_id, Command.SKIP, origin="test"))
        await writing.reached.wait()
        work = app.rig.stop() if order == "stop" else app.jobs.command(job_id, order, origin="test")
        other = asyncio.ensure_future(work)
        await turns()
        writing.let_go()
        async with asyncio.timeout(5):
            answers = await asyncio.gather(skipping, other, return_exceptions=True)
    assert not isinstance(answers[0], BaseException)
    assert not isinstance(answers[1], BaseException) or isinstance(answers[1], CommandRefusedError), answers[1]
    await turns()
    if order in {"stop", Command.HALT, Command.PAUSE}:
        found = app.jobs.get(job_id)
        assert (found.state, found.pause.by != "fault", found.shot) == (JobState.PAUSED, True, None)
        await app.jobs.command(job_id, Command.RESUME, origin="test")
    ended = await follower.until(job_id, *ENDED, JobState.PAUSED)
    assert ended.state is (JobState.CANCELLED if order is Command.CANCEL else JobState.COMPLETED), ended.pause
    assert ended.result.skipped == 1
    assert ended.result.saved == 5 or order in {Command.CANCEL, Command.FINISH}


@pytest.mark.parametrize("late", list(Command))
async def test_orders_to_a_job_that_is_being_cancelled(app, follower, monkeypatch, late):
    first = await app.jobs.submit_scan(a_scan("one", "two"), "test")
    await follower.until(first.id, JobState.PAUSED)  # keeps the lane
    job = await app.jobs.submit_scan(a_scan(title="Second"), "test")
    reading = Held(app.storage.get_session)
    monkeypatch.setattr(app.storage, "get_session", reading)
    cancelling = asyncio.ensure_future(app.jobs.command(job.id, Command.CANCEL, origin="test"))
    await reading.reached.wait()
    try:
        other = asyncio.ensure_future(app.jobs.command(job.id, late, origin="test"))
        await turns()
    finally:
        reading.let_go()
    async with asyncio.timeout(5):
        answers = await asyncio.gather(cancelling, other, return_exceptions=True)
    assert answers[0].state is JobState.CANCELLED
    assert not isinstance(answers[1], BaseException) or isinstance(answers[1], CommandRefusedError), answers[1]
    assert app.jobs.get(job.id).state is JobState.CANCELLED


@pytest.mark.parametrize("order", [Command.CANCEL, Command.PAUSE, Command.HALT])
async def test_an_order_in_the_moment_in_which_the_lane_takes_the_job(app, follower, order):
    """Decided before the lane looks, carried out after: the lane does not begin it."""
    first = await app.jobs.submit_scan(a_scan(shots=2), "test")
    job = await app.jobs.submit_scan(a_scan(title="Second"), "test")
    board, given = app.jobs._board, []
    leave, ticket = board.leave_lane, board.ticket(job.id)

    def leave_and_order(leaving):
        leave(leaving)
        if leaving.job.id == first.id:
            given.append(asyncio.ensure_future(app.jobs._commander.give(ticket, order, "")))

    board.leave_lane = leave_and_order
    wanted = next_job_state(JobState.PENDING, order)
    await follower.until(job.id, wanted, JobState.RUNNING)
    await asyncio.gather(*given)
    assert set(states_of(follower, job.id)) == {wanted.value}
    assert await app.storage.photos(job.session_id) == ()


async def until_running(follower: Follower, job_id: JobId) -> None:
    await follower.until(job_id, JobState.RUNNING)


async def test_finishing_before_the_first_photo_is_cancelling(app, follower):
    job = await app.jobs.submit_scan(a_scan(), "test")
    await until_running(follower, job.id)
    await app.jobs.command(job.id, Command.FINISH, origin="test")
    ended = await follower.until(job.id, *ENDED)
    assert ended.state is JobState.CANCELLED
    assert (await app.storage.get_session(job.session_id)).passes[0].state is PassState.CANCELLED


async def test_finishing_before_the_first_photo_of_the_second_pass_keeps_the_first(app, follower):
    job = await app.jobs.submit_scan(a_scan("one", "two"), "test")
    await follower.until(job.id, JobState.PAUSED)
    await app.jobs.command(job.id, Command.RESUME, origin="test")
    await app.jobs.command(job.id, Command.FINISH, origin="test")
    ended = await follower.until(job.id, *ENDED)
    assert (ended.state, ended.result.saved) == (JobState.COMPLETED, 4)
    states = [info.state for info in (await app.storage.get_session(job.session_id)).passes]
    assert states == [PassState.COMPLETED, PassState.CANCELLED]


async def test_cancelled_while_its_camera_is_restarted_leaves_a_rig_for_the_next(app, follower, monkeypatch):
    camera = app.devices.cameras["main"]
    job = await app.jobs.submit_scan(a_scan(shots=12), "test")
    await follower.photo()
    opening = Held(camera.open)
    monkeypatch.setattr(camera, "open", opening)
    app.faults.timeout, app.faults.camera_timeouts = 0.0, 1
    await opening.reached.wait()
    await app.jobs.command(job.id, Command.CANCEL, origin="test")
    await follower.until(job.id, *ENDED)
    opening.let_go()
    following = await app.jobs.submit_scan(a_scan(title="next"), "test")
    ended = await follower.until(following.id, *ENDED, JobState.PAUSED)
    assert ended.state is JobState.COMPLETED


async def test_an_ended_job_is_ended(app, follower):
    job = await app.jobs.submit_scan(a_scan(), "test")
    await follower.until(job.id, *ENDED)
    assert (await app.jobs.command(job.id, Command.FINISH, origin="test")).state is JobState.COMPLETED  # has had it
    for command in set(Command) - {Command.FINISH}:
        with pytest.raises(CommandRefusedError):
            await app.jobs.command(job.id, command, origin="test")


async def test_places_in_the_queue_hold_after_many_moves(app, follower):
    first = await app.jobs.submit_scan(a_scan("one", "two"), "test")
    await follower.until(first.id, JobState.PAUSED)  # keeps the lane
    ids = [(await app.jobs.submit_scan(a_scan(title=title), "test")).id for title in "abc"]
    for number in range(70):  # halving ranks each time would have used up the digits of a float
        moved = ids[2 - number % 2]
        await app.jobs.move(moved, 2)
        assert app.jobs.get(moved).queue_position == 2, number
    assert sorted(job.queue_position for job in app.jobs.list() if job.queue_position) == [1, 2, 3]


async def test_the_time_left_counts_the_passes_to_come(app, follower):
    job = await app.jobs.submit_scan(a_scan("one", "two", "three", shots=20, settle=5.0), "test")
    whole = job.progress.eta_s
    await follower.photo()
    assert app.jobs.get(job.id).progress.eta_s > whole * 0.8


@pytest.mark.parametrize("order", ["stop", Command.PAUSE, Command.CANCEL])
@pytest.mark.parametrize("by_name", [True, False])
async def test_an_order_while_it_is_looked_whether_the_pass_is_free(app, follower, monkeypatch, by_name, order):
    """Whoever orders it later than somebody resumed is heard, too."""
    job = await paused_scan(app, follower)
    looking = Held(app.storage.locks.active)
    monkeypatch.setattr(app.storage.locks, "active", looking)
    going_on = (
        app.jobs.resume_pass(job.session_id, PassName("main"), "test")
        if by_name
        else app.jobs.command(job.id, Command.RESUME, origin="test")
    )
    resuming = asyncio.ensure_future(going_on)
    await looking.reached.wait()
    await (app.rig.stop() if order == "stop" else app.jobs.command(job.id, order, origin="test"))
    looking.let_go()
    if order is Command.CANCEL:
        with pytest.raises(CommandRefusedError, match="it has ended"):
            await resuming
        return
    assert (await resuming).state is JobState.PAUSED
    await turns()
    assert app.jobs.get(job.id).state is JobState.PAUSED
