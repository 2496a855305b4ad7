"""The log: its newest lines, by what they are about, and as they come."""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec
from aiohttp import web

from scanner.errors import InvalidError
from scanner.logbook import Level, LogBook, LogEntry, LogQuery
from web.codec import Listed, answer, encode, query_of
from web.context import context, daemon
from web.streams import SSE_BEAT, SSE_START, Stream, sse_response
from web.wire import sse

Text = Annotated[str, msgspec.Meta(max_length=200)]


class LogsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which lines. ``level``: this one and worse. ``since``: UTC, as lines have it. ``q``: words of the message, as
    they stand. ``after``: ``next`` of the page before.
    """

    session: Text | None = None
    job: Text | None = None
    level: Level = "debug"
    since: Annotated[str, msgspec.Meta(max_length=30)] = ""
    q: Text = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 200
    after: Text | None = None


class FollowQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which lines. ``last``: so many of those that are there already come first."""

    session: Text | None = None
    job: Text | None = None
    level: Level = "debug"
    q: Text = ""
    last: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 0


async def list_lines(request: web.Request) -> web.StreamResponse:
    """The newest lines of the log since the daemon started, newest first."""
    query, log = query_of(request, LogsQuery), daemon(request).log
    before = None if query.after is None else _number(query.after)
    asked = LogQuery(session=query.session, job=query.job, level=query.level, since=query.since, text=query.q)
    entries, more = log.newest(asked, query.limit, before)
    total = len(log.newest(asked, LogBook.ALL)[0])
    return answer(Listed[LogEntry](tuple(entries), str(entries[-1].number) if more else None, total))


async def follow(request: web.Request) -> web.StreamResponse:
    """Lines of the log as they come, each an event named ``log``; ``Last-Event-ID`` takes up a stream that broke."""
    parts, query = context(request), query_of(request, FollowQuery)
    log = parts.app.log
    asked = LogQuery(session=query.session, job=query.job, level=query.level, text=query.q)
    shown = _number(last) if (last := request.headers.get("Last-Event-ID")) else _begin(log, asked, query.last)
    response, over = sse_response(), asyncio.Event()
    with parts.streams.open(request, response, lambda _: over.set(), beat=SSE_BEAT) as stream:
        await stream.start()
        await stream.write(SSE_START)
        sending = asyncio.create_task(_send(stream, log, asked, shown))
        ending = asyncio.create_task(over.wait())
        try:
            await asyncio.wait((sending, ending), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, ending):
                task.cancel()
            await asyncio.gather(sending, ending, return_exceptions=True)
    return response


async def _send(stream: Stream, log: LogBook, asked: LogQuery, shown: int) -> None:
    """Send entries behind the number ``shown``, for good."""
    with log.following() as follower:
        while True:
            entries, shown = log.after(asked, shown)
            if entries:
                await stream.write(b"".join(sse("log", encode(entry), str(entry.number)) for entry in entries))
            await follower.wait()


def _begin(log: LogBook, asked: LogQuery, last: int) -> int:
    """The number behind which to begin, so that ``last`` entries that are there come first."""
    newest, _ = log.newest(asked, last + 1)
    if len(newest) > last:
        return newest[last].number
    return 0 if last else log.after(asked, 0)[1]


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 16):  # noqa: PLR2004 - digits of a number that is none of ours
        message = "after is not the cursor of a page before"
        raise InvalidError(message)
    return int(text)
