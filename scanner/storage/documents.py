"""The JSON documents of a session directory as frozen structs. ``FORMAT.md`` describes every field; a test compares
them.

``session.json`` may be rewritten, ``pass.json`` never is, ``summary.json`` is written whenever the pass ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeVar

import msgspec
from msgspec import Struct

from scanner import __version__
from scanner.errors import DamagedError
from scanner.model import CameraName, LockedSettings, ObjectRef, PassName, Plan, RigInfo, SessionId
from scanner.spec import PassSpec, ScanSpec
from scanner.states import PassState

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
    number: int
    created_at: str
    spec: PassSpec
    plan: Plan
    rig: RigInfo
    submission: Submission | None


class SummaryFile(Struct, frozen=True, kw_only=True):
    """``summary.json``: what came of a pass."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class PassDocument:
    """A pass as it was planned, and the camera settings it holds (empty before it was started)."""

    spec: PassSpec
    plan: Plan
    rig: RigInfo
    locked: Mapping[CameraName, LockedSettings]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPass:
    """A pass to be created: what was asked for and its plan."""

    spec: PassSpec
    plan: Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSession:
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


@dataclass(frozen=True, slots=True)
class SessionHandle:
    """The identity of a session that exists. ``created`` is False where a submission's key had made it before."""

    id: SessionId
    title: str
    created: bool = True


def encode(document: Struct) -> bytes:
    """A document as indented UTF-8 JSON with a final newline: people read these files."""
    return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"


def read_session_file(path: Path) -> SessionFile:
    """Errors: DamagedError, OSError."""
    return _read(path, SessionFile)


def read_pass_file(path: Path) -> PassFile:
    """Errors: DamagedError, OSError."""
    return _read(path, PassFile)


def _read(path: Path, kind: type[Document]) -> Document:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        message = f"{path.name} is damaged: {error}"
        raise DamagedError(message, reason="io_error") from error
