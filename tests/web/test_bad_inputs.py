"""What is asked wrongly: the answer's status and code, where the fault is, and that nothing changed on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from yarl import URL

from tests.web.conftest import scanned
from web.routes import ROUTES

if TYPE_CHECKING:
    from scanner.app import App
    from web.app import Server


class Bad(NamedTuple):
    """A request and what it comes to. ``{id}`` is a session that is there."""

    method: str
    path: str
    body: Any
    status: int
    code: str
    paths: list[str] | None = None


NOBODY = "20200101-000000-nobody"
SESSION = "/api/sessions/{id}"
MANY = [str(number) for number in range(51)]

BAD = [
    # edit
    Bad("PATCH", SESSION, {"tilte": "x"}, 400, "invalid", ["tilte"]),
    Bad("PATCH", SESSION, {"title": ""}, 400, "invalid", ["title"]),
    Bad("PATCH", SESSION, {"title": "   "}, 400, "invalid", ["title"]),
    Bad("PATCH", SESSION, {"title": "x" * 201}, 400, "invalid", ["title"]),
    Bad("PATCH", SESSION, {"title": "two\nlines"}, 400, "invalid", ["title"]),
    Bad("PATCH", SESSION, {"title": "turned \u202e round"}, 400, "invalid", ["title"]),
    Bad("PATCH", SESSION, {"title": 5}, 400, "invalid", ["title"]),
    Bad("PATCH", SESSION, {"notes": "x" * 20_001}, 400, "invalid", ["notes"]),
    Bad("PATCH", SESSION, {"notes": "bell \x07"}, 400, "invalid", ["notes"]),
    Bad("PATCH", SESSION, {"operator": "x" * 101}, 400, "invalid", ["operator"]),
    Bad("PATCH", SESSION, {"tags": "one"}, 400, "invalid", ["tags"]),
    Bad("PATCH", SESSION, {"tags": MANY}, 400, "invalid", ["tags"]),
    Bad("PATCH", SESSION, {"tags": ["ok", "x" * 61]}, 400, "invalid", ["tags[1]"]),
    Bad("PATCH", SESSION, {"tags": ["ok", ""]}, 400, "invalid", ["tags[1]"]),
    Bad("PATCH", SESSION, {"title": 5, "notes": 6, "x": 7}, 400, "invalid", ["title", "notes", "x"]),
    Bad("PATCH", SESSION, [], 400, "invalid", [""]),
    Bad("PATCH", SESSION, {"id": "other"}, 400, "invalid", ["id"]),
    Bad("PATCH", f"/api/sessions/{NOBODY}", {"title": "x"}, 404, "session_not_found"),
    # life
    Bad("DELETE", f"/api/sessions/{NOBODY}", None, 404, "session_not_found"),
    Bad("DELETE", SESSION, {"force": True}, 400, "invalid", ["force"]),
    Bad("POST", f"/api/sessions/{NOBODY}/undelete", None, 404, "not_found"),
    Bad("POST", f"/api/sessions/{NOBODY}/verify", None, 404, "session_not_found"),
    Bad("POST", "/api/sessions/clean", {}, 400, "invalid", ["older_than"]),
    Bad("POST", "/api/sessions/clean", {"older_than": "soon"}, 400, "invalid", ["older_than"]),
    Bad("POST", "/api/sessions/clean", {"older_than": "0d"}, 400, "invalid", ["older_than"]),
    Bad("POST", "/api/sessions/clean", {"older_than": "7"}, 400, "invalid", ["older_than"]),
    Bad("POST", "/api/sessions/clean", {"older_than": 7}, 400, "invalid", ["older_than"]),
    Bad("POST", "/api/sessions/clean", {"older_than": "-1d"}, 400, "invalid", ["older_than"]),
    Bad("POST", "/api/sessions/clean", {"older_than": "99999d"}, 400, "invalid", ["older_than"]),
    Bad("POST", "/api/sessions/clean", {"older_than": "7d", "dry_run": "yes"}, 400, "invalid", ["dry_run"]),
    Bad("POST", "/api/trash/purge", {"older_than": "1y"}, 400, "invalid", ["older_than"]),
    Bad("POST", "/api/trash/purge", {"all": True}, 400, "invalid", ["all"]),
    # checkpoints
    Bad("POST", f"{SESSION}/checkpoints", {}, 400, "invalid", ["name"]),
    Bad("POST", f"{SESSION}/checkpoints", {"name": "Half Way"}, 400, "invalid", ["name"]),
    Bad("POST", f"{SESSION}/checkpoints", {"name": "../x"}, 400, "invalid", ["name"]),
    Bad("POST", f"{SESSION}/checkpoints", {"name": "x" * 49}, 400, "invalid", ["name"]),
    Bad("POST", f"{SESSION}/checkpoints", {"name": "ok", "session": "x"}, 400, "invalid", ["session"]),
    Bad("POST", f"/api/sessions/{NOBODY}/checkpoints", {"name": "half"}, 404, "session_not_found"),
    Bad("GET", f"/api/sessions/{NOBODY}/checkpoints", None, 404, "session_not_found"),
    Bad("POST", f"{SESSION}/checkpoints/none/restore", None, 404, "checkpoint_not_found"),
    Bad("POST", f"{SESSION}/checkpoints/..%2fx/restore", None, 404, "checkpoint_not_found"),
    Bad("POST", f"/api/sessions/{NOBODY}/checkpoints/half/restore", None, 404, "session_not_found"),
    # locks
    Bad("POST", "/api/locks/release", {}, 400, "invalid", ["session_id", "pass"]),
    Bad("POST", "/api/locks/release", {"session_id": "../x", "pass": "A"}, 400, "invalid", ["session_id", "pass"]),
    Bad("POST", "/api/locks/release", {"session_id": "{id}", "pass": "main", "force": 1}, 400, "invalid", ["force"]),
    Bad(
        "POST",
        "/api/locks/release",
        {"session_id": "{id}", "pass": "main", "reason": "x" * 501},
        400,
        "invalid",
        ["reason"],
    ),
    Bad("POST", "/api/locks/release", {"session_id": NOBODY, "pass": "main"}, 404, "session_not_found"),
    Bad("POST", "/api/locks/release", {"session_id": "{id}", "pass": "other"}, 404, "pass_not_found"),
    Bad("POST", "/api/locks/release", {"session_id": "{id}", "pass": "main"}, 404, "not_found"),
    # older formats
    Bad("POST", f"{SESSION}/migrate", {"undo": 1}, 400, "invalid", ["undo"]),
    Bad("POST", f"{SESSION}/migrate", {"undo": True, "dry_run": True}, 400, "invalid", ["dry_run"]),
    Bad("POST", f"/api/sessions/{NOBODY}/migrate", {}, 404, "session_not_found"),
    Bad("POST", "/api/sessions/migrate", {"dryrun": True}, 400, "invalid", ["dryrun"]),
    Bad("POST", "/api/sessions/import", {}, 400, "invalid", ["directory"]),
    Bad("POST", "/api/sessions/import", {"directory": "here"}, 400, "invalid", ["directory"]),
    Bad("POST", "/api/sessions/import", {"directory": ""}, 400, "invalid", ["directory"]),
    Bad("POST", "/api/sessions/import", {"directory": "/a\x00b"}, 400, "invalid", ["directory"]),
    Bad("POST", "/api/sessions/import", {"directory": "/nowhere/at/all"}, 400, "invalid", ["directory"]),
    Bad("POST", "/api/sessions/import", {"directory": "/", "timezone": "Mars/Base"}, 400, "invalid", ["timezone"]),
    Bad("POST", "/api/sessions/import", {"directory": "/", "timezone": "../UTC"}, 400, "invalid", ["timezone"]),
    Bad("POST", "/api/sessions/merge", {"a": "x"}, 400, "invalid", ["b"]),
    Bad("POST", "/api/sessions/merge", {"a": "../x", "b": "B"}, 400, "invalid", ["a", "b"]),
    Bad("POST", "/api/sessions/merge", {"a": NOBODY, "b": "{id}"}, 404, "session_not_found"),
    # who may do what; nobody has to log in here
    Bad("POST", "/api/login", {"name": "../x", "password": ""}, 400, "invalid", ["name", "password"]),
    Bad("POST", "/api/login", {"name": "anna"}, 400, "invalid", ["password"]),
    Bad("POST", "/api/login", {"name": "anna", "password": "x" * 201}, 400, "invalid", ["password"]),
    Bad("POST", "/api/login", {"name": "anna", "password": "x"}, 409, "conflict"),
    Bad(
        "POST",
        "/api/setup",
        {"code": "", "name": "Anna", "password": "short"},
        400,
        "invalid",
        ["code", "name", "password"],
    ),
    Bad("POST", "/api/me/password", {"old": "x", "new": "short"}, 400, "invalid", ["new"]),
    Bad("POST", "/api/me/password", {"old": "x", "new": "long enough"}, 409, "conflict"),
    Bad(
        "POST", "/api/users", {"name": "", "role": "root", "password": 1}, 400, "invalid", ["name", "role", "password"]
    ),
    Bad("PATCH", "/api/users/half", {"role": "root"}, 400, "invalid", ["role"]),
    Bad("PATCH", "/api/users/half", {"password": "short"}, 400, "invalid", ["password"]),
    Bad("POST", "/api/tokens", {"name": "", "role": "admin\n"}, 400, "invalid", ["name", "role"]),
    Bad("POST", "/api/tokens", {"name": "a\nb", "role": "admin"}, 400, "invalid", ["name"]),
    # lists
    Bad("GET", "/api/passes?limit=0", None, 400, "invalid", ["limit"]),
    Bad("GET", "/api/passes?format=xls", None, 400, "invalid", ["format"]),
    Bad("GET", "/api/passes?format=csv&after=nonsense", None, 400, "invalid"),
    Bad("GET", "/api/passes?after=nonsense", None, 400, "invalid"),
    Bad("GET", "/api/passes?after=WzkyMjMzNzIwMzY4NTQ3NzU4MDhd", None, 400, "invalid"),
    Bad("GET", "/api/sessions?after=WyJuZXdlc3QiLCA5MjIzMzcyMDM2ODU0Nzc1ODA4LCBudWxsXQ==", None, 400, "invalid"),
    Bad("GET", "/api/sessions?sort=size&after=WyJzaXplIiwgMSwgOTIyMzM3MjAzNjg1NDc3NTgwOF0=", None, 400, "invalid"),
    Bad("GET", "/api/passes?since=2026-02-31&until=never", None, 400, "invalid", ["until"]),
    Bad("GET", "/api/passes?since=2026-02-31", None, 400, "invalid", ["since"]),
    Bad("GET", "/api/passes?colour=red", None, 400, "invalid", ["colour"]),
    Bad("GET", "/api/passes?state=lost", None, 400, "invalid", ["state"]),
    Bad("GET", "/api/statistics?since=2026-13-01&until=2026-02-30", None, 400, "invalid", ["since", "until"]),
    Bad("GET", "/api/statistics?from=2026-01-01", None, 400, "invalid", ["from"]),
    Bad("GET", "/api/jobs/report?format=pdf", None, 400, "invalid", ["format"]),
    Bad("GET", "/api/checkpoints?limit=0", None, 400, "invalid", ["limit"]),
    Bad("GET", "/api/checkpoints?name=..%2Fx", None, 400, "invalid", ["name"]),
    Bad("GET", "/api/checkpoints?after=nonsense", None, 400, "invalid"),
    Bad("GET", "/api/audit?limit=1001", None, 400, "invalid", ["limit"]),
    Bad("GET", "/api/audit?after=nonsense", None, 400, "invalid"),
    Bad("GET", "/api/sessions?tag=" + "x" * 201, None, 400, "invalid", ["tag"]),
]


def tree(root: Path) -> dict[str, str]:
    """Every file below a directory with its hash."""
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def filled(value: Any, session: str) -> Any:
    """The session's id where ``{id}`` stands."""
    if isinstance(value, dict):
        return {key: filled(inner, session) for key, inner in value.items()}
    return value.replace("{id}", session) if isinstance(value, str) else value


async def test_each_is_refused_with_its_place_and_changes_nothing(
    app: App, ask: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    session = await scanned(app, ask)
    before = tree(app.config.data_dir)
    jobs = app.jobs.list()
    caplog.clear()
    for bad in BAD:
        url = URL(filled(bad.path, session), encoded=True)
        answer = await ask(bad.method, url, filled(bad.body, session))
        assert (answer.status, answer.code) == (bad.status, bad.code), (bad, answer.body)
        assert bad.paths is None or answer.paths == bad.paths, (bad, answer.body)
        assert answer.headers["Cache-Control"] == "no-store"
    assert tree(app.config.data_dir) == before
    assert app.jobs.list() == jobs
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_every_route_that_takes_something_is_in_the_table() -> None:
    """Those of scans, jobs and rig have tests of their own."""
    elsewhere = ("/api/scan", "/api/plans", "/api/jobs/", "/api/rig/", "/api/demo/")
    taking = {
        (route.method, route.path.replace("{name}", "half"))
        for route in ROUTES
        if route.takes is not None and not route.path.startswith(elsewhere)
    }
    taking -= {("POST", "/api/sessions/{id}/passes"), ("POST", "/api/sessions/{id}/exports")}
    asked = {(bad.method, bad.path.partition("?")[0]) for bad in BAD}
    assert taking <= asked


async def test_bodies_that_are_no_json(ask: Callable[..., Any], server: Server) -> None:
    assert server.port
    for route in ROUTES:
        if route.takes is None or route.stream or "{" in route.path:
            continue
        answer = await ask(route.method, route.path, data=b'{"a', headers={"Content-Type": "application/json"})
        assert (answer.status, answer.code) in {(400, "invalid"), (400, "invalid_spec"), (403, "forbidden")}, route
