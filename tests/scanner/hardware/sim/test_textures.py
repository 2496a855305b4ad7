"""Noise, folding, colours, pyramids."""

from __future__ import annotations

import typing

import cv2
import numpy as np
import pytest

from scanner.hardware.sim.textures import (
    MARKERS,
    Pyramid,
    Stone,
    body_colours,
    fetch_colour,
    fetch_grey,
    fold,
    interpolation,
    noise,
    plate_greys,
)


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_noise_is_seeded_and_normalised() -> None:
    field = noise(rng(), 128, (4, 32))
    assert field.dtype == np.float32
    assert field.mean() == pytest.approx(0.0, abs=1e-4)
    assert field.std() == pytest.approx(1.0, abs=1e-4)
    assert np.array_equal(field, noise(rng(), 128, (4, 32)))
    assert not np.array_equal(field, noise(rng(2), 128, (4, 32)))


def test_noise_is_smooth() -> None:
    field = noise(rng(), 128, (4, 4))
    assert np.abs(np.diff(field)).max() < 0.25


def test_interpolation_meets_the_values_and_their_middles() -> None:
    matrix = interpolation(np.array([0.0, 0.5, 1.25], np.float32), 3)
    assert matrix @ np.array([0.0, 10.0, 20.0]) == pytest.approx([0.0, 5.0, 12.5])


def test_folded_edges_meet_themselves_mirrored() -> None:
    field = fold(noise(rng(), 256, (8, 64)))
    for edge in (field[0], field[-1], field[:, 0], field[:, -1]):
        assert np.abs(edge - edge[::-1]).max() < 0.25 * np.abs(noise(rng(), 256, (8, 64))[0]).max()


@pytest.mark.parametrize("stone", typing.get_args(Stone))
def test_every_stone_is_colourful_and_reflects_less_than_it_receives(stone: Stone) -> None:
    colours = body_colours(rng(), 256, stone)
    assert colours.shape == (256, 256, 3)
    assert colours.min() >= np.float32(0.02)
    assert colours.max() <= 0.95
    assert colours.std(axis=(0, 1)).min() > 0.02


def test_the_plate_carries_eight_real_markers_in_their_places() -> None:
    picture = np.rint(plate_greys(rng(), 1024)[::-1] * 255).astype(np.uint8)  # row 0 of the texture is at the bottom
    detector = cv2.aruco.ArucoDetector(cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50))
    corners, ids, _ = detector.detectMarkers(picture)
    assert sorted(ids.ravel()) == list(range(len(MARKERS)))
    for quad, name in zip(corners, ids.ravel(), strict=True):
        x, y = (quad[0].mean(axis=0) - 511.5) / 1024 * 170
        assert np.hypot(x, y) == pytest.approx(68.0, abs=0.2)
        assert np.degrees(np.arctan2(-y, x)) % 360 == pytest.approx(45 * name % 360, abs=0.2)
        assert np.linalg.norm(quad[0][0] - quad[0][1]) / 1024 * 170 == pytest.approx(12.0, abs=0.3)


def test_a_pyramid_halves_down_to_its_smallest_level() -> None:
    pyramid = Pyramid.of(np.full((256, 256), 0.25, np.float32))
    assert [len(level) for level in pyramid.levels] == [256, 128, 64, 32]
    assert all((level == 128).all() for level in pyramid.levels)
    assert [len(pyramid.level(pixel)) for pixel in (0.0, 1 / 256, 1 / 128, 1 / 64, 1.0)] == [256, 256, 128, 64, 32]


def test_fetching_brings_back_what_was_put_in() -> None:
    grey = rng().random((64, 64), dtype=np.float32)
    place = (np.arange(64, dtype=np.float32) + np.float32(0.5)) / 64
    u, v = (each.ravel() for each in np.meshgrid(place, place))
    assert fetch_grey(Pyramid.of(grey).levels[0], u, v).reshape(64, 64) == pytest.approx(grey, abs=0.01)
    colour = rng().random((64, 64, 3), dtype=np.float32)
    fetched = fetch_colour(Pyramid.of(colour).levels[0], u, v).reshape(3, 64, 64)
    assert np.moveaxis(fetched, 0, 2) == pytest.approx(colour, abs=0.03)


def test_fetching_interpolates() -> None:
    step = np.zeros((64, 64, 3), np.float32)
    step[:, 32:] = 1.0
    between = np.array([0.5], np.float32)
    assert fetch_colour(Pyramid.of(step).levels[0], between, between)[:, 0] == pytest.approx(0.25, abs=0.02)
    assert fetch_grey(Pyramid.of(step[..., 0]).levels[0], between, between)[0] == pytest.approx(0.25, abs=0.01)


def test_fetching_beyond_the_edge_brings_the_edge() -> None:
    grey = np.full((64, 64), 0.36, np.float32)
    outside = np.array([-0.1, 1.1], np.float32)
    assert fetch_grey(Pyramid.of(grey).levels[0], outside, outside) == pytest.approx(0.36, abs=0.01)
