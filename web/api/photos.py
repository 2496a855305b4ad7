"""Photos, exports and downloads of a session."""

from __future__ import annotations

import re
from functools import partial
from http import HTTPStatus
from typing import Annotated, Final, Literal

import msgspec
from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from scanner.errors import InvalidError, NotFoundError
from scanner.model import PassName, Photo, SessionId
from scanner.spec import Slug
from web.api.scans import accepted
from web.archive import send_archive
from web.codec import RefusedError, body_of, encode, export_name, listing, photo_name, query_of, session_id
from web.context import context, daemon, origin
from web.streams import send_long

FOR_EVER: Final = "private, max-age=31536000, immutable"  # a photo's name is never used for another picture
NO_BYTES: Final = re.compile(r"bytes=-0+")
RANGE: Final = re.compile(r"bytes=(?=.*\d)(\d*)-(\d*)")


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
    more = part and start + len(part) < len(photos)
    tail = b'],"next":%b,"total":%d}' % (encode(part[-1].name if more else None), len(photos))
    return await send_long(request, context(request).streams, b'{"items":[', part, partial(_view, session), tail)


async def photo(request: web.Request) -> web.StreamResponse:
    """A photo's file: whole, or small for lists and screens. Ranges and ETags are answered."""
    storage = daemon(request).storage
    session, name, query = session_id(request), photo_name(request), query_of(request, PhotoQuery)
    whole = path = await storage.photo_file(session, name)
    if query.size != "full":
        path = await storage.thumbnail(session, name, query.size)
    stand_in = query.size != "full" and path == whole  # for a small one that cannot be kept now
    part = _sensible(request.headers.get("Range", "bytes=0-")) or request.body_exists  # which cannot be cloned any more
    response = web.FileResponse if part else WholeFile
    return response(path, headers={"Cache-Control": "no-store" if stand_in else FOR_EVER})


class WholeFile(web.FileResponse):
    """A file, whatever part of it the request names."""

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        headers = request.headers.copy()
        headers.pop("Range")
        return await super().prepare(request.clone(headers=headers))


def _sensible(wanted: str) -> bool:
    """Whether a Range header names one range of bytes; others are to be ignored.

    Errors: RefusedError for the last no bytes, which are nowhere.
    """
    if NO_BYTES.fullmatch(wanted):
        message = "the last 0 bytes are no part of any file"
        raise RefusedError(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, "range_not_satisfiable", message)
    match = RANGE.fullmatch(wanted)
    if match is None:
        return False
    first, last = match.groups()
    return not (first and last) or int(first) <= int(last)


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
    """A session as a zip archive: its photos and all that is known of them. Exports have their own download."""
    parts, session = context(request), session_id(request)
    query_of(request, DownloadQuery)
    files = await parts.app.storage.session_files(session)
    own = [file for file in files if not file.name.startswith("exports/")]
    return await send_archive(request, parts.streams, session, own)


def _view(session: SessionId, photo: Photo) -> bytes:
    """A photo in JSON, with its address."""
    return encode(photo)[:-1] + f',"url":"/api/sessions/{session}/photos/{photo.name}"}}'.encode()
