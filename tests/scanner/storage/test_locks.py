"""Who works on what: exactly one, named, and free again when it is gone."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Self

import pytest

from scanner.errors import DaemonRunningError, PassLockedError
from scanner.storage import Files, Host, StorageManager
from scanner.storage.locks.daemonlock import DaemonLock
from scanner.storage.locks.lockfile import LockRecord, lock_path, newest_generation
from scanner.storage.locks.passlock import PassLock
from tests.scanner.storage.support import (
    FailingFiles,
    Place,
    RecordingFiles,
    StepClock,
    names,
    new_session,
    save,
    working,
)
from tests.support.tree import TOP

HOLD = """
import sys
from pathlib import Path
from scanner.storage import Files, Host
from scanner.storage.locks.lockfile import LockRecord
from scanner.storage.locks.daemonlock import DaemonLock
from scanner.storage.locks.passlock import PassLock
{take}
print("held", flush=True)
sys.stdin.read()
"""
BY_DAEMON = """
lock = DaemonLock.take(
    Files(), Path(sys.argv[1]), Host.current(), since='2026-11-20T04:15:30.000Z', description='the other')
"""
BY_WRITER = """
record = LockRecord(generation=1, token='other', host_id='h', host='turntable-2', origin='web:anna', pid=7,
    process_start=0, boot_id='b', job_id=None, since='2026-11-20T04:15:30.000Z')
lock = PassLock.take(Files(), Path(sys.argv[1]), record)
"""


class Other:
    """A second process that holds a lock until it is killed or told to end."""

    def __init__(self, take: str, path: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLD.format(take=take), str(path)],
            cwd=TOP, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "held\n"

    def __enter__(self) -> Self:
        return self

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def __exit__(self, *_: object) -> None:
        self.kill()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()


def record(name: str = "mine", **more: object) -> LockRecord:
    values: dict[str, object] = {
        "generation": 1, "token": name, "host_id": "h", "host": "here", "origin": "cli", "pid": 1, "process_start": 2,
        "boot_id": "b", "job_id": None, "since": "s",
    }  # fmt: skip
    return LockRecord(**(values | more))  # type: ignore[arg-type] - given by name


def held(path: Path) -> dict[str, object]:
    return json.loads(path.read_bytes())


def test_a_lock_is_published_complete_and_marked_when_it_ends(tmp_path):
    files = RecordingFiles()
    lock = PassLock.take(files, tmp_path, record())
    assert files.done == [
        ("write", ".session.lock.new-mine"), ("fsync", ".session.lock.new-mine"), ("fsync_dir", tmp_path.name),
    ]  # fmt: skip
    path = lock_path(tmp_path, 1)
    assert held(path)["state"] == "held "
    assert names(tmp_path) == [path.name]
    lock.release()
    lock.release()
    assert held(path)["state"] == "ended"
    assert names(tmp_path) == [path.name]


def test_an_ended_lock_is_taken_over_within_its_generation(tmp_path):
    PassLock.take(Files(), tmp_path, record()).release()
    files = RecordingFiles()
    lock = PassLock.take(files, tmp_path, record("second"))
    assert lock.record.generation == 1
    assert held(lock_path(tmp_path, 1))["token"] == lock.record.token
    assert files.done[-2:] == [("rename", ".session.lock.1"), ("fsync_dir", tmp_path.name)]
    assert newest_generation(tmp_path) == 1
    lock.release()


def test_a_held_lock_names_its_holder(tmp_path):
    lock = PassLock.take(Files(), tmp_path, record(origin="web:anna", host="turntable-2"))
    with pytest.raises(PassLockedError, match="web:anna works on this pass on turntable-2") as caught:
        PassLock.take(Files(), tmp_path, record("second"))
    assert caught.value.detail["origin"] == "web:anna"
    lock.release()
    PassLock.take(Files(), tmp_path, record("second")).release()


def test_a_holder_that_cannot_be_read_is_still_a_holder(tmp_path):
    lock = PassLock.take(Files(), tmp_path, record())
    lock_path(tmp_path, 1).write_bytes(b"noise")
    with pytest.raises(PassLockedError, match="somebody works on this pass"):
        PassLock.take(Files(), tmp_path, record("second"))
    lock.release()


def test_only_the_newest_generation_counts(tmp_path):
    first = PassLock.take(Files(), tmp_path, record())
    lock_path(tmp_path, 2).write_bytes(b"a generation that ended")
    (tmp_path / ".session.lock.new-x").write_bytes(b"")
    (tmp_path / ".session.lock.01").write_bytes(b"")
    lock = PassLock.take(Files(), tmp_path, record("second"))
    assert lock.record.generation == 2
    assert held(lock_path(tmp_path, 2))["generation"] == 2
    lock.release()
    first.release()


def test_of_many_that_take_it_at_once_exactly_one_wins(tmp_path):
    for _ in range(10):
        start = threading.Barrier(8)
        won: list[PassLock] = []
        lost: list[PassLockedError] = []

        def take(number: int, start=start, won=won, lost=lost) -> None:
            start.wait()
            try:
                won.append(PassLock.take(Files(), tmp_path, record(f"t{number}")))
            except PassLockedError as error:
                lost.append(error)

        threads = [threading.Thread(target=take, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (len(won), len(lost)) == (1, 7)
        won[0].release()
        assert names(tmp_path) == [".session.lock.1"]


def test_a_lock_that_moves_under_ones_hands_is_tried_again(tmp_path):
    """Between opening the old file and locking it, another took over: the lock just won is of a file without a name."""
    PassLock.take(Files(), tmp_path, record()).release()
    path = lock_path(tmp_path, 1)

    class Slow(Files):
        taken: PassLock | None = None

        def open(self, target: Path, flags: int) -> int:
            descriptor = super().open(target, flags)
            if target == path and self.taken is None:
                self.taken = PassLock.take(Files(), tmp_path, record("quicker"))
            return descriptor

    slow = Slow()
    with pytest.raises(PassLockedError):
        PassLock.take(slow, tmp_path, record("second"))
    assert slow.taken is not None
    slow.taken.release()

    class Vanishing(Files):
        def open(self, target: Path, flags: int) -> int:
            if target == path:
                raise FileNotFoundError
            return super().open(target, flags)

    with pytest.raises(PassLockedError, match="several others"):
        PassLock.take(Vanishing(), tmp_path, record("third"))


def test_a_lock_that_is_deleted_while_it_is_being_taken_is_tried_again(tmp_path):
    PassLock.take(Files(), tmp_path, record()).release()
    path = lock_path(tmp_path, 1)

    class Deleting(Files):
        def open(self, target: Path, flags: int) -> int:
            descriptor = super().open(target, flags)
            if target == path and path.exists():
                path.unlink()
            return descriptor

    lock = PassLock.take(Deleting(), tmp_path, record("second"))
    assert held(path)["token"] == lock.record.token
    lock.release()


@pytest.mark.parametrize("published", [False, True])
@pytest.mark.parametrize("fails_at", range(1, 8))
def test_a_disk_that_fails_leaves_no_lock_and_no_rest(tmp_path, fails_at, published):
    if published:
        PassLock.take(Files(), tmp_path, record()).release()
    files = FailingFiles()
    files.arm(fails_at)
    try:
        PassLock.take(files, tmp_path, record("second")).release()
    except OSError:
        assert files.failed
    assert not [name for name in names(tmp_path) if "new" in name]
    PassLock.take(Files(), tmp_path, record("third")).release()


def test_releasing_never_raises(tmp_path):
    files = FailingFiles()
    lock = PassLock.take(files, tmp_path, record())
    files.arm(1, for_good=True)
    lock.release()
    PassLock.take(Files(), tmp_path, record("second")).release()


def test_another_process_holds_and_its_death_frees(tmp_path):
    with Other(BY_WRITER, tmp_path) as other:
        with pytest.raises(PassLockedError, match="web:anna works on this pass on turntable-2"):
            PassLock.take(Files(), tmp_path, record())
        other.kill()
        lock = PassLock.take(Files(), tmp_path, record())
        lock.release()


async def test_a_second_daemon_is_refused_and_told_of_the_first(tmp_path):
    place = Place(tmp_path)
    place.state.mkdir(parents=True)
    with Other(BY_DAEMON, place.state / "daemon.lock") as other:
        with pytest.raises(DaemonRunningError) as caught:
            async with place.storage():
                pass
        assert f"process {other.process.pid} on " in caught.value.message
        assert "since 2026-11-20T04:15:30.000Z" in caught.value.message
        assert "(the other)" in caught.value.message
        assert caught.value.detail["pid"] == other.process.pid
        other.kill()
        async with place.storage(description="the second"):
            assert held(place.state / "daemon.lock")["description"] == "the second"


@pytest.mark.usefixtures("storage")
async def test_a_second_manager_in_the_same_process_is_refused_too(place):
    with pytest.raises(DaemonRunningError, match="another daemon works"):
        async with place.storage():
            pass


@pytest.mark.usefixtures("storage")
async def test_a_daemon_that_cannot_be_read_is_still_there(place):
    (place.state / "daemon.lock").write_bytes(b"noise")
    with pytest.raises(DaemonRunningError, match="another daemon works with this state directory; stop it first"):
        async with place.storage():
            pass


def test_a_daemon_lock_that_cannot_be_written_is_let_go(tmp_path):
    files = FailingFiles()
    files.arm(2)
    path = tmp_path / "daemon.lock"
    with pytest.raises(OSError, match="No space"):
        DaemonLock.take(files, path, Host.current(), since="s", description="")
    lock = DaemonLock.take(Files(), path, Host.current(), since="s", description="")
    lock.release()
    lock.release()


async def test_two_daemons_on_one_data_directory_work_on_different_passes(tmp_path):
    one, two = Place(tmp_path), Place(tmp_path)
    clock = StepClock()
    async with one.storage() as first:
        handle = await first.create_session(new_session())
        second = await StorageManager.open(data_dir=two.data, state_dir=tmp_path / "state-2", clock=clock)
        try:
            await second.reconcile()
            async with working(first, handle) as writer:
                await save(writer, writer.plan.shots[0])
                with pytest.raises(PassLockedError):
                    async with working(second, handle):
                        pass
                await second.reconcile()
                assert second.notices == ()
            async with working(second, handle) as writer:
                assert [shot.index for shot in writer.remaining()] == [2, 3, 4]
        finally:
            await second.close()
