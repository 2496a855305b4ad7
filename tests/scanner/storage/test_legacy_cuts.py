"""Migrating, undoing, merging and importing, cut at every operation: the product's own start finds every session whole,
once, and twice in a row the same; doing it again finishes it.

At worst (nothing survives that was not fsynced) and at best (everything does), with the index kept and with it lost.
"""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from scanner.errors import ScannerError
from scanner.model import SessionId
from scanner.storage import StorageManager
from tests.scanner.storage.formats.support import BERLIN, dual, openscan, tree_hash
from tests.scanner.storage.oldsessions import KINDS, OWL, running, the_one, visible
from tests.scanner.storage.support import FailingFiles, Place, PowerCutFiles, StepClock, names
from tests.support.sample import sample

Work = Callable[[StorageManager, SessionId], Awaitable[object]]


def migrate(storage: StorageManager, session_id: SessionId) -> Awaitable[object]:
    return storage.legacy.migrate(session_id, origin="cli")


def undo(storage: StorageManager, session_id: SessionId) -> Awaitable[object]:
    return storage.legacy.undo(session_id, origin="cli")


async def merge(storage: StorageManager, session_id: SessionId) -> None:
    other = [session.id for session in (await storage.list_sessions()).items if session.id != session_id]
    if other:
        await storage.legacy.merge(session_id, *other, origin="cli")


@dataclass
class Truth:
    """What must be there whatever happens."""

    session_id: SessionId
    format: str
    photos: list[str]
    trees: dict[str, str]


def trees(sessions: Path) -> dict[str, str]:
    return {name: tree_hash(sessions / name) for name in visible(sessions)}


async def content(storage: StorageManager) -> list[str]:
    """The hashes of all photos of all sessions. Older formats may know no checksum."""
    found: list[str] = []
    for session in (await storage.list_sessions()).items:
        photos = await storage.photos(session.id)
        assert len(photos) == session.photos
        for photo in photos:
            digest = hashlib.sha256((await storage.photo_file(session.id, photo.name)).read_bytes()).hexdigest()
            assert photo.sha256 in ({digest} if session.format == "current" else {digest, ""})
            found.append(digest)
    return sorted(found)


@dataclass
class Cutter:
    """Keeps what a cut at every ``every``-th operation leaves."""

    root: Path
    place: Place
    every: int
    count: int = 0
    moments: list[Place] = field(default_factory=list)

    def __call__(self, files: PowerCutFiles) -> None:
        self.count += 1
        if self.count % self.every:
            return
        for kind in ("worst", "best"):
            target = self.root / f"{self.count}-{kind}"
            target.mkdir()
            left = self.place.copy(target)
            if kind == "worst":
                left.data.rename(target / "unsynced")
                files.materialise(self.place.data, left.data)
            left.clock = StepClock()
            if self.count % 2:
                for path in left.state.glob("index.db*"):
                    path.unlink()
            self.moments.append(left)


async def cut(place: Place, root: Path, work: Work, session_id: SessionId, every: int) -> list[Place]:
    """What is left of ``work`` at all moments."""
    cutter = Cutter(root, place, every)
    files = PowerCutFiles()
    files.seed(place.data)
    async with running(place, files=files) as storage:
        files.after = cutter
        await work(storage, session_id)
        files.after = lambda _: None
    assert cutter.count > 10
    return cutter.moments


async def start_twice(left: Place, truth: Truth) -> list[object]:
    """Everything is there, once, and the second start finds what the first did."""
    seen = []
    for _ in range(2):
        async with running(left) as storage:
            assert await content(storage) == truth.photos
            seen.append((await storage.list_sessions()).items)
            assert not any(session.damage for session in seen[-1] if session.format == "current")
        seen.append([name for name in names(left.sessions) if not name.startswith(".undone_")])
        assert not [name for name in seen[-1] if name.startswith((".new-", ".ready_", ".migrating_", ".gone-"))]
    assert seen[:2] == seen[2:]
    return seen[0]


async def truth_of(place: Place, session_id: SessionId, work: Work | None = None) -> Truth:
    async with running(place) as storage:
        session = await storage.get_session(session_id)
        photos = await content(storage)
        found = Truth(session_id, session.format, photos, trees(place.sessions))
        if work is not None:
            await work(storage, session_id)
    return found


def check_kept(left: Place, truth: Truth) -> None:
    """The old folders are kept bit for bit, wherever."""
    kept = sorted(tree_hash(path) for path in left.sessions.glob(".migrated_*"))
    assert kept == sorted(truth.trees.values())


@pytest.fixture(params=sorted(KINDS))
def kind(request) -> str:
    return request.param


async def test_a_cut_migration(place, tmp_path, kind):
    session_id = KINDS[kind](place.sessions)
    truth = await truth_of(place, session_id)
    for left in await cut(place, tmp_path, migrate, session_id, sample(17, 1)):
        (session,) = await start_twice(left, truth)
        assert session.id == session_id
        if session.format != "current":
            assert trees(left.sessions) == truth.trees
        async with running(left) as storage:
            await migrate(storage, session_id)
            assert (await the_one(storage)).format == "current"
        check_kept(left, truth)


async def test_a_cut_undoing(place, tmp_path, kind):
    session_id = KINDS[kind](place.sessions)
    truth = await truth_of(place, session_id, migrate)
    for left in await cut(place, tmp_path, undo, session_id, sample(7, 1)):
        (session,) = await start_twice(left, truth)
        async with running(left) as storage:
            if session.format == "current":
                await undo(storage, session_id)
            assert (await the_one(storage)).format == truth.format
        assert trees(left.sessions) == truth.trees


async def test_a_cut_merge(place, tmp_path):
    web, images = dual(place.sessions, linked=False)
    session_id = SessionId(web.name)
    truth = await truth_of(place, session_id)
    for left in await cut(place, tmp_path, merge, session_id, sample(19, 1)):
        sessions = await start_twice(left, truth)
        assert {session.id for session in sessions} in ({session_id}, {session_id, images.name})
        async with running(left) as storage:
            await merge(storage, session_id)
            merged = await the_one(storage)
            assert (merged.id, merged.photos, merged.format) == (session_id, 6, "current")
        check_kept(left, truth)


async def test_a_cut_import(place, tmp_path):
    openscan(tmp_path / "card", points=2, scans=1)

    async def take_in(storage: StorageManager, _: SessionId) -> None:
        await storage.legacy.import_from(tmp_path / "card", timezone=BERLIN, origin="cli")

    before = tree_hash(tmp_path / "card")
    async with running(place):
        pass
    for left in await cut(place, tmp_path, take_in, OWL, sample(17, 1)):
        async with running(left) as storage:
            there = (await storage.list_sessions()).items
            assert [session.photos for session in there] in ([], [2])
            (outcome,) = await storage.legacy.import_from(tmp_path / "card", timezone=BERLIN, origin="cli")
            assert (outcome.id, outcome.known) == (OWL, bool(there))
            assert len(await content(storage)) == 2
        assert names(left.sessions) == [OWL]
    assert tree_hash(tmp_path / "card") == before


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EMFILE])
async def test_a_disk_that_fails_once_at_any_operation(tmp_path, kind, number):
    """The error has its name, the session is there and whole, and the same daemon does it the next time."""
    session_id = KINDS[kind](tmp_path / "truth/data/sessions")
    truth = await truth_of(Place(tmp_path / "truth"), session_id)
    for nth in range(1 + number % sample(19, 1), 1000, sample(19, 1)):
        root = tmp_path / str(nth)
        left = Place(tmp_path / "truth").copy(root)
        files = FailingFiles()
        async with running(left, files=files) as storage:
            files.arm(nth, number)
            with suppress(ScannerError):
                await migrate(storage, session_id)
            failed, files.armed = files.failed, None
            assert await content(storage) == truth.photos
            await migrate(storage, session_id)
            assert (await the_one(storage)).format == "current"
            await undo(storage, session_id)
        assert trees(left.sessions) == truth.trees
        if not failed:
            break
    assert nth > 30
