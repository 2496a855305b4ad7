"""The configuration as frozen values. Every key is explained for its reader in ``config/scanner.yaml``.

Devices are tagged unions by ``driver``: one more driver is one more struct. The driver is always named; there is no
default, so that nobody scans with simulated devices unknowingly.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, field

from scanner.config.simulated import SimCamera, SimLight, SimTilt, SimTurntable, SimWorld
from scanner.model import Geometry, Value
from scanner.spec import ScanSpec, Slug

TurntableSettings = SimTurntable
TiltSettings = SimTilt
AxisSettings = SimTurntable | SimTilt
CameraDriverSettings = SimCamera
LightSettings = SimLight

GIB = 1 << 30


class WebConfig(Value, frozen=True):
    """Where the page listens and who may ask. ``port`` 0: any free one. ``login`` False: whoever reaches the page is an
    administrator, which only this computer may. ``trusted_proxies``: addresses or networks whose word counts about who
    asks.
    """

    host: Annotated[str, Meta(min_length=1, max_length=255)] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 8080
    login: bool = True
    allowed_hosts: tuple[Annotated[str, Meta(min_length=1, max_length=255)], ...] = ()
    public_url: (
        Annotated[str, Meta(pattern=r"^https?://[^/\s]+\Z", description="an address like https://scan.example.org")]
        | None
    ) = None
    trusted_proxies: tuple[Annotated[str, Meta(min_length=1, max_length=64)], ...] = ()


class DiskConfig(Value, frozen=True):
    """When scanning waits for room, in GiB free; apart, so that it does not stop and go with every photo."""

    stop_below_gib: Annotated[float, Meta(ge=0, le=1_000_000)] = 2.0
    go_above_gib: Annotated[float, Meta(ge=0, le=1_000_000)] = 3.0

    @property
    def stop_below(self) -> int:
        """Bytes free below which scanning waits."""
        return int(self.stop_below_gib * GIB)

    @property
    def go_above(self) -> int:
        """Bytes free above which it goes on."""
        return int(self.go_above_gib * GIB)


class StorageConfig(Value, frozen=True):
    """How several scanners share one data directory. ``shared`` auto: where it lies on a network file system. Seconds
    without heartbeat after which a lock counts as abandoned, and between two heartbeats.
    """

    shared: Literal["auto"] | bool = "auto"
    stale_after: Annotated[float, Meta(gt=0, le=86_400)] = 300.0
    beat: Annotated[float, Meta(gt=0, le=3600)] = 60.0


class JobsConfig(Value, frozen=True):
    """The list of jobs."""

    keep_ended_hours: Annotated[float, Meta(ge=0, le=8760)] = 24.0


class RigConfig(Value, frozen=True, kw_only=True):
    """The devices of a rig. ``tilt`` None: the camera stands at ``fixed_elevation``.

    ``settle_estimate`` (seconds) stands for ``settle: auto`` in estimates. ``twin`` is the scene that all simulated
    devices share, and ``speed`` how much faster than the world they live; real devices ignore both.
    """

    name: Annotated[str, Meta(min_length=1, max_length=100)] = "scanner"
    turntable: TurntableSettings
    tilt: TiltSettings | None = None
    fixed_elevation: Annotated[float, Meta(ge=-30, le=90)] = 20.0
    cameras: Annotated[dict[Slug, CameraDriverSettings], Meta(min_length=1, max_length=16)]
    lights: Annotated[dict[Slug, LightSettings], Meta(max_length=16)] = field(default_factory=dict)
    geometry: Geometry | None = None
    settle_estimate: Annotated[float, Meta(ge=0, le=60)] = 0.3
    twin: SimWorld = SimWorld()
    speed: Annotated[float, Meta(gt=0, le=1000)] = 1.0


class Config(Value, frozen=True):
    """All of it. ``rig`` None is safe mode: page and sessions work, scanning says what is missing."""

    data_dir: Path = Path("/var/lib/scanner/data")
    state_dir: Path = Path("/var/lib/scanner/state")
    socket: Path = Path("/run/scanner/scanner.sock")
    web: WebConfig = WebConfig()
    rig: RigConfig | None = None
    storage: StorageConfig = StorageConfig()
    disk: DiskConfig = DiskConfig()
    checkpoint_interval: Annotated[int, Meta(ge=0, le=10_000)] = 10
    jobs: JobsConfig = JobsConfig()
    resume_on_start: Literal["auto", "ask", "never"] = "ask"
    presets: dict[Slug, ScanSpec] = field(default_factory=dict)
