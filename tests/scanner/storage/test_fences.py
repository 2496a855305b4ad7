"""Every place at which whoever lost a pass is held back, one by one."""

from __future__ import annotations

import errno
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from scanner.errors import LockLostError, PassLockedError, StorageError
from scanner.model import PhotoName
from scanner.storage import Files, PassWriter, SessionHandle, StorageManager
from scanner.storage.directory.recovery import Held, _Recovery
from scanner.storage.directory.views import read_journal
from scanner.storage.disk.layout import PassPaths
from scanner.storage.journal.documents import PassFile
from scanner.storage.locks import passlock as locks
from scanner.storage.locks.lockfile import lock_path, read_generation, read_lock
from scanner.storage.locks.passlock import PassLock
from tests.scanner.storage.sharing import LOCAL, SHARE, Swept, daemon, other_host
from tests.scanner.storage.support import PRESSED, UPRIGHT, FailingFiles, StepClock, names, new_session, save, working
from tests.scanner.storage.test_fencing import WORK, force, images, metadata, paths_of, record, seen


async def win(storage: StorageManager, handle: SessionHandle, *, finish: bool = True) -> None:
    """Take the pass and complete it."""
    await storage.locks.release(handle.id, UPRIGHT, origin="web:anna", reason="r")
    async with working(storage, handle) as winner:
        for shot in winner.remaining():
            await save(winner, shot)
        if finish:
            await winner.finish("all shots taken")


@asynccontextmanager
async def losing(
    root: Path, files: Files | None = None
) -> AsyncIterator[tuple[PassWriter, StorageManager, SessionHandle]]:
    """A writer with one photo that will lose its pass to another daemon."""
    async with daemon(root, "one", files=files) as one, daemon(root, "two", host=other_host()) as two:
        handle = await one.create_session(new_session())
        async with working(one, handle) as loser:
            await save(loser, loser.plan.shots[0])
            yield loser, two, handle


async def test_an_end_that_comes_too_late_leaves_manifest_and_summary(tmp_path):
    async with losing(tmp_path) as (loser, two, handle):
        await win(two, handle)
        place = metadata(tmp_path, handle)
        before = {name: (place / name).read_bytes() for name in ("manifest.sha256", "summary.json")}
        with pytest.raises(LockLostError):
            await loser.finish("finished early")
        assert {name: (place / name).read_bytes() for name in before} == before
        assert before["manifest.sha256"].count(b"\n") == 4


async def test_a_journal_is_not_written_anew_by_whoever_lost_it(tmp_path):
    """After a failed append the next one rewrites the file; in a lost pass it must not."""
    files = FailingFiles()
    async with losing(tmp_path, files) as (loser, two, handle):
        path = metadata(tmp_path, handle) / "journal.jsonl"
        files.arm(1, errno.EIO)
        with pytest.raises(StorageError, match="the journal of pass upright could not be written"):
            await loser.skip(loser.plan.shots[3], "no")
        files.arm(None)
        await win(two, handle)
        with path.open("ab") as file:
            file.write(b"what is there now\n")
        before = path.read_bytes(), path.stat().st_ino
        with pytest.raises(LockLostError):
            await loser.skip(loser.plan.shots[3], "no")
        assert (path.read_bytes(), path.stat().st_ino) == before
        assert sorted(seen(tmp_path, handle).saved) == [1, 2, 3, 4]


async def test_a_disk_that_fails_after_the_pass_was_lost_discards_nothing(tmp_path):
    """The line was written, only its fsync failed: whoever took the pass may have read it, and counts on the photo."""
    files = FailingFiles()
    async with losing(tmp_path, files) as (loser, two, handle):
        place = metadata(tmp_path, handle)
        journal = place / "journal.jsonl"
        lines_before = journal.read_bytes().count(b"\n")

        def fsync_fails(operation: str) -> None:
            if operation == "fsync" and journal.read_bytes().count(b"\n") > lines_before:
                force(place).release()
                raise OSError(errno.EIO, "the disk is gone")

        files.step = fsync_fails  # type: ignore[method-assign] - a fault of this one test
        with pytest.raises(LockLostError):
            await save(loser, loser.plan.shots[1])
        del files.step
        assert "upright-00002-main.jpg" in names(images(tmp_path, handle))
        async with working(two, handle) as winner:
            assert sorted(winner.progress.saved) == [1, 2]  # the line was there to be read, and so is the photo
            await winner.pause(PRESSED)


async def test_a_file_that_was_replaced_stays_where_it_is_once_the_pass_is_lost(tmp_path):
    async with losing(tmp_path) as (loser, _, handle):
        force(metadata(tmp_path, handle)).release()
        disk = loser._disk
        disk.replaced.append(PhotoName("upright-00001-main.jpg"))
        disk._supersede()
        assert names(images(tmp_path, handle)) == ["upright-00001-main.jpg"]


async def test_closing_a_pass_that_was_lost_unnoticed_reads_it_again(tmp_path):
    """The loser stood still all the time; what it closes is no longer what it knew."""
    async with daemon(tmp_path, "one") as one, daemon(tmp_path, "two", host=other_host()) as two:
        handle = await one.create_session(new_session())
        async with working(one, handle) as loser:
            await save(loser, loser.plan.shots[0])
            await loser.pause(PRESSED)
            await win(two, handle)
            ended = (metadata(tmp_path, handle) / ".session.lock.1").read_bytes()
        assert loser.lost is None
        (info,) = (await one.get_session(handle.id)).passes
        assert (info.state.value, info.saved) == ("completed", 4)
        assert (metadata(tmp_path, handle) / ".session.lock.1").read_bytes() == ended
        assert b"held " in ended


async def test_a_pass_left_running_that_was_lost_is_not_journaled_as_interrupted(tmp_path):
    async with daemon(tmp_path, "one") as one, daemon(tmp_path, "two", host=other_host()) as two:
        handle = await one.create_session(new_session())
        async with working(one, handle) as loser:
            await save(loser, loser.plan.shots[0])
            await win(two, handle)
        assert loser.lost is not None
        (info,) = (await one.get_session(handle.id)).passes
        assert (info.state.value, info.saved) == ("completed", 4)


async def test_a_recovery_under_a_lock_that_was_lost_is_refused(tmp_path):
    """Even before the new holder has written anything."""
    async with daemon(tmp_path, "one") as one:
        handle = await one.create_session(new_session())
        keeper, document = one._keeper, one._keeper.document(handle.id, UPRIGHT)
        lock = keeper.lock(handle.id, UPRIGHT, WORK)
        force(metadata(tmp_path, handle)).release()
        before = names(metadata(tmp_path, handle))
        with pytest.raises(LockLostError):
            keeper.recover(handle.id, document, lock)
        assert names(metadata(tmp_path, handle)) == before
        lock.release()


def recover_too_late(paths: PassPaths, document: PassFile) -> None:
    """A recovery that finds its pass lost says so."""

    def lost() -> None:
        message = "lost"
        raise LockLostError(message)

    late = _Recovery(Files(), StepClock(), paths, document, read_journal(paths), Held(1, lost))
    with pytest.raises(LockLostError):
        late.run()


@pytest.mark.parametrize("stray", ["upright-00009-main.jpg", "upright-00001-main.jpg"])
async def test_a_recovery_that_loses_its_lock_moves_nothing(tmp_path, stray):
    async with daemon(tmp_path, "one") as one:
        handle = await one.create_session(new_session())
        async with working(one, handle) as writer:
            await save(writer, writer.plan.shots[0])
            await writer.pause(PRESSED)
        paths, document = paths_of(tmp_path, handle), one._keeper.document(handle.id, UPRIGHT)
        if stray == "upright-00001-main.jpg":  # put away by a restore whose line is lost
            (paths.superseded / "1").mkdir(parents=True)
            (paths.images / stray).rename(paths.superseded / "1" / stray)
        else:
            (paths.images / stray).write_bytes(b"of nobody")
        before = {path for path in paths.images.rglob("*") if path.is_file()}
        recover_too_late(paths, document)
        assert {path for path in paths.images.rglob("*") if path.is_file()} == before


async def test_a_restore_that_loses_its_pass_moves_nothing_more(tmp_path):
    class Stuck(Files):
        def rename(self, source: Path, target: Path) -> None:
            if ".superseded" in target.parts:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            super().rename(source, target)

    async with daemon(tmp_path, "one", files=Stuck()) as one:
        handle = await one.create_session(new_session())
        await one.checkpoints.save(handle.id, "empty", origin="cli")
        async with working(one, handle) as writer:
            await save(writer, writer.plan.shots[0])
            await writer.pause(PRESSED)
        with pytest.raises(StorageError):
            await one.checkpoints.restore(handle.id, "empty", origin="cli")
        paths, document = paths_of(tmp_path, handle), one._keeper.document(handle.id, UPRIGHT)
        recover_too_late(paths, document)
        assert (paths.images / "upright-00001-main.jpg").is_file()


@pytest.mark.parametrize("sharing", [LOCAL, SHARE], ids=["local", "share"])
async def test_a_heartbeat_tells_of_the_loss(tmp_path, sharing):
    async with daemon(tmp_path, "one", sharing=sharing) as one:
        handle = await one.create_session(new_session())
        async with working(one, handle) as loser:
            before = lock_path(metadata(tmp_path, handle), 1).read_bytes()
            force(metadata(tmp_path, handle)).release()
            with pytest.raises(LockLostError):
                await loser.beat()
            await loser.beat()  # said once; afterwards there is nothing to keep up
            assert lock_path(metadata(tmp_path, handle), 1).read_bytes() == before


def test_a_lock_whose_holder_let_go_is_not_kept_up(tmp_path):
    lock = PassLock.take(Files(), tmp_path, record())
    lock.release()
    lock.beat()
    found = read_lock(tmp_path)
    assert found is not None
    assert found.ended


async def test_an_abandoned_pass_that_somebody_takes_meanwhile_is_left_to_him(tmp_path, monkeypatch):
    async with daemon(tmp_path, "one") as one:
        handle = await one.create_session(new_session())
        keeper, place = one._keeper, metadata(tmp_path, handle)
        plain = keeper.lock

        def quicker(*given: object) -> PassLock:
            lock = plain(*given)  # type: ignore[arg-type] - handed on
            force(place).release()
            return lock

        monkeypatch.setattr(keeper, "lock", quicker)
        assert keeper.recover_abandoned(handle.id, UPRIGHT) == []
        monkeypatch.undo()
        async with working(one, handle) as writer:
            assert writer.record.generation == 2


async def test_what_was_lost_can_be_opened_again_before_the_loser_has_closed(tmp_path):
    async with daemon(tmp_path, "one") as one, daemon(tmp_path, "two", host=other_host()) as two:
        handle = await one.create_session(new_session())
        async with AsyncExitStack() as lost:
            loser = await lost.enter_async_context(working(one, handle))
            await two.locks.release(handle.id, UPRIGHT, origin="web:anna", reason="r")
            with pytest.raises(LockLostError):
                await save(loser, loser.plan.shots[0])
            async with working(one, handle) as again:
                await save(again, again.plan.shots[0])
                await lost.aclose()
                assert await one._threads.writer.run(one._keeper.index.intents) == [(handle.id, "upright")]
                (info,) = await one.locks.active()
                assert info.own
                await save(again, again.plan.shots[1])
                await again.pause(PRESSED)
        assert (await one.get_session(handle.id)).photos == 2
        assert await one._threads.writer.run(one._keeper.index.intents) == []
        assert await one.locks.active() == ()


def test_a_lock_that_vanishes_while_it_is_read_is_tried_again(tmp_path, monkeypatch):
    PassLock.take(Files(), tmp_path, record()).release()
    looked: list[int] = []

    def vanishing(place: Path, generation: int):
        looked.append(generation)
        return None if len(looked) == 1 else read_generation(place, generation)

    monkeypatch.setattr(locks, "read_generation", vanishing)
    PassLock.take(Files(), tmp_path, record()).release()
    assert looked == [1, 1]


def test_a_lock_that_another_swept_away_before_it_was_published_is_tried_again(tmp_path):
    files = Swept()
    lock = PassLock.take(files, tmp_path, record())
    assert (files.times, lock.generation) == (2, 1)
    lock.release()


EVE = {"token": "eve"}


def test_force_that_another_swept_away_before_it_was_published_is_tried_again(tmp_path):
    """The holder is just opening the pass, and removes what it takes for left over."""
    held = PassLock.take(Files(), tmp_path, record())
    found = read_generation(tmp_path, 1)
    files = Swept()
    lock = PassLock.force(files, tmp_path, record(**EVE), found, shared=False)
    assert (files.times, lock.generation) == (2, 2)
    with pytest.raises(LockLostError):
        held.check()
    with pytest.raises(PassLockedError, match="somebody else was quicker: "):
        PassLock.force(Files(), tmp_path, record(**EVE), found, shared=False)
    for one in (lock, held):
        one.release()


def test_force_that_is_swept_away_every_time_says_so(tmp_path):
    class AlwaysSwept(Files):
        def link(self, source: Path, target: Path) -> None:
            source.unlink()
            super().link(source, target)

    held = PassLock.take(Files(), tmp_path, record())
    found = read_generation(tmp_path, 1)
    with pytest.raises(PassLockedError, match="try again"):
        PassLock.force(AlwaysSwept(), tmp_path, record(**EVE), found, shared=False)
    held.check()
    assert names(tmp_path) == [".session.lock.1"]
    held.release()


def test_a_share_that_says_twice_what_it_did_once_is_believed_by_the_file(tmp_path):
    """The answer to the link was lost, the request was repeated, and then the name was there: our own."""

    class Repeating(Files):
        def link(self, source: Path, target: Path) -> None:
            super().link(source, target)
            raise FileExistsError

    lock = PassLock.take(Repeating(), tmp_path, record())
    assert names(tmp_path) == [".session.lock.1"]
    lock.release()
