"""Renders pictures for tests, without devices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scanner.hardware.sim.lens import Lens, View
from scanner.hardware.sim.photograph import photograph
from scanner.hardware.sim.scene import Scene
from scanner.hardware.sim.sensor import Development, Noise, noise_bank

BANK = noise_bank()
FOCUS = 1000 / 245  # dioptres: the stone's near side


@dataclass(frozen=True)
class Taken:
    """A picture as the measuring functions want it."""

    width: int
    height: int
    yuv: bytes

    @property
    def luma(self) -> np.ndarray:
        """Rows x columns."""
        return np.frombuffer(self.yuv, np.uint8, self.width * self.height).reshape(self.height, self.width)


def lens(width: int = 320, height: int = 240, *, f_number: float = 16.0, k1: float = 0.0) -> Lens:
    return Lens(width=width, height=height, focal_mm=8.0, sensor_width_mm=6.4512, f_number=f_number, k1=k1)


def view(azimuth: float = 0.0, elevation: float = 25.0, flip: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> View:
    return View(azimuth=azimuth, elevation=elevation, distance=280.0, target_height=38.0, flip=flip)


def development(*, scale: float = 1.0, noise: float = 0.0, gain: float = 1.0) -> Development:
    return Development(scale=scale, red=1.0, blue=1.0, noise=noise, gain=gain)


def take(
    scene: Scene,
    views: View | list[View],
    optics: Lens | None = None,
    how: Development | None = None,
    *,
    focus: float = FOCUS,
    seed: int = 1,
) -> Taken:
    """A photograph, without noise unless asked for."""
    optics = optics or lens()
    yuv = photograph(
        scene,
        views if isinstance(views, list) else [views],
        optics,
        how or development(),
        focus=focus,
        noise=Noise(BANK, (seed,)),
    )
    return Taken(optics.width, optics.height, yuv)
