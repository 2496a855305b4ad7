"""What is held here gives signs of life whatever else takes long, and nobody takes it for somebody else's."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from scanner.errors import LockLostError, PassLockedError, SessionBusyError
from scanner.storage import SessionChanges, SessionHandle, StorageManager
from scanner.storage.directory import recovery
from scanner.storage.facets import rewinding
from scanner.storage.locks.lockfile import lock_path, read_lock
from scanner.storage.locks.locking import Work
from tests.scanner.storage.sharing import HERE, LOCAL, SHARE, HandClock, Told, daemon, other_host
from tests.scanner.storage.support import PRESSED, UPRIGHT, FailingFiles, new_session, save, working
from tests.scanner.storage.test_fencing import force, metadata, seen

PATIENCE = 20.0  # seconds


class Barrier:
    """Holds a thread up until it is opened."""

    def __init__(self) -> None:
        self._reached = threading.Event()
        self._open = threading.Event()

    def wait(self) -> None:
        """Stand still, in a thread."""
        self._reached.set()
        assert self._open.wait(PATIENCE)

    def before(self, work: Callable[..., object]) -> Callable[..., object]:
        """``work``, held up."""

        def held(*given: object) -> object:
            self.wait()
            return work(*given)

        return held

    @asynccontextmanager
    async def reached(self) -> AsyncIterator[None]:
        """From when a thread stands there to when it may go on."""
        assert await asyncio.to_thread(self._reached.wait, PATIENCE)
        try:
            yield
        finally:
            self._open.set()


async def test_heartbeats_go_on_while_all_workers_are_busy(tmp_path):
    """A copy of 50 GB and a purge of 100,000 files at once: the look at others waits, our own sign of life does not."""
    clock, barriers = HandClock(), (Barrier(), Barrier())
    async with daemon(tmp_path, "one", clock=clock, sharing=SHARE) as one:
        handle = await one.create_session(new_session())
        await one.create_session(new_session("Looked at"))
        async with working(one, handle) as writer:
            busy = [asyncio.create_task(one._threads.pool.run(barrier.wait)) for barrier in barriers]
            async with barriers[0].reached(), barriers[1].reached(), asyncio.timeout(PATIENCE):
                watching = asyncio.create_task(one.locks.watch())
                for beats in (1, 2, 3, 4):
                    await clock.sleepers(1)
                    assert writer.beats == beats
                    clock.pass_(60.0)
                watching.cancel()
                await asyncio.wait([watching])
            await asyncio.gather(*busy)


async def test_heartbeats_go_on_while_photos_of_another_pass_are_hashed(tmp_path, monkeypatch):
    """Bringing a pass with a damaged journal into order reads all its photos, in the thread that writes."""
    barrier = Barrier()
    async with daemon(tmp_path, "one", sharing=SHARE) as one:
        damaged, handle = await one.create_session(new_session()), await one.create_session(new_session("Scanned"))
        async with working(one, damaged) as writer:
            await save(writer, writer.plan.shots[0])
            await writer.pause(PRESSED)
        async with working(one, handle) as writer:
            monkeypatch.setattr(recovery, "hash_file", barrier.before(recovery.hash_file))
            opening = asyncio.create_task(open_and_close(one, damaged))
            async with barrier.reached(), asyncio.timeout(PATIENCE):
                await one.locks.beat()
                await one.locks.beat()
                assert writer.beats == 2
            await opening


async def open_and_close(storage: StorageManager, handle: SessionHandle) -> None:
    async with working(storage, handle) as writer:
        await writer.pause(PRESSED)


async def test_a_session_that_is_being_changed_for_long_stays_locked_on_a_share(tmp_path):
    """A restore of 1,500 photos over the network takes longer than ``stale_after``."""
    here, there = HandClock(), HandClock()
    async with (
        daemon(tmp_path, "one", clock=here, sharing=SHARE) as one,
        daemon(tmp_path, "two", clock=there, sharing=SHARE, host=other_host()) as two,
    ):
        handle = await one.create_session(new_session())
        await two.handle(handle.id)
        place = tmp_path / "data" / "sessions" / handle.id / "metadata"
        async with one._shop.editing(handle.id):
            for beats in range(1, 8):
                here.pass_(60.0)
                there.pass_(60.0)
                await one.locks.beat()
                found = read_lock(place)
                assert found is not None
                assert found.record is not None
                assert (found.generation, int(found.record.beat)) == (1, beats)
                assert two._keeper.locker.observer.judge((handle.id, None), found) == "alive"
            with pytest.raises(PassLockedError):
                await two._threads.writer.run(lambda: two._keeper.locker.take_session(handle.id))
        await one.locks.beat()
        assert lock_path(place, 1).read_bytes().count(b'"beat":"0000000007"') == 1  # let go of, hence left alone
        assert (await two.edit(handle.id, SessionChanges(title="Theirs"))).title == "Theirs"


async def test_a_short_operation_that_lost_its_lock_does_not_hinder_the_others(tmp_path, caplog):
    files = FailingFiles()
    async with daemon(tmp_path, "one", files=files) as one:
        handles = [await one.create_session(new_session(f"Vase {number}")) for number in range(2)]
        keeper = one._keeper
        work = Work(job_id=None, origin="web:anna")
        lost, kept = [keeper.lock(handle.id, UPRIGHT, work) for handle in handles]
        force(metadata(tmp_path, handles[0])).release()
        await one.locks.beat()
        assert (lost.beats, kept.beats) == (0, 1)
        assert (lost.held, kept.held) == (False, True)
        files.arm(1, for_good=True)
        await one.locks.beat()
        files.arm(None)
        assert caplog.text.count("the locks cannot be kept up") == 1
        for lock in (lost, kept):
            lock.release()


async def test_what_a_short_operation_holds_here_is_our_own(tmp_path, monkeypatch):
    barrier = Barrier()
    async with daemon(tmp_path, "one") as one:
        handle = await one.create_session(new_session())
        await one.checkpoints.save(handle.id, "before", origin="web:anna")
        async with working(one, handle) as writer:
            await save(writer, writer.plan.shots[0])
            await writer.pause(PRESSED)
        await one.checkpoints.save(handle.id, "after", origin="web:anna")
        await one.checkpoints.restore(handle.id, "before", origin="web:anna")
        monkeypatch.setattr(rewinding, "hash_file", barrier.before(rewinding.hash_file))
        restoring = asyncio.create_task(one.checkpoints.restore(handle.id, "after", origin="web:anna"))
        async with barrier.reached():
            (info,) = await one.locks.active()
            assert (info.own, info.origin, info.state, info.job_id) == (True, "web:anna", "alive", None)
            with pytest.raises(SessionBusyError, match="pass upright is being changed here: web:anna works"):
                await one.locks.release(handle.id, UPRIGHT, origin="web:ben", reason="who is that?")
        await restoring
        assert (await one.get_session(handle.id)).photos == 1
        assert (await one.audit.list()).items != ()
        assert not [entry for entry in (await one.audit.list()).items if entry.what == "lock_forced"]


@pytest.mark.parametrize("client", ["a clone", "this computer"])
async def test_whoever_has_this_disk_as_a_share_is_heeded_whatever_its_id(tmp_path, client):
    """Two computers from one card image; or one that mounts its own export. Their ``flock`` is free all the time."""
    clock = HandClock()
    host = other_host("two", id=HERE.id) if client == "a clone" else HERE
    async with (
        daemon(tmp_path, "export", clock=clock, sharing=LOCAL) as local,
        daemon(tmp_path, "client", host=host, sharing=SHARE) as theirs,
    ):
        handle = await local.create_session(new_session())
        async with working(theirs, handle) as loser:
            first = await save(loser, loser.plan.shots[0])
            (info,) = await local.locks.active()
            assert (info.state, info.own) == ("alive", False)
            with pytest.raises(PassLockedError):
                async with working(local, handle):
                    pass
            second = await save(loser, loser.plan.shots[1])
            clock.pass_(301.0)
            async with working(local, handle) as winner:
                assert winner.record.generation == 2
                assert winner.progress.saved == {1: first, 2: second}
                third = await save(winner, winner.plan.shots[2])
                with pytest.raises(LockLostError):
                    await save(loser, loser.plan.shots[3])
        assert seen(tmp_path, handle).saved == {1: first, 2: second, 3: third}


async def test_a_lock_that_is_no_longer_held_is_not_shown_to_who_asks(tmp_path):
    told = Told()
    async with daemon(tmp_path, "one", tell=told) as one, daemon(tmp_path, "two") as two:
        handle = await one.create_session(new_session())
        async with working(two, handle) as writer:
            await one.watcher.look()
            assert len(await one.locks.active()) == 1
            for shot in writer.remaining():
                await save(writer, shot)
            await writer.finish("all")
        await one.watcher.look()
        (info,) = (await one.get_session(handle.id)).passes
        assert (info.state.value, info.lock) == ("completed", None)
        assert told.locks == ["alive", "free"]
