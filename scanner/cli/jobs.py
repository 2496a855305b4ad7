"""``scanner jobs``: look at jobs and order them about."""

from __future__ import annotations

import argparse
from functools import partial
from typing import TYPE_CHECKING, Final

from scanner.cli.display import queued, summary
from scanner.cli.following import notes, result, watch
from scanner.cli.options import whole
from scanner.cli.text import moment, quoted
from scanner.errors import InvalidError, JobNotFoundError

if TYPE_CHECKING:
    from scanner.cli.context import Context, Groups, Json

ORDERS: Final = {
    "pause": "finish the shot at work, then wait",
    "resume": "go on",
    "cancel": "end, and keep what was saved",
    "finish": "end early, as completed",
    "halt": "emergency: motors and lights off at once",
    "skip": "pass over the shot on which the job stands",
}


def add(groups: Groups) -> None:
    """Add the commands."""
    within = groups.group("jobs", "look at jobs, pause, resume, cancel them")
    listed = groups.add("list", list_, "the queue, and the jobs that ended lately", within=within)
    listed.add_argument("-a", "--active", action="store_true", help="without those that have ended")
    one = groups.add("show", show, "one job", within=within)
    one.add_argument("id", metavar="ID")
    followed = groups.add("watch", watch_, "follow a job; Ctrl+C only looks away", within=within)
    followed.add_argument("id", metavar="ID", nargs="?", help="default: the job at work")
    for name, text in ORDERS.items():
        order = groups.add(name, partial(command, name), text, within=within)
        order.add_argument("id", metavar="ID", nargs="?", help="default: the only active one")
        order.add_argument("--reason", default="", help="kept in the session's journal")
    place = groups.add("move", move, "give a waiting job another place in the queue", within=within)
    place.add_argument("id", metavar="ID")
    place.add_argument("position", metavar="POSITION", type=whole, help="1 is next")
    gone = groups.add("delete", delete, "cancel a job, or take an ended one off the list", within=within)
    gone.add_argument("id", metavar="ID")
    groups.add("clear", clear, "take all ended jobs off the list", within=within)
    groups.add("report", report, "all jobs as CSV, for a spreadsheet; with --json as JSON", within=within)


def list_(context: Context, arguments: argparse.Namespace) -> int:
    """Print jobs."""
    jobs = context.client.get("/api/jobs/active" if arguments.active else "/api/jobs")
    if context.output.as_json:
        context.output.data(jobs)
        return 0
    rows = [
        (job["id"], job["kind"], job["state"], _progress(job), moment(job["created_at"]), job["title"], _word(job))
        for job in jobs["items"]
    ]
    context.output.table(("ID", "KIND", "STATE", "DONE", "SINCE", "TITLE", ""), rows, empty="there are no jobs")
    return 0


def _progress(job: Json) -> str:
    return f"{job['progress']['done']}/{job['progress']['total']}"


def _word(job: Json) -> str:
    """Why it stands still or failed, or its place."""
    for cause in (job["pause"], job["error"]):
        if cause:
            return str(cause["message"])
    return queued(job).removeprefix(", ")


def show(context: Context, arguments: argparse.Namespace) -> int:
    """Print one job."""
    return _print(context, context.client.get(_url(arguments.id)))


def watch_(context: Context, arguments: argparse.Namespace) -> int:
    """Follow a job until it ends."""
    job = _whole(arguments.id) if arguments.id else _only(context, ("running", "paused", "pending"))
    try:
        return watch(context, job)
    except KeyboardInterrupt:
        context.output.say()  # below the ^C
        context.output.say("no longer watched; the job is as it was")
        return 0


def command(name: str, context: Context, arguments: argparse.Namespace) -> int:
    """Order a job about."""
    if name == "halt" and not arguments.id:
        context.client.post("/api/rig/stop")
        context.output.say("everything is off; home the rig before it moves again")
        return 0
    states = {"resume": ("paused",), "skip": ("paused",), "pause": ("running", "pending")}
    job = _whole(arguments.id) if arguments.id else _only(context, states.get(name, ("running", "paused", "pending")))
    return _print(context, context.client.post(f"/api/jobs/{job}/{name}", {"reason": arguments.reason}))


def move(context: Context, arguments: argparse.Namespace) -> int:
    """Move a job in the queue."""
    return _print(context, context.client.post(f"{_url(arguments.id)}/move", {"position": arguments.position}))


def delete(context: Context, arguments: argparse.Namespace) -> int:
    """Cancel a job or forget it."""
    return _print(context, context.client.delete(_url(arguments.id)))


def clear(context: Context, _: argparse.Namespace) -> int:
    """Forget all ended jobs."""
    context.client.delete("/api/jobs")
    context.output.say("all ended jobs are off the list")
    return 0


def report(context: Context, _: argparse.Namespace) -> int:
    """Print all jobs as a file."""
    kind = "json" if context.output.as_json else "csv"
    context.client.download(f"/api/jobs/report?format={kind}", context.output.write)
    if kind == "json":
        context.output.write(b"\n")
    return 0


def _only(context: Context, states: tuple[str, ...]) -> str:
    """The id of the one job in one of these states; of several, the one in the earliest state named if it is alone."""
    jobs = context.client.get("/api/jobs/active")["items"]
    for state in states:
        found = [str(job["id"]) for job in jobs if job["state"] == state]
        if len(found) == 1:
            return found[0]
        if found:
            message = f"which one? {state} are {', '.join(found)}"
            raise InvalidError(message, jobs=found)
    message = f"no job is {' or '.join(states)}"
    raise JobNotFoundError(message)


def _url(job_id: str) -> str:
    return f"/api/jobs/{_whole(job_id)}"


def _whole(job_id: str) -> str:
    """The id as the daemon writes it: the letters before the dash may be left out."""
    return quoted(job_id if job_id.startswith("j-") else f"j-{job_id}")


def _print(context: Context, job: Json) -> int:
    if context.output.as_json:
        context.output.data(job)
    else:
        context.output.say(result(job) if job["state"] == "completed" and job["result"] else summary(job))
        for note in notes(job):
            context.output.say(note)
        if job["error"]:
            context.output.say(job["error"]["message"])
    return 0
