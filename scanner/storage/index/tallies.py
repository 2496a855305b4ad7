"""What passes amount to, kept in the index in step with them: by day and month, in all and by rig, preset and operator;
and the sizes of photos by camera.

A change takes the shares of a session's passes out and puts the new ones in; only what differs is written. A pass
counts on the UTC day on which it began, its session where the first of its passes began. One of which nobody knows
when it began, as of old sessions without any date, counts in all and in no day: its period is empty.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from operator import add, itemgetter
from typing import Final, NamedTuple

from scanner.storage.disk.database import insert
from scanner.storage.index.rows import milliseconds, sizes_from
from scanner.storage.journal.plain import Size

FIGURES: Final = ("sessions", "passes", "completed", "photos", "bytes", "worked_ms", "retakes", "failures")
KINDS: Final = ("all", "rig", "operator", "preset")
UNKNOWN: Final = ""  # the period of passes of which nobody knows when they began; before all others
_EPOCH: Final = "1970-01-01"  # its first moment is what documents of old sessions without any date tell
_UTC: Final = re.compile(r"\d{4}-\d\d-\d\dT.*Z", re.ASCII)
_SUMS: Final = ", ".join(f"{name} = {name} + excluded.{name}" for name in FIGURES)
_ADD_TALLIES: Final = f"ON CONFLICT (span, period, kind, key) DO UPDATE SET {_SUMS}"
_ADD_SIZES: Final = (
    "ON CONFLICT (camera, width, height) DO UPDATE SET"
    " photos = photos + excluded.photos, bytes = bytes + excluded.bytes"
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
        self._figures: dict[tuple[str, str, str, str], tuple[int, ...]] = {}  # by day, rig, operator, preset
        self._sizes: dict[tuple[str, int, int], tuple[int, ...]] = {}

    def add(self, shares: Sequence[Share], sign: int = 1) -> None:
        """Count the passes of one session in, or out (``sign`` -1)."""
        begun = [(began, share) for share in shares if (began := share.started_at) is not None]
        _, first = min(begun, key=itemgetter(0), default=("", None))
        for began, share in begun:
            key = (_day(began), share.rig, share.operator, share.preset or "")
            figures = _figures(share, sign, first=share is first)
            self._figures[key] = _sum(self._figures.get(key), figures)
        for share in shares:
            for camera, width, height, photos, size in share.sizes:
                kind = (camera, width, height)
                self._sizes[kind] = _sum(self._sizes.get(kind), (sign * photos, sign * size))

    def write(self, connection: sqlite3.Connection) -> None:
        """Write what differs. Errors: sqlite3.Error."""
        rows = [(*key, *values) for key, values in self._rows().items() if any(values)]
        insert(connection, "tallies", rows, _ADD_TALLIES)
        sizes = [(*key, *values) for key, values in self._sizes.items() if any(values)]
        insert(connection, "photo_sizes", sizes, _ADD_SIZES)

    def _rows(self) -> dict[tuple[str, str, str, str], tuple[int, ...]]:
        """By span, period, kind and key."""
        rows: dict[tuple[str, str, str, str], tuple[int, ...]] = {}
        for (day, *values), figures in self._figures.items():
            for span, period in (("day", day), ("month", day[:7])):
                for kind, key in zip(KINDS, ("", *values), strict=True):
                    row = (span, period, kind, key)
                    rows[row] = _sum(rows.get(row), figures)
        return rows


def stored_shares(connection: sqlite3.Connection, session: int) -> list[Share]:
    """What of a session's passes is counted now. Errors: sqlite3.Error."""
    return [Share._make((*row[:-1], sizes_from(row[-1]))) for row in connection.execute(_PASSES, (session,))]


def _day(at: str) -> str:
    if _UTC.fullmatch(at) and not at.startswith(_EPOCH):
        return at[:10]
    since_epoch = milliseconds(at)
    return datetime.fromtimestamp(since_epoch / 1000, UTC).date().isoformat() if since_epoch else UNKNOWN


def _figures(share: Share, sign: int, *, first: bool) -> tuple[int, ...]:
    """In the order of :data:`FIGURES`."""
    return (
        sign * first,
        sign,
        sign * (share.state == "completed"),
        sign * share.photos,
        sign * share.bytes,
        sign * round(share.worked_s * 1000),
        sign * share.retakes,
        sign * share.failures,
    )


def _sum(have: tuple[int, ...] | None, more: tuple[int, ...]) -> tuple[int, ...]:
    return more if have is None else tuple(map(add, have, more))
