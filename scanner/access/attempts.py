"""How often somebody may guess: after a few wrong tries in a row each further one has to wait longer.

Counted by address and by user, so that neither many users from one address nor one user from many addresses can be
tried. A user under attack gets in all the same from where it is logged in already, and logins that are open stay open.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, NamedTuple

from scanner.clock import Clock
from scanner.errors import TooManyAttemptsError

FREE: Final = 5  # wrong tries in a row that cost nothing
LONGEST: Final = 60.0  # seconds that a try has to wait at most
FORGIVEN: Final = 900.0  # seconds without a wrong try after which all is forgotten
_REMEMBERED: Final = 1024  # addresses and users; the oldest are forgotten first


class _Tries(NamedTuple):
    wrong: int
    last: float


class Attempts:
    """Tries that may be wrong. ``who`` are all the names under which a try counts."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tries: OrderedDict[str, _Tries] = OrderedDict()

    def check(self, *who: str) -> None:
        """Errors: TooManyAttemptsError, with ``retry_after`` in seconds, where it is too early for another try."""
        now = self._clock.monotonic()
        wait = max((self._until(name, now) - now for name in who), default=0.0)
        if wait > 0:
            seconds = int(wait) + 1
            message = f"too many wrong tries; try again in {seconds} s"
            raise TooManyAttemptsError(message, retry_after=seconds)

    def wrong(self, *who: str) -> None:
        """A try was wrong."""
        now = self._clock.monotonic()
        for name in who:
            before = self._tries.pop(name, _Tries(0, now))
            count = 0 if now - before.last > FORGIVEN else before.wrong
            self._tries[name] = _Tries(count + 1, now)
        while len(self._tries) > _REMEMBERED:
            self._tries.popitem(last=False)

    def right(self, *who: str) -> None:
        """A try was right: what was wrong before is forgotten."""
        for name in who:
            self._tries.pop(name, None)

    def _until(self, name: str, now: float) -> float:
        """When the next try may be."""
        tries = self._tries.get(name)
        if tries is None or tries.wrong < FREE or now - tries.last > FORGIVEN:
            return now
        return tries.last + min(LONGEST, 2.0 ** (tries.wrong - FREE))
