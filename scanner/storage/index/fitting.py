"""What the database cannot hold: figures beyond all measure and text that is none, from documents of no scanner.

Such a session must not keep the others out of the index, and says nothing against the database itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from msgspec import structs

from scanner.states import PassState
from scanner.storage.directory.views import PassRecord, SessionRecord
from scanner.storage.index.rows import pass_marks, pass_row, search_words, session_marks, session_row
from scanner.storage.journal.limits import LARGEST_COUNT, LONGEST

_LARGEST: Final = 1 << 44  # bytes of a pass: the sum of 100,000 of them is still a number of the database
_WHY: Final = "what its documents tell cannot be stored ({why}); its passes are not listed, its files are left alone"


def fitting(record: SessionRecord) -> SessionRecord:
    """The record itself, or, where the database cannot hold it, the session without its passes, told as damaged."""
    try:
        _check(record)
    except (ValueError, OverflowError) as error:
        return _bare(record, _WHY.format(why=_plain(str(error))))
    return record


def _check(record: SessionRecord) -> None:
    """Errors: ValueError, OverflowError."""
    session = record.session
    values = [*session_row(0, record), *search_words(session), session_marks(session)]
    for one in record.passes:
        values += [*pass_row(0, 0, one), pass_marks(session, one)]
        for name, figure, most in _figures(one):
            if not 0 <= figure <= most:
                message = f"{name} {figure:g} of pass {one.info.name}"
                raise ValueError(message)
    for value in values:
        if isinstance(value, str):
            value.encode()


def _figures(record: PassRecord) -> Iterator[tuple[str, float, float]]:
    """All that is counted or stored as a number, and the most it can be."""
    info = record.info
    yield "duration", info.duration_s if math.isfinite(info.duration_s) else -1.0, LONGEST
    yield "number", record.place, LARGEST_COUNT
    for name in ("shots", "saved", "skipped", "retaken", "damaged"):
        yield name, getattr(info, name), LARGEST_COUNT
    yield "failures", record.failures, LARGEST_COUNT
    yield "bytes", info.bytes, _LARGEST
    for size in record.sizes:
        yield "bytes of photos", size[-1], _LARGEST


def _bare(record: SessionRecord, why: str) -> SessionRecord:
    old = record.session
    session = structs.replace(
        old,
        title=_plain(old.title),
        state=PassState.PLANNED,
        created_at=_plain(old.created_at),
        created_from=None,
        origin="",
        operator="",
        object=None,
        tags=(),
        notes="",
        passes=(),
        photos=0,
        bytes=0,
        thumbnail=None,
        damage=(*map(_plain, old.damage), why),
    )
    return structs.replace(record, session=session, passes=())


def _plain(text: str) -> str:
    return text.encode(errors="replace").decode()
