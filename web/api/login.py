"""Logging in and out, the first setup, one's own password."""

from __future__ import annotations

from typing import Annotated

import msgspec
from aiohttp import web

from scanner.access import Principal, RoleName, UserName
from scanner.access.accounts import Password
from scanner.access.gate import Gate
from scanner.errors import ConflictError, ForbiddenError, LoginRequiredError
from web.callers import ENDED, give_cookie, take_cookie
from web.codec import answer, body_of
from web.context import PRINCIPAL, context, daemon

Secret = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Login(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Name and password."""

    name: UserName
    password: Secret


class Setup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first administrator, and the code that stands in the log."""

    code: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    name: UserName
    password: Password


class NewPassword(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The password so far, and the one from now on."""

    old: Secret
    new: Password


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks. ``role`` None: nobody is logged in. ``login``: whether one has to be. ``setup``: whether the first
    administrator is still to be made; ``locked``: why nobody can log in, and what to do.
    """

    name: str
    role: RoleName | None
    login: bool
    setup: bool
    locked: str | None


class SetupCode(msgspec.Struct, frozen=True):
    """The code that the first setup asks for; None once there was one."""

    code: str | None


async def me(request: web.Request) -> web.StreamResponse:
    """Who asks, and whether somebody has to log in."""
    return answer(_me(request, request[PRINCIPAL]))


async def log_in(request: web.Request) -> web.StreamResponse:
    """Log in; the answer sets the cookie."""
    asked = await body_of(request, Login)
    callers = context(request).callers
    cookie = await _gate(request).log_in(asked.name, asked.password, callers.address(request))
    return _welcome(request, cookie)


async def set_up(request: web.Request) -> web.StreamResponse:
    """Make the first administrator, who is then logged in."""
    asked = await body_of(request, Setup)
    callers = context(request).callers
    cookie = await _gate(request).set_up(asked.code, asked.name, asked.password, callers.address(request))
    return _welcome(request, cookie)


async def setup_code(request: web.Request) -> web.StreamResponse:
    """The code of the first setup, for whoever is at the machine."""
    if request[PRINCIPAL].kind != "socket":
        message = "the setup code is told at the machine alone: scanner setup-code"
        raise ForbiddenError(message)
    return answer(SetupCode(daemon(request).access.setup_code))


async def log_out(request: web.Request) -> web.StreamResponse:
    """Log out; the login ends for good."""
    principal = request[PRINCIPAL]
    if principal.kind == "login":
        await daemon(request).access.gate.log_out(principal.key)
    response = web.Response(status=204)
    take_cookie(request, response, secure=context(request).callers.is_secure(request))
    return response


async def change_password(request: web.Request) -> web.StreamResponse:
    """Change one's own password; all one's other logins end."""
    asked, principal = await body_of(request, NewPassword), request[PRINCIPAL]
    if principal.kind != "login":
        message = "only somebody who is logged in has a password to change"
        raise ConflictError(message)
    await daemon(request).access.gate.change_password(principal.name, principal.key, asked.old, asked.new)
    return web.Response(status=204)


def _gate(request: web.Request) -> Gate:
    access = daemon(request).access
    if not access.required:
        message = "nobody has to log in here: web.login is false"
        raise ConflictError(message, setting="web.login")
    return access.gate


def _welcome(request: web.Request, cookie: str) -> web.StreamResponse:
    parts = context(request)
    principal = parts.app.access.by_cookie(cookie)
    if principal is None:  # taken away in the same moment
        raise LoginRequiredError(ENDED)
    request[PRINCIPAL] = principal  # as whom this is entered in the audit
    response = answer(_me(request, principal))
    give_cookie(request, response, cookie, secure=parts.callers.is_secure(request))
    return response


def _me(request: web.Request, principal: Principal) -> Me:
    access = daemon(request).access
    return Me(
        name=principal.name,
        role=principal.role.title,
        login=access.required,
        setup=access.setup_code is not None,
        locked=access.locked,
    )
