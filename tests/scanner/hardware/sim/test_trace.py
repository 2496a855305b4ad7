"""Rays against the stone, compared with a slow and sure way."""

from __future__ import annotations

import numpy as np
import pytest

from scanner.hardware.sim.lens import Stand
from scanner.hardware.sim.scene import Scene
from scanner.hardware.sim.trace import Tracer
from tests.scanner.hardware.sim.looking import lens, view


@pytest.mark.parametrize(("azimuth", "elevation"), [(0, 10), (100, 45), (250, 80)])
def test_rays_meet_the_stone_where_marching_in_small_steps_does(scene: Scene, azimuth: float, elevation: float) -> None:
    optics, where = lens(64, 48), view(azimuth, elevation)
    tracer = Tracer(scene, scene.lay(where.flip), Stand.of(where), optics)
    columns, rows = (each.ravel().astype(np.float32) for each in np.meshgrid(np.arange(64), np.arange(48)))
    directions = tracer.directions(columns, rows)
    hits = tracer.trace(directions)
    first = np.full(len(columns), np.inf)
    for depth in np.arange(340, 180, -0.25, dtype=np.float32):
        inside = scene.shape.excess(tracer.points(directions, np.full(len(columns), depth))) < 0
        first[inside] = depth
    surely = np.isfinite(first) & (hits.missed_by == 0)
    assert surely.sum() > 300
    assert (np.isfinite(first) != hits.hit).mean() < 0.005  # grazing rays may go either way
    off = np.abs(hits.depth[surely] - first[surely])
    assert np.quantile(off, 0.99) < 0.35
    assert off.max() < 2.0  # where the ray grazes, nearly along the surface


def test_a_near_miss_is_measured(scene: Scene) -> None:
    optics, where = lens(320, 240), view()
    tracer = Tracer(scene, scene.lay(where.flip), Stand.of(where), optics)
    columns = np.arange(0, 320, dtype=np.float32)
    hits = tracer.trace(tracer.directions(columns, np.full(320, 110, np.float32)))
    edge = int(np.flatnonzero(hits.hit)[0])
    just_outside = hits.missed_by[edge - 3 : edge]
    assert (np.diff(just_outside) < 0).all()  # nearer and nearer
    assert 0 < just_outside[-1] < 0.05
    assert np.isinf(hits.missed_by[0])  # nowhere near
