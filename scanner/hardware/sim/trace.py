"""Rays against the stone: sphere tracing, then Newton's method, in the stone's scaled space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scanner.hardware.sim.lens import Lens, Stand
from scanner.hardware.sim.scene import Laid, Scene, norm
from scanner.hardware.sim.textures import Floats

CAUTION = 0.8  # of the distance to the surface by which a ray advances: the excess is not quite a distance
STEPS = 24  # of sphere tracing at most; most rays arrive after four
CLOSE = 0.02  # excess at which sphere tracing has arrived
WORTH_IT = 0.7  # of the rays still under way: below, the others are sorted out
POLISH = 3  # Newton steps: from there to float precision
STEEPEST = 0.12  # of the ray's length: the least slope that Newton divides by
ARRIVED = 2e-3  # excess of a hit; larger ones passed the stone closely


@dataclass(frozen=True, slots=True)
class Hits:
    """Where n rays meet the stone. ``depth`` is along the camera's axis, mm (of the nearest approach where there is no
    hit).

    ``missed_by`` is the least excess along the ray, 0 for hits.
    """

    hit: NDArray[np.bool_]
    depth: Floats
    missed_by: Floats


class Tracer:
    """The stone as one camera sees it."""

    def __init__(self, scene: Scene, laid: Laid, stand: Stand, lens: Lens) -> None:
        self._shape, self._lens = scene.shape, lens
        self._origin = ((stand.centre - laid.centre) @ laid.turn / scene.semi_axes).astype(np.float32)
        self._to_scaled = (stand.rotation @ laid.turn / scene.semi_axes).T.astype(np.float32)

    def directions(self, columns: Floats, rows: Floats) -> Floats:
        """Rays in scaled space, through the pixels ``columns``, ``rows`` (n each): 3 x n, 1 mm of depth long."""
        x, y = self._lens.rays(columns, rows)
        directions: Floats = self._to_scaled @ np.stack([x, y, np.ones_like(x)])
        return directions

    def points(self, directions: Floats, depth: Floats) -> Floats:
        """Where rays (3 x n) are at ``depth`` (n): 3 x n, scaled."""
        points: Floats = directions * depth
        points += self._origin[:, None]
        return points

    def trace(self, directions: Floats, start: Floats | None = None) -> Hits:
        """Follow rays (3 x n) from the ball around the stone, or from depths ``start`` (n) just before it."""
        square = norm(directions) ** 2
        along = self._origin @ directions
        inside = along * along - square * np.float32(self._origin @ self._origin - self._shape.reach**2)
        half = np.sqrt(np.maximum(inside, 0))
        depth = (-half - along) / square if start is None else start.copy()
        hits = Hits(np.zeros(len(depth), bool), depth, np.full(len(depth), np.inf, np.float32))
        self._advance(directions, np.flatnonzero(inside > 0), (half - along) / square, hits)
        self._polish(directions, hits)
        return hits

    def _advance(self, directions: Floats, live: NDArray[np.intp], last: Floats, hits: Hits) -> None:
        """Sphere tracing of the rays ``live`` until they arrive or leave the ball at depth ``last``; notes nearest
        approaches.
        """
        d, t, end = directions[:, live], hits.depth[live], last[live]
        stride = np.float32(CAUTION) / norm(d)
        best, best_t = np.full(len(live), np.inf, np.float32), t.copy()
        for _ in range(STEPS):
            excess = self._shape.excess(self.points(d, t))
            nearer = excess < best
            np.copyto(best, excess, where=nearer)
            np.copyto(best_t, t, where=nearer)
            t += excess * stride
            under_way = np.flatnonzero((excess > CLOSE) & (t < end))
            if len(under_way) < WORTH_IT * len(live):
                hits.missed_by[live], hits.depth[live] = best, best_t
                live, d, t, end = live[under_way], d[:, under_way], t[under_way], end[under_way]
                stride, best, best_t = stride[under_way], best[under_way], best_t[under_way]
            if not len(live):
                break
        hits.missed_by[live], hits.depth[live] = best, best_t
        hits.hit[:] = hits.missed_by <= CLOSE

    def _polish(self, directions: Floats, hits: Hits) -> None:
        """Newton's method on those that arrived; those that do not converge passed the stone closely."""
        at = np.flatnonzero(hits.hit)
        d, t = directions[:, at], hits.depth[at]
        flattest = -np.float32(STEEPEST) * norm(d)
        nearest = hits.missed_by[at]
        for _ in range(POLISH):
            excess, (x, y, z) = self._shape.slope(self.points(d, t))
            nearest = np.minimum(nearest, np.abs(excess))
            t = t - excess / np.minimum(x * d[0] + y * d[1] + z * d[2], flattest)
        excess = np.abs(self._shape.excess(self.points(d, t)))
        arrived = excess < ARRIVED
        hits.hit[at], hits.depth[at] = arrived, t
        hits.missed_by[at] = np.where(arrived, 0, np.minimum(nearest, excess))
