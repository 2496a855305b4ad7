"""``scanner history`` and ``scanner statistics``: what was scanned, pass by pass and in sums."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from scanner.cli.options import positive
from scanner.cli.sessions import STATES, paged
from scanner.cli.text import count, duration, moment, query, size

if TYPE_CHECKING:
    from scanner.cli.context import Context, Groups, Json

SUMS: Final = (("PRESET", "by_preset"), ("RIG", "by_rig"), ("OPERATOR", "by_operator"), ("DAY", "by_day"))


def add(groups: Groups) -> None:
    """Add the commands."""
    passes = groups.add("history", history, "what was scanned, pass by pass, newest first")
    passes.add_argument("--search", default="", metavar="TEXT", help="in title, pass, tags, notes, operator, object")
    passes.add_argument("-s", "--status", choices=STATES, help="only passes in this state")
    passes.add_argument("-n", "--limit", type=positive, metavar="N", help="at most so many (default: 20; --csv: all)")
    passes.add_argument("--csv", action="store_true", help="as CSV, for a spreadsheet")
    sums = groups.add("statistics", statistics, "what was scanned in all, and by preset, rig, operator and day")
    for parser in (passes, sums):
        parser.add_argument("--since", metavar="DAY", help="begun on this day (UTC) or later, such as 2026-11-20")
        parser.add_argument("--until", metavar="DAY", help="begun before this day")


def history(context: Context, arguments: argparse.Namespace) -> int:
    """Print passes."""
    asked = {"q": arguments.search, "state": arguments.status, "since": arguments.since, "until": arguments.until}
    output = context.output
    if arguments.csv:
        wanted = {**asked, "limit": arguments.limit, "format": "json" if output.as_json else "csv"}
        context.client.download(f"/api/passes{query(wanted)}", output.write)
        return 0
    items, total = paged(context, "/api/passes", asked, arguments.limit or 20)
    if output.as_json:
        output.data({"items": items, "total": total})
        return 0
    heading = ("STARTED", "SESSION", "PASS", "STATE", "PHOTOS", "RETAKES", "TIME", "PER HOUR", "OPERATOR", "TITLE")
    output.table(heading, [_row(one) for one in items], empty="nothing was scanned")
    if total > len(items):
        output.say(f"{len(items)} of {_passes(total)}; more with --limit")
    return 0


def _row(one: Json) -> tuple[object, ...]:
    return (
        moment(one["started_at"]),
        one["session_id"],
        one["pass"],
        one["state"],
        f"{one['photos']}/{one['shots']}",
        one["retakes"],
        duration(one["duration_s"]),
        _rate(one),
        one["operator"],
        one["title"],
    )


def _rate(one: Json) -> str:
    return "" if one["photos_per_hour"] is None else f"{one['photos_per_hour']:.0f}"


def statistics(context: Context, arguments: argparse.Namespace) -> int:
    """Print sums."""
    found = context.client.get(f"/api/statistics{query({'since': arguments.since, 'until': arguments.until})}")
    output = context.output
    if output.as_json:
        output.data(found)
        return 0
    total = found["total"]
    output.facts(
        [
            ("from", found["since"]),
            ("until", found["until"]),
            ("sessions", total["sessions"]),
            ("passes", f"{total['passes']}, {total['completed']} of them completed"),
            ("photos", f"{total['photos']}, {size(total['bytes'])}"),
            ("time", duration(total["duration_s"])),
            ("per hour", _rate(total)),
            ("retakes", total["retakes"]),
            ("failures", total["failures"]),
            ("undated", _undated(found)),
        ]
    )
    for name, key in SUMS:
        if found[key]:
            output.say()
            heading = (name, "SESSIONS", "PASSES", "PHOTOS", "SIZE", "TIME", "PER HOUR", "RETAKES", "FAILURES")
            output.table(heading, [_sums(one) for one in found[key]], empty="")
    return 0


def _undated(found: Json) -> str | None:
    """What is counted in no day, since nobody knows when it began."""
    number = found["total"]["passes"] - sum(one["passes"] for one in found["by_day"])
    return f"{_passes(number)}, of which nobody knows when they began" if number > 0 else None


def _passes(number: int) -> str:
    return count(number, "pass").replace("passs", "passes")


def _sums(one: Json) -> tuple[object, ...]:
    return (
        one["key"] or "-",
        one["sessions"],
        one["passes"],
        one["photos"],
        size(one["bytes"]),
        duration(one["duration_s"]),
        _rate(one),
        one["retakes"],
        one["failures"],
    )
