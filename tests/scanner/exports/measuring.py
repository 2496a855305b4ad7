"""Measuring poses and plate angles, with nothing of the product: what it computes must not be its own witness.

Plate frame, millimetres, Z up; camera axes as OpenCV's; angles in degrees.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from scanner.model import Geometry, Viewpoint

Pose = tuple[np.ndarray, np.ndarray]  # world-to-camera rotation, centre


def planned_pose(viewpoint: Viewpoint, geometry: Geometry) -> Pose:
    """Where the camera stands for who rides on the plate, from the definition: it looks at a point from an angle."""
    orbit, raised = np.radians(-viewpoint.azimuth), np.radians(viewpoint.elevation)
    backwards = np.array([np.cos(raised) * np.cos(orbit), np.cos(raised) * np.sin(orbit), np.sin(raised)])
    right = np.cross(-backwards, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(-backwards, right), -backwards])
    return rotation, np.array([0.0, 0.0, geometry.target_height]) + geometry.distance * backwards


# ---- poses found from pixels, against the plan ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """How far poses are from the plan after the best fit: centres in percent of the radius, rotations in degrees."""

    registered: int
    planned: int
    centres: np.ndarray
    rotations: np.ndarray

    CENTRES = 0.8
    ROTATIONS = 0.6

    @property
    def holds(self) -> bool:
        """Whether the scan is accepted."""
        return self.registered == self.planned and self.centres_hold and self.rotations_hold

    @property
    def centres_hold(self) -> bool:
        """Whether every camera was where it should have been."""
        return bool(self.centres.max() <= self.CENTRES)

    @property
    def rotations_hold(self) -> bool:
        """Whether every camera looked where it should have looked."""
        return bool(self.rotations.max() <= self.ROTATIONS)

    def __str__(self) -> str:
        return (
            f"{self.registered}/{self.planned} registered; centres off by {np.median(self.centres):.3f} % (median), "
            f"{self.centres.max():.3f} % (most); rotations by {np.median(self.rotations):.3f} and "
            f"{self.rotations.max():.3f} degrees"
        )


def deviation(found: Mapping[str, Pose], planned: Mapping[str, Pose], radius: float) -> Deviation:
    """Compare poses in a world of their own with the plan's, after the one similarity that fits best."""
    names = sorted(found.keys() & planned.keys())
    theirs = np.array([found[name][1] for name in names])
    ours = np.array([planned[name][1] for name in names])
    scale, turn, shift = similarity(theirs, ours)
    centres = np.linalg.norm(scale * theirs @ turn.T + shift - ours, axis=1) / radius * 100
    rotations = [angle_between(found[name][0] @ turn.T, planned[name][0]) for name in names]
    return Deviation(registered=len(names), planned=len(planned), centres=centres, rotations=np.array(rotations))


def similarity(source: np.ndarray, target: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Scale, rotation and shift that bring points nearest to their targets; never a mirroring. Source: Umeyama 1991."""
    middle, goal = source.mean(axis=0), target.mean(axis=0)
    left, spread, right = np.linalg.svd((target - goal).T @ (source - middle) / len(source))
    sign = np.diag([1.0, 1.0, np.sign(np.linalg.det(left) * np.linalg.det(right))])
    rotation = left @ sign @ right
    scale = np.trace(np.diag(spread) @ sign) / ((source - middle) ** 2).sum() * len(source)
    return float(scale), rotation, goal - scale * rotation @ middle


def angle_between(first: np.ndarray, second: np.ndarray) -> float:
    """The angle of the rotation between two orientations, degrees."""
    return float(np.degrees(np.arccos(np.clip((np.trace(first @ second.T) - 1) / 2, -1.0, 1.0))))


# ---- the plate's angle, from its markers -----------------------------------------------------------------------------

MARKERS = 8
MARKER_SIDE = 12.0
MARKER_RADIUS = 68.0


def marker_corners() -> dict[int, np.ndarray]:
    """The corners of the plate's markers on the plate (4 x 2 each, mm), in the order OpenCV reports them.

    Marker i is centred at 45 i degrees with its top outwards; first its top left corner, then clockwise from above.
    """
    corners: dict[int, np.ndarray] = {}
    half = MARKER_SIDE / 2
    for number in range(MARKERS):
        angle = np.radians(360 / MARKERS * number)
        out, left = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
        centre = MARKER_RADIUS * out
        corners[number] = np.array(
            [centre + half * (out * up + left * side) for up, side in ((1, 1), (1, -1), (-1, -1), (-1, 1))]
        )
    return corners


@dataclass(frozen=True, slots=True, kw_only=True)
class PlateAngle:
    """The plate's angle in a photo; how many markers say so; how far their corners are from it on average, mm."""

    azimuth: float
    markers: int
    residual: float


def plate_angle(
    found: Mapping[int, np.ndarray], elevation: float, geometry: Geometry, focal: float, size: tuple[int, int]
) -> PlateAngle:
    """The plate's angle from the corners of its markers in a photo (pixels; 4 x 2 each; (0, 0) is a pixel's corner).

    The camera stands still over the world's +X. Where a corner's ray meets the plate's plane, there the corner is; the
    angle is the one rotation that brings the corners from their places on the plate nearest to where they are.
    """
    rotation, centre = planned_pose(Viewpoint(0.0, elevation), geometry)
    known = marker_corners()
    numbers = sorted(found.keys() & known.keys())
    pixels = np.concatenate([found[number] for number in numbers])
    rays = np.column_stack([(pixels - np.array(size) / 2) / focal, np.ones(len(pixels))]) @ rotation
    here = (centre - centre[2] / rays[:, 2:] * rays)[:, :2]
    there = np.concatenate([known[number] for number in numbers])
    cross = there[:, 0] * here[:, 1] - there[:, 1] * here[:, 0]
    angle = np.arctan2(cross.sum(), (there * here).sum())
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    residual = np.linalg.norm(there @ turn.T - here, axis=1).mean()
    return PlateAngle(azimuth=float(np.degrees(angle)) % 360, markers=len(numbers), residual=float(residual))


def turned(first: float, second: float) -> float:
    """The angle from ``second`` to ``first`` the short way round, -180 to 180 degrees."""
    return (first - second + 180) % 360 - 180
