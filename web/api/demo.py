"""Faults of the twin on request: in demo mode only."""

from __future__ import annotations

from aiohttp import web

from scanner.errors import ForbiddenError
from scanner.hardware.sim.faults import Faults
from web.codec import body_of
from web.context import daemon


async def faults(request: web.Request) -> web.StreamResponse:
    """Make the simulated rig fail: what is not named in the body is whole again."""
    app = daemon(request)
    if app.faults is None:
        message = "faults can be asked for in demo mode only"
        raise ForbiddenError(message)
    app.faults.become(await body_of(request, Faults))
    return web.Response(status=204)
