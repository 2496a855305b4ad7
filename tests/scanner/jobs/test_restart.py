"""What a restart finds: everything where it was, nothing moving by itself that a person has to see to first."""

from __future__ import annotations

import asyncio
import shutil
from datetime import timedelta

import pytest
from msgspec.structs import replace

from scanner.clock import SystemClock
from scanner.errors import PassCompletedError, StorageError
from scanner.events import JobChanged, RigChanged
from scanner.jobs import lanes as lanes_module
from scanner.jobs.restore import goes_on
from scanner.model import PassName, Pause
from scanner.records import Job
from scanner.states import ENDED, Command, JobState
from scanner.storage import StorageManager
from tests.scanner.jobs.following import PATIENCE, a_scan, daemon, paused_scan, pausing
from tests.support.doubles import Failing, Held, turns
from tests.support.twin import dark, still


async def test_a_guards_pause_does_not_go_on_behind_the_back_of_whoever_restarts(demo):
    async with daemon(demo) as (app, follower):
        job = await app.jobs.submit_scan(a_scan(shots=20), "test")
        await follower.photo()
        app.guards.stop_below = 1 << 60
        await app.guards.look()
        held = await follower.until(job.id, JobState.PAUSED)
    async with daemon(demo) as (app, follower):
        found = app.jobs.get(job.id)
        assert "a guard held this up" in found.pause.message
        assert held.pause.message in found.pause.message
        assert (found.state, found.pause.by, found.pause.resumes_by_itself) == (JobState.PAUSED, "restart", False)
        await turns()
        assert app.jobs.get(job.id).state is JobState.PAUSED
        await app.jobs.command(job.id, Command.RESUME, origin="test")
        assert (await follower.until(job.id, *ENDED)).result.saved == 20


async def test_a_crash_between_two_passes_still_asks_to_turn_the_object(demo, monkeypatch):
    config = replace(demo, resume_on_start="auto")
    async with daemon(config) as (app, follower):
        unwritten = Failing(app.storage.jobs.put, StorageError("the disk is gone"), when=pausing)
        monkeypatch.setattr(app.storage.jobs, "put", unwritten)
        job = await app.jobs.submit_scan(a_scan("one", "two"), "test")
        await follower.until(job.id, JobState.PAUSED)
    async with daemon(config) as (app, follower):
        found = app.jobs.get(job.id)
        assert (found.state, found.pause.reason, found.progress.done) == (JobState.PAUSED, "turn_object", 4)
        await app.jobs.command(job.id, Command.RESUME, origin="test")
        assert (await follower.until(job.id, *ENDED)).result.saved == 8


@pytest.mark.parametrize("policy", ["auto", "ask", "never"])
@pytest.mark.parametrize("origin", ["page", "schedule:nightly"])
async def test_a_crash_in_mid_pass(demo, monkeypatch, policy, origin):
    config = replace(demo, resume_on_start=policy)
    async with daemon(config) as (app, follower):
        unwritten = Failing(app.storage.jobs.put, StorageError("the disk is gone"), when=pausing)
        monkeypatch.setattr(app.storage.jobs, "put", unwritten)
        job = await app.jobs.submit_scan(a_scan(shots=12), origin)
        await follower.photo()
        worked = app.jobs.get(job.id).elapsed_s
    by_itself = policy == "auto" or (policy == "ask" and origin.startswith("schedule"))
    async with daemon(config) as (app, follower):
        found = app.jobs.get(job.id)
        assert found.elapsed_s > 0.0
        assert worked > 0.0
        if not by_itself:
            assert (found.state, found.pause.reason) == (JobState.PAUSED, "interrupted")
            await app.jobs.command(job.id, Command.RESUME, origin="test")
        assert (await follower.until(job.id, *ENDED)).result.saved == 12


@pytest.mark.parametrize(("policy", "origin"), [("auto", "page"), ("ask", "schedule:nightly")])
async def test_what_goes_on_by_itself_homes_the_rig_first(demo, policy, origin):
    config = replace(demo, resume_on_start=policy)
    async with daemon(config) as (app, follower):
        job = await app.jobs.submit_scan(a_scan(shots=12), origin)
        await follower.photo()
    async with daemon(config) as (app, follower):
        info = app.rig.info()
        assert (info.turntable.position, info.tilt.position, info.homed_at) == (None, None, None)
        await follower.photo()
        positions = [one.event.turntable for one in follower.seen if isinstance(one.event, RigChanged)]
        known = [position for position in positions if position is not None]
        assert positions.index(known[0]) > 0  # unknown before it is 0.0
        assert known[0] == 0.0
        assert app.rig.info().homed_at is not None
        assert (await follower.until(job.id, *ENDED)).result.saved == 12


async def test_without_its_jobs_a_session_resumes_its_interrupted_pass_alone(demo):
    """The queue was lost: what is not complete can be restored, what is complete is not touched."""
    async with daemon(demo) as (app, follower):
        job = await app.jobs.submit_scan(a_scan("one", "two", shots=6), "test")
        await follower.until(job.id, JobState.PAUSED)
        await app.jobs.command(job.id, Command.RESUME, origin="test")
        await follower.photo()
        images = app.config.data_dir / "sessions" / job.session_id / "images"
    complete = {path: path.stat().st_mtime_ns for path in (images / "one").iterdir()}
    for path in demo.state_dir.glob("jobs.db*"):
        path.unlink()
    async with daemon(demo) as (app, follower):
        assert app.jobs.list() == ()
        ((session_id, info),) = await app.storage.unfinished()
        assert (session_id, info.name, info.lock) == (job.session_id, "two", None)
        assert 0 < info.saved < 6
        assert (info.pause.by, info.pause.reason) == ("restart", "shutdown")
        with pytest.raises(PassCompletedError):
            await app.jobs.resume_pass(job.session_id, PassName("one"), "test")
        again = await app.jobs.resume_pass(job.session_id, PassName("two"), "test")
        assert (await follower.until(again.id, *ENDED)).result.saved == 6
        assert len(follower.announced) == 6 - info.saved
        assert await app.storage.unfinished() == ()
    assert {path: path.stat().st_mtime_ns for path in (images / "one").iterdir()} == complete


def test_only_what_a_restart_interrupted_goes_on():
    class Kept:
        state = JobState.PAUSED
        pause: Pause | None = Pause(by="user", reason="paused", message="")
        origin = "schedule:nightly"

    assert not goes_on(Kept(), "auto")
    Kept.pause = None
    assert not goes_on(Kept(), "auto")


async def test_a_shot_skipped_while_others_work_stays_skipped(demo):
    async with daemon(demo) as (app, follower):
        job = await app.jobs.submit_scan(a_scan(shots=6), "test")
        await follower.photo()
        app.faults.camera_dead = True
        await follower.until(job.id, JobState.PAUSED)
    async with daemon(demo) as (app, follower):
        other = await app.jobs.submit_scan(a_scan(shots=200, title="Other"), "test")
        await follower.photo()
        skipped = await app.jobs.command(job.id, Command.SKIP, origin="test")
        assert (skipped.state, skipped.queue_position, skipped.shot) == (JobState.PENDING, 1, None)
    async with daemon(demo) as (app, follower):
        ended = await follower.until(job.id, *ENDED)
        assert (ended.result.saved, ended.result.skipped) == (5, 1)
        assert app.jobs.get(other.id).state is JobState.PAUSED


async def test_the_daemon_stops_at_once_and_begins_nothing_more(demo, monkeypatch):
    async with daemon(demo) as (app, follower):
        done = await app.jobs.submit_scan(a_scan(shots=1), "test")
        await follower.until(done.id, *ENDED)
        building = Held(app.storage.publish_export)
        monkeypatch.setattr(app.storage, "publish_export", building)
        export = await app.jobs.submit_export(done.session_id, "colmap", "test")
        await building.reached.wait()
        running = await app.jobs.submit_scan(a_scan(shots=60), "test")
        waiting = await app.jobs.submit_scan(a_scan(title="Second"), "test")
        await follower.photo()
        async with asyncio.timeout(2):
            await app.jobs.close()
        assert dark(app.devices)
        assert still(app.devices)
        paused = app.jobs.get(running.id)
        assert (paused.state, paused.pause.reason) == (JobState.PAUSED, "shutdown")
        assert app.jobs.get(waiting.id).state is JobState.PENDING
        assert await app.storage.photos(waiting.session_id) == ()
    async with daemon(demo) as (app, follower):
        assert (await follower.until(export.id, *ENDED)).state is JobState.COMPLETED  # begun anew
        assert (await follower.until(waiting.id, *ENDED)).result.saved == 4


async def test_a_saving_that_hangs_does_not_keep_the_daemon(demo, monkeypatch):
    monkeypatch.setattr(lanes_module, "PATIENCE", 0.1)
    async with daemon(demo) as (app, follower):
        job = await app.jobs.submit_scan(a_scan(shots=12), "test")
        await follower.photo()
        hanging = Held(type(app.devices.cameras["main"]).capture)
        monkeypatch.setattr("scanner.engine.saving.Saver._save_one", hanging)
        await hanging.reached.wait()
        await app.jobs.close()
        assert dark(app.devices)
        assert still(app.devices)
    monkeypatch.undo()
    async with daemon(demo) as (app, follower):
        found = app.jobs.get(job.id)
        assert (found.state, found.pause.by) == (JobState.PAUSED, "restart")
        await app.jobs.command(job.id, Command.RESUME, origin="test")
        assert (await follower.until(job.id, *ENDED)).result.saved == 12


async def test_a_job_resumed_in_the_moment_in_which_the_daemon_stops_does_not_begin(demo):
    async with daemon(demo) as (app, follower):
        job = await paused_scan(app, follower, shots=12)
        photos = await app.storage.photos(job.session_id)
        taken_up = app.jobs._commander.give(app.jobs._board.ticket(job.id), Command.RESUME, "")
        async with asyncio.timeout(2):
            await app.jobs.close()
            await taken_up
        assert (app.jobs.get(job.id).state, app.jobs.get(job.id).pause.reason) == (JobState.PAUSED, "shutdown")
        assert await app.storage.photos(job.session_id) == photos
        assert dark(app.devices)


def not_there(job: Job) -> bool:
    """Whether a job stands still since the restart because its session is not there, and says what to do."""
    assert job.pause is not None
    why = (job.state, job.pause.by, job.pause.reason, job.pause.resumes_by_itself)
    assert f"session {job.session_id} is gone. Put it back and resume, or cancel." in job.pause.message
    return why == (JobState.PAUSED, "restart", "session_not_found", False)


async def test_a_start_without_the_data_directory_gives_nothing_up(demo):
    """A share that is mounted late: whatever the policy, the queue waits for a person, in its order."""
    config, aside = replace(demo, resume_on_start="auto"), demo.data_dir.parent / "aside"
    async with daemon(config) as (app, follower):
        jobs = [await app.jobs.submit_scan(a_scan(shots=20, title=f"Vase {number}"), "test") for number in range(3)]
        await app.jobs.move(jobs[2].id, 1)
        await follower.photo()
    demo.data_dir.rename(aside)
    async with daemon(config) as (app, follower):
        await app.storage.reconcile()
        await turns()
        assert [not_there(app.jobs.get(job.id)) for job in jobs] == [True] * 3
        await app.jobs.command(jobs[1].id, Command.RESUME, origin="test")
        still_away = await follower.until(jobs[1].id, JobState.PAUSED, *ENDED)
        assert (still_away.state, still_away.pause.reason) == (JobState.PAUSED, "session_not_found")
    shutil.rmtree(demo.data_dir)
    aside.rename(demo.data_dir)
    async with daemon(config) as (app, follower):
        await turns()
        assert {app.jobs.get(job.id).state for job in jobs} == {JobState.PAUSED}
        for job in jobs:
            await app.jobs.command(job.id, Command.RESUME, origin="test")
        ended = [await follower.until(job.id, *ENDED) for job in jobs]
        assert [(job.state, job.result.saved) for job in ended] == [(JobState.COMPLETED, 20)] * 3
        assert ended[2].started_at < ended[1].started_at


async def test_what_was_to_be_done_before_the_session_went_is_still_said(demo):
    async with daemon(demo) as (app, follower):
        job = await app.jobs.submit_scan(a_scan("one", "two"), "test")
        stood = await follower.until(job.id, JobState.PAUSED)
        async with asyncio.timeout(PATIENCE):  # once it is announced it is written down
            while not any(isinstance(one.event, JobChanged) and one.event.pause for one in follower.seen):
                await follower.next()
    (demo.data_dir / "sessions" / job.session_id).rename(demo.data_dir / "aside")
    for _ in range(2):
        async with daemon(demo) as (app, _):
            found = app.jobs.get(job.id)
            assert not_there(found)
            assert found.pause.message.endswith(f"Before that: {stood.pause.message}")
            assert found.pause.message.count("Before that") == 1


async def test_a_waiting_job_whose_session_cannot_be_looked_for_keeps_waiting(demo, monkeypatch, caplog):
    async with daemon(demo) as (app, follower):
        await paused_scan(app, follower)
        waiting = await app.jobs.submit_scan(a_scan(title="Second"), "test")
    monkeypatch.setattr(StorageManager, "handle", Failing(StorageManager.handle, StorageError("the disk is gone")))
    async with daemon(demo) as (app, follower):
        assert f"the session of job {waiting.id} cannot be looked for: the disk is gone" in caplog.text
        stands = await follower.until(waiting.id, JobState.PAUSED, *ENDED)
        assert (stands.state, stands.pause.reason) == (JobState.PAUSED, "storage_fault")
        monkeypatch.undo()
        await app.jobs.command(waiting.id, Command.RESUME, origin="test")
        assert (await follower.until(waiting.id, *ENDED)).result.saved == 4


@pytest.mark.parametrize("how", ["finish", "cancel"])
async def test_a_job_whose_passes_are_over_is_over(demo, how):
    """The pass was ended, the job was not written down any more."""
    async with daemon(demo) as (app, follower):
        job = await app.jobs.submit_scan(a_scan(shots=20), "test")
        await follower.photo()
    storage = await StorageManager.open(data_dir=demo.data_dir, state_dir=demo.state_dir, clock=SystemClock())
    handle = await storage.handle(job.session_id)
    async with storage.open_pass(handle, PassName("main"), job_id=job.id, origin="test") as writer:
        await (writer.finish("test") if how == "finish" else writer.cancel("test"))
    await storage.close()
    async with daemon(demo) as (app, _):
        found = app.jobs.get(job.id)
        assert found.state is (JobState.COMPLETED if how == "finish" else JobState.CANCELLED)
        assert (found.pause, found.ended_at is None) == (None, False)


async def test_jobs_that_ended_long_ago_are_forgotten_now_and_then(demo, monkeypatch):
    async with daemon(demo) as (app, follower):
        ids = []
        for _ in range(2):
            job = await app.jobs.submit_scan(a_scan(shots=1), "test")
            await follower.until(job.id, *ENDED)
            ids.append(job.id)
        assert [job.id for job in app.jobs.list()] == ids[::-1]
    monkeypatch.setattr(lanes_module, "TIDYING", 0.0)
    async with daemon(demo) as (app, _):
        await turns()
        assert len(app.jobs.list()) == 2  # not long ago
        failing = Failing(app.storage.jobs.delete, StorageError("the disk is gone"), times=1)
        monkeypatch.setattr(app.storage.jobs, "delete", failing)
        monkeypatch.setattr(app.jobs._board, "_keep_ended", timedelta(hours=-1))
        async with asyncio.timeout(5):
            while app.jobs.list():  # noqa: ASYNC110 - forgetting is not announced
                await asyncio.sleep(0.01)
        assert failing.left == 0
    async with daemon(demo) as (app, _):
        assert app.jobs.list() == ()
