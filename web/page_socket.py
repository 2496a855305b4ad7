"""The page's one connection: events and preview pictures over a WebSocket.

The client says ``{"type": "hello", "after": "boot:seq" | null}`` first and may then say ``{"type": "preview",
"camera": name | null}`` whenever it wants other pictures (null while the page is hidden). It hears ``hello``,
``event``, ``reset`` (what it missed cannot be replayed: fetch the state anew), ``preview_fault``, and pictures as
binary messages. Close codes: 4008 it lagged too far behind, 1001 the daemon stops, 1003 it said something else, 1008
it said nothing.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from scanner.errors import HardwareError, ScannerError
from scanner.model import CameraName
from scanner.preview import PreviewImage, Viewer
from web.codec import encode

if TYPE_CHECKING:
    from scanner.app import App
    from scanner.events import Subscriber
    from web.streams import Stream
    from web.wire import Wire

LAGGED: Final = 4008
HELLO_SECONDS: Final = 10.0
GOODBYE_SECONDS: Final = 0.2  # for the client's answer to our closing
PING_SECONDS: Final = 20.0
MESSAGE_LIMIT: Final = 16 * 1024


class Hello(msgspec.Struct, frozen=True, tag_field="type", tag="hello"):
    """The first thing a client says. ``after``: the last event it knows."""

    after: str | None = None


class Look(msgspec.Struct, frozen=True, tag_field="type", tag="preview"):
    """Which camera's pictures the client wants from now on; None: none."""

    camera: str | None


_decoder = msgspec.json.Decoder(Hello | Look)


def new_socket() -> web.WebSocketResponse:
    """An answer that becomes a WebSocket: no compression (it costs more memory than it saves), small messages in."""
    return web.WebSocketResponse(
        timeout=GOODBYE_SECONDS, heartbeat=PING_SECONDS, compress=False, max_msg_size=MESSAGE_LIMIT
    )


class PageSocket:
    """The conversation with one page."""

    def __init__(self, socket: web.WebSocketResponse, app: App, wire: Wire) -> None:
        self._socket = socket
        self._app = app
        self._wire = wire
        self._stream: Stream  # once it runs
        self._subscriber: Subscriber | None = None
        self._pictures: asyncio.Task[None] | None = None
        self._code: int = LAGGED

    def end(self, reason: str) -> None:
        """End the conversation soon."""
        self._code = WSCloseCode.GOING_AWAY
        if self._subscriber is not None:
            self._subscriber.drop(reason)
        else:
            self._stream.transport.close()

    async def run(self, stream: Stream) -> None:
        """Talk until either side leaves."""
        self._stream = stream
        await stream.start()
        hello = await self._first_word()
        if hello is None:
            return
        subscriber, complete = self._app.bus.subscribe(hello.after)
        self._subscriber = subscriber
        try:
            await self._say(encode({"type": "hello", "boot": self._app.bus.boot, "version": self._app.version}))
            if not complete:
                await self._say(encode({"type": "reset"}))
            await self._converse(subscriber)
        finally:
            subscriber.close()

    async def _first_word(self) -> Hello | None:
        try:
            first = _decoder.decode(await self._socket.receive_str(timeout=HELLO_SECONDS))
        except TimeoutError:
            await self._socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"say hello first")
        except (TypeError, msgspec.MsgspecError):
            await self._socket.close(code=WSCloseCode.UNSUPPORTED_DATA, message=b"say hello first")
        else:
            if isinstance(first, Hello):
                return first
            await self._socket.close(code=WSCloseCode.UNSUPPORTED_DATA, message=b"say hello first")
        return None

    async def _converse(self, subscriber: Subscriber) -> None:
        async with asyncio.TaskGroup() as group:
            facts = group.create_task(self._send_facts(subscriber))
            try:
                async for message in self._socket:
                    if message.type is not WSMsgType.TEXT or not self._heed(message.data, group):
                        await self._socket.close(code=WSCloseCode.UNSUPPORTED_DATA, message=b"not understood")
            finally:
                facts.cancel()
                self._look_away()

    def _heed(self, text: str, group: asyncio.TaskGroup) -> bool:
        """Do what the client asks; False when it cannot be understood."""
        try:
            asked = _decoder.decode(text)
        except msgspec.MsgspecError:
            return False
        if isinstance(asked, Look):
            self._look_away()
            if asked.camera is not None:
                self._pictures = group.create_task(self._send_pictures(CameraName(asked.camera)))
        return True

    def _look_away(self) -> None:
        if self._pictures is not None:
            self._pictures.cancel()
            self._pictures = None

    async def _send_facts(self, subscriber: Subscriber) -> None:
        with suppress(ConnectionError):  # the reading side notices, too, and ends the conversation
            while (envelope := await subscriber.next()) is not None:
                await self._say(self._wire.event_message(envelope))
        await self._socket.close(code=self._code, message=(subscriber.dropped or "").encode())

    async def _send_pictures(self, camera: CameraName) -> None:
        with suppress(ConnectionError):
            try:
                viewer = self._app.preview.watch(camera)
            except ScannerError as error:
                await self._say_fault(camera, error)
                return
            with viewer:
                await self._show(camera, viewer)

    async def _show(self, camera: CameraName, viewer: Viewer) -> None:
        while (what := await viewer.next()) is not None:
            if isinstance(what, PreviewImage):
                await self._say(self._wire.picture_message(what), WSMsgType.BINARY)
            else:
                await self._say_fault(camera, what)

    async def _say_fault(self, camera: CameraName, error: ScannerError | HardwareError) -> None:
        await self._say(
            encode({"type": "preview_fault", "camera": camera, "code": error.code, "message": error.message})
        )

    async def _say(self, data: bytes, kind: WSMsgType = WSMsgType.TEXT) -> None:
        await self._stream.send(self._socket.send_frame(data, kind))
