"""Sessions and their passes: looking at them, and taking passes up again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec
from aiohttp import web
from msgspec.structs import replace

from scanner.errors import PassNotFoundError, SessionNotFoundError
from scanner.model import JobId, LockedSettings, RigInfo, SessionId
from scanner.records import PassInfo, Session, ShotInfo
from scanner.spec import PassSpec
from scanner.storage import SessionQuery
from web.api.scans import accepted
from web.codec import Listed, answer, encode, listing, pass_name, query_of, session_id
from web.context import context, daemon, origin
from web.streams import send_long

if TYPE_CHECKING:
    from scanner.app import App

RESTORABLE: Final = 200  # passes offered at most

Words = Annotated[str, msgspec.Meta(max_length=200)]


class SessionsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which sessions, in which order, from where on."""

    status: Literal["planned", "running", "paused", "completed", "cancelled", "failed", "incomplete"] | None = None
    q: Words = ""
    format: Words | None = None
    tag: Words | None = None
    operator: Words | None = None
    sort: Literal["newest", "oldest", "title", "size"] = "newest"
    after: Annotated[str, msgspec.Meta(max_length=500)] | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 50


class PassView(msgspec.Struct, frozen=True):
    """A pass with its shots, and with what it was planned from: what dome, contact sheet and "same plan again" need."""

    pass_: PassInfo = msgspec.field(name="pass")
    shots: tuple[ShotInfo, ...]
    spec: PassSpec
    rig: RigInfo
    locked: dict[str, LockedSettings]


class Restorable(msgspec.Struct, frozen=True):
    """A pass that was begun or planned and that no job works on."""

    session: Session
    pass_: PassInfo = msgspec.field(name="pass")


async def list_all(request: web.Request) -> web.StreamResponse:
    """Sessions, newest first, page by page; ``q`` searches."""
    app, query = daemon(request), query_of(request, SessionsQuery)
    page = await app.storage.list_sessions(
        SessionQuery(
            status=query.status,
            q=query.q,
            format=query.format,
            tag=query.tag,
            operator=query.operator,
            sort=query.sort,
            after=query.after,
            limit=query.limit,
        )
    )
    return answer(Listed(_with_jobs(app, page.items), page.next, page.total))


async def list_active(request: web.Request) -> web.StreamResponse:
    """Sessions that a job works on or waits for."""
    app = daemon(request)
    sessions = [await _if_there(app, session) for session in _active_jobs(app)]
    return listing(_with_jobs(app, tuple(session for session in sessions if session is not None)))


async def list_restorable(request: web.Request) -> web.StreamResponse:
    """Passes that can be taken up again: begun or planned, not over, and no job has them."""
    app = daemon(request)
    busy = _active_jobs(app)
    free = [(session, info) for session, info in await app.storage.unfinished(RESTORABLE) if session not in busy]
    sessions = {session: await _if_there(app, session) for session in dict(free)}
    rows = [(sessions[session], info) for session, info in free]
    return listing(tuple(Restorable(one, _as_it_is(one, info)) for one, info in rows if one is not None))


async def show(request: web.Request) -> web.StreamResponse:
    """One session."""
    app = daemon(request)
    session = await app.storage.get_session(session_id(request))
    return answer(_with_jobs(app, (session,))[0])


async def show_pass(request: web.Request) -> web.StreamResponse:
    """One pass with all its shots."""
    parts = context(request)
    storage = parts.app.storage
    session, name = session_id(request), pass_name(request)
    document = await storage.pass_document(session, name)
    shots = await storage.shots(session, name)
    info = next((info for info in (await storage.get_session(session)).passes if info.name == name), None)
    if info is None:
        message = f"session {session} has no pass {name!r} any more"
        raise PassNotFoundError(message)
    locked = {str(camera): settings for camera, settings in document.locked.items()}
    around = encode(PassView(info, (), document.spec, document.rig, locked))
    head, mark, tail = around.partition(b'"shots":[')  # the first list of this name; a pass has a number under it
    return await send_long(request, parts.streams, head + mark, shots, encode, tail)


async def resume_pass(request: web.Request) -> web.StreamResponse:
    """Take exactly the missing shots of a pass."""
    job = await daemon(request).jobs.resume_pass(session_id(request), pass_name(request), origin(request))
    return accepted(job)


async def finish_pass(request: web.Request) -> web.StreamResponse:
    """End a pass as it is, completed."""
    job = await daemon(request).jobs.finish_pass(session_id(request), pass_name(request), origin(request))
    return accepted(job)


async def cancel_pass(request: web.Request) -> web.StreamResponse:
    """Give a pass up; what was saved stays."""
    job = await daemon(request).jobs.cancel_pass(session_id(request), pass_name(request), origin(request))
    return accepted(job)


async def _if_there(app: App, session: SessionId) -> Session | None:
    """The session, unless it was deleted since somebody told of it."""
    try:
        return await app.storage.get_session(session)
    except SessionNotFoundError:
        return None


def _as_it_is(session: Session, info: PassInfo) -> PassInfo:
    """The pass with whoever has its lock, as the session tells it."""
    return next((one for one in session.passes if one.name == info.name), info)


def _active_jobs(app: App) -> dict[SessionId, JobId]:
    """The job at each session that has one; the oldest where several wait."""
    newest_first = app.jobs.list(active=True)
    return {job.session_id: job.id for job in newest_first if job.session_id is not None}


def _with_jobs(app: App, sessions: tuple[Session, ...]) -> tuple[Session, ...]:
    """Storage knows no jobs: who works on what is added here."""
    jobs = _active_jobs(app)
    return tuple(replace(one, active_job=jobs[one.id]) if one.id in jobs else one for one in sessions)
