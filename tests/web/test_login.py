"""Logging in over HTTP: cookies, tokens, roles, the socket, streams that end, proxies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from unittest import mock

import aiohttp
import pytest
from msgspec.structs import replace

import web.callers
from tests.web.conftest import serving
from web.app import Server
from web.routes import ROUTES

if TYPE_CHECKING:
    from scanner.app import App
    from scanner.config import Config

PASSWORD = "correct horse"  # noqa: S105 - of nobody
BAD_COOKIES = ("x", "x.y", "aaaaaaaa." + "b" * 43)


@pytest.fixture
def demo(demo: Config) -> Config:
    """The demo's configuration without a rig, where people have to log in; this computer is a proxy of ours."""
    access = replace(demo.web, login=True, trusted_proxies=("127.0.0.0/8",))
    return replace(demo, web=access, rig=None)


@pytest.fixture
async def users(app: App) -> App:
    """One user of each role."""
    for name, role in (("anna", "admin"), ("olga", "operator"), ("vera", "viewer")):
        await app.access.people.add(name, role, PASSWORD)
    return app


class Browser:
    """A browser with a cookie jar, which says its origin with every change."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session = session
        self.origin = {"Origin": url.rstrip("/").replace("localhost", "127.0.0.1")}
        self.base = self.origin["Origin"]

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Status and JSON of an answer."""
        async with self.session.request(
            method, f"{self.base}{path}", json=body, headers={**self.origin, **headers}
        ) as response:
            return response.status, await response.json() if response.content_type == "application/json" else None

    async def log_in(self, name: str, password: str = PASSWORD) -> tuple[int, Any]:
        """Log in."""
        return await self.ask("POST", "/api/login", {"name": name, "password": password})


@asynccontextmanager
async def browsing(server: Server) -> AsyncIterator[Browser]:
    """A browser of its own."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        yield Browser(session, server.url)


@pytest.fixture
async def served(users: App) -> AsyncIterator[Server]:
    """The web side, with users."""
    async with serving(users) as (server, _):
        yield server


@pytest.fixture
async def browser(served: Server) -> AsyncIterator[Browser]:
    """One that is not logged in."""
    async with browsing(served) as made:
        yield made


def code_of(answer: tuple[int, Any]) -> tuple[int, str]:
    """Status and code of an error."""
    return answer[0], answer[1]["error"]["code"]


async def test_the_first_setup(app: App):
    async with serving(app) as (server, _), browsing(server) as browser:
        assert (await browser.ask("GET", "/api/me"))[1] == {
            "name": "", "role": None, "login": True, "setup": True, "locked": None,
        }  # fmt: skip
        order = {"code": "wrong", "name": "anna", "password": PASSWORD}
        assert code_of(await browser.ask("POST", "/api/setup", order)) == (401, "login_failed")
        assert code_of(await browser.ask("GET", "/api/setup/code")) == (401, "login_required")
        local = aiohttp.ClientSession("http://x", connector=aiohttp.UnixConnector(str(server.socket)))
        async with local, local.get("/api/setup/code") as response:
            code = (await response.json())["code"]
        status, me = await browser.ask("POST", "/api/setup", {**order, "code": code})
        assert (status, me["name"], me["role"], me["setup"]) == (200, "anna", "admin", False)
        assert (await browser.ask("GET", "/api/state"))[0] == 200
        assert code_of(await browser.ask("POST", "/api/setup", {**order, "code": code})) == (409, "conflict")
        assert code_of(await browser.ask("GET", "/api/setup/code")) == (403, "forbidden")


async def test_the_cookie_belongs_to_the_browser_alone(browser: Browser, served: Server):
    async with browser.session.post(
        f"{browser.base}/api/login", json={"name": "vera", "password": PASSWORD}, headers=browser.origin
    ) as response:
        cookie = response.cookies[f"scanner-{served.port}"]
        assert PASSWORD not in await response.text()
    assert cookie["httponly"]
    assert cookie["samesite"] == "Strict"
    assert cookie["path"] == "/"
    assert not cookie["secure"]
    assert int(cookie["max-age"]) > 86_400


async def test_behind_a_proxy_that_speaks_https_the_cookie_is_secure(browser: Browser):
    async with browser.session.post(
        f"{browser.base}/api/login",
        json={"name": "vera", "password": PASSWORD},
        headers={**browser.origin, "X-Forwarded-Proto": "https"},
    ) as response:
        (cookie,) = response.cookies.values()
    assert cookie["secure"]


@pytest.mark.parametrize("name", ["anna", "olga", "vera", None])
async def test_each_role_may_do_what_the_table_says(browser: Browser, name: str | None):
    role = 0
    if name is not None:
        status, me = await browser.log_in(name)
        assert status == 200
        role = {"viewer": 1, "operator": 2, "admin": 3}[me["role"]]
    for route in ROUTES:
        if route.stream or route.path.startswith(("/api/login", "/api/logout", "/api/setup", "/api/users/", "/api/me")):
            continue
        path = route.path.replace("{path:.+}", "x").replace("{", "x").replace("}", "")
        status, answer = await browser.ask(route.method, path)
        if route.role <= role:
            assert status not in (401, 403), route
        else:
            assert code_of((status, answer)) == ((403, "forbidden") if name else (401, "login_required")), route


async def test_logout_ends_the_login_also_for_a_copy_of_the_cookie(browser: Browser):
    await browser.log_in("anna")
    copy = {"Cookie": "; ".join(f"{one.key}={one.value}" for one in browser.session.cookie_jar)}
    assert (await browser.ask("POST", "/api/logout"))[0] == 204
    assert len(browser.session.cookie_jar) == 0
    assert code_of(await browser.ask("GET", "/api/state", **copy)) == (401, "login_required")
    assert (await browser.ask("POST", "/api/logout"))[0] == 204


@pytest.mark.parametrize("cookie", BAD_COOKIES)
async def test_what_is_no_cookie_of_ours_is_nobody(browser: Browser, served: Server, cookie: str):
    shown = {"Cookie": f"scanner-{served.port}={cookie}; scanner-1=x"}
    assert code_of(await browser.ask("GET", "/api/state", **shown)) == (401, "login_required")
    assert (await browser.ask("GET", "/healthz", **shown))[0] == 200


async def test_wrong_tries_are_limited_and_say_when_to_try_again(browser: Browser):
    for _ in range(5):
        assert code_of(await browser.log_in("anna", "wrong password")) == (401, "login_failed")
    async with browser.session.post(
        f"{browser.base}/api/login", json={"name": "anna", "password": PASSWORD}, headers=browser.origin
    ) as response:
        assert response.status == 429
        assert int(response.headers["Retry-After"]) >= 1
    elsewhere = {"X-Forwarded-For": "10.9.9.9"}  # another address, another user: not limited
    order = {"name": "vera", "password": PASSWORD}
    assert (await browser.ask("POST", "/api/login", order, **elsewhere))[0] == 200


async def test_a_proxy_that_is_none_of_ours_is_not_believed(app: App, browser: Browser):
    callers = web.callers.Callers(app.access, ("10.0.0.0/8", "::1"))

    def asked(peer: str | None, **headers: str) -> Any:
        return mock.Mock(remote=peer, headers=headers, scheme="http")

    forwarded = {"X-Forwarded-For": "1.1.1.1, 2.2.2.2, 10.0.0.7", "X-Forwarded-Proto": "https"}
    assert callers.address(asked("3.3.3.3", **forwarded)) == "3.3.3.3"
    assert callers.address(asked("10.0.0.1", **forwarded)) == "2.2.2.2"
    assert callers.address(asked("10.0.0.1")) == "10.0.0.1"
    assert callers.address(asked("::1", **{"X-Forwarded-For": "10.0.0.7"})) == "10.0.0.7"
    assert callers.address(asked(None)) == ""
    assert callers.is_secure(asked("10.0.0.1", **forwarded))
    assert not callers.is_secure(asked("3.3.3.3", **forwarded))
    for name in ("X-Remote-User", "X-Forwarded-User", "Remote-User", "X-Auth-Request-User"):
        assert code_of(await browser.ask("GET", "/api/state", **{name: "anna"})) == (401, "login_required")


async def test_a_change_by_cookie_needs_an_origin_one_by_token_does_not(browser: Browser):
    await browser.log_in("anna")
    async with browser.session.post(f"{browser.base}/api/rig/stop") as response:
        assert response.status == 403
    async with browser.session.ws_connect(f"{browser.base}/api/ws", origin=browser.base) as stream:
        await stream.send_str('{"type": "hello"}')
        assert (await stream.receive_json())["type"] == "hello"
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await browser.session.ws_connect(f"{browser.base}/api/ws")
    _, made = await browser.ask("POST", "/api/tokens", {"name": "night", "role": "operator"})
    async with aiohttp.ClientSession() as machine:
        bearer = {"Authorization": f"Bearer {made['text']}"}
        async with machine.delete(f"{browser.base}/api/jobs", headers=bearer) as response:
            assert response.status == 204
        async with machine.get(f"{browser.base}/api/users", headers=bearer) as response:
            assert response.status == 403
        for wrong in (f"Bearer {made['text']}x", "Bearer", "Bearer x", "Basic YTpi", "bearer scn_x_y"):
            async with machine.get(f"{browser.base}/api/state", headers={"Authorization": wrong}) as response:
                assert response.status == 401
        token = (await browser.ask("GET", "/api/tokens"))[1]["items"][0]
        assert (token["name"], token["role"], token["created_by"]) == ("night", "operator", "anna")
        assert (await browser.ask("DELETE", f"/api/tokens/{token['id']}"))[0] == 204
        async with machine.get(f"{browser.base}/api/state", headers=bearer) as response:
            assert response.status == 401


async def test_users_are_added_changed_and_removed_by_administrators(browser: Browser):
    await browser.log_in("anna")
    status, made = await browser.ask("POST", "/api/users", {"name": "bert", "role": "viewer", "password": PASSWORD})
    assert (status, made["name"], made["role"]) == (201, "bert", "viewer")
    assert "password" not in made
    listed = (await browser.ask("GET", "/api/users"))[1]["items"]
    assert [user["name"] for user in listed] == ["anna", "olga", "vera", "bert"]
    assert (await browser.ask("PATCH", "/api/users/bert", {"role": "operator"}))[1]["role"] == "operator"
    assert (await browser.ask("PATCH", "/api/users/bert", {"password": "another horse"}))[0] == 200
    assert code_of(await browser.ask("PATCH", "/api/users/bert", {})) == (400, "invalid")
    assert code_of(await browser.ask("PATCH", "/api/users/anna", {"role": "viewer"})) == (409, "last_admin")
    again = {"name": "bert", "role": "viewer", "password": PASSWORD}
    assert code_of(await browser.ask("POST", "/api/users", again)) == (409, "user_exists")
    assert (await browser.ask("DELETE", "/api/users/bert"))[0] == 204
    assert code_of(await browser.ask("DELETE", "/api/users/bert")) == (404, "not_found")
    for bad in ({"name": "B", "role": "viewer", "password": PASSWORD}, {**again, "password": "short"}):
        assert code_of(await browser.ask("POST", "/api/users", bad)) == (400, "invalid")


async def test_another_password_ends_the_other_logins(browser: Browser, served: Server):
    async with browsing(served) as other:
        await browser.log_in("vera")
        await other.log_in("vera")
        order = {"old": PASSWORD, "new": "another horse"}
        assert code_of(await browser.ask("POST", "/api/me/password", {**order, "old": "wrong"})) == (
            401,
            "login_failed",
        )
        assert (await browser.ask("POST", "/api/me/password", order))[0] == 204
        assert (await browser.ask("GET", "/api/state"))[0] == 200
        assert code_of(await other.ask("GET", "/api/state")) == (401, "login_required")
        assert code_of(await other.log_in("vera")) == (401, "login_failed")
        assert (await other.log_in("vera", "another horse"))[0] == 200


async def test_what_is_taken_away_ends_open_streams_at_once(users: App, browser: Browser):
    await browser.log_in("vera")
    async with browser.session.ws_connect(f"{browser.base}/api/ws", origin=browser.base) as page:
        await page.send_str('{"type": "hello"}')
        await page.receive()
        async with browser.session.get(f"{browser.base}/api/events") as events:
            await users.access.people.remove("vera")
            async with asyncio.timeout(2):
                assert (await page.receive()).type is aiohttp.WSMsgType.CLOSE
                assert b"the login has ended" in await events.read()


async def test_a_stream_whose_login_runs_out_ends(browser: Browser, monkeypatch: pytest.MonkeyPatch):
    await browser.log_in("vera")
    async with browser.session.get(f"{browser.base}/api/events") as events:
        monkeypatch.setattr("scanner.access.logins.IDLE", -1.0)
        async with asyncio.timeout(4):
            assert b"the login has ended" in await events.read()


async def test_jobs_name_who_asked(browser: Browser):
    await browser.log_in("olga")
    status, answer = await browser.ask("POST", "/api/sessions/verify")
    assert (status, answer["origin"]) == (202, "web:olga")


async def test_users_that_are_lost_lock(users: App, browser: Browser):
    await browser.log_in("anna")
    (users.config.state_dir / "access/users.yaml").unlink()
    async with browser.session.get(f"{browser.base}/api/me") as response:
        assert (await response.json())["role"] == "admin"  # not yet noticed
    assert code_of(await browser.log_in("vera")) == (503, "access_locked")
    assert code_of(await browser.ask("GET", "/api/state")) == (401, "login_required")
    me = (await browser.ask("GET", "/api/me"))[1]
    assert "sudo scanner user add" in me["locked"]
    assert me["setup"] is False


# ---- the socket ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("user", "status"), [(0, 200), (None, 200), (54_321, 403)])
async def test_who_has_the_socket(served: Server, monkeypatch: pytest.MonkeyPatch, user: int | None, status: int):
    real = web.callers._PEER
    peer = mock.Mock(size=real.size)
    peer.unpack = lambda data: (1, real.unpack(data)[1] if user is None else user, 1)
    monkeypatch.setattr(web.callers, "_PEER", peer)
    async with aiohttp.ClientSession("http://x", connector=aiohttp.UnixConnector(str(served.socket))) as local:
        async with local.get("/api/users") as response:
            assert response.status == status
        async with local.get("/api/sessions") as response:
            assert response.status == 200
        async with local.post("/api/sessions/verify") as response:
            assert (await response.json())["origin"] == "cli"
