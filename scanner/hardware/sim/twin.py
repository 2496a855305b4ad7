"""Builds a twin: devices that share one world, one clock and one set of faults."""

from __future__ import annotations

from scanner.clock import Clock
from scanner.config import RigConfig, SimMotion
from scanner.hardware.api import AxisInfo, Rig
from scanner.hardware.sim.axis import Mechanics, SimAxis
from scanner.hardware.sim.camera import SimCamera
from scanner.hardware.sim.faults import Faults
from scanner.hardware.sim.light import SimLight
from scanner.hardware.sim.motion import Swing
from scanner.hardware.sim.world import World
from scanner.model import CameraName, Geometry

STANDARD = Geometry(distance=280.0, target_height=38.0)  # where the camera stands if nobody says
TEXTURES = ((400, 512), (1600, 1024))  # for cameras up to so many pixels wide, so many texels a side
FINEST = 2048  # texels, for wider ones
CHANCE = 137.508  # degrees between the start angles of one seed and the next
SIDES = {"either": 0, "up": 1, "down": -1}
DRIVER = "sim"


class Twin:
    """The simulated devices of one rig, not opened. ``faults`` and ``world`` may be changed while they run."""

    def __init__(self, config: RigConfig, clock: Clock, faults: Faults) -> None:
        self.faults = faults
        seed = config.twin.seed
        table, tilt = config.turntable, config.tilt
        self.turntable = SimAxis(
            AxisInfo(
                name="turntable",
                lowest=0.0,
                highest=360.0,
                endless=True,
                speed=table.speed,
                acceleration=table.acceleration,
                driver=DRIVER,
            ),
            _mechanics(table, seed * CHANCE % 360),
            clock=clock,
            faults=faults,
        )
        self.tilt: SimAxis | None = None
        if tilt is not None:
            info = AxisInfo(
                name="tilt",
                lowest=tilt.lowest,
                highest=tilt.highest,
                endless=False,
                speed=tilt.speed,
                acceleration=tilt.acceleration,
                driver=DRIVER,
            )
            chance = tilt.lowest + seed * CHANCE % (tilt.highest - tilt.lowest)
            self.tilt = SimAxis(info, _mechanics(tilt, chance), clock=clock, faults=faults)
        self.lights = {name: SimLight(name, light.power) for name, light in config.lights.items()}
        self.world = World(
            settings=config.twin,
            geometry=config.geometry or STANDARD,
            turntable=self.turntable,
            tilt=self.tilt or float(config.fixed_elevation),
            lights=tuple(self.lights.values()),
            faults=faults,
            side=_texels(max(camera.width for camera in config.cameras.values())),
        )
        self.cameras = {
            CameraName(name): SimCamera(CameraName(name), camera, world=self.world, clock=clock)
            for name, camera in config.cameras.items()
        }

    def rig(self, config: RigConfig) -> Rig:
        """The devices as the engine sees them."""
        devices = ("turntable", *(("tilt",) if self.tilt else ()), *self.cameras, *self.lights)
        return Rig(
            name=config.name,
            turntable=self.turntable,
            tilt=self.tilt,
            cameras=self.cameras,
            lights=self.lights,
            geometry=config.geometry,
            fixed_elevation=config.fixed_elevation,
            drivers=dict.fromkeys(devices, DRIVER),
        )


def _texels(width: int) -> int:
    return next((side for widest, side in TEXTURES if width <= widest), FINEST)


def _mechanics(settings: SimMotion, chance: float) -> Mechanics:
    return Mechanics(
        start=chance if settings.start_angle is None else settings.start_angle,
        swing=Swing(amplitude=settings.swing, frequency=settings.swing_frequency, decay=settings.swing_decay),
        backlash=settings.backlash,
        approach=SIDES[settings.approach],
    )
