"""Checkpoints: named marks of a session, to go back to and forward again."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

import msgspec
from aiohttp import web

from scanner.spec import Slug
from web.api.history import Cursor
from web.codec import Listed, answer, body_of, checkpoint_name, listing, query_of, session_id
from web.context import daemon, origin


class NewCheckpoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What it is to be called."""

    name: Slug


class CheckpointsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many, of which name, from where on."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 200
    name: Slug | None = None
    after: Cursor | None = None


async def list_all(request: web.Request) -> web.StreamResponse:
    """The checkpoints of all sessions, newest first, page by page."""
    query = query_of(request, CheckpointsQuery)
    page = await daemon(request).storage.checkpoints.list_all(query.limit, query.name, after=query.after)
    return answer(Listed(page.items, page.next, page.total))


async def list_of_session(request: web.Request) -> web.StreamResponse:
    """The checkpoints of a session in the order in which they were made."""
    return listing(await daemon(request).storage.checkpoints.list(session_id(request)))


async def save(request: web.Request) -> web.StreamResponse:
    """Mark how far a session is."""
    session, new = session_id(request), await body_of(request, NewCheckpoint)
    made = await daemon(request).storage.checkpoints.save(session, new.name, origin=origin(request))
    return answer(made, HTTPStatus.CREATED, {"Location": f"/api/sessions/{session}/checkpoints"})


async def restore(request: web.Request) -> web.StreamResponse:
    """Bring a session to where it was at a checkpoint; the answer is the automatic one that leads forward again."""
    session, name = session_id(request), checkpoint_name(request)
    return answer(await daemon(request).jobs.restore_checkpoint(session, name, origin(request)))
