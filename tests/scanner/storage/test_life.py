"""Every operation on whole sessions, failing and cut off at every operation of the disk.

After a failure the same call, and after a cut the next start and the same call, lead to the same result; in between
everything is whole, and no announced photo is lost.
"""

from __future__ import annotations

import errno
import itertools
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from scanner.errors import CheckpointExistsError, NotFoundError, StorageError
from scanner.model import PassName, SessionId
from scanner.states import PassState
from scanner.storage import Files, SessionChanges, SessionHandle, StorageManager
from tests.scanner.storage.support import (
    PRESSED,
    FailingFiles,
    Place,
    PowerCutFiles,
    StepClock,
    new_pass,
    new_session,
    save,
    working,
)
from tests.support.sample import sample


@dataclass(frozen=True)
class Case:
    """An operation: what is there before, the call, the call made again after it was broken off, and the outcome."""

    prepare: Callable[[StorageManager], Awaitable[SessionId]]
    act: Callable[[StorageManager, SessionId], Awaitable[None]]
    check: Callable[[StorageManager, SessionId], Awaitable[None]]
    keeps_photos: bool = True
    sound: bool = True  # every photo is what was written


async def scanned(storage: StorageManager) -> SessionId:
    """Two passes, the first with a checkpoint between its two halves, the second with one photo since."""
    handle = await storage.create_session(new_session(passes=(new_pass(), new_pass("flipped", 2))))
    async with working(storage, handle) as writer:
        for shot in writer.remaining()[:2]:
            await save(writer, shot)
        await writer.pause(PRESSED)
    await storage.checkpoints.save(handle.id, "half", origin="cli")
    async with working(storage, handle) as writer:
        for shot in writer.remaining():
            await save(writer, shot)
        await writer.finish("all shots taken")
    await one_more(storage, handle)
    return handle.id


async def one_more(storage: StorageManager, handle: SessionHandle) -> None:
    async with working(storage, handle, "flipped") as writer:
        await save(writer, writer.remaining()[0])
        await writer.cancel("not now")


async def gone_back(storage: StorageManager) -> SessionId:
    session_id = await scanned(storage)
    await storage.checkpoints.restore(session_id, "half", origin="cli")
    return session_id


async def thrown_away(storage: StorageManager) -> SessionId:
    session_id = await scanned(storage)
    await storage.trash.delete(session_id, origin="cli")
    return session_id


async def harmed(storage: StorageManager) -> SessionId:
    session_id = await scanned(storage)
    images = storage._layout.session(session_id).pass_(PassName("upright")).images
    (images / "upright-00002-main.jpg").write_bytes(b"not what was written")
    return session_id


async def mark(storage: StorageManager, session_id: SessionId) -> None:
    with suppress(CheckpointExistsError):
        await storage.checkpoints.save(session_id, "new", origin="cli")


async def is_marked(storage: StorageManager, session_id: SessionId) -> None:
    infos = {info.name: info for info in await storage.checkpoints.list(session_id)}
    assert infos["new"].photos == 5
    assert infos["half"].photos == 2


async def go_back(storage: StorageManager, session_id: SessionId) -> None:
    await storage.checkpoints.restore(session_id, "half", origin="cli")


async def is_back(storage: StorageManager, session_id: SessionId) -> None:
    assert await states(storage, session_id) == {"upright": (PassState.PAUSED, 2), "flipped": (PassState.PLANNED, 0)}
    infos = {info.name: info for info in await storage.checkpoints.list(session_id)}
    assert infos["auto-1"].photos == 5


async def go_forward(storage: StorageManager, session_id: SessionId) -> None:
    await storage.checkpoints.restore(session_id, "auto-1", origin="cli")


async def is_forward(storage: StorageManager, session_id: SessionId) -> None:
    assert await states(storage, session_id) == {
        "upright": (PassState.COMPLETED, 4),
        "flipped": (PassState.CANCELLED, 1),
    }


async def throw_away(storage: StorageManager, session_id: SessionId) -> None:
    try:
        await storage.trash.delete(session_id, origin="cli")
    except NotFoundError:
        assert [entry.session_id for entry in await storage.trash.list()] == [session_id]


async def is_away(storage: StorageManager, session_id: SessionId) -> None:
    (entry,) = await storage.trash.list()
    assert (entry.session_id, entry.title, entry.photos) == (session_id, "Blue vase", 5)
    with pytest.raises(NotFoundError):
        await storage.get_session(session_id)


async def take_back(storage: StorageManager, session_id: SessionId) -> None:
    try:
        await storage.trash.undelete(session_id, origin="cli")
    except NotFoundError:
        await storage.get_session(session_id)


async def is_there(storage: StorageManager, session_id: SessionId) -> None:
    assert await storage.trash.list() == ()
    assert (await storage.get_session(session_id)).photos == 5


async def purge(storage: StorageManager, _session_id: SessionId) -> None:
    await storage.trash.purge(None)


async def is_gone(storage: StorageManager, session_id: SessionId) -> None:
    assert await storage.trash.list() == ()
    with pytest.raises(NotFoundError):
        await storage.get_session(session_id)


async def edit(storage: StorageManager, session_id: SessionId) -> None:
    await storage.edit(session_id, SessionChanges(title="Red vase", tags=("red",)))


async def is_edited(storage: StorageManager, session_id: SessionId) -> None:
    session = await storage.get_session(session_id)
    assert (session.title, session.tags, session.photos) == ("Red vase", ("red",), 5)


async def verify(storage: StorageManager, session_id: SessionId) -> None:
    await storage.verify(session_id)


async def is_verified(storage: StorageManager, session_id: SessionId) -> None:
    info = (await storage.get_session(session_id)).passes[0]
    assert (info.state, info.saved, info.damaged) == (PassState.PAUSED, 3, 1)
    assert info.pause is not None
    assert info.pause.reason == "damaged"


async def states(storage: StorageManager, session_id: SessionId) -> dict[str, tuple[PassState, int]]:
    found = {info.name: (info.state, info.saved) for info in (await storage.get_session(session_id)).passes}
    for photo in await storage.photos(session_id):
        await storage.photo_file(session_id, photo.name)
    return found


CASES = {
    "save": Case(scanned, mark, is_marked),
    "back": Case(scanned, go_back, is_back),
    "forward": Case(gone_back, go_forward, is_forward),
    "delete": Case(scanned, throw_away, is_away),
    "undelete": Case(thrown_away, take_back, is_there),
    "purge": Case(thrown_away, purge, is_gone, keeps_photos=False),
    "edit": Case(scanned, edit, is_edited),
    "verify": Case(harmed, verify, is_verified, sound=False),
}


async def seen(storage: StorageManager) -> dict[str, object]:
    """All that can be seen of sessions, but for when it was looked at."""
    page = await storage.list_sessions()
    photos = {session.id: await storage.photos(session.id) for session in page.items}
    marks = {session.id: await storage.checkpoints.list(session.id) for session in page.items}
    return {"sessions": page.items, "photos": photos, "checkpoints": marks, "trash": await storage.trash.list()}


def pictures(place: Place) -> set[bytes]:
    return {path.read_bytes() for path in place.data.rglob("*.jpg")}


async def prepared(root: Path, case: Case) -> tuple[Place, SessionId]:
    place = Place(root)
    async with place.storage() as storage:
        return place, await case.prepare(storage)


async def settle(place: Place, case: Case, session_id: SessionId, precious: set[bytes]) -> None:
    """Start on what is left, twice with the same result, then do it again."""
    first = None
    for _ in range(2):
        async with place.storage() as storage:
            await storage.reconcile()
            now = await seen(storage)
            assert first is None or now == first
            first = now
            assert len(now["sessions"]) + len(now["trash"]) == 1 or not case.keeps_photos  # type: ignore[arg-type] - tuples
            for session in now["sessions"]:  # type: ignore[attr-defined] - a tuple
                assert session.damage == ()
                assert not case.sound or await states(storage, session.id)
    async with place.storage() as storage:
        await storage.reconcile()
        await case.act(storage, session_id)
        await case.check(storage, session_id)
        rest = [path for path in place.data.rglob("*") if path.name.startswith((".new-", ".gone-"))]
        assert rest == []
        assert list(place.data.rglob("*.part")) == []
    if case.keeps_photos:
        assert precious <= pictures(place)


@pytest.mark.parametrize("name", CASES)
async def test_every_nth_operation_fails(tmp_path, name):
    case = CASES[name]
    origin, session_id = await prepared(tmp_path / "origin", case)
    precious, reported = pictures(origin), 0
    step = sample(7, 1)
    for number in (errno.ENOSPC, errno.EIO, errno.EROFS, errno.EMFILE):
        for fails_at in itertools.count(1 + number % step, step):
            root = tmp_path / f"{number}-{fails_at}"
            root.mkdir()
            place, files = origin.copy(root), FailingFiles()
            place.clock = StepClock(start=origin.clock.now())
            async with place.storage(files) as storage:
                files.arm(fails_at, number, for_good=number == errno.EROFS)
                try:
                    await case.act(storage, session_id)
                except StorageError as error:
                    reported += 1
                    assert str(tmp_path) not in error.message
                struck = bool(files.failed)
                files.arm(None)
                await case.act(storage, session_id)
                await case.check(storage, session_id)
            await settle(place, case, session_id, precious)
            if not struck:
                break
    assert reported > 0


class Cutter:
    """Keeps what a power cut would leave of ``place``, at worst and at best, with the index kept and with it lost."""

    def __init__(self, root: Path, place: Place) -> None:
        self.root = root
        self.place = place
        self.left: list[Place] = []
        self.count = 0
        self.every = sample(9, 1)

    def cut(self, files: PowerCutFiles) -> None:
        """Called behind every operation, in whatever thread is at work."""
        self.count += 1
        if self.count % self.every:
            return
        for kind in ("worst", "best"):
            moment = self.keep(files, kind)
            if self.count // self.every % 2:
                for path in moment.state.glob("index.db*"):
                    path.unlink()
            self.left.append(moment)

    def keep(self, files: PowerCutFiles, kind: str) -> Place:
        """What would be left now."""
        target = self.root / f"{self.count}-{kind}"
        target.mkdir()
        moment = self.place.copy(target)
        if kind != "best":
            moment.data.rename(target / "unsynced")
            files.materialise(self.place.data, moment.data)
        moment.clock = StepClock(start=self.place.clock.now())
        return moment


@pytest.mark.parametrize("name", CASES)
async def test_the_power_goes_after_every_operation(tmp_path, name, figures):
    case = CASES[name]
    place, session_id = await prepared(tmp_path / "machine", case)
    precious = pictures(place)
    cutter, files = Cutter(tmp_path, place), PowerCutFiles()
    files.seed(place.data)
    files.after = cutter.cut
    async with place.storage(files) as storage:
        await case.act(storage, session_id)
        announced = cutter.keep(files, "announced")
        await case.check(storage, session_id)
    async with announced.storage() as storage:
        await storage.reconcile()
        await case.check(storage, session_id)
    assert cutter.left
    for moment in cutter.left:
        try:
            await settle(moment, case, session_id, precious)
        except (AssertionError, NotFoundError, StorageError) as error:
            error.add_note(f"{name}: power cut in {moment.root}")
            raise
    figures(f"{name}: {cutter.count} operations, {len(cutter.left)} power cuts", full=True)


class Stuck(Files):
    """Photos cannot be moved."""

    def rename(self, source: Path, target: Path) -> None:
        if source.suffix == ".jpg":
            raise OSError(errno.EIO, "")
        super().rename(source, target)


@pytest.mark.parametrize("name", ["back", "forward"])
async def test_the_power_goes_while_a_cut_off_restore_is_finished(tmp_path, name):
    case = CASES[name]
    place, session_id = await prepared(tmp_path / "machine", case)
    precious = pictures(place)
    async with place.storage(Stuck()) as storage:
        with pytest.raises(StorageError, match="could not be restored"):
            await case.act(storage, session_id)
    cutter, files = Cutter(tmp_path, place), PowerCutFiles()
    cutter.every = sample(5, 1)
    files.seed(place.data)
    files.after = cutter.cut
    async with place.storage(files) as storage:
        assert "was cut off and is finished now" in " ".join(storage.notices)
        await states(storage, session_id)
    assert len(cutter.left) > 5
    for moment in cutter.left:
        await settle(moment, case, session_id, precious)


async def test_the_files_that_fail_are_those_of_the_operations(tmp_path):
    """The counting begins after the start: an operation without any would prove nothing."""
    for name, case in CASES.items():
        origin, session_id = await prepared(tmp_path / name, case)
        files = FailingFiles()
        async with origin.storage(files) as storage:
            files.arm(None)
            await case.act(storage, session_id)
            assert files.count >= 5, name


def test_files_are_replaced_by_name():
    assert all(hasattr(Files, name) for name in FailingFiles.OPERATIONS)
