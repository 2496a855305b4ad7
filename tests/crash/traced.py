"""``python -m tests.crash.traced DIRECTORY``: run every scenario below DIRECTORY and print its record: what ``strace``
should have seen between the makings of the directories ``begin`` and ``end``.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from tests.crash.cuts import prepare, run
from tests.crash.record import Op
from tests.crash.scenarios import SCENARIOS

OPENED = "open"  # of a file that is there: changes nothing
CALLS = {"pwrite": "write", "fsync_dir": "fsync"}


def as_line(op: Op) -> str:
    """An operation as :mod:`tests.crash.test_record` writes a system call."""
    name = CALLS.get(op.name, op.name)
    if name == "write":
        return f"write {op.path} {len(op.data)}"
    if name == "truncate":
        return f"truncate {op.path} {op.offset}"
    return f"{name} {op.path} {op.other}".rstrip()


async def main(root: Path) -> None:
    """Print a JSON object: the lines of each scenario by its name."""
    said: dict[str, list[str]] = {}
    for kind in SCENARIOS:
        place, scenario = await prepare(kind(), root / kind.__name__)
        (place.root / "begin").mkdir()
        recorder = await run(scenario, place)
        (place.root / "end").mkdir()
        said[kind.__name__] = [as_line(op) for op in recorder.operations if op.name != OPENED]
    print(json.dumps(said))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
