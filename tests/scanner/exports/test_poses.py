"""One convention, checked against what does not know it: a plate that really turns, a camera that looks at a point."""

from __future__ import annotations

import math

import numpy as np
import pytest

from scanner.exports.poses import camera_pose, quaternion
from scanner.model import Geometry, Viewpoint

GEOMETRY = Geometry(distance=300.0, target_height=45.0)
VIEWS = [(a, e) for a in (0.0, 22.5, 90.0, 181.0, 359.9, -40.0, 725.0) for e in (-20.0, 0.0, 15.0, 40.0, 89.9)]


def looking_at(azimuth: float, elevation: float) -> tuple[np.ndarray, np.ndarray]:
    """Rotation and centre in the plate frame, made from cross products."""
    orbit, raised = np.radians(-azimuth), np.radians(elevation)
    target = np.array([0.0, 0.0, GEOMETRY.target_height])
    direction = np.array([np.cos(raised) * np.cos(orbit), np.cos(raised) * np.sin(orbit), np.sin(raised)])
    centre = target + GEOMETRY.distance * direction
    right = np.cross(-direction, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(-direction, right), -direction]), centre


@pytest.mark.parametrize(("azimuth", "elevation"), VIEWS)
def test_the_camera_looks_at_the_target_point_with_its_right_side_level(azimuth: float, elevation: float):
    pose = camera_pose(Viewpoint(azimuth, elevation), GEOMETRY)
    rotation, centre = looking_at(azimuth, elevation)
    np.testing.assert_allclose(pose.rotation, rotation, atol=1e-9)
    np.testing.assert_allclose(pose.centre, centre, atol=1e-9)
    np.testing.assert_allclose(pose.translation, -rotation @ centre, atol=1e-9)


@pytest.mark.parametrize(("azimuth", "elevation"), VIEWS)
def test_a_point_on_the_turned_plate_is_where_the_standing_camera_sees_it(azimuth: float, elevation: float):
    """The camera stands still over the world's +X; the plate turns counter-clockwise under it. Nothing orbits."""
    point = np.array([68.0, 12.0, 5.0])
    turn = math.radians(azimuth)
    turned = np.array(
        [
            point[0] * math.cos(turn) - point[1] * math.sin(turn),
            point[0] * math.sin(turn) + point[1] * math.cos(turn),
            point[2],
        ]
    )
    standing, place = looking_at(0.0, elevation)
    seen = standing @ (turned - place)
    pose = camera_pose(Viewpoint(azimuth, elevation), GEOMETRY)
    np.testing.assert_allclose(np.array(pose.rotation) @ point + pose.translation, seen, atol=1e-9)


def test_a_point_that_turns_counter_clockwise_towards_the_camera_goes_right_in_the_picture():
    """At +X stands the camera; what rides on the plate near it moves to +Y, which is the camera's right."""
    point = np.array([50.0, 0.0, 0.0])

    def column(azimuth: float) -> float:
        pose = camera_pose(Viewpoint(azimuth, 20.0), GEOMETRY)
        x, _, z = np.array(pose.rotation) @ point + pose.translation
        return x / z

    assert column(0.0) == pytest.approx(0.0)
    assert column(5.0) > 0.01
    assert column(-5.0) < -0.01


def test_straight_from_above_is_a_pose_like_any_other():
    pose = camera_pose(Viewpoint(90.0, 90.0), GEOMETRY)
    np.testing.assert_allclose(pose.centre, [0.0, 0.0, 345.0], atol=1e-9)
    np.testing.assert_allclose(np.linalg.det(pose.rotation), 1.0)
    np.testing.assert_allclose(pose.rotation[2], [0.0, 0.0, -1.0], atol=1e-9)


@pytest.mark.parametrize(("azimuth", "elevation"), [*VIEWS, (0.0, 90.0), (90.0, 90.0), (180.0, 90.0), (270.0, -90.0)])
def test_the_quaternion_turns_vectors_as_the_matrix_does(azimuth: float, elevation: float):
    rotation = camera_pose(Viewpoint(azimuth, elevation), GEOMETRY).rotation
    w, *axis = quaternion(rotation)
    assert w >= 0
    assert math.hypot(w, *axis) == pytest.approx(1.0, abs=1e-12)
    for vector in np.eye(3):
        twice = 2 * np.cross(axis, vector)
        np.testing.assert_allclose(vector + w * twice + np.cross(axis, twice), rotation @ vector, atol=1e-9)


@pytest.mark.parametrize(
    ("rotation", "expected"),
    [
        (((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)), (1.0, 0.0, 0.0, 0.0)),
        (((1.0, 0.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, -1.0)), (0.0, 1.0, 0.0, 0.0)),
        (((-1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, -1.0)), (0.0, 0.0, 1.0, 0.0)),
        (((-1.0, 0.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, 1.0)), (0.0, 0.0, 0.0, 1.0)),
        (((0.0, -1.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)), (math.sqrt(0.5), 0.0, 0.0, math.sqrt(0.5))),
    ],
)
def test_half_turns_keep_their_precision(rotation, expected):
    assert quaternion(rotation) == pytest.approx(expected, abs=1e-15)
