"""What happens, as it happens: server-sent events for machines, a WebSocket for the page."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

import msgspec
from aiohttp import web

from scanner.errors import InvalidError
from web.codec import RefusedError, query_of
from web.context import context
from web.page_socket import PageSocket, new_socket
from web.streams import SSE_BEAT, SSE_START, send_events, sse_response
from web.wire import TOPICS, sse


class EventsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``topics``: names joined by commas, none: all. ``after``: as the header Last-Event-ID, for those who cannot set
    one.
    """

    topics: str = ""
    after: str | None = None


async def events(request: web.Request) -> web.StreamResponse:
    """Events from now on, or all since ``Last-Event-ID``; ``reset`` where those are no longer known."""
    parts = context(request)
    query = query_of(request, EventsQuery)
    topics = frozenset(filter(None, query.topics.split(",")))
    if not topics <= TOPICS:
        message = f"unknown topics: {', '.join(sorted(topics - TOPICS))}"
        raise InvalidError(message, known=sorted(TOPICS))
    subscriber, complete = parts.app.bus.subscribe(request.headers.get("Last-Event-ID", query.after))
    response = sse_response()
    try:
        with parts.streams.open(request, response, subscriber.drop, beat=SSE_BEAT) as stream:
            last = parts.app.bus.last_id
            await stream.start()
            await stream.write(SSE_START if complete else SSE_START + sse("reset", b"{}", last))
            # in a task of its own: each event would else wake the whole way up to the connection's
            await asyncio.create_task(send_events(stream, subscriber, parts.streams.wire, topics))
    finally:
        subscriber.close()
    return response


async def websocket(request: web.Request) -> web.StreamResponse:
    """The page's one connection: events and live pictures.

    See :mod:`web.page_socket`.
    """
    parts = context(request)
    socket = new_socket()
    if not socket.can_prepare(request):
        message = "this address speaks WebSocket only"
        raise RefusedError(HTTPStatus.UPGRADE_REQUIRED, "upgrade_required", message)
    page = PageSocket(socket, parts.app, parts.streams.wire)
    with parts.streams.open(request, socket, page.end) as stream:
        await page.run(stream)
    return socket
