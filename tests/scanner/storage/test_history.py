"""History and statistics: one record a pass, searched, filtered and paged; sums that follow the passes exactly."""

from __future__ import annotations

import random
import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import pytest
from msgspec import structs

from scanner.errors import InvalidError
from scanner.model import ObjectRef, SessionId
from scanner.records import PassHistory, Statistics, Tally
from scanner.spec import ScanSpec
from scanner.states import PassState
from scanner.storage import HistoryQuery, NewSession, SessionChanges, StorageManager
from scanner.storage.facets.history import rows_statement
from scanner.storage.index.asking import words_of
from tests.scanner.storage.formats.support import picture, write
from tests.scanner.storage.support import PRESSED, RIG, Place, StepClock, new_pass, new_session, save, working
from tests.support.many import make_sessions


def scan(title: str, operator: str = "", preset: str | None = None) -> NewSession:
    spec = ScanSpec(title=title, operator=operator, tags=("museum",), object=ObjectRef(id="INV-7", label="Shelf"))
    passes = (new_pass("upright", 3), new_pass("flipped", 2))
    return new_session(title, spec=spec, passes=passes, created_from=preset)


async def every(storage: StorageManager, **query: object) -> list[PassHistory]:
    page = await storage.history.passes(HistoryQuery(limit=500, **query))  # type: ignore[arg-type] - given by name
    assert page.next is None
    assert page.total == len(page.items)
    return list(page.items)


def summed(key: str, passes: list[PassHistory], firsts: set[PassHistory]) -> Tally:
    worked = sum(round(one.duration_s * 1000) for one in passes) / 1000
    photos = sum(one.photos for one in passes)
    return Tally(
        key=key,
        sessions=sum(one in firsts for one in passes),
        passes=len(passes),
        completed=sum(one.state is PassState.COMPLETED for one in passes),
        photos=photos,
        bytes=sum(one.bytes for one in passes),
        duration_s=worked,
        retakes=sum(one.retakes for one in passes),
        failures=sum(one.failures for one in passes),
        photos_per_hour=round(photos * 3600 / worked, 1) if worked >= 1 else None,
    )


async def counted(storage: StorageManager, since: str | None = None, until: str | None = None) -> Statistics:
    """The same as the statistics, counted pass by pass."""
    begun = [one for one in await all_passes(storage) if one.started_at is not None]
    firsts: dict[str, PassHistory] = {}
    for one in begun:
        known = firsts.get(one.session_id)
        if known is None or (one.started_at or "") < (known.started_at or ""):
            firsts[one.session_id] = one
    chosen = [one for one in begun if (since or "") <= (one.started_at or "")[:10] < (until or "9999")]

    def by(key) -> list[Tally]:
        groups: dict[str, list[PassHistory]] = {}
        for one in chosen:
            groups.setdefault(key(one), []).append(one)
        return [summed(name, passes, set(firsts.values())) for name, passes in groups.items()]

    def largest(tallies: list[Tally]) -> tuple[Tally, ...]:
        return tuple(sorted(tallies, key=lambda one: (-one.photos, -one.passes, one.key)))

    return Statistics(
        since=since,
        until=until,
        total=summed("", chosen, set(firsts.values())) if chosen else Tally(),
        by_preset=largest(by(lambda one: one.preset or "")),
        by_rig=largest(by(lambda one: one.rig)),
        by_operator=largest(by(lambda one: one.operator)),
        by_day=tuple(sorted(by(lambda one: (one.started_at or "")[:10]), key=lambda one: one.key)),
    )


async def all_passes(storage: StorageManager) -> list[PassHistory]:
    found, after = [], None
    while True:
        page = await storage.history.passes(HistoryQuery(limit=100, after=after))
        found += page.items
        after = page.next
        if after is None:
            assert page.total == len(found)
            return found


async def test_a_pass_is_told_of_with_all_that_came_of_it(place):
    async with place.storage() as storage:
        handle = await storage.create_session(scan("Blue vase", "anna", "fine"))
        async with working(storage, handle) as writer:
            await save(writer, writer.plan.shots[0])
            await writer.fail_shot(writer.plan.shots[1], "camera_fault", "no answer")
            await save(writer, writer.plan.shots[1])
            await writer.skip(writer.plan.shots[2], "hidden")
            await writer.finish("finished early")
        done, planned = await every(storage)
    assert (done.session_id, done.pass_, done.title, done.state) == (handle.id, "upright", "Blue vase", "completed")
    assert (done.operator, done.rig, done.preset, done.origin) == ("anna", RIG.name, "fine", "cli")
    assert (done.shots, done.photos, done.skipped, done.failures, done.retakes) == (3, 2, 1, 1, 0)
    assert done.object == ObjectRef(id="INV-7", label="Shelf")
    assert done.reason == "finished early"
    assert done.host
    assert done.started_at is not None
    assert done.ended_at is not None
    assert done.photos_per_hour is None or done.duration_s >= 1
    assert (planned.pass_, planned.state, planned.started_at, planned.host) == ("flipped", "planned", None, "")


async def test_newest_first_is_by_when_a_pass_began(place):
    async with place.storage() as storage:
        old = await storage.create_session(scan("Old"))
        await storage.create_session(scan("New"))
        async with working(storage, old) as writer:
            await writer.cancel("unwanted")
        found = await every(storage)
    assert [one.title for one in found] == ["Old", "New", "New", "Old"]
    assert found[0].started_at is not None


async def test_search_and_filters(place):
    async with place.storage() as storage:
        made = (("Blue vase", "anna", "fine"), ("Red vase", "Bert", None), ("Lamp", "", "fine"))
        for title, operator, preset in made:
            handle = await storage.create_session(scan(title, operator, preset))
            async with working(storage, handle) as writer:
                await (writer.finish("x") if operator else writer.pause(PRESSED))

        async def found(**query: object) -> set[tuple[str, str]]:
            return {(one.title, one.pass_) for one in await every(storage, **query)}

        both = {("Blue vase", "upright"), ("Red vase", "upright")}
        assert await found(q="vase upright") == both
        assert await found(q="VAS inv") == both | {("Blue vase", "flipped"), ("Red vase", "flipped")}
        assert await found(q="***") == set()
        assert len(await found(q="  ")) == 6
        assert await found(state="completed") == both
        assert await found(state="incomplete", operator="") == {("Lamp", "upright"), ("Lamp", "flipped")}
        assert await found(state="paused") == {("Lamp", "upright")}
        assert await found(operator="bert", state="completed") == {("Red vase", "upright")}
        assert await found(preset="fine", q="lamp") == {("Lamp", "upright"), ("Lamp", "flipped")}
        assert await found(rig="another") == set()
        assert len(await found(rig="BENCH")) == 6
        day = datetime(2026, 11, 20, tzinfo=UTC)
        assert len(await found(since=f"{day:%Y-%m-%d}", until="2026-11-21")) == 6
        assert await found(until="2026-11-20") == await found(since="2026-11-21") == set()


@pytest.mark.parametrize(
    "query",
    [
        {"state": "floating"}, {"limit": 0}, {"limit": 501}, {"after": "noise"}, {"since": "yesterday"},
        {"until": "2026-02-30"}, {"since": "2026-1-1"}, {"after": "WyJ0aXRsZSIsMSwieCJd"},
    ],
)  # fmt: skip
async def test_what_cannot_be_asked_of_the_history_is_said(storage, query):
    with pytest.raises(InvalidError):
        await storage.history.passes(HistoryQuery(**query))
    if "since" in query or "until" in query:
        with pytest.raises(InvalidError):
            await storage.history.statistics(**query)


async def test_pages_join_to_the_whole_history(place):
    make_sessions(place.sessions, 40)
    async with place.storage() as storage:
        await storage.reconcile()
        whole = await every(storage)
        assert len(whole) == 80
        begun = [one.started_at for one in whole if one.started_at]
        assert begun == sorted(begun, reverse=True)
        pages, after = [], None
        while True:
            page = await storage.history.passes(HistoryQuery(after=after, limit=7, q="museum"))
            assert page.total == len(whole)
            pages += page.items
            after = page.next
            if after is None:
                break
        assert pages == whole


@pytest.mark.parametrize(
    ("since", "until"),
    [
        (None, None), ("2022-01-01", "2024-01-01"), ("2022-03-15", "2024-08-17"), ("2023-05-03", "2023-05-20"),
        ("2023-05-03", "2023-06-02"), (None, "2023-06-02"), ("2023-12-31", None), ("2024-01-01", "2024-01-01"),
        ("2030-01-01", None),
    ],
)  # fmt: skip
async def test_statistics_are_the_sum_of_the_history(many, since, until):
    async with many.storage() as storage:
        assert await storage.history.statistics(since, until) == await counted(storage, since, until)


@pytest.fixture(scope="module")
def many(tmp_path_factory) -> Place:
    place = Place(tmp_path_factory.mktemp("many"))
    make_sessions(place.sessions, 150)
    return place


@pytest.fixture(autouse=True)
async def _indexed(request) -> None:
    if "many" in request.fixturenames:
        async with request.getfixturevalue("many").storage() as storage:
            await storage.reconcile()


async def test_statistics_follow_every_change(place):
    """Whatever happens to passes, the sums are those of the history, and the same when the index is made anew."""
    chance = random.Random(5)  # noqa: S311 - nothing here is secret
    place.clock = StepClock(step=3600.0)
    async with place.storage() as storage:
        handles = [
            await storage.create_session(scan(f"Thing {n}", chance.choice("ab"), chance.choice((None, "fine"))))
            for n in range(4)
        ]
        for step in range(24):
            handle = chance.choice(handles)
            name = chance.choice(("upright", "flipped"))
            ((info),) = [one for one in (await storage.get_session(handle.id)).passes if one.name == name]
            if info.state is PassState.COMPLETED:
                continue
            async with working(storage, handle, name) as writer:
                for shot in writer.remaining()[:1]:
                    await save(writer, shot)
                assert await storage.history.statistics() == await counted(storage), step
                if step % 3 == 0:
                    await (writer.finish("x") if step % 2 else writer.cancel("x"))
            assert await storage.history.statistics() == await counted(storage), step
        await storage.edit(handles[0].id, SessionChanges(operator="carla"), origin="cli")
        statistics, passes = await storage.history.statistics(), await every(storage)
        assert statistics == await counted(storage)
        assert "carla" in {one.key for one in statistics.by_operator}
        assert len(statistics.by_day) > 1
        await storage.discard_session(await storage.create_session(scan("Never begun")))
        assert await storage.history.statistics() == statistics
    (place.state / "index.db").unlink()
    async with place.storage() as storage:
        await storage.reconcile()
        assert await storage.history.statistics() == statistics
        assert await every(storage) == passes


@pytest.mark.parametrize("time", ["long ago", "1970-01-01T00:00:00.000Z"])
async def test_a_pass_without_a_known_time_counts_in_all_and_in_no_day(place, time):
    async with place.storage() as storage:
        handle = await storage.create_session(scan("Odd clock"))
        async with working(storage, handle) as writer:
            await writer.cancel("x")
    journal = place.sessions / handle.id / "metadata/passes/upright/journal.jsonl"
    lines = journal.read_bytes().split(b"\n")
    lines[0] = re.sub(rb'"at":"[^"]*"', f'"at":"{time}"'.encode(), lines[0])
    journal.write_bytes(b"\n".join(lines))
    async with place.storage() as storage:
        await storage.reconcile()
        dated = await storage.create_session(scan("Right clock"))
        async with working(storage, dated) as writer:
            await writer.finish("x")
        statistics = await storage.history.statistics()
        assert [(one.key, one.passes) for one in statistics.by_day] == [("2026-11-20", 1)]
        assert (statistics.total.passes, statistics.total.sessions, statistics.total.completed) == (2, 2, 1)
        assert [one.passes for one in statistics.by_rig] == [2]
        for since, until, passes in (("2026-01-01", None, 1), (None, "2026-01-01", 1), ("1970-01-01", "1970-01-02", 0)):
            assert (await storage.history.statistics(since, until)).total.passes == passes, (since, until)
        await storage.trash.delete(handle.id, origin="cli")
        statistics = await storage.history.statistics()
        assert statistics.total == structs.replace(statistics.by_day[0], key="")


async def test_what_began_when_the_clock_stood_at_its_beginning_has_that_day(place):
    place.clock = StepClock(start=datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    async with place.storage() as storage:
        handle = await storage.create_session(scan("No clock"))
        async with working(storage, handle) as writer:
            await writer.cancel("x")
        assert [one.key for one in (await storage.history.statistics()).by_day] == ["1970-01-01"]


async def test_an_old_folder_without_any_date_has_no_day_before_and_after_its_migration(place):
    write(place.sessions / "vase/images/scan_point_000_camera_0.jpg", picture(1))
    async with place.storage() as storage:
        await storage.reconcile()
        for _ in range(2):
            statistics = await storage.history.statistics()
            assert statistics.by_day == ()
            assert (statistics.total.sessions, statistics.total.passes, statistics.total.photos) == (1, 1, 1)
            await storage.legacy.migrate(SessionId("vase"), origin="cli")


async def test_a_page_of_history_costs_no_more_than_it_shows(many):
    """Filtered, searched or neither: no statement sorts, and all follow the full-text table's own order."""

    with closing(sqlite3.connect(many.state / "index.db")) as connection:
        for query in (
            HistoryQuery(), HistoryQuery(q="vase"), HistoryQuery(state="paused", rig="dome"),
            HistoryQuery(since="2022-01-01", operator="anna"),
        ):  # fmt: skip
            asked = rows_statement(structs.replace(query, limit=5), words_of(query.q))
            plan = " ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {asked.text}", asked.values))
            assert "TEMP B-TREE" not in plan, (query, plan)
            assert "SCAN p" not in plan.replace("SCAN passes_fts", ""), (query, plan)
