"""What a plan will cost, said before it starts: photos, time, bytes, and what is doubtful about it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from scanner.model import CameraInfo, Plan, Shot, Viewpoint
from scanner.planning.motion import RigLimits, shot_move_time
from scanner.planning.viewpoints import rings_of
from scanner.spec import CameraSettings, FixedExposure, Grid, PassSpec, Rings, Spiral

WIDEST_STEP: Final = 20.0  # degrees: 15 is safe for photogrammetry, 30 fails
_SCATTERED: Final = 400  # viewpoints; more of them over a whole sphere stand closer than the widest step anyway
_ENOUGH: Final = 3  # viewpoints that make a step worth a word

Direction = tuple[float, float, float]


class PlanEstimate(Struct, frozen=True, kw_only=True):
    """What a pass will cost; a shape of ``POST /api/plans``.

    ``count``: photos. ``viewpoints``: [azimuth, elevation] in order. ``duration_s``: of the world, without pauses.
    """

    name: str
    count: int
    viewpoints: tuple[tuple[float, float], ...]
    duration_s: float
    bytes: int
    warnings: tuple[str, ...] = ()


def estimate(
    plan: Plan, spec: PassSpec, limits: RigLimits, *, settle: float = 0.3, exposure: float = 0.1
) -> PlanEstimate:
    """Estimate a plan made from ``spec`` for the rig of ``limits``.

    ``settle`` (where the spec says ``auto``) and ``exposure`` (the least time of one photo) are rig seconds.
    """
    points = [point for point, _ in itertools.groupby(shot.viewpoint for shot in plan.shots)]
    pause = settle if spec.settle == "auto" else spec.settle
    moving = sum(shot_move_time(start, end, limits) for start, end in itertools.pairwise([None, *points]) if end)
    exposing = sum(max(exposure, _shutter(shot, spec.camera)) for shot in plan.shots)
    seconds = (moving + pause * len(points) + exposing) / limits.speed
    sizes = {camera.name: _photo_bytes(camera, spec.camera) for camera in limits.cameras}
    return PlanEstimate(
        name=spec.name,
        count=len(plan.shots),
        viewpoints=tuple((point.azimuth, point.elevation) for point in points),
        duration_s=round(seconds, 1),
        bytes=sum(sizes[shot.camera] for shot in plan.shots),
        warnings=tuple(_warnings(spec, points, limits)),
    )


def _shutter(shot: Shot, settings: CameraSettings) -> float:
    if not isinstance(settings.exposure, FixedExposure):
        return 0.0
    return settings.exposure.shutter_us * 1e-6 * math.exp2(shot.ev)


def _photo_bytes(camera: CameraInfo, settings: CameraSettings) -> int:
    width, height = settings.width or camera.width, settings.height or camera.height
    return round(camera.bytes_per_photo * (width * height) / (camera.width * camera.height))


def _warnings(spec: PassSpec, points: list[Viewpoint], limits: RigLimits) -> Iterator[str]:
    match spec.plan:
        case Rings():
            rings = rings_of(spec.plan, limits)
            step = max(360 / ring.count for ring in rings)
            where = "" if len(rings) == 1 else " in the ring with the fewest"
        case Grid():
            step, where = spec.plan.azimuth_step, ""
        case Spiral():
            step, where = 360 * spec.plan.turns / spec.plan.count, ""
        case _:
            step, where = _typical_distance(points), " from one viewpoint to the nearest"
    if step > WIDEST_STEP:
        yield (
            f"{step:.3g} degrees{where}: above {WIDEST_STEP:g} photogrammetry may not connect the photos; "
            "15 or less is safe"
        )


def _typical_distance(points: list[Viewpoint]) -> float:
    """Median over the viewpoints of the angle to the nearest other one, degrees."""
    import statistics  # noqa: PLC0415 - brings decimals and fractions along, for scattered viewpoints only

    if not _ENOUGH <= len(points) <= _SCATTERED:
        return 0.0
    directions = [_direction(point) for point in points]
    closest = [max(_cosine(a, b) for b in directions if b is not a) for a in directions]
    return math.degrees(math.acos(max(-1.0, min(1.0, statistics.median(closest)))))


def _cosine(a: Direction, b: Direction) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _direction(point: Viewpoint) -> Direction:
    azimuth, elevation = math.radians(point.azimuth), math.radians(point.elevation)
    flat = math.cos(elevation)
    return flat * math.cos(azimuth), flat * math.sin(azimuth), math.sin(elevation)
