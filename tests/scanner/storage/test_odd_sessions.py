"""One session that cannot be looked into, or tells what cannot be, keeps no other from being listed and watched."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from msgspec import structs

from scanner.errors import DamagedError, StorageError
from scanner.events import Event, SessionChanged, WarningRaised
from scanner.model import SessionId
from scanner.states import PassState
from scanner.storage import SessionChanges, StorageManager
from scanner.storage.directory.views import SessionRecord, is_hidden, is_session, read_session
from scanner.storage.disk.layout import SessionPaths
from scanner.storage.index.fitting import fitting
from scanner.storage.journal.limits import LONGEST
from tests.scanner.storage.oldsessions import running, small_raspi
from tests.scanner.storage.support import FailingFiles, Place, new_session, save, working

STRANGER = "20261120-000001-copied-by-root"
Close = Callable[[Path], None]


@pytest.fixture
def close(monkeypatch) -> Iterator[Close]:
    """Take from this program what lies below a directory, as an owner and a mode, or a bad block, would."""
    closed: list[str] = []

    def guarded(original: Callable[..., object], what: object, *more: object, **named: object) -> object:
        path = os.fspath(what) if isinstance(what, str | os.PathLike) else ""
        if any(path.startswith(f"{root}/") or (path == root and original in READING) for root in closed):
            raise OSError(errno.EACCES, os.strerror(errno.EACCES), path)
        return original(what, *more, **named)

    for name in ("stat", "lstat", "open", "listdir", "scandir"):
        monkeypatch.setattr(os, name, partial(guarded, getattr(os, name)))
    yield lambda path: closed.append(str(path))
    closed.clear()


READING = (os.listdir, os.scandir, os.open)


async def scanned(storage: StorageManager, title: str = "Blue vase") -> SessionId:
    handle = await storage.create_session(new_session(title))
    async with working(storage, handle) as writer:
        for shot in writer.remaining():
            await save(writer, shot)
        await writer.finish("done")
    return handle.id


async def listed(storage: StorageManager) -> set[str]:
    return {session.id for session in (await storage.list_sessions()).items}


def warnings(told: list[Event]) -> list[str]:
    return [event.message for event in told if isinstance(event, WarningRaised)]


@pytest.mark.parametrize("name", [STRANGER, "lost+found"])
async def test_a_directory_that_may_not_be_looked_into_is_said_once_and_passed_by(place, close, name):
    told: list[Event] = []
    async with place.storage(tell=told.append) as storage:
        known = await scanned(storage)
        await storage.reconcile()
        await storage.watcher.look()
        (place.sessions / name / "metadata").mkdir(parents=True)
        close(place.sessions / name)
        for _ in range(4):
            await storage.watcher.look()
        await storage.reconcile()
        await storage.reindex()
        (said,) = [text for text in warnings(told) if name in text]
        assert "cannot be looked into" in said
        shutil.copytree(place.sessions / known, place.sessions / "another")
        for _ in range(2):
            await storage.watcher.look()
        assert await listed(storage) == {known, "another"}
    for path in place.state.glob("index.db*"):
        path.unlink()
    async with place.storage() as storage:
        await storage.reconcile()
        assert await listed(storage) == {known, "another"}


@pytest.mark.parametrize("below", ["", "metadata"])
async def test_a_session_that_may_not_be_looked_into_any_more_stays_listed(place, close, below):
    told: list[Event] = []
    async with place.storage(tell=told.append) as storage:
        known, other = await scanned(storage), await scanned(storage, "Red vase")
        await storage.reconcile()
        before = await storage.get_session(known)
        close(place.sessions / known / below)
        os.utime(place.sessions)
        for _ in range(3):
            await storage.watcher.look()
        told.clear()
        await storage.reconcile()
        assert f"session {known} cannot be looked into; the list tells what was known" in warnings(told)
        assert await listed(storage) == {known, other}
        assert await storage.get_session(known) == before
        for work in (storage.trash.delete(known, origin="cli"), storage.verify(known)):
            with pytest.raises(StorageError, match="check owner and mode of the files"):
                await work


async def test_passes_that_cannot_be_listed_are_said(place, close):
    record = await record_of(place)
    paths = SessionPaths(place.sessions / record.session.id)
    close(paths.passes)
    hidden = read_session(paths)
    assert hidden is not None
    assert hidden.session.damage == (
        "the directory of the passes cannot be read (Permission denied); check owner and mode of the files",
    )
    assert hidden.session.passes == ()


@pytest.mark.parametrize(
    ("file", "pattern", "todo"),
    [
        ("session.json", None, "session.json is missing; title, notes and tags are unknown; give it a title again,"),
        ("session.json", rb".*", "; title, notes and tags are unknown; give it a title again, and it is written anew"),
        ("passes/upright/pass.json", None, "pass.json of pass upright is missing; the pass cannot be told without it;"),
        ("passes/upright/pass.json", rb".*", "; the pass cannot be told without it; put a copy of it back, its photos"),
        (
            "passes/upright/journal.jsonl",
            rb'"bytes":\d+',
            "files are kept; resume the pass to count them again",
        ),
    ],
)
async def test_damage_is_said_with_what_to_do(place, file, pattern, todo):
    paths = SessionPaths(place.sessions / (await record_of(place)).session.id)
    path = paths.root / "metadata" / file
    if pattern is None:
        path.unlink()
    else:
        path.write_bytes(re.sub(pattern, b"noise", path.read_bytes(), flags=re.S))
    record = read_session(paths)
    assert record is not None
    (said,) = record.session.damage
    assert todo in said


async def test_what_may_not_be_read_or_does_not_come_from_the_disk_is_said_so(place, close, monkeypatch):
    paths = SessionPaths(place.sessions / (await record_of(place)).session.id)

    def fails(path: str, flags: int) -> int:
        if path.endswith("session.json"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return opened(path, flags)

    close(paths.passes / "upright")
    opened = os.open
    monkeypatch.setattr(os, "open", fails)
    record = read_session(paths)
    assert record is not None
    assert record.session.damage == (
        "session.json cannot be read (Input/output error); check the disk",
        "pass.json of pass upright cannot be read (Permission denied); check owner and mode of the files",
    )


async def test_it_is_read_once_it_can_be(place, close, monkeypatch):
    async with place.storage() as storage:
        known = await scanned(storage)
        await storage.reconcile()
        shutil.copytree(place.sessions / known, place.sessions / STRANGER)
        with monkeypatch.context():
            close(place.sessions / STRANGER)
            for _ in range(3):
                await storage.watcher.look()
            assert await listed(storage) == {known}
        monkeypatch.undo()
        for _ in range(2):
            await storage.watcher.look()
        assert await listed(storage) == {known, STRANGER}


def test_what_is_no_session_is_not_hidden(tmp_path, close):
    paths = SessionPaths(tmp_path / "any")
    assert not is_hidden(paths)
    paths.root.write_text("a file")
    assert not is_hidden(paths)
    paths.root.unlink()
    paths.passes.mkdir(parents=True)
    assert not is_hidden(paths)
    assert is_session(paths)
    close(paths.root)
    assert is_hidden(paths)
    assert not is_session(paths)


async def test_the_watch_goes_on_after_an_error_of_the_disk(place, monkeypatch):
    told: list[Event] = []
    looks: list[int] = []

    async with place.storage(tell=told.append) as storage:

        async def look() -> None:
            looks.append(1)
            if len(looks) == 1:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            raise asyncio.CancelledError

        async def sleep(_seconds: float) -> None:
            return

        monkeypatch.setattr(storage.watcher, "look", look)
        monkeypatch.setattr(place.clock, "sleep", sleep, raising=False)
        with pytest.raises(asyncio.CancelledError):
            await storage.watcher.watch()
    assert len(looks) == 2
    assert warnings(told) == ["the sessions could not be looked through: Input/output error"]


async def test_strange_directories_are_not_looked_at_on_the_loop(place, monkeypatch):
    """They may lie on a share that hangs."""
    async with place.storage() as storage:
        (place.sessions / STRANGER).mkdir(parents=True)
        await storage.reconcile()
        for _ in range(2):
            await storage.watcher.look()
        loop, on_loop, looked, stat = threading.get_ident(), list[str](), list[str](), os.stat

        def seen(path: object, **more: object) -> os.stat_result:
            if STRANGER in str(path):
                (on_loop if threading.get_ident() == loop else looked).append(str(path))
            return stat(path, **more)  # type: ignore[arg-type] - as it came

        monkeypatch.setattr(os, "stat", seen)
        await storage.watcher.look()
        assert on_loop == []
        assert any(path.endswith("metadata/passes") for path in looked)


ABSURD = {
    "number": ("pass.json", rb'"number": 1', b'"number": 9223372036854775808', "pass.json of pass upright"),
    "digits": ("pass.json", rb'"number": 1', b'"number": 99999999999999999999', "pass.json of pass upright"),
    "bytes": ("journal.jsonl", rb'"bytes":\d+', b'"bytes":9223372036854775800', "line 2 of the journal is damaged"),
    "negative": ("journal.jsonl", rb'"bytes":\d+', b'"bytes":-1', "line 2 of the journal is damaged"),
    "worked": ("journal.jsonl", rb'"worked_s":[\d.]+', b'"worked_s":1e308', "line 2 of the journal is damaged"),
    "later": ("journal.jsonl", rb'"at":"[^"]+"', b'"at":"9999-12-31T23:59:59.999-14:00"', ""),
    "earlier": ("journal.jsonl", rb'"at":"[^"]+"', b'"at":"0001-01-01T00:00:00+14:00"', ""),
}


@pytest.mark.parametrize("what", ABSURD)
async def test_absurd_figures_are_damage_of_their_session_only(place, what):
    file, pattern, instead, said = ABSURD[what]
    told: list[Event] = []
    async with place.storage(tell=told.append) as storage:
        odd, sound = await scanned(storage), await scanned(storage, "Red vase")
        await storage.reconcile()
        document = place.sessions / odd / "metadata/passes/upright" / file
        document.write_bytes(re.sub(pattern, instead, document.read_bytes()))
        await storage.watcher.look()
        await storage.reconcile()
        await storage.reindex()
        assert await listed(storage) == {odd, sound}
        assert said in " ".join([*(await storage.get_session(odd)).damage, *warnings(told)])
        assert (await storage.history.statistics()).total.photos >= 4
        assert not any("index" in text for text in warnings(told))
    assert not list(place.state.glob("index.db.corrupt*"))
    for path in place.state.glob("index.db*"):
        path.unlink()
    async with place.storage() as storage:
        await storage.reconcile()
        assert await listed(storage) == {odd, sound}
        await storage.trash.delete(odd, origin="cli")
        assert await listed(storage) == {sound}


async def record_of(place: Place) -> SessionRecord:
    async with place.storage() as storage:
        session_id = await scanned(storage)
    record = read_session(SessionPaths(place.sessions / session_id))
    assert record is not None
    return record


def with_pass(record: SessionRecord, *, place: int = 1, **info: object) -> SessionRecord:
    (one,) = record.passes
    return structs.replace(record, passes=(structs.replace(one, place=place, info=structs.replace(one.info, **info)),))


async def test_what_no_database_can_hold_is_told_without_its_passes(place):
    record = await record_of(place)
    assert fitting(record) is record
    wrong = [
        with_pass(record, bytes=1 << 63),
        with_pass(record, bytes=-1),
        with_pass(record, duration_s=float("inf")),
        with_pass(record, place=1 << 70),
        structs.replace(record, session=structs.replace(record.session, title="caf\udce9")),
    ]
    for one in wrong:
        bare = fitting(one)
        assert "cannot be stored" in bare.session.damage[-1]
        assert (bare.passes, bare.session.photos, bare.session.state) == ((), 0, PassState.PLANNED)
        assert bare.signature == record.signature
        assert fitting(bare) is bare
        bare.session.title.encode()


async def test_the_others_go_into_the_index_all_the_same(place):
    record = await record_of(place)
    other = structs.replace(record, session=structs.replace(record.session, id=SessionId("wrong")))
    wrong = with_pass(other, bytes=1 << 63)
    more = structs.replace(record, session=structs.replace(record.session, id=SessionId("more")))
    async with place.storage() as storage:
        index = storage._keeper.index
        await storage._threads.writer.run(lambda: index.put([wrong, more]))
        assert await listed(storage) == {record.session.id, "wrong", "more"}

        def spoil() -> None:
            index._connection.execute("UPDATE passes SET sizes = 'nonsense'")
            index.put([record])

        with pytest.raises(DamagedError, match="the database is damaged"):
            await storage._threads.writer.run(spoil)
        assert isinstance(index._connection, sqlite3.Connection)


async def test_what_others_do_is_noticed_after_an_edit_that_failed(place):
    files, told = FailingFiles(), list[Event]()
    async with place.storage(files, tell=told.append) as storage, Place(place.root, own="other").storage() as other:
        session_id = await scanned(storage)
        await storage.reconcile()
        files.arm(2, errno.EIO, for_good=True)
        with pytest.raises(StorageError):
            await storage.edit(session_id, SessionChanges(notes="never"))
        intents = storage._keeper.index.intents
        assert await storage._threads.writer.run(intents) == [(session_id, "")]
        await other.reconcile()
        await other.edit(session_id, SessionChanges(title="Title of another"))
        files.arm(None)
        told.clear()
        await storage.watcher.look()
        assert (await storage.get_session(session_id)).title == "Title of another"
        assert SessionChanged(session_id=session_id) in told
        assert await storage._threads.writer.run(intents) == []
        told.clear()
        await storage.watcher.look()
        assert told == []


async def test_what_cannot_be_looked_after_yet_is_tried_again(place, monkeypatch):
    async with place.storage() as storage:
        session_id = await scanned(storage)
        keeper = storage._keeper

        def begin() -> None:
            keeper.begin(session_id)
            keeper.give_up(session_id)

        def fails(*_: object) -> list[str]:
            raise OSError(errno.EIO, "no")

        await storage._threads.writer.run(begin)
        with monkeypatch.context() as patch:
            patch.setattr("scanner.storage.keeping.watching.recover_left", fails)
            await storage.watcher.look()
        assert keeper.broken_off == {(session_id, "")}
        await storage.watcher.look()
        assert keeper.broken_off == set()


async def test_a_session_of_absurd_length_of_an_older_format_can_be_migrated(place):
    small_raspi(place.sessions)
    for path in place.sessions.rglob("*.json"):
        path.write_bytes(path.read_bytes().replace(b"38.14", b"9999999999"))
    async with running(place) as storage:
        (old,) = (await storage.list_sessions()).items
        await storage.legacy.migrate(old.id, origin="cli")
        new = await storage.get_session(old.id)
        assert (new.photos, new.damage, new.passes[0].duration_s) == (old.photos, (), LONGEST)


async def test_a_broken_directory_in_the_trash_hides_nothing_else(place, monkeypatch):
    async with place.storage() as storage:
        session_id = await scanned(storage)
        await storage.trash.delete(session_id, origin="cli")
        broken = place.data / "trash/20261120-041530-abc"
        broken.mkdir()
        scandir = os.scandir

        def fails(path: str | Path) -> object:
            if Path(path) == broken:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return scandir(path)

        monkeypatch.setattr(os, "scandir", fails)
        assert [entry.session_id for entry in await storage.trash.list()] == [session_id]
        await storage.trash.undelete(session_id, origin="cli")
        assert await listed(storage) == {session_id}
