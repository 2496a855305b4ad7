"""What handlers are given: the daemon's parts and the web's own, by the request and never by a module."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from aiohttp import web
from msgspec import Struct

from scanner.access import Principal

if TYPE_CHECKING:
    from scanner.app import App
    from web.api.state import Snapshots
    from web.callers import Callers
    from web.metrics import Metrics
    from web.pages import Pages
    from web.streams import Streams


class Context(Struct, frozen=True):
    """The parts a handler may use."""

    app: App
    streams: Streams
    pages: Pages
    snapshots: Snapshots
    openapi: Callable[[], bytes]  # the description of the API in JSON
    callers: Callers
    metrics: Metrics


PRINCIPAL: web.RequestKey[Principal] = web.RequestKey("principal", Principal)
CONTEXT: web.AppKey[Context] = web.AppKey("context", Context)


def context(request: web.Request) -> Context:
    """The parts, for the application that answers this request."""
    return request.app[CONTEXT]


def daemon(request: web.Request) -> App:
    """The daemon's parts."""
    return request.app[CONTEXT].app


def origin(request: web.Request) -> str:
    """Who asks, as it is kept in jobs, sessions and the audit."""
    return request[PRINCIPAL].origin


def local_peer(request: web.Request) -> bool:
    """Whether the request came over the unix socket: a path is its own name there, an address is a tuple."""
    transport = request.transport
    return transport is not None and isinstance(transport.get_extra_info("sockname"), str)
