"""Several daemons on one data directory, as storage's tests build them: other hosts, clocks of their own, forcers."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from scanner.events import Event, LockChanged
from scanner.storage import Files, Host, Sharing, StorageManager
from tests.scanner.storage.support import StepClock
from tests.support.tree import TOP

HERE = Host.current()
SHARE = Sharing(shared=True, stale_after=300.0, beat=60.0)
LOCAL = Sharing(shared=False, stale_after=300.0, beat=60.0)

FORCER = """
import asyncio, sys, time
from pathlib import Path
from scanner.clock import SystemClock
from scanner.errors import ScannerError
from scanner.model import PassName, SessionId
from scanner.storage import Sharing, StorageManager

async def main(data, state, shared):
    storage = await StorageManager.open(
        data_dir=Path(data), state_dir=Path(state), clock=SystemClock(), sharing=Sharing(shared=shared == "True")
    )
    print("ready", flush=True)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        session_id, name, moment = line.split()
        await asyncio.sleep(max(0.0, float(moment) - time.monotonic()))
        try:
            info = await storage.locks.release(SessionId(session_id), PassName(name), origin=state, reason="a test")
            print("won", info.origin, flush=True)
        except ScannerError as error:
            print("lost", error.code, flush=True)
    await storage.close()

asyncio.run(main(*sys.argv[1:]))
"""


def other_host(name: str = "turntable-2", *, pid: int = 4_000_000, boot: str = "another boot", **more: object) -> Host:
    """Another computer, as its daemon would see itself."""
    values: dict[str, object] = {"name": name, "id": f"id of {name}", "boot_id": boot, "pid": pid, "process_start": 7}
    return Host(**(values | more))  # type: ignore[arg-type] - given by name


class HandClock(StepClock):
    """A clock whose monotonic time moves with ``pass_`` too, and that sleeps until it is moved."""

    def __init__(self, start: datetime | None = None) -> None:
        super().__init__(*(() if start is None else (0.007, start)))
        self._moved = asyncio.Event()
        self.asleep = asyncio.Event()
        self._ends: list[float] = []

    def pass_(self, seconds: float) -> None:
        """Let ``seconds`` pass; whoever sleeps wakes."""
        self._seconds += seconds
        self._moved.set()

    async def sleep(self, seconds: float) -> None:
        end = self._seconds + seconds
        self._ends.append(end)
        while self._seconds < end:
            self.asleep.set()
            self._moved.clear()
            await self._moved.wait()
        self._ends.remove(end)

    async def sleepers(self, number: int) -> None:
        """Wait until so many sleep on, as far as time has passed."""
        while sum(end > self._seconds for end in self._ends) < number:
            self.asleep.clear()
            await self.asleep.wait()


class Told:
    """What a manager announced."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    @property
    def locks(self) -> list[str]:
        """States of the locks, in order."""
        return [event.state for event in self.events if isinstance(event, LockChanged)]


class Swept(Files):
    """Another one sweeps away what is about to be published, the first time."""

    times = 0

    def link(self, source: Path, target: Path) -> None:
        self.times += 1
        if self.times == 1:
            source.unlink()
        super().link(source, target)


@asynccontextmanager
async def daemon(root: Path, name: str, **more: object) -> AsyncIterator[StorageManager]:
    """A manager with a state directory of its own, on the data directory that all below ``root`` share."""
    given: dict[str, object] = {"clock": StepClock(), "sharing": LOCAL} | more
    storage = await StorageManager.open(data_dir=root / "data", state_dir=root / name, **given)  # type: ignore[arg-type] - given by name
    try:
        yield storage
    finally:
        await storage.close()


class Forcer:
    """A process of its own that takes passes by force, on command."""

    def __init__(self, root: Path, number: int, *, shared: bool) -> None:
        command = [sys.executable, "-c", FORCER, str(root / "data"), str(root / f"forcer-{number}"), str(shared)]
        self.process = subprocess.Popen(command, cwd=TOP, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def answer(self) -> str:
        """Its next line."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def force(self, session_id: str, name: str, moment: float) -> None:
        """Tell it to force at this moment of the machine's monotonic clock."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{session_id} {name} {moment}\n")
        self.process.stdin.flush()

    def close(self) -> None:
        """Let it end."""
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()
        self.process.wait(20)
