"""Looking at the locks of others. Runs in the pool: a share that does not answer holds up nothing else.

A pass without a holder costs one ``stat``: only what was published or renamed since in its directory is read again.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from scanner.clock import Clock
from scanner.model import PassName, SessionId
from scanner.records import LockInfo
from scanner.storage.locks.lockfile import FoundLock, read_lock
from scanner.storage.locks.locking import Locker
from scanner.storage.locks.observer import Life

Key = tuple[SessionId, PassName]

_SURE: Final = 2.0  # seconds after which two changes of a directory cannot have the same time


class _Quiet(Struct, frozen=True):
    """A pass that nobody held. ``sure``: it was read long enough after the directory had this time."""

    changed_ns: int
    since: float
    sure: bool


class LockScan:
    """Remembers what need not be read again. Thread-safe."""

    def __init__(self, locker: Locker, clock: Clock) -> None:
        self._locker = locker
        self._clock = clock
        self._quiet: dict[Key, _Quiet] = {}
        self._guard = threading.Lock()

    def look(self, keys: Iterable[Key]) -> dict[Key, LockInfo]:
        """Those of ``keys`` that somebody holds, or held until he was gone."""
        with self._guard:
            found = ((key, self._one(key)) for key in keys)
            return {key: info for key, info in found if info is not None}

    def keep(self, keys: Iterable[Key]) -> None:
        """Forget all other passes."""
        with self._guard:
            wanted = set(keys)
            self._quiet = {key: quiet for key, quiet in self._quiet.items() if key in wanted}

    def _one(self, key: Key) -> LockInfo | None:
        metadata = self._locker.metadata(*key)
        try:
            changed = metadata.stat().st_mtime_ns
            quiet = self._quiet.get(key)
            if quiet is not None and quiet.sure and quiet.changed_ns == changed:
                return None
            found = read_lock(metadata)
        except OSError:  # gone, or the share does not answer: nothing is known
            return None
        life: Life = "free" if found is None else self._locker.judge(*key, found)
        if found is None or life == "free":
            self._remember(key, changed)
            return None
        self._quiet.pop(key, None)
        return describe(key, found, life, self._locker.observer.beats(key), own=self._locker.is_own(found))

    def _remember(self, key: Key, changed: int) -> None:
        now, known = self._clock.monotonic(), self._quiet.get(key)
        since = known.since if known is not None and known.changed_ns == changed else now
        self._quiet[key] = _Quiet(changed, since, sure=now - since >= _SURE)


def describe(key: Key, found: FoundLock, life: Life, beats: tuple[float, ...] = (), *, own: bool = False) -> LockInfo:
    """A lock as everybody sees it. ``own``: this daemon holds it, for a short operation."""
    record = found.record
    return LockInfo(
        session_id=key[0],
        pass_=key[1],
        host=record.host if record else "",
        user=record.origin if record else "",
        origin=record.origin if record else "",
        since=record.since if record else "",
        beat=int(record.beat) if record and record.beat.isdecimal() else 0,
        beats=beats,
        state="alive" if life == "free" else life,
        own=own,
        job_id=record.job_id if record else None,
    )
