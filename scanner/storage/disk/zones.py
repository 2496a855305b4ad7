"""Time zones by name, and that of this machine: in which times of old files are read that name none."""

from __future__ import annotations

import os
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

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
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
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


def _zone_in(file: Path) -> tzinfo:
    try:
        with file.open("rb") as content:
            return ZoneInfo.from_file(content, key=LOCAL)
    except (OSError, ValueError):
        return UTC


def _has_zones() -> bool:
    try:
        ZoneInfo("Europe/Berlin")
    except (ZoneInfoNotFoundError, OSError):
        return False
    return True
