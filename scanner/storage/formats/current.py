"""``current``: the format that this product writes, behind the same three questions as the older ones."""

from __future__ import annotations

from pathlib import Path

from scanner.storage.directory.views import FORMAT, SessionRecord, is_session, read_session
from scanner.storage.disk.layout import SessionPaths


def detect(path: Path) -> bool:
    """Whether a folder is a session of this product, also a damaged one."""
    return is_session(SessionPaths(path))


def load(path: Path) -> SessionRecord | None:
    """What the directory tells; None where there is no session in it."""
    return read_session(SessionPaths(path))


__all__ = ["FORMAT", "detect", "load"]
