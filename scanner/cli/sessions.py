"""``scanner sessions``: find sessions and look into them; ``restoring``, ``life`` and ``legacy`` change them."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from scanner.cli import directory, legacy, life, restoring
from scanner.cli.options import positive
from scanner.cli.text import INTERRUPTED, as_it_stands, count, duration, holder, moment, query, session_url, size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.cli.context import Context, Groups, Json

STATES: Final = ("planned", "running", "paused", "completed", "cancelled", "failed", "incomplete")
UNKNOWN: Final = "unknown"
PAGE: Final = 200  # sessions the daemon gives at once


def add(groups: Groups) -> None:
    """Add the commands."""
    within = groups.group("sessions", "find sessions, look into them, go on with them")
    listed = groups.add("list", list_, "sessions, newest first", within=within)
    listed.add_argument("-n", "--limit", type=positive, default=20, metavar="N", help="at most so many (default: 20)")
    listed.add_argument("-s", "--status", choices=STATES, help="only those in this state")
    listed.add_argument("--search", default="", metavar="TEXT", help="in title, tags, notes, operator, object")
    listed.add_argument("--sort", choices=("newest", "oldest", "title", "size"), default="newest")
    one = groups.add("info", info, "one session with its passes", within=within)
    one.add_argument("id", metavar="ID")
    one.add_argument("-f", "--files", action="store_true", help="with its photos")
    for parser in (listed, one):
        directory.add_option(parser)
    restoring.add(groups, within)
    life.add(groups, within)
    legacy.add(groups, within)


def list_(context: Context, arguments: argparse.Namespace) -> int:
    """Print sessions."""
    items, total = _listed(context, arguments)
    output = context.output
    if output.as_json:
        output.data({"items": items, "total": total})
        return 0
    items = _for_people(arguments, items)
    heading, rows = ["ID", "STATE", "PHOTOS", "SIZE", "TITLE", "PASSES"], [_row(one) for one in items]
    if any(one["format"] != directory.CURRENT for one in items):
        heading, rows = ["FORMAT", *heading], [[one["format"], *row] for one, row in zip(items, rows, strict=True)]
    output.table(heading, rows, empty="there are no such sessions")
    if total > len(items):
        output.say(f"{len(items)} of {count(total, 'session')}; more with --limit")
    return 0


def _for_people(arguments: argparse.Namespace, sessions: list[Json]) -> list[Json]:
    """The sessions as they stand; of a directory without its daemon nobody can say who works on what."""
    return sessions if arguments.data_dir is not None else [as_it_stands(one) for one in sessions]


def _row(one: Json) -> list[object]:
    return [one["id"], one["state"], one["photos"], size(one["bytes"]), one["title"], _passes(one)]


def _listed(context: Context, arguments: argparse.Namespace) -> tuple[list[Json], int]:
    """As many sessions as are wanted, page by page, and how many there are."""
    if arguments.data_dir is not None:
        return directory.listed(arguments)
    asked = {"q": arguments.search, "status": arguments.status, "sort": arguments.sort}
    return paged(context, "/api/sessions", asked, arguments.limit)


def paged(context: Context, url: str, asked: Mapping[str, object], limit: int) -> tuple[list[Json], int]:
    """The first ``limit`` of a list that comes page by page, and how many there are."""
    items: list[Json] = []
    after: str | None = None
    while True:
        page = context.client.get(url + query({**asked, "limit": min(PAGE, limit - len(items)), "after": after}))
        items += page["items"]
        if page["next"] is None or len(items) >= limit:
            return items, page["total"]
        after = page["next"]


def _passes(session: Json) -> str:
    return ", ".join(f"{one['name']} {one['saved']}/{one['shots']}" for one in session["passes"])


def info(context: Context, arguments: argparse.Namespace) -> int:
    """Print one session."""
    output = context.output
    session, photos = _looked_up(context, arguments)
    if output.as_json:
        output.data(session if photos is None else session | {"files": photos})
        return 0
    (session,) = _for_people(arguments, [session])
    output.facts(_facts(session))
    output.say()
    passes = [
        (
            one["name"],
            one["state"],
            f"{one['saved']}/{one['shots']}",
            size(one["bytes"]),
            duration(one["duration_s"]),
            _note(session["id"], one),
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


def _looked_up(context: Context, arguments: argparse.Namespace) -> tuple[Json, list[Json] | None]:
    """The session, and its photos where they are wanted."""
    if arguments.data_dir is not None:
        return directory.looked_up(arguments)
    url = session_url(arguments.id)
    session = context.client.get(url)
    return session, context.client.get(f"{url}/photos")["items"] if arguments.files else None


def _facts(session: Json) -> list[tuple[str, object]]:
    thing = session["object"] or {}
    return [
        ("session", session["id"]),
        ("title", session["title"]),
        ("state", session["state"]),
        ("photos", f"{session['photos']}, {size(session['bytes'])}"),
        ("created", f"{moment(session['created_at']) or UNKNOWN} by {session['origin'] or UNKNOWN}"),
        ("from", session["created_from"]),
        ("object", " ".join(filter(None, [thing.get("id"), thing.get("label")]))),
        ("operator", session["operator"]),
        ("tags", ", ".join(session["tags"])),
        ("format", session["format"] if session["format"] != directory.CURRENT else ""),
        ("job", session["active_job"]),
        ("notes", session["notes"]),
        *(("damage", text) for text in session["damage"]),
    ]


def _note(session_id: str, one: Json) -> str:
    words = [one["pause"]["message"]] if one["pause"] else []
    words += _held(session_id, one)
    words += [f"{one[name]} {name}" for name in ("skipped", "retaken", "damaged") if one[name]]
    return ", ".join(words)


def _held(session_id: str, one: Json) -> list[str]:
    """Who has a pass; of one that stands still without anybody having said so, what goes on with it."""
    lock, again = one["lock"], f"go on with: scanner sessions resume {session_id} --pass {one['name']}"
    who = holder(lock) if lock else ""
    if lock and lock["state"] == "alive":
        return [f"worked on by {who}"]
    if lock and lock["state"] == "stale":
        return [f"{who} has it and gives no sign of life; {again}"]
    if one["state"] != INTERRUPTED:
        return []
    said = f"{who} worked on it and has ended" if lock else "nobody works on it any more"
    return [f"{said}; {again}"]
