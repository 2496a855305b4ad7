"""``scanner sessions``."""

from __future__ import annotations

import json

import pytest

from scanner.cli import build_parser
from tests.scanner.cli.conftest import lock, session, session_pass


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


def test_older_formats_are_named_in_the_list_and_in_a_session(cli, stub):
    stub.answers["GET /api/sessions?sort=newest&limit=20"] = page([session(), session(id="old", format="raspi_v2")])
    lines = cli("sessions", "list").out.splitlines()
    assert [line.split()[:2] for line in lines] == [["FORMAT", "ID"], ["current", "s-1"], ["raspi_v2", "old"]]
    stub.answers["GET /api/sessions/old"] = session(id="old", format="raspi_v2")
    assert "format    raspi_v2" in cli("sessions", "info", "old").out


def test_a_pass_tells_who_works_on_it_and_what_is_damaged(cli, stub):
    stub.answers["GET /api/sessions/s-1"] = session(passes=[session_pass(lock=lock(), damaged=2)])
    assert cli("sessions", "info", "s-1").out.splitlines()[-1].endswith("worked on by anna on pi-2, 2 damaged")


LEFT = [None, lock(state="gone"), lock(state="stale")]


@pytest.mark.parametrize("held", LEFT)
def test_a_pass_that_nobody_works_on_any_more_is_told_as_interrupted(cli, stub, held):
    passes = [session_pass("done", "completed"), session_pass("main", "running", lock=held)]
    one = session(state="running", passes=passes)
    stub.answers["GET /api/sessions?sort=newest&limit=20"] = page([one])
    stub.answers["GET /api/sessions/s-1"] = one
    assert cli("sessions", "list").out.splitlines()[1].split()[:2] == ["s-1", "interrupted"]
    told = cli("sessions", "info", "s-1").out.splitlines()
    assert "state     interrupted" in told
    assert told[-1].split()[:2] == ["main", "interrupted"]
    assert told[-1].endswith("with: scanner sessions resume s-1 --pass main")  # which takes over a stale lock
    assert ("anna on pi-2" in told[-1]) is (held is not None)
    for asked in (("list",), ("info", "s-1")):
        said = json.loads(cli("sessions", *asked, "--json").out)
        assert (said if "passes" in said else said["items"][0]) == one  # what programs read stays as it was


def test_a_pass_that_somebody_works_on_is_told_as_running(cli, stub):
    passes = [session_pass("hers", "running", lock=lock()), session_pass("main", "running", lock=lock(state="gone"))]
    stub.answers["GET /api/sessions/s-1"] = session(state="running", passes=passes)
    told = cli("sessions", "info", "s-1").out.splitlines()
    assert "state     running" in told
    assert [line.split()[:2] for line in told[-2:]] == [["hers", "running"], ["main", "interrupted"]]
    assert told[-2].endswith("worked on by anna on pi-2")


def test_a_paused_pass_says_nothing_of_a_process_that_has_ended(cli, stub):
    stub.answers["GET /api/sessions/s-1"] = session(passes=[session_pass(lock=lock(state="gone"))])
    assert cli("sessions", "info", "s-1").out.splitlines()[-1].endswith("1 min 1 s")


def test_what_nobody_knows_of_a_damaged_session_is_said(cli, stub):
    stub.answers["GET /api/sessions/s-1"] = session(created_at="", origin="")
    assert "created   unknown by unknown" in cli("sessions", "info", "s-1").out.splitlines()


def test_a_terminal_shows_states_in_colours_and_a_file_does_not(cli, stub):
    stub.answers["GET /api/sessions?sort=newest&limit=20"] = page([session(state="failed"), session(state="planned")])
    assert "\x1b[31mfailed" in cli("sessions", "list", terminal=True).out
    assert "\x1b" not in cli("sessions", "list").out
