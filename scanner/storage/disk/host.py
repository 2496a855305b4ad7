"""Which computer and which process this is: written into locks, and how to tell whether the process of a lock lives.

A boot id counts together with the namespace of process numbers: two containers on one kernel share the first, and the
numbers of the one mean nothing in the other.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Final

from msgspec import Struct

_MACHINE: Final = Path("/etc/machine-id")
_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
_NAMESPACE: Final = Path("/proc/self/ns/pid")
_STATE_FIELD: Final = 0  # of /proc/<pid>/stat behind the command's name
_START_FIELD: Final = 19  # start time in clock ticks after boot
_ENDED: Final = frozenset("ZXx")  # states of a process that runs no more and only waits to be forgotten


class Host(Struct, frozen=True, kw_only=True):
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
        stat = _stat(pid)
        return cls(
            name=socket.gethostname(),
            id=_read(_MACHINE),
            boot_id=_boot(),
            pid=pid,
            process_start=int(stat[_START_FIELD]) if len(stat) > _START_FIELD else 0,
        )

    def is_same_boot(self, host_id: str, boot_id: str) -> bool:
        """Whether these ids are this very run of this computer. Machine ids may be cloned, and a bare system has none:
        it is the boot id, drawn at random by each run of a kernel, that must not be missing.
        """
        return bool(boot_id) and (host_id, boot_id) == (self.id, self.boot_id)

    def is_same_computer(self, host_id: str, name: str, boot_id: str) -> bool:
        """Whether these are of this computer, in this run or another. One without a machine id is known by its name, or
        by this very run of its kernel, whose containers have names of their own.
        """
        if host_id or self.id:
            return host_id == self.id
        return name == self.name or (_kernel(boot_id) == _kernel(self.boot_id) != "")


def process_lives(pid: int, process_start: int) -> bool:
    """Whether this very process still runs on this computer; where that cannot be seen, True."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it is somebody else's, but it is there
    stat = _stat(pid)
    if len(stat) <= _START_FIELD:
        return True
    return stat[_STATE_FIELD] not in _ENDED and process_start in (0, int(stat[_START_FIELD]))


def _stat(pid: int) -> list[str]:
    return _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()


def _boot() -> str:
    """Empty where the kernel does not tell: the namespace alone is the same on many computers."""
    drawn = _read(_BOOT)
    return f"{drawn} {_namespace()}".strip() if drawn else ""


def _kernel(boot_id: str) -> str:
    """What was drawn, without the namespace."""
    return boot_id.partition(" ")[0]


def _namespace() -> str:
    try:
        return str(_NAMESPACE.readlink())
    except OSError:
        return ""


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
