"""What is known about users, tokens and logins, in memory and on disk in step. Changed by one at a time."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from functools import partial
from typing import Final, TypeVar

from scanner.access.accounts import NO_ACCOUNTS, Accounts, User
from scanner.access.attempts import Attempts
from scanner.access.book import Book, nobody_gets_in
from scanner.access.logins import Login, Logins
from scanner.access.passwords import SALT_BYTES, hash_password
from scanner.clock import Clock, utc_text
from scanner.errors import AccessLockedError, TooManyAttemptsError
from scanner.storage.disk.threads import Lane

_log: Final = logging.getLogger(__name__)

Result = TypeVar("Result")
Revoked = Callable[[frozenset[str]], None]

_ALPHABET: Final = "23456789abcdefghjkmnpqrstuvwxyz"  # of ids and codes: no two of them look alike
_ID: Final = 8  # characters
_CODE: Final = 10  # characters of the setup code: 49 bits, of which a thousand or so can be tried a day
_WAITING: Final = 16  # tries that may wait for their turn


def random_id() -> str:
    """For a login or token."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_ID))


class AccessState:
    """``code``: what the first user has to know, until there is one. ``fault``: why nobody can log in. Errors of all
    changes: StorageError; nothing is then changed.
    """

    def __init__(self, book: Book, clock: Clock, synchronised: Callable[[], bool]) -> None:
        self.clock = clock
        self.synchronised = synchronised
        self.attempts = Attempts(clock)
        self.accounts = NO_ACCOUNTS
        self.logins = Logins(clock, synchronised)
        self.fault: AccessLockedError | None = None
        self.code: str | None = None
        self._book = book
        self._lane = Lane("access")
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._revoked: list[Revoked] = []

    async def load(self) -> None:
        """Read the files at the start. Errors: StorageError."""
        await self.run(self._load)
        if self.fault is not None:
            _log.error("%s", self.fault.message)

    async def close(self) -> None:
        """Keep how long logins were used; idempotent."""
        if len(self.logins):
            await self.run(partial(self._book.write_logins, self.logins.document()))
            self.logins = Logins(self.clock, self.synchronised)
        await self._lane.close()

    async def run(self, work: Callable[[], Result]) -> Result:
        """``work`` in our thread, one after the other: hashing takes long, and so does a disk."""
        return await self._lane.run(work)

    def now(self) -> str:
        """The time as it is kept."""
        return utc_text(self.clock.now())

    def user(self, name: str) -> User | None:
        """The user of this name."""
        return next((user for user in self.accounts.users if user.name == name), None)

    def listen(self, revoked: Revoked) -> None:
        """Have ``revoked`` called with the keys of logins and tokens that are taken away."""
        self._revoked.append(revoked)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Nobody else changes anything meanwhile; what was edited by hand counts."""
        async with self._turn:
            await self.run(self._read)
            yield

    @asynccontextmanager
    async def tried(self, *who: str) -> AsyncIterator[None]:
        """As :meth:`turn`, for trying a password: one at a time, so that none slips by the count. Errors:
        TooManyAttemptsError.
        """
        if self._waiting >= _WAITING:
            message = "too many people log in at this moment; try again in some seconds"
            raise TooManyAttemptsError(message, retry_after=5)
        self._waiting += 1
        try:
            await self._turn.acquire()
        finally:
            self._waiting -= 1
        try:
            self.attempts.check(*who)
            await self.run(self._read)
            yield
        finally:
            self._turn.release()

    async def hashed(self, password: str) -> str:
        """A password as it is kept."""
        return await self.run(partial(hash_password, password, secrets.token_bytes(SALT_BYTES)))

    async def keep(self, accounts: Accounts) -> None:
        """These count from now on. A damaged file is set aside first, and whoever could not log in can again."""
        await self.run(partial(self._write, accounts))
        self.accounts, self.fault, self.code = accounts, None, None

    async def begin(self, login: Login) -> None:
        """A browser is logged in."""
        self.logins.tidy()
        self.logins.add(login)
        await self.run(partial(self._book.write_logins, self.logins.document()))

    async def end(self, logins: Iterable[str], tokens: Iterable[str] = ()) -> None:
        """These logins are over; with tokens that are gone already they are made known."""
        gone = self.logins.drop(logins)
        for listener in self._revoked:
            listener(gone | frozenset(tokens))
        if gone:
            await self.run(partial(self._book.write_logins, self.logins.document()))

    def _load(self) -> None:
        self._book.prepare()
        self.logins = Logins(self.clock, self.synchronised, self._book.read_logins())
        self._read()

    def _read(self) -> None:
        """In our thread: the file of users as it is now."""
        try:
            accounts, self.fault = self._book.read_accounts(), None
        except AccessLockedError as fault:
            accounts, self.fault = None, fault
        self.accounts = accounts or NO_ACCOUNTS
        if not self.accounts.users and self.fault is None and self._book.was_set_up():
            why = "users.yaml is gone" if accounts is None else "users.yaml names no user"
            self.fault = AccessLockedError(nobody_gets_in(why))
        if self.fault is not None or self.accounts.users:
            self.code = None
        elif self.code is None:
            self.code = "".join(secrets.choice(_ALPHABET) for _ in range(_CODE))

    def _write(self, accounts: Accounts) -> None:
        if self.fault is not None:
            self._book.set_aside(f"{self.clock.now():%Y%m%dT%H%M%SZ}")
        self._book.write_accounts(accounts)
