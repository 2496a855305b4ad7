"""A demo scans an example and turns the object between passes."""

from __future__ import annotations

from scanner.demo import EXAMPLE, object_turner, scan_example
from scanner.states import ENDED, Command, JobState
from tests.scanner.jobs.following import Follower, a_scan


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
