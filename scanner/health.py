"""HealthMonitor: how the machine and the event loop are doing, measured in the background, read at no cost.

Free room and temperature are read every ten seconds, the loop's lag every second: how much later than asked a sleep
of a known length returned. Where the machine has no thermometer, or the disk cannot be asked, the figure is None:
nothing is invented.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, Protocol

from msgspec import Struct

from scanner.clock import Clock
from scanner.errors import StorageError

log = logging.getLogger(__name__)

INTERVAL: Final = 1.0  # seconds between measurements of the loop's lag
SLOW: Final = 10  # that many of them between readings of disk and temperature, and kept of the lag


class Room(Protocol):
    """Room on a disk, bytes."""

    @property
    def free(self) -> int: ...

    @property
    def total(self) -> int: ...


class Health(Struct, frozen=True, kw_only=True):
    """A snapshot. Bytes, degrees Celsius; ``loop_lag_ms`` is the largest of the last ten seconds."""

    disk_free: int | None = None
    disk_total: int | None = None
    cpu_temperature: float | None = None
    loop_lag_ms: float = 0.0


class HealthMonitor:
    """Measures while started."""

    def __init__(
        self,
        disk: Callable[[], Awaitable[Room]],
        *,
        clock: Clock,
        sysfs: Path = Path("/sys"),
        interval: float = INTERVAL,
    ) -> None:
        """``disk`` tells the room where the sessions are (StorageError where it cannot); ``sysfs`` is where
        ``/sys`` is.
        """
        self._disk = disk
        self._clock = clock
        self._sysfs = sysfs
        self._interval = interval
        self._lags: deque[float] = deque(maxlen=SLOW)
        self._room: Room | None = None
        self._temperature: float | None = None
        self._disk_fault: str | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to measure; needs a running loop."""
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    def snapshot(self) -> Health:
        """The latest figures; costs nothing."""
        return Health(
            disk_free=self._room.free if self._room else None,
            disk_total=self._room.total if self._room else None,
            cpu_temperature=self._temperature,
            loop_lag_ms=round(max(self._lags, default=0.0), 1),
        )

    async def close(self) -> None:
        """Measure no more; idempotent."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _run(self) -> None:
        while True:
            await self._read()
            for _ in range(SLOW):
                before = self._clock.monotonic()
                await self._clock.sleep(self._interval)
                late = self._clock.monotonic() - before - self._interval
                self._lags.append(max(0.0, late / self._clock.speed * 1000.0))

    async def _read(self) -> None:
        self._temperature = cpu_temperature(self._sysfs)
        try:
            self._room = await self._disk()
        except StorageError as error:
            self._room = None
            if self._disk_fault != error.message:
                log.warning("room on the disk is unknown: %s", error.message)
            self._disk_fault = error.message
        else:
            if self._disk_fault is not None:
                log.info("room on the disk is known again")
            self._disk_fault = None


def cpu_temperature(sysfs: Path) -> float | None:
    """The processor's temperature in degrees Celsius by the kernel's thermal zones; None where there is none.

    A zone whose type names the processor is preferred; else the first that can be read.
    """
    readings: list[tuple[bool, float]] = []
    for zone in sorted(sysfs.glob("class/thermal/thermal_zone*")):
        try:
            kind = (zone / "type").read_text(encoding="ascii", errors="replace")
            millidegrees = int((zone / "temp").read_text(encoding="ascii", errors="replace"))
        except (OSError, ValueError):
            continue  # a zone that is switched off answers with an error: the next one may do
        readings.append(("cpu" not in kind and "pkg" not in kind, millidegrees / 1000.0))
    return min(readings, key=lambda reading: reading[0])[1] if readings else None
