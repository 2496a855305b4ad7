"""A demo scans an example and turns the object between passes."""

from __future__ import annotations

import asyncio

from scanner.demo import EXAMPLE, object_turner, scan_example
from scanner.errors import StorageError
from scanner.states import ENDED, Command, JobState
from tests.scanner.jobs.following import Follower, a_scan
from tests.support.doubles import Failing


async def test_the_second_pass_finds_the_object_upside_down(app):
    follower = Follower(app)
    lay = []
    async with object_turner(app):
        job = await app.jobs.submit_scan(a_scan("upright", "flipped", "upright-again"), "test")
        for _ in range(3):
            await follower.photo()
            lay.append(app.faults.turned_over)
            await follower.until(job.id, JobState.PAUSED, *ENDED)
            if app.jobs.get(job.id).state is JobState.PAUSED:
                await app.jobs.command(job.id, Command.RESUME, origin="test")
    assert lay == [False, True, False]
    follower.close()


async def test_the_example_is_scanned_once(app):
    await scan_example(app)
    await scan_example(app)
    (job,) = app.jobs.list()
    assert (job.title, job.origin) == (EXAMPLE.title, "demo")


async def test_a_demo_without_room_starts_all_the_same(app, monkeypatch, caplog):
    monkeypatch.setattr(app.guards, "stop_below", 1 << 60)
    await scan_example(app)
    assert app.jobs.list() == ()
    assert "the example scan could not start" in caplog.text


async def test_a_session_that_cannot_be_read_leaves_the_object_as_it_lies(app, monkeypatch, caplog):
    follower = Follower(app)
    async with object_turner(app):
        job = await app.jobs.submit_scan(a_scan("upright", "flipped"), "test")
        await follower.until(job.id, JobState.PAUSED)
        app.faults.turned_over = True
        reading = Failing(app.storage.get_session, StorageError("the disk is gone"), when=by_the_turner)
        monkeypatch.setattr(app.storage, "get_session", reading)
        await app.jobs.command(job.id, Command.RESUME, origin="test")
        assert (await follower.until(job.id, *ENDED)).state is JobState.COMPLETED
    assert app.faults.turned_over
    assert "the object was not turned" in caplog.text
    follower.close()


def by_the_turner(*_: object) -> bool:
    return asyncio.current_task().get_name() == "object turner"
