"""Directories as zip downloads: streamed, stored (photos do not shrink), of known length, never staged on disk.

The list of files is taken once, with sizes; of a file that grows meanwhile (a journal) exactly that many bytes are
sent, which is a valid journal. A file that vanishes breaks the download off, so that nobody takes half an archive for
a whole one.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aiohttp import web

from scanner.storage import StoredFile
from web.codec import encode
from web.streams import Stream, Streams

if TYPE_CHECKING:
    from zipstream import ZipStream  # type: ignore[import-untyped] # it ships no types

log = logging.getLogger(__name__)

PIECE: Final = 256 * 1024  # bytes read in a thread at a time
READ: Final = 64 * 1024
PATIENCE: Final = 60.0  # seconds a client may take nothing


async def send_archive(
    request: web.Request, streams: Streams, name: str, files: Sequence[StoredFile]
) -> web.StreamResponse:
    """``files`` as ``<name>.zip``, each below a directory ``name``."""
    tag = f'"{_fingerprint(files)}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if tag in request.headers.get("If-None-Match", ""):
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    archive = _archive(name, files)
    disposition = f'attachment; filename="{name}.zip"'
    response = web.StreamResponse(
        headers={**headers, "Content-Type": "application/zip", "Content-Disposition": disposition}
    )
    response.content_length = len(archive)
    if request.method == "HEAD":
        return response
    with streams.open(request, response, lambda _: stream.transport.abort(), patience=PATIENCE) as stream:
        await stream.start()
        try:
            await _pump(iter(archive), stream)
        except (OSError, RuntimeError) as error:
            if not stream.transport.is_closing():
                log.warning("download of %s broke off: %s", name, error)
            stream.transport.abort()
    return response


def _archive(name: str, files: Sequence[StoredFile]) -> ZipStream:
    from zipstream import ZipStream  # noqa: PLC0415 - most daemons are never asked for one

    archive = ZipStream(sized=True)
    for file in files:
        archive.add(_exactly(file.path, file.size), f"{name}/{file.name}", size=file.size)
    return archive


def _exactly(path: Path, size: int) -> Iterator[bytes]:
    """The first ``size`` bytes of a file. Errors: OSError when it has fewer."""
    with path.open("rb") as source:
        left = size
        while left:
            piece = source.read(min(READ, left))
            if not piece:
                message = f"{path.name} is shorter than it was"
                raise OSError(message)
            left -= len(piece)
            yield piece


async def _pump(pieces: Iterator[bytes], stream: Stream) -> None:
    loop = asyncio.get_running_loop()
    while data := await loop.run_in_executor(None, _take, pieces):
        await stream.write(data)


def _take(pieces: Iterator[bytes]) -> bytes:
    taken = bytearray()
    for piece in pieces:
        taken += piece
        if len(taken) >= PIECE:
            break
    return bytes(taken)


def _fingerprint(files: Sequence[StoredFile]) -> str:
    return hashlib.sha256(encode([(file.name, file.size, file.mtime_ns) for file in files])).hexdigest()[:32]
