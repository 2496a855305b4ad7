"""Numbers and moments for people, names and questions for addresses."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

INTERRUPTED: Final = "interrupted"
_MINUTE: Final = 60
_HOUR: Final = 3600
_UNITS: Final = ("B", "kB", "MB", "GB", "TB")
_STEP: Final = 1000
_WHOLE: Final = 100  # from here on without decimals


def duration(seconds: float) -> str:
    """``42 s``, ``3 min 5 s``, ``2 h 10 min``."""
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s"
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"


def size(count: float) -> str:
    """``640 B``, ``4.2 MB``, ``120 GB``."""
    unit = 0
    while count >= _STEP and unit < len(_UNITS) - 1:
        count /= _STEP
        unit += 1
    return f"{count:.0f} {_UNITS[unit]}" if unit == 0 or count >= _WHOLE else f"{count:.1f} {_UNITS[unit]}"


def moment(utc: str | None) -> str:
    """A time of the API as local time, to the minute; "" for none."""
    if not utc:
        return ""
    return datetime.fromisoformat(utc).astimezone().strftime("%Y-%m-%d %H:%M")


def clock_time(utc: str) -> str:
    """The time of day of a moment here, to the second; as it stands where it is none."""
    try:
        return f"{datetime.fromisoformat(utc).astimezone():%H:%M:%S}"
    except ValueError:
        return utc


def count(number: int, noun: str) -> str:
    """``1 photo``, ``72 photos``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def quoted(part: str) -> str:
    """A name as a part of an address: it cannot lead elsewhere."""
    from urllib.parse import quote  # noqa: PLC0415 - costs 5 ms

    return quote(part, safe="")


def session_url(session_id: str) -> str:
    """The address of a session."""
    return f"/api/sessions/{quoted(session_id)}"


def holder(lock: Mapping[str, Any]) -> str:
    """Whoever has a lock."""
    return f"{lock['user'] or lock['origin']} on {lock['host']}"


def as_it_stands(session: Mapping[str, Any]) -> dict[str, Any]:
    """A session of the daemon with its states as people should read them: ``interrupted`` where a pass says that it
    runs while nobody works on it. Its scanner had no time to say that it ended; the journal will, once it is taken up.
    """
    passes = [{**one, "state": standing(one)} for one in session["passes"]]
    running = any(one["state"] == "running" for one in passes)
    state = INTERRUPTED if session["state"] == "running" and not running else session["state"]
    return {**session, "state": state, "passes": passes}


def standing(one: Mapping[str, Any]) -> str:
    """The same of one pass."""
    lock = one["lock"]
    idle = lock is None or lock["state"] != "alive"
    return INTERRUPTED if one["state"] == "running" and idle else str(one["state"])


def query(values: Mapping[str, object]) -> str:
    """What is given of ``values`` as the query of an address, with its question mark; "" for nothing."""
    from urllib.parse import urlencode  # noqa: PLC0415 - costs 5 ms

    given = {name: value for name, value in values.items() if value not in (None, "")}
    return f"?{urlencode(given)}" if given else ""


def clean(text: object) -> str:
    """Text in one line without control characters: titles come from anybody, a terminal obeys."""
    return "".join(letter if letter.isprintable() else " " for letter in str(text)).strip()
