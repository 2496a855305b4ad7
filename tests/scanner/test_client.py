"""The client over a real unix socket."""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import scanner.client
from scanner.client import BROKEN, INSTALLED, Client, find_socket
from scanner.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    PassCompletedError,
    ScannerError,
    SessionNotFoundError,
    SpecError,
    UnreachableError,
    error_types,
)
from tests.scanner.cli.stub import Stub, error, event, serving


@pytest.fixture
def stub(tmp_path: Path) -> Iterator[Stub]:
    """A daemon that says what the test wrote down."""
    with serving(tmp_path / "s") as made:
        yield made


@pytest.fixture
def client(stub: Stub) -> Client:
    """A client of it."""
    return Client(stub.path, silence=5.0)


def test_json_goes_there_and_back(stub, client):
    stub.answers = {
        "GET /a?b=1": {"x": [1, "ü"]},
        "POST /c": {"y": 2},
        "DELETE /d": (204, b""),
        "POST /e": {},
        "PATCH /f": {"z": 3},
    }
    assert client.get("/a?b=1") == {"x": [1, "ü"]}
    assert client.post("/c", {"title": "Väse \ud800"}) == {"y": 2}
    assert client.delete("/d") is None
    assert client.post("/e", slow=True) == {}
    assert client.patch("/f", {"z": 3}) == {"z": 3}
    bodies = [(request.body, request.headers.get("Content-Type")) for request in stub.requests]
    assert bodies == [
        (None, None),
        ({"title": "Väse \ud800"}, "application/json"),
        (None, None),
        (None, None),
        ({"z": 3}, "application/json"),
    ]
    assert {request.headers["Host"] for request in stub.requests} == {"localhost"}


@pytest.mark.parametrize("kind", list(error_types()))
def test_every_refusal_comes_back_as_the_error_it_was(stub, client, kind):
    stub.answers["GET /x"] = (int(kind.status), error(kind.code, "no", message="detail may be called anything", n=1))
    with pytest.raises(ScannerError) as caught:
        client.get("/x")
    assert type(caught.value) is kind
    assert caught.value.message == "no"
    assert caught.value.detail == {"message": "detail may be called anything", "n": 1}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, InvalidError),
        (403, ForbiddenError),
        (404, NotFoundError),
        (409, ConflictError),
        (415, InvalidError),
        (418, ScannerError),
        (500, ScannerError),
        (503, UnreachableError),
    ],
)
def test_codes_of_newer_daemons_are_understood_by_their_status(stub, client, status, kind):
    stub.answers["GET /x"] = (status, error("never_heard_of", "what happened"))
    with pytest.raises(ScannerError, match="what happened") as caught:
        client.get("/x")
    assert type(caught.value) is kind


@pytest.mark.parametrize("body", [b"<html>", b"", b"[]", b'{"error": 5}', b'{"error": {"code": "x"}}'])
def test_a_refusal_that_is_not_ours_names_its_status(stub, client, body):
    stub.answers["GET /x"] = (502, body)
    with pytest.raises(ScannerError, match="answered with status 502"):
        client.get("/x")


def test_no_daemon_says_how_to_start_one(tmp_path):
    with pytest.raises(
        UnreachableError, match=r"no scanner daemon answers at .*start one with .*scanner demo"
    ) as caught:
        Client(tmp_path / "none").get("/x")
    assert caught.value.detail["reason"] == "connect"
    (tmp_path / "file").touch()
    with pytest.raises(UnreachableError, match="Connection refused"):
        Client(tmp_path / "file").get("/x")
    with pytest.raises(UnreachableError, match="too long"):
        Client(tmp_path / ("x" * 120)).get("/x")


def test_a_socket_one_may_not_use_says_so(tmp_path, monkeypatch):
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    with pytest.raises(UnreachableError, match=r"you may not use .*: join its group"):
        Client(tmp_path / "s").get("/x")


def test_a_daemon_that_goes_away_is_named(stub, client):
    stub.answers["GET /x"] = lambda: None
    with pytest.raises(UnreachableError, match="went away while it answered") as caught:
        client.get("/x")
    assert caught.value.detail["reason"] == BROKEN


def test_a_daemon_that_says_nothing_is_not_waited_for_for_ever(stub, client, monkeypatch):
    monkeypatch.setattr(scanner.client, "ANSWER", 0.05)
    done = threading.Event()
    stub.answers["POST /x"] = lambda: done.wait(10) and None
    with pytest.raises(UnreachableError, match=r"no sign of life for 0\.05 s"):
        client.post("/x")
    done.set()


def test_a_post_with_a_key_is_tried_once_more_with_the_same_key(stub, client):
    stub.answers["POST /x"] = [lambda: None, {"id": "j-1"}]
    assert client.post("/x", {"a": 1}, key="k") == {"id": "j-1"}
    assert [request.headers["Idempotency-Key"] for request in stub.requests] == ["k", "k"]
    stub.answers["POST /x"] = lambda: None
    with pytest.raises(UnreachableError):
        client.post("/x", {"a": 1}, key="k")


def test_a_post_without_a_key_is_tried_once(stub, client):
    stub.answers["POST /x"] = [lambda: None, {}]
    with pytest.raises(UnreachableError):
        client.post("/x")
    assert len(stub.requests) == 1


def test_a_refusal_is_not_tried_again(stub, client):
    stub.answers["POST /x"] = (409, error("pass_completed", "over"))
    with pytest.raises(PassCompletedError):
        client.post("/x", key="k")
    assert len(stub.requests) == 1


def test_an_archive_is_copied_whole(stub, client):
    content = bytes(range(256)) * 10_000
    stub.answers["GET /z"] = content
    target = io.BytesIO()
    client.download("/z", target.write)
    assert target.getvalue() == content


def test_an_archive_that_breaks_off_is_no_archive(tmp_path):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "s"))
    listener.listen()

    def half() -> None:
        connection, _ = listener.accept()
        connection.recv(10_000)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        connection.close()

    thread = threading.Thread(target=half)
    thread.start()
    with pytest.raises(UnreachableError, match="went away"):
        Client(tmp_path / "s").download("/z", io.BytesIO().write)
    thread.join()
    listener.close()


def test_a_refused_download_is_an_error(stub, client):
    stub.answers["GET /z"] = (404, error("session_not_found", "no such session"))
    with pytest.raises(SessionNotFoundError):
        client.download("/z", io.BytesIO().write)


def test_events_are_parsed_and_a_cut_off_one_is_dropped(stub, client):
    stub.streams = [
        [b"retry: 2000\n\n", b":\n\n", ("progress", {"done": 1}), b"data: {}\r\n\r\n", b"data: [", b"1"],
    ]
    with client.events(("progress", "job_changed"), after="b:7") as events:
        found = [(one.id, one.name, one.data) for one in events]
    assert found == [("b:1", "progress", {"done": 1}), (None, "message", {})]
    (request,) = stub.requests
    assert request.path == "/api/events?topics=progress,job_changed"
    assert request.headers["Last-Event-ID"] == "b:7"


def test_a_stream_may_be_left_at_any_time(stub, client):
    gone = threading.Event()
    stub.streams = [[("a", {}), lambda: gone.wait(10) and None]]
    with client.events() as events:
        assert next(events).name == "a"
    gone.set()


def test_what_goes_wrong_while_events_are_used_stays_what_it_is(stub, client):
    stub.streams = [[event("a", {})]]
    with pytest.raises(BrokenPipeError), client.events() as events:
        next(events)
        raise BrokenPipeError


def test_a_silent_stream_is_given_up(stub):
    done = threading.Event()
    stub.streams = [[lambda: done.wait(10) and None]]
    client = Client(stub.path, silence=0.05)
    with pytest.raises(UnreachableError, match="no sign of life"), client.events() as events:
        next(events)
    done.set()


def test_a_refused_stream_is_an_error(stub, client):
    stub.path.unlink()
    with pytest.raises(UnreachableError), client.events():
        pass


def test_the_socket_is_looked_for_in_order(tmp_path):
    installed = tmp_path / "installed.sock"
    private = tmp_path / "scanner.sock"
    environment = {"XDG_RUNTIME_DIR": str(tmp_path)}
    assert find_socket(environment, installed) == installed
    private.touch()
    assert find_socket(environment, installed) == private
    assert find_socket({}, installed) == installed
    installed.touch()
    assert find_socket(environment, installed) == installed
    assert find_socket(environment | {"SCANNER_SOCKET": "/x"}, installed) == Path("/x")
    assert find_socket({"SCANNER_SOCKET": "/x"}) == Path("/x")
    assert Path("/run/scanner/scanner.sock") == INSTALLED


def test_a_spec_that_is_refused_keeps_its_list_of_faults(stub, client):
    faults = [{"path": "passes[0].name", "message": "is wrong"}]
    stub.answers["POST /api/scans"] = (400, error("invalid_spec", "passes[0].name is wrong", errors=faults, count=1))
    with pytest.raises(SpecError) as caught:
        client.post("/api/scans", {})
    assert caught.value.detail == {"errors": faults, "count": 1}
