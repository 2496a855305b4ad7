"""What stays open: events, pictures, the page's WebSocket; bounded, replayed, ended."""

from __future__ import annotations

import asyncio
import contextlib
import json
import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from unittest import mock

import aiohttp
import pytest
from aiohttp import web as aioweb
from aiohttp.test_utils import make_mocked_request

from scanner.access.access import EVERYBODY
from scanner.events import FACTS, REPLAY, RigChanged, WarningRaised
from tests.web.conftest import connection, serving
from web import streams as streaming
from web.app import Server
from web.context import PRINCIPAL
from web.streams import Streams

if TYPE_CHECKING:
    from scanner.app import App
    from scanner.config import Config


@pytest.fixture
def demo(safe_mode: Config) -> Config:
    return safe_mode


class Events:
    """A reader of server-sent events."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response

    async def block(self) -> dict[str, str]:
        """The next block of lines; comments have the empty name."""
        data = await asyncio.wait_for(self.response.content.readuntil(b"\n\n"), 10)
        return dict(line.split(":", 1) for line in data.decode().strip().split("\n"))

    async def next(self, *, skip: frozenset[str] = frozenset()) -> tuple[str, Any]:
        """Name and data of the next event."""
        while True:
            block = await self.block()
            name = block.get("event", "").strip()
            if name and name not in skip:
                return name, json.loads(block["data"])


@asynccontextmanager
async def listening(client: aiohttp.ClientSession, query: str = "", **headers: str) -> AsyncIterator[Events]:
    async with client.get(f"/api/events{query}", headers=headers) as response:
        assert response.status == 200
        assert response.content_type == "text/event-stream"
        events = Events(response)
        assert await events.block() == {"retry": " 2000"}
        yield events


def warn(app: App, message: str) -> str:
    """Publish something; its id."""
    return app.bus.publish(WarningRaised(message=message)).id


async def test_events_arrive_with_their_identity(app: App, client: aiohttp.ClientSession) -> None:
    async with listening(client) as events:
        number = warn(app, "dust")
        block = await events.block()
        assert block["id"].strip() == number
        assert block["event"].strip() == "warning"
        data = json.loads(block["data"])
        assert data == {"id": number, "at": data["at"], "topic": "warning", "message": "dust", "session_id": None}


async def test_what_was_missed_is_replayed(app: App, client: aiohttp.ClientSession) -> None:
    seen = warn(app, "seen")
    warn(app, "missed")
    async with listening(client, **{"Last-Event-ID": seen}) as events:
        warn(app, "new")
        assert [(await events.next())[1]["message"] for _ in range(2)] == ["missed", "new"]
    async with listening(client, f"?after={seen}") as events:
        assert (await events.next())[1]["message"] == "missed"


@pytest.mark.parametrize("known", ["otherboot:1", "nonsense", "", ":", "0", "boot:999999999"])
async def test_reset_where_it_cannot_be_replayed(app: App, client: aiohttp.ClientSession, known: str) -> None:
    last = warn(app, "before")
    async with listening(client, **{"Last-Event-ID": known.replace("boot:", f"{app.bus.boot}:", 1)}) as events:
        block = await events.block()
        assert (block["event"].strip(), block["data"].strip(), block["id"].strip()) == ("reset", "{}", last)
        warn(app, "after")
        assert (await events.next())[1]["message"] == "after"


async def test_reset_where_too_much_was_missed(app: App, client: aiohttp.ClientSession) -> None:
    first = warn(app, "first")
    for number in range(REPLAY + 1):
        warn(app, str(number))
    async with listening(client, **{"Last-Event-ID": first}) as events:
        assert (await events.next())[0] == "reset"


async def test_only_the_topics_asked_for(app: App, client: aiohttp.ClientSession) -> None:
    async with listening(client, "?topics=rig_changed,photo_saved") as events:
        warn(app, "not for you")
        app.bus.publish(RigChanged(turntable=None, tilt=None, state="ready"))
        assert (await events.next())[0] == "rig_changed"


async def test_unknown_topics_and_parameters(ask: Callable[..., Any]) -> None:
    answer = await ask("GET", "/api/events?topics=warning,weather")
    assert (answer.status, answer.code) == (400, "invalid")
    assert "weather" in answer.body["error"]["message"]
    assert (await ask("GET", "/api/events?topic=warning")).status == 400


async def test_a_quiet_stream_gives_signs_of_life(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    watch_closely(monkeypatch, heartbeat=0.01)
    async with serving(app) as (_, client), listening(client) as events:
        for _ in range(3):
            assert await events.block() == {"": ""}


async def test_a_stream_that_has_not_begun_gives_none(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    watch_closely(monkeypatch, heartbeat=0.0)
    looked = asyncio.Event()
    submit, look = app.jobs.submit_scan, Streams._look_after

    async def slow(*given: Any, **more: Any) -> Any:
        await looked.wait()
        return await submit(*given, **more)

    async def seen(self: Streams, stream: Any) -> None:
        await look(self, stream)
        looked.set()

    monkeypatch.setattr(app.jobs, "submit_scan", slow)
    monkeypatch.setattr(Streams, "_look_after", seen)
    async with serving(app) as (_, client), client.post("/api/scan/stream", json={}) as response:
        assert (await response.json())["error"]["code"] == "rig_missing"


def watch_closely(monkeypatch: pytest.MonkeyPatch, **settings: float) -> None:
    """Have streams looked after every 10 ms."""
    monkeypatch.setattr("web.app.Streams", lambda **given: Streams(tick=0.01, **given, **settings))


# ---- the page's connection -------------------------------------------------------------------------------------------


@asynccontextmanager
async def page(
    client: aiohttp.ClientSession, after: str | None = None
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    async with client.ws_connect("/api/ws", autoclose=False) as socket:
        await socket.send_json({"type": "hello", "after": after})
        assert (await socket.receive_json(timeout=10))["type"] == "hello"
        yield socket


async def test_a_page_hears_hello_and_events(app: App, client: aiohttp.ClientSession) -> None:
    async with client.ws_connect("/api/ws") as socket:
        await socket.send_json({"type": "hello", "after": None})
        assert await socket.receive_json() == {"type": "hello", "boot": app.bus.boot, "version": app.version}
        number = warn(app, "dust")
        event = await socket.receive_json()
        assert event == {
            "type": "event",
            "id": number,
            "at": event["at"],
            "event": {"topic": "warning", "message": "dust", "session_id": None},
        }


async def test_a_page_that_comes_back_misses_nothing(app: App, client: aiohttp.ClientSession) -> None:
    seen = warn(app, "seen")
    warn(app, "missed")
    async with page(client, seen) as socket:
        assert (await socket.receive_json())["event"]["message"] == "missed"


async def test_a_page_of_another_start_is_reset(app: App, client: aiohttp.ClientSession) -> None:
    async with page(client, "other:1") as socket:
        assert await socket.receive_json() == {"type": "reset"}
        warn(app, "new")
        assert (await socket.receive_json())["event"]["message"] == "new"


@pytest.mark.parametrize(
    "first", ['{"type":"preview","camera":null}', "{}", "not json", '{"type":"hello","after":7}', b"\x00\x01"]
)
async def test_a_page_that_does_not_say_hello(client: aiohttp.ClientSession, first: str | bytes) -> None:
    async with client.ws_connect("/api/ws") as socket:
        await (socket.send_str(first) if isinstance(first, str) else socket.send_bytes(first))
        message = await socket.receive(timeout=10)
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1003)


async def test_a_page_that_says_nothing(client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.page_socket.HELLO_SECONDS", 0.01)
    async with client.ws_connect("/api/ws") as socket:
        message = await socket.receive(timeout=10)
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1008)


@pytest.mark.parametrize("later", ["nonsense", '{"type":"order","what":"pizza"}', b"\x00"])
async def test_a_page_that_says_something_else(client: aiohttp.ClientSession, later: str | bytes) -> None:
    async with page(client) as socket:
        await (socket.send_str(later) if isinstance(later, str) else socket.send_bytes(later))
        message = await socket.receive(timeout=10)
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1003)


async def test_a_page_that_says_too_much(client: aiohttp.ClientSession) -> None:
    async with page(client) as socket:
        await socket.send_str("x" * 20_000)
        message = await socket.receive(timeout=10)
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1009)


async def test_hello_twice_does_no_harm(app: App, client: aiohttp.ClientSession) -> None:
    async with page(client) as socket:
        await socket.send_json({"type": "hello", "after": None})
        warn(app, "still here")
        assert (await socket.receive_json())["event"]["message"] == "still here"


async def test_a_request_that_is_no_websocket(ask: Callable[..., Any]) -> None:
    answer = await ask("GET", "/api/ws")
    assert (answer.status, answer.code) == (426, "upgrade_required")


LOOK = 0.002  # seconds between two looks: a loop that never rests would keep the camera's thread from rendering


async def until(condition: Callable[[], bool]) -> None:
    """Return when ``condition`` holds; other tasks run meanwhile."""
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - nobody tells of these things
            await asyncio.sleep(LOOK)


# ---- clients that do not keep up -------------------------------------------------------------------------------------

STALL = b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"
LONG = "x" * 2000
STALLED = 4  # clients of each kind
UPGRADE = (
    b"GET /api/ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


def masked(text: bytes) -> bytes:
    """A short text message of a client, masked with zeros."""
    return bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text


async def test_a_client_that_went_away_is_noticed(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    watch_closely(monkeypatch)
    async with serving(app) as (server, _):
        async with connection(server) as (_, writer):
            writer.write(STALL % b"/api/events")
            await until(lambda: len(server.streams) == 1)
        await until(lambda: server.streams._ticker is None)
        assert len(server.streams) == 0
        async with connection(server) as (_, writer):
            writer.write(STALL % b"/api/events")
            await until(lambda: len(server.streams) == 1)
        await until(lambda: len(server.streams) == 0)


async def test_a_stalled_client_is_cut_off(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    watch_closely(monkeypatch, patience=0.05)
    async with serving(app) as (server, _), connection(server, stalls=True) as (_, writer):
        writer.write(STALL % b"/api/events")
        await until(lambda: len(server.streams) == 1)
        async with asyncio.timeout(20):
            while len(server.streams):
                warn(app, LONG)
                await asyncio.sleep(0)


async def test_a_stalled_page_is_cut_off(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    watch_closely(monkeypatch, patience=0.05)
    async with serving(app) as (server, _), connection(server, stalls=True) as (_, writer):
        writer.write(UPGRADE + masked(b'{"type":"hello"}'))
        await until(lambda: len(server.streams) == 1)
        async with asyncio.timeout(20):
            while len(server.streams):
                warn(app, LONG)
                await asyncio.sleep(0)


async def test_stalled_clients_cost_little(app: App, server: Server) -> None:
    for _ in range(REPLAY + 1):
        warn(app, LONG)  # what the bus keeps for everybody is no client's cost
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(STALLED):
            _, writer = await stack.enter_async_context(connection(server, stalls=True))
            writer.write(STALL % b"/api/events")
            _, writer = await stack.enter_async_context(connection(server, stalls=True))
            writer.write(UPGRADE + masked(b'{"type":"hello"}'))
        await until(lambda: len(server.streams) == 2 * STALLED)
        tracemalloc.start()
        stack.callback(tracemalloc.stop)
        highest = 0
        for number in range(FACTS * 4):
            warn(app, f"{number} {LONG}")
            await asyncio.sleep(0)
            highest = max(highest, tracemalloc.get_traced_memory()[0])
        assert highest / (2 * STALLED) < 2 * 1024 * 1024


async def test_a_page_that_lags_is_told_so(app: App, client: aiohttp.ClientSession) -> None:
    async with page(client) as socket:
        for number in range(FACTS + 1):
            warn(app, str(number))  # at once: nobody runs in between
        while (message := await socket.receive(timeout=10)).type is aiohttp.WSMsgType.TEXT:
            pass
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 4008)
        assert "behind" in message.extra


async def test_an_event_stream_that_lags_is_told_so(app: App, client: aiohttp.ClientSession) -> None:
    async with listening(client) as events:
        for number in range(FACTS + 1):
            warn(app, str(number))
        name, data = await events.next(skip=frozenset({"warning"}))
        assert name == "dropped"
        assert "behind" in data["reason"]
        assert await events.response.content.read() == b""


async def test_there_is_a_limit_to_streams(
    client: aiohttp.ClientSession, ask: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "LIMIT", 2)
    async with listening(client), page(client):
        answer = await ask("GET", "/api/events")
        assert (answer.status, answer.code) == (503, "too_many_streams")
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await client.ws_connect("/api/ws")


# ---- stopping --------------------------------------------------------------------------------------------------------


async def test_stopping_says_goodbye(server: Server, client: aiohttp.ClientSession) -> None:
    async with listening(client) as events, page(client) as socket:
        await server.stop()
        assert await events.next() == ("dropped", {"reason": "the daemon stops"})
        message = await socket.receive(timeout=10)
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1001)
    await server.stop()


async def test_no_new_streams_while_stopping(app: App) -> None:
    async with serving(app) as (server, client):
        await server.streams.close()
        async with client.get("/api/events") as response:
            assert response.status == 503
            assert "stops" in (await response.json())["error"]["message"]


async def test_a_client_that_is_gone_already() -> None:
    request = mock.Mock(transport=None)
    with pytest.raises(ConnectionResetError), Streams().open(request, aioweb.StreamResponse(), lambda _: None):
        pass


async def test_what_two_send_at_once_is_on_its_way_until_both_are_done() -> None:
    transport = mock.Mock(get_write_buffer_size=lambda: 0, is_closing=lambda: False)
    request = make_mocked_request("GET", "/api/events", transport=transport)
    request[PRINCIPAL] = EVERYBODY
    streams = Streams()
    with streams.open(request, aioweb.StreamResponse(), lambda _: None) as stream:
        first, second = asyncio.Event(), asyncio.Event()
        sending = [asyncio.create_task(stream.send(event.wait())) for event in (first, second)]
        await asyncio.sleep(0)
        stream.look()
        assert stream.stuck > 0.0
        first.set()
        await sending[0]
        assert stream.stuck > 0.0
        second.set()
        await sending[1]
        assert stream.stuck == 0.0
        assert stream.quiet == 0.0, "it has not begun"
    await streams.close()
