"""Sessions of older formats in the running product: listed, looked at, migrated, undone, merged, put in the trash."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from scanner.errors import (
    ConflictError,
    InvalidError,
    NotFoundError,
    PassLockedError,
    ScannerError,
    SessionBusyError,
    SessionNotFoundError,
    StorageError,
)
from scanner.events import SessionChanged
from scanner.model import SessionId
from scanner.states import PassState
from scanner.storage import Files, SessionChanges, StorageManager
from scanner.storage.formats import list_all, load_legacy, migrate
from tests.scanner.storage.formats.samples import expected, put_in_place
from tests.scanner.storage.formats.support import (
    BERLIN,
    PLAIN,
    bench,
    dual,
    raspi,
    tree_hash,
)
from tests.scanner.storage.oldsessions import (
    KINDS,
    OWL,
    another,
    check,
    everything,
    look_at_everything,
    running,
    small_project,
    small_raspi,
    the_one,
    told,
    visible,
)
from tests.scanner.storage.support import (
    JOB,
    LOCKED,
    RIG,
    FailingFiles,
    Place,
    StepClock,
    names,
    new_pass,
    new_session,
    save,
)


async def test_examples_are_listed_and_looked_at_without_changing_a_byte(case, place):
    wanted = expected(case)
    put_in_place(case, place.sessions)
    before = tree_hash(place.sessions)
    async with running(place) as storage:
        sessions = await everything(storage)
        assert len(sessions) == wanted["session_count"]
        assert sum(session.photos for session in sessions) == wanted["photos_ok_total"]
        for given in wanted["sessions"]:
            (session,) = [session for session in sessions if session.title == given["title"]]
            check(session, given)
            await look_at_everything(storage, session)
        assert storage.notices == ()
    assert tree_hash(place.sessions) == before
    async with running(place) as storage:
        assert await everything(storage) == sessions


@pytest.fixture(params=sorted(KINDS))
def kind(request) -> str:
    return request.param


async def test_migrate_and_undo(place, kind):
    session_id = KINDS[kind](place.sessions)
    before = tree_hash(place.sessions)
    events: list[object] = []
    async with running(place, tell=events.append) as storage:
        old = await the_one(storage)
        assert (old.id, old.format) == (session_id, kind)
        handle = await storage.legacy.migrate(session_id, origin="cli")
        assert (handle.id, handle.title) == (session_id, old.title)
        new = await the_one(storage)
        assert (told(new), new.format, new.damage) == (told(old), "current", ())
        assert (old.migrated_from, new.migrated_from) == (None, kind)
        assert visible(place.sessions) == [session_id]
        assert await storage.legacy.migrate(session_id, origin="cli") == handle
        for photo in await storage.photos(session_id):
            data = (await storage.photo_file(session_id, photo.name)).read_bytes()
            assert hashlib.sha256(data).hexdigest() == photo.sha256
        await storage.legacy.undo(session_id, origin="cli")
        assert await the_one(storage) == old
        with pytest.raises(NotFoundError, match="not migrated"):
            await storage.legacy.undo(session_id, origin="cli")
        said = [(entry.what, entry.session_id) for entry in (await storage.audit.list()).items]
        assert said == [("undo_migration", session_id), ("migrate", session_id)]
    assert events == [SessionChanged(session_id=session_id)] * 2
    for gone in place.sessions.glob(".undone_*"):
        shutil.rmtree(gone)
    assert tree_hash(place.sessions) == before


async def test_where_the_old_folder_is_gone_no_way_leads_back(place, kind):
    session_id = KINDS[kind](place.sessions)
    async with running(place) as storage:
        await storage.legacy.migrate(session_id, origin="cli")
        for kept in place.sessions.glob(".migrated_*"):
            shutil.rmtree(kept)
        await storage.reindex()
        assert (await the_one(storage)).migrated_from is None
        with pytest.raises(NotFoundError, match="no way back"):
            await storage.legacy.undo(session_id, origin="cli")


def aside(place: Place) -> dict[str, str]:
    """What lies under hidden names."""
    return {name: tree_hash(place.sessions / name) for name in names(place.sessions) if name.startswith(".")}


async def test_the_trash_takes_what_is_kept_of_a_session_brings_it_back_and_frees_it(place, kind):
    session_id = KINDS[kind](place.sessions)
    before = tree_hash(place.sessions)
    async with running(place) as storage:
        await storage.legacy.migrate(session_id, origin="cli")
        hidden, session = aside(place), await the_one(storage)
        await storage.trash.delete(session_id, origin="cli")
        assert names(place.sessions) == []
        assert [entry.session_id for entry in await storage.trash.list()] == [session_id]
        await storage.trash.undelete(session_id, origin="cli")
        assert (aside(place), await the_one(storage)) == (hidden, session)
        await storage.legacy.undo(session_id, origin="cli")
        old, hidden = await the_one(storage), aside(place)
        await storage.trash.delete(session_id, origin="cli")
        assert names(place.sessions) == []
        await storage.trash.undelete(session_id, origin="cli")
        assert (aside(place), await the_one(storage)) == (hidden, old)
        for undone in place.sessions.glob(".undone_*"):
            undone.rename(place.data / "undone")
        assert tree_hash(place.sessions) == before
        (place.data / "undone").rename(place.sessions / f".undone_{session_id}")
        await storage.trash.delete(session_id, origin="cli")
        await storage.trash.purge(None)
        assert (names(place.sessions), names(place.data / "trash")) == ([], [])


async def resume(storage: StorageManager, session_id: SessionId) -> None:
    """The first pass is taken up where it stood."""
    (info,) = (await storage.get_session(session_id)).passes
    handle = await storage.handle(session_id)
    async with storage.open_pass(handle, info.name, job_id=JOB, origin="cli") as writer:
        left = writer.remaining()
        assert len(left) == info.shots - info.saved > 0
        await writer.start({shot.camera: LOCKED for shot in writer.plan.shots})
        for shot in left:
            await save(writer, shot)
        await writer.finish("all shots taken")


async def export(storage: StorageManager, session_id: SessionId) -> None:
    await storage.publish_export(session_id, "colmap", lambda target: (target / "list.txt").write_text("x"))


CHANGES = {
    "resume": resume,
    "add": lambda storage, session_id: storage.add_pass(session_id, new_pass("again"), rig=RIG),
    "export": export,
    "edit": lambda storage, session_id: storage.edit(session_id, SessionChanges(notes="from the attic")),
    "checkpoint": lambda storage, session_id: storage.checkpoints.save(session_id, "before", origin="cli"),
}


@pytest.mark.parametrize("change", sorted(CHANGES))
async def test_the_first_change_migrates(place, kind, change):
    session_id = KINDS[kind](place.sessions)
    async with running(place) as storage:
        old = await the_one(storage)
        await CHANGES[change](storage, session_id)
        new = await the_one(storage)
        assert (new.id, new.format, new.title) == (session_id, "current", old.title)
        assert new.photos >= old.photos
        assert (change == "resume") == (new.state is PassState.COMPLETED)
    async with running(place) as storage:
        assert await the_one(storage) == new


async def test_verifying_is_a_look(place, kind):
    session_id = KINDS[kind](place.sessions)
    before = tree_hash(place.sessions)
    said: list[tuple[int, int]] = []
    async with running(place) as storage:
        old = await the_one(storage)
        found = await storage.verify(session_id, lambda done, total: said.append((done, total)))
        assert (found.checked, found.missing, found.damaged, found.unmarked) == (old.photos, (), (), ())
        assert said[-1] == (old.photos, old.photos)
        assert await the_one(storage) == old
        assert (await storage.audit.list()).items[0].what == "verify"
    assert tree_hash(place.sessions) == before
    async with running(place) as storage:
        await storage.legacy.migrate(session_id, origin="cli")
        found = await storage.verify(session_id)
        assert (found.checked, found.missing, found.unmarked) == ((await the_one(storage)).photos, (), ())


async def test_copies_beside_a_session_double_no_photo(place):
    web, images = dual(place.sessions)
    shutil.copytree(images, place.sessions / f"{images.name} backup")
    plain = raspi(place.sessions, session=None)
    shutil.copytree(plain, place.sessions / "copy")
    before = tree_hash(place.sessions)
    async with running(place) as storage:
        listed = {session.id: session.photos for session in (await storage.list_sessions()).items}
        assert listed == {web.name: 6, f"{images.name}-backup": 6, PLAIN: 6, "copy": 6}
        assert tree_hash(place.sessions) == before
        assert all(outcome.done for outcome in await storage.legacy.migrate_all())
        assert {session.id: session.photos for session in (await storage.list_sessions()).items} == listed


async def test_what_is_asked_of_nobody(storage):
    for ask in (storage.legacy.migrate, storage.legacy.undo):
        with pytest.raises(SessionNotFoundError):
            await ask(SessionId("nobody"), origin="cli")
    with pytest.raises(SessionNotFoundError):
        await storage.legacy.merge(SessionId("nobody"), SessionId("no-one"), origin="cli")
    await storage.legacy.ensure_current(SessionId("nobody"))


async def test_a_session_of_this_product_was_never_migrated(storage, handle):
    before = await storage.get_session(handle.id)
    assert (await storage.legacy.migrate(handle.id, origin="cli")).id == handle.id
    with pytest.raises(NotFoundError, match="was not migrated"):
        await storage.legacy.undo(handle.id, origin="cli")
    assert await storage.get_session(handle.id) == before
    assert await storage.legacy.folders(handle.id) == (storage._layout.sessions / handle.id,)


async def test_undo_waits_for_nobody_and_takes_nothing_away(place):
    session_id = small_raspi(place.sessions)
    async with running(place) as storage:
        handle = await storage.legacy.migrate(session_id, origin="cli")
        async with storage.open_pass(handle, "images", job_id=JOB, origin="cli"):
            with pytest.raises(SessionBusyError):
                await storage.legacy.undo(session_id, origin="cli")
        async with storage.open_pass(handle, "images", job_id=JOB, origin="cli") as writer:
            await writer.start({shot.camera: LOCKED for shot in writer.plan.shots})
            extra = await save(writer, writer.remaining()[0])
        before = await the_one(storage)
        with pytest.raises(ConflictError, match="1 photos were taken since"):
            await storage.legacy.undo(session_id, origin="cli")
        assert await the_one(storage) == before
        undone = await storage.legacy.undo(session_id, origin="cli", force=True)
        assert (undone.aside, undone.photos) == (f".undone_{session_id}", 1)
        assert (await the_one(storage)).format == "raspi_v2"
    (kept,) = place.sessions.glob(f".undone_*/images/images/{extra.name}")
    assert hashlib.sha256(kept.read_bytes()).hexdigest() == extra.sha256


async def test_a_pass_that_another_daemon_works_on_is_not_undone(place, tmp_path):
    session_id = small_raspi(place.sessions)
    async with running(place) as storage:
        handle = await storage.legacy.migrate(session_id, origin="cli")
        async with (
            another(tmp_path / "other", place.data) as second,
            second.open_pass(handle, "images", job_id=JOB, origin="web:anna"),
        ):
            with pytest.raises(PassLockedError, match="web:anna"):
                await storage.legacy.undo(session_id, origin="cli")
        assert (await the_one(storage)).format == "current"
        await storage.legacy.undo(session_id, origin="cli")


async def test_a_session_that_another_daemon_migrated_meanwhile(place, tmp_path):
    session_id = small_project(place.sessions)
    async with running(place) as storage, another(tmp_path / "other", place.data) as second:
        await storage.legacy.migrate(session_id, origin="cli")
        assert (await second.get_session(session_id)).format == "openscan3"
        await second.legacy.ensure_current(session_id)
        assert (await second.get_session(session_id)).format == "current"
        await storage.legacy.undo(session_id, origin="cli")
        await second.reconcile()
        assert (await second.get_session(session_id)).format == "openscan3"


async def test_trash_takes_the_old_folders_as_they_are(place, kind):
    session_id = KINDS[kind](place.sessions)
    before = tree_hash(place.sessions)
    async with running(place) as storage:
        old = await the_one(storage)
        folders = await storage.legacy.folders(session_id)
        entry = await storage.trash.delete(session_id, origin="cli")
        assert (entry.session_id, entry.photos) == (session_id, old.photos)
        assert (await storage.list_sessions()).items == ()
        assert not any(folder.exists() for folder in folders)
        await storage.reconcile()
        assert (await storage.list_sessions()).items == ()
        await storage.trash.undelete(session_id, origin="cli")
        assert await the_one(storage) == old
        assert tree_hash(place.sessions) == before
        await storage.trash.delete(session_id, origin="cli")
        assert [entry.session_id for entry in await storage.trash.purge(None)] == [session_id]
        assert names(place.sessions) == []
        with pytest.raises(SessionNotFoundError):
            await storage.legacy.migrate(session_id, origin="cli")


@pytest.fixture
def unlinked(place) -> tuple[SessionId, SessionId]:
    web, images = dual(place.sessions, linked=False)
    return SessionId(web.name), SessionId(images.name)


async def test_halves_that_only_look_alike_are_a_question_and_merge_decides(place, unlinked):
    before = tree_hash(place.sessions)
    async with running(place) as storage:
        (question,) = await storage.legacy.questions()
        assert (question.first, question.second) == unlinked
        assert "one scan" in question.text
        assert {session.id for session in (await storage.list_sessions()).items} == set(unlinked)
        assert tree_hash(place.sessions) == before
        handle = await storage.legacy.merge(*reversed(unlinked), origin="cli")
        assert handle.id == unlinked[0]
        merged = await the_one(storage)
        assert (merged.photos, merged.format, merged.state) == (6, "current", PassState.COMPLETED)
        assert await storage.legacy.questions() == ()
        with pytest.raises(ConflictError, match="no longer"):
            await storage.legacy.merge(*unlinked, origin="cli")
        await storage.legacy.undo(handle.id, origin="cli")
        assert len(await storage.legacy.questions()) == 1
    shutil.rmtree(next(place.sessions.glob(".undone_*")))
    assert tree_hash(place.sessions) == before


async def test_what_cannot_be_merged(place, unlinked):
    small_project(place.sessions)
    async with running(place) as storage:
        with pytest.raises(InvalidError, match="itself"):
            await storage.legacy.merge(unlinked[0], unlinked[0], origin="cli")
        with pytest.raises(ConflictError, match="two folders"):
            await storage.legacy.merge(unlinked[0], OWL, origin="cli")
        assert len((await storage.list_sessions()).items) == 3


async def test_halves_that_were_migrated_can_be_brought_back_and_merged(place, unlinked):
    async with running(place) as storage:
        (question,) = await storage.legacy.questions()
        for session_id in unlinked:
            await storage.legacy.migrate(session_id, origin="cli")
        ways = [f"'scanner sessions migrate {session_id} --undo'" for session_id in unlinked]
        with pytest.raises(ConflictError, match=" and ".join(ways)):
            await storage.legacy.merge(*unlinked, origin="cli")
        await storage.legacy.undo(unlinked[0], origin="cli")
        with pytest.raises(ConflictError, match=f"Bring them back with {ways[1]}, then merge"):
            await storage.legacy.merge(question.first, question.second, origin="cli")
        await storage.legacy.undo(unlinked[1], origin="cli")
        await storage.legacy.merge(question.first, question.second, origin="cli")
        assert (await the_one(storage)).photos == 6


async def test_halves_without_a_way_back_cannot_be_merged(place, unlinked):
    async with running(place) as storage:
        for session_id in unlinked:
            await storage.legacy.migrate(session_id, origin="cli")
        for kept in place.sessions.glob(".migrated_*"):
            shutil.rmtree(kept)
        await storage.reindex()
        with pytest.raises(ConflictError, match="no longer"):
            await storage.legacy.merge(*unlinked, origin="cli")


async def test_all_at_once_and_a_dry_run_first(place, unlinked):
    small_project(place.sessions)
    raspi(place.sessions, "broken", points=1)
    before = tree_hash(place.sessions)
    reports: list[tuple[int, int]] = []
    async with running(place) as storage:
        await storage.create_session(new_session())
        listed = (await storage.list_sessions()).items
        would = await storage.legacy.migrate_all(dry_run=True)
        assert [outcome.done for outcome in would] == [False] * 4
        assert [outcome.id for outcome in would] == sorted({*unlinked, OWL, "broken"})
        left = {one.id: one.sentence() for one in would if one.left}
        way = f"decide with 'scanner sessions merge {' '.join(unlinked)}', or migrate each by itself"
        assert left == {
            one: f"Chess knight (raspi_v2, {photos} photos) was left alone: it may be one scan with {other}: {way}"
            for one, other, photos in ((*unlinked, 0), (*reversed(unlinked), 6))
        }
        assert [one.sentence() for one in would if one.id == OWL] == [
            f"Ceramic Owl (openscan3, 1 photos) would become session {OWL}"
        ]
        assert (await storage.list_sessions()).items == listed
        shutil.rmtree(place.sessions / "20261120-041530-blue-vase")
        assert tree_hash(place.sessions) == before
        (place.sessions / ".migrating_broken.json").mkdir()  # something is in its way
        outcomes = await storage.legacy.migrate_all(report=lambda done, total: reports.append((done, total)))
        failed = [outcome for outcome in outcomes if outcome.error is not None]
        assert [outcome.id for outcome in failed] == ["broken"]
        assert [outcome.id for outcome in outcomes if outcome.done] == [OWL]
        assert {outcome.id: outcome.sentence() for outcome in outcomes if outcome.left} == left
        assert reports == [(done, 4) for done in range(5)]
        assert len(await storage.legacy.questions()) == 1
        await storage.legacy.migrate(unlinked[0], origin="cli")  # the decision that they are two
        assert [one.id for one in await storage.legacy.migrate_all() if one.done] == [unlinked[1]]
        assert [one.id for one in await storage.legacy.migrate_all(dry_run=True)] == ["broken"]


async def test_a_cancelled_batch_ends_behind_the_session_at_work(place):
    for name in ("a", "b", "c"):
        raspi(place.sessions, name, points=1)
    async with running(place) as storage:

        def stop(done: int, _total: int) -> None:
            if done == 1:
                task.cancel()

        task = asyncio.create_task(storage.legacy.migrate_all(report=stop))
        with pytest.raises(asyncio.CancelledError):
            await task
        await storage.legacy.look()
        formats = {session.id: session.format for session in (await storage.list_sessions()).items}
        assert (formats["a"], formats["c"]) == ("current", "raspi_v2")


async def test_what_is_being_migrated_is_neither_deleted_nor_migrated_again(place):
    session_id = small_raspi(place.sessions)
    holds = threading.Event()
    at_work = asyncio.Event()
    loop = asyncio.get_running_loop()

    class Slow(Files):
        """Waits in the middle of a migration."""

        def link(self, source: Path, target: Path) -> None:
            if source.suffix == ".jpg":
                loop.call_soon_threadsafe(at_work.set)
                assert holds.wait(20)
            super().link(source, target)

    async with running(place, files=Slow()) as storage:
        first = asyncio.create_task(storage.legacy.migrate(session_id, origin="cli"))
        await at_work.wait()
        second = asyncio.create_task(storage.legacy.migrate(session_id, origin="cli"))
        with pytest.raises(SessionBusyError):
            await storage.trash.delete(session_id, origin="cli")
        assert (await storage.get_session(session_id)).format == "raspi_v2"
        holds.set()
        assert (await first).id == (await second).id == session_id
        assert (await the_one(storage)).format == "current"
        await storage.trash.delete(session_id, origin="cli")


async def test_a_deletion_that_fails_leaves_the_session_listed(place):
    session_id = small_project(place.sessions)
    files = FailingFiles()
    async with running(place, files=files) as storage:
        old = await the_one(storage)
        files.arm(1, errno.EIO, for_good=True)
        with pytest.raises(StorageError):
            await storage.trash.delete(session_id, origin="cli")
        files.arm(None)
        assert await the_one(storage) == old
        await look_at_everything(storage, old)


async def test_a_migration_that_a_cut_left_is_finished_where_the_index_knows_nothing_of_it(place):
    """By the old command line, or by a daemon whose index is gone."""
    session_id = small_project(place.sessions)
    work = bench(place.sessions)
    (found,) = list_all(place.sessions, BERLIN).found

    class Cut(FailingFiles):
        def rename(self, source: Path, target: Path) -> None:
            if target.name == session_id:
                self.arm(1, errno.EIO, for_good=True)
            super().rename(source, target)

    with pytest.raises(OSError, match="Input/output"):
        migrate(replace(work, files=Cut()), load_legacy(found.paths, BERLIN, session_id=found.id))
    assert [name for name in names(place.sessions) if name.startswith(".migrating_")]
    async with running(place) as storage:
        assert [text for text in storage.notices if "cut off" in text]
        assert (await the_one(storage)).photos == 1
    assert not [name for name in names(place.sessions) if name.startswith((".migrating_", ".ready_", ".new-"))]


async def test_two_daemons_that_migrate_the_same_session_at_once(place, tmp_path, kind):
    session_id = KINDS[kind](place.sessions)
    before = {name: tree_hash(place.sessions / name) for name in visible(place.sessions)}
    async with running(place) as first, another(tmp_path / "other", place.data) as second:
        answers = await asyncio.gather(
            *(daemon.legacy.migrate(session_id, origin="cli") for daemon in (first, second)), return_exceptions=True
        )
        assert [answer for answer in answers if not isinstance(answer, ScannerError)] != []
        for daemon in (first, second):
            await daemon.reconcile()
            assert ((await the_one(daemon)).format, (await the_one(daemon)).damage) == ("current", ())
    kept = sorted(tree_hash(path) for path in place.sessions.glob(".migrated_*"))
    assert kept == sorted(before.values())
    assert not [name for name in names(place.sessions) if name.startswith((".ready_", ".new-", ".migrating_"))]


async def test_what_another_daemon_is_migrating_is_left_to_it(place, tmp_path):
    session_id = small_project(place.sessions)
    holds, at_work, loop = threading.Event(), asyncio.Event(), asyncio.get_running_loop()

    class Slow(Files):
        """Waits before the new directory takes its place."""

        def rename(self, source: Path, target: Path) -> None:
            if target.name == session_id:
                loop.call_soon_threadsafe(at_work.set)
                assert holds.wait(20)
            super().rename(source, target)

    async with running(place, files=Slow()) as storage, another(tmp_path / "other", place.data) as second:
        migrating = asyncio.create_task(storage.legacy.migrate(session_id, origin="cli"))
        await at_work.wait()
        await second.watcher.look()
        await second.reconcile()
        with pytest.raises(SessionBusyError):
            await second.legacy.migrate(session_id, origin="cli")
        assert second.notices == ()
        holds.set()
        await migrating
        await second.reconcile()
        assert (await the_one(second)).format == (await the_one(storage)).format == "current"


@pytest.mark.parametrize("importing", [False, True])
async def test_a_stop_does_not_wait_for_gigabytes(place, tmp_path, importing):
    """The session at work is given up between two files; the old one is as it was."""
    raspi(tmp_path / "card" if importing else place.sessions, points=3)
    before = tree_hash(tmp_path / "card" if importing else place.sessions)
    holds, at_work, loop = threading.Event(), asyncio.Event(), asyncio.get_running_loop()
    taken: list[str] = []

    class Slow(Files):
        """Waits at every photo."""

        def link(self, source: Path, target: Path) -> None:
            self._wait(target)
            super().link(source, target)

        def open(self, path: Path, flags: int) -> int:
            if importing:
                self._wait(path)
            return super().open(path, flags)

        def _wait(self, target: Path) -> None:
            if target.suffix == ".jpg":
                taken.append(target.name)
                loop.call_soon_threadsafe(at_work.set)
                assert holds.wait(20)

    storage = await StorageManager.open(
        data_dir=place.data, state_dir=place.state, clock=StepClock(), timezone=lambda: BERLIN, files=Slow()
    )
    await storage.reconcile()
    work = storage.legacy.migrate(SessionId(PLAIN), origin="cli")
    if importing:
        work.close()
        work = storage.legacy.import_from(tmp_path / "card", timezone=BERLIN, origin="cli")
    working_on = asyncio.create_task(work)
    await at_work.wait()
    stopped = asyncio.create_task(storage.close())
    await asyncio.sleep(0)
    holds.set()
    await stopped
    answer = (await asyncio.gather(working_on, return_exceptions=True))[0]
    error = answer[0].error if importing else answer
    assert isinstance(error, ConflictError)
    assert "being stopped" in error.message
    assert len(taken) == 1
    assert visible(place.sessions) == ([] if importing else [PLAIN])
    assert tree_hash(tmp_path / "card" if importing else place.sessions) == before
    async with running(place) as again:
        assert (await again.list_sessions()).total == (0 if importing else 1)
