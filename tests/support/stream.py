"""An event stream as a client sees it: server-sent events read line by line from one connection."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, Self


class EventStream:
    """Follows ``/api/events`` in a thread and keeps everything it was told, in order.

    The connection ending (because the daemon was killed, say) ends the thread and is no error: what had been read
    by then is what a client knew.
    """

    def __init__(self, port: int, *, after: str | None = None) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.last_id = after
        self._seen = threading.Condition()
        self._socket = socket.create_connection(("127.0.0.1", port))
        # HTTP/1.0, so that the answer comes as it is and not in chunks.
        head = f"GET /api/events HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n"
        head += "" if after is None else f"Last-Event-ID: {after}\r\n"
        self._socket.sendall(f"{head}\r\n".encode())
        self._answer = self._socket.makefile("rb")
        assert b" 200 " in self._answer.readline()
        while self._answer.readline().strip():
            pass
        self.ended = False
        self._thread = threading.Thread(target=self._read, name="event-stream", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        fields: dict[str, str] = {}
        with contextlib.suppress(OSError):
            while line := self._answer.readline():
                name, _, value = line.decode().rstrip("\r\n").partition(": ")
                if name:
                    fields[name] = value
                elif fields:
                    self._take(fields)
                    fields = {}
        with self._seen:
            self.ended = True
            self._seen.notify_all()

    def _take(self, fields: dict[str, str]) -> None:
        with self._seen:
            self.last_id = fields.get("id", self.last_id)
            if "event" in fields:
                self.events.append((fields["event"], json.loads(fields.get("data") or "null") or {}))
            self._seen.notify_all()

    def wait(self, holds: Callable[[str, dict[str, Any]], bool], seconds: float = 20.0) -> dict[str, Any] | None:
        """The first event, old or new, for which ``holds``; None once the stream ended or the time is over."""
        end, looked = time.monotonic() + seconds, 0
        with self._seen:
            while True:
                while looked < len(self.events):
                    topic, data = self.events[looked]
                    looked += 1
                    if holds(topic, data):
                        return data
                left = end - time.monotonic()
                if self.ended or left <= 0:
                    return None
                self._seen.wait(left)

    def of(self, topic: str) -> list[dict[str, Any]]:
        """The data of every event of one topic."""
        with self._seen:
            return [data for name, data in self.events if name == topic]

    def close(self) -> None:
        """Hang up; idempotent."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._answer.close()
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
