"""What lies among the sessions and is none of ours by name or format: noticed, listed, said; no cost without any."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest
from msgspec import structs

from scanner.errors import (
    ConflictError,
    NotFoundError,
    SessionNotFoundError,
)
from scanner.events import SessionChanged, SessionDeleted
from scanner.model import SessionId
from scanner.states import PassState
from scanner.storage import SessionChanges
from scanner.storage.keeping.gathering import Gathered
from tests.scanner.storage.formats.support import (
    dual,
    openscan,
    picture,
    raspi,
    tree_hash,
    write,
)
from tests.scanner.storage.oldsessions import (
    KINDS,
    KINDS_IDS,
    OWL,
    renamed,
    running,
    small_project,
    the_one,
    visible,
)
from tests.scanner.storage.support import (
    RecordingFiles,
    new_session,
    save,
    working,
)
from tests.support.tree import TOP


@pytest.fixture(params=sorted(KINDS))
def kind(request) -> str:
    return request.param


async def test_folders_that_come_change_and_go(place):
    async with running(place) as storage:
        gathering = storage._catalogue.gathering
        assert await gathering.look() == Gathered()
        small_project(place.sessions)
        assert (await gathering.look(["Ceramic Owl"])).read == (OWL,)
        assert (await the_one(storage)).photos == 1
        assert await gathering.look() == Gathered()
        write(place.sessions / "Ceramic Owl/scan01/scan01_000.jpg", picture(7))
        assert (await gathering.look()).read == (OWL,)
        assert (await the_one(storage)).photos == 2
        shutil.move(place.sessions / "Ceramic Owl", place.root / "elsewhere")
        assert (await gathering.look()).gone == (OWL,)
        assert (await storage.list_sessions()).items == ()
        with pytest.raises(SessionNotFoundError):
            await storage.get_session(OWL)


async def test_a_file_that_is_still_being_copied_is_read_again(place):
    small_project(place.sessions)
    photo = place.sessions / "Ceramic Owl/scan01/scan01_001.jpg"
    whole = photo.read_bytes()
    photo.write_bytes(whole[:100])
    async with running(place) as storage:
        assert (await the_one(storage)).bytes == 100
        photo.write_bytes(whole)  # no name comes or goes
        assert (await storage._catalogue.gathering.look()).read == (OWL,)
        assert (await the_one(storage)).bytes == len(whole)
        assert await storage._catalogue.gathering.look() == Gathered()
        assert (await storage.photo_file(OWL, "scan01-00001-imx519.jpg")).read_bytes() == whole


async def test_the_second_half_of_a_scan_comes_later(place):
    web, images = dual(place.sessions)
    shutil.move(images, place.root / "later")
    async with running(place) as storage:
        assert ((await the_one(storage)).format, (await the_one(storage)).photos) == ("raspi_v2", 0)
        shutil.move(place.root / "later", images)
        await storage.reconcile()
        session = await the_one(storage)
        assert (session.id, session.format, session.photos) == (web.name, "raspi_v2_dual", 6)


async def test_a_directory_that_is_no_session_is_left_alone_and_said_once(place):
    write(place.sessions / "holiday/beach.txt", b"sun")
    write(place.sessions / "lost+found/x", b"")
    (place.sessions / "a-file").write_bytes(b"")
    before = tree_hash(place.sessions)
    async with running(place) as storage:
        assert sorted(storage.notices) == [
            "'holiday' among the sessions is no session; it is left alone",
            "'lost+found' among the sessions is no session; it is left alone",
        ]
        await storage.reconcile()
        gathering = storage._catalogue.gathering
        assert (await gathering.look()).notices == ()
        assert len(storage.notices) == 2
        write(place.sessions / "new/thing.txt", b"")
        assert (await gathering.look(["new"])).notices == ()  # it may only just be coming
        assert len((await gathering.look()).notices) == 1
        assert (await gathering.look(["new"])).notices == ()
        shutil.rmtree(place.sessions / "holiday")
        openscan(place.sessions, "holiday", points=1, scans=1)
        assert (await gathering.look()).read == ("holiday",)
    shutil.rmtree(place.sessions / "new")
    shutil.rmtree(place.sessions / "holiday")
    write(place.sessions / "holiday/beach.txt", b"sun")
    assert tree_hash(place.sessions) == before


async def test_a_link_among_the_sessions_makes_no_second_session_of_one_and_is_said_once(place):
    async with running(place) as storage:
        handle = await storage.create_session(new_session())
    links = {
        "another-name": place.sessions / handle.id, "relative": handle.id, "two-steps": place.sessions / "relative",
        "Odd name": place.sessions / handle.id, "inner": place.sessions / handle.id / "images", "all": place.sessions,
    }  # fmt: skip
    for name, target in links.items():
        (place.sessions / name).symlink_to(target, target_is_directory=True)
    (place.sessions / "broken").symlink_to("nothing")
    (place.sessions / "broken too").symlink_to("nothing")
    (place.sessions / "file").symlink_to(place.state / "jobs.db")
    events: list[object] = []
    async with running(place, tell=events.append) as storage:
        assert (await the_one(storage)).id == handle.id
        assert sorted(text.split(" among")[0] for text in storage.notices) == sorted(map(repr, links))
        assert {text.rpartition(": ")[2] for text in storage.notices} == {
            "it leads to what lies here itself; remove the link"
        }
        for name in ("another-name", "relative", "inner"):
            with pytest.raises(SessionNotFoundError):
                await storage.get_session(SessionId(name))
        await storage.watcher.look()
        events.clear()
        for _ in range(3):
            await storage.watcher.look()
        await storage.reconcile()
        assert events == []
        (place.sessions / "relative").unlink()
        await storage.reconcile()
        (place.sessions / "relative").symlink_to(handle.id)
        await storage.reconcile()
        assert len(storage.notices) == len(links) + 1
        assert (await the_one(storage)).id == handle.id


async def test_a_session_that_was_listed_by_its_link_too_is_listed_once(place):
    async with running(place) as storage:
        handle = await storage.create_session(new_session())
        shutil.copytree(place.sessions / handle.id, place.sessions / "second")
        await storage.reconcile()
        assert (await storage.list_sessions()).total == 2
        shutil.rmtree(place.sessions / "second")
        (place.sessions / "second").symlink_to(handle.id)
        await storage.reconcile()
        assert (await storage.list_sessions()).total == 1


async def test_a_link_that_leads_elsewhere_is_followed_to_a_session_of_this_product(place, tmp_path):
    async with running(place) as storage:
        handle = await storage.create_session(new_session())
    shutil.move(place.sessions / handle.id, tmp_path / "disk")
    (place.sessions / handle.id).symlink_to(tmp_path / "disk")
    small_project(tmp_path)
    (place.sessions / "owl").symlink_to(tmp_path / "Ceramic Owl")
    (place.sessions / "Snowy Owl").symlink_to(tmp_path / "Ceramic Owl")
    async with running(place) as storage:
        assert (await the_one(storage)).id == handle.id
        assert sorted(storage.notices) == [
            f"{name!r} among the sessions is a link to {str(tmp_path / 'Ceramic Owl')!r} and is passed over: move the"
            " folder itself here, or copy it with 'scanner import'"
            for name in ("Snowy Owl", "owl")
        ]


@pytest.mark.parametrize("which", ["data", "sessions"])
async def test_the_data_directory_and_that_of_the_sessions_may_be_links(place, tmp_path, which):
    real = tmp_path / "disk" / which
    real.mkdir(parents=True)
    link = place.data if which == "data" else place.sessions
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(real)
    async with running(place) as storage:
        handle = await storage.create_session(new_session())
        small_project(place.sessions)
        (place.sessions / "twice").symlink_to(place.sessions / handle.id)
        await storage.reconcile()
        assert {one.id for one in (await storage.list_sessions()).items} == {handle.id, OWL}
        assert len(storage.notices) == 1


async def test_a_session_of_this_product_under_a_foreign_name(place):
    session = await renamed(place, "Vase (copy)")
    before = tree_hash(place.sessions)
    async with running(place) as storage:
        shown = await the_one(storage)
        assert (shown.id, shown.format) == ("vase-copy", "current")
        assert shown == structs.replace(session, id=shown.id)
        (photo,) = await storage.photos(shown.id)
        assert (await storage.photo_file(shown.id, photo.name)).stat().st_size == photo.bytes
        assert len(await storage.shots(shown.id, "upright")) == 4
        assert (await storage.pass_document(shown.id, "upright")).spec.name == "upright"
        assert len(await storage.session_files(shown.id)) > 3
        assert await storage.exports(shown.id) == ()
        assert tree_hash(place.sessions) == before
        await storage.trash.delete(shown.id, origin="cli")
        await storage.trash.undelete(shown.id, origin="cli")
        assert tree_hash(place.sessions) == before
        async with working(storage, await storage.handle(shown.id)) as writer:
            for shot in writer.remaining():
                await save(writer, shot)
            await writer.finish("all shots taken")
        assert visible(place.sessions) == ["vase-copy"]
        assert (await the_one(storage)).state is PassState.COMPLETED
        assert await storage.legacy.migrate_all(dry_run=True) == ()


async def test_a_foreign_name_whose_own_is_taken_gets_another_or_is_refused(place):
    await renamed(place, "Vase")
    raspi(place.sessions, "vase", points=1)
    async with running(place) as storage:
        ids = sorted(session.id for session in (await storage.list_sessions()).items)
        assert ids[0] == "vase"
        assert ids[1].startswith("vase-")
        (place.sessions / ids[1]).mkdir()
        with pytest.raises(ConflictError, match="taken"):
            await storage.edit(ids[1], SessionChanges(notes="x"))


async def test_sessions_of_this_product_alone_cost_nothing(place, monkeypatch):
    """Neither readers of older formats nor a look into any folder."""
    async with running(place) as storage:
        for number in range(3):
            await storage.create_session(new_session(f"Vase {number}"))

    def never(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr("scanner.storage.formats.survey", never)
    monkeypatch.setattr("scanner.storage.keeping.gathering.Seen", never)
    async with running(place) as storage:
        assert await storage._catalogue.gathering.look() == Gathered()
        assert (await storage.list_sessions()).total == 3


def test_a_daemon_without_old_sessions_never_loads_their_readers():
    code = "import sys, scanner.app; sys.exit(any(name.startswith('scanner.storage.formats') for name in sys.modules))"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=TOP)


async def test_many_old_sessions_are_looked_at_in_turn(place, monkeypatch):
    monkeypatch.setattr("scanner.storage.keeping.gathering._AT_ONCE", 2)
    for name in "abcde":
        raspi(place.sessions, name, points=1, photos=1)
    async with running(place) as storage:
        gathering = storage._catalogue.gathering
        for _ in range(3):
            assert await gathering.look() == Gathered()
        write(place.sessions / "e/images/scan_point_000_camera_1.jpg", picture(9))
        found = [(await gathering.look()).read for _ in range(3)]
        assert found == [(), (), ("e",)]


async def test_the_watch_notices_what_comes_changes_and_goes(place):
    events: list[object] = []
    async with running(place, tell=events.append) as storage:
        await storage.watcher.look()
        small_project(place.sessions)
        for _ in range(2):
            await storage.watcher.look()
        assert (await the_one(storage)).photos == 1
        assert SessionChanged(session_id=OWL) in events
        events.clear()
        for _ in range(3):
            await storage.watcher.look()
        assert events == []
        write(place.sessions / "Ceramic Owl/scan01/scan01_000.jpg", picture(7))
        await storage.watcher.look()
        assert (await the_one(storage)).photos == 2
        assert events == [SessionChanged(session_id=OWL)]
        shutil.rmtree(place.sessions / "Ceramic Owl")
        await storage.watcher.look()
        assert (await storage.list_sessions()).items == ()
        assert events[-1] == SessionDeleted(session_id=OWL)
        await storage.reindex()


async def test_reindex_reads_the_old_folders_again(place, kind):
    session_id = KINDS[kind](place.sessions)
    async with running(place) as storage:
        before = await the_one(storage)
        read: list[str] = []
        gathering = storage._catalogue.gathering
        found = await gathering.look()
        assert found == Gathered()
        await storage.reindex(lambda done, total: read.append(f"{done} of {total}"))
        assert (await gathering.look(anew=True)).read == (session_id,)
        assert await the_one(storage) == before


async def test_a_stopped_daemon_reads_no_more_of_them(place):
    for name in "abc":
        raspi(place.sessions, name, points=1, photos=1)
    async with running(place) as storage:
        gathering = storage._catalogue.gathering
        storage._catalogue.stop()
        assert (await gathering.look(anew=True)).read == ()
        assert len((await storage.list_sessions()).items) == 3


async def test_a_session_under_a_foreign_name_goes_on_elsewhere(place):
    """Somebody who shares the disk works on it there."""
    await renamed(place, "Vase (copy)")
    async with running(place) as storage:
        shown = await the_one(storage)
        document = place.sessions / "Vase (copy)/metadata/session.json"
        document.write_bytes(document.read_bytes().replace(b"Blue vase", b"Red vase"))
        assert (await storage._catalogue.gathering.look()).read == (shown.id,)
        assert (await the_one(storage)).title == "Red vase"


async def test_a_folder_that_lost_what_made_it_a_session(place):
    session_id = small_project(place.sessions)
    async with running(place) as storage:
        for path in (place.sessions / "Ceramic Owl").iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        with pytest.raises(NotFoundError):
            await storage.legacy.migrate(session_id, origin="cli")
        await storage.legacy.look()
        assert (await storage.list_sessions()).items == ()
        with pytest.raises(SessionNotFoundError):
            await storage.legacy.migrate(session_id, origin="cli")


async def test_the_index_comes_back_as_it_was(place, kind):
    KINDS[kind](place.sessions)
    async with running(place) as storage:
        before = (await storage.list_sessions()).items, await storage.photos(KINDS_IDS[kind])
    for path in place.state.glob("index.db*"):
        path.unlink()
    async with running(place) as storage:
        assert ((await storage.list_sessions()).items, await storage.photos(KINDS_IDS[kind])) == before


async def test_times_without_a_zone_are_read_in_that_of_this_machine(place):
    small_project(place.sessions)
    async with running(place) as storage:
        assert (await the_one(storage)).created_at == "2026-02-14T15:20:05.120Z"
    async with place.storage() as storage:
        await storage.reconcile()
        assert (await the_one(storage)).created_at == "2026-02-14T16:20:05.120Z"


async def test_a_name_given_to_a_session_of_this_product_is_durable(place):
    await renamed(place, "Vase (copy)")
    files = RecordingFiles()
    async with running(place, files=files) as storage:
        files.done.clear()
        await storage.legacy.migrate(SessionId("vase-copy"), origin="cli")
        assert files.done[:2] == [("rename", "vase-copy"), ("fsync_dir", "sessions")]
