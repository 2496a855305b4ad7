"""``scanner rig`` and ``scanner status``."""

from __future__ import annotations

import json

import pytest

from tests.scanner.cli.conftest import job, rig
from tests.scanner.cli.stub import error


def test_the_rig_with_its_parts(cli, stub):
    stub.answers["GET /api/rig"] = rig()
    assert cli("rig", "status").out.splitlines() == [
        "rig          twin: ready, turntable 45.0°, tilt not homed",
        "turntable    sim, endless, 60°/s",
        "tilt         sim, 0° to 80°, 60°/s",
        "camera main  Twin, 1280 x 960",
        "light ring   50%",
    ]


def test_a_rig_without_tilt_and_one_that_is_missing(cli, stub):
    stub.answers["GET /api/rig"] = rig(tilt=None, fixed_elevation=20.0)
    assert "elevation    fixed at 20°" in cli("rig", "status").out
    stub.answers["GET /api/rig"] = rig(
        state="missing", message="the configuration has no rig", turntable=None, tilt=None, cameras=[], lights=[]
    )
    assert cli("rig", "status").out == "rig  twin: missing - the configuration has no rig\n"


@pytest.mark.parametrize(
    ("argv", "url", "body"),
    [
        (("home",), "home", None),
        (("stop",), "stop", None),
        (("move", "90"), "move", {"azimuth": 90.0, "elevation": None}),
        (("move", "--elevation", "30"), "move", {"azimuth": None, "elevation": 30.0}),
        (("move", "-90", "-e", "-5"), "move", {"azimuth": -90.0, "elevation": -5.0}),
    ],
)
def test_the_rig_is_moved(cli, stub, argv, url, body):
    stub.answers[f"POST /api/rig/{url}"] = rig()
    call = cli("rig", *argv)
    assert (call.code, call.out) == (0, "twin: ready, turntable 45.0°, tilt not homed\n")
    assert stub.requests[-1].body == body
    assert json.loads(cli("rig", *argv, "--json").out) == rig()


def test_a_move_to_nowhere(cli, stub):
    call = cli("rig", "move")
    assert call.code == 2
    assert "say where to" in call.err
    assert not stub.requests


def test_a_busy_rig(cli, stub):
    stub.answers["POST /api/rig/home"] = (409, error("rig_busy", "a scan has the rig"))
    assert cli("rig", "home").code == 4


STATE = {
    "version": "1.2",
    "started_at": "2026-11-20T04:15:30.120Z",
    "demo": True,
    "rig": rig(),
    "jobs": [job(), job("pending", id="j-b"), job("pending", id="j-c")],
    "guards": [
        {"name": "disk", "active": True, "message": "1.2 GB free"},
        {"name": "heat", "active": False, "message": ""},
    ],
    "health": {"disk_free": 50e9, "disk_total": 250e9, "cpu_temperature": 51.6, "loop_lag_ms": 1.0},
    "notices": ["a pass was interrupted"],
    "presets": [],
}


def test_the_state_of_everything(cli, stub):
    stub.answers["GET /api/state"] = STATE
    assert cli("status").out.splitlines() == [
        "scanner  1.2 (demo, running since 2026-11-20 04:15)",
        "rig      twin: ready, turntable 45.0°, tilt not homed",
        "job      scan j-abc123 (Vase) running: 3 of 10 photos, 1 min 5 s left",
        "queue    2 waiting",
        "disk     50.0 GB free of 250 GB",
        "cpu      52 °C",
        "waiting  1.2 GB free",
        "notice   a pass was interrupted",
    ]
    assert json.loads(cli("status", "--json").out) == STATE


def test_the_state_of_an_idle_scanner(cli, stub):
    health = {"disk_free": None, "disk_total": None, "cpu_temperature": None}
    stub.answers["GET /api/state"] = STATE | {"demo": False, "jobs": [], "guards": [], "notices": [], "health": health}
    assert cli("status").out.splitlines() == [
        "scanner  1.2 (running since 2026-11-20 04:15)",
        "rig      twin: ready, turntable 45.0°, tilt not homed",
        "job      none",
    ]
