"""Lists as downloads: CSV for spreadsheets, JSON in the shape of every list; sent piece by piece, never whole in
memory.

CSV as RFC 4180 has it: a heading, commas, CR LF, quotes where needed, UTF-8. A text that a spreadsheet would take for a
formula gets an apostrophe in front: titles and names come from anybody.
"""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, Literal, Protocol, TypeVar

from aiohttp import web

from web.codec import JSON, encode
from web.streams import PIECE, Streams

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

Format = Literal["csv", "json"]
Columns = Mapping[str, Callable[[T], object]]

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
_MEDIA: Final[dict[Format, str]] = {"csv": "text/csv; charset=utf-8; header=present", "json": JSON}


class Page(Protocol[T_co]):
    """A part of a list, as storage gives it."""

    @property
    def items(self) -> Sequence[T_co]:
        """The part."""

    @property
    def next(self) -> str | None:
        """Where the list goes on; None at its end."""

    @property
    def total(self) -> int:
        """Of the whole list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report(Generic[T]):
    """A list to be sent. ``name`` begins the file's name; ``day`` goes into it; the first of ``pages`` has been asked
    for already, so that what is wrong with the question is known before anything is sent.
    """

    name: str
    day: str
    columns: Columns[T]
    pages: AsyncIterator[Page[T]]


async def send_report(request: web.Request, streams: Streams, report: Report[T], format_: Format) -> web.StreamResponse:
    """The whole list as a file."""
    disposition = f'attachment; filename="{report.name}-{report.day}.{format_}"'
    response = web.StreamResponse(headers={"Content-Type": _MEDIA[format_], "Content-Disposition": disposition})
    if request.method == "HEAD":
        response.force_close()
        return response
    pieces = _csv(report) if format_ == "csv" else _json(report)
    with streams.open(request, response, lambda _: stream.transport.abort()) as stream:
        await stream.start()
        async for piece in pieces:
            await stream.write(piece)
    return response


async def _csv(report: Report[T]) -> AsyncIterator[bytes]:
    head = lines([tuple(report.columns)])
    async for page in report.pages:
        rows = [tuple(read(item) for read in report.columns.values()) for item in page.items]
        yield head + lines(rows)
        head = b""


async def _json(report: Report[T]) -> AsyncIterator[bytes]:
    """The shape of :class:`web.codec.Listed`."""
    before, tail = b'{"items":[', b""
    async for page in report.pages:
        yield before + b",".join(map(encode, page.items))
        before = b"," if page.items else b""
        tail = b'],"next":%b,"total":%d}' % (encode(page.next), page.total)
    yield tail


def lines(rows: Sequence[tuple[object, ...]]) -> bytes:
    """Rows as lines of CSV."""
    import csv  # noqa: PLC0415 - most daemons are never asked for one

    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows([tuple(map(_cell, row)) for row in rows])
    return text.getvalue().encode()


def _cell(value: object) -> object:
    """A value as a spreadsheet should show it; None is an empty cell."""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value


def pieces_of(items: Sequence[T]) -> list[Sequence[T]]:
    """A list in pieces that are quickly encoded; an empty one is one piece."""
    return [items[start : start + PIECE] for start in range(0, max(1, len(items)), PIECE)]
