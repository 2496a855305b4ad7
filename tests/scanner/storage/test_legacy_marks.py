"""Sessions of older formats keep, as a checkpoint, how they came: back to it, undone, migrated again."""

from __future__ import annotations

import shutil

import pytest

from scanner.errors import CheckpointExistsError
from scanner.model import PassName, SessionId
from scanner.records import CheckpointInfo, Session
from scanner.states import PassState
from scanner.storage import SessionHandle, StorageManager
from tests.scanner.storage.formats.support import BERLIN, dual, tree_hash
from tests.scanner.storage.oldsessions import KINDS, OWL, running, small_project, the_one
from tests.scanner.storage.support import LOCKED, Place, names, new_session, save


@pytest.fixture(params=sorted(KINDS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def finish(storage: StorageManager, handle: SessionHandle, name: PassName) -> None:
    """Take all photos that are still planned."""
    async with storage.open_pass(handle, name, job_id=None, origin="cli") as writer:
        await writer.start({shot.camera: LOCKED for shot in writer.plan.shots})
        for shot in writer.remaining():
            await save(writer, shot)
        await writer.finish("all shots taken")


async def photos(storage: StorageManager, session: Session) -> dict[str, bytes]:
    """The current photos as they can be read."""
    found = await storage.photos(session.id)
    return {photo.name: (await storage.photo_file(session.id, photo.name)).read_bytes() for photo in found}


def standing(session: Session) -> list[tuple[object, ...]]:
    """How far every pass is."""
    return [(info.name, info.state, info.saved, info.skipped, info.bytes) for info in session.passes]


async def the_mark(storage: StorageManager, session_id: SessionId) -> CheckpointInfo:
    (mark,) = await storage.checkpoints.list(session_id)
    assert (await storage.checkpoints.list_all()).items == (mark,)
    return mark


async def test_a_person_gets_a_migrated_session_back_to_how_it_came(place: Place, kind: str) -> None:
    session_id = KINDS[kind](place.sessions)
    async with running(place) as storage:
        old = await the_one(storage)
        came = await photos(storage, old)
        handle = await storage.legacy.migrate(session_id, origin="cli")
        mark = await the_mark(storage, session_id)
        assert (mark.name, mark.automatic, mark.origin, mark.photos) == ("auto-1", True, "legacy", old.photos)
        assert mark.passes == {info.name: info.state for info in old.passes}
        assert mark.notes == ()
        for info in old.passes:
            await finish(storage, handle, info.name)
        later = await the_one(storage)
        assert later.photos > old.photos
        assert {info.state for info in later.passes} == {PassState.COMPLETED}
        back = await storage.checkpoints.restore(session_id, "auto-1", origin="cli")
        assert (back.name, back.notes) == ("auto-2", ())
        assert standing(await the_one(storage)) == standing(old)
        assert await photos(storage, old) == came
        assert (await storage.verify(session_id)).damaged == ()
        await storage.checkpoints.restore(session_id, "auto-2", origin="cli")
        assert standing(await the_one(storage)) == standing(later)
    async with running(place) as storage:
        assert [info.name for info in await storage.checkpoints.list(session_id)] == ["auto-1", "auto-2", "auto-3"]


async def test_it_goes_with_its_session_and_the_next_migration_makes_another(place: Place, kind: str) -> None:
    session_id = KINDS[kind](place.sessions)
    before = tree_hash(place.sessions)
    async with running(place) as storage:
        await storage.legacy.migrate(session_id, origin="cli")
        first = await the_mark(storage, session_id)
        await storage.legacy.undo(session_id, origin="cli")
        assert await storage.checkpoints.list(session_id) == (await storage.checkpoints.list_all()).items == ()
        (undone,) = place.sessions.glob(".undone_*")
        assert names(undone / "metadata/checkpoints") == ["auto-1.json"]
        undone.rename(place.root / "undone")
        assert tree_hash(place.sessions) == before
        shutil.move(place.root / "undone", undone)
        await storage.legacy.migrate(session_id, origin="cli")
        second = await the_mark(storage, session_id)
        assert (second.name, second.passes) == (first.name, first.passes)
        assert second.created_at > first.created_at
        await storage.checkpoints.restore(session_id, "auto-1", origin="cli")


async def test_two_folders_that_a_person_says_are_one_have_it_too(place: Place) -> None:
    dual(place.sessions, linked=False)
    async with running(place) as storage:
        (question,) = await storage.legacy.questions()
        handle = await storage.legacy.merge(question.first, question.second, origin="cli")
        mark = await the_mark(storage, handle.id)
        merged = await the_one(storage)
        assert (mark.photos, mark.passes) == (6, {info.name: info.state for info in merged.passes})
        assert (await storage.checkpoints.restore(handle.id, mark.name, origin="cli")).notes == ()
        assert await the_one(storage) == merged


async def test_its_name_is_taken_from_then_on(place: Place) -> None:
    small_project(place.sessions)
    async with running(place) as storage:
        with pytest.raises(CheckpointExistsError):
            await storage.checkpoints.save(OWL, "auto-1", origin="cli")
        assert (await the_one(storage)).format == "current"


async def test_what_replaces_nothing_has_none(place: Place) -> None:
    stick = place.root / "stick"
    small_project(stick)
    async with running(place) as storage:
        await storage.create_session(new_session())
        await storage.legacy.import_from(stick, timezone=BERLIN, origin="cli")
        assert len((await storage.list_sessions()).items) == 2
        assert (await storage.checkpoints.list_all()).items == ()
