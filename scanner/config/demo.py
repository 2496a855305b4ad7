"""The configuration of ``scanner demo``: the twin, all files below one directory, reachable from this computer only."""

from __future__ import annotations

from pathlib import Path

from scanner.config.settings import Config, DiskConfig, RigConfig, WebConfig
from scanner.config.simulated import SimCamera, SimLight, SimTilt, SimTurntable
from scanner.model import Geometry
from scanner.spec import Fibonacci, Ring, Rings, ScanSpec

LOOKING = 0.2  # seconds of the world that settling by sight takes the twin, however fast it lives


def demo_config(directory: Path, port: int, speed: float) -> Config:
    """``port`` 0: any free one. ``speed``: how much faster than the world the twin lives."""
    return Config(
        data_dir=directory / "data",
        state_dir=directory / "state",
        socket=directory / "scanner.sock",
        web=WebConfig(host="127.0.0.1", port=port, login=False),
        rig=RigConfig(
            name="Demo rig",
            turntable=SimTurntable(),
            tilt=SimTilt(),
            cameras={"main": SimCamera()},
            lights={"ring": SimLight()},
            geometry=Geometry(distance=280, target_height=38),
            speed=speed,
            settle_estimate=max(0.3, LOOKING * speed),
        ),
        disk=DiskConfig(stop_below_gib=0.2, go_above_gib=0.3),  # a demo's photos are small
        presets={
            "standard": ScanSpec(plan=Rings()),
            "quick": ScanSpec(plan=Rings(rings=(Ring(count=12, elevation=25.0),))),
            "even": ScanSpec(plan=Fibonacci(count=72)),
        },
    )
