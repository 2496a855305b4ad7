"""The lines of a journal: one struct an event, tagged by ``event``. ``FORMAT.md`` describes every field; a test
compares them.

A line is a fact: written once, after what it says is durable, and never changed. ``seq`` counts from 1 without a gap.
``worked_s`` is the time worked on the pass so far, in seconds, without pauses, by the monotonic clock.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

import msgspec
from msgspec import Struct

from scanner.model import CameraName, JobId, LockedSettings, PhotoName, Quality, Viewpoint, WhiteBalance
from scanner.storage.journal.limits import Bytes, Count, Pixels, Seconds


class Line(Struct, frozen=True, kw_only=True, tag_field="event", gc=False):
    """Base of all lines. ``at`` is UTC. A fact that is not in a journal yet has no number and no time: the journal
    stamps them.
    """

    seq: int = 0
    at: str = ""


class Started(Line, frozen=True, kw_only=True, tag="started"):
    """Work began on ``host``; ``locked`` is what each camera converged to and holds."""

    job_id: JobId | None
    origin: str
    host: str = ""
    locked: dict[CameraName, LockedSettings]


class Resumed(Line, frozen=True, kw_only=True, tag="resumed"):
    """Work went on. ``locked``: cameras locked anew; the others (null: all) hold what they held before."""

    job_id: JobId | None
    origin: str
    host: str = ""
    locked: dict[CameraName, LockedSettings] | None


class Saved(Line, frozen=True, kw_only=True, tag="saved"):
    """A photo is durable. ``adopted``: found complete without a line after a crash; measured and exposure are then the
    planned ones.
    """

    shot: Count
    camera: CameraName
    planned: Viewpoint
    measured: Viewpoint
    file: PhotoName
    bytes: Bytes
    sha256: str
    width: Pixels
    height: Pixels
    taken_at: str
    exposure_us: int
    gain: float
    white_balance: WhiteBalance | None
    lens_position: float | None
    quality: Quality | None
    sharpness_relative: float | None
    settle_s: float
    capture_s: float
    worked_s: Seconds
    adopted: bool = False


class Retaken(Saved, frozen=True, kw_only=True, tag="retaken"):
    """A photo is durable and takes the place of the earlier file ``replaces`` of the same shot."""

    replaces: PhotoName


class Failed(Line, frozen=True, kw_only=True, tag="failed"):
    """A shot could not be taken; it is still planned."""

    shot: Count
    code: str
    message: str


class Skipped(Line, frozen=True, kw_only=True, tag="skipped"):
    """A shot is left out by a person's explicit word."""

    shot: Count
    reason: str


class Damaged(Line, frozen=True, kw_only=True, tag="damaged"):
    """The file of a saved shot is missing or not what was written; the shot is planned again."""

    shot: Count
    file: PhotoName
    reason: str


class Paused(Line, frozen=True, kw_only=True, tag="paused"):
    """Work stands still; the fields are those of :class:`scanner.model.Pause`."""

    by: Literal["user", "guard", "restart", "fault", "operator"]
    reason: str
    message: str
    resumes_by_itself: bool
    worked_s: Seconds


class Finished(Line, frozen=True, kw_only=True, tag="finished"):
    """The pass ended completed; ``reason`` says why where shots are left out."""

    reason: str
    worked_s: Seconds


class Cancelled(Line, frozen=True, kw_only=True, tag="cancelled"):
    """The pass ended by command; what was saved stays."""

    reason: str
    worked_s: Seconds


class PassFailed(Line, frozen=True, kw_only=True, tag="pass_failed"):
    """The pass ended by an error that nobody could wait out."""

    code: str
    message: str
    worked_s: Seconds


class Marked(Line, frozen=True, kw_only=True, tag="checkpoint"):
    """A checkpoint of this name was saved here; without effect on the state."""

    name: str


class Restored(Line, frozen=True, kw_only=True, tag="restored"):
    """The pass went back, or forward, to a checkpoint: exactly these shots are saved, by these files, and these are
    skipped. ``place``: other current files belong into ``.superseded/<place>/``. Journaled before any file moves, so
    that recovery can finish the moves.
    """

    checkpoint: str
    state: Literal["planned", "paused", "completed", "cancelled", "failed"]
    saved: dict[int, PhotoName]
    skipped: dict[int, str]
    place: Count
    worked_s: Seconds


class Superseded(Line, frozen=True, kw_only=True, tag="superseded"):
    """The moves of the restore with this ``place`` are done; ``files`` were moved away."""

    place: Count
    files: tuple[PhotoName, ...]


class Accepted(Struct, frozen=True, kw_only=True):
    """What counts of the journal of an earlier generation: its first ``length`` bytes, whose sha256 this is."""

    generation: int
    length: int
    sha256: str


class LockTaken(Line, frozen=True, kw_only=True, tag="lock_taken"):
    """First line of the journal of a new generation: what counts of every earlier one, whatever they gained later."""

    generation: int
    host: str
    origin: str
    earlier: tuple[Accepted, ...]


class LockForced(LockTaken, frozen=True, kw_only=True, tag="lock_forced"):
    """As :class:`LockTaken`, by force: from whom, and why."""

    from_host: str
    from_origin: str
    reason: str


class Migrated(Line, frozen=True, kw_only=True, tag="migrated"):
    """The pass was made from one of an older format; the lines before tell its history. Without effect on the state."""

    format: str
    software: str


class Unknown(Struct, frozen=True, kw_only=True):
    """A line of an event that this version does not know: kept in the file, without effect on the state."""

    seq: int
    at: str
    event: str


AnyLine = Line | Unknown
_Known = (
    Started
    | Resumed
    | Saved
    | Retaken
    | Failed
    | Skipped
    | Damaged
    | Paused
    | Finished
    | Cancelled
    | PassFailed
    | Marked
    | Restored
    | Superseded
    | LockTaken
    | LockForced
    | Migrated
)
KNOWN: Final[tuple[type[Line], ...]] = get_args(_Known)
_EVENTS: Final = frozenset(kind.__struct_config__.tag for kind in KNOWN)
_DECODER: Final[msgspec.json.Decoder[_Known]] = msgspec.json.Decoder(_Known)
_UNKNOWN: Final[msgspec.json.Decoder[Unknown]] = msgspec.json.Decoder(Unknown)


def encode_line(line: AnyLine) -> bytes:
    """One line of JSON with its newline."""
    return msgspec.json.encode(line) + b"\n"


def decode_lines(data: bytes) -> list[AnyLine]:
    """All lines at once. Errors: ValueError for one that is damaged or of an event that this version does not know."""
    return [*_DECODER.decode_lines(data)]


def decode_line(raw: bytes) -> AnyLine:
    """A line without its newline. Errors: ValueError saying what is wrong (msgspec's errors are ValueErrors, as is bad
    UTF-8).
    """
    try:
        return _DECODER.decode(raw)
    except msgspec.ValidationError:
        other = _UNKNOWN.decode(raw)
        if other.event in _EVENTS:
            raise
        return other
