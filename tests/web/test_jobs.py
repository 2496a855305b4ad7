"""Jobs and what is ordered of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from yarl import URL

from tests.web.conftest import QUICK, ended
from tests.web.test_sessions import halfway

if TYPE_CHECKING:
    from scanner.app import App

NO_JOB = "j-nobody"
COMMANDS = ("pause", "resume", "cancel", "finish", "halt", "skip")


async def test_lists(app: App, ask: Callable[..., Any]) -> None:
    done = (await ask("POST", "/api/scans", QUICK)).body
    await ended(ask, app, done["id"])
    waits = await halfway(app, ask)
    everything = (await ask("GET", "/api/jobs")).body
    assert {job["id"] for job in everything["items"]} == {done["id"], waits["id"]}
    assert (everything["total"], everything["next"]) == (2, None)
    assert [job["id"] for job in (await ask("GET", "/api/jobs/active")).body["items"]] == [waits["id"]]


async def test_commands(app: App, ask: Callable[..., Any]) -> None:
    job = await halfway(app, ask)
    path = f"/api/jobs/{job['id']}"
    assert (await ask("POST", f"{path}/pause")).body["state"] == "paused"
    assert (await ask("POST", f"{path}/halt")).status == 200
    answer = await ask("POST", f"{path}/finish", {"reason": "enough"})
    assert answer.status == 200
    assert (await ended(ask, app, job["id"]))["state"] == "completed"
    late = await ask("POST", f"{path}/pause")
    assert (late.status, late.code) == (409, "command_refused")
    assert (await ask("POST", f"{path}/finish")).status == 200, "repeating what has had its effect is no error"


async def test_a_reason_is_checked(app: App, ask: Callable[..., Any]) -> None:
    job = await halfway(app, ask)
    for body, paths in [
        ({"reason": 1}, ["reason"]),
        ({"why": "x"}, ["why"]),
        ({"reason": "x" * 501}, ["reason"]),
        ([], [""]),
    ]:
        answer = await ask("POST", f"/api/jobs/{job['id']}/cancel", body)
        assert (answer.status, answer.paths) == (400, paths)
    assert (await ask("GET", f"/api/jobs/{job['id']}")).body["state"] == "paused"


async def test_the_order_of_the_queue(app: App, ask: Callable[..., Any]) -> None:
    await halfway(app, ask)  # keeps the lane
    first, second = [(await ask("POST", "/api/scans", QUICK)).body for _ in range(2)]
    assert [first["queue_position"], second["queue_position"]] == [1, 2]
    moved = await ask("POST", f"/api/jobs/{second['id']}/move", {"position": 1})
    assert (moved.status, moved.body["queue_position"]) == (200, 1)
    assert (await ask("GET", f"/api/jobs/{first['id']}")).body["queue_position"] == 2
    for body in ({"position": 0}, {"position": 1001}, {"position": "first"}, {}):
        assert (await ask("POST", f"/api/jobs/{second['id']}/move", body)).paths == ["position"]


async def test_removing(app: App, ask: Callable[..., Any]) -> None:
    job = await halfway(app, ask)
    path = f"/api/jobs/{job['id']}"
    assert (await ask("DELETE", path)).status == 200
    assert (await ended(ask, app, job["id"]))["state"] == "cancelled"
    assert (await ask("DELETE", path)).body["state"] == "cancelled"
    assert (await ask("GET", path)).code == "job_not_found"


async def test_clearing_leaves_the_living(app: App, ask: Callable[..., Any]) -> None:
    done = (await ask("POST", "/api/scans", QUICK)).body
    await ended(ask, app, done["id"])
    job = await halfway(app, ask)
    assert (await ask("DELETE", "/api/jobs")).status == 204
    assert [one["id"] for one in (await ask("GET", "/api/jobs")).body["items"]] == [job["id"]]


async def test_jobs_that_are_not_there(ask: Callable[..., Any]) -> None:
    for name in (NO_JOB, "..", "J-ABCDEFG", "j-", "x" * 300, "j-abc%2fdef", "%00"):
        for method, rest in [("GET", ""), ("DELETE", ""), *(("POST", f"/{command}") for command in COMMANDS)]:
            answer = await ask(method, URL(f"/api/jobs/{name}{rest}", encoded=True))
            assert (answer.status, answer.code) in {(404, "job_not_found"), (404, "not_found")}, (method, name, rest)
        assert (await ask("POST", URL(f"/api/jobs/{name}/move", encoded=True), {"position": 1})).status == 404
