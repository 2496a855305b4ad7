"""Pictures in linear light, compared with what geometry says."""

from __future__ import annotations

import math

import numpy as np
import pytest

from scanner.hardware.sim.lens import Stand
from scanner.hardware.sim.render import Picture
from scanner.hardware.sim.scene import Scene
from scanner.hardware.sim.textures import PLATE_RADIUS
from scanner.hardware.sim.trace import Tracer
from tests.scanner.hardware.sim.looking import lens, view


def paint(
    scene: Scene, *, width: int = 320, height: int = 240, k1: float = 0.0, **where: float
) -> tuple[np.ndarray, np.ndarray]:
    return Picture(scene, view(**where), lens(width, height, k1=k1)).paint(0, height)


@pytest.mark.parametrize("k1", [0.0, -0.15])
def test_bands_make_the_same_picture_as_one_piece(scene: Scene, k1: float) -> None:
    picture = Picture(scene, view(33.0, 20.0), lens(k1=k1))
    light, depth = picture.paint(0, 240)
    bands = [picture.paint(top, min(top + 34, 240)) for top in range(0, 240, 34)]
    assert np.abs(np.concatenate([band[0] for band in bands], axis=1) - light).max() < 0.01
    assert np.array_equal(np.concatenate([band[1] for band in bands]), depth)


def test_the_interpolated_stone_is_the_traced_stone(scene: Scene) -> None:
    optics, where = lens(640, 480), view(70.0, 30.0)
    _, depth = Picture(scene, where, optics).paint(0, 480)
    tracer = Tracer(scene, scene.lay(where.flip), Stand.of(where), optics)
    columns, rows = (each.ravel().astype(np.float32) for each in np.meshgrid(np.arange(640), np.arange(480)))
    hits = tracer.trace(tracer.directions(columns, rows))
    above = hits.hit & (depth.ravel() < hits.depth + 1)  # not below the plate
    off = np.abs(hits.depth[above] - depth.ravel()[above])
    assert above.sum() > 40_000
    assert np.quantile(off, 0.9) < 0.06
    assert np.quantile(off, 0.99) < 0.2


def test_the_plate_is_where_geometry_says(scene: Scene) -> None:
    light, depth = paint(scene, azimuth=0.0, elevation=20.0)
    stand, optics = Stand.of(view(0.0, 20.0)), lens()
    for azimuth in range(-80, 81, 20):  # on this side of the stone
        for radius, on in ((PLATE_RADIUS - 2, True), (PLATE_RADIUS + 2, False)):
            point = np.array([radius * math.cos(math.radians(azimuth)), radius * math.sin(math.radians(azimuth)), 0])
            x, y, z = stand.rotation @ (point - stand.centre)
            column, row = int(optics.focal * x / z + 160), int(optics.focal * y / z + 120)
            if row < 240:
                assert np.isfinite(depth[row, column]) == on, (azimuth, radius)
                assert (light[1, row, column] > 0.03) == on, (azimuth, radius)


def test_the_background_is_plain_and_dark(scene: Scene) -> None:
    light, depth = paint(scene)
    assert np.isinf(depth[0]).all()
    assert light[:, :20].max() < 0.03
    assert np.abs(np.diff(light[:, :20], axis=2)).max() == 0.0


def test_outlines_are_not_jagged(scene: Scene) -> None:
    """Along the outline there are pixels partly covered: about as many as the outline is long."""
    light, depth = paint(scene, azimuth=0.0, elevation=10.0)
    grey = light.mean(axis=0)
    part = 0
    for row in range(60, 110):
        stone = np.flatnonzero(np.isfinite(depth[row]))
        for column, step in ((stone[0], -1), (stone[-1], 1)):
            inner, edge, outer = grey[row, column - step], grey[row, column + step], grey[row, column + 3 * step]
            part += min(inner, outer) + 0.005 < edge < max(inner, outer) - 0.005
    assert part > 25


def test_the_picture_turns_with_the_plate(scene: Scene) -> None:
    before, after, again = (paint(scene, azimuth=azimuth)[0] for azimuth in (0.0, 2.0, 360.0))
    assert np.abs(after - before).mean() > 0.005
    assert np.abs(again - before).max() < 0.02


def test_turning_the_stone_over_shows_its_other_side(scene: Scene) -> None:
    upright = paint(scene, azimuth=0.0, elevation=60.0)[0]
    flipped = Picture(scene, view(0.0, 60.0, (180.0, 0.0, 0.0)), lens()).paint(0, 240)[0]
    middle = np.s_[:, 80:140, 130:190]
    assert np.abs(flipped[middle] - upright[middle]).mean() > 0.05


@pytest.mark.parametrize("elevation", [-5.0, 0.0, 0.5, 88.0])
def test_extreme_elevations_can_be_painted(scene: Scene, elevation: float) -> None:
    light, _ = paint(scene, elevation=elevation)
    assert np.isfinite(light).all()
    assert light.min() >= 0.0


def test_a_stone_out_of_the_picture_is_no_fault(scene: Scene) -> None:
    optics = lens(64, 64)
    far_above = view(0.0, 10.0)
    object.__setattr__(far_above, "target_height", 600.0)
    light, depth = Picture(scene, far_above, optics).paint(0, 64)
    assert np.isinf(depth).all()
    assert light.max() < 0.03


def test_large_and_small_pictures_show_the_same(scene: Scene) -> None:
    small = paint(scene, width=160, height=120)[0]
    large = paint(scene, width=1920, height=1440)[0]
    shrunk = large.reshape(3, 120, 12, 160, 12).mean(axis=(2, 4))
    assert np.abs(shrunk - small).mean() < 0.02
