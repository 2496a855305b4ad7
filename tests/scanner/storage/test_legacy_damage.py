"""Photos of older formats that are not what their files promise: found, named, and not forgotten by migration."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from scanner.errors import ConflictError
from scanner.model import SessionId
from scanner.states import PassState
from scanner.storage.directory.views import pass_names
from scanner.storage.disk.layout import SessionPaths
from scanner.storage.facets.verifying import check_older, check_session
from scanner.storage.formats import Folder
from scanner.storage.formats import bench as bench_module
from tests.scanner.storage.formats.support import BERLIN, PLAIN, picture, raspi, tree_hash
from tests.scanner.storage.oldsessions import running, the_one
from tests.scanner.storage.support import save, working

OLD = SessionId(PLAIN)
CHANGED, GONE, EMPTY = (f"scan_point_{point:03}_camera_0.jpg" for point in range(3))


def harmed(directory: Path) -> str:
    """A completed session of six photos of which three are not what they should be; the tree's hash."""
    images = raspi(directory) / "images"
    (images / CHANGED).write_bytes(picture(99))
    (images / GONE).unlink()
    (images / EMPTY).write_bytes(b"")
    return tree_hash(directory)


async def test_they_are_found_without_changing_a_byte(place):
    before = harmed(place.sessions)
    said: list[tuple[int, int]] = []
    async with running(place) as storage:
        old = await the_one(storage)
        found = await storage.verify(OLD, lambda done, total: said.append((done, total)))
        assert (found.checked, len(found.missing), len(found.damaged), found.unmarked) == (3, 1, 2, ())
        assert GONE in found.missing[0]
        assert all(any(name in one for one in found.damaged) for name in (CHANGED, EMPTY))
        assert found == check_older([place.sessions / PLAIN], OLD)
        assert said == sorted(said)
        assert said[-1] == (6, 6)
        assert len(said) > 1
        assert await the_one(storage) == old
        entry = (await storage.audit.list()).items[0]
        assert (entry.what, entry.detail) == ("verify", "3 photos checked, 1 missing, 2 damaged, 0 unlisted")
    assert tree_hash(place.sessions) == before


@pytest.mark.parametrize("stopping", [False, True])
async def test_verifying_is_given_up_between_two_files(place, stopping, monkeypatch):
    harmed(place.sessions)
    holds, at_work, over = threading.Event(), asyncio.Event(), threading.Event()
    read: list[str] = []
    path_of = Folder.path
    async with running(place) as storage:
        loop = asyncio.get_running_loop()

        def path(folder: Folder, name: str) -> Path:
            try:
                found = path_of(folder, name)
            except ConflictError:
                over.set()
                raise
            read.append(name)
            loop.call_soon_threadsafe(at_work.set)
            assert holds.wait(20)
            return found

        monkeypatch.setattr(Folder, "path", path)
        verifying = asyncio.create_task(storage.verify(OLD))
        await at_work.wait()
        if stopping:
            storage._catalogue.stop()
        else:
            verifying.cancel()
            await asyncio.wait([verifying])
        holds.set()
        with pytest.raises(ConflictError if stopping else asyncio.CancelledError):
            await verifying
        assert await asyncio.to_thread(over.wait, 20)
        assert len(read) == 1


async def test_a_folder_that_changes_meanwhile_is_not_judged(place, monkeypatch):
    root = raspi(place.sessions)
    check = bench_module.check_unchanged

    def changing(legacy: object) -> None:
        (root / "notes.txt").write_bytes(b"mine")
        check(legacy)

    monkeypatch.setattr(bench_module, "check_unchanged", changing)
    async with running(place) as storage:
        with pytest.raises(ConflictError, match="changed by somebody else"):
            await storage.verify(OLD)


@pytest.mark.parametrize("importing", [False, True])
async def test_migration_and_import_name_them(place, tmp_path, importing):
    harmed(tmp_path / "card" if importing else place.sessions)
    async with running(place) as storage:
        if importing:
            (outcome,) = await storage.legacy.import_from(tmp_path / "card", timezone=BERLIN, origin="cli")
        else:
            (outcome,) = await storage.legacy.migrate_all()
        assert outcome.done
        for name, word in ((CHANGED, "damaged"), (GONE, "missing"), (EMPTY, "damaged")):
            assert f"{name} is {word}" in outcome.sentence()
        said = await storage.legacy.damage(OLD)
        assert len(said) == 3
        assert all(text in outcome.said for text in said)
        (info,) = (await the_one(storage)).passes
        assert (info.state, info.saved, info.damaged) == (PassState.COMPLETED, 3, 3)
        assert await storage.unfinished() == ()


async def test_verifying_what_was_migrated_names_them_and_asks_for_them_again(place):
    harmed(place.sessions)
    async with running(place) as storage:
        await storage.legacy.migrate(OLD, origin="cli")
        paths = SessionPaths(place.sessions / OLD)
        (name,) = pass_names(paths)
        offline = check_session(paths)
        reports: list[tuple[int, int]] = []
        found = await storage.verify(OLD, lambda done, total: reports.append((done, total)))
        assert (found.checked, len(found.missing), len(found.damaged), found.unmarked) == (6, 1, 2, ())
        assert (sorted(found.missing), sorted(found.damaged)) == (sorted(offline.missing), sorted(offline.damaged))
        assert reports == [(4, 6), (5, 6), (6, 6)]
        (info,) = (await the_one(storage)).passes
        assert (info.state, info.saved, info.damaged) == (PassState.PAUSED, 3, 3)
        assert (info.pause.by, info.pause.reason) == ("fault", "damaged")
        journal = paths.pass_(name).journal.read_bytes()
        assert await storage.verify(OLD) == found
        assert paths.pass_(name).journal.read_bytes() == journal


async def test_what_verifying_asked_for_is_taken_again_and_nothing_else(place):
    harmed(place.sessions)
    async with running(place) as storage:
        handle = await storage.legacy.migrate(OLD, origin="cli")
        await storage.verify(OLD)
        ((_, info),) = await storage.unfinished()
        kept = {photo.name for photo in await storage.photos(OLD)}
        async with working(storage, handle, info.name) as writer:
            assert len(writer.remaining()) == 3
            for shot in writer.remaining():
                await save(writer, shot)
            await writer.finish("all shots taken")
        assert kept < {photo.name for photo in await storage.photos(OLD)}
        whole = await storage.verify(OLD)
        assert (whole.checked, whole.missing, whole.damaged) == (6, (), ())


async def test_who_ends_a_pass_without_them_has_decided(place):
    harmed(place.sessions)
    async with running(place) as storage:
        handle = await storage.legacy.migrate(OLD, origin="cli")
        found = await storage.verify(OLD)
        ((_, info),) = await storage.unfinished()
        async with working(storage, handle, info.name) as writer:
            await writer.finish("as it is")
        assert await storage.verify(OLD) == found
        assert (await the_one(storage)).state is PassState.COMPLETED


async def test_of_what_was_never_old_nothing_is_told(place, storage, handle):
    assert await storage.legacy.damage(handle.id) == ()
    story = place.sessions / handle.id / "metadata/legacy.json"
    story.write_bytes(b'{"flagged": [1]}')
    assert await storage.legacy.damage(handle.id) == ()
