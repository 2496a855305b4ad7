"""Light to codes."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from scanner.hardware.sim.sensor import Development, Noise, Planes, develop, exposed, read_out
from tests.scanner.hardware.sim.looking import BANK, development


def flat(level: float, shape: tuple[int, int] = (64, 64)) -> np.ndarray:
    return np.full((3, *shape), level, np.float32)


def srgb(light: float) -> float:
    return 255 * (12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("light", [0.0, 0.001, 0.01, 0.18, 0.5, 1.0, 3.0])
def test_codes_follow_the_srgb_curve(light: float) -> None:
    planes = develop(flat(light), development())
    assert planes.luma == pytest.approx(srgb(min(light, 1.0)), abs=0.6)
    assert planes.u == pytest.approx(128, abs=0.1)
    assert planes.v == pytest.approx(128, abs=0.1)


def test_colours_are_those_of_jpeg() -> None:
    light = np.zeros((3, 2, 2), np.float32)
    light[:] = np.array([0.6, 0.1, 0.05], np.float32)[:, None, None]
    codes = tuple(round(srgb(channel)) for channel in (0.6, 0.1, 0.05))
    expected = Image.new("RGB", (1, 1), codes).convert("YCbCr").getpixel((0, 0))
    planes = develop(light, development())
    assert (planes.luma[0, 0], planes.u[0, 0], planes.v[0, 0]) == pytest.approx(expected, abs=1.0)


def test_white_balance_tints() -> None:
    warm = Development(scale=1.0, red=1.5, blue=0.7, noise=0.0, gain=1.0)
    planes = develop(flat(0.3), warm)
    assert planes.v.mean() > 135
    assert planes.u.mean() < 120


def test_exposure_is_shutter_times_gain_by_aperture() -> None:
    assert exposed(20_000, 1.0, 16.0) == 1.0
    assert exposed(10_000, 4.0, 16.0) == 2.0
    assert exposed(20_000, 1.0, 8.0) == 4.0


def noisy(light: float, how: Development, seed: int = 1) -> np.ndarray:
    planes = develop(flat(light, (256, 256)), how)
    return read_out(planes, how, Noise(BANK, (seed,)))[0].astype(float)


def test_noise_is_seeded() -> None:
    how = development(noise=1.0)
    assert np.array_equal(noisy(0.2, how), noisy(0.2, how))
    assert not np.array_equal(noisy(0.2, how), noisy(0.2, how, seed=2))


def test_noise_grows_with_gain_and_dies_where_the_sensor_is_full() -> None:
    deviation = {gain: noisy(0.2, development(noise=1.0, gain=gain)).std() for gain in (1.0, 4.0)}
    assert 0.8 < deviation[1.0] < 1.6
    assert deviation[4.0] == pytest.approx(2 * deviation[1.0], rel=0.1)
    assert noisy(5.0, development(noise=1.0, gain=4.0)).std() == 0.0
    assert noisy(0.2, development(noise=0.0)).std() == 0.0


def test_a_band_longer_than_the_bank_of_noise_goes_on_from_its_beginning() -> None:
    noise = Noise(BANK[:1000], (1,))
    deviates = noise.like(np.zeros((60, 50), np.float32))
    assert deviates.shape == (60, 50)
    assert np.array_equal(deviates.ravel()[:1000], deviates.ravel()[1000:2000])


def test_codes_are_rounded_and_kept_within_a_byte() -> None:
    codes = np.array([[-3.0, 0.4, 0.6, 300.0]], np.float32)
    planes = Planes(codes.copy(), codes.copy(), codes.copy())
    luma, _, _ = read_out(planes, development(), Noise(BANK, (1,)))
    assert luma.tolist() == [[0, 0, 1, 255]]
