"""Pictures to JPEG and back to small ones: pure functions that may run in any thread.

Pillow is imported where it is used, so that a daemon loads it with the first picture. It encodes without the
interpreter's lock: threads work side by side. A planar I420 picture goes into the encoder as it is, without a way
through RGB: its chroma planes are doubled for Pillow and halved again, exactly, by the encoder's 4:2:0 subsampling.
"""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scanner.errors import DamagedError
from scanner.model import Planar

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

START: Final = b"\xff\xd8"  # of every JPEG
MARK: Final = 0xFF  # first byte of every marker
LENGTH: Final = 2  # bytes that say how long a segment is, these included
APP0, APP1, SCAN = 0xE0, 0xE1, 0xDA  # markers: JFIF header, EXIF, begin of the pixels
FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # markers of the segment that holds the size
LARGEST_SEGMENT: Final = 0xFFFF - 2  # bytes
EXIF_HEAD: Final = b"Exif\0\0"
STRIP_PIXELS: Final = 500_000  # put together at a time: Pillow holds the interpreter's lock for that long
SUBSAMPLING: Final = 2  # Pillow's number for 4:2:0


def encode_jpeg(exposure: Planar, quality: int, exif: bytes | None) -> bytes:
    """A baseline JPEG, 4:2:0, with ``exif`` (``Exif``, two zero bytes, TIFF structure) if there is one."""
    data = _encode(exposure, quality)
    return data if exif is None else splice_exif(data, exif)


def encode_preview(frame: Planar, quality: int = 75) -> bytes:
    """A small baseline JPEG for the page."""
    return _encode(frame, quality)


def splice_exif(jpeg: bytes, exif: bytes) -> bytes:
    """``jpeg`` with ``exif`` as its only EXIF; the pixels are not touched.

    Errors: DamagedError: not a JPEG. ValueError: more than a segment can hold.
    """
    if not exif.startswith(EXIF_HEAD) or len(exif) > LARGEST_SEGMENT:
        msg = f"EXIF must begin with {EXIF_HEAD!r} and have at most {LARGEST_SEGMENT} bytes; this has {len(exif)}"
        raise ValueError(msg)
    parts = [START]
    place = len(START)
    pending: bytes | None = struct.pack(">BBH", 0xFF, APP1, len(exif) + 2) + exif
    for marker, begin, end in _segments(jpeg):
        if pending is not None and marker != APP0:
            parts.append(pending)
            pending = None
        if marker == APP1 and jpeg.startswith(EXIF_HEAD, begin + 4):
            place = end
            continue
        parts.append(jpeg[begin:end])
        place = end
    return b"".join((*parts, jpeg[place:]))


def jpeg_size(data: bytes) -> tuple[int, int]:
    """Width and height from the header; ``data`` may end after it. Errors: DamagedError."""
    for marker, begin, _ in _segments(data):
        if marker in FRAMES and len(data) >= begin + 9:
            height, width = struct.unpack_from(">HH", data, begin + 5)
            return width, height
    msg = "This JPEG's header ends before it says how large the picture is: the file is damaged."
    raise DamagedError(msg)


def thumbnail(jpeg: Path | bytes, max_side: int, quality: int = 80) -> bytes:
    """A small JPEG of at most ``max_side`` pixels a side, decoded only as finely as it needs.

    Errors: DamagedError, OSError (reading).
    """
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 - loaded with the first picture

    source = io.BytesIO(jpeg if isinstance(jpeg, bytes) else jpeg.read_bytes())
    try:
        with Image.open(source, formats=("JPEG",)) as image:
            image.draft("RGB", (max_side, max_side))
            image.thumbnail((max_side, max_side), Image.Resampling.BICUBIC, reducing_gap=None)
            return _saved(image, quality)
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        name = "This JPEG" if isinstance(jpeg, bytes) else f"{jpeg.name}"
        msg = f"{name} cannot be decoded: the file is damaged."
        raise DamagedError(msg) from error


def _encode(picture: Planar, quality: int) -> bytes:
    from PIL import Image  # noqa: PLC0415 - loaded with the first picture

    width, height = picture.width, picture.height
    image = Image.new("YCbCr", (width, height))
    rows = max(2, STRIP_PIXELS // width // 2 * 2)
    for top in range(0, height, rows):
        image.paste(_strip(picture, top, min(top + rows, height)), (0, top))
    return _saved(image, quality)


def _strip(picture: Planar, top: int, bottom: int) -> Picture:
    """Rows ``top`` to ``bottom``, both even."""
    from PIL import Image  # noqa: PLC0415 - loaded with the first picture

    width, rows = picture.width, bottom - top
    area = width * picture.height
    luma = Image.frombuffer("L", (width, rows), picture.yuv[top * width : bottom * width], "raw", "L", 0, 1)
    chroma = []
    for plane in (area, area + area // 4):
        part = picture.yuv[plane + top * width // 4 : plane + bottom * width // 4]
        half = Image.frombuffer("L", (width // 2, rows // 2), part, "raw", "L", 0, 1)
        chroma.append(half.resize((width, rows), Image.Resampling.NEAREST))
    return Image.merge("YCbCr", (luma, *chroma))


def _saved(image: Picture, quality: int) -> bytes:
    target = io.BytesIO()
    image.save(target, "JPEG", quality=quality, subsampling=SUBSAMPLING)
    return target.getvalue()


def _segments(data: bytes) -> list[tuple[int, int, int]]:
    """Marker, begin and end of every header segment up to the pixels. Errors: DamagedError."""
    if not data.startswith(START):
        msg = "This is no JPEG: it does not begin like one."
        raise DamagedError(msg)
    segments: list[tuple[int, int, int]] = []
    place = len(START)
    while place + 4 <= len(data):
        head, marker, length = struct.unpack_from(">BBH", data, place)
        if head != MARK or length < LENGTH:
            msg = f"This JPEG's header is garbled at byte {place}: the file is damaged."
            raise DamagedError(msg)
        end = place + LENGTH + length  # the marker's own two bytes do not count
        segments.append((marker, place, end))
        if marker == SCAN:
            break
        place = end
    return segments
