"""Answers that stay open: server-sent events, picture streams, and the register of all that is open.

Whatever a client does, a stream costs the daemon little: the bus keeps a bounded number of facts for it and drops it
when it lags; pictures are newest only; the socket's buffers are small; one that takes nothing for ten seconds is cut
off. One ticker keeps quiet streams alive, notices those that broke, and ends none that is well; stopping ends all of
them at once.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final

from aiohttp import web

from scanner.events import Subscriber
from scanner.preview import PreviewImage, Viewer
from web.codec import RefusedError, encode
from web.wire import BOUNDARY, Wire, sse, topic

log = logging.getLogger(__name__)

HEARTBEAT: Final = 15.0  # seconds a quiet stream goes without a sign of life
PATIENCE: Final = 10.0  # seconds a client may take nothing
LIMIT: Final = 512  # streams at once
SEND_BUFFER: Final = 128 * 1024  # bytes in the kernel: what a picture stream is late by, at most
FAREWELL: Final = 0.3  # seconds that streams get to end by themselves when the daemon stops

SSE_START: Final = b"retry: 2000\n\n"
SSE_BEAT: Final = b":\n\n"
_NO_STORE: Final = "no-store, no-transform"
_SSE: Final = {"Content-Type": "text/event-stream", "Cache-Control": _NO_STORE, "X-Accel-Buffering": "no"}
_MJPEG: Final = {"Content-Type": f"multipart/x-mixed-replace; boundary={BOUNDARY}", "Cache-Control": _NO_STORE}


class Stream:
    """One open answer.

    ``end`` asks it to end by itself, for a reason; ``beat`` is sent after a while of quiet (empty: nothing);
    ``patience`` is how long the client may take nothing.
    """

    def __init__(
        self, request: web.Request, response: web.StreamResponse, end: Callable[[str], None], *, patience: float
    ) -> None:
        transport = request.transport
        if transport is None:
            raise ConnectionResetError
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        self.transport = transport
        self.end = end
        self.patience = patience
        self.beat = b""
        self.task = asyncio.current_task()
        self.quiet_since = _now()
        self._request = request
        self._response = response
        self._sending = 0
        self._since = 0.0

    async def start(self) -> None:
        """Send the headers; the connection serves nothing else afterwards."""
        self._response.force_close()
        await self._response.prepare(self._request)

    async def write(self, data: bytes) -> None:
        """Send; waits while the client does not take it. Errors: ConnectionError once it is gone or was cut off."""
        with self.sending():
            await self._response.write(data)

    @contextmanager
    def sending(self) -> Iterator[None]:
        """The span in which something is on its way to the client."""
        if not self._sending:
            self._since = _now()
        self._sending += 1
        try:
            yield
        finally:
            self._sending -= 1
            self.quiet_since = _now()

    @property
    def stuck(self) -> float:
        """Seconds for which the client has not taken what is on its way."""
        return _now() - self._since if self._sending else 0.0

    @property
    def idle(self) -> bool:
        """Whether it has begun and nothing is on its way, so that a write cannot wait."""
        return self._response.prepared and not self._sending and not self.transport.get_write_buffer_size()


class Streams:
    """All open streams of a daemon."""

    def __init__(self, *, heartbeat: float = HEARTBEAT, patience: float = PATIENCE, tick: float = 1.0) -> None:
        self.wire = Wire()
        self._open: set[Stream] = set()
        self._ticker: asyncio.Task[None] | None = None
        self._heartbeat = heartbeat
        self._patience = patience
        self._tick = tick
        self._closed = False

    def __len__(self) -> int:
        return len(self._open)

    @contextmanager
    def open(
        self,
        request: web.Request,
        response: web.StreamResponse,
        end: Callable[[str], None],
        *,
        beat: bytes = b"",
        patience: float | None = None,
    ) -> Iterator[Stream]:
        """Register an answer that stays open. Errors: RefusedError when too many are, or the daemon stops."""
        if self._closed or len(self._open) >= LIMIT:
            message = "the daemon stops" if self._closed else f"{LIMIT} streams are open already"
            raise RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, "too_many_streams", message)
        stream = Stream(request, response, end, patience=self._patience if patience is None else patience)
        stream.beat = beat
        self._open.add(stream)
        if self._ticker is None:
            self._ticker = asyncio.create_task(self._watch())
        try:
            yield stream
        finally:
            self._open.discard(stream)

    async def _watch(self) -> None:
        """Look after the streams until none is open."""
        while self._open:
            await asyncio.sleep(self._tick)
            for stream in tuple(self._open):
                await self._look_after(stream)
        self._ticker = None

    async def _look_after(self, stream: Stream) -> None:
        if stream.transport.is_closing():
            stream.end("the client is gone")
        elif stream.stuck > stream.patience:
            log.info("a client that took nothing for %g s was cut off", stream.patience)
            stream.transport.abort()
            stream.end("the client took nothing")
        elif stream.beat and stream.idle and _now() - stream.quiet_since > self._heartbeat:
            await stream.write(stream.beat)

    async def close(self) -> None:
        """End all streams, and cut those off that do not end within 0.3 s. No new ones afterwards."""
        self._closed = True
        for stream in tuple(self._open):
            stream.end("the daemon stops")
        tasks = {stream.task for stream in self._open if stream.task is not None}
        if tasks:
            _, left = await asyncio.wait(tasks, timeout=FAREWELL)
            for stream in self._open:
                stream.transport.abort()
            if left:
                await asyncio.wait(left, timeout=FAREWELL)
        if self._ticker is not None:
            self._ticker.cancel()
            await asyncio.wait([self._ticker])
            self._ticker = None


def _now() -> float:
    return asyncio.get_running_loop().time()


def sse_response() -> web.StreamResponse:
    """The answer that carries events."""
    return web.StreamResponse(headers=_SSE)


def mjpeg_response() -> web.StreamResponse:
    """The answer that carries pictures."""
    return web.StreamResponse(headers=_MJPEG)


async def send_events(stream: Stream, subscriber: Subscriber, wire: Wire, topics: frozenset[str]) -> None:
    """Send what the bus hands over until it drops the subscriber. ``topics`` empty: all."""
    while (envelope := await subscriber.next()) is not None:
        if not topics or topic(envelope.event) in topics:
            await stream.write(wire.event_sse(envelope))
    await stream.write(sse("dropped", encode({"reason": subscriber.dropped})))


async def send_pictures(stream: Stream, viewer: Viewer, wire: Wire) -> None:
    """Send the newest picture, again and again, until the viewer is closed."""
    while (what := await viewer.next()) is not None:
        if isinstance(what, PreviewImage):
            await stream.write(wire.picture_part(what))
