"""The index: made anew from the directories, against reading the same files; lists, search and statistics, start and
memory with very many sessions. All of it by the product itself, on directories that are really there.
"""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from itertools import cycle
from pathlib import Path
from typing import Any, Final

from scanner.clock import SystemClock
from scanner.memory import return_freed
from scanner.storage import HistoryQuery, SessionQuery, StorageManager
from tests.benchmarks.table import Row, against, below, median, percentile, resident_mib
from tests.support.many import OPERATORS, PRESETS, RIGS, make_sessions
from tests.support.tree import TOP

REBUILT: Final = 10_000
MANY: Final = 100_000
FEW: Final = 100
ROUNDS: Final = 3
WORDS: Final = (
    "vase",
    "b",
    "m",
    "museum",
    "blue vase",
    "golden",
    "1234",
    "inv 0042",
    "vitrine 7",
    "20",
    "202",
    "2024",
    "fragile",
)


def rebuild(directory: Path) -> list[Row]:
    """Make the index of 10,000 sessions anew, and read the same files, in turn; files in the page cache, then not."""
    data = directory / "data"
    make_sessions(data / "sessions", REBUILT)
    rows = []
    for what, prepare in (("warm", _nothing), ("cold", _drop_caches)):
        if prepare is _drop_caches and not _drop_caches():
            continue
        floor, ours = [], []
        for number in range(ROUNDS):
            prepare()
            floor.append(_seconds(lambda: _read(data / "sessions")))
            prepare()
            ours.append(asyncio.run(_rebuild(data, directory / f"state-{what}-{number}")))
        rows.append(
            against(f"index of {REBUILT} sessions made anew, {what} files", min(ours), min(floor), "s", limit=3.0)
        )
    return rows


def many(directory: Path) -> list[Row]:
    """100,000 sessions, and 100 beside them."""
    few, large = directory / "few", directory / "many"
    make_sessions(few / "data/sessions", FEW)
    make_sessions(large / "data/sessions", MANY)
    for place in (few, large):
        asyncio.run(_rebuild(place / "data", place / "state"))
    rows = asyncio.run(_questions(large))
    starts = [_started(large) for _ in range(ROUNDS)]
    small = [_started(few) for _ in range(ROUNDS)]
    rows.append(
        below(
            f"storage opened, {MANY} sessions, warm index",
            median([one[0] for one in starts]),
            "s",
            1.0,
            floor=median([one[0] for one in small]),
        )
    )
    rows.append(
        against(
            f"memory after the full check and questions, {MANY} sessions against {FEW}",
            median([one[1] for one in starts]),
            median([one[1] for one in small]),
            "MiB",
            limit=1.0,
            spare=5.0,
        )
    )
    return rows


@asynccontextmanager
async def _storage(data: Path, state: Path) -> AsyncIterator[StorageManager]:
    storage = await StorageManager.open(data_dir=data, state_dir=state, clock=SystemClock())
    try:
        yield storage
    finally:
        await storage.close()


async def _rebuild(data: Path, state: Path) -> float:
    async with _storage(data, state) as storage:
        begin = time.perf_counter()
        await storage.reconcile()
        return time.perf_counter() - begin


async def _questions(place: Path) -> list[Row]:
    async with _storage(place / "data", place / "state") as storage:
        rows = []
        for what, questions in _kinds(storage).items():
            seconds = []
            for question in [*questions, *questions]:
                begin = time.perf_counter()
                await question()
                seconds.append(time.perf_counter() - begin)
            rows.append(
                below(f"{what}, {MANY} sessions, p99 of {len(seconds)}", percentile(seconds, 0.99) * 1000, "ms", 20.0)
            )
        return rows


Question = Callable[[], Awaitable[object]]


def _kinds(storage: StorageManager) -> dict[str, list[Question]]:
    """What is asked, by kind; every question another one."""

    def sessions(**query: Any) -> Question:
        return lambda: storage.list_sessions(SessionQuery(**query))

    def passes(**query: Any) -> Question:
        return lambda: storage.history.passes(HistoryQuery(**query))

    def statistics(since: str | None, until: str | None) -> Question:
        return lambda: storage.history.statistics(since, until)

    sorts = ("newest", "oldest", "title", "size")
    states = (None, "incomplete", "completed", "paused", "cancelled")
    days = [
        (f"{year}-{month:02}-07", f"{year + 1}-{month:02}-21") for year in range(2021, 2026) for month in (2, 7, 11)
    ]
    return {
        "list": [sessions(sort=sort, status=status) for sort in sorts for status in states],
        "filter": [sessions(operator=operator, tag="museum", sort=sort) for operator in OPERATORS for sort in sorts],
        "search": [sessions(q=word, sort=sort) for word in WORDS for sort in sorts],
        "history": [
            *(passes(q=word) for word in WORDS),
            *(passes(rig=rig, preset=preset) for rig, preset in zip(cycle(RIGS), PRESETS, strict=False)),
            *(
                passes(state=state, since=since, until=until)
                for state, (since, until) in zip(cycle(states), days, strict=False)
            ),
        ],
        "statistics": [statistics(None, None), *(statistics(since, until) for since, until in days)],
    }


def _started(place: Path) -> tuple[float, float]:
    """Seconds until storage is open, and MiB after it has checked everything and answered; in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.indexing", str(place)]
    answer = subprocess.run(command, cwd=TOP, check=True, capture_output=True, text=True).stdout.split()
    return float(answer[0]), float(answer[1])


async def _measure(place: Path) -> None:
    return_freed()  # as the daemon does
    begin = time.perf_counter()
    async with _storage(place / "data", place / "state") as storage:
        opened = time.perf_counter() - begin
        await storage.reconcile()
        for questions in _kinds(storage).values():
            for question in questions:
                await question()
        gc.collect()
        print(opened, resident_mib(os.getpid()))


def _read(sessions: Path) -> None:
    """The files that the index is made from, found as it finds them: which journals a pass has, and which checkpoints
    a session, only their directories tell.
    """
    for session in sorted(path for path in sessions.iterdir()):
        (session / "metadata/session.json").read_bytes()
        for place in (session / "metadata/passes").iterdir():
            for path in place.iterdir():
                if path.name == "pass.json" or path.name.startswith("journal"):
                    path.read_bytes()
        with suppress(FileNotFoundError):
            tuple((session / "metadata/checkpoints").iterdir())


def _seconds(work: Callable[[], None]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def _nothing() -> None:
    """Leave the page cache as it is."""


def _drop_caches() -> bool:
    """Forget what the machine has read; False where that is not allowed."""
    os.sync()
    try:
        Path("/proc/sys/vm/drop_caches").write_text("3")
    except OSError:
        return False
    return True


if __name__ == "__main__":
    asyncio.run(_measure(Path(sys.argv[1])))
