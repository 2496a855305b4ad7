"""Sessions of older formats: migrated here, copied in from elsewhere, put together."""

from __future__ import annotations

import asyncio
import os
from typing import Annotated

import msgspec
from aiohttp import web

from scanner.errors import InvalidError
from scanner.model import SessionId
from scanner.storage.disk.zones import LOCAL
from web.api.locks import SessionName
from web.api.scans import accepted
from web.codec import answer, body_of, listing, session_id
from web.context import daemon, origin

Directory = Annotated[
    str,
    msgspec.Meta(
        max_length=4096,
        pattern=r"^/[^\x00]*\Z",
        description="the absolute path of a directory on the scanner's computer, such as /media/card/sessions",
    ),
]
Zone = Annotated[
    str,
    msgspec.Meta(
        max_length=60, pattern=r"^[A-Za-z][A-Za-z0-9_+/-]*\Z", description="a time zone such as Europe/Berlin or UTC"
    ),
]


class Migrate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``undo``: back to the old folder instead, with ``force`` also where photos were taken since; a dry run only tells
    what would be done.
    """

    dry_run: bool = False
    undo: bool = False
    force: bool = False


class MigrateAll(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A dry run only tells what would be done."""

    dry_run: bool = False


class Import(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From where; in which zone the times are meant that name none (null: that of the scanner's computer); a dry run
    only tells what would be done.
    """

    directory: Directory
    timezone: Zone | None = None
    dry_run: bool = False


class Merge(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Two sessions that are one scan; the one that was begun first gives the id."""

    a: SessionName
    b: SessionName


async def migrate(request: web.Request) -> web.StreamResponse:
    """Bring a session of an older format into the present one, or back, as a job."""
    session, order = session_id(request), await body_of(request, Migrate, missing=Migrate())
    jobs = daemon(request).jobs
    if not order.undo:
        return accepted(await jobs.submit_migrate(session, origin(request), dry_run=order.dry_run))
    if order.dry_run:
        message = "a migration is not undone on trial"
        raise InvalidError(message, errors=[{"path": "dry_run", "message": message}])
    return accepted(await jobs.submit_undo(session, origin(request), force=order.force))


async def migrate_all(request: web.Request) -> web.StreamResponse:
    """Bring all sessions of older formats into the present one, as a job."""
    order = await body_of(request, MigrateAll, missing=MigrateAll())
    return accepted(await daemon(request).jobs.submit_migrate(None, origin(request), dry_run=order.dry_run))


async def import_(request: web.Request) -> web.StreamResponse:
    """Copy sessions of any format in from elsewhere, as a job; what they lie in is only read."""
    order = await body_of(request, Import)
    await asyncio.to_thread(_check_directory, order.directory)
    job = await daemon(request).jobs.submit_import(
        order.directory, order.timezone or LOCAL, origin(request), dry_run=order.dry_run
    )
    return accepted(job)


def _check_directory(directory: str) -> None:
    """Errors: InvalidError where nothing can be read from it."""
    try:
        with os.scandir(directory):
            return
    except OSError as fault:
        why = fault.strerror or "it cannot be read"
    message = f"nothing can be read from {directory[:200]!r}: {why}"
    raise InvalidError(message, errors=[{"path": "directory", "message": message}])


async def merge(request: web.Request) -> web.StreamResponse:
    """Put two sessions of an older format together that are one scan."""
    order, app = await body_of(request, Merge), daemon(request)
    handle = await app.jobs.merge_sessions(SessionId(order.a), SessionId(order.b), origin(request))
    return answer(await app.storage.get_session(handle.id))


async def questions(request: web.Request) -> web.StreamResponse:
    """Sessions of which only a person can tell whether they are one scan."""
    return listing(await daemon(request).storage.legacy.questions())
