"""Browsers that are logged in: secrets in their cookies, hashes here.

A login ends a week after it was last used, and a month after it began, counted in time that the daemon ran: what the
wall clock of a Pi without battery says is no reason to log anybody out. Where that could be believed when the login
began, and can be now, a month by the wall clock ends it, too: the daemon may not have run meanwhile.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct, structs

from scanner.access.accounts import UserName
from scanner.clock import Clock
from scanner.model import Value

IDLE: Final = 7 * 86_400.0  # seconds without use after which a login ends
LONGEST: Final = 30 * 86_400.0  # seconds after which it ends in any case
MAX_LOGINS: Final = 1000  # the one that was used longest ago makes room


class Login(Value, frozen=True):
    """A browser that is logged in. ``dated``: the wall clock could be believed when it began. ``idle_s`` and ``age_s``:
    how long it was not used, and how old it was, when this was written. ``digest``: SHA-256 of its secret, hexadecimal.
    """

    id: Annotated[str, Meta(pattern=r"^[a-z0-9]{8}\Z")]
    user: UserName
    digest: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
    address: Annotated[str, Meta(max_length=100)]
    created_at: str
    dated: bool
    idle_s: Annotated[float, Meta(ge=0)] = 0.0
    age_s: Annotated[float, Meta(ge=0)] = 0.0


class LoginsFile(Value, frozen=True):
    """What ``logins.json`` holds; that it exists tells that there was a setup."""

    format: Literal["scanner-logins"]
    version: Literal[1]
    logins: tuple[Login, ...]


class _Entry(Struct):
    login: Login
    used: float  # monotonic time of the last use
    began: float  # monotonic time at which it would have begun


def digest_of(secret: str) -> str:
    """As secrets of logins and tokens are kept; they are random and long, so that nothing slower is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()


def is_secret(secret: str, digest: str) -> bool:
    """Whether this is the secret, in constant time."""
    return hmac.compare_digest(digest_of(secret), digest)


class Logins:
    """All of them. ``synchronised``: whether the wall clock can be believed."""

    def __init__(self, clock: Clock, synchronised: Callable[[], bool], kept: Iterable[Login] = ()) -> None:
        self._clock = clock
        self._synchronised = synchronised
        now = clock.monotonic()
        self._entries = {one.id: _Entry(one, now - one.idle_s, now - one.age_s) for one in kept}

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, login: Login) -> None:
        """One more; where there are too many, the one that was used longest ago goes."""
        if len(self._entries) >= MAX_LOGINS:
            oldest = min(self._entries, key=lambda name: self._entries[name].used)
            del self._entries[oldest]
        now = self._clock.monotonic()
        self._entries[login.id] = _Entry(login, now, now)

    def use(self, login_id: str, secret: str) -> Login | None:
        """The login of this cookie, if there is one and it has not ended; used now."""
        entry = self._entries.get(login_id)
        if entry is None or not is_secret(secret, entry.login.digest) or self._over(entry):
            return None
        entry.used = self._clock.monotonic()
        return entry.login

    def holds(self, login_id: str) -> bool:
        """Whether this login has not ended."""
        entry = self._entries.get(login_id)
        return entry is not None and not self._over(entry)

    def drop(self, ids: Iterable[str]) -> frozenset[str]:
        """End these; those that there were."""
        return frozenset(name for name in ids if self._entries.pop(name, None) is not None)

    def knows(self, user: str, address: str) -> bool:
        """Whether the user is logged in from this address."""
        return any(
            entry.login.user == user and entry.login.address == address and not self._over(entry)
            for entry in self._entries.values()
        )

    def of_user(self, name: str) -> list[str]:
        """The logins of a user."""
        return [key for key, entry in self._entries.items() if entry.login.user == name]

    def tidy(self) -> frozenset[str]:
        """Forget those that are over."""
        return self.drop([key for key, entry in self._entries.items() if self._over(entry)])

    def document(self) -> LoginsFile:
        """All, as they are kept."""
        now = self._clock.monotonic()
        return LoginsFile(
            format="scanner-logins",
            version=1,
            logins=tuple(
                structs.replace(entry.login, idle_s=round(now - entry.used, 1), age_s=round(now - entry.began, 1))
                for entry in self._entries.values()
                if not self._over(entry)
            ),
        )

    def _over(self, entry: _Entry) -> bool:
        now = self._clock.monotonic()
        if now - entry.used > IDLE or now - entry.began > LONGEST:
            return True
        age = self._clock.now() - _moment(entry.login.created_at, self._clock)
        return age > timedelta(seconds=LONGEST) and entry.login.dated and self._synchronised()


def _moment(text: str, clock: Clock) -> datetime:
    """A time as it is kept; now, for what is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return clock.now()
    return moment if moment.tzinfo else clock.now()
