"""The page's files, as they lie in ``static/``: read and compressed once per change, answered from memory.

Editing a file on the Pi is enough: the next request sees that its time changed. Browsers keep files but ask each time
(``no-cache`` with an ETag), so that page and daemon never are of two versions.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiohttp import web

from scanner.errors import NotFoundError

STATIC: Final = Path(__file__).parent / "static"
_GZIP: Final = 31  # makes zlib write that format
_NAME: Final = re.compile(r"([A-Za-z0-9_-]+/){0,4}[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+")
_TEXT: Final[Mapping[str, str]] = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".txt": "text/plain; charset=utf-8",
}
_BINARY: Final[Mapping[str, str]] = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file in memory. ``packed``: its gzip form, where that is shorter."""

    stamp: tuple[int, int]
    kind: str
    tag: str
    plain: bytes
    packed: bytes | None


class Pages:
    """Answers requests for the page's files."""

    def __init__(self, root: Path = STATIC) -> None:
        self._root = root.resolve()
        self._assets: dict[str, Asset] = {}

    def answer(self, request: web.Request, name: str) -> web.Response:
        """The file of this name, or that the browser's copy is still good. Errors: NotFoundError."""
        asset = self._asset(name)
        packed = asset.packed if "gzip" in request.headers.get("Accept-Encoding", "") else None
        tag = f'"{asset.tag}-gz"' if packed is not None else f'"{asset.tag}"'
        headers = {"ETag": tag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding", "Content-Type": asset.kind}
        if tag in request.headers.get("If-None-Match", ""):
            return web.Response(status=304, headers=headers)
        if packed is None:
            return web.Response(body=asset.plain, headers=headers)
        return web.Response(body=packed, headers={**headers, "Content-Encoding": "gzip"})

    def _asset(self, name: str) -> Asset:
        path = self._root / name
        kind = _TEXT.get(path.suffix) or _BINARY.get(path.suffix)
        if kind is None or not _NAME.fullmatch(name) or not path.is_file() or path.resolve() != path:
            message = "the page has no such file"
            raise NotFoundError(message)
        info = path.stat()
        stamp = (info.st_mtime_ns, info.st_size)
        known = self._assets.get(name)
        if known is None or known.stamp != stamp:
            known = self._assets[name] = _load(path, kind, stamp)
        return known


def _load(path: Path, kind: str, stamp: tuple[int, int]) -> Asset:
    plain = path.read_bytes()
    packed = zlib.compress(plain, 9, wbits=_GZIP) if path.suffix in _TEXT else plain
    tag = hashlib.sha256(plain).hexdigest()[:20]
    return Asset(stamp, kind, tag, plain, packed if len(packed) < len(plain) else None)
