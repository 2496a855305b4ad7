"""Two real daemons on one data directory, each with a state directory of its own: together on a session, never on a
pass, and nothing is lost or doubled when one takes what the other had.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scanner.clock import SystemClock
from scanner.errors import PassLockedError
from scanner.model import PassName, SessionId
from scanner.storage import Host, Sharing, StorageManager, fold
from scanner.storage.directory.views import read_journal
from scanner.storage.disk.layout import Layout
from scanner.storage.journal.progress import PassProgress
from scanner.storage.locks.lockfile import newest_generation
from tests.scanner.storage.support import new_pass, new_session
from tests.support.daemon import Daemon, HttpError, environment, on_one_data_directory, small_scan
from tests.support.sample import sample
from tests.support.stream import EventStream
from tests.support.tree import TOP

pytestmark = pytest.mark.process

MAIN = PassName("main")
SHOTS = 24
OWNER = """
import asyncio, sys
from pathlib import Path
from scanner.clock import SystemClock
from scanner.model import PassName, SessionId
from scanner.storage import Host, Sharing, StorageManager

async def main(data, state, session_id, beat):
    host = Host(name="turntable-2", id="another computer", boot_id="another boot", pid=1, process_start=1)
    sharing = Sharing(shared=True, stale_after=4 * float(beat), beat=float(beat))
    storage = await StorageManager.open(
        data_dir=Path(data), state_dir=Path(state), clock=SystemClock(), host=host, sharing=sharing
    )
    watching = asyncio.create_task(storage.locks.watch())
    handle = await storage.handle(SessionId(session_id))
    async with storage.open_pass(handle, PassName("main"), job_id=None, origin="web:ben"):
        print("holds", flush=True)
        await watching

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Daemon, Daemon]]:
    """Two running daemons; the second has the data directory of the first."""
    first, second = Daemon(tmp_path / "first", speed=20.0), Daemon(tmp_path / "second", speed=20.0)
    first.measured = second.measured = False
    with on_one_data_directory(first, second) as pair:
        yield pair


def pass_of(session: str, daemon: Daemon, name: str = "main") -> dict[str, Any]:
    """A pass as a daemon tells it."""
    return next(info for info in daemon.get(f"/api/sessions/{session}")["passes"] if info["name"] == name)


def folded(daemon: Daemon, session: str) -> PassProgress:
    """What the files of a pass amount to, read by nobody's daemon."""
    paths = Layout(daemon.directory / "data", daemon.directory).session(SessionId(session)).pass_(MAIN)
    return fold(read_journal(paths).lines, name=MAIN)


def check_files(daemon: Daemon, session: str, progress: PassProgress) -> None:
    """Every current photo is there and is what was written."""
    images = daemon.directory / "data/sessions" / session / "images/main"
    for photo in progress.saved.values():
        assert hashlib.sha256((images / photo.name).read_bytes()).hexdigest() == photo.sha256


def test_two_daemons_scan_different_passes_of_a_session_at_the_same_time(pair):
    first, second = pair
    job = first.scan(**small_scan(40))
    session = job["session_id"]
    first.until(lambda: len(first.photos(session)) >= 2, "the first scans")
    asked = {key: value for key, value in small_scan(8).items() if key != "title"} | {"name": "flipped"}
    other = second.post(f"/api/sessions/{session}/passes", asked)
    second.until(lambda: pass_of(session, second, "flipped")["saved"] >= 2, "the second scans")
    assert first.job_state(job["id"]) == "running"  # both, now
    locks = {lock["pass"]: lock["own"] for lock in second.get("/api/locks")["items"]}
    assert locks == {"main": False, "flipped": True}
    assert pass_of(session, second)["lock"]["own"] is False

    for daemon, work in ((second, other), (first, job)):
        daemon.until(lambda d=daemon, w=work: d.job_state(w["id"]) == "completed", "its scan is complete", 90.0)
    assert sorted(folded(first, session).saved) == list(range(1, 41))
    second.until(lambda: second.get("/api/locks")["items"] == [], "nobody holds anything any more")


def test_the_pass_of_another_is_refused_with_its_name(pair):
    first, second = pair
    session = first.scan(**small_scan(60))["session_id"]
    first.until(lambda: len(first.photos(session)) >= 2, "the first scans")
    assert re.search(r"web\S* works on (this pass|pass main) on \S+ since ", refusal(second, session))


def refusal(daemon: Daemon, session: str) -> str:
    """What a daemon says that is asked for the pass of another: at once, or by its job."""
    try:
        job = daemon.post(f"/api/sessions/{session}/passes/main/resume")
    except HttpError as error:
        assert error.code in {"pass_locked", "session_busy"}
        return str(json.loads(error.body)["error"]["message"])
    paused = daemon.until(
        lambda: next((j for j in [daemon.get(f"/api/jobs/{job['id']}")] if j["state"] == "paused"), None), "it waits"
    )
    assert paused["pause"]["reason"] == "pass_locked"
    return str(paused["pause"]["message"])


def test_a_killed_owner_leaves_its_pass_free_at_once(pair):
    first, second = pair
    session = first.scan(**small_scan(SHOTS))["session_id"]
    first.until(lambda: len(first.photos(session)) >= 3, "a few photos are saved")
    announced = {photo["name"]: photo["sha256"] for photo in first.photos(session)}
    second.get(f"/api/sessions/{session}")
    first.kill()
    begin = time.monotonic()
    job = second.post(f"/api/sessions/{session}/passes/main/resume")
    second.until(lambda: len(second.photos(session)) > len(announced), "the second goes on")
    assert time.monotonic() - begin < 10.0
    second.until(lambda: second.job_state(job["id"]) == "completed", "it completes it", 60.0)
    progress = folded(first, session)
    assert sorted(progress.saved) == list(range(1, SHOTS + 1))
    assert announced.items() <= {photo.name: photo.sha256 for photo in progress.saved.values()}.items()
    check_files(first, session, progress)


def test_a_daemon_that_was_forced_out_says_so(pair):
    first, second = pair
    job = first.scan(**small_scan(SHOTS))
    session = job["session_id"]
    first.until(lambda: len(first.photos(session)) >= 3, "a few photos are saved")
    forced = second.post("/api/locks/release", {"session_id": session, "pass": "main", "reason": "it is my turn"})
    assert forced["pass"] == "main"  # noqa: S105 - of a session
    lost(first, job["id"])
    assert "it is my turn" in first.log
    assert any(entry["what"] == "lock_forced" for entry in second.get("/api/audit")["items"])
    complete_elsewhere(second, session, SHOTS)
    assert sorted(folded(first, session).saved) == list(range(1, SHOTS + 1))


def lost(daemon: Daemon, job: str) -> None:
    """Wait until a job has failed because its pass was taken."""
    daemon.until(lambda: daemon.job_state(job) == "failed", "the job of the forced-out daemon fails", 30.0)
    assert daemon.get(f"/api/jobs/{job}")["error"]["code"] == "lock_lost"
    assert "Traceback" not in daemon.log


def complete_elsewhere(daemon: Daemon, session: str, shots: int) -> None:
    """Let another daemon finish the pass."""
    job = daemon.post(f"/api/sessions/{session}/passes/main/resume")
    daemon.until(lambda: daemon.job_state(job["id"]) == "completed", "the winner completes the pass", 90.0)
    assert len(daemon.photos(session)) == shots


@pytest.mark.parametrize("number", range(sample(1, 20)))
def test_a_daemon_frozen_over_the_takeover_changes_nothing_when_it_wakes(pair, number, figures):
    """SIGSTOP at any moment of a scan, taken by force, SIGCONT while the winner works."""
    first, second = pair
    chance = random.Random(number)  # noqa: S311 - it only chooses
    job = first.scan(**small_scan(SHOTS))
    session = job["session_id"]
    seen = chance.randint(2, 8)
    with EventStream(first.port) as stream:
        assert stream.wait(lambda topic, data: topic == "photo_saved" and data["photo"]["shot"] == seen)
        time.sleep(chance.random() * 0.2)  # any moment of a shot: it is the moment that is being tested
        before, resumed = taken_while_frozen(first, second, session, seen)
        lost(first, job["id"])
        assert before.saved.items() <= folded(first, session).saved.items()
        second.until(lambda: second.job_state(resumed) == "completed", "the winner completes the pass", 90.0)
        announced = {data["photo"]["name"]: data["photo"]["sha256"] for data in stream.of("photo_saved")}
    assert len(announced) >= seen
    progress = folded(first, session)
    assert sorted(progress.saved) == list(range(1, SHOTS + 1))
    current = {photo.name: photo.sha256 for photo in progress.saved.values()}
    assert announced.items() <= current.items()
    check_files(first, session, progress)
    late = {path.name for path in (first.directory / "data/sessions" / session).rglob("*main*.jpg")} - current.keys()
    figures(f"frozen after {len(announced)} announced photos: {len(late)} of the loser's that nobody counts")


def taken_while_frozen(first: Daemon, second: Daemon, session: str, seen: int) -> tuple[PassProgress, str]:
    """Freeze the first, let the second force its pass and work on it, wake the first: what was there then, the job."""
    os.kill(first.process.pid, signal.SIGSTOP)
    try:
        second.post("/api/locks/release", {"session_id": session, "pass": "main", "reason": "it hangs"})
        job = second.post(f"/api/sessions/{session}/passes/main/resume")
        second.until(lambda: len(second.photos(session)) >= seen + 2, "the winner works")
        return folded(first, session), str(job["id"])
    finally:
        os.kill(first.process.pid, signal.SIGCONT)


@pytest.mark.parametrize("beat", [0.25])
def test_elsewhere_a_killed_owner_becomes_stale_after_a_while(tmp_path, beat):
    """For real, with seconds: an owner on what says it is another computer is killed; only its silence tells."""
    data = tmp_path / "data"
    session = asyncio.run(make_session(data, tmp_path / "maker"))
    command = [sys.executable, "-c", OWNER, str(data), str(tmp_path / "owner"), session, str(beat)]
    with subprocess.Popen(command, cwd=TOP, env=environment(), stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "holds\n"
        try:
            silent, waited = asyncio.run(take_when_stale(data, tmp_path / "taker", session, beat, owner))
        finally:
            owner.kill()
    assert silent >= 4 * beat  # seconds, rounded, since its last heartbeat was seen, which was before its death
    assert waited < 60.0
    assert newest_generation(data / "sessions" / session / "metadata/passes/main") == 2


async def make_session(data: Path, state: Path) -> str:
    """A session with one planned pass."""
    storage = await StorageManager.open(data_dir=data, state_dir=state, clock=SystemClock())
    try:
        handle = await storage.create_session(new_session(passes=(new_pass("main"),)))
        return handle.id
    finally:
        await storage.close()


async def take_when_stale(
    data: Path, state: Path, session: str, beat: float, owner: subprocess.Popen[str]
) -> tuple[float, float]:
    """Observe an owner that lives, kill it, and take its pass as soon as it may be; how long nothing had been seen of
    it by then, and seconds from its death.
    """
    sharing = Sharing(shared=True, stale_after=4 * beat, beat=beat)
    clock = SystemClock()
    storage = await StorageManager.open(
        data_dir=data, state_dir=state, clock=clock, host=Host.current(), sharing=sharing
    )
    watching = asyncio.create_task(storage.locks.watch())
    try:
        handle = await storage.handle(SessionId(session))
        begin = clock.monotonic()
        while clock.monotonic() - begin < 8 * beat:  # twice as long as its silence may be: it lives, it is not taken
            await refused(storage, handle)
            await clock.sleep(beat)
        owner.kill()
        death = clock.monotonic()
        await refused(storage, handle)
        while (lock := (await storage.locks.active())[0]).state == "alive":
            await clock.sleep(beat / 4)
        async with storage.open_pass(handle, MAIN, job_id=None, origin="cli") as writer:
            assert len(writer.remaining()) == len(writer.plan.shots)
        return lock.beats[0], clock.monotonic() - death
    finally:
        watching.cancel()
        await asyncio.wait([watching])
        await storage.close()


async def refused(storage: StorageManager, handle: Any) -> None:
    """Opening the pass is refused with the owner's name."""
    with pytest.raises(PassLockedError, match="web:ben works on this pass on turntable-2"):
        async with storage.open_pass(handle, MAIN, job_id=None, origin="cli"):
            pass
