"""Whether the holder of a lock still lives, as far as it can be told from here.

On this very run of this computer the process table tells at once that a holder is gone. Everything else, another
computer, the same one after a restart, a process that stands still, is told by the heartbeat alone: a counter that did
not change over ``stale_after`` seconds of this observer's own monotonic clock. No two clocks are ever compared.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Final, Literal

from scanner.storage.disk.host import Host, process_lives
from scanner.storage.locks.lockfile import FoundLock

Life = Literal["free", "alive", "stale", "gone"]

KEPT: Final = 12  # heartbeats remembered


@dataclass(slots=True)
class _Seen:
    """``mark``: what must change; ``moments``: when each of its last values was first seen, newest last."""

    mark: tuple[int, str, bytes]
    moments: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT))


class Observer:
    """Remembers when each lock's heartbeat last changed. Thread-safe."""

    def __init__(self, *, host: Host, monotonic: Callable[[], float], stale_after: float) -> None:
        self._host = host
        self._monotonic = monotonic
        self._stale_after = stale_after
        self._seen: dict[Hashable, _Seen] = {}
        self._guard = threading.Lock()

    def judge(self, key: Hashable, found: FoundLock) -> Life:
        """What is known of the lock of the pass ``key`` now."""
        if found.ended:
            self.forget(key)
            return "free"
        silent = self._look(key, found)
        record = found.record
        here = record is not None and self._host.is_same_boot(record.host_id, record.boot_id)
        if here and record is not None and not process_lives(record.pid, record.process_start):
            return "gone"
        return "stale" if silent > self._stale_after else "alive"

    def beats(self, key: Hashable) -> tuple[float, ...]:
        """Seconds since each of the last heartbeats of ``key`` was seen, newest first."""
        now = self._monotonic()
        with self._guard:
            seen = self._seen.get(key)
            return tuple(round(now - moment, 1) for moment in reversed(seen.moments)) if seen else ()

    def forget(self, key: Hashable) -> None:
        """Nobody holds this pass any more."""
        with self._guard:
            self._seen.pop(key, None)

    def _look(self, key: Hashable, found: FoundLock) -> float:
        """Seconds since the heartbeat was seen to change."""
        record, now = found.record, self._monotonic()
        mark = (found.generation, record.token if record else "", record.beat.encode() if record else found.raw)
        with self._guard:
            seen = self._seen.get(key)
            if seen is None or seen.mark[:2] != mark[:2]:
                seen = self._seen[key] = _Seen(mark)
                seen.moments.append(now)
            elif seen.mark != mark:
                seen.mark = mark
                seen.moments.append(now)
            return now - seen.moments[-1]
