"""``scanner rig``: look at the rig, home it, move it by hand, stop it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from scanner.cli.options import number
from scanner.cli.status import rig_line

if TYPE_CHECKING:
    from scanner.cli.context import Context, Groups, Json


def add(groups: Groups) -> None:
    """Add the commands."""
    within = groups.group("rig", "look at the rig, move it by hand, stop it")
    groups.add("status", status, "where the rig stands and what it is made of", within=within)
    groups.add("home", home, "find the reference position of every axis", within=within)
    move_ = groups.add("move", move, "move to an azimuth, an elevation, or both", within=within)
    move_.add_argument("azimuth", type=number, nargs="?", metavar="AZIMUTH", help="angle of the turntable, degrees")
    move_.add_argument("-e", "--elevation", type=number, help="camera above the plate, degrees")
    groups.add("stop", stop, "emergency: motors and lights off at once, whatever runs", within=within)


def status(context: Context, _: argparse.Namespace) -> int:
    """Print the rig."""
    return _print(context, context.client.get("/api/rig"), whole=True)


def home(context: Context, _: argparse.Namespace) -> int:
    """Home the axes and print the rig."""
    return _print(context, context.client.post("/api/rig/home", slow=True))


def move(context: Context, arguments: argparse.Namespace) -> int:
    """Move and print the rig."""
    from scanner.errors import InvalidError  # noqa: PLC0415 - only for who asks wrongly

    target = {"azimuth": arguments.azimuth, "elevation": arguments.elevation}
    if not any(value is not None for value in target.values()):
        message = "say where to: scanner rig move AZIMUTH, or --elevation"
        raise InvalidError(message)
    return _print(context, context.client.post("/api/rig/move", target, slow=True))


def stop(context: Context, _: argparse.Namespace) -> int:
    """Stop everything and print the rig."""
    return _print(context, context.client.post("/api/rig/stop"))


def _print(context: Context, rig: Json, *, whole: bool = False) -> int:
    output = context.output
    if output.as_json:
        output.data(rig)
    elif not whole:
        output.say(rig_line(rig))
    else:
        output.facts([("rig", rig_line(rig)), *_parts(rig)])
    return 0


def _parts(rig: Json) -> list[tuple[str, object]]:
    facts: list[tuple[str, object]] = []
    for name in ("turntable", "tilt"):
        if (axis := rig[name]) is not None:
            reach = "endless" if axis["endless"] else f"{axis['lowest']:g}° to {axis['highest']:g}°"
            facts.append((name, f"{axis['driver']}, {reach}, {axis['speed']:g}°/s"))
    if rig["fixed_elevation"] is not None:
        facts.append(("elevation", f"fixed at {rig['fixed_elevation']:g}°"))
    facts += [
        (f"camera {camera['name']}", f"{camera['model']}, {camera['width']} x {camera['height']}")
        for camera in rig["cameras"]
    ]
    return facts + [(f"light {light['name']}", f"{light['level']:.0%}") for light in rig["lights"]]
