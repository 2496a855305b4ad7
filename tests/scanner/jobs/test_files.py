"""Jobs that only read and write: one lane, one way to run, cancel, fail and begin anew, whatever their kind."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from scanner.clock import SystemClock
from scanner.errors import (
    CommandRefusedError,
    ConflictError,
    InvalidError,
    PassLockedError,
    QueueFullError,
    SessionBusyError,
    SessionNotFoundError,
    StorageError,
)
from scanner.events import ProgressMade, SessionChanged
from scanner.jobs import board as board_module
from scanner.jobs.errand import NOTES, Errand
from scanner.model import PassName, SessionId
from scanner.records import Verification
from scanner.states import ENDED, Command, JobState, PassState
from scanner.storage import StorageManager
from tests.scanner.jobs.following import a_scan, daemon
from tests.support.doubles import Failing, Held, turns

NONE = SessionId("20200101-000000-none")
GONE = StorageError("the disk is gone", reason="io_error")


async def scanned(app, follower, shots=3, title="Blue vase") -> SessionId:
    job = await app.jobs.submit_scan(a_scan(shots=shots, title=title), "test")
    await follower.until(job.id, *ENDED)
    return job.session_id


def images(app, session_id):
    return sorted((app.config.data_dir / "sessions" / session_id / "images" / "main").glob("*.jpg"))


def found(session_id, *damaged) -> Verification:
    return Verification(session_id=session_id, checked=3, missing=(), damaged=damaged, unlisted=("images/notes.txt",))


async def test_what_verify_finds_lost_is_taken_again_and_nothing_else(app, follower):
    session_id = await scanned(app, follower, shots=5)
    missing, damaged, *kept = images(app, session_id)
    missing.unlink()
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"\x00")
    before = {path.name: path.stat().st_mtime_ns for path in kept}
    job = await app.jobs.submit_verify(session_id, "test")
    assert (job.kind, job.progress.total, job.progress.unit) == ("verify", 5, "photos")
    ended = await follower.until(job.id, *ENDED)
    assert (ended.state, ended.result.saved) == (JobState.COMPLETED, 3), ended.error
    assert f"Photo {missing.name} is missing." in ended.result.notes
    assert f"Photo {damaged.name} is damaged." in ended.result.notes
    (info,) = (await app.storage.get_session(session_id)).passes
    assert (info.state, info.pause.by, info.pause.reason) == (PassState.PAUSED, "fault", "damaged")
    follower.drain()
    earlier = len(follower.announced)
    again = await app.jobs.resume_pass(session_id, PassName("main"), "test")
    assert (await follower.until(again.id, *ENDED)).state is JobState.COMPLETED
    follower.drain()
    assert follower.announced[earlier:] == [1, 2]
    assert {path.name: path.stat().st_mtime_ns for path in kept} == before
    assert (await app.storage.get_session(session_id)).state is PassState.COMPLETED


async def test_a_damaged_document_is_no_lost_photo(app, follower):
    session_id = await scanned(app, follower)
    await app.storage.checkpoints.save(session_id, "one", origin="test")
    (app.config.data_dir / "sessions" / session_id / "metadata/checkpoints/one.json").write_bytes(b"{")
    ended = await follower.until((await app.jobs.submit_verify(session_id, "test")).id, *ENDED)
    assert ended.result.saved == 3
    assert ended.result.notes == ("File metadata/checkpoints/one.json is damaged.",)
    assert ended.result.flawed
    ended = await follower.until((await app.jobs.submit_verify(None, "test")).id, *ENDED)
    assert (ended.result.saved, ended.result.flawed) == (3, True)


async def test_a_whole_session_is_not_flawed(app, follower):
    session_id = await scanned(app, follower)
    (images(app, session_id)[0].parent / "note.txt").write_text("mine")
    for which in (session_id, None):
        ended = await follower.until((await app.jobs.submit_verify(which, "test")).id, *ENDED)
        assert (ended.result.saved, ended.result.flawed, len(ended.result.notes)) == (3, False, 1)


async def test_who_waits_to_turn_the_object_is_told_to_turn_it_back_for_what_is_lost(app, follower):
    job = await app.jobs.submit_scan(a_scan("one", "two"), "test")
    await follower.until(job.id, JobState.PAUSED)
    (lost, *_) = sorted((app.config.data_dir / "sessions" / job.session_id / "images" / "one").glob("*.jpg"))
    lost.unlink()
    verify = await app.jobs.submit_verify(job.session_id, "test")
    assert (await follower.until(verify.id, *ENDED)).result.saved == 3
    stands = app.jobs.get(job.id)
    assert (stands.state, stands.pause.reason, stands.progress.done) == (JobState.PAUSED, "turn_object", 3)
    assert "Turn the object for pass one" in stands.pause.message
    await app.jobs.command(job.id, Command.RESUME, origin="test")
    turn = await follower.until(job.id, JobState.PAUSED)
    assert "Turn the object for pass two" in turn.pause.message
    await app.jobs.command(job.id, Command.RESUME, origin="test")
    assert (await follower.until(job.id, *ENDED)).result.saved == 8


async def test_all_sessions_are_verified_but_those_that_are_being_worked_on(app, follower, monkeypatch):
    ids = [await scanned(app, follower, title=title) for title in "abcd"]
    answers = {ids[1]: PassLockedError("pass main is worked on"), ids[2]: SessionNotFoundError("it was deleted")}

    async def verify(session_id, report, *, origin):
        assert origin == "test"
        report(2, 3)
        if session_id in answers:
            raise answers[session_id]
        return found(session_id, "main-00001-main.jpg")

    monkeypatch.setattr(app.storage, "verify", verify)
    job = await app.jobs.submit_verify(None, "test")
    ended = await follower.until(job.id, *ENDED)
    assert (ended.state, ended.result.saved, ended.progress.done) == (JobState.COMPLETED, 4, 12)
    assert ended.result.notes == (
        f"Photo main-00001-main.jpg of session {ids[0]} is damaged.",
        f"File images/notes.txt of session {ids[0]} is in no list.",
        f"Session {ids[1]} was left out: pass main is worked on.",
        f"Photo main-00001-main.jpg of session {ids[3]} is damaged.",
        f"File images/notes.txt of session {ids[3]} is in no list.",
    )
    follower.drain()
    changed = [one.event.session_id for one in follower.seen if isinstance(one.event, SessionChanged)]
    assert {ids[0], ids[3]} <= set(changed)


async def test_more_sessions_than_a_page_are_all_verified(app, follower, monkeypatch):
    ids = {await scanned(app, follower, shots=1, title=title) for title in "abc"}
    seen = []

    async def verify(session_id, _report, *, origin):  # noqa: ARG001 - as storage's
        seen.append(session_id)
        return found(session_id)

    monkeypatch.setattr("scanner.jobs.checking.PAGE", 1)
    monkeypatch.setattr(app.storage, "verify", verify)
    job = await app.jobs.submit_verify(None, "test")
    await follower.until(job.id, *ENDED)
    assert (set(seen), len(seen)) == (ids, 3)


async def test_a_session_that_is_being_deleted_is_left_out(app, follower, monkeypatch):
    session_id = await scanned(app, follower)
    deleting = Held(app.storage.trash.delete)
    monkeypatch.setattr(app.storage.trash, "delete", deleting)
    gone = asyncio.ensure_future(app.jobs.delete_session(session_id, "test"))
    await deleting.reached.wait()
    job = await app.jobs.submit_verify(None, "test")
    ended = await follower.until(job.id, *ENDED)
    assert ended.state is JobState.COMPLETED
    assert ["being deleted" in note for note in ended.result.notes] == [True]
    deleting.let_go()
    await gone


async def test_the_index_is_read_again(app, follower):
    await scanned(app, follower)
    job = await app.jobs.submit_reindex("test")
    assert (job.kind, job.session_id, job.progress.unit) == ("reindex", None, "sessions")
    ended = await follower.until(job.id, *ENDED)
    assert (ended.state, ended.progress.done, ended.progress.total) == (JobState.COMPLETED, 1, 1)


@pytest.mark.parametrize("kind", ["export", "verify", "migrate", "reindex", "import"])
async def test_each_kind_is_cancelled_fails_and_is_begun_anew(demo, monkeypatch, kind, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    async with daemon(demo) as (app, follower):
        session_id = await scanned(app, follower)
        submit = {
            "export": lambda app: app.jobs.submit_export(session_id, "colmap", "test"),
            "verify": lambda app: app.jobs.submit_verify(session_id, "test"),
            "migrate": lambda app: app.jobs.submit_migrate(None, "test"),
            "reindex": lambda app: app.jobs.submit_reindex("test"),
            "import": lambda app: app.jobs.submit_import(str(elsewhere), "Europe/Vienna", "test", dry_run=True),
        }[kind]
        place, call = {
            "export": (app.storage, "publish_export"),
            "verify": (app.storage, "verify"),
            "migrate": (app.storage.legacy, "migrate_all"),
            "reindex": (app.storage, "reindex"),
            "import": (app.storage.legacy, "import_from"),
        }[kind]
        work = getattr(place, call)

        held = Held(work)
        monkeypatch.setattr(place, call, held)
        cancelled = await submit(app)
        await held.reached.wait()
        with pytest.raises(CommandRefusedError):
            await app.jobs.command(cancelled.id, Command.PAUSE, origin="test")
        with pytest.raises(ConflictError) as caught:
            await submit(app)
        assert caught.value.detail["job_id"] == cancelled.id
        await app.jobs.command(cancelled.id, Command.CANCEL, origin="test")
        ended = await follower.until(cancelled.id, *ENDED)
        assert (ended.state, ended.order, ended.result, ended.ended_at is None) == (
            JobState.CANCELLED,
            None,
            None,
            False,
        )

        monkeypatch.setattr(place, call, Failing(work, GONE))
        ended = await follower.until((await submit(app)).id, *ENDED)
        assert (ended.state, ended.error.code, ended.error.message) == (JobState.FAILED, "storage_fault", GONE.message)

        held = Held(work)
        monkeypatch.setattr(place, call, held)
        interrupted = await submit(app)
        await held.reached.wait()
    async with daemon(demo) as (app, follower):
        ended = await follower.until(interrupted.id, *ENDED)
        assert ended.state is JobState.COMPLETED, ended.error


async def test_the_same_work_on_a_session_is_queued_once(app, follower, monkeypatch):
    session_id = await scanned(app, follower)
    first = await app.jobs.submit_scan(a_scan(title="Other"), "test")
    other = await follower.until(first.id, *ENDED)
    held = Held(app.storage.verify)
    monkeypatch.setattr(app.storage, "verify", held)
    outcomes = await asyncio.gather(
        *(app.jobs.submit_verify(session_id, "test") for _ in range(3)), return_exceptions=True
    )
    jobs = [one for one in outcomes if not isinstance(one, Exception)]
    refused = [one for one in outcomes if isinstance(one, SessionBusyError)]
    assert (len(jobs), len(refused)) == (1, 2)
    assert {error.detail["job_id"] for error in refused} == {jobs[0].id}
    await app.jobs.submit_verify(other.session_id, "test")
    await app.jobs.submit_verify(None, "test")
    held.let_go()
    for job in app.jobs.list():
        await follower.until(job.id, *ENDED)
    assert (await app.jobs.submit_verify(session_id, "test")).kind == "verify"  # the earlier one has ended


async def test_a_waiting_one_is_cancelled_and_takes_no_other_order(app, follower, monkeypatch):
    session_id = await scanned(app, follower)
    building = Held(app.storage.publish_export)
    monkeypatch.setattr(app.storage, "publish_export", building)
    first = await app.jobs.submit_export(session_id, "colmap", "test")
    await building.reached.wait()
    waiting = await app.jobs.submit_verify(session_id, "test")
    assert (waiting.queue_position, waiting.waits_for) == (1, first.id)
    with pytest.raises(CommandRefusedError):
        await app.jobs.command(waiting.id, Command.PAUSE, origin="test")
    await app.rig.stop()  # has nothing to do with files
    assert app.jobs.get(waiting.id).state is JobState.PENDING
    cancelled = await app.jobs.command(waiting.id, Command.CANCEL, origin="test")
    assert cancelled.state is JobState.CANCELLED
    building.let_go()
    assert (await follower.until(first.id, *ENDED)).state is JobState.COMPLETED


async def test_an_export_cancelled_while_it_is_built_is_thrown_away(app, follower, monkeypatch):
    session_id = await scanned(app, follower)
    exports = app.config.data_dir / "sessions" / session_id / "exports"
    loop, building, thrown_away = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
    publish = app.storage.publish_export

    async def publish_and_tell(session_id, name, build):
        def slow(target):
            loop.call_soon_threadsafe(building.set)
            asyncio.run_coroutine_threadsafe(cancelled.wait(), loop).result()
            try:
                build(target)
            finally:
                loop.call_soon_threadsafe(thrown_away.set)

        return await publish(session_id, name, slow)

    cancelled = asyncio.Event()
    monkeypatch.setattr(app.storage, "publish_export", publish_and_tell)
    job = await app.jobs.submit_export(session_id, "colmap", "test")
    await building.wait()
    await app.jobs.command(job.id, Command.CANCEL, origin="test")
    assert (await follower.until(job.id, *ENDED)).state is JobState.CANCELLED
    cancelled.set()
    await thrown_away.wait()
    monkeypatch.setattr(app.storage, "publish_export", publish)
    whole = await app.jobs.submit_verify(session_id, "test")
    await follower.until(whole.id, *ENDED)
    assert not (exports / "colmap").exists()


async def test_one_that_was_being_cancelled_when_the_daemon_ended_is_not_begun_anew(demo, monkeypatch):
    async with daemon(demo) as (app, follower):
        session_id = await scanned(app, follower)
        held = Held(app.storage.verify)
        monkeypatch.setattr(app.storage, "verify", held)
        job = await app.jobs.submit_verify(session_id, "test")
        await held.reached.wait()
        left = replace(app.jobs.get(job.id), order="cancel")
    storage = await StorageManager.open(data_dir=demo.data_dir, state_dir=demo.state_dir, clock=SystemClock())
    await storage.jobs.put(left)
    await storage.close()
    async with daemon(demo) as (app, _):
        assert app.jobs.get(job.id).state is JobState.CANCELLED


@pytest.mark.parametrize("call", ["verify", "migrate"])
async def test_what_is_not_there_is_refused(app, call):
    submit = app.jobs.submit_verify if call == "verify" else app.jobs.submit_migrate
    with pytest.raises(SessionNotFoundError):
        await submit(NONE, "test")
    assert app.jobs.list() == ()


async def test_a_full_queue_takes_no_more(app, monkeypatch):
    monkeypatch.setattr(board_module, "WAITING_LIMIT", 0)
    with pytest.raises(QueueFullError):
        await app.jobs.submit_reindex("test")


@pytest.mark.parametrize(
    ("directory", "timezone", "paths"),
    [
        ("old scans", "Europe/Vienna", ["directory"]),
        ("/srv/old", "Mars/Olympus", ["timezone"]),
        ("", "", ["directory", "timezone"]),
        ("/srv/old", "../../etc/passwd", ["timezone"]),
    ],
)
async def test_an_import_says_what_is_wrong_with_its_order(app, directory, timezone, paths):
    with pytest.raises(InvalidError) as caught:
        await app.jobs.submit_import(directory, timezone, "test")
    assert [error["path"] for error in caught.value.detail["errors"]] == paths


async def test_what_was_never_migrated_does_not_go_back(app, follower):
    with pytest.raises(SessionNotFoundError):
        await app.jobs.submit_undo(NONE, "test")
    session_id = await scanned(app, follower)
    undone = await app.jobs.submit_undo(session_id, "test")
    assert (await follower.until(undone.id, *ENDED)).error.code == "not_found"  # it was never migrated


async def test_progress_is_told_at_most_five_times_a_second(app, follower, monkeypatch):
    session_id = await scanned(app, follower)

    async def verify(session_id, report, *, origin):  # noqa: ARG001 - as storage's
        for done in range(1, 1001):
            report(done, 1000)
            await asyncio.sleep(0)
        async with asyncio.timeout(5):
            await told.wait()
        return found(session_id)

    told = asyncio.Event()
    monkeypatch.setattr(app.storage, "verify", verify)
    job = await app.jobs.submit_verify(session_id, "test")
    progress = []
    while not progress or progress[-1].progress.done < 1000:
        if isinstance(event := (await follower.next()).event, ProgressMade) and event.job_id == job.id:
            progress.append(event)
    told.set()
    await follower.until(job.id, *ENDED)
    assert len(progress) < 20
    assert {event.phase for event in progress} == {"verify"}


async def test_a_result_keeps_a_hundred_sentences_and_counts_the_others(app, follower):
    session_id = await scanned(app, follower)
    job = await app.jobs.submit_reindex("test")
    await follower.until(job.id, *ENDED)
    errand = Errand(app.jobs._board.ticket(job.id), app.jobs._sessions, app.bus)
    for number in range(NOTES - 1):
        errand.found(f"{number}")
    assert len(errand.notes) == NOTES - 1
    errand.found("one more")
    errand.found("and one")
    assert (len(errand.notes), errand.notes[-1]) == (NOTES, "And 2 more.")
    errand.report(1, 2)
    errand.close()
    await turns()
    assert session_id


async def test_a_fault_in_the_program_fails_one_job_and_not_the_lane(app, follower, monkeypatch, caplog):
    session_id = await scanned(app, follower)
    monkeypatch.setattr(app.storage, "verify", Failing(app.storage.verify, ZeroDivisionError("a bug"), times=1))
    job = await app.jobs.submit_verify(session_id, "test")
    assert (await follower.until(job.id, *ENDED)).error.code == "internal"
    assert "a bug" in caplog.text
    again = await app.jobs.submit_verify(session_id, "test")
    assert (await follower.until(again.id, *ENDED)).state is JobState.COMPLETED
