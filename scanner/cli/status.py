"""``scanner status``: what the scanner does now."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from scanner.cli.display import summary
from scanner.cli.text import moment, size

if TYPE_CHECKING:
    from scanner.cli.context import Context, Groups, Json


def add(groups: Groups) -> None:
    """Add the command."""
    groups.add("status", status, "what the scanner does now")


def status(context: Context, _: argparse.Namespace) -> int:
    """Print the state of daemon, rig, jobs, guards and disk."""
    state = context.client.get("/api/state")
    if context.output.as_json:
        context.output.data(state)
        return 0
    context.output.facts(_facts(state))
    return 0


def _facts(state: Json) -> Iterator[tuple[str, object]]:
    kind = "demo, " if state["demo"] else ""
    yield "scanner", f"{state['version']} ({kind}running since {moment(state['started_at'])})"
    yield "rig", rig_line(state["rig"])
    waiting = [job for job in state["jobs"] if job["state"] == "pending"]
    for job in state["jobs"]:
        if job["state"] != "pending":
            yield "job", summary(job)
    yield "queue", f"{len(waiting)} waiting" if waiting else ""
    yield "job", "" if state["jobs"] else "none"
    health = state["health"]
    if health.get("disk_total"):
        yield "disk", f"{size(health['disk_free'])} free of {size(health['disk_total'])}"
    if health.get("cpu_temperature") is not None:
        yield "cpu", f"{health['cpu_temperature']:.0f} °C"
    for guard in state["guards"]:
        if guard["active"]:
            yield "waiting", guard["message"]
    for notice in state["notices"]:
        yield "notice", notice


def rig_line(rig: Json) -> str:
    """The rig in a line: state, and where its axes stand."""
    axes = [(name, rig[name]["position"]) for name in ("turntable", "tilt") if rig[name] is not None]
    places = [f"{name} {'not homed' if place is None else f'{place:.1f}°'}" for name, place in axes]
    words = ", ".join([rig["state"], *places])
    return f"{rig['name']}: {words}" + (f" - {rig['message']}" if rig["message"] else "")
