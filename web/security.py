"""Who may ask what from where: checked for every request, before any handler runs.

1. *Host*: an address of this machine (any IP literal, ``localhost``, its host name, ``<name>.local`` and
   ``<name>-2.local`` as mDNS makes them, ``web.allowed_hosts``, the host of ``web.public_url``), else 421. This is
   what keeps a foreign page from reaching a scanner in the LAN by a name that it makes point here.
2. *Changes* (every method but GET, HEAD, OPTIONS, and WebSocket upgrades): ``Origin``, when sent, must be this host
   and port (or ``web.public_url``'s); ``Sec-Fetch-Site``, when sent, must not name a foreign site, else 403. A body
   must be JSON, else 415.
3. *Bodies*: 2 MiB at most, else 413; here within ten seconds, else 408.
4. *Roles*: every route has one in the table of routes; one without is refused. Who asks is found out by
   :mod:`.callers`. A route that takes no body refuses one.

Peers on the unix socket are exempt from 1 and from the comparison of origins: the file's mode decides who reaches it.
Whoever is known by a cookie has to say its origin with every change, as browsers do: others may leave it out.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from functools import cached_property
from http import HTTPStatus
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from msgspec import Struct
from multidict import CIMultiDict

from scanner.access import Principal, Role
from scanner.decoding import decode_json
from scanner.errors import ForbiddenError, InvalidError, LoginRequiredError
from scanner.model import Value
from web.callers import ENDED, Callers
from web.codec import JSON, RefusedError
from web.context import PRINCIPAL, local_peer

BODY_LIMIT: Final = 2 * 1024 * 1024  # bytes; a list of 10,000 viewpoints takes a tenth
BODY_SECONDS: Final = 10.0
FORMS: Final = frozenset({"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"})  # any page's
CONTINUE: Final = "100-continue"
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_PORTS: Final = {"http": 80, "https": 443}
_REMEMBERED: Final = 64  # hosts found good; more than a scanner has names

ANSWER_HEADERS: Final = CIMultiDict(
    {
        "Content-Security-Policy": (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
            "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
        ),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Server": "scanner",
    }
)


class Rule(Struct, frozen=True):
    """What the table of routes says about a route."""

    role: Role
    takes_body: bool
    audited: bool


class Nothing(Value, frozen=True):
    """The body of a request that takes none: empty, or ``{}``."""


class Names(Struct, frozen=True, kw_only=True):
    """By what names this machine may be addressed. ``public_url``: the address a proxy gives it."""

    hostname: str
    allowed_hosts: tuple[str, ...] = ()
    public_url: str | None = None


class Guard:
    """Admits requests or refuses them."""

    def __init__(
        self,
        names: Names,
        rules: Mapping[web.AbstractRoute, Rule],
        callers: Callers,
        *,
        body_seconds: float = BODY_SECONDS,
    ) -> None:
        hostname = names.hostname.lower()
        public = urlsplit(names.public_url) if names.public_url else None
        short = re.escape(hostname.partition(".")[0])
        self._local = re.compile(rf"{short}(-\d{{1,3}})?\.local")
        self._hosts = {
            "localhost",
            hostname,
            hostname.partition(".")[0],
            *(host.lower() for host in names.allowed_hosts),
        }
        self._public = _authority(names.public_url) if names.public_url else None
        if public is not None and public.hostname:
            self._hosts.add(public.hostname)
        self._good: set[str] = set()
        self._rules = rules
        self._callers = callers
        self._body_seconds = body_seconds

    @cached_property
    def _fixed(self) -> dict[str, set[str]]:
        """The methods of the routes without parameters, by path; once all of them are known."""
        found: dict[str, set[str]] = {}
        for route in self._rules:
            if isinstance(route.resource, web.PlainResource):
                found.setdefault(route.resource.canonical, set()).add(route.method)
        return found

    def admit(self, request: web.Request) -> None:
        """Let the request pass as far as its head tells; it then knows who asks. Errors: RefusedError,
        ForbiddenError, HTTPMethodNotAllowed.
        """
        local = local_peer(request)
        if not local:
            self.check_host(request.headers.get("Host", ""))
        principal = request[PRINCIPAL] = self._callers.principal(request)
        if request.method not in SAFE_METHODS or "Upgrade" in request.headers:
            if not local:
                self._check_origin(request, needed=principal.kind == "login")
            _check_content(request)
        _check_expectation(request)
        allowed = self._fixed.get(request.path)
        if allowed is not None and request.method not in allowed:  # not those of another route whose parameter fits
            raise web.HTTPMethodNotAllowed(request.method, allowed)
        self._check_role(request, principal)

    def is_audited(self, request: web.Request) -> bool:
        """Whether it was admitted, and is a request that is entered in the audit."""
        rule = self._rules.get(request.match_info.route)
        principal = request.get(PRINCIPAL)
        return rule is not None and rule.audited and principal is not None and rule.role <= principal.role

    def check_host(self, host: str) -> None:
        """Errors: RefusedError unless the header ``Host`` names this machine."""
        if host in self._good:
            return
        name = _hostname(host)
        if name not in self._hosts and not self._local.fullmatch(name) and not _is_address(name):
            message = (
                f"this scanner does not answer to the name {name[:100]!r}; if it should, add it to web.allowed_hosts "
                "in the configuration"
            )
            raise RefusedError(HTTPStatus.MISDIRECTED_REQUEST, "misdirected", message, setting="web.allowed_hosts")
        if len(self._good) < _REMEMBERED:
            self._good.add(host)

    def _check_origin(self, request: web.Request, *, needed: bool) -> None:
        site = request.headers.get("Sec-Fetch-Site", "none")
        origin = request.headers.get("Origin")
        own = _authority(f"{request.scheme}://{request.headers.get('Host', '')}")
        there = _authority(origin) if origin is not None else None if needed else own
        if there is None or there not in {own, self._public} or site not in {"same-origin", "none"}:
            message = "refused: the request comes from a page of another site; behind a proxy, set web.public_url"
            raise ForbiddenError(message, setting="web.public_url")

    async def read_body(self, request: web.Request) -> None:
        """Have the whole body here before any handler runs, so that no half-sent one holds anything up.

        Errors: RefusedError; InvalidError where the route takes none.
        """
        if (request.content_length or 0) > BODY_LIMIT:
            raise _too_large()
        try:
            async with asyncio.timeout(self._body_seconds):
                if "Expect" in request.headers:
                    await _ask_for_body(request)
                body = await request.read()
        except TimeoutError:
            message = f"the body did not arrive within {self._body_seconds:g} s"
            raise RefusedError(HTTPStatus.REQUEST_TIMEOUT, "body_timeout", message) from None
        except web.HTTPRequestEntityTooLarge:
            raise _too_large() from None
        except (web.RequestPayloadError, HttpProcessingError):
            message = "the body does not keep to its own framing"
            raise RefusedError(HTTPStatus.BAD_REQUEST, "bad_request", message) from None
        rule = self._rules.get(request.match_info.route)
        if rule is not None and not rule.takes_body and body:
            decode_json(Nothing, body, error=InvalidError)

    def _check_role(self, request: web.Request, principal: Principal) -> None:
        match = request.match_info
        if match.http_exception is not None:
            return  # no such route: its handler says so
        rule = self._rules.get(match.route)
        if rule is not None and rule.role <= principal.role:
            return
        if principal.role is Role.PUBLIC:
            raise LoginRequiredError(ENDED)
        message = "this is not allowed for your role"
        raise ForbiddenError(message)


def _check_content(request: web.Request) -> None:
    if "Content-Encoding" in request.headers:
        message = "send the body as it is, without Content-Encoding"
        raise RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message)
    kind = request.content_type
    if kind in FORMS or (request.body_exists and kind != JSON):
        message = "send the body as JSON, with the header Content-Type: application/json"
        raise RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message)


def _check_expectation(request: web.Request) -> None:
    expected = request.headers.get("Expect", CONTINUE)
    if expected.lower() != CONTINUE:
        message = f"the daemon can meet no expectation but {CONTINUE}"
        raise RefusedError(HTTPStatus.EXPECTATION_FAILED, "expectation_failed", message)


async def _ask_for_body(request: web.Request) -> None:
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    request.writer.output_size = 0  # the answer itself has not begun


def _too_large() -> RefusedError:
    message = f"the body is larger than {BODY_LIMIT // 1024 // 1024} MiB"
    return RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large", message, limit=BODY_LIMIT)


def _hostname(host: str) -> str:
    """The name in a Host header, lower case, without port, brackets and the root's dot; empty where it is none."""
    match = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]@/\s]*)(:\d{1,5})?", host)
    return match[1].strip("[]").lower().removesuffix(".") if match else ""


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _authority(url: str) -> tuple[str, int] | None:
    """Host and port of an origin, the scheme's port where it names none; None where it has none (``null``)."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None
    return (parts.hostname, port) if parts.hostname and port else None
