"""A disk that fails in mid-scan: the job pauses with the reason, loses nothing announced, goes on after the cure."""

from __future__ import annotations

import errno
import hashlib

import pytest

from scanner.app import App, open_app
from scanner.errors import SessionBusyError, StorageError
from scanner.model import PassName, SessionId
from scanner.states import ENDED, Command, JobState, PassState
from scanner.storage.disk.layout import Layout
from scanner.storage.work.passdisk import PassDisk
from tests.scanner.jobs.following import Follower, a_scan
from tests.scanner.storage.support import FailingFiles, FullFiles
from tests.support.sample import sample

SHOTS = 6
REASONS = {
    errno.ENOSPC: "disk_full",
    errno.EIO: "storage_fault",
    errno.EROFS: "storage_fault",
    errno.EMFILE: "storage_fault",
}


async def on_disk(app: App, session_id: SessionId) -> dict[int, str]:
    """The checksum of every photo's file, by shot."""
    photos = await app.storage.photos(session_id)
    paths = {photo.shot: await app.storage.photo_file(session_id, photo.name) for photo in photos}
    return {shot: hashlib.sha256(path.read_bytes()).hexdigest() for shot, path in paths.items()}


async def told(follower: Follower) -> dict[int, str]:
    follower.drain()
    return {one.event.photo.shot: one.event.photo.sha256 for one in follower.seen if hasattr(one.event, "photo")}


@pytest.mark.parametrize("number", REASONS, ids=errno.errorcode.get)
async def test_every_operation_failing_for_good(demo, number, figures):
    """Operation n after the first photo fails and so do all after it, until somebody cures the disk."""
    files, struck = FailingFiles(), 0
    app = await open_app(demo, demo=True, files=files)
    try:
        for at in range(1, sample(20, 60), sample(4, 1)):
            follower = Follower(app)
            job = await app.jobs.submit_scan(a_scan(shots=SHOTS), "test")
            await follower.photo()
            files.arm(at, number, for_good=True)
            ended = await follower.until(job.id, *ENDED, JobState.PAUSED)
            files.arm(None)
            if ended.state is JobState.PAUSED:
                struck += 1
                assert (ended.pause.by, ended.pause.reason) == ("fault", REASONS[number]), files.failed
                await app.jobs.command(job.id, Command.RESUME, origin="test")
                await follower.until(job.id, *ENDED)
            assert app.jobs.get(job.id).state is JobState.COMPLETED
            found = await on_disk(app, job.session_id)
            assert (await told(follower)).items() <= found.items(), files.failed  # more: adopted, whole but unannounced
            assert sorted(found) == list(range(1, SHOTS + 1))
            follower.close()
    finally:
        await app.close()
    figures(f"{errno.errorcode[number]}: {struck} scans paused and went on")
    assert struck


@pytest.mark.parametrize("number", REASONS, ids=errno.errorcode.get)
async def test_jobs_are_cancelled_while_every_operation_fails(demo, number):
    """One that stands still for it and one that only waits; what was saved is there, and goes on after the cure."""
    files = FailingFiles()
    app = await open_app(demo, demo=True, files=files)
    follower = Follower(app)
    try:
        job = await app.jobs.submit_scan(a_scan(shots=SHOTS), "test")
        waiting = await app.jobs.submit_scan(a_scan("one", "two", title="Second"), "test")
        await follower.photo()
        files.arm(1, number, for_good=True)
        await follower.until(job.id, JobState.PAUSED)
        finish = await app.jobs.command(job.id, Command.FINISH, origin="test")
        assert (finish.state, finish.pause.reason) == (JobState.PAUSED, REASONS[number])
        for one, named in ((waiting, "pass one and pass two"), (job, "pass main")):
            ended = await app.jobs.command(one.id, Command.CANCEL, origin="test")
            assert (ended.state, ended.pause, ended.error.code) == (JobState.CANCELLED, None, REASONS[number])
            assert f"could not be written down for {named}, which can be resumed later: " in ended.error.message
            session = await app.storage.get_session(one.session_id)
            assert not {info.state for info in session.passes} & {PassState.COMPLETED, PassState.CANCELLED}
            app.jobs.require_free(one.session_id)
        named = await app.jobs.cancel_pass(job.session_id, PassName("main"), "test")
        assert (named.state, named.error.code) == (JobState.CANCELLED, REASONS[number])
        files.arm(None)
        assert (await told(follower)).items() <= (await on_disk(app, job.session_id)).items()
        again = await app.jobs.resume_pass(job.session_id, PassName("main"), "test")
        assert (await follower.until(again.id, *ENDED)).result.saved == SHOTS
    finally:
        follower.close()
        await app.close()


async def test_a_scan_that_filled_the_disk_can_be_cancelled_and_deleted(demo):
    """So room can be made with what is at hand; after a restart on the full disk, too."""
    files = FullFiles()
    app = await open_app(demo, demo=True, files=files)
    follower = Follower(app)
    try:
        await app.storage.reconcile()
        job = await app.jobs.submit_scan(a_scan(shots=SHOTS), "test")
        await follower.photo()
        files.unless_gone = Layout(app.config.data_dir, app.config.state_dir).room
        paused = await follower.until(job.id, JobState.PAUSED)
        assert paused.pause.reason == "disk_full"
        with pytest.raises(SessionBusyError):
            await app.jobs.delete_session(job.session_id, "test")
    finally:
        follower.close()
        await app.close()
    app = await open_app(demo, demo=True, files=files)
    try:
        assert (await app.jobs.command(job.id, Command.CANCEL, origin="test")).error.code == "disk_full"
        entry = await app.jobs.delete_session(job.session_id, "test")
        assert (
            [gone.session_id for gone in await app.storage.trash.purge(None)] == [entry.session_id] == [job.session_id]
        )
        assert app.jobs.get(job.id).state is JobState.CANCELLED
    finally:
        await app.close()


async def test_a_disk_that_fails_at_submission_leaves_nothing(demo):
    files = FailingFiles()
    app = await open_app(demo, demo=True, files=files)
    sessions = app.config.data_dir / "sessions"
    try:
        for at in range(1, 100):
            files.arm(at)
            try:
                await app.jobs.submit_scan(a_scan("one", "two"), "test")
            except StorageError:
                assert [path.name for path in sessions.iterdir() if not path.name.startswith(".")] == []
                assert app.jobs.list() == ()
            else:
                break
            finally:
                files.arm(None)
        else:
            pytest.fail("no operation was the last")
    finally:
        await app.close()


async def test_an_end_that_was_written_though_the_disk_failed_then_is_one(app, follower, monkeypatch):
    """The line is there, its fsync failed: whoever resumes finds the pass completed, and the scan goes on."""
    end = PassDisk.end

    def written(disk: PassDisk, *args: object) -> object:
        monkeypatch.setattr(PassDisk, "end", end)
        end(disk, *args)
        raise gone

    gone = StorageError("the disk is gone", reason="io_error")
    monkeypatch.setattr(PassDisk, "end", written)
    job = await app.jobs.submit_scan(a_scan("one", "two", shots=3), "test")
    paused = await follower.until(job.id, JobState.PAUSED)
    assert paused.pause.by == "fault"
    await app.jobs.command(job.id, Command.RESUME, origin="test")
    turned = await follower.until(job.id, JobState.PAUSED, *ENDED)
    assert (turned.pause.reason, turned.pass_) == ("turn_object", "one")
    await app.jobs.command(job.id, Command.RESUME, origin="test")
    ended = await follower.until(job.id, *ENDED)
    assert (ended.state, ended.result.saved) == (JobState.COMPLETED, 6)
    session = await app.storage.get_session(job.session_id)
    assert [info.state.value for info in session.passes] == ["completed", "completed"]
