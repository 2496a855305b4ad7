"""A directory in memory: the same calls as on a disk, but fsync costs nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 - a file system in memory


@contextmanager
def in_memory(otherwise: Path) -> Iterator[Path]:
    """A new directory in memory, or ``otherwise`` where the machine has no such place."""
    if not MEMORY.is_dir():
        yield otherwise
        return
    with tempfile.TemporaryDirectory(dir=MEMORY, prefix="scanner-test-") as directory:
        yield Path(directory)
