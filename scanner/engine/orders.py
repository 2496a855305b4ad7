"""Orders to a running pass.

Giving one never waits. The stronger wins, whatever the order of arrival: a Stop is not weakened by a Pause that comes
after it.
"""

from __future__ import annotations

import asyncio
from enum import IntEnum


class Order(IntEnum):
    """What is wanted, the strongest last. From ``SHUTDOWN`` on the step at work is interrupted."""

    PAUSE = 1  # finish the current shot, then wait
    FINISH = 2  # finish the current shot, then end as completed
    SHUTDOWN = 3  # the daemon stops: wait for the next start
    CANCEL = 4  # end, keep what was saved
    HALT = 5  # emergency: motors are off already

    @property
    def urgent(self) -> bool:
        """Whether it interrupts the step at work."""
        return self >= Order.SHUTDOWN


class Orders:
    """The mailbox of one run; written by the job queue, read by the engine, both on the loop's thread."""

    def __init__(self) -> None:
        self._given: set[Order] = set()
        self.pause_withdrawn = False
        self._urgent = asyncio.Event()

    @property
    def order(self) -> Order | None:
        """The strongest order given so far."""
        return max(self._given, default=None)

    def includes(self, order: Order) -> bool:
        """Whether ``order`` was given, even if a stronger one was, too."""
        return order in self._given

    @property
    def ends(self) -> bool:
        """Whether what is at work is to end."""
        return not self._given.isdisjoint({Order.FINISH, Order.CANCEL})

    def give(self, order: Order) -> None:
        """Give an order; giving it twice is giving it once."""
        self._given.add(order)
        self.pause_withdrawn = False
        if order.urgent:
            self._urgent.set()

    def withdraw_pause(self) -> None:
        """Take a Pause back (somebody pressed Resume). ``pause_withdrawn`` stays true for a run that has obeyed it
        already.
        """
        if self.order is Order.PAUSE:
            self._given.clear()
            self.pause_withdrawn = True

    async def wait_urgent(self) -> None:
        """Return as soon as an urgent order is given."""
        await self._urgent.wait()
