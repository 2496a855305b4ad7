"""What foreign JSON says, asked field by field: whatever has another type than it should is said and counts as absent.

Nothing here raises for what a file holds. Times are an epoch, or naive local time that is read in a given zone and
marked so.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Final

from scanner.clock import utc_text

LARGEST: Final = 1e15  # numbers beyond mean nothing in these files
_LOST: Final = (ValueError, OverflowError, OSError)  # what dates beyond the calendar raise


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A time. ``naive``: the text it was read from where that named no zone (``at`` then rests on the importing zone).

    ``origin`` says where it stood.
    """

    at: datetime
    naive: str | None
    origin: str

    @property
    def text(self) -> str:
        """UTC, as on disk and in the API."""
        return utc_text(self.at)


class Fields:
    """A JSON object. ``complain`` hears of every field that is not what it should be."""

    def __init__(self, data: Mapping[str, object], complain: Callable[[str], None], path: str = "") -> None:
        self._data = data
        self._complain = complain
        self._path = path

    def __contains__(self, key: str) -> bool:
        return key in self._data

    def names(self) -> tuple[str, ...]:
        """Its fields."""
        return tuple(printable(key) for key in self._data)

    def text(self, key: str) -> str | None:
        """A text without outer blanks; None where it is absent, empty or no text."""
        value = self._data.get(key)
        if isinstance(value, str):
            return printable(value).strip() or None
        self._absent(key, value, "text")
        return None

    def number(self, key: str) -> float | None:
        """A finite number."""
        value = self._data.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool) and -LARGEST < value < LARGEST:
            return float(value)
        self._absent(key, value, "number")
        return None

    def count(self, key: str) -> int | None:
        """A whole number from 0."""
        value = self.number(key)
        if value is None:
            return None
        if value >= 0 and value == int(value):
            return int(value)
        self._absent(key, value, "whole number")
        return None

    def inside(self, key: str) -> Fields:
        """The object below ``key``; an empty one where there is none."""
        value = self._data.get(key)
        if not isinstance(value, dict):
            self._absent(key, value, "object")
            value = {}
        return Fields(value, self._complain, f"{self._path}{key}.")

    def objects(self, key: str) -> tuple[Fields, ...]:
        """The objects of the list below ``key``."""
        items = self._list(key)
        found = [Fields(item, self._complain, f"{self._path}{key}.") for item in items if isinstance(item, dict)]
        if len(found) != len(items):
            self._absent(key, 0, "list of objects")
        return tuple(found)

    def texts(self, key: str) -> tuple[str, ...]:
        """The texts of the list below ``key``."""
        items = self._list(key)
        found = tuple(item for item in items if isinstance(item, str))
        if len(found) != len(items):
            self._absent(key, 0, "list of texts")
        return found

    def numbers(self, key: str) -> tuple[float, ...]:
        """The numbers of the list below ``key``; none at all if one is no number."""
        items = self._list(key)
        found = [item for item in items if isinstance(item, int | float) and not isinstance(item, bool)]
        if len(found) != len(items) or not all(-LARGEST < item < LARGEST for item in found):
            self._absent(key, 0, "list of numbers")
            return ()
        return tuple(float(item) for item in found)

    def epoch(self, key: str, origin: str) -> Moment | None:
        """Seconds since 1970."""
        value = self.number(key)
        if value is None:
            return None
        try:
            return Moment(at=datetime.fromtimestamp(value, UTC), naive=None, origin=f"{origin} {self._path}{key}")
        except _LOST:
            self._absent(key, value, "time")
            return None

    def local(self, key: str, zone: tzinfo, origin: str) -> Moment | None:
        """ISO 8601; without a zone it is local time in ``zone``."""
        value = self.text(key)
        if value is None:
            return None
        found = local_moment(value, zone, f"{origin} {self._path}{key}")
        if found is None:
            self._absent(key, value, "time")
        return found

    def _list(self, key: str) -> list[object]:
        value = self._data.get(key)
        if isinstance(value, list):
            return value
        self._absent(key, value, "list")
        return []

    def _absent(self, key: str, value: object, kind: str) -> None:
        if value is not None and value != "":
            self._complain(f"{self._path}{key} is no {kind}")


def local_moment(text: str, zone: tzinfo, origin: str) -> Moment | None:
    """The time that ``text`` names, or None where it names none."""
    try:
        found = datetime.fromisoformat(text)
        at = (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
    except _LOST:
        return None
    return Moment(at=at, naive=None if found.tzinfo else text, origin=origin)


def decode(data: bytes) -> tuple[dict[str, object] | None, str]:
    """The JSON object in ``data``, or None and why there is none; never raises, whatever the bytes are."""
    if not data.strip(b" \t\r\n\0"):
        return None, "it is empty" if not data else "it holds nothing but blanks or zeros"
    try:
        value = json.loads(data, parse_constant=str)
    except (ValueError, RecursionError) as error:
        return None, f"it is no JSON ({printable(str(error))[:100]})"
    if not isinstance(value, dict):
        return None, "it holds no JSON object"
    return value, ""


def encode(value: object) -> bytes:
    """Anything that :func:`decode` gave, as JSON of plain ASCII; numbers that JSON does not know become texts."""
    try:
        text = json.dumps(value, indent=1, allow_nan=False)
    except ValueError:
        text = json.dumps(_finite(value), indent=1, allow_nan=False)
    return text.encode() + b"\n"


def _finite(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return value


def printable(text: str) -> str:
    """``text`` as it can be encoded: what is no character becomes a question mark."""
    return text.encode("utf-8", "replace").decode()
