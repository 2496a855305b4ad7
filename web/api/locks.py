"""Who works on what, and taking a pass from somebody by force."""

from __future__ import annotations

from typing import Annotated

import msgspec
from aiohttp import web

from scanner.model import PassName, SessionId
from scanner.spec import Slug
from web.api.history import Cursor
from web.codec import Listed, answer, body_of, listing, query_of
from web.context import daemon, origin

SessionName = Annotated[
    str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,79}\Z", description="the id of a session: a-z, 0-9 and '-'")
]
Reason = Annotated[
    str, msgspec.Meta(max_length=500, pattern=r"^[^\x00-\x1f\x7f-\x9f]*\Z", description="one line of text")
]


class Release(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"pass_": "pass"}):
    """Which lock is broken, and why: kept in the pass's journal and in the audit."""

    session_id: SessionName
    pass_: Slug
    reason: Reason = ""


class AuditQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many entries, from where on."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 200
    after: Cursor | None = None


async def list_all(request: web.Request) -> web.StreamResponse:
    """The locks of all passes that are worked on, here and elsewhere, with their recent heartbeats."""
    return listing(await daemon(request).storage.locks.active())


async def release(request: web.Request) -> web.StreamResponse:
    """Take a pass from whoever holds it; the answer names who that was."""
    order = await body_of(request, Release)
    forced = await daemon(request).storage.locks.release(
        SessionId(order.session_id), PassName(order.pass_), origin=origin(request), reason=order.reason
    )
    return answer(forced)


async def list_audit(request: web.Request) -> web.StreamResponse:
    """Who did what that others should know of, newest first, page by page."""
    query = query_of(request, AuditQuery)
    page = await daemon(request).storage.audit.list(query.limit, query.after)
    return answer(Listed(page.items, page.next, page.total))
