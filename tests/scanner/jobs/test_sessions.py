"""A session as a whole: deleted or restored while none of its jobs can begin or go on; jobs whose session is gone."""

from __future__ import annotations

import asyncio
import shutil
from datetime import timedelta

import pytest
from msgspec.structs import replace

from scanner.errors import CheckpointNotFoundError, SessionBusyError, SessionNotFoundError, StorageError
from scanner.events import SessionDeleted
from scanner.model import PassName, SessionId
from scanner.states import ENDED, Command, JobState, PassState
from scanner.storage.work.writer import PassWriter
from tests.scanner.jobs.following import a_pass, a_scan, cancelled_scan, daemon, paused_scan
from tests.support.doubles import Failing, Held, turns

MAIN, ONE = PassName("main"), PassName("one")


async def test_a_session_whose_jobs_have_ended_is_deleted_and_its_jobs_stay_in_the_list(app, follower):
    job = await cancelled_scan(app, follower)
    app.jobs.require_free(job.session_id)
    entry = await app.jobs.delete_session(job.session_id, "test")
    assert entry.session_id == job.session_id
    assert [one.id for one in app.jobs.list()] == [job.id]
    with pytest.raises(SessionNotFoundError):
        await app.jobs.resume_pass(job.session_id, MAIN, "test")


@pytest.mark.parametrize("state", ["running", "paused", "pending", "export"])
async def test_a_session_that_a_job_has_is_not_deleted(app, follower, monkeypatch, state):
    job = await paused_scan(app, follower)
    if state == "pending":
        job = await app.jobs.submit_scan(a_scan(title="Second"), "test")
    elif state == "running":
        await app.jobs.command(job.id, Command.RESUME, origin="test")
    elif state == "export":
        ended = await app.jobs.command(job.id, Command.CANCEL, origin="test")
        building = Held(app.storage.publish_export)
        monkeypatch.setattr(app.storage, "publish_export", building)
        job = await app.jobs.submit_export(ended.session_id, "colmap", "test")
        await building.reached.wait()
    with pytest.raises(SessionBusyError) as caught:
        await app.jobs.delete_session(job.session_id, "test")
    assert caught.value.detail["job_id"] == job.id
    assert (app.config.data_dir / "sessions" / job.session_id).is_dir()


async def test_while_a_session_is_deleted_nothing_begins_on_it(app, follower, monkeypatch):
    job = await cancelled_scan(app, follower)
    deleting = Held(app.storage.trash.delete)
    monkeypatch.setattr(app.storage.trash, "delete", deleting)
    gone = asyncio.ensure_future(app.jobs.delete_session(job.session_id, "test"))
    await deleting.reached.wait()
    orders = [
        lambda: app.jobs.resume_pass(job.session_id, MAIN, "test"),
        lambda: app.jobs.finish_pass(job.session_id, MAIN, "test"),
        lambda: app.jobs.submit_pass(job.session_id, a_pass("two"), "test"),
        lambda: app.jobs.submit_export(job.session_id, "colmap", "test"),
        lambda: app.jobs.submit_verify(job.session_id, "test"),
        lambda: app.jobs.delete_session(job.session_id, "test"),
        lambda: app.jobs.restore_checkpoint(job.session_id, "none", "test"),
    ]
    for order in orders:
        with pytest.raises(SessionBusyError, match="being deleted"):
            await order()
    deleting.let_go()
    await gone
    assert [one.id for one in app.jobs.list()] == [job.id]


async def test_a_job_that_is_just_being_written_down_counts(app, follower, monkeypatch):
    job = await cancelled_scan(app, follower)
    writing = Held(app.storage.jobs.put)
    monkeypatch.setattr(app.storage.jobs, "put", writing)
    resuming = asyncio.ensure_future(app.jobs.resume_pass(job.session_id, MAIN, "test"))
    await writing.reached.wait()
    with pytest.raises(SessionBusyError) as caught:
        await app.jobs.delete_session(job.session_id, "test")
    writing.let_go()
    again = await resuming
    assert caught.value.detail["job_id"] == again.id
    assert (await follower.until(again.id, *ENDED)).result.saved == 8


async def test_a_pass_that_is_just_being_made_counts(app, follower, monkeypatch):
    job = await cancelled_scan(app, follower)
    making = Held(app.storage.add_pass)
    monkeypatch.setattr(app.storage, "add_pass", making)
    adding = asyncio.ensure_future(app.jobs.submit_pass(job.session_id, a_pass("two"), "test"))
    await making.reached.wait()
    with pytest.raises(SessionBusyError, match="being worked on"):
        await app.jobs.delete_session(job.session_id, "test")
    making.let_go()
    assert (await follower.until((await adding).id, *ENDED)).state is JobState.COMPLETED


async def test_a_session_deleted_before_its_job_is_written_down_leaves_no_job(app, monkeypatch):
    """It is in the list as soon as it is made, a moment before its job."""
    deleting = Held(app.storage.trash.delete)
    monkeypatch.setattr(app.storage.trash, "delete", deleting)
    create, gone = app.storage.create_session, []

    async def create_and_delete(new):
        handle = await create(new)
        gone.append(asyncio.ensure_future(app.jobs.delete_session(handle.id, "test")))
        await deleting.reached.wait()
        return handle

    monkeypatch.setattr(app.storage, "create_session", create_and_delete)
    with pytest.raises(SessionBusyError):
        await app.jobs.submit_scan(a_scan(), "test")
    deleting.let_go()
    await asyncio.gather(*gone, return_exceptions=True)
    assert app.jobs.list() == ()
    assert [path.name for path in (app.config.data_dir / "sessions").iterdir()] == []


async def test_a_restored_scan_goes_on_from_its_checkpoint(app, follower):
    job = await paused_scan(app, follower, shots=12)
    marked = len(await app.storage.photos(job.session_id))
    await app.storage.checkpoints.save(job.session_id, "early", origin="test")
    await app.jobs.command(job.id, Command.RESUME, origin="test")
    await follower.photo()
    await app.jobs.command(job.id, Command.PAUSE, origin="test")
    await follower.until(job.id, JobState.PAUSED)
    later = len(await app.storage.photos(job.session_id))
    assert later > marked
    before = await app.jobs.restore_checkpoint(job.session_id, "early", "test")
    assert before.automatic
    found = app.jobs.get(job.id)
    assert (found.state, found.pause.by, found.pause.reason) == (JobState.PAUSED, "operator", "restored")
    assert found.progress.done == marked
    await app.jobs.restore_checkpoint(job.session_id, before.name, "test")
    assert app.jobs.get(job.id).progress.done == later
    await app.jobs.restore_checkpoint(job.session_id, "early", "test")
    await app.jobs.command(job.id, Command.RESUME, origin="test")
    ended = await follower.until(job.id, *ENDED)
    assert (ended.state, ended.result.saved) == (JobState.COMPLETED, 12)


async def test_a_scan_that_waits_its_turn_begins_after_the_restoring(app, follower, monkeypatch):
    first = await paused_scan(app, follower)
    waiting = await app.jobs.submit_scan(a_scan(shots=5, title="Second"), "test")
    await app.storage.checkpoints.save(waiting.session_id, "empty", origin="test")
    restoring = Held(app.storage.checkpoints.restore)
    monkeypatch.setattr(app.storage.checkpoints, "restore", restoring)
    back = asyncio.ensure_future(app.jobs.restore_checkpoint(waiting.session_id, "empty", "test"))
    await restoring.reached.wait()
    for command in (Command.CANCEL, Command.RESUME):
        with pytest.raises(SessionBusyError, match="being restored"):
            await app.jobs.command(waiting.id, command, origin="test")
    await app.jobs.command(first.id, Command.CANCEL, origin="test")  # the lane is free
    await turns()
    assert app.jobs.get(waiting.id).state is JobState.PENDING
    restoring.let_go()
    await back
    assert (await follower.until(waiting.id, *ENDED)).result.saved == 5


async def test_a_scan_that_waits_and_whose_pass_was_restored_to_complete_ends_as_that(app, follower):
    """It does not stand there with a fault that nobody can help, before all that wait behind it."""
    session_id = (await cancelled_scan(app, follower)).session_id
    await app.storage.checkpoints.save(session_id, "part", origin="test")
    again = await app.jobs.resume_pass(session_id, MAIN, "test")
    await follower.until(again.id, *ENDED)
    done = await app.jobs.restore_checkpoint(session_id, "part", "test")
    first = await paused_scan(app, follower)
    waiting = await app.jobs.resume_pass(session_id, MAIN, "test")
    await app.jobs.restore_checkpoint(session_id, done.name, "test")
    await app.jobs.command(first.id, Command.CANCEL, origin="test")  # the lane is free
    ended = await follower.until(waiting.id, JobState.PAUSED, *ENDED)
    assert (ended.state, ended.pause) == (JobState.COMPLETED, None)
    assert ended.result.saved == 8


async def test_a_scan_whose_guard_clears_meanwhile_goes_on_after_the_restoring(app, follower, monkeypatch):
    job = await app.jobs.submit_scan(a_scan(shots=12), "test")
    await follower.photo()
    app.guards.stop_below = 1 << 60
    await app.guards.look()
    await follower.until(job.id, JobState.PAUSED)
    await app.storage.checkpoints.save(job.session_id, "held", origin="test")
    restoring = Held(app.storage.checkpoints.restore)
    monkeypatch.setattr(app.storage.checkpoints, "restore", restoring)
    back = asyncio.ensure_future(app.jobs.restore_checkpoint(job.session_id, "held", "test"))
    await restoring.reached.wait()
    app.guards.stop_below = app.guards._go_above = 0
    await app.guards.look()
    await turns()
    assert app.jobs.get(job.id).state is JobState.PAUSED
    restoring.let_go()
    await back
    assert (await follower.until(job.id, *ENDED)).result.saved == 12


async def test_a_session_at_work_is_not_restored(app, follower):
    job = await app.jobs.submit_scan(a_scan(shots=30), "test")
    await follower.photo()
    with pytest.raises(SessionBusyError) as caught:
        await app.jobs.restore_checkpoint(job.session_id, "early", "test")
    assert caught.value.detail["job_id"] == job.id


async def test_a_restoring_that_fails_leaves_the_session_free(app, follower):
    job = await paused_scan(app, follower)
    with pytest.raises(CheckpointNotFoundError):
        await app.jobs.restore_checkpoint(job.session_id, "none", "test")
    assert app.jobs.get(job.id).pause.reason == "paused"
    await app.jobs.command(job.id, Command.RESUME, origin="test")
    assert (await follower.until(job.id, *ENDED)).state is JobState.COMPLETED


async def test_how_far_a_job_is_after_restoring_may_be_unknown(app, follower, monkeypatch):
    job = await paused_scan(app, follower)
    await app.storage.checkpoints.save(job.session_id, "early", origin="test")
    restore = app.storage.checkpoints.restore

    async def restore_and_break(*args, **options):
        answer = await restore(*args, **options)
        monkeypatch.setattr(
            app.storage, "get_session", Failing(app.storage.get_session, StorageError("the disk is gone"), times=1)
        )
        return answer

    monkeypatch.setattr(app.storage.checkpoints, "restore", restore_and_break)
    await app.jobs.restore_checkpoint(job.session_id, "early", "test")
    await app.jobs.command(job.id, Command.RESUME, origin="test")
    assert (await follower.until(job.id, *ENDED)).result.saved == 12


async def test_jobs_whose_session_somebody_took_away_say_so(app, follower):
    first = await paused_scan(app, follower)
    waiting = await app.jobs.submit_scan(a_scan(title="Second"), "test")
    other = await app.jobs.submit_scan(a_scan(title="Third"), "test")
    for job in (first, waiting):
        shutil.rmtree(app.config.data_dir / "sessions" / job.session_id)
        app.bus.publish(SessionDeleted(session_id=job.session_id))
    await follower.until(waiting.id, JobState.PAUSED, *ENDED)
    for job in (first, waiting):
        stands = app.jobs.get(job.id)
        assert (stands.state, stands.pause.by, stands.pause.reason) == (JobState.PAUSED, "fault", "session_not_found")
        assert job.session_id in stands.pause.message
    assert app.jobs.get(other.id).state is JobState.PENDING
    cancelled = await app.jobs.command(first.id, Command.CANCEL, origin="test")
    assert (cancelled.state, cancelled.error.code) == (JobState.CANCELLED, "session_not_found")
    assert (await follower.until(other.id, *ENDED)).result.saved == 4


async def test_cleaning_leaves_what_a_job_has_and_holds_what_it_deletes(app, follower, monkeypatch):
    first, second = await cancelled_scan(app, follower), await cancelled_scan(app, follower)
    await app.jobs.submit_scan(a_scan(shots=30), "test")
    await follower.photo()
    app.storage.trash._shop = replace(app.storage.trash._shop, synchronised=lambda: True)
    for told in ("_was_before", "_can_be_judged"):  # whatever the clock of the machine says
        monkeypatch.setattr(f"scanner.storage.facets.trash.{told}", lambda *_: True)
    deleting = Held(app.storage.trash._deleted)
    monkeypatch.setattr(app.storage.trash, "_deleted", deleting)
    week = timedelta(days=7)
    assert len(await app.jobs.clean_sessions(week, "test", dry_run=True)) == 2
    cleaning = asyncio.ensure_future(app.jobs.clean_sessions(week, "test"))
    await deleting.reached.wait()
    at_it = [one for one in (first, second) if app.jobs._board.custody.is_held(one.session_id)]
    assert len(at_it) == 1
    with pytest.raises(SessionBusyError, match="being deleted"):
        await app.jobs.submit_verify(at_it[0].session_id, "test")
    other = second if at_it == [first] else first
    job = await app.jobs.submit_pass(other.session_id, a_pass("another"), "test")
    deleting.let_go()
    assert [session.id for session in await cleaning] == [at_it[0].session_id]
    assert app.jobs.get(job.id).state is JobState.PENDING


async def test_what_goes_while_the_daemon_ends_is_found_at_the_next_start(demo):
    async with daemon(demo) as (app, follower):
        first = await paused_scan(app, follower)
        waiting = await app.jobs.submit_scan(a_scan(title="Second"), "test")
        await app.jobs.close()
        shutil.rmtree(app.config.data_dir / "sessions" / waiting.session_id)
        app.bus.publish(SessionDeleted(session_id=waiting.session_id))
        await turns()
        assert app.jobs.get(waiting.id).state is JobState.PENDING
    async with daemon(demo) as (app, follower):
        await app.jobs.command(first.id, Command.CANCEL, origin="test")
        stands = app.jobs.get(waiting.id)
        assert (stands.state, stands.pause.by, stands.pause.reason) == (JobState.PAUSED, "restart", "session_not_found")
        gone = await app.jobs.command(waiting.id, Command.CANCEL, origin="test")
        assert (gone.state, gone.error.code) == (JobState.CANCELLED, "session_not_found")


@pytest.mark.parametrize("how", ["removed", "renamed"])
@pytest.mark.parametrize("command", [Command.CANCEL, Command.FINISH, Command.RESUME])
async def test_a_session_taken_away_under_a_running_scan(app, follower, caplog, how, command):
    job = await app.jobs.submit_scan(a_scan(shots=30), "test")
    await follower.photo()
    directory = app.config.data_dir / "sessions" / job.session_id
    aside = app.config.data_dir / "aside"
    directory.rename(aside)
    stands = await follower.until(job.id, JobState.PAUSED, *ENDED)
    assert (stands.state, stands.pause.by, stands.pause.reason) == (JobState.PAUSED, "fault", "session_not_found")
    assert job.session_id in stands.pause.message
    app.bus.publish(SessionDeleted(session_id=job.session_id))
    await turns()
    assert [record.message for record in caplog.records].count(f"paused: {stands.pause.message}") == 1
    if how == "removed":
        shutil.rmtree(aside)
        again = await app.jobs.command(job.id, command, origin="test")
        if command is Command.RESUME:
            stands = await follower.until(job.id, JobState.PAUSED, *ENDED)
            assert (stands.state, stands.pause.reason) == (JobState.PAUSED, "session_not_found")
            again = await app.jobs.command(job.id, Command.CANCEL, origin="test")
        assert (again.state, again.error.code) == (JobState.CANCELLED, "session_not_found")
    else:
        aside.rename(directory)
        await app.jobs.command(job.id, command, origin="test")
        ended = await follower.until(job.id, *ENDED)
        wanted = {Command.CANCEL: JobState.CANCELLED}.get(command, JobState.COMPLETED)
        assert ended.state is wanted
        assert (await app.storage.get_session(job.session_id)).state is PassState(wanted.value)
        if command is Command.RESUME:
            assert ended.result.saved == 30
    following = await app.jobs.submit_scan(a_scan(title="Next"), "test")
    assert (await follower.until(following.id, *ENDED)).result.saved == 4


async def test_a_job_at_work_finds_out_by_itself_that_its_session_is_gone(app, follower):
    """Or that it is not: what was said of it is not believed."""
    job = await app.jobs.submit_scan(a_scan(shots=12), "test")
    await follower.photo()
    app.bus.publish(SessionDeleted(session_id=job.session_id))
    assert (await follower.until(job.id, JobState.PAUSED, *ENDED)).result.saved == 12


async def test_what_waits_in_the_other_lane_is_done_after_restoring(app, follower, monkeypatch):
    other = await cancelled_scan(app, follower)
    job = await paused_scan(app, follower)
    await app.storage.checkpoints.save(job.session_id, "early", origin="test")
    building = Held(app.storage.publish_export)
    monkeypatch.setattr(app.storage, "publish_export", building)
    await app.jobs.submit_export(other.session_id, "colmap", "test")
    waiting = await app.jobs.submit_verify(job.session_id, "test")
    await building.reached.wait()
    await app.jobs.restore_checkpoint(job.session_id, "early", "test")
    assert app.jobs.get(waiting.id).state is JobState.PENDING
    building.let_go()
    assert (await follower.until(waiting.id, *ENDED)).state is JobState.COMPLETED


async def test_a_session_that_goes_just_when_its_pass_is_complete(app, follower, monkeypatch):
    finish = PassWriter.finish

    missing = Failing(app.storage.get_session, SessionNotFoundError("it is gone"), times=0)
    monkeypatch.setattr(app.storage, "get_session", missing)

    async def finish_and_hide(writer, reason):
        await finish(writer, reason)
        missing.left = 1

    monkeypatch.setattr(PassWriter, "finish", finish_and_hide)
    job = await app.jobs.submit_scan(a_scan("one", "two"), "test")
    stands = await follower.until(job.id, JobState.PAUSED, *ENDED)
    assert (stands.state, stands.pause.reason) == (JobState.PAUSED, "session_not_found")
    await app.jobs.command(job.id, Command.CANCEL, origin="test")


async def test_a_session_that_is_free_is_one_that_no_job_has(app):
    app.jobs.require_free(SessionId("20200101-000000-none"))
