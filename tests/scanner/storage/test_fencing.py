"""Whoever lost a pass changes nothing any more, however late it notices."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from scanner.errors import ConflictError, LockLostError, NotFoundError, PassLockedError, SessionBusyError, StorageError
from scanner.events import SessionChanged
from scanner.model import PassName, PhotoName
from scanner.states import PassState
from scanner.storage import Files, PassWriter, SessionHandle, StorageManager, fold
from scanner.storage.directory.generations import read_for
from scanner.storage.directory.recovery import Held, _Recovery
from scanner.storage.directory.views import read_journal
from scanner.storage.disk.layout import Layout, PassPaths
from scanner.storage.journal.lines import Skipped
from scanner.storage.locks.lockfile import LockRecord, lock_path, read_lock
from scanner.storage.locks.locking import Work
from scanner.storage.locks.passlock import PassLock, Rules, loss_of
from tests.scanner.storage.sharing import LOCAL, SHARE, Forcer, Told, daemon, other_host
from tests.scanner.storage.support import (
    PRESSED,
    UPRIGHT,
    FailingFiles,
    PowerCutFiles,
    StepClock,
    names,
    new_pass,
    new_session,
    save,
    working,
)
from tests.support.sample import sample

WORK = Work(job_id=None, origin="slow")


def metadata(root: Path, handle: SessionHandle) -> Path:
    return root / "data" / "sessions" / handle.id / "metadata" / "passes" / "upright"


def images(root: Path, handle: SessionHandle) -> Path:
    return root / "data" / "sessions" / handle.id / "images" / "upright"


def seen(root: Path, handle: SessionHandle):
    """What fold makes of the pass, as anybody reads it."""
    return fold(read_journal(paths_of(root, handle)).lines, name=UPRIGHT)


def paths_of(root: Path, handle: SessionHandle) -> PassPaths:
    return Layout(root / "data", root).session(handle.id).pass_(UPRIGHT)


async def test_a_pass_that_is_forced_goes_on_elsewhere_and_its_former_owner_stops(tmp_path):
    told = Told()
    async with daemon(tmp_path, "one") as one, daemon(tmp_path, "two", tell=told, host=other_host()) as two:
        handle = await one.create_session(new_session())
        async with working(one, handle) as loser:
            first = await save(loser, loser.plan.shots[0])
            with pytest.raises(PassLockedError, match="cli works on this pass"):
                async with working(two, handle):
                    pass
            forced = await two.locks.release(handle.id, UPRIGHT, origin="web:anna", reason="it hangs")
            assert (forced.origin, forced.own, forced.state) == ("cli", False, "alive")
            assert told.locks == ["forced"]
            await is_said_everywhere(two, handle, told)
            async with working(two, handle) as winner:
                second = await save(winner, winner.plan.shots[1])
                assert second.name == "upright-00002-main_g2.jpg"
                await refuses_everything(loser)
                for shot in winner.remaining():
                    await save(winner, shot)
                await winner.finish("all shots taken")
        before = seen(tmp_path, handle)
        assert (await one.get_session(handle.id)).passes[0].state is PassState.COMPLETED  # read again on closing
        assert before.state is PassState.COMPLETED
        assert before.saved[1] == first
        assert sorted(before.saved) == [1, 2, 3, 4]
        assert {photo.name for photo in before.saved.values()} <= set(names(images(tmp_path, handle)))


async def is_said_everywhere(storage: StorageManager, handle: SessionHandle, told: Told) -> None:
    assert SessionChanged(session_id=handle.id) in told.events
    (entry,) = (await storage.audit.list()).items
    assert (entry.who, entry.what, entry.session_id) == ("web:anna", "lock_forced", handle.id)
    assert "it hangs" in entry.detail
    (info,) = (await storage.get_session(handle.id)).passes
    assert info.state is PassState.PAUSED
    assert info.pause is not None
    assert info.pause.reason == "lock_forced"
    assert "web:anna took it by force from cli on " in info.pause.message


async def refuses_everything(loser: PassWriter) -> None:
    for act in (
        lambda: save(loser, loser.plan.shots[2]),
        lambda: loser.pause(PRESSED),
        lambda: loser.finish("all"),
        lambda: loser.skip(loser.plan.shots[2], "no"),
    ):
        with pytest.raises(LockLostError, match=r"web:anna took this pass by force on .*: it hangs"):
            await act()
    assert (await loser.wait_lost()) is loser.lost
    assert loser.lost is not None
    assert loser.lost.detail["origin"] == "web:anna"


async def test_a_photo_in_the_making_when_the_pass_is_forced_is_nobodys(tmp_path):
    """Forced in the middle of a save: after the photo is in place and before its line."""

    class Forced(Files):
        armed = False

        def rename(self, source: Path, target: Path) -> None:
            super().rename(source, target)
            if self.armed and target.name == "upright-00002-main.jpg":
                place = target.parents[2] / "metadata/passes/upright"
                found = read_lock(place)
                assert found is not None
                PassLock.force(Files(), place, record(host="other", reason="mine"), found, shared=False).release()

    files = Forced()
    async with daemon(tmp_path, "one", files=files) as one:
        handle = await one.create_session(new_session())
        async with working(one, handle) as loser:
            await save(loser, loser.plan.shots[0])
            files.armed = True
            with pytest.raises(LockLostError, match="web:ben took this pass on other at s: mine"):
                await save(loser, loser.plan.shots[1])
        async with daemon(tmp_path, "two") as two, working(two, handle) as winner:
            assert 1 in winner.progress.saved
            for shot in winner.remaining():
                await save(winner, shot)
            await winner.finish("all")
        assert sorted(seen(tmp_path, handle).saved) == [1, 2, 3, 4]


def raw_append(root: Path, handle: SessionHandle, event: dict[str, object]) -> None:
    """What somebody frozen in mid-write does when it wakes up."""
    path = metadata(root, handle) / "journal.jsonl"
    last = json.loads(path.read_text().splitlines()[-1])
    with path.open("a") as file:
        file.write(json.dumps(event | {"seq": last["seq"] + 1, "at": "2026-11-20T04:15:30.000Z"}) + "\n")


async def test_lines_written_after_the_taking_do_not_count(tmp_path):
    async with daemon(tmp_path, "one") as one, daemon(tmp_path, "two") as two:
        handle = await one.create_session(new_session())
        async with working(one, handle) as loser:
            await save(loser, loser.plan.shots[0])
            await two.locks.release(handle.id, UPRIGHT, origin="cli", reason="r")
            before = seen(tmp_path, handle)
            raw_append(tmp_path, handle, {"event": "skipped", "shot": 2, "reason": "too late"})
            raw_append(tmp_path, handle, {"event": "cancelled", "reason": "too late", "worked_s": 9.0})
            assert seen(tmp_path, handle) == before
            assert (await two.get_session(handle.id)).passes[0].state is PassState.PAUSED
            async with working(two, handle) as winner:
                assert [shot.index for shot in winner.remaining()] == [2, 3, 4]
                raw_append(tmp_path, handle, {"event": "skipped", "shot": 3, "reason": "still too late"})
                await winner.pause(PRESSED)
            assert seen(tmp_path, handle).skipped == {}


def force(place: Path) -> PassLock:
    """Take a pass by force, as one does who does not look at reasons."""
    found = read_lock(place)
    assert found is not None
    return PassLock.force(Files(), place, record(), found, shared=False)


async def test_a_recovery_that_comes_too_late_touches_nothing_of_a_later_generation(tmp_path):
    """Somebody took generation 2, was frozen while it brought the pass into order, and wakes up in generation 3."""
    async with daemon(tmp_path, "one") as one, daemon(tmp_path, "two") as two:
        handle = await one.create_session(new_session())
        place = metadata(tmp_path, handle)
        async with working(one, handle) as first:
            await save(first, first.plan.shots[0])
            lock = force(place)
            text = read_for(place, lock, "2026-11-20T04:15:30.000Z")
            await two.locks.release(handle.id, UPRIGHT, origin="cli", reason="r")
        async with working(two, handle) as winner:
            assert (await save(winner, winner.plan.shots[1])).name == "upright-00002-main_g3.jpg"
            unfinished = images(tmp_path, handle) / "upright-00003-main_g3.jpg.part"
            unfinished.write_bytes(b"being written")
            document = one._keeper.document(handle.id, UPRIGHT)
            with pytest.raises(LockLostError):
                one._keeper.recover(handle.id, document, lock)
            paths = paths_of(tmp_path, handle)
            late = _Recovery(Files(), StepClock(), paths, document, text, Held(2, lambda: None)).run()
            late.journal.append(Skipped(shot=3, reason="too late"))
            late.journal.close()
            assert (place / "journal-2.jsonl").exists()
            assert names(images(tmp_path, handle)) == [
                "upright-00001-main.jpg", "upright-00002-main_g3.jpg", unfinished.name,
            ]  # fmt: skip
            unfinished.unlink()
            for shot in winner.remaining():
                await save(winner, shot)
            await winner.finish("all")
        lock.release()
        assert seen(tmp_path, handle).state is PassState.COMPLETED
        assert sorted(seen(tmp_path, handle).saved) == [1, 2, 3, 4]


async def test_our_own_running_pass_is_not_forced(tmp_path):
    async with daemon(tmp_path, "one") as one:
        handle = await one.create_session(new_session())
        async with working(one, handle):
            with pytest.raises(SessionBusyError) as caught:
                await one.locks.release(handle.id, UPRIGHT, origin="cli", reason="r")
            assert caught.value.detail["job_id"] == "j-test01"


async def test_what_nobody_holds_is_not_forced(tmp_path):
    async with daemon(tmp_path, "one") as one:
        handle = await one.create_session(new_session())
        with pytest.raises(NotFoundError, match="nobody works on pass upright"):
            await one.locks.release(handle.id, UPRIGHT, origin="cli", reason="r")
        async with working(one, handle):
            pass
        with pytest.raises(NotFoundError, match="nobody works on pass upright"):
            await one.locks.release(handle.id, UPRIGHT, origin="cli", reason="r")
        with pytest.raises(NotFoundError):
            await one.locks.release(handle.id, PassName("flipped"), origin="cli", reason="r")
        assert (await one.audit.list()).items == ()


async def test_a_forcing_in_the_act_is_not_forced_itself(tmp_path):
    async with daemon(tmp_path, "one") as one, daemon(tmp_path, "two") as two:
        handle = await one.create_session(new_session())
        async with working(one, handle):
            lock, _ = two._keeper.locker.force(handle.id, UPRIGHT, WORK, "why")
            with pytest.raises(PassLockedError, match="somebody else was quicker: slow works on this pass"):
                await two.locks.release(handle.id, UPRIGHT, origin="cli", reason="r")
            lock.release()


async def test_of_two_that_force_the_same_lock_one_loses(tmp_path):
    async with daemon(tmp_path, "one") as one:
        handle = await one.create_session(new_session())
        place = metadata(tmp_path, handle)
        async with working(one, handle):
            found = read_lock(place)
            assert found is not None
            winner = PassLock.force(Files(), place, record(), found, shared=True)
            with pytest.raises(PassLockedError, match="somebody else was quicker: web:ben works on this pass"):
                PassLock.force(Files(), place, record(origin="web:cid"), found, shared=True)
            winner.release()


def record(**more: object) -> LockRecord:
    values: dict[str, object] = {
        "generation": 1, "token": "t", "host_id": "h", "host": "there", "origin": "web:ben", "pid": 1,
        "process_start": 1, "boot_id": "b", "job_id": None, "since": "s",
    }  # fmt: skip
    return LockRecord(**(values | more))  # type: ignore[arg-type] - given by name


def test_a_loss_is_told_from_whatever_can_be_read(tmp_path):
    assert loss_of(tmp_path, 2).message == "somebody took this pass by force"
    lock_path(tmp_path, 2).mkdir()
    assert loss_of(tmp_path, 2).message == "somebody took this pass by force"
    lock = PassLock.take(Files(), _made(tmp_path / "pass"), record())
    assert "web:ben took this pass on there at s: no heartbeat" in loss_of(tmp_path / "pass", 1).message
    lock.release()


def _made(path: Path) -> Path:
    path.mkdir()
    return path


@pytest.mark.parametrize("shared", [False, True])
def test_a_lock_cannot_be_checked_where_its_directory_is_gone(tmp_path, shared):
    place = _made(tmp_path / "pass")
    lock = PassLock.take(
        Files(),
        place,
        record(),
        Rules(shared=True, judge=lambda _: "free", elsewhere=lambda _: True) if shared else None,
    )
    place.rename(tmp_path / "elsewhere")
    with pytest.raises(FileNotFoundError):
        lock.check()
    lock.release()
    lock.check()
    lock.beat()


@pytest.mark.parametrize("shared", [False, True])
async def test_a_disk_that_fails_while_a_pass_is_forced_leaves_it_taken_or_untouched(tmp_path, shared):
    """Every operation in turn: whoever is told that it was forced finds it free; else the owner may still have it."""
    for fails_at in range(1, 40):
        root = _made(tmp_path / str(fails_at))
        files = FailingFiles()
        sharing = SHARE if shared else LOCAL
        async with (
            daemon(root, "one", sharing=sharing) as one,
            daemon(root, "two", files=files, sharing=sharing, host=other_host()) as two,
        ):
            handle = await one.create_session(new_session())
            async with working(one, handle) as loser:
                first = await save(loser, loser.plan.shots[0])
                files.arm(fails_at)
                try:
                    await two.locks.release(handle.id, UPRIGHT, origin="cli", reason="r")
                    forced = True
                except (StorageError, PassLockedError):
                    forced = False
                ended = not files.failed
                files.arm(None)
                if forced:
                    with pytest.raises(LockLostError):
                        await save(loser, loser.plan.shots[1])
            async with working(two, handle) as winner:
                assert winner.progress.saved[1] == first
                for shot in winner.remaining():
                    await save(winner, shot)
                await winner.finish("all")
            assert sorted(seen(root, handle).saved) == [1, 2, 3, 4]
        if ended:
            assert fails_at > 10
            return
    pytest.fail("more operations than expected")


async def test_the_taking_is_durable_before_anything_else(tmp_path):
    """At worst, after a power cut right behind the forcing, the new generation and its journal are there."""
    files = PowerCutFiles()
    async with daemon(tmp_path, "one") as one:
        handle = await one.create_session(new_session())
        async with working(one, handle) as loser:
            first = await save(loser, loser.plan.shots[0])
            files.seed(tmp_path / "data")
            async with daemon(tmp_path, "two", files=files) as two:
                await two.locks.release(handle.id, UPRIGHT, origin="cli", reason="r")
                left = tmp_path / "left"
                left.mkdir()
                files.materialise(tmp_path / "data", left / "data")
            assert lock_path(metadata(left, handle), 2).exists()
            progress = seen(left, handle)
            assert progress.saved == {1: first}
            assert progress.pause is not None
            assert progress.pause.reason == "lock_forced"


@pytest.mark.parametrize("shared", [False, True])
async def test_of_many_processes_that_force_at_once_exactly_one_wins(tmp_path, shared, figures):
    rounds, processes = sample(5, 100) if not shared else sample(2, 100), sample(8, 20)
    forcers = [Forcer(tmp_path, number, shared=shared) for number in range(processes)]
    try:
        async with daemon(tmp_path, "one", sharing=SHARE if shared else LOCAL) as one:
            handle = await one.create_session(new_session(passes=(new_pass(),)))
            assert {forcer.answer() for forcer in forcers} == {"ready"}
            wins = 0
            for _ in range(rounds):
                async with one.open_pass(handle, UPRIGHT, job_id=None, origin="owner") as writer:
                    moment = time.monotonic() + 0.05
                    for forcer in forcers:
                        forcer.force(handle.id, "upright", moment)
                    answers = [forcer.answer() for forcer in forcers]
                    assert sorted(set(answers))[-1] == "won owner", answers
                    assert set(answers) <= {"won owner", "lost pass_locked", "lost not_found"}
                    wins += answers.count("won owner")
                    await _lost(writer)
            assert wins == rounds
            figures(f"{rounds} rounds, {processes} processes forcing at once, shared {shared}: {wins} winners")
    finally:
        for forcer in forcers:
            forcer.close()


async def _lost(writer: PassWriter) -> None:
    with pytest.raises(ConflictError):
        await writer.start({})
    assert writer.lost is not None
    assert PhotoName("") not in writer.progress.saved.values()
