"""Sessions from edit to trash and back: words about them, deleting, cleaning up, checking."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Final

import msgspec
from aiohttp import web

from scanner.storage import SessionChanges
from web.api.scans import accepted
from web.codec import answer, body_of, listing, session_id
from web.context import daemon, origin

Age = Annotated[str, msgspec.Meta(pattern=r"^[1-9]\d{0,3}[dwm]\Z", description="an age such as 7d, 2w or 1m (30 days)")]
_DAYS: Final = {"d": 1, "w": 7, "m": 30}


class CleanUp(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How old what goes must be; a dry run only tells."""

    older_than: Age
    dry_run: bool = False


class Purge(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For how long what goes must have been in the trash (null: however short); a dry run only tells."""

    older_than: Age | None = None
    dry_run: bool = False


async def edit(request: web.Request) -> web.StreamResponse:
    """Change a session's title, tags, notes or operator."""
    session, changes = session_id(request), await body_of(request, SessionChanges)
    return answer(await daemon(request).storage.edit(session, changes, origin=origin(request)))


async def delete(request: web.Request) -> web.StreamResponse:
    """Put a session into the trash, from where it can come back."""
    return answer(await daemon(request).jobs.delete_session(session_id(request), origin(request)))


async def undelete(request: web.Request) -> web.StreamResponse:
    """Take a session out of the trash again."""
    storage = daemon(request).storage
    handle = await storage.trash.undelete(session_id(request), origin=origin(request))
    return answer(await storage.get_session(handle.id))


async def clean(request: web.Request) -> web.StreamResponse:
    """Put ended sessions of an age into the trash, but for those that somebody works on."""
    order = await body_of(request, CleanUp)
    older, jobs = _age(order.older_than), daemon(request).jobs
    return listing(await jobs.clean_sessions(older, origin(request), dry_run=order.dry_run))


async def list_trash(request: web.Request) -> web.StreamResponse:
    """What is in the trash, newest first."""
    return listing(await daemon(request).storage.trash.list())


async def purge(request: web.Request) -> web.StreamResponse:
    """Remove what is in the trash, for ever."""
    order = await body_of(request, Purge)
    older = None if order.older_than is None else _age(order.older_than)
    return listing(await daemon(request).storage.trash.purge(older, dry_run=order.dry_run, origin=origin(request)))


async def verify(request: web.Request) -> web.StreamResponse:
    """Check the photos of a session against their hashes, as a job; what is damaged is planned again."""
    return accepted(await daemon(request).jobs.submit_verify(session_id(request), origin(request)))


async def verify_all(request: web.Request) -> web.StreamResponse:
    """Check the photos of all sessions, as a job."""
    return accepted(await daemon(request).jobs.submit_verify(None, origin(request)))


async def reindex(request: web.Request) -> web.StreamResponse:
    """Make the index anew from the session directories, as a job."""
    return accepted(await daemon(request).jobs.submit_reindex(origin(request)))


def _age(text: Age) -> timedelta:
    return timedelta(days=int(text[:-1]) * _DAYS[text[-1]])
