"""Foreign changes under a running daemon: noticed, told, and never taken for damage or for the end of a copy."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from scanner.errors import SessionNotFoundError, StorageError
from scanner.events import Event, LockChanged, SessionChanged, SessionDeleted, WarningRaised
from scanner.model import SessionId
from scanner.states import PassState
from scanner.storage import SessionQuery, StorageManager
from scanner.storage.keeping import watching
from tests.scanner.storage.formats.support import raspi
from tests.scanner.storage.support import PRESSED, Place, new_pass, new_session, save, working
from tests.support.many import make_sessions

COPY = SessionId("copied-in")


@pytest.fixture
def told() -> list[Event]:
    return []


@pytest.fixture
async def watched(place, told) -> AsyncIterator[StorageManager]:
    """Five sessions of which the index knows, and a watcher that has looked once."""
    make_sessions(place.sessions, 5)
    async with watching_storage(place, told) as storage:
        yield storage


@asynccontextmanager
async def watching_storage(place: Place, told: list[Event]) -> AsyncIterator[StorageManager]:
    def tell(event: Event) -> None:
        if not isinstance(event, LockChanged):
            told.append(event)

    async with place.storage(tell=tell) as storage:
        await storage.reconcile()
        await settle(storage)
        told.clear()
        yield storage


async def settle(storage: StorageManager, looks: int = 2) -> None:
    for _ in range(looks):
        await storage.watcher.look()


async def ids(storage: StorageManager) -> set[str]:
    return {session.id for session in (await storage.list_sessions(SessionQuery(limit=500))).items}


def first(place: Place) -> SessionId:
    return SessionId(min(path.name for path in place.sessions.iterdir()))


async def copy_in_mid_scan(place: Place, target: Path) -> None:
    """A session of four photos as it is while it is being scanned."""
    async with place.storage() as other:
        handle = await other.create_session(new_session(passes=(new_pass(count=4),)))
        async with working(other, handle) as writer:
            for shot in writer.plan.shots:
                await save(writer, shot)
            shutil.copytree(place.sessions / handle.id, target)


async def test_a_directory_copied_in_removed_and_renamed(place, watched, told):
    known = await ids(watched)
    shutil.copytree(place.sessions / first(place), place.sessions / COPY)
    await watched.watcher.look()
    assert await ids(watched) == known | {COPY}
    assert told == [SessionChanged(session_id=COPY)]
    told.clear()
    (place.sessions / COPY).rename(place.sessions / "another-name")
    await settle(watched)
    assert await ids(watched) == known | {"another-name"}
    assert set(map(type, told)) == {SessionChanged, SessionDeleted}
    assert SessionDeleted(session_id=COPY) in told
    told.clear()
    shutil.rmtree(place.sessions / "another-name")
    await settle(watched)
    assert await ids(watched) == known
    assert told == [SessionDeleted(session_id=SessionId("another-name"))]
    with pytest.raises(SessionNotFoundError):
        await watched.get_session(COPY)


async def test_pipes_in_the_places_of_documents_are_not_waited_for(place, watched, told):
    """Whoever opens one waits for a writer: the watch would stand still for good, and the daemon never end."""
    shutil.copytree(place.sessions / first(place), place.sessions / COPY)
    journal, *_ = (place.sessions / COPY).glob("metadata/passes/*/journal.jsonl")
    strange = place.sessions / "20261120-041530-strange/metadata"
    strange.mkdir(parents=True)
    journal.unlink()
    for pipe in (journal, strange / "session.json"):
        os.mkfifo(pipe)
    async with asyncio.timeout(20):
        await settle(watched)
        assert SessionChanged(session_id=COPY) in told
        assert "the journal cannot be read (Invalid argument)" in "".join((await watched.get_session(COPY)).damage)
        with pytest.raises(StorageError):
            await watched.checkpoints.save(COPY, "one", origin="test")
        assert strange.parent.name not in await ids(watched)
        shutil.rmtree(place.sessions / COPY)
        await settle(watched)
        assert SessionDeleted(session_id=COPY) in told


async def test_nothing_is_compared_while_nothing_changes(watched, told, monkeypatch):
    async def never() -> None:
        raise AssertionError

    monkeypatch.setattr(watched._catalogue, "compare_names", never)
    await settle(watched, 20)
    assert told == []


async def test_what_we_do_ourselves_is_no_news(watched, told):
    handle = await watched.create_session(new_session())
    async with working(watched, handle) as writer:
        await save(writer, writer.plan.shots[0])
        await settle(watched)
    await settle(watched)
    await watched.discard_session(await watched.create_session(new_session("Not wanted")))
    await settle(watched)
    assert told == []


async def test_a_copy_that_takes_its_time_is_followed_to_its_end(place, watched, told, tmp_path):
    source = tmp_path / "source"
    await copy_in_mid_scan(Place(tmp_path / "elsewhere"), source)
    target = place.sessions / COPY
    journal = source / "metadata/passes/upright/journal.jsonl"
    (target / "images").mkdir(parents=True)
    await settle(watched)
    assert COPY not in await ids(watched)
    shutil.copytree(source / "metadata", target / "metadata")
    whole = journal.read_bytes()
    copied = target / "metadata/passes/upright/journal.jsonl"
    copied.write_bytes(whole[: len(whole) // 2])
    await settle(watched)
    half = (await watched.get_session(COPY)).passes[0]
    assert half.state is PassState.RUNNING
    assert half.saved < 4
    assert copied.read_bytes() == whole[: len(whole) // 2]  # not mended while it may still grow
    with copied.open("ab") as file:
        file.write(whole[len(whole) // 2 :])
    told.clear()
    await settle(watched, 1)
    assert SessionChanged(session_id=COPY) in told
    assert (await watched.get_session(COPY)).passes[0].saved == 4
    assert copied.read_bytes() == whole
    shutil.copytree(source / "images", target / "images", dirs_exist_ok=True)
    await settle(watched, 15)
    assert (await watched.get_session(COPY)).passes[0].state is PassState.PAUSED
    assert len(await watched.photos(COPY)) == 4


async def test_a_journal_that_another_writes_is_followed(place, watched, told):
    handle = await watched.create_session(new_session())
    async with working(watched, handle) as writer:
        await save(writer, writer.plan.shots[0])
    await settle(watched)
    journal = place.sessions / handle.id / "metadata/passes/upright/journal.jsonl"
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:1]))
    await settle(watched, 1)
    assert told == [SessionChanged(session_id=handle.id)]
    (listed,) = (await watched.list_sessions(SessionQuery(q="blue vase", limit=1, sort="newest"))).items
    assert (listed.id, listed.photos) == (handle.id, 0)


async def test_unfinished_sessions_are_looked_at_in_turn(place, told, monkeypatch):
    monkeypatch.setattr(watching, "_NEWEST", 2)
    monkeypatch.setattr(watching, "_OTHERS", 2)
    async with place.storage(tell=told.append) as storage:
        for number in range(9):
            handle = await storage.create_session(new_session(f"Thing {number}"))
            async with working(storage, handle) as writer:
                await writer.pause(PRESSED)
        await settle(storage, 12)
        told.clear()
        for path in place.sessions.iterdir():
            journal = path / "metadata/passes/upright/journal.jsonl"
            journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:1]))
        await settle(storage, 5)
        assert len([event for event in told if isinstance(event, SessionChanged)]) == 9


async def test_a_session_that_is_looked_at_is_read_again(place, watched, told):
    chosen = first(place)
    document = place.sessions / chosen / "metadata/session.json"
    document.write_bytes(document.read_bytes().replace(b'"title": "', b'"title": "Very '))
    assert (await watched.get_session(chosen)).title.startswith("Very ")
    assert told == [SessionChanged(session_id=chosen)]
    assert (await watched.list_sessions(SessionQuery(q="very"))).total == 1
    await watched.get_session(chosen)
    assert len(told) == 1


async def test_a_directory_that_somebody_finds_gone_is_told_as_gone_once(place, watched, told):
    chosen = first(place)
    shutil.rmtree(place.sessions / chosen)
    with pytest.raises(SessionNotFoundError):
        await watched.get_session(chosen)
    await settle(watched, 3)
    assert told == [SessionDeleted(session_id=chosen)]
    assert watched.notices == ()


@pytest.mark.parametrize("looked_at", [False, True])
async def test_a_directory_replaced_by_one_of_an_older_format_is_listed_as_that(
    place, watched, told, caplog, monkeypatch, *, looked_at: bool
):
    monkeypatch.setattr(watching, "_RECENT", 0)
    chosen, known = first(place), await ids(watched)
    (place.sessions / chosen).rename(place.root / "away")
    raspi(place.sessions, chosen, title="Old vase", points=1)
    if looked_at:
        with pytest.raises(SessionNotFoundError):
            await watched.get_session(chosen)
    await settle(watched)
    assert await ids(watched) == known
    session = await watched.get_session(chosen)
    assert (session.title, session.format) == ("Old vase", "raspi_v2")
    assert f"the directory of session {chosen} was replaced: what is there now is looked at anew" in caplog.text
    assert SessionChanged(session_id=chosen) in told
    assert [event.message for event in told if isinstance(event, WarningRaised)] == list(watched.notices)
    told.clear()
    shutil.rmtree(place.sessions / chosen)
    (place.root / "away").rename(place.sessions / chosen)
    await settle(watched)
    assert (await watched.get_session(chosen)).format == "current"
    assert await ids(watched) == known
    assert SessionChanged(session_id=chosen) in told


async def test_a_directory_whose_content_alone_was_replaced_is_listed_as_what_it_is(place, watched):
    """The directory of the sessions has not changed: the names are those that were compared."""
    chosen = first(place)
    known, ours = await ids(watched), place.root / "ours"
    ours.mkdir()
    older = raspi(place.root, "older", points=1)
    for source, aside, kind in ((older, ours, "raspi_v2"), (ours, older, "current")):
        new = tuple(source.iterdir())
        for path in tuple((place.sessions / chosen).iterdir()):
            path.rename(aside / path.name)
        for path in new:
            path.rename(place.sessions / chosen / path.name)
        await settle(watched, 3)
        assert {session.id: session.format for session in (await watched.list_sessions()).items}[chosen] == kind
        assert await ids(watched) == known


async def test_a_directory_replaced_by_another_session_is_listed_as_that(place, watched, told, monkeypatch):
    monkeypatch.setattr(watching, "_RECENT", 0)
    known = await ids(watched)
    chosen, other = min(known), max(known)
    title = (await watched.get_session(SessionId(other))).title
    shutil.rmtree(place.sessions / chosen)
    (place.sessions / other).rename(place.sessions / chosen)
    await settle(watched)
    assert {session.id: session.title for session in (await watched.list_sessions()).items}[SessionId(chosen)] == title
    assert await ids(watched) == known - {other}
    assert watched.notices == (f"the directory of session {chosen} was replaced: it holds another session now",)
    assert {SessionChanged(session_id=SessionId(chosen)), SessionDeleted(session_id=SessionId(other))} <= set(told)


async def test_a_session_removed_under_work_pauses_by_its_own_error_and_is_said(place, watched, told):
    handle = await watched.create_session(new_session())
    async with working(watched, handle) as writer:
        await save(writer, writer.plan.shots[0])
        shutil.rmtree(place.sessions / handle.id)
        with pytest.raises(StorageError):
            await save(writer, writer.plan.shots[1])
        await settle(watched, 3)
        (said,) = told
        assert isinstance(said, WarningRaised)
        assert said.session_id == handle.id
        assert "removed or renamed while it was being worked on" in said.message
        assert handle.id in await ids(watched)
    await settle(watched, 2)
    assert SessionDeleted(session_id=handle.id) in told
    assert handle.id not in await ids(watched)
    await watched.create_session(new_session("Goes on"))


@pytest.mark.parametrize("shots", [1, 3])
async def test_a_journal_removed_under_work_comes_back_whole(place, watched, shots):
    """Also where nothing is written any more but the end."""
    handle = await watched.create_session(new_session())
    journal = place.sessions / handle.id / "metadata/passes/upright/journal.jsonl"
    async with working(watched, handle) as writer:
        await save(writer, writer.plan.shots[0])
        journal.unlink()
        for shot in writer.plan.shots[1:shots]:
            await save(writer, shot)
    before = await watched.get_session(handle.id)
    assert (before.passes[0].saved, before.damage) == (shots, ())
    await watched.reindex(lambda _done, _total: None)
    assert await watched.get_session(handle.id) == before


async def test_a_state_directory_that_is_moved_away_is_said_once(place, watched, told):
    moved = place.root / "moved"
    place.state.rename(moved)
    await settle(watched, 3)
    (said,) = told
    assert isinstance(said, WarningRaised)
    assert "state directory" in said.message
    moved.rename(place.state)
    await settle(watched, 1)
    place.state.rename(moved)
    await settle(watched, 1)
    assert len(told) == 2
    moved.rename(place.state)


async def test_sessions_that_are_gone_altogether_are_kept_in_the_list_and_said(place, watched, told):
    """A disk that was pulled out is no reason to forget everything."""
    known = await ids(watched)
    moved = place.root / "moved"
    place.sessions.rename(moved)
    await settle(watched, 3)
    (said,) = told
    assert isinstance(said, WarningRaised)
    assert "is gone" in said.message
    assert await ids(watched) == known
    moved.rename(place.sessions)
    await settle(watched, 3)
    assert await ids(watched) == known
    assert len(told) == 1


async def test_watching_goes_on_after_an_error_and_says_it_once(place, watched, told, monkeypatch):
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)
        await asyncio.sleep(0)

    monkeypatch.setattr(place.clock, "sleep", sleep)
    looks = asyncio.Semaphore(0)
    fails = True

    async def look() -> None:
        looks.release()
        if fails:
            message = "the disk reports an error"
            raise StorageError(message, reason="io_error")

    monkeypatch.setattr(watched.watcher, "look", look)
    task = asyncio.create_task(watched.watch())
    for _ in range(3):
        await looks.acquire()
    fails = False
    for _ in range(3):
        await looks.acquire()
    fails = True
    for _ in range(3):
        await looks.acquire()
    task.cancel()
    await asyncio.wait([task])
    assert [type(event) for event in told] == [WarningRaised, WarningRaised]
    assert set(waited) == {watching.INTERVAL}
    assert 2 * watching.INTERVAL < 10  # a change of names is compared, then what has come is read


# ---- read again


async def test_reindexing_reads_every_directory_and_tells_how_far(place, watched, monkeypatch):
    monkeypatch.setattr("scanner.storage.keeping.upkeep._BATCH", 100)
    make_sessions(place.sessions, 225, first=5, of=230)
    await watched.reconcile()
    progress: list[tuple[int, int]] = []
    before = await watched.list_sessions(SessionQuery(limit=500))
    await watched._threads.writer.run(
        lambda: watched._keeper.index._connection.execute("UPDATE sessions SET title = 'wrong', photos = 7").fetchall()
    )
    await watched.reindex(lambda done, total: progress.append((done, total)))
    total = len(before.items)
    assert progress[-1] == (total, total)
    assert [done for done, _ in progress] == sorted(done for done, _ in progress)
    assert len(progress) > 2
    assert await watched.list_sessions(SessionQuery(limit=500)) == before


async def test_reindexing_can_be_cancelled(place, watched, monkeypatch):
    monkeypatch.setattr("scanner.storage.keeping.upkeep._BATCH", 100)
    make_sessions(place.sessions, 225, first=5, of=230)
    begun = asyncio.Event()
    task = asyncio.create_task(watched.reindex(lambda *_: begun.set()))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await watched.reconcile()
    assert (await watched.list_sessions()).total == len(list(place.sessions.iterdir()))


async def test_reindexing_leaves_work_in_peace(watched):
    handle = await watched.create_session(new_session())
    async with working(watched, handle) as writer:
        await save(writer, writer.plan.shots[0])
        await watched.reindex()
        await save(writer, writer.plan.shots[1])
        assert (await watched.get_session(handle.id)).photos == 2
    assert (await watched.get_session(handle.id)).passes[0].saved == 2
