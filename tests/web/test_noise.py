"""Requests that no client of ours makes: whatever comes, the answer is no fault of the daemon's."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec
import pytest
from yarl import URL

from tests.support.many import make_sessions
from web.routes import ROUTES, Route

if TYPE_CHECKING:
    from scanner.app import App
    from scanner.config import Config

ROUNDS = 12
NAMES = [
    "x",
    "main",
    "upright",
    "half",
    "..",
    "%2e%2e%2fx",
    "a%00b",
    "UPPER",
    "-",
    "x" * 300,
    "%F0%9F%8F%BA",
    "%ff",
    "0",
]
VALUES: list[Any] = [
    None,
    True,
    0,
    -1,
    2**70,
    1e308,
    "",
    " ",
    "x",
    "7d",
    "main",
    "upright",
    "half",
    "UTC",
    "2026-11-20",
    "9999-12-31",
    "0000-00-00",
    "\u202e",
    "a\x00b",
    "x" * 30_000,
    "=1+1",
    "' OR 1=1 --",
    '"*" AND NEAR(',
    "%_\\",
    [],
    ["a", 1],
    {},
    {"a": {"b": []}},
]
LEFT_OUT = ("/api/scan", "/api/rig", "/api/demo", "/api/ws", "/api/events", "/api/cameras", "/static")


@pytest.fixture
def demo(safe_mode: Config) -> Config:
    """Without a rig, with a few sessions."""
    make_sessions(safe_mode.data_dir / "sessions", 5)
    return safe_mode


def fields(kind: Any) -> list[str]:
    """The names that a route takes."""
    return [field.encode_name for field in msgspec.structs.fields(kind)]


def request(route: Route, chance: random.Random, sessions: list[str]) -> tuple[str, Any]:
    """An address and a body of a route: mostly what it takes, with values that it may not."""
    path = re.sub(r"\{id\}", lambda _: chance.choice(sessions + NAMES[:4]), route.path)
    path = re.sub(r"\{\w+\}", lambda _: chance.choice(NAMES), path)
    if route.query is not None:
        names = [*fields(route.query), "surplus"]
        asked = {name: chance.choice(VALUES) for name in chance.sample(names, chance.randint(0, min(3, len(names))))}
        plain = {name: value if isinstance(value, str) else json.dumps(value) for name, value in asked.items()}
        path += "?" + "&".join(f"{name}={quote(value[:2000])}" for name, value in plain.items())
    if route.takes is None or chance.random() < 0.1:
        return path, None
    if chance.random() < 0.2:
        return path, chance.choice(VALUES)
    return path, {name: chance.choice([*VALUES, *sessions]) for name in fields(route.takes) if chance.random() < 0.7}


async def test_no_request_is_a_fault_of_the_daemon(
    app: App, ask: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    await app.storage.reconcile()
    chance = random.Random(3)  # noqa: S311 - nothing here is secret
    sessions = [session.id for session in (await app.storage.list_sessions()).items]
    routes = [route for route in ROUTES if not route.stream and not route.path.startswith(LEFT_OUT)]
    for route in routes * ROUNDS:
        path, body = request(route, chance, [str(one) for one in sessions])
        answer = await ask(route.method, URL(path, encoded=True), body)
        ours = answer.status in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.INSUFFICIENT_STORAGE}  # without a rig
        assert answer.status < HTTPStatus.INTERNAL_SERVER_ERROR or ours, (route.method, path, body, answer.body)
        if answer.status >= HTTPStatus.BAD_REQUEST and route.method != "HEAD":
            assert answer.code
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []
