"""The index: lists, search, pages, and the same answers after it was lost, cut, overwritten or left behind."""

from __future__ import annotations

import asyncio
import itertools
import os
import re
import shutil
import sqlite3
import threading
from contextlib import closing
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from scanner.errors import InvalidError, StorageError
from scanner.events import Event, WarningRaised
from scanner.model import ObjectRef, SessionId
from scanner.spec import ScanSpec
from scanner.states import PassState
from scanner.storage import HistoryQuery, SessionQuery, StorageManager, Submission
from scanner.storage.disk import database
from scanner.storage.disk.layout import Layout
from scanner.storage.index import listing
from scanner.storage.index.asking import STATUSES, words_of
from scanner.storage.index.index import Index
from scanner.storage.index.listing import SORTS, next_cursor, rows_statement
from scanner.storage.keeping import upkeep
from scanner.storage.keeping.catalogue import open_queries
from scanner.storage.keeping.upkeep import check_index
from tests.scanner.storage.support import (
    MAIN,
    PRESSED,
    RIG,
    UPRIGHT,
    Place,
    disk_is_full,
    garbage,
    new_pass,
    new_session,
    save,
    working,
)

HOSTILE = st.text(st.characters(exclude_categories=()), max_size=40) | st.text('"*():^-+ANDORNEAR {}.,_\0', max_size=30)
TITLES = ("Blue vase", "Red vase", "Älterer Krug", "blue bowl", "Zebra 7")


async def populate(storage: StorageManager) -> list[SessionId]:
    """Five sessions: planned, running until now (paused), paused, completed, cancelled; with different sizes."""
    ids = []
    for number, title in enumerate(TITLES):
        spec = ScanSpec(
            title=title,
            operator="anna" if number % 2 else "bert",
            tags=("museum", f"batch-{number}"),
            notes="fragile handle" if number == 2 else "",
            object=ObjectRef(id=f"INV-{number:04}", label="Vitrine 3") if number == 3 else None,
        )
        new = new_session(title, spec=spec, passes=(new_pass("upright", 6), new_pass("flipped", 1)))
        handle = await storage.create_session(new)
        ids.append(handle.id)
        if number:
            async with working(storage, handle) as writer:
                for shot in writer.plan.shots[:number]:
                    await save(writer, shot)
                if number == 2:
                    await writer.pause(PRESSED)
                if number == 3:
                    await writer.skip(writer.plan.shots[5], "hidden")
                    await writer.finish("finished early")
                if number == 4:
                    await writer.cancel("unwanted")
        if number > 2:
            async with working(storage, handle, "flipped") as writer:
                await (writer.finish("x") if number == 3 else writer.cancel("x"))
    return ids


async def everything(storage: StorageManager) -> object:
    """All that can be asked of the index."""
    pages = [
        await storage.list_sessions(SessionQuery(status=status, q=q, sort=sort))
        for status in (None, *STATUSES)
        for q in ("", "vase", "anna museum")
        for sort in SORTS
    ]
    ids = [session.id for session in (await storage.list_sessions()).items]
    return (
        pages,
        [await storage.get_session(session_id) for session_id in ids],
        [await storage.photos(session_id) for session_id in ids],
        [await storage.find_submission(f"key-{number}") for number in range(3)],
        await storage.unfinished(),
        await storage.photo_bytes(MAIN, 32, 24),
        await storage.history.passes(HistoryQuery()),
        await storage.history.passes(HistoryQuery(q="vase", state="incomplete")),
        await storage.history.statistics(),
    )


@pytest.fixture
async def populated(place) -> Place:
    async with place.storage() as storage:
        await populate(storage)
        for number in range(2):
            made = Submission(f"key-{number}", "d" * 64)
            handle = await storage.create_session(new_session(f"Keyed {number}", submission=made))
        await storage.add_pass(handle.id, new_pass("second", 2), rig=RIG, submission=Submission("key-2", "e" * 64))
    return place


async def titles(storage: StorageManager, **query: Any) -> list[str]:
    """The titles of all that a query finds, in their order."""
    page = await storage.list_sessions(SessionQuery(**query))
    assert page.total == len(page.items)
    return [session.title for session in page.items]


async def test_lists_sort_and_filter(populated):
    async with populated.storage() as storage:
        newest = ["Keyed 1", "Keyed 0", "Zebra 7", "blue bowl", "Älterer Krug", "Red vase", "Blue vase"]
        assert await titles(storage) == newest
        assert await titles(storage, sort="oldest") == newest[::-1]
        assert await titles(storage, sort="title") == sorted(newest, key=str.casefold)
        assert (await titles(storage, sort="size"))[:4] == ["Zebra 7", "blue bowl", "Älterer Krug", "Red vase"]
        assert await titles(storage, status="completed") == ["blue bowl"]
        assert await titles(storage, status=PassState.CANCELLED) == ["Zebra 7"]
        assert await titles(storage, status="incomplete") == [*newest[:2], *newest[4:]]
        assert await titles(storage, status="paused", sort="title") == ["Red vase", "Älterer Krug"]
        assert await titles(storage, status="running") == []
        assert await titles(storage, status="incomplete", q="vase", sort="oldest") == ["Blue vase", "Red vase"]


@pytest.mark.parametrize("many", [0, 2000], ids=["along the index", "sorted"])
async def test_filters_by_tag_operator_and_format(populated, monkeypatch, many):
    monkeypatch.setattr(listing, "_MANY", many)
    async with populated.storage() as storage:
        assert await titles(storage, operator="anna") == ["blue bowl", "Red vase"]
        assert await titles(storage, operator="ANNA", sort="title") == ["blue bowl", "Red vase"]
        assert await titles(storage, operator="bert", status="paused", sort="size") == ["Älterer Krug"]
        assert await titles(storage, operator="") == ["Keyed 1", "Keyed 0"]
        assert await titles(storage, operator="ann") == []
        assert await titles(storage, tag="batch-3") == ["blue bowl"]
        assert await titles(storage, tag="museum", q="vase", sort="title") == ["Blue vase", "Red vase"]
        assert await titles(storage, tag="batch") == []
        assert len(await titles(storage, format="current", sort="size")) == 7
        assert await titles(storage, format="legacy") == []
        assert await titles(storage, status="incomplete", sort="title") == sorted(
            ["Keyed 1", "Keyed 0", "Älterer Krug", "Red vase", "Blue vase"], key=str.casefold
        )
        sizes = [session.bytes for session in (await storage.list_sessions(SessionQuery(q="m", sort="size"))).items]
        assert sizes == sorted(sizes, reverse=True)


async def test_search_finds_words_anywhere_in_any_order(populated):
    async with populated.storage() as storage:

        async def found(text: str) -> set[str]:
            page = await storage.list_sessions(SessionQuery(q=text))
            assert page.total == len(page.items)
            return {session.title for session in page.items}

        assert await found("vase") == {"Blue vase", "Red vase"}
        assert await found("VASE blu") == {"Blue vase"}
        assert await found("alterer") == {"Älterer Krug"}
        assert await found("fragile") == {"Älterer Krug"}
        assert await found("inv-0003") == {"blue bowl"}
        assert await found("Vitrine") == {"blue bowl"}
        assert await found("second") == {"Keyed 1"}
        assert await found("batch-4") == {"Zebra 7"}
        assert await found("   ") == await found("")
        assert await found("***") == set()
        assert await found("vase nothing") == set()
        assert await found("vase OR bowl") == set()
        assert await found("stateplanned") == await found("state") == set()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=HOSTILE)
def test_no_search_text_can_break_the_query(searchable, text):
    for status in (None, "planned", "incomplete"):
        page = searchable.page(SessionQuery(q=text, status=status, sort="title"))
        assert len(page.items) <= page.total


@pytest.fixture
def searchable(place):
    async def prepare() -> None:
        async with place.storage() as storage:
            await storage.create_session(new_session())

    asyncio.run(prepare())
    with closing(sqlite3.connect(place.state / "index.db")):
        queries = open_queries(Layout(place.data, place.state))
        yield queries
        queries.close()


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("status", [None, "incomplete", "paused"])
@pytest.mark.parametrize("q", ["", "museum"])
async def test_pages_join_to_the_whole_list(populated, sort, status, q):
    async with populated.storage() as storage:
        whole = await storage.list_sessions(SessionQuery(sort=sort, status=status, q=q))
        pages, after = [], None
        while True:
            page = await storage.list_sessions(SessionQuery(sort=sort, status=status, q=q, after=after, limit=2))
            assert page.total == whole.total
            pages += page.items
            after = page.next
            if after is None:
                break
        assert tuple(pages) == whole.items
        assert whole.next is None


async def test_a_page_stays_where_it_is_when_sessions_are_added(populated):
    async with populated.storage() as storage:
        first = await storage.list_sessions(SessionQuery(limit=2))
        await storage.create_session(new_session("Newer"))
        second = await storage.list_sessions(SessionQuery(limit=2, after=first.next))
        assert [session.title for session in second.items] == ["Zebra 7", "blue bowl"]


@pytest.mark.parametrize(
    "query",
    [
        {"sort": "rowid; DROP TABLE sessions"},
        {"status": "broken"},
        {"limit": 0},
        {"limit": 501},
        {"after": "noise"},
        {"after": "ÄÄÄÄ"},
        {"after": "bm9pc2U="},
        {"after": "WyJ0aXRsZSIsMSwieCJd"},  # ["title", 1, "x"]: of a list by title
    ],
)
async def test_what_cannot_be_asked_is_said(storage, query):
    with pytest.raises(InvalidError):
        await storage.list_sessions(SessionQuery(**query))


async def test_lists_answer_from_indexes(populated):
    """No list reads the whole table, and none sorts but a search by title or size."""
    with closing(sqlite3.connect(populated.state / "index.db")) as connection:
        for sort, status, q in itertools.product(SORTS, (None, "paused", "incomplete"), ("", "museum")):
            query = SessionQuery(sort=sort, status=status, q=q)
            for after in (None, next_cursor(query, (9, 9))):
                asked = rows_statement(replace(query, after=after), words_of(q))
                plan = " ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {asked.text}", asked.values))
                ordered = not (sort in ("title", "size") and (q or status == "incomplete"))
                if status or after:
                    assert not re.search("SCAN sessions(?!_fts| USING)", plan), (query, plan)
                if ordered:
                    assert "TEMP B-TREE" not in plan, (query, plan)


async def test_unfinished_passes_are_named(populated):
    async with populated.storage() as storage:
        found = await storage.unfinished()
        assert [(session_id[16:], info.name, info.state.value) for session_id, info in found[:3]] == [
            ("keyed-1", "upright", "planned"), ("keyed-1", "second", "planned"), ("keyed-0", "upright", "planned"),
        ]  # fmt: skip
        assert {info.state for _, info in found} == {PassState.PLANNED, PassState.PAUSED}
        assert len(await storage.unfinished(limit=1)) == 1


# ---- lost, cut, overwritten, behind


def deleted(path) -> None:
    path.unlink()


def emptied(path) -> None:
    path.write_bytes(b"")


def truncated(path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def beheaded(path) -> None:
    path.write_bytes(path.read_bytes()[:50])


def noise(path) -> None:
    path.write_bytes(garbage(7, path.stat().st_size))


def noise_inside(path) -> None:
    data = bytearray(path.read_bytes())
    for page in range(3, len(data) // 4096):
        data[page * 4096 : page * 4096 + 64] = garbage(page, 64)
    path.write_bytes(bytes(data))


def other_tables(path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE sessions (id TEXT)")
        connection.execute("PRAGMA user_version = 1")


def of_a_newer_version(path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")


def of_an_older_version(path) -> None:
    """As the first version made it."""
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID")
        connection.execute(
            "CREATE TABLE intents (session_id TEXT NOT NULL, pass TEXT NOT NULL, PRIMARY KEY (session_id, pass))"
            " WITHOUT ROWID"
        )
        connection.execute("INSERT INTO meta VALUES ('whole', '1')")
        connection.execute("CREATE TABLE sessions (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE)")
        connection.execute("CREATE TABLE photos (session INTEGER, name TEXT, PRIMARY KEY (session, name))")
        connection.execute("PRAGMA user_version = 1")
        connection.commit()


def a_directory(path) -> None:
    path.unlink()
    path.mkdir()
    (path / "notes.txt").write_text("copied into the wrong place")


def a_directory_as_log(path) -> None:
    path.with_name(f"{path.name}-wal").mkdir()


def a_pipe(path) -> None:
    path.unlink()
    os.mkfifo(path)


def as_version_2_made_it(path) -> None:
    """It counted new sessions by a trigger."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "CREATE TRIGGER session_in AFTER INSERT ON sessions BEGIN INSERT INTO state_counts VALUES (new.state, 1)"
            " ON CONFLICT (state) DO UPDATE SET sessions = sessions + 1; END"
        )
        connection.execute("PRAGMA user_version = 2")


def as_version_3_made_it(path) -> None:
    """Words stood as they were written, and what nobody can date had a day."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE sessions_fts SET title = 'old'")
        connection.execute("UPDATE passes_fts SET title = 'old'")
        connection.execute("UPDATE tallies SET period = '1970-01-01' WHERE span = 'day'")
        connection.execute("PRAGMA user_version = 3")


def as_version_4_made_it(path) -> None:
    """Only the accents of Latin letters were folded."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE sessions_fts SET id = 'old', title = 'old'")
        connection.execute("UPDATE passes_fts SET id = 'old', title = 'old'")
        connection.execute("PRAGMA user_version = 4")


def without_sessions(path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM sessions")


def break_tables(path, tables=("sessions", "passes", "intents")) -> None:
    """Overwrite the first pages of some tables."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        pages = [row[1] for row in connection.execute("SELECT name, rootpage FROM sqlite_master") if row[0] in tables]
    with path.open("r+b") as file:
        for page in pages:
            file.seek((page - 1) * 4096)
            file.write(garbage(page, 4096))


OLDER = (of_an_older_version, as_version_2_made_it, as_version_3_made_it, as_version_4_made_it)
HARMS = (
    deleted, emptied, truncated, beheaded, noise, noise_inside, other_tables, of_a_newer_version, without_sessions,
    of_an_older_version, as_version_2_made_it, as_version_3_made_it, as_version_4_made_it, a_directory,
    a_directory_as_log, a_pipe, break_tables,
)  # fmt: skip


@pytest.mark.parametrize("harm", HARMS, ids=lambda harm: harm.__name__)
async def test_after_reconciliation_a_harmed_index_gives_the_same_answers(populated, harm):
    async with populated.storage() as storage:
        before = await everything(storage)
    harm(populated.state / "index.db")
    progress: list[tuple[int, int]] = []
    async with populated.storage() as storage:
        await storage.reconcile(lambda done, total: progress.append((done, total)))
        assert await everything(storage) == before
        assert progress[-1] == (7, 7)
        broken = list(populated.state.glob("index.db.corrupt-*"))
        assert bool(broken) == (harm not in (deleted, emptied, *OLDER))
        if broken:
            assert any("index was damaged" in notice for notice in storage.notices)
    async with populated.storage() as storage:
        assert await everything(storage) == before
        assert storage.notices == ()


@pytest.mark.parametrize("harm", HARMS, ids=lambda harm: harm.__name__)
async def test_keys_are_known_whatever_happened_to_the_index(populated, harm):
    async with populated.storage() as storage:
        before = await storage.find_submission("key-1")
    harm(populated.state / "index.db")
    async with populated.storage() as storage:
        if harm is not without_sessions:  # nothing tells before reconciliation that rows were taken out by hand
            assert await storage.find_submission("key-1") == before


async def test_an_index_that_turns_out_to_be_damaged_is_made_anew_at_work(populated, caplog):
    async with populated.storage() as storage:
        before = await everything(storage)
    break_tables(populated.state / "index.db", ("sessions", "passes"))
    told: list[Event] = []
    async with populated.storage(tell=told.append) as storage:
        assert await everything(storage) == before
        (said,) = [notice for notice in storage.notices if "made anew" in notice]
        assert WarningRaised(message=said) in told
        assert said in caplog.messages
        handle = await storage.create_session(new_session("After"))
        async with working(storage, handle) as writer:
            await save(writer, writer.plan.shots[0])
        assert (await storage.get_session(handle.id)).photos == 1


async def test_an_index_that_is_deleted_under_a_running_daemon_is_made_anew_when_that_is_asked_for(populated):
    async with populated.storage() as storage:
        await storage.reconcile()
        before = await everything(storage)
        for file in populated.state.glob("index.db*"):
            file.unlink()
        assert await everything(storage) == before  # it is still open
        await storage.reindex()
        assert await everything(storage) == before
        assert [notice for notice in storage.notices if "its file is gone" in notice]
        assert (populated.state / "index.db").exists()
    async with populated.storage() as storage:
        assert await everything(storage) == before
        assert storage.notices == ()


class Breaking:
    """Damages the index under a running daemon, as a dying card would."""

    def __init__(self, storage: StorageManager) -> None:
        self._storage = storage

    async def __call__(self) -> None:
        storage = self._storage
        forget = "PRAGMA shrink_memory"
        await storage._threads.writer.run(lambda: break_tables(storage._layout.index))
        await storage._threads.writer.run(lambda: storage._keeper.index._connection.execute(forget).fetchall())
        await storage._threads.reader.run(lambda: storage._catalogue._queries._connection.execute(forget).fetchall())


async def test_an_index_that_breaks_during_a_scan_costs_nothing(populated):
    async with populated.storage() as storage:
        handle = await storage.create_session(new_session("At work"))
        async with working(storage, handle) as writer:
            await save(writer, writer.plan.shots[0])
            await Breaking(storage)()
            await save(writer, writer.plan.shots[1])
            assert len(writer.progress.saved) == 2
            assert len(await storage.photos(handle.id)) == 2
            await save(writer, writer.plan.shots[2])
            assert len(await storage.photos(handle.id)) == 3
        other = await storage.create_session(new_session("Other"))
        await Breaking(storage)()
        async with working(storage, other) as writer:
            await save(writer, writer.plan.shots[0])
        assert (await storage.get_session(handle.id)).photos == 3
        assert (await storage.get_session(other.id)).photos == 1
        before = await everything(storage)
        await storage.reconcile()
        assert await everything(storage) == before


async def test_an_index_that_cannot_be_made_anew_is_tried_again(populated, monkeypatch):
    async with populated.storage() as storage:
        before = await everything(storage)
        await Breaking(storage)()
        renew = storage._keeper.renew_index

        def refuse() -> None:
            message = "the damaged index could not be renamed"
            raise StorageError(message, reason="io_error")

        monkeypatch.setattr(storage._keeper, "renew_index", refuse)
        with pytest.raises(StorageError, match="could not be renamed"):
            await storage.photos(next(session.id for session in before[0][0].items))
        with pytest.raises(StorageError, match="could not be renamed"):
            await storage.list_sessions()
        monkeypatch.setattr(storage._keeper, "renew_index", renew)
        assert await everything(storage) == before


async def test_a_row_that_cannot_be_written_costs_a_re_read(place, monkeypatch):
    async with place.storage() as storage:
        handle = await storage.create_session(new_session())
        with monkeypatch.context() as patched:
            async with working(storage, handle) as writer:
                patched.setattr(Index, "photo_saved", disk_is_full)
                for shot in writer.plan.shots[:2]:
                    await save(writer, shot)
                assert (await storage.get_session(handle.id)).photos == 0
                assert len(await storage.photos(handle.id)) == 2
        assert (await storage.get_session(handle.id)).photos == 2


async def test_what_cannot_be_settled_is_settled_at_the_next_start(place, monkeypatch):
    async with place.storage() as storage:
        handle = await storage.create_session(new_session())
        with monkeypatch.context() as patched:
            async with working(storage, handle) as writer:
                await save(writer, writer.plan.shots[0])
                for change in ("photo_saved", "pass_changed", "put"):
                    patched.setattr(Index, change, disk_is_full)
                await save(writer, writer.plan.shots[1])
        assert [session.photos for session in (await storage.list_sessions()).items] == [1]
    async with place.storage() as storage:
        assert [session.photos for session in (await storage.list_sessions()).items] == [2]


async def test_changes_by_hand_are_noticed_by_reconciliation(populated):
    async with populated.storage() as storage:
        sessions = (await storage.list_sessions()).items
        shutil.copytree(populated.sessions / sessions[0].id, populated.sessions / "copied-in")
        shutil.rmtree(populated.sessions / sessions[1].id)
        journal = populated.sessions / sessions[2].id / "metadata/passes/upright/journal.jsonl"
        rows = journal.read_bytes().splitlines(keepends=True)
        journal.write_bytes(b"".join(rows[:3]))
        await storage.reconcile()
        after = {session.id: session for session in (await storage.list_sessions()).items}
        assert "copied-in" in after
        assert after[SessionId("copied-in")].title == sessions[0].title
        assert sessions[1].id not in after
        assert after[sessions[2].id].state is PassState.PAUSED
        assert after[sessions[2].id].photos == 4  # the files are there: those without a line were adopted


async def test_reconciliation_reads_only_what_differs(populated, monkeypatch):
    read = []
    original = upkeep.read_session
    monkeypatch.setattr(upkeep, "read_session", lambda paths: read.append(paths.root.name) or original(paths))
    async with populated.storage() as storage:
        await storage.reconcile()
        assert read == []
        sessions = (await storage.list_sessions()).items
        document = populated.sessions / sessions[3].id / "metadata/session.json"
        document.write_bytes(document.read_bytes().replace(b"blue bowl", b"green bowl"))
        await storage.reconcile()
        assert read == [sessions[3].id]
        assert (await storage.get_session(sessions[3].id)).title == "green bowl"


async def test_many_sessions_are_reconciled_in_steps(place, monkeypatch):
    monkeypatch.setattr(upkeep, "_BATCH", 100)
    async with place.storage() as storage:
        handle = await storage.create_session(new_session(passes=(new_pass(count=1),)))
        for number in range(230):
            shutil.copytree(place.sessions / handle.id, place.sessions / f"copy-{number:03}")
        progress: list[tuple[int, int]] = []
        await storage.reconcile(lambda done, total: progress.append((done, total)))
        assert progress == [(100, 231), (200, 231), (231, 231)]
        assert (await storage.list_sessions()).total == 231
        for number in range(0, 230, 2):
            shutil.rmtree(place.sessions / f"copy-{number:03}")
        await storage.reconcile()
        assert (await storage.list_sessions()).total == 116


async def test_what_changes_during_reconciliation_is_not_overwritten_by_what_was_read_before(place, monkeypatch):
    """Sessions are read in a pool while others work: what they write meanwhile wins."""
    async with place.storage() as storage:
        at_work = await storage.create_session(new_session("At work"))
        touched = await storage.create_session(new_session("Touched"))
        gone = await storage.create_session(new_session("Gone"))
    (place.state / "index.db").unlink()
    read, go_on = threading.Event(), threading.Event()
    original = upkeep.read_session

    def slow(paths):
        record = original(paths)
        if paths.root.name == touched.id:
            read.set()
            assert go_on.wait(10)
        return record

    monkeypatch.setattr(upkeep, "read_session", slow)
    async with place.storage() as storage, working(storage, at_work) as writer:
        await save(writer, writer.plan.shots[0])
        reconciling = asyncio.create_task(storage.reconcile())
        await asyncio.to_thread(read.wait, 10)
        async with working(storage, touched) as other:
            await save(other, other.plan.shots[0])
        await save(writer, writer.plan.shots[1])
        await storage.discard_session(gone)
        go_on.set()
        await reconciling
        assert (await storage.get_session(at_work.id)).photos == 2
        assert (await storage.get_session(touched.id)).photos == 1
        assert (await storage.list_sessions()).total in {2, 3}
        await storage.reconcile()
        assert (await storage.list_sessions()).total == 2


async def test_closing_stops_a_reconciliation(place, monkeypatch):
    async with place.storage() as storage:
        handle = await storage.create_session(new_session(passes=(new_pass(count=1),)))
        for number in range(230):
            shutil.copytree(place.sessions / handle.id, place.sessions / f"copy-{number:03}")
        reading, go_on = threading.Event(), threading.Event()
        original = upkeep.read_session

        def slow(paths):
            reading.set()
            assert go_on.wait(10)
            return original(paths)

        monkeypatch.setattr(upkeep, "read_session", slow)
        reconciling = asyncio.create_task(storage.reconcile())
        await asyncio.to_thread(reading.wait, 10)
        storage._catalogue.stop()
        go_on.set()
        await reconciling
        assert (await storage.list_sessions()).total == 2  # the first, and the one that was being read


async def test_a_cancelled_reconciliation_goes_on(populated):
    (populated.state / "index.db").unlink()
    async with populated.storage() as storage:
        first = asyncio.create_task(storage.reconcile())
        second = asyncio.create_task(storage.reconcile())
        await asyncio.sleep(0)
        first.cancel()
        await second
        assert (await storage.list_sessions()).total == 7


async def test_the_check_of_the_index_can_be_stopped(populated):
    stopping = threading.Event()
    assert check_index(populated.state / "index.db", stopping) is None
    stopping.set()
    assert check_index(populated.state / "index.db", stopping) is None


async def test_the_size_of_photos_is_measured_by_camera_and_size(populated):
    async with populated.storage() as storage:
        sessions = (await storage.list_sessions()).items
        photos = [photo for session in sessions for photo in await storage.photos(session.id)]
        assert await storage.photo_bytes(MAIN, 32, 24) == sum(photo.bytes for photo in photos) // len(photos)
        assert await storage.photos(sessions[0].id, UPRIGHT) == ()


async def test_reconciliation_itself_finds_damage_that_nobody_ran_into(populated):
    async with populated.storage() as storage:
        before = await everything(storage)
    break_tables(populated.state / "index.db", ("sessions_size", "submissions_session"))
    async with populated.storage() as storage:
        await storage.reconcile()
        assert any("made anew" in notice for notice in storage.notices)
        assert await everything(storage) == before


async def test_damage_found_while_the_last_crash_is_looked_after_is_mended_behind(populated, tmp_path):
    async with populated.storage() as storage:
        handle = await storage.create_session(new_session("Interrupted"))
        async with working(storage, handle) as writer:
            await save(writer, writer.plan.shots[0])
            crashed = populated.copy(tmp_path / "crashed")
    break_tables(crashed.state / "index.db", ("sessions", "passes"))
    async with crashed.storage() as storage:
        assert any("index was damaged" in notice for notice in storage.notices)
        await storage.reconcile()
        info = (await storage.get_session(handle.id)).passes[0]
        assert (info.state, info.saved) == (PassState.PAUSED, 1)


async def test_rows_that_make_no_sense_are_damage(populated):
    async with populated.storage() as storage:
        before = await everything(storage)
    with closing(sqlite3.connect(populated.state / "index.db")) as connection, connection:
        connection.execute("UPDATE passes SET state = 'levitating' WHERE name = 'upright'")
        connection.execute("UPDATE sessions SET tags = '[[' WHERE id LIKE '%vase'")
    async with populated.storage() as storage:
        assert await everything(storage) == before


async def test_an_index_that_cannot_be_opened_is_a_typed_error(place):
    place.state.mkdir(parents=True)
    (place.state / "index.db").symlink_to("index.db")
    with pytest.raises(StorageError, match="the index could not be opened"):
        async with place.storage():
            pass
    (place.state / "index.db").unlink()
    (place.state / "index.db").symlink_to(place.state / "nowhere/index.db")
    with pytest.raises(StorageError, match="the index could not be opened"):
        async with place.storage():
            pass


async def test_a_check_that_is_stopped_finds_nothing(populated, monkeypatch):
    monkeypatch.setattr(database, "_STEPS", 1)
    break_tables(populated.state / "index.db")
    stopping = threading.Event()
    assert check_index(populated.state / "index.db", stopping) is not None
    stopping.set()
    assert check_index(populated.state / "index.db", stopping) is None
