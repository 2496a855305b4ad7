"""Users and tokens: adding, changing, taking away. For administrators, and for whoever is at the machine."""

from __future__ import annotations

import logging
import secrets
from typing import Final

from msgspec import structs

from scanner.access.accounts import Token, User
from scanner.access.logins import digest_of
from scanner.access.roles import RoleName
from scanner.access.state import AccessState, random_id
from scanner.storage.disk.threads import Operations

_log: Final = logging.getLogger(__name__)

TOKEN: Final = "scn"  # noqa: S105 - no secret: it begins the text of every token, so that a leaked one is recognised
_SECRET_BYTES: Final = 32


class People:
    """Errors of all changes: StorageError; nothing is then changed."""

    def __init__(self, state: AccessState, operations: Operations) -> None:
        self._state = state
        self._operations = operations

    @property
    def users(self) -> tuple[User, ...]:
        """All users, as they were added."""
        return self._state.accounts.users

    @property
    def tokens(self) -> tuple[Token, ...]:
        """All tokens, as they were made."""
        return self._state.accounts.tokens

    async def add(self, name: str, role: RoleName, password: str) -> User:
        """One more user. Where nobody could log in, this mends it. Errors: UserExistsError."""
        return await self._operations.run(self._add(name, role, password))

    async def change(self, name: str, *, role: RoleName | None = None, password: str | None = None) -> User:
        """Another role or password from now on; the user's logins end. Errors: NotFoundError, LastAdminError."""
        return await self._operations.run(self._change(name, role, password))

    async def remove(self, name: str) -> None:
        """A user with all its logins and tokens. Errors: NotFoundError, LastAdminError."""
        await self._operations.run(self._remove(name))

    async def make_token(self, name: str, role: RoleName, by: str) -> tuple[Token, str]:
        """A new token, and its text, which is told this once. ``by``: the user whose it is, or empty."""
        return await self._operations.run(self._make_token(name, role, by))

    async def revoke_token(self, token_id: str) -> None:
        """Errors: NotFoundError."""
        await self._operations.run(self._revoke_token(token_id))

    async def _add(self, name: str, role: RoleName, password: str) -> User:
        state = self._state
        async with state.turn():
            now = state.now()
            user = User(name=name, role=role, password=await state.hashed(password), created_at=now, changed_at=now)
            await state.keep(state.accounts.with_user(user))
            _log.info("user %s was added as %s", name, role)
            return user

    async def _change(self, name: str, role: RoleName | None, password: str | None) -> User:
        state = self._state
        async with state.turn():
            before = state.accounts.user(name)
            kept = before.password if password is None else await state.hashed(password)
            user = structs.replace(before, role=role or before.role, password=kept, changed_at=state.now())
            await state.keep(state.accounts.with_changed(user))
            _log.info("user %s: %s%s", name, user.role, "" if password is None else ", another password")
            await state.end(state.logins.of_user(name))
            return user

    async def _remove(self, name: str) -> None:
        state = self._state
        async with state.turn():
            before = {token.id for token in state.accounts.tokens}
            await state.keep(state.accounts.without_user(name))
            _log.info("user %s was removed", name)
            await state.end(state.logins.of_user(name), before - {token.id for token in state.accounts.tokens})

    async def _make_token(self, name: str, role: RoleName, by: str) -> tuple[Token, str]:
        state = self._state
        async with state.turn():
            key, secret = random_id(), secrets.token_urlsafe(_SECRET_BYTES)
            token = Token(id=key, name=name, role=role, digest=digest_of(secret), created_at=state.now(), created_by=by)
            await state.keep(state.accounts.with_token(token))
            _log.info("token %s (%s) was made as %s by %s", key, name, role, by or "somebody at the machine")
            return token, f"{TOKEN}_{key}_{secret}"

    async def _revoke_token(self, token_id: str) -> None:
        state = self._state
        async with state.turn():
            await state.keep(state.accounts.without_token(token_id))
            _log.info("token %s was revoked", token_id)
            await state.end([], [token_id])
