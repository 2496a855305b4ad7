"""``current``: the format that this product writes, behind the same three questions as the older ones."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from scanner.storage.layout import SessionPaths
from scanner.storage.views import FORMAT, SessionRecord, read_session

_MARK: Final = re.compile(rb'"format"\s*:\s*"scanner-session"')
_HEAD: Final = 4096  # bytes in which it stands


def detect(path: Path) -> bool:
    """Whether a folder is a session of this product, also a damaged one."""
    paths = SessionPaths(path)
    if paths.passes.is_dir():
        return True
    try:
        with paths.document.open("rb") as file:
            return _MARK.search(file.read(_HEAD)) is not None
    except OSError:
        return False


def load(path: Path) -> SessionRecord | None:
    """What the directory tells; None where there is no session in it."""
    return read_session(SessionPaths(path))


__all__ = ["FORMAT", "detect", "load"]
