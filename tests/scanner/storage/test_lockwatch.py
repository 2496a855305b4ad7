"""Who works on what, as everybody is told: here, elsewhere, with and without signs of life."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scanner.errors import LockLostError, PassLockedError, StorageError
from scanner.model import PassName
from scanner.states import PassState
from scanner.storage import Files, SessionHandle, Sharing, StorageManager
from scanner.storage.facets import lockwatch
from scanner.storage.locks import lockscan as scans
from scanner.storage.locks.lockfile import lock_path, read_lock
from scanner.storage.locks.passlock import PassLock
from tests.scanner.storage.sharing import HERE, LOCAL, SHARE, HandClock, Told, daemon, other_host
from tests.scanner.storage.support import (
    JOB,
    PRESSED,
    UPRIGHT,
    FailingFiles,
    RecordingFiles,
    StepClock,
    new_pass,
    new_session,
    save,
    working,
)
from tests.scanner.storage.test_fencing import metadata, record


async def test_own_locks_are_told_with_their_heartbeats(tmp_path):
    told, clock = Told(), HandClock()
    async with daemon(tmp_path, "one", clock=clock, tell=told) as one:
        handle = await one.create_session(new_session())
        assert await one.locks.active() == ()
        async with working(one, handle):
            clock.pass_(60.0)
            await one.locks.round()
            clock.pass_(10.0)
            (info,) = await one.locks.active()
            assert (info.own, info.state, info.beat, info.job_id, info.host) == (True, "alive", 1, JOB, HERE.name)
            assert (info.session_id, info.pass_, info.user, info.origin) == (handle.id, UPRIGHT, "cli", "cli")
            assert [round(seconds) for seconds in info.beats] == [10, 70]
            found = read_lock(metadata(tmp_path, handle))
            assert found is not None
            assert found.record is not None
            assert found.record.beat == "0000000001"
            (shown,) = (await one.get_session(handle.id)).passes
            assert shown.lock is not None
            assert (shown.lock.own, shown.lock.beat) == (True, 1)
            (listed,) = (await one.list_sessions()).items
            assert listed.passes[0].lock is not None
            assert listed.passes[0].lock.own
        assert await one.locks.active() == ()
        assert (await one.get_session(handle.id)).passes[0].lock is None
        assert told.locks == ["alive", "free"]


@pytest.mark.parametrize(("shared", "fsyncs"), [(False, 0), (True, 1)])
async def test_a_heartbeat_is_one_small_write(tmp_path, shared, fsyncs):
    """On a share the server has to be told; a local disk is left in peace."""
    files = RecordingFiles()
    async with daemon(tmp_path, "one", files=files, sharing=SHARE if shared else LOCAL) as one:
        handle = await one.create_session(new_session())
        async with working(one, handle):
            before = lock_path(metadata(tmp_path, handle), 1).read_bytes()
            files.done.clear()
            await one.locks.round()
            assert [operation for operation, _ in files.done] == ["fsync"] * fsyncs
            after = lock_path(metadata(tmp_path, handle), 1).read_bytes()
            assert len(after) == len(before)
            assert after == before.replace(b'"beat":"0000000000"', b'"beat":"0000000001"')


async def test_a_lock_that_was_forced_is_noticed_at_the_next_heartbeat(tmp_path, caplog):
    told = Told()
    async with daemon(tmp_path, "one", tell=told) as one, daemon(tmp_path, "two") as two:
        handle = await one.create_session(new_session())
        async with working(one, handle) as loser:
            waiting = asyncio.create_task(loser.wait_lost())
            await one.locks.round()
            assert loser.lost is None
            await two.locks.release(handle.id, UPRIGHT, origin="web:anna", reason="urgent")
            with caplog.at_level(logging.WARNING):
                await one.locks.round()
                await one.locks.round()
            error = await waiting
            assert isinstance(error, LockLostError)
            assert "web:anna took this pass by force" in error.message
            assert [line for line in caplog.messages if line.startswith("lock lost: web:anna")] == [
                f"lock lost: {error.message}"
            ]
            assert await one.locks.active() == ()
        assert told.locks == ["alive", "forced"]


async def test_the_lock_of_another_is_seen_from_here(tmp_path):
    told = Told()
    async with daemon(tmp_path, "one", host=other_host()) as one, daemon(tmp_path, "two", tell=told) as two:
        handle = await one.create_session(new_session(passes=(new_pass(), new_pass("flipped"))))
        await two.reconcile()
        await two.locks.round()
        assert told.locks == []
        async with working(one, handle):
            (info,) = await two.locks.active()
            assert (info.own, info.state, info.host, info.pass_) == (False, "alive", "turntable-2", UPRIGHT)
            await one.locks.round()
            (info,) = await two.locks.active()
            assert info.beat == 1
            assert len(info.beats) == 2
            seen = await two.get_session(handle.id)
            assert [one.lock is not None for one in seen.passes] == [True, False]
            async with working(two, handle, "flipped"):
                held = {lock.pass_: lock.own for lock in await two.locks.active()}
                assert held == {UPRIGHT: False, PassName("flipped"): True}
        assert await two.locks.active() == ()
        assert told.locks == ["alive", "alive", "free", "free"]


async def test_what_runs_elsewhere_is_looked_at_when_somebody_asks(tmp_path):
    """Without a round of watch: a pass that runs by the index, and not here, has its lock looked up."""
    async with daemon(tmp_path, "one", host=other_host()) as one, daemon(tmp_path, "two") as two:
        handle = await one.create_session(new_session())
        async with working(one, handle):
            await two.handle(handle.id)
            (info,) = (await two.get_session(handle.id)).passes
            assert info.state is PassState.RUNNING
            assert info.lock is not None
            assert info.lock.host == "turntable-2"


async def test_a_silent_holder_elsewhere_becomes_stale_and_may_be_replaced(tmp_path, caplog):
    """Time is injected; the wall clocks of the two are 400 days apart and mean nothing."""
    clock, told = HandClock(datetime(2026, 11, 20, tzinfo=UTC)), Told()
    late = StepClock(start=datetime(2026, 11, 20, tzinfo=UTC) + timedelta(days=400))
    async with (
        daemon(tmp_path, "one", host=other_host(), clock=late, sharing=SHARE) as one,
        daemon(tmp_path, "two", clock=clock, sharing=SHARE, tell=told) as two,
    ):
        handle = await one.create_session(new_session())
        await two.reconcile()
        async with working(one, handle) as loser:
            first = await save(loser, loser.plan.shots[0])
            for _ in range(10):  # far more than stale_after, but with heartbeats
                await one.locks.round()
                await two.locks.round()
                clock.pass_(250.0)
            with pytest.raises(PassLockedError, match="cli works on this pass on turntable-2"):
                async with working(two, handle):
                    pass
            clock.pass_(51.0)
            with caplog.at_level(logging.WARNING):
                await two.locks.round()
            assert told.locks == ["alive", "stale"]
            assert "lock stale: cli on turntable-2 gives no sign of life" in caplog.messages
            (info,) = (await two.get_session(handle.id)).passes
            assert info.lock is not None
            assert info.lock.state == "stale"
            async with working(two, handle) as winner:  # without force
                assert winner.record.generation == 2
                assert winner.progress.saved == {1: first}
                with pytest.raises(LockLostError, match="no heartbeat had been seen for too long"):
                    await save(loser, loser.plan.shots[1])
                assert (await save(winner, winner.plan.shots[1])).name == "upright-00002-main_g2.jpg"


async def test_a_dead_process_of_this_computer_is_gone_at_once(tmp_path, caplog):
    """On a share, too: here the process table tells. A pid that now is another's is not its former owner."""
    reused = other_host("here", id=HERE.id, boot=HERE.boot_id, pid=HERE.pid, process_start=HERE.process_start + 1)
    told = Told()
    async with daemon(tmp_path, "two", sharing=SHARE, tell=told) as two:
        handle = await two.create_session(new_session())
        async with daemon(tmp_path, "one", sharing=SHARE, host=reused) as one, working(one, handle) as loser:
            with caplog.at_level(logging.WARNING):
                (info,) = await two.locks.active()
            assert info.state == "gone"
            assert told.locks == ["gone"]
            assert "lock gone: the process of cli on here has ended" in caplog.messages
            async with working(two, handle) as winner:
                assert winner.record.generation == 2
            with pytest.raises(LockLostError):
                await loser.cancel("too late")


async def test_another_run_of_the_same_computer_is_not_taken_for_dead(tmp_path):
    """Machine ids may be cloned: a lock of another boot is judged by its heartbeat alone."""
    rebooted = other_host("here", id=HERE.id, boot="before", pid=HERE.pid, process_start=HERE.process_start)
    async with (
        daemon(tmp_path, "one", sharing=SHARE, host=rebooted) as one,
        daemon(tmp_path, "two", sharing=SHARE) as two,
    ):
        handle = await one.create_session(new_session())
        async with working(one, handle):
            await two.handle(handle.id)
            (info,) = await two.locks.active()
            assert info.state == "alive"
            with pytest.raises(PassLockedError):
                async with working(two, handle):
                    pass


async def test_on_a_disk_of_its_own_whoever_held_a_pass_before_the_restart_is_gone(tmp_path):
    before = other_host(HERE.name, id=HERE.id, boot="before", pid=HERE.pid, process_start=HERE.process_start)
    async with daemon(tmp_path, "one", host=before) as one, daemon(tmp_path, "two") as two:
        handle = await one.create_session(new_session())
        async with working(one, handle) as writer:
            left = lock_path(metadata(tmp_path, handle), 1).read_bytes()
            await writer.pause(PRESSED)
        lock_path(metadata(tmp_path, handle), 1).write_bytes(left)  # what a power cut leaves
        await two.handle(handle.id)
        (info,) = await two.locks.active()
        assert info.state == "gone"
        async with working(two, handle) as writer:
            assert writer.record.generation == 1  # it kept an flock here, and that is free
        assert await two.locks.active() == ()


@pytest.mark.parametrize(
    ("name", "boot", "state"), [("two", "b 2", "alive"), ("one", "b 2", "gone"), ("container", "a 2", "gone")]
)
async def test_of_two_computers_without_an_id_neither_is_taken_for_the_other(tmp_path, name, boot, state):
    """They share a disk that both take for their own, and neither sees an ``flock`` of the other."""
    clock, here = HandClock(), other_host("one", id="", boot="a 1")
    async with (
        daemon(tmp_path, "one", host=here, clock=clock) as one,
        daemon(tmp_path, "two", host=other_host(name, id="", boot=boot)) as two,
    ):
        handle = await one.create_session(new_session())
        async with working(two, handle) as loser:
            photo = await save(loser, loser.plan.shots[0])
            lock = lock_path(metadata(tmp_path, handle), 1)
            content = lock.read_bytes()
            lock.unlink()
            lock.write_bytes(content)  # the one that is held is seen no more
            (info,) = await one.locks.active()
            assert info.state == state
            if state == "alive":
                with pytest.raises(PassLockedError, match="cli works on this pass on two"):
                    async with working(one, handle):
                        pass
                clock.pass_(301.0)
            async with working(one, handle) as winner:
                assert winner.record.generation == (2 if state == "alive" else 1)
                assert winner.progress.saved == {1: photo}


async def test_on_a_local_disk_a_holder_that_lives_is_not_replaced_however_silent(tmp_path):
    clock = HandClock()
    async with daemon(tmp_path, "one") as one, daemon(tmp_path, "two", clock=clock) as two:
        handle = await one.create_session(new_session())
        async with working(one, handle):
            await two.handle(handle.id)
            await two.locks.round()
            clock.pass_(1000.0)
            (info,) = await two.locks.active()
            assert info.state == "alive"  # whoever says stale says that it can be taken
            with pytest.raises(PassLockedError):
                async with working(two, handle):
                    pass


async def test_the_computer_that_exports_its_disk_heeds_those_who_have_it_as_a_share(tmp_path):
    """To the one the disk is local, to the other a share: no ``flock`` of the other can be seen, its lock counts."""
    clock = HandClock()
    async with (
        daemon(tmp_path, "export", clock=clock, sharing=LOCAL) as local,
        daemon(tmp_path, "client", host=other_host(), sharing=SHARE) as client,
    ):
        handle = await local.create_session(new_session())
        async with working(local, handle), working_refused(client, handle):
            pass
        async with working(client, handle) as loser:
            assert loser.record.generation == 2
            photo = await save(loser, loser.plan.shots[0])
            async with working_refused(local, handle):
                clock.pass_(301.0)
            async with working(local, handle) as winner:
                assert winner.record.generation == 3
                assert winner.progress.saved == {1: photo}
                with pytest.raises(LockLostError):
                    await save(loser, loser.plan.shots[1])
        async with working(local, handle) as again:
            assert again.record.generation == 3  # its own is taken over within the generation


@asynccontextmanager
async def working_refused(storage: StorageManager, handle: SessionHandle) -> AsyncIterator[None]:
    with pytest.raises(PassLockedError):
        async with working(storage, handle):
            pass
    yield


async def test_watch_beats_and_looks_until_it_is_cancelled(tmp_path):
    clock = HandClock()
    async with daemon(tmp_path, "one", clock=clock, sharing=Sharing(shared=False, beat=60.0)) as one:
        handle = await one.create_session(new_session())
        async with working(one, handle) as writer:
            watching = asyncio.create_task(one.locks.watch())
            for beats in (1, 2, 3):
                await clock.sleepers(2)
                assert writer.beats == beats
                clock.pass_(60.0)
            watching.cancel()
            with pytest.raises(asyncio.CancelledError):
                await watching


async def test_a_disk_that_refuses_heartbeats_is_said_once(tmp_path, caplog):
    files = FailingFiles()
    async with daemon(tmp_path, "one", files=files) as one:
        handle = await one.create_session(new_session())
        async with working(one, handle) as writer:
            files.arm(1, for_good=True)
            with caplog.at_level(logging.WARNING):
                await one.locks.round()
                await one.locks.round()
            files.arm(None)
            assert len([line for line in caplog.messages if "cannot be kept up" in line]) == 1
            await one.locks.round()
            assert writer.beats == 1
            with caplog.at_level(logging.WARNING):
                files.arm(1, for_good=True)
                await one.locks.round()
                files.arm(None)
            assert len([line for line in caplog.messages if "cannot be kept up" in line]) == 2


async def test_an_audit_that_cannot_be_written_does_not_undo_the_forcing(tmp_path, monkeypatch, caplog):
    async with daemon(tmp_path, "one") as one, daemon(tmp_path, "two") as two:
        handle = await one.create_session(new_session())

        async def refuse(*_: object, **__: object) -> None:
            message = "no"
            raise StorageError(message)

        monkeypatch.setattr(two.audit, "record", refuse)
        async with working(one, handle):
            with caplog.at_level(logging.WARNING):
                await two.locks.release(handle.id, UPRIGHT, origin="cli", reason="r")
        assert "a taking by force could not be entered in the audit: no" in caplog.messages


def reads(monkeypatch) -> list[Path]:
    """The directories whose lock is read from now on."""
    done: list[Path] = []

    def counted(path: Path):
        done.append(path)
        return read_lock(path)

    monkeypatch.setattr(scans, "read_lock", counted)
    return done


async def test_passes_that_nobody_holds_are_read_once(tmp_path, monkeypatch):
    clock, done = HandClock(), reads(monkeypatch)
    async with daemon(tmp_path, "two", clock=clock) as two:
        handles: list[SessionHandle] = [await two.create_session(new_session(f"Vase {n}")) for n in range(5)]
        for _ in range(2):
            clock.pass_(5.0)
            await two.locks.round()
        done.clear()
        for _ in range(3):
            clock.pass_(60.0)
            await two.locks.round()
        assert done == []
        lock = PassLock.take(Files(), metadata(tmp_path, handles[3]), record())
        await two.locks.round()
        assert len(done) == 1
        assert [info.session_id for info in await two.locks.active()] == [handles[3].id]
        lock.release()


async def test_a_lock_that_cannot_be_understood_is_somebodys(tmp_path):
    async with daemon(tmp_path, "two") as two:
        handle = await two.create_session(new_session())
        lock_path(metadata(tmp_path, handle), 1).write_bytes(b"noise")
        (info,) = await two.locks.active()
        assert (info.host, info.origin, info.state, info.beat) == ("", "", "alive", 0)
        forced = await two.locks.release(handle.id, UPRIGHT, origin="cli", reason="r")
        assert forced.host == ""
        assert await two.locks.active() == ()


async def test_a_session_that_vanishes_has_no_locks(tmp_path):
    async with daemon(tmp_path, "one", host=other_host()) as one, daemon(tmp_path, "two") as two:
        handle = await one.create_session(new_session())
        await two.handle(handle.id)
        async with working(one, handle):
            assert len(await two.locks.active()) == 1
            root = tmp_path / "data" / "sessions" / handle.id
            root.rename(tmp_path / "away")
            assert await two.locks.active() == ()
            (tmp_path / "away").rename(root)


async def test_a_pass_that_runs_elsewhere_is_looked_at_however_many_newer_ones_are_unfinished(tmp_path, monkeypatch):
    monkeypatch.setattr(lockwatch, "LIMIT", 2)
    told = Told()
    async with daemon(tmp_path, "one", tell=told) as one, daemon(tmp_path, "two") as two:
        handle = await one.create_session(new_session("The oldest"))
        for number in range(60):
            await one.create_session(new_session(f"Thing {number}"))
        await two.reconcile()
        async with working(two, handle):
            for _ in range(3):
                await one.watcher.look()
            await one.locks.round()
            assert [(info.session_id, info.state) for info in await one.locks.active()] == [(handle.id, "alive")]
            assert told.locks == ["alive"]
