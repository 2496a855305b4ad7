"""Guards: conditions that pause work by themselves and let it go on by themselves.

Each has hysteresis, so that a value near its limit does not make the work stutter. Work looks at :meth:`Guards.pause`
between shots and waits with :meth:`Guards.wait_clear`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from msgspec import Struct

from scanner.clock import Clock
from scanner.errors import StorageError
from scanner.events import EventBus, GuardChanged
from scanner.model import Pause

log = logging.getLogger(__name__)

GIB = 1024**3
MIB = 1024**2
PERIOD = 5.0  # real seconds between two looks


class GuardState(Struct, frozen=True, kw_only=True):
    """A guard for people."""

    name: str
    active: bool
    message: str


def still_low(*, active: bool, free: int, stop_below: int, go_above: int) -> bool:
    """Whether the disk guard holds work up now, given that it did (``active``) or not: stop below one figure, go
    above a higher one.
    """
    return free < stop_below or (active and free <= go_above)


def size_text(size: int) -> str:
    """Bytes for people: ``2.5 GiB``, ``300 MiB``, ``0.6 MiB``."""
    if size >= GIB:
        return f"{size / GIB:.1f} GiB"
    return f"{size / MIB:.0f} MiB" if size >= 10 * MIB else f"{size / MIB:.1f} MiB"


class Guards:
    """Watches the disk; more conditions get a place here with the real rig."""

    def __init__(
        self,
        *,
        disk_free: Callable[[], Awaitable[int]],
        stop_below: int,
        go_above: int,
        clock: Clock,
        bus: EventBus,
    ) -> None:
        self._disk_free = disk_free
        self.stop_below = stop_below
        self._go_above = go_above
        self._clock = clock
        self._bus = bus
        self._active = False
        self._message = "Enough room on the disk."
        self._clear = asyncio.Event()
        self._clear.set()

    def states(self) -> tuple[GuardState, ...]:
        """Every guard for people."""
        return (GuardState(name="disk_low", active=self._active, message=self._message),)

    def pause(self) -> Pause | None:
        """Why work has to wait now, if it has to."""
        if not self._active:
            return None
        return Pause(by="guard", reason="disk_low", message=self._message, resumes_by_itself=True)

    async def wait_clear(self) -> None:
        """Return when no guard holds work up any more."""
        await self._clear.wait()

    async def look(self) -> None:
        """Measure once. A disk that cannot be asked changes nothing: saving will say what is wrong with it."""
        try:
            free = await self._disk_free()
        except StorageError as error:
            log.warning("the disk cannot be asked for its room: %s", error.message)
            return
        active = still_low(active=self._active, free=free, stop_below=self.stop_below, go_above=self._go_above)
        if active != self._active:
            self._switch(active=active, free=free)

    def _switch(self, *, active: bool, free: int) -> None:
        self._active = active
        if active:
            self._clear.clear()
            self._message = (
                f"Only {size_text(free)} free: the scan goes on above {size_text(self._go_above)}. "
                "Delete or move sessions."
            )
            log.warning("disk guard: %s", self._message)
        else:
            self._clear.set()
            self._message = "Enough room on the disk."
            log.info("disk guard: enough room again, %s free", size_text(free))
        self._bus.publish(GuardChanged(name="disk_low", active=active, message=self._message))

    async def watch(self) -> None:
        """Look every few seconds, until cancelled."""
        while True:
            await self.look()
            await self._clock.sleep(PERIOD * self._clock.speed)
