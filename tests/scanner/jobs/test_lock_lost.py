"""Several scanners on one data directory: a pass that is somebody else's, and one that somebody takes away by force."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from msgspec.structs import replace

from scanner.engine.saving import Saver
from scanner.errors import LockLostError, PassLockedError, StorageError
from scanner.events import PhotoSaved
from scanner.hardware.sim.camera import SimCamera
from scanner.model import JobId, PassName
from scanner.states import ENDED, Command, JobState, PassState, ShotState
from scanner.storage.work.writer import PassWriter
from tests.scanner.jobs.following import PATIENCE, a_pass, a_scan, before_the_pause, daemon, paused_scan
from tests.scanner.jobs.sharing import MAIN, another, force
from tests.support.doubles import Failing, Held, turns
from tests.support.twin import dark, still

LOST = LockLostError("web:eve took pass main by force: wrong object")


async def saved_shots(app, session_id, name=MAIN):
    return [shot.shot for shot in await app.storage.shots(session_id, name) if shot.state is ShotState.SAVED]


def photos(follower) -> list[PhotoSaved]:
    return [one.event for one in follower.seen if isinstance(one.event, PhotoSaved)]


async def assert_failed(app, job):
    assert (job.state, job.error.code) == (JobState.FAILED, "lock_lost")
    assert (job.pause, job.order) == (None, None)
    async with app.rig._in_use:
        assert dark(app.devices)
        assert still(app.devices)


async def force_while(at_work, monkeypatch, other, session_id) -> None:
    if at_work == "moving":
        await force(other, session_id)
        return
    place, call = (SimCamera, "capture") if at_work == "exposing" else (Saver, "_save_one")
    held = Held(getattr(place, call))
    monkeypatch.setattr(place, call, held)
    await held.reached.wait()
    await force(other, session_id)
    held.let_go()


@pytest.mark.parametrize("at_work", ["moving", "exposing", "saving"])
async def test_a_pass_taken_away_by_force_is_left_alone_and_the_next_job_runs(demo, monkeypatch, at_work):
    config = replace(demo, storage=replace(demo.storage, beat=0.05))
    async with daemon(config) as (app, follower), another(config) as other:
        job = await app.jobs.submit_scan(a_scan(shots=30), "test")
        following = await app.jobs.submit_scan(a_scan(title="Next"), "test")
        await follower.photo()
        await force_while(at_work, monkeypatch, other, job.session_id)
        ended = await follower.until(job.id, *ENDED)
        assert "web:eve" in ended.error.message
        assert "wrong object" in ended.error.message
        journals = sorted((config.data_dir / "sessions" / job.session_id).glob("metadata/passes/main/journal*"))
        before = [path.read_bytes() for path in journals]
        next_one = await follower.until(following.id, *ENDED)
        await assert_failed(app, ended)
        assert next_one.result.saved == 4
        assert [path.read_bytes() for path in journals] == before
        follower.drain()
        announced = [one for one in photos(follower) if one.session_id == job.session_id]
        on_disk = await saved_shots(app, job.session_id)
        assert {one.photo.shot for one in announced} <= set(on_disk)
        assert len(on_disk) <= len(announced) + 1  # one that was durable but not yet announced when it was taken over
        again = await app.jobs.resume_pass(job.session_id, MAIN, "test")
        assert (await follower.until(again.id, *ENDED)).result.saved == 30
        assert await saved_shots(app, job.session_id) == list(range(1, 31))


async def test_a_loss_is_noticed_while_nothing_is_saved(demo):
    """By the heartbeat: the rig settles for minutes meanwhile."""
    config = replace(demo, storage=replace(demo.storage, beat=0.05))
    async with daemon(config) as (app, follower), another(config) as other:
        job = await app.jobs.submit_scan(a_scan(shots=4, settle=60.0), "test")
        await follower.phase("settle")
        await force(other, job.session_id)
        await assert_failed(app, await follower.until(job.id, *ENDED))


@pytest.mark.parametrize("command", [Command.PAUSE, Command.CANCEL, Command.FINISH, Command.HALT])
async def test_orders_do_not_hide_that_the_pass_is_lost(app, follower, command):
    async with another(app.config) as other:
        job = await app.jobs.submit_scan(a_scan(shots=30), "test")
        await follower.photo()
        forcing = asyncio.ensure_future(force(other, job.session_id))
        await turns(3)
        await app.jobs.command(job.id, command, origin="test")
        await forcing
        stands = await follower.until(job.id, *ENDED, JobState.PAUSED)
        if stands.state is JobState.FAILED:
            await assert_failed(app, stands)
        else:
            assert stands.error is None
        if stands.state is JobState.PAUSED:
            await app.jobs.command(job.id, Command.CANCEL, origin="test")
        following = await app.jobs.submit_scan(a_scan(title="Next"), "test")
        assert (await follower.until(following.id, *ENDED)).result.saved == 4


@pytest.mark.parametrize("method", ["finish", "cancel", "pause", "start"])
async def test_a_loss_noticed_at_the_end_fails_the_job(app, follower, monkeypatch, method):
    monkeypatch.setattr(PassWriter, method, Failing(getattr(PassWriter, method), LOST))
    job = await app.jobs.submit_scan(a_scan(shots=12), "test")
    if method in {"cancel", "pause"}:
        await follower.photo()
        await app.jobs.command(job.id, Command(method), origin="test")
    ended = await follower.until(job.id, *ENDED)
    await assert_failed(app, ended)
    assert ended.error.message == LOST.message


@pytest.mark.parametrize("command", [Command.FINISH, Command.CANCEL])
async def test_a_paused_job_that_is_ended_just_when_its_pass_is_lost(app, follower, monkeypatch, command):
    job = await paused_scan(app, follower, shots=12)
    monkeypatch.setattr(PassWriter, command.value, Failing(getattr(PassWriter, command.value), LOST))
    ended = await app.jobs.command(job.id, command, origin="test")
    await assert_failed(app, ended)


@pytest.mark.parametrize("order", ["finish", "cancel"])
async def test_a_pass_ended_by_name_just_when_it_is_lost(app, follower, monkeypatch, order):
    job = await app.jobs.submit_scan(a_scan("one", "two", shots=12), "test")
    await follower.photo()
    end = app.jobs.finish_pass if order == "finish" else app.jobs.cancel_pass
    monkeypatch.setattr(PassWriter, order, Failing(getattr(PassWriter, order), LOST))

    before_the_pause(monkeypatch, lambda: end(job.session_id, PassName("one"), "test"))
    await app.jobs.command(job.id, Command.PAUSE, origin="test")
    await assert_failed(app, await follower.until(job.id, *ENDED))


async def resume(app, job, by: str):
    """In one of the two ways."""
    if by == "name":
        return await app.jobs.resume_pass(job.session_id, PassName("one"), "test")
    return await app.jobs.command(job.id, Command.RESUME, origin="test")


@pytest.mark.parametrize("by", ["name", "job"])
async def test_going_on_with_what_another_scanner_works_on_is_refused_at_once(app, follower, by):
    """Though an own job has the pass; it stays as it was."""
    async with another(app.config) as other:
        job = await paused_scan(app, follower, "one", "two", shots=12)
        handle = await other.handle(job.session_id)
        async with other.open_pass(handle, PassName("one"), job_id=JobId("j-studio"), origin="web:eve") as writer:
            with pytest.raises(PassLockedError, match="web:eve works on pass one") as caught:
                await resume(app, job, by)
            assert caught.value.detail["host"] == writer.record.host
            await turns()
            assert app.jobs.get(job.id) == job
        await resume(app, job, by)
        assert (await follower.until(job.id, JobState.PAUSED)).pause.reason == "turn_object"
        assert await saved_shots(app, job.session_id, PassName("one")) == list(range(1, 13))


async def test_a_start_on_a_pass_that_another_scanner_works_on(demo):
    """It would go on by itself, and stands still instead."""
    config = replace(demo, resume_on_start="auto")
    async with daemon(config) as (app, follower):
        job = await app.jobs.submit_scan(a_scan(shots=30), "test")
        await follower.photo()
    async with another(config) as other:
        handle = await other.handle(job.session_id)
        at_work = other.open_pass(handle, MAIN, job_id=JobId("j-studio"), origin="web:eve")
        async with at_work, daemon(config) as (app, follower), asyncio.timeout(PATIENCE):
            while (stands := app.jobs.get(job.id)).pause is None or stands.pause.by == "restart":
                await follower.next()
            assert (stands.state, stands.pause.reason) == (JobState.PAUSED, "pass_locked")


async def test_a_pass_that_another_scanner_works_on_is_not_begun(app, follower, monkeypatch):
    """Also where nobody can say so beforehand."""
    async with another(app.config) as other:
        job = await paused_scan(app, follower, "one", "two", shots=12)
        handle = await other.handle(job.session_id)
        unknown = Failing(app.storage.locks.active, StorageError("the disk is gone"))
        monkeypatch.setattr(app.storage.locks, "active", unknown)
        async with other.open_pass(handle, PassName("one"), job_id=JobId("j-studio"), origin="web:eve"):
            for _ in range(2):
                await app.jobs.command(job.id, Command.RESUME, origin="test")
                stands = await follower.until(job.id, JobState.PAUSED)
                assert (stands.pause.by, stands.pause.reason) == ("fault", "pass_locked")
                assert "web:eve" in stands.pause.message or other._premises.host.name in stands.pause.message
                await turns()
                assert app.jobs.get(job.id) == stands  # nothing spins
            stands = await app.jobs.command(job.id, Command.FINISH, origin="test")
            assert (stands.state, stands.pause.reason) == (JobState.PAUSED, "pass_locked")
        await app.jobs.command(job.id, Command.RESUME, origin="test")
        await follower.until(job.id, JobState.PAUSED)
        await app.jobs.command(job.id, Command.RESUME, origin="test")
        assert (await follower.until(job.id, *ENDED)).result.saved == 24


async def test_a_pass_that_is_locked_for_a_moment_is_waited_for(app, follower, monkeypatch):
    """A checkpoint is being saved just when somebody resumes."""
    job = await paused_scan(app, follower, shots=12)
    handle = await app.storage.handle(job.session_id)
    held, tried, opening = AsyncExitStack(), asyncio.Event(), app.storage.open_pass
    await held.enter_async_context(opening(handle, MAIN, job_id=None, origin="test"))

    @asynccontextmanager
    async def try_and_tell(*args, **options):
        try:
            async with opening(*args, **options) as writer:
                yield writer
        finally:
            tried.set()

    monkeypatch.setattr(app.storage, "open_pass", try_and_tell)
    await app.jobs.command(job.id, Command.RESUME, origin="test")
    await tried.wait()
    await held.aclose()
    assert (await follower.until(job.id, JobState.PAUSED, *ENDED)).result.saved == 12


async def test_a_job_whose_pass_another_scanner_works_on_can_be_cancelled(app, follower):
    async with another(app.config) as other:
        job = await paused_scan(app, follower, "one", "two", shots=12)
        handle = await other.handle(job.session_id)
        async with other.open_pass(handle, PassName("one"), job_id=None, origin="web:eve") as writer:
            ended = await app.jobs.command(job.id, Command.CANCEL, origin="test")
            assert ended.state is JobState.CANCELLED
            assert writer.progress.state is PassState.PAUSED
            states = {info.name: info.state for info in (await app.storage.get_session(job.session_id)).passes}
            assert states["two"] is PassState.CANCELLED
            assert states["one"] is not PassState.CANCELLED


async def hold_the_camera(app, monkeypatch) -> Held:
    """From now on its scan stands at its next exposure."""
    camera = app.devices.cameras["main"]
    held = Held(camera.capture)
    monkeypatch.setattr(camera, "capture", held)
    await held.reached.wait()
    return held


async def test_two_scanners_work_on_two_passes_of_one_session(demo, monkeypatch):
    async with daemon(demo) as (here, follower):
        job = await here.jobs.submit_scan(a_scan("one", shots=20), "test")
        await follower.photo()
        held = await hold_the_camera(here, monkeypatch)
        async with daemon(replace(demo, state_dir=demo.state_dir.parent / "studio")) as (there, their_follower):
            second = await there.jobs.submit_pass(job.session_id, a_pass("two", 20), "test")
            await their_follower.photo()
            assert here.jobs.get(job.id).state is JobState.RUNNING  # at the same time
            held.let_go()
            ended = await their_follower.until(second.id, *ENDED)
            assert (ended.state, ended.result.saved) == (JobState.COMPLETED, 20)
        assert (await follower.until(job.id, *ENDED)).result.saved == 20
        assert await saved_shots(here, job.session_id, PassName("one")) == list(range(1, 21))
        assert await saved_shots(here, job.session_id, PassName("two")) == list(range(1, 21))


async def test_a_pass_that_is_scanned_elsewhere_is_refused_by_name_with_its_owner(demo, monkeypatch):
    async with daemon(demo) as (here, follower):
        job = await here.jobs.submit_scan(a_scan(shots=60), "web:anna")
        await follower.photo()
        held = await hold_the_camera(here, monkeypatch)
        async with daemon(replace(demo, state_dir=demo.state_dir.parent / "studio")) as (there, _):
            await there.storage.reconcile()
            for order in (there.jobs.resume_pass, there.jobs.finish_pass, there.jobs.cancel_pass):
                with pytest.raises(PassLockedError, match="web:anna works on pass main") as caught:
                    await order(job.session_id, MAIN, "web:eve")
                assert caught.value.detail["job_id"] == job.id
            assert there.jobs.list() == ()
            assert here.jobs.get(job.id).state is JobState.RUNNING
            held.let_go()
            await here.jobs.command(job.id, Command.PAUSE, origin="web:anna")
            await follower.until(job.id, JobState.PAUSED)
            taken_up = await there.jobs.finish_pass(job.session_id, MAIN, "web:eve")  # a paused pass is anybody's
            assert taken_up.state is JobState.COMPLETED
