"""Logging in and out, the first setup, and changing one's own password."""

from __future__ import annotations

import logging
import secrets
from functools import partial
from ipaddress import IPv6Address, ip_address
from typing import Final

from msgspec import structs

from scanner.access.accounts import User
from scanner.access.logins import Login, digest_of
from scanner.access.passwords import is_password
from scanner.access.state import AccessState, random_id
from scanner.errors import ConflictError, LoginFailedError
from scanner.storage.disk.threads import Operations

_log: Final = logging.getLogger(__name__)
_SECRET_BYTES: Final = 32
_SHOWN: Final = 100  # characters of an address that are kept
_NETWORK: Final = 64  # bits of an IPv6 address that name a network, in which one computer may have any address


class Gate:
    """``address``: of whoever tries, by which tries are counted. Errors of all: TooManyAttemptsError, StorageError."""

    def __init__(self, state: AccessState, operations: Operations) -> None:
        self._state = state
        self._operations = operations

    async def set_up(self, code: str, name: str, password: str, address: str) -> str:
        """Make the first user, an administrator, who is then logged in; the cookie.

        Errors: LoginFailedError for the wrong code, AccessLockedError, ConflictError once there is a user.
        """
        return await self._operations.run(self._set_up(code, name, password, address))

    async def log_in(self, name: str, password: str, address: str) -> str:
        """Whoever knows the password is logged in; the cookie. Errors: LoginFailedError, AccessLockedError."""
        return await self._operations.run(self._log_in(name, password, address))

    async def log_out(self, key: str) -> None:
        """End a login; nothing where there is none."""
        await self._operations.run(self._log_out(key))

    async def change_password(self, name: str, key: str, old: str, new: str) -> None:
        """A user's own: all its other logins end. Errors: LoginFailedError where the old one is not right."""
        await self._operations.run(self._change_password(name, key, old, new))

    async def _set_up(self, code: str, name: str, password: str, address: str) -> str:
        state, who = self._state, ("setup", _counted(address))
        async with state.tried(*who):
            if state.fault is not None:
                raise state.fault
            if state.code is None:
                message = "this scanner was set up already; log in"
                raise ConflictError(message)
            if not secrets.compare_digest(_plain(code), _plain(state.code)):
                state.attempts.wrong(*who)
                message = "this is not the setup code; it stands in the log: journalctl -u scanner"
                raise LoginFailedError(message)
            state.attempts.right(*who)
            now = state.now()
            user = User(name=name, role="admin", password=await state.hashed(password), created_at=now, changed_at=now)
            await state.keep(state.accounts.with_user(user))
            _log.info("%s is the first administrator, made from %s", name, address)
            return await self._begin(name, address)

    async def _log_in(self, name: str, password: str, address: str) -> str:
        state = self._state
        usual = state.logins.knows(name, address)  # others may guess as they like: from there the user gets in
        who = (f"user {name}{f' at {address}' if usual else ''}", _counted(address))
        async with state.tried(*who):
            if state.fault is not None:
                raise state.fault
            user = state.user(name)
            if not await state.run(partial(is_password, password, user.password if user else None)):
                state.attempts.wrong(*who)
                _log.warning("a login as %s from %s was refused", name, address)
                message = "name or password are not right"
                raise LoginFailedError(message)
            state.attempts.right(*who)
            _log.info("%s logged in from %s", name, address)
            return await self._begin(name, address)

    async def _log_out(self, key: str) -> None:
        async with self._state.turn():
            await self._state.end([key])

    async def _change_password(self, name: str, key: str, old: str, new: str) -> None:
        state, who = self._state, f"user {name}"
        async with state.tried(who):
            user = state.accounts.user(name)
            if not await state.run(partial(is_password, old, user.password)):
                state.attempts.wrong(who)
                message = "the old password is not right"
                raise LoginFailedError(message)
            state.attempts.right(who)
            changed = structs.replace(user, password=await state.hashed(new), changed_at=state.now())
            await state.keep(state.accounts.with_changed(changed))
            await state.end([other for other in state.logins.of_user(name) if other != key])

    async def _begin(self, name: str, address: str) -> str:
        key, secret = random_id(), secrets.token_urlsafe(_SECRET_BYTES)
        state = self._state
        login = Login(
            id=key,
            user=name,
            digest=digest_of(secret),
            address=address[:_SHOWN],
            created_at=state.now(),
            dated=state.synchronised(),
        )
        await state.begin(login)
        return f"{key}.{secret}"


def _plain(code: str) -> bytes:
    """A code as it counts: people write it with dashes, spaces and capitals."""
    return "".join(filter(str.isalnum, code.lower())).encode()


def _counted(address: str) -> str:
    """By what tries from an address are counted."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return f"address {address}"
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return f"network {int(parsed) >> (128 - _NETWORK):x}"
    return f"address {parsed}"
