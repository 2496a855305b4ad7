"""Reads the plate's angle from pixels, with OpenCV: it knows nothing of how they were made."""

from __future__ import annotations

import math

import cv2
import numpy as np

from scanner.model import CameraInfo

RADIUS, SIDE = 68.0, 12.0  # mm, as printed on the plate
PARAMETERS = cv2.aruco.DetectorParameters()
PARAMETERS.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
PARAMETERS.cornerRefinementWinSize = 2
DETECTOR = cv2.aruco.ArucoDetector(cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50), PARAMETERS)


def grey(picture) -> np.ndarray:
    """The luma of an Exposure or PreviewFrame, rows x columns."""
    return np.frombuffer(picture.yuv, np.uint8, picture.width * picture.height).reshape(picture.height, picture.width)


def found(picture) -> dict[int, np.ndarray]:
    """The corners (4 x 2, pixels) of every marker that is seen, by id."""
    corners, ids, _ = DETECTOR.detectMarkers(grey(picture))
    return {} if ids is None else {int(name): quad[0] for name, quad in zip(ids.ravel(), corners, strict=True)}


def on_plate(name: int) -> np.ndarray:
    """The corners (4 x 3, mm) of a marker on the plate, in OpenCV's order: from its upper left, clockwise."""
    angle = math.radians(45 * name)
    out, along = np.array([math.cos(angle), math.sin(angle), 0]), np.array([-math.sin(angle), math.cos(angle), 0])
    half = SIDE / 2
    ways = ((half, half), (-half, half), (-half, -half), (half, -half))  # along, outwards
    return np.array([out * (RADIUS + outwards) + along * tangent for tangent, outwards in ways])


def camera_place(picture, info: CameraInfo, k1: float = 0.0) -> np.ndarray:
    """Where the camera stood in the plate's frame, mm, by the markers it saw."""
    seen = found(picture)
    assert len(seen) >= 2, f"only {sorted(seen)} were seen"
    focal = info.focal_mm / info.sensor_width_mm * picture.width
    matrix = np.array([[focal, 0, picture.width / 2 - 0.5], [0, focal, picture.height / 2 - 0.5], [0, 0, 1]])
    plate = np.concatenate([on_plate(name) for name in seen])
    pixels = np.concatenate(list(seen.values())).astype(float)
    done, turn, shift = cv2.solvePnP(plate, pixels, matrix, np.array([k1, 0, 0, 0]), flags=cv2.SOLVEPNP_ITERATIVE)
    assert done
    return (-cv2.Rodrigues(turn)[0].T @ shift).ravel()


def azimuth(picture, info: CameraInfo) -> float:
    """The turntable's angle, 0 to 360: the camera of a plate turned by +a is found at -a."""
    x, y, _ = camera_place(picture, info)
    return -math.degrees(math.atan2(y, x)) % 360


def off(a: float, b: float) -> float:
    """How far two angles are apart, degrees."""
    return abs((a - b + 180) % 360 - 180)
