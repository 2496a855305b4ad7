"""Users, and tokens of machines: for administrators."""

from __future__ import annotations

from typing import Annotated

import msgspec
from aiohttp import web

from scanner.access import RoleName, Token, User, UserName
from scanner.access.accounts import Password
from scanner.access.people import People
from scanner.errors import ConflictError, InvalidError
from scanner.model import Line100
from web.codec import answer, body_of, listing
from web.context import PRINCIPAL, daemon


class UserView(msgspec.Struct, frozen=True):
    """A user, without its password."""

    name: str
    role: RoleName
    created_at: str
    changed_at: str


class NewUser(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody who may log in from now on."""

    name: UserName
    role: RoleName
    password: Password


class UserChanges(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What becomes of a user; either ends its logins."""

    role: RoleName | None = None
    password: Password | None = None


class TokenView(msgspec.Struct, frozen=True):
    """A token, without its secret. ``created_by``: the user whose it is; empty: made at the machine."""

    id: str
    name: str
    role: RoleName
    created_at: str
    created_by: str


class NewToken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A machine that may use the API from now on."""

    name: Annotated[Line100, msgspec.Meta(min_length=1)]
    role: RoleName


class MadeToken(msgspec.Struct, frozen=True):
    """A new token. ``text`` is what the machine has to show; it is told this once."""

    token: TokenView
    text: str


async def list_users(request: web.Request) -> web.StreamResponse:
    """All users."""
    return listing(tuple(map(_user, _people(request).users)))


async def add_user(request: web.Request) -> web.StreamResponse:
    """Add a user."""
    asked = await body_of(request, NewUser)
    return answer(_user(await _people(request).add(asked.name, asked.role, asked.password)), 201)


async def change_user(request: web.Request) -> web.StreamResponse:
    """Give a user another role or password."""
    asked = await body_of(request, UserChanges)
    if asked.role is None and asked.password is None:
        message = "say which of role and password is to change"
        raise InvalidError(message)
    name = request.match_info["name"]
    return answer(_user(await _people(request).change(name, role=asked.role, password=asked.password)))


async def remove_user(request: web.Request) -> web.StreamResponse:
    """Remove a user, with all its logins and tokens."""
    await _people(request).remove(request.match_info["name"])
    return web.Response(status=204)


async def list_tokens(request: web.Request) -> web.StreamResponse:
    """All tokens."""
    return listing(tuple(map(_token, _people(request).tokens)))


async def make_token(request: web.Request) -> web.StreamResponse:
    """Make a token; its text is in this answer and nowhere else."""
    asked, principal = await body_of(request, NewToken), request[PRINCIPAL]
    by = principal.name if principal.kind == "login" else ""
    token, text = await _people(request).make_token(asked.name, asked.role, by)
    return answer(MadeToken(_token(token), text), 201)


async def revoke_token(request: web.Request) -> web.StreamResponse:
    """Revoke a token; whoever uses it is nobody at once."""
    await _people(request).revoke_token(request.match_info["id"])
    return web.Response(status=204)


def _people(request: web.Request) -> People:
    access = daemon(request).access
    if not access.required:
        message = "nobody has to log in here, so there are no users: web.login is false"
        raise ConflictError(message, setting="web.login")
    return access.people


def _user(user: User) -> UserView:
    return UserView(user.name, user.role, user.created_at, user.changed_at)


def _token(token: Token) -> TokenView:
    return TokenView(token.id, token.name, token.role, token.created_at, token.created_by)
