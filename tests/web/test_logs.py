"""The log over HTTP: found, followed, for those who may."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from tests.web.conftest import serving

if TYPE_CHECKING:
    from scanner.app import App
    from scanner.config import Config

log = logging.getLogger("scanner.test")


@pytest.fixture
def demo(safe_mode: Config) -> Config:
    """Without a rig."""
    return safe_mode


@pytest.fixture
def heard(app: App) -> Iterator[App]:
    """The daemon remembers what this module says."""
    log.addHandler(app.log)
    log.setLevel(logging.DEBUG)
    yield app
    log.removeHandler(app.log)


@pytest.mark.usefixtures("heard")
async def test_lines_are_listed_and_filtered(ask: Callable[..., Any]) -> None:
    for number in range(5):
        log.info("line %d", number, extra={"session": "s-1"})
    log.error("it failed", extra={"job": "j-1"})
    first = (await ask("GET", "/api/logs?limit=4")).body
    assert [one["message"] for one in first["items"]] == ["it failed", "line 4", "line 3", "line 2"]
    assert first["total"] == 6
    second = (await ask("GET", f"/api/logs?limit=4&after={first['next']}")).body
    assert [one["message"] for one in second["items"]] == ["line 1", "line 0"]
    assert second["next"] is None
    assert (await ask("GET", "/api/logs?level=error")).body["items"][0]["job"] == "j-1"
    assert (await ask("GET", "/api/logs?session=s-1&q=LINE%203")).body["total"] == 1
    for bad in ("level=loud", "limit=0", "after=x", "after=-1", "colour=red", "after=99999999999999999999"):
        answer = await ask("GET", f"/api/logs?{bad}")
        assert (answer.status, answer.code) == (400, "invalid"), bad


async def events_of(response: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, bytes]]:
    """Ids and data of the events of a stream."""
    name = ""
    async for line in response.content:
        if line.startswith(b"id: "):
            name = line[4:].strip().decode()
        elif line.startswith(b"data: "):
            yield name, line[6:].strip()


async def test_lines_are_followed_and_taken_up_again(heard: App) -> None:
    for number in range(3):
        log.info("old %d", number)
    async with asyncio.timeout(10), serving(heard) as (_, client):
        async with client.get("/api/logs/follow?last=2&level=info") as response:
            events = events_of(response)
            assert [b"old 1" in (await anext(events))[1], b"old 2" in (await anext(events))[1]] == [True, True]
            log.debug("unheard")
            log.info("new")
            last, data = await anext(events)
            assert b'"new"' in data
        log.info("missed")
        async with client.get("/api/logs/follow", headers={"Last-Event-ID": last}) as response:
            assert b"missed" in (await anext(events_of(response)))[1]
        async with client.get("/api/logs/follow?last=100") as response:
            assert b"old 0" in (await anext(events_of(response)))[1]
        async with client.get("/api/logs/follow") as response:
            log.info("only this")
            assert b"only this" in (await anext(events_of(response)))[1]
        async with client.get("/api/logs/follow", headers={"Last-Event-ID": "x"}) as response:
            assert response.status == 400


async def test_a_stream_of_lines_ends_with_the_daemon(heard: App) -> None:
    async with asyncio.timeout(5), serving(heard) as (server, client), client.get("/api/logs/follow") as response:
        await server.streams.close()
        assert b"data" not in await response.read()
