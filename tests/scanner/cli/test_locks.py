"""``scanner locks``."""

from __future__ import annotations

import json

from tests.scanner.cli.conftest import listed, lock
from tests.scanner.cli.stub import error

RELEASE = "POST /api/locks/release"


def test_locks_are_listed(cli, stub):
    mine = lock(session_id="s-2", host="pi-1", user="", origin="cli", own=True, beats=[])
    stub.answers["GET /api/locks"] = listed(lock(state="stale"), mine)
    assert cli("locks", "list").out.splitlines() == [
        "SESSION  PASS  STATE  HELD BY       SINCE             LAST BEAT",
        "s-1      main  stale  anna on pi-2  2026-11-20 04:15  12 s ago",
        "s-2      main  alive  cli on pi-1   2026-11-20 04:15             this scanner",
    ]
    assert len(json.loads(cli("locks", "list", "--json").out)["items"]) == 2
    stub.answers["GET /api/locks"] = listed()
    assert cli("locks", "list").out == "nobody works on anything\n"


def test_forcing_names_the_owner_and_asks(cli, stub):
    stub.answers |= {"GET /api/locks": listed(lock(session_id="s-0"), lock()), RELEASE: lock()}
    cli.says = "no"
    call = cli("locks", "release", "s-1", "main", terminal=True)
    assert call.code == 1
    assert cli.asked == [
        "anna on pi-2 has pass main since 2026-11-20 04:15 and still works on it and will be stopped. Take it? [y/N] "
    ]
    assert not stub.asked(RELEASE)
    cli.says = "y"
    call = cli("locks", "release", "s-1", "main", "--reason", "she left", terminal=True)
    assert (call.code, call.out) == (0, "pass main of s-1 was taken from anna on pi-2\n")
    assert stub.asked(RELEASE)[0].body == {"session_id": "s-1", "pass": "main", "reason": "she left"}


def test_a_stale_one_and_an_unknown_one_are_asked_about_as_such(cli, stub):
    stub.answers |= {"GET /api/locks": listed(lock(state="stale")), RELEASE: (404, error("not_found", "not locked"))}
    cli.says = "y"
    assert cli("locks", "release", "s-1", "main", terminal=True).code == 3
    assert "and is stale. Take it?" in cli.asked[-1]
    cli("locks", "release", "s-1", "other", terminal=True)
    assert cli.asked[-1].startswith("Nobody is known to have pass other.")


def test_without_a_terminal_force_is_demanded(cli, stub):
    stub.answers |= {"GET /api/locks": listed(lock()), RELEASE: lock()}
    call = cli("locks", "release", "s-1", "main")
    assert call.code == 2
    assert "anna on pi-2" in call.err
    assert not stub.asked(RELEASE)
    assert json.loads(cli("locks", "release", "s-1", "main", "-f", "--json").out) == lock()
    assert stub.requests[-1].key == RELEASE


def test_a_refused_release_is_told(cli, stub):
    stub.answers[RELEASE] = (409, error("session_busy", "our own job j-1 has it", job_id="j-1"))
    assert cli("locks", "release", "s-1", "main", "-f").code == 4
