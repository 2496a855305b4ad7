"""What passes amount to, kept in the index in step with them: by day and month, in all and by rig, preset and operator;
and the sizes of photos by camera.

A change takes the shares of a session's passes out and puts the new ones in; only what differs is written. A pass
counts on the UTC day on which it began, its session where the first of its passes began.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from scanner.storage.index.rows import milliseconds, sizes_from
from scanner.storage.journal.plain import Size

FIGURES: Final = ("sessions", "passes", "completed", "photos", "bytes", "worked_ms", "retakes", "failures")
KINDS: Final = ("all", "rig", "operator", "preset")
_UTC: Final = re.compile(r"\d{4}-\d\d-\d\dT.*Z", re.ASCII)
_SUMS: Final = ", ".join(f"{name} = {name} + excluded.{name}" for name in FIGURES)
_INTO_TALLIES: Final = (
    "INSERT INTO tallies VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - our own constants
    f" ON CONFLICT (span, period, kind, key) DO UPDATE SET {_SUMS}"
)
_INTO_SIZES: Final = (
    "INSERT INTO photo_sizes VALUES (?, ?, ?, ?, ?) ON CONFLICT (camera, width, height)"
    " DO UPDATE SET photos = photos + excluded.photos, bytes = bytes + excluded.bytes"
)
_PASSES: Final = (
    "SELECT passes.state, started_at, saved, passes.bytes, duration_s, retaken, failures, rig, created_from, operator,"
    " sizes FROM passes JOIN sessions ON sessions.number = session WHERE session = ? ORDER BY place, name"
)


class Share(NamedTuple):
    """What of a pass is counted."""

    state: str
    started_at: str | None
    photos: int
    bytes: int
    worked_s: float
    retakes: int
    failures: int
    rig: str
    preset: str | None
    operator: str
    sizes: tuple[Size, ...]


class Tallies:
    """Differences to be written, once for many passes."""

    def __init__(self) -> None:
        self._figures: dict[tuple[str, str, str, str], list[int]] = {}  # by day, rig, operator, preset
        self._sizes: dict[tuple[str, int, int], list[int]] = {}

    def add(self, shares: Sequence[Share], sign: int = 1) -> None:
        """Count the passes of one session in, or out (``sign`` -1)."""
        begun = [share for share in shares if share.started_at is not None]
        first = min(begun, key=_began, default=None)
        for share in begun:
            key = (_day(_began(share)), share.rig, share.operator, share.preset or "")
            _sum(self._figures.setdefault(key, [0] * len(FIGURES)), _figures(share, first=share is first), sign)
        for share in shares:
            for camera, width, height, photos, size in share.sizes:
                _sum(self._sizes.setdefault((camera, width, height), [0, 0]), (photos, size), sign)

    def write(self, connection: sqlite3.Connection) -> None:
        """Write what differs. Errors: sqlite3.Error."""
        rows = [(*key, *values) for key, values in self._rows().items() if any(values)]
        connection.executemany(_INTO_TALLIES, rows)
        sizes = [(*key, *values) for key, values in self._sizes.items() if any(values)]
        connection.executemany(_INTO_SIZES, sizes)

    def _rows(self) -> dict[tuple[str, str, str, str], list[int]]:
        """By span, period, kind and key."""
        rows: dict[tuple[str, str, str, str], list[int]] = {}
        for (day, *values), figures in self._figures.items():
            for span, period in (("day", day), ("month", day[:7])):
                for kind, key in zip(KINDS, ("", *values), strict=True):
                    _sum(rows.setdefault((span, period, kind, key), [0] * len(FIGURES)), figures)
        return rows


def stored_shares(connection: sqlite3.Connection, session: int) -> list[Share]:
    """What of a session's passes is counted now. Errors: sqlite3.Error."""
    return [Share._make((*row[:-1], sizes_from(row[-1]))) for row in connection.execute(_PASSES, (session,))]


def _began(share: Share) -> str:
    return share.started_at or ""


def _day(at: str) -> str:
    if _UTC.fullmatch(at):
        return at[:10]
    moment = datetime.fromtimestamp(milliseconds(at) / 1000, UTC)
    return moment.date().isoformat()


def _figures(share: Share, *, first: bool) -> tuple[int, ...]:
    """In the order of :data:`FIGURES`."""
    return (
        int(first),
        1,
        int(share.state == "completed"),
        share.photos,
        share.bytes,
        round(share.worked_s * 1000),
        share.retakes,
        share.failures,
    )


def _sum(into: list[int], values: Sequence[int], sign: int = 1) -> None:
    into[:] = [have + sign * value for have, value in zip(into, values, strict=True)]
