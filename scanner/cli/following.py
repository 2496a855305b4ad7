"""A job followed by its events until it ends, or until nobody but a person can make it go on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Final

from scanner.cli.context import INTERRUPTED
from scanner.cli.display import display_for, named, summary
from scanner.cli.text import count, duration, size
from scanner.errors import JobNotFoundError, ScannerError, UnreachableError, error_types

if TYPE_CHECKING:
    from scanner.cli.context import Context, Json
    from scanner.cli.display import Display
    from scanner.cli.output import Output

ENDED: Final = frozenset({"completed", "failed", "cancelled"})
TOPICS: Final = ("job_changed", "progress")
CANCELLED: Final = 1
STANDSTILL: Final = 6
DAMAGED: Final = 6
PICTURED: Final = frozenset({"scan", "export"})  # kinds of jobs whose result is photos
RECONNECTS: Final = 60  # in a row, a second apart: a daemon that is started again is back by then


def follow(context: Context, job_id: str) -> Iterator[Json]:
    """The job as it now is, and again whenever it changes or gets on, until it has ended.

    A stream that breaks is taken up again. Errors: UnreachableError once the daemon stays away, JobNotFoundError.
    """
    failures = 0
    while True:
        try:
            with context.client.events(TOPICS) as events:
                job: Json = context.client.get(f"/api/jobs/{job_id}")
                failures = 0
                yield job
                while job["state"] not in ENDED:
                    event = next(events, None)
                    if event is None:
                        break
                    if _concerns(job, event.name, event.data):
                        job = _after(context, job, event.name, event.data)
                        yield job
            if job["state"] in ENDED:
                return
        except UnreachableError:
            failures += 1
            if failures > RECONNECTS:
                raise
        context.sleep(1.0)


def _concerns(job: Json, name: str, data: Json) -> bool:
    """Whether an event tells of the job, or of a change of the one that it waits for."""
    about = data.get("job_id")
    return about == job["id"] or (name == "job_changed" and about is not None and about == job.get("waits_for"))


def _after(context: Context, job: Json, name: str, data: Json) -> Json:
    if name == "progress":
        return {**job, "pass": data["pass"], "progress": data["progress"]}
    now: Json = context.client.get(f"/api/jobs/{job['id']}")
    return now


def wait(context: Context, job: Json, *, on_interrupt: str = "pause") -> int:
    """Show a job until it ends and return the exit code. Ctrl+C gives it the command ``on_interrupt``."""
    try:
        return watch(context, job["id"], person=True)
    except KeyboardInterrupt:
        _interrupt(context, job["id"], on_interrupt)
        return INTERRUPTED


def started(context: Context, job: Json, *, waiting: bool) -> int:
    """Say that a job was begun, and show it until it ends where that is wanted; Ctrl+C then cancels it."""
    output = context.output
    if waiting:
        return wait(context, job, on_interrupt="cancel")
    output.answer(job, f"{summary(job)}; watch it with: scanner jobs watch {job['id']}")
    return 0


def _interrupt(context: Context, job_id: str, command: str) -> None:
    output = context.output
    output.say()  # below the ^C
    try:
        context.client.post(f"/api/jobs/{job_id}/{command}", {"reason": "interrupted at the terminal"})
    except ScannerError as fault:
        output.complain(fault.message)
        return
    if command == "pause":
        output.say(f"paused, the photo at work is still saved; go on with: scanner jobs resume {job_id}")
    else:
        output.say("cancelled")


def watch(context: Context, job_id: str, *, person: bool = False) -> int:
    """Show a job until it ends, or stands still until somebody sees to it; return the exit code.

    ``person``: whoever watches also turns the object over between passes, and is asked to.
    """
    job: Json = {}
    told: list[str] = []
    with closing(display_for(context.output)) as display:
        for job in follow(context, job_id):
            display.show(job)
            if _stands_still(job):
                break
            if person and context.ask is not None and _wants_turning(job):
                display.close()
                context.ask(f"{job['pause']['message']} Press Enter when it is done. ")
                context.client.post(f"/api/jobs/{job_id}/resume")
                continue
            told = _tell_wait(context, display, job, told)
    return _ending(context.output, job)


def _tell_wait(context: Context, display: Display, job: Json, told: list[str]) -> list[str]:
    """Say what the job waits for and what makes it go on, where that is not what was ``told`` before; what there is to
    be told now.
    """
    now = _awaited(context, job)
    if now and now != told:
        display.close()  # below its bar, which begins anew
        for sentence in now:
            context.output.say(sentence)
    return now


def _awaited(context: Context, job: Json) -> list[str]:
    """What has to happen before a job works, a sentence each; nothing where it needs nobody."""
    if job["state"] == "paused":
        return [] if job["pause"]["resumes_by_itself"] else [_go_on(job)]
    if job["state"] != "pending" or not job.get("waits_for"):
        return []
    try:
        other: Json = context.client.get(f"/api/jobs/{job['waits_for']}")
    except JobNotFoundError:
        return []
    if other["state"] != "paused":
        return [f"waiting for {named(other)}"]
    by_itself = other["pause"]["resumes_by_itself"]
    return [f"waiting for {named(other)}: {other['pause']['message']}", *([] if by_itself else [_go_on(other)])]


def _go_on(job: Json) -> str:
    return f"go on with: scanner jobs resume {job['id']}"


def _wants_turning(job: Json) -> bool:
    return bool(job["state"] == "paused" and job["pause"]["reason"] == "turn_object")


def _stands_still(job: Json) -> bool:
    """Whether the job is paused so that waiting for it is in vain."""
    pause = job["pause"]
    return job["state"] == "paused" and pause["by"] in {"fault", "restart"} and not pause["resumes_by_itself"]


def _ending(output: Output, job: Json) -> int:
    """Say what came of a job; its exit code."""
    if job["state"] == "completed":
        if not output.as_json:
            output.say(result(job))
            for note in notes(job):
                output.say(note)
        return DAMAGED if _found_damage(job) else 0
    if job["state"] == "cancelled":
        why = f": {job['error']['message']}" if job["error"] else ""
        output.complain(f"{job['kind']} {job['id']} was cancelled{why}")
        return CANCELLED
    if job["state"] == "failed":
        output.complain(f"{job['kind']} {job['id']} failed: {job['error']['message']}")
        codes = {kind.code: kind.exit_code for kind in error_types()}
        return codes.get(job["error"]["code"], STANDSTILL)
    output.complain(summary(job))
    output.complain(_go_on(job))
    return STANDSTILL


def _found_damage(job: Json) -> bool:
    """Whether a job that verified found photos or documents that are not what was saved."""
    return bool(job["kind"] == "verify" and (_lacks_photos(job) or (job["result"] or {}).get("flawed")))


def _lacks_photos(job: Json) -> bool:
    return bool((job["result"] or {}).get("saved", 0) < job["progress"]["total"])


def result(job: Json) -> str:
    """What came of a completed job, in a line."""
    came = job["result"] or {}
    time = duration(came.get("duration_s", 0))
    if job["kind"] in PICTURED:
        words = [count(came.get("saved", 0), "photo"), size(came.get("bytes", 0)), time]
    else:
        done = count(job["progress"]["done"], job["progress"]["unit"].removesuffix("s"))
        words = [f"{came.get('saved', 0)} of {done} whole" if job["kind"] == "verify" else done, time]
        if _found_damage(job) and not _lacks_photos(job):
            words.insert(1, "but not everything else")
    extra = [f"{came[name]} {name}" for name in ("skipped", "retaken") if came.get(name)]
    place = f" in {came['path']}" if came.get("path") else ""
    return f"{job['kind']} {job['id']} completed: {', '.join([*words, *extra])}{place}"


def notes(job: Json) -> list[str]:
    """What was found on the way, a sentence each."""
    return list((job["result"] or {}).get("notes") or ())
