"""The lock of the daemon: one daemon a state directory, by ``flock``, which a local disk decides at once."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
from msgspec import Struct

from scanner.errors import DaemonRunningError
from scanner.storage.disk.files import Files
from scanner.storage.disk.host import Host
from scanner.storage.locks.lockfile import take_flock


class DaemonRecord(Struct, frozen=True, kw_only=True):
    """Who owns a state directory; the content of ``daemon.lock``."""

    pid: int
    host: str
    since: str
    description: str


class DaemonLock:
    """Exclusive ownership of a state directory."""

    def __init__(self, files: Files, descriptor: int) -> None:
        self._files = files
        self._descriptor: int | None = descriptor

    @classmethod
    def take(cls, files: Files, path: Path, host: Host, *, since: str, description: str) -> DaemonLock:
        """Own the state directory of ``path``. Errors: DaemonRunningError naming the other, OSError."""
        descriptor = files.open(path, os.O_RDWR | os.O_CREAT)
        if not take_flock(descriptor):
            files.close(descriptor)
            raise _running(path)
        try:
            record = DaemonRecord(pid=host.pid, host=host.name, since=since, description=description)
            files.truncate(descriptor, 0)
            files.write(descriptor, msgspec.json.encode(record))
        except OSError:
            files.close(descriptor)
            raise
        return cls(files, descriptor)

    def release(self) -> None:
        """Let go; idempotent."""
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            self._files.close(descriptor)


def _running(path: Path) -> DaemonRunningError:
    try:
        other = msgspec.json.decode(path.read_bytes(), type=DaemonRecord)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        message = "another daemon works with this state directory; stop it first"
        return DaemonRunningError(message)
    said = f" ({other.description})" if other.description else ""
    message = (
        f"another daemon{said} works with this state directory: process {other.pid} on {other.host}, since"
        f" {other.since}; stop it first"
    )
    return DaemonRunningError(message, pid=other.pid, host=other.host, since=other.since)
