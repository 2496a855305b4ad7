"""Where the camera stands, and its rays."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from scanner.hardware.sim.lens import Stand
from tests.scanner.hardware.sim.looking import lens, view


@pytest.mark.parametrize(("azimuth", "elevation"), [(0, 0), (30, 20), (200, 60), (359, 5)])
def test_turning_the_plate_takes_the_camera_the_other_way_round(azimuth: float, elevation: float) -> None:
    stand = Stand.of(view(azimuth, elevation))
    a, e = math.radians(-azimuth), math.radians(elevation)
    place = [280 * math.cos(e) * math.cos(a), 280 * math.cos(e) * math.sin(a), 38 + 280 * math.sin(e)]
    assert stand.centre == pytest.approx(place, abs=1e-3)
    assert stand.rotation @ stand.rotation.T == pytest.approx(np.eye(3), abs=1e-5)
    assert np.linalg.det(stand.rotation) == pytest.approx(1.0, abs=1e-5)
    assert stand.rotation @ (np.array([0, 0, 38]) - stand.centre) == pytest.approx([0, 0, 280], abs=1e-3)
    assert stand.rotation[1] @ [0, 0, 1] < 0  # the picture's down points down


def test_the_focal_length_in_pixels() -> None:
    assert lens(640).focal == pytest.approx(793.65, abs=0.01)


def test_without_distortion_rays_are_straight() -> None:
    x, y = lens(640, 480).rays(np.array([[319.5, 640 - 0.5]], np.float32), np.array([[239.5]], np.float32))
    assert x[0] == pytest.approx([0.0, 320 / 793.65], abs=1e-5)
    assert y == pytest.approx(0.0)


@pytest.mark.parametrize("k1", [-0.2, 0.15])
def test_distortion_is_that_of_opencv(k1: float) -> None:
    optics = lens(640, 480, k1=k1)
    columns, rows = (
        each.ravel().astype(np.float32) for each in np.meshgrid(np.arange(0, 640, 53), np.arange(0, 480, 41))
    )
    x, y = optics.rays(columns, rows)
    matrix = np.array([[optics.focal, 0, 319.5], [0, optics.focal, 239.5], [0, 0, 1]])
    seen, _ = cv2.projectPoints(
        np.stack([x, y, np.ones_like(x)], 1).astype(float), np.zeros(3), np.zeros(3), matrix, np.array([k1, 0, 0, 0])
    )
    assert seen[:, 0] == pytest.approx(np.stack([columns, rows], 1), abs=0.02)
