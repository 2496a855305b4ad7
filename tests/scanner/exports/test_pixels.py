"""The pixels of a scan on disk show what was planned: another program reads the plate's markers in every photo."""

from __future__ import annotations

import asyncio
import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from scanner.config import SimTurntable
from scanner.hardware.sim.faults import Faults
from scanner.model import PhotoName
from scanner.spec import Listed, ScanSpec
from tests.scanner.exports.measuring import PlateAngle, marker_corners, plate_angle, turned
from tests.scanner.exports.scanning import GEOMETRY, SMALL, Scanned, scan, twin
from tests.support.demand import demand

WITHIN = 0.3  # degrees
AT_LEAST = 2  # markers that must be readable in every photo; the body hides some
LARGER = 2  # times, before reading: the markers are small and seen at a slant


def read_markers(path: Path) -> dict[int, np.ndarray]:
    """Corners of the markers OpenCV finds: 4 x 2 pixels each, (0, 0) a pixel's corner (OpenCV: its middle)."""
    demand(importlib.util.find_spec("cv2"), "OpenCV (pip install opencv-contrib-python-headless)")
    import cv2  # noqa: PLC0415 - an extra of the tests

    settings = cv2.aruco.DetectorParameters()
    settings.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
    detector = cv2.aruco.ArucoDetector(cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50), settings)
    with Image.open(path) as image:
        larger = image.convert("L").resize((LARGER * image.width, LARGER * image.height), Image.Resampling.BICUBIC)
    corners, numbers, _ = detector.detectMarkers(np.asarray(larger))
    if numbers is None:
        return {}
    return {int(number): (found[0] + 0.5) / LARGER for number, found in zip(numbers.ravel(), corners, strict=True)}


@pytest.fixture(scope="module")
def angles(scanned: Scanned) -> dict[PhotoName, PlateAngle]:
    return angles_of(scanned)


def angles_of(scanned: Scanned) -> dict[PhotoName, PlateAngle]:
    return {
        name: plate_angle(
            read_markers(path), scanned.planned[name].elevation, GEOMETRY, focal=scanned.focal, size=scanned.size
        )
        for name, path in scanned.photos.items()
    }


def differences(scanned: Scanned, angles: dict[PhotoName, PlateAngle]) -> dict[PhotoName, float]:
    """By how much the plate is further round than planned, degrees."""
    return {name: turned(angle.azimuth, scanned.planned[name].azimuth) for name, angle in angles.items()}


def test_every_photo_shows_the_plate_at_its_planned_angle(scanned: Scanned, angles: dict[PhotoName, PlateAngle]):
    off = differences(scanned, angles)
    assert len(off) == 32
    assert {name: value for name, value in off.items() if abs(value) > WITHIN} == {}


def test_every_photo_shows_markers_where_the_lens_puts_them(angles: dict[PhotoName, PlateAngle]):
    assert {name: angle.markers for name, angle in angles.items() if angle.markers < AT_LEAST} == {}
    assert {name: angle.residual for name, angle in angles.items() if angle.residual > 1.0} == {}


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Faults(slip=1.0), [1.0, 1.0]),
        (Faults(table_ratio=-1.0), [-60.0, -100.0]),
        (Faults(table_ratio=0.0), [-30.0, -50.0]),
        (Faults(table_ratio=14.8 / 15), [-0.4, -0.67]),
    ],
    ids=["slipped", "reversed", "loose", "wrong steps"],
)
def test_a_table_that_is_not_where_its_driver_says_is_seen(fault: Faults, expected: list[float], tmp_path: Path):
    spec = ScanSpec(plan=Listed(viewpoints=((30.0, 40.0), (50.0, 40.0))), camera=SMALL)

    async def run() -> Scanned:
        async with twin(tmp_path, speed=20.0, turntable=SimTurntable(start_angle=0.0)) as app:
            await app.rig.home()
            app.faults.become(fault)
            return await scan(app, spec)

    faulty = asyncio.run(run())
    off = differences(faulty, angles_of(faulty))
    assert [off[name] for name in sorted(off)] == pytest.approx(expected, abs=WITHIN)


def test_photos_have_the_planned_size(scanned: Scanned):
    for path in scanned.photos.values():
        with Image.open(path) as image:
            assert image.size == scanned.size == (640, 480)


def test_photos_say_how_they_were_taken(scanned: Scanned):
    unique = set()
    for path in scanned.photos.values():
        with Image.open(path) as image:
            tags = image.getexif().get_ifd(ExifTags.IFD.Exif)
        focal = float(tags[ExifTags.Base.FocalLength]) * float(tags[ExifTags.Base.FocalPlaneXResolution]) / 10
        assert focal == pytest.approx(scanned.focal, rel=1e-6)
        assert 0 < tags[ExifTags.Base.ExposureTime] < 1
        unique.add(tags[ExifTags.Base.ImageUniqueID])
    assert len(unique) == len(scanned.photos)
    assert all(re.fullmatch(r"[0-9a-f]{32}", value) for value in unique)


@pytest.mark.parametrize("azimuth", [0.0, 33.3, 180.0, 271.0])
def test_the_measurement_measures(azimuth: float):
    """Corners projected by the definition come back as the angle they were projected with."""
    focal, size, elevation = 800.0, (640, 480), 25.0
    turn = np.radians(azimuth)
    spin = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    raised = np.radians(elevation)
    backwards = np.array([np.cos(raised), 0.0, np.sin(raised)])
    axes = np.stack([[0.0, 1.0, 0.0], [np.sin(raised), 0.0, -np.cos(raised)], -backwards])
    place = GEOMETRY.distance * backwards + [0.0, 0.0, GEOMETRY.target_height]
    seen = {}
    for number, corners in marker_corners().items():
        rays = (np.column_stack([corners @ spin.T, np.zeros(4)]) - place) @ axes.T
        seen[number] = rays[:, :2] / rays[:, 2:] * focal + np.array(size) / 2
    found = plate_angle(seen, elevation, GEOMETRY, focal=focal, size=size)
    assert abs(turned(found.azimuth, azimuth)) < 1e-9
    assert (found.markers, found.residual) == (8, pytest.approx(0.0, abs=1e-9))
    wrong = plate_angle(seen, elevation + 5, GEOMETRY, focal=focal, size=size)
    assert wrong.residual > 1.0
