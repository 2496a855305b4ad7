"""``scanner scan start``: from options to a ScanSpec, and on to the daemon."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from scanner.cli.display import queued
from scanner.cli.following import wait
from scanner.cli.options import number, numbers, whole
from scanner.cli.restoring import go_on
from scanner.cli.text import count, duration, size
from scanner.errors import InvalidError

if TYPE_CHECKING:
    from scanner.cli.context import Context, Groups, Json

PASS_FIELDS: Final = ("plan", "cameras", "camera", "lights", "settle", "retake")  # of a single pass
NEW: Final = {  # options that tell of a new scan
    "preset": "PRESET",
    "title": "--title",
    "spec": "--spec",
    "rings": "--rings",
    "fibonacci": "--fibonacci",
    "csv": "--csv",
    "elevations": "--elevations",
    "cameras": "--camera",
    "size": "--size",
    "quality": "--quality",
    "settle": "--settle",
    "lights": "--light",
    "operator": "--operator",
    "tags": "--tag",
    "notes": "--notes",
}
LOWEST: Final = 10.0  # of the elevations that --rings spreads its rings over
HIGHEST: Final = 50.0
_RINGS: Final = re.compile(r"(\d{1,5})(?:x(\d{1,2}))?")
_SIZE: Final = re.compile(r"(\d{1,5})x(\d{1,5})")


def add(groups: Groups) -> None:
    """Add the command."""
    within = groups.group("scan", "start scans")
    parser = groups.add("start", start, "start or queue a scan", within=within)
    parser.add_argument(
        "preset", metavar="PRESET", nargs="?", help="a named scan of the configuration; options override it"
    )
    parser.add_argument("--title", help="what is scanned, free text")
    parser.add_argument("--spec", type=Path, metavar="FILE", help="a ScanSpec in YAML or JSON; options override it")
    plan = parser.add_mutually_exclusive_group()
    plan.add_argument("--rings", type=_rings, metavar="24x3", help="photos a ring x rings")
    plan.add_argument("--fibonacci", type=whole, metavar="N", help="N viewpoints, evenly spread")
    plan.add_argument("--csv", type=Path, metavar="FILE", help="viewpoints, one azimuth,elevation a line")
    parser.add_argument("--elevations", type=numbers, metavar="10,30,50", help="of the rings; default: 10 to 50")
    parser.add_argument(
        "--pass", dest="passes", action="append", metavar="NAME", help="name a pass; repeat for several"
    )
    parser.add_argument("--session", metavar="ID", help="add a pass to this session; with --resume: go on with it")
    parser.add_argument("--resume", action="store_true", help="go on with what is incomplete, begin nothing new")
    parser.add_argument(
        "--camera", dest="cameras", action="append", metavar="NAME", help="default: all; repeat for several"
    )
    parser.add_argument("--size", type=_size, metavar="WxH", help="of the photos, pixels; default: all the camera has")
    parser.add_argument("--quality", type=whole, metavar="1-100", help="of the JPEG")
    parser.add_argument("--settle", type=_settle, metavar="SECONDS", help="after each move, or auto")
    parser.add_argument("--light", dest="lights", type=_light, action="append", metavar="NAME=0-1")
    parser.add_argument("--operator", help="who scans")
    parser.add_argument("--tag", dest="tags", action="append")
    parser.add_argument("--notes")
    parser.add_argument("--wait", action="store_true", help="until it has ended; Ctrl+C pauses it")
    parser.add_argument("--dry-run", action="store_true", help="say what it would cost, start nothing")


def start(context: Context, arguments: argparse.Namespace) -> int:
    """Start a scan, go on with one, or say what it would cost."""
    if arguments.resume:
        return _resume(context, arguments)
    fields = _pass_fields(context, arguments)
    if arguments.session is not None and not arguments.dry_run:
        url, spec = f"/api/sessions/{arguments.session}/passes", _one_pass(context, arguments, fields)
    else:
        url, spec = "/api/scans", _spec(context, arguments, fields)
    if arguments.dry_run:
        return _cost(context, context.client.post("/api/plans", spec))
    import secrets  # noqa: PLC0415 - costs 5 ms

    job = context.client.post(url, spec, key=secrets.token_hex(16))
    _started(context, job)
    return wait(context, job) if arguments.wait else 0


def _resume(context: Context, arguments: argparse.Namespace) -> int:
    given = [option for name, option in NEW.items() if getattr(arguments, name) is not None]
    if given:
        message = f"--resume goes on with a scan as it was begun; only a new one takes {', '.join(given)}"
        raise InvalidError(message)
    if arguments.dry_run:
        message = "--dry-run says what a new scan would cost; what is incomplete tells: scanner sessions restore"
        raise InvalidError(message)
    passes = arguments.passes or [None]
    if len(passes) > 1:
        message = "--resume goes on with one pass: name one"
        raise InvalidError(message)
    return go_on(context, arguments.session, passes[0], waiting=arguments.wait)


def _pass_fields(context: Context, arguments: argparse.Namespace) -> Json:
    """What the options say about a pass."""
    camera: Json = {} if arguments.size is None else dict(zip(("width", "height"), arguments.size, strict=True))
    if arguments.quality is not None:
        camera["quality"] = arguments.quality
    fields = {
        "plan": _plan(context, arguments),
        "cameras": arguments.cameras,
        "camera": camera or None,
        "lights": dict(arguments.lights) if arguments.lights else None,
        "settle": arguments.settle,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _plan(context: Context, arguments: argparse.Namespace) -> Json | None:
    if arguments.fibonacci is not None:
        return {"kind": "fibonacci", "count": arguments.fibonacci}
    if arguments.csv is not None:
        return {"kind": "list", "csv": _read(arguments.csv)}
    if arguments.rings is None:
        if arguments.elevations is not None:
            message = "--elevations belongs to --rings"
            raise InvalidError(message)
        return None
    photos, rings = arguments.rings
    elevations = arguments.elevations or _elevations(context, rings)
    if len(elevations) != rings:
        message = f"--rings asks for {count(rings, 'ring')}, --elevations names {len(elevations)}"
        raise InvalidError(message)
    return {"kind": "rings", "rings": [{"count": photos} | _at(elevation) for elevation in elevations]}


def _elevations(context: Context, rings: int) -> list[float | None]:
    """Where ``rings`` rings stand: spread evenly, or at the one elevation of a rig without tilt."""
    if rings == 1:
        tilted = context.client.get("/api/rig")["tilt"] is not None
        return [(LOWEST + HIGHEST) / 2 if tilted else None]
    return [LOWEST + (HIGHEST - LOWEST) * ring / (rings - 1) for ring in range(rings)]


def _at(elevation: float | None) -> Json:
    return {} if elevation is None else {"elevation": elevation}


def _spec(context: Context, arguments: argparse.Namespace, fields: Json) -> Json:
    """The whole ScanSpec: file, then options."""
    said = {name: getattr(arguments, name) for name in ("title", "preset", "operator", "tags", "notes")}
    spec = _from_file(arguments.spec) | {name: value for name, value in said.items() if value is not None}
    if not arguments.passes:
        return spec | fields
    base = _preset(context, arguments.preset) | {name: spec.pop(name) for name in PASS_FIELDS if name in spec}
    return spec | {"passes": [{"name": name, **base, **fields} for name in arguments.passes]}


def _one_pass(context: Context, arguments: argparse.Namespace, fields: Json) -> Json:
    """The PassSpec of one more pass."""
    if arguments.title is not None or (arguments.passes and len(arguments.passes) > 1):
        message = "one pass is added to a session, and it has no title of its own"
        raise InvalidError(message)
    if arguments.passes:
        name = arguments.passes[0]
    else:
        there = {one["name"] for one in context.client.get(f"/api/sessions/{arguments.session}")["passes"]}
        name = next(f"pass-{number}" for number in range(len(there) + 1, 10_000) if f"pass-{number}" not in there)
    return {"name": name} | _preset(context, arguments.preset) | _from_file(arguments.spec) | fields


def _preset(context: Context, name: str | None) -> Json:
    """The pass fields of a preset."""
    if name is None:
        return {}
    presets = {one["name"]: one["spec"] for one in context.client.get("/api/state")["presets"]}
    spec = presets.get(name)
    if spec is None or spec.get("passes"):
        problem = "has passes of its own" if spec else f"is unknown; there is {', '.join(presets) or 'none'}"
        message = f"the preset {name!r} {problem}"
        raise InvalidError(message)
    return {field: spec[field] for field in PASS_FIELDS if spec.get(field) is not None}


def _from_file(path: Path | None) -> Json:
    if path is None:
        return {}
    import yaml  # noqa: PLC0415 - JSON is YAML too

    try:
        data = yaml.safe_load(_read(path))
    except yaml.YAMLError as fault:
        message = f"{path} cannot be read: {fault}"
        raise InvalidError(message) from fault
    if not isinstance(data, dict):
        message = f"{path} holds no ScanSpec"
        raise InvalidError(message)
    return data


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        message = f"{path} cannot be read: {getattr(fault, 'strerror', None) or fault}"
        raise InvalidError(message) from fault


def _started(context: Context, job: Json) -> None:
    output = context.output
    if output.as_json:
        output.data(job)
        return
    photos = count(job["progress"]["total"], "photo")
    output.say(f"scan {job['id']}: {photos} for session {job['session_id']}{queued(job)}")
    output.say(f"watch it with: scanner jobs watch {job['id']}")


def _cost(context: Context, answer: Json) -> int:
    output = context.output
    if output.as_json:
        output.data(answer)
        return 0
    rows = [(one["name"], one["count"], duration(one["duration_s"]), size(one["bytes"])) for one in answer["passes"]]
    if len(rows) > 1:
        rows.append(("all", answer["count"], duration(answer["duration_s"]), size(answer["bytes"])))
    output.table(("PASS", "PHOTOS", "TIME", "DISK"), rows, empty="nothing to scan")
    for warning in answer["warnings"]:
        output.complain(f"warning: {warning}")
    return 0


def _rings(text: str) -> tuple[int, int]:
    match = _RINGS.fullmatch(text)
    if match is None or int(match[2] or 1) == 0:
        message = f"expected photos a ring x rings, such as 24x3, got {text!r}"
        raise argparse.ArgumentTypeError(message)
    return int(match[1]), int(match[2] or 1)


def _size(text: str) -> tuple[int, int]:
    match = _SIZE.fullmatch(text)
    if match is None:
        message = f"expected width x height, such as 1920x1080, got {text!r}"
        raise argparse.ArgumentTypeError(message)
    return int(match[1]), int(match[2])


def _settle(text: str) -> float | str:
    return "auto" if text == "auto" else number(text)


def _light(text: str) -> tuple[str, Any]:
    name, _, level = text.partition("=")
    return name, number(level)
