"""Which computer and which process this is: written into locks, never used to decide alone."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_MACHINE: Final = Path("/etc/machine-id")
_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
_START_FIELD: Final = 19  # of /proc/<pid>/stat behind the command's name: start time in clock ticks after boot


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """``process_start``: clock ticks from boot to the start of the process; it tells a process from a later one with
    its number.
    """

    name: str
    id: str
    boot_id: str
    pid: int
    process_start: int

    @classmethod
    def current(cls) -> Host:
        """This one."""
        pid = os.getpid()
        stat = _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
        return cls(
            name=socket.gethostname(),
            id=_read(_MACHINE),
            boot_id=_read(_BOOT),
            pid=pid,
            process_start=int(stat[_START_FIELD]) if len(stat) > _START_FIELD else 0,
        )


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
