"""Listening, failing, and stopping."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import socket
import stat
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import aiohttp
import msgspec
import pytest
from aiohttp import web

from scanner.errors import ConfigError, HardwareError, StorageError
from tests.web.conftest import connection, raw, serving
from web.app import Server, serve
from web.context import CONTEXT
from web.listening import HttpServer
from web.routes import Handler, get
from web.security import ANSWER_HEADERS

if TYPE_CHECKING:
    from scanner.app import App
    from scanner.config import Config


@pytest.fixture
def demo(safe_mode: Config) -> Config:
    return safe_mode


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def entries(directory: str) -> list[Path]:
    return list(Path(directory).iterdir())


async def test_the_socket_is_for_its_group(server: Server) -> None:
    assert server.socket.is_socket()
    assert mode(server.socket) == 0o660
    await server.stop()
    assert not server.socket.exists()
    await server.stop()


async def test_the_address_for_people(server: Server) -> None:
    assert server.url == f"http://localhost:{server.port}/"
    everywhere = "0.0.0.0"  # noqa: S104 - nothing is bound
    for host, shown in [(everywhere, "localhost"), ("::", "localhost"), ("::1", "[::1]"), ("pi.lab", "pi.lab")]:
        assert (
            Server(server.runner, server.streams, host, 80, server.socket, server.socket).url == f"http://{shown}:80/"
        )


async def test_a_socket_left_by_a_daemon_that_was_killed(app: App) -> None:
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(app.config.socket))
    left.close()
    server = await serve(app, port=0)
    connector = aiohttp.UnixConnector(str(app.config.socket))
    async with aiohttp.ClientSession("http://scanner", connector=connector) as local, local.get("/healthz") as response:
        assert response.status == 200
    await server.stop()


async def test_a_socket_that_cannot_be_taken_away_holds_nothing_up(server: Server) -> None:
    server.socket.unlink()
    server.socket.mkdir()
    await server.stop()
    assert server.socket.is_dir()


async def test_a_port_that_is_taken(app: App) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ConfigError, match="another program listens there") as refused:
            await serve(app, port=taken.getsockname()[1])
    assert "--port" in refused.value.message
    assert not app.config.socket.exists()


async def test_a_port_that_is_taken_of_what_is_no_demo(app: App) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ConfigError, match=r"web\.port"):
            await serve(dataclasses.replace(app, demo=False), port=taken.getsockname()[1])


def with_socket(app: App, path: Path) -> App:
    return dataclasses.replace(app, config=msgspec.structs.replace(app.config, socket=path))


async def test_a_socket_that_cannot_be(app: App) -> None:
    for path, why in [
        (app.config.data_dir, "another program listens there"),
        (Path("/proc/nowhere/scanner.sock"), "No such file or directory"),
    ]:
        with pytest.raises(ConfigError, match=why) as refused:
            await serve(with_socket(app, path), port=0)
        assert "change socket in the configuration" in refused.value.message


@pytest.mark.parametrize("runtime", [True, False])
async def test_a_path_that_is_too_long_for_a_socket(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, *, runtime: bool
) -> None:
    long = tmp_path / ("x" * 120) / "scanner.sock"
    with tempfile.TemporaryDirectory() as short:
        monkeypatch.setattr(tempfile, "tempdir", short)
        if runtime:
            monkeypatch.setenv("XDG_RUNTIME_DIR", short)
        else:
            monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
        server = await serve(with_socket(app, long), port=0)
        assert server.socket.parent.parent == Path(short)
        assert mode(server.socket.parent) == 0o700
        connector = aiohttp.UnixConnector(str(server.socket))
        async with (
            aiohttp.ClientSession("http://scanner", connector=connector) as local,
            local.get("/healthz") as answer,
        ):
            assert answer.status == 200
        await server.stop()
        await server.stop()
        assert entries(short) == []
    assert str(server.socket) in caplog.text


# ---- what goes wrong -------------------------------------------------------------------------------------------------


async def test_unknown_addresses_and_methods(ask: Callable[..., Any]) -> None:
    for path in ("/api/nothing", "/nothing", "/api", "/api/sessions/", "/sessions/a/b", "/static"):
        answer = await ask("GET", path)
        assert (answer.status, answer.code) == (404, "not_found"), path
    for method, path, allowed in [
        ("PUT", "/api/state", "GET,HEAD"),
        ("GET", "/api/scans", "POST"),
        ("POST", "/", "GET,HEAD"),
    ]:
        answer = await ask(method, path)
        assert (answer.status, answer.code) == (405, "method_not_allowed"), path
        assert answer.headers["Allow"] == allowed
    assert (await ask("HEAD", "/api/events")).status == 405


async def test_our_own_faults_say_nothing_of_the_machine(
    app: App, ask: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> None:
        message = "secret: /home/anna/.ssh"
        raise RuntimeError(message)

    monkeypatch.setattr(type(app.rig), "info", lambda _: broken())
    answer = await ask("GET", "/api/state")
    assert (answer.status, answer.code) == (500, "internal")
    assert "secret" not in str(answer.body)
    assert [record.getMessage() for record in caplog.records] == ["GET /api/state failed"]
    assert caplog.records[0].exc_info is not None


async def test_known_faults_keep_their_code(
    app: App, ask: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for error, status in [(StorageError("no", reason="io_error"), 500), (HardwareError("no"), 503)]:

        async def fail(*_: object, error: Exception = error, **__: object) -> None:
            raise error

        monkeypatch.setattr(type(app.storage), "list_sessions", fail)
        answer = await ask("GET", "/api/sessions")
        assert (answer.status, answer.code) == (status, error.code)
        assert answer.body["error"]["detail"] == error.detail
    assert caplog.records == []


@pytest.mark.parametrize("error", [RuntimeError("a bug"), StorageError("the disk"), ConnectionResetError("gone")])
async def test_what_fails_in_mid_answer_never_looks_complete(
    app: App, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("web.app.ROUTES", (get("/api/half", failing(error)),))
        async with serving(app) as (_, client):
            with pytest.raises(aiohttp.ClientPayloadError):
                async with client.get("/api/half") as response:
                    await response.read()
    assert len(caplog.records) == (0 if isinstance(error, ConnectionError) else 1)


def failing(error: Exception) -> Handler:
    """A handler that begins an answer and then fails."""

    async def half(request: web.Request) -> web.StreamResponse:
        """Half an answer."""
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"half")
        raise error

    return half


NO_HTTP = [
    b"\x16\x03\x01\x00\xa5\x01\x00",
    b"hello",
    b"GET / HTTP/1.1\r\nHost: a\r\nHost: b",
    b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1",
    b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked",
    b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: a",
    b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 9000,
    b"GET / HTTP/1.1\r\nHost: a\r\nbroken header: \x00",
]


async def test_what_is_no_http(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    for request in NO_HTTP:
        status, data = await raw(server, request + b"\r\n\r\n")
        assert status == 400, request
        head, _, body = data.partition(b"\r\n\r\n")
        assert json.loads(body)["error"]["code"] == "bad_request", request
        for name, value in ANSWER_HEADERS.items():
            assert f"\r\n{name}: {value}\r\n".encode() in head + b"\r\n", request
    assert caplog.records == [], "whoever sends rubbish does not fill the log"


async def test_faults_below_the_application_are_said(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    below = HttpServer(server.runner.server, {})()
    request = mock.Mock(remote="127.0.0.1")
    request.writer.output_size = 0
    response = below.handle_error(request, 500, ZeroDivisionError())
    assert (response.status, response.content_type) == (500, "application/json")
    assert [record.getMessage() for record in caplog.records] == ["a request failed with status 500"]
    request.writer.output_size = 1
    with pytest.raises(ConnectionResetError):
        below.handle_error(request, 500, ZeroDivisionError())


# ---- stopping --------------------------------------------------------------------------------------------------------


async def test_stopping_does_not_wait_for_who_asks_by_halves(server: Server) -> None:
    async with connection(server) as (_, idle), connection(server) as (_, half), connection(server) as (_, body):
        half.write(b"GET /healthz HTT")
        body.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{")
        await asyncio.gather(*(writer.drain() for writer in (idle, half, body)))
        await raw(server, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        started = time.monotonic()
        await server.stop()
        assert time.monotonic() - started < 1.0


async def test_a_request_in_hand_is_answered(app: App, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()
    real = type(app.storage).list_sessions

    async def slow(*given: object, **more: object) -> object:
        begun.set()
        await go_on.wait()
        return await real(*given, **more)

    monkeypatch.setattr(type(app.storage), "list_sessions", slow)
    async with aiohttp.ClientSession(server.url) as client:

        async def ask() -> int:
            async with client.get("/api/sessions") as response:
                return response.status

        asking = asyncio.create_task(ask())
        await begun.wait()
        stopping = asyncio.create_task(server.stop())
        await asyncio.sleep(0)
        go_on.set()
        assert await asking == 200
        await stopping


async def test_the_parts_can_be_reached_by_handlers(app: App, server: Server) -> None:
    assert server.runner.app[CONTEXT].app is app
