"""Starting scans: by both doors, once each, or not at all."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from scanner.events import FACTS, WarningRaised
from scanner.model import JobId, Progress
from scanner.records import Job
from scanner.states import JobState
from tests.web.conftest import QUICK, SMALL, ended
from tests.web.test_streams import Events
from web.api.scans import accepted

if TYPE_CHECKING:
    from scanner.app import App

JSON = {"Content-Type": "application/json"}


async def sessions(app: App) -> int:
    """How many sessions there are."""
    return (await app.storage.list_sessions()).total


async def test_a_scan_from_start_to_end(app: App, ask: Callable[..., Any]) -> None:
    answer = await ask("POST", "/api/scans", QUICK)
    job = answer.body
    assert answer.status == 202
    assert answer.headers["Location"] == f"/api/jobs/{job['id']}"
    assert answer.headers["X-Job-ID"] == job["id"]
    assert answer.headers["X-Session-ID"] == job["session_id"]
    assert job["origin"] == "web"
    done = await ended(ask, app, job["id"])
    assert done["state"] == "completed"
    assert done["result"]["saved"] == 3
    session = (await ask("GET", f"/api/sessions/{job['session_id']}")).body
    assert (session["title"], session["photos"], session["state"]) == ("Blue vase", 3, "completed")
    assert await sessions(app) == 1


async def test_over_the_unix_socket_the_origin_is_the_command_line(server: Any) -> None:
    connector = aiohttp.UnixConnector(str(server.socket))
    async with (
        aiohttp.ClientSession("http://scanner", connector=connector) as local,
        local.post("/api/scans", json=QUICK) as response,
    ):
        job = await response.json()
    assert job["origin"] == "cli"


# ---- what cannot be asked for ----------------------------------------------------------------------------------------

RINGS = {"kind": "rings"}
BAD_SPECS: list[tuple[Any, list[str]]] = [
    ([], [""]),
    ("scan", [""]),
    (7, [""]),
    (None, [""]),
    ({"titel": "x"}, ["titel"]),
    ({"title": 7}, ["title"]),
    ({"title": "x" * 201}, ["title"]),
    ({"title": "a\x00b"}, ["title"]),
    ({"title": "\u202egnirts"}, ["title"]),
    ({"plan": {"kind": "circles"}}, ["plan.kind"]),
    ({"plan": {}}, ["plan.kind"]),
    ({"plan": {"kind": "rings", "rings": []}}, ["plan.rings"]),
    ({"plan": {"kind": "rings", "rings": [{"count": 0}]}}, ["plan.rings[0].count"]),
    ({"plan": {"kind": "rings", "rings": [{"count": 4, "elevation": 10}, {"count": "many"}]}}, ["plan.rings[1].count"]),
    ({"plan": {"kind": "list", "viewpoints": [[0, 10], [0, 91]]}}, ["plan.viewpoints[1][1]"]),
    ({"plan": RINGS, "passes": [{"name": "up", "plan": RINGS}]}, ["plan"]),
    ({"passes": []}, ["passes"]),
    ({"passes": [{"name": "../x", "plan": RINGS}]}, ["passes[0].name"]),
    ({"passes": [{"name": "UP", "plan": RINGS}]}, ["passes[0].name"]),
    ({"camera": {"quality": 101}, "settle": -1}, ["camera.quality", "settle"]),
    ({"camera": {"width": 1e9}}, ["camera.width"]),
    ({"tags": ["x"] * 51}, ["tags"]),
    ({"lights": {"ring": 2}}, ["lights.ring"]),
    ({"cameras": ["nobody"]}, ["cameras[0]"]),
    ({"preset": "unheard-of"}, ["preset"]),
]


async def test_bad_specs_are_refused_with_the_place_and_nothing_is_created(app: App, ask: Callable[..., Any]) -> None:
    for route in ("/api/scans", "/api/scan/stream", "/api/plans"):
        for spec, paths in BAD_SPECS:
            answer = await ask("POST", route, data=json.dumps(spec), headers=JSON)
            assert (answer.status, answer.code) == (400, "invalid_spec"), spec
            assert answer.paths == paths, spec
    assert await sessions(app) == 0
    assert app.jobs.list() == ()


BAD_BODIES = [
    b"",
    b" ",
    b"{",
    b"{'title': 1}",
    b'{"title": "\xff\xfe"}',
    b"\x00",
    b'{"title": NaN}',
    b"[" * 100_000,
    b'{"a":' * 5000 + b"1" + b"}" * 5000,
    b'\xef\xbb\xbf{"title": "x"',
]


async def test_bad_bodies(app: App, ask: Callable[..., Any]) -> None:
    for body in BAD_BODIES:
        answer = await ask("POST", "/api/scans", data=body, headers=JSON)
        assert (answer.status, answer.code) == (400, "invalid_spec"), body[:40]
        assert len(answer.paths) == 1, body[:40]
    assert app.jobs.list() == ()


TITLES = [
    "Vase 🏺",
    "../../etc/passwd",
    "x/y\\z",
    "é" * 200,
    "名" * 200,
    "<b>bold</b>",
    "  ",
    "",
]


async def test_whatever_a_title_holds_comes_back_as_it_was(app: App, ask: Callable[..., Any]) -> None:
    for title in TITLES:
        job = (await ask("POST", "/api/scans", {**QUICK, "title": title})).body
        session = (await ask("GET", f"/api/sessions/{job['session_id']}")).body
        assert session["title"] == title or not title.strip()
        assert "/" not in session["id"]
    assert await sessions(app) == len(TITLES)


# ---- what it would cost ----------------------------------------------------------------------------------------------


async def test_a_plan_costs_nothing(app: App, ask: Callable[..., Any]) -> None:
    passes = [{"name": "up", "plan": QUICK["plan"], "camera": SMALL}, {"name": "down", "plan": {"kind": "rings"}}]
    answer = await ask("POST", "/api/plans", {"passes": passes})
    plan = answer.body
    assert answer.status == 200
    assert [one["name"] for one in plan["passes"]] == ["up", "down"]
    assert plan["passes"][0]["viewpoints"] == [[0, 20], [90, 20], [180, 20]]
    assert plan["count"] == 3 + 72
    assert plan["duration_s"] == pytest.approx(sum(one["duration_s"] for one in plan["passes"]), abs=0.2)
    assert plan["bytes"] == sum(one["bytes"] for one in plan["passes"])
    assert any(text.startswith("up: ") for text in plan["warnings"])
    assert await sessions(app) == 0


# ---- once each -------------------------------------------------------------------------------------------------------


async def test_fifty_at_once_with_one_key_are_one_scan(app: App, ask: Callable[..., Any]) -> None:
    key = {"Idempotency-Key": "only-once"}
    answers = await asyncio.gather(*(ask("POST", "/api/scans", QUICK, headers=key) for _ in range(50)))
    assert {answer.status for answer in answers} == {202}
    assert len({answer.body["id"] for answer in answers}) == 1
    assert len({answer.headers["X-Session-ID"] for answer in answers}) == 1
    assert len(app.jobs.list()) == 1
    assert await sessions(app) == 1


async def test_the_same_key_with_another_body_is_refused(app: App, ask: Callable[..., Any]) -> None:
    key = {"Idempotency-Key": "k1", **JSON}
    first = await ask("POST", "/api/scans", data=json.dumps(QUICK), headers=key)
    again = await ask("POST", "/api/scans", data=json.dumps(QUICK, indent=3), headers=key)
    assert again.body["id"] == first.body["id"], "other spaces are no other request"
    other = await ask("POST", "/api/scans", data=json.dumps({**QUICK, "title": "Other"}), headers=key)
    assert (other.status, other.code) == (422, "idempotency_mismatch")
    assert await sessions(app) == 1


async def test_bad_keys(app: App, ask: Callable[..., Any]) -> None:
    for key in ("", " ", "two words", "é", "x" * 201):
        answer = await ask("POST", "/api/scans", QUICK, headers={"Idempotency-Key": key})
        assert (answer.status, answer.code) == (400, "invalid"), key
    assert app.jobs.list() == ()


async def test_without_a_key_each_is_its_own(app: App, ask: Callable[..., Any]) -> None:
    await asyncio.gather(*(ask("POST", "/api/scans", QUICK) for _ in range(3)))
    assert await sessions(app) == 3


# ---- as a stream -----------------------------------------------------------------------------------------------------


async def test_a_scan_as_a_stream(app: App, client: aiohttp.ClientSession) -> None:
    seen: list[str] = []
    async with client.post("/api/scan/stream", json=QUICK) as response:
        assert response.status == 200
        events = Events(response)
        assert await events.block() == {"retry": " 2000"}
        name, created = await events.next()
        assert name == "job_created"
        assert created["job_id"] == response.headers["X-Job-ID"] == created["job"]["id"]
        assert created["session_id"] == response.headers["X-Session-ID"]
        while name != "completed":
            name, data = await events.next()
            seen.append(name)
        assert data["result"]["saved"] == 3
        assert await response.content.read() == b""
    assert seen.count("photo_saved") == 3
    assert seen.count("job_created") == 0
    assert await sessions(app) == 1


async def test_closing_the_stream_stops_nothing(
    app: App, client: aiohttp.ClientSession, ask: Callable[..., Any]
) -> None:
    async with client.post("/api/scan/stream", json=QUICK) as response:
        job = response.headers["X-Job-ID"]
    assert (await ended(ask, app, job))["result"]["saved"] == 3


async def test_a_stream_tells_of_pauses_and_goes_on(client: aiohttp.ClientSession, ask: Callable[..., Any]) -> None:
    passes = [{"name": name, "plan": QUICK["plan"], "camera": SMALL} for name in ("up", "down")]
    async with client.post("/api/scan/stream", json={"passes": passes}) as response:
        events = Events(response)
        name, data = await events.next()
        while name != "paused":
            name, data = await events.next()
        assert data["pause"]["reason"] == "turn_object"
        await ask("POST", f"/api/jobs/{data['id']}/resume")
        while name != "completed":
            name, data = await events.next()
        assert data["result"]["saved"] == 6


async def test_a_stream_of_what_has_ended_already(
    app: App, client: aiohttp.ClientSession, ask: Callable[..., Any]
) -> None:
    key = {"Idempotency-Key": "again"}
    job = (await ask("POST", "/api/scans", QUICK, headers=key)).body
    await ended(ask, app, job["id"])
    async with client.post("/api/scan/stream", json=QUICK, headers=key) as response:
        events = Events(response)
        assert (await events.next())[0] == "job_created"
        name, data = await events.next()
        assert (name, data["id"]) == ("completed", job["id"])


async def test_a_stream_that_lags_is_told_so(app: App, client: aiohttp.ClientSession) -> None:
    async with client.post("/api/scan/stream", json={"plan": {"kind": "rings"}}) as response:
        events = Events(response)
        await events.next()
        for _ in range(FACTS + 1):
            app.bus.publish(WarningRaised(message="x"))
        name = ""
        while name != "dropped":
            name, data = await events.next()
        assert "behind" in data["reason"]


def test_a_job_without_a_session_names_none() -> None:
    job = Job(
        id=JobId("j-abcdef"),
        kind="verify",
        state=JobState.PENDING,
        session_id=None,
        origin="web",
        progress=Progress(done=0, total=1),
        created_at="",
    )
    headers = accepted(job).headers
    assert headers["Location"] == "/api/jobs/j-abcdef"
    assert "X-Session-ID" not in headers
