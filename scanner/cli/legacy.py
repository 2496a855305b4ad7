"""Sessions of older formats: ``scanner sessions migrate``, ``merge``, and ``scanner import``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from scanner.cli.following import started
from scanner.cli.text import count, session_url
from scanner.errors import InvalidError

if TYPE_CHECKING:
    from scanner.cli.context import Commands, Context, Groups


def add(groups: Groups, within: Commands) -> None:
    """Add ``import``, and the others to the group ``sessions``."""
    moved = groups.add("migrate", migrate, "bring sessions of older formats into the present one", within=within)
    moved.add_argument("id", metavar="ID", nargs="?", help="default: all of them")
    moved.add_argument("--undo", action="store_true", help="back to the old folder, as it was")
    moved.add_argument("--force", action="store_true", help="with --undo: also where photos were taken since")
    joined = groups.add("merge", merge, "put two sessions of an older format together that are one scan", within=within)
    joined.add_argument("a", metavar="A")
    joined.add_argument("b", metavar="B", help="in any order; the one that was begun first gives the id")
    taken = groups.add("import", import_, "copy sessions of any format in from elsewhere")
    taken.add_argument("directory", metavar="DIR", type=Path, help="on the scanner's computer; it is only read")
    taken.add_argument(
        "--timezone", metavar="ZONE", help="of times that name none, such as Europe/Berlin; default: the scanner's"
    )
    for parser in (moved, taken):
        parser.add_argument("--dry-run", action="store_true", help="only say what would be done; waits for it")
        parser.add_argument("--wait", action="store_true", help="until it has ended; Ctrl+C cancels it")


def migrate(context: Context, arguments: argparse.Namespace) -> int:
    """Migrate a session or all, or undo it."""
    order = {"dry_run": arguments.dry_run}
    if arguments.id is not None:
        url, order = f"{session_url(arguments.id)}/migrate", {**order, "undo": arguments.undo, "force": arguments.force}
    elif arguments.undo:
        message = "say which session is to go back: scanner sessions migrate ID --undo"
        raise InvalidError(message)
    else:
        url = "/api/sessions/migrate"
    return started(context, context.client.post(url, order), waiting=arguments.wait or arguments.dry_run)


def merge(context: Context, arguments: argparse.Namespace) -> int:
    """Put two sessions together."""
    session = context.client.post("/api/sessions/merge", {"a": arguments.a, "b": arguments.b}, slow=True)
    context.output.answer(session, f"{session['id']} now holds both: {count(session['photos'], 'photo')}")
    return 0


def import_(context: Context, arguments: argparse.Namespace) -> int:
    """Copy sessions in."""
    order = {"directory": str(arguments.directory.absolute()), "dry_run": arguments.dry_run}
    if arguments.timezone is not None:
        order["timezone"] = arguments.timezone
    job = context.client.post("/api/sessions/import", order)
    return started(context, job, waiting=arguments.wait or arguments.dry_run)
