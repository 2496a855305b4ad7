"""Live pictures for pages and machines."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from scanner.errors import HardwareError
from scanner.model import CameraName
from tests.web.conftest import connection, serving
from tests.web.test_streams import LONG, STALL, UPGRADE, masked, page, until, warn, watch_closely

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


async def test_whoever_does_not_take_pictures_is_cut_off(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    watch_closely(monkeypatch, patience=0.05)
    async with serving(app) as (server, _), connection(server, stalls=True) as (_, writer):
        writer.write(STALL % b"/api/cameras/main/preview")
        await until(lambda: len(server.streams) == 1)
        await until(lambda: len(server.streams) == 0)
    assert app.preview.viewers == 0


async def test_a_machines_stream_goes_on_after_a_fault(app: App, client: aiohttp.ClientSession) -> None:
    assert app.faults is not None
    app.faults.camera_dead = True
    async with client.get("/api/cameras/main/preview") as response:
        with app.preview.watch(CameraName("main")) as viewer:
            assert isinstance(await viewer.next(), HardwareError)
        app.faults.camera_dead = False
        assert await response.content.readline() == b"--scanner-frame\r\n"


async def test_stopping_with_two_hundred_streams_open_takes_less_than_a_second(app: App, server: Server) -> None:
    async with contextlib.AsyncExitStack() as stack:
        for path in [b"/api/events"] * 120 + [b"/api/cameras/main/preview"] * 40:
            _, writer = await stack.enter_async_context(connection(server, stalls=True))
            writer.write(STALL % path)
        for hello in [masked(b'{"type":"hello"}')] * 20 + [b""] * 20:
            _, writer = await stack.enter_async_context(connection(server, stalls=True))
            writer.write(UPGRADE + hello)
        await until(lambda: len(server.streams) == 200)
        for _ in range(200):
            warn(app, LONG)
            await asyncio.sleep(0)
        started = time.monotonic()
        await server.stop()
        assert time.monotonic() - started < 1.0
