"""Viewpoints that are written out: inline, or as text with one ``azimuth,elevation`` a line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from scanner.decoding import Faults, Keys
from scanner.spec import Listed

_SEPARATORS: Final = re.compile(r"\s*[,;\t]\s*|\s+")
_NUMBER: Final = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)
_NAME: Final = re.compile(r"[A-Za-z]")
_NO_NUMBER: Final = re.compile(r"nan|inf", re.IGNORECASE)
_AZIMUTHS: Final = (-3600.0, 3600.0)
_ELEVATIONS: Final = (-90.0, 90.0)
_SHOWN: Final = 40

Asked = tuple[float, float | None, Keys, Keys]  # azimuth, elevation (None: the rig's own) and where each was asked for


def csv_lines(text: str) -> list[tuple[int, str]]:
    """The lines that hold viewpoints, numbered from 1: without empty ones, comments (``#``) and a heading."""
    numbered = ((number, line.strip()) for number, line in enumerate(text.lstrip("\ufeff").splitlines(), 1))
    lines = [(number, line) for number, line in numbered if line and not line.startswith("#")]
    return lines[1:] if lines and _is_heading(lines[0][1]) else lines


def _is_heading(line: str) -> bool:
    """Two names or more; one word, or ``nan``, is a line that cannot be read."""
    parts = _SEPARATORS.split(line)
    return len(parts) > 1 and all(_NAME.match(part) and not _NO_NUMBER.match(part) for part in parts)


def count_listed(plan: Listed) -> int:
    """How many viewpoints are written out."""
    return len(plan.viewpoints) + len(csv_lines(plan.csv))


def read_listed(plan: Listed, found: Faults, keys: Keys) -> Iterator[Asked]:
    """What is written out; unreadable lines are added to ``found``. ``keys``: where the plan stands."""
    if plan.viewpoints and plan.csv:
        found.add((*keys, "csv"), "stands beside `viewpoints`: give only one of them")
    for index, (azimuth, elevation) in enumerate(plan.viewpoints):
        yield azimuth, elevation, (*keys, "viewpoints", index, 0), (*keys, "viewpoints", index, 1)
    place = (*keys, "csv")
    for number, line in csv_lines(plan.csv):
        values = _numbers(line)
        if values is None:
            shown = ascii(line[:_SHOWN])
            found.add(place, f"line {number}: expected `azimuth,elevation` in degrees, got {shown}")
        else:
            yield *values, place, place


def _numbers(line: str) -> tuple[float, float | None] | None:
    parts = _SEPARATORS.split(line)
    if not all(_NUMBER.fullmatch(part) for part in parts):
        return None
    azimuth, *others = (float(part) for part in parts)
    if len(others) > 1 or not _AZIMUTHS[0] <= azimuth <= _AZIMUTHS[1]:
        return None
    if not others:
        return azimuth, None
    return (azimuth, others[0]) if _ELEVATIONS[0] <= others[0] <= _ELEVATIONS[1] else None
