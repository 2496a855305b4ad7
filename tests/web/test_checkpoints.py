"""Checkpoints: save, list, back and forward again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.web.conftest import QUICK, SMALL, ended, scanned

if TYPE_CHECKING:
    from scanner.app import App


async def test_back_to_a_checkpoint_and_forward_again(app: App, ask: Callable[..., Any]) -> None:
    session = await scanned(app, ask)
    url = f"/api/sessions/{session}"
    made = await ask("POST", f"{url}/checkpoints", {"name": "one-pass"})
    assert made.status == 201
    assert (made.body["session_id"], made.body["photos"], made.body["automatic"]) == (session, 3, False)
    assert made.headers["Location"] == f"{url}/checkpoints"
    again = await ask("POST", f"{url}/checkpoints", {"name": "one-pass"})
    assert (again.status, again.code) == (409, "checkpoint_exists")
    job = (await ask("POST", f"{url}/passes", {"name": "flipped", "plan": QUICK["plan"], "camera": SMALL})).body
    await ended(ask, app, job["id"])
    whole = (await ask("GET", url)).body
    assert whole["photos"] == 6

    forward = await ask("POST", f"{url}/checkpoints/one-pass/restore")
    assert (forward.status, forward.body["automatic"]) == (200, True)
    assert (await ask("GET", url)).body["photos"] == 3
    names = [one["name"] for one in (await ask("GET", f"{url}/checkpoints")).body["items"]]
    assert {"one-pass", forward.body["name"]} <= set(names)
    everywhere = (await ask("GET", "/api/checkpoints")).body["items"]
    assert {one["session_id"] for one in everywhere} == {session}
    first = (await ask("GET", "/api/checkpoints?limit=1")).body
    assert (first["items"], first["total"]) == (everywhere[:1], len(everywhere))
    rest = (await ask("GET", f"/api/checkpoints?after={first['next']}")).body
    assert rest == {"items": everywhere[1:], "next": None, "total": len(everywhere)}
    named = (await ask("GET", "/api/checkpoints?name=one-pass")).body["items"]
    assert named == [one for one in everywhere if one["name"] == "one-pass"] != everywhere

    back = await ask("POST", f"{url}/checkpoints/{forward.body['name']}/restore")
    assert back.status == 200
    now = (await ask("GET", url)).body
    assert [(one["name"], one["state"], one["saved"]) for one in now["passes"]] == [
        (one["name"], one["state"], one["saved"]) for one in whole["passes"]
    ]


async def test_there_are_none_at_first(app: App, ask: Callable[..., Any]) -> None:
    session = await scanned(app, ask)
    empty = {"items": [], "next": None, "total": 0}
    assert (await ask("GET", f"/api/sessions/{session}/checkpoints")).body == empty
    assert (await ask("GET", "/api/checkpoints")).body == empty
