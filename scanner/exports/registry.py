"""Which formats a session can be exported to: a module of this package each, loaded when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scanner.errors import InvalidError

if TYPE_CHECKING:
    from scanner.exports.source import ExportSource

    Exporter = Callable[[ExportSource, Path], None]

FORMATS: Final = ("colmap",)


def check_format(name: str) -> None:
    """Errors: InvalidError naming the formats there are."""
    if name not in FORMATS:
        message = f"unknown export format {name!r}; there are: {', '.join(FORMATS)}"
        raise InvalidError(message, format=name, formats=list(FORMATS))


def exporter(name: str) -> Exporter:
    """The exporter of a format. Errors: as :func:`check_format`."""
    check_format(name)
    export: Exporter = import_module(f"scanner.exports.{name}").export
    return export
