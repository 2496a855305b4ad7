"""``python -m tests.benchmarks [NAME ...]``: measure, each against a floor measured in the same run; print a table.

Without names: everything, about twenty minutes on an idle machine, with 5 GB of room for 100,000 sessions. Nothing else
should run meanwhile.
"""

from __future__ import annotations

import argparse
import platform
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks import answering, indexing, page, saving, scanning, starting
from tests.benchmarks.table import Row, markdown

SUBJECTS: dict[str, Callable[[Path], list[Row]]] = {
    "start": starting.start,
    "state": answering.state,
    "saving": saving.saving,
    "scan": scanning.wall_time,
    "events": answering.events,
    "stop": starting.stop,
    "cli": starting.command_line,
    "page": page.weight,
    "index": indexing.rebuild,
    "many": indexing.many,
}


def main(arguments: list[str]) -> int:
    """Measure what is named; 0 if every target is met."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__.partition("\n\n")[0])
    parser.add_argument("names", nargs="*", choices=[*SUBJECTS, []], metavar="NAME", help=", ".join(SUBJECTS))
    parser.add_argument("--dir", type=Path, help="where to write (default: the system's temporary directory)")
    chosen = parser.parse_args(arguments)
    rows: list[Row] = []
    for name in chosen.names or SUBJECTS:
        print(f"{name} ...", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix="scanner-bench-", dir=chosen.dir) as directory:
            rows += SUBJECTS[name](Path(directory))
    print(f"{platform.machine()}, Python {platform.python_version()}\n")
    print(markdown(rows))
    return 0 if all(row.met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
