"""Photos, exports and downloads of a session."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Annotated, Final, Literal

import msgspec
from aiohttp import web

from scanner.errors import InvalidError, NotFoundError
from scanner.model import PassName, Photo, SessionId
from scanner.spec import Slug
from web.api.scans import accepted
from web.archive import send_archive
from web.codec import body_of, encode, export_name, listing, photo_name, query_of, raw_answer, session_id
from web.context import context, daemon, origin

FOR_EVER: Final = "private, max-age=31536000, immutable"  # a photo's name is never used for another picture
AT_A_TIME: Final = 500  # photos encoded between two looks at the loop


class PhotosQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"pass_": "pass"}):
    """Of which pass, from behind which photo on, how many."""

    pass_: Slug | None = None
    after: str | None = None
    limit: Annotated[int, msgspec.Meta(ge=1)] | None = None


class PhotoQuery(msgspec.Struct, frozen=True):
    """How large. Other parameters are allowed: pages use them against stale caches."""

    size: Literal["thumb", "preview", "full"] = "full"


class DownloadQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """In which wrapping."""

    format: Literal["zip"] = "zip"


class ExportOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which format."""

    format: Slug


class PhotoView(Photo, frozen=True, kw_only=True):
    """A photo with its address."""

    url: str


async def list_photos(request: web.Request) -> web.StreamResponse:
    """The photos of a session in the order of the plan: all, unless ``limit`` says otherwise."""
    session, query = session_id(request), query_of(request, PhotosQuery)
    photos = await daemon(request).storage.photos(session, PassName(query.pass_) if query.pass_ else None)
    start = 0
    if query.after is not None:
        names: list[str] = [photo.name for photo in photos]
        if query.after not in names:
            message = "after: no photo of this list has this name"
            raise InvalidError(message, errors=[{"path": "after", "message": "no photo of this list has this name"}])
        start = names.index(query.after) + 1
    part = photos[start : None if query.limit is None else start + query.limit]
    more = start + len(part) < len(photos)
    pieces: list[bytes] = []
    for some in _batches(part):
        pieces.extend(_views(session, some))
        await asyncio.sleep(0)  # ten thousand at once would hold everybody up for 50 ms
    following = encode(part[-1].name if more and part else None)
    return raw_answer(b'{"items":[%b],"next":%b,"total":%d}' % (b",".join(pieces), following, len(photos)))


async def photo(request: web.Request) -> web.StreamResponse:
    """A photo's file: whole, or small for lists and screens. Ranges and ETags are answered."""
    storage = daemon(request).storage
    session, name, query = session_id(request), photo_name(request), query_of(request, PhotoQuery)
    if query.size == "full":
        path = await storage.photo_file(session, name)
    else:
        path = await storage.thumbnail(session, name, query.size)
    return web.FileResponse(path, headers={"Cache-Control": FOR_EVER})


async def start_export(request: web.Request) -> web.StreamResponse:
    """Make an export, as a job; its result names the export."""
    session = session_id(request)
    order = await body_of(request, ExportOrder)
    return accepted(await daemon(request).jobs.submit_export(session, order.format, origin(request)))


async def list_exports(request: web.Request) -> web.StreamResponse:
    """The names of the exports that were made."""
    return listing(await daemon(request).storage.exports(session_id(request)))


async def download_export(request: web.Request) -> web.StreamResponse:
    """An export as a zip archive."""
    parts, session, name = context(request), session_id(request), export_name(request)
    files = await parts.app.storage.session_files(session, name)
    if not files:
        message = f"session {session} has no export {name!r}"
        raise NotFoundError(message, name=name)
    return await send_archive(request, parts.streams, f"{session}-{name}", files)


async def download(request: web.Request) -> web.StreamResponse:
    """A whole session as a zip archive."""
    parts, session = context(request), session_id(request)
    query_of(request, DownloadQuery)
    return await send_archive(request, parts.streams, session, await parts.app.storage.session_files(session))


def _batches(photos: tuple[Photo, ...]) -> Iterator[tuple[Photo, ...]]:
    return (photos[start : start + AT_A_TIME] for start in range(0, len(photos), AT_A_TIME))


def _views(session: SessionId, photos: tuple[Photo, ...]) -> Iterator[bytes]:
    """Photos in JSON, each with its address."""
    address = f',"url":"/api/sessions/{session}/photos/'.encode()
    return (encode(photo)[:-1] + address + photo.name.encode() + b'"}' for photo in photos)
