"""How sessions and passes become rows of ``index.db`` and come back."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

import msgspec

from scanner.model import ObjectRef, PassName, Pause, Photo, PhotoName, SessionId
from scanner.records import PassHistory, PassInfo, PlanInfo, Session
from scanner.states import PassState
from scanner.storage.directory.views import PassRecord, SessionRecord
from scanner.storage.index.folding import folded
from scanner.storage.index.schema import INCOMPLETE
from scanner.storage.journal.documents import Submission
from scanner.storage.journal.plain import Size

_PER_MILLISECOND: Final = 4096
_LATEST: Final = 253_402_300_799_000  # milliseconds from 1970 to the last second that a date can tell
_SIZES: Final = msgspec.json.Decoder(tuple[Size, ...])

_MARK: Final = "\ue001"  # begins every mark; of private use, a letter to SQLite, and in no word (see folding)
EVERY: Final = f"{_MARK}every"  # the mark that all passes have

SESSIONS_COLUMNS: Final = (
    "number, id, title, state, created_at, created_from, origin, operator, object, tags, notes, format, photos, bytes,"
    " thumbnail, damage, migrated_from"
)
PASSES_COLUMNS: Final = (
    "session, name, state, kind, shots, saved, skipped, retaken, bytes, pause, started_at, ended_at, duration_s,"
    " damaged"
)
HISTORY_COLUMNS: Final = (
    "p.number, s.id, p.name, s.title, s.object, p.state, s.operator, p.host, p.rig, s.created_from, p.origin,"
    " p.started_at, p.ended_at, p.shots, p.saved, p.skipped, p.retaken, p.failures, p.bytes, p.duration_s, p.reason"
)


def first_number(name: str, at: str) -> int:
    """The number a session or pass gets if it is free: by time, and the same when the index is made anew."""
    return number_from(milliseconds(at)) + zlib.crc32(name.encode()) % _PER_MILLISECOND


def number_from(moment: int) -> int:
    """The lowest number of a moment, in milliseconds since 1970."""
    return moment * _PER_MILLISECOND


def pass_number(session_id: SessionId, record: PassRecord) -> int:
    """As :func:`first_number`, by the time the pass began, or was planned."""
    return first_number(f"{session_id}/{record.info.name}", record.info.started_at or record.created_at)


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


def find_signature(connection: sqlite3.Connection, session_id: SessionId) -> str | None:
    """The signature of a session that lies under its own name, as either side of the index tells it. Errors:
    sqlite3.Error.
    """
    row = connection.execute(
        "SELECT signature FROM sessions WHERE id = ? AND number NOT IN (SELECT session FROM legacy)", (session_id,)
    ).fetchone()
    return None if row is None else str(row[0])


def milliseconds(text: str) -> int:
    """Milliseconds from 1970 to a time as it stands in a document; 0 for what is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return 0
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max(0, int(moment.timestamp() * 1000)), _LATEST)


def as_json(value: object) -> str | None:
    """JSON text; None stays None."""
    return None if value is None else msgspec.json.encode(value).decode()


@lru_cache(1024)
def mark(kind: str, value: str) -> str:
    """The word that stands for a value in the full-text tables."""
    return f"{_MARK}{kind}x{value.casefold().encode().hex()}"


def session_marks(session: Session) -> str:
    """All that sessions are filtered by."""
    tags = (mark("tag", tag) for tag in session.tags)
    older = () if session.format == "current" else (mark("format", "legacy"),)  # whichever it is
    format_ = mark("format", session.format)
    return " ".join((*_state_marks(session.state), format_, *older, _operator(session), *tags))


def pass_marks(session: Session, record: PassRecord) -> str:
    """All that passes are filtered by."""
    preset = () if session.created_from is None else (mark("preset", session.created_from),)
    return " ".join((EVERY, *_state_marks(record.info.state), mark("rig", record.rig), _operator(session), *preset))


def _state_marks(state: PassState) -> tuple[str, ...]:
    also = (mark("state", "incomplete"),) if state.value in INCOMPLETE else ()
    return (mark("state", state.value), *also)


def _operator(session: Session) -> str:
    return mark("operator", session.operator)


def search_words(session: Session) -> tuple[str, ...]:
    """What the full-text tables hold of a session and its passes, in the order of their columns, but for the last two:
    names of passes, and marks.
    """
    thing = session.object
    return (
        session.id,
        folded(session.title),
        folded(session.operator),
        folded(f"{thing.id or ''} {thing.label}") if thing else "",
        folded(" ".join(session.tags)),
        folded(session.notes),
    )


def session_row(number: int, record: SessionRecord) -> tuple[object, ...]:
    """All columns of ``sessions``."""
    session = record.session
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
        session.migrated_from,
        record.signature,
        record.marked,
    )


def pass_row(number: int, session: int, record: PassRecord) -> tuple[object, ...]:
    """All columns of ``passes``."""
    info = record.info
    return (
        number,
        session,
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
        info.damaged,
        record.submission.key if record.submission else None,
        record.created_at,
        record.rig,
        record.host,
        record.origin,
        record.failures,
        record.reason,
        as_json(record.sizes),
        record.first,
    )


def with_photo(sizes: str, photo: Photo) -> str:
    """The column ``sizes`` with one photo more."""
    found = {entry[:3]: entry[3:] for entry in sizes_from(sizes)}
    key = (photo.camera, photo.width, photo.height)
    photos, size = found.get(key, (0, 0))
    found[key] = (photos + 1, size + photo.bytes)
    return msgspec.json.encode([(*key, *counts) for key, counts in sorted(found.items())]).decode()


def sizes_from(text: str) -> tuple[Size, ...]:
    """The column ``sizes``."""
    return _SIZES.decode(text)


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
        migrated_from=row[16],
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
        damaged=row[13],
    )


def history_from(row: Sequence[Any]) -> PassHistory:
    """A pass in the history from :data:`HISTORY_COLUMNS`."""
    photos, worked = row[14], row[19]
    return PassHistory(
        session_id=SessionId(row[1]),
        pass_=PassName(row[2]),
        title=row[3],
        object=None if row[4] is None else msgspec.json.decode(row[4], type=ObjectRef),
        state=PassState(row[5]),
        operator=row[6],
        host=row[7],
        rig=row[8],
        preset=row[9],
        origin=row[10],
        started_at=row[11],
        ended_at=row[12],
        shots=row[13],
        photos=photos,
        skipped=row[15],
        retakes=row[16],
        failures=row[17],
        bytes=row[18],
        duration_s=worked,
        photos_per_hour=photos_per_hour(photos, worked),
        reason=row[20],
    )


def photos_per_hour(photos: int, worked_s: float) -> float | None:
    """Photos an hour of work; None before the first second."""
    return round(photos * 3600 / worked_s, 1) if worked_s >= 1 else None
