"""``scanner sessions clean``, ``delete``, ``undelete``, ``verify``, ``reindex``."""

from __future__ import annotations

import json

import pytest

from scanner.cli import build_parser
from tests.scanner.cli.conftest import job, listed, session
from tests.scanner.cli.stub import error

CLEAN = "POST /api/sessions/clean"
PURGE = "POST /api/trash/purge"


def entry(**more):
    """Something in the trash."""
    return {
        "session_id": "s-1",
        "title": "Vase",
        "deleted_at": "2026-11-20T04:15:30.120Z",
        "origin": "web:anna",
        "photos": 3,
        "bytes": 12_000_000,
    } | more


def bodies(stub, key):
    """What was sent."""
    return [request.body for request in stub.asked(key)]


def test_a_dry_run_says_what_would_go_and_asks_nobody(cli, stub):
    stub.answers[CLEAN] = listed(session(state="completed"))
    call = cli("sessions", "clean", "--older-than", "2w", "--dry-run", terminal=True)
    assert call.code == 0
    assert "s-1" in call.out
    assert cli.asked == []
    assert bodies(stub, CLEAN) == [{"older_than": "2w", "dry_run": True}]
    call = cli("sessions", "clean", "--older-than", "2w", "--dry-run")
    assert call.out.splitlines() == [
        "ID   STATE      PHOTOS  SIZE     CREATED           TITLE",
        "s-1  completed  3       12.0 MB  2026-11-20 04:15  Vase",
    ]
    found = json.loads(cli("sessions", "clean", "--older-than", "2w", "--dry-run", "--json").out)
    assert (found["dry_run"], found["total"]) == (True, 1)


def test_cleaning_asks_first_and_does_nothing_for_a_no(cli, stub):
    stub.answers[CLEAN] = listed(session(), session(id="s-2"))
    cli.says = "n"
    call = cli("sessions", "clean", "--older-than", "7d", terminal=True)
    assert call.code == 1
    assert call.out.endswith("nothing was done\n")
    assert cli.asked == ["Put 2 sessions into the trash? [y/N] "]
    assert bodies(stub, CLEAN) == [{"older_than": "7d", "dry_run": True}]
    cli.says = "Yes "
    call = cli("sessions", "clean", "--older-than", "7d", terminal=True)
    assert call.code == 0
    assert call.out.endswith("2 sessions put into the trash\n")
    assert bodies(stub, CLEAN)[-1] == {"older_than": "7d"}


def test_nothing_to_clean_is_not_asked_about(cli, stub):
    stub.answers[CLEAN] = listed()
    call = cli("sessions", "clean", "--older-than", "7d")
    assert (call.code, call.out) == (0, "no session that has ended is so old\n")
    assert cli.asked == []


def test_where_nobody_can_be_asked_force_is_demanded(cli, stub):
    stub.answers |= {CLEAN: listed(session()), "GET /api/sessions/s-1": session()}
    stub.answers["DELETE /api/sessions/s-1"] = entry()
    for argv in (("clean", "--older-than", "7d"), ("delete", "s-1")):
        call = cli("sessions", *argv)
        assert call.code == 2
        assert "say so with -f" in call.err
        call = cli("sessions", *argv, "--json")
        assert json.loads(call.out)["error"]["code"] == "invalid"
    assert [body for body in bodies(stub, CLEAN) if "dry_run" not in body] == []
    assert not stub.asked("DELETE /api/sessions/s-1")


def test_forced_cleaning_is_one_request(cli, stub):
    stub.answers[CLEAN] = listed(session())
    call = cli("sessions", "clean", "--older-than", "1m", "-f")
    assert call.out.endswith("1 session put into the trash\n")
    assert bodies(stub, CLEAN) == [{"older_than": "1m"}]
    assert json.loads(cli("sessions", "clean", "--older-than", "1m", "-f", "--json").out)["items"][0]["id"] == "s-1"


def test_the_trash_is_emptied_by_age(cli, stub):
    stub.answers[PURGE] = listed(entry())
    cli.says = "y"
    call = cli("sessions", "clean", "--purge", "--older-than", "1m", terminal=True)
    assert call.out.endswith("1 session removed\n")
    assert cli.asked == ["Remove 1 session for ever? [y/N] "]
    assert bodies(stub, PURGE) == [{"older_than": "1m", "dry_run": True}, {"older_than": "1m"}]


def test_what_the_daemon_says_of_an_age_is_told(cli, stub):
    stub.answers[CLEAN] = (400, error("invalid", "older_than: must be an age such as 7d, 2w or 1m (30 days)"))
    call = cli("sessions", "clean", "--older-than", "soon", "-f")
    assert (call.code, "such as 7d" in call.err) == (2, True)
    stub.answers[CLEAN] = (409, error("clock_not_synchronised", "the clock is not synchronised"))
    assert cli("sessions", "clean", "--older-than", "7d", "-f").code == 4


def test_an_age_is_asked_for(capsys):
    with pytest.raises(SystemExit):
        build_parser().parse_args(["sessions", "clean"])
    assert "--older-than" in capsys.readouterr().err


def test_deleting_names_what_goes_and_how_it_comes_back(cli, stub):
    stub.answers |= {"GET /api/sessions/s-1": session(), "DELETE /api/sessions/s-1": entry()}
    cli.says = "y"
    call = cli("sessions", "delete", "s-1", terminal=True)
    assert cli.asked == ["Put s-1 (Vase, 3 photos) into the trash? [y/N] "]
    assert (call.code, call.out) == (0, "s-1 is in the trash; back with: scanner sessions undelete s-1\n")
    cli.says = ""
    assert cli("sessions", "delete", "s-1", terminal=True).code == 1
    assert len(stub.asked("DELETE /api/sessions/s-1")) == 1
    assert json.loads(cli("sessions", "delete", "s-1", "-f", "--json").out) == entry()


def test_a_busy_session_is_not_deleted_and_the_job_is_named(cli, stub):
    stub.answers["DELETE /api/sessions/s-1"] = (
        409,
        error("session_busy", "job j-abc123 works on it", job_id="j-abc123"),
    )
    call = cli("sessions", "delete", "s-1", "-f")
    assert (call.code, call.err) == (4, "scanner: job j-abc123 works on it\n")


def test_undeleting(cli, stub):
    stub.answers["POST /api/sessions/s-1/undelete"] = session()
    call = cli("sessions", "undelete", "s-1")
    assert (call.code, call.out) == (0, "s-1 is back\n")
    assert json.loads(cli("sessions", "undelete", "s-1", "--json").out)["id"] == "s-1"


def test_without_an_id_the_trash_is_listed(cli, stub):
    stub.answers["GET /api/trash"] = listed(entry())
    assert cli("sessions", "undelete").out.splitlines() == [
        "ID   DELETED           BY        PHOTOS  SIZE     TITLE",
        "s-1  2026-11-20 04:15  web:anna  3       12.0 MB  Vase",
    ]
    assert json.loads(cli("sessions", "undelete", "--json").out)["items"] == [entry()]
    stub.answers["GET /api/trash"] = listed()
    assert cli("sessions", "undelete").out == "the trash is empty\n"


def verifying(state="running", **more):
    """A job that verifies."""
    progress = {"done": 3, "total": 3, "unit": "photos", "eta_s": None}
    return job(state, kind="verify", passes=[], progress=progress, **more)


def test_verifying_one_or_all_begins_a_job(cli, stub):
    stub.answers |= {"POST /api/sessions/s-1/verify": verifying("pending", queue_position=1)}
    stub.answers["POST /api/sessions/verify"] = verifying("pending")
    call = cli("sessions", "verify", "s-1")
    assert call.code == 0
    assert call.out.endswith("number 1 in the queue; watch it with: scanner jobs watch j-abc123\n")
    assert json.loads(cli("sessions", "verify", "--json").out)["kind"] == "verify"


def test_verifying_can_be_waited_for_and_tells_what_it_found(cli, stub):
    result = {"saved": 2, "duration_s": 2.0, "path": None, "notes": ["a photo is missing"]}
    stub.answers["POST /api/sessions/s-1/verify"] = verifying()
    stub.answers["GET /api/jobs/j-abc123"] = verifying("completed", result=result)
    call = cli("sessions", "verify", "s-1", "--wait")
    assert call.out.splitlines()[-2:] == ["verify j-abc123 completed: 2 of 3 photos whole, 2 s", "a photo is missing"]
    assert call.code == 6, "scripts ask for the exit code alone"
    assert cli("jobs", "show", "j-abc123").out.splitlines()[-1] == "a photo is missing"
    stub.answers["GET /api/jobs/j-abc123"] = verifying("completed", result={"saved": 3, "notes": []})
    assert cli("sessions", "verify", "s-1", "--wait").code == 0


def test_a_damaged_document_beside_whole_photos_is_damage(cli, stub):
    found = "File metadata/session.json is damaged."
    result = {"saved": 3, "duration_s": 2.0, "path": None, "notes": [found], "flawed": True}
    stub.answers["POST /api/sessions/s-1/verify"] = verifying()
    stub.answers["GET /api/jobs/j-abc123"] = verifying("completed", result=result)
    call = cli("sessions", "verify", "s-1", "--wait")
    said = "verify j-abc123 completed: 3 of 3 photos whole, but not everything else, 2 s"
    assert call.out.splitlines()[-2:] == [said, found]
    assert call.code == 6


def test_reindexing_begins_a_job(cli, stub):
    stub.answers["POST /api/sessions/reindex"] = job(kind="reindex", title="")
    assert "watch it with" in cli("sessions", "reindex").out
