"""Sessions and passes: looking, finding, taking up again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from yarl import URL

from scanner.decoding import decode
from scanner.model import SessionId
from scanner.planning import make_plans
from scanner.spec import ScanSpec
from scanner.storage import NewPass, NewSession, SessionHandle
from tests.web.conftest import QUICK, SMALL, ended, reached, scanned
from web import streams

if TYPE_CHECKING:
    from scanner.app import App

NO_SESSION = "20200101-000000-nobody"
TWO = {"title": "Two", "passes": [{"name": name, "plan": QUICK["plan"], "camera": SMALL} for name in ("up", "down")]}


async def planned(app: App) -> SessionHandle:
    """A session of two passes that no job has."""
    spec = decode(ScanSpec, TWO)
    passes = tuple(NewPass(spec=one, plan=plan) for one, plan in make_plans(spec, app.rig.limits()))
    return await app.storage.create_session(
        NewSession(
            spec=spec,
            title="Two",
            passes=passes,
            origin="test",
            created_from=None,
            rig=app.rig.describe(),
            submission=None,
        )
    )


async def halfway(app: App, ask: Callable[..., Any]) -> dict[str, Any]:
    """The job of a scan of two passes that waits for the object to be turned."""
    job = (await ask("POST", "/api/scans", TWO)).body
    waiting = await reached(ask, app, job["id"], "paused")
    assert waiting["pause"]["reason"] == "turn_object", waiting
    return waiting


async def test_a_list_goes_on_where_it_ended(ask: Callable[..., Any]) -> None:
    for title in ("Amber", "Basalt", "Copper"):
        await ask("POST", "/api/scans", {**QUICK, "title": title})
    first = (await ask("GET", "/api/sessions?limit=2&sort=title")).body
    assert [one["title"] for one in first["items"]] == ["Amber", "Basalt"]
    assert first["total"] == 3
    rest = (await ask("GET", "/api/sessions", params={"limit": 2, "sort": "title", "after": first["next"]})).body
    assert [one["title"] for one in rest["items"]] == ["Copper"]
    assert rest["next"] is None


async def test_lists_by_words_state_and_order(app: App, ask: Callable[..., Any]) -> None:
    await scanned(app, ask, {**QUICK, "title": "Blue vase"})
    await halfway(app, ask)

    async def titles(query: str) -> list[str]:
        return [one["title"] for one in (await ask("GET", f"/api/sessions?{query}")).body["items"]]

    assert await titles("q=vas") == ["Blue vase"]
    assert await titles("status=completed") == ["Blue vase"]
    assert await titles("status=incomplete") == ["Two"]
    assert await titles("sort=newest") == ["Two", "Blue vase"]
    assert await titles("sort=oldest") == ["Blue vase", "Two"]
    assert sorted(await titles("sort=size")) == ["Blue vase", "Two"]


async def test_queries_that_mean_nothing(ask: Callable[..., Any]) -> None:
    for query, path in [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=x", "limit"),
        ("sort=colour", "sort"),
        ("status=lost", "status"),
        ("q=" + "x" * 201, "q"),
        ("colour=red", "colour"),
        ("q=a&q=b", "q"),
    ]:
        answer = await ask("GET", f"/api/sessions?{query}")
        assert (answer.status, answer.code, answer.paths) == (400, "invalid", [path]), query
    assert (await ask("GET", "/api/sessions?after=nonsense")).code == "invalid"
    answer = await ask("GET", "/api/sessions?limt=3&sort=colour")
    assert answer.paths == ["limt", "sort"], "all faults at once"
    assert "limit" in answer.body["error"]["message"], "the nearest right name is told"


async def test_what_jobs_work_on(app: App, ask: Callable[..., Any]) -> None:
    done = await scanned(app, ask)
    job = await halfway(app, ask)
    active = (await ask("GET", "/api/sessions/active")).body["items"]
    assert [(one["id"], one["active_job"]) for one in active] == [(job["session_id"], job["id"])]
    assert (await ask("GET", f"/api/sessions/{job['session_id']}")).body["active_job"] == job["id"]
    assert (await ask("GET", f"/api/sessions/{done}")).body["active_job"] is None
    listed = {one["id"]: one["active_job"] for one in (await ask("GET", "/api/sessions")).body["items"]}
    assert listed == {done: None, job["session_id"]: job["id"]}


async def test_what_a_job_has_is_not_offered_to_be_taken_up(app: App, ask: Callable[..., Any]) -> None:
    await halfway(app, ask)
    assert (await ask("GET", "/api/sessions/restorable")).body["items"] == []


async def test_what_no_job_has_can_be_taken_up(app: App, ask: Callable[..., Any]) -> None:
    handle = await planned(app)
    offers = (await ask("GET", "/api/sessions/restorable")).body["items"]
    assert [(offer["session"]["id"], offer["pass"]["name"]) for offer in offers] == [
        (handle.id, "up"),
        (handle.id, "down"),
    ]
    answer = await ask("POST", f"/api/sessions/{handle.id}/passes/down/resume")
    assert answer.status == 202
    assert (await ask("GET", "/api/sessions/restorable")).body["items"] == []
    assert (await ended(ask, app, answer.body["id"]))["state"] == "completed"
    offers = (await ask("GET", "/api/sessions/restorable")).body["items"]
    assert [offer["pass"]["name"] for offer in offers] == ["up"]


async def test_a_session_that_vanishes_under_its_job_is_in_no_list(app: App, ask: Callable[..., Any]) -> None:
    job = await halfway(app, ask)
    left = await planned(app)
    await app.storage.trash.delete(SessionId(job["session_id"]), origin="another daemon")
    for path in ("/api/sessions/active", "/api/sessions"):
        answer = await ask("GET", path)
        assert answer.status == 200
        assert job["session_id"] not in {one["id"] for one in answer.body["items"]}
    rows = (await ask("GET", "/api/sessions/restorable")).body["items"]
    assert {row["session"]["id"] for row in rows} == {left.id}


async def test_a_session_that_vanishes_while_the_list_is_made_is_left_out(
    app: App, ask: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = await planned(app)
    really = app.storage.unfinished

    async def with_one_just_deleted(limit: int) -> Any:
        known = await really(limit)
        return (*known, (SessionId(NO_SESSION), known[0][1]))

    monkeypatch.setattr(app.storage, "unfinished", with_one_just_deleted)
    rows = (await ask("GET", "/api/sessions/restorable")).body["items"]
    assert [row["session"]["id"] for row in rows] == [handle.id, handle.id]


async def test_passes_with_their_shots(app: App, ask: Callable[..., Any]) -> None:
    session = await scanned(app, ask)
    view = (await ask("GET", f"/api/sessions/{session}/passes/main")).body
    assert view["pass"]["saved"] == 3
    assert [(shot["shot"], shot["azimuth"], shot["state"]) for shot in view["shots"]] == [
        (1, 0.0, "saved"),
        (2, 90.0, "saved"),
        (3, 180.0, "saved"),
    ]
    assert view["spec"]["plan"]["kind"] == "list"
    assert view["rig"]["name"] == "Demo rig"
    assert view["locked"]["main"]["width"] == 320


async def test_passes_with_many_shots_come_in_pieces(
    app: App, ask: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await scanned(app, ask)
    path = f"/api/sessions/{session}/passes/main"
    whole = (await ask("GET", path)).body
    monkeypatch.setattr(streams, "PIECE", 2)
    answer = await ask("GET", path)
    assert (answer.status, answer.body) == (200, whole)
    assert answer.headers["Content-Type"] == "application/json"


async def test_another_pass(app: App, ask: Callable[..., Any]) -> None:
    session = await scanned(app, ask)
    spec = {"name": "flipped", "plan": QUICK["plan"], "camera": SMALL}
    answer = await ask("POST", f"/api/sessions/{session}/passes", spec, headers={"Idempotency-Key": "p1"})
    assert answer.status == 202
    assert answer.headers["X-Session-ID"] == session
    again = await ask("POST", f"/api/sessions/{session}/passes", spec, headers={"Idempotency-Key": "p1"})
    assert again.body["id"] == answer.body["id"]
    await ended(ask, app, answer.body["id"])
    assert (await ask("GET", f"/api/sessions/{session}")).body["photos"] == 6
    taken = await ask("POST", f"/api/sessions/{session}/passes", spec)
    assert (taken.status, taken.code) == (409, "pass_exists")
    bad = await ask("POST", f"/api/sessions/{session}/passes", {"name": "x y"})
    assert (bad.code, bad.paths) == ("invalid_spec", ["name"])
    assert (await ask("POST", f"/api/sessions/{NO_SESSION}/passes", spec)).code == "session_not_found"


async def test_a_completed_pass_is_never_redone(app: App, ask: Callable[..., Any]) -> None:
    session = await scanned(app, ask)
    answer = await ask("POST", f"/api/sessions/{session}/passes/main/resume")
    assert (answer.status, answer.code) == (409, "pass_completed")


async def test_orders_to_a_pass_reach_its_job(app: App, ask: Callable[..., Any]) -> None:
    job = await halfway(app, ask)
    answer = await ask("POST", f"/api/sessions/{job['session_id']}/passes/down/resume")
    assert (answer.status, answer.body["id"]) == (202, job["id"])
    assert (await ended(ask, app, job["id"]))["result"]["saved"] == 6


async def test_finishing_and_giving_up_a_pass(app: App, ask: Callable[..., Any]) -> None:
    for order, state in [("finish", "completed"), ("cancel", "cancelled")]:
        job = await halfway(app, ask)
        answer = await ask("POST", f"/api/sessions/{job['session_id']}/passes/down/{order}")
        assert answer.status == 202
        await ended(ask, app, answer.body["id"])
        passes = (await ask("GET", f"/api/sessions/{job['session_id']}")).body["passes"]
        assert passes[0]["state"] == "completed"
        assert passes[1]["state"] in {state, "cancelled"}


ROUTES = [
    ("GET", "/api/sessions/{id}"),
    ("GET", "/api/sessions/{id}/photos"),
    ("GET", "/api/sessions/{id}/photos/main-00001-main.jpg"),
    ("GET", "/api/sessions/{id}/download"),
    ("GET", "/api/sessions/{id}/exports"),
    ("GET", "/api/sessions/{id}/exports/colmap"),
    ("GET", "/api/sessions/{id}/passes/main"),
    ("POST", "/api/sessions/{id}/passes/main/resume"),
    ("POST", "/api/sessions/{id}/passes/main/finish"),
    ("POST", "/api/sessions/{id}/passes/main/cancel"),
]
NO_IDS = [
    NO_SESSION,
    "..",
    "%2e%2e",
    "..%2f..%2fetc%2fpasswd",
    "%2fetc%2fpasswd",
    ".new-1234",
    "x" * 300,
    "UPPER",
    "a%00b",
    "%F0%9F%8F%BA",
    "%ff",
    "-",
]


async def test_what_is_not_there_is_not_there_and_is_never_made(app: App, ask: Callable[..., Any]) -> None:
    for method, route in ROUTES:
        for name in NO_IDS:
            answer = await ask(method, URL(route.replace("{id}", name), encoded=True))
            assert answer.status == 404, (method, route, name)
            assert answer.code in {"session_not_found", "not_found"}
    assert not any((app.config.data_dir / "sessions").iterdir())


async def test_passes_that_are_not_there(app: App, ask: Callable[..., Any]) -> None:
    session = await scanned(app, ask)
    for method, order in [("GET", ""), ("POST", "/resume"), ("POST", "/finish"), ("POST", "/cancel")]:
        for name in ("other", "..%2fmain", "MAIN"):
            answer = await ask(method, f"/api/sessions/{session}/passes/{name}{order}")
            assert (answer.status, answer.code) == (404, "pass_not_found"), (method, name)
