"""What a test may leave behind: nothing. Counting of tasks, threads and file descriptors, with patience but no mercy.

Whatever ends by itself within ``PATIENCE`` was on its way out and is no leak.
"""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from collections import Counter
from pathlib import Path

PATIENCE = 2.0
DESCRIPTORS = Path("/proc/self/fd")
# Names of threads that libraries keep for the rest of the process once they are used.
LASTING_THREADS = ("pydevd", "ThreadPoolExecutor-pycolmap")


def threads() -> frozenset[threading.Thread]:
    """The threads alive now, without those that libraries keep for good."""
    return frozenset(t for t in threading.enumerate() if t.is_alive() and not t.name.startswith(LASTING_THREADS))


def descriptors() -> Counter[str]:
    """What the open descriptors point to: paths, ``socket:[inode]``, ``pipe:[inode]``; empty without /proc."""
    found: Counter[str] = Counter()
    if not DESCRIPTORS.exists():
        return found
    for name in os.listdir(DESCRIPTORS):  # noqa: PTH208 - iterating a Path would count its own descriptor by another name
        try:
            found[os.readlink(DESCRIPTORS / name)] += 1  # noqa: PTH115 - the targets are no paths
        except OSError:
            continue  # the descriptor of the listing itself
    return found


def leaked_threads(before: frozenset[threading.Thread]) -> list[str]:
    """Names of threads that came and did not go."""
    end = time.monotonic() + PATIENCE
    for thread in threads() - before:
        thread.join(max(0.0, end - time.monotonic()))
    return sorted(thread.name for thread in threads() - before)


def leaked_descriptors(before: Counter[str]) -> list[str]:
    """Targets of descriptors that were opened and not closed."""
    end = time.monotonic() + PATIENCE
    while left := descriptors() - before:
        if time.monotonic() > end:
            return sorted(left.elements())
        gc.collect()  # one held by a dead reference cycle is closed by this, and warned about by the interpreter
        time.sleep(0.01)
    return []


async def leaked_tasks(before: set[asyncio.Task[object]]) -> list[str]:
    """The tasks of this loop that came and did not go, each with the line it stands at."""
    left = {task for task in asyncio.all_tasks() - before if task is not asyncio.current_task()}
    if left:
        _, left = await asyncio.wait(left, timeout=PATIENCE)
    return sorted(_describe(task) for task in left)


def _describe(task: asyncio.Task[object]) -> str:
    stack = task.get_stack(limit=1)
    where = f" at {stack[0].f_code.co_filename}:{stack[0].f_lineno}" if stack else ""
    return f"{task.get_name()} ({task.get_coro()}){where}"
