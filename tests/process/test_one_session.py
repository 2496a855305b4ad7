"""Whichever way a scan is started: one directory, one id, the same in job, events, journal, log and answers."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.support.daemon import Daemon, environment, small_scan
from tests.support.stream import EventStream
from tests.support.tree import TOP

pytestmark = pytest.mark.process


def by_interface(daemon: Daemon) -> str:
    """POST /api/scans."""
    return str(daemon.scan(**small_scan(4))["session_id"])


def by_command_line(daemon: Daemon) -> str:
    """``scanner scan start``."""
    (socket,) = daemon.directory.rglob("*.sock")
    command = [sys.executable, "-m", "scanner", "scan", "start", "--json", "--title", "Stone", "--rings", "4x1"]
    done = subprocess.run(
        command,
        cwd=TOP,
        env=environment() | {"SCANNER_SOCKET": str(socket)},
        check=True,
        timeout=30,
        capture_output=True,
        text=True,
    )
    return str(json.loads(done.stdout)["session_id"])


def by_stream(daemon: Daemon) -> str:
    """POST /api/scan/stream: the first event names job and session."""
    body = daemon.fetch("/api/scan/stream", small_scan(4)).decode()
    first = next(line for line in body.splitlines() if line.startswith("data: "))
    return str(json.loads(first.removeprefix("data: "))["session_id"])


@pytest.mark.parametrize("route", [by_interface, by_command_line, by_stream])
def test_one_scan_is_one_session(daemon: Daemon, route):
    daemon.start()
    with EventStream(daemon.port) as stream:
        session = route(daemon)
        assert stream.wait(lambda topic, data: topic == "job_changed" and data["state"] == "completed", 60.0)
        named = {found for _, data in stream.events for found in sessions_in(data)}
    assert named == {session}
    assert [path.name for path in daemon.sessions.iterdir()] == [session]
    (job,) = daemon.get("/api/jobs")["items"]
    assert job["session_id"] == session
    assert [one["id"] for one in daemon.get("/api/sessions")["items"]] == [session]
    (document,) = (daemon.sessions / session).rglob("session.json")
    assert json.loads(document.read_text())["id"] == session
    assert len(daemon.photos(session)) == 4
    assert session in daemon.log
    assert daemon.stop()[0] == 0


def sessions_in(data: Any) -> set[str]:
    """Every session id in an event."""
    return {data["session_id"]} if data.get("session_id") else set()


def test_the_same_submission_twice_is_one_scan(daemon: Daemon):
    daemon.start()
    answers = [
        json.loads(daemon.fetch("/api/scans", small_scan(4), Idempotency_Key="a-key-of-the-client")) for _ in range(2)
    ]
    assert answers[0]["id"] == answers[1]["id"]
    assert daemon.get("/api/sessions")["total"] == 1
    assert len(list(daemon.sessions.iterdir())) == 1
    assert daemon.stop()[0] == 0
