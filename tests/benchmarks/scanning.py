"""How long a scan takes against what motion, settling and exposure alone take."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from scanner.model import Viewpoint
from scanner.planning import Motion, RigLimits, shot_move_time
from tests.benchmarks.servers import daemon
from tests.benchmarks.table import Row, against
from tests.support.daemon import Daemon

SIZE = {"width": 1280, "height": 720}


def wall_time(directory: Path) -> list[Row]:
    """72 shots of the default plan at real speeds: from the first motion to the last photo."""
    ours = daemon(directory / "wall", speed=1.0)
    with ours:
        job = ours.scan(title="Stone", camera=SIZE)
        ours.until(lambda: ours.job_state(job["id"]) == "completed", "the scan is complete", 600.0)
        session = ours.sessions / job["session_id"]
        (path,) = session.rglob("journal.jsonl")
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        plan = json.loads((path.parent / "pass.json").read_text())["plan"]
        needed = _needed(ours, lines, plan)
    saved = [line for line in lines if line["event"] == "saved"]
    begin = next(line for line in lines if line["event"] == "started")
    taken = (datetime.fromisoformat(saved[-1]["at"]) - datetime.fromisoformat(begin["at"])).total_seconds()
    return [against(f"scan of {len(saved)} shots at real speeds", taken, needed, "s", limit=1.03)]


def _needed(ours: Daemon, lines: list[dict[str, Any]], plan: dict[str, Any]) -> float:
    rig = ours.get("/api/state")["rig"]
    axes = {name: Motion(rig[name]["speed"], rig[name]["acceleration"]) for name in ("turntable", "tilt")}
    limits = RigLimits(
        tilt=(rig["tilt"]["lowest"], rig["tilt"]["highest"]),
        fixed_elevation=None,
        cameras=(),
        turntable=axes["turntable"],
        tilt_motion=axes["tilt"],
        speed=1.0,
    )
    total, before = 0.0, None
    for shot in plan["shots"]:
        here = Viewpoint(*shot["viewpoint"].values())
        total += shot_move_time(before, here, limits)
        before = here
    done = [line for line in lines if line["event"] == "saved"]
    return total + sum(line["settle_s"] + line["capture_s"] for line in done)
