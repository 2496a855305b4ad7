"""Sessions, passes and jobs as everybody outside their owner sees them: frozen snapshots, and the shapes of the API.

Storage makes Session and PassInfo from the session directories, the job queue makes Job. Reading one never changes
anything.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct, field

from scanner.model import CameraName, JobId, ObjectRef, PassName, Pause, PhotoName, Progress, SessionId
from scanner.states import JobState, PassState, ShotState

WAITING_LIMIT: Final = 1000  # jobs in the queue


class PlanInfo(Struct, frozen=True, kw_only=True):
    """The kind of a frozen plan."""

    kind: str


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
    lock: Any = None
    started_at: str | None = None
    ended_at: str | None = None
    duration_s: float = 0.0


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
    """Why a job failed."""

    code: str
    message: str


class JobResult(Struct, frozen=True, kw_only=True):
    """What came of an ended job."""

    saved: int = 0
    skipped: int = 0
    retaken: int = 0
    bytes: int = 0
    duration_s: float = 0.0
    path: str | None = None


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
    created_at: str
    started_at: str | None = None
    ended_at: str | None = None
    elapsed_s: float = 0.0  # time worked, without pauses and restarts
    order: str | None = None  # a command that is being carried out: "pause" until the shot at work is saved
    shot: int | None = None  # the shot on which a paused scan failed: what ``skip`` passes over
    rank: float = 0.0  # sorts the queue; only its order means something
    options: dict[str, str] = {}
