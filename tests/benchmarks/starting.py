"""Start to first answer, memory and processor time at rest, how fast it stops, how fast the command line starts."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path

from tests.benchmarks.load import Listeners
from tests.benchmarks.servers import bare, daemon, without_rig
from tests.benchmarks.table import Row, against, below, median, processor_seconds, resident_mib
from tests.support.daemon import Daemon, environment
from tests.support.tree import TOP

STARTS = 7
REST = 20.0  # seconds of doing nothing
STREAMS = 200
COMMAND = "import sys; from scanner.cli import command; sys.exit(command())"  # what the installed script does


def start(directory: Path) -> list[Row]:
    """Start to first 200, with and without the twin; memory; processor time at rest. Interleaved start by start."""
    floor, empty, twin = [], [], []
    for number in range(STARTS):
        with bare() as server:
            floor.append(server.started_in)
        with without_rig(directory / f"empty-{number}") as server:
            empty.append(server.started_in)
        with daemon(directory / f"twin-{number}") as ours:
            twin.append(ours.started_in)
    rows = [
        against("start to first 200, without a rig", median(empty), median(floor), "s", limit=2.0),
        below("start to first 200, with the twin", median(twin), "s", 1.2, floor=median(floor)),
    ]
    return rows + rest(directory)


def rest(directory: Path) -> list[Row]:
    """Memory and processor time of daemons that nobody uses."""
    with bare() as floor, without_rig(directory / "rest") as empty, daemon(directory / "rest-twin") as twin:
        time.sleep(3.0)  # whatever goes on behind the first answer is over
        pids = {"floor": floor.pid, "empty": empty.pid, "twin": twin.process.pid}
        before = {name: processor_seconds(pid) for name, pid in pids.items()}
        time.sleep(REST)
        share = {name: (processor_seconds(pid) - before[name]) / REST * 100 for name, pid in pids.items()}
        memory = {name: resident_mib(pid) for name, pid in pids.items()}
    return [
        against("idle RSS, without a rig", memory["empty"], memory["floor"], "MiB", limit=1.0, spare=12.0),
        Row(
            what="idle RSS, with the twin",
            ours=f"{memory['twin']:.3g} MiB",
            floor=f"{memory['floor']:.3g} MiB",
            ratio=f"{memory['twin'] / memory['floor']:.2f}",
            target="-",
            met=True,
        ),
        below("idle CPU, without a rig", share["empty"], "%", 0.1, floor=share["floor"]),
        below("idle CPU, with the twin", share["twin"], "%", 0.1, floor=share["floor"]),
    ]


def stop(directory: Path) -> list[Row]:
    """SIGTERM with many event streams open: until the process has ended, at rest and in mid-scan."""
    seconds = [asyncio.run(_stop(daemon(directory / f"stop-{busy}"), busy=busy)) for busy in (False, True)]
    return [
        below(f"stop with {STREAMS} streams open", seconds[0], "s", 1.0),
        below(f"stop in mid-scan with {STREAMS} streams open", seconds[1], "s", 5.0),
    ]


async def _stop(ours: Daemon, *, busy: bool) -> float:
    with ours:
        if busy:
            ours.scan(title="Stone")
        listeners = Listeners(ours.port, "/api/events")
        await listeners.add(STREAMS)
        status, seconds = await asyncio.to_thread(ours.stop)
        await listeners.close()
        assert status == 0, ours.log[-2000:]
        return seconds


def command_line(directory: Path) -> list[Row]:
    """``scanner status`` against a running daemon, and ``python -c pass``, in turn."""
    with daemon(directory / "cli") as ours:
        sockets = [str(path) for path in ours.directory.rglob("*.sock")]
        assert sockets, "the demo has no socket below its directory"
        env = environment(measured=False) | {"SCANNER_SOCKET": sockets[0]}
        ask, nothing = [], []
        for _ in range(25):
            ask.append(_seconds([sys.executable, "-c", COMMAND, "status"], env))
            nothing.append(_seconds([sys.executable, "-c", "pass"], env))
    return [below("`scanner status`", median(ask), "s", 0.15, floor=median(nothing))]


def _seconds(command: list[str], env: dict[str, str]) -> float:
    begin = time.monotonic()
    subprocess.run(command, cwd=TOP, env=env, check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    return time.monotonic() - begin
