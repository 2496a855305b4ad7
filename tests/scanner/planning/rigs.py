"""Rigs to plan for."""

from __future__ import annotations

from typing import Final

from scanner.model import CameraInfo, CameraName
from scanner.planning import Motion, RigLimits


def camera(name: str, width: int = 4608, height: int = 2592) -> CameraInfo:
    """A camera whose full picture takes 4 MB."""
    return CameraInfo(
        name=CameraName(name),
        model="m",
        make="k",
        width=width,
        height=height,
        focal_mm=4.74,
        sensor_width_mm=6.45,
        f_number=1.8,
        bytes_per_photo=4_000_000,
    )


TABLE: Final = Motion(60, 120)
ARM: Final = Motion(30, 60)
TILTED: Final = RigLimits(
    tilt=(0, 80), fixed_elevation=None, cameras=(camera("main"),), turntable=TABLE, tilt_motion=ARM, lights=("ring",)
)
TWO_CAMERAS: Final = RigLimits(
    tilt=(0, 80), fixed_elevation=None, cameras=(camera("a"), camera("b", 1000, 800)), turntable=TABLE, tilt_motion=ARM
)
FIXED: Final = RigLimits(
    tilt=None, fixed_elevation=20, cameras=(camera("main"),), turntable=TABLE, tilt_motion=None, speed=4
)
SHORT: Final = RigLimits(
    tilt=None,
    fixed_elevation=20,
    cameras=(camera("main"),),
    turntable=TABLE,
    tilt_motion=None,
    turntable_range=(-170, 170),
)
