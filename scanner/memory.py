"""What becomes of memory that was freed: a process that once was large must not stay it on a machine of 1 GB."""

from __future__ import annotations

import ctypes
from contextlib import suppress
from typing import Final

_TRIM_THRESHOLD: Final = -1  # M_TRIM_THRESHOLD of mallopt(3)
_KEPT: Final = 128 * 1024  # bytes of free memory at the end of the heap that the process keeps


def return_freed() -> None:
    """Give freed memory back to the system at once, for the rest of the process.

    glibc begins so, but takes each large block that is freed for a reason to keep as much from then on, up to 64 MiB
    in every thread: one search through 100,000 sessions would cost 3 MiB for good, one photo of a twin 30.
    """
    with suppress(AttributeError, OSError):  # another C library has its own ways
        ctypes.CDLL(None).mallopt(_TRIM_THRESHOLD, _KEPT)
