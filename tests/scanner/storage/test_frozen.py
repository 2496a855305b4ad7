"""A daemon frozen before any single operation on the disk, its pass taken and completed by another, then thawed.

Whatever it then does: what fold sees stays as the winner left it, what was announced is there, and every shot once.
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from scanner.errors import LockLostError, NotFoundError, PassCompletedError
from scanner.model import Photo
from scanner.storage import Files, PassWriter, SessionHandle, StorageManager
from scanner.storage.locks.lockfile import newest_generation
from tests.scanner.storage.sharing import LOCAL, SHARE, daemon, other_host
from tests.scanner.storage.support import UPRIGHT, FailingFiles, new_session, save, working
from tests.scanner.storage.test_fencing import images, metadata, seen
from tests.support.sample import sample

PATIENCE = 30.0  # seconds


class FreezingFiles(FailingFiles):
    """Stands still before operation number ``fails_at`` until it is thawed."""

    def __init__(self) -> None:
        super().__init__()
        self.frozen = threading.Event()
        self.thawed = threading.Event()

    def step(self, operation: str) -> None:
        self.count += 1
        if self.count == self.armed:
            self.failed.append(operation)
            self.frozen.set()
            assert self.thawed.wait(PATIENCE)


@dataclass
class Scan:
    """What the loser does, and what it announced."""

    announced: dict[int, Photo] = field(default_factory=dict)
    lost: LockLostError | None = None

    async def run(self, writer: PassWriter) -> None:
        """Take a damaged photo again (which moves a file), save another, end the pass."""
        try:
            for number in (0, 1):
                photo = await save(writer, writer.plan.shots[number])
                self.announced[photo.shot] = photo
            await writer.finish("finished early")
        except LockLostError as error:
            self.lost = error


async def prepared(storage: StorageManager, root: Path) -> SessionHandle:
    """A pass whose first photo was damaged after it was saved."""
    handle = await storage.create_session(new_session())
    async with working(storage, handle) as writer:
        photo = await save(writer, writer.plan.shots[0])
    (images(root, handle) / photo.name).write_bytes(b"damaged")
    return handle


async def complete(storage: StorageManager, handle: SessionHandle) -> None:
    """Take the pass by force and finish it, if there is anything left of it."""
    try:
        await storage.locks.release(handle.id, UPRIGHT, origin="web:anna", reason="it hangs")
        async with working(storage, handle) as winner:
            for shot in winner.remaining():
                await save(winner, shot)
            await winner.finish("all shots taken")
    except (NotFoundError, PassCompletedError):
        return


def check(root: Path, handle: SessionHandle, scan: Scan) -> None:
    """What was announced is there, and every photo is what was written."""
    progress = seen(root, handle)
    assert scan.announced.items() <= progress.saved.items()
    for photo in progress.saved.values():
        assert hashlib.sha256((images(root, handle) / photo.name).read_bytes()).hexdigest() == photo.sha256
    assert len({photo.name for photo in progress.saved.values()}) == len(progress.saved)
    if newest_generation(metadata(root, handle)) > 1 and progress.reason == "all shots taken":
        assert sorted(progress.saved) == [1, 2, 3, 4]


async def frozen_at(root: Path, number: int, sharing: Any) -> str | None:
    """One such story; the operation before which it stood still, or None where there are fewer."""
    files, scan = FreezingFiles(), Scan()
    async with (
        daemon(root, "one", files=files, sharing=sharing) as one,
        daemon(root, "two", sharing=sharing, host=other_host()) as two,
    ):
        handle = await prepared(one, root)
        async with working(one, handle) as loser:
            files.arm(number)
            scanning = asyncio.create_task(scan.run(loser))
            frozen = asyncio.create_task(asyncio.to_thread(files.frozen.wait, PATIENCE))
            await asyncio.wait([scanning, frozen], return_when=asyncio.FIRST_COMPLETED)
            stood = files.failed[0] if files.failed else None
            if stood:
                await complete(two, handle)
            before = seen(root, handle)
            files.arm(None)
            files.frozen.set()
            files.thawed.set()
            await asyncio.wait([scanning, frozen])
            await scanning
        if stood:
            assert seen(root, handle) == before
            check(root, handle, scan)
            session = await one.get_session(handle.id)
            assert session.passes[0].saved == len(before.saved)  # the loser's index tells what the winner did
        return stood


@pytest.mark.parametrize("sharing", [LOCAL, SHARE], ids=["local", "share"])
async def test_frozen_before_any_operation_it_changes_nothing(tmp_path, sharing, figures):
    found: list[str] = []
    for number in range(1 if sharing is SHARE else 2, 100, sample(3, 1)):
        root = tmp_path / str(number)
        root.mkdir()
        operation = await frozen_at(root, number, sharing)
        if operation is None:
            break
        found.append(operation)
    assert len(found) >= 7
    assert len(set(found)) >= 3
    figures(f"frozen before {len(found)} operations: nothing changed")


def test_nothing_of_the_disk_is_left_out():
    """Every operation of Files can be the one before which it freezes."""
    public = {name for name in vars(Files) if not name.startswith("_")}
    assert public == set(FailingFiles.OPERATIONS) | {"close"}
