"""What an answer costs and how long it takes, at rest and while photos are taken; what an event costs."""

from __future__ import annotations

import asyncio
import http.client
import json
from pathlib import Path

from tests.benchmarks.load import Listeners, closed_loop
from tests.benchmarks.servers import bare, daemon
from tests.benchmarks.table import Row, against, below, median, percentile, processor_seconds, resident_mib
from tests.support.daemon import Daemon

REQUESTS = 2000
ROUNDS = 5
THINK = 0.05  # seconds between the requests of each of many connections
CLIENTS = 200
EVENTS = 150
STALLED_EVENTS = 6000
MS = 1000.0

Request = tuple[int, str, bytes]  # port, path, body


def state(directory: Path) -> list[Row]:
    """``GET /api/state`` against bare aiohttp answering the same JSON."""
    with daemon(directory / "state") as ours:
        value = directory / "state.json"
        value.write_bytes(ours.fetch("/api/state"))
        with bare(str(value)) as floor:
            ours_cost, floor_cost = [], []
            for _ in range(ROUNDS):
                ours_cost.append(_cost(ours.process.pid, ours.port, "/api/state"))
                floor_cost.append(_cost(floor.pid, floor.port, "/json"))
            rows = [against("CPU of `GET /api/state`", median(ours_cost), median(floor_cost), "ms", limit=1.3)]
            rows += [_latency("at rest", n, ours.port, floor.port) for n in (1, 32)]
            ours.scan(title="Stone")
            ours.until(lambda: ours.get("/api/sessions")["items"][0]["photos"], "photos come")
            rows += [_latency("during capture", n, ours.port, floor.port) for n in (1, 32)]
    return rows


def _cost(pid: int, port: int, path: str) -> float:
    """Milliseconds of processor time of one request."""
    asyncio.run(closed_loop(port, path, connections=1, requests=100))
    before = processor_seconds(pid)
    asyncio.run(closed_loop(port, path, connections=1, requests=REQUESTS))
    return (processor_seconds(pid) - before) / REQUESTS * MS


def _latency(when: str, connections: int, ours: int, floor: int) -> Row:
    def p99(port: int, path: str) -> float:
        taken = asyncio.run(
            closed_loop(port, path, connections=connections, requests=1600, think=THINK if connections > 1 else 0.005)
        )
        return percentile(taken, 0.99) * MS

    return below(
        f"p99 of `GET /api/state` {when}, {connections} connection{'s' * (connections > 1)}",
        p99(ours, "/api/state"),
        "ms",
        10.0,
        floor=p99(floor, "/json"),
    )


def events(directory: Path) -> list[Row]:
    """Events to many event streams of which one is stalled: processor time for each client and event, memory."""
    ours_cost, floor_cost = [], []
    with daemon(directory / "events") as ours, bare() as floor:
        for _ in range(ROUNDS):
            ours_cost.append(_fan_out(ours.process.pid, ours.port, "/api/events", _flicker(ours, EVENTS)))
            floor_cost.append(_fan_out(floor.pid, floor.port, "/events", _publish(floor.port, EVENTS)))
        growth = asyncio.run(_growth(ours.process.pid, ours.port, "/api/events", _flicker(ours, STALLED_EVENTS)))
        bare_growth = asyncio.run(_growth(floor.pid, floor.port, "/events", _publish(floor.port, STALLED_EVENTS)))
    return [
        against(
            f"event to one of {CLIENTS} streams, one stalled: CPU",
            median(ours_cost),
            median(floor_cost),
            "us",
            limit=1.2,
        ),
        below(f"memory gained by {2 * STALLED_EVENTS} events to a stalled one", growth, "MiB", 2.0, floor=bare_growth),
    ]


def _fan_out(pid: int, port: int, path: str, cause: list[Request]) -> float:
    return asyncio.run(_heard(pid, port, path, cause))


async def _heard(pid: int, port: int, path: str, cause: list[Request]) -> float:
    """Microseconds of processor time for each event and client, without what the cause costs that nobody hears of."""
    listeners = Listeners(port, path)
    await asyncio.to_thread(_ask, cause[:4])
    alone = await _spent(pid, cause)
    await listeners.add(CLIENTS - 1)
    await listeners.add(1, reading=False)
    await asyncio.to_thread(_ask, cause[:4])
    await asyncio.sleep(1.0)
    begin = listeners.events
    heard = await _spent(pid, cause)
    cost = (heard - alone) / (listeners.events - begin) * 1e6
    await listeners.close()
    return cost


async def _spent(pid: int, cause: list[Request]) -> float:
    """Seconds of processor time until all that follows from ``cause`` is over."""
    before = processor_seconds(pid)
    await asyncio.to_thread(_ask, cause)
    await asyncio.sleep(1.0)
    return processor_seconds(pid) - before


async def _growth(pid: int, port: int, path: str, cause: list[Request]) -> float:
    """MiB gained while one client reads and one is stalled."""
    listeners = Listeners(port, path)
    await listeners.add(1)
    await listeners.add(1, reading=False)
    await asyncio.to_thread(_ask, cause[:100])
    before = resident_mib(pid)
    await asyncio.to_thread(_ask, cause)
    await asyncio.sleep(0.5)
    growth = resident_mib(pid) - before
    await listeners.close()
    return growth


def _flicker(ours: Daemon, count: int) -> list[Request]:
    """Requests that make our daemon publish: its light is switched, and each time the rig has changed."""
    light = ours.get("/api/state")["rig"]["lights"][0]["name"]
    bodies = [json.dumps({"name": light, "level": 0.3 + 0.4 * (n % 2)}).encode() for n in range(count)]
    return [(ours.port, "/api/rig/light", body) for body in bodies]


def _publish(port: int, count: int) -> list[Request]:
    return [(port, "/publish?count=2", b"{}")] * count


def _ask(requests: list[Request]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", requests[0][0], timeout=20)
    for _, path, body in requests:
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        assert answer.status < 300, answer.read()
        answer.read()
    connection.close()
