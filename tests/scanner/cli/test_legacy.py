"""``scanner sessions migrate``, ``merge`` and ``scanner import``."""

from __future__ import annotations

import json
from pathlib import Path

from tests.scanner.cli.conftest import job, session
from tests.scanner.cli.stub import error

ALL = "POST /api/sessions/migrate"
ONE = "POST /api/sessions/s-1/migrate"
IMPORT = "POST /api/sessions/import"


def migrating(state="running", kind="migrate", **more):
    """A job that migrates."""
    progress = {"done": 2, "total": 2, "unit": "sessions", "eta_s": None}
    return job(state, kind=kind, passes=[], title="", progress=progress, **more)


def ended(*notes, kind="migrate"):
    """It at its end."""
    return migrating("completed", kind, result={"duration_s": 1.0, "notes": list(notes)})


def test_all_or_one_are_migrated_as_a_job(cli, stub):
    stub.answers |= {ALL: migrating(), ONE: migrating()}
    assert "watch it with: scanner jobs watch j-abc123" in cli("sessions", "migrate").out
    assert json.loads(cli("sessions", "migrate", "s-1", "--json").out)["kind"] == "migrate"
    assert stub.asked(ALL)[0].body == {"dry_run": False}
    assert stub.asked(ONE)[0].body == {"dry_run": False, "undo": False, "force": False}


def test_a_dry_run_is_waited_for_and_says_what_would_be_done(cli, stub):
    stub.answers |= {ALL: migrating(), "GET /api/jobs/j-abc123": ended("old-vase: would be migrated")}
    call = cli("sessions", "migrate", "--dry-run")
    assert (call.code, call.out.splitlines()[-1]) == (0, "old-vase: would be migrated")
    assert stub.asked(ALL)[0].body == {"dry_run": True}


def test_undoing_names_a_session(cli, stub):
    stub.answers |= {ONE: migrating(), "GET /api/jobs/j-abc123": ended()}
    assert cli("sessions", "migrate", "s-1", "--undo", "--wait").code == 0
    assert stub.asked(ONE)[0].body == {"dry_run": False, "undo": True, "force": False}
    call = cli("sessions", "migrate", "--undo")
    assert (call.code, "migrate ID --undo" in call.err) == (2, True)
    assert not stub.asked(ALL)


def test_what_fails_is_told_with_its_exit_code(cli, stub):
    fault = {"code": "damaged", "message": "a photo changed meanwhile"}
    stub.answers |= {ONE: migrating(), "GET /api/jobs/j-abc123": migrating("failed", error=fault)}
    call = cli("sessions", "migrate", "s-1", "--wait")
    assert (call.code, call.err) == (6, "migrate j-abc123 failed: a photo changed meanwhile\n")


def test_two_are_merged(cli, stub):
    stub.answers["POST /api/sessions/merge"] = session(photos=64)
    call = cli("sessions", "merge", "s-1", "s-2")
    assert (call.code, call.out) == (0, "s-1 now holds both: 64 photos\n")
    assert stub.requests[-1].body == {"a": "s-1", "b": "s-2"}
    assert json.loads(cli("sessions", "merge", "s-1", "s-2", "--json").out)["photos"] == 64


def test_importing_names_the_directory_absolutely(cli, stub, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    stub.answers |= {
        IMPORT: migrating(kind="import"),
        "GET /api/jobs/j-abc123": ended("vase: 32 photos", kind="import"),
    }
    assert "watch it with" in cli("import", "card").out
    assert stub.requests[-1].body == {"directory": str(tmp_path / "card"), "dry_run": False}
    call = cli("import", "/media/card", "--timezone", "Europe/Berlin", "--dry-run")
    body = {"directory": "/media/card", "dry_run": True, "timezone": "Europe/Berlin"}
    assert stub.asked(IMPORT)[-1].body == body
    assert call.out.splitlines()[-2:] == ["import j-abc123 completed: 2 sessions, 1 s", "vase: 32 photos"]
    assert Path("card").exists() is False


def test_what_cannot_be_imported_is_said(cli, stub):
    errors = [{"path": "directory", "message": "is not there"}, {"path": "timezone", "message": "is unknown"}]
    stub.answers[IMPORT] = (400, error("invalid", "both", errors=errors))
    call = cli("import", "/nowhere", "--timezone", "Mars/Base")
    assert call.code == 2
    assert call.err.splitlines()[1:] == ["directory: is not there", "timezone: is unknown"]
