"""Who gets in, who does not, and what ends when."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

import pytest
from msgspec.structs import replace

from scanner.access import Access, Principal, Role
from scanner.access.attempts import FREE
from scanner.access.logins import IDLE, LONGEST, MAX_LOGINS
from scanner.access.state import AccessState
from scanner.errors import (
    ConflictError,
    LastAdminError,
    LoginFailedError,
    NotFoundError,
    TooManyAttemptsError,
    UserExistsError,
)
from tests.scanner.access.conftest import HERE, PASSWORD, Opener
from tests.support.clock import ManualClock

OTHER = "quite another"


def state_of(access: Access) -> AccessState:
    """What it keeps in memory."""
    return access._state


async def wrong(access: Access, name: str = "anna", address: str = HERE) -> None:
    """One wrong try."""
    with pytest.raises(LoginFailedError):
        await access.gate.log_in(name, "wrong password", address)


# ---- the first setup -------------------------------------------------------------------------------------------------


async def test_the_first_user_is_an_administrator_and_needs_the_code(opened: Opener):
    access = await opened()
    code = access.setup_code
    assert code is not None
    for wrong_code in ("", "x", code[:-1], code + "2"):
        with pytest.raises(LoginFailedError, match="setup code"):
            await access.gate.set_up(wrong_code, "anna", PASSWORD, HERE)
    assert access.people.users == ()
    written = f" {code[:5].upper()}-{code[5:].upper()} "
    cookie = await access.gate.set_up(written, "anna", PASSWORD, HERE)
    principal = access.by_cookie(cookie)
    assert principal is not None
    assert (principal.kind, principal.name, principal.role, principal.origin) == (
        "login",
        "anna",
        Role.ADMIN,
        "web:anna",
    )
    assert access.setup_code is None
    with pytest.raises(ConflictError, match="set up already"):
        await access.gate.set_up(code, "eve", PASSWORD, HERE)


async def test_the_code_is_another_at_each_start_and_cannot_be_guessed(opened: Opener):
    codes = {(await opened()).setup_code for _ in range(5)}
    assert len(codes) == 5
    access = await opened()
    for _ in range(FREE):
        with pytest.raises(LoginFailedError):
            await access.gate.set_up("wrong", "eve", PASSWORD, HERE)
    with pytest.raises(TooManyAttemptsError):
        await access.gate.set_up(access.setup_code or "", "eve", PASSWORD, "10.0.0.9")


async def test_two_that_set_up_at_once_make_one_user(opened: Opener):
    access = await opened()
    code = access.setup_code or ""
    answers = await asyncio.gather(
        *(access.gate.set_up(code, name, PASSWORD, HERE) for name in ("anna", "bert")), return_exceptions=True
    )
    assert [isinstance(one, ConflictError) for one in answers].count(True) == 1
    assert len(access.people.users) == 1


async def test_where_no_login_is_needed_nothing_is_kept(opened: Opener, tmp_path: Path):
    access = await opened(required=False)
    assert access.anybody().role is Role.ADMIN
    assert access.anybody().origin == "web"
    assert (access.setup_code, access.locked) == (None, None)
    await access.close()
    assert not (tmp_path / "access").exists()


# ---- logging in ------------------------------------------------------------------------------------------------------


async def test_a_login_lasts_over_a_restart_and_ends_with_logout(access: Access, opened: Opener):
    cookie = await access.gate.log_in("anna", PASSWORD, HERE)
    await access.close()
    again = await opened()
    principal = again.by_cookie(cookie)
    assert principal is not None
    assert again.stays(principal)
    await again.gate.log_out(principal.key)
    assert again.by_cookie(cookie) is None
    assert not again.stays(principal)
    assert (await opened()).by_cookie(cookie) is None


@pytest.mark.parametrize("cookie", ["", ".", "x", "x.y", "aaaaaaaa.", "\x00.\x00", "a" * 5000])
async def test_what_is_no_cookie_is_nobody(access: Access, cookie: str):
    good = await access.gate.log_in("anna", PASSWORD, HERE)
    key, _, secret = good.partition(".")
    assert access.by_cookie(good) is not None
    for bad in (cookie, f"{key}.", f"{key}.{secret}x", f"{key}.{secret[:-1]}", f"{key}.{cookie}", f".{secret}"):
        assert access.by_cookie(bad) is None
    assert access.anybody().role is Role.PUBLIC


async def test_neither_password_nor_secret_is_kept(access: Access, tmp_path: Path):
    cookie = await access.gate.log_in("anna", PASSWORD, HERE)
    _, text = await access.people.make_token("night", "operator", "anna")
    kept = b"".join(path.read_bytes() for path in (tmp_path / "access").iterdir())
    for secret in (PASSWORD, cookie.partition(".")[2], text.rpartition("_")[2]):
        assert secret.encode() not in kept
    assert stat.S_IMODE((tmp_path / "access").stat().st_mode) == 0o700


async def test_the_same_password_is_kept_differently(access: Access):
    await access.people.add("bert", "viewer", PASSWORD)
    first, second = (user.password for user in access.people.users)
    assert first != second


async def test_an_unknown_user_is_refused_in_the_same_words(access: Access):
    said = []
    for name in ("anna", "nobody"):
        with pytest.raises(LoginFailedError) as refused:
            await access.gate.log_in(name, "wrong password", HERE)
        said.append(refused.value.message)
    assert said[0] == said[1]


async def test_wrong_tries_have_to_wait_longer_and_longer(access: Access, clock: ManualClock):
    for _ in range(FREE):
        await wrong(access)
    waits = []
    for _ in range(9):
        with pytest.raises(TooManyAttemptsError) as refused:
            await access.gate.log_in("anna", PASSWORD, HERE)
        waits.append(refused.value.detail["retry_after"])
        await clock.advance(float(waits[-1]))
        await wrong(access)
    assert waits == [2, 3, 5, 9, 17, 33, 61, 61, 61]
    await clock.advance(61)
    await access.gate.log_in("anna", PASSWORD, HERE)
    await wrong(access)  # all is forgotten: this costs nothing


async def test_neither_many_users_nor_many_addresses_get_around_the_limit(access: Access):
    for number in range(FREE):
        await wrong(access, name=f"user{number}")
    with pytest.raises(TooManyAttemptsError):
        await access.gate.log_in("bert", "x" * 8, HERE)
    for number in range(FREE):
        await wrong(access, address=f"10.0.0.{number}")
    with pytest.raises(TooManyAttemptsError):
        await access.gate.log_in("anna", PASSWORD, "10.0.0.99")


async def test_addresses_of_one_ipv6_network_count_as_one(access: Access):
    for number in range(FREE):
        await wrong(access, name=f"user{number}", address=f"2001:db8::{number}")
    with pytest.raises(TooManyAttemptsError):
        await access.gate.log_in("bert", "x" * 8, "2001:db8::ffff")
    await wrong(access, name="carl", address="2001:db8:0:1::1")
    await wrong(access, name="carl", address="no address")


async def test_tries_at_once_are_counted_one_by_one(access: Access):
    tries = [access.gate.log_in("anna", f"wrong {number:03}", HERE) for number in range(40)]
    answers = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(one, LoginFailedError) for one in answers) == FREE
    assert sum(isinstance(one, TooManyAttemptsError) for one in answers) == 40 - FREE


async def test_a_login_ends_a_week_after_it_was_used_and_a_month_after_it_began(
    access: Access, opened: Opener, clock: ManualClock
):
    idle = await access.gate.log_in("anna", PASSWORD, HERE)
    used = await access.gate.log_in("anna", PASSWORD, HERE)
    for day in range(int(LONGEST / 86_400)):
        assert access.by_cookie(used) is not None, day
        assert (day * 86_400 > IDLE) == (not access.stays(_principal(idle)))
        await clock.advance(86_400.0)
        if day == 10:  # neither does a restart begin the count anew
            await access.close()
            access = await opened()
    await clock.advance(1.0)
    assert access.by_cookie(used) is None


def _principal(cookie: str) -> Principal:
    return Principal(kind="login", role=Role.ADMIN, name="anna", key=cookie.partition(".")[0])


async def test_a_clock_without_battery_logs_nobody_out(access: Access, opened: Opener, clock: ManualClock):
    cookie = await access.gate.log_in("anna", PASSWORD, HERE)
    await access.close()
    clock.set_wall(clock.now().replace(year=1970))
    access = await opened()
    assert access.by_cookie(cookie) is not None


async def test_a_clock_that_finds_a_time_server_logs_nobody_out(opened: Opener, clock: ManualClock):
    today = clock.now()
    clock.set_wall(today.replace(year=1970))
    access = await opened(synchronised=False)
    await access.people.add("anna", "admin", PASSWORD)
    cookie = await access.gate.log_in("anna", PASSWORD, HERE)
    clock.set_wall(today)
    assert access.by_cookie(cookie) is not None
    await access.close()
    assert (await opened()).by_cookie(cookie) is not None


async def test_who_is_logged_in_gets_in_again_though_others_guess(access: Access):
    await access.gate.log_in("anna", PASSWORD, HERE)
    for number in range(FREE):
        await wrong(access, address=f"10.0.0.{number}")
    with pytest.raises(TooManyAttemptsError):
        await access.gate.log_in("anna", PASSWORD, "10.0.0.99")
    await access.gate.log_in("anna", PASSWORD, HERE)
    for _ in range(FREE):
        await wrong(access)
    with pytest.raises(TooManyAttemptsError):
        await access.gate.log_in("anna", PASSWORD, HERE)


async def test_a_login_of_long_ago_is_over_though_the_daemon_did_not_run(
    access: Access, opened: Opener, clock: ManualClock
):
    cookie = await access.gate.log_in("anna", PASSWORD, HERE)
    await access.close()
    clock.set_wall(clock.now().replace(year=clock.now().year + 1))
    access = await opened()
    assert access.by_cookie(cookie) is None


async def test_logins_are_bounded(access: Access, clock: ManualClock):
    first = await access.gate.log_in("anna", PASSWORD, HERE)
    login = state_of(access).logins.document().logins[0]
    for number in range(MAX_LOGINS):
        await clock.advance(0.001)
        state_of(access).logins.add(replace(login, id=f"{number:08}"))
    assert len(state_of(access).logins) == MAX_LOGINS
    assert access.by_cookie(first) is None


# ---- what is taken away ends at once ---------------------------------------------------------------------------------


async def test_what_is_taken_away_ends_at_once_and_is_made_known(access: Access):
    gone: list[str] = []
    access.listen(gone.extend)
    await access.people.add("bert", "operator", PASSWORD)
    cookies = [await access.gate.log_in("bert", PASSWORD, HERE) for _ in range(3)]
    keys = [cookie.partition(".")[0] for cookie in cookies]
    token, text = await access.people.make_token("night", "operator", "bert")
    principal = access.by_token(text)
    assert principal is not None
    assert (principal.role, principal.origin) == (Role.OPERATOR, "token:night")

    await access.gate.change_password("bert", keys[0], PASSWORD, "another horse")
    assert sorted(gone) == sorted(keys[1:])
    assert [access.by_cookie(cookie) is not None for cookie in cookies] == [True, False, False]

    await access.people.change("bert", role="viewer")
    assert access.by_cookie(cookies[0]) is None
    assert keys[0] in gone
    cookie = await access.gate.log_in("bert", "another horse", HERE)
    assert (found := access.by_cookie(cookie)) is not None
    assert found.role is Role.VIEWER

    await access.people.remove("bert")
    assert access.by_cookie(cookie) is None
    assert access.by_token(text) is None
    assert not access.stays(principal)
    assert token.id in gone


async def test_a_password_that_an_administrator_sets_ends_all_logins(access: Access):
    cookie = await access.gate.log_in("anna", PASSWORD, HERE)
    await access.people.change("anna", password=OTHER)
    assert access.by_cookie(cookie) is None
    await wrong(access)
    await access.gate.log_in("anna", OTHER, HERE)


async def test_the_old_password_has_to_be_known(access: Access):
    for _ in range(FREE):
        with pytest.raises(LoginFailedError, match="old password"):
            await access.gate.change_password("anna", "", "wrong password", "x" * 8)
    with pytest.raises(TooManyAttemptsError):
        await access.gate.change_password("anna", "", PASSWORD, "x" * 8)


async def test_tokens(access: Access, opened: Opener):
    token, text = await access.people.make_token("night", "viewer", "")
    for bad in ("", "scn", text[:-1], f"{text}x", text.replace("scn_", ""), "scn_x_y", f"scn_{token.id}_"):
        assert access.by_token(bad) is None
    again = await opened()
    assert (found := again.by_token(text)) is not None
    assert found.role is Role.VIEWER
    await again.people.revoke_token(token.id)
    assert again.by_token(text) is None
    with pytest.raises(NotFoundError):
        await again.people.revoke_token(token.id)


async def test_somebody_who_may_change_users_is_always_left(access: Access):
    with pytest.raises(LastAdminError):
        await access.people.remove("anna")
    with pytest.raises(LastAdminError):
        await access.people.change("anna", role="operator")
    await access.people.add("bert", "admin", PASSWORD)
    await access.people.change("anna", role="operator")
    with pytest.raises(LastAdminError):
        await access.people.remove("bert")


async def test_users_that_are_there_already_or_not_at_all(access: Access):
    with pytest.raises(UserExistsError):
        await access.people.add("anna", "viewer", PASSWORD)
    for change in (
        access.people.remove("bert"),
        access.people.change("bert", role="viewer"),
        access.people.change("bert", password=PASSWORD),
    ):
        with pytest.raises(NotFoundError, match="bert"):
            await change
