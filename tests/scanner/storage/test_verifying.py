"""Verifying reads every photo; what is missing or damaged is planned again, and no photo file is touched."""

from __future__ import annotations

import asyncio
import errno
import os
import subprocess
import threading
from pathlib import Path

import pytest

from scanner.errors import SessionNotFoundError, StorageError
from scanner.events import Event, SessionChanged
from scanner.model import PassName, SessionId
from scanner.records import Verification
from scanner.states import PassState
from scanner.storage import Files, SessionHandle, StorageManager
from scanner.storage.directory.views import read_journal
from scanner.storage.disk.layout import SessionPaths
from scanner.storage.facets import papers
from scanner.storage.facets.verifying import check_session
from tests.scanner.storage.support import PRESSED, Place, StepClock, new_pass, new_session, save, working

FIRST, SECOND, THIRD = (f"upright-{number:05}-main.jpg" for number in (1, 2, 3))


async def scanned(storage: StorageManager, *, end: bool = True) -> SessionHandle:
    handle = await storage.create_session(new_session(passes=(new_pass(), new_pass("flipped", 2))))
    for name in ("upright", "flipped"):
        async with working(storage, handle, name) as writer:
            for shot in writer.remaining():
                await save(writer, shot)
            if end:
                await writer.finish("all shots taken")
            else:
                await writer.pause(PRESSED)
    return handle


def harm(images: Path) -> None:
    """One photo is missing, one is not what was written, one has another size."""
    (images / FIRST).unlink()
    data = (images / SECOND).read_bytes()
    (images / SECOND).write_bytes(data[:-1] + b"!")
    (images / THIRD).write_bytes(data + b"more")


def check_manifest(root: Path) -> None:
    """As a person without this product checks it."""
    subprocess.run(["sha256sum", "-c", "--quiet", "metadata/passes/upright/manifest.sha256"], cwd=root, check=True)


def content(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in root.rglob("*.jpg")}


async def test_a_whole_session(place, storage):
    handle = await scanned(storage)
    said: list[tuple[int, int]] = []
    found = await storage.verify(handle.id, lambda done, total: said.append((done, total)))
    assert found == Verification(session_id=handle.id, checked=6, missing=(), damaged=(), unlisted=())
    assert said == [(number, 6) for number in range(1, 7)]
    assert {info.state for info in (await storage.get_session(handle.id)).passes} == {PassState.COMPLETED}
    assert check_session(SessionPaths(place.sessions / handle.id)) == found


async def test_damage_reopens_the_pass_and_is_taken_again(place, storage):
    handle = await scanned(storage)
    root = place.sessions / handle.id
    images = root / "images/upright"
    harm(images)
    before = content(root)
    found = await storage.verify(handle.id)
    assert (found.checked, found.missing, found.damaged, found.unlisted) == (6, (FIRST,), (SECOND, THIRD), ())
    assert content(root) == before
    upright, flipped = (await storage.get_session(handle.id)).passes
    assert (upright.state, upright.saved, upright.damaged) == (PassState.PAUSED, 1, 3)
    assert upright.pause is not None
    assert (upright.pause.by, upright.pause.reason) == ("fault", "damaged")
    assert flipped.state is PassState.COMPLETED
    assert [info.name for _, info in await storage.unfinished()] == ["upright"]

    again = await storage.verify(handle.id)
    assert again == found  # until they are taken again
    async with working(storage, handle) as writer:
        assert [shot.index for shot in writer.remaining()] == [1, 2, 3]
        taken = [await save(writer, shot) for shot in writer.remaining()]
        await writer.finish("all shots taken")
    assert [photo.name for photo in taken] == [name.replace(".jpg", "_r1.jpg") for name in (FIRST, SECOND, THIRD)]
    check_manifest(root)
    assert (await storage.get_session(handle.id)).passes[0].damaged == 0
    assert (await storage.verify(handle.id)).checked == 6


async def test_a_paused_pass_stays_paused_as_it_was(place, storage):
    handle = await scanned(storage, end=False)
    harm(place.sessions / handle.id / "images/upright")
    await storage.verify(handle.id)
    info = (await storage.get_session(handle.id)).passes[0]
    assert (info.state, info.saved, info.damaged, info.pause) == (PassState.PAUSED, 1, 3, PRESSED)


async def test_what_nobody_knows_is_listed_and_left(place, storage):
    handle = await scanned(storage)
    images = place.sessions / handle.id / "images"
    (images / "upright/holiday.jpg").write_bytes(b"mine")
    (images / "notes.txt").write_bytes(b"mine")
    (images / "other").mkdir()
    (images / "other/x.png").write_bytes(b"mine")
    (images / "upright/.superseded").mkdir()
    (images / "upright/.superseded/old.jpg").write_bytes(b"mine")
    (images / "upright/x.jpg.part").write_bytes(b"mine")
    found = await storage.verify(handle.id)
    assert found.unlisted == ("notes.txt", "other/x.png", "upright/holiday.jpg")
    assert (found.missing, found.damaged) == ((), ())


async def test_names_that_are_no_text_can_be_told(place, storage):
    handle = await scanned(storage)
    (place.sessions / handle.id / "images" / os.fsdecode(b"x\xe9.jpg")).write_bytes(b"from a card")
    assert (await storage.verify(handle.id)).unlisted == ("x\ufffd.jpg",)
    files = await storage.session_files(handle.id)
    (stranger,) = [file for file in files if "\ufffd" in file.name]
    assert stranger.path.read_bytes() == b"from a card"


async def test_a_link_is_no_photo(place, storage, tmp_path):
    handle = await scanned(storage)
    path = place.sessions / handle.id / "images/upright" / FIRST
    path.rename(tmp_path / "elsewhere.jpg")
    path.symlink_to(tmp_path / "elsewhere.jpg")
    assert (await storage.verify(handle.id)).missing == (FIRST,)


async def test_documents_that_cannot_be_read_are_named(place, storage):
    handle = await scanned(storage)
    await storage.checkpoints.save(handle.id, "one", origin="cli")
    metadata = place.sessions / handle.id / "metadata"
    (metadata / "session.json").write_bytes(b"noise")
    (metadata / "checkpoints/one.json").write_bytes(b"noise")
    (metadata / "passes/flipped/pass.json").unlink()
    journal = metadata / "passes/upright/journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:2], b"noise\n", *lines[3:]]))
    found = await storage.verify(handle.id)
    assert set(found.damaged) == {
        "metadata/session.json", "metadata/checkpoints/one.json", "metadata/passes/flipped/pass.json",
        "metadata/passes/upright/journal.jsonl",
    }  # fmt: skip
    assert found.checked == 3


MANIFEST = "metadata/passes/upright/manifest.sha256"
DOCUMENTS = (
    "metadata/session.json", "metadata/legacy.json", "metadata/checkpoints/one.json",
    "metadata/passes/upright/pass.json", "metadata/passes/upright/journal.jsonl",
    "metadata/passes/upright/summary.json", MANIFEST,
)  # fmt: skip


async def with_documents(place: Place, storage: StorageManager) -> SessionHandle:
    """A whole session with documents of every sort."""
    handle = await scanned(storage)
    await storage.checkpoints.save(handle.id, "one", origin="cli")
    (place.sessions / handle.id / "metadata/legacy.json").write_text('{"format": "scanner-legacy"}')
    assert (await storage.verify(handle.id)) == Verification(
        session_id=handle.id, checked=6, missing=(), damaged=(), unlisted=()
    )
    return handle


async def verified(storage: StorageManager, root: Path) -> Verification:
    """What is found is found without a daemon, too."""
    found = await storage.verify(SessionId(root.name))
    assert check_session(SessionPaths(root)) == found
    return found


@pytest.mark.parametrize("name", DOCUMENTS)
async def test_noise_in_place_of_a_document_is_named(place, storage, name):
    handle = await with_documents(place, storage)
    (place.sessions / handle.id / name).write_bytes(b"\xff noise\n" * 2)
    found = await verified(storage, place.sessions / handle.id)
    assert (found.damaged, found.unmarked) == ((name,), ())


@pytest.mark.parametrize("name", ["metadata/legacy.json", "metadata/passes/upright/summary.json"])
async def test_what_not_every_session_has_is_not_missed(place, storage, name):
    handle = await with_documents(place, storage)
    (place.sessions / handle.id / name).unlink()
    assert (await verified(storage, place.sessions / handle.id)).damaged == ()


async def test_a_manifest_is_missed_of_a_completed_pass_only(place, storage):
    handle = await with_documents(place, storage)
    root = place.sessions / handle.id
    (root / MANIFEST).unlink()
    assert (await verified(storage, root)).damaged == (MANIFEST,)
    (root / "images/upright" / FIRST).unlink()  # its pass is open again
    await storage.verify(handle.id)
    assert (await verified(storage, root)).damaged == ()


async def test_the_manifest_of_a_pass_that_ends_while_it_is_looked_for_is_not_missed(place, storage, monkeypatch):
    """It is written first: what reads completed after no manifest was there looks for it once more."""
    root = place.sessions / (await with_documents(place, storage)).id
    data = (root / MANIFEST).read_bytes()
    (root / MANIFEST).unlink()

    def ends(paths):
        (paths.metadata / "manifest.sha256").write_bytes(data)
        return read_journal(paths)

    reads = iter([read_journal, ends])  # is it whole; has the pass ended

    def reading(paths):
        return next(reads)(paths)

    monkeypatch.setattr(papers, "read_journal", reading)
    monkeypatch.setattr(papers, "pass_names", lambda _: [PassName("upright")])
    assert papers.check_papers(SessionPaths(root)) == ((), ())
    assert next(reads, None) is None


@pytest.mark.parametrize(
    "manifest",
    [
        b"{hash}  images/upright/a.jpg",
        b"{hash}  images/upright/a.jpg\n\n",
        b"{hash} images/upright/a.jpg\n",
        b"{hash}  images/../../a.jpg/b\n",
        b"0{hash}  images/upright/a.jpg\n",
    ],
)
async def test_a_manifest_that_says_nothing_is_named(place, storage, manifest):
    handle = await with_documents(place, storage)
    (place.sessions / handle.id / MANIFEST).write_bytes(manifest.replace(b"{hash}", b"a" * 64))
    assert (await verified(storage, place.sessions / handle.id)).damaged == (MANIFEST,)


@pytest.fixture
def failing_to_open(monkeypatch):
    """Every try to open what ends like this, or to list it, fails."""
    opening, listing = os.open, os.listdir

    def arm(name: str, number: int) -> None:
        def check(path: object) -> None:
            if str(path).endswith(name):
                raise OSError(number, os.strerror(number))

        def opened(path, *more, **options):
            check(path)
            return opening(path, *more, **options)

        def listed(path):
            check(path)
            return listing(path)

        monkeypatch.setattr(os, "open", opened)
        monkeypatch.setattr(os, "listdir", listed)

    return arm


@pytest.mark.parametrize("name", [*DOCUMENTS, "metadata/checkpoints", "metadata/passes"])
async def test_a_document_that_this_program_may_not_read_is_said(place, storage, failing_to_open, name):
    handle = await with_documents(place, storage)
    failing_to_open(name, errno.EACCES)
    found = await verified(storage, place.sessions / handle.id)
    assert (found.damaged, found.unmarked) == ((), (f"{name} may not be read by this program",))


@pytest.mark.parametrize("name", [*DOCUMENTS, "metadata/checkpoints", "metadata/passes"])
async def test_a_document_that_the_disk_does_not_give_back_is_damaged(place, storage, failing_to_open, name):
    handle = await with_documents(place, storage)
    failing_to_open(name, errno.EIO)
    found = await verified(storage, place.sessions / handle.id)
    assert (found.damaged, found.unmarked) == ((name,), ())


async def test_of_several_journals_the_one_that_cannot_be_read_is_named(place, storage, failing_to_open):
    handle = await with_documents(place, storage)
    later = "metadata/passes/upright/journal-2.jsonl"
    (place.sessions / handle.id / later).write_bytes(b"")
    failing_to_open(later, errno.EPERM)
    found = await verified(storage, place.sessions / handle.id)
    assert (found.damaged, found.unmarked) == ((), (f"{later} may not be read by this program",))


async def test_what_is_this_programs_own_fault_damages_no_document(place, storage, failing_to_open):
    handle = await with_documents(place, storage)
    failing_to_open(MANIFEST, errno.EMFILE)
    with pytest.raises(StorageError, match=f"session {handle.id} could not be read") as caught:
        await storage.verify(handle.id)
    assert caught.value.detail["reason"] == "too_many_files"


async def test_what_is_at_work_is_read_and_its_damage_is_not_marked(place, storage):
    handle = await scanned(storage, end=False)
    images = place.sessions / handle.id / "images"
    (images / "flipped/flipped-00001-main.jpg").unlink()
    async with working(storage, handle):
        harm(images / "upright")
        (images / "upright/upright-00004-main_r1.jpg").write_bytes(b"being written")
        found = await storage.verify(handle.id, origin="web")
        assert set(found.missing) == {FIRST, "flipped-00001-main.jpg"}
        assert found.damaged == (SECOND, THIRD)
        (unmarked,) = found.unmarked
        assert unmarked.startswith("3 photos of pass upright are damaged and are not marked: cli works on this pass")
        upright, flipped = (await storage.get_session(handle.id)).passes
        assert (upright.saved, upright.damaged, flipped.saved, flipped.damaged) == (4, 0, 1, 1)
        assert check_session(SessionPaths(place.sessions / handle.id)).unlisted == ()
    assert check_session(SessionPaths(place.sessions / handle.id)).unlisted == ("upright/upright-00004-main_r1.jpg",)


async def test_what_was_taken_again_meanwhile_is_not_marked(place, storage, monkeypatch):
    """The photo that was found damaged is no longer current when it comes to marking."""
    handle = await scanned(storage)
    await storage.checkpoints.save(handle.id, "done", origin="cli")
    images = place.sessions / handle.id / "images/upright"
    harm(images)
    whole = storage._verifier._shop.whole

    async def late(work):
        monkeypatch.undo()
        await storage.verify(handle.id)
        async with working(storage, handle) as writer:
            for shot in writer.remaining():
                await save(writer, shot)
            await writer.finish("all shots taken")
        return await whole(work)

    monkeypatch.setattr(type(storage._verifier._shop), "whole", lambda _self, work: late(work))
    found = await storage.verify(handle.id)
    assert (found.missing, found.damaged) == ((), ())
    assert (await storage.get_session(handle.id)).passes[0].state is PassState.COMPLETED


async def test_photos_that_a_restoring_elsewhere_is_moving_are_not_lost(place, tmp_path):
    """They were looked at while another scanner brought them back; what counts is what is there once it has ended."""
    moving, seen = threading.Event(), threading.Event()

    class Slow(Files):
        def rename(self, source: Path, target: Path) -> None:
            if ".superseded" in source.parts:
                moving.set()
                assert seen.wait(10)
            super().rename(source, target)

    async with place.storage(files=Slow()) as storage, Place(tmp_path, StepClock(), own="other").storage() as other:
        handle = await storage.create_session(new_session())
        await storage.checkpoints.save(handle.id, "empty", origin="cli")
        async with working(storage, handle) as writer:
            for shot in writer.remaining():
                await save(writer, shot)
            await writer.finish("all shots taken")
        full = await storage.checkpoints.restore(handle.id, "empty", origin="cli")
        await other.reconcile()
        restoring = asyncio.create_task(storage.checkpoints.restore(handle.id, full.name, origin="cli"))
        await asyncio.to_thread(moving.wait, 10)
        look = other._verifier._conclude

        async def after_the_restoring(*found):
            seen.set()
            await restoring
            return await look(*found)

        other._verifier._conclude = after_the_restoring
        found = await other.verify(handle.id)
        assert (found.checked > 0, found.missing, found.damaged) == (True, (), ())
        (info,) = (await other.get_session(handle.id)).passes
        assert (info.state, info.damaged) == (PassState.COMPLETED, 0)


async def test_damage_is_told_where_it_cannot_be_marked(place, storage):
    handle = await scanned(storage)
    images = place.sessions / handle.id / "images/upright"
    (place.sessions / handle.id / "metadata/passes/upright/pass.json").write_bytes(b"noise")
    (images / FIRST).unlink()
    found = await storage.verify(handle.id)
    assert (found.missing, found.damaged) == ((FIRST,), ("metadata/passes/upright/pass.json",))
    (unmarked,) = found.unmarked
    assert unmarked.startswith("1 photos of pass upright are damaged and are not marked: ")


async def test_it_can_be_cancelled_between_two_photos(place, storage):
    handle = await scanned(storage)
    harm(place.sessions / handle.id / "images/upright")
    seen: list[int] = []

    def report(done: int, _total: int) -> None:
        seen.append(done)
        if done == 2:
            verifying.cancel()

    verifying = asyncio.create_task(storage.verify(handle.id, report))
    with pytest.raises(asyncio.CancelledError):
        await verifying
    assert seen == [1, 2]
    assert (await storage.get_session(handle.id)).passes[0].state is PassState.COMPLETED


async def test_photos_are_read_in_pieces(storage, handle, monkeypatch):
    async with working(storage, handle) as writer:
        await save(writer, writer.remaining()[0], b"x" * 3_000_000)
    monkeypatch.setattr(Path, "read_bytes", refuse_large(Path.read_bytes))
    assert (await storage.verify(handle.id)).checked == 1


def refuse_large(read):
    def reading(path: Path) -> bytes:
        assert path.suffix != ".jpg"
        return read(path)

    return reading


async def test_a_disk_that_no_longer_gives_it_back_has_damaged_it(storage, monkeypatch):
    handle = await scanned(storage)

    def failing(number: int):
        def check(path: Path) -> str:
            if path.name == FIRST:
                raise OSError(number, "")
            return original(path)

        return check

    from scanner.storage.directory import recovery  # noqa: PLC0415 - what is replaced below

    original = recovery.hash_file
    monkeypatch.setattr("scanner.storage.facets.verifying.hash_file", failing(errno.EMFILE))
    with pytest.raises(StorageError, match=f"photo {FIRST} could not be read"):
        await storage.verify(handle.id)
    assert (await storage.get_session(handle.id)).passes[0].state is PassState.COMPLETED
    monkeypatch.setattr("scanner.storage.facets.verifying.hash_file", failing(errno.EACCES))
    found = await storage.verify(handle.id)
    assert (found.checked, found.damaged, found.unmarked) == (
        5, (), (f"photo {FIRST} may not be read by this program",),
    )  # fmt: skip
    assert (await storage.get_session(handle.id)).passes[0].state is PassState.COMPLETED
    monkeypatch.setattr("scanner.storage.facets.verifying.hash_file", failing(errno.EIO))
    assert (await storage.verify(handle.id)).damaged == (FIRST,)
    assert (await storage.get_session(handle.id)).passes[0].damaged == 1


async def test_events_and_audit(place):
    heard: list[Event] = []
    async with place.storage(tell=heard.append) as storage:
        handle = await scanned(storage)
        heard.clear()
        await storage.verify(handle.id, origin="cli")
        assert heard == []
        harm(place.sessions / handle.id / "images/upright")
        await storage.verify(handle.id, origin="web:anna")
        assert heard == [SessionChanged(session_id=handle.id)]
        second, first = (await storage.audit.list()).items
        assert (first.who, first.what, first.detail) == (
            "cli", "verify", "6 photos checked, 0 missing, 0 damaged, 0 unlisted",
        )  # fmt: skip
        assert second.detail == "6 photos checked, 1 missing, 2 damaged, 0 unlisted"


async def test_of_a_session_that_does_not_exist(storage, tmp_path):
    with pytest.raises(SessionNotFoundError):
        await storage.verify(SessionId("20200101-000000-nothing"))
    with pytest.raises(SessionNotFoundError):
        check_session(SessionPaths(tmp_path / "nothing"))


async def test_another_daemon_sees_what_was_marked(place, tmp_path, storage):
    handle = await scanned(storage)
    harm(place.sessions / handle.id / "images/upright")
    await storage.verify(handle.id)
    other = await StorageManager.open(data_dir=place.data, state_dir=tmp_path / "other", clock=StepClock())
    try:
        await other.reconcile()
        async with working(other, handle, PassName("upright")) as writer:
            assert [shot.index for shot in writer.remaining()] == [1, 2, 3]
    finally:
        await other.close()
