"""How sessions, passes and photos become rows of ``index.db`` and come back."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from scanner.model import CameraName, ObjectRef, PassName, Pause, Photo, PhotoName, SessionId, Viewpoint
from scanner.records import PassInfo, PlanInfo, Session
from scanner.states import PassState
from scanner.storage.documents import Submission
from scanner.storage.schema import INCOMPLETE
from scanner.storage.views import PassRecord

_PER_MILLISECOND: Final = 4096

SESSIONS_COLUMNS: Final = (
    "number, id, title, state, created_at, created_from, origin, operator, object, tags, notes, format, photos, bytes,"
    " thumbnail, damage"
)
PASSES_COLUMNS: Final = (
    "session, name, state, kind, shots, saved, skipped, retaken, bytes, pause, started_at, ended_at, duration_s"
)
PHOTOS_COLUMNS: Final = (
    "name, pass, shot, camera, azimuth, elevation, measured_azimuth, measured_elevation, bytes, sha256, width, height,"
    " taken_at, exposure_us, gain, sharpness, sharpness_relative, clipped"
)


def first_number(session_id: SessionId, created_at: str) -> int:
    """The number a session gets if it is free: by creation time, and the same when the index is made anew."""
    return _milliseconds(created_at) * _PER_MILLISECOND + zlib.crc32(session_id.encode()) % _PER_MILLISECOND


def find_submission(
    connection: sqlite3.Connection, key: str
) -> tuple[Submission, SessionId, tuple[PassName, ...]] | None:
    """The submission of a key as either side of the index tells it. Errors: sqlite3.Error."""
    row = connection.execute(
        "SELECT digest, id, number FROM submissions JOIN sessions ON number = session WHERE key = ?", (key,)
    ).fetchone()
    if row is None:
        return None
    names = connection.execute(
        "SELECT name FROM passes WHERE session = ? AND submission = ? ORDER BY place, name", (row[2], key)
    )
    return Submission(key, row[0]), SessionId(row[1]), tuple(PassName(name) for (name,) in names)


def _milliseconds(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return 0
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0, int(moment.timestamp() * 1000))


def as_json(value: object) -> str | None:
    """JSON text; None stays None."""
    return None if value is None else msgspec.json.encode(value).decode()


def state_word(status: str) -> str:
    """The word that stands for a state in the full-text table, where no word of a person can meet it."""
    return f"state{status}"


def state_words(state: PassState) -> str:
    """All such words of a session."""
    also = f" {state_word('incomplete')}" if state.value in INCOMPLETE else ""
    return state_word(state.value) + also


def search_words(session: Session) -> tuple[str, ...]:
    """What the full-text table holds of a session, in the order of its columns."""
    thing = session.object
    return (
        session.id,
        session.title,
        session.operator,
        f"{thing.id or ''} {thing.label}" if thing else "",
        " ".join(session.tags),
        session.notes,
        " ".join(info.name for info in session.passes),
        state_words(session.state),
    )


def session_row(number: int, session: Session, signature: str) -> tuple[object, ...]:
    """All columns of ``sessions``."""
    return (
        number,
        session.id,
        session.title,
        session.title.casefold(),
        session.state.value,
        session.created_at,
        session.created_from,
        session.origin,
        session.operator,
        as_json(session.object),
        as_json(session.tags),
        session.notes,
        session.format,
        session.photos,
        session.bytes,
        session.bytes,
        session.thumbnail,
        as_json(session.damage),
        signature,
    )


def pass_row(number: int, record: PassRecord) -> tuple[object, ...]:
    """All columns of ``passes``."""
    info = record.info
    return (
        number,
        record.place,
        info.name,
        info.state.value,
        info.plan.kind,
        info.shots,
        info.saved,
        info.skipped,
        info.retaken,
        info.bytes,
        as_json(info.pause),
        info.started_at,
        info.ended_at,
        info.duration_s,
        record.submission.key if record.submission else None,
    )


def photo_row(number: int, photo: Photo) -> tuple[object, ...]:
    """All columns of ``photos``."""
    return (
        number,
        photo.name,
        photo.pass_,
        photo.shot,
        photo.camera,
        photo.azimuth,
        photo.elevation,
        photo.measured.azimuth,
        photo.measured.elevation,
        photo.bytes,
        photo.sha256,
        photo.width,
        photo.height,
        photo.taken_at,
        photo.exposure_us,
        photo.gain,
        photo.sharpness,
        photo.sharpness_relative,
        photo.clipped,
    )


def session_from(row: Sequence[Any], passes: tuple[PassInfo, ...]) -> Session:
    """A session from :data:`SESSIONS_COLUMNS`."""
    return Session(
        id=SessionId(row[1]),
        title=row[2],
        state=PassState(row[3]),
        created_at=row[4],
        created_from=row[5],
        origin=row[6],
        operator=row[7],
        object=None if row[8] is None else msgspec.json.decode(row[8], type=ObjectRef),
        tags=msgspec.json.decode(row[9], type=tuple[str, ...]),
        notes=row[10],
        format=row[11],
        passes=passes,
        photos=row[12],
        bytes=row[13],
        thumbnail=None if row[14] is None else PhotoName(row[14]),
        damage=msgspec.json.decode(row[15], type=tuple[str, ...]),
    )


def pass_from(row: Sequence[Any]) -> PassInfo:
    """A pass from :data:`PASSES_COLUMNS`."""
    return PassInfo(
        name=PassName(row[1]),
        state=PassState(row[2]),
        plan=PlanInfo(kind=row[3]),
        shots=row[4],
        saved=row[5],
        skipped=row[6],
        retaken=row[7],
        bytes=row[8],
        pause=None if row[9] is None else msgspec.json.decode(row[9], type=Pause),
        started_at=row[10],
        ended_at=row[11],
        duration_s=row[12],
    )


def photo_from(row: Sequence[Any]) -> Photo:
    """A photo from :data:`PHOTOS_COLUMNS`."""
    return Photo(
        name=PhotoName(row[0]),
        pass_=PassName(row[1]),
        shot=row[2],
        camera=CameraName(row[3]),
        azimuth=row[4],
        elevation=row[5],
        measured=Viewpoint(row[6], row[7]),
        bytes=row[8],
        sha256=row[9],
        width=row[10],
        height=row[11],
        taken_at=row[12],
        exposure_us=row[13],
        gain=row[14],
        sharpness=row[15],
        sharpness_relative=row[16],
        clipped=row[17],
    )
