"""The JSON documents of a session directory as frozen structs. ``FORMAT.md`` describes every field; a test compares
them.

``session.json`` may be rewritten, ``pass.json`` never is, ``summary.json`` is written whenever the pass ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal, TypeVar

import msgspec
from msgspec import Struct

from scanner import __version__
from scanner.errors import DamagedError
from scanner.model import CameraName, LockedSettings, ObjectRef, PassName, PhotoName, Plan, RigInfo, SessionId
from scanner.spec import PassSpec, ScanSpec
from scanner.states import PassState
from scanner.storage.disk.files import read_whole
from scanner.storage.journal.limits import Count, Seconds

VERSION: Final = 1
SOFTWARE: Final = f"scanner {__version__}"

Document = TypeVar("Document", bound=Struct)


class Submission(Struct, frozen=True):
    """An idempotency key and the sha256 of the decoded body it came with; in ``pass.json`` of every pass it made."""

    key: str
    digest: str


class SessionFile(Struct, frozen=True, kw_only=True):
    """``metadata/session.json``: the session's identity."""

    format: Literal["scanner-session"] = "scanner-session"
    version: int = VERSION
    id: SessionId
    title: str
    created_at: str
    created_from: str | None
    origin: str
    operator: str
    object: ObjectRef | None
    tags: tuple[str, ...]
    notes: str
    rig: str
    software: str


class PassFile(Struct, frozen=True, kw_only=True):
    """``pass.json``: what was asked for, the frozen plan and the rig it was made for. ``number`` orders the passes of a
    session.
    """

    format: Literal["scanner-pass"] = "scanner-pass"
    version: int = VERSION
    session_id: SessionId
    name: PassName
    number: Count
    created_at: str
    spec: PassSpec
    plan: Plan
    rig: RigInfo
    submission: Submission | None


class SummaryFile(Struct, frozen=True, kw_only=True):
    """``summary.json``: what came of a pass. ``synchronised``: whether ``ended_at`` can be believed."""

    format: Literal["scanner-summary"] = "scanner-summary"
    version: int = VERSION
    session_id: SessionId
    name: PassName
    state: PassState
    reason: str
    shots: int
    saved: int
    skipped: int
    retaken: int
    failures: int
    bytes: int
    started_at: str | None
    ended_at: str
    duration_s: float
    synchronised: bool = True


class MarkedPhoto(Struct, frozen=True, kw_only=True, gc=False):
    """A photo in a checkpoint."""

    shot: int
    file: PhotoName
    sha256: str


class MarkedSkip(Struct, frozen=True, kw_only=True, gc=False):
    """A shot that was left out, in a checkpoint."""

    shot: int
    reason: str


class MarkedPass(Struct, frozen=True, kw_only=True):
    """A pass in a checkpoint."""

    name: PassName
    state: PassState
    saved: tuple[MarkedPhoto, ...]
    skipped: tuple[MarkedSkip, ...]
    worked_s: Seconds


class CheckpointFile(Struct, frozen=True, kw_only=True):
    """``checkpoints/<name>.json``: how far every pass was, but for those that could not be read, ``left_out``."""

    format: Literal["scanner-checkpoint"] = "scanner-checkpoint"
    version: int = VERSION
    session_id: SessionId
    name: str
    created_at: str
    origin: str
    automatic: bool
    passes: tuple[MarkedPass, ...]
    left_out: tuple[PassName, ...] = ()


class DeletedFile(Struct, frozen=True, kw_only=True):
    """``deleted.json``: what lies beside it in the trash, since when and by whom. ``folders``: the directories that
    were taken from ``sessions/``; more than one where an older format spread a session over several. ``synchronised``:
    whether ``deleted_at`` can be believed.
    """

    format: Literal["scanner-deleted"] = "scanner-deleted"
    version: int = VERSION
    session_id: SessionId
    title: str
    deleted_at: str
    origin: str
    photos: int
    bytes: int
    folders: tuple[str, ...]
    synchronised: bool = True


_SESSION_FILE: Final = msgspec.json.Decoder(SessionFile)  # made once: 100,000 sessions are read with them
_PASS_FILE: Final = msgspec.json.Decoder(PassFile)


class PassDocument(Struct, frozen=True, kw_only=True):
    """A pass as it was planned, and the camera settings it holds (empty before it was started)."""

    spec: PassSpec
    plan: Plan
    rig: RigInfo
    locked: Mapping[CameraName, LockedSettings]


class NewPass(Struct, frozen=True, kw_only=True):
    """A pass to be created: what was asked for and its plan."""

    spec: PassSpec
    plan: Plan


class NewSession(Struct, frozen=True, kw_only=True):
    """A session to be created. ``title`` is the resolved one; the rest of ``spec`` gives operator, object, tags and
    notes.
    """

    spec: ScanSpec
    title: str
    passes: tuple[NewPass, ...]
    origin: str
    created_from: str | None
    rig: RigInfo
    submission: Submission | None = None


class SessionHandle(Struct, frozen=True):
    """The identity of a session that exists. ``created`` is False where a submission's key had made it before."""

    id: SessionId
    title: str
    created: bool = True


def encode(document: Struct) -> bytes:
    """A document as indented UTF-8 JSON with a final newline: people read these files."""
    return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"


def read_session_file(path: Path) -> SessionFile:
    """Errors: DamagedError, OSError."""
    return session_file(read_whole(path))


def read_pass_file(path: Path) -> PassFile:
    """Errors: DamagedError, OSError."""
    return pass_file(read_whole(path))


def session_file(data: bytes) -> SessionFile:
    """The content of ``session.json``. Errors: DamagedError."""
    return _decode(_SESSION_FILE, data, "session.json")


def pass_file(data: bytes) -> PassFile:
    """The content of ``pass.json``. Errors: DamagedError."""
    return _decode(_PASS_FILE, data, "pass.json")


def read_summary_file(path: Path) -> SummaryFile:
    """Errors: DamagedError, OSError."""
    return _read(path, SummaryFile)


def read_checkpoint_file(path: Path) -> CheckpointFile:
    """Errors: DamagedError, OSError."""
    return _read(path, CheckpointFile)


def read_deleted_file(path: Path) -> DeletedFile:
    """Errors: DamagedError, OSError."""
    return _read(path, DeletedFile)


def _read(path: Path, kind: type[Document]) -> Document:
    return _decode(msgspec.json.Decoder(kind), read_whole(path), path.name)


def _decode(decoder: msgspec.json.Decoder[Document], data: bytes, name: str) -> Document:
    try:
        return decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        message = f"{name} is damaged: {error}"
        raise DamagedError(message, reason="io_error") from error
