"""Who may ask what from where."""

from __future__ import annotations

import asyncio
import io
import re
import socket
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any
from unittest import mock

import aiohttp
import pytest
from aiohttp import web as aioweb
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request
from msgspec.structs import replace

import web.app
from scanner.access import Access, Principal, Role
from tests.web.conftest import connection, raw, serving
from web.app import Server, make_app
from web.callers import Callers
from web.codec import RefusedError
from web.routes import ROUTES
from web.security import ANSWER_HEADERS, BODY_LIMIT, SAFE_METHODS, Guard, Names

if TYPE_CHECKING:
    from scanner.app import App
    from scanner.config import Config

HOSTNAME = socket.gethostname().lower()


@pytest.fixture
def demo(demo: Config) -> Config:
    """The demo's configuration without a rig, behind a proxy, with one more name."""
    access = replace(demo.web, allowed_hosts=("Scan.Museum.example",), public_url="https://scan.example.org")
    return replace(demo, web=access, rig=None)


GOOD_HOSTS = [
    "127.0.0.1",
    "127.0.0.1:8080",
    "192.168.1.20",
    "[::1]",
    "[::1]:8080",
    "localhost",
    "LOCALHOST:8080",
    "localhost.",
    HOSTNAME,
    f"{HOSTNAME}.local",
    f"{HOSTNAME}-2.local:8080",
    "scan.museum.example:8080",
    "scan.example.org",
]
BAD_HOSTS = [
    "evil.example",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    f"{HOSTNAME}.local.evil.example",
    f"{HOSTNAME}-x.local",
    f"{HOSTNAME}-2345.local",
    "scan.museum.example@evil.example",
    "localhost:8080:80",
    "localhost/../x",
    "[::1",
    "::1",
    "",
    "local host",
    "999.999.999.999",
]


@pytest.fixture
def guard(demo: Config) -> Guard:
    """What serves requests, without any."""
    names = Names(hostname=HOSTNAME, allowed_hosts=demo.web.allowed_hosts, public_url=demo.web.public_url)
    return Guard(names, {}, mock.Mock(Callers))


@pytest.mark.parametrize("host", GOOD_HOSTS)
def test_hosts_that_are_us(guard: Guard, host: str) -> None:
    for _ in range(2):
        guard.check_host(host)


@pytest.mark.parametrize("host", BAD_HOSTS)
def test_hosts_that_are_not_us(guard: Guard, host: str) -> None:
    for _ in range(2):
        with pytest.raises(RefusedError, match=r"web\.allowed_hosts"):
            guard.check_host(host)


def test_many_good_hosts_are_not_all_remembered(guard: Guard) -> None:
    for port in range(1000, 3000):
        guard.check_host(f"localhost:{port}")
    assert len(guard._good) < 100


def test_a_machine_with_a_long_name() -> None:
    guard = Guard(Names(hostname="Scanner.Lab.Example"), {}, mock.Mock(Callers))
    for host in ("scanner.lab.example", "scanner", "scanner.local", "scanner-12.local"):
        guard.check_host(host)
    with pytest.raises(RefusedError):
        guard.check_host("lab.example")


async def test_every_request_is_asked_for_its_host(ask: Callable[..., Any]) -> None:
    for method, path in [("GET", "/api/state"), ("GET", "/"), ("GET", "/api/nothing"), ("POST", "/api/rig/stop")]:
        answer = await ask(method, path, headers={"Host": "evil.example"})
        assert (answer.status, answer.code) == (421, "misdirected")
        assert answer.body["error"]["detail"] == {"setting": "web.allowed_hosts"}
        assert (await ask(method, path)).status != 421


CHANGES = [("POST", "/api/rig/stop"), ("DELETE", "/api/jobs")]


FOREIGN: list[dict[str, str]] = [
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://localhost:1"},
    {"Origin": "http://scan.example.org"},
    {"Origin": "https://scan.example.org:8443"},
    {"Origin": "http://localhost:99999999"},
    {"Origin": "http://[::1"},
    {"Origin": "garbage"},
    {"Origin": ""},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "own", "Sec-Fetch-Site": "cross-site"},
]
OURS: list[dict[str, str]] = [
    {},
    {"Origin": "own"},
    {"Origin": "https://scan.example.org"},
    {"Origin": "own", "Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none"},
]


def own(server: Server) -> str:
    """The origin of the page that this server gives."""
    return server.url.rstrip("/")


def sent(server: Server, headers: dict[str, str]) -> dict[str, str]:
    """Headers with the server's own origin filled in."""
    return {name: own(server) if value == "own" else value for name, value in headers.items()}


async def test_changes_from_elsewhere_are_refused(ask: Callable[..., Any], server: Server) -> None:
    for headers in FOREIGN:
        for method, path in CHANGES:
            answer = await ask(method, path, headers=sent(server, headers))
            assert (answer.status, answer.code) == (403, "forbidden"), headers


async def test_every_route_asks_for_the_host(ask: Callable[..., Any]) -> None:
    for route in ROUTES:
        answer = await ask(route.method, spelled(route.path), headers={"Host": "evil.example"})
        assert (answer.status, answer.code) == (421, "misdirected"), route


async def test_every_change_asks_for_the_origin(ask: Callable[..., Any]) -> None:
    changes = [route for route in ROUTES if route.method not in SAFE_METHODS]
    assert {route.method for route in changes} >= {"POST", "PATCH", "DELETE"}
    for route in changes:
        answer = await ask(route.method, spelled(route.path), headers={"Origin": "http://evil.example"})
        assert (answer.status, answer.code) == (403, "forbidden"), route


async def test_changes_from_here_are_made(ask: Callable[..., Any], server: Server) -> None:
    for headers in OURS:
        for method, path in CHANGES:
            assert (await ask(method, path, headers=sent(server, headers))).status in {200, 204}, headers


async def test_the_schemes_port_is_meant_where_none_is_named(ask: Callable[..., Any]) -> None:
    same = {"Host": "localhost", "Origin": "http://localhost:80"}
    assert (await ask("POST", "/api/rig/stop", headers=same)).status == 200
    tls = {"Host": "localhost", "Origin": "https://localhost"}
    assert (await ask("POST", "/api/rig/stop", headers=tls)).status == 403


async def test_looking_from_elsewhere_is_not_refused_by_origin(ask: Callable[..., Any]) -> None:
    headers = {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}
    answer = await ask("GET", "/api/state", headers=headers)
    assert answer.status == 200, "links must work; reading the answer is what the browser forbids"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Access-Control-Allow-Origin" not in answer.headers


async def test_websocket_upgrades_are_changes(client: aiohttp.ClientSession, server: Server) -> None:
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await client.ws_connect("/api/ws", headers=headers)
        assert refused.value.status == 403
    async with client.ws_connect("/api/ws", headers={"Origin": own(server)}) as page:
        await page.close()


POST = b"POST /api/plans HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


async def test_bodies_are_json(ask: Callable[..., Any]) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "nonsense", "text/json"):
        answer = await ask("POST", "/api/plans", data=b"{}", headers={"Content-Type": kind})
        assert (answer.status, answer.code) == (415, "unsupported_media_type"), kind


async def test_what_a_form_of_any_page_could_send_is_refused_even_without_a_body(ask: Callable[..., Any]) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        answer = await ask("POST", "/api/rig/stop", data=b"", headers={"Content-Type": kind})
        assert (answer.status, answer.code) == (415, "unsupported_media_type"), kind
    assert (await ask("POST", "/api/rig/stop", headers={"Content-Type": "application/octet-stream"})).status == 200


async def test_a_body_without_a_type(server: Server) -> None:
    status, data = await raw(
        server, b"POST /api/plans HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"
    )
    assert status == 415
    assert b"unsupported_media_type" in data


async def test_json_with_a_charset_is_json(ask: Callable[..., Any]) -> None:
    headers = {"Content-Type": "application/json; charset=utf-8"}
    assert (await ask("POST", "/api/plans", data=b"[]", headers=headers)).status == 400


async def test_compressed_bodies_are_refused(ask: Callable[..., Any]) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    answer = await ask("POST", "/api/plans", data=b"\x1f\x8b", headers=headers, skip_auto_headers=["Content-Encoding"])
    assert (answer.status, answer.code) == (415, "unsupported_media_type")


async def test_a_large_body_is_refused_before_it_is_sent(server: Server) -> None:
    status, data = await raw(server, POST + b"Content-Length: %d\r\n\r\n" % (BODY_LIMIT + 1))
    assert status == 413
    assert b'"body_too_large"' in data


async def test_a_large_body_of_unknown_length(ask: Callable[..., Any], app: App) -> None:
    async def much() -> Any:
        for _ in range(BODY_LIMIT // 65536 + 2):
            yield b" " * 65536

    answer = await ask("POST", "/api/scans", data=much(), headers={"Content-Type": "application/json"})
    assert (answer.status, answer.code) == (413, "body_too_large")
    assert app.jobs.list() == ()


async def test_a_body_of_just_the_limit(ask: Callable[..., Any]) -> None:
    body = io.BytesIO(b"[]" + b" " * (BODY_LIMIT - 2))
    assert (await ask("POST", "/api/plans", data=body, headers={"Content-Type": "application/json"})).status == 400


async def test_a_body_that_breaks_its_framing(server: Server) -> None:
    status, _ = await raw(server, POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"zz\r\n{}\r\n0\r\n\r\n")
    assert status == 400


@pytest.fixture
async def hasty(app: App, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    """The web side with a patience of 50 ms for bodies."""
    monkeypatch.setattr(web.app, "Guard", lambda *args, **more: Guard(*args, **more, body_seconds=0.05))
    monkeypatch.setattr(web.app, "LINGER", 0.05)
    async with serving(app) as (server, _):
        yield server


async def test_a_body_that_breaks_its_framing_later_is_cut_off(hasty: Server) -> None:
    async with connection(hasty) as (reader, writer):
        writer.write(POST + b"Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"zz\r\n{}\r\n0\r\n\r\n")
        assert b"408 Request Timeout" in await reader.readline()


async def test_a_fault_of_framing_that_the_parser_tells(guard: Guard) -> None:
    body = aiohttp.StreamReader(mock.Mock(_reading_paused=False), 1024, loop=asyncio.get_running_loop())
    body.set_exception(aioweb.RequestPayloadError("zz is no length"))
    headers = {"Host": "localhost", "Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    with pytest.raises(RefusedError, match="framing") as refused:
        await guard.read_body(make_mocked_request("POST", "/api/plans", headers=headers, payload=body))
    assert refused.value.status == 400


async def test_a_half_sent_body_is_cut_off(hasty: Server) -> None:
    status, data = await raw(hasty, POST + b"Content-Length: 100\r\n\r\n{")
    assert status == 408
    assert b'"body_timeout"' in data


async def test_a_half_sent_body_on_a_route_that_takes_none_is_cut_off(hasty: Server) -> None:
    status, _ = await raw(hasty, b"GET /api/state HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
    assert status == 408


async def test_expectations(server: Server) -> None:
    status, data = await raw(server, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nExpect: wonders\r\n\r\n")
    assert status == 417
    assert b'"expectation_failed"' in data
    async with connection(server) as (reader, writer):
        writer.write(POST + b"Expect: 100-Continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n")
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"[]")
        assert b"400 Bad Request" in await reader.readline()


async def test_whoever_will_be_refused_is_not_asked_for_the_body(server: Server) -> None:
    status, _ = await raw(server, POST + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % (BODY_LIMIT + 1))
    assert status == 413


async def test_what_takes_no_body_refuses_one(ask: Callable[..., Any]) -> None:
    for method, path in [
        ("POST", "/api/rig/stop"),
        ("DELETE", "/api/jobs"),
        ("POST", "/api/rig/home"),
        ("GET", "/api/state"),
    ]:
        answer = await ask(method, path, {"axis": "tilt"})
        assert (answer.status, answer.code, answer.paths) == (400, "invalid", ["axis"]), path
        junk = await ask(method, path, data=b"junk", headers={"Content-Type": "application/json"})
        assert (junk.status, junk.code) == (400, "invalid"), path
        assert (await ask(method, path, {})).status in {200, 204, 503}, path
    assert (await ask("POST", "/api/nothing", {"axis": "tilt"})).status == 404


async def test_a_client_that_goes_away_in_mid_body_leaves_nothing(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    async with connection(server) as (_, writer):
        writer.write(POST + b"Content-Length: 9\r\n\r\n{")
        await writer.drain()
    async with connection(server) as (reader, writer):
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert b"200 OK" in await reader.read()
    assert caplog.records == []


async def test_every_answer_carries_the_headers(ask: Callable[..., Any]) -> None:
    for method, path in [("GET", "/"), ("GET", "/api/state"), ("GET", "/api/nothing"), ("PUT", "/api/state")]:
        answer = await ask(method, path)
        assert {name: answer.headers[name] for name in ANSWER_HEADERS} == dict(ANSWER_HEADERS)
        assert "Cache-Control" in answer.headers
    policy = ANSWER_HEADERS["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'self'" in policy


# ---- roles -----------------------------------------------------------------------------------------------------------


def spelled(path: str) -> str:
    """A path with something in every place, as a request would have it."""
    return re.sub(r"\{(\w+)(:[^}]*)?\}", "x", path)


def grant(role: Role, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give everybody this role."""
    monkeypatch.setattr(Access, "anybody", lambda _: Principal(kind="everybody", role=role))


@pytest.mark.parametrize("role", [Role.PUBLIC, Role.VIEWER, Role.OPERATOR])
async def test_a_route_is_refused_below_its_role(app: App, role: Role, monkeypatch: pytest.MonkeyPatch) -> None:
    grant(role, monkeypatch)
    async with serving(app) as (_, client):
        for route in (route for route in ROUTES if route.role > role):
            async with client.request(route.method, spelled(route.path)) as response:
                refused = (401, "login_required") if role is Role.PUBLIC else (403, "forbidden")
                assert (response.status, (await response.json())["error"]["code"]) == refused, route


async def test_a_viewer_may_look_and_stop(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    grant(Role.VIEWER, monkeypatch)
    allowed = [route for route in ROUTES if route.role <= Role.VIEWER and not route.stream]
    async with serving(app) as (_, client):
        for route in allowed:
            async with client.request(route.method, spelled(route.path)) as response:
                assert response.status not in (401, 403), route
    assert {route.path for route in allowed if route.method != "GET"} == {
        "/api/plans",
        "/api/rig/stop",
        "/api/jobs/{id}/halt",
        "/api/login",
        "/api/logout",
        "/api/setup",
        "/api/me/password",
    }


async def test_a_route_without_a_role_is_refused(app: App) -> None:
    async def secret(_: aioweb.Request) -> aioweb.Response:
        return aioweb.Response(text="secret")

    application = make_app(app)
    application.router.add_get("/api/secret", secret)
    async with TestClient(TestServer(application)) as client, client.get("/api/secret") as response:
        assert response.status == 403
        assert b"secret" not in (await response.read()).replace(b"/api/secret", b"")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/api/jobs/active", "GET,HEAD"),
        ("PATCH", "/api/sessions/restorable", "GET,HEAD"),
        ("GET", "/api/sessions/merge", "POST"),
        ("OPTIONS", "/api/sessions/verify", "POST"),
        ("PUT", "/api/sessions", "GET,HEAD"),
        ("PUT", "/api/sessions/x", "DELETE,GET,HEAD,PATCH"),
        ("POST", "/api/state", "GET,HEAD"),
    ],
)
async def test_what_an_address_takes_is_told_as_it_is(
    ask: Callable[..., Any], method: str, path: str, allowed: str
) -> None:
    """Also where its name could be a parameter of another route."""
    answer = await ask(method, path)
    assert (answer.status, answer.code, answer.headers["Allow"]) == (405, "method_not_allowed", allowed)


async def test_the_router_knows_the_tables_routes_and_no_others(app: App) -> None:
    application = make_app(app)
    known = {(route.method, route.resource.canonical) for route in application.router.routes() if route.resource}
    table = {(route.method, re.sub(r"\{(\w+):[^}]*\}", r"{\1}", route.path)) for route in ROUTES}
    heads = {("HEAD", path) for method, path in table if method == "GET"} & known
    assert known == table | heads
    assert len(ROUTES) == len(table)
    assert {("HEAD", route.path) for route in ROUTES if route.stream} & known == set()


# ---- the unix socket -------------------------------------------------------------------------------------------------


async def test_local_peers_need_no_host_and_no_origin(server: Server) -> None:
    async with aiohttp.ClientSession("http://whatever", connector=aiohttp.UnixConnector(str(server.socket))) as local:
        async with local.get("/api/state") as response:
            assert response.status == 200
        async with local.post("/api/rig/stop", headers={"Origin": "http://evil.example"}) as response:
            assert response.status == 200
        async with local.post("/api/scans", data=b"{}", headers={"Content-Type": "text/plain"}) as response:
            assert response.status == 415
