"""The command and the daemon as processes: what a person at a terminal does in an afternoon."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.scanner.cli.stub import COMMAND
from tests.scanner.storage.formats.support import PLAIN, raspi, tree_hash
from tests.support.daemon import Daemon
from tests.support.tree import TOP

pytestmark = pytest.mark.process


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """A daemon on the twin."""
    with Daemon(tmp_path / "d", speed=50.0) as made:
        yield made


def command(daemon: Daemon, *argv: str) -> tuple[list[str], dict[str, Any]]:
    """The command and how to run it."""
    environment = os.environ | {"SCANNER_SOCKET": str(daemon.directory / "scanner.sock")}
    return [sys.executable, "-c", COMMAND, *argv], {"cwd": TOP, "env": environment, "text": True}


def scanner(daemon: Daemon, *argv: str, code: int = 0) -> str:
    """What the command prints; it must end with ``code``."""
    line, options = command(daemon, *argv)
    done = subprocess.run(line, capture_output=True, timeout=60, check=False, **options)
    assert done.returncode == code, done.stderr
    return done.stdout


def said(daemon: Daemon, *argv: str, code: int = 0) -> Any:
    """The same as JSON."""
    return json.loads(scanner(daemon, *argv, "--json", code=code).splitlines()[-1])


def test_an_afternoon_at_the_terminal(daemon, tmp_path):
    assert "no jobs" in scanner(daemon, "jobs", "list")
    cost = said(daemon, "scan", "start", "--rings", "5x2", "--dry-run")
    assert cost["count"] == 10

    job = said(daemon, "scan", "start", "--rings", "5x2", "--title", "Blue vase", "--pass", "up", "--wait")
    assert (job["state"], job["result"]["saved"]) == ("completed", 10)
    (session,) = said(daemon, "sessions", "list")["items"]
    assert session["id"] == job["session_id"]
    assert [path.name for path in daemon.sessions.iterdir()] == [session["id"]]
    info = said(daemon, "sessions", "info", session["id"], "-f")
    assert (info["origin"], len(info["files"]), info["passes"][0]["name"]) == ("cli", 10, "up")

    scanner(daemon, "export", session["id"], "--format", "colmap", "--to", str(tmp_path / "model"))
    assert len(list((tmp_path / "model").rglob("*.jpg"))) == 10
    assert list((tmp_path / "model").glob("sparse/0/images.txt"))

    moved = said(daemon, "rig", "move", "90", "-e", "20")
    assert (moved["turntable"]["position"], moved["tilt"]["position"]) == (90.0, 20.0)
    refused = said(daemon, "rig", "move", "0", "-e", "89", code=2)
    assert (refused["error"]["code"], refused["error"]["detail"]["errors"][0]["path"]) == ("invalid", "elevation")
    assert said(daemon, "sessions", "resume", code=3)["error"]["code"] == "not_found"
    assert said(daemon, "scan", "start", "--rings", "20000", code=2)["error"]["code"] == "invalid_spec"
    assert said(daemon, "status")["demo"] is True


def test_ctrl_c_pauses_a_scan_that_is_waited_for_and_the_line_it_prints_goes_on(daemon):
    daemon.fetch("/api/demo/faults", {"slow_camera": 100.0})  # at work for longer than any machine needs for Ctrl+C
    line, options = command(daemon, "scan", "start", "--rings", "24", "--wait")
    with subprocess.Popen(line, stdout=subprocess.PIPE, **options) as run:
        assert run.stdout is not None
        while "running" not in run.stdout.readline():
            pass
        run.send_signal(signal.SIGINT)
        rest, _ = run.communicate(timeout=30)
        assert run.returncode == 130
    daemon.fetch("/api/demo/faults", {"slow_camera": 0.0})
    again = rest.splitlines()[-1].partition("go on with: scanner ")[2].split()
    assert again[:2] == ["jobs", "resume"]
    daemon.until(lambda: said(daemon, "jobs", "show", again[2])["state"] == "paused", "the job is paused")
    scanner(daemon, *again)
    assert (
        scanner(daemon, "jobs", "watch", again[2]).splitlines()[-1].startswith(f"scan {again[2]} completed: 24 photos")
    )


def test_a_scan_that_stands_still_for_a_fault_exits_6(daemon):
    daemon.fetch("/api/demo/faults", {"camera_dead": True})
    line, options = command(daemon, "scan", "start", "--rings", "5", "--wait")
    done = subprocess.run(line, capture_output=True, timeout=60, check=False, **options)
    assert done.returncode == 6
    assert "go on with: scanner jobs resume" in done.stderr


def test_without_a_daemon_the_command_says_how_to_start_one(daemon):
    daemon.kill()
    line, options = command(daemon, "status")
    done = subprocess.run(line, capture_output=True, timeout=60, check=False, **options)
    assert done.returncode == 7
    assert "scanner demo" in done.stderr


def test_the_life_of_a_session_at_the_terminal(daemon):
    job = said(daemon, "scan", "start", "--rings", "4", "--title", "Blue vase", "--operator", "anna", "--wait")
    session = job["session_id"]
    assert said(daemon, "sessions", "restore")["items"] == []
    assert "nobody works on anything" in scanner(daemon, "locks", "list")

    assert said(daemon, "checkpoint", "save", "whole", "--session", session)["photos"] == 4
    assert said(daemon, "scan", "start", "--rings", "3", "--pass", "top", "--session", session, "--wait")
    forward = said(daemon, "checkpoint", "restore", "whole")
    assert forward["automatic"] is True
    assert said(daemon, "sessions", "info", session)["photos"] == 4
    assert "top" in scanner(daemon, "checkpoint", "list", "--session", session)
    said(daemon, "checkpoint", "restore", forward["name"], "--session", session)
    assert said(daemon, "sessions", "info", session)["photos"] == 7

    verified = said(daemon, "sessions", "verify", session, "--wait")
    assert (verified["kind"], verified["state"]) == ("verify", "completed")
    assert said(daemon, "sessions", "reindex", "--wait")["state"] == "completed"
    before = {path.name for path in daemon.sessions.parent.rglob("*")}
    (offline,) = said(daemon, "sessions", "verify", session, "--data-dir", str(daemon.sessions.parent))["items"]
    assert (offline["checked"], offline["missing"], offline["damaged"]) == (7, [], [])
    assert {path.name for path in daemon.sessions.parent.rglob("*")} == before

    assert scanner(daemon, "history", "--csv").count("\n") == 3
    assert said(daemon, "history", "--search", "vase")["total"] == 2
    assert said(daemon, "statistics")["total"]["photos"] == 7
    assert scanner(daemon, "jobs", "report").splitlines()[1].split(",")[1] == "scan"

    scanner(daemon, "sessions", "delete", session, code=2)
    assert said(daemon, "sessions", "delete", session, "-f")["session_id"] == session
    assert said(daemon, "sessions", "info", session, code=3)["error"]["code"] == "session_not_found"
    assert session in scanner(daemon, "sessions", "undelete")
    assert said(daemon, "sessions", "undelete", session)["photos"] == 7


def test_old_sessions_are_taken_in_at_the_terminal(daemon, tmp_path):
    raspi(tmp_path / "card", title="Old vase")
    before = tree_hash(tmp_path / "card")
    told = scanner(daemon, "import", str(tmp_path / "card"), "--dry-run")
    assert PLAIN in told
    assert said(daemon, "sessions", "list")["items"] == []
    done = said(daemon, "import", str(tmp_path / "card"), "--timezone", "Europe/Berlin", "--wait")
    assert done["state"] == "completed"
    (one,) = said(daemon, "sessions", "list")["items"]
    assert (one["title"], one["photos"], one["format"]) == ("Old vase", 6, "current")
    assert tree_hash(tmp_path / "card") == before
    refused = said(daemon, "import", "/nowhere/at/all", code=2)
    assert refused["error"]["detail"]["errors"][0]["path"] == "directory"
    assert said(daemon, "sessions", "migrate", "--dry-run")["state"] == "completed"


def test_after_an_interruption_the_terminal_tells_what_to_do(daemon):
    daemon.fetch("/api/demo/faults", {"camera_dead": True})
    job = said(daemon, "scan", "start", "--rings", "5", "--title", "Blue vase")
    daemon.until(lambda: daemon.job_state(job["id"]) == "paused", "the scan stands still")
    daemon.kill()
    daemon.start()
    (row,) = said(daemon, "sessions", "restore")["items"]
    assert (row["session"]["id"], row["pass"]["name"], row["pass"]["lock"]) == (job["session_id"], "main", None)
    told = scanner(daemon, "sessions", "restore").splitlines()[1]
    again = told.partition(" scanner ")[2].split()
    assert scanner(daemon, *again)
    assert said(daemon, "jobs", "watch", row["job"])["result"]["saved"] == 5
