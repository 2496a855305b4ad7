"""The stone's shape, and how it lies."""

from __future__ import annotations

import numpy as np
import pytest

from scanner.hardware.sim.scene import SUNK, Scene, Shape, norm


def directions(count: int = 500) -> np.ndarray:
    vectors = np.random.default_rng(3).standard_normal((3, count)).astype(np.float32)
    return vectors / norm(vectors)


@pytest.mark.parametrize("seed", [7, 1, 99])
def test_the_surface_is_where_the_excess_is_nothing(seed: int) -> None:
    shape = Shape.seeded(seed)
    unit = directions()
    surface = unit * shape.radius(unit)
    assert shape.excess(surface) == pytest.approx(0.0, abs=1e-5)
    assert (shape.excess(surface * 1.1) > 0).all()
    assert (shape.excess(surface * 0.9) < 0).all()
    assert shape.radius(unit).max() <= shape.reach


def test_the_gradient_is_that_of_the_excess() -> None:
    shape, points, step = Shape.seeded(7), directions() * np.float32(1.2), np.float32(1e-2)
    excess, gradient = shape.slope(points)
    assert excess == pytest.approx(shape.excess(points), abs=1e-5)
    for axis in range(3):
        shift = np.zeros((3, 1), np.float32)
        shift[axis] = step
        measured = (shape.excess(points + shift) - shape.excess(points - shift)) / (2 * step)
        assert gradient[axis] == pytest.approx(measured, abs=2e-2)


def test_another_seed_is_another_stone() -> None:
    unit = directions()
    assert np.abs(Shape.seeded(7).radius(unit) - Shape.seeded(8).radius(unit)).max() > 0.05
    assert np.array_equal(Shape.seeded(8).radius(unit), Shape.seeded(8).radius(unit))


@pytest.mark.parametrize("flip", [(0.0, 0.0, 0.0), (180.0, 0.0, 0.0), (90.0, 0.0, 0.0), (0.0, 90.0, 45.0)])
def test_however_it_lies_it_touches_the_plate(scene: Scene, flip: tuple[float, float, float]) -> None:
    laid = scene.lay(flip)
    unit = directions(4000)
    surface = unit * scene.shape.radius(unit) * scene.semi_axes[:, None]
    heights = laid.turn[2] @ surface + laid.centre[2]
    assert heights.min() == pytest.approx(-SUNK, abs=0.3)
    assert laid.turn @ laid.turn.T == pytest.approx(np.eye(3), abs=1e-6)
    assert np.linalg.det(laid.turn) == pytest.approx(1.0, abs=1e-6)


def test_the_stone_shadows_the_plate_around_its_foot(scene: Scene) -> None:
    laid = scene.lay((0.0, 0.0, 0.0))
    shaded = laid.plate.levels[0].astype(float)
    side = len(shaded)
    middle = slice(side * 2 // 5, side * 3 // 5)
    ratio = (shaded / np.maximum(np.sqrt(scene.greys) * 255, 1)) ** 2
    assert ratio[middle, middle].mean() < 0.6
    assert ratio[side // 2, side // 20] > 0.9


def test_laying_it_again_costs_nothing(scene: Scene) -> None:
    assert scene.lay((0.0, 0.0, 0.0)) is scene.lay((0.0, 0.0, 0.0))
