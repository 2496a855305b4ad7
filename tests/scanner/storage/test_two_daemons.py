"""Two daemons, one session, different passes: both passes are told rightly by both, at work and afterwards."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from scanner.errors import PassLockedError
from scanner.model import PassName, PhotoName, SessionId
from scanner.states import PassState
from scanner.storage import SessionChanges, SessionHandle, SessionQuery, StorageManager
from scanner.storage.directory.glance import agree
from scanner.storage.keeping import watching
from scanner.storage.keeping.keeper import Keeper
from tests.scanner.storage.sharing import daemon
from tests.scanner.storage.support import StepClock, new_pass, new_session, save, working

ONE, TWO = PassName("one"), PassName("two")


async def create(storage: StorageManager) -> SessionHandle:
    return await storage.create_session(new_session(passes=(new_pass("one"), new_pass("two"))))


async def take(storage: StorageManager, session_id: SessionId, name: PassName, count: int = 4) -> None:
    async with working(storage, await storage.handle(session_id), name) as writer:
        for shot in writer.remaining()[:count]:
            await save(writer, shot)
        if not writer.remaining():
            await writer.finish("done")


async def listed(storage: StorageManager) -> dict[str, tuple[str, int]]:
    """State and photos of each pass of the only session, as the list tells it."""
    (session,) = (await storage.list_sessions()).items
    assert session.photos == sum(info.saved for info in session.passes)
    return {info.name: (info.state.value, info.saved) for info in session.passes}


@pytest.mark.parametrize("watched", [True, False])
async def test_both_passes_are_told_by_both(tmp_path: Path, *, watched: bool):
    async with daemon(tmp_path, "a") as a, daemon(tmp_path, "b") as b:
        handle = await create(a)
        await b.reconcile()
        async with working(a, handle, "one") as writer:
            await save(writer, writer.plan.shots[0])
            await take(b, handle.id, TWO)
            if watched:
                await a.watcher.look()
                assert await listed(a) == {"one": ("running", 1), "two": ("completed", 4)}
            for shot in writer.remaining():
                await save(writer, shot)
            await writer.finish("done")
        for storage in (a, b):
            await storage.watcher.look()
            assert await listed(storage) == {"one": ("completed", 4), "two": ("completed", 4)}
            total = (await storage.history.statistics()).total
            assert (total.passes, total.completed, total.photos) == (2, 2, 8)
            assert {(one.pass_, one.photos) for one in (await storage.history.passes()).items} == {
                ("one", 4),
                ("two", 4),
            }
    async with daemon(tmp_path, "a") as a:
        await a.reconcile()
        assert await listed(a) == {"one": ("completed", 4), "two": ("completed", 4)}


async def test_what_a_session_says_of_itself_is_followed_while_a_pass_of_it_is_at_work_here(tmp_path: Path):
    async with daemon(tmp_path, "a") as a, daemon(tmp_path, "b") as b:
        handle = await create(a)
        await b.reconcile()
        async with working(a, handle, "one"):
            await b.edit(handle.id, SessionChanges(title="Red vase"))
            await a.watcher.look()
            assert [session.title for session in (await a.list_sessions()).items] == ["Red vase"]


async def test_a_pass_that_was_damaged_elsewhere_is_counted_rightly_once_it_is_open_here(tmp_path: Path):
    async with daemon(tmp_path, "a") as a, daemon(tmp_path, "b") as b:
        handle = await create(a)
        await take(a, handle.id, ONE)
        await b.reconcile()
        photo = (await b.photos(handle.id))[0]
        (await b.photo_file(handle.id, photo.name)).unlink()
        await b.verify(handle.id)
        async with a.open_pass(handle, ONE, job_id=None, origin="cli"):
            assert (await listed(a))["one"] == ("paused", 3)
        assert (await listed(a))["one"] == ("paused", 3)
        await take(a, handle.id, ONE)
        assert (await listed(a))["one"] == ("completed", 4)


async def test_reconciliation_reads_what_another_changed_in_a_session_that_is_at_work_here(tmp_path: Path):
    async with daemon(tmp_path, "a") as a, daemon(tmp_path, "b") as b:
        handle = await create(a)
        await b.reconcile()
        async with working(a, handle, "one"):
            await take(b, handle.id, TWO)
            await a.reconcile()
            assert (await listed(a))["two"] == ("completed", 4)


async def test_our_own_lines_alone_are_no_reason_to_read_anything(tmp_path: Path, monkeypatch):
    async with daemon(tmp_path, "a") as a:
        handle = await create(a)
        read: list[SessionId] = []
        monkeypatch.setattr(Keeper, "take_in", lambda _, session_id: read.append(session_id))
        async with working(a, handle, "one") as writer:
            await save(writer, writer.plan.shots[0])
            await a.watcher.look()
            await a.get_session(handle.id)
        await a.watcher.look()
        assert read == []


async def finished(storage: StorageManager, title: str) -> SessionHandle:
    handle = await storage.create_session(new_session(title, passes=(new_pass("one"),)))
    await take(storage, handle.id, ONE)
    return handle


async def test_work_elsewhere_on_a_session_that_was_finished_is_noticed(tmp_path: Path):
    async with daemon(tmp_path, "a") as a, daemon(tmp_path, "b") as b:
        handle = await finished(a, "Blue vase")
        await b.reconcile()
        await b.add_pass(handle.id, new_pass("two"), rig=(await b.pass_document(handle.id, ONE)).rig)
        await a.watcher.look()
        assert (await listed(a))["two"] == (PassState.PLANNED.value, 0)


@pytest.fixture
def _few_at_once(monkeypatch):
    """As among very many sessions: those of a test are neither among the newest nor all looked at every time."""
    monkeypatch.setattr(watching, "_RECENT", 0)
    monkeypatch.setattr(watching, "_ANY", 2)


@pytest.mark.usefixtures("_few_at_once")
async def test_whatever_is_done_elsewhere_to_an_old_finished_session_is_noticed_in_turn(tmp_path: Path):
    async with daemon(tmp_path, "a") as a, daemon(tmp_path, "b") as b:
        worked, edited, *_ = [await finished(a, f"Thing {number}") for number in range(5)]
        await b.reconcile()
        for _ in range(3):
            await a.watcher.look()
        await b.edit(edited.id, SessionChanges(title="Red vase"))
        await b.add_pass(worked.id, new_pass("two"), rig=(await b.pass_document(worked.id, ONE)).rig)
        async with working(b, worked, "two") as writer:
            for _ in range(3):  # two of five at once
                await a.watcher.look()
            found = {session.id: session for session in (await a.list_sessions()).items}
            assert found[edited.id].title == "Red vase"
            assert [one.id for one in (await a.list_sessions(SessionQuery(q="red"))).items] == [edited.id]
            assert found[worked.id].passes[1].state is PassState.RUNNING
            await save(writer, writer.plan.shots[0])
            await a.watcher.look()  # from now on it is followed
            found = {session.id: session for session in (await a.list_sessions()).items}
            assert found[worked.id].passes[1].saved == 1


async def test_an_old_finished_session_on_which_another_goes_on_is_not_deleted(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(watching, "_RECENT", 0)
    async with daemon(tmp_path, "a", synchronised=lambda: True) as a, daemon(tmp_path, "b") as b:
        handle = await finished(a, "Blue vase")
        await b.reconcile()
        await b.add_pass(handle.id, new_pass("two"), rig=(await b.pass_document(handle.id, ONE)).rig)
        async with working(b, handle, "two"):
            assert await a.trash.clean(timedelta(0), origin="cli") == ()
            with pytest.raises(PassLockedError):
                await a.trash.delete(handle.id, origin="cli")
            assert [(info.session_id, info.pass_) for info in await a.locks.active()] == [(handle.id, TWO)]


async def test_a_pass_at_work_here_is_followed_however_many_others_are_unfinished(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(watching, "_NEWEST", 1)
    monkeypatch.setattr(watching, "_OTHERS", 1)
    monkeypatch.setattr(watching, "_RECENT", 1)
    async with daemon(tmp_path, "a") as a, daemon(tmp_path, "b") as b:
        handle = await create(a)
        for number in range(3):
            await a.create_session(new_session(f"Thing {number}"))
        await b.reconcile()
        async with working(a, handle, "one"):
            await take(b, handle.id, TWO)
            await a.watcher.look()
            found = {session.id: session for session in (await a.list_sessions()).items}
            assert found[handle.id].passes[1].saved == 4


async def test_the_small_picture_and_what_is_damaged_or_left_out_are_told_at_every_photo(tmp_path: Path):
    async with daemon(tmp_path, "a") as a:
        handle = await create(a)
        await take(a, handle.id, TWO, 1)
        assert (await a.get_session(handle.id)).thumbnail == "two-00001-main.jpg"
        async with working(a, handle, "one") as writer:
            first, second, third, fourth = writer.plan.shots
            await writer.skip(second, "hidden")
            for shot, shown in ((third, third), (second, second), (fourth, second), (first, first)):
                await save(writer, shot)
                session = await a.get_session(handle.id)
                assert session.thumbnail == f"one-{shown.index:05}-main.jpg"
                assert session.passes[0].skipped == len(writer.progress.skipped) == (shot is third)
            await writer.finish("done")
        for name in (PhotoName("one-00001-main.jpg"), PhotoName("one-00004-main.jpg")):
            (await a.photo_file(handle.id, name)).write_bytes(b"x")
        await a.verify(handle.id)
        assert (await a.get_session(handle.id)).thumbnail == "one-00002-main.jpg"
        async with working(a, handle, "one") as writer:
            for left in (1, 0):
                await save(writer, writer.remaining()[-1])
                (info, _) = (await a.get_session(handle.id)).passes
                assert (info.damaged, info.retaken) == (left, 2 - left)
            await writer.finish("done")
        before = await a.get_session(handle.id)
        assert before.thumbnail == "one-00001-main_r1.jpg"
        await a.reindex()
        assert await a.get_session(handle.id) == before


@pytest.mark.parametrize(
    ("known", "now", "own", "same"),
    [
        ("metadata:1|one:1|two:1|checkpoints:-", "metadata:1|one:2|two:1|checkpoints:-", {"one"}, True),
        ("metadata:1|one:1|two:1|checkpoints:-", "metadata:1|one:2|one:1|two:1|checkpoints:-", {"one"}, True),
        ("metadata:1|one:1|two:1|checkpoints:-", "metadata:1|one:1|two:2|checkpoints:-", {"one"}, False),
        ("metadata:1|one:1|two:1|checkpoints:-", "metadata:2|one:1|two:1|checkpoints:-", {"one"}, False),
        ("metadata:1|one:1|two:1|checkpoints:-", "metadata:1|one:1|two:1|checkpoints:1:a", {"one"}, False),
        ("metadata:1|one:1|checkpoints:-", "metadata:1|one:2|checkpoints:-", set(), False),
        ("metadata:1|metadata:1|checkpoints:-", "metadata:1|metadata:2|checkpoints:-", {"metadata"}, True),
        ("metadata:1|metadata:1|checkpoints:-", "metadata:2|metadata:1|checkpoints:-", {"metadata"}, False),
        ("metadata:1|checkpoints:1|checkpoints:-", "metadata:1|checkpoints:1|checkpoints:1:a", {"checkpoints"}, False),
        ("", "metadata:1|one:1|checkpoints:-", {"one"}, False),
    ],
)
def test_only_the_journals_of_our_own_passes_may_differ(known: str, now: str, own: set[str], *, same: bool):
    assert agree(known, now, own) is same


async def test_an_id_that_is_used_again_has_its_place_by_the_new_session(tmp_path: Path):
    """Deleted by one, made again under the same id by the other within the same second."""
    early, late = StepClock(), StepClock()
    late.leap(0.4)
    async with daemon(tmp_path, "a", clock=early) as a, daemon(tmp_path, "b", clock=late) as b:
        first = await a.create_session(new_session("Zebra"))
        second = await b.create_session(new_session("Vase"))
        await a.reconcile()
        await b.trash.delete(first.id, origin="x")
        again = await b.create_session(new_session("Zebra"))
        assert again.id == first.id
        await a.watcher.look()
        await a.watcher.look()
        before = [session.id for session in (await a.list_sessions()).items]
        assert before == [again.id, second.id] == [session.id for session in (await b.list_sessions()).items]
