"""The newest lines of the log in memory, for the page: found by what they are about, and followed as they come.

The journal keeps all of them; where there is none, as on somebody's own computer, this is what can be looked at.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Final, Literal

from msgspec import Struct

from scanner.clock import utc_text

Level = Literal["debug", "info", "warning", "error"]

KEPT: Final = 2000  # entries: half a MiB, some hundred photos
_LONGEST: Final = 1000  # characters of a message
_LEVELS: Final[dict[Level, int]] = {
    "debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR,
}  # fmt: skip


class LogEntry(Struct, frozen=True, kw_only=True, rename={"pass_": "pass"}, omit_defaults=True, gc=False):
    """A line of the log. ``number`` counts from 1 since the daemon started; ``source`` names the part that says it."""

    number: int
    at: str
    level: Level
    message: str
    source: str
    session: str | None = None
    pass_: str | None = None
    job: str | None = None
    shot: int | None = None
    camera: str | None = None


class LogQuery(Struct, frozen=True, kw_only=True):
    """Which entries. ``level``: this one and worse. ``since``: a time as entries have it. ``text``: anywhere in the
    message, whatever its capitals.
    """

    session: str | None = None
    job: str | None = None
    level: Level = "debug"
    since: str = ""
    text: str = ""

    def fits(self, entry: LogEntry) -> bool:
        """Whether it asks for this entry."""
        return (
            (self.session is None or entry.session == self.session)
            and (self.job is None or entry.job == self.job)
            and _LEVELS[entry.level] >= _LEVELS[self.level]
            and entry.at >= self.since
            and self.text.casefold() in entry.message.casefold()
        )


class LogBook(logging.Handler):
    """A handler that remembers; any thread may log."""

    ALL: Final = 1 << 30  # more than it remembers

    def __init__(self, kept: int = KEPT) -> None:
        super().__init__()
        self._entries: deque[LogEntry] = deque(maxlen=kept)
        self._numbers = itertools.count(1)
        self._followers: set[_Follower] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Remember a line, and wake those who follow."""
        try:
            entry = _entry(next(self._numbers), record)
        except (TypeError, ValueError):  # what was said does not fit its own form
            self.handleError(record)
            return
        self._entries.append(entry)
        for follower in tuple(self._followers):
            follower.wake()

    def newest(self, query: LogQuery, limit: int, before: int | None = None) -> tuple[list[LogEntry], bool]:
        """The newest entries that fit, newest first, of those with a number below ``before``; and whether there are
        more.
        """
        fitting = (
            entry
            for entry in reversed(tuple(self._entries))
            if (before is None or entry.number < before) and query.fits(entry)
        )
        found = list(itertools.islice(fitting, limit + 1))
        return found[:limit], len(found) > limit

    def after(self, query: LogQuery, number: int) -> tuple[list[LogEntry], int]:
        """Entries behind ``number`` that fit, oldest first, and the number of the last that there is."""
        entries = tuple(self._entries)
        last = entries[-1].number if entries else number
        return [entry for entry in entries if entry.number > number and query.fits(entry)], max(last, number)

    @contextmanager
    def following(self) -> Iterator[_Follower]:
        """Something to wait on for new entries, within a running loop."""
        follower = _Follower(asyncio.get_running_loop())
        self._followers.add(follower)
        try:
            yield follower
        finally:
            self._followers.discard(follower)


class _Follower:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._news = asyncio.Event()

    def wake(self) -> None:
        """There is something new; from any thread."""
        with suppress(RuntimeError):  # the loop is closed: nobody follows any more
            self._loop.call_soon_threadsafe(self._news.set)

    async def wait(self) -> None:
        """Return once something new may be there."""
        await self._news.wait()
        self._news.clear()


def _entry(number: int, record: logging.LogRecord) -> LogEntry:
    message = record.getMessage()
    if record.exc_info and record.exc_info[0] is not None:
        message = f"{message} ({record.exc_info[0].__name__})"
    shot = getattr(record, "shot", None)
    return LogEntry(
        number=number,
        at=utc_text(datetime.fromtimestamp(record.created, UTC)),
        level=_level(record.levelno),
        message=message[:_LONGEST],
        source=record.name.removeprefix("scanner."),
        session=_text(record, "session"),
        pass_=_text(record, "pass_name"),
        job=_text(record, "job"),
        shot=shot if isinstance(shot, int) else None,
        camera=_text(record, "camera"),
    )


def _level(number: int) -> Level:
    return next((name for name, least in reversed(_LEVELS.items()) if number >= least), "debug")


def _text(record: logging.LogRecord, name: str) -> str | None:
    value = getattr(record, name, None)
    return None if value is None else str(value)
