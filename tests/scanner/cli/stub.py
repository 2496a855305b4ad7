"""A daemon that says what a test wrote down: HTTP over a real unix socket, from the standard library alone."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

Step = bytes | tuple[str, Any] | Callable[[], None]
COMMAND = "import sys; from scanner.cli import command; sys.exit(command())"  # what the console script does
PATIENCE = 10.0  # seconds that a test may hang before it fails


@dataclass
class Request:
    """What was asked."""

    method: str
    path: str
    body: Any
    headers: dict[str, str]

    @property
    def key(self) -> str:
        """Method and path, as answers are kept."""
        return f"{self.method} {self.path}"


@dataclass
class Stub:
    """``answers``: by method and path; a list is used up one by one, its last stays. ``streams``: one a connection.

    An answer is JSON, or ``(status, JSON)``, or bytes; a stream is made of events ``(name, data)``, bytes, and calls.
    """

    path: Path
    answers: dict[str, Any] = field(default_factory=dict)
    streams: list[list[Step]] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def asked(self, key: str) -> list[Request]:
        """The requests of one method and path."""
        return [request for request in self.requests if request.key == key]

    def note(self, request: Request) -> None:
        """Remember a request."""
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()

    def until(self, key: str, times: int = 1) -> None:
        """Wait until something was asked so many times."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.asked(key)) >= times, PATIENCE), f"nobody asked {key}"

    def answer(self, key: str) -> Any:
        """What is answered next."""
        found = self.answers.get(key, (404, error("not_found", f"there is no {key}")))
        if isinstance(found, list):
            found = found.pop(0) if len(found) > 1 else found[0]
        return found() if callable(found) else found


def error(code: str, message: str, /, **detail: Any) -> dict[str, Any]:
    """The body of a refusal."""
    return {"error": {"code": code, "message": message, "detail": detail}}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _any(self) -> None:
        stub = self.server.stub
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        request = Request(self.command, self.path, body, dict(self.headers.items()))
        stub.note(request)
        if self.path.startswith(("/api/events", "/api/logs/follow")):
            self._stream(stub.streams.pop(0) if stub.streams else [])
            return
        found = stub.answer(request.key)
        if found is None:
            self.close_connection = True  # says nothing at all
            return
        status, content = found if isinstance(found, tuple) else (200, found)
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PATCH = do_DELETE = _any  # noqa: N815 - the names that http.server calls

    def _stream(self, steps: list[Step]) -> None:
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for step in steps:
            if callable(step):
                step()
            else:
                self.wfile.write(step if isinstance(step, bytes) else event(*step))
                self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def address_string(self) -> str:
        return "unix"


def event(name: str, data: Any, id_: str = "b:1") -> bytes:
    """One server-sent event."""
    return f"id: {id_}\nevent: {name}\ndata: {json.dumps(data)}\n\n".encode()


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = False
    block_on_close = True
    stub: Stub

    def handle_error(self, *_: object) -> None:
        """Clients may leave at any time."""


@contextmanager
def serving(path: Path) -> Iterator[Stub]:
    """A stub that listens on ``path``."""
    with _Server(str(path), _Handler) as server:
        server.stub = Stub(path)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.stub
        finally:
            server.shutdown()
            thread.join()
