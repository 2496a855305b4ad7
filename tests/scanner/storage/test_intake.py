"""Sessions from elsewhere, copied in: as their ``expected.json`` says, once, and the source as it was."""

from __future__ import annotations

import asyncio
import errno
import shutil
from pathlib import Path

import pytest

from scanner.errors import DiskFullError, InvalidError
from scanner.events import SessionChanged
from scanner.states import PassState
from scanner.storage.directory.reading import DiskUsage
from tests.scanner.storage.formats.samples import expected
from tests.scanner.storage.formats.support import BERLIN, dual, openscan, picture, raspi, tree_hash, write
from tests.scanner.storage.oldsessions import check, everything, look_at_everything, running, visible
from tests.scanner.storage.support import FailingFiles, Place, names, new_session, save, working


@pytest.fixture
def source(tmp_path) -> Path:
    """A card with two old sessions and something else."""
    root = tmp_path / "card"
    raspi(root / "scanner_data/sessions", points=2)
    openscan(root / "projects", points=2, scans=1)
    write(root / "holiday/beach.jpg.txt", b"sun")
    return root


async def test_examples_are_taken_in_as_expected(case, place):
    wanted = expected(case)
    root = case / wanted["import_path"]
    events: list[object] = []
    async with running(place, tell=events.append) as storage:
        would = await storage.legacy.import_from(root, timezone=BERLIN, dry_run=True, origin="cli")
        assert [(outcome.done, outcome.known) for outcome in would] == [(False, False)] * len(would)
        assert (await storage.list_sessions()).items == ()
        outcomes = await storage.legacy.import_from(root, timezone=BERLIN, origin="cli")
        assert [(outcome.id, outcome.done, outcome.error) for outcome in outcomes] == [
            (outcome.id, True, None) for outcome in would
        ]
        sessions = await everything(storage)
        assert len(sessions) == wanted["session_count"]
        assert sum(session.photos for session in sessions) == wanted["photos_ok_total"]
        for given in wanted["sessions"]:
            (session,) = [session for session in sessions if session.title == given["title"]]
            (outcome,) = [outcome for outcome in outcomes if outcome.id == session.id]
            said = [text for text in outcome.said if text != "its times name no zone and were read as Europe/Berlin"]
            assert [flag["file"] in "".join(said) for flag in given["flagged"]] == [True] * len(said)
            assert (said != list(outcome.said)) is ("naive_local" in given["created"])
            check(session, given | {"flagged": []})
            assert session.format == "current"
            await look_at_everything(storage, session)
        assert [event for event in events if isinstance(event, SessionChanged)] == [
            SessionChanged(session_id=outcome.id) for outcome in outcomes
        ]
        again = await storage.legacy.import_from(root, timezone=BERLIN, origin="cli")
        assert [(outcome.id, outcome.done, outcome.known) for outcome in again] == [
            (outcome.id, False, True) for outcome in outcomes
        ]
        assert "is there already" in again[0].sentence()
        assert not any("zone" in text for outcome in again for text in outcome.said)
        assert await everything(storage) == sessions
        assert {entry.what for entry in (await storage.audit.list()).items} == {"import"}
    assert tree_hash(case) == wanted["source_unchanged"]["sha256"]


async def test_progress_and_what_is_said(place, source):
    reports: list[tuple[int, int]] = []
    before = tree_hash(source)
    async with running(place) as storage:
        outcomes = await storage.legacy.import_from(
            source, timezone=BERLIN, origin="cli", report=lambda done, total: reports.append((done, total))
        )
        assert reports == [(0, 2), (1, 2), (2, 2)]
        assert sorted((outcome.title, outcome.format, outcome.photos) for outcome in outcomes) == [
            ("Blue vase", "raspi_v2", 4),
            ("Ceramic Owl", "openscan3", 2),
        ]
        assert [one.sentence() for one in outcomes if one.format == "openscan3"] == [
            "Ceramic Owl (openscan3, 2 photos) is now session ceramic-owl; its times name no zone and were read as"
            " Europe/Berlin"
        ]
    assert tree_hash(source) == before


async def test_folders_into_which_nobody_can_look_are_said(place, source, monkeypatch):
    (source / "holiday/secret").mkdir()
    listed = Path.iterdir

    def refusing(path: Path):
        if path.name == "secret":
            raise PermissionError
        return listed(path)

    monkeypatch.setattr(Path, "iterdir", refusing)
    async with running(place) as storage:
        *taken, unread = await storage.legacy.import_from(source, timezone=BERLIN, origin="cli")
        assert [outcome.done for outcome in taken] == [True, True]
        assert (unread.done, unread.unread) == (False, True)
        assert unread.sentence() == f"The folder {source / 'holiday/secret'} could not be read and was passed by"


async def test_a_single_session_can_be_given(place, source):
    async with running(place) as storage:
        (outcome,) = await storage.legacy.import_from(source / "projects/Ceramic Owl", timezone=BERLIN, origin="cli")
        assert (outcome.id, outcome.done) == ("ceramic-owl", True)
        assert await storage.legacy.import_from(source / "holiday", timezone=BERLIN, origin="cli") == ()


async def test_the_same_folder_among_the_sessions_is_not_doubled(place, source):
    shutil.copytree(source / "projects/Ceramic Owl", place.sessions / "Ceramic Owl")
    async with running(place) as storage:
        (outcome,) = await storage.legacy.import_from(source / "projects", timezone=BERLIN, origin="cli")
        assert (outcome.id, outcome.done, outcome.known) == ("ceramic-owl", False, True)
        assert names(place.sessions) == ["Ceramic Owl"]
        write(source / "projects/Ceramic Owl/notes.txt", b"another one")
        (outcome,) = await storage.legacy.import_from(source / "projects", timezone=BERLIN, origin="cli")
        assert (outcome.id, outcome.done) == ("ceramic-owl-2", True)
        formats = {session.id: session.format for session in (await storage.list_sessions()).items}
        assert formats == {"ceramic-owl": "openscan3", "ceramic-owl-2": "current"}


async def test_sessions_of_this_product_keep_their_name_and_can_be_finished(place, tmp_path):
    other = Place(tmp_path / "other")
    async with running(other) as elsewhere:
        handle = await elsewhere.create_session(new_session())
        async with working(elsewhere, handle) as writer:
            await save(writer, writer.plan.shots[0])
        session = await elsewhere.get_session(handle.id)
    shutil.copytree(other.sessions / handle.id, other.sessions / "A copy")
    before = tree_hash(other.sessions)
    async with running(place) as storage:
        outcomes = await storage.legacy.import_from(other.sessions, timezone=BERLIN, origin="cli")
        assert sorted(outcome.id for outcome in outcomes) == [handle.id, "a-copy"]
        assert await storage.get_session(handle.id) == session
        again = await storage.legacy.import_from(other.sessions, timezone=BERLIN, origin="cli")
        assert [outcome.known for outcome in again] == [True, True]
        async with working(storage, await storage.handle(handle.id)) as writer:
            for shot in writer.remaining():
                await save(writer, shot)
            await writer.finish("all shots taken")
        assert (await storage.get_session(handle.id)).state is PassState.COMPLETED
    assert tree_hash(other.sessions) == before


@pytest.mark.parametrize("dry_run", [True, False])
async def test_scans_that_only_look_alike_are_left_to_a_person(place, tmp_path, monkeypatch, dry_run):
    folders = dual(tmp_path / "card/sessions", linked=False)
    monkeypatch.setattr("scanner.storage.facets.intake.disk_usage", lambda _: DiskUsage(free=0, total=5000))
    async with running(place) as storage:
        outcomes = await storage.legacy.import_from(tmp_path / "card", timezone=BERLIN, dry_run=dry_run, origin="cli")
        assert [(outcome.done, outcome.error) for outcome in outcomes] == [(False, None)] * 2
        said = {outcome.id: outcome.sentence() for outcome in outcomes}
        for folder, other in (folders, reversed(folders)):
            assert (
                f" photos) was left alone: it may be one scan with {other.name}: copy both folders into the sessions of"
                " the data directory and decide there, or import each folder by itself; "
            ) in said[folder.name]
            assert "are they one scan?" in said[folder.name]
        assert names(place.sessions) == []


async def test_scans_that_only_look_alike_can_be_imported_each_by_itself(place, tmp_path):
    folders = dual(tmp_path / "card/sessions", linked=False)
    async with running(place) as storage:
        for folder in folders:
            (outcome,) = await storage.legacy.import_from(folder, timezone=BERLIN, origin="cli")
            assert outcome.done
        again = await storage.legacy.import_from(tmp_path / "card", timezone=BERLIN, origin="cli")
        assert [(outcome.known, outcome.left) for outcome in again] == [(True, "")] * 2


@pytest.mark.parametrize("directory", ["missing", "file", "data", "data/sessions", ".", "loop"])
async def test_where_nothing_can_be_imported_from(place, tmp_path, directory):
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    async with running(place) as storage:
        with pytest.raises(InvalidError) as caught:
            await storage.legacy.import_from(tmp_path / directory, timezone=BERLIN, origin="cli")
        assert caught.value.detail["errors"][0]["path"] == "directory"
        assert "in one another" in caught.value.message or "cannot be read" in caught.value.message


async def test_room_is_looked_for_first(place, source, monkeypatch):
    monkeypatch.setattr("scanner.storage.facets.intake.disk_usage", lambda _: DiskUsage(free=1000, total=5000))
    async with running(place) as storage:
        with pytest.raises(DiskFullError, match="not enough room") as caught:
            await storage.legacy.import_from(source, timezone=BERLIN, origin="cli")
        assert caught.value.detail["free"] == 1000
        sizes = sum(path.stat().st_size for path in source.rglob("*") if path.is_file() and "holiday" not in str(path))
        assert caught.value.detail["need"] == sizes
        assert names(place.sessions) == []
        monkeypatch.undo()
        await storage.legacy.import_from(source, timezone=BERLIN, origin="cli")
        monkeypatch.setattr("scanner.storage.facets.intake.disk_usage", lambda _: DiskUsage(free=0, total=5000))
        again = await storage.legacy.import_from(source, timezone=BERLIN, origin="cli")
        assert [outcome.known for outcome in again] == [True, True]


async def test_what_goes_wrong_with_one_does_not_keep_the_other_away(place, source):
    files = FailingFiles()
    async with running(place, files=files) as storage:

        def fail(done: int, _total: int) -> None:
            files.arm(5 if done == 0 else None, errno.EIO)

        outcomes = await storage.legacy.import_from(source, timezone=BERLIN, origin="cli", report=fail)
        assert [(outcome.done, outcome.error is None) for outcome in outcomes] == [(False, False), (True, True)]
        assert "disk reports an error" in outcomes[0].sentence()
        assert visible(place.sessions) == [outcomes[1].id]
        again = await storage.legacy.import_from(source, timezone=BERLIN, origin="cli")
        assert [(outcome.done, outcome.known) for outcome in again] == [(True, False), (False, True)]


async def test_a_cancelled_import_ends_behind_the_session_at_work(place, source):
    async with running(place) as storage:

        def stop(done: int, _total: int) -> None:
            if done == 1:
                task.cancel()

        task = asyncio.create_task(storage.legacy.import_from(source, timezone=BERLIN, origin="cli", report=stop))
        with pytest.raises(asyncio.CancelledError):
            await task
    async with running(place) as storage:
        assert len((await storage.list_sessions()).items) in {1, 2}
        assert all(not session.damage for session in (await storage.list_sessions()).items)
        assert [name for name in names(place.sessions) if name.startswith(".")] == []


async def test_links_out_of_the_source_are_not_followed(place, source, tmp_path):
    secret = write(tmp_path / "secret.jpg", picture(5))
    photo = source / "projects/Ceramic Owl/scan01/scan01_000.jpg"
    photo.unlink()
    photo.symlink_to(secret)
    before = photo.readlink()
    async with running(place) as storage:
        (outcome,) = await storage.legacy.import_from(source / "projects", timezone=BERLIN, origin="cli")
        assert "scan01_000.jpg is missing" in outcome.sentence()
        assert (await storage.get_session(outcome.id)).photos == 1
        held = [path.read_bytes() for path in place.sessions.rglob("*") if path.is_file()]
        assert secret.read_bytes() not in held
    assert photo.readlink() == before
