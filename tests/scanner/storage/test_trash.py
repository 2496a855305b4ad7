"""Deleting is moving: undone until the trash is emptied, never while somebody works, never judged by a wrong clock."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scanner.errors import (
    ClockError,
    ConflictError,
    DiskFullError,
    NotFoundError,
    PassLockedError,
    SessionBusyError,
    SessionNotFoundError,
)
from scanner.events import Event, SessionChanged, SessionDeleted
from scanner.model import SessionId
from scanner.records import CleanedSession
from scanner.states import PassState
from scanner.storage import SessionHandle, StorageManager
from scanner.storage.disk.files import Files
from scanner.storage.disk.layout import Layout
from scanner.storage.disk.room import KEPT
from scanner.storage.keeping.wrappers import tidy_trash, wrappers
from tests.scanner.storage.formats.support import dual, openscan
from tests.scanner.storage.support import (
    PRESSED,
    RIG,
    FullFiles,
    Place,
    StepClock,
    names,
    new_pass,
    new_session,
    save,
    working,
)

WEEK = timedelta(days=7)


class QuickerFiles(Files):
    """Somebody else takes a wrapper out of the trash just before we do."""

    taken: Path | None = None

    def rename(self, source: Path, target: Path) -> None:
        if self.taken is not None and source.is_relative_to(self.taken):
            shutil.rmtree(self.taken)
        super().rename(source, target)


class MovableClock(StepClock):
    """Its wall clock can be set."""

    def set(self, moment: datetime) -> None:
        self._now = moment


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path, MovableClock())


@pytest.fixture
async def storage(place):
    async with place.storage(synchronised=lambda: True) as opened:
        yield opened


async def scanned(storage: StorageManager, title: str = "Blue vase", *, end: bool = True) -> SessionHandle:
    handle = await storage.create_session(new_session(title, passes=(new_pass(count=2),)))
    async with working(storage, handle) as writer:
        for shot in writer.remaining():
            await save(writer, shot)
        if end:
            await writer.finish("all shots taken")
        else:
            await writer.pause(PRESSED)
    return handle


def tree(root: Path) -> dict[str, bytes]:
    """All files but locks, with their bytes."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and not path.name.startswith(".session.lock")
    }


async def test_there_and_back(place, storage):
    handle = await scanned(storage)
    await storage.checkpoints.save(handle.id, "one", origin="cli")
    before, files = await storage.get_session(handle.id), tree(place.sessions / handle.id)
    entry = await storage.trash.delete(handle.id, origin="web:anna")
    assert (entry.session_id, entry.title, entry.origin, entry.photos) == (handle.id, "Blue vase", "web:anna", 2)
    assert entry.bytes == before.bytes
    assert await storage.trash.list() == (entry,)
    assert names(place.sessions) == []
    (wrapper,) = (place.data / "trash").iterdir()
    assert wrapper.name.startswith("20261120-041530-")
    assert tree(wrapper / handle.id) == files
    assert (await storage.list_sessions()).total == 0
    with pytest.raises(SessionNotFoundError):
        await storage.get_session(handle.id)
    back = await storage.trash.undelete(handle.id, origin="cli")
    assert (back.id, back.title, back.created) == (handle.id, "Blue vase", False)
    assert await storage.get_session(handle.id) == before
    assert tree(place.sessions / handle.id) == files
    assert await storage.trash.list() == ()
    assert names(place.data / "trash") == []


async def test_deleting_twice_and_what_is_not_there(storage):
    handle = await scanned(storage)
    await storage.trash.delete(handle.id, origin="cli")
    with pytest.raises(SessionNotFoundError):
        await storage.trash.delete(handle.id, origin="cli")
    with pytest.raises(NotFoundError, match="is not in the trash"):
        await storage.trash.undelete(SessionId("20200101-000000-nothing"), origin="cli")
    with pytest.raises(SessionNotFoundError):
        await storage.trash.delete(SessionId("../etc"), origin="cli")


async def test_a_session_that_is_a_link_comes_back_as_one(place, storage, tmp_path):
    """Its directory lies elsewhere and is never touched, not even by purging."""
    handle = await scanned(storage)
    elsewhere, link = tmp_path / "elsewhere", place.sessions / handle.id
    shutil.move(link, elsewhere)
    link.symlink_to(elsewhere)
    files = tree(elsewhere)
    entry = await storage.trash.delete(handle.id, origin="cli")
    assert await storage.trash.list() == (entry,)
    assert (await storage.trash.undelete(handle.id, origin="cli")).id == handle.id
    assert link.is_symlink()
    assert names(place.data / "trash") == []
    await storage.trash.delete(handle.id, origin="cli")
    assert [gone.session_id for gone in await storage.trash.purge(None)] == [handle.id]
    assert names(place.data / "trash") == []
    assert tree(elsewhere) == files


async def test_a_session_can_be_deleted_when_the_disk_is_full(tmp_path):
    """What is kept aside makes way; purging keeps it aside again."""
    disk = FullFiles()
    place = Place(tmp_path, MovableClock())
    async with place.storage(disk) as storage:
        await storage.reconcile()
        room = Layout(place.data, place.state).room
        assert room.stat().st_size == KEPT
        first, second = await scanned(storage), await scanned(storage, "Red vase")
        disk.unless_gone = room
        entry = await storage.trash.delete(first.id, origin="cli")
        assert not room.exists()
        await storage.trash.delete(second.id, origin="cli")
        await storage.trash.undelete(second.id, origin="cli")
        assert await storage.trash.list() == (entry,)
        assert await storage.trash.purge(None) == (entry,)
        assert room.stat().st_size == KEPT
        room.unlink()
        disk.unless_gone = tmp_path
        with pytest.raises(DiskFullError):
            await storage.trash.delete(second.id, origin="cli")
        assert (await storage.get_session(second.id)).photos == 2
        assert await storage.trash.purge(None) == ()
        assert not room.exists()
    disk.unless_gone = None


async def test_who_comes_second_finds_nothing_in_the_trash(place, monkeypatch):
    """Two scanners on one share empty it, or take the same session back, at the same moment."""
    files = QuickerFiles()
    async with place.storage(files) as storage:
        handle = await scanned(storage)
        await storage.trash.delete(handle.id, origin="cli")
        (wrapper,) = (place.data / "trash").iterdir()
        files.taken = wrapper
        with pytest.raises(NotFoundError, match="no longer in the trash"):
            await storage.trash.undelete(handle.id, origin="cli")
        assert not wrapper.exists()
        monkeypatch.setattr("scanner.storage.keeping.wrappers._roots", lambda _: [wrapper])
        assert await storage.trash.list() == ()
        with pytest.raises(NotFoundError, match="is not in the trash"):
            await storage.trash.undelete(handle.id, origin="cli")


async def test_what_may_not_be_looked_into_hides_nothing_else(place, storage, monkeypatch):
    """``lost+found``, where the trash is a disk of its own."""
    handle = await scanned(storage)
    entry = await storage.trash.delete(handle.id, origin="cli")
    lost = place.data / "trash/lost+found"
    lost.mkdir()
    scandir = os.scandir

    def guarded(path: Path) -> Iterator[os.DirEntry[str]]:
        if path == lost:
            raise PermissionError
        return scandir(path)

    monkeypatch.setattr("os.scandir", guarded)
    assert await storage.trash.list() == (entry,)
    assert await storage.trash.purge(None) == (entry,)
    assert lost.is_dir()


async def test_a_session_that_vanished_by_hand_is_not_found(place, storage):
    handle = await scanned(storage)
    shutil.rmtree(place.sessions / handle.id)
    with pytest.raises(SessionNotFoundError):
        await storage.trash.delete(handle.id, origin="cli")
    assert await storage.trash.list() == ()


async def test_one_that_vanishes_while_it_is_being_deleted(place, storage, monkeypatch):
    handle = await scanned(storage)

    def vanish(*_: object) -> None:
        shutil.rmtree(place.sessions / handle.id)
        raise FileNotFoundError

    monkeypatch.setattr("scanner.storage.facets.trash.throw_away", vanish)
    with pytest.raises(SessionNotFoundError):
        await storage.trash.delete(handle.id, origin="cli")
    assert (await storage.list_sessions()).total == 0


async def test_an_id_that_is_taken_again(place, storage):
    """Nothing is mixed, and once the other is away the first comes back."""
    handle = await scanned(storage)
    await storage.trash.delete(handle.id, origin="cli")
    place.clock.set(datetime(2026, 11, 20, 4, 15, 30, tzinfo=UTC))
    again = await scanned(storage)
    assert again.id == handle.id
    with pytest.raises(ConflictError, match=r"there is a session .* again"):
        await storage.trash.undelete(handle.id, origin="cli")
    place.clock.set(datetime(2026, 11, 20, 5, tzinfo=UTC))
    second = await storage.trash.delete(handle.id, origin="cli")
    assert len(await storage.trash.list()) == 2
    await storage.trash.undelete(handle.id, origin="cli")
    (left,) = await storage.trash.list()
    assert left.deleted_at != second.deleted_at


async def test_the_name_is_taken_by_a_file(place, storage):
    handle = await scanned(storage)
    await storage.trash.delete(handle.id, origin="cli")
    (place.sessions / handle.id).write_bytes(b"")
    with pytest.raises(ConflictError):
        await storage.trash.undelete(handle.id, origin="cli")
    assert len(await storage.trash.list()) == 1


async def test_the_name_is_taken_at_the_last_moment(place, storage, monkeypatch):
    handle = await scanned(storage)
    await storage.trash.delete(handle.id, origin="cli")
    (place.sessions / handle.id / "metadata").mkdir(parents=True)
    monkeypatch.setattr("os.path.lexists", lambda _: False)
    with pytest.raises(ConflictError):
        await storage.trash.undelete(handle.id, origin="cli")
    assert len(await storage.trash.list()) == 1


async def test_never_while_somebody_works_on_it(place, tmp_path, storage):
    handle = await scanned(storage, end=False)
    async with working(storage, handle):
        with pytest.raises(PassLockedError, match="cli works on this pass"):
            await storage.trash.delete(handle.id, origin="web")
    other = await StorageManager.open(data_dir=place.data, state_dir=tmp_path / "other", clock=StepClock())
    try:
        async with working(other, handle):
            with pytest.raises(PassLockedError, match="cli works on this pass on"):
                await storage.trash.delete(handle.id, origin="web")
    finally:
        await other.close()
    assert (await storage.get_session(handle.id)).photos == 2
    await storage.trash.delete(handle.id, origin="web")


async def test_events_and_audit(place):
    heard: list[Event] = []
    async with place.storage(tell=heard.append) as storage:
        handle = await scanned(storage)
        await storage.trash.delete(handle.id, origin="web:anna")
        await storage.trash.undelete(handle.id, origin="web:ben")
        await storage.trash.delete(handle.id, origin="web:anna")
        await storage.trash.purge(None, origin="web:carl")
        told = [event for event in heard if isinstance(event, SessionChanged | SessionDeleted)]
        assert told == [
            SessionDeleted(session_id=handle.id),
            SessionChanged(session_id=handle.id),
            SessionDeleted(session_id=handle.id),
        ]
        said = [(entry.who, entry.what) for entry in reversed((await storage.audit.list()).items)]
        assert said == [("web:anna", "delete"), ("web:ben", "undelete"), ("web:anna", "delete"), ("web:carl", "purge")]


async def test_purging_by_age(place, storage):
    old, new = await scanned(storage, "Old"), await scanned(storage, "New")
    await storage.trash.delete(old.id, origin="cli")
    place.clock.set(datetime(2026, 11, 25, tzinfo=UTC))
    await storage.trash.delete(new.id, origin="cli")
    place.clock.set(datetime(2026, 11, 28, tzinfo=UTC))
    before = tree(place.data)
    assert [entry.title for entry in await storage.trash.purge(WEEK, dry_run=True)] == ["Old"]
    assert tree(place.data) == before
    assert [entry.title for entry in await storage.trash.purge(WEEK)] == ["Old"]
    assert [entry.title for entry in await storage.trash.list()] == ["New"]
    assert await storage.trash.purge(WEEK) == ()
    assert [entry.title for entry in await storage.trash.purge(None)] == ["New"]
    assert names(place.data / "trash") == []


async def test_nothing_is_judged_by_a_clock_that_nobody_keeps_right(place):
    async with place.storage(synchronised=lambda: False) as storage:
        handle = await scanned(storage)
        for dry_run in (True, False):
            with pytest.raises(ClockError, match="the clock is not synchronised"):
                await storage.trash.clean(timedelta(days=1), dry_run=dry_run, origin="cli")
            with pytest.raises(ClockError):
                await storage.trash.purge(timedelta(days=1), dry_run=dry_run)
        await storage.trash.delete(handle.id, origin="cli")
        assert len(await storage.trash.purge(None)) == 1


async def test_what_was_ended_or_deleted_by_a_wrong_clock_is_not_judged_by_its_age(place):
    """A Pi without a network wakes up in the past; a minute later the clock is right, and all of today looks old."""
    right = False
    async with place.storage(synchronised=lambda: right) as storage:
        here, deleted = await scanned(storage, "Here"), await scanned(storage, "Deleted")
        await storage.trash.delete(deleted.id, origin="cli")
        right = True
        late = await scanned(storage, "Late")
        place.clock.set(datetime(2027, 12, 1, tzinfo=UTC))
        for dry_run in (True, False):
            assert await storage.trash.purge(WEEK, dry_run=dry_run) == ()
        gone = await storage.trash.clean(WEEK, origin="cli")
        assert [session.id for session in gone] == [late.id]
        assert [session.id for session in (await storage.list_sessions()).items] == [here.id]
        assert {entry.session_id for entry in await storage.trash.purge(None)} == {deleted.id, late.id}


async def test_a_pass_without_its_summary_is_judged_by_its_journal(place):
    async with place.storage(synchronised=lambda: True) as storage:
        handle = await scanned(storage)
        (place.sessions / handle.id / "metadata/passes/upright/summary.json").unlink()
        place.clock.set(datetime(2027, 12, 1, tzinfo=UTC))
        assert [session.id for session in await storage.trash.clean(WEEK, origin="cli")] == [handle.id]


async def test_of_what_was_cleaned_only_so_much_is_kept_as_is_told(place, storage):
    """Whole sessions would be more than a hundred MB of 100,000."""
    about = await storage.get_session((await scanned(storage)).id)
    place.clock.set(datetime(2026, 12, 1, tzinfo=UTC))
    told = CleanedSession(
        id=about.id,
        title="Blue vase",
        state=PassState.COMPLETED,
        created_at=about.created_at,
        photos=about.photos,
        bytes=about.bytes,
    )
    for dry_run in (True, False):
        assert await storage.trash.clean(WEEK, dry_run=dry_run, origin="cli") == (told,)


async def test_cleaning_keeps_a_page_of_sessions_in_memory(place, storage, monkeypatch):
    monkeypatch.setattr("scanner.storage.facets.trash.MAX_LIMIT", 2)
    for number in range(4):
        await scanned(storage, f"Number {number}")
    place.clock.set(datetime(2026, 12, 1, tzinfo=UTC))
    page, left = storage.list_sessions, []

    async def counted(query):
        left.append((await page()).total)
        return await page(query)

    storage.trash._looking = type(storage.trash._looking)(
        session=storage.get_session, page=counted, handle=storage.handle, survey=storage.legacy.look
    )
    assert len(await storage.trash.clean(WEEK, origin="cli")) == 4
    assert left[:2] == [4, 2]


async def test_one_that_another_has_purged_meanwhile(place, storage, monkeypatch):
    handle = await scanned(storage)
    await storage.trash.delete(handle.id, origin="cli")

    def gone(*_: object) -> None:
        shutil.rmtree(place.data / "trash")

    monkeypatch.setattr("scanner.storage.facets.trash.tidy_trash", gone)
    assert len(await storage.trash.purge(None)) == 1
    assert await storage.trash.list() == ()


async def test_cleaning_takes_ended_old_unlocked_sessions_only(place, tmp_path, storage):
    ended, paused = await scanned(storage, "Ended"), await scanned(storage, "Paused", end=False)
    cancelled, spared = await scanned(storage, "Cancelled", end=False), await scanned(storage, "Spared")
    async with working(storage, cancelled) as writer:
        await writer.cancel("not now")
    half = await storage.create_session(new_session("Half", passes=(new_pass(), new_pass("flipped"))))
    async with working(storage, half) as writer:
        await writer.finish("finished early")

    @contextmanager
    def busy(session_id):
        if session_id == spared.id:
            message = "a job has it"
            raise SessionBusyError(message)
        yield

    place.clock.set(datetime(2026, 11, 26, tzinfo=UTC))
    late = await scanned(storage, "Late")
    place.clock.set(datetime(2026, 12, 1, tzinfo=UTC))
    before = tree(place.data)
    found = await storage.trash.clean(WEEK, dry_run=True, origin="cli", hold=busy)
    assert {session.title for session in found} == {"Ended", "Cancelled"}
    assert tree(place.data) == before
    other = await StorageManager.open(data_dir=place.data, state_dir=tmp_path / "other", clock=StepClock())
    try:
        async with working(other, cancelled):
            assert [item.title for item in await storage.trash.clean(WEEK, dry_run=True, origin="cli")] == [
                "Ended", "Spared",
            ]  # fmt: skip
            await storage.trash.clean(WEEK, origin="cli", hold=busy)
    finally:
        await other.close()
    assert [entry.session_id for entry in await storage.trash.list()] == [ended.id]
    left = {session.id for session in (await storage.list_sessions()).items}
    assert left == {paused.id, cancelled.id, spared.id, half.id, late.id}


async def test_cleaning_goes_through_all_pages(place, storage, monkeypatch):
    monkeypatch.setattr("scanner.storage.facets.trash.MAX_LIMIT", 2)
    for number in range(5):
        await scanned(storage, f"Number {number}")
    place.clock.set(datetime(2026, 12, 1, tzinfo=UTC))
    await scanned(storage, "Late")
    found = await storage.trash.clean(WEEK, origin="cli")
    assert sorted(session.title for session in found) == [f"Number {number}" for number in range(5)]
    assert (await storage.list_sessions()).total == 1


async def test_what_changes_while_it_is_cleaned_stays(place, storage, caplog):
    """The list was made before: one has been reopened since, one is worked on, one is gone."""
    caplog.set_level("INFO")
    handles = [await scanned(storage, f"Number {number}", end=False) for number in range(3)]
    for handle in handles:
        async with working(storage, handle) as writer:
            await writer.cancel("not now")
    place.clock.set(datetime(2026, 12, 1, tzinfo=UTC))
    page = storage.list_sessions

    async def late(query):
        found = await page(query)
        if query.status == "cancelled":
            await storage.trash.delete(handles[0].id, origin="cli")
            async with working(storage, handles[1]) as writer:
                await writer.pause(PRESSED)
            entered.append(await at_work.__aenter__())
            await entered[0].cancel("again")
        return found

    entered: list = []
    at_work = working(storage, handles[2])
    storage.trash._looking = type(storage.trash._looking)(
        session=storage.get_session, page=late, handle=storage.handle, survey=storage.legacy.look
    )
    assert await storage.trash.clean(WEEK, origin="cli") == ()
    await at_work.__aexit__(None, None, None)
    assert {session.id for session in (await storage.list_sessions()).items} == {handles[1].id, handles[2].id}
    assert "left alone while cleaning" in caplog.text


async def test_what_goes_on_just_before_its_turn_stays(place, storage):
    """While one is being deleted another gets a pass, a third a job."""
    handles = [await scanned(storage, f"Number {number}") for number in range(3)]
    place.clock.set(datetime(2026, 12, 1, tzinfo=UTC))
    kept: list[SessionId] = []

    @contextmanager
    def hold(session_id):
        if session_id in held and session_id == handles[2].id:
            message = "a job has it"
            raise SessionBusyError(message)
        held.append(session_id)
        yield

    held: list[SessionId] = []
    delete = storage.trash._deleted

    async def late(session_id, *more):
        if session_id == handles[1].id:
            await storage.add_pass(session_id, new_pass("another"), rig=RIG)
            kept.append(session_id)
        return await delete(session_id, *more)

    storage.trash._deleted = late
    gone = await storage.trash.clean(WEEK, origin="cli", hold=hold)
    assert ([session.id for session in gone], kept) == ([handles[0].id], [handles[1].id])
    assert {session.id for session in (await storage.list_sessions()).items} == {handles[1].id, handles[2].id}
    assert [info.name for info in (await storage.get_session(handles[1].id)).passes] == ["upright", "another"]


async def test_times_that_make_no_sense_are_not_judged(place, storage):
    handle = await scanned(storage)
    await storage.trash.delete(handle.id, origin="cli")
    (wrapper,) = (place.data / "trash").iterdir()
    document = json.loads((wrapper / "deleted.json").read_bytes())
    place.clock.set(datetime(2027, 12, 1, tzinfo=UTC))
    for text, judged in (("yesterday", False), ("2026-11-20T04:15:30", True)):
        (wrapper / "deleted.json").write_text(json.dumps(document | {"deleted_at": text}))
        assert bool(await storage.trash.purge(WEEK, dry_run=True)) is judged


@pytest.mark.parametrize("harm", ["gone", "noise"])
async def test_a_wrapper_without_its_document_is_still_listed(place, storage, harm):
    handle = await scanned(storage)
    entry = await storage.trash.delete(handle.id, origin="cli")
    (wrapper,) = (place.data / "trash").iterdir()
    if harm == "gone":
        (wrapper / "deleted.json").unlink()
    else:
        (wrapper / "deleted.json").write_bytes(b"noise")
    (found,) = await storage.trash.list()
    assert (found.session_id, found.title, found.photos, found.bytes) == (handle.id, "Blue vase", 2, entry.bytes)
    assert (found.deleted_at, found.origin) == ("2026-11-20T04:15:30.000Z", "")
    wrapper.rename(wrapper.with_name("old things"))
    shutil.rmtree(place.data / "trash" / "old things" / handle.id / "metadata")
    (found,) = await storage.trash.list()
    assert (found.title, found.deleted_at, found.photos) == (handle.id, "", 0)


async def test_what_is_none_of_the_trashs_is_left_alone(place, storage):
    handle = await scanned(storage)
    await storage.trash.delete(handle.id, origin="cli")
    (place.data / "trash" / "note.txt").write_text("mine")
    (place.data / "trash" / "empty").mkdir()
    await storage.reconcile()
    assert names(place.data / "trash")[-1] == "note.txt"
    assert len(names(place.data / "trash")) == 2
    assert len(await storage.trash.list()) == 1


async def test_a_deletion_of_several_folders_is_finished(place, storage):
    """An older format can spread a session over two; the cut came between them."""
    first, second = await scanned(storage, "First"), await scanned(storage, "Second")
    await storage.trash.delete(first.id, origin="cli")
    (wrapper,) = (place.data / "trash").iterdir()
    document = json.loads((wrapper / "deleted.json").read_bytes())
    (wrapper / "deleted.json").write_text(json.dumps(document | {"folders": [first.id, second.id]}))
    await storage.reconcile()
    assert names(wrapper) == [first.id, second.id, "deleted.json"]
    assert (await storage.list_sessions()).total == 0


async def test_what_lies_in_both_places_leaves_the_trash_only_if_it_is_the_same(place, storage):
    handle = await scanned(storage)
    await storage.trash.delete(handle.id, origin="cli")
    (wrapper,) = (place.data / "trash").iterdir()
    shutil.copytree(wrapper / handle.id, place.sessions / handle.id)
    changed = place.sessions / handle.id / "metadata/session.json"
    original = changed.read_bytes()
    changed.write_bytes(original.replace(b"Blue", b"Rosy"))
    await storage.reconcile()
    assert len(await storage.trash.list()) == 1
    changed.write_bytes(original)
    await storage.reconcile()
    assert await storage.trash.list() == ()
    assert (await storage.get_session(handle.id)).photos == 2


def test_no_trash_is_an_empty_one(storage_premises):
    assert wrappers(storage_premises.layout) == []
    tidy_trash(storage_premises)
    assert not storage_premises.layout.trash.exists()


@pytest.fixture
def storage_premises(tmp_path):
    class Premises:
        files = None
        layout = Layout(tmp_path / "data", tmp_path / "state")

    return Premises()


async def test_a_session_without_a_pass_that_ended_is_as_old_as_its_creation(storage, place):
    handle = await storage.create_session(new_session("Never begun"))
    async with storage.open_pass(handle, new_pass().spec.name, job_id=None, origin="cli") as writer:
        await writer.cancel("not now")
    place.clock.set(datetime(2026, 12, 1, tzinfo=UTC))
    assert (await storage.get_session(handle.id)).state is PassState.CANCELLED
    assert len(await storage.trash.clean(WEEK, dry_run=True, origin="cli")) == 1


@pytest.mark.parametrize("kind", ["openscan3", "raspi_v2_dual"])
async def test_a_session_of_an_older_format_goes_and_comes_back_as_it_is(place, storage, kind):
    """Unmigrated, bit for bit, also where it lies in two folders."""
    if kind == "openscan3":
        openscan(place.sessions, points=2, scans=1)
    else:
        dual(place.sessions)
    await storage.reconcile()
    (before,) = (await storage.list_sessions()).items
    assert before.format == kind
    folders, files = names(place.sessions), tree(place.sessions)
    entry = await storage.trash.delete(before.id, origin="cli")
    assert (entry.title, entry.photos) == (before.title, before.photos)
    assert names(place.sessions) == []
    assert (await storage.list_sessions()).total == 0
    (wrapper,) = (place.data / "trash").iterdir()
    assert names(wrapper) == sorted([*folders, "deleted.json"])
    await storage.reconcile()
    back = await storage.trash.undelete(before.id, origin="cli")
    assert (back.id, back.title) == (before.id, before.title)
    assert (await storage.list_sessions()).items == (before,)
    assert tree(place.sessions) == files
    assert names(place.data / "trash") == []
