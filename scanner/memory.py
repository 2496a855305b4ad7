"""What becomes of memory that was freed: a process that once was large must not stay it on a machine of 1 GB."""

from __future__ import annotations

import ctypes
from contextlib import suppress
from typing import Final

_TRIM_THRESHOLD: Final = -1  # M_TRIM_THRESHOLD of mallopt(3)
_MMAP_THRESHOLD: Final = -3  # M_MMAP_THRESHOLD
_KEPT: Final = 512 * 1024  # bytes of free memory at the end of each thread's heap that the process keeps
_APART: Final = 288 * 1024  # bytes from which a block is the system's own, and goes back as soon as it is freed


def return_freed() -> None:
    """Give freed memory back to the system at once, for the rest of the process.

    glibc begins so, but takes each large block that is freed for a reason to keep as much from then on, up to 64 MiB
    in every thread: one search through 100,000 sessions would cost 3 MiB for good, one photo of a twin 30.

    What is kept is just enough for the 256 KiB that asyncio gets for everything it receives, and gives back: were they
    the system's each time, a request would cost a fifth more.
    """
    with suppress(AttributeError, OSError):  # another C library has its own ways
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_TRIM_THRESHOLD, _KEPT)
        mallopt(_MMAP_THRESHOLD, _APART)


def give_back() -> None:
    """Give back what lies free between what is in use: after a start that is nearly a MiB."""
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
