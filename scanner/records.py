"""Sessions, passes and jobs as everybody outside their owner sees them: frozen snapshots, and the shapes of the API.

Storage makes Session and PassInfo from the session directories, the job queue makes Job. Reading one never changes
anything.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from msgspec import Struct, field

from scanner.model import CameraName, JobId, ObjectRef, PassName, Pause, PhotoName, Progress, SessionId
from scanner.states import JobState, PassState, ShotState

WAITING_LIMIT: Final = 1000  # jobs in the queue


class PlanInfo(Struct, frozen=True, kw_only=True):
    """The kind of a frozen plan."""

    kind: str


class LockInfo(Struct, frozen=True, kw_only=True):
    """Who works on a pass, as everybody sees it. ``beat`` is the holder's heartbeat counter, ``beats`` the seconds
    since each of its last ones was seen here, newest first. ``alive``: it works; ``stale``: no heartbeat for too long;
    ``gone``: the holder is known to have ended.
    """

    session_id: SessionId
    pass_: PassName = field(name="pass")
    host: str
    user: str
    origin: str
    since: str
    beat: int = 0
    beats: tuple[float, ...] = ()
    state: Literal["alive", "stale", "gone"]
    own: bool
    job_id: JobId | None = None


class PassInfo(Struct, frozen=True, kw_only=True):
    """A pass in a session. ``shots`` = planned photos; ``duration_s`` is time worked, without pauses."""

    name: PassName
    state: PassState
    shots: int
    saved: int
    skipped: int = 0
    retaken: int = 0
    bytes: int = 0
    plan: PlanInfo
    pause: Pause | None = None
    lock: LockInfo | None = None
    started_at: str | None = None
    ended_at: str | None = None
    duration_s: float = 0.0
    damaged: int = 0  # saved shots whose photo was found missing or damaged and that are planned again


class Session(Struct, frozen=True, kw_only=True):
    """A session. ``created_from`` names what was asked for (preset, schedule), ``origin`` who asked (``web:anna``,
    ``cli``).
    """

    id: SessionId
    title: str
    state: PassState
    created_at: str
    created_from: str | None
    origin: str
    operator: str
    object: ObjectRef | None
    tags: tuple[str, ...]
    notes: str
    format: str
    passes: tuple[PassInfo, ...]
    photos: int
    bytes: int
    thumbnail: PhotoName | None
    migrated_from: str | None = None  # the format of the old folder that is kept and to which undoing leads back
    active_job: JobId | None = None
    damage: tuple[str, ...] = ()  # what is wrong with its files, a sentence each


class ShotInfo(Struct, frozen=True, kw_only=True, gc=False):
    """One shot of a pass with its state: what dome and contact sheet draw."""

    shot: int
    azimuth: float
    elevation: float
    camera: CameraName
    state: ShotState
    photo: PhotoName | None = None
    retaken: bool = False


class Fault(Struct, frozen=True, kw_only=True):
    """Why a job failed, or was cancelled by nobody: its session is gone, or its passes were cancelled elsewhere. Of one
    that somebody cancelled: what the disk did not take down of that. ``detail``: the same facts for a machine.
    """

    code: str
    message: str
    detail: dict[str, Any] = {}


class JobResult(Struct, frozen=True, kw_only=True):
    """What came of an ended job."""

    saved: int = 0
    skipped: int = 0
    retaken: int = 0
    bytes: int = 0
    duration_s: float = 0.0
    path: str | None = None
    notes: tuple[str, ...] = ()  # what was found, a sentence each
    flawed: bool = False  # verifying found something missing, damaged, or not to be read


class Job(Struct, frozen=True, kw_only=True):
    """A job as it now is; the shape of ``GET /api/jobs``. ``pass_`` is the pass at work or next."""

    id: JobId
    kind: str
    state: JobState
    session_id: SessionId | None
    pass_: PassName | None = field(name="pass", default=None)
    passes: tuple[PassName, ...] = ()
    title: str = ""
    origin: str
    progress: Progress
    pause: Pause | None = None
    error: Fault | None = None
    result: JobResult | None = None
    queue_position: int | None = None
    waits_for: JobId | None = None  # of a job in the queue: the one that has its lane, at work or paused
    created_at: str
    started_at: str | None = None
    ended_at: str | None = None
    elapsed_s: float = 0.0  # time worked, without pauses and restarts
    order: str | None = None  # a command that is being carried out: "pause" until the shot at work is saved
    shot: int | None = None  # the shot on which a paused scan failed: what ``skip`` passes over
    rank: float = 0.0  # sorts the queue; only its order means something
    options: dict[str, str] = {}


class JobReport(Struct, frozen=True, kw_only=True):
    """A job as a row of a report; the shape of ``GET /api/jobs/report``. ``worked_s``: without pauses; ``error``: why
    it failed or was cancelled.
    """

    id: JobId
    kind: str
    title: str
    session_id: SessionId | None
    passes: tuple[PassName, ...]
    state: JobState
    created_at: str
    started_at: str | None
    ended_at: str | None
    worked_s: float
    photos: int
    bytes: int
    error: str | None


class PassHistory(Struct, frozen=True, kw_only=True):
    """One pass in the history; the shape of ``GET /api/passes``. ``preset``: what the session was created from.
    ``reason``: why the pass ended. ``photos_per_hour``: of the time worked; None before the first second.
    """

    session_id: SessionId
    pass_: PassName = field(name="pass")
    title: str
    object: ObjectRef | None
    state: PassState
    operator: str
    host: str
    rig: str
    preset: str | None
    origin: str
    started_at: str | None
    ended_at: str | None
    shots: int
    photos: int
    skipped: int
    retakes: int
    failures: int
    bytes: int
    duration_s: float
    photos_per_hour: float | None
    reason: str


class Tally(Struct, frozen=True, kw_only=True):
    """What a number of passes amount to; ``key`` is the preset, rig, operator or day they have in common."""

    key: str = ""
    sessions: int = 0
    passes: int = 0
    completed: int = 0
    photos: int = 0
    bytes: int = 0
    duration_s: float = 0.0
    retakes: int = 0
    failures: int = 0
    photos_per_hour: float | None = None


class Statistics(Struct, frozen=True, kw_only=True):
    """Passes that began in ``[since, until)`` (UTC days), in all and by what they have in common, largest first; days
    in order. Passes of which nobody knows when they began count in all, unless ``since`` is given, and in no day.
    """

    since: str | None
    until: str | None
    total: Tally
    by_preset: tuple[Tally, ...]
    by_rig: tuple[Tally, ...]
    by_operator: tuple[Tally, ...]
    by_day: tuple[Tally, ...]


class CheckpointInfo(Struct, frozen=True, kw_only=True):
    """A checkpoint of a session. ``automatic``: made by the daemon before a change; ``origin``: by whom. ``notes``: in
    the answer to a restore, what was found, a sentence each.
    """

    session_id: SessionId
    name: str
    created_at: str
    origin: str
    automatic: bool
    photos: int
    passes: dict[PassName, PassState]
    notes: tuple[str, ...] = ()


class CleanedSession(Struct, frozen=True, kw_only=True, gc=False):
    """A session that went into the trash for its age, or would: so much as tells which it was, of up to 100,000."""

    id: SessionId
    title: str
    state: PassState
    created_at: str
    photos: int
    bytes: int


class TrashEntry(Struct, frozen=True, kw_only=True):
    """A deleted session that can still come back."""

    session_id: SessionId
    title: str
    deleted_at: str
    origin: str
    photos: int
    bytes: int


class AuditEntry(Struct, frozen=True, kw_only=True):
    """Who did what that others should know of."""

    at: str
    who: str
    what: str
    session_id: SessionId | None
    detail: str


class Verification(Struct, frozen=True, kw_only=True):
    """What re-hashing a session found: names of photos and files. ``unmarked``: which damage could not be marked, and
    why, and what this program may not read, a sentence each.
    """

    session_id: SessionId
    checked: int
    missing: tuple[str, ...]
    damaged: tuple[str, ...]
    unlisted: tuple[str, ...]
    unmarked: tuple[str, ...] = ()


class MergeQuestion(Struct, frozen=True, kw_only=True):
    """Two sessions of an older format that may be one scan: only a person can tell."""

    first: SessionId
    second: SessionId
    text: str
