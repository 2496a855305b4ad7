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
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final, TypeVar

from aiohttp import web

from scanner.access import Principal
from scanner.events import Subscriber
from scanner.preview import PreviewImage, Viewer
from web.codec import JSON, RefusedError, encode, raw_answer
from web.context import PRINCIPAL
from web.wire import BOUNDARY, Wire, sse, topic

log = logging.getLogger(__name__)

T = TypeVar("T")

HEARTBEAT: Final = 15.0  # seconds a quiet stream goes without a sign of life
PATIENCE: Final = 10.0  # seconds a client may take nothing
LIMIT: Final = 512  # streams at once
SEND_BUFFER: Final = 128 * 1024  # bytes in the kernel: what a picture stream is late by, at most
FAREWELL: Final = 0.2  # seconds that streams get to end by themselves when the daemon stops

PIECE: Final = 250  # items of a long list encoded between two looks at the loop: half a millisecond

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
        self.principal = request[PRINCIPAL]
        self.end = end
        self.patience = patience
        self.beat = b""
        self.task = asyncio.current_task()
        self._request = request
        self._response = response
        self._under_way = 0
        self._sent = 0
        self._seen = 0  # of ``sent``, at the last look
        # As of the last look: when something had been sent, and when that or nothing was under way.
        self._moved = self._free = _now()

    async def start(self) -> None:
        """Send the headers; the connection serves nothing else afterwards."""
        self._response.force_close()
        await self._response.prepare(self._request)

    async def write(self, data: bytes) -> None:
        """Send; waits while the client does not take it. Errors: ConnectionError once it is gone or was cut off.

        :meth:`send` in place: with many streams each call is a part of what an event costs.
        """
        self._under_way += 1
        try:
            await self._response.write(data)
        finally:
            self._under_way -= 1
            self._sent += 1

    async def send(self, sending: Awaitable[None]) -> None:
        """Wait for something that sends to this client, so that it is noticed when that gets stuck.

        When things happened is found out by :meth:`look`.
        """
        self._under_way += 1
        try:
            await sending
        finally:
            self._under_way -= 1
            self._sent += 1

    def look(self) -> None:
        """Note what has happened since the last look."""
        now = _now()
        if self._sent != self._seen:
            self._seen = self._sent
            self._moved = self._free = now
        elif not self._under_way:
            self._free = now

    @property
    def stuck(self) -> float:
        """Seconds for which the client took nothing of what is under way, as of the last look."""
        return _now() - self._free if self._under_way else 0.0

    @property
    def quiet(self) -> float:
        """Seconds since something was sent, as of the last look; 0 while a write could have to wait."""
        waits = self._under_way or not self._response.prepared or self.transport.get_write_buffer_size()
        return 0.0 if waits else _now() - self._moved


class Streams:
    """All open streams of a daemon."""

    def __init__(
        self,
        *,
        heartbeat: float = HEARTBEAT,
        patience: float = PATIENCE,
        tick: float = 1.0,
        stays: Callable[[Principal], bool] = lambda _: True,
    ) -> None:
        """``stays``: whether somebody may still do what it may."""
        self.wire = Wire()
        self._stays = stays
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
        stream.look()
        if not self._stays(stream.principal):
            self._end_for(stream)
        elif stream.transport.is_closing():
            stream.end("the client is gone")
        elif stream.stuck > stream.patience:
            log.info("a client that took nothing for %g s was cut off", stream.patience)
            stream.transport.abort()
            stream.end("the client took nothing")
        elif stream.beat and stream.quiet > self._heartbeat:
            await stream.write(stream.beat)

    def revoke(self, keys: Collection[str]) -> None:
        """End the streams of these logins and tokens, at once."""
        for stream in tuple(self._open):
            if stream.principal.key in keys:
                self._end_for(stream)

    def _end_for(self, stream: Stream) -> None:
        stream.end("the login has ended")
        asyncio.get_running_loop().call_later(FAREWELL, stream.transport.abort)  # if it does not leave by itself

    async def close(self) -> None:
        """End all streams, and cut those off that do not end within 0.2 s. No new ones afterwards."""
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


async def send_long(
    request: web.Request, streams: Streams, head: bytes, items: Sequence[T], one: Callable[[T], bytes], tail: bytes
) -> web.StreamResponse:
    """JSON with a list in it: ``head``, each of ``items`` as ``one`` writes it, ``tail``. What would take long to
    encode goes out in pieces, so that nobody else waits for it.
    """
    if len(items) <= PIECE:
        return raw_answer(head + b",".join(map(one, items)) + tail)
    response = web.StreamResponse(headers={"Content-Type": JSON})
    with streams.open(request, response, lambda _: stream.transport.abort()) as stream:
        await stream.start()
        for start in range(0, len(items), PIECE):
            piece = b",".join(map(one, items[start : start + PIECE]))
            await stream.write((b"," if start else head) + piece)
            await asyncio.sleep(0)
        await stream.write(tail)
    return response


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
