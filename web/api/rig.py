"""The rig: where it is, moving it by hand, and Stop."""

from __future__ import annotations

from typing import Annotated

import msgspec
from aiohttp import web

from scanner.model import Value
from scanner.spec import Azimuth, Elevation, Slug
from web.api.state import RigView, rig_view
from web.codec import answer, body_of
from web.context import daemon


class Move(Value, frozen=True):
    """Where to; None: leave that axis where it is."""

    azimuth: Azimuth | None = None
    elevation: Elevation | None = None


class Level(Value, frozen=True):
    """A light's brightness, 0 to 1."""

    name: Slug
    level: Annotated[float, msgspec.Meta(ge=0, le=1)]


async def show(request: web.Request) -> web.StreamResponse:
    """The rig as it is now."""
    return _now(request)


async def home(request: web.Request) -> web.StreamResponse:
    """Find the reference position of every axis; answers when it is found."""
    await daemon(request).rig.home()
    return _now(request)


async def move(request: web.Request) -> web.StreamResponse:
    """Move by hand; answers when the axes stand."""
    target = await body_of(request, Move)
    await daemon(request).rig.move(target.azimuth, target.elevation)
    return _now(request)


async def stop(request: web.Request) -> web.StreamResponse:
    """Emergency: everything off at once, whatever runs."""
    await daemon(request).rig.stop()
    return _now(request)


async def light(request: web.Request) -> web.StreamResponse:
    """Set a light."""
    level = await body_of(request, Level)
    await daemon(request).rig.light(level.name, level.level)
    return _now(request)


def _now(request: web.Request) -> web.Response:
    view: RigView = rig_view(daemon(request).rig.info())
    return answer(view)
