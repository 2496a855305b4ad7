"""``scanner user``, ``scanner token``, ``scanner setup-code``."""

from __future__ import annotations

import io
import json

import pytest

from scanner.cli import entry
from tests.scanner.cli.conftest import listed
from tests.scanner.cli.stub import error

PASSWORD = "correct horse"  # noqa: S105 - of nobody
USER = {
    "name": "anna",
    "role": "admin",
    "created_at": "2026-11-20T04:15:30.120Z",
    "changed_at": "2026-11-20T05:00:00.000Z",
}
TOKEN = {
    "id": "abcd2345",
    "name": "night",
    "role": "viewer",
    "created_at": "2026-11-20T04:15:30.120Z",
    "created_by": "",
}


def test_a_user_is_added_with_a_password_typed_twice(cli, stub):
    stub.answers["POST /api/users"] = (201, USER)
    cli.secrets = [PASSWORD, PASSWORD]
    call = cli("user", "add", "anna", "--role", "admin", terminal=True)
    assert (call.code, call.out) == (0, "anna may log in as admin\n")
    assert cli.asked == ["password for anna: ", "the same again: "]
    assert stub.requests[-1].body == {"name": "anna", "role": "admin", "password": PASSWORD}


def test_two_different_passwords_are_none(cli, stub):
    cli.secrets = [PASSWORD, "another"]
    call = cli("user", "add", "anna", terminal=True)
    assert call.code == 2
    assert "two different passwords" in call.err
    assert stub.requests == []


def test_without_a_terminal_the_password_is_read_from_the_input(cli, stub):
    stub.answers["PATCH /api/users/anna"] = USER
    cli.secrets = [PASSWORD]
    call = cli("user", "passwd", "anna")
    assert (call.code, stub.requests[-1].body) == (0, {"password": PASSWORD})
    assert "another password" in call.out


def test_users_are_listed_changed_and_removed(cli, stub):
    stub.answers |= {
        "GET /api/users": listed(USER), "PATCH /api/users/a%2Fb": {**USER, "role": "viewer"},
        "DELETE /api/users/anna": (409, error("last_admin", "anna is the last administrator")),
        "DELETE /api/users/bert": (204, None),
    }  # fmt: skip
    assert cli("user", "list").out.splitlines() == [
        "NAME  ROLE   ADDED             CHANGED",
        "anna  admin  2026-11-20 04:15  2026-11-20 05:00",
    ]
    assert json.loads(cli("user", "list", "--json").out)["items"] == [USER]
    assert cli("user", "role", "a/b", "viewer").code == 0
    call = cli("user", "remove", "anna")
    assert (call.code, "last administrator" in call.err) == (4, True)
    assert cli("user", "remove", "bert").out == "bert may log in no more\n"
    stub.answers["GET /api/users"] = listed()
    assert cli("user", "list").out == "there are no users\n"


def test_a_token_is_shown_once_and_alone_on_the_output(cli, stub):
    stub.answers["POST /api/tokens"] = (201, {"token": TOKEN, "text": "scn_abcd2345_secret"})
    call = cli("token", "create", "night")
    assert (call.code, call.out) == (0, "scn_abcd2345_secret\n")
    assert "this once" in call.err
    assert stub.requests[-1].body == {"name": "night", "role": "viewer"}
    assert json.loads(cli("token", "create", "night", "--json").out)["text"] == "scn_abcd2345_secret"


def test_tokens_are_listed_and_revoked(cli, stub):
    stub.answers |= {"GET /api/tokens": listed(TOKEN), "DELETE /api/tokens/abcd2345": (204, None)}
    assert "abcd2345  night  viewer  2026-11-20 04:15" in cli("token", "list").out
    assert json.loads(cli("token", "list", "--json").out)["items"] == [TOKEN]
    assert cli("token", "revoke", "abcd2345").code == 0
    assert stub.asked("DELETE /api/tokens/abcd2345")


def test_the_setup_code(cli, stub):
    stub.answers["GET /api/setup/code"] = {"code": "abcde23456"}
    assert cli("setup-code").out == "abcde23456\n"
    stub.answers["GET /api/setup/code"] = {"code": None}
    assert "an administrator already" in cli("setup-code").out
    assert json.loads(cli("setup-code", "--json").out) == {"code": None}


@pytest.mark.parametrize("at_terminal", [True, False])
def test_how_a_password_is_read(at_terminal, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    monkeypatch.setattr("getpass.getpass", lambda prompt: f"typed after {prompt}")
    expected = "typed after password: " if at_terminal else PASSWORD
    assert entry.read_secret(at_terminal=at_terminal)("password: ") == expected
