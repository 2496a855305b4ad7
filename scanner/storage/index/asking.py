"""What questions to the index have in common: search words, filters as full-text queries, cursors, limits (pure)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal, TypeVar, get_args

import msgspec

from scanner.errors import InvalidError
from scanner.storage.index.folding import words_in

Status = Literal["planned", "running", "paused", "completed", "cancelled", "failed", "incomplete"]
STATUSES: Final = get_args(Status)
MAX_LIMIT: Final = 500
_WORDS: Final = 12  # of a search text that count

Cursor = TypeVar("Cursor", bound=msgspec.Struct)
LARGEST: Final = 2**63 - 1  # number that SQLite can hold
RowNumber = Annotated[int, msgspec.Meta(ge=0, le=LARGEST)]


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with the values it is bound to."""

    text: str
    values: tuple[object, ...]


def words_of(text: str) -> tuple[str, ...] | None:
    """The words of a search text that count; None where there is no text at all."""
    return tuple(words_in(text)[:_WORDS]) if text.strip() else None


def matching(words: Sequence[str], marks: Sequence[str]) -> str:
    """The full-text query: all that :mod:`.terms` made of the words that are searched for, and all marks."""
    return " AND ".join((*words, *(f'"{one}"' for one in marks)))


def check_status(status: str | None) -> None:
    """Errors: InvalidError for a status that cannot be."""
    if status is not None and status not in STATUSES:
        message = f"there is no status {status[:40]!r}; possible: {', '.join(STATUSES)}"
        raise InvalidError(message)


def check_limit(limit: int) -> None:
    """Errors: InvalidError for more than a page may hold, or nothing."""
    if not 1 <= limit <= MAX_LIMIT:
        message = f"limit must be between 1 and {MAX_LIMIT}"
        raise InvalidError(message)


def encode_cursor(cursor: msgspec.Struct) -> str:
    """A cursor as it goes to those who ask for the next page."""
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).decode()


def decode_cursor(text: str, kind: type[Cursor]) -> Cursor:
    """The cursor that came back. Errors: InvalidError."""
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(text), type=kind)
    except (binascii.Error, ValueError) as error:
        message = "after is not the cursor of a page before"
        raise InvalidError(message) from error
