"""Builds the application and serves it on TCP and on the unix socket."""

from __future__ import annotations

import functools
import logging
import socket
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aiohttp import web
from aiohttp.typedefs import Middleware

from scanner.errors import ScannerError
from web import codec, listening, openapi
from web.api.state import Snapshots
from web.callers import Callers
from web.context import CONTEXT, Context
from web.metrics import Metrics
from web.pages import Pages
from web.routes import ROUTES, Handler
from web.security import ANSWER_HEADERS, BODY_LIMIT, SAFE_METHODS, Guard, Names, Rule
from web.streams import Streams
from web.trail import Trail

if TYPE_CHECKING:
    from scanner.app import App

log = logging.getLogger(__name__)

KEEP_ALIVE: Final = 60.0  # seconds an idle or half-asking connection is kept
LINGER: Final = 1.0  # seconds in which the rest of a refused body is thrown away, so that its sender hears why
HANDLER_SECONDS: Final = 0.25  # that ordinary requests get to finish when the daemon stops
BACKLOG: Final = 128


def make_app(app: App, *, streams: Streams | None = None, pages: Pages | None = None) -> web.Application:
    """The application over the daemon's parts."""
    rules: dict[web.AbstractRoute, Rule] = {}
    names = Names(
        hostname=socket.gethostname(),
        allowed_hosts=app.config.web.allowed_hosts,
        public_url=app.config.web.public_url,
    )
    callers = Callers(app.access, app.config.web.trusted_proxies)
    trail = Trail(app.storage.audit.record_all, app.storage.audit.now)
    edge = _edge(Guard(names, rules, callers), trail, callers)
    application = web.Application(middlewares=[edge], client_max_size=BODY_LIMIT)
    application.on_shutdown.append(lambda _: trail.close())
    description = functools.cache(lambda: openapi.describe(ROUTES, app.version))
    streams = Streams(stays=app.access.stays) if streams is None else streams
    app.access.listen(streams.revoke)
    metrics = Metrics(app, streams)
    application[CONTEXT] = Context(app, streams, pages or Pages(), Snapshots(), description, callers, metrics)
    application.on_response_prepare.append(_finish_headers)
    for route in ROUTES:
        resource = application.router.add_resource(route.path)
        heads = ["HEAD"] if route.method == "GET" and not route.stream else []
        for method in (route.method, *heads):
            added = resource.add_route(method, route.handler, expect_handler=_left_to_the_border)
            rules[added] = Rule(route.role, takes_body=route.takes is not None, audited=route.audited)
    return application


async def _left_to_the_border(_: web.Request) -> None:
    """Whether a request may go on to its body is decided where everything else about it is."""


def _edge(guard: Guard, trail: Trail, callers: Callers) -> Middleware:
    """The border every request crosses; what changes anything is entered in the audit."""

    @web.middleware
    async def edge(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await _answered(guard, request, handler)
        if request.method not in SAFE_METHODS and guard.is_audited(request):
            trail.note(request, response.status, callers.address(request))
        return response

    return edge


async def _answered(guard: Guard, request: web.Request, handler: Handler) -> web.StreamResponse:
    """Admitted, handled, and whatever goes wrong answered in one shape."""
    try:
        guard.admit(request)
        if request.body_exists:
            await guard.read_body(request)
        return await handler(request)
    except (codec.RefusedError, ScannerError) as error:
        return _refusal(request, error)
    except web.HTTPException as error:
        return codec.http_error_answer(error)
    except ConnectionError:
        return _cut(request)
    except Exception:  # the root of a request: our own fault, said once
        log.exception("%s %s failed", request.method, request.path)
        return _cut(request) if _begun(request) else codec.internal_error_answer()


def _refusal(request: web.Request, error: codec.RefusedError | ScannerError) -> web.Response:
    if _begun(request):
        log.warning("%s %s broke off: %s", request.method, request.path, error.message)
        return _cut(request)
    response = codec.error_answer(error)
    if isinstance(error, codec.RefusedError):
        response.force_close()  # whatever else it sends on this connection is not worth reading
    return response


def _begun(request: web.Request) -> bool:
    return request.writer.output_size > 0


def _cut(request: web.Request) -> web.Response:
    """End the connection: what was begun cannot be taken back, and must not look complete."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


async def _finish_headers(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(ANSWER_HEADERS)
    if response.status >= HTTPStatus.BAD_REQUEST:
        response.headers["Cache-Control"] = "no-store"  # whatever a success would have said
    else:
        response.headers.setdefault("Cache-Control", "no-store")


@dataclass(slots=True)
class Server:
    """A listening server. ``socket``: where the unix socket is; ``wanted_socket``: where it should have been."""

    runner: web.AppRunner
    streams: Streams
    host: str
    port: int
    socket: Path
    wanted_socket: Path

    @property
    def url(self) -> str:
        """The page's address for a person at this computer."""
        host = "localhost" if self.host in {"", "127.0.0.1", "0.0.0.0", "::"} else self.host  # noqa: S104 - compared, not bound
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}/"

    async def stop(self) -> None:
        """Listen no more, end the open streams, then everything else: within a second, whoever is connected.
        Idempotent.
        """
        for site in tuple(self.runner.sites):
            await site.stop()
        await self.streams.close()
        await self.runner.cleanup()
        listening.remove_socket(self.socket, self.wanted_socket)


async def serve(app: App, *, port: int | None = None) -> Server:
    """Listen as the configuration says (``port`` overrides it; 0: any free one).

    Errors: ConfigError naming the setting when an address or the socket cannot be had.
    """
    settings, wanted = app.config.web, app.config.socket
    streams = Streams(stays=app.access.stays)
    runner = listening.Runner(
        make_app(app, streams=streams),
        shutdown_timeout=HANDLER_SECONDS,
        settings={"access_log": None, "keepalive_timeout": KEEP_ALIVE, "lingering_time": LINGER},
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, settings.host, settings.port if port is None else port, backlog=BACKLOG)
        cure = "choose another port with --port" if app.demo else "change web.host or web.port in the configuration"
        await listening.listen(site, f"{settings.host}:{site.port}", cure)
        bound, path = listening.unix_socket(wanted)
        await listening.listen(web.SockSite(runner, bound, backlog=BACKLOG), str(path), listening.OTHER_SOCKET)
    except BaseException:
        await runner.cleanup()
        raise
    return Server(runner, streams, settings.host, site.port, path, wanted)
