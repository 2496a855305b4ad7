"""Where the server listens, and what it says to those who do not speak HTTP.

The unix socket is for the command line and has mode 0660 before anybody can connect. Its path ends at 107 bytes; where
the configured one is longer, a short private directory takes its place, and the server says where.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
import stat
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from scanner.errors import ConfigError
from web import codec
from web.security import ANSWER_HEADERS

log = logging.getLogger(__name__)

SOCKET_MODE: Final = 0o660
SOCKET_NAME: Final = "scanner.sock"
OTHER_SOCKET: Final = "change socket in the configuration"
LONGEST_PATH: Final = 107  # bytes of a unix socket's, by the kernel


class Connection(web.RequestHandler):
    """One connection. What is no HTTP gets an answer in the shape of every error, and no line in the log."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to a request that never reached the application."""
        if isinstance(exc, HttpProcessingError):
            said = (message or exc.message).partition("\n")[0].rstrip(":")[:100]
            log.debug("%s sent what is no HTTP: %s", request.remote, said)
            response = codec.error_answer(
                codec.RefusedError(HTTPStatus.BAD_REQUEST, "bad_request", f"this is no HTTP request: {said}")
            )
        else:
            log.error("a request failed with status %d", status, exc_info=exc)
            response = codec.internal_error_answer()
        if request.writer.output_size > 0:
            raise ConnectionResetError
        response.headers.update(ANSWER_HEADERS)
        response.force_close()
        return response


class HttpServer(web.Server):
    """Makes our kind of connections."""

    def __init__(self, like: web.Server, settings: Mapping[str, Any]) -> None:
        super().__init__(like.request_handler, request_factory=like.request_factory, **settings)
        self._settings = settings

    def __call__(self) -> web.RequestHandler:
        return Connection(self, loop=asyncio.get_running_loop(), **self._settings)


class Runner(web.AppRunner):
    """Runs an application over our kind of server. ``settings`` are those of :class:`aiohttp.web.RequestHandler`."""

    def __init__(self, app: web.Application, *, shutdown_timeout: float, settings: Mapping[str, Any]) -> None:
        super().__init__(app, shutdown_timeout=shutdown_timeout)
        self._settings = settings

    async def _make_server(self) -> web.Server:
        return HttpServer(await super()._make_server(), self._settings)


async def listen(site: web.BaseSite, where: str, cure: str) -> None:
    """Begin to listen. Errors: ConfigError with its ``cure`` when the address cannot be had."""
    try:
        await site.start()
    except OSError as error:
        raise _cannot_listen(where, cure, error) from error


def unix_socket(wanted: Path) -> tuple[socket.socket, Path]:
    """A bound socket that does not listen yet, and where it is. Errors: ConfigError naming the setting."""
    path = wanted if len(os.fsencode(wanted)) <= LONGEST_PATH else _short_directory() / SOCKET_NAME
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and stat.S_ISSOCK(path.stat().st_mode):
            path.unlink()  # of a daemon that was killed: the lock on the state directory says that none runs
        bound.bind(str(path))
        path.chmod(SOCKET_MODE)
    except OSError as error:
        bound.close()
        raise _cannot_listen(str(path), OTHER_SOCKET, error) from error
    if path != wanted:
        log.warning("the path of the socket is longer than %d bytes; it is %s instead", LONGEST_PATH, path)
    return bound, path


def remove_socket(path: Path, wanted: Path) -> None:
    """Take the socket away, and the private directory if it was in one; idempotent. One that cannot be taken away is in
    nobody's way: the next start replaces it.
    """
    with suppress(OSError):
        path.unlink()
        if path != wanted:
            path.parent.rmdir()


def _short_directory() -> Path:
    """A new directory that only we may enter, below the user's runtime directory or the system's temporary one."""
    return Path(tempfile.mkdtemp(prefix="scanner-", dir=os.environ.get("XDG_RUNTIME_DIR") or None))


def _cannot_listen(where: str, cure: str, error: OSError) -> ConfigError:
    why = "another program listens there" if error.errno == errno.EADDRINUSE else os.strerror(error.errno or 0)
    return ConfigError(f"cannot listen on {where}: {why}; {cure}", address=where)
