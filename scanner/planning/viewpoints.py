"""Viewpoints of each kind of plan, their number, and the limits of the rig."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Final, assert_never

from scanner.decoding import Faults, Keys
from scanner.model import Viewpoint
from scanner.planning.listed import Asked, count_listed, read_listed
from scanner.planning.motion import RigLimits
from scanner.planning.ordering import shortest_order
from scanner.spec import Fibonacci, Grid, Listed, PlanSpec, Ring, Rings, Spiral

DEFAULT_COUNT: Final = 24
DEFAULT_ELEVATIONS: Final = (10.0, 30.0, 50.0)
_GOLDEN_ANGLE: Final = 180 * (3 - math.sqrt(5))
_ROUNDING: Final = 1e-9  # of steps, so that 360 / 0.1 gives 3600 of them and not one more
_ENDLESS: Final = 1e9  # steps nobody has
_SAME: Final = 1e-6  # degrees; viewpoints are rounded to it


def count_viewpoints(plan: PlanSpec, limits: RigLimits) -> int:
    """How many viewpoints a plan has, without making them."""
    match plan:
        case Rings():
            return sum(ring.count for ring in rings_of(plan, limits))
        case Fibonacci() | Spiral():
            return plan.count
        case Grid():
            return _columns(plan) * _rows(plan)
        case Listed():
            return count_listed(plan)
        case _:
            assert_never(plan)


def make_viewpoints(plan: PlanSpec, limits: RigLimits, found: Faults, keys: Keys) -> list[Viewpoint]:
    """The viewpoints of a plan in the order they are visited; what the rig cannot reach is added to ``found``.

    ``keys``: where the plan stands in the spec. Nothing is clamped: with faults the list is of no use.
    """
    before = found.count
    points = _place(_asked(plan, limits, found, keys), limits, found)
    if found.count == before and not points:
        found.add(keys, "has no viewpoints")
    if isinstance(plan, Fibonacci) and found.count == before:
        return shortest_order(points, limits)
    return points


def rings_of(plan: Rings, limits: RigLimits) -> tuple[Ring, ...]:
    """The rings asked for, else the default ones of this rig."""
    if plan.rings is not None:
        return plan.rings
    if limits.elevation is not None:
        return (Ring(count=DEFAULT_COUNT),)
    return tuple(Ring(count=DEFAULT_COUNT, elevation=elevation) for elevation in DEFAULT_ELEVATIONS)


def _asked(plan: PlanSpec, limits: RigLimits, found: Faults, keys: Keys) -> Iterator[Asked]:
    match plan:
        case Rings():
            return _rings(plan, limits, keys)
        case Listed():
            return read_listed(plan, found, keys)
        case Fibonacci():
            points = _fibonacci(plan)
        case Spiral():
            points = _spiral(plan)
        case Grid():
            points = _grid(plan)
        case _:
            assert_never(plan)
    place = (*keys, "elevation")
    if not _reaches(plan.elevation, limits, found, place):
        return iter(())
    return ((azimuth, elevation, keys, place) for azimuth, elevation in points)


def _reaches(span: tuple[float, float], limits: RigLimits, found: Faults, keys: Keys) -> bool:
    """Whether the rig reaches all elevations from the first to the second; adds to ``found`` why not."""
    if span[0] > span[1]:
        found.add(keys, "the lowest elevation comes first, then the highest")
        return False
    faults = [_elevation(elevation, limits)[1] for elevation in span]
    for index, message in enumerate(faults):
        if message:
            found.add((*keys, index), message)
    return not any(faults)


def _rings(plan: Rings, limits: RigLimits, keys: Keys) -> Iterator[Asked]:
    rings = rings_of(plan, limits)
    for index, ring in enumerate(rings):
        step = 360 / ring.count
        shift = step * index / len(rings) if plan.stagger else 0.0
        place = (*keys, "rings", index)
        for number in range(ring.count):
            yield number * step + shift, ring.elevation, place, (*place, "elevation")


def _fibonacci(plan: Fibonacci) -> Iterator[tuple[float, float]]:
    low, high = (math.sin(math.radians(elevation)) for elevation in plan.elevation)
    for number in range(plan.count):
        height = low + (high - low) * (number + 0.5) / plan.count
        yield number * _GOLDEN_ANGLE, math.degrees(math.asin(height))


def _spiral(plan: Spiral) -> Iterator[tuple[float, float]]:
    low, high = plan.elevation
    rise = (high - low) / max(1, plan.count - 1)
    for number in range(plan.count):
        yield 360 * plan.turns * number / plan.count, low + rise * number


def _grid(plan: Grid) -> Iterator[tuple[float, float]]:
    for row in range(_rows(plan)):
        for column in range(_columns(plan)):
            yield column * plan.azimuth_step, plan.elevation[0] + row * plan.elevation_step


def _columns(plan: Grid) -> int:
    return max(1, math.ceil(min(360 / plan.azimuth_step, _ENDLESS) - _ROUNDING))


def _rows(plan: Grid) -> int:
    span = plan.elevation[1] - plan.elevation[0]
    return max(1, math.floor(min(span / plan.elevation_step, _ENDLESS) + _ROUNDING) + 1)


def _place(asked: Iterable[Asked], limits: RigLimits, found: Faults) -> list[Viewpoint]:
    """What was asked for as viewpoints of this rig; one fault for each place that asks for too much."""
    told: set[Keys] = set()
    points: list[Viewpoint] = []
    for azimuth, elevation, azimuth_keys, elevation_keys in asked:
        height, fault = _elevation(elevation, limits)
        turned, azimuth_fault = _azimuth(azimuth, limits)
        for keys, message in ((elevation_keys, fault), (azimuth_keys, azimuth_fault)):
            if message and keys not in told:
                told.add(keys)
                found.add(keys, message)
        points.append(Viewpoint(turned, height))
    return points


def _elevation(asked: float | None, limits: RigLimits) -> tuple[float, str]:
    if limits.tilt is None:
        fixed = limits.elevation or 0.0
        if asked is None or abs(asked - fixed) <= _SAME:
            return fixed, ""
        return fixed, f"this rig has no tilt, its camera stands at {fixed:g} degrees: {asked:g} cannot be reached"
    low, high = limits.tilt
    if asked is None:
        return low, f"is missing: the tilt reaches from {low:g} to {high:g} degrees"
    if low - _SAME <= asked <= high + _SAME:
        return round(min(max(asked, low), high), 6), ""
    return asked, f"{asked:g} degrees is beyond the tilt's range of {low:g} to {high:g}"


def _azimuth(asked: float, limits: RigLimits) -> tuple[float, str]:
    azimuth = round(asked % 360, 6) % 360
    if limits.turntable_range is None:
        return azimuth, ""
    low, high = limits.turntable_range
    turned = azimuth + 360 * math.ceil((low - azimuth) / 360 - _ROUNDING)
    if turned <= high + _SAME:
        return turned, ""
    return azimuth, f"{asked:g} degrees is beyond the turntable's range of {low:g} to {high:g}"
