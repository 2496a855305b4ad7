"""A store that fails: nothing counts as done that is not on disk, and what failed can be tried again."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest

from scanner.errors import PassLockedError, StorageError
from scanner.jobs.passwork import MOMENTS
from scanner.model import PassName, SessionId
from scanner.states import ENDED, Command, JobState, PassState
from scanner.storage.work.writer import PassWriter
from tests.scanner.jobs.following import a_pass, a_scan, before_the_pause, paused_scan
from tests.support.doubles import Failing
from tests.support.twin import dark, still

GONE = StorageError("the disk is gone", reason="io_error")


async def pass_state(app, session_id) -> PassState:
    return (await app.storage.get_session(session_id)).passes[0].state


def sessions_on_disk(app) -> list[str]:
    return [path.name for path in (app.config.data_dir / "sessions").iterdir() if not path.name.startswith(".")]


async def test_a_scan_whose_job_cannot_be_written_down_leaves_nothing(app, monkeypatch):
    monkeypatch.setattr(app.storage.jobs, "put", Failing(app.storage.jobs.put, GONE, times=1))
    with pytest.raises(StorageError):
        await app.jobs.submit_scan(a_scan(), "test", idempotency_key="k", digest="d")
    assert sessions_on_disk(app) == []
    assert app.jobs.list() == ()
    again = await app.jobs.submit_scan(a_scan(), "test", idempotency_key="k", digest="d")
    assert sessions_on_disk(app) == [again.session_id]


async def test_a_pass_whose_job_cannot_be_written_down_leaves_nothing(app, follower, monkeypatch):
    job = await app.jobs.submit_scan(a_scan(shots=1), "test")
    await follower.until(job.id, *ENDED)
    monkeypatch.setattr(app.storage.jobs, "put", Failing(app.storage.jobs.put, GONE, times=1))
    with pytest.raises(StorageError):
        await app.jobs.submit_pass(job.session_id, a_pass("two"), "test")
    assert [info.name for info in (await app.storage.get_session(job.session_id)).passes] == ["main"]
    again = await app.jobs.submit_pass(job.session_id, a_pass("two"), "test")
    assert (await follower.until(again.id, *ENDED)).result.saved == 4


async def test_a_job_list_that_cannot_be_written_does_not_hide_the_truth(app, follower, monkeypatch, caplog):
    monkeypatch.setattr(app.storage.jobs, "put", Failing(app.storage.jobs.put, GONE, when=lambda job: job.started_at))
    job = await app.jobs.submit_scan(a_scan(), "test")
    ended = await follower.until(job.id, *ENDED)
    assert (ended.state, ended.result.saved) == (JobState.COMPLETED, 4)
    assert "could not be written down" in caplog.text


async def test_an_end_that_is_not_on_disk_is_none(app, follower, monkeypatch):
    """A paused job whose pass cannot be finished stands still with the fault, and is finished by saying it again."""
    job = await paused_scan(app, follower, shots=12)
    monkeypatch.setattr(PassWriter, "finish", Failing(PassWriter.finish, GONE, times=1))
    stands = await app.jobs.command(job.id, Command.FINISH, origin="test")
    assert (stands.state, stands.pause.by) == (JobState.PAUSED, "fault")
    assert await pass_state(app, job.session_id) is PassState.PAUSED
    assert (await app.jobs.command(job.id, Command.FINISH, origin="test")).state is JobState.COMPLETED
    assert await pass_state(app, job.session_id) is PassState.COMPLETED


async def test_a_job_is_cancelled_though_that_is_not_on_disk_and_says_so(app, follower, monkeypatch, caplog):
    """What could not be written down does not count as cancelled: it goes on where it stood."""
    job = await paused_scan(app, follower, "one", "two", shots=4)
    monkeypatch.setattr(PassWriter, "cancel", Failing(PassWriter.cancel, GONE, times=2))
    ended = await app.jobs.command(job.id, Command.CANCEL, origin="test")
    assert (ended.state, ended.pause, ended.error.code) == (JobState.CANCELLED, None, GONE.code)
    said = (
        "That it is cancelled could not be written down for pass one and pass two, which can be resumed later: the disk"
        " is gone"
    )
    assert ended.error.message == said
    assert said in caplog.text
    session = await app.storage.get_session(job.session_id)
    assert [info.state for info in session.passes] == [PassState.PAUSED, PassState.PLANNED]
    assert ended.result.saved == ended.progress.done == session.photos
    again = await app.jobs.resume_pass(job.session_id, PassName("one"), "test")
    assert (await follower.until(again.id, *ENDED)).result.saved == 4


async def test_a_run_is_cancelled_though_that_is_not_on_disk(app, follower, monkeypatch):
    monkeypatch.setattr(PassWriter, "cancel", Failing(PassWriter.cancel, GONE, times=2))  # it is tried again at once
    job = await app.jobs.submit_scan(a_scan(shots=6), "test")
    await follower.photo()
    await app.jobs.command(job.id, Command.CANCEL, origin="test")
    ended = await follower.until(job.id, JobState.PAUSED, *ENDED)
    assert (ended.state, ended.error.code) == (JobState.CANCELLED, GONE.code)
    assert await pass_state(app, job.session_id) not in {PassState.COMPLETED, PassState.CANCELLED}
    assert (dark(app.devices), still(app.devices)) == (True, True)
    again = await app.jobs.resume_pass(job.session_id, PassName("main"), "test")
    assert (await follower.until(again.id, *ENDED)).result.saved == 6


@pytest.mark.parametrize("command", [None, Command.FINISH])
async def test_a_run_whose_end_is_not_on_disk_has_not_ended(app, follower, monkeypatch, command):
    monkeypatch.setattr(PassWriter, "finish", Failing(PassWriter.finish, GONE, times=1))
    job = await app.jobs.submit_scan(a_scan(shots=6), "test")
    await follower.photo()
    if command is not None:
        await app.jobs.command(job.id, command, origin="test")
    paused = await follower.until(job.id, JobState.PAUSED, *ENDED)
    assert (paused.state, paused.pause.by) == (JobState.PAUSED, "fault")
    assert await pass_state(app, job.session_id) is not PassState.COMPLETED
    await app.jobs.command(job.id, Command.RESUME, origin="test")
    ended = await follower.until(job.id, *ENDED)
    assert (ended.state, ended.result.saved) == (JobState.COMPLETED, 6)


async def test_a_waiting_job_of_a_session_that_cannot_be_read_can_be_cancelled(app, follower, monkeypatch):
    first = await app.jobs.submit_scan(a_scan("one", "two"), "test")
    await follower.until(first.id, JobState.PAUSED)  # keeps the lane
    job = await app.jobs.submit_scan(a_scan(title="Second"), "test")
    monkeypatch.setattr(app.storage, "get_session", Failing(app.storage.get_session, GONE, times=1))
    ended = await app.jobs.command(job.id, Command.CANCEL, origin="test")
    assert (ended.state, ended.result, ended.progress.done) == (JobState.CANCELLED, None, 0)
    assert ended.error.message.endswith("for what is left of its passes, which can be resumed later: the disk is gone")
    assert await pass_state(app, job.session_id) is PassState.PLANNED


@pytest.mark.parametrize("call", ["get_session", "handle", "open_pass"])
async def test_a_pass_that_cannot_be_opened_pauses_its_job(app, follower, monkeypatch, call):
    times, opening = [1] * (len(MOMENTS) + 1), app.storage.open_pass
    if call == "open_pass":

        @asynccontextmanager
        async def locked(*args, **options):
            if times:
                times.pop()
                message = "pass main is worked on by another daemon"
                raise PassLockedError(message)
            async with opening(*args, **options) as writer:
                yield writer

        monkeypatch.setattr(app.storage, call, locked)
    else:
        monkeypatch.setattr(app.storage, call, Failing(getattr(app.storage, call), GONE, times=1))
    job = await app.jobs.submit_scan(a_scan(), "test")
    paused = await follower.until(job.id, JobState.PAUSED, *ENDED)
    assert (paused.state, paused.pause.by) == (JobState.PAUSED, "fault")
    assert paused.elapsed_s == app.jobs.get(job.id).elapsed_s  # its clock stands still
    await app.jobs.command(job.id, Command.RESUME, origin="test")
    assert (await follower.until(job.id, *ENDED)).result.saved == 4


async def test_a_session_that_cannot_be_read_after_a_pass_still_asks_to_turn_the_object(app, follower, monkeypatch):
    finish = PassWriter.finish
    failing = Failing(app.storage.get_session, GONE, times=0)
    monkeypatch.setattr(app.storage, "get_session", failing)

    async def finish_and_fail(writer, reason):
        await finish(writer, reason)
        failing.left = 1

    monkeypatch.setattr(PassWriter, "finish", finish_and_fail)
    job = await app.jobs.submit_scan(a_scan("one", "two"), "test")
    paused = await follower.until(job.id, JobState.PAUSED, *ENDED)
    assert (paused.state, paused.pause.by) == (JobState.PAUSED, "fault")
    monkeypatch.setattr(PassWriter, "finish", finish)
    turn = await app.jobs.command(job.id, Command.RESUME, origin="test")
    assert (turn.state, turn.pause.reason) == (JobState.PAUSED, "turn_object")
    await app.jobs.command(job.id, Command.RESUME, origin="test")
    assert (await follower.until(job.id, *ENDED)).result.saved == 8


async def test_a_skip_that_is_not_on_disk_is_none(app, follower, monkeypatch):
    job = await app.jobs.submit_scan(a_scan(shots=6), "test")
    await follower.photo()
    app.faults.camera_dead = True
    paused = await follower.until(job.id, JobState.PAUSED)
    app.faults.camera_dead = False
    monkeypatch.setattr(PassWriter, "skip", Failing(PassWriter.skip, GONE, times=1))
    with pytest.raises(StorageError):
        await app.jobs.command(job.id, Command.SKIP, origin="test")
    assert (app.jobs.get(job.id).state, app.jobs.get(job.id).shot) == (JobState.PAUSED, paused.shot)
    await app.jobs.command(job.id, Command.SKIP, origin="test")
    ended = await follower.until(job.id, *ENDED)
    assert (ended.result.saved, ended.result.skipped) == (5, 1)


@pytest.mark.parametrize("command", [Command.FINISH, Command.CANCEL])
@pytest.mark.parametrize("fails", [False, True])
async def test_a_pass_ended_by_name_just_after_its_run_decided_to_pause(app, follower, monkeypatch, command, fails):
    job = await app.jobs.submit_scan(a_scan("one", "two", shots=12), "test")
    await follower.photo()
    method = command.value
    end = app.jobs.finish_pass if command is Command.FINISH else app.jobs.cancel_pass
    if fails:
        monkeypatch.setattr(PassWriter, method, Failing(getattr(PassWriter, method), GONE, times=1))

    before_the_pause(monkeypatch, lambda: end(job.session_id, PassName("one"), "test"))
    await app.jobs.command(job.id, Command.PAUSE, origin="test")
    paused = await follower.until(job.id, JobState.PAUSED, *ENDED)
    assert paused.state is JobState.PAUSED
    if fails:
        assert paused.pause.by == "fault"
        assert await pass_state(app, job.session_id) is PassState.PAUSED
    else:
        assert paused.pause.reason == "turn_object"
        over = PassState.COMPLETED if command is Command.FINISH else PassState.CANCELLED
        assert await pass_state(app, job.session_id) is over


async def test_a_fault_in_the_program_fails_its_job_and_no_other(app, follower, monkeypatch, caplog):
    boom = Failing(app.storage.handle, ZeroDivisionError("a bug"), times=1)
    monkeypatch.setattr(app.storage, "handle", boom)
    job = await app.jobs.submit_scan(a_scan(), "test")
    other = await app.jobs.submit_scan(a_scan(title="Second"), "test")
    failed = await follower.until(job.id, *ENDED)
    assert (failed.state, failed.error.code) == (JobState.FAILED, "internal")
    assert "a bug" in caplog.text
    assert (await follower.until(other.id, *ENDED)).state is JobState.COMPLETED
    assert dark(app.devices)
    assert still(app.devices)


async def test_an_export_of_a_session_that_cannot_be_read_fails(app, follower, monkeypatch):
    scan = await app.jobs.submit_scan(a_scan(), "test")
    await follower.until(scan.id, *ENDED)
    monkeypatch.setattr(app.storage, "publish_export", Failing(app.storage.publish_export, GONE, times=1))
    job = await app.jobs.submit_export(scan.session_id, "colmap", "test")
    failed = await follower.until(job.id, *ENDED)
    assert (failed.state, failed.error.message) == (JobState.FAILED, GONE.message)


async def test_a_list_that_cannot_be_tidied_stays(app, follower, monkeypatch):
    job = await app.jobs.submit_scan(a_scan(), "test")
    await follower.until(job.id, *ENDED)
    monkeypatch.setattr(app.storage.jobs, "delete", Failing(app.storage.jobs.delete, GONE, times=1))
    with pytest.raises(StorageError):
        await app.jobs.clear()
    assert [one.id for one in app.jobs.list()] == [job.id]
    await app.jobs.clear()
    assert app.jobs.list() == ()


async def test_a_key_whose_job_has_ended_and_was_forgotten_gives_one_that_has_ended(app, follower):
    job = await app.jobs.submit_scan(a_scan(shots=12), "test", idempotency_key="k", digest="d")
    await follower.photo()
    await app.jobs.command(job.id, Command.CANCEL, origin="test")
    await follower.until(job.id, *ENDED)
    await app.jobs.clear()
    again = await app.jobs.submit_scan(a_scan(shots=12), "test", idempotency_key="k", digest="d")
    assert (again.session_id, again.state) == (job.session_id, JobState.CANCELLED)
    assert sessions_on_disk(app) == [SessionId(job.session_id)]
