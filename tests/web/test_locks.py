"""The monitor: who works on what, and taking a pass from somebody by force."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from scanner.app import open_app
from scanner.decoding import decode
from scanner.model import JobId, PassName
from scanner.planning import make_plans
from scanner.spec import PassSpec, ScanSpec
from scanner.storage import NewPass
from tests.web.conftest import scanned
from tests.web.test_sessions import TWO, planned

if TYPE_CHECKING:
    from pathlib import Path

    from scanner.app import App
    from scanner.config import Config

DOWN = PassName("down")


@pytest.fixture
async def other(app: App, tmp_path: Path) -> AsyncIterator[App]:
    """A second daemon on the same data directory, without a rig."""
    config: Config = replace(app.config, state_dir=tmp_path / "other", rig=None)
    running = await open_app(config)
    yield running
    await running.close()


async def test_nobody_works_on_anything(app: App, ask: Callable[..., Any]) -> None:
    await scanned(app, ask)
    empty = {"items": [], "next": None, "total": 0}
    assert (await ask("GET", "/api/locks")).body == empty
    assert (await ask("GET", "/api/audit")).body == empty


async def test_our_own_pass_is_shown_and_not_forced(app: App, ask: Callable[..., Any]) -> None:
    handle = await planned(app)
    async with app.storage.open_pass(handle, DOWN, job_id=JobId("j-abc123"), origin="web:anna"):
        (lock,) = (await ask("GET", "/api/locks")).body["items"]
        assert (lock["session_id"], lock["pass"], lock["own"], lock["state"]) == (handle.id, "down", True, "alive")
        assert (lock["job_id"], lock["origin"], len(lock["beats"])) == ("j-abc123", "web:anna", 1)
        order = {"session_id": handle.id, "pass": "down", "reason": "mine"}
        answer = await ask("POST", "/api/locks/release", order)
        assert (answer.status, answer.code) == (409, "session_busy")
        assert answer.body["error"]["detail"]["job_id"] == "j-abc123"
    assert (await ask("GET", "/api/locks")).body["items"] == []


async def test_a_foreign_lock_is_named_and_taken_by_force(app: App, other: App, ask: Callable[..., Any]) -> None:
    handle = await planned(app)
    subscriber, _ = app.bus.subscribe()
    async with other.storage.open_pass(handle, DOWN, job_id=None, origin="web:anna"):
        (lock,) = (await ask("GET", "/api/locks")).body["items"]
        assert (lock["session_id"], lock["pass"], lock["own"], lock["state"]) == (handle.id, "down", False, "alive")
        rows = (await ask("GET", "/api/sessions/restorable")).body["items"]
        held = {row["pass"]["name"]: row["pass"]["lock"] for row in rows}
        assert held["up"] is None
        assert held["down"]["origin"] == "web:anna"
        shown = (await ask("GET", f"/api/sessions/{handle.id}")).body["passes"]
        assert [one["name"] for one in shown if one["lock"]] == ["down"]

        busy = await ask("DELETE", f"/api/sessions/{handle.id}")
        assert (busy.status, busy.code) == (409, "pass_locked")
        assert "web:anna" in busy.body["error"]["message"]

        order = {"session_id": handle.id, "pass": "down", "reason": "she left"}
        forced = await ask("POST", "/api/locks/release", order)
        assert forced.status == 200, forced.body
        assert (forced.body["origin"], forced.body["own"]) == ("web:anna", False)
        assert (await ask("GET", "/api/locks")).body["items"] == []
    (entry,) = (await ask("GET", "/api/audit?limit=1")).body["items"]
    assert (entry["session_id"], entry["what"], entry["who"]) == (handle.id, "lock_forced", "web")
    assert "she left" in entry["detail"]
    told = []
    while len(told) < 1 or told[-1].event.state != "forced":
        envelope = await subscriber.next()
        assert envelope is not None
        told += [envelope] if type(envelope.event).__name__ == "LockChanged" else []
    subscriber.close()
    resumed = await ask("POST", f"/api/sessions/{handle.id}/passes/down/resume")
    assert resumed.status == 202


async def test_the_audit_is_read_page_by_page(app: App, ask: Callable[..., Any]) -> None:
    for number in range(3):
        await app.storage.audit.record("cli", f"deed-{number}")
    first = (await ask("GET", "/api/audit?limit=2")).body
    rest = (await ask("GET", f"/api/audit?limit=2&after={first['next']}")).body
    assert [entry["what"] for entry in first["items"] + rest["items"]] == ["deed-2", "deed-1", "deed-0"]
    assert (first["total"], rest["total"], rest["next"]) == (3, 3, None)


async def test_a_pass_that_another_daemon_just_added_is_not_known_yet(
    app: App, other: App, ask: Callable[..., Any]
) -> None:
    handle = await planned(app)
    spec = PassSpec(name="third", plan=decode(ScanSpec, TWO).passes[0].plan)
    ((spec, plan),) = make_plans(ScanSpec(passes=(spec,)), app.rig.limits())
    await other.storage.add_pass(handle.id, NewPass(spec=spec, plan=plan), rig=app.rig.describe())
    answer = await ask("GET", f"/api/sessions/{handle.id}/passes/third")
    assert answer.status == 200 or answer.code == "pass_not_found"
    await app.storage.reconcile()
    assert (await ask("GET", f"/api/sessions/{handle.id}/passes/third")).body["pass"]["name"] == "third"
