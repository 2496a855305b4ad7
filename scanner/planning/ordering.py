"""A short way through scattered viewpoints: nearest neighbour, then 2-opt among near ones.

Cost is the time the rig needs, so that elevation and azimuth count by what they cost this rig. The work is bounded by
counts, not by time: the same viewpoints on the same rig always give the same order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

from scanner.model import Viewpoint
from scanner.planning.motion import RigLimits, shot_move_time

NEIGHBOURS: Final = 10  # candidates for a better connection of each viewpoint
ROUNDS: Final = 8  # of 2-opt at most
LONGEST_REVERSAL: Final = 1000  # viewpoints turned round in one step
_LEAST_GAIN: Final = 1e-9  # seconds; less is rounding
_FURTHEST: Final = 4  # cells away where neighbours are looked for

Cost = Callable[[int, int], float]


class _Cells:
    """Viewpoints in cells of azimuth and elevation of about one viewpoint each."""

    def __init__(self, points: Sequence[Viewpoint]) -> None:
        elevations = [point.elevation for point in points]
        self._lowest = min(elevations)
        span = max(elevations) - self._lowest
        self._size = math.sqrt(360 * max(span, 1.0) / len(points))
        self._columns = max(1, int(360 / self._size))
        self._rows = int(span / self._size) + 1
        self._cells: dict[tuple[int, int], list[int]] = {}
        self._places = [self._place(point) for point in points]
        for index, place in enumerate(self._places):
            self._cells.setdefault(place, []).append(index)

    def _place(self, point: Viewpoint) -> tuple[int, int]:
        column = int(point.azimuth % 360 / 360 * self._columns) % self._columns
        return column, int((point.elevation - self._lowest) / self._size)

    def remove(self, index: int) -> None:
        """Take a viewpoint out."""
        self._cells[self._places[index]].remove(index)

    def near(self, index: int, reach: int) -> list[int]:
        """The viewpoints at most ``reach`` cells from a viewpoint's own, itself included."""
        column, row = self._places[index]
        columns = range(self._columns)
        if 2 * reach + 1 < self._columns:
            columns = range(column - reach, column + reach + 1)
        rows = range(max(0, row - reach), min(self._rows - 1, row + reach) + 1)
        places = ((c % self._columns, r) for r in rows for c in columns)
        return [found for place in places for found in self._cells.get(place, ())]


def shortest_order(points: Sequence[Viewpoint], limits: RigLimits) -> list[Viewpoint]:
    """``points`` in an order in which the rig moves little, beginning with the first of them."""
    if len(points) < 3:  # noqa: PLR2004 - with two there is nothing to choose
        return list(points)

    def cost(a: int, b: int) -> float:
        return shot_move_time(points[a], points[b], limits)

    route = _Route(_nearest_neighbour(points, cost), cost)
    near = _neighbours(points, cost)
    for _ in range(ROUNDS):
        if not route.improve(near):
            break
    return [points[index] for index in route.order]


def _nearest_neighbour(points: Sequence[Viewpoint], cost: Cost) -> list[int]:
    cells = _Cells(points)
    order = [0]
    cells.remove(0)
    while len(order) < len(points):
        here = order[-1]
        reach = 1
        while not (found := cells.near(here, reach)):
            reach *= 2
        following = min(found, key=lambda index: cost(here, index))
        order.append(following)
        cells.remove(following)
    return order


def _neighbours(points: Sequence[Viewpoint], cost: Cost) -> list[list[int]]:
    cells = _Cells(points)
    lists: list[list[int]] = []
    for index in range(len(points)):
        reach = 1
        found = cells.near(index, reach)
        while len(found) <= NEIGHBOURS and reach < _FURTHEST:
            reach += 1
            found = cells.near(index, reach)
        found.remove(index)
        lists.append(sorted(found, key=lambda other: cost(index, other))[:NEIGHBOURS])
    return lists


class _Route:
    """An order of viewpoints that 2-opt shortens: two connections are swapped by turning round what lies between."""

    def __init__(self, order: list[int], cost: Cost) -> None:
        self.order = order
        self._cost = cost
        self._at = [0] * len(order)
        for place, index in enumerate(order):
            self._at[index] = place

    def improve(self, near: Sequence[Sequence[int]]) -> bool:
        """One round over all viewpoints; whether anything became shorter."""
        better = [self._improve_from(index, near[index]) for index in range(len(self.order))]
        return any(better)

    def _improve_from(self, a: int, near: Sequence[int]) -> bool:
        place = self._at[a]
        if place + 1 >= len(self.order):
            return False
        b = self.order[place + 1]
        old = self._cost(a, b)
        for c in near:
            new = self._cost(a, c)
            if new >= old:
                return False
            first, last = sorted((place, self._at[c]))
            if last - first <= LONGEST_REVERSAL and self._gain(b, c, old - new) > _LEAST_GAIN:
                self._turn_round(first + 1, last)
                return True
        return False

    def _gain(self, b: int, c: int, saved: float) -> float:
        """What is won if a-b and c-d become a-c and b-d; c may be the end of the route."""
        following = self._at[c] + 1
        if following >= len(self.order):
            return saved
        d = self.order[following]
        return saved + self._cost(c, d) - self._cost(b, d)

    def _turn_round(self, first: int, last: int) -> None:
        self.order[first : last + 1] = self.order[first : last + 1][::-1]
        for place in range(first, last + 1):
            self._at[self.order[place]] = place
