"""``scanner sessions``."""

from __future__ import annotations

import json

import pytest

from scanner.cli import build_parser
from tests.scanner.cli.conftest import completed, job, session, session_pass


def page(items, following=None, total=None):
    """A page of the API."""
    return {"items": items, "next": following, "total": len(items) if total is None else total}


def test_sessions_are_listed(cli, stub):
    stub.answers["GET /api/sessions?sort=newest&limit=20"] = page([session(), session(id="s-22", passes=[])], total=30)
    assert cli("sessions", "list").out.splitlines() == [
        "ID    STATE   PHOTOS  SIZE     TITLE  PASSES",
        "s-1   paused  3       12.0 MB  Vase   main 3/10",
        "s-22  paused  3       12.0 MB  Vase",
        "2 of 30 sessions; more with --limit",
    ]


def test_sessions_are_searched(cli, stub):
    key = "GET /api/sessions?q=red+%26+blue&status=incomplete&sort=title&limit=5"
    stub.answers[key] = page([])
    call = cli("sessions", "list", "--search", "red & blue", "-s", "incomplete", "--sort", "title", "-n", "5")
    assert (call.code, call.out) == (0, "there are no such sessions\n")


def test_long_lists_come_page_by_page(cli, stub):
    first = [session(id=f"s-{number}") for number in range(200)]
    stub.answers["GET /api/sessions?sort=newest&limit=200"] = page(first, "x=", 900)
    stub.answers["GET /api/sessions?sort=newest&limit=50&after=x%3D"] = page(first[:50], "y", 900)
    found = json.loads(cli("sessions", "list", "--limit", "250", "--json").out)
    assert (len(found["items"]), found["total"]) == (250, 900)


@pytest.mark.parametrize("options", [("-n", "0"), ("-n", "x"), ("-s", "lost")])
def test_options_that_make_no_sense(options, capsys):
    with pytest.raises(SystemExit):
        build_parser().parse_args(["sessions", "list", *options])
    assert "error:" in capsys.readouterr().err


def test_one_session_with_its_passes(cli, stub):
    pause = {"by": "user", "reason": "", "message": "paused by anna", "resumes_by_itself": False}
    passes = [session_pass(pause=pause), session_pass("flipped", "completed", skipped=2, retaken=1)]
    stub.answers["GET /api/sessions/s-1"] = session(passes=passes, damage=["a photo is missing"], notes="fragile")
    assert cli("sessions", "info", "s-1").out.splitlines() == [
        "session   s-1",
        "title     Vase",
        "state     paused",
        "photos    3, 12.0 MB",
        "created   2026-11-20 04:15 by cli",
        "from      standard",
        "object    INV-1 vase",
        "operator  anna",
        "tags      a, b",
        "notes     fragile",
        "damage    a photo is missing",
        "",
        "PASS     STATE      PHOTOS  SIZE     TIME",
        "main     paused     3/10    12.0 MB  1 min 1 s  paused by anna",
        "flipped  completed  3/10    12.0 MB  1 min 1 s  2 skipped, 1 retaken",
    ]


def test_one_session_with_its_photos(cli, stub):
    photo = {"name": "main-00001-main.jpg", "azimuth": 15.0, "elevation": 10.5, "bytes": 4_000_000, "sha256": "ab"}
    stub.answers["GET /api/sessions/s-1"] = session(object=None)
    stub.answers["GET /api/sessions/s-1/photos"] = page([photo])
    assert cli("sessions", "info", "s-1", "-f").out.splitlines()[-2:] == [
        "PHOTO                AZIMUTH  ELEVATION  SIZE    SHA256",
        "main-00001-main.jpg  15       10.5       4.0 MB  ab",
    ]
    assert json.loads(cli("sessions", "info", "s-1", "-f", "--json").out)["files"] == [photo]
    assert "files" not in json.loads(cli("sessions", "info", "s-1", "--json").out)
    stub.answers["GET /api/sessions/s-1/photos"] = page([])
    assert cli("sessions", "info", "s-1", "--files").out.endswith("no photos yet\n")


def test_ids_stay_inside_the_address(cli, stub):
    assert cli("sessions", "info", "../jobs").code == 3
    assert stub.requests[-1].path == "/api/sessions/..%2Fjobs"


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


def restorable(*pairs):
    """Incomplete passes of the API."""
    return page([{"session": session(id=one), "pass": session_pass(name)} for one, name in pairs])


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
