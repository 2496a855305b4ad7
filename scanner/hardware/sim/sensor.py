"""The sensor: linear light becomes a noisy picture of codes, planar I420 (full range, BT.601, as JPEG has it).

Photon noise grows with the square root of light, and so does, nearly, the slope with which the sRGB curve squeezes it:
in codes it is all but even. It is added there, together with what the read-out adds in the dark; clipped codes have
none.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from scanner.hardware.sim.textures import Bytes, Floats

UNIT_EXPOSURE_US = 20_000  # with this, gain 1 and UNIT_F_NUMBER, light 1 just fills the sensor
UNIT_F_NUMBER = 16.0
PHOTON_NOISE = 1.1  # codes, at gain 1
FULL_CODE = 252  # codes from here are a full sensor
READ_NOISE = 0.0012  # of full scale, at gain 1
CHROMA_NOISE = 0.6  # of the noise of luma: a chroma pixel is the mean of four
LINEAR_BELOW = 0.0031308  # light; the sRGB curve begins with a straight piece
CURVE_STEPS = 4096  # of the table of the sRGB curve over the square root of light
NOISE_BANK = 1 << 20  # normal deviates; every row of a photo starts somewhere else in them


def exposed(shutter_us: int, gain: float, f_number: float) -> float:
    """By how much light is multiplied: 1 just fills the sensor with light 1."""
    return shutter_us / UNIT_EXPOSURE_US * gain * (UNIT_F_NUMBER / f_number) ** 2


def _curve() -> Floats:
    light = np.linspace(0, 1, CURVE_STEPS) ** 2
    codes = np.where(light <= LINEAR_BELOW, 12.92 * light, 1.055 * np.maximum(light, 1e-9) ** (1 / 2.4) - 0.055) * 255
    return codes.astype(np.float32)


CURVE = _curve()


@dataclass(frozen=True, slots=True, kw_only=True)
class Development:
    """How light becomes codes: ``scale`` by which light is multiplied (shutter, gain, aperture), gains of red and blue
    against neutral ones, and ``noise`` (1: as on a Pi, 0: none) at ``gain``.
    """

    scale: float
    red: float
    blue: float
    noise: float
    gain: float


@lru_cache(maxsize=1)
def noise_bank() -> Floats:
    """The deviates that all photos share; a photo's seed chooses where each of its bands begins in them."""
    bank: Floats = np.random.default_rng(0).standard_normal(NOISE_BANK, dtype=np.float32)
    bank.flags.writeable = False
    return bank


class Noise:
    """Normal deviates for one photo, fixed by its seed."""

    def __init__(self, bank: Floats, seed: tuple[int, ...]) -> None:
        self._bank = bank
        self._places = np.random.default_rng(seed)

    def like(self, codes: Floats) -> Floats:
        """As many deviates as ``codes`` has, in its shape."""
        first = int(self._places.integers(0, len(self._bank) - 1))
        count = codes.size
        deviates = self._bank[first : first + count]
        if len(deviates) < count:
            deviates = np.take(self._bank, np.arange(first, first + count), mode="wrap")
        return deviates.reshape(codes.shape)


@dataclass(frozen=True, slots=True)
class Planes:
    """A band of codes as floats: ``luma`` rows x width, ``u`` and ``v`` half of both."""

    luma: Floats
    u: Floats
    v: Floats


def develop(light: Floats, how: Development) -> Planes:
    """Linear light (3 x rows x width, rows even; used up) as codes without noise."""
    light *= np.array((how.scale * how.red, how.scale, how.scale * how.blue), np.float32)[:, None, None]
    root = np.sqrt(np.minimum(light, 1, out=light), out=light)
    root *= np.float32(CURVE_STEPS - 1)
    codes = CURVE.take(root.astype(np.int32))
    red, green, blue = codes
    luma = red * np.float32(0.299)
    luma += green * np.float32(0.587)
    luma += blue * np.float32(0.114)
    rows = codes[:, 0::2] + codes[:, 1::2]
    red, green, blue = (rows[:, :, 0::2] + rows[:, :, 1::2]) * np.float32(0.25)
    u = red * np.float32(-0.168736) - green * np.float32(0.331264) + blue * np.float32(0.5) + np.float32(128)
    v = red * np.float32(0.5) - green * np.float32(0.418688) - blue * np.float32(0.081312) + np.float32(128)
    return Planes(luma, u, v)


def read_out(planes: Planes, how: Development, noise: Noise) -> tuple[Bytes, Bytes, Bytes]:
    """The codes (used up) with noise, as bytes."""
    if how.noise > 0:
        chroma = np.float32(CHROMA_NOISE * PHOTON_NOISE * how.noise * how.gain**0.5)
        np.add(planes.u, noise.like(planes.u) * chroma, out=planes.u)
        np.add(planes.v, noise.like(planes.v) * chroma, out=planes.v)
        deviation = _deviation(how).take(planes.luma.astype(np.uint8))
        np.add(planes.luma, noise.like(planes.luma) * deviation, out=planes.luma)
    return _bytes(planes.luma), _bytes(planes.u), _bytes(planes.v)


def _deviation(how: Development) -> Floats:
    """Standard deviation of luma by code, 256 entries; none where the sensor is full."""
    codes = np.arange(256, dtype=np.float32) / 255
    slope = 255 / np.maximum(2.2 * codes**1.2, 0.08)  # of the curve, codes per light
    photons = PHOTON_NOISE * how.noise * how.gain**0.5
    deviation: Floats = np.hypot(photons, (READ_NOISE * how.noise * how.gain) * slope, dtype=np.float32)
    deviation[FULL_CODE:] = 0
    return deviation


def _bytes(codes: Floats) -> Bytes:
    codes += np.float32(0.5)
    return np.clip(codes, 0, 255, out=codes).astype(np.uint8)
