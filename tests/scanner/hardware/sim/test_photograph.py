"""Whole pictures: movement, depth of field, speed."""

from __future__ import annotations

import time

import numpy as np
import pytest

from scanner.hardware.sim.defocus import STEPS, Defocus, spread
from scanner.hardware.sim.metering import FASTEST_US, MOST_GAIN, SLOWEST_US, Metering
from scanner.hardware.sim.scene import Scene
from scanner.quality import measure, tenengrad
from tests.scanner.hardware.sim.looking import development, lens, take, view

BUDGET = {(640, 480): 0.014, (1280, 720): 0.044}  # seconds of one core, as measured on the machine of the prototype
GENEROUS = 6  # how much slower a busy machine may be


def test_the_same_shot_gives_the_same_picture(scene: Scene) -> None:
    how = development(noise=1.0)
    assert take(scene, view(), how=how) == take(scene, view(), how=how)
    assert take(scene, view(), how=how) != take(scene, view(), how=how, seed=2)


def test_movement_blurs(scene: Scene) -> None:
    optics = lens(640, 480)
    still = measure(take(scene, view(10.0), optics)).sharpness
    moved = measure(take(scene, [view(10.0 + part * 0.15) for part in range(9)], optics)).sharpness
    assert moved < 0.8 * still


def test_a_picture_out_of_focus_is_blurred_where_it_is_out_of_focus(scene: Scene) -> None:
    optics = lens(640, 480, f_number=1.8)
    near, far = (take(scene, view(), optics, focus=1000 / depth).luma.astype(float) for depth in (230, 340))
    front, rear = np.s_[430:475, 160:480], np.s_[250:310, 90:180]  # of the plate
    assert tenengrad(near[front]) > 1.5 * tenengrad(far[front])
    assert tenengrad(far[rear]) > 1.1 * tenengrad(near[rear])


def test_noise_does_not_pass_for_sharpness(scene: Scene) -> None:
    optics = lens(640, 480, f_number=5.6)
    sharp = measure(take(scene, view(), optics)).sharpness
    defocused = measure(take(scene, view(), optics, focus=10.0)).sharpness
    noisy = measure(take(scene, view(), optics, development(noise=4.0), focus=10.0)).sharpness
    assert defocused < 0.35 * sharp
    assert noisy < 0.6 * sharp


def test_a_stopped_down_lens_needs_no_depth_of_field() -> None:
    assert Defocus.of(lens(640), 1000 / 245, view()).margin == 0
    assert Defocus.of(lens(4608), 1000 / 245, view()).margin > 0
    assert Defocus.of(lens(640, f_number=1.8), 14.0, view()).margin > 0


def test_the_background_has_nothing_to_blur() -> None:
    defocus = Defocus(factor=10.0, focus=4.0, margin=10)
    radius = defocus.radius(np.array([[250.0, 200.0, np.inf]], np.float32))
    assert radius[0] == pytest.approx([0.0, 10.0, 0.0], abs=1e-5)


@pytest.mark.parametrize("radius", STEPS[1:])
def test_a_point_spreads_into_a_disc_of_its_radius(radius: float) -> None:
    codes = np.zeros((201, 201), np.float32)
    codes[100, 100] = 1000.0
    result = spread(codes, np.full(codes.shape, radius, np.float32))
    place = np.arange(201) - 100
    for axis in (0, 1):
        profile = result.sum(axis=axis)
        assert profile.sum() == pytest.approx(1000.0, rel=1e-3)
        assert 2 * np.sqrt((profile * place**2).sum() / profile.sum()) == pytest.approx(radius, rel=0.02)


def test_spreading_interpolates_between_radii_and_leaves_the_sharp_alone() -> None:
    codes = np.random.default_rng(1).uniform(0, 255, (64, 64)).astype(np.float32)
    assert spread(codes, np.zeros((64, 64), np.float32)) is codes
    deviations = [spread(codes, np.full((64, 64), radius, np.float32)).std() for radius in (0.8, 1.2, 1.9, 3.0, 6.0)]
    assert deviations == sorted(deviations, reverse=True)
    half = np.zeros((64, 64), np.float32)
    half[:, 32:] = 4.0
    assert np.array_equal(spread(codes, half)[:, :32], codes[:, :32])


def test_metering_finds_what_is_in_the_middle(scene: Scene) -> None:
    metering = Metering.look(scene, view(), lens())
    assert 225 < metering.depth < 255
    assert 0.2 < metering.light < 1.0
    shutter, gain = metering.exposure(1.0, 16.0)
    assert FASTEST_US < shutter < SLOWEST_US
    assert gain == 1.0


def test_metering_without_an_object_focuses_on_the_target(scene: Scene) -> None:
    above = view()
    object.__setattr__(above, "target_height", 900.0)
    assert Metering.look(scene, above, lens()).depth == 280.0


def test_metering_goes_to_its_limits() -> None:
    metering = Metering(light=0.5, depth=250.0)
    assert metering.exposure(0.0, 16.0) == (SLOWEST_US, MOST_GAIN)
    assert metering.exposure(1e4, 16.0) == (FASTEST_US, 1.0)
    shutter, gain = metering.exposure(0.1, 16.0)
    assert shutter == SLOWEST_US
    assert 1.0 < gain < MOST_GAIN


@pytest.mark.parametrize("size", BUDGET)
def test_pictures_are_rendered_in_time(scene: Scene, size: tuple[int, int], figures) -> None:
    optics = lens(*size)
    take(scene, view(), optics, development(noise=1.0))
    taken = []
    for number in range(5):
        begin = time.thread_time()
        take(scene, view(number), optics, development(noise=1.0))
        taken.append(time.thread_time() - begin)
    figures(f"{size[0]} x {size[1]}: {min(taken) * 1000:.1f} ms of one core")
    assert min(taken) < GENEROUS * BUDGET[size]
