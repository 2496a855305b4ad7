"""A session removed or copied in under a running daemon that scans: said, and nothing falls over."""

from __future__ import annotations

import shutil

from scanner.events import SessionChanged, SessionDeleted, WarningRaised
from scanner.model import SessionId
from scanner.states import ENDED, Command, JobState
from tests.scanner.jobs.following import Follower, a_scan


async def test_a_session_removed_in_mid_scan_pauses_and_is_said(app):
    follower = Follower(app)
    job = await app.jobs.submit_scan(a_scan(shots=30), "test")
    await follower.photo()
    shutil.rmtree(app.config.data_dir / "sessions" / job.session_id)
    stopped = await follower.until(job.id, *ENDED, JobState.PAUSED)
    assert stopped.state is JobState.PAUSED
    assert stopped.pause.by == "fault"
    await app.storage.watcher.look()
    await app.jobs.command(job.id, Command.CANCEL, origin="test")
    await follower.until(job.id, *ENDED)
    for _ in range(3):
        await app.storage.watcher.look()
    follower.drain()
    events = [one.event for one in follower.seen]
    assert any(isinstance(event, SessionDeleted) and event.session_id == job.session_id for event in events)
    assert (await app.storage.list_sessions()).total == 0
    following = await app.jobs.submit_scan(a_scan(shots=2), "test")
    await follower.until(following.id, *ENDED)
    assert app.jobs.get(following.id).state is JobState.COMPLETED


async def test_a_session_copied_in_beside_a_scan_is_listed_and_the_scan_goes_on(app):
    follower = Follower(app)
    first = await app.jobs.submit_scan(a_scan(shots=2), "test")
    await follower.until(first.id, *ENDED)
    job = await app.jobs.submit_scan(a_scan(shots=6), "test")
    await follower.photo()
    sessions = app.config.data_dir / "sessions"
    shutil.copytree(sessions / first.session_id, sessions / "copied-in")
    await app.storage.watcher.look()
    follower.drain()
    assert SessionChanged(session_id=SessionId("copied-in")) in [one.event for one in follower.seen]
    await follower.until(job.id, *ENDED)
    assert app.jobs.get(job.id).state is JobState.COMPLETED
    assert {session.id for session in (await app.storage.list_sessions()).items} == {
        first.session_id, job.session_id, "copied-in",
    }  # fmt: skip
    assert not [one.event for one in follower.seen if isinstance(one.event, WarningRaised)]
