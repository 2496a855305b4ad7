"""How the daemon starts, ends, and refuses to be two."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time

import pytest

from tests.support.daemon import Daemon, environment, small_scan
from tests.support.stream import EventStream
from tests.support.tree import TOP

STREAMS = 200
pytestmark = pytest.mark.process


def open_streams(port: int, count: int) -> list[socket.socket]:
    """Clients of the event stream that have got their answer's head."""
    found = []
    for _ in range(count):
        client = socket.create_connection(("127.0.0.1", port))
        client.sendall(f"GET /api/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        found.append(client)
    for client in found:
        assert client.recv(12) == b"HTTP/1.1 200"
    return found


def test_at_rest_it_ends_within_a_second_although_many_streams_are_open(daemon: Daemon, figures):
    daemon.start()
    clients = open_streams(daemon.port, STREAMS)
    status, seconds = daemon.stop()
    for client in clients:
        client.close()
    figures(f"start until the page answers {daemon.started_in:.2f} s, stop with {STREAMS} streams {seconds:.2f} s")
    assert status == 0, daemon.log
    assert seconds < 1.0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_in_mid_scan_it_ends_with_the_job_paused_and_goes_on_afterwards(daemon: Daemon, number):
    daemon.start()
    job = daemon.scan(**small_scan(30))
    daemon.until(lambda: len(daemon.photos(job["session_id"])) >= 3, "a few photos are saved")
    begin = time.monotonic()
    daemon.process.send_signal(number)
    assert daemon.process.wait(10) == 0, daemon.log
    assert time.monotonic() - begin < 5.0
    assert "Traceback" not in daemon.log

    daemon.start()
    paused = daemon.get(f"/api/jobs/{job['id']}")
    assert paused["state"] == "paused"
    assert paused["pause"]["by"] == "restart"
    assert paused["pause"]["reason"] == "shutdown"
    before = {photo["name"]: photo["sha256"] for photo in daemon.photos(job["session_id"])}
    assert 3 <= len(before) < 30
    daemon.post(f"/api/jobs/{job['id']}/resume")
    daemon.until(lambda: daemon.job_state(job["id"]) == "completed", "the scan is complete", 60.0)
    after = {photo["name"]: photo["sha256"] for photo in daemon.photos(job["session_id"])}
    assert sorted(photo["shot"] for photo in daemon.photos(job["session_id"])) == list(range(1, 31))
    assert before.items() <= after.items()


def test_a_second_daemon_on_the_same_directory_is_refused_and_told_of_the_first(daemon: Daemon):
    daemon.start()
    command = [sys.executable, "-m", "scanner", "demo", "--dir", str(daemon.directory), "--port", "0", "--no-scan"]
    second = subprocess.run(
        command, cwd=TOP, env=environment(), timeout=30, check=False, capture_output=True, text=True
    )
    assert second.returncode == 4
    assert str(daemon.process.pid) in second.stdout + second.stderr
    assert "Traceback" not in second.stderr
    assert daemon.get("/api/state")["demo"] is True


def test_a_port_that_is_taken_is_said_in_a_sentence(daemon: Daemon):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "scanner", "demo", "--dir", str(daemon.directory), "--port", port, "--no-scan"]
        ended = subprocess.run(
            command, cwd=TOP, env=environment(), timeout=30, check=False, capture_output=True, text=True
        )
    assert ended.returncode not in (0, -9)
    assert port in ended.stderr + ended.stdout
    assert "Traceback" not in ended.stderr


def test_the_demo_scans_its_example_once(tmp_path):
    daemon = Daemon(tmp_path / "demo", speed=100.0, options=())
    with daemon:
        daemon.until(lambda: daemon.get("/api/jobs")["items"], "the example has been submitted")
        (job,) = daemon.get("/api/jobs")["items"]
        daemon.until(lambda: len(daemon.photos(job["session_id"])) >= 2, "the example has photos", 60.0)
        daemon.post(f"/api/jobs/{job['id']}/cancel")
        daemon.until(lambda: daemon.job_state(job["id"]) == "cancelled", "the example is cancelled")
        daemon.stop()
        daemon.start()
        assert daemon.get("/api/sessions")["total"] == 1
        assert daemon.get("/api/jobs/active")["items"] == []


def test_what_an_event_announced_can_be_asked_for_at_once(daemon: Daemon):
    daemon.start()
    with EventStream(daemon.port) as stream:
        job = daemon.scan(**small_scan(5))
        for number in range(1, 6):
            event = stream.wait(lambda topic, data, n=number: topic == "photo_saved" and data["photo"]["shot"] == n)
            assert event is not None
            assert event["photo"]["name"] in {photo["name"] for photo in daemon.photos(job["session_id"])}
        assert stream.wait(lambda topic, data: topic == "job_changed" and data["state"] == "completed")
    assert daemon.stop()[0] == 0
