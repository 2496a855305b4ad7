"""``scanner checkpoint``."""

from __future__ import annotations

import json

import pytest

from tests.scanner.cli.conftest import listed, session, session_pass
from tests.scanner.cli.stub import error

SAVE = "POST /api/sessions/s-1/checkpoints"
RESTORE = "POST /api/sessions/s-1/checkpoints/half/restore"


def checkpoint(**more):
    """A checkpoint of the API."""
    return {
        "session_id": "s-1",
        "name": "half",
        "created_at": "2026-11-20T04:15:30.120Z",
        "origin": "cli",
        "automatic": False,
        "photos": 3,
        "passes": {"main": "paused", "up": "completed"},
        "notes": [],
    } | more


@pytest.fixture
def idle(stub):
    """Nothing is worked on, nothing is incomplete."""
    stub.answers |= {"GET /api/sessions/active": listed(), "GET /api/sessions/restorable": listed()}
    return stub


def test_a_named_session_is_marked(cli, stub):
    stub.answers[SAVE] = (201, checkpoint())
    call = cli("checkpoint", "save", "half", "--session", "s-1")
    assert (call.code, call.out) == (0, "checkpoint half of s-1: 3 photos\n")
    assert [request.body for request in stub.requests] == [{"name": "half"}]
    assert json.loads(cli("checkpoint", "save", "half", "--session", "s-1", "--json").out) == checkpoint()


def test_the_session_at_work_is_marked_before_an_incomplete_one(cli, idle):
    idle.answers[SAVE] = (201, checkpoint())
    idle.answers["GET /api/sessions/active"] = listed(session())
    assert cli("checkpoint", "save", "half").code == 0
    idle.answers["GET /api/sessions/active"] = listed()
    rows = [{"session": session(), "pass": session_pass(name)} for name in ("up", "down")]
    idle.answers["GET /api/sessions/restorable"] = listed(*rows)
    assert cli("checkpoint", "save", "half").code == 0
    assert len(idle.asked(SAVE)) == 2


def test_several_sessions_that_may_be_meant_are_refused_with_the_list(cli, idle):
    idle.answers["GET /api/sessions/active"] = listed(session(), session(id="s-2"))
    call = cli("checkpoint", "save", "half")
    assert (call.code, call.err) == (2, "scanner: which one? --session s-1; --session s-2\n")
    idle.answers["GET /api/sessions/active"] = listed()
    call = cli("checkpoint", "save", "half")
    assert (call.code, "--session" in call.err) == (2, True)


def test_checkpoints_of_all_or_of_one_are_listed(cli, stub):
    stub.answers["GET /api/checkpoints?limit=10000"] = listed(
        checkpoint(), checkpoint(session_id="s-2", name="auto-1", automatic=True)
    )
    assert cli("checkpoint", "list").out.splitlines() == [
        "SESSION  NAME    SAVED             BY              PHOTOS  PASSES",
        "s-1      half    2026-11-20 04:15  cli             3       main paused, up completed",
        "s-2      auto-1  2026-11-20 04:15  cli, automatic  3       main paused, up completed",
    ]
    stub.answers["GET /api/sessions/s-1/checkpoints"] = listed()
    assert cli("checkpoint", "list", "--session", "s-1").out == "there are no checkpoints\n"
    assert json.loads(cli("checkpoint", "list", "--json").out)["total"] == 2


def test_pages_of_checkpoints_are_one_list(cli, stub):
    more = {"items": [checkpoint()], "next": "c1", "total": 2}
    stub.answers |= {
        "GET /api/checkpoints?limit=10000": more,
        "GET /api/checkpoints?limit=10000&after=c1": listed(checkpoint(session_id="s-2")) | {"total": 2},
        "GET /api/checkpoints?limit=10000&name=half": more,
        "GET /api/checkpoints?limit=10000&name=half&after=c1": listed(checkpoint(session_id="s-2")),
    }
    assert [line.split()[0] for line in cli("checkpoint", "list").out.splitlines()] == ["SESSION", "s-1", "s-2"]
    told = json.loads(cli("checkpoint", "list", "--json").out)
    assert ([one["session_id"] for one in told["items"]], told["next"], told["total"]) == (["s-1", "s-2"], None, 2)
    assert "--session s-1; --session s-2" in cli("checkpoint", "restore", "half").err


def test_going_back_tells_how_to_go_forward_again(cli, stub):
    stub.answers[RESTORE] = checkpoint(name="auto-2", automatic=True, notes=["a photo is no longer there"])
    call = cli("checkpoint", "restore", "half", "--session", "s-1")
    assert call.code == 0
    assert call.out.splitlines() == [
        "s-1 is where it was at half",
        "a photo is no longer there",
        "back to where it was just now with: scanner checkpoint restore auto-2 --session s-1",
    ]
    assert json.loads(cli("checkpoint", "restore", "half", "--session", "s-1", "--json").out)["name"] == "auto-2"


def test_a_name_that_only_one_session_has_needs_no_session(cli, stub):
    stub.answers |= {
        "GET /api/checkpoints?limit=10000&name=half": listed(checkpoint()),
        "GET /api/checkpoints?limit=10000&name=other": listed(),
    }
    stub.answers[RESTORE] = checkpoint(name="auto-1")
    assert cli("checkpoint", "restore", "half").code == 0
    assert cli("checkpoint", "restore", "other").code == 3


def test_a_name_that_several_have_is_refused_with_the_list(cli, stub):
    stub.answers["GET /api/checkpoints?limit=10000&name=half"] = listed(checkpoint(), checkpoint(session_id="s-2"))
    call = cli("checkpoint", "restore", "half", "--json")
    assert (call.code, json.loads(call.out)["error"]["detail"]) == (2, {"sessions": ["s-1", "s-2"]})


def test_names_stay_inside_the_address(cli, stub):
    assert cli("checkpoint", "restore", "../x", "--session", "../y").code == 3
    assert stub.requests[-1].path == "/api/sessions/..%2Fy/checkpoints/..%2Fx/restore"


def test_a_pass_at_work_is_said(cli, stub):
    stub.answers[RESTORE] = (409, error("pass_locked", "pass main is worked on by anna on pi-2"))
    call = cli("checkpoint", "restore", "half", "--session", "s-1")
    assert (call.code, "anna on pi-2" in call.err) == (4, True)
