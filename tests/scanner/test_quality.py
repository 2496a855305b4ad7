"""Measuring pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from scanner.quality import measure, stillness, tenengrad


@dataclass(frozen=True)
class Grey:
    """A picture without colour."""

    luma: np.ndarray

    @property
    def width(self) -> int:
        return self.luma.shape[1]

    @property
    def height(self) -> int:
        return self.luma.shape[0]

    @property
    def yuv(self) -> bytes:
        return self.luma.tobytes() + bytes([128]) * (self.luma.size // 2)


def texture(width: int = 640, height: int = 480, *, cell: int = 8, seed: int = 1) -> np.ndarray:
    """Squares of ``cell`` pixels, dark and bright."""
    chance = np.random.default_rng(seed).random((height // cell + 1, width // cell + 1))
    return np.kron(np.where(chance > 0.5, 180, 60), np.ones((cell, cell)))[:height, :width].astype(np.uint8)


def blurred(luma: np.ndarray, radius: int) -> np.ndarray:
    for axis in (0, 1):
        luma = np.mean([np.roll(luma, shift, axis) for shift in range(-radius, radius + 1)], axis=0)
    return np.rint(luma).astype(np.uint8)


def noisy(luma: np.ndarray, deviation: float) -> np.ndarray:
    noise = np.random.default_rng(2).normal(0, deviation, luma.shape)
    return np.clip(np.rint(luma + noise), 0, 255).astype(np.uint8)


def test_tenengrad_is_the_mean_squared_gradient() -> None:
    ramp = np.tile(np.arange(50) * 3.0, (40, 1))
    assert tenengrad(ramp) == pytest.approx(9.0)
    assert tenengrad(ramp.T) == pytest.approx(9.0)
    assert tenengrad(np.full((40, 50), 77)) == 0.0


@pytest.mark.parametrize("size", [(640, 480), (2304, 1296)])
def test_sharpness_falls_with_blur_and_not_with_noise(size: tuple[int, int]) -> None:
    picture = texture(*size, cell=size[0] // 80)
    reach = max(2, size[0] // 300)
    sharp = measure(Grey(picture)).sharpness
    assert measure(Grey(blurred(picture, reach))).sharpness < 0.6 * sharp
    assert measure(Grey(noisy(picture, 2.0))).sharpness == pytest.approx(sharp, rel=0.05)


def test_sharpness_is_that_of_the_middle() -> None:
    outside = texture()
    outside[100:400, 200:440] = 100
    inside = np.full((480, 640), 100, np.uint8)
    inside[100:400, 200:440] = texture()[100:400, 200:440]
    assert measure(Grey(outside)).sharpness == 0.0
    assert measure(Grey(inside)).sharpness > 100


def test_levels_are_shares_of_the_whole_picture() -> None:
    picture = np.full((480, 640), 100, np.uint8)
    picture[:48] = 255
    picture[48:96] = 250
    picture[96:120] = 5
    measured = measure(Grey(picture))
    assert measured.clipped == pytest.approx(0.2)
    assert measured.shadows == pytest.approx(0.05)
    assert measured.mean == pytest.approx((0.1 * 255 + 0.1 * 250 + 0.05 * 5 + 0.75 * 100) / 255, abs=1e-3)


@pytest.mark.parametrize("code", [249, 6])
def test_what_is_nearly_clipped_is_not(code: int) -> None:
    measured = measure(Grey(np.full((480, 640), code, np.uint8)))
    assert (measured.clipped, measured.shadows) == (0.0, 0.0)


@pytest.mark.parametrize("size", [(64, 64), (66, 70), (322, 242)])
def test_small_and_odd_boxes_can_be_measured(size: tuple[int, int]) -> None:
    assert measure(Grey(texture(*size))).sharpness > 0


def test_stillness_is_nothing_for_equal_pictures_and_noise_for_noisy_ones() -> None:
    picture = texture()
    assert stillness(Grey(picture), Grey(picture)) == 0.0
    other = np.clip(picture.astype(int) + 3, 0, 255).astype(np.uint8)
    assert stillness(Grey(picture), Grey(other)) == pytest.approx(3.0)
    noise = stillness(Grey(noisy(picture, 2.0)), Grey(picture))
    assert 0.5 < noise < 1.2


def test_stillness_notices_a_shift_of_one_pixel() -> None:
    picture = texture()
    assert stillness(Grey(picture), Grey(np.roll(picture, 1, axis=1))) > 4.0
