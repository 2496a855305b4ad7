"""The rig by hand, its cameras, its faults on request; and the snapshot that pages begin from."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from scanner.events import WarningRaised
from scanner.spec import ScanSpec
from tests.web.conftest import QUICK, serving
from tests.web.test_sessions import halfway
from web.api.state import FRESH, Snapshots

if TYPE_CHECKING:
    from scanner.app import App
    from scanner.config import Config


async def test_the_snapshot(app: App, ask: Callable[..., Any]) -> None:
    job = await halfway(app, ask)
    state = (await ask("GET", "/api/state")).body
    assert state["seq"] == app.bus.last_id
    assert state["seq"].startswith(f"{state['boot']}:")
    assert [one["id"] for one in state["jobs"]] == [job["id"]]
    assert state["demo"] is True
    assert state["version"] == app.version
    assert {preset["name"] for preset in state["presets"]} == set(app.config.presets)
    assert state["presets"][0]["spec"]["plan"]["kind"]
    assert [guard["name"] for guard in state["guards"]] == ["disk_low"]
    assert state["health"]["disk_free"] > 0
    assert state["notices"] == []
    rig = state["rig"]
    assert (rig["name"], rig["cameras"][0]["name"], rig["lights"][0]["name"]) == ("Demo rig", "main", "ring")
    assert rig["geometry"] == {
        "distance": 280.0,
        "target_height": 38.0,
        "focal_px": pytest.approx(1587.3, abs=0.1),
        "width": 1280,
        "height": 960,
    }


async def test_a_page_that_begins_from_the_snapshot_misses_nothing(app: App, ask: Callable[..., Any]) -> None:
    state = (await ask("GET", "/api/state")).body
    _, complete = app.bus.subscribe(state["seq"])
    assert complete


async def test_snapshots_are_shared_until_something_happens(app: App) -> None:
    snapshots = Snapshots()
    first = snapshots.body(app, 100.0)
    assert snapshots.body(app, 100.0 + FRESH) is first
    assert snapshots.body(app, 100.1 + FRESH) is not first
    later = snapshots.body(app, 100.1 + FRESH)
    app.bus.publish(WarningRaised(message="dust"))
    assert snapshots.body(app, 100.1 + FRESH) is not later
    before = json.loads(snapshots.body(app, 100.1 + FRESH))
    job = await app.jobs.submit_scan(ScanSpec(), "test")
    after = json.loads(snapshots.body(app, 100.1 + FRESH))
    assert (before["jobs"], [one["id"] for one in after["jobs"]]) == ([], [job.id])


async def test_the_sign_of_life(app: App, ask: Callable[..., Any]) -> None:
    assert (await ask("GET", "/healthz")).body == {"status": "ok", "version": app.version}
    head = await ask("HEAD", "/api/state")
    assert (head.status, head.body) == (200, b"")


async def test_home_move_light_stop(ask: Callable[..., Any]) -> None:
    assert (await ask("GET", "/api/rig")).body["turntable"]["position"] is None
    refused = await ask("POST", "/api/rig/move", {"azimuth": 90})
    assert (refused.status, refused.code) == (503, "position_unknown")
    homed = (await ask("POST", "/api/rig/home")).body
    assert (homed["state"], homed["turntable"]["position"], homed["tilt"]["position"]) == ("ready", 0.0, 0.0)
    moved = (await ask("POST", "/api/rig/move", {"azimuth": 90, "elevation": 20})).body
    assert moved["turntable"]["position"] == pytest.approx(90, abs=0.1)
    assert moved["tilt"]["position"] == pytest.approx(20, abs=0.1)
    lit = (await ask("POST", "/api/rig/light", {"name": "ring", "level": 0.5})).body
    assert lit["lights"] == [{"name": "ring", "level": 0.5}]
    stopped = (await ask("POST", "/api/rig/stop")).body
    assert stopped["turntable"]["position"] is None


async def test_what_the_rig_cannot_do(ask: Callable[..., Any]) -> None:
    await ask("POST", "/api/rig/home")
    for path, body, status, paths in [
        ("move", {"azimuth": "far"}, 400, ["azimuth"]),
        ("move", {"azimuth": 1e9}, 400, ["azimuth"]),
        ("move", {"elevation": 91}, 400, ["elevation"]),
        ("move", {"height": 3}, 400, ["height"]),
        ("light", {"name": "ring", "level": 2}, 400, ["level"]),
        ("light", {"name": "ring"}, 400, ["level"]),
    ]:
        answer = await ask("POST", f"/api/rig/{path}", body)
        assert (answer.status, answer.code, answer.paths) == (status, "invalid", paths), body
    beyond = await ask("POST", "/api/rig/move", {"elevation": 85})
    assert (beyond.status, beyond.code) == (400, "invalid")
    assert (await ask("GET", "/api/rig")).body["state"] == "ready"
    unknown = await ask("POST", "/api/rig/light", {"name": "sun", "level": 1})
    assert (unknown.status, unknown.code) == (404, "device_not_found")
    assert (await ask("POST", "/api/rig/move")).paths == [""], "a body is needed"


async def test_while_a_scan_runs_only_stop_works(app: App, ask: Callable[..., Any]) -> None:
    await ask("POST", "/api/scans", {"plan": {"kind": "rings"}})
    subscriber, _ = app.bus.subscribe()
    while (await ask("GET", "/api/rig")).body["state"] != "scanning":
        await subscriber.next()
    subscriber.close()
    for path, body in [("home", None), ("move", {"azimuth": 1}), ("light", {"name": "ring", "level": 1})]:
        answer = await ask("POST", f"/api/rig/{path}", body)
        assert (answer.status, answer.code) == (409, "rig_busy"), path
    assert (await ask("POST", "/api/rig/stop")).status == 200


async def test_what_is_known_of_a_camera(ask: Callable[..., Any]) -> None:
    assert (await ask("GET", "/api/cameras/main/settings")).body["width"] == 1280
    for name in ("other", "..%2fmain", "MAIN"):
        for what in ("settings", "snapshot", "preview"):
            assert (await ask("GET", f"/api/cameras/{name}/{what}")).status == 404


async def test_faults_on_request(app: App, ask: Callable[..., Any]) -> None:
    assert (await ask("POST", "/api/demo/faults", {"camera_timeouts": 2, "slip": 1.5})).status == 204
    assert (app.faults.camera_timeouts, app.faults.slip) == (2, 1.5)
    assert (await ask("POST", "/api/demo/faults", {})).status == 204
    assert app.faults.camera_timeouts == 0
    assert (await ask("POST", "/api/demo/faults", {"earthquake": 1})).paths == ["earthquake"]


async def test_faults_are_for_demos(app: App) -> None:
    real = dataclasses.replace(app, demo=False, faults=None)
    async with serving(real) as (_, client), client.post("/api/demo/faults", json={}) as response:
        assert response.status == 403


class TestWithoutARig:
    """Safe mode: page and sessions work, scanning says what is missing."""

    @pytest.fixture
    def demo(self, demo: Config) -> Config:
        return msgspec.structs.replace(demo, rig=None)

    async def test_scanning_says_what_is_missing(self, app: App) -> None:
        async with serving(app) as (_, client):
            async with client.get("/api/state") as response:
                rig = (await response.json())["rig"]
            assert (rig["state"], rig["geometry"], rig["cameras"]) == ("missing", None, [])
            for path, body in [("scans", QUICK), ("plans", QUICK), ("rig/home", {}), ("rig/move", {"azimuth": 1})]:
                async with client.post(f"/api/{path}", json=body) as response:
                    assert response.status == 503
                    assert (await response.json())["error"]["code"] == "rig_missing"
            async with client.get("/api/cameras/main/preview") as response:
                assert response.status == 503
            async with client.post("/api/rig/stop") as response:
                assert response.status == 200
            async with client.get("/api/sessions") as response:
                assert response.status == 200
