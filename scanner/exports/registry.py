"""Which formats a session can be exported to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from scanner.errors import InvalidError
from scanner.exports import colmap
from scanner.exports.source import ExportSource

Exporter = Callable[[ExportSource, Path], None]

EXPORTERS: Final[Mapping[str, Exporter]] = MappingProxyType({"colmap": colmap.export})


def exporter(name: str) -> Exporter:
    """The exporter of a format. Errors: InvalidError naming the formats there are."""
    try:
        return EXPORTERS[name]
    except KeyError:
        formats = ", ".join(sorted(EXPORTERS))
        message = f"unknown export format {name!r}; there are: {formats}"
        raise InvalidError(message, format=name, formats=sorted(EXPORTERS)) from None
