"""A little room kept aside on the disk of the sessions, so that they can be deleted when it has none left.

Deleting writes a few small files; on a full disk what is kept aside makes way for them. Both in the writer thread.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Final

from scanner.storage.disk.files import Files, durable_write
from scanner.storage.disk.layout import Layout

KEPT: Final = 256 * 1024  # bytes: locks and notes of a session of many passes, and what SQLite writes beside


def keep_room(files: Files, layout: Layout) -> None:
    """See that the room is kept. A disk that has none by now is asked another time."""
    with suppress(FileNotFoundError):
        if layout.room.stat().st_size >= KEPT:
            return
    with suppress(OSError):
        durable_write(files, layout.room, os.urandom(KEPT))  # nothing that a disk could make smaller


def give_room(files: Files, layout: Layout) -> bool:
    """Give the room away; whether there was any. Errors: OSError."""
    try:
        files.unlink(layout.room)
    except FileNotFoundError:
        return False
    return True
