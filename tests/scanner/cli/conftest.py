"""The command line against a daemon that says what the test wrote down."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from scanner.cli import build_parser
from scanner.cli.context import Context
from scanner.cli.entry import run
from scanner.cli.output import Output
from tests.scanner.cli.stub import Stub, serving


class Terminal(io.StringIO):
    """A stream that takes itself for a terminal."""

    def isatty(self) -> bool:
        return True


@dataclass
class Call:
    """What a call of the command came to."""

    code: int
    out: str
    err: str


@dataclass
class Cli:
    """Calls the command. ``asked`` collects what a person was asked; ``slept`` the waits."""

    stub: Stub
    environment: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    on_sleep: Callable[[], None] | None = None
    says: str = ""  # what the person answers
    secrets: list[str] = field(default_factory=list)  # and types unseen

    def __call__(self, *argv: str, terminal: bool = False) -> Call:
        arguments = build_parser().parse_args(argv)
        out = Terminal() if terminal else io.StringIO()
        err = io.StringIO()
        context = Context(
            Output(out, err, as_json=arguments.json),
            {"SCANNER_SOCKET": str(self.stub.path)} | self.environment,
            arguments.socket,
            ask=self._ask if terminal else None,
            secret=self._secret,
            sleep=self._sleep,
        )
        code = run(arguments, context)
        return Call(code, out.getvalue(), err.getvalue())

    def _ask(self, question: str) -> str:
        self.asked.append(question)
        return self.says

    def _secret(self, question: str) -> str:
        self.asked.append(question)
        return self.secrets.pop(0)

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if self.on_sleep is not None:
            self.on_sleep()


@pytest.fixture
def stub(tmp_path: Path) -> Iterator[Stub]:
    """The daemon."""
    with serving(tmp_path / "s") as made:
        yield made


@pytest.fixture
def cli(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The command; times are shown in UTC, the terminal is wide."""
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return Cli(stub)


def job(state: str = "running", done: int = 3, total: int = 10, **more: Any) -> dict[str, Any]:
    """A job of the API."""
    return {
        "id": "j-abc123",
        "kind": "scan",
        "state": state,
        "session_id": "s-1",
        "pass": "main",
        "passes": ["main"],
        "title": "Vase",
        "progress": {"done": done, "total": total, "unit": "photos", "eta_s": 65.0},
        "pause": None,
        "error": None,
        "result": None,
        "queue_position": None,
        "created_at": "2026-11-20T04:15:30.120Z",
    } | more


def paused(by: str = "user", reason: str = "", message: str = "paused by anna", **more: Any) -> dict[str, Any]:
    """A paused job."""
    pause = {"by": by, "reason": reason, "message": message, "resumes_by_itself": more.pop("resumes_by_itself", False)}
    return job("paused", pause=pause, **more)


def completed(**more: Any) -> dict[str, Any]:
    """A completed job."""
    came = {"saved": 10, "skipped": 0, "retaken": 1, "bytes": 4_200_000, "duration_s": 185.0, "path": None}
    return job("completed", 10, result=came | more)


def session(**more: Any) -> dict[str, Any]:
    """A session of the API."""
    return {
        "id": "s-1",
        "title": "Vase",
        "state": "paused",
        "created_at": "2026-11-20T04:15:30.120Z",
        "created_from": "standard",
        "origin": "cli",
        "operator": "anna",
        "object": {"id": "INV-1", "label": "vase", "worklist": None},
        "tags": ["a", "b"],
        "notes": "",
        "photos": 3,
        "bytes": 12_000_000,
        "format": "current",
        "active_job": None,
        "damage": [],
        "passes": [session_pass()],
    } | more


def session_pass(name: str = "main", state: str = "paused", **more: Any) -> dict[str, Any]:
    """A pass of a session."""
    return {
        "name": name,
        "state": state,
        "shots": 10,
        "saved": 3,
        "skipped": 0,
        "retaken": 0,
        "damaged": 0,
        "bytes": 12_000_000,
        "duration_s": 61.0,
        "pause": None,
        "lock": None,
    } | more


def lock(**more: Any) -> dict[str, Any]:
    """A lock of the API."""
    return {
        "session_id": "s-1",
        "pass": "main",
        "host": "pi-2",
        "user": "anna",
        "origin": "web",
        "since": "2026-11-20T04:15:30.120Z",
        "beat": 7,
        "beats": [12.0, 72.0],
        "state": "alive",
        "own": False,
        "job_id": None,
    } | more


def listed(*items: Any, total: int | None = None, following: str | None = None) -> dict[str, Any]:
    """A list of the API."""
    return {"items": list(items), "next": following, "total": len(items) if total is None else total}


def rig(**more: Any) -> dict[str, Any]:
    """The rig of the API."""
    axis = {
        "name": "turntable",
        "driver": "sim",
        "position": 45.0,
        "lowest": 0.0,
        "highest": 360.0,
        "endless": True,
        "speed": 60.0,
    }
    return {
        "name": "twin",
        "state": "ready",
        "message": None,
        "turntable": axis,
        "tilt": axis | {"name": "tilt", "position": None, "endless": False, "highest": 80.0},
        "fixed_elevation": None,
        "cameras": [{"name": "main", "model": "Twin", "width": 1280, "height": 960}],
        "lights": [{"name": "ring", "level": 0.5}],
    } | more
