"""A real daemon with its web side on a free port, and clients of several kinds."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from msgspec import structs

from web.app import Server, serve

if TYPE_CHECKING:
    from scanner.app import App
    from scanner.config import Config

SMALL = {"format": "jpeg", "width": 320, "height": 240}
QUICK = {"title": "Blue vase", "plan": {"kind": "list", "viewpoints": [[0, 20], [90, 20], [180, 20]]}, "camera": SMALL}


@pytest.fixture
def safe_mode(demo: Config) -> Config:
    """The demo's configuration without a rig: much is the same, and it starts much sooner."""
    return structs.replace(demo, rig=None)


@pytest.fixture
async def server(app: App) -> AsyncIterator[Server]:
    """The web side of ``app``."""
    running = await serve(app, port=0)
    yield running
    await running.stop()


@pytest.fixture
async def client(server: Server) -> AsyncIterator[aiohttp.ClientSession]:
    """A client like a person's browser without cookies."""
    async with aiohttp.ClientSession(server.url) as session:
        yield session


@dataclass(frozen=True)
class Answer:
    """What came back: ``body`` decoded where it is JSON."""

    status: int
    headers: Any
    body: Any

    @property
    def code(self) -> str:
        """The code of an error, whose shape is checked on the way."""
        assert set(self.body) == {"error"}, self.body
        error = self.body["error"]
        assert set(error) == {"code", "message", "detail"}, error
        assert error["message"]
        return str(error["code"])

    @property
    def paths(self) -> list[str]:
        """Where the faults are that an error names."""
        return [fault["path"] for fault in self.body["error"]["detail"]["errors"]]


@pytest.fixture
def ask(client: aiohttp.ClientSession) -> Callable[..., Any]:
    """One request, its answer read whole."""

    async def send(method: str, path: str, body: Any = None, **more: Any) -> Answer:
        if body is not None:
            more["json"] = body
        async with client.request(method, path, **more) as response:
            data = await response.read()
            is_json = response.content_type == "application/json" and data
            return Answer(response.status, response.headers, json.loads(data) if is_json else data)

    return send


@asynccontextmanager
async def connection(
    server: Server, *, stalls: bool = False
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A bare connection, for what no well-behaved client does. One that ``stalls`` never reads, and has little room."""
    sock = socket.socket()
    if stalls:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setblocking(False)  # noqa: FBT003 - its only form
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", server.port))
    reader, writer = await asyncio.open_connection(sock=sock)
    if stalls:
        writer.transport.pause_reading()
    try:
        yield reader, writer
    finally:
        writer.close()


@asynccontextmanager
async def serving(app: App) -> AsyncIterator[tuple[Server, aiohttp.ClientSession]]:
    """A web side of its own, with a client, for tests that change how it is made."""
    running = await serve(app, port=0)
    try:
        async with aiohttp.ClientSession(running.url) as session:
            yield running, session
    finally:
        await running.stop()


async def raw(server: Server, request: bytes) -> tuple[int, bytes]:
    """Send bytes, read until the server closes; the status and all that came."""
    async with connection(server) as (reader, writer):
        writer.write(request)
        data = await asyncio.wait_for(reader.read(), 10)
        return int(data.split(b" ", 2)[1]), data


ENDS = ("completed", "failed", "cancelled")


async def ended(ask: Callable[..., Any], app: App, job_id: str) -> dict[str, Any]:
    """The job once it has ended."""
    return await reached(ask, app, job_id, *ENDS)


async def reached(ask: Callable[..., Any], app: App, job_id: str, *states: str) -> dict[str, Any]:
    """The job once it is in one of ``states``, or has ended otherwise; waits for its events, not for time."""
    subscriber, _ = app.bus.subscribe()
    try:
        async with asyncio.timeout(30):
            while True:
                job = (await ask("GET", f"/api/jobs/{job_id}")).body
                if job["state"] in {*states, *ENDS}:
                    return dict(job)
                await subscriber.next()
    finally:
        subscriber.close()


async def scanned(app: App, ask: Callable[..., Any], spec: Any = None) -> str:
    """A session with a finished scan; its id."""
    job = (await ask("POST", "/api/scans", QUICK if spec is None else spec)).body
    await ended(ask, app, job["id"])
    return str(job["session_id"])
