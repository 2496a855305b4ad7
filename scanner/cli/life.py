"""``scanner sessions`` from trash to trash: clean, delete, undelete, verify, reindex."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from scanner.cli import directory
from scanner.cli.context import DECLINED
from scanner.cli.following import started
from scanner.cli.text import count, moment, session_url, size

if TYPE_CHECKING:
    from scanner.cli.context import Commands, Context, Groups, Json


def add(groups: Groups, within: Commands) -> None:
    """Add the commands to the group."""
    old = groups.add("clean", clean, "put old sessions that have ended into the trash", within=within)
    old.add_argument("--older-than", required=True, metavar="AGE", help="such as 7d, 2w or 1m (30 days)")
    old.add_argument("--purge", action="store_true", help="instead empty the trash of what is in it that long")
    old.add_argument("--dry-run", action="store_true", help="only say which")
    gone = groups.add("delete", delete, "put a session into the trash", within=within)
    gone.add_argument("id", metavar="ID")
    for parser in (old, gone):
        parser.add_argument("-f", "--force", action="store_true", help="do not ask")
    back = groups.add("undelete", undelete, "take a session out of the trash", within=within)
    back.add_argument("id", metavar="ID", nargs="?", help="default: say what is in the trash")
    checked = groups.add("verify", verify, "check photos against their hashes", within=within)
    checked.add_argument("id", metavar="ID", nargs="?", help="default: all sessions")
    directory.add_option(checked)
    anew = groups.add("reindex", reindex, "make the index anew from the session directories", within=within)
    for parser in (checked, anew):
        parser.add_argument("--wait", action="store_true", help="until it has ended; Ctrl+C cancels it")


def clean(context: Context, arguments: argparse.Namespace) -> int:
    """Put old sessions into the trash, or empty the trash of old ones."""
    url = "/api/trash/purge" if arguments.purge else "/api/sessions/clean"
    order = {"older_than": arguments.older_than}
    if arguments.dry_run or not arguments.force:
        found = context.client.post(url, {**order, "dry_run": True}, slow=True)
        if arguments.dry_run or not found["items"]:
            return _gone(context, arguments, found)
        what = count(found["total"], "session")
        question = f"Remove {what} for ever?" if arguments.purge else f"Put {what} into the trash?"
        _print_gone(context, arguments, found)
        if not context.confirmed(question, force=False):
            return DECLINED
    return _gone(context, arguments, context.client.post(url, order, slow=True))


def _gone(context: Context, arguments: argparse.Namespace, found: Json) -> int:
    """Say what went, or would go."""
    if context.output.as_json:
        context.output.data({**found, "dry_run": arguments.dry_run})
        return 0
    _print_gone(context, arguments, found)
    if found["items"] and not arguments.dry_run:
        what = count(found["total"], "session")
        context.output.say(f"{what} removed" if arguments.purge else f"{what} put into the trash")
    return 0


def _print_gone(context: Context, arguments: argparse.Namespace, found: Json) -> None:
    if context.output.as_json:
        return
    if arguments.purge:
        _print_trash(context, found, empty="nothing has been in the trash for so long")
        return
    rows = [
        (one["id"], one["state"], one["photos"], size(one["bytes"]), moment(one["created_at"]), one["title"])
        for one in found["items"]
    ]
    heading = ("ID", "STATE", "PHOTOS", "SIZE", "CREATED", "TITLE")
    context.output.table(heading, rows, empty="no session that has ended is so old")


def delete(context: Context, arguments: argparse.Namespace) -> int:
    """Put a session into the trash."""
    if not arguments.force:
        one = context.client.get(session_url(arguments.id))
        question = f"Put {one['id']} ({one['title']}, {count(one['photos'], 'photo')}) into the trash?"
        if not context.confirmed(question, force=False):
            return DECLINED
    entry = context.client.delete(session_url(arguments.id))
    gone = entry["session_id"]
    context.output.answer(entry, f"{gone} is in the trash; back with: scanner sessions undelete {gone}")
    return 0


def undelete(context: Context, arguments: argparse.Namespace) -> int:
    """Take a session out of the trash, or say what is in it."""
    if arguments.id is None:
        found = context.client.get("/api/trash")
        if context.output.as_json:
            context.output.data(found)
        else:
            _print_trash(context, found, empty="the trash is empty")
        return 0
    session = context.client.post(f"{session_url(arguments.id)}/undelete", slow=True)
    context.output.answer(session, f"{session['id']} is back")
    return 0


def _print_trash(context: Context, found: Json, *, empty: str) -> None:
    rows = [
        (one["session_id"], moment(one["deleted_at"]), one["origin"], one["photos"], size(one["bytes"]), one["title"])
        for one in found["items"]
    ]
    context.output.table(("ID", "DELETED", "BY", "PHOTOS", "SIZE", "TITLE"), rows, empty=empty)


def verify(context: Context, arguments: argparse.Namespace) -> int:
    """Check the photos of a session or of all."""
    if arguments.data_dir is not None:
        return directory.verify(context, arguments)
    url = "/api/sessions/verify" if arguments.id is None else f"{session_url(arguments.id)}/verify"
    return started(context, context.client.post(url), waiting=arguments.wait)


def reindex(context: Context, arguments: argparse.Namespace) -> int:
    """Make the index anew."""
    return started(context, context.client.post("/api/sessions/reindex"), waiting=arguments.wait)
