"""Checkpoints: back, forward again, and whole whatever happens in between."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from scanner.errors import (
    CheckpointExistsError,
    CheckpointNotFoundError,
    InvalidError,
    LockLostError,
    PassCompletedError,
    PassLockedError,
    SessionBusyError,
    SessionNotFoundError,
    StorageError,
)
from scanner.events import Event, SessionChanged
from scanner.model import Pause, SessionId
from scanner.states import PassState
from scanner.storage import SessionHandle, StorageManager
from scanner.storage.directory import marks
from scanner.storage.directory.moves import free_name
from scanner.storage.facets import editlock, marklists
from scanner.storage.facets.holding import Holding
from scanner.storage.facets.rewinding import Rewind
from scanner.storage.index.audit import AuditLog
from scanner.storage.index.index import Index
from scanner.storage.journal import lines
from scanner.storage.journal.documents import read_checkpoint_file
from scanner.storage.journal.text import JournalFile
from scanner.storage.locks.locking import Work
from tests.scanner.storage.formats.support import openscan
from tests.scanner.storage.support import (
    FLIPPED,
    PRESSED,
    RIG,
    UPRIGHT,
    Place,
    RecordingFiles,
    StepClock,
    disk_is_full,
    names,
    new_pass,
    new_session,
    save,
    working,
)


async def shoot(storage: StorageManager, handle: SessionHandle, count: int, name: str = "upright") -> None:
    """Take ``count`` of the shots that are still planned, then pause."""
    async with working(storage, handle, name) as writer:
        for shot in writer.remaining()[:count]:
            await save(writer, shot)
        await writer.pause(PRESSED)


async def finish(storage: StorageManager, handle: SessionHandle, name: str = "upright") -> None:
    async with working(storage, handle, name) as writer:
        for shot in writer.remaining():
            await save(writer, shot)
        await writer.finish("all shots taken")


async def current(storage: StorageManager, session_id: SessionId) -> dict[str, tuple[PassState, tuple[str, ...]]]:
    """State and photos of every pass; each photo is read and must be what was written."""
    found = {}
    for info in (await storage.get_session(session_id)).passes:
        photos = await storage.photos(session_id, info.name)
        assert info.saved == len(photos)
        assert info.bytes == sum(photo.bytes for photo in photos)
        for photo in photos:
            data = (await storage.photo_file(session_id, photo.name)).read_bytes()
            assert hashlib.sha256(data).hexdigest() == photo.sha256
        found[info.name] = (info.state, tuple(photo.name for photo in photos))
    return found


def pictures(root: Path) -> set[bytes]:
    return {path.read_bytes() for path in (root / "images").rglob("*.jpg")}


def photo(number: int, name: str = "upright") -> str:
    return f"{name}-{number:05}-main.jpg"


def check_manifest(root: Path, name: str) -> None:
    """As a person without this product checks it."""
    command = ["sha256sum", "-c", "--quiet", f"metadata/passes/{name}/manifest.sha256"]
    subprocess.run(command, cwd=root, check=True)


class Ear:
    """Hears events."""

    def __init__(self) -> None:
        self.heard: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.heard.append(event)


@pytest.fixture
async def two(storage: StorageManager) -> AsyncIterator[SessionHandle]:
    """A session with a pass of two photos of four, and one that is planned."""
    handle = await storage.create_session(new_session(passes=(new_pass(), new_pass("flipped", 2))))
    await shoot(storage, handle, 2)
    yield handle


async def test_back_and_forward_again(place, two, storage):
    root = place.sessions / two.id
    saved = await storage.checkpoints.save(two.id, "before", origin="cli")
    assert (saved.name, saved.photos, saved.automatic, saved.origin) == ("before", 2, False, "cli")
    assert saved.passes == {"upright": PassState.PAUSED, "flipped": PassState.PLANNED}
    await finish(storage, two)
    await shoot(storage, two, 1, "flipped")
    later = await current(storage, two.id)

    back = await storage.checkpoints.restore(two.id, "before", origin="web:anna")
    assert (back.name, back.automatic, back.photos, back.notes) == ("auto-1", True, 5, ())
    assert await current(storage, two.id) == {
        "upright": (PassState.PAUSED, (photo(1), photo(2))),
        "flipped": (PassState.PLANNED, ()),
    }
    info = (await storage.get_session(two.id)).passes[0]
    assert info.pause == Pause(by="operator", reason="restored", message="restored to checkpoint before")
    assert names(root / "images/upright") == [".superseded", photo(1), photo(2)]
    assert names(root / "images/upright/.superseded/1") == [photo(3), photo(4)]
    assert names(root / "images/flipped/.superseded/1") == [photo(1, "flipped")]

    forward = await storage.checkpoints.restore(two.id, back.name, origin="cli")
    assert forward.name == "auto-2"
    assert await current(storage, two.id) == later
    assert later["upright"][0] is PassState.COMPLETED
    assert names(root / "images/upright/.superseded/1") == []
    with pytest.raises(PassCompletedError):
        async with working(storage, two):
            pass


async def test_after_going_back_names_are_never_used_again(two, storage):
    """The shots are taken again under new names, and both ways are kept."""
    await storage.checkpoints.save(two.id, "two", origin="cli")
    await shoot(storage, two, 2)
    await storage.checkpoints.restore(two.id, "two", origin="cli")
    async with working(storage, two) as writer:
        assert [shot.index for shot in writer.remaining()] == [3, 4]
        taken = [await save(writer, shot, b"another" + bytes([shot.index])) for shot in writer.remaining()]
        await writer.pause(PRESSED)
    assert [item.name for item in taken] == ["upright-00003-main_r1.jpg", "upright-00004-main_r1.jpg"]
    second = await storage.checkpoints.restore(two.id, "auto-1", origin="cli")
    assert (await current(storage, two.id))["upright"][1] == tuple(photo(number) for number in (1, 2, 3, 4))
    await storage.checkpoints.restore(two.id, second.name, origin="cli")
    again = (await current(storage, two.id))["upright"][1]
    assert again == (photo(1), photo(2), "upright-00003-main_r1.jpg", "upright-00004-main_r1.jpg")
    infos = await storage.checkpoints.list(two.id)
    assert [info.name for info in infos] == ["two", "auto-1", "auto-2", "auto-3"]


async def test_skipped_shots_come_back_too(two, storage):
    await storage.checkpoints.save(two.id, "none-skipped", origin="cli")
    async with working(storage, two) as writer:
        await writer.skip(writer.plan.shots[2], "hidden")
        await writer.pause(PRESSED)
    await storage.checkpoints.restore(two.id, "none-skipped", origin="cli")
    assert (await storage.get_session(two.id)).passes[0].skipped == 0
    await storage.checkpoints.restore(two.id, "auto-1", origin="cli")
    assert (await storage.get_session(two.id)).passes[0].skipped == 1


async def test_ended_passes_end_again_with_a_true_summary_and_manifest(place, two, storage):
    root = place.sessions / two.id
    metadata = root / "metadata/passes/upright"
    await finish(storage, two)
    before = (metadata / "manifest.sha256").read_bytes()
    async with working(storage, two, "flipped") as writer:
        await save(writer, writer.plan.shots[0])
        await writer.cancel("not now")
    await storage.checkpoints.save(two.id, "done", origin="cli")
    await storage.checkpoints.save(two.id, "same", origin="cli")
    flipped = json.loads((root / "metadata/passes/flipped/summary.json").read_bytes())
    async with working(storage, two, "flipped") as writer:
        await save(writer, writer.plan.shots[1])
        await writer.fail("camera_gone", "unplugged")
    await storage.checkpoints.save(two.id, "failed", origin="cli")
    await storage.checkpoints.restore(two.id, "done", origin="cli")
    summary = json.loads((root / "metadata/passes/flipped/summary.json").read_bytes())
    assert (summary["state"], summary["saved"], summary["reason"]) == ("cancelled", 1, "restored to checkpoint done")
    assert summary["duration_s"] == flipped["duration_s"]
    assert (metadata / "manifest.sha256").read_bytes() == before
    for name in ("upright", "flipped"):
        check_manifest(root, name)
    await storage.checkpoints.restore(two.id, "failed", origin="cli")
    info = (await storage.get_session(two.id)).passes[1]
    assert (info.state, info.saved) == (PassState.FAILED, 2)
    check_manifest(root, "flipped")
    assert (await storage.get_session(two.id)).passes[0].state is PassState.COMPLETED


async def test_a_pass_that_has_not_ended_any_more_has_no_summary_of_its_end(place, two, storage):
    """What stays beside its photos tells of no other ones."""
    root = place.sessions / two.id
    summary = root / "metadata/passes/upright/summary.json"
    await storage.checkpoints.save(two.id, "early", origin="cli")
    saved = len(await storage.photos(two.id))
    await finish(storage, two)
    assert json.loads(summary.read_bytes())["saved"] > saved
    await storage.checkpoints.restore(two.id, "early", origin="cli")
    assert not summary.exists()
    check_manifest(root, "upright")
    async with working(storage, two) as writer:
        await writer.finish("finished early")
    assert json.loads(summary.read_bytes())["saved"] == saved
    check_manifest(root, "upright")
    await storage.checkpoints.restore(two.id, "auto-1", origin="cli")
    assert json.loads(summary.read_bytes())["saved"] > saved
    check_manifest(root, "upright")


async def test_what_is_already_so_is_left_alone(place, two, storage):
    await storage.checkpoints.save(two.id, "now", origin="cli")
    journal = place.sessions / two.id / "metadata/passes/upright/journal.jsonl"
    before = journal.read_bytes()
    await storage.checkpoints.restore(two.id, "now", origin="cli")
    added = [json.loads(line)["event"] for line in journal.read_bytes()[len(before) :].splitlines()]
    assert added == ["checkpoint"]


async def test_a_pass_added_later_is_rewound_to_nothing_and_stays(place, two, storage):
    await storage.checkpoints.save(two.id, "early", origin="cli")
    await storage.add_pass(two.id, new_pass("top", 2), rig=RIG)
    await shoot(storage, two, 1, "top")
    await storage.checkpoints.restore(two.id, "early", origin="cli")
    found = await current(storage, two.id)
    assert found["top"] == (PassState.PLANNED, ())
    assert names(place.sessions / two.id / "images/top/.superseded/1") == [photo(1, "top")]
    await storage.checkpoints.restore(two.id, "auto-1", origin="cli")
    assert (await current(storage, two.id))["top"] == (PassState.PAUSED, (photo(1, "top"),))
    await shoot(storage, two, 1, "top")


async def test_a_planned_pass_that_was_rewound_can_be_worked_on(two, storage):
    await storage.checkpoints.save(two.id, "early", origin="cli")
    await finish(storage, two, "flipped")
    await storage.checkpoints.restore(two.id, "early", origin="cli")
    async with working(storage, two, "flipped") as writer:
        taken = [await save(writer, shot) for shot in writer.remaining()]
        await writer.finish("all shots taken")
    assert [item.name for item in taken] == ["flipped-00001-main_r1.jpg", "flipped-00002-main_r1.jpg"]


async def test_a_pass_that_is_missing_now_is_reported(two, storage):
    await storage.checkpoints.save(two.id, "early", origin="cli")
    await storage.discard_pass(two, FLIPPED)
    back = await storage.checkpoints.restore(two.id, "early", origin="cli")
    assert back.notes == ("pass flipped is missing; its 0 photos cannot be restored",)


async def test_a_pass_that_cannot_be_read_stays_as_it_is(place, two, storage):
    await storage.checkpoints.save(two.id, "early", origin="cli")
    (place.sessions / two.id / "metadata/passes/flipped/pass.json").write_bytes(b"noise")
    back = await storage.checkpoints.restore(two.id, "early", origin="cli")
    left_out, stays = back.notes
    assert left_out == "pass flipped could not be read and is not in it"
    assert stays.startswith("pass flipped stays as it is: ")
    later = await storage.checkpoints.save(two.id, "later", origin="cli")
    assert set(later.passes) == {"upright"}


@pytest.mark.parametrize("harm", ["gone", "changed", "pipe"])
async def test_photos_that_no_longer_exist_are_said_and_planned_again(place, storage, handle, harm):
    await storage.checkpoints.save(handle.id, "nothing", origin="cli")
    await finish(storage, handle)
    await storage.checkpoints.save(handle.id, "done", origin="cli")
    await storage.checkpoints.restore(handle.id, "nothing", origin="cli")
    kept = place.sessions / handle.id / "images/upright/.superseded/1" / photo(3)
    if harm == "changed":
        kept.write_bytes(b"something else")
    else:
        kept.unlink()
    if harm == "pipe":
        os.mkfifo(place.sessions / handle.id / "images/upright" / photo(3))
    back = await storage.checkpoints.restore(handle.id, "done", origin="cli")
    assert back.notes == (f"photo {photo(3)} no longer exists; its shot is planned again",)
    found = await current(storage, handle.id)
    assert found["upright"] == (PassState.PAUSED, (photo(1), photo(2), photo(4)))
    async with working(storage, handle) as writer:
        assert [shot.index for shot in writer.remaining()] == [3]
        assert (await save(writer, writer.remaining()[0])).name == "upright-00003-main_r1.jpg"
        await writer.finish("all shots taken")


async def test_a_checkpoint_of_photos_nobody_knows_restores_the_rest(place, storage, two):
    """Its file names a photo that the journal never told of, and one with another hash."""
    await storage.checkpoints.save(two.id, "made-up", origin="cli")
    path = place.sessions / two.id / "metadata/checkpoints/made-up.json"
    document = json.loads(path.read_bytes())
    first, second = document["passes"][1]["saved"]
    first["file"], second["sha256"] = "upright-00001-top.jpg", "0" * 64
    path.write_text(json.dumps(document))
    back = await storage.checkpoints.restore(two.id, "made-up", origin="cli")
    assert len(back.notes) == 2
    assert (await current(storage, two.id))["upright"] == (PassState.PAUSED, ())
    await storage.checkpoints.restore(two.id, "auto-1", origin="cli")
    assert (await current(storage, two.id))["upright"][1] == (photo(1), photo(2))


async def test_saving_works_while_a_pass_is_at_work_and_restoring_is_refused(place, two, storage):
    async with working(storage, two) as writer:
        await save(writer, writer.remaining()[0])
        saved = await storage.checkpoints.save(two.id, "amid", origin="cli")
        assert (saved.photos, saved.passes["upright"]) == (3, PassState.RUNNING)
        await save(writer, writer.remaining()[0])
        with pytest.raises(PassLockedError, match="cli works on this pass"):
            await storage.checkpoints.restore(two.id, "amid", origin="web")
        assert [info.name for info in await storage.checkpoints.list(two.id)] == ["amid"]
        await writer.finish("all shots taken")
    await storage.checkpoints.restore(two.id, "amid", origin="web")
    assert (await current(storage, two.id))["upright"] == (PassState.PAUSED, (photo(1), photo(2), photo(3)))
    lines = (place.sessions / two.id / "metadata/passes/upright/journal.jsonl").read_text().splitlines()
    assert [json.loads(line)["event"] for line in lines].count("checkpoint") == 2


async def test_a_pass_at_work_elsewhere_is_named_and_nothing_changes(place, tmp_path, two, storage):
    await storage.checkpoints.save(two.id, "early", origin="cli")
    before = names(place.sessions / two.id / "metadata/checkpoints")
    other = await StorageManager.open(data_dir=place.data, state_dir=tmp_path / "other", clock=StepClock())
    try:
        async with working(other, two, "flipped"):
            with pytest.raises(PassLockedError, match="cli works on this pass on"):
                await storage.checkpoints.restore(two.id, "early", origin="web")
            amid = await storage.checkpoints.save(two.id, "amid", origin="cli")
            assert amid.passes["flipped"] is PassState.RUNNING
    finally:
        await other.close()
    assert names(place.sessions / two.id / "metadata/checkpoints") == ["amid.json", *before]
    assert (await storage.get_session(two.id)).passes[0].pause == PRESSED


async def test_names(two, storage):
    for name in ("", "Before", "a/b", "../x", "-a", "x" * 49):
        with pytest.raises(InvalidError) as caught:
            await storage.checkpoints.save(two.id, name, origin="cli")
        assert caught.value.detail["errors"][0]["path"] == "name"
        with pytest.raises(CheckpointNotFoundError):
            await storage.checkpoints.restore(two.id, name, origin="cli")
    await storage.checkpoints.save(two.id, "one", origin="cli")
    with pytest.raises(CheckpointExistsError, match="already has a checkpoint 'one'"):
        await storage.checkpoints.save(two.id, "one", origin="cli")
    with pytest.raises(CheckpointNotFoundError, match="no checkpoint 'two'"):
        await storage.checkpoints.restore(two.id, "two", origin="cli")


async def test_automatic_ones_never_take_the_name_of_another(two, storage):
    """People may use such names, too: whatever they took, none is ever written over."""
    for name in ("auto-7", "auto-999999999"):
        await storage.checkpoints.save(two.id, name, origin="cli")
    made = [(await storage.checkpoints.restore(two.id, "auto-7", origin="cli")).name for _ in range(3)]
    assert made == ["auto-1000000000", "auto-1000000001", "auto-1000000002"]
    assert {mark.name for mark in await storage.checkpoints.list(two.id)} == {"auto-7", "auto-999999999", *made}


async def test_a_session_of_an_older_format_has_none_until_one_is_saved(place, storage):
    openscan(place.sessions, points=2, scans=1)
    await storage.reconcile()
    (session,) = (await storage.list_sessions()).items
    assert await storage.checkpoints.list(session.id) == ()
    with pytest.raises(CheckpointNotFoundError):
        await storage.checkpoints.restore(session.id, "one", origin="cli")
    assert (await storage.get_session(session.id)).format == "openscan3"
    saved = await storage.checkpoints.save(session.id, "one", origin="cli")
    assert saved.photos == 2
    assert (await storage.get_session(session.id)).format == "current"
    came, one = await storage.checkpoints.list(session.id)
    assert (came.name, came.automatic, came.origin, came.photos) == ("auto-1", True, "legacy", 2)
    assert one == saved
    assert (await storage.checkpoints.list_all()).items == (one, came)
    assert (await storage.checkpoints.restore(session.id, "one", origin="cli")).name == "auto-2"


async def test_of_a_session_that_does_not_exist(storage):
    nobody = SessionId("20200101-000000-nothing")
    for call in (
        storage.checkpoints.save(nobody, "one", origin="cli"),
        storage.checkpoints.restore(nobody, "one", origin="cli"),
        storage.checkpoints.list(nobody),
    ):
        with pytest.raises(SessionNotFoundError):
            await call
    with pytest.raises(SessionNotFoundError):
        await storage.checkpoints.list(SessionId("../etc"))


async def test_all_of_all_sessions_newest_first(place, two, storage, caplog):
    second = await storage.create_session(new_session("Second"))
    await storage.checkpoints.save(two.id, "one", origin="cli")
    await storage.checkpoints.save(second.id, "two", origin="cli")
    await storage.checkpoints.save(two.id, "three", origin="cli")
    (place.sessions / two.id / "metadata/checkpoints/noise.json").write_bytes(b"noise")
    (place.sessions / two.id / "metadata/checkpoints/three.json.part").write_bytes(b"")
    (place.sessions / "Not a session").mkdir()
    found = (await storage.checkpoints.list_all()).items
    assert [(info.session_id, info.name) for info in found] == [
        (two.id, "three"), (second.id, "two"), (two.id, "one"),
    ]  # fmt: skip
    assert "checkpoint noise cannot be read" in caplog.text
    assert [info.name for info in (await storage.checkpoints.list_all(1)).items] == ["three"]


async def many(place: Place, storage: StorageManager) -> list[str]:
    """Three checkpoints of two sessions each; their names, oldest first. The clock is set back and forth between them,
    and the times of the files say the contrary.
    """
    handles = [await storage.create_session(new_session(title)) for title in ("First", "Second")]
    made = []
    for number, jump in enumerate((0, 9000, -20000, 400, 30000, -3000)):
        place.clock.leap(jump)
        made.append(await storage.checkpoints.save(handles[number % 2].id, f"mark-{number}", origin="cli"))
    made.sort(key=lambda info: info.created_at)
    for number, info in enumerate(made):
        os.utime(place.sessions / info.session_id / f"metadata/checkpoints/{info.name}.json", (0, 10**9 - number))
    return [info.name for info in made]


@pytest.fixture
def decoded(monkeypatch) -> list[str]:
    """The checkpoints that are decoded."""
    names: list[str] = []

    def read(path: Path) -> object:
        names.append(path.stem)
        return read_checkpoint_file(path)

    monkeypatch.setattr(marklists, "read_checkpoint_file", read)
    monkeypatch.setattr(marks, "read_checkpoint_file", read)
    return names


async def test_of_all_only_those_that_are_told_are_decoded_whatever_the_clock_did(place, storage, decoded):
    made = await many(place, storage)
    assert made == ["mark-2", "mark-3", "mark-0", "mark-1", "mark-5", "mark-4"]
    for limit in (1, 2, 4):
        decoded.clear()
        found = (await storage.checkpoints.list_all(limit)).items
        assert [info.name for info in found] == decoded == made[: -limit - 1 : -1]
    assert [info.name for info in (await storage.checkpoints.list_all()).items] == made[::-1]


async def test_all_are_read_page_by_page_however_many_there_are(place, storage, decoded):
    made = await many(place, storage)
    for limit in (1, 2, 4, 6, 7):
        found, after = [], None
        while after is not None or not found:
            decoded.clear()
            page = await storage.checkpoints.list_all(limit, after=after)
            assert (page.total, [info.name for info in page.items]) == (6, decoded)
            found += decoded
            after = page.next
        assert found == made[::-1]
    with pytest.raises(InvalidError, match="after"):
        await storage.checkpoints.list_all(after="nonsense")


async def test_pages_of_a_name_count_that_name_alone(place, two, storage):
    made = await many(place, storage)
    await storage.checkpoints.save(two.id, made[0], origin="cli")
    first = await storage.checkpoints.list_all(1, made[0])
    second = await storage.checkpoints.list_all(1, made[0], after=first.next)
    assert [page.total for page in (first, second)] == [2, 2]
    assert (first.items[0].session_id, second.next) == (two.id, None)
    assert second.items[0].session_id != two.id


async def test_equal_times_are_told_once_each_on_pages(place, two, storage):
    """Copies of sessions have checkpoints of one name and one time."""
    await storage.checkpoints.save(two.id, "one", origin="cli")
    original = place.sessions / two.id / "metadata/checkpoints/one.json"
    for title in ("Copy", "Another"):
        copy = await storage.create_session(new_session(title))
        await storage.checkpoints.save(copy.id, "one", origin="cli")
        (place.sessions / copy.id / "metadata/checkpoints/one.json").write_bytes(original.read_bytes())
    found, after = [], None
    for _ in range(3):
        page = await storage.checkpoints.list_all(1, after=after)
        found += [info.session_id for info in page.items]
        after = page.next
    assert (len(set(found)), after, page.total) == (3, None, 3)


async def test_all_of_a_name_are_found_without_reading_others(place, two, storage, decoded):
    made = await many(place, storage)
    await storage.checkpoints.save(two.id, made[0], origin="cli")
    (place.sessions / two.id / f"metadata/checkpoints/{made[1]}.json").write_bytes(b"noise")
    for limit in (2, 10):
        found = (await storage.checkpoints.list_all(limit, made[0])).items
        assert [(info.session_id == two.id, info.name) for info in found] == [(True, made[0]), (False, made[0])]
    assert set(decoded) == {made[0]}
    assert (await storage.checkpoints.list_all(10, "nobody")).items == ()
    with pytest.raises(InvalidError):
        await storage.checkpoints.list_all(10, "../session")


async def test_a_checkpoint_that_others_wrote_in_their_own_way_has_its_place(place, storage, decoded):
    made = await many(place, storage)
    (path,) = place.sessions.glob(f"*/metadata/checkpoints/{made[3]}.json")
    path.write_text(json.dumps(dict(reversed(json.loads(path.read_bytes()).items()))))
    assert [info.name for info in (await storage.checkpoints.list_all(3)).items] == made[:-4:-1]
    assert decoded == [made[3], *made[:-4:-1]]


async def test_what_cannot_be_read_leaves_its_place_to_the_next_and_is_said_once(place, two, storage, caplog):
    """And once more when it is another."""
    for name in ("one", "two", "three", "four"):
        await storage.checkpoints.save(two.id, name, origin="cli")
    directory = place.sessions / two.id / "metadata/checkpoints"
    four, whole = directory / "four.json", (directory / "four.json").read_bytes()
    four.write_bytes(whole[:-20])
    (directory / "three.json").unlink()
    (directory / "three.json").mkdir()

    async def said(newest: str, *listed: str) -> list[str]:
        caplog.clear()
        for _ in range(3):
            assert [info.name for info in (await storage.checkpoints.list_all(1)).items] == [newest]
            assert [info.name for info in await storage.checkpoints.list(two.id)] == [*listed, newest]
        assert all(record.session == two.id for record in caplog.records)
        return sorted(record.getMessage().split(" cannot be read: ")[0] for record in caplog.records)

    assert await said("two", "one") == ["checkpoint four", "checkpoint three"]
    four.write_bytes(b"noise")
    assert await said("two", "one") == ["checkpoint four"]
    four.write_bytes(whole)
    assert await said("four", "one", "two") == []
    four.write_bytes(whole[:-20])
    assert await said("two", "one") == ["checkpoint four"]


async def test_one_that_goes_while_all_are_listed_is_passed_by(place, storage, monkeypatch, caplog):
    made = await many(place, storage)

    def gone(path: Path) -> object:
        if path.stem == made[-1]:
            path.unlink()
        return read_checkpoint_file(path)

    monkeypatch.setattr(marklists, "read_checkpoint_file", gone)
    assert [info.name for info in (await storage.checkpoints.list_all(2)).items] == [made[-2], made[-3]]
    assert caplog.text == ""


async def test_one_of_which_nothing_can_be_told_is_said_once(place, two, storage, caplog):
    await storage.checkpoints.save(two.id, "one", origin="cli")
    path = place.sessions / two.id / "metadata/checkpoints/one.json"
    path.unlink()
    path.symlink_to(path)  # in a circle
    for _ in range(3):
        assert (await storage.checkpoints.list_all()).items == ()
    assert len(caplog.records) == 1


async def test_a_session_copied_without_its_empty_directories_can_have_checkpoints(place, two, storage):
    (place.sessions / two.id / "metadata/checkpoints").rmdir()
    assert await storage.checkpoints.list(two.id) == ()
    await storage.checkpoints.save(two.id, "one", origin="cli")
    assert len(await storage.checkpoints.list(two.id)) == 1


async def test_a_damaged_checkpoint_is_said(place, two, storage):
    await storage.checkpoints.save(two.id, "one", origin="cli")
    (place.sessions / two.id / "metadata/checkpoints/one.json").write_bytes(b"noise")
    with pytest.raises(StorageError, match=r"one\.json is damaged"):
        await storage.checkpoints.restore(two.id, "one", origin="cli")


async def test_who_did_it_is_in_audit_and_events(place):
    heard = Ear()
    async with place.storage(tell=heard) as storage:
        handle = await storage.create_session(new_session())
        await storage.checkpoints.save(handle.id, "one", origin="web:anna")
        assert heard.heard == []
        await storage.checkpoints.restore(handle.id, "one", origin="web:ben")
        assert heard.heard == [SessionChanged(session_id=handle.id)]
        restored, saved = (await storage.audit.list()).items
        assert (saved.who, saved.what, saved.session_id) == ("web:anna", "checkpoint", handle.id)
        assert (restored.who, restored.what) == ("web:ben", "restore")
        assert restored.detail == "restored to checkpoint one; auto-1 leads back"


async def test_what_cannot_be_entered_in_the_audit_is_done_all_the_same(two, storage, monkeypatch, caplog):
    monkeypatch.setattr(AuditLog, "record", disk_is_full)
    await storage.checkpoints.save(two.id, "one", origin="cli")
    assert "could not be entered in the audit" in caplog.text
    assert len(await storage.checkpoints.list(two.id)) == 1


async def test_a_cancelled_caller_leaves_it_whole(two, storage, monkeypatch):
    begun, taking = asyncio.Event(), Rewind._take_all

    async def take(rewind: Rewind, holding: Holding) -> None:
        begun.set()
        await taking(rewind, holding)

    monkeypatch.setattr(Rewind, "_take_all", take)
    await storage.checkpoints.save(two.id, "two", origin="cli")
    await finish(storage, two)
    restoring = asyncio.create_task(storage.checkpoints.restore(two.id, "two", origin="cli"))
    await begun.wait()
    restoring.cancel()
    with pytest.raises(asyncio.CancelledError):
        await restoring
    await storage._operations.drain()
    assert (await current(storage, two.id))["upright"] == (PassState.PAUSED, (photo(1), photo(2)))


class PatientClock(StepClock):
    """Sleeping lets others run."""

    def __init__(self) -> None:
        super().__init__()
        self.slept = 0

    async def sleep(self, seconds: float) -> None:  # noqa: ARG002 - no time passes here
        self.slept += 1
        await asyncio.sleep(0)


async def test_a_session_that_somebody_else_changes_is_waited_for_a_short_while(tmp_path):
    place = Place(tmp_path, PatientClock())
    async with place.storage() as storage:
        handle = await storage.create_session(new_session())
        keeper = storage._keeper
        release = editlock.take_edit_lock(keeper, handle.id)
        assert release is not None
        with pytest.raises(SessionBusyError, match="is being changed by somebody else"):
            await storage.checkpoints.save(handle.id, "one", origin="cli")
        assert place.clock.slept == 19
        release()
        await storage.checkpoints.save(handle.id, "one", origin="cli")


@pytest.mark.parametrize("line", ["checkpoint", "restored", "superseded"])
async def test_force_ends_a_restore_without_moving_a_file_more(place, tmp_path, two, storage, monkeypatch, line):
    """Another scanner takes the pass while a line of the restore is being written."""
    await storage.checkpoints.save(two.id, "nothing", origin="cli")
    await finish(storage, two)
    other = await StorageManager.open(data_dir=place.data, state_dir=tmp_path / "other", clock=StepClock())
    append, forced = JournalFile.append, []

    def taken(journal: JournalFile, fact: lines.Line) -> lines.Line:
        if fact.__struct_config__.tag == line and not forced:
            forced.append(other._keeper.locker.force(two.id, UPRIGHT, Work(job_id=None, origin="anna"), "it hangs"))
        return append(journal, fact)

    before = pictures(place.sessions / two.id)
    try:
        with monkeypatch.context() as patched:
            patched.setattr(JournalFile, "append", taken)
            with pytest.raises(LockLostError, match="anna took this pass"):
                await storage.checkpoints.restore(two.id, "nothing", origin="cli")
        assert forced
        forced[0][0].release()
        async with working(other, two, "flipped"):
            pass
        await other.checkpoints.restore(two.id, "auto-1", origin="cli")
        assert len((await current(other, two.id))["upright"][1]) == 4
    finally:
        await other.close()
    assert pictures(place.sessions / two.id) == before


async def test_a_pass_that_could_not_be_read_when_it_was_saved_stays_as_it_is(place, two, storage):
    document = place.sessions / two.id / "metadata/passes/flipped/pass.json"
    whole = document.read_bytes()
    document.write_bytes(b"noise")
    saved = await storage.checkpoints.save(two.id, "half", origin="cli")
    assert list(saved.passes) == ["upright"]
    assert saved.notes == ("pass flipped could not be read and is not in it",)
    document.write_bytes(whole)
    async with working(storage, two, "flipped") as writer:
        await save(writer, writer.remaining()[0])
        await writer.pause(PRESSED)
    before = await current(storage, two.id)
    back = await storage.checkpoints.restore(two.id, "half", origin="cli")
    assert "pass flipped stays as it is: the checkpoint does not tell of it" in back.notes
    assert await current(storage, two.id) == before


async def put_away_without_a_line(root: Path, storage: StorageManager, two: SessionHandle) -> None:
    """Two of four photos are put away by a restore, and its line in the journal is damaged."""
    await storage.checkpoints.save(two.id, "two", origin="cli")
    await shoot(storage, two, 2)
    await storage.checkpoints.restore(two.id, "two", origin="cli")
    journal = root / "metadata/passes/upright/journal.jsonl"
    rows = journal.read_bytes().splitlines(keepends=True)
    number = next(number for number, row in enumerate(rows) if b'"restored"' in row)
    journal.write_bytes(b"".join([*rows[:number], b"noise\n", *rows[number + 1 :]]))


async def test_a_photo_that_comes_back_is_durable_where_it_arrives_first(place, two, storage):
    await put_away_without_a_line(place.sessions / two.id, storage, two)
    await storage.close()
    files = RecordingFiles()
    async with place.storage(files) as again, working(again, two) as writer:
        assert writer.remaining() == ()
    for number in (3, 4):
        moved = files.done.index(("rename", photo(number)))
        assert files.done[moved + 1 : moved + 3] == [("fsync_dir", "upright"), ("fsync_dir", "1")]


async def test_photos_that_were_put_away_come_back_when_the_line_that_says_so_is_damaged(place, two, storage):
    root = place.sessions / two.id
    await put_away_without_a_line(root, storage, two)
    (root / "images/upright/.superseded/1" / photo(4)).write_bytes(b"something else")
    async with working(storage, two) as writer:
        assert [shot.index for shot in writer.remaining()] == [4]
    assert names(root / "images/upright") == [".superseded", photo(1), photo(2), photo(3)]
    assert names(root / "images/upright/.superseded/1") == [photo(4)]


async def test_many_files_are_moved_in_steps(two, storage, monkeypatch):
    monkeypatch.setattr("scanner.storage.facets.rewinding._BATCH", 1)
    await storage.checkpoints.save(two.id, "two", origin="cli")
    await finish(storage, two)
    await storage.checkpoints.restore(two.id, "two", origin="cli")
    await storage.checkpoints.restore(two.id, "auto-1", origin="cli")
    assert len((await current(storage, two.id))["upright"][1]) == 4


async def test_what_cannot_be_indexed_is_restored_all_the_same(place, two, storage, monkeypatch, caplog):
    await storage.checkpoints.save(two.id, "two", origin="cli")
    await finish(storage, two)
    with monkeypatch.context() as patched:
        patched.setattr(Index, "put", disk_is_full)
        await storage.checkpoints.restore(two.id, "two", origin="cli")
    assert "the index will be brought up to date at the next start" in caplog.text
    await storage.close()
    async with place.storage() as again:
        assert (await current(again, two.id))["upright"] == (PassState.PAUSED, (photo(1), photo(2)))


async def test_a_damaged_index_does_not_hinder(place, two, storage):
    """It is made anew while the checkpoint is being saved."""
    await storage.checkpoints.save(two.id, "one", origin="cli")
    for path in place.state.glob("index.db*"):
        path.write_bytes(b"noise" * 1000)
    await storage.checkpoints.restore(two.id, "one", origin="cli")
    assert (await current(storage, two.id))["upright"][0] is PassState.PAUSED


def test_a_name_that_is_taken_gets_a_number(tmp_path):
    path = tmp_path / "a.jpg"
    assert free_name(path) == path
    path.touch()
    assert free_name(path).name == "a.2.jpg"
    (tmp_path / "a.2.jpg").touch()
    assert free_name(path).name == "a.3.jpg"


async def test_one_that_was_saved_at_work_is_still_listed_when_the_work_is_over(storage, handle):
    async with working(storage, handle) as writer:
        await save(writer, writer.plan.shots[0])
        await storage.checkpoints.save(handle.id, "half", origin="cli")
        for shot in writer.remaining():
            await save(writer, shot)
        await writer.finish("done")
    assert [info.name for info in (await storage.checkpoints.list_all()).items] == ["half"]
    await storage.reconcile()
    assert [info.name for info in (await storage.checkpoints.list_all()).items] == ["half"]


async def test_one_that_another_daemon_saved_of_a_pass_at_work_here_is_listed_by_both(place, tmp_path, storage, handle):
    async with Place(tmp_path, own="other").storage() as other:
        await other.reconcile()
        async with working(storage, handle) as writer:
            await save(writer, writer.plan.shots[0])
            await other.checkpoints.save(handle.id, "half", origin="cli")
            assert [info.name for info in (await other.checkpoints.list_all()).items] == ["half"]
            await storage.watcher.look()
            assert [info.name for info in (await storage.checkpoints.list_all()).items] == ["half"]
    (place.sessions / handle.id / "metadata/checkpoints/half.json").unlink()
    for name in ("no checkpoint.json", "half.json.part"):
        (place.sessions / handle.id / "metadata/checkpoints" / name).touch()
    await storage.watcher.look()
    assert (await storage.checkpoints.list_all()).items == ()
    assert await storage._catalogue.ask(lambda queries: queries.marked()) == []
