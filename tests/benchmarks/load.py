"""Load from one process over plain sockets: the client must cost little, so that the server is what is measured."""

from __future__ import annotations

import asyncio
import time

END_OF_HEAD = b"\r\n\r\n"


async def closed_loop(port: int, path: str, *, connections: int, requests: int, think: float = 0.0) -> list[float]:
    """Seconds that each request took. Every connection asks again ``think`` seconds after it was answered."""
    each = requests // connections
    parts = await asyncio.gather(*(_connection(port, path, each, think, n / connections) for n in range(connections)))
    return [seconds for part in parts for seconds in part]


async def _connection(port: int, path: str, requests: int, think: float, phase: float) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: application/json\r\n\r\n".encode()
    taken: list[float] = []
    if think:
        await asyncio.sleep(think * phase)
    for _ in range(requests):
        begin = time.perf_counter()
        writer.write(head)
        answer = await reader.readuntil(END_OF_HEAD)
        if not answer.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(answer.decode())
        await reader.readexactly(_length(answer))
        taken.append(time.perf_counter() - begin)
        if think:
            await asyncio.sleep(think)
    writer.close()
    await writer.wait_closed()
    return taken


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    raise RuntimeError(head.decode())


class Listeners:
    """Clients of an event stream that read everything, and stalled ones that read nothing after the head."""

    def __init__(self, port: int, path: str) -> None:
        self._port = port
        self._path = path
        self._writers: list[asyncio.StreamWriter] = []
        self._tasks: list[asyncio.Task[None]] = []
        self.ended = 0
        self.bytes = 0
        self.events = 0

    async def add(self, count: int, *, reading: bool = True) -> None:
        """Connect ``count`` more and wait for their heads."""
        for _ in range(count):
            limit = 2**16 if reading else 2**12
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port, limit=limit)
            head = f"GET {self._path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nAccept: text/event-stream\r\n\r\n"
            writer.write(head.encode())
            await reader.readuntil(END_OF_HEAD)
            self._writers.append(writer)
            if reading:
                self._tasks.append(asyncio.create_task(self._read(reader)))
            else:
                writer.transport.pause_reading()  # type: ignore[attr-defined]  # a socket transport can

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while part := await reader.read(2**16):
                self.bytes += len(part)
                self.events += part.count(b"event: ")
        except ConnectionError:
            pass
        self.ended += 1

    async def close(self) -> None:
        """Hang up."""
        for writer in self._writers:
            writer.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
