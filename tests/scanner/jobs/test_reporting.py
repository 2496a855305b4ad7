"""The rows of ``GET /api/jobs/report``, and what a waiting job waits for."""

from __future__ import annotations

from scanner.states import ENDED, Command, JobState
from tests.scanner.jobs.following import a_scan


async def test_every_job_is_a_row(app, follower):
    done = await app.jobs.submit_scan(a_scan("one", "two"), "test")
    await follower.until(done.id, JobState.PAUSED)
    at_work = {row.id: row for row in app.jobs.report()}[done.id]
    assert (at_work.state, at_work.photos, at_work.bytes, at_work.ended_at) == (JobState.PAUSED, 4, 0, None)
    await app.jobs.command(done.id, Command.RESUME, origin="test")
    ended = await follower.until(done.id, *ENDED)
    reindex = await app.jobs.submit_reindex("test")
    await follower.until(reindex.id, *ENDED)
    app.faults.camera_dead = True
    scan, file = app.jobs.report()
    assert (scan.id, scan.kind, scan.title, scan.session_id) == (done.id, "scan", "Blue vase", done.session_id)
    assert (scan.passes, scan.state, scan.error) == (("one", "two"), JobState.COMPLETED, None)
    assert (scan.created_at, scan.started_at, scan.ended_at) == (ended.created_at, ended.started_at, ended.ended_at)
    assert (scan.photos, scan.bytes, scan.worked_s) == (8, ended.result.bytes, ended.elapsed_s)
    assert scan.bytes > 0
    assert scan.worked_s > 0
    assert (file.kind, file.session_id, file.photos, file.bytes) == ("reindex", None, 0, 0)


async def test_a_row_says_why_a_job_failed(app, follower, monkeypatch):
    scan = await app.jobs.submit_scan(a_scan("one", "two"), "test")
    await app.jobs.command(scan.id, Command.CANCEL, origin="test")
    await follower.until(scan.id, *ENDED)
    monkeypatch.setattr("scanner.exports.source.read_source", boom)
    export = await app.jobs.submit_export(scan.session_id, "colmap", "test")
    failed = await follower.until(export.id, *ENDED)
    assert failed.state is JobState.FAILED
    assert (
        app.jobs.report()[-1].error == failed.error.message == "a fault in the program: ZeroDivisionError; see the log"
    )


async def boom(*_: object) -> None:
    raise ZeroDivisionError


async def test_a_waiting_job_says_which_one_has_the_lane(app, follower):
    first = await app.jobs.submit_scan(a_scan("one", "two"), "test")
    await follower.until(first.id, JobState.PAUSED)
    second = await app.jobs.submit_scan(a_scan(title="Second"), "test")
    third = await app.jobs.submit_scan(a_scan(title="Third"), "test")
    assert (second.waits_for, third.waits_for) == (first.id, first.id)
    assert {job.id: job.waits_for for job in app.jobs.list()} == {
        first.id: None,
        second.id: first.id,
        third.id: first.id,
    }
    await app.jobs.command(first.id, Command.CANCEL, origin="test")
    ended = await follower.until(third.id, *ENDED)
    assert (ended.queue_position, ended.waits_for) == (None, None)
