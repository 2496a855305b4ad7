"""The real daemon as a process of its own, for tests that kill it, restart it, or look at it from outside.

It runs from this tree (``python -m scanner``), on a port the system chose, below one temporary directory. Everything
here blocks: use it from tests that are not coroutines.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn, Self, TypeVar

import pytest

from tests.support.tree import TOP

T = TypeVar("T")
ADDRESS = re.compile(r"http://(?:localhost|127\.0\.0\.1|\[::1\]):(\d+)")
START = 30.0  # seconds a start may take on a machine that does much else; measured times are in ``started_in``


class HttpError(Exception):
    """An answer that is not 2xx."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(f"{status}: {body[:300]!r}")
        self.status = status
        self.body = body

    @property
    def code(self) -> str:
        """The stable code of the error."""
        return str(json.loads(self.body)["error"]["code"])


class Daemon:
    """``scanner demo`` below ``directory``: the twin, running ``speed`` times as fast as the world.

    The first start takes any free port and every later one the same, so that clients find it again.
    """

    def __init__(self, directory: Path, *, speed: float = 20.0, options: tuple[str, ...] = ("--no-scan",)) -> None:
        self.directory = directory
        self.speed = speed
        self.options = options
        self.port = 0
        self.started_in = 0.0  # seconds from the start of the process until the page answered
        self.measured = True  # whether lines run in the process count as covered
        self._log = directory.parent / f"{directory.name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start and wait until the page answers."""
        begin = time.monotonic()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "scanner", *self.command()],
                cwd=TOP,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment(measured=self.measured),
            )
        self.port = self.until(lambda: ADDRESS.search(self.log), "its address is printed", START)[1]
        self.until(self._answers, "the page answers", START)
        self.started_in = time.monotonic() - begin
        return self

    def command(self) -> list[str]:
        """What is started, without the program."""
        told = ["--dir", str(self.directory), "--port", str(self.port), "--speed", str(self.speed)]
        return ["demo", *told, *self.options]

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process, running or ended."""
        assert self._process is not None, "not started"
        return self._process

    @property
    def log(self) -> str:
        """What it wrote since its last start."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    @property
    def url(self) -> str:
        """Where the page is, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def sessions(self) -> Path:
        """The directory of the session directories."""
        return next(self.directory.rglob("sessions"))

    def kill(self) -> None:
        """End it at once, as a power cut would; idempotent."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self, within: float = 10.0) -> tuple[int, float]:
        """Ask it to end as systemd would; its exit status and the seconds it took."""
        begin = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(within)
        except subprocess.TimeoutExpired:
            self.kill()
            self._fail(f"does not stop within {within} s")
        return status, time.monotonic() - begin

    def until(self, holds: Callable[[], T], what: str, seconds: float = 20.0) -> T:
        """What ``holds`` answers as soon as it is true; a failed test once it took too long or the daemon ended."""
        end = time.monotonic() + seconds
        while True:
            value = holds()
            if value:
                return value
            status = self.process.poll()
            if status is not None:
                self._fail(f"ended with {status} before {what}")
            if time.monotonic() > end:
                self._fail(f"not within {seconds} s: {what}")
            time.sleep(0.005)

    def _fail(self, what: str) -> NoReturn:
        pytest.fail(f"the daemon: {what}\n{self.log[-3000:]}", pytrace=False)

    def _answers(self) -> bool:
        with contextlib.suppress(OSError, urllib.error.URLError):
            return b"<html" in self.fetch("/")
        return False

    def fetch(self, path: str, body: object = None, *, method: str | None = None, **headers: str) -> bytes:
        """The body of an answer; ``body`` is sent as JSON; headers as ``Idempotency_Key="..."``. Errors: HttpError."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, method=method)  # noqa: S310 - always http
        if data is not None:
            request.add_header("Content-Type", "application/json")
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - always http
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                raise HttpError(error.code, error.read()) from None

    def get(self, path: str) -> Any:
        """The decoded answer."""
        return json.loads(self.fetch(path))

    def post(self, path: str, body: object = None) -> Any:
        """The decoded answer to a command."""
        return json.loads(self.fetch(path, {} if body is None else body, method="POST") or b"null")

    def scan(self, **spec: object) -> Any:
        """Submit a scan; the job."""
        return self.post("/api/scans", spec)

    def photos(self, session: str) -> list[Any]:
        """Every photo of a session."""
        answer = self.get(f"/api/sessions/{session}/photos")
        return list(answer["items"] if isinstance(answer, dict) else answer)

    def job_state(self, job: str) -> str:
        """The state of a job."""
        return str(self.get(f"/api/jobs/{job}")["state"])


@contextlib.contextmanager
def on_one_data_directory(first: Daemon, second: Daemon) -> Iterator[tuple[Daemon, Daemon]]:
    """Both started; the second has the data directory of the first. They are killed at the end."""
    with first:
        second.directory.mkdir()
        (second.directory / "data").symlink_to(first.directory / "data")
        with second:
            yield first, second


def environment(*, measured: bool = True) -> dict[str, str]:
    """The environment of a started process: this tree first, output at once, nobody else's socket.

    Not ``measured``: without coverage, which slows a process down and cannot be kept of one that is killed anyway, and
    with its bytecode kept, as an installed program has it.
    """
    dropped = ("SCANNER_",) if measured else ("SCANNER_", "COVERAGE_", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return kept | {"PYTHONPATH": str(TOP), "PYTHONUNBUFFERED": "1", "OPENBLAS_NUM_THREADS": "1"}


def small_scan(count: int, *, title: str = "Stone", rings: int = 1) -> dict[str, object]:
    """A spec of ``rings`` rings of ``count`` small photos: quick to render, so that time goes where it is measured."""
    elevations = [10.0 + 20.0 * number for number in range(rings)]
    return {
        "title": title,
        "plan": {"kind": "rings", "rings": [{"elevation": elevation, "count": count} for elevation in elevations]},
        "camera": {"width": 320, "height": 240},
    }
