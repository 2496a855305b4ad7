"""One snapshot to begin from, and the sign of life."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import msgspec
from aiohttp import web

from scanner.clock import utc_text
from scanner.guards import GuardState
from scanner.health import Health
from scanner.model import CameraInfo
from scanner.records import Job
from scanner.rig.state import AxisState, LightState, RigState
from scanner.spec import ScanSpec
from web.codec import answer, encode, raw_answer
from web.context import context, daemon

if TYPE_CHECKING:
    from scanner.app import App


FRESH: Final = 0.05  # seconds


class GeometryView(msgspec.Struct, frozen=True):
    """Where the camera stands (mm) and what it sees (pixels): what the dome needs to lie over photos."""

    distance: float
    target_height: float
    focal_px: float
    width: int
    height: int


class RigView(msgspec.Struct, frozen=True, kw_only=True):
    """The rig for page and command line."""

    name: str
    state: str
    message: str | None
    turntable: AxisState | None
    tilt: AxisState | None
    fixed_elevation: float | None
    geometry: GeometryView | None
    cameras: tuple[CameraInfo, ...]
    lights: tuple[LightState, ...]
    homed_at: str | None


class Preset(msgspec.Struct, frozen=True):
    """A named ScanSpec without title."""

    name: str
    spec: ScanSpec


class State(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a page needs at first; ``seq`` is the last event that is in it."""

    seq: str
    boot: str
    now: str
    rig: RigView
    jobs: tuple[Job, ...]
    guards: tuple[GuardState, ...]
    health: Health
    version: str
    started_at: str
    demo: bool
    presets: tuple[Preset, ...]
    notices: tuple[str, ...]


class Alive(msgspec.Struct, frozen=True):
    """The sign of life."""

    status: str
    version: str


class Snapshots:
    """The state in JSON, made anew when anything happened, and every 50 ms.

    A snapshot holds every event up to its ``seq``; what changes without an event (an axis on its way, the clock, the
    load) may be that old. Pages that all come back at once cost little more than one.
    """

    def __init__(self) -> None:
        self._made: tuple[str, tuple[Job, ...], float] = ("", (), 0.0)
        self._body = b""

    def body(self, app: App, now: float) -> bytes:
        """The state in JSON; ``now`` in seconds of the loop."""
        seq, jobs = app.bus.last_id, app.jobs.list(active=True)
        known_seq, known_jobs, made = self._made
        if seq != known_seq or now - made > FRESH or jobs != known_jobs:
            self._body = encode(snapshot(app))
            self._made = seq, jobs, now
        return self._body


async def state(request: web.Request) -> web.StreamResponse:
    """One snapshot to begin from."""
    parts = context(request)
    return raw_answer(parts.snapshots.body(parts.app, asyncio.get_running_loop().time()))


def snapshot(app: App) -> State:
    """The daemon as it is now; nothing is awaited, so that it is of one moment."""
    return State(
        seq=app.bus.last_id,
        boot=app.bus.boot,
        now=utc_text(app.clock.now()),
        rig=rig_view(app.rig.info()),
        jobs=app.jobs.list(active=True),
        guards=app.guards.states(),
        health=app.health.snapshot(),
        version=app.version,
        started_at=app.started_at,
        demo=app.demo,
        presets=tuple(Preset(name, spec) for name, spec in app.config.presets.items()),
        notices=app.storage.notices,
    )


def rig_view(rig: RigState) -> RigView:
    """The rig's snapshot with what the first camera sees."""
    camera = rig.cameras[0] if rig.cameras else None
    return RigView(
        name=rig.name,
        state=rig.state,
        message=rig.message,
        turntable=rig.turntable,
        tilt=rig.tilt,
        fixed_elevation=rig.fixed_elevation,
        geometry=GeometryView(
            distance=rig.geometry.distance,
            target_height=rig.geometry.target_height,
            focal_px=round(camera.focal_mm / camera.sensor_width_mm * camera.width, 2),
            width=camera.width,
            height=camera.height,
        )
        if rig.geometry is not None and camera is not None
        else None,
        cameras=rig.cameras,
        lights=rig.lights,
        homed_at=rig.homed_at,
    )


async def healthz(request: web.Request) -> web.StreamResponse:
    """Whether the daemon answers."""
    return answer(Alive("ok", daemon(request).version))
