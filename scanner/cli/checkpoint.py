"""``scanner checkpoint``: marks of a session, to go back to and forward again."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from scanner.cli.text import count, moment, query, quoted, session_url
from scanner.errors import CheckpointNotFoundError, InvalidError

if TYPE_CHECKING:
    from scanner.cli.context import Context, Groups, Json

PAGE: Final = 10_000  # the daemon lists no more at once


def add(groups: Groups) -> None:
    """Add the commands."""
    within = groups.group("checkpoint", "mark how far a session is, and go back to it")
    saved = groups.add("save", save, "mark how far a session is", within=within)
    saved.add_argument("name", metavar="NAME")
    saved.add_argument("--session", metavar="ID", help="default: the only one that is worked on or incomplete")
    listed = groups.add("list", list_, "the checkpoints of a session, or of all", within=within)
    listed.add_argument("--session", metavar="ID")
    back = groups.add("restore", restore, "bring a session to where it was at a checkpoint", within=within)
    back.add_argument("name", metavar="NAME")
    back.add_argument("--session", metavar="ID", help="default: the only one that has a checkpoint of this name")


def save(context: Context, arguments: argparse.Namespace) -> int:
    """Save a checkpoint."""
    session = arguments.session or _the_one_at_work(context)
    made = context.client.post(f"{session_url(session)}/checkpoints", {"name": arguments.name})
    context.output.answer(made, f"checkpoint {made['name']} of {session}: {count(made['photos'], 'photo')}")
    return 0


def list_(context: Context, arguments: argparse.Namespace) -> int:
    """Print checkpoints."""
    session = arguments.session
    found = context.client.get(f"{session_url(session)}/checkpoints") if session else _of_all(context)
    if context.output.as_json:
        context.output.data(found)
        return 0
    rows = [
        (one["session_id"], one["name"], moment(one["created_at"]), _by(one), one["photos"], _passes(one))
        for one in found["items"]
    ]
    heading = ("SESSION", "NAME", "SAVED", "BY", "PHOTOS", "PASSES")
    context.output.table(heading, rows, empty="there are no checkpoints")
    return 0


def _of_all(context: Context, **asked: str) -> Json:
    """The checkpoints of all sessions, of however many pages."""
    items: list[Json] = []
    after = None
    while True:
        page = context.client.get("/api/checkpoints" + query({"limit": PAGE, **asked, "after": after}))
        items += page["items"]
        after = page["next"]
        if after is None:
            return {**page, "items": items}


def _by(one: Json) -> str:
    return f"{one['origin']}, automatic" if one["automatic"] else str(one["origin"])


def _passes(one: Json) -> str:
    return ", ".join(f"{name} {state}" for name, state in one["passes"].items())


def restore(context: Context, arguments: argparse.Namespace) -> int:
    """Go back to a checkpoint, or forward again."""
    session = arguments.session or _the_one_with(context, arguments.name)
    url = f"{session_url(session)}/checkpoints/{quoted(arguments.name)}/restore"
    made = context.client.post(url, slow=True)
    output = context.output
    if output.as_json:
        output.data(made)
        return 0
    output.say(f"{session} is where it was at {arguments.name}")
    for note in made["notes"]:
        output.say(note)
    output.say(f"back to where it was just now with: scanner checkpoint restore {made['name']} --session {session}")
    return 0


def _the_one_at_work(context: Context) -> str:
    """The only session that a job has; where there is none, the only incomplete one."""
    for url in ("/api/sessions/active", "/api/sessions/restorable"):
        rows = context.client.get(url)["items"]
        found = sorted({str(row.get("session", row)["id"]) for row in rows})
        if len(found) == 1:
            return found[0]
        if found:
            raise _ambiguous(found)
    message = "no session is worked on or incomplete: name one with --session"
    raise InvalidError(message)


def _the_one_with(context: Context, name: str) -> str:
    """The only session that has a checkpoint of this name."""
    rows = _of_all(context, name=name)["items"]
    found = sorted({str(row["session_id"]) for row in rows})
    if not found:
        message = f"no session has a checkpoint {name!r}"
        raise CheckpointNotFoundError(message)
    if len(found) > 1:
        raise _ambiguous(found)
    return found[0]


def _ambiguous(sessions: list[str]) -> InvalidError:
    message = f"which one? {'; '.join(f'--session {one}' for one in sessions)}"
    return InvalidError(message, sessions=sessions)
