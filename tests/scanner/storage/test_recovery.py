"""After a crash: nothing announced is lost, nothing is guessed, no photo file is deleted, and every repair is said."""

from __future__ import annotations

import json
import shutil
import zlib
from contextlib import suppress

import pytest

from scanner.errors import DamagedError, StorageError
from scanner.model import Plan, Shot, Viewpoint
from scanner.spec import CameraSettings, PassSpec
from scanner.states import PassState
from scanner.storage import NewPass, SessionQuery
from tests.scanner.storage.support import (
    JOB,
    LOCKED,
    MAIN,
    PRESSED,
    RIG,
    UPRIGHT,
    FailingFiles,
    Place,
    RecordingFiles,
    jpeg,
    names,
    new_pass,
    new_session,
    save,
    working,
)


class Crashed:
    """A session of which some photos were saved when the daemon was killed; ``root`` is its directory."""

    def __init__(self, place: Place, session_id: str) -> None:
        self.place = place
        self.id = session_id
        self.root = place.sessions / session_id
        self.journal = self.root / "metadata/passes/upright/journal.jsonl"
        self.images = self.root / "images/upright"

    def events(self) -> list[str]:
        return [json.loads(line)["event"] for line in self.journal.read_text().splitlines()]

    def photos(self) -> list[str]:
        return sorted(name for name in names(self.images) if not name.startswith("."))


@pytest.fixture
async def crashed(place, tmp_path) -> Crashed:
    async with place.storage() as storage:
        handle = await storage.create_session(new_session())
        async with working(storage, handle) as writer:
            for shot in writer.plan.shots[:3]:
                await save(writer, shot)
            copy = place.copy(tmp_path / "crashed")
    return Crashed(copy, handle.id)


async def resume_to_the_end(crashed: Crashed, **more):
    """Open, take what is missing, finish: the shots that were taken, the notices, and the session afterwards."""
    async with crashed.place.storage(**more) as storage:
        notices = storage.notices
        handle = await storage.handle(crashed.id)
        async with working(storage, handle) as writer:
            taken = [shot.index for shot in writer.remaining()]
            for shot in writer.remaining():
                await save(writer, shot)
            await writer.finish("all shots taken")
        session = await storage.get_session(handle.id)
        photos = await storage.photos(handle.id)
        assert [photo.shot for photo in photos] == [1, 2, 3, 4]
        for photo in photos:
            assert (await storage.photo_file(handle.id, photo.name)).stat().st_size == photo.bytes
    return taken, notices, session


async def test_a_killed_daemon_leaves_a_paused_pass_with_all_its_photos(crashed):
    async with crashed.place.storage() as storage:
        session = await storage.get_session(crashed.id)
        info = session.passes[0]
        assert (session.state, info.saved, info.pause.by, info.pause.reason) == (
            PassState.PAUSED, 3, "restart", "interrupted",
        )  # fmt: skip
        assert len(storage.notices) == 1
        assert f"session {crashed.id}, pass upright: it was interrupted; 3 photos are safe, 1 are" in storage.notices[0]
    assert crashed.events()[-1] == "paused"
    taken, notices, session = await resume_to_the_end(crashed)
    assert taken == [4]
    assert notices == ()
    assert session.state is PassState.COMPLETED


async def test_recovery_happens_once(crashed):
    for _ in range(3):
        async with crashed.place.storage():
            pass
    assert crashed.events() == ["started", "saved", "saved", "saved", "paused"]


async def test_a_torn_last_line_is_cut_off_and_its_photo_adopted(crashed):
    data = crashed.journal.read_bytes()
    crashed.journal.write_bytes(data[:-40])
    async with crashed.place.storage() as storage:
        assert "torn last line" in storage.notices[0]
        assert any("upright-00003-main.jpg had no line" in notice for notice in storage.notices)
        photo = (await storage.photos(crashed.id))[2]
        assert (photo.shot, photo.bytes, photo.width, photo.height) == (3, len(jpeg(3)), 32, 24)
        assert photo.measured == type(photo.measured)(15.0, 20.0)
        assert photo.exposure_us == LOCKED.exposure_us
    assert json.loads(crashed.journal.read_text().splitlines()[3])["adopted"] is True
    assert (await resume_to_the_end(crashed))[0] == [4]


@pytest.mark.parametrize("cut", range(1, 60, 7))
async def test_wherever_the_last_line_is_torn_the_same_photos_are_there(crashed, cut):
    data = crashed.journal.read_bytes()
    crashed.journal.write_bytes(data[:-cut])
    assert (await resume_to_the_end(crashed))[0] == [4]


async def test_part_files_go(crashed):
    (crashed.images / "upright-00004-main.jpg.part").write_bytes(b"half")
    (crashed.journal.parent / "summary.json.part").write_bytes(b"half")
    (crashed.journal.parent / ".session.lock.new-abc").write_bytes(b"half")
    assert (await resume_to_the_end(crashed))[0] == [4]
    assert crashed.photos() == [f"upright-0000{number}-main.jpg" for number in range(1, 5)]
    assert not (crashed.journal.parent / ".session.lock.new-abc").exists()
    assert not (crashed.journal.parent / "summary.json.part").exists()


async def test_a_photo_without_a_line_that_does_not_decode_is_moved_away(crashed):
    (crashed.images / "upright-00004-main.jpg").write_bytes(jpeg(4)[:300])
    taken, notices, _ = await resume_to_the_end(crashed)
    assert taken == [4]
    assert any("moved to images/upright/.orphans" in notice for notice in notices)
    assert (crashed.images / ".orphans/upright-00004-main.jpg").read_bytes() == jpeg(4)[:300]


async def test_a_move_is_durable_where_it_arrives_before_it_is_where_it_left(crashed):
    (crashed.images / "holiday.jpg").write_bytes(jpeg(77))
    files = RecordingFiles()
    async with crashed.place.storage(files):
        pass
    moved = files.done.index(("rename", "holiday.jpg"))
    assert files.done[moved + 1 : moved + 3] == [("fsync_dir", ".orphans"), ("fsync_dir", "upright")]


@pytest.mark.parametrize(
    "name", ["upright-00099-main.jpg", "upright-00004-other.jpg", "holiday.jpg", "upright-00001-main_r1.jpg"]
)
async def test_a_photo_that_is_no_planned_one_is_moved_away_whole(crashed, name):
    (crashed.images / name).write_bytes(jpeg(77))
    (crashed.images / ".orphans").mkdir()
    (crashed.images / ".orphans" / name).write_bytes(b"an earlier one")
    assert (await resume_to_the_end(crashed))[0] == [4]
    stem, _, suffix = name.rpartition(".")
    assert (crashed.images / ".orphans" / f"{stem}.2.{suffix}").read_bytes() == jpeg(77)
    assert (crashed.images / ".orphans" / name).read_bytes() == b"an earlier one"


async def test_other_peoples_files_are_left_alone(crashed):
    (crashed.images / "Thumbs.db").write_bytes(b"x")
    (crashed.images / "notes").mkdir()
    (crashed.images / "upright-00004-main.jpg").symlink_to("/etc/hostname")
    async with crashed.place.storage() as storage:
        assert (await storage.get_session(crashed.id)).photos == 3
    assert (crashed.images / "Thumbs.db").exists()
    assert (crashed.images / "notes").is_dir()


async def test_a_missing_photo_is_planned_again(crashed):
    (crashed.images / "upright-00001-main.jpg").unlink()
    taken, notices, session = await resume_to_the_end(crashed)
    assert taken == [1, 4]
    assert any("upright-00001-main.jpg is missing" in notice for notice in notices)
    assert session.passes[0].retaken == 1
    assert crashed.photos()[0] == "upright-00001-main_r1.jpg"


async def test_a_last_photo_that_is_not_what_was_written_is_planned_again_and_never_overwritten(crashed):
    path = crashed.images / "upright-00003-main.jpg"
    path.write_bytes(b"\0" * path.stat().st_size)
    taken, notices, session = await resume_to_the_end(crashed)
    assert taken == [3, 4]
    assert any("upright-00003-main.jpg is not what was written" in notice for notice in notices)
    assert (crashed.images / ".superseded/upright-00003-main.jpg").read_bytes() == b"\0" * len(jpeg(3))
    assert "upright-00003-main_r1.jpg" in crashed.photos()
    assert "upright-00003-main.jpg" not in crashed.photos()
    assert session.photos == 4


async def test_a_replaced_file_that_could_not_be_moved_away_is_moved_at_the_next_opening(crashed):
    path = crashed.images / "upright-00003-main.jpg"
    path.write_bytes(b"noise")
    async with crashed.place.storage() as storage:
        async with working(storage, await storage.handle(crashed.id)) as writer:
            await save(writer, writer.plan.shots[2])
            shutil.copy(crashed.images / ".superseded/upright-00003-main.jpg", path)  # as if the move had not happened
        async with working(storage, await storage.handle(crashed.id)):
            assert not path.exists()
    assert len(names(crashed.images / ".superseded")) == 2
    assert not (crashed.images / ".orphans").exists()


async def test_damage_in_the_middle_is_reported_and_the_photos_prove_themselves(crashed):
    rows = crashed.journal.read_bytes().splitlines(keepends=True)
    rows[2] = rows[2][:50] + b"\0" * 20 + rows[2][70:]
    crashed.journal.write_bytes(b"".join(rows))
    async with crashed.place.storage() as storage:
        notices = " ".join(storage.notices)
        assert "line 3 of the journal is damaged" in notices
        assert "journal.damaged-1.jsonl" in notices
        photos = await storage.photos(crashed.id)
        assert [photo.shot for photo in photos] == [1, 2, 3]
        assert photos[2].measured.azimuth == 15.01  # its own line stood behind the damage and its file proves it
        assert photos[1].measured.azimuth == 10.0  # its line is gone: it decodes, the rest is what was planned
        assert (await storage.get_session(crashed.id)).damage == ()
    kept = crashed.journal.with_name("journal.damaged-1.jsonl")
    assert kept.read_bytes() == b"".join(rows)
    assert (await resume_to_the_end(crashed))[0] == [4]


async def test_behind_damage_a_photo_that_fails_its_proof_is_moved_away(crashed):
    rows = crashed.journal.read_bytes().splitlines(keepends=True)
    crashed.journal.write_bytes(rows[0] + b"noise\n" + b"".join(rows[2:]))
    (crashed.images / "upright-00002-main.jpg").write_bytes(b"not a picture")
    async with crashed.place.storage() as storage:
        assert [photo.shot for photo in await storage.photos(crashed.id)] == [1, 3]
    assert (await resume_to_the_end(crashed))[0] == [2, 4]


async def test_every_photo_before_damage_is_verified_by_its_hash(crashed):
    rows = crashed.journal.read_bytes().splitlines(keepends=True)
    crashed.journal.write_bytes(b"".join(rows[:3]) + b"noise\n" + rows[3])
    path = crashed.images / "upright-00001-main.jpg"
    path.write_bytes(b"\0" * path.stat().st_size)
    assert (await resume_to_the_end(crashed))[0] == [1, 4]


async def test_a_lost_journal_is_rebuilt_from_the_photos(crashed):
    crashed.journal.unlink()
    async with crashed.place.storage() as storage:
        assert any("journal cannot be read" in notice for notice in storage.notices)
        assert len(await storage.photos(crashed.id)) == 3
    assert (await resume_to_the_end(crashed))[0] == [4]


async def test_a_lost_image_directory_means_shots_to_take_again(crashed):
    shutil.rmtree(crashed.images)
    taken, _, session = await resume_to_the_end(crashed)
    assert taken == [1, 2, 3, 4]
    assert session.passes[0].retaken == 3


async def test_a_damaged_pass_document_is_said_and_never_worked_on(crashed):
    document = crashed.root / "metadata/passes/upright/pass.json"
    document.write_bytes(document.read_bytes()[:100])
    async with crashed.place.storage() as storage:
        session = await storage.get_session(crashed.id)
        assert session.passes == ()
        assert any("pass.json of pass upright cannot be read" in text for text in session.damage)
        handle = await storage.handle(crashed.id)
        with pytest.raises(DamagedError):
            async with storage.open_pass(handle, UPRIGHT, job_id=JOB, origin="cli"):
                pass
        for ask in (storage.shots(crashed.id, UPRIGHT), storage.pass_document(crashed.id, UPRIGHT)):
            with pytest.raises(DamagedError):
                await ask
        await storage.reconcile()
        added = await storage.add_pass(handle.id, new_pass("second"), rig=RIG)
        assert [info.name for info in (await storage.get_session(added.id)).passes] == ["second"]
    assert crashed.photos() == [f"upright-0000{number}-main.jpg" for number in range(1, 4)]


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe", b"[]", b'{"format": "something else"}'])
async def test_a_damaged_session_document_costs_only_its_own_fields(crashed, content):
    document = crashed.root / "metadata/session.json"
    if content is None:
        document.unlink()
    else:
        document.write_bytes(content)
    taken, _, session = await resume_to_the_end(crashed)
    assert taken == [4]
    assert session.title == crashed.id
    assert "session.json" in session.damage[0]


async def test_a_session_that_is_gone_is_forgotten_at_the_start(crashed):
    shutil.rmtree(crashed.root)
    async with crashed.place.storage() as storage:
        assert (await storage.list_sessions()).total == 0
        assert storage.notices == ()


async def test_what_cannot_be_brought_into_order_does_not_keep_the_daemon_from_starting(crashed):
    shutil.rmtree(crashed.images)
    crashed.images.write_bytes(b"a file in the way")
    for _ in range(2):
        async with crashed.place.storage() as storage:
            assert any("could not be brought into order" in notice for notice in storage.notices)
            assert (await storage.list_sessions()).total == 1
    crashed.images.unlink()
    assert (await resume_to_the_end(crashed))[0] == [1, 2, 3, 4]


async def test_a_pass_that_was_never_started_adopts_nothing(place):
    async with place.storage() as storage:
        handle = await storage.create_session(new_session())
        stray = place.sessions / handle.id / "images/upright/upright-00001-main.jpg"
        stray.write_bytes(jpeg(1))
        async with storage.open_pass(handle, UPRIGHT, job_id=JOB, origin="cli") as writer:
            assert len(writer.remaining()) == 4
        assert (stray.parent / ".orphans" / stray.name).exists()


async def test_an_ended_pass_is_left_as_it_is(crashed):
    await resume_to_the_end(crashed)
    (crashed.images / "upright-00001-main.jpg").unlink()
    before = crashed.journal.read_bytes()
    async with crashed.place.storage() as storage:
        await storage.reconcile()
        assert (await storage.get_session(crashed.id)).state is PassState.COMPLETED
    assert crashed.journal.read_bytes() == before


async def test_without_an_index_reconciliation_finds_the_interrupted_pass(crashed):
    for path in crashed.place.state.glob("index.db*"):
        path.unlink()
    async with crashed.place.storage() as storage:
        assert storage.notices == ()
        await storage.reconcile()
        assert any("it was interrupted" in notice for notice in storage.notices)
        assert (await storage.get_session(crashed.id)).state is PassState.PAUSED
    assert (await resume_to_the_end(crashed))[0] == [4]


async def test_without_an_index_a_pass_can_be_resumed_before_reconciliation(crashed):
    for path in crashed.place.state.glob("index.db*"):
        path.unlink()
    taken, _, session = await resume_to_the_end(crashed)
    assert taken == [4]
    assert session.photos == 4


async def test_adopted_photos_of_brackets_have_their_own_exposure(place, tmp_path):
    settings = CameraSettings(bracket_ev=(0.0, 1.0))
    shots = tuple(
        Shot(index=number, viewpoint=Viewpoint(0.0, 0.0), camera=MAIN, ev=ev) for number, ev in ((1, 0.0), (2, 1.0))
    )
    bracketed = NewPass(spec=PassSpec(name="upright", camera=settings), plan=Plan(kind="rings", shots=shots))
    async with place.storage() as storage:
        handle = await storage.create_session(new_session(passes=(bracketed,)))
        async with working(storage, handle):
            copy = place.copy(tmp_path / "crashed")
    images = copy.sessions / handle.id / "images/upright"
    (images / "upright-00002-main_e1.jpg").write_bytes(jpeg(2))
    async with copy.storage() as storage:
        (photo,) = await storage.photos(handle.id)
        assert (photo.shot, photo.exposure_us) == (2, 2 * LOCKED.exposure_us)


async def test_a_paused_pass_needs_no_recovery(place):
    async with place.storage() as storage:
        handle = await storage.create_session(new_session())
        async with working(storage, handle) as writer:
            await save(writer, writer.plan.shots[0])
            await writer.pause(PRESSED)
    async with place.storage() as storage:
        assert storage.notices == ()
        assert (await storage.get_session(handle.id)).passes[0].pause == PRESSED


async def test_every_nth_operation_of_recovery_fails_and_nothing_is_lost(crashed, tmp_path):
    (crashed.images / "upright-00004-main.jpg").write_bytes(b"not whole")
    (crashed.images / "upright-00002-main.jpg").unlink()
    rows = crashed.journal.read_bytes().splitlines(keepends=True)
    crashed.journal.write_bytes(rows[0] + b"noise\n" + b"".join(rows[2:]))
    files, fails_at = FailingFiles(), 0
    while files.failed or not fails_at:
        fails_at += 1
        again = Crashed(crashed.place.copy(tmp_path / f"again-{fails_at}"), crashed.id)
        for path in again.place.state.glob("index.db*"):
            path.unlink()  # recovery then happens when the pass is opened
        files = FailingFiles()
        async with again.place.storage(files) as storage:
            handle = await storage.handle(crashed.id)
            files.arm(fails_at)
            with suppress(StorageError):
                async with storage.open_pass(handle, UPRIGHT, job_id=JOB, origin="cli"):
                    files.armed = None
        files.armed = None
        assert (await resume_to_the_end(again))[0] == [2, 4]
    assert fails_at > 15


async def test_a_session_without_passes_or_with_impossible_times_is_still_listed(crashed):
    document = crashed.root / "metadata/session.json"
    identity = json.loads(document.read_bytes()) | {"created_at": "yesterday"}
    document.write_text(json.dumps(identity))
    shutil.rmtree(crashed.root / "metadata/passes")
    for path in crashed.place.state.glob("index.db*"):
        path.unlink()
    async with crashed.place.storage() as storage:
        await storage.reconcile()
        (session,) = (await storage.list_sessions()).items
        assert (session.passes, session.created_at, session.photos) == ((), "yesterday", 0)
        (session,) = (await storage.list_sessions(SessionQuery(q="blue"))).items


async def test_sessions_of_the_same_moment_are_all_listed(crashed):
    """Their numbers in the index collide; each gets one of its own."""
    wanted = zlib.crc32(crashed.id.encode()) % 4096
    twins = [
        name for name in (f"twin-{number}" for number in range(40_000)) if zlib.crc32(name.encode()) % 4096 == wanted
    ]
    for name in twins[:3]:
        shutil.copytree(crashed.root, crashed.place.sessions / name)
    async with crashed.place.storage() as storage:
        await storage.reconcile()
        assert {session.id for session in (await storage.list_sessions()).items} == {crashed.id, *twins[:3]}
        assert all(session.photos == 3 for session in (await storage.list_sessions()).items)
