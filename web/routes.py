"""The one table of routes. What is not in it does not exist; what is in it says who may use it and what goes in and
out.

The router, the check of roles and the OpenAPI description are made from it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiohttp import web
from msgspec import Struct

from scanner.access import Role
from scanner.hardware.sim.faults import Faults
from scanner.logbook import LogEntry
from scanner.model import CameraInfo
from scanner.records import (
    AuditEntry,
    CheckpointInfo,
    CleanedSession,
    Job,
    JobReport,
    LockInfo,
    MergeQuestion,
    PassHistory,
    Session,
    Statistics,
    TrashEntry,
)
from scanner.spec import PassSpec, ScanSpec
from scanner.storage import SessionChanges
from web.api import (
    cameras,
    checkpoints,
    demo,
    events,
    history,
    jobs,
    legacy,
    life,
    locks,
    login,
    logs,
    page,
    people,
    photos,
    rig,
    scans,
    sessions,
    state,
    system,
)
from web.codec import JSON, Listed

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

SSE: Final = "text/event-stream"
ZIP: Final = "application/zip"
JPEG: Final = "image/jpeg"
MJPEG: Final = "multipart/x-mixed-replace"
CSV: Final = "text/csv"
PROMETHEUS: Final = "text/plain"
FILE: Final = "application/octet-stream"


class Route(Struct, frozen=True, kw_only=True):
    """A route. ``gives`` is the type of a JSON answer; ``media`` what else is answered, or instead. A ``stream`` has no
    HEAD. ``audited``: a request that changes something is entered in the audit.
    """

    method: str
    path: str
    handler: Handler
    role: Role
    takes: Any = None
    query: Any = None
    gives: Any = None
    media: str = JSON
    status: int = 200
    stream: bool = False
    audited: bool = True

    @property
    def summary(self) -> str:
        """What it does: the first line of the handler's docstring."""
        return (self.handler.__doc__ or "").strip().splitlines()[0]


def get(path: str, handler: Handler, gives: Any = None, **more: Any) -> Route:  # noqa: ANN401 - types are values here
    """A route that looks; for viewers unless it says otherwise."""
    return Route(**{"method": "GET", "path": path, "handler": handler, "role": Role.VIEWER, "gives": gives, **more})


def post(path: str, handler: Handler, gives: Any = None, **more: Any) -> Route:  # noqa: ANN401 - types are values here
    """A route that does something; for operators unless it says otherwise."""
    return Route(**{"method": "POST", "path": path, "handler": handler, "role": Role.OPERATOR, "gives": gives, **more})


def patch(path: str, handler: Handler, gives: Any = None, **more: Any) -> Route:  # noqa: ANN401 - types are values here
    """A route that changes something that is there; for operators."""
    return Route(**{"method": "PATCH", "path": path, "handler": handler, "role": Role.OPERATOR, "gives": gives, **more})


def delete(path: str, handler: Handler, gives: Any = None, **more: Any) -> Route:  # noqa: ANN401 - types are values here
    """A route that takes something away; for operators."""
    return Route(
        **{"method": "DELETE", "path": path, "handler": handler, "role": Role.OPERATOR, "gives": gives, **more}
    )


SESSION: Final = "/api/sessions/{id}"
PASSES: Final = "/api/sessions/{id}/passes/{pass}"
JOB: Final = "/api/jobs/{id}"
CAMERA: Final = "/api/cameras/{name}"
USER: Final = "/api/users/{name}"
SHELL: Final[dict[str, Any]] = {"role": Role.PUBLIC, "media": "text/html"}

ROUTES: Final[tuple[Route, ...]] = (
    # scans
    post("/api/scans", scans.start, Job, takes=ScanSpec, status=202),
    post("/api/scan/stream", scans.start_stream, takes=ScanSpec, media=SSE, stream=True),
    post("/api/plans", scans.plans, scans.PlansAnswer, takes=ScanSpec, role=Role.VIEWER, audited=False),
    # sessions
    get("/api/sessions", sessions.list_all, Listed[Session], query=sessions.SessionsQuery),
    get("/api/sessions/active", sessions.list_active, Listed[Session]),
    get("/api/sessions/restorable", sessions.list_restorable, Listed[sessions.Restorable]),
    get("/api/sessions/questions", legacy.questions, Listed[MergeQuestion]),
    post("/api/sessions/import", legacy.import_, Job, takes=legacy.Import, status=202, role=Role.ADMIN),
    post("/api/sessions/migrate", legacy.migrate_all, Job, takes=legacy.MigrateAll, status=202, role=Role.ADMIN),
    post("/api/sessions/merge", legacy.merge, Session, takes=legacy.Merge),
    post("/api/sessions/verify", life.verify_all, Job, status=202),
    post("/api/sessions/reindex", life.reindex, Job, status=202, role=Role.ADMIN),
    post("/api/sessions/clean", life.clean, Listed[CleanedSession], takes=life.CleanUp),
    get(SESSION, sessions.show, Session),
    patch(SESSION, life.edit, Session, takes=SessionChanges),
    delete(SESSION, life.delete, TrashEntry),
    post(f"{SESSION}/undelete", life.undelete, Session),
    post(f"{SESSION}/verify", life.verify, Job, status=202),
    post(f"{SESSION}/migrate", legacy.migrate, Job, takes=legacy.Migrate, status=202),
    get(f"{SESSION}/checkpoints", checkpoints.list_of_session, Listed[CheckpointInfo]),
    post(f"{SESSION}/checkpoints", checkpoints.save, CheckpointInfo, takes=checkpoints.NewCheckpoint, status=201),
    post(f"{SESSION}/checkpoints/{{name}}/restore", checkpoints.restore, CheckpointInfo),
    post(f"{SESSION}/passes", scans.add_pass, Job, takes=PassSpec, status=202),
    get(PASSES, sessions.show_pass, sessions.PassView),
    post(f"{PASSES}/resume", sessions.resume_pass, Job, status=202),
    post(f"{PASSES}/finish", sessions.finish_pass, Job, status=202),
    post(f"{PASSES}/cancel", sessions.cancel_pass, Job, status=202),
    get(f"{SESSION}/photos", photos.list_photos, Listed[photos.PhotoView], query=photos.PhotosQuery),
    get(f"{SESSION}/photos/{{photo}}", photos.photo, query=photos.PhotoQuery, media=JPEG),
    post(f"{SESSION}/exports", photos.start_export, Job, takes=photos.ExportOrder, status=202),
    get(f"{SESSION}/exports", photos.list_exports, Listed[str]),
    get(f"{SESSION}/exports/{{name}}", photos.download_export, media=ZIP),
    get(f"{SESSION}/download", photos.download, query=photos.DownloadQuery, media=ZIP),
    get("/api/checkpoints", checkpoints.list_all, Listed[CheckpointInfo], query=checkpoints.CheckpointsQuery),
    get("/api/trash", life.list_trash, Listed[TrashEntry]),
    post("/api/trash/purge", life.purge, Listed[TrashEntry], takes=life.Purge, role=Role.ADMIN),
    # who works on what, and what was done
    get("/api/locks", locks.list_all, Listed[LockInfo]),
    post("/api/locks/release", locks.release, LockInfo, takes=locks.Release),
    get("/api/audit", locks.list_audit, Listed[AuditEntry], query=locks.AuditQuery, role=Role.OPERATOR),
    get("/api/passes", history.list_passes, Listed[PassHistory], query=history.PassesQuery, media=CSV),
    get("/api/statistics", history.statistics, Statistics, query=history.StatisticsQuery),
    # who may do what
    get("/api/me", login.me, login.Me, role=Role.PUBLIC),
    post("/api/login", login.log_in, login.Me, takes=login.Login, role=Role.PUBLIC),
    post("/api/logout", login.log_out, status=204, role=Role.PUBLIC),
    post("/api/setup", login.set_up, login.Me, takes=login.Setup, role=Role.PUBLIC),
    get("/api/setup/code", login.setup_code, login.SetupCode, role=Role.ADMIN),
    post("/api/me/password", login.change_password, takes=login.NewPassword, status=204, role=Role.VIEWER),
    get("/api/users", people.list_users, Listed[people.UserView], role=Role.ADMIN),
    post("/api/users", people.add_user, people.UserView, takes=people.NewUser, status=201, role=Role.ADMIN),
    patch(USER, people.change_user, people.UserView, takes=people.UserChanges, role=Role.ADMIN),
    delete(USER, people.remove_user, status=204, role=Role.ADMIN),
    get("/api/tokens", people.list_tokens, Listed[people.TokenView], role=Role.ADMIN),
    post("/api/tokens", people.make_token, people.MadeToken, takes=people.NewToken, status=201, role=Role.ADMIN),
    delete("/api/tokens/{id}", people.revoke_token, status=204, role=Role.ADMIN),
    get("/api/logs", logs.list_lines, Listed[LogEntry], query=logs.LogsQuery, role=Role.OPERATOR),
    get("/api/logs/follow", logs.follow, query=logs.FollowQuery, role=Role.OPERATOR, media=SSE, stream=True),
    # jobs
    get("/api/jobs", jobs.list_all, Listed[Job]),
    get("/api/jobs/active", jobs.list_active, Listed[Job]),
    get("/api/jobs/report", history.job_report, Listed[JobReport], query=history.ReportQuery, media=CSV),
    delete("/api/jobs", jobs.clear, status=204),
    get(JOB, jobs.show, Job),
    delete(JOB, jobs.remove, Job),
    post(f"{JOB}/pause", jobs.pause, Job, takes=jobs.Order),
    post(f"{JOB}/resume", jobs.resume, Job, takes=jobs.Order),
    post(f"{JOB}/cancel", jobs.cancel, Job, takes=jobs.Order),
    post(f"{JOB}/finish", jobs.finish, Job, takes=jobs.Order),
    post(f"{JOB}/halt", jobs.halt, Job, takes=jobs.Order, role=Role.VIEWER),  # Stop is everybody's
    post(f"{JOB}/skip", jobs.skip, Job, takes=jobs.Order),
    post(f"{JOB}/move", jobs.move, Job, takes=jobs.Place),
    # rig and cameras
    get("/api/rig", rig.show, state.RigView),
    post("/api/rig/home", rig.home, state.RigView),
    post("/api/rig/move", rig.move, state.RigView, takes=rig.Move),
    post("/api/rig/stop", rig.stop, state.RigView, role=Role.VIEWER),  # Stop is everybody's
    post("/api/rig/light", rig.light, state.RigView, takes=rig.Level),
    get(f"{CAMERA}/preview", cameras.preview, media=MJPEG, stream=True),
    get(f"{CAMERA}/snapshot", cameras.snapshot, media=JPEG),
    get(f"{CAMERA}/settings", cameras.settings, CameraInfo),
    # what happens
    get("/api/events", events.events, query=events.EventsQuery, media=SSE, stream=True),
    get("/api/ws", events.websocket, media="websocket", status=101, stream=True),
    get("/api/state", state.state, state.State),
    get("/api/system", system.show, system.System),
    get("/metrics", system.metrics, media=PROMETHEUS),
    get("/healthz", state.healthz, state.Alive, role=Role.PUBLIC),
    post("/api/demo/faults", demo.faults, takes=Faults, status=204, role=Role.ADMIN),
    get("/api/openapi.json", page.openapi),
    # the page
    get("/", page.view, **SHELL),
    get("/sessions", page.view, **SHELL),
    get("/sessions/{id}", page.view, **SHELL),
    get("/jobs", page.view, **SHELL),
    get("/statistics", page.view, **SHELL),
    get("/account", page.view, **SHELL),
    get("/users", page.view, **SHELL),
    get("/static/{path:.+}", page.asset, role=Role.PUBLIC, media=FILE),
)
