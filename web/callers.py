"""Who asks, and from where: whoever has the socket, a cookie or a token, or nobody in particular.

1. *Socket*: root and the user that the daemon runs as are administrators; whoever else may open the socket, which its
   mode leaves to a group, is an operator.
2. *Token*: ``Authorization: Bearer``.
3. *Cookie*: of a login; its name has the port in it, because browsers give cookies to every port of a host.

What a proxy says of whom it asks for counts if its address is one of ``web.trusted_proxies``, and never as a login.
"""

from __future__ import annotations

import os
import socket
import struct
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final

from aiohttp import web

from scanner.access import Access, Principal, Role
from scanner.access.access import NOBODY
from scanner.access.logins import LONGEST
from web.context import local_peer

ENDED: Final = "nobody is logged in, or the login has ended; log in"
_BEARER: Final = "bearer "
_PEER: Final = struct.Struct("3i")  # process, user, group
_ADMIN: Final = Principal(kind="socket", role=Role.ADMIN)
_OPERATOR: Final = Principal(kind="socket", role=Role.OPERATOR)


class Callers:
    """``proxies``: addresses or networks that are believed."""

    def __init__(self, access: Access, proxies: tuple[str, ...] = ()) -> None:
        self._access = access
        self._proxies: tuple[IPv4Network | IPv6Network, ...] = tuple(map(ip_network, proxies))

    def principal(self, request: web.Request) -> Principal:
        """Who asks. Whoever shows a cookie or token that is none (any more) is nobody, also where none is needed."""
        if local_peer(request):
            return _peer(request)
        shown = request.headers.get("Authorization", "")
        if shown[: len(_BEARER)].lower() == _BEARER:
            return self._access.by_token(shown[len(_BEARER) :].strip()) or NOBODY
        if self._access.required and (cookie := request.cookies.get(cookie_name(request))):
            return self._access.by_cookie(cookie) or NOBODY
        return self._access.anybody()

    def address(self, request: web.Request) -> str:
        """From where: the last address that no proxy of ours has; empty on the socket."""
        address = request.remote or ""
        passed = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",")]
        while self._is_proxy(address) and passed and passed[-1]:
            address = passed.pop()
        return address

    def is_secure(self, request: web.Request) -> bool:
        """Whether the browser speaks HTTPS, with us or with a proxy of ours."""
        if request.scheme == "https":
            return True
        return self._is_proxy(request.remote or "") and request.headers.get("X-Forwarded-Proto", "").lower() == "https"

    def _is_proxy(self, address: str) -> bool:
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._proxies)


def cookie_name(request: web.Request) -> str:
    """The name of our cookie on this connection."""
    sockname = None if request.transport is None else request.transport.get_extra_info("sockname")
    return f"scanner-{sockname[1]}" if isinstance(sockname, tuple) else "scanner"


def give_cookie(request: web.Request, response: web.Response, cookie: str, *, secure: bool) -> None:
    """Have the browser keep a login."""
    response.set_cookie(
        cookie_name(request), cookie, max_age=int(LONGEST), httponly=True, samesite="Strict", secure=secure
    )


def take_cookie(request: web.Request, response: web.Response, *, secure: bool) -> None:
    """Have the browser forget it."""
    response.del_cookie(cookie_name(request), httponly=True, samesite="Strict", secure=secure)


def _peer(request: web.Request) -> Principal:
    transport = request.transport
    connection = None if transport is None else transport.get_extra_info("socket")
    if connection is None:
        return NOBODY
    _, user, _ = _PEER.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
    return _ADMIN if user in {0, os.geteuid()} else _OPERATOR
