"""Jobs as their users see them: one session a submission, orders carried out, the queue kept."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from msgspec.structs import replace

from scanner.app import open_app
from scanner.errors import (
    CommandRefusedError,
    DiskFullError,
    IdempotencyError,
    InvalidError,
    JobNotFoundError,
    PassCompletedError,
    PassExistsError,
    PassNotFoundError,
    PlanTooLargeError,
    QueueFullError,
    SessionNotFoundError,
    SpecError,
)
from scanner.events import JobChanged, JobCreated, PassCompleted, ProgressMade, ShotFailed
from scanner.jobs import board as board_module
from scanner.model import JobId, PassName, SessionId
from scanner.spec import CameraSettings, Fibonacci, ScanSpec
from scanner.states import ACTIVE, ENDED, Command, JobState, PassState, ShotState
from tests.scanner.jobs.following import Follower, a_pass, a_scan


def session_dirs(app):
    return sorted(path.name for path in (app.config.data_dir / "sessions").iterdir())


async def test_one_submission_is_one_session_with_one_id_everywhere(app, follower):
    job = await app.jobs.submit_scan(a_scan(), "test")
    ended = await follower.until(job.id, *ENDED)
    assert ended.state is JobState.COMPLETED
    assert session_dirs(app) == [job.session_id]
    assert {path.name for path in (app.config.data_dir / "sessions" / job.session_id).iterdir()} == {
        "metadata",
        "images",
        "exports",
    }
    follower.drain()
    created = [one.event for one in follower.seen if isinstance(one.event, JobCreated)]
    assert [event.session_id for event in created] == [job.session_id]
    assert follower.announced == [1, 2, 3, 4]
    assert ended.result is not None
    assert (ended.result.saved, ended.result.path) == (4, f"sessions/{job.session_id}")
    assert ended.progress.done == ended.progress.total == 4
    assert any(isinstance(one.event, PassCompleted) for one in follower.seen)


async def test_progress_comes_at_most_five_times_a_second(app, follower):
    job = await app.jobs.submit_scan(a_scan(shots=40), "test")
    loop = asyncio.get_running_loop()
    times = []
    while app.jobs.get(job.id).state not in ENDED:
        if isinstance((await follower.next()).event, ProgressMade):
            times.append(loop.time())
    assert all(later - earlier > 0.15 for earlier, later in itertools.pairwise(times))


async def test_pause_finishes_the_shot_and_resume_takes_what_is_missing(app, follower):
    job = await app.jobs.submit_scan(a_scan(shots=12), "test")
    await follower.photo()
    pausing = await app.jobs.command(job.id, Command.PAUSE, origin="test")
    assert pausing.order == "pause"
    paused = await follower.until(job.id, JobState.PAUSED)
    assert paused.pause is not None
    assert (paused.pause.by, paused.order) == ("user", None)
    resumed = await app.jobs.command(job.id, Command.RESUME, origin="test")
    assert resumed.state is JobState.RUNNING
    await follower.until(job.id, JobState.COMPLETED)
    follower.drain()
    assert follower.announced == list(range(1, 13))


async def test_cancel_keeps_what_was_saved(app, follower):
    job = await app.jobs.submit_scan(a_scan(shots=12), "test")
    await follower.photo()
    await app.jobs.command(job.id, Command.CANCEL, origin="test")
    await follower.until(job.id, JobState.CANCELLED)
    follower.drain()
    photos = await app.storage.photos(job.session_id)
    assert [photo.shot for photo in photos] == follower.announced
    session = await app.storage.get_session(job.session_id)
    assert session.state is PassState.CANCELLED


async def test_finish_ends_early_as_completed(app, follower):
    job = await app.jobs.submit_scan(a_scan(shots=12), "test")
    await follower.photo()
    await app.jobs.command(job.id, Command.FINISH, origin="test")
    ended = await follower.until(job.id, *ENDED)
    assert ended.state is JobState.COMPLETED
    assert 1 <= ended.result.saved < 12
    assert (await app.storage.get_session(job.session_id)).state is PassState.COMPLETED


async def test_stop_halts_and_resuming_homes_first(app, follower):
    job = await app.jobs.submit_scan(a_scan(shots=12), "test")
    await follower.photo()
    await app.rig.stop()
    paused = await follower.until(job.id, JobState.PAUSED)
    assert (paused.pause.by, paused.pause.reason) == ("operator", "halted")
    assert app.rig.info().turntable.position is None
    await app.jobs.command(job.id, Command.RESUME, origin="test")
    await follower.until(job.id, JobState.COMPLETED)
    follower.drain()
    assert sorted(follower.announced) == list(range(1, 13))


async def test_between_passes_a_person_turns_the_object(app, follower):
    job = await app.jobs.submit_scan(a_scan("upright", "flipped"), "test")
    paused = await follower.until(job.id, JobState.PAUSED, *ENDED)
    assert (paused.pause.by, paused.pause.reason) == ("operator", "turn_object")
    assert paused.progress.done == 4
    await app.jobs.command(job.id, Command.RESUME, origin="test")
    ended = await follower.until(job.id, *ENDED)
    assert ended.state is JobState.COMPLETED
    assert ended.result.saved == 8
    assert len(session_dirs(app)) == 1


async def test_finishing_between_passes_gives_the_second_up(app, follower):
    job = await app.jobs.submit_scan(a_scan("upright", "flipped"), "test")
    await follower.until(job.id, JobState.PAUSED)
    await app.jobs.command(job.id, Command.FINISH, origin="test")
    ended = await follower.until(job.id, *ENDED)
    assert ended.state is JobState.COMPLETED
    states = {info.name: info.state for info in (await app.storage.get_session(job.session_id)).passes}
    assert states == {"upright": PassState.COMPLETED, "flipped": PassState.CANCELLED}


async def test_another_pass_joins_the_same_session(app, follower):
    first = await app.jobs.submit_scan(a_scan(), "test")
    await follower.until(first.id, *ENDED)
    second = await app.jobs.submit_pass(first.session_id, a_pass("flipped"), "test")
    assert second.session_id == first.session_id
    await follower.until(second.id, *ENDED)
    assert session_dirs(app) == [first.session_id]
    session = await app.storage.get_session(first.session_id)
    assert [info.state for info in session.passes] == [PassState.COMPLETED] * 2
    with pytest.raises(PassExistsError):
        await app.jobs.submit_pass(first.session_id, a_pass("flipped"), "test")
    with pytest.raises(SessionNotFoundError):
        await app.jobs.submit_pass(SessionId("20200101-000000-none"), a_pass("flipped"), "test")


async def test_fifty_submissions_with_one_key_are_one(app, follower):
    jobs = await asyncio.gather(
        *(app.jobs.submit_scan(a_scan(), "test", idempotency_key="k", digest="d") for _ in range(50))
    )
    assert len({job.id for job in jobs}) == len({job.session_id for job in jobs}) == 1
    assert len(session_dirs(app)) == 1
    with pytest.raises(IdempotencyError):
        await app.jobs.submit_scan(a_scan(), "test", idempotency_key="k", digest="other")
    await follower.until(jobs[0].id, *ENDED)
    again = await app.jobs.submit_scan(a_scan(), "test", idempotency_key="k", digest="d")
    assert again.id == jobs[0].id


async def test_a_key_whose_job_was_lost_makes_the_job_anew(app, follower):
    job = await app.jobs.submit_scan(a_scan(), "test", idempotency_key="k", digest="d")
    await follower.until(job.id, *ENDED)
    await app.jobs.clear()
    again = await app.jobs.submit_scan(a_scan(), "test", idempotency_key="k", digest="d")
    assert again.id != job.id
    assert again.session_id == job.session_id
    ended = await follower.until(again.id, *ENDED)
    assert ended.state is JobState.COMPLETED
    assert len(session_dirs(app)) == 1


@pytest.mark.parametrize(
    ("spec", "error"),
    [
        (ScanSpec(preset="none"), SpecError),
        (a_scan(cameras=("moon",)), SpecError),
        (ScanSpec(plan=Fibonacci(count=10), cameras=("main", "main")), SpecError),
        (a_scan("a", "a"), SpecError),
    ],
)
async def test_what_is_refused_leaves_nothing(app, spec, error):
    with pytest.raises(error):
        await app.jobs.submit_scan(spec, "test")
    assert session_dirs(app) == []
    assert app.jobs.list() == ()


async def test_ten_thousand_shots_and_no_more(app):
    with pytest.raises(PlanTooLargeError):
        await app.jobs.plan(a_scan(plan=Fibonacci(count=10_000), camera=a_camera(bracket=(0.0, 1.0))))
    estimates = await app.jobs.plan(a_scan(plan=Fibonacci(count=10_000)))
    assert estimates[0].count == 10_000


def a_camera(bracket):
    return CameraSettings(width=96, height=72, bracket_ev=bracket)


async def test_no_room_is_said_with_figures_and_nothing_is_created(app, monkeypatch):
    monkeypatch.setattr(app.guards, "stop_below", 1 << 60)
    with pytest.raises(DiskFullError) as caught:
        await app.jobs.submit_scan(a_scan(), "test")
    assert set(caught.value.detail) >= {"need", "free", "reserve"}
    assert session_dirs(app) == []


async def test_the_queue_keeps_its_order_and_can_be_changed(app, follower):
    first = await app.jobs.submit_scan(a_scan("one", "two"), "test")
    await follower.until(first.id, JobState.PAUSED)  # keeps the lane
    waiting = [await app.jobs.submit_scan(a_scan(title=f"Vase {n}"), "test") for n in range(3)]
    assert [job.queue_position for job in waiting] == [1, 2, 3]
    await app.jobs.move(waiting[2].id, 1)
    assert [app.jobs.get(job.id).queue_position for job in waiting] == [2, 3, 1]
    await app.jobs.command(waiting[0].id, Command.PAUSE, origin="test")
    await app.jobs.command(waiting[1].id, Command.CANCEL, origin="test")
    with pytest.raises(CommandRefusedError):
        await app.jobs.move(waiting[1].id, 1)
    await app.jobs.command(first.id, Command.CANCEL, origin="test")
    await follower.until(waiting[2].id, *ENDED)
    assert app.jobs.get(waiting[0].id).state is JobState.PAUSED
    assert app.jobs.get(waiting[1].id).state is JobState.CANCELLED
    await app.jobs.command(waiting[0].id, Command.RESUME, origin="test")
    await follower.until(waiting[0].id, *ENDED)
    assert [job.state for job in app.jobs.list(active=True)] == []


async def test_moves_that_meet_are_done_one_after_the_other_and_never_seen_by_halves(app, follower):
    """The page shows a new order before its request is answered, and the next key is pressed by then."""
    first = await app.jobs.submit_scan(a_scan("one", "two"), "test")
    await follower.until(first.id, JobState.PAUSED)  # keeps the lane
    one, two, three = [(await app.jobs.submit_scan(a_scan(title=f"Vase {n}"), "test")).id for n in range(3)]
    follower.drain()
    follower.seen.clear()
    await asyncio.gather(app.jobs.move(one, 2), app.jobs.move(one, 3))
    follower.drain()
    told = [envelope.event for envelope in follower.seen if isinstance(envelope.event, JobChanged)]
    assert [app.jobs.get(job).queue_position for job in (one, two, three)] == [3, 1, 2]
    assert {(event.job_id, event.queue_position) for event in told} <= {(one, 3), (two, 1), (three, 2)}
    assert {job.id: job.rank for job in await app.storage.jobs.load()} == {
        job.id: job.rank for job in app.jobs.list(active=True)
    }


async def test_only_so_many_may_wait(app, follower, monkeypatch):
    first = await app.jobs.submit_scan(a_scan("one", "two"), "test")
    await follower.until(first.id, JobState.PAUSED)
    monkeypatch.setattr(board_module, "WAITING_LIMIT", 1)
    await app.jobs.submit_scan(a_scan(), "test")
    with pytest.raises(QueueFullError):
        await app.jobs.submit_scan(a_scan(), "test")
    assert len(session_dirs(app)) == 2


async def test_a_dead_camera_pauses_with_the_reason_and_skip_passes_the_shot_over(app, follower):
    job = await app.jobs.submit_scan(a_scan(shots=6), "test")
    await follower.photo()
    app.faults.camera_dead = True
    paused = await follower.until(job.id, JobState.PAUSED)
    assert paused.pause.by == "fault"
    assert paused.pause.reason.startswith("camera")
    assert paused.shot is not None
    follower.drain()
    assert [one.event.shot for one in follower.seen if isinstance(one.event, ShotFailed)] == [paused.shot]
    app.faults.camera_dead = False
    await app.jobs.command(job.id, Command.SKIP, origin="test", reason="bird in the picture")
    ended = await follower.until(job.id, *ENDED)
    assert (ended.result.saved, ended.result.skipped) == (5, 1)
    shots = await app.storage.shots(job.session_id, PassName("main"))
    assert [shot.shot for shot in shots if shot.state is ShotState.SKIPPED] == [paused.shot]


async def test_a_time_out_is_tried_again(app, follower):
    app.faults.camera_timeouts = 2
    job = await app.jobs.submit_scan(a_scan(), "test")
    ended = await follower.until(job.id, *ENDED, JobState.PAUSED)
    assert ended.state is JobState.COMPLETED
    assert ended.result.saved == 4


async def test_a_stuck_table_pauses_and_goes_on_after_the_cure(app, follower):
    job = await app.jobs.submit_scan(a_scan(shots=6), "test")
    await follower.photo()
    app.faults.stuck_table = True
    paused = await follower.until(job.id, JobState.PAUSED)
    assert (paused.pause.by, paused.pause.reason) == ("fault", "axis_stuck")
    app.faults.stuck_table = False
    await app.jobs.command(job.id, Command.RESUME, origin="test")
    await follower.until(job.id, JobState.COMPLETED)
    follower.drain()
    assert sorted(follower.announced) == list(range(1, 7))


async def test_skip_needs_a_failed_shot(app, follower):
    job = await app.jobs.submit_scan(a_scan(shots=12), "test")
    await follower.photo()
    with pytest.raises(CommandRefusedError):
        await app.jobs.command(job.id, Command.SKIP, origin="test")
    await app.jobs.command(job.id, Command.PAUSE, origin="test")
    await follower.until(job.id, JobState.PAUSED)
    with pytest.raises(CommandRefusedError):
        await app.jobs.command(job.id, Command.SKIP, origin="test")
    await app.jobs.forget(job.id)
    await follower.until(job.id, JobState.CANCELLED)
    await app.jobs.forget(job.id)
    with pytest.raises(JobNotFoundError):
        app.jobs.get(job.id)


async def test_a_guard_holds_up_and_lets_go_by_itself(app, follower, monkeypatch):
    job = await app.jobs.submit_scan(a_scan(shots=12), "test")
    await follower.photo()
    monkeypatch.setattr(app.guards, "stop_below", 1 << 60)
    monkeypatch.setattr(app.guards, "_go_above", 1 << 61)
    await app.guards.look()
    paused = await follower.until(job.id, JobState.PAUSED)
    assert (paused.pause.by, paused.pause.reason, paused.pause.resumes_by_itself) == ("guard", "disk_low", True)
    monkeypatch.setattr(app.guards, "stop_below", 0)
    monkeypatch.setattr(app.guards, "_go_above", 0)
    await app.guards.look()
    ended = await follower.until(job.id, *ENDED)
    assert ended.result.saved == 12


@pytest.mark.parametrize("how", ["pause", "stop"])
async def test_a_person_overrules_a_guard(app, follower, monkeypatch, how):
    job = await app.jobs.submit_scan(a_scan(shots=12), "test")
    await follower.photo()
    monkeypatch.setattr(app.guards, "stop_below", 1 << 60)
    await app.guards.look()
    await follower.until(job.id, JobState.PAUSED)
    if how == "pause":
        await app.jobs.command(job.id, Command.PAUSE, origin="test")
    else:
        await app.rig.stop()
    assert not app.jobs.get(job.id).pause.resumes_by_itself
    monkeypatch.setattr(app.guards, "stop_below", 0)
    monkeypatch.setattr(app.guards, "_go_above", 0)
    await app.guards.look()
    await app.jobs.command(job.id, Command.CANCEL, origin="test")
    ended = await follower.until(job.id, *ENDED)
    assert ended.state is JobState.CANCELLED


async def test_export_is_a_job(app, follower):
    with pytest.raises(InvalidError):
        await app.jobs.submit_export(SessionId("20200101-000000-none"), "papier", "test")
    with pytest.raises(SessionNotFoundError):
        await app.jobs.submit_export(SessionId("20200101-000000-none"), "colmap", "test")
    scan = await app.jobs.submit_scan(a_scan(), "test")
    await follower.until(scan.id, *ENDED)
    job = await app.jobs.submit_export(scan.session_id, "colmap", "test")
    ended = await follower.until(job.id, *ENDED)
    assert ended.state is JobState.COMPLETED, ended.error
    assert (app.config.data_dir / ended.result.path / "sparse" / "0" / "images.txt").is_file()


async def test_an_export_without_photos_fails_and_leaves_nothing(app, follower):
    scan = await app.jobs.submit_scan(a_scan("one", "two"), "test")
    await app.jobs.command(scan.id, Command.CANCEL, origin="test")
    await follower.until(scan.id, *ENDED)
    job = await app.jobs.submit_export(scan.session_id, "colmap", "test")
    with pytest.raises(CommandRefusedError):
        await app.jobs.command(job.id, Command.PAUSE, origin="test")
    ended = await follower.until(job.id, *ENDED)
    if not await app.storage.photos(scan.session_id):
        assert ended.state is JobState.FAILED
        assert list((app.config.data_dir / "sessions" / scan.session_id / "exports").iterdir()) == []


async def test_passes_are_resumed_finished_and_cancelled_by_name(app, follower):
    job = await app.jobs.submit_scan(a_scan("one", "two", "three"), "test")
    await follower.until(job.id, JobState.PAUSED)
    session_id = job.session_id
    with pytest.raises(PassNotFoundError):
        await app.jobs.resume_pass(session_id, PassName("four"), "test")
    with pytest.raises(PassCompletedError):
        await app.jobs.resume_pass(session_id, PassName("one"), "test")
    again = await app.jobs.resume_pass(session_id, PassName("two"), "test")
    assert again.id == job.id  # resuming keeps the job
    await follower.until(job.id, JobState.PAUSED)
    await app.jobs.command(job.id, Command.CANCEL, origin="test")
    await follower.until(job.id, *ENDED)
    third = await app.jobs.resume_pass(session_id, PassName("three"), "test")
    assert third.id != job.id
    await follower.until(third.id, *ENDED)
    session = await app.storage.get_session(session_id)
    assert session.state is PassState.COMPLETED


async def test_a_restart_finds_everything_where_it_was(demo):
    app = await open_app(demo, demo=True)
    follower = Follower(app)
    job = await app.jobs.submit_scan(a_scan(shots=30), "test")
    waiting = await app.jobs.submit_scan(a_scan(title="Second"), "test")
    await follower.photo()
    follower.close()
    began = asyncio.get_running_loop().time()
    await app.close()
    assert asyncio.get_running_loop().time() - began < 5

    app = await open_app(demo, demo=True)
    try:
        follower = Follower(app)
        kept = app.jobs.get(job.id)
        assert (kept.state, kept.pause.by, kept.pause.reason) == (JobState.PAUSED, "restart", "shutdown")
        assert kept.progress.done == len(await app.storage.photos(job.session_id)) >= 1
        await follower.until(waiting.id, *ENDED)  # a restart frees the lane
        before = {photo.name: photo.sha256 for photo in await app.storage.photos(job.session_id)}
        await app.jobs.command(job.id, Command.RESUME, origin="test")
        await follower.until(job.id, *ENDED)
        after = {photo.name: photo.sha256 for photo in await app.storage.photos(job.session_id)}
        assert len(after) == 30
        assert before.items() <= after.items()
        follower.close()
    finally:
        await app.close()
    app = await open_app(demo, demo=True)
    assert app.jobs.get(job.id).state is JobState.COMPLETED
    assert [job for job in app.jobs.list() if job.state in ACTIVE] == []
    await app.close()


async def test_auto_resumes_by_itself(demo):
    app = await open_app(demo, demo=True)
    follower = Follower(app)
    job = await app.jobs.submit_scan(a_scan(shots=30), "test")
    await follower.photo()
    follower.close()
    await app.close()
    app = await open_app(replace(demo, resume_on_start="auto"), demo=True)
    follower = Follower(app)
    ended = await follower.until(job.id, *ENDED)
    assert ended.state is JobState.COMPLETED
    assert ended.result.saved == 30
    follower.close()
    await app.close()


async def test_unknown_jobs_are_unknown(app):
    with pytest.raises(JobNotFoundError):
        await app.jobs.command(JobId("j-nothing0"), Command.PAUSE, origin="test")


async def test_a_preset_gives_what_the_spec_leaves_open(app, follower):
    preset = next(iter(app.config.presets))
    estimate = (await app.jobs.plan(ScanSpec(preset=preset)))[0]
    assert estimate.count > 0
    job = await app.jobs.submit_scan(ScanSpec(preset=preset), "test")
    assert job.title.startswith(preset)
    await app.jobs.command(job.id, Command.CANCEL, origin="test")
    await follower.until(job.id, *ENDED)


async def test_a_pass_submitted_twice_with_one_key_is_one(app, follower):
    first = await app.jobs.submit_scan(a_scan(), "test")
    await follower.until(first.id, *ENDED)
    jobs = await asyncio.gather(
        *(
            app.jobs.submit_pass(first.session_id, a_pass("flipped"), "test", idempotency_key="k", digest="d")
            for _ in range(5)
        )
    )
    assert len({job.id for job in jobs}) == 1


async def test_an_estimate_says_that_there_is_no_room(app, monkeypatch):
    monkeypatch.setattr(app.guards, "stop_below", 1 << 60)
    estimates = await app.jobs.plan(a_scan("one", "two"))
    assert [any("not enough room" in warning for warning in one.warnings) for one in estimates] == [False, True]
