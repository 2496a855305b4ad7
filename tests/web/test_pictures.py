"""Live pictures for pages and machines."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from tests.web.conftest import connection
from tests.web.test_streams import LONG, STALL, impatient, page, until, warn

if TYPE_CHECKING:
    from scanner.app import App
    from web.app import Server


async def picture(socket: aiohttp.ClientWebSocketResponse) -> tuple[dict[str, Any], bytes]:
    """The next picture: its header and its JPEG."""
    while True:
        message = await socket.receive(timeout=10)
        if message.type is aiohttp.WSMsgType.BINARY:
            length = int.from_bytes(message.data[:2], "big")
            return json.loads(message.data[2 : 2 + length]), message.data[2 + length :]
        assert message.type is aiohttp.WSMsgType.TEXT, message


async def test_pictures_come_while_the_page_wants_them(app: App, client: aiohttp.ClientSession) -> None:
    async with page(client) as socket:
        await socket.send_json({"type": "preview", "camera": "main"})
        head, jpeg = await picture(socket)
        assert head["camera"] == "main"
        assert jpeg.startswith(b"\xff\xd8")
        later, _ = await picture(socket)
        assert later["number"] > head["number"]
        await socket.send_json({"type": "preview", "camera": None})
        await until(lambda: app.preview.viewers == 0)
        await socket.send_json({"type": "preview", "camera": "main"})
        await socket.send_json({"type": "preview", "camera": "main"})
        assert (await picture(socket))[0]["number"] > later["number"]
    await until(lambda: app.preview.viewers == 0)


async def test_a_camera_that_is_not_there_is_said(client: aiohttp.ClientSession) -> None:
    async with page(client) as socket:
        await socket.send_json({"type": "preview", "camera": "nobody"})
        said = await socket.receive_json()
        assert said == {
            "type": "preview_fault",
            "camera": "nobody",
            "code": "device_not_found",
            "message": said["message"],
        }


async def test_a_camera_that_fails_is_said(app: App, client: aiohttp.ClientSession) -> None:
    app.faults.camera_dead = True
    async with page(client) as socket:
        await socket.send_json({"type": "preview", "camera": "main"})
        while (said := await socket.receive_json(timeout=10))["type"] == "event":
            pass
        assert (said["type"], said["camera"]) == ("preview_fault", "main")
        assert said["code"].startswith("camera")


async def test_mjpeg(app: App, client: aiohttp.ClientSession) -> None:
    async with client.get("/api/cameras/main/preview") as response:
        assert response.headers["Content-Type"] == "multipart/x-mixed-replace; boundary=scanner-frame"
        for _ in range(3):
            assert await response.content.readline() == b"--scanner-frame\r\n"
            assert await response.content.readline() == b"Content-Type: image/jpeg\r\n"
            length = int((await response.content.readline()).split(b":")[1])
            assert await response.content.readline() == b"\r\n"
            assert (await response.content.readexactly(length)).startswith(b"\xff\xd8")
            assert await response.content.readline() == b"\r\n"
    await until(lambda: app.preview.viewers == 0)


async def test_mjpeg_of_a_camera_that_is_not_there(ask: Callable[..., Any]) -> None:
    assert (await ask("GET", "/api/cameras/nobody/preview")).code == "device_not_found"


async def test_a_snapshot(ask: Callable[..., Any]) -> None:
    answer = await ask("GET", "/api/cameras/main/snapshot")
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.body.startswith(b"\xff\xd8")


@pytest.mark.parametrize("path", [b"/api/events", b"/api/cameras/main/preview"])
async def test_a_stalled_client_is_cut_off(app: App, monkeypatch: pytest.MonkeyPatch, path: bytes) -> None:
    server = await impatient(app, monkeypatch, patience=0.05)
    async with connection(server) as (reader, writer):
        reader._limit = 0  # type: ignore[attr-defined] # asyncio stops reading at twice this
        writer.write(STALL % path)
        await until(lambda: len(server.streams) == 1)
        async with asyncio.timeout(20):
            while len(server.streams):
                warn(app, LONG)
                await asyncio.sleep(0)
    await server.stop()


async def test_stopping_with_two_hundred_streams_open_takes_less_than_a_second(app: App, server: Server) -> None:
    asks = [b"/api/events"] * 120 + [b"/api/cameras/main/preview"] * 40
    connections = []
    for path in asks:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        reader._limit = 0  # type: ignore[attr-defined] # nothing more is read: they stall
        writer.write(STALL % path)
        connections.append(writer)
    async with aiohttp.ClientSession(server.url, connector=aiohttp.TCPConnector(limit=0)) as client:
        pages = [await client.ws_connect("/api/ws") for _ in range(40)]
        for socket in pages[:20]:
            await socket.send_json({"type": "hello", "after": None})
        await until(lambda: len(server.streams) == 200)
        for _ in range(200):
            warn(app, LONG)
        await asyncio.sleep(0)
        started = time.monotonic()
        await server.stop()
        assert time.monotonic() - started < 1.0
        for socket in pages:
            await socket.close()
    for writer in connections:
        writer.close()
