"""What was scanned, pass by pass and in sums: lists, downloads, statistics, and the report of the jobs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from typing import Annotated, Final, Literal

import msgspec
from aiohttp import web

from scanner.errors import InvalidError
from scanner.records import JobReport, PassHistory
from scanner.storage import HistoryPage, HistoryQuery
from web.api.sessions import Words
from web.codec import Listed, answer, query_of
from web.context import context, daemon
from web.reports import Columns, Format, Report, pieces_of, send_report
from web.streams import PIECE

PAGE: Final = 50  # passes of a list, unless a limit is named
MOST: Final = 200

Day = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}-\d{2}\Z", description="a day (UTC) such as 2026-11-20")]
Cursor = Annotated[str, msgspec.Meta(max_length=500)]

PASS_COLUMNS: Final[Columns[PassHistory]] = {
    "session_id": lambda one: one.session_id,
    "pass": lambda one: one.pass_,
    "title": lambda one: one.title,
    "object_id": lambda one: one.object.id if one.object else None,
    "object_label": lambda one: one.object.label if one.object else None,
    "worklist": lambda one: one.object.worklist if one.object else None,
    "state": lambda one: str(one.state.value),
    "reason": lambda one: one.reason,
    "operator": lambda one: one.operator,
    "host": lambda one: one.host,
    "rig": lambda one: one.rig,
    "preset": lambda one: one.preset,
    "origin": lambda one: one.origin,
    "started_at": lambda one: one.started_at,
    "ended_at": lambda one: one.ended_at,
    "shots": lambda one: one.shots,
    "photos": lambda one: one.photos,
    "skipped": lambda one: one.skipped,
    "retakes": lambda one: one.retakes,
    "failures": lambda one: one.failures,
    "bytes": lambda one: one.bytes,
    "duration_s": lambda one: round(one.duration_s, 1),
    "photos_per_hour": lambda one: None if one.photos_per_hour is None else round(one.photos_per_hour, 1),
}
JOB_COLUMNS: Final[Columns[JobReport]] = {
    "id": lambda job: job.id,
    "kind": lambda job: job.kind,
    "title": lambda job: job.title,
    "session_id": lambda job: job.session_id,
    "passes": lambda job: " ".join(job.passes),
    "state": lambda job: str(job.state.value),
    "created_at": lambda job: job.created_at,
    "started_at": lambda job: job.started_at,
    "ended_at": lambda job: job.ended_at,
    "worked_s": lambda job: round(job.worked_s, 1),
    "photos": lambda job: job.photos,
    "bytes": lambda job: job.bytes,
    "error": lambda job: job.error,
}


class PassesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which passes: by words, state, rig, operator, preset; begun from the day ``since`` to before the day ``until``.

    With a ``format`` they come as a file, all of them unless there is a ``limit``.
    """

    q: Words = ""
    state: Literal["planned", "running", "paused", "completed", "cancelled", "failed", "incomplete"] | None = None
    rig: Words | None = None
    operator: Words | None = None
    preset: Words | None = None
    after: Cursor | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] | None = None
    since: Day | None = None
    until: Day | None = None
    format: Format | None = None


class StatisticsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of passes begun from the day ``since`` to before the day ``until``."""

    since: Day | None = None
    until: Day | None = None


class ReportQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """As what file."""

    format: Format = "csv"


async def list_passes(request: web.Request) -> web.StreamResponse:
    """The history: one record for each pass, newest first; a page of it, or all as a file."""
    parts, query = context(request), query_of(request, PassesQuery)
    _check_days(query)
    if query.format is None:
        page = await _ask(request, query, query.after, min(query.limit or PAGE, MOST))
        return answer(Listed(page.items, page.next, page.total))
    first = await _ask(request, query, query.after, min(query.limit or PIECE, PIECE))
    report = Report(name="passes", day=_today(request), columns=PASS_COLUMNS, pages=_pages(request, query, first))
    return await send_report(request, parts.streams, report, query.format)


async def _ask(request: web.Request, query: PassesQuery, after: str | None, limit: int) -> HistoryPage:
    wanted = HistoryQuery(
        q=query.q,
        state=query.state,
        rig=query.rig,
        operator=query.operator,
        preset=query.preset,
        since=query.since,
        until=query.until,
        after=after,
        limit=limit,
    )
    return await daemon(request).storage.history.passes(wanted)


async def _pages(request: web.Request, query: PassesQuery, first: HistoryPage) -> AsyncIterator[HistoryPage]:
    """From the first page on, as long as there are more and more are wanted."""
    page, given = first, len(first.items)
    yield page
    while page.next is not None and (query.limit is None or given < query.limit):
        room = PIECE if query.limit is None else min(PIECE, query.limit - given)
        page = await _ask(request, query, page.next, room)
        given += len(page.items)
        yield page


async def statistics(request: web.Request) -> web.StreamResponse:
    """What was scanned in all, and by preset, rig, operator and day."""
    query = query_of(request, StatisticsQuery)
    _check_days(query)
    return answer(await daemon(request).storage.history.statistics(query.since, query.until))


async def job_report(request: web.Request) -> web.StreamResponse:
    """The jobs as a file, oldest first: those that work or wait, and those that ended lately."""
    parts, query = context(request), query_of(request, ReportQuery)
    jobs = parts.app.jobs.report()
    report = Report(name="jobs", day=_today(request), columns=JOB_COLUMNS, pages=_job_pages(jobs))
    return await send_report(request, parts.streams, report, query.format)


async def _job_pages(jobs: tuple[JobReport, ...]) -> AsyncIterator[Listed[JobReport]]:
    for piece in pieces_of(jobs):
        yield Listed(tuple(piece), None, len(jobs))


def _check_days(query: PassesQuery | StatisticsQuery) -> None:
    """Errors: InvalidError for days that no calendar has."""
    faults = [name for name in ("since", "until") if not _is_day(getattr(query, name))]
    if faults:
        text = "is no day of the calendar"
        message = "; ".join(f"{name}: {text}" for name in faults)
        raise InvalidError(message, errors=[{"path": name, "message": text} for name in faults])


def _is_day(text: str | None) -> bool:
    try:
        return text is None or bool(date.fromisoformat(text))
    except ValueError:
        return False


def _today(request: web.Request) -> str:
    return f"{daemon(request).clock.now():%Y%m%d}"
