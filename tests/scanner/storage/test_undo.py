"""What was published by an operation that then fails is taken back: at once, or as soon as the disk lets it."""

from __future__ import annotations

import asyncio
import errno
import itertools
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from scanner.errors import (
    ConflictError,
    PassLockedError,
    PassNotFoundError,
    SessionBusyError,
    SessionNotFoundError,
    StorageError,
)
from scanner.model import PassName, Pause, SessionId
from scanner.states import PassState
from scanner.storage import Files, StorageManager
from scanner.storage.index.index import Index
from tests.scanner.storage.support import (
    JOB,
    KEY,
    RIG,
    UPRIGHT,
    FailingFiles,
    Place,
    StepClock,
    disk_is_full,
    names,
    new_pass,
    new_session,
    save,
    working,
)


class FailOn(Files):
    """Fails operations that ``refused`` names, and counts them."""

    def __init__(self) -> None:
        self.refused: Callable[[str, Path], bool] = lambda _operation, _path: False
        self.done: list[tuple[str, str]] = []

    def _step(self, operation: str, path: Path) -> None:
        if self.refused(operation, path):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        self.done.append((operation, path.name))

    def rename(self, source: Path, target: Path) -> None:
        self._step("rename", target)
        super().rename(source, target)

    def fsync_dir(self, directory: Path) -> None:
        self._step("fsync_dir", directory)
        super().fsync_dir(directory)

    def rmdir(self, path: Path) -> None:
        self._step("rmdir", path)
        super().rmdir(path)


def once(operation: str, name: str) -> Callable[[str, Path], bool]:
    """Refuses the first such operation."""
    left = [True]

    def refuse(done: str, path: Path) -> bool:
        return (done, path.name) == (operation, name) and left.pop() if left else False

    return refuse


def sick(files: FailOn) -> None:
    """From now on names cannot be made durable, nor directories moved away."""

    def refuse(operation: str, path: Path) -> bool:
        published = path.name in {"sessions", "passes"} and ".new-" not in str(path)
        return (operation == "fsync_dir" and published) or path.name.startswith(".gone-")

    files.refused = refuse


@pytest.fixture
def files() -> FailOn:
    return FailOn()


async def test_a_pass_is_not_added_while_somebody_deletes_the_session(place, tmp_path, monkeypatch):
    """Nor is anything of the session made anew where its directory was."""
    monkeypatch.setattr("scanner.storage.facets.workshop._TRIES", 1)
    async with place.storage() as storage, Place(tmp_path, StepClock(), own="other").storage() as other:
        handle = await storage.create_session(new_session())
        await other.reconcile()
        begin, said = storage._keeper.begin, list[str]()
        loop = asyncio.get_running_loop()

        def delete_meanwhile(*change: str) -> None:
            begin(*change)
            storage._keeper.begin = begin
            deleting = asyncio.run_coroutine_threadsafe(other.trash.delete(handle.id, origin="other"), loop)
            said.append(type(deleting.exception()).__name__)

        storage._keeper.begin = delete_meanwhile
        await storage.add_pass(handle.id, new_pass("another"), rig=RIG)
        assert said == ["SessionBusyError"]
        assert [info.name for info in (await storage.get_session(handle.id)).passes] == ["upright", "another"]

        def move_away_meanwhile(*change: str) -> None:
            begin(*change)
            storage._keeper.begin = begin
            (place.sessions / handle.id).rename(place.data / "aside")

        storage._keeper.begin = move_away_meanwhile
        with pytest.raises(SessionNotFoundError):
            await storage.add_pass(handle.id, new_pass("third"), rig=RIG)
        assert names(place.sessions) == []


async def test_a_session_that_could_not_be_made_durable_is_taken_back(place, files):
    async with place.storage(files) as storage:
        files.refused = once("fsync_dir", "sessions")
        with pytest.raises(StorageError, match="the session could not be created"):
            await storage.create_session(new_session(submission=KEY))
        assert names(place.sessions) == []
        assert ("fsync_dir", "sessions") in files.done  # its going is durable
        assert (await storage.list_sessions()).total == 0
        assert (await storage.create_session(new_session(submission=KEY))).created


async def test_a_session_that_cannot_be_indexed_is_taken_back(place, monkeypatch):
    async with place.storage() as storage:
        with monkeypatch.context() as patched:
            patched.setattr(Index, "put", disk_is_full)
            with pytest.raises(StorageError):
                await storage.create_session(new_session())
            assert names(place.sessions) == []
        handle = await storage.create_session(new_session())
        with monkeypatch.context() as patched:
            patched.setattr(Index, "put", disk_is_full)
            with pytest.raises(StorageError):
                await storage.add_pass(handle.id, new_pass("flipped"), rig=RIG)
        assert names(place.sessions / handle.id / "metadata/passes") == ["upright"]
        assert names(place.sessions / handle.id / "images") == ["upright"]


async def test_what_the_disk_refuses_to_take_back_is_taken_back_before_the_next_creation(place, files):
    async with place.storage(files) as storage:
        sick(files)
        with pytest.raises(StorageError):
            await storage.create_session(new_session(submission=KEY))
        assert len(names(place.sessions)) == 1
        files.refused = lambda *_: False
        handle = await storage.create_session(new_session(submission=KEY))
        assert handle.created
        assert names(place.sessions) == [handle.id]
        assert (await storage.list_sessions()).total == 1


async def test_what_the_disk_refuses_to_take_back_is_taken_back_by_reconciliation(place, files):
    async with place.storage(files) as storage:
        handle = await storage.create_session(new_session())
        sick(files)
        with pytest.raises(StorageError):
            await storage.create_session(new_session("Unwanted"))
        with pytest.raises(StorageError):
            await storage.add_pass(handle.id, new_pass("flipped"), rig=RIG)
        await storage.reconcile()
        files.refused = lambda *_: False
        await storage.reconcile()
        assert names(place.sessions) == [handle.id]
        assert names(place.sessions / handle.id / "metadata/passes") == ["upright"]
        assert (await storage.get_session(handle.id)).passes[0].name == "upright"


async def test_a_pass_that_could_not_be_made_durable_is_taken_back_durably(place, files):
    async with place.storage(files) as storage:
        handle = await storage.create_session(new_session())
        files.refused = once("fsync_dir", "passes")
        with pytest.raises(StorageError, match="pass flipped could not be created"):
            await storage.add_pass(handle.id, new_pass("flipped"), rig=RIG)
        assert ("fsync_dir", "passes") in files.done[-4:]
        assert len((await storage.get_session(handle.id)).passes) == 1
        with pytest.raises(PassNotFoundError):
            async with storage.open_pass(handle, PassName("flipped"), job_id=JOB, origin="cli"):
                pass
        await storage.add_pass(handle.id, new_pass("flipped"), rig=RIG)


async def test_a_note_that_cannot_be_taken_off_does_no_harm(place, monkeypatch):
    async with place.storage() as storage:
        with monkeypatch.context() as patched:
            patched.setattr(Index, "done", disk_is_full)
            handle = await storage.create_session(new_session())
    async with place.storage() as storage:
        assert (await storage.get_session(handle.id)).title == "Blue vase"
        assert storage.notices == ()


async def test_a_pass_that_cannot_be_marked_as_interrupted_is_at_the_next_start(tmp_path):
    place, files = Place(tmp_path), FailingFiles()
    async with place.storage(files) as storage:
        handle = await storage.create_session(new_session())
        async with working(storage, handle) as writer:
            await save(writer, writer.plan.shots[0])
            files.arm(1, errno.EIO, for_good=True)
        files.arm(None)
        info = (await storage.get_session(handle.id)).passes[0]
        assert (info.state, info.pause.reason, info.lock) == (PassState.PAUSED, "interrupted", None)
    async with place.storage() as storage:
        assert "it was interrupted" in storage.notices[0]
        assert (await storage.get_session(handle.id)).passes[0].pause == info.pause


async def test_a_pass_that_is_open_when_storage_closes_is_recovered_at_the_next_start(place):
    async with place.storage() as storage:
        handle = await storage.create_session(new_session())
        forgotten = storage.open_pass(handle, UPRIGHT, job_id=JOB, origin="cli")
        writer = await forgotten.__aenter__()
        await writer.start({})
        await storage.close()
        await forgotten.__aexit__(None, None, None)
    async with place.storage() as storage:
        assert "it was interrupted" in storage.notices[0]
        async with working(storage, handle) as writer:
            assert len(writer.remaining()) == 4


async def test_closing_waits_for_what_was_begun_and_may_be_repeated(place):
    async with place.storage() as storage:
        creating = asyncio.create_task(storage.create_session(new_session()))
        await asyncio.sleep(0)
        creating.cancel()
        await storage.close()
        await storage.close()
        with pytest.raises(asyncio.CancelledError):
            await creating
    async with place.storage() as storage:
        assert (await storage.list_sessions()).total == 1


async def test_a_session_that_vanishes_while_it_is_worked_on(place, monkeypatch):
    async with place.storage() as storage:
        handle = await storage.create_session(new_session())
        async with working(storage, handle) as writer:
            with monkeypatch.context() as patched:
                patched.setattr(Index, "photo_saved", disk_is_full)
                await save(writer, writer.plan.shots[0])
            (place.sessions / handle.id).rename(place.root / "elsewhere")
            with pytest.raises(StorageError):
                await save(writer, writer.plan.shots[1])
            await writer.pause(pause_of_fault())
        with pytest.raises(SessionNotFoundError):
            await storage.get_session(handle.id)


def pause_of_fault():
    return Pause(by="fault", reason="storage_fault", message="")


async def test_a_session_that_vanishes_between_two_looks_is_not_found(storage, monkeypatch):
    async def there(_: SessionId) -> None:
        return None

    monkeypatch.setattr(storage, "handle", there)
    with pytest.raises(SessionNotFoundError):
        await storage.get_session(SessionId("20200101-000000-nothing"))


async def test_the_rig_of_a_pass_comes_with_its_writer(storage, handle):
    async with working(storage, handle) as writer:
        assert writer.rig == RIG
        with pytest.raises(ConflictError):
            await writer.start({})


async def test_a_pass_is_discarded_only_while_it_has_no_photo_and_nobody_works_on_it(storage, handle):
    await storage.add_pass(handle.id, new_pass("flipped"), rig=RIG, submission=KEY)
    with pytest.raises(PassNotFoundError):
        await storage.discard_pass(handle, PassName("other"))
    async with working(storage, handle) as writer:
        with pytest.raises(SessionBusyError):
            await storage.discard_pass(handle, UPRIGHT)
        await save(writer, writer.plan.shots[0])
    with pytest.raises(ConflictError, match="has photos"):
        await storage.discard_pass(handle, UPRIGHT)
    await storage.discard_pass(handle, PassName("flipped"))
    assert [info.name for info in (await storage.get_session(handle.id)).passes] == ["upright"]
    assert await storage.find_submission(KEY.key) is None
    await storage.add_pass(handle.id, new_pass("flipped"), rig=RIG, submission=KEY)


async def test_a_pass_of_no_session_is_not_discarded(storage, handle):
    await storage.discard_session(handle)
    with pytest.raises(SessionNotFoundError):
        await storage.discard_pass(handle, UPRIGHT)


async def test_a_pass_that_the_disk_refuses_to_discard_is_whole_or_gone(place):
    """Whichever operation fails: the pass can be worked on, or made again; index and directory agree."""
    files, flipped = FailingFiles(), PassName("flipped")
    async with place.storage(files) as storage:
        handle = await storage.create_session(new_session())
        for fails_at in itertools.count(1):
            await storage.add_pass(handle.id, new_pass("flipped"), rig=RIG)
            files.arm(fails_at)
            with suppress(StorageError):
                await storage.discard_pass(handle, flipped)
            struck = bool(files.failed)
            files.arm(None)
            if flipped in [info.name for info in (await storage.get_session(handle.id)).passes]:
                async with working(storage, handle, "flipped"):
                    pass
                await storage.discard_pass(handle, flipped)
            assert [info.name for info in (await storage.get_session(handle.id)).passes] == [UPRIGHT]
            if not struck:
                break
        assert fails_at > 2


async def test_what_somebody_works_on_elsewhere_is_not_discarded(place, tmp_path, storage, handle):
    await storage.add_pass(handle.id, new_pass("flipped"), rig=RIG)
    other = await StorageManager.open(data_dir=place.data, state_dir=tmp_path / "other", clock=StepClock())
    try:
        async with working(other, handle):
            for discarding in (storage.discard_pass(handle, UPRIGHT), storage.discard_session(handle)):
                with pytest.raises(PassLockedError, match="cli works on this pass on"):
                    await discarding
            await storage.discard_pass(handle, PassName("flipped"))
        await save_one(other, handle)
    finally:
        await other.close()
    with pytest.raises(ConflictError, match="has photos"):
        await storage.discard_session(handle)
    with pytest.raises(ConflictError, match="has photos"):
        await storage.discard_pass(handle, UPRIGHT)


async def save_one(storage: StorageManager, handle) -> None:
    async with working(storage, handle) as writer:
        await save(writer, writer.remaining()[0])
