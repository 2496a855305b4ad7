"""Two daemons on one data directory, in any order of events, against a model of a few lines.

The model knows sessions, passes, shots, checkpoints, the trash, and who works on what. After a crash (the process is
gone at once) and after a power cut (of what was not durable anything may be lost) it stays as it is, but for passes
that were at work: those are interrupted. Only what was not announced may differ, and nothing of that is visible.
"""

from __future__ import annotations

import asyncio
import copy
import errno
import hashlib
import os
import random
import shutil
import tempfile
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from scanner.errors import LockLostError, PassCompletedError, PassLockedError, ScannerError, SessionBusyError
from scanner.model import PassName, SessionId
from scanner.states import PassState, pass_may_become
from scanner.storage import Files, PassWriter, SessionChanges, SessionHandle, SessionQuery, StorageManager, Submission
from tests.crash.disk import Disk
from tests.crash.plain import read_tree, write_tree
from tests.crash.record import Recorder
from tests.scanner.storage.support import (
    JOB,
    LOCKED,
    MAIN,
    PRESSED,
    RIG,
    FailingFiles,
    Place,
    StepClock,
    new_pass,
    new_session,
    save,
)
from tests.support.memory import MEMORY

MANY = 100  # trees from which a power cut chooses
ANY = st.integers(0, 1 << 16)  # which of the things there are
Key = tuple[SessionId, PassName]
Answer = TypeVar("Answer")


@dataclass
class Pass:
    """A pass as the model has it. ``saved``: name of the photo by shot."""

    shots: int
    state: PassState = PassState.PLANNED
    saved: dict[int, str] = field(default_factory=dict)
    skipped: set[int] = field(default_factory=set)

    def told(self) -> tuple[object, ...]:
        """What everybody is told of it."""
        return self.state, self.shots, self.saved, len(self.skipped)


@dataclass
class Session:
    """A session as the model has it. ``marks``: its passes at every checkpoint. ``lost``: photos whose files went."""

    title: str
    passes: dict[PassName, Pass] = field(default_factory=dict)
    marks: dict[str, dict[PassName, Pass]] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)

    def restore(self, name: str) -> None:
        """Go to a checkpoint; photos that are lost stay so."""
        mark = self.marks[name]
        for key, now in self.passes.items():
            then = mark.get(key, Pass(now.shots))
            saved = {shot: photo for shot, photo in then.saved.items() if photo not in self.lost}
            whole = len(saved) == len(then.saved) and then.state is not PassState.RUNNING
            state = then.state if whole else PassState.PAUSED
            self.passes[key] = Pass(now.shots, state, saved, set(then.skipped))


class Mortal(Files):
    """The operations of one daemon: they reach the disk until it is ``dead``."""

    def __init__(self, below: Files) -> None:
        self._below = below
        self.dead = False

    def close(self, descriptor: int) -> None:
        self._below.close(descriptor)


def _mortal(operation: str) -> Callable[..., object]:
    def method(self: Mortal, *args: object) -> object:
        if self.dead:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return getattr(self._below, operation)(*args)

    return method


for _operation in FailingFiles.OPERATIONS:
    setattr(Mortal, _operation, _mortal(_operation))


@dataclass
class Work:
    """An open pass and the daemon that has it."""

    daemon: int
    writer: PassWriter
    stack: AsyncExitStack


@dataclass
class Daemon:
    """A daemon that may be up or down."""

    place: Place
    storage: StorageManager | None = None
    files: Mortal | None = None

    def databases(self) -> dict[str, bytes]:
        """What a crash leaves of them."""
        found = {}
        for name in ("index.db", "index.db-wal", "jobs.db", "jobs.db-wal"):
            with suppress(FileNotFoundError):
                found[name] = (self.place.state / name).read_bytes()
        return found


class Machine(RuleBasedStateMachine):
    """The rules. ``crash`` and ``power_cut`` break off nothing that was begun: :mod:`tests.crash` does."""

    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.directory = tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None, prefix="scanner-test-")
        root = Path(self.directory.name)
        clock = StepClock()
        self.data = root / "data"
        (self.data / "sessions").mkdir(parents=True)
        self.daemons = [Daemon(Place(root, clock, own)) for own in ("one", "two")]
        self.sessions: dict[SessionId, Session] = {}
        self.trash: dict[SessionId, Session] = {}
        self.work: dict[Key, Work] = {}
        self.made = 0
        self.watch()

    def watch(self) -> None:
        """Everything that is on the disk now is durable."""
        self.recorder = Recorder(self.data)
        self.disk = Disk(read_tree(self.data))

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run it on the loop of this run."""
        Machine.steps += 1
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        try:
            for number in range(len(self.daemons)):
                self.do(self._down(number))
            self.loop.run_until_complete(self.loop.shutdown_default_executor())
        finally:
            self.loop.close()
            self.directory.cleanup()

    # What there is to choose from

    def up(self, pick: int) -> int:
        """A daemon that is up."""
        there = [number for number, daemon in enumerate(self.daemons) if daemon.storage]
        return there[pick % len(there)]

    def storage(self, number: int) -> StorageManager:
        storage = self.daemons[number].storage
        assert storage is not None
        return storage

    def session(self, pick: int) -> tuple[SessionId, Session]:
        return list(self.sessions.items())[pick % len(self.sessions)]

    def some_pass(self, pick: int) -> tuple[Key, Pass]:
        there = [((sid, name), one) for sid, session in self.sessions.items() for name, one in session.passes.items()]
        return there[pick % len(there)]

    def some_work(self, pick: int) -> tuple[Key, Pass, PassWriter]:
        key = list(self.work)[pick % len(self.work)]
        return key, self.pass_(key), self.work[key].writer

    def pass_(self, key: Key) -> Pass:
        return self.sessions[key[0]].passes[key[1]]

    def handle(self, session_id: SessionId) -> SessionHandle:
        return SessionHandle(session_id, self.sessions[session_id].title, created=False)

    any_up = precondition(lambda self: any(daemon.storage for daemon in self.daemons))
    any_session = precondition(lambda self: self.sessions and any(daemon.storage for daemon in self.daemons))
    any_work = precondition(lambda self: self.work)

    # Daemons come and go

    @initialize()
    def begin(self) -> None:
        for number in range(len(self.daemons)):
            self.do(self._start(number))

    async def _start(self, number: int) -> None:
        daemon = self.daemons[number]
        if daemon.storage is None:
            daemon.files = Mortal(self.recorder)
            daemon.storage = await StorageManager.open(
                data_dir=self.data, state_dir=daemon.place.state, clock=daemon.place.clock, files=daemon.files
            )

    async def _down(self, number: int) -> None:
        """Let go of the passes, then of everything."""
        daemon = self.daemons[number]
        if daemon.storage is None:
            return
        for key, work in [(key, work) for key, work in self.work.items() if work.daemon == number]:
            await work.stack.aclose()
            del self.work[key]
            self.interrupted(key)
        await daemon.storage.close()
        daemon.storage = None

    def interrupted(self, key: Key) -> None:
        """A pass that was at work is paused now."""
        one = self.pass_(key)
        if one.state is PassState.RUNNING:
            one.state = PassState.PAUSED

    @rule(pick=ANY)
    def start(self, pick: int) -> None:
        self.do(self._start(pick % 2))

    @any_up
    @rule(pick=ANY)
    def stop(self, pick: int) -> None:
        self.do(self._down(self.up(pick)))

    @any_up
    @rule(pick=ANY, lost=st.booleans())
    def crash(self, pick: int, *, lost: bool) -> None:
        self.do(self._crash(self.up(pick), lost=lost))
        self.do(self._recover())

    async def _crash(self, number: int, *, lost: bool) -> None:
        """The process is gone at once. ``lost``: so is its index."""
        daemon = self.daemons[number]
        if daemon.storage is None:
            return
        assert daemon.files is not None
        daemon.files.dead = True
        left = daemon.databases()
        await self._down(number)
        for path in daemon.place.state.glob("*.db*"):
            path.unlink()
        for name, data in left.items():
            if not (lost and name.startswith("index")):
                (daemon.place.state / name).write_bytes(data)

    async def _recover(self) -> None:
        """Somebody brings what the crashed one left into order."""
        for number in range(len(self.daemons)):
            await self._start(number)
            await self.storage(number).reconcile()

    @any_up
    @rule(seed=ANY, lost=st.booleans())
    def power_cut(self, seed: int, *, lost: bool) -> None:
        for op in self.recorder.operations:
            self.disk.apply(op)
        trees = list(self.disk.left(MANY, random.Random(seed)))  # noqa: S311 - no secret
        for number in range(len(self.daemons)):
            self.do(self._crash(number, lost=lost))
        shutil.rmtree(self.data)
        write_tree(trees[seed % len(trees)], self.data)
        self.watch()
        self.do(self._recover())

    # Sessions and passes

    @any_up
    @rule(pick=ANY, shots=st.integers(1, 4))
    def create(self, pick: int, shots: int) -> None:
        number = self.up(pick)
        self.made += 1
        title = f"Thing {self.made}"
        new = new_session(title, passes=(new_pass("upright", shots),), submission=Submission(title, "d"))
        handle = self.do(self.storage(number).create_session(new))
        assert handle.created
        assert handle.id not in self.sessions
        again = self.do(self.storage(number).create_session(new))
        assert (again.id, again.created) == (handle.id, False)
        self.sessions[handle.id] = Session(title, {PassName("upright"): Pass(shots)})

    @any_session
    @rule(pick=ANY, which=ANY, shots=st.integers(1, 3))
    def add_pass(self, pick: int, which: int, shots: int) -> None:
        session_id, session = self.session(which)
        name = f"pass-{len(session.passes)}"
        self.do(self.storage(self.up(pick)).add_pass(session_id, new_pass(name, shots), rig=RIG))
        session.passes[PassName(name)] = Pass(shots)

    @any_session
    @rule(pick=ANY, which=ANY)
    def open(self, pick: int, which: int) -> None:
        number, (key, one) = self.up(pick), self.some_pass(which)
        expected = self.refusal(key, one)
        error = self.do(self._open(number, key))
        assert (error is None) == (expected is None), error
        assert expected is None or isinstance(error, expected), error

    def refusal(self, key: Key, one: Pass) -> type[ScannerError] | None:
        """Why a pass cannot be opened."""
        if key in self.work:
            return PassLockedError
        return PassCompletedError if one.state is PassState.COMPLETED else None

    async def _open(self, number: int, key: Key) -> ScannerError | None:
        stack = AsyncExitStack()
        opening = self.storage(number).open_pass(self.handle(key[0]), key[1], job_id=JOB, origin=f"daemon {number}")
        try:
            writer = await stack.enter_async_context(opening)
        except ScannerError as error:
            return error
        self.work[key] = Work(number, writer, stack)
        return None

    @any_work
    @rule(which=ANY)
    def close(self, which: int) -> None:
        key, _, _ = self.some_work(which)
        self.do(self.work.pop(key).stack.aclose())
        self.interrupted(key)

    # Work on a pass

    def become(self, which: int, state: PassState, act: Callable[[PassWriter], Coroutine[Any, Any, None]]) -> None:
        """Change the state of an open pass, or be refused."""
        _, one, writer = self.some_work(which)
        allowed = pass_may_become(one.state, state) or (state is one.state is PassState.PAUSED)
        error = self.do(refused(act(writer)))
        assert (error is None) == allowed, (one, state, error)
        if allowed:
            one.state = state

    @any_work
    @rule(which=ANY)
    def begin_work(self, which: int) -> None:
        self.become(which, PassState.RUNNING, lambda writer: writer.start({MAIN: LOCKED}))

    @any_work
    @rule(which=ANY, count=st.integers(1, 4))
    def take(self, which: int, count: int) -> None:
        key, one, writer = self.some_work(which)
        left = [shot for shot in range(1, one.shots + 1) if shot not in one.saved and shot not in one.skipped]
        assert [shot.index for shot in writer.remaining()] == left, key
        for shot in writer.remaining()[:count]:
            if one.state is PassState.RUNNING:
                one.saved[shot.index] = self.do(save(writer, shot)).name

    @any_work
    @rule(which=ANY)
    def skip(self, which: int) -> None:
        _, one, writer = self.some_work(which)
        for shot in writer.remaining()[:1]:
            self.do(writer.skip(shot, "in the way"))
            one.skipped.add(shot.index)

    @any_work
    @rule(which=ANY)
    def pause(self, which: int) -> None:
        self.become(which, PassState.PAUSED, lambda writer: writer.pause(PRESSED))

    @any_work
    @rule(which=ANY, how=st.sampled_from(["finish", "cancel", "fail"]))
    def end(self, which: int, how: str) -> None:
        state = {"finish": PassState.COMPLETED, "cancel": PassState.CANCELLED, "fail": PassState.FAILED}[how]
        words = ("camera_fault", "broken") if how == "fail" else ("enough",)
        self.become(which, state, lambda writer: getattr(writer, how)(*words))

    # Sessions' life

    @any_session
    @rule(pick=ANY, which=ANY)
    def edit(self, pick: int, which: int) -> None:
        session_id, session = self.session(which)
        self.made += 1
        session.title = f"Thing {self.made}"
        changed = self.do(self.storage(self.up(pick)).edit(session_id, SessionChanges(title=session.title)))
        assert changed.title == session.title

    @any_session
    @rule(pick=ANY, which=ANY)
    def mark(self, pick: int, which: int) -> None:
        session_id, session = self.session(which)
        self.made += 1
        name = f"mark-{self.made}"
        self.do(self.storage(self.up(pick)).checkpoints.save(session_id, name, origin="cli"))
        session.marks[name] = copy.deepcopy(session.passes)

    @any_session
    @rule(pick=ANY, which=ANY, mark=ANY)
    def restore(self, pick: int, which: int, mark: int) -> None:
        session_id, session = self.session(which)
        if not session.marks:
            return
        name = list(session.marks)[mark % len(session.marks)]
        restoring = self.storage(self.up(pick)).checkpoints.restore(session_id, name, origin="cli")
        before = self.unless_busy(session_id, restoring)
        if before is not None:
            session.marks[before.name] = copy.deepcopy(session.passes)
            session.restore(name)

    @any_session
    @rule(pick=ANY, which=ANY)
    def delete(self, pick: int, which: int) -> None:
        session_id, session = self.session(which)
        deleting = self.storage(self.up(pick)).trash.delete(session_id, origin="cli")
        if self.unless_busy(session_id, deleting) is not None:
            self.trash[session_id] = session
            del self.sessions[session_id]

    @any_up
    @precondition(lambda self: self.trash)
    @rule(pick=ANY, which=ANY)
    def undelete(self, pick: int, which: int) -> None:
        session_id = list(self.trash)[which % len(self.trash)]
        handle = self.do(self.storage(self.up(pick)).trash.undelete(session_id, origin="cli"))
        assert handle.title == self.trash[session_id].title
        self.sessions[session_id] = self.trash.pop(session_id)

    @any_up
    @precondition(lambda self: self.trash)
    @rule(pick=ANY)
    def purge(self, pick: int) -> None:
        gone = self.do(self.storage(self.up(pick)).trash.purge(None))
        assert {entry.session_id for entry in gone} == self.trash.keys()
        self.trash.clear()

    @any_session
    @rule(pick=ANY, which=ANY)
    def damage(self, pick: int, which: int) -> None:
        """Somebody removes the file of a photo by hand; verifying finds it."""
        key, one = self.some_pass(which)
        if not one.saved or any(busy[0] == key[0] for busy in self.work):
            return
        shot, name = next(iter(one.saved.items()))
        images = self.data / "sessions" / key[0] / "images" / key[1]
        self.recorder.unlink(images / name)
        self.recorder.fsync_dir(images)
        found = self.do(self.storage(self.up(pick)).verify(key[0]))
        assert name in found.missing
        assert ({*found.missing} - {name} <= self.sessions[key[0]].lost, found.damaged) == (True, ())
        del one.saved[shot]
        self.sessions[key[0]].lost.add(name)
        if one.state is PassState.COMPLETED:
            one.state = PassState.PAUSED

    @any_work
    @rule(pick=ANY, which=ANY)
    def force(self, pick: int, which: int) -> None:
        """Somebody takes a pass from another daemon, which then can do nothing more with it."""
        key, _, writer = self.some_work(which)
        number = self.up(pick)
        locks = self.storage(number).locks
        error = self.do(refused(locks.release(*key, origin="cli", reason="it hangs")))
        if self.work[key].daemon == number:
            assert isinstance(error, SessionBusyError), error
            return
        assert error is None, error
        assert isinstance(self.do(refused(writer.pause(PRESSED))), LockLostError)
        self.do(self.work.pop(key).stack.aclose())
        self.interrupted(key)

    def unless_busy(self, session_id: SessionId, work: Coroutine[Any, Any, Answer]) -> Answer | None:
        """What ``work`` answers; None where somebody works on the session, so that it is refused."""
        if not any(key[0] == session_id for key in self.work):
            return self.do(work)
        assert isinstance(self.do(refused(work)), PassLockedError)
        return None

    # What everybody sees

    @any_up
    @rule(pick=ANY)
    def look(self, pick: int) -> None:
        self.do(self._look(self.storage(self.up(pick))))

    async def _look(self, storage: StorageManager) -> None:
        await storage.reconcile()
        page = await storage.list_sessions(SessionQuery(limit=200))
        assert {item.id: item.title for item in page.items} == {sid: one.title for sid, one in self.sessions.items()}
        thrown = {entry.session_id: entry.title for entry in await storage.trash.list()}
        assert thrown == {sid: one.title for sid, one in self.trash.items()}
        for item in page.items:
            session = self.sessions[item.id]
            assert item.damage == ()
            photos = await storage.photos(item.id)
            told = {
                info.name: (
                    info.state,
                    info.shots,
                    {photo.shot: photo.name for photo in photos if photo.pass_ == info.name},
                    info.skipped,
                )
                for info in item.passes
            }
            assert told == {name: one.told() for name, one in session.passes.items()}
            assert [info.name for info in await storage.checkpoints.list(item.id)] == list(session.marks)
            for photo in photos:
                path = await storage.photo_file(item.id, photo.name)
                assert hashlib.sha256(path.read_bytes()).hexdigest() == photo.sha256


async def refused(work: Coroutine[Any, Any, Any]) -> ScannerError | None:
    """Why it was refused, or None where it was done."""
    try:
        await work
    except ScannerError as error:
        return error
    return None
