"""Sessions and passes come into being whole, under a name of their own, once per submission."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from scanner.errors import (
    ConflictError,
    IdempotencyError,
    PassExistsError,
    PassLockedError,
    PassNotFoundError,
    SessionBusyError,
    SessionNotFoundError,
    SpecError,
)
from scanner.model import ObjectRef, PassName, SessionId
from scanner.spec import PassSpec, ScanSpec
from scanner.states import PassState
from scanner.storage import Files, NewPass, Submission, place_of
from scanner.storage.directory import sessions
from scanner.storage.disk.claims import sweep
from tests.scanner.storage.support import (
    JOB,
    KEY,
    RIG,
    UPRIGHT,
    Place,
    StepClock,
    names,
    new_pass,
    new_session,
    plan,
    save,
    working,
)


class StoppedClock(StepClock):
    def now(self) -> datetime:
        return datetime(2026, 11, 20, 4, 15, 30, tzinfo=UTC)


async def test_a_session_is_complete_in_itself(storage, place):
    spec = ScanSpec(
        title="Blue vase", operator="anna", tags=("museum",), notes="fragile", object=ObjectRef(id="INV-0417")
    )
    new = new_session(spec=spec, created_from="standard", passes=(new_pass(), new_pass("flipped", 2)), submission=KEY)
    handle = await storage.create_session(new)
    assert handle.created
    assert handle.id == "20261120-041530-blue-vase"
    root = place.data / place_of(handle.id)
    identity = json.loads((root / "metadata/session.json").read_bytes())
    assert identity["id"] == handle.id
    assert (identity["operator"], identity["tags"], identity["object"]["id"]) == ("anna", ["museum"], "INV-0417")
    asked = json.loads((root / "metadata/passes/flipped/pass.json").read_bytes())
    assert (asked["number"], asked["name"], len(asked["plan"]["shots"])) == (2, "flipped", 2)
    assert asked["submission"] == {"key": "key-1", "digest": "d" * 64}
    assert (root / "metadata/passes/flipped/journal.jsonl").read_bytes() == b""
    for directory in ("images/upright", "images/flipped", "exports", "metadata/checkpoints"):
        assert (root / directory).is_dir()
    session = await storage.get_session(handle.id)
    assert session.state is PassState.PLANNED
    assert [info.name for info in session.passes] == ["upright", "flipped"]
    assert (session.title, session.created_from, session.object.id) == ("Blue vase", "standard", "INV-0417")


async def test_what_was_planned_comes_back(storage, handle):
    document = await storage.pass_document(handle.id, UPRIGHT)
    assert document.plan == plan(4)
    assert document.rig == RIG
    assert document.spec == PassSpec(name="upright")
    assert not document.locked


async def test_the_rename_itself_finds_out_whether_a_name_is_free(tmp_path):
    place = Place(tmp_path, StoppedClock())
    async with place.storage() as storage:
        (place.sessions / "20261120-041530-blue-vase").mkdir()
        (place.sessions / "20261120-041530-blue-vase" / "something").write_bytes(b"")
        (place.sessions / "20261120-041530-blue-vase-2").write_bytes(b"a file in the way")
        handles = [await storage.create_session(new_session()) for _ in range(2)]
        assert [handle.id[-2:] for handle in handles] == ["-3", "-4"]
        for handle in handles:
            identity = json.loads((place.sessions / handle.id / "metadata/session.json").read_bytes())
            assert identity["id"] == handle.id
            assert (await storage.pass_document(handle.id, UPRIGHT)).plan == plan(4)
        assert (await storage.list_sessions()).total == 2


async def test_fifty_at_once_with_one_key_make_one_session(storage, place):
    handles = await asyncio.gather(*(storage.create_session(new_session(submission=KEY)) for _ in range(50)))
    assert len({handle.id for handle in handles}) == 1
    assert sum(handle.created for handle in handles) == 1
    assert len(names(place.sessions)) == 1
    assert await storage.find_submission(KEY.key) == (KEY, handles[0].id, (UPRIGHT,))


async def test_fifty_at_once_without_a_key_make_fifty(storage, place):
    handles = await asyncio.gather(*(storage.create_session(new_session()) for _ in range(50)))
    assert len({handle.id for handle in handles}) == 50
    assert len(names(place.sessions)) == 50


async def test_a_key_that_comes_with_another_body_is_refused(storage, place):
    await storage.create_session(new_session(submission=KEY))
    other = Submission(KEY.key, "e" * 64)
    with pytest.raises(IdempotencyError):
        await storage.create_session(new_session(submission=other))
    handle = await storage.create_session(new_session("Other"))
    with pytest.raises(IdempotencyError):
        await storage.add_pass(handle.id, new_pass("second"), rig=RIG, submission=other)
    assert len(names(place.sessions)) == 2


async def test_unknown_keys_find_nothing(storage):
    assert await storage.find_submission("nobody") is None


async def test_a_key_is_found_after_the_index_was_lost_even_before_reconciliation(place):
    async with place.storage() as storage:
        made = await storage.create_session(new_session(submission=KEY))
    for name in names(place.state):
        if name.startswith("index.db"):
            (place.state / name).unlink()
    async with place.storage() as storage:
        assert await storage.create_session(new_session(submission=KEY)) == replace(made, created=False)
        assert await storage.find_submission(KEY.key) == (KEY, made.id, (UPRIGHT,))


async def test_names_that_would_make_ambiguous_photo_names_are_refused(storage, place):
    bad = NewPass(spec=PassSpec(name="batch-20231"), plan=plan(1))
    with pytest.raises(SpecError, match="five digits"):
        await storage.create_session(new_session(passes=(bad,)))
    handle = await storage.create_session(new_session())
    with pytest.raises(SpecError, match="five digits"):
        await storage.add_pass(handle.id, bad, rig=RIG)
    assert len(names(place.sessions)) == 1


async def test_a_pass_is_added_once(storage, handle, place):
    added = await storage.add_pass(handle.id, new_pass("flipped", 3), rig=RIG, submission=KEY)
    assert added.id == handle.id
    again = await storage.add_pass(handle.id, new_pass("flipped", 3), rig=RIG, submission=KEY)
    assert again.id == handle.id
    assert await storage.find_submission(KEY.key) == (KEY, handle.id, (PassName("flipped"),))
    with pytest.raises(PassExistsError):
        await storage.add_pass(handle.id, new_pass("flipped"), rig=RIG)
    session = await storage.get_session(handle.id)
    assert [(info.name, info.shots) for info in session.passes] == [("upright", 4), ("flipped", 3)]
    assert not [name for name in names(place.sessions / handle.id / "metadata/passes") if name.startswith(".")]


async def test_a_pass_that_another_daemon_just_added_exists(storage, handle, place):
    """Its directory appears between the look and the rename: the rename finds out."""

    def looked(paths):
        target = paths.passes / "flipped"
        if not target.exists():
            target.mkdir()
            (target / "pass.json").write_bytes(b"{}")
        return ()

    original, sessions.pass_names = sessions.pass_names, looked
    try:
        with pytest.raises(PassExistsError):
            await storage.add_pass(handle.id, new_pass("flipped"), rig=RIG)
    finally:
        sessions.pass_names = original
    assert names(place.sessions / handle.id / "metadata/passes") == ["flipped", "upright"]


async def test_a_pass_can_be_added_while_another_is_at_work(storage, handle):
    async with working(storage, handle) as writer:
        await save(writer, writer.plan.shots[0])
        await storage.add_pass(handle.id, new_pass("flipped", 2), rig=RIG)
        await save(writer, writer.plan.shots[1])
        session = await storage.get_session(handle.id)
    assert (session.photos, session.state) == (2, PassState.RUNNING)
    assert [info.saved for info in session.passes] == [2, 0]


async def test_asking_for_an_unknown_session_never_creates_it(storage, place):
    unknown = SessionId("20200101-000000-nothing")
    for ask in (
        storage.get_session(unknown),
        storage.handle(unknown),
        storage.photos(unknown),
        storage.shots(unknown, UPRIGHT),
        storage.pass_document(unknown, UPRIGHT),
        storage.photo_file(unknown, "upright-00001-main.jpg"),
        storage.thumbnail(unknown, "upright-00001-main.jpg", "thumb"),
        storage.session_files(unknown),
        storage.exports(unknown),
        storage.add_pass(unknown, new_pass(), rig=RIG),
        storage.publish_export(unknown, "colmap", lambda _: None),
        storage.get_session(SessionId("../../etc")),
    ):
        with pytest.raises(SessionNotFoundError):
            await ask
    with pytest.raises(SessionNotFoundError):
        async with storage.open_pass(type("H", (), {"id": unknown})(), UPRIGHT, job_id=JOB, origin="cli"):
            pass
    assert names(place.sessions) == []


async def test_a_session_that_vanished_from_the_disk_is_not_found(storage, handle, place):
    (place.sessions / handle.id).rename(place.root / "elsewhere")
    with pytest.raises(SessionNotFoundError):
        await storage.handle(handle.id)


async def test_a_session_that_was_copied_in_is_found_before_reconciliation(storage, handle, place):
    shutil.copytree(place.sessions / handle.id, place.sessions / "copied-in")
    assert (await storage.get_session(SessionId("copied-in"))).title == "Blue vase"


async def test_discarding_undoes_a_creation(storage, handle, place):
    await storage.discard_session(handle)
    assert names(place.sessions) == []
    assert (await storage.list_sessions()).total == 0
    with pytest.raises(SessionNotFoundError):
        await storage.discard_session(handle)


async def test_a_session_with_photos_or_at_work_is_not_discarded(storage, handle):
    async with working(storage, handle) as writer:
        with pytest.raises(SessionBusyError):
            await storage.discard_session(handle)
        await save(writer, writer.plan.shots[0])
    with pytest.raises(ConflictError, match="has photos"):
        await storage.discard_session(handle)
    assert (await storage.get_session(handle.id)).photos == 1


async def test_a_discarded_key_may_be_used_again(storage):
    first = await storage.create_session(new_session(submission=KEY))
    await storage.discard_session(first)
    assert await storage.find_submission(KEY.key) is None
    second = await storage.create_session(new_session(submission=KEY))
    assert second.created


async def test_only_one_writer_holds_a_pass(storage, handle):
    async with storage.open_pass(handle, UPRIGHT, job_id=JOB, origin="web:anna"):
        with pytest.raises(PassLockedError, match="web:anna works on this pass"):
            async with storage.open_pass(handle, UPRIGHT, job_id=JOB, origin="cli"):
                pass
        lock = (await storage.get_session(handle.id)).passes[0].lock
        assert (lock.origin, lock.own, lock.state) == ("web:anna", True, "alive")
        assert (await storage.list_sessions()).items[0].passes[0].lock == lock
    assert (await storage.get_session(handle.id)).passes[0].lock is None
    async with storage.open_pass(handle, UPRIGHT, job_id=JOB, origin="cli"):
        pass


@pytest.mark.parametrize("name", ["nothing", "..", ".new-1", "A/B"])
async def test_an_unknown_pass_is_not_found(storage, handle, name):
    with pytest.raises(PassNotFoundError):
        async with storage.open_pass(handle, PassName(name), job_id=JOB, origin="cli"):
            pass
    with pytest.raises(PassNotFoundError):
        await storage.shots(handle.id, PassName(name))


async def test_left_over_constructions_are_swept_away_by_reconciliation(place):
    async with place.storage() as storage:
        handle = await storage.create_session(new_session())
        for name in (".new-abc", ".gone-def"):
            (place.sessions / name / "metadata").mkdir(parents=True)
            (place.sessions / name / "metadata" / "session.json").write_bytes(b"{}")
        (place.sessions / "A foreign file").write_bytes(b"")
        await storage.reconcile()
        assert names(place.sessions) == [handle.id, "A foreign file"]


async def test_directories_at_work_are_not_swept_away(storage, place):
    building = place.sessions / ".new-abc"
    building.mkdir()
    descriptor = os.open(building, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        await storage.reconcile()
        assert building.is_dir()
    finally:
        os.close(descriptor)
    await storage.reconcile()
    assert not building.exists()


class SweepingFiles(Files):
    """Sweeps at the worst moments: just before and just after a directory under construction is locked."""

    def __init__(self, *, before: bool) -> None:
        self.before = before
        self.swept = 0

    def open(self, path: Path, flags: int) -> int:
        building = path.name.startswith(".new-") and path.is_dir()
        if building and self.before and self.swept < 2:
            self._sweep(path)
        descriptor = super().open(path, flags)
        if building and not self.before and self.swept < 2:
            self._sweep(path)
        return descriptor

    def _sweep(self, path: Path) -> None:
        self.swept += 1
        sweep(Files(), path.parent)


@pytest.mark.parametrize("before", [False, True])
async def test_a_construction_that_is_swept_away_before_it_is_locked_begins_anew(place, before):
    files = SweepingFiles(before=before)
    async with place.storage(files) as storage:
        handle = await storage.create_session(new_session())
        assert files.swept == 2
        assert len((await storage.get_session(handle.id)).passes) == 1
        assert names(place.sessions) == [handle.id]


async def test_nobody_sweeps_away_what_is_being_built(place):
    class Sweepers(Files):
        def write(self, descriptor: int, data: bytes) -> None:
            sweep(Files(), place.sessions)
            for passes in place.sessions.glob("2*/metadata/passes"):
                sweep(Files(), passes)
            super().write(descriptor, data)

    async with place.storage(Sweepers()) as storage:
        handle = await storage.create_session(new_session())
        await storage.add_pass(handle.id, new_pass("flipped"), rig=RIG)
        assert len((await storage.get_session(handle.id)).passes) == 2


async def test_reconciliation_and_creation_at_the_same_time_do_not_meet(place):
    async with place.storage() as storage:
        (place.sessions / ".new-old").mkdir()
        for _ in range(5):
            results = await asyncio.gather(
                storage.reconcile(), *(storage.create_session(new_session()) for _ in range(4)), storage.reconcile()
            )
            assert len(results) == 6
        await storage.reconcile()
        assert (await storage.list_sessions()).total == 20
        assert len(names(place.sessions)) == 20
