"""Migrate and import as jobs: what they did is said, and a dry run does nothing."""

from __future__ import annotations

import asyncio
import shutil

import pytest
from msgspec.structs import replace

from scanner.clock import SystemClock
from scanner.errors import InvalidError, SessionBusyError, SessionNotFoundError
from scanner.events import SessionChanged
from scanner.states import ENDED, Command, JobState, PassState
from scanner.storage import StorageManager
from tests.scanner.jobs.following import a_pass, a_scan, daemon
from tests.scanner.storage.formats.support import PLAIN, dual, picture, raspi, tree_hash, write
from tests.support.doubles import Held

OTHER = "5d3c0d8e-11aa-4a7b-9a55-1f0a3b3c4d5e"


def old_folders(directory):
    directory.mkdir(parents=True)
    raspi(directory, title="Blue vase")
    raspi(directory, OTHER, title="Red jug")
    write(directory / "holiday" / "beach.jpg", picture(1))
    return directory


@pytest.fixture
def elsewhere(tmp_path):
    return old_folders(tmp_path / "elsewhere")


async def ended(follower, job):
    return await follower.until((await job).id, *ENDED)


async def titles(app):
    return sorted((one.title, one.format) for one in (await app.storage.list_sessions()).items)


async def test_an_import_copies_says_what_it_did_and_does_it_once(app, follower, elsewhere):
    before = tree_hash(elsewhere)

    def submit(*, dry_run=False):
        return app.jobs.submit_import(str(elsewhere), "Europe/Berlin", "test", dry_run=dry_run)

    tried = await ended(follower, submit(dry_run=True))
    assert (tried.state, tried.result.saved, await titles(app)) == (JobState.COMPLETED, 0, [])
    assert len(tried.result.notes) >= 2
    done = await ended(follower, submit())
    assert (done.state, done.result.saved) == (JobState.COMPLETED, 2), done
    assert done.result.bytes > 0
    assert (done.progress.done, done.progress.unit) == (done.progress.total, "sessions")
    assert [title for title, _ in await titles(app)] == ["Blue vase", "Red jug"]
    again = await ended(follower, submit())
    assert (again.state, again.result.saved) == (JobState.COMPLETED, 0)
    assert len(await titles(app)) == 2
    assert tree_hash(elsewhere) == before


async def test_an_import_from_where_nothing_is_fails(app, follower, tmp_path):
    failed = await ended(follower, app.jobs.submit_import(str(tmp_path / "none"), "UTC", "test"))
    assert (failed.state, failed.error.code) == (JobState.FAILED, "invalid")


async def test_an_import_that_finds_no_session_says_so(app, follower, tmp_path):
    """Somebody has given the wrong folder, perhaps one far above."""
    (tmp_path / "empty").mkdir()
    done = await ended(follower, app.jobs.submit_import(str(tmp_path / "empty"), "UTC", "test"))
    assert (done.state, done.result.saved) == (JobState.COMPLETED, 0)
    assert done.result.notes == (
        f"No session was found in {str(tmp_path / 'empty')!r}, nor in the folders close below it.",
    )


async def test_two_times_the_same_session_is_no_merging(demo):
    sessions = old_folders(demo.data_dir / "sessions")
    before = tree_hash(sessions)
    async with daemon(demo) as (app, follower):
        await app.storage.reconcile()
        first = (await app.storage.list_sessions()).items[0].id
        with pytest.raises(InvalidError, match="cannot be merged with itself"):
            await app.jobs.merge_sessions(first, first, "test")
        app.jobs.require_free(first)
        assert (await ended(follower, app.jobs.submit_migrate(first, "test", dry_run=True))).state is JobState.COMPLETED
    assert tree_hash(sessions) == before


async def test_old_sessions_are_migrated_on_trial_in_earnest_and_back(demo):
    sessions = old_folders(demo.data_dir / "sessions")
    before = tree_hash(sessions)
    async with daemon(demo) as (app, follower):
        await app.storage.reconcile()
        first, second = (one.id for one in (await app.storage.list_sessions()).items)
        assert {word for _, word in await titles(app)} == {"raspi_v2"}
        jobs = app.jobs

        tried = await ended(follower, jobs.submit_migrate(None, "test", dry_run=True))
        assert (tried.state, tried.result.saved) == (JobState.COMPLETED, 0)
        looked = await ended(follower, jobs.submit_migrate(first, "test", dry_run=True))
        assert f"Session {first} (raspi_v2) would be migrated." in looked.result.notes
        assert tree_hash(sessions) == before

        ordered = await jobs.submit_migrate(first, "test")
        assert (ordered.progress.total, ordered.progress.unit) == (1, "sessions")
        one = await follower.until(ordered.id, *ENDED)
        assert (one.state, one.result.saved, one.progress.done) == (JobState.COMPLETED, 1, 1), one.error
        assert (await app.storage.get_session(first)).format == "current"
        looked = await ended(follower, jobs.submit_migrate(first, "test", dry_run=True))
        assert looked.result.notes[0] == f"Session {first} needs no migration."
        follower.drain()
        changed = [one.event.session_id for one in follower.seen if isinstance(one.event, SessionChanged)]
        assert first in changed

        rest = await ended(follower, jobs.submit_migrate(None, "test"))
        assert (rest.state, rest.result.saved) == (JobState.COMPLETED, 1)
        assert {word for _, word in await titles(app)} == {"current"}
        for session_id in (first, second):
            undone = await ended(follower, jobs.submit_undo(session_id, "test"))
            assert (undone.state, undone.result.saved) == (JobState.COMPLETED, 1), undone.error
        assert {word for _, word in await titles(app)} == {"raspi_v2"}


async def test_what_needs_no_migration_is_told_so(demo):
    old_folders(demo.data_dir / "sessions")
    async with daemon(demo) as (app, follower):
        await app.storage.reconcile()
        session_id = (await app.storage.list_sessions()).items[0].id
        said = []
        for _ in range(2):
            job = await ended(follower, app.jobs.submit_migrate(session_id, "test"))
            said.append((job.state, job.result.saved, job.progress.done, job.result.notes))
        migrated, already = (
            f"Session {session_id} was migrated.",
            f"Session {session_id} is in the present format already.",
        )
        assert said == [(JobState.COMPLETED, 1, 1, (migrated,)), (JobState.COMPLETED, 0, 1, (already,))]


async def test_two_halves_of_a_scan_are_merged_while_nobody_touches_them(demo, monkeypatch):
    demo.data_dir.mkdir(parents=True)
    dual(demo.data_dir / "sessions", linked=False)
    async with daemon(demo) as (app, follower):
        await app.storage.reconcile()
        (question,) = await app.storage.legacy.questions()
        merging = Held(app.storage.legacy.merge)
        monkeypatch.setattr(app.storage.legacy, "merge", merging)
        merged = asyncio.ensure_future(app.jobs.merge_sessions(question.first, question.second, "test"))
        await merging.reached.wait()
        for session_id in (question.first, question.second):
            with pytest.raises(SessionBusyError, match="being merged"):
                await app.jobs.submit_verify(session_id, "test")
        merging.let_go()
        handle = await merged
        assert [one.id for one in (await app.storage.list_sessions()).items] == [handle.id]
        verified = await ended(follower, app.jobs.submit_verify(handle.id, "test"))
        assert verified.state is JobState.COMPLETED


async def test_verifying_checks_old_sessions_as_they_are(demo):
    sessions = old_folders(demo.data_dir / "sessions")
    async with daemon(demo) as (app, follower):
        await app.storage.reconcile()
        scanned = await ended(follower, app.jobs.submit_scan(a_scan(), "test"))
        before = tree_hash(sessions)
        verified = await ended(follower, app.jobs.submit_verify(None, "test"))
        photos = scanned.result.saved + 12
        assert (verified.state, verified.result.saved, verified.progress.total) == (JobState.COMPLETED, photos, photos)
        assert (verified.result.flawed, verified.result.notes) == (False, ())
        assert tree_hash(sessions) == before


async def test_what_is_wrong_with_an_old_session_is_said_by_verifying_and_by_migrating_it(demo):
    sessions = demo.data_dir / "sessions"
    images = raspi(sessions) / "images"
    (images / "scan_point_000_camera_0.jpg").write_bytes(picture(99))
    (images / "scan_point_001_camera_0.jpg").unlink()
    write(sessions / PLAIN / "metadata/session.json", b"noise")
    before = tree_hash(sessions)
    async with daemon(demo) as (app, follower):
        await app.storage.reconcile()
        for which in (PLAIN, None):
            verified = await ended(follower, app.jobs.submit_verify(which, "test"))
            result = verified.result
            assert (result.saved, verified.progress.total, result.flawed) == (4, 6, True), verified.error
            assert len(result.notes) == 3
            for sentence in ("_000_camera_0.jpg", "_001_camera_0.jpg", "File metadata/session.json"):
                assert any(sentence in note for note in result.notes), result.notes
        assert tree_hash(sessions) == before
        migrated = await ended(follower, app.jobs.submit_migrate(PLAIN, "test"))
        notes = " ".join(migrated.result.notes)
        for sentence in ("_000_camera_0.jpg is damaged", "_001_camera_0.jpg is missing", "session.json is damaged"):
            assert sentence in notes
        (info,) = (await app.storage.get_session(PLAIN)).passes
        assert info.state is PassState.COMPLETED
        for which in (PLAIN, None):
            verified = await ended(follower, app.jobs.submit_verify(which, "test"))
            assert (verified.result.saved, verified.progress.total, verified.result.flawed) == (4, 6, True)
            assert len(verified.result.notes) == 2
            (info,) = (await app.storage.get_session(PLAIN)).passes
            assert (info.state, info.pause.reason) == (PassState.PAUSED, "damaged")


async def test_a_session_that_a_scan_has_is_not_migrated_away(app, follower):
    job = await app.jobs.submit_scan(a_scan(shots=30), "test")
    await follower.photo()
    with pytest.raises(SessionBusyError, match=job.id):
        await app.jobs.submit_undo(job.session_id, "test")
    await app.jobs.command(job.id, Command.FINISH, origin="test")
    assert (await follower.until(job.id, *ENDED)).state is JobState.COMPLETED


async def test_photos_taken_since_a_migration_are_not_put_aside_unasked(demo):
    sessions = old_folders(demo.data_dir / "sessions")
    before = tree_hash(sessions)
    async with daemon(demo) as (app, follower):
        await app.storage.reconcile()
        first = (await app.storage.list_sessions()).items[0].id
        await ended(follower, app.jobs.submit_migrate(first, "test"))
        scan = await ended(follower, app.jobs.submit_pass(first, a_pass("another", 2), "test"))
        assert scan.state is JobState.COMPLETED, scan.error
        session = await app.storage.get_session(first)
        refused = await ended(follower, app.jobs.submit_undo(first, "test"))
        assert (refused.state, refused.error.code) == (JobState.FAILED, "conflict")
        assert refused.error.message.startswith("2 photos were taken since")
        assert refused.error.detail == {"photos": 2}
        assert await app.storage.get_session(first) == session
        undone = await ended(follower, app.jobs.submit_undo(first, "test", force=True))
        assert undone.result.notes[-1] == (
            f"What had become of it is kept in sessions/.undone_{first}, with 2 photos taken since."
        )
        assert len(list((sessions / f".undone_{first}/images/another").glob("*.jpg"))) == 2
    shutil.rmtree(sessions / f".undone_{first}")
    assert tree_hash(sessions) == before


async def test_a_migration_whose_session_is_gone_by_its_turn_fails(demo):
    sessions = old_folders(demo.data_dir / "sessions")
    async with daemon(demo) as (app, follower):
        await app.storage.reconcile()
        first = (await app.storage.list_sessions()).items[0].id
        done = await ended(follower, app.jobs.submit_migrate(first, "test"))
    storage = await StorageManager.open(data_dir=demo.data_dir, state_dir=demo.state_dir, clock=SystemClock())
    await storage.jobs.put(replace(done, state=JobState.PENDING, ended_at=None, result=None))
    await storage.trash.delete(first, origin="test")
    await storage.close()
    async with daemon(demo) as (app, follower):
        failed = await follower.until(done.id, *ENDED)
        assert (failed.state, failed.error.code) == (JobState.FAILED, SessionNotFoundError.code)
    assert sessions.is_dir()
