"""Time zones by name, and that of this machine: in which times of old files are read that name none."""

from __future__ import annotations

import os
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Final

from scanner.errors import InvalidError

LOCAL: Final = "local"
LOCALTIME: Final = Path("/etc/localtime")
_FOLDER: Final = "zoneinfo/"  # in whatever the link to a zone's file goes through


def zone_of(name: str) -> tzinfo:
    """The zone of this name; ``local`` is that of this machine. Errors: InvalidError, which says so where no zones are
    installed at all.
    """
    if name == LOCAL:
        return local_zone()
    if name.upper() == "UTC":
        return UTC
    try:
        return _named(name)
    except (KeyError, ValueError, OSError) as error:
        message = f"there is no time zone {name[:60]!r}; write one such as Europe/Berlin"
        if not _has_zones():
            message = "no time zones are installed on this machine (package tzdata); only UTC can be used"
        raise InvalidError(message, errors=[{"path": "timezone", "message": message}]) from error


def local_zone(localtime: Path = LOCALTIME) -> tzinfo:
    """The zone of this machine, by ``TZ`` or else its own setting; UTC where neither can be read."""
    name = os.environ.get("TZ", "").removeprefix(":") or str(localtime.resolve()).partition(_FOLDER)[2]
    try:
        return zone_of(name)
    except InvalidError:
        return _zone_in(localtime)


def _named(name: str) -> tzinfo:
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - a daemon without old sessions does without zones

    return ZoneInfo(name)


def _zone_in(file: Path) -> tzinfo:
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - as above

    try:
        with file.open("rb") as content:
            return ZoneInfo.from_file(content, key=LOCAL)
    except (OSError, ValueError):
        return UTC


def _has_zones() -> bool:
    try:
        _named("Europe/Berlin")
    except (KeyError, OSError):
        return False
    return True
