"""A job on the screen while it goes on: a bar on a terminal, lines anywhere else, JSON where asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from scanner.cli.text import clean, count, duration

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from scanner.cli.context import Json
    from scanner.cli.output import Output

_TENTHS = 10


class Display(Protocol):
    """Shows one job, again and again."""

    def show(self, job: Json) -> None:
        """The job as it now is."""

    def close(self) -> None:
        """Leave the screen to others; showing again begins anew. Idempotent."""


def display_for(output: Output) -> Display:
    """The display that suits the output."""
    if output.as_json:
        return JsonLines(output)
    return Bar(output) if output.terminal else Lines(output)


def summary(job: Json) -> str:
    """What the job does now, in a line."""
    progress = job["progress"]
    done = f"{progress['done']} of {count(progress['total'], progress['unit'].removesuffix('s'))}"
    words = [f"{named(job)}:"]
    if job["state"] == "paused" and job["pause"]:
        return " ".join(filter(None, [*words, job["pause"]["message"], f"({done})"]))
    left = progress["eta_s"]
    ahead = f", {duration(left)} left" if left is not None and job["state"] == "running" else ""
    pass_ = f" of pass {job['pass']}" if len(job["passes"]) > 1 and job["pass"] else ""
    return " ".join(filter(None, [*words, f"{done}{pass_}{ahead}{queued(job)}"]))


def named(job: Json) -> str:
    """Which job it is and its state: ``scan j-8f3k2m (Vase) paused``."""
    return " ".join(filter(None, [job["kind"], job["id"], f"({job['title']})" if job["title"] else "", job["state"]]))


def queued(job: Json) -> str:
    """Its place in the queue and the job that has its turn, to be put behind what is said of a job; "" for none."""
    if not job["queue_position"]:
        return ""
    behind = f", behind {job['waits_for']}" if job.get("waits_for") else ""
    return f", number {job['queue_position']} in the queue{behind}"


class JsonLines:
    """The job as JSON, a line for each change."""

    def __init__(self, output: Output) -> None:
        self._output = output

    def show(self, job: Json) -> None:
        self._output.data(job)

    def close(self) -> None:
        """Nothing is kept open."""


class Lines:
    """A line for each change of state and each tenth of the way."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._told: tuple[object, ...] | None = None

    def show(self, job: Json) -> None:
        progress = job["progress"]
        tenth = progress["done"] * _TENTHS // max(1, progress["total"])
        telling = (job["state"], job["pause"] and job["pause"]["reason"], job["pass"], tenth, job["queue_position"])
        if telling != self._told:
            self._told = telling
            self._output.say(summary(job))

    def close(self) -> None:
        """Nothing is kept open."""


class Bar:
    """A progress bar."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._bar: tuple[Progress, TaskID] | None = None

    def show(self, job: Json) -> None:
        if self._bar is None:
            self._bar = self._start()
        bar, task = self._bar
        progress = job["progress"]
        line = clean(summary(job))
        bar.update(task, description=line, completed=progress["done"], total=progress["total"], refresh=True)

    def _start(self) -> tuple[Progress, TaskID]:
        from rich.console import Console  # noqa: PLC0415 - only for a terminal
        from rich.progress import BarColumn, Progress, TextColumn  # noqa: PLC0415 - as above

        columns = (BarColumn(), TextColumn("{task.description}", markup=False))
        bar = Progress(*columns, console=Console(file=self._output.out), auto_refresh=False)
        bar.start()
        return bar, bar.add_task("")

    def close(self) -> None:
        """Leave the last state of the bar standing."""
        if self._bar is not None:
            self._bar[0].stop()
            self._bar = None
