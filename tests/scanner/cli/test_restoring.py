"""``scanner sessions resume`` and ``restore``."""

from __future__ import annotations

import json
import re

import pytest

from tests.scanner.cli.conftest import completed, job, listed, lock, paused, session, session_pass
from tests.scanner.cli.stub import error


@pytest.fixture(autouse=True)
def quiet(stub):
    """No job is active."""
    stub.answers["GET /api/jobs/active"] = listed()


RESUME = "POST /api/sessions/s-1/passes/main/resume"


def test_a_named_pass_is_resumed(cli, stub):
    stub.answers[RESUME] = (202, job())
    call = cli("sessions", "resume", "s-1", "--pass", "main")
    assert (call.code, call.out) == (0, "scan j-abc123: going on with pass main of session s-1\n")
    assert json.loads(cli("sessions", "resume", "s-1", "--pass", "main", "--json").out)["id"] == "j-abc123"
    assert [request.key for request in stub.requests] == [RESUME] * 2


def test_the_only_incomplete_pass_of_a_session_is_resumed_and_waited_for(cli, stub):
    stub.answers["GET /api/sessions/s-1"] = session(passes=[session_pass("done", "completed"), session_pass()])
    stub.answers |= {RESUME: (202, job()), "GET /api/jobs/j-abc123": completed()}
    call = cli("sessions", "resume", "s-1", "--wait")
    assert call.code == 0
    assert "completed" in call.out


@pytest.mark.parametrize(("held", "code"), [(None, 0), (lock(state="gone"), 0), (lock(), 4)])
def test_a_pass_whose_scanner_was_killed_is_resumed(cli, stub, held, code):
    running = {**session_pass("main", "running"), "lock": held}
    stub.answers |= {"GET /api/sessions/s-1": session(passes=[running]), RESUME: (202, job())}
    assert cli("sessions", "resume", "s-1").code == code


def test_who_works_on_the_only_open_pass_is_named(cli, stub):
    passes = [session_pass("done", "completed"), session_pass("main", "running", lock=lock(job_id="j-hers"))]
    stub.answers["GET /api/sessions/s-1"] = session(passes=passes)
    call = cli("sessions", "resume", "s-1")
    assert (call.code, call.err) == (4, "scanner: web works on pass main on pi-2 since 2026-11-20T04:15:30.120Z\n")
    refused = cli("sessions", "resume", "s-1", "--json")
    said = json.loads(refused.out or refused.err)["error"]
    assert (said["code"], said["detail"]["host"], said["detail"]["job_id"]) == ("pass_locked", "pi-2", "j-hers")
    stub.answers |= {"GET /api/sessions/s-1": session(passes=[*passes, session_pass("up")])}
    stub.answers["POST /api/sessions/s-1/passes/up/resume"] = (202, job())
    assert cli("sessions", "resume", "s-1").code == 0


def restorable(*pairs):
    """Incomplete passes of the API."""
    return listed(*[{"session": session(id=one), "pass": session_pass(name)} for one, name in pairs])


def test_the_only_incomplete_session_is_resumed(cli, stub):
    stub.answers |= {"GET /api/sessions/restorable": restorable(("s-1", "main")), RESUME: (202, job())}
    assert cli("sessions", "resume").code == 0
    assert cli("sessions", "resume", "--pass", "main").code == 0
    assert cli("sessions", "resume", "--pass", "other").code == 3


def test_several_that_may_be_meant_are_listed(cli, stub):
    stub.answers["GET /api/sessions/restorable"] = restorable(("s-1", "main"), ("s-2", "up"))
    call = cli("sessions", "resume")
    assert (call.code, call.err) == (2, "scanner: which one? s-1 --pass main; s-2 --pass up\n")


def test_nothing_to_go_on_with(cli, stub):
    stub.answers["GET /api/sessions/restorable"] = restorable()
    assert cli("sessions", "resume").code == 3
    stub.answers["GET /api/sessions/s-1"] = session(passes=[session_pass("main", "completed")])
    call = cli("sessions", "resume", "s-1")
    assert (call.code, call.err) == (4, "scanner: session s-1 has no pass to go on with\n")


def test_what_is_incomplete_is_told_with_its_lock_and_its_command(cli, stub):
    pause = {"by": "restart", "reason": "interrupted", "message": "interrupted", "resumes_by_itself": False}
    passes = [
        session_pass("free", pause=pause),
        session_pass("hers", "running", lock=lock()),
        session_pass("left", "running", lock=lock(state="stale")),
        session_pass("dead", "running", lock=lock(state="gone", user="", origin="cli")),
    ]
    rows = [{"session": session(), "pass": one} for one in passes]
    stub.answers["GET /api/sessions/restorable"] = listed(*rows)
    assert cli("sessions", "restore").out.splitlines() == [
        "SESSION  PASS  STATE        PHOTOS  WHY                                      LOCK                 GO ON WITH",
        "s-1      free  paused       3/10    interrupted                              free                 "
        "scanner sessions resume s-1 --pass free",
        "s-1      hers  running      3/10                                             alive, anna on pi-2",
        "s-1      left  interrupted  3/10    its scanner gives no sign of life        stale, anna on pi-2  "
        "scanner sessions resume s-1 --pass left",
        "s-1      dead  interrupted  3/10    its scanner ended while it worked on it  gone, cli on pi-2    "
        "scanner sessions resume s-1 --pass dead",
    ]
    assert len(json.loads(cli("sessions", "restore", "--json").out)["items"]) == 4
    stub.answers["GET /api/sessions/restorable"] = listed()
    assert cli("sessions", "restore").out == "nothing is incomplete\n"


def test_what_is_damaged_is_told_as_the_reason(cli, stub):
    damage = ("pass main: the journal is damaged", "pass other: something else")
    found = session(damage=damage)
    rows = [{"session": found, "pass": session_pass(name, "running")} for name in ("main", "third")]
    stub.answers["GET /api/sessions/restorable"] = listed(*rows)
    out = cli("sessions", "restore").out
    assert "pass main: the journal is damaged" in out
    assert "something else" not in out
    assert "its scanner ended while it worked on it" in out


def test_a_scan_that_an_interruption_left_standing_is_told_with_its_job(cli, stub):
    stub.answers |= {
        "GET /api/jobs/active": listed(
            paused("restart", "interrupted", "the daemon ended while it scanned"),
            job(id="j-other1"),
            paused(id="j-other2", kind="verify"),
        ),
        "GET /api/sessions/s-1": session(passes=[session_pass("up", "completed"), session_pass()]),
        "GET /api/sessions/restorable": listed(),
        RESUME: (202, job()),
    }
    told = re.split(r" {2,}", cli("sessions", "restore").out.splitlines()[1])
    why = "the daemon ended while it scanned"
    assert told == ["s-1", "main", "paused", "3/10", why, "free", "scanner jobs resume j-abc123"]
    assert [one["job"] for one in json.loads(cli("sessions", "restore", "--json").out)["items"]] == ["j-abc123"]
    assert cli("sessions", "resume").code == 0
    assert len(stub.asked(RESUME)) == 1


@pytest.mark.parametrize(
    ("states", "named"),
    [(("completed", "planned"), "flipped"), (("paused", "planned"), "main"), (("completed", "cancelled"), "main")],
)
def test_a_job_is_told_with_the_pass_at_which_it_goes_on(cli, stub, states, named):
    """Between two passes the job still names the one that it has finished."""
    turn = paused("operator", "turn_object", "Turn the object for pass flipped.", passes=["main", "flipped"])
    passes = [session_pass(name, state) for name, state in zip(("main", "flipped"), states, strict=True)]
    stub.answers |= {
        "GET /api/jobs/active": listed(turn),
        "GET /api/sessions/s-1": session(passes=[session_pass("not-of-this-job"), *reversed(passes)]),
        "GET /api/sessions/restorable": listed(),
        f"POST /api/sessions/s-1/passes/{named}/resume": (202, job()),
    }
    told = re.split(r" {2,}", cli("sessions", "restore").out.splitlines()[1])
    assert (told[1], told[4], told[6]) == (named, "Turn the object for pass flipped.", "scanner jobs resume j-abc123")
    assert cli("sessions", "resume").code == 0


def test_a_resumed_pass_that_has_to_wait_says_for_what(cli, stub):
    stub.answers[RESUME] = (202, job("pending", queue_position=2, waits_for="j-hers"))
    said = cli("sessions", "resume", "s-1", "--pass", "main").out
    assert said.endswith("pass main of session s-1, number 2 in the queue, behind j-hers\n")


def test_a_job_whose_session_is_gone_hides_no_other(cli, stub):
    stub.answers |= {
        "GET /api/jobs/active": listed(paused(id="j-gone", session_id="s-gone"), paused()),
        "GET /api/sessions/s-gone": (404, error("session_not_found", "there is no session s-gone")),
        "GET /api/sessions/s-1": session(),
        "GET /api/sessions/restorable": restorable(),
        RESUME: (202, job()),
    }
    call = cli("sessions", "restore", "--json")
    assert call.code == 0, call.err
    assert [one["job"] for one in json.loads(call.out)["items"]] == ["j-abc123"]
    assert cli("sessions", "resume").code == 0
    assert len(stub.asked(RESUME)) == 1


def test_what_else_goes_wrong_with_a_session_is_said(cli, stub):
    stub.answers |= {
        "GET /api/jobs/active": listed(paused()),
        "GET /api/sessions/s-1": (500, error("storage_fault", "the disk is gone")),
    }
    call = cli("sessions", "restore")
    assert (call.code, call.err) == (6, "scanner: the disk is gone\n")
