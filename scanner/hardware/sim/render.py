"""The picture of one view in linear light: background, plate, stone, painted in bands of rows.

Only every few pixels is a ray traced (the grid). Between traced points of one smooth stretch of the stone everything is
interpolated; the pixels along its outline are traced one by one and blended by how much of them the stone covers.
Linear light of 1 is white paper under one default light at full level.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scanner.hardware.sim.lens import Lens, Stand, View
from scanner.hardware.sim.scene import Scene, norm
from scanner.hardware.sim.textures import PLATE_RADIUS, Bytes, Floats, fetch_colour, fetch_grey
from scanner.hardware.sim.trace import Tracer

LIGHT = (0.45, -0.35, 0.82)  # where the light comes from, in the rig's frame: it does not turn with the plate
LIT, SHADED = 0.72, 0.40  # share of the light from there and from all around
CLOTH, CLOTH_RISE = 0.012, 0.010  # the background's reflectance at the top, and how much brighter it is at the bottom
CLOTH_TINT = (0.90, 0.95, 1.10)
PLATE_TINT = (0.95, 1.00, 1.05)
COARSE, FINE = 4, 8  # pixels between traced points; their distance on the stone is below what its curvature could show
FINE_PIXEL = 0.15  # mm on the axis: smaller pixels use FINE
JUMP = 3.0  # mm of depth per mm of width between neighbours: more is an edge of the stone before itself
LEVEL = -1e-4  # drop per mm of depth: rays that fall less do not meet the plate
HORIZON = 1e6  # mm: where they are said to do so
FLATTEST = 0.05  # sine of the elevation: below, the plate is drawn as if seen from there
MOST_LOOKS = 3  # at the plate's texture for one pixel
TOUCH = 1.5  # pixels: a traced point that passes the stone so closely may have its outline in its cells
STAND_OFF = 9.0  # mm before the nearest known point at which tracing the outline begins


@dataclass(frozen=True, slots=True)
class Grid:
    """The traced points. ``values`` is channels x rows x columns: scaled position x, y, z, shade, depth; 0 where
    nothing was hit.

    ``left``, ``top`` is the pixel of the first point, ``cell`` the pixels between points; ``smooth`` and ``edge`` say
    for each cell whether it is all stone, or partly.
    """

    left: int
    top: int
    cell: int
    values: Floats
    smooth: NDArray[np.bool_]
    edge: NDArray[np.bool_]

    @property
    def bottom(self) -> int:
        """Of the last row of pixels, exclusive."""
        return self.top + len(self.smooth) * self.cell

    @property
    def width(self) -> int:
        """Pixels from the first point to the last."""
        return len(self.smooth[0]) * self.cell


@dataclass(frozen=True, slots=True)
class Outline:
    """The pixels along the stone's edges, by row: their places, how much stone covers them (0 to 1), its light (3 x n),
    its depth.
    """

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    cover: Floats
    light: Floats
    depth: Floats


class Picture:
    """One view, ready to be painted."""

    def __init__(self, scene: Scene, view: View, lens: Lens) -> None:
        self.lens = lens
        self._scene = scene
        self._laid = scene.lay(view.flip)
        self._stand = Stand.of(view)
        self._tracer = Tracer(scene, self._laid, self._stand, lens)
        self._light = self._light_in_plate_frame(view.azimuth)
        pixel = view.distance / lens.focal  # mm on the axis
        self._pixel = pixel
        self._body_level = scene.body.level(pixel / (math.sqrt(4 * math.pi) * float(scene.semi_axes.mean()) * 1.15))
        forward = self._stand.rotation[2]
        self._backwards = forward[:2] / max(float(np.linalg.norm(forward[:2])) * abs(float(forward[2])), FLATTEST)
        self._looks, self._plate_level = self._plate_detail()
        self._grid = self._trace_grid()
        self._outline = self._trace_outline()

    def paint(self, top: int, bottom: int) -> tuple[Floats, Floats]:
        """Rows ``top`` to ``bottom``: light (3 x rows x width), and depth (rows x width, mm; that of the background is
        infinite).
        """
        width = self.lens.width
        light = np.empty((3, bottom - top, width), np.float32)
        depth = np.full((bottom - top, width), np.inf, np.float32)
        self._paint_cloth(light, top)
        stone = self._paint_stone(light, depth, top)
        self._paint_plate(light, depth, top, stone)
        self._paint_outline(light, depth, top)
        return light, depth

    # -- preparation

    def _light_in_plate_frame(self, azimuth: float) -> Floats:
        turn = math.radians(azimuth)
        x, y, z = np.array(LIGHT) / np.linalg.norm(LIGHT)
        turned = (x * math.cos(turn) + y * math.sin(turn), y * math.cos(turn) - x * math.sin(turn), z)
        return np.array(turned, np.float32)

    def _plate_detail(self) -> tuple[int, Bytes]:
        """How often the plate's texture is looked at for each pixel, one behind the other, and how finely.

        Seen flatly, a pixel covers a long piece of the plate. A few looks at a finer level keep what one look at a
        coarse one would wash out.
        """
        finest = 2 * PLATE_RADIUS / len(self._laid.plate.levels[0])
        length = self._pixel * float(np.linalg.norm(self._backwards))
        looks = min(max(round(length / (1.5 * max(self._pixel, finest))), 1), MOST_LOOKS)
        across = math.sqrt(self._pixel * max(length / looks, self._pixel))
        return looks, self._laid.plate.level(across / (2 * PLATE_RADIUS))

    def _trace_grid(self) -> Grid:
        cell = COARSE if self._pixel > FINE_PIXEL else FINE
        left, top, right, bottom = self._stone_box()
        columns = np.arange(left, right + cell, cell, dtype=np.float32)
        rows = np.arange(top, bottom + cell, cell, dtype=np.float32)
        shape = len(rows), len(columns)
        at = np.meshgrid(columns, rows)
        directions = self._tracer.directions(at[0].ravel(), at[1].ravel())
        hits = self._tracer.trace(directions)
        values, above = np.zeros((5, len(hits.hit)), np.float32), np.zeros(len(hits.hit), bool)
        visible = np.flatnonzero(hits.hit)
        values[:, visible] = self._surface(directions[:, visible], hits.depth[visible])
        above[visible] = self._height(values[:3, visible]) > 0
        touched = hits.missed_by < TOUCH * self._pixel / float(self._scene.semi_axes.mean())
        depth = values[4].reshape(shape)
        corners = _cells(above.reshape(shape))
        steep = np.ptp(_cells(depth), axis=0) > JUMP * cell * self._pixel
        smooth = corners.all(axis=0) & ~steep
        edge = ~smooth & _cells(touched.reshape(shape)).any(axis=0)
        return Grid(left, top, cell, values.reshape(5, *shape), smooth, edge)

    def _stone_box(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom pixel of the ball around the stone, where it is in the picture; even, not empty."""
        lens, reach = self.lens, self._scene.shape.reach * float(self._scene.semi_axes.max())
        x, y, z = (float(part) for part in self._stand.rotation @ (self._laid.centre - self._stand.centre))
        half = lens.focal * reach / math.sqrt(max(z * z - reach * reach, 1.0)) * (1 + abs(lens.k1))
        across, down = lens.width / 2 + lens.focal * x / z, lens.height / 2 + lens.focal * y / z
        left, right = (min(max(round(across + side), 0), lens.width) // 2 * 2 for side in (-half, half))
        top, bottom = (min(max(round(down + side), 0), lens.height) // 2 * 2 for side in (-half, half))
        return left, top, max(right, left + 2), max(bottom, top + 2)

    def _surface(self, directions: Floats, depth: Floats) -> Floats:
        """Scaled position, shade and depth where rays (3 x n) are at ``depth`` (n): 5 x n."""
        points = self._tracer.points(directions, depth)
        gradient = self._scene.shape.slope(points)[1] / self._scene.semi_axes[:, None]
        normal = self._laid.turn @ (gradient / norm(gradient))  # in the plate's frame
        near_plate = np.clip(np.float32(0.45) + self._height(points) / 36, 0, 1)
        around = np.float32(SHADED) * near_plate * (np.float32(0.8) + np.float32(0.2) * normal[2])
        shade = around + np.float32(LIT) * np.maximum(self._light @ normal, 0)
        return np.stack([*points, shade, depth])

    def _height(self, points: Floats) -> Floats:
        """Height above the plate of scaled points (3 x n), mm."""
        a, b, c = self._laid.turn[2] * self._scene.semi_axes
        height: Floats = points[0] * a + points[1] * b + points[2] * c + self._laid.centre[2]
        return height

    def _trace_outline(self) -> Outline:
        grid = self._grid
        cell_row, cell_column = np.nonzero(grid.edge)
        inside = np.arange(grid.cell)
        rows = (grid.top + cell_row * grid.cell)[:, None, None] + inside[:, None]
        columns = (grid.left + cell_column * grid.cell)[:, None, None] + inside
        rows, columns = (each.ravel() for each in np.broadcast_arrays(rows, columns))
        near = _cells(np.where(grid.values[4] > 0, grid.values[4], np.inf)).min(axis=0)
        start = np.repeat(near[cell_row, cell_column], grid.cell**2)
        kept = np.flatnonzero((rows < self.lens.height) & (columns < self.lens.width))
        order = kept[np.argsort(rows[kept], kind="stable")]
        rows, columns, start = rows[order], columns[order], start[order]
        directions = self._tracer.directions(columns.astype(np.float32), rows.astype(np.float32))
        first = self._stand_off(start)
        hits = self._tracer.trace(directions, first)
        surface = self._surface(directions, hits.depth)
        pixel = hits.depth / np.float32(self.lens.focal * float(self._scene.semi_axes.mean()))
        cover = np.where(self._height(surface) > 0, np.clip(1 - hits.missed_by / pixel, 0, 1), 0).astype(np.float32)
        seen = np.flatnonzero(cover > 0)
        light = self._stone_light(surface[:4, seen])
        return Outline(rows[seen], columns[seen], cover[seen], light, hits.depth[seen])

    def _stand_off(self, near: Floats) -> Floats:
        """Depths at which to begin tracing: before the nearest traced neighbour, or before the whole stone where there
        is none.
        """
        reach = self._scene.shape.reach * float(self._scene.semi_axes.max())
        z = float(self._stand.rotation[2] @ (self._laid.centre - self._stand.centre))
        start: Floats = np.where(np.isfinite(near), near - STAND_OFF, z - reach).astype(np.float32)
        return start

    # -- painting

    def _paint_cloth(self, light: Floats, top: int) -> None:
        rows = np.arange(top, top + light.shape[1], dtype=np.float32) / self.lens.height
        cloth = CLOTH + np.float32(CLOTH_RISE) * rows
        for channel, tint in enumerate(CLOTH_TINT):
            light[channel] = (cloth * np.float32(tint))[:, None]

    def _paint_stone(self, light: Floats, depth: Floats, top: int) -> NDArray[np.bool_] | None:
        """The smooth stretches of the stone. Returns which pixels of the band they cover; None: no stone here."""
        grid, count, width = self._grid, light.shape[1], light.shape[2]
        first, last = max(top, grid.top), min(top + count, grid.bottom)
        if first >= last:
            return None
        row, part = np.divmod(np.arange(first - grid.top, last - grid.top), grid.cell)
        wide = min(grid.width, width - grid.left)
        covered = np.repeat(grid.smooth[row], grid.cell, axis=1)[:, :wide]
        stone = np.zeros((count, width), bool)
        stone[first - top : last - top, grid.left : grid.left + wide] = covered
        at = np.flatnonzero(covered)
        if len(at):
            surface = self._between(row, part)[:, :, :wide].reshape(5, -1).take(at, axis=1)
            places = np.flatnonzero(stone)
            light.reshape(3, -1)[:, places] = self._stone_light(surface[:4])
            depth.reshape(-1)[places] = surface[4]
        return stone

    def _between(self, row: NDArray[np.intp], part: NDArray[np.intp]) -> Floats:
        """The grid's values for whole rows of pixels, ``part`` pixels below grid row ``row``: 5 x rows x width of the
        grid.
        """
        grid = self._grid
        weight = (part / grid.cell).astype(np.float32)[:, None]
        left = grid.values[:, row]
        left += (grid.values[:, row + 1] - left) * weight
        step = (left[:, :, 1:] - left[:, :, :-1]) * np.float32(1 / grid.cell)
        between = np.empty((5, len(row), grid.width), np.float32)
        for place in range(grid.cell):
            np.add(left[:, :, :-1], step * np.float32(place), out=between[:, :, place :: grid.cell])
        return between

    def _stone_light(self, surface: Floats) -> Floats:
        """Light of points given as scaled position and shade (4 x n): 3 x n.

        The texture lies on the octahedral map of direction.
        """
        x, y, z, shade = surface
        span = 1 / (np.abs(x) + np.abs(y) + np.abs(z))
        u, v = x * span, y * span
        under = np.flatnonzero(z < 0)
        if len(under):
            low_u, low_v = u[under], v[under]
            u[under] = (1 - np.abs(low_v)) * np.sign(low_u)
            v[under] = (1 - np.abs(low_u)) * np.sign(low_v)
        half = np.float32(0.5)
        light = fetch_colour(self._body_level, u * half + half, v * half + half)
        light *= shade
        return light

    def _paint_plate(self, light: Floats, depth: Floats, top: int, stone: NDArray[np.bool_] | None) -> None:
        count, width = light.shape[1:]
        rows = np.arange(top, top + count, dtype=np.float32)[:, None]
        x, y = self.lens.rays(np.arange(width, dtype=np.float32)[None], rows)
        right, down, forward = self._stand.rotation
        drop = y * down[2] + forward[2]  # right is level: x does not change it
        t = np.where(drop < LEVEL, -self._stand.centre[2] / np.minimum(drop, LEVEL), np.float32(HORIZON))
        over_x = t * (x * right[0]) + (t * (y * down[0] + forward[0]) + self._stand.centre[0])
        over_y = t * (x * right[1]) + (t * (y * down[1] + forward[1]) + self._stand.centre[1])
        square = over_x * over_x + over_y * over_y
        on = square < (PLATE_RADIUS + 1) ** 2
        if stone is not None:
            on &= ~stone
        at = np.flatnonzero(on)
        if not len(at):
            return
        plate_x, plate_y = over_x.ravel()[at], over_y.ravel()[at]
        far = np.broadcast_to(t, on.shape).ravel()[at] if t.shape != on.shape else t.ravel()[at]
        grey = self._plate_grey(plate_x, plate_y, far)
        cover = self._rim_cover(plate_x, plate_y, far, square.ravel()[at])
        flat = light.reshape(3, -1)
        for channel, tint in enumerate(PLATE_TINT):
            cloth = flat[channel, at[0]]
            flat[channel, at] = cloth + (grey * np.float32(tint) - cloth) * cover
        depth.reshape(-1)[at] = far

    def _plate_grey(self, x: Floats, y: Floats, depth: Floats) -> Floats:
        """Light of points of the plate (mm) that are seen at ``depth``."""
        scale, middle = np.float32(0.5 / PLATE_RADIUS), np.float32(0.5)
        pixel, (back_x, back_y) = depth * np.float32(1 / self.lens.focal), self._backwards
        grey = np.zeros(len(x), np.float32)
        for look in range(self._looks):
            aside = pixel * np.float32((look + 0.5) / self._looks - 0.5)
            u, v = (x + aside * back_x) * scale + middle, (y + aside * back_y) * scale + middle
            grey += fetch_grey(self._plate_level, u, v)
        grey *= np.float32((SHADED + LIT * float(self._light[2])) / self._looks)
        return grey

    def _rim_cover(self, x: Floats, y: Floats, depth: Floats, square: Floats) -> Floats:
        """How much of each pixel is plate: 1 but along its rim."""
        cover = np.ones(len(x), np.float32)
        near = np.flatnonzero(square > (PLATE_RADIUS - 6) ** 2)
        x, y, radius = x[near], y[near], np.sqrt(square[near])
        pixel = depth[near] / np.float32(self.lens.focal)
        right, (back_x, back_y) = self._stand.rotation[0], self._backwards
        across, along = (x * right[0] + y * right[1]) / radius, (x * back_x + y * back_y) / radius
        cover[near] = np.clip((PLATE_RADIUS - radius) / (pixel * np.hypot(across, along)) + 0.5, 0, 1)
        return cover

    def _paint_outline(self, light: Floats, depth: Floats, top: int) -> None:
        outline, count, width = self._outline, light.shape[1], light.shape[2]
        first, last = np.searchsorted(outline.rows, (top, top + count))
        if first == last:
            return
        part = slice(first, last)
        at = (outline.rows[part] - top) * width + outline.columns[part]
        flat, cover = light.reshape(3, -1), outline.cover[part]
        behind = flat[:, at]
        flat[:, at] = behind + (outline.light[:, part] - behind) * cover
        stone = at[cover >= np.float32(0.5)]
        depth.reshape(-1)[stone] = outline.depth[part][cover >= np.float32(0.5)]


def _cells(points: NDArray[np.generic]) -> NDArray[np.generic]:
    """The four corners of every cell of a grid of points: 4 x (rows - 1) x (columns - 1)."""
    return np.stack([points[:-1, :-1], points[:-1, 1:], points[1:, :-1], points[1:, 1:]])
