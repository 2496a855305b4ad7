"""The jobs and what may be ordered of them."""

from __future__ import annotations

from typing import Annotated

import msgspec
from aiohttp import web

from scanner.records import WAITING_LIMIT
from scanner.states import ENDED, Command
from web.codec import answer, body_of, job_id, listing
from web.context import daemon, origin


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What may be said with a command: why."""

    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""


class Place(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A place in the queue, from 1."""

    position: Annotated[int, msgspec.Meta(ge=1, le=WAITING_LIMIT)]


async def list_all(request: web.Request) -> web.StreamResponse:
    """All jobs, the ended ones of the last day too."""
    return listing(daemon(request).jobs.list())


async def list_active(request: web.Request) -> web.StreamResponse:
    """Jobs that are pending, running or paused."""
    return listing(daemon(request).jobs.list(active=True))


async def show(request: web.Request) -> web.StreamResponse:
    """One job."""
    return answer(daemon(request).jobs.get(job_id(request)))


async def pause(request: web.Request) -> web.StreamResponse:
    """Finish the shot in hand, then wait."""
    return await _command(request, Command.PAUSE)


async def resume(request: web.Request) -> web.StreamResponse:
    """Go on."""
    return await _command(request, Command.RESUME)


async def cancel(request: web.Request) -> web.StreamResponse:
    """End, and keep what was saved."""
    return await _command(request, Command.CANCEL)


async def finish(request: web.Request) -> web.StreamResponse:
    """End early, as completed."""
    return await _command(request, Command.FINISH)


async def halt(request: web.Request) -> web.StreamResponse:
    """Emergency: motors off at once."""
    return await _command(request, Command.HALT)


async def skip(request: web.Request) -> web.StreamResponse:
    """Pass over the shot on which the job stands, with a reason that is kept."""
    return await _command(request, Command.SKIP)


async def _command(request: web.Request, command: Command) -> web.StreamResponse:
    job = job_id(request)
    order = await body_of(request, Order, missing=Order())
    return answer(await daemon(request).jobs.command(job, command, origin=origin(request), reason=order.reason))


async def move(request: web.Request) -> web.StreamResponse:
    """Give a waiting job another place in the queue."""
    job = job_id(request)
    place = await body_of(request, Place)
    await daemon(request).jobs.move(job, place.position)
    return answer(daemon(request).jobs.get(job))


async def remove(request: web.Request) -> web.StreamResponse:
    """Cancel a job that works or waits; take one that has ended off the list."""
    jobs, job = daemon(request).jobs, job_id(request)
    now = jobs.get(job)
    if now.state in ENDED:
        await jobs.forget(job)
        return answer(now)
    return answer(await jobs.command(job, Command.CANCEL, origin=origin(request)))


async def clear(request: web.Request) -> web.StreamResponse:
    """Take all ended jobs off the list."""
    await daemon(request).jobs.clear()
    return web.Response(status=204)
