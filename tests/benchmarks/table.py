"""Rows of the benchmark table, and the few measures all benchmarks use."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table: what was measured, of us and of the floor in the same run, against which target."""

    what: str
    ours: str
    floor: str = "-"
    ratio: str = "-"
    target: str
    met: bool


HEAD = "| what | ours | floor | ratio | target | |\n|---|---|---|---|---|---|"


def markdown(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table."""
    lines = [
        f"| {row.what} | {row.ours} | {row.floor} | {row.ratio} | {row.target} | {'met' if row.met else '**missed**'} |"
        for row in rows
    ]
    return "\n".join([HEAD, *lines])


def against(what: str, ours: float, floor: float, unit: str, *, limit: float, spare: float = 0.0) -> Row:
    """A row whose target is at most ``limit`` times the floor, or ``spare`` more than it, whichever is larger."""
    target = f"<= {limit:g}x" + (f" or + {spare:g} {unit}" if spare else "")
    return Row(
        what=what,
        ours=f"{ours:.3g} {unit}",
        floor=f"{floor:.3g} {unit}",
        ratio=f"{ours / floor:.2f}",
        target=target,
        met=ours <= max(floor * limit, floor + spare),
    )


def below(what: str, ours: float, unit: str, limit: float, *, floor: float | None = None) -> Row:
    """A row whose target is an absolute limit; the floor is told beside it."""
    return Row(
        what=what,
        ours=f"{ours:.3g} {unit}",
        floor="-" if floor is None else f"{floor:.3g} {unit}",
        ratio="-" if not floor else f"{ours / floor:.2f}",
        target=f"<= {limit:g} {unit}",
        met=ours <= limit,
    )


def median(values: Sequence[float]) -> float:
    """The middle value."""
    return statistics.median(values)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that ``share`` of all values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def processor_seconds(pid: int) -> float:
    """Time all threads of a process have been on a processor, to the nanosecond."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def resident_mib(pid: int) -> float:
    """Memory of a process that is in RAM and its own, MiB (proportional where shared)."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Rss:"):
            return int(line.split()[1]) / 1024
    return 0.0
