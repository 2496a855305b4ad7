"""What passes amount to, over any range of days: whole months from the months' rows, the days at the edges from the
days' rows. Reading side of :mod:`scanner.storage.index.tallies`.

Passes of which nobody knows when they began count where no first day is asked for: the history has them at its end. No
day is theirs.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from scanner.errors import InvalidError
from scanner.records import Statistics, Tally
from scanner.storage.index.rows import photos_per_hour
from scanner.storage.index.tallies import FIGURES, KINDS, UNKNOWN

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_SUMS: Final = ", ".join(f"sum({name})" for name in FIGURES)
_FIRST: Final = UNKNOWN
_FIRST_DAY: Final = "0000-00-00"
_LAST: Final = "9999-99-99"


@dataclass(frozen=True, slots=True)
class _Range:
    """Periods of one span, ``[since, until)``."""

    span: str
    since: str
    until: str


def read_statistics(connection: sqlite3.Connection, since: str | None, until: str | None) -> Statistics:
    """The passes that began in ``[since, until)``. Errors: InvalidError, sqlite3.Error."""
    for day in (since, until):
        if day is not None:
            midnight(day)
    ranges = _ranges(since or _FIRST, until or _LAST)
    grouped: dict[str, list[Tally]] = {kind: [] for kind in KINDS}
    for kind, *row in _sums(connection, ranges):
        grouped[kind].append(tally(row))
    days = connection.execute(
        f"SELECT period, {', '.join(FIGURES)} FROM tallies WHERE span = 'day' AND period >= ? AND period < ?"  # noqa: S608 - our own constants
        " AND kind = 'all' AND key = '' AND passes > 0 ORDER BY period",
        (since or _FIRST_DAY, until or _LAST),
    )
    return Statistics(
        since=since,
        until=until,
        total=grouped["all"][0] if grouped["all"] else Tally(),
        by_preset=_largest_first(grouped["preset"]),
        by_rig=_largest_first(grouped["rig"]),
        by_operator=_largest_first(grouped["operator"]),
        by_day=tuple(tally(row) for row in days),
    )


def midnight(day: str) -> int:
    """Milliseconds from 1970 to the beginning of a UTC day. Errors: InvalidError."""
    try:
        moment = datetime.fromisoformat(day).replace(tzinfo=UTC) if _DAY.fullmatch(day) else None
    except ValueError:
        moment = None
    if moment is None:
        message = f"{day[:40]!r} is not a day: YYYY-MM-DD"
        raise InvalidError(message)
    return max(0, int(moment.timestamp() * 1000))


def tally(row: Sequence[Any]) -> Tally:
    """A tally from its key and its figures."""
    key, sessions, passes, completed, photos, size, worked_ms, retakes, failures = row
    return Tally(
        key=key,
        sessions=sessions,
        passes=passes,
        completed=completed,
        photos=photos,
        bytes=size,
        duration_s=worked_ms / 1000,
        retakes=retakes,
        failures=failures,
        photos_per_hour=photos_per_hour(photos, worked_ms / 1000),
    )


def _sums(connection: sqlite3.Connection, ranges: Sequence[_Range]) -> Iterable[Any]:
    where = " OR ".join("(span = ? AND period >= ? AND period < ?)" for _ in ranges)
    values = [value for one in ranges for value in (one.span, one.since, one.until)]
    return connection.execute(
        f"SELECT kind, key, {_SUMS} FROM tallies WHERE {where} GROUP BY kind, key HAVING sum(passes) > 0",  # noqa: S608 - values are bound
        values,
    )


def _ranges(since: str, until: str) -> list[_Range]:
    """The range as whole months and the days before and behind them."""
    begin = since if since == _FIRST else _next_month(since)
    end = until if until == _LAST else f"{until[:7]}-01"
    if begin > end:
        return [_Range("day", since, until)]
    return [_Range("day", since, begin), _Range("month", begin[:7], end[:7]), _Range("day", end, until)]


def _next_month(day: str) -> str:
    """The first day of a month that is not before ``day``."""
    found = date.fromisoformat(day)
    if found.day == 1 or found.year == date.max.year:
        return day
    return (found.replace(day=1) + timedelta(days=32)).replace(day=1).isoformat()


def _largest_first(tallies: Iterable[Tally]) -> tuple[Tally, ...]:
    return tuple(sorted(tallies, key=lambda one: (-one.photos, -one.passes, one.key)))
