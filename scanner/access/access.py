"""Access: who somebody is. Constructed once, in ``app``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct

from scanner.access.book import Book
from scanner.access.gate import Gate
from scanner.access.logins import is_secret
from scanner.access.people import People
from scanner.access.roles import Role
from scanner.access.state import AccessState, Revoked
from scanner.clock import Clock, kernel_synchronised
from scanner.storage import Files
from scanner.storage.disk.threads import Operations


class Principal(Struct, frozen=True, kw_only=True):
    """Somebody who asks. ``name``: of a user or token, else empty. ``key``: of the login or token; empty for what
    cannot be taken away.
    """

    kind: Literal["nobody", "everybody", "socket", "login", "token"]
    role: Role
    name: str = ""
    key: str = ""

    @property
    def origin(self) -> str:
        """Who it is, as it is kept in jobs, sessions and the audit."""
        if self.kind == "socket":
            return "cli"
        if self.kind == "token":
            return f"token:{self.name}"
        return f"web:{self.name}" if self.name else "web"


NOBODY: Final = Principal(kind="nobody", role=Role.PUBLIC)
EVERYBODY: Final = Principal(kind="everybody", role=Role.ADMIN)  # where no login is needed


class Access:
    """``gate``: logging in. ``people``: users and tokens. ``required`` False: everybody is an administrator, as in a
    demo on one's own computer, and nothing is read or kept.
    """

    def __init__(self, state: AccessState, *, required: bool) -> None:
        self.required = required
        self._state = state
        self._operations = Operations()
        self.gate = Gate(state, self._operations)
        self.people = People(state, self._operations)

    @classmethod
    async def open(
        cls,
        state_dir: Path,
        clock: Clock,
        *,
        required: bool,
        files: Files | None = None,
        synchronised: Callable[[], bool] = kernel_synchronised,
    ) -> Access:
        """What is kept in ``state_dir``, which exists. ``synchronised``: whether the wall clock can be believed.
        Errors: StorageError.
        """
        state = AccessState(Book(state_dir / "access", files or Files()), clock, synchronised)
        if required:
            await state.load()
        return cls(state, required=required)

    async def close(self) -> None:
        """Finish what was begun, and keep how long logins were used; idempotent. Errors: StorageError."""
        await self._operations.drain()
        await self._state.close()

    @property
    def setup_code(self) -> str | None:
        """What the first user has to know, until there is one."""
        return self._state.code

    @property
    def locked(self) -> str | None:
        """Why nobody can log in, and what to do about it; None where that is not so."""
        return None if self._state.fault is None else self._state.fault.message

    def anybody(self) -> Principal:
        """Who has neither cookie nor token."""
        return NOBODY if self.required else EVERYBODY

    def by_cookie(self, cookie: str) -> Principal | None:
        """Who has this cookie; None for nobody (any more)."""
        key, _, secret = cookie.partition(".")
        login = self._state.logins.use(key, secret)
        user = None if login is None else self._state.user(login.user)
        if user is None:
            return None
        return Principal(kind="login", role=Role.of(user.role), name=user.name, key=key)

    def by_token(self, text: str) -> Principal | None:
        """Who has this token; None for nobody (any more)."""
        _, _, rest = text.partition("_")
        key, _, secret = rest.partition("_")
        token = next((one for one in self._state.accounts.tokens if one.id == key), None)
        if token is None or not is_secret(secret, token.digest):
            return None
        return Principal(kind="token", role=Role.of(token.role), name=token.name, key=key)

    def stays(self, principal: Principal) -> bool:
        """Whether it may still do what it may: its login or token has not ended."""
        if principal.kind == "login":
            return self._state.logins.holds(principal.key)
        if principal.kind == "token":
            return any(one.id == principal.key for one in self._state.accounts.tokens)
        return True

    def listen(self, revoked: Revoked) -> None:
        """Have ``revoked`` called with the keys of logins and tokens that are taken away, at once."""
        self._state.listen(revoked)
