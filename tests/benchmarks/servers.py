"""The processes under measurement: ours, and the floor's."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from tests.support.daemon import ADDRESS, Daemon, environment
from tests.support.tree import TOP


def daemon(directory: Path, *, speed: float = 20.0) -> Daemon:
    """Our daemon with the twin, not started, measured without coverage."""
    ours = Daemon(directory, speed=speed)
    ours.measured = False
    return ours


class Plain:
    """Any server that prints its address: the floor, or our daemon with a configuration of its own."""

    def __init__(self, command: list[str]) -> None:
        self._log = tempfile.NamedTemporaryFile()  # noqa: SIM115 - closed by end(); a pipe would fill up
        begin = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=TOP,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env=environment(measured=False),
        )
        while not (found := ADDRESS.search(self._said())):
            if self.process.poll() is not None:
                raise RuntimeError(self._said())
            time.sleep(0.005)
        self.port = int(found[1])
        while True:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=5):
                break
            time.sleep(0.005)
        self.started_in = time.monotonic() - begin

    def _said(self) -> str:
        return Path(self._log.name).read_text(errors="replace")

    @property
    def pid(self) -> int:
        """The process id."""
        return self.process.pid

    def end(self) -> None:
        """Kill it."""
        self.process.kill()
        self.process.wait()
        self._log.close()


@contextlib.contextmanager
def bare(*arguments: str) -> Iterator[Plain]:
    """The floor's server, running."""
    server = Plain(["tests.benchmarks.bare", *arguments])
    try:
        yield server
    finally:
        server.end()


@contextlib.contextmanager
def without_rig(directory: Path) -> Iterator[Plain]:
    """Our daemon without a rig: neither the twin nor arrays are loaded."""
    directory.mkdir(parents=True)
    path = directory / "scanner.yaml"
    path.write_text(
        f"data_dir: {directory / 'data'}\nstate_dir: {directory / 'state'}\nsocket: {directory / 's.sock'}\n"
        "web:\n  host: 127.0.0.1\n  port: 0\n  login: false\n"
    )
    server = Plain(["scanner", "daemon", "--config", str(path)])
    try:
        yield server
    finally:
        server.end()
