"""Where a session came from that was made here of an older one, as its ``legacy.json`` tells it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from scanner.model import SessionId
from scanner.storage.disk.files import read_whole
from scanner.storage.disk.layout import UNDONE

ORIGIN: Final = "legacy"  # of sessions that were made of older ones


class _Source(Struct, frozen=True):
    kept_as: str


class Creation(Struct, frozen=True):
    """When a session was created, as the old documents told it."""

    at: str = ""


class _Legacy(Struct, frozen=True):
    id: str
    legacy_format: str
    sources: tuple[_Source, ...] = ()
    created: Creation | None = None


_LEGACY: Final = msgspec.json.Decoder(_Legacy)


def kept_folders(root: Path) -> tuple[str, ...]:
    """The names, beside the session ``root``, of the old folders that were kept when it was migrated and are there."""
    told = _read(root)
    names = () if told is None else tuple(source.kept_as for source in told.sources)
    return tuple(name for name in names if "/" not in name and name.startswith(".") and (root.parent / name).is_dir())


def migrated_from(root: Path) -> str | None:
    """The format of the old folders to which undoing the migration of ``root`` leads back; None where there is no way
    back.
    """
    told = _read(root)
    if told is None or not told.sources or len(kept_folders(root)) < len(told.sources):
        return None
    return told.legacy_format


def told_creation(root: Path) -> Creation | None:
    """What is told of the creation of a session that was made of an older one; None for any other."""
    told = _read(root)
    return None if told is None else told.created or Creation()


def set_aside(sessions: Path, session_id: SessionId, *, older: bool) -> tuple[str, ...]:
    """What is kept of a session under hidden names beside it: the folders from which it was migrated, and what it was
    before a migration was undone. ``older``: it is of an older format now. Errors: OSError.
    """
    kept = kept_folders(sessions / session_id)
    if not kept and not older:
        return ()
    names = (name for name in os.listdir(sessions) if name.startswith(UNDONE + session_id))  # noqa: PTH208 - names
    undone = ((name, _read(sessions / name)) for name in sorted(names))
    return (*kept, *(name for name, told in undone if told is not None and told.id == session_id))


def _read(root: Path) -> _Legacy | None:
    try:
        return _LEGACY.decode(read_whole(root / "metadata" / "legacy.json"))
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None
