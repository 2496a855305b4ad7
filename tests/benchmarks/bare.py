"""The floor: aiohttp doing the same with nothing around it. ``python -m tests.benchmarks.bare [JSON FILE]``.

``/`` says hello, ``/json`` answers with the file's JSON (encoded for each request, as a real state must be), and
``/events`` is an event stream fed by ``POST /publish?count=N`` through one plain queue a client.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import msgspec
from aiohttp import web

VALUE = web.AppKey("value", object)
QUEUES = web.AppKey("queues", set)
PAGE = "<html><title>hello</title>"


async def hello(_request: web.Request) -> web.Response:
    """A page."""
    return web.Response(text=PAGE, content_type="text/html")


async def state(request: web.Request) -> web.Response:
    """A value as JSON."""
    return web.Response(body=msgspec.json.encode(request.app[VALUE]), content_type="application/json")


async def events(request: web.Request) -> web.StreamResponse:
    """The simplest event stream."""
    queue: asyncio.Queue[bytes] = asyncio.Queue()
    request.app[QUEUES].add(queue)
    answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await answer.prepare(request)
    try:
        while True:
            await answer.write(await queue.get())
    except ConnectionError:
        return answer
    finally:
        request.app[QUEUES].discard(queue)


async def publish(request: web.Request) -> web.Response:
    """Puts events into every queue."""
    for number in range(int(request.query["count"])):
        for queue in request.app[QUEUES]:
            queue.put_nowait(b'id: a:%d\nevent: warning\ndata: {"message":"%0120d"}\n\n' % (number, number))
        await asyncio.sleep(0)
    return web.Response()


async def main() -> None:
    """Serve on any free port, printed."""
    app = web.Application()
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    app[VALUE] = msgspec.json.decode(path.read_bytes()) if path else {}
    app[QUEUES] = set()
    app.add_routes([web.get("/", hello), web.get("/json", state), web.get("/events", events)])
    app.add_routes([web.post("/publish", publish)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
