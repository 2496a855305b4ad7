"""``scanner sessions restore`` and ``resume``: what is incomplete, and going on with it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from scanner.cli.display import queued
from scanner.cli.following import wait
from scanner.cli.text import INTERRUPTED, holder, session_url, standing
from scanner.errors import ConflictError, InvalidError, NotFoundError, PassLockedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner.cli.context import Commands, Context, Groups, Json

OPEN: Final = frozenset({"planned", "paused", "failed", "cancelled", INTERRUPTED})  # from which a pass can be taken up
OVER: Final = frozenset({"completed", "cancelled"})  # a job goes on with the first of its passes that is not


def add(groups: Groups, within: Commands) -> None:
    """Add the commands to the group."""
    again = groups.add("resume", resume, "take the missing photos of a pass", within=within)
    again.add_argument("id", metavar="ID", nargs="?", help="default: the only session that is incomplete")
    again.add_argument("--pass", dest="pass_", metavar="NAME", help="default: the only incomplete one")
    again.add_argument("--wait", action="store_true", help="until it has ended; Ctrl+C pauses it")
    groups.add("restore", restore, "what is incomplete, who has it, and how to go on with it", within=within)


def resume(context: Context, arguments: argparse.Namespace) -> int:
    """Go on with an incomplete pass."""
    return go_on(context, arguments.id, arguments.pass_, waiting=arguments.wait)


def go_on(context: Context, session_id: str | None, pass_: str | None, *, waiting: bool) -> int:
    """Go on with a pass, as named or because it is the only incomplete one; the exit code."""
    session, name = _to_resume(context, session_id, pass_)
    job = context.client.post(f"{session_url(session)}/passes/{name}/resume")
    output = context.output
    output.answer(job, f"scan {job['id']}: going on with pass {name} of session {session}{queued(job)}")
    return wait(context, job) if waiting else 0


def _to_resume(context: Context, session_id: str | None, pass_: str | None) -> tuple[str, str]:
    """Session and pass, as named or because there is only one."""
    if session_id and pass_:
        return session_id, pass_
    if session_id:
        found = [(session_id, name) for name in _open_passes(context, session_id)]
    else:
        found = [(row["session"]["id"], row["pass"]["name"]) for row in _incomplete(context)]
        found = [pair for pair in found if pass_ in (None, pair[1])]
    if not found:
        message = "no session is incomplete" if pass_ is None else f"no session has an incomplete pass {pass_}"
        raise NotFoundError(message)
    if len(found) > 1:
        message = f"which one? {'; '.join(f'{session} --pass {name}' for session, name in found)}"
        raise InvalidError(message)
    return found[0]


def _open_passes(context: Context, session_id: str) -> list[str]:
    """Those that can be taken up again. Errors: PassLockedError, ConflictError where there is none."""
    passes = context.client.get(session_url(session_id))["passes"]
    found = [one["name"] for one in passes if standing(one) in OPEN]
    if found:
        return found
    for one in passes:
        if one["state"] == "running":
            lock = one["lock"]
            message = f"{lock['origin']} works on pass {one['name']} on {lock['host']} since {lock['since']}"
            raise PassLockedError(message, **{key: lock[key] for key in ("host", "origin", "since", "job_id")})
    message = f"session {session_id} has no pass to go on with"
    raise ConflictError(message)


def restore(context: Context, _: argparse.Namespace) -> int:
    """Print what is incomplete, with the command that goes on with it."""
    rows = list(_incomplete(context))
    if context.output.as_json:
        context.output.data({"items": rows, "total": len(rows)})
        return 0
    heading = ("SESSION", "PASS", "STATE", "PHOTOS", "WHY", "LOCK", "GO ON WITH")
    context.output.table(heading, [_offer(row) for row in rows], empty="nothing is incomplete")
    return 0


def _incomplete(context: Context) -> Iterator[Json]:
    """Session and pass of every scan that stands still, with its job's id, and of what no job has."""
    for job in context.client.get("/api/jobs/active")["items"]:
        if job["state"] == "paused" and job["kind"] == "scan":
            yield from _standing(context, job)
    for row in context.client.get("/api/sessions/restorable")["items"]:
        yield {**row, "job": None}


def _standing(context: Context, job: Json) -> Iterator[Json]:
    """Session and pass of a job that is paused, the pass with which it goes on; nothing where the session is gone."""
    try:
        session = context.client.get(session_url(job["session_id"]))
    except NotFoundError:
        return
    passes = {one["name"]: one for one in session["passes"]}
    mine = [passes[name] for name in job["passes"] if name in passes]
    one = next((one for one in mine if one["state"] not in OVER), passes.get(job["pass"]))
    if one is not None:
        pause = one["pause"] or job["pause"]
        yield {"session": session, "pass": {**one, "state": "paused", "pause": pause}, "job": job["id"]}


def _offer(row: Json) -> tuple[object, ...]:
    session, one = row["session"]["id"], row["pass"]
    lock = f"{one['lock']['state']}, {holder(one['lock'])}" if one["lock"] else "free"
    return session, one["name"], standing(one), f"{one['saved']}/{one['shots']}", _why(row), lock, _command(row)


def _why(row: Json) -> str:
    """Why a pass stands still, also where nobody has said so."""
    one = row["pass"]
    if one["pause"] or standing(one) != INTERRUPTED:
        return one["pause"]["message"] if one["pause"] else ""
    for damage in row["session"]["damage"]:
        if damage.startswith(f"pass {one['name']}: "):
            return str(damage)
    stale = one["lock"] and one["lock"]["state"] == "stale"
    return "its scanner gives no sign of life" if stale else "its scanner ended while it worked on it"


def _command(row: Json) -> str:
    """What goes on with it; "" while somebody else does."""
    session, name, lock = row["session"]["id"], row["pass"]["name"], row["pass"]["lock"]
    if lock and lock["state"] == "alive" and not lock["own"]:
        return ""
    return f"scanner jobs resume {row['job']}" if row["job"] else f"scanner sessions resume {session} --pass {name}"
