"""Figures for Prometheus, in its text format: what the daemon has done since it started, and how it stands now."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct

from scanner.events import Event, PassCompleted, PhotoSaved, ShotFailed, WarningRaised
from scanner.storage import SessionQuery

if TYPE_CHECKING:
    from scanner.app import App
    from web.streams import Streams

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_STATES: Final = ("planned", "running", "paused", "completed", "cancelled", "failed")
_COUNTED: Final[Mapping[type[Event], tuple[str, str]]] = {
    PhotoSaved: ("scanner_photos_saved_total", "Photos made durable since the daemon started."),
    ShotFailed: ("scanner_shots_failed_total", "Shots that could not be taken; their jobs paused on them."),
    PassCompleted: ("scanner_passes_completed_total", "Passes completed."),
    WarningRaised: ("scanner_warnings_total", "Things that a person should know of."),
}

Labels = Mapping[str, str]


class Metric(Struct, frozen=True):
    """A figure with its samples, by labels; None is a sample that is not known, and left out."""

    name: str
    kind: Literal["counter", "gauge"]
    text: str
    samples: Sequence[tuple[Labels, float | None]]

    def lines(self) -> Iterator[str]:
        """The metric as Prometheus reads it; nothing where nothing is known."""
        known = [(labels, value) for labels, value in self.samples if value is not None]
        if known:
            yield f"# HELP {self.name} {self.text}"
            yield f"# TYPE {self.name} {self.kind}"
        for labels, value in known:
            inner = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items())
            yield f"{self.name}{f'{{{inner}}}' if inner else ''} {value:.15g}"


class Metrics:
    """Counts what happens from now on."""

    def __init__(self, app: App, streams: Streams) -> None:
        self._app = app
        self._streams = streams
        self._counts = Counter[type[Event]]()
        for kind in _COUNTED:
            app.bus.listen(kind, self._count)

    async def text(self) -> str:
        """All figures. Errors: StorageError."""
        sessions = {
            state: (await self._app.storage.list_sessions(SessionQuery(status=state, limit=1))).total
            for state in _STATES
        }
        metrics = (*self._done(), *self._standing(sessions), *_machine(self._app), *_process())
        return "".join(f"{line}\n" for metric in metrics for line in metric.lines())

    def _count(self, event: Event) -> None:
        self._counts[type(event)] += 1

    def _done(self) -> Iterator[Metric]:
        for kind, (name, text) in _COUNTED.items():
            yield Metric(name, "counter", text, [({}, self._counts[kind])])

    def _standing(self, sessions: Mapping[str, int]) -> Iterator[Metric]:
        app = self._app
        jobs = Counter((job.kind, job.state.value) for job in app.jobs.list(active=True))
        rig = app.rig.info()
        yield Metric("scanner_build_info", "gauge", "The version that runs.", [({"version": app.version}, 1)])
        yield _one("scanner_start_time_seconds", "When the daemon started, Unix time.", _unix(app.started_at))
        by_state = [({"state": state}, count) for state, count in sessions.items()]
        yield Metric("scanner_sessions", "gauge", "Sessions by state.", by_state)
        yield Metric(
            "scanner_jobs", "gauge", "Jobs that are not over.",
            [({"kind": kind, "state": state}, count) for (kind, state), count in sorted(jobs.items())] or [({}, 0)],
        )  # fmt: skip
        yield Metric("scanner_rig_state", "gauge", "What the rig does.", [({"rig": rig.name, "state": rig.state}, 1)])
        yield Metric(
            "scanner_guard_active", "gauge", "Whether a guard holds work up.",
            [({"guard": guard.name}, guard.active) for guard in app.guards.states()],
        )  # fmt: skip
        yield _one("scanner_streams_open", "Answers that stay open.", len(self._streams))


def _machine(app: App) -> Iterator[Metric]:
    health = app.health.snapshot()
    yield _one("scanner_disk_free_bytes", "Room where the sessions are.", health.disk_free)
    yield _one("scanner_disk_total_bytes", "Size of the disk where the sessions are.", health.disk_total)
    yield _one("scanner_cpu_temperature_celsius", "Temperature of the processor.", health.cpu_temperature)
    yield _one("scanner_loop_lag_seconds", "The largest of the last ten seconds.", health.loop_lag_ms / 1000)


def _process() -> Iterator[Metric]:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    yield _one("process_resident_memory_bytes", "Memory of the daemon.", pages * os.sysconf("SC_PAGE_SIZE"))
    yield Metric(
        "process_cpu_seconds_total", "counter", "Processor time of the daemon.", [({}, round(time.process_time(), 3))]
    )
    yield _one("process_open_fds", "Files that the daemon has open.", len(os.listdir("/proc/self/fd")))  # noqa: PTH208 - counted alone


def _one(name: str, text: str, value: float | None) -> Metric:
    return Metric(name, "gauge", text, [({}, value)])


def _unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
