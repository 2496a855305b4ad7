"""Many sessions: the same answers from an index made anew, without a cost that grows with what nobody asked for."""

from __future__ import annotations

import os
import shutil
import time
import zlib
from collections import Counter
from pathlib import Path

import pytest

from scanner.errors import StorageError
from scanner.storage import HistoryQuery, SessionQuery
from scanner.storage.directory.glance import read_file
from scanner.storage.directory.views import read_session, signature_of
from scanner.storage.disk.database import connect_reader
from scanner.storage.disk.layout import SessionPaths
from scanner.storage.disk.roll import Roll
from tests.scanner.storage.support import Place
from tests.support.many import make_sessions

COUNT = 400
SLOWEST = 30.0  # times the reading of the same files; 3 on an idle machine, measured by tests/benchmarks


async def test_made_anew_the_index_knows_every_session_as_it_was_made(place, figures):
    made = make_sessions(place.sessions, COUNT)
    begin = time.perf_counter()
    for path in place.sessions.rglob("*"):
        if path.is_file():
            path.read_bytes()
    floor = time.perf_counter() - begin
    async with place.storage() as storage:
        begin = time.perf_counter()
        await storage.reconcile()
        ours = time.perf_counter() - begin
        figures(f"{COUNT} sessions read in {floor:.2f} s, indexed in {ours:.2f} s: {ours / floor:.1f}x")
        assert ours < max(SLOWEST * floor, 10.0)
        page = await storage.list_sessions(SessionQuery(limit=500))
        assert {one.id: (one.state.value, one.photos) for one in page.items} == {
            one.id: (one.state, one.photos) for one in made
        }
        assert page.total == COUNT
        counts = Counter(one.state for one in made)
        for state, count in counts.items():
            assert (await storage.list_sessions(SessionQuery(status=state))).total == count
        assert (await storage.history.passes(HistoryQuery())).total == 2 * COUNT
        total = (await storage.history.statistics()).total
        assert total.photos == sum(one.photos for one in made)
        assert total.sessions == COUNT - counts["planned"]
        assert storage.notices == ()


async def test_there_is_no_row_a_photo(place):
    made = make_sessions(place.sessions, 20)
    async with place.storage() as storage:
        await storage.reconcile()
        connection = connect_reader(place.state / "index.db")
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables}  # noqa: S608 - our own names
        connection.close()
    rows = {name: count for name, count in rows.items() if not name.endswith("_terms")}  # views, of every word
    assert max(rows.values()) < sum(one.photos for one in made) / 4


def test_the_roll_gives_all_names_in_order_and_sorts_out_the_rest(tmp_path: Path):
    names = sorted(f"s-{number:04}" for number in range(2500))
    for name in (*names, "Not Ours", ".new-abc", ".migrating_x.json", "UPPER"):
        (tmp_path / name).mkdir()
    roll = Roll.read(tmp_path)
    found: list[str] = []
    while page := roll.page(found[-1] if found else "", 300):
        found += page
    assert found == names
    assert roll.count == len(names)
    assert roll.strange == {"Not Ours", "UPPER"}
    assert roll.left_over
    assert roll.migrating
    roll.close()


async def test_a_directory_that_cannot_be_listed_is_a_typed_error(place: Place):
    async with place.storage() as storage:
        place.sessions.rmdir()
        with pytest.raises(StorageError, match="could not be listed"):
            await storage.reconcile()
        os.mkdir(place.sessions)  # noqa: PTH102 - as somebody by hand
        await storage.reconcile()


async def test_sessions_of_one_moment_whose_numbers_are_the_same_are_all_there(place: Place):
    """A copy has the time of its original; where the hash of the names is the same, too, the next number is free."""
    made = make_sessions(place.sessions, 1)[0]
    wanted = zlib.crc32(made.id.encode()) % 4096
    same = [f"copy-{n}" for n in range(40_000) if zlib.crc32(f"copy-{n}".encode()) % 4096 == wanted][:4]
    for name in same:
        shutil.copytree(place.sessions / made.id, place.sessions / name)
    async with place.storage() as storage:
        await storage.reconcile()
        before = {session.id for session in (await storage.list_sessions()).items}
        assert before == {made.id, *same}
        assert (await storage.history.passes()).total == 10
        await storage.reindex()
        assert {session.id for session in (await storage.list_sessions()).items} == before
        assert (await storage.history.statistics()).total.photos == 5 * made.photos


def test_a_file_that_comes_in_pieces_is_read_whole(tmp_path: Path, monkeypatch):
    (tmp_path / "journal.jsonl").write_bytes(b"0123456789")
    read = os.read
    monkeypatch.setattr(os, "read", lambda descriptor, size: read(descriptor, min(size, 3)))
    data, found = read_file(f"{tmp_path}/journal.jsonl")
    assert data == b"0123456789"
    assert found.st_size == 10


def test_what_is_missing_has_its_place_in_the_signature(place: Place):
    made = make_sessions(place.sessions, 1)[0]
    paths = SessionPaths(place.sessions / made.id)
    record = read_session(paths)
    assert record is not None
    assert record.signature == signature_of(paths)
    paths.document.unlink()
    (paths.passes / "flipped/journal.jsonl").unlink()
    record = read_session(paths)
    assert record is not None
    assert record.signature == signature_of(paths)
    assert record.signature.startswith("metadata:-|flipped:-|upright:")
    assert any("session.json is missing" in said for said in record.session.damage)
    assert any("journal cannot be read" in said for said in record.session.damage)
    (paths.passes / "third").write_bytes(b"not a directory")
    record = read_session(paths)
    assert record is not None
    assert record.signature == signature_of(paths)
