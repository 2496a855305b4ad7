"""Builds the application and serves it on TCP and on the unix socket."""

from __future__ import annotations

import errno
import functools
import logging
import os
import socket
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Middleware

from scanner.errors import ConfigError, ScannerError
from web import codec, openapi
from web.api.state import Snapshots
from web.context import CONTEXT, Context
from web.pages import Pages
from web.routes import ROUTES, Handler
from web.security import ANSWER_HEADERS, BODY_LIMIT, Guard, Names, Role
from web.streams import Streams

if TYPE_CHECKING:
    from scanner.app import App

log = logging.getLogger(__name__)
http_log = logging.getLogger("web.http")  # the server library's

KEEP_ALIVE: Final = 60.0  # seconds an idle or half-asking connection is kept
LINGER: Final = 1.0  # seconds in which the rest of a refused body is thrown away, so that its sender hears why
HANDLER_SECONDS: Final = 0.25  # that ordinary requests get to finish when the daemon stops
SOCKET_MODE: Final = 0o660
LONGEST_SOCKET_PATH: Final = 107  # bytes, by the kernel
BACKLOG: Final = 128


def _say_plainly(record: logging.LogRecord) -> bool:
    """What others send is no fault of ours: one line, no traceback."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, HttpProcessingError):
        record.msg, record.args = "%s: %s", (record.getMessage(), error.message.partition("\n")[0][:100])
        record.levelno, record.levelname = logging.INFO, "INFO"
        record.exc_info = None
    return True


http_log.addFilter(_say_plainly)


def make_app(app: App, *, streams: Streams | None = None, pages: Pages | None = None) -> web.Application:
    """The application over the daemon's parts."""
    roles: dict[web.AbstractRoute, Role] = {}
    names = Names(
        hostname=socket.gethostname(),
        allowed_hosts=app.config.web.allowed_hosts,
        public_url=app.config.web.public_url,
    )
    application = web.Application(middlewares=[_edge(Guard(names, roles))], client_max_size=BODY_LIMIT)
    description = functools.cache(lambda: openapi.describe(ROUTES, app.version))
    streams = Streams() if streams is None else streams
    application[CONTEXT] = Context(app, streams, pages or Pages(), Snapshots(), description)
    application.on_response_prepare.append(_finish_headers)
    for route in ROUTES:
        resource = application.router.add_resource(route.path)
        roles[resource.add_route(route.method, route.handler)] = route.role
        if route.method == "GET" and not route.stream:
            roles[resource.add_route("HEAD", route.handler)] = route.role
    return application


def _edge(guard: Guard) -> Middleware:
    """The border every request crosses: admitted, handled, and whatever goes wrong answered in one shape."""

    @web.middleware
    async def edge(request: web.Request, handler: Handler) -> web.StreamResponse:
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

    return edge


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
    response.headers.setdefault("Cache-Control", "no-store")


@dataclass(slots=True)
class Server:
    """A listening server. ``socket``: where the unix socket is."""

    runner: web.AppRunner
    streams: Streams
    host: str
    port: int
    socket: Path

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
        with suppress(FileNotFoundError):
            self.socket.unlink()


async def serve(app: App, *, port: int | None = None) -> Server:
    """Listen as the configuration says (``port`` overrides it; 0: any free one).

    Errors: ConfigError naming the setting when an address or the socket cannot be had.
    """
    settings = app.config.web
    streams = Streams()
    runner = web.AppRunner(
        make_app(app, streams=streams),
        access_log=None,
        logger=http_log,
        keepalive_timeout=KEEP_ALIVE,
        lingering_time=LINGER,
        shutdown_timeout=HANDLER_SECONDS,
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, settings.host, settings.port if port is None else port, backlog=BACKLOG)
        await _start(site, f"{settings.host}:{site.port}", "web.host and web.port")
        unix = web.SockSite(runner, _unix_socket(app.config.socket), backlog=BACKLOG)
        await _start(unix, str(app.config.socket), "socket")
    except BaseException:
        await runner.cleanup()
        raise
    return Server(runner, streams, settings.host, site.port, app.config.socket)


async def _start(site: web.BaseSite, where: str, setting: str) -> None:
    try:
        await site.start()
    except OSError as error:
        raise _cannot_listen(where, setting, error) from error


def _cannot_listen(where: str, setting: str, error: OSError) -> ConfigError:
    why = "another program listens there" if error.errno == errno.EADDRINUSE else os.strerror(error.errno or 0)
    return ConfigError(f"cannot listen on {where}: {why}; change {setting} in the configuration", setting=setting)


def _unix_socket(path: Path) -> socket.socket:
    """A bound socket that nobody can connect to before its mode is right: it does not listen yet."""
    if len(os.fsencode(path)) > LONGEST_SOCKET_PATH:
        message = (
            f"the path of the socket is longer than {LONGEST_SOCKET_PATH} bytes: {path}; set a shorter one as `socket`"
        )
        raise ConfigError(message, setting="socket")
    unix = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and stat.S_ISSOCK(path.stat().st_mode):
            path.unlink()  # of a daemon that was killed: the state directory's lock says that none runs
        unix.bind(str(path))
        path.chmod(SOCKET_MODE)
    except OSError as error:
        unix.close()
        raise _cannot_listen(str(path), "socket", error) from error
    return unix
