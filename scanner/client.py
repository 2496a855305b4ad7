"""Talks to the daemon over its unix socket: HTTP, JSON, event streams.

Standard library only, so that it starts quickly. Every refusal comes back as the error it was in the daemon, by its
code; a daemon that does not answer is an :class:`scanner.errors.UnreachableError` that says how to start one.
"""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from scanner.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    ScannerError,
    UnreachableError,
    error_types,
)

Json = dict[str, Any]

VARIABLE: Final = "SCANNER_SOCKET"
INSTALLED: Final = Path("/run/scanner/scanner.sock")
ANSWER: Final = 30.0  # seconds within which an ordinary answer begins
LONG: Final = 300.0  # the same for answers that wait until the rig has moved, or until much was done on the disk
SILENCE: Final = 45.0  # seconds without any sign of life on an event stream; the daemon gives one every 15
BROKEN: Final = "broken"  # reason of an UnreachableError: the connection ended before the answer did
_CHUNK: Final = 1 << 20

_BY_STATUS: Final[dict[int, type[ScannerError]]] = {
    400: InvalidError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    413: InvalidError,
    415: InvalidError,
    422: InvalidError,
    503: UnreachableError,
}


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One server-sent event; ``data`` is its JSON."""

    id: str | None
    name: str
    data: Json


@dataclass(frozen=True, slots=True)
class _Request:
    """What is asked. ``timeout``: seconds within which the answer must begin."""

    method: str
    url: str
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout: float = ANSWER


def find_socket(environment: Mapping[str, str], installed: Path = INSTALLED) -> Path:
    """The daemon's socket: SCANNER_SOCKET, else the installed one, else the one in XDG_RUNTIME_DIR if it is there."""
    if named := environment.get(VARIABLE):
        return Path(named)
    private = environment.get("XDG_RUNTIME_DIR")
    if private and not installed.exists() and (own := Path(private) / "scanner.sock").exists():
        return own
    return installed


class Client:
    """A daemon's HTTP interface. Each call has a connection of its own. Errors: the daemon's own, UnreachableError."""

    def __init__(self, path: Path, *, silence: float = SILENCE) -> None:
        self.path = path
        self._silence = silence

    def get(self, url: str) -> Any:  # noqa: ANN401 - JSON
        """What is there."""
        return self._call(_Request("GET", url))

    def delete(self, url: str) -> Any:  # noqa: ANN401 - JSON
        """Take something away."""
        return self._call(_Request("DELETE", url, timeout=LONG))

    def patch(self, url: str, body: object) -> Any:  # noqa: ANN401 - JSON
        """Change something that is there."""
        return self._call(_Request("PATCH", url, body, timeout=LONG))

    def post(self, url: str, body: object = None, *, key: str | None = None, slow: bool = False) -> Any:  # noqa: ANN401 - JSON
        """Do something; ``slow``: what moves the rig or much on the disk.

        With an idempotency ``key`` a broken connection is tried once more: the daemon does it once all the same.
        """
        headers = {} if key is None else {"Idempotency-Key": key}
        request = _Request("POST", url, body, headers, LONG if slow else ANSWER)
        try:
            return self._call(request)
        except UnreachableError as fault:
            if key is None or fault.detail.get("reason") != BROKEN:
                raise
        return self._call(request)

    def download(self, url: str, write: Callable[[bytes], object]) -> None:
        """Hand an answer that is a file to ``write``, piece by piece. Errors: UnreachableError also where it breaks
        off.
        """
        with self._answer(_Request("GET", url)) as answer:
            while chunk := self._read(answer, _CHUNK):
                write(chunk)
            if answer.length:
                raise self._broken()

    @contextmanager
    def events(self, topics: tuple[str, ...] = (), after: str | None = None) -> Iterator[Iterator[ServerEvent]]:
        """The events from now on, or since the id ``after``, until the daemon ends them.

        An event named ``reset`` means that some were missed: begin from a snapshot.
        """
        query = f"?topics={','.join(topics)}" if topics else ""
        with self.stream(f"/api/events{query}", after) as found:
            yield found

    @contextmanager
    def stream(self, url: str, after: str | None = None) -> Iterator[Iterator[ServerEvent]]:
        """The events of any stream, from now on, or since the id ``after``, until the daemon ends it."""
        headers = {} if after is None else {"Last-Event-ID": after}
        with self._answer(_Request("GET", url, headers=headers, timeout=self._silence)) as answer:
            yield self._parsed(answer)

    def _parsed(self, answer: http.client.HTTPResponse) -> Iterator[ServerEvent]:
        """Server-sent events; one that the end of the stream cuts off is none."""
        fields: dict[str, str] = {}
        while True:
            with self._faults(self._silence):
                line = answer.readline()
            if not line:
                return
            text = line.decode().rstrip("\r\n")
            if text:
                name, _, value = text.partition(":")
                fields[name] = value.removeprefix(" ")
            elif "data" in fields:
                yield ServerEvent(fields.get("id"), fields.get("event", "message"), json.loads(fields["data"]))
                fields = {}

    def _call(self, request: _Request) -> Any:  # noqa: ANN401 - JSON
        with self._answer(request) as answer:
            text = self._read(answer)
        return json.loads(text) if text else None

    def _read(self, answer: http.client.HTTPResponse, most: int | None = None) -> bytes:
        with self._faults(ANSWER):
            return answer.read(most)

    @contextmanager
    def _answer(self, request: _Request) -> Iterator[http.client.HTTPResponse]:
        connection = _Connection(self.path, request.timeout)
        content = None if request.body is None else json.dumps(request.body).encode()
        typed = {} if content is None else {"Content-Type": "application/json"}
        try:
            with self._faults(request.timeout):
                connection.request(request.method, request.url, content, {**request.headers, **typed})
                answer = connection.getresponse()
            with closing(answer):  # it, not the connection, has the socket of an answer that ends with the connection
                if answer.status >= http.client.BAD_REQUEST:
                    raise _refusal(answer.status, self._read(answer))
                yield answer
        finally:
            connection.close()

    @contextmanager
    def _faults(self, timeout: float) -> Iterator[None]:
        """Turns what can go wrong with a connection into UnreachableError."""
        try:
            yield
        except TimeoutError as fault:
            message = f"the scanner daemon at {self.path} gave no sign of life for {timeout:g} s"
            raise UnreachableError(message, socket=str(self.path), reason="timeout") from fault
        except (http.client.HTTPException, ConnectionError) as fault:
            raise self._broken() from fault

    def _broken(self) -> UnreachableError:
        message = f"the scanner daemon at {self.path} went away while it answered: see its log"
        return UnreachableError(message, socket=str(self.path), reason=BROKEN)


class _Connection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        """Errors: UnreachableError that says what to do."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        try:
            self.sock.connect(str(self._path))
        except OSError as fault:
            self.close()
            message = _unreachable(self._path, fault)
            raise UnreachableError(message, socket=str(self._path), reason="connect") from fault


def _unreachable(path: Path, fault: OSError) -> str:
    if isinstance(fault, PermissionError):
        return f"you may not use {path}: join its group (sudo usermod -aG scanner $USER, then log in again)"
    return (
        f"no scanner daemon answers at {path} ({fault.strerror or fault}): start one with "
        f"`sudo systemctl start scanner` or `scanner demo`, or name its socket in {VARIABLE}"
    )


def _refusal(status: int, body: bytes) -> ScannerError:
    """The daemon's error, of the type its code belongs to; of one it does not know, the type its status belongs to."""
    try:
        said = json.loads(body)["error"]
        code, message, detail = str(said["code"]), str(said["message"]), dict(said["detail"])
    except (ValueError, KeyError, TypeError):
        code, message, detail = "", f"the daemon answered with status {status}", {}
    known = {kind.code: kind for kind in error_types()}
    error = known.get(code, _BY_STATUS.get(status, ScannerError))(message)
    error.detail = detail
    return error
