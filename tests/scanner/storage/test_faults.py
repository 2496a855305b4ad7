"""Every operation fails in turn, once or from then on.

A typed error, nothing announced is lost, nothing half-written stays, and after the cure the same objects go on.
"""

from __future__ import annotations

import errno
import hashlib
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from scanner.errors import DiskFullError, StorageError
from scanner.model import Photo
from scanner.states import PassState
from scanner.storage import PassWriter, SessionHandle, StorageManager, Submission
from scanner.storage.journal.text import parse
from tests.scanner.storage.support import (
    JOB,
    KEY,
    LOCKED,
    MAIN,
    PRESSED,
    RIG,
    UPRIGHT,
    FailingFiles,
    Place,
    names,
    new_pass,
    new_session,
    save,
)
from tests.support.sample import sample

REASONS = {
    errno.ENOSPC: "disk_full",
    errno.EDQUOT: "disk_full",
    errno.EIO: "io_error",
    errno.EROFS: "read_only",
    errno.EMFILE: "too_many_files",
}


@dataclass
class Scenario:
    """A scan from creation to export; each step can be tried again after it failed."""

    place: Place
    files: FailingFiles
    storage: StorageManager
    stack: AsyncExitStack
    handle: SessionHandle | None = None
    writer: PassWriter | None = None
    announced: dict[int, Photo] = field(default_factory=dict)
    errors: list[StorageError] = field(default_factory=list)
    operations: int = 0

    @property
    def root(self) -> Path:
        return self.place.sessions / self.session.id

    @property
    def session(self) -> SessionHandle:
        assert self.handle is not None
        return self.handle

    @property
    def pass_(self) -> PassWriter:
        assert self.writer is not None
        return self.writer

    async def create(self) -> None:
        self.handle = await self.storage.create_session(new_session(submission=KEY))

    async def open(self) -> None:
        opening = self.storage.open_pass(self.session, UPRIGHT, job_id=JOB, origin="cli")
        self.writer = await self.stack.enter_async_context(opening)

    async def start(self) -> None:
        if self.pass_.progress.state is not PassState.RUNNING:
            await self.pass_.start({MAIN: LOCKED})

    async def save(self) -> None:
        for shot in self.pass_.remaining()[:2]:
            photo = await save(self.pass_, shot)
            assert photo.shot not in self.announced
            self.announced[photo.shot] = photo

    async def save_rest(self) -> None:
        await self.save()
        await self.save()

    async def pause(self) -> None:
        await self.pass_.pause(PRESSED)

    async def finish(self) -> None:
        await self.pass_.finish("all shots taken")

    async def close(self) -> None:
        await self.stack.aclose()

    async def add(self) -> None:
        await self.storage.add_pass(self.session.id, new_pass("flipped"), rig=RIG, submission=Submission("k2", "e"))

    async def export(self) -> None:
        await self.storage.publish_export(self.session.id, "colmap", lambda target: (target / "a.txt").touch())

    async def export_again(self) -> None:
        await self.storage.publish_export(self.session.id, "colmap", lambda target: (target / "b.txt").touch())

    def steps(self):
        return (
            self.create, self.open, self.start, self.save, self.pause, self.start, self.save_rest, self.finish,
            self.close, self.add, self.export, self.export_again,
        )  # fmt: skip

    async def run(self) -> None:
        for step in self.steps():
            try:
                await step()
            except StorageError as error:
                self.errors.append(error)
                self.check_clean()
                self.files.arm(None)
                await step()
        self.operations = self.files.count
        self.files.arm(None)

    def check_clean(self) -> None:
        """After an error nothing half-written lies about (where removing it was possible)."""
        if self.files.for_good:
            return
        assert list(self.place.data.rglob("*.part")) == []
        if self.handle is not None:
            announced = {photo.name for photo in self.announced.values()}
            assert set(names(self.root / "images/upright")) == announced


async def run_with_fault(root: Path, fails_at: int | None, number: int, *, for_good: bool = False) -> Scenario:
    place, files = Place(root), FailingFiles()
    async with place.storage(files) as storage, AsyncExitStack() as stack:
        scenario = Scenario(place, files, storage, stack)
        files.arm(fails_at, number, for_good=for_good)
        await scenario.run()
        await check_whole(scenario, storage)
    async with place.storage() as storage:
        await storage.reconcile()
        await check_whole(scenario, storage)
    return scenario


async def check_whole(scenario: Scenario, storage: StorageManager) -> None:
    """Everything that was announced is there, exactly once, and the documents agree."""
    session = await storage.get_session(scenario.session.id)
    assert [(info.name, info.state) for info in session.passes] == [
        ("upright", PassState.COMPLETED), ("flipped", PassState.PLANNED),
    ]  # fmt: skip
    assert session.damage == ()
    assert (await storage.list_sessions()).total == 1
    photos = {photo.shot: photo for photo in await storage.photos(session.id)}
    assert set(photos) == {1, 2, 3, 4}
    assert scenario.announced.items() <= photos.items()
    for photo in photos.values():
        data = (await storage.photo_file(session.id, photo.name)).read_bytes()
        assert hashlib.sha256(data).hexdigest() == photo.sha256
    assert session.bytes == sum(photo.bytes for photo in photos.values())
    text = parse((scenario.root / "metadata/passes/upright/journal.jsonl").read_bytes())
    assert text.sound
    await storage.reconcile()
    left = [path for path in scenario.place.data.rglob("*") if path.name.startswith((".new-", ".gone-"))]
    assert [path for path in left if path.parent.name != "exports"] == []
    assert [file.name for file in await storage.session_files(session.id, "colmap")] == ["b.txt"]
    assert len(names(scenario.root / "images/upright")) == 4


@pytest.mark.parametrize("number", REASONS)
async def test_every_nth_operation_fails_once(tmp_path, number, figures):
    total = await counted(tmp_path / "counting")
    assert total > 80
    reported = 0
    for fails_at in chosen(total, number):
        scenario = await run_with_fault(tmp_path / str(fails_at), fails_at, number)
        reported += len(scenario.errors)
        for error in scenario.errors:
            assert error.detail["reason"] == REASONS[number], (fails_at, error)
            assert isinstance(error, DiskFullError) == (REASONS[number] == "disk_full")
            assert str(tmp_path) not in error.message
    assert reported > 0
    figures(f"{errno.errorcode[number]}: {total} operations, {reported} errors reported", full=True)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS])
async def test_every_nth_operation_and_all_after_it_fail_until_the_cure(tmp_path, number):
    total = await counted(tmp_path / "counting")
    for fails_at in chosen(total, number):
        scenario = await run_with_fault(tmp_path / str(fails_at), fails_at, number, for_good=True)
        for error in scenario.errors:
            assert error.detail["reason"] == REASONS[number]


async def counted(root: Path) -> int:
    place, files = Place(root), FailingFiles()
    async with place.storage(files) as storage, AsyncExitStack() as stack:
        scenario = Scenario(place, files, storage, stack)
        files.arm(None)
        await scenario.run()
        return scenario.operations


def chosen(total: int, number: int) -> range:
    """Which operations to let fail: all in the full run, else every so many, beginning elsewhere for each errno."""
    step = sample(6, 1)
    return range(1 + number % step, total + 1, step)


async def test_a_full_disk_says_its_figures(tmp_path):
    place, files = Place(tmp_path), FailingFiles()
    async with place.storage(files) as storage:
        files.arm(1, errno.ENOSPC, for_good=True)
        with pytest.raises(DiskFullError) as caught:
            await storage.create_session(new_session())
        assert caught.value.detail["total"] > caught.value.detail["free"] > 0
        assert "the disk is full" in caught.value.message


async def test_starting_on_a_disk_that_fails_is_a_typed_error_and_leaves_nothing_open(tmp_path):
    place = Place(tmp_path)
    async with place.storage():
        pass
    for fails_at in range(1, 12):
        files = FailingFiles()
        files.arm(fails_at, errno.EROFS, for_good=True)
        try:
            async with Place(tmp_path / "new").storage(files):
                break
        except StorageError as error:
            assert error.detail["reason"] == "read_only"
    else:
        raise AssertionError
    assert fails_at > 3
