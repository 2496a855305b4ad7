"""``scanner logs``: what the daemon says, about everything or one session or job."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from scanner.cli.options import positive
from scanner.cli.text import clock_time

if TYPE_CHECKING:
    from scanner.cli.context import Context, Groups, Json

LEVELS: Final = ("debug", "info", "warning", "error")


def add(groups: Groups) -> None:
    """Add the command."""
    parser = groups.add("logs", logs, "what the daemon says; the journal has more: journalctl -u scanner")
    parser.add_argument("-f", "--follow", action="store_true", help="go on with what comes; Ctrl+C ends it")
    parser.add_argument("-n", "--lines", type=positive, default=50, metavar="N", help="so many lines (default: 50)")
    parser.add_argument("--session", metavar="ID", help="only what is about this session")
    parser.add_argument("--job", metavar="ID", help="only what is about this job")
    parser.add_argument("--level", choices=LEVELS, default="debug", help="this one and worse (default: all)")


def logs(context: Context, arguments: argparse.Namespace) -> int:
    """Print lines of the log, oldest first."""
    asked = {"session": arguments.session, "job": arguments.job, "level": arguments.level}
    query = {name: value for name, value in asked.items() if value is not None}
    if not arguments.follow:
        found = context.client.get(f"/api/logs?{urlencode({**query, 'limit': arguments.lines})}")
        for line in reversed(found["items"]):
            _print(context, line)
        return 0
    url = f"/api/logs/follow?{urlencode({**query, 'last': arguments.lines})}"
    with context.client.stream(url) as events:
        for event in events:
            if event.name == "log":
                _print(context, event.data)
    return 0


def _print(context: Context, line: Json) -> None:
    if context.output.as_json:
        context.output.data(line)
        return
    about = " ".join(f"{name}={line[name]}" for name in ("session", "pass", "job", "shot", "camera") if name in line)
    context.output.say(
        f"{clock_time(line['at'])} {line['level'].upper():7} {line['message']}{f' [{about}]' if about else ''}"
    )
