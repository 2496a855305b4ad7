"""``scanner sessions``: find sessions, look into them, go on with them."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from scanner.cli.following import wait
from scanner.cli.text import count, duration, moment, size
from scanner.errors import ConflictError, InvalidError, NotFoundError

if TYPE_CHECKING:
    from scanner.cli.context import Context, Groups, Json

STATES: Final = ("planned", "running", "paused", "completed", "cancelled", "failed", "incomplete")
PAGE: Final = 200  # sessions the daemon gives at once
OPEN: Final = frozenset({"planned", "paused", "failed", "cancelled"})  # states from which a pass can be taken up again


def add(groups: Groups) -> None:
    """Add the commands."""
    within = groups.group("sessions", "find sessions, look into them, go on with them")
    listed = groups.add("list", list_, "sessions, newest first", within=within)
    listed.add_argument("-n", "--limit", type=_limit, default=20, metavar="N", help="at most so many (default: 20)")
    listed.add_argument("-s", "--status", choices=STATES, help="only those in this state")
    listed.add_argument("--search", default="", metavar="TEXT", help="in title, tags, notes, operator, object")
    listed.add_argument("--sort", choices=("newest", "oldest", "title", "size"), default="newest")
    one = groups.add("info", info, "one session with its passes", within=within)
    one.add_argument("id", metavar="ID")
    one.add_argument("-f", "--files", action="store_true", help="with its photos")
    again = groups.add("resume", resume, "take the missing photos of a pass", within=within)
    again.add_argument("id", metavar="ID", nargs="?", help="default: the only session that is incomplete")
    again.add_argument("--pass", dest="pass_", metavar="NAME", help="default: the only incomplete one")
    again.add_argument("--wait", action="store_true", help="until it has ended; Ctrl+C pauses it")


def list_(context: Context, arguments: argparse.Namespace) -> int:
    """Print sessions."""
    items, total = _listed(context, arguments)
    output = context.output
    if output.as_json:
        output.data({"items": items, "total": total})
        return 0
    rows = [(one["id"], one["state"], one["photos"], size(one["bytes"]), one["title"], _passes(one)) for one in items]
    output.table(("ID", "STATE", "PHOTOS", "SIZE", "TITLE", "PASSES"), rows, empty="there are no such sessions")
    if total > len(items):
        output.say(f"{len(items)} of {count(total, 'session')}; more with --limit")
    return 0


def _listed(context: Context, arguments: argparse.Namespace) -> tuple[list[Json], int]:
    """As many sessions as are wanted, page by page, and how many there are."""
    from urllib.parse import urlencode  # noqa: PLC0415 - costs 5 ms

    items: list[Json] = []
    asked = {"q": arguments.search, "status": arguments.status, "sort": arguments.sort}
    query = {name: value for name, value in asked.items() if value}
    while True:
        query["limit"] = min(PAGE, arguments.limit - len(items))
        page = context.client.get(f"/api/sessions?{urlencode(query)}")
        items += page["items"]
        if page["next"] is None or len(items) >= arguments.limit:
            return items, page["total"]
        query["after"] = page["next"]


def _passes(session: Json) -> str:
    return ", ".join(f"{one['name']} {one['saved']}/{one['shots']}" for one in session["passes"])


def info(context: Context, arguments: argparse.Namespace) -> int:
    """Print one session."""
    output = context.output
    session = context.client.get(_url(arguments.id))
    photos = context.client.get(f"{_url(arguments.id)}/photos")["items"] if arguments.files else None
    if output.as_json:
        output.data(session if photos is None else session | {"files": photos})
        return 0
    output.facts(_facts(session))
    output.say()
    passes = [
        (
            one["name"],
            one["state"],
            f"{one['saved']}/{one['shots']}",
            size(one["bytes"]),
            duration(one["duration_s"]),
            _note(one),
        )
        for one in session["passes"]
    ]
    output.table(("PASS", "STATE", "PHOTOS", "SIZE", "TIME", ""), passes, empty="no passes")
    if photos is not None:
        output.say()
        rows = [
            (photo["name"], f"{photo['azimuth']:g}", f"{photo['elevation']:g}", size(photo["bytes"]), photo["sha256"])
            for photo in photos
        ]
        output.table(("PHOTO", "AZIMUTH", "ELEVATION", "SIZE", "SHA256"), rows, empty="no photos yet")
    return 0


def _facts(session: Json) -> list[tuple[str, object]]:
    thing = session["object"] or {}
    return [
        ("session", session["id"]),
        ("title", session["title"]),
        ("state", session["state"]),
        ("photos", f"{session['photos']}, {size(session['bytes'])}"),
        ("created", f"{moment(session['created_at'])} by {session['origin']}"),
        ("from", session["created_from"]),
        ("object", " ".join(filter(None, [thing.get("id"), thing.get("label")]))),
        ("operator", session["operator"]),
        ("tags", ", ".join(session["tags"])),
        ("job", session["active_job"]),
        ("notes", session["notes"]),
        *(("damage", text) for text in session["damage"]),
    ]


def _note(one: Json) -> str:
    if one["pause"]:
        return str(one["pause"]["message"])
    return ", ".join(f"{one[name]} {name}" for name in ("skipped", "retaken") if one[name])


def resume(context: Context, arguments: argparse.Namespace) -> int:
    """Go on with an incomplete pass."""
    session, name = _to_resume(context, arguments)
    job = context.client.post(f"{_url(session)}/passes/{name}/resume")
    output = context.output
    if output.as_json:
        output.data(job)
    else:
        output.say(f"scan {job['id']}: going on with pass {name} of session {session}")
    return wait(context, job) if arguments.wait else 0


def _to_resume(context: Context, arguments: argparse.Namespace) -> tuple[str, str]:
    """Session and pass, as named or because there is only one."""
    if arguments.id and arguments.pass_:
        return arguments.id, arguments.pass_
    if arguments.id:
        passes = context.client.get(_url(arguments.id))["passes"]
        found = [(arguments.id, one["name"]) for one in passes if one["state"] in OPEN]
    else:
        rows = context.client.get("/api/sessions/restorable")["items"]
        found = [(row["session"]["id"], row["pass"]["name"]) for row in rows]
        found = [pair for pair in found if arguments.pass_ in (None, pair[1])]
    if not found:
        message = f"session {arguments.id} has no pass to go on with" if arguments.id else "no session is incomplete"
        raise ConflictError(message) if arguments.id else NotFoundError(message)
    if len(found) > 1:
        message = f"which one? {'; '.join(f'{session} --pass {name}' for session, name in found)}"
        raise InvalidError(message)
    return found[0]


def _url(session_id: str) -> str:
    from urllib.parse import quote  # noqa: PLC0415 - costs 5 ms

    return f"/api/sessions/{quote(session_id, safe='')}"


def _limit(text: str) -> int:
    number = int(text)
    if number < 1:
        message = "must be at least 1"
        raise argparse.ArgumentTypeError(message)
    return number
