"""Whether a photo file is whole and what was promised. Reading only.

A glance looks at nothing but the size, a look at the beginning of the file. A check hashes it, and decodes it where no
checksum vouches for it.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Final

from scanner.errors import DamagedError
from scanner.imaging import jpeg_size
from scanner.storage.directory.recovery import decoded_size
from scanner.storage.formats.folder import Entry, open_plain, read_plain

JPEGS: Final = (".jpg", ".jpeg")
RAWS: Final = (".dng", ".npy", ".raw", ".png", ".tif", ".tiff")
MOST_PIXELS: Final = 89_000_000  # larger pictures are not decoded
END: Final = b"\xff\xd9"  # of every JPEG
_TAIL: Final = 4096  # bytes at the end of a file in which a JPEG must end
_HEAD: Final = 1 << 20  # bytes in which the size of a picture must stand
_FIRST: Final = 1 << 16  # bytes in which it mostly stands


class Depth(Enum):
    """How closely to look: ``GLANCE`` reads no photo and no sidecar, ``LOOK`` all documents and how large each photo
    is, ``CHECK`` everything.
    """

    GLANCE = "glance"
    LOOK = "look"
    CHECK = "check"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was seen of a file. ``fault``: why it is damaged; ``doubt``: why it cannot be told."""

    size: int
    sha256: str
    width: int = 0
    height: int = 0
    fault: str = ""
    doubt: str = ""


def look_at(path: Path, entry: Entry, promised: str | None, depth: Depth) -> Look:
    """Look at a JPEG; ``promised`` is the checksum it should have, if any."""
    if not entry.size:
        return Look(size=0, sha256=hashlib.sha256().hexdigest(), fault="it has 0 bytes")
    if depth is Depth.GLANCE:
        return Look(size=entry.size, sha256=promised or "")
    if depth is Depth.LOOK:
        return _looked(path, Look(size=entry.size, sha256=promised or ""))
    try:
        digest, head, tail = _read(path)
    except OSError as error:
        return Look(size=entry.size, sha256="", fault=f"it cannot be read ({error.strerror or error})")
    if promised is not None and digest != promised.lower():
        return Look(size=entry.size, sha256=digest, fault="it does not match its checksum")
    vouched = promised is not None and END in tail
    return _measured(path, Look(size=entry.size, sha256=digest), head, vouched=vouched)


def is_jpeg(name: str) -> bool:
    """Whether the name is a JPEG's."""
    return name.lower().endswith(JPEGS)


def is_raw(name: str) -> bool:
    """Whether the name is that of another picture."""
    return name.lower().endswith(RAWS)


def _looked(path: Path, look: Look) -> Look:
    """With the size of the picture where its beginning tells it; whether it is whole, only a check can say."""
    try:
        width, height = jpeg_size(read_plain(path, _FIRST))
    except OSError as error:
        return replace(look, fault=f"it cannot be read ({error.strerror or error})")
    except DamagedError:
        return look
    return replace(look, width=width, height=height)


def _read(path: Path) -> tuple[str, bytes, bytes]:
    digest = hashlib.sha256()
    head = tail = b""
    with os.fdopen(open_plain(path), "rb") as file:
        while block := file.read(_HEAD):
            head = head or block
            tail = (tail + block)[-_TAIL:]
            digest.update(block)
    return digest.hexdigest(), head, tail


def _measured(path: Path, look: Look, head: bytes, *, vouched: bool) -> Look:
    try:
        width, height = jpeg_size(head)
        doubt = "it is too large to be checked" if width * height > MOST_PIXELS and not vouched else ""
        if not vouched and not doubt:
            width, height = decoded_size(path)
    except DamagedError:
        return replace(look, fault="it is no whole picture")
    return replace(look, width=width, height=height, doubt=doubt)
