"""``scanner locks``: who works on what, and taking a pass from somebody by force."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from scanner.cli.context import DECLINED
from scanner.cli.text import duration, holder, moment

if TYPE_CHECKING:
    from scanner.cli.context import Context, Groups, Json


def add(groups: Groups) -> None:
    """Add the commands."""
    within = groups.group("locks", "who works on what")
    groups.add("list", list_, "the passes that are worked on, here and elsewhere", within=within)
    forced = groups.add("release", release, "take a pass from whoever has it", within=within)
    forced.add_argument("session", metavar="SESSION")
    forced.add_argument("pass_", metavar="PASS")
    forced.add_argument("--reason", default="", help="kept in the pass's journal")
    forced.add_argument("-f", "--force", action="store_true", help="do not ask")


def list_(context: Context, _: argparse.Namespace) -> int:
    """Print the locks."""
    found = context.client.get("/api/locks")
    if context.output.as_json:
        context.output.data(found)
        return 0
    rows = [
        (one["session_id"], one["pass"], one["state"], holder(one), moment(one["since"]), _beat(one), _whose(one))
        for one in found["items"]
    ]
    heading = ("SESSION", "PASS", "STATE", "HELD BY", "SINCE", "LAST BEAT", "")
    context.output.table(heading, rows, empty="nobody works on anything")
    return 0


def _beat(lock: Json) -> str:
    return f"{duration(lock['beats'][0])} ago" if lock["beats"] else ""


def _whose(lock: Json) -> str:
    return "this scanner" if lock["own"] else ""


def release(context: Context, arguments: argparse.Namespace) -> int:
    """Force a lock, after naming who has it."""
    if not arguments.force and not context.confirmed(_question(context, arguments), force=False):
        return DECLINED
    order = {"session_id": arguments.session, "pass": arguments.pass_, "reason": arguments.reason}
    forced = context.client.post("/api/locks/release", order)
    context.output.answer(forced, f"pass {arguments.pass_} of {arguments.session} was taken from {holder(forced)}")
    return 0


def _question(context: Context, arguments: argparse.Namespace) -> str:
    """Names who works on the pass, and what forcing it means for them."""
    wanted = (arguments.session, arguments.pass_)
    for lock in context.client.get("/api/locks")["items"]:
        if (lock["session_id"], lock["pass"]) == wanted:
            works = "still works on it and will be stopped" if lock["state"] == "alive" else f"is {lock['state']}"
            return f"{holder(lock)} has pass {arguments.pass_} since {moment(lock['since'])} and {works}. Take it?"
    return f"Nobody is known to have pass {arguments.pass_}. Take it all the same?"
