"""jobs.db: durable, kept over restarts, checked before it is believed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from msgspec import structs

from scanner.errors import DamagedError, DiskFullError, StorageError
from scanner.model import JobId, Pause, Progress
from scanner.records import Job
from scanner.states import JobState, PassState
from scanner.storage.disk.database import connect, rename_broken, sql_reported, transaction
from scanner.storage.index.jobstore import open_jobs
from tests.scanner.storage.support import RecordingFiles, StepClock, garbage, new_session, save, working


def job(number: int, **more: object) -> Job:
    values: dict[str, object] = {
        "id": JobId(f"j-test{number:02}"), "kind": "scan", "state": JobState.PENDING, "session_id": None,
        "origin": "cli", "progress": Progress(done=0, total=4), "created_at": f"2026-11-20T04:15:{number:02}.000Z",
    }  # fmt: skip
    return Job(**(values | more))  # type: ignore[arg-type] - given by name


async def test_jobs_are_kept_over_restarts(place):
    paused = job(2, state=JobState.PAUSED, pause=Pause(by="user", reason="paused", message=""), options={"a": "b"})
    async with place.storage() as storage:
        assert await storage.jobs.load() == []
        await storage.jobs.put(paused, job(1), job(3))
        await storage.jobs.put(structs.replace(job(1), state=JobState.RUNNING))
        await storage.jobs.delete([JobId("j-test03"), JobId("j-nobody")])
    async with place.storage() as storage:
        assert await storage.jobs.load() == [job(1, state=JobState.RUNNING), paused]


async def test_a_job_that_cannot_be_read_costs_only_itself(place):
    async with place.storage() as storage:
        await storage.jobs.put(job(1), job(2))
    with closing(sqlite3.connect(place.state / "jobs.db")) as connection, connection:
        connection.execute("UPDATE jobs SET document = '{\"kind\": 7}' WHERE id = 'j-test01'")
    async with place.storage() as storage:
        assert await storage.jobs.load() == [job(2)]
        assert storage.jobs.unreadable == 1


def noise(path) -> None:
    path.write_bytes(garbage(5, 20_000))


def noise_inside(path) -> None:
    data = bytearray(path.read_bytes())
    data[4096:] = garbage(5, len(data) - 4096)
    path.write_bytes(bytes(data))


def truncated(path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def other_tables(path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP TABLE slots")


@pytest.mark.parametrize("harm", [noise, noise_inside, truncated, other_tables], ids=lambda harm: harm.__name__)
async def test_a_damaged_queue_is_renamed_and_the_passes_can_be_resumed(place, tmp_path, harm):
    async with place.storage() as storage:
        handle = await storage.create_session(new_session())
        await storage.jobs.put(job(1, session_id=handle.id))
        async with working(storage, handle) as writer:
            await save(writer, writer.plan.shots[0])
            crashed = place.copy(tmp_path / "crashed")
    with closing(sqlite3.connect(crashed.state / "jobs.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()  # else its log would make up for the damage
    harm(crashed.state / "jobs.db")
    before = (crashed.state / "jobs.db").read_bytes()
    async with crashed.storage() as storage:
        assert await storage.jobs.load() == []
        assert any("The queue is lost; unfinished passes can be resumed" in notice for notice in storage.notices)
        (kept,) = crashed.state.glob("jobs.db.corrupt-*Z")
        assert harm is other_tables or kept.read_bytes() == before
        ((session_id, info),) = await storage.unfinished()
        assert (session_id, info.state, info.saved) == (handle.id, PassState.PAUSED, 1)
        await storage.jobs.put(job(2))
    async with crashed.storage() as storage:
        assert await storage.jobs.load() == [job(2)]
        assert storage.notices == ()


@pytest.mark.parametrize("name", ["jobs.db", "jobs.db-wal"])
async def test_a_directory_in_the_place_of_the_queue_is_moved_aside(place, name):
    async with place.storage() as storage:
        await storage.jobs.put(job(1))
    (place.state / name).unlink(missing_ok=True)
    (place.state / name).mkdir()
    (place.state / name / "notes.txt").write_text("copied into the wrong place")
    async with place.storage() as storage:
        assert await storage.jobs.load() == []
        (said,) = storage.notices
        assert said.startswith(f"the queue is damaged ({name} is a directory); it was renamed to jobs.db.corrupt-")
        assert "The queue is lost" in said
        (kept,) = place.state.glob("jobs.db.corrupt-*/notes.txt")
        assert kept.read_text() == "copied into the wrong place"
        await storage.jobs.put(job(2))
    async with place.storage() as storage:
        assert await storage.jobs.load() == [job(2)]
        assert storage.notices == ()


async def test_a_queue_of_a_newer_version_is_kept_and_set_aside(place):
    async with place.storage() as storage:
        await storage.jobs.put(job(1))
    with closing(sqlite3.connect(place.state / "jobs.db")) as connection:
        connection.execute("PRAGMA user_version = 99")
    async with place.storage() as storage:
        assert await storage.jobs.load() == []
        (kept,) = place.state.glob("jobs.db.newer-*Z")
        assert any("newer version" in said and kept.name in said for said in storage.notices)
    with closing(sqlite3.connect(kept)) as connection:
        assert connection.execute("SELECT count(*) FROM jobs").fetchone() == (1,)


async def test_what_a_newer_version_left_outlives_later_damage(place):
    async with place.storage() as storage:
        await storage.jobs.put(job(1))
    with closing(sqlite3.connect(place.state / "jobs.db")) as connection:
        connection.execute("PRAGMA user_version = 99")
    async with place.storage():
        (newer,) = place.state.glob("jobs.db.newer-*Z")
    for _ in range(4):
        (place.state / "jobs.db").write_bytes(b"no database, but long enough to look at" * 100)
        async with place.storage() as storage:
            assert await storage.jobs.load() == []
    assert len(list(place.state.glob("jobs.db.corrupt-*"))) == 4
    with closing(sqlite3.connect(newer)) as connection:
        assert connection.execute("SELECT count(*) FROM jobs").fetchone() == (1,)


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_bytes(b"")], ids=["deleted", "emptied"])
async def test_a_queue_that_is_gone_is_said_to_be(place, harm):
    async with place.storage() as storage:
        assert storage.notices == ()  # nothing was lost before the first start
        handle = await storage.create_session(new_session())
        async with working(storage, handle) as writer:
            await save(writer, writer.plan.shots[0])
        await storage.jobs.put(job(1))
    harm(place.state / "jobs.db")
    async with place.storage() as storage:
        assert await storage.jobs.load() == []
        assert any("jobs.db) was gone or empty" in notice for notice in storage.notices)
        ((session_id, info),) = await storage.unfinished()
        assert (session_id, info.state, info.saved) == (handle.id, PassState.PAUSED, 1)
    async with place.storage() as storage:
        assert storage.notices == ()


async def test_commits_of_jobs_are_fsynced(storage):
    def synchronous() -> int:
        return storage.jobs._connection.execute("PRAGMA synchronous").fetchone()[0]

    assert await storage._threads.writer.run(synchronous) == 2  # FULL


def test_a_broken_database_is_renamed_with_its_logs_under_a_free_name(tmp_path):
    files, now = RecordingFiles(), StepClock().now()
    for number in range(2):
        for suffix in ("", "-wal", "-shm"):
            (tmp_path / f"jobs.db{suffix}").write_bytes(b"%d" % number)
        assert rename_broken(files, tmp_path / "jobs.db", now) is not None
    assert {path.name for path in tmp_path.iterdir()} == {
        f"jobs.db.corrupt-20261120T041530Z{number}{suffix}" for number in ("", "-2") for suffix in ("", "-shm", "-wal")
    }
    assert files.done[-1] == ("fsync_dir", tmp_path.name)
    assert rename_broken(files, tmp_path / "jobs.db", now) is None


def test_what_is_no_database_is_damage(tmp_path):
    path = tmp_path / "jobs.db"
    path.write_bytes(b"no database, but long enough to look at" * 100)
    with pytest.raises(DamagedError):
        open_jobs(path)
    with pytest.raises(StorageError):
        open_jobs(tmp_path / "nowhere/jobs.db")


def test_a_transaction_is_all_or_nothing(tmp_path):
    with closing(connect(tmp_path / "a.db", "FULL")) as connection:
        connection.execute("CREATE TABLE a (n INTEGER UNIQUE)")
        with pytest.raises(sqlite3.IntegrityError), transaction(connection):
            connection.execute("INSERT INTO a VALUES (1)")
            connection.execute("INSERT INTO a VALUES (1)")
        assert connection.execute("SELECT count(*) FROM a").fetchone() == (0,)


@pytest.mark.parametrize(
    ("code", "kind", "reason"),
    [
        (sqlite3.SQLITE_FULL, DiskFullError, "disk_full"),
        (sqlite3.SQLITE_READONLY, StorageError, "read_only"),
        (sqlite3.SQLITE_IOERR, StorageError, "io_error"),
        (sqlite3.SQLITE_CONSTRAINT, StorageError, "io_error"),
        (sqlite3.SQLITE_CORRUPT, DamagedError, "io_error"),
        (sqlite3.SQLITE_NOTADB, DamagedError, "io_error"),
    ],
)
def test_failures_of_sqlite_have_types_and_reasons(code, kind, reason):
    error = sqlite3.DatabaseError("what it says")
    error.sqlite_errorcode = code
    with pytest.raises(StorageError) as caught, sql_reported("the index could not be written"):
        raise error
    assert type(caught.value) is kind
    assert caught.value.detail["reason"] == reason


def test_a_full_disk_is_told_by_sqlite_itself(tmp_path):
    with closing(connect(tmp_path / "a.db", "FULL")) as connection:
        connection.execute("CREATE TABLE a (n TEXT)")
        connection.execute("PRAGMA max_page_count = 3")
        with pytest.raises(DiskFullError), sql_reported("x"), transaction(connection):
            connection.execute("INSERT INTO a VALUES (?)", ("x" * 100_000,))
        assert connection.execute("SELECT count(*) FROM a").fetchone() == (0,)
