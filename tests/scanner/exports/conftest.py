"""What the tests of exports share: a made-up session of small pictures, no scan behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from scanner.exports.exif import exif_bytes
from scanner.exports.source import ExportSource, source_pass
from scanner.model import (
    CameraInfo,
    CameraName,
    Geometry,
    PassName,
    Photo,
    PhotoExposure,
    PhotoName,
    RigInfo,
    SessionId,
    Viewpoint,
    WhiteBalance,
)
from scanner.spec import Ring, Rings, ScanSpec
from tests.scanner.exports.scanning import SMALL, Scanned, scan, twin

SIZE = (320, 240)
GEOMETRY = Geometry(distance=280.0, target_height=38.0)
SESSION = SessionId("20261120-041530-blue-vase")


def camera_info(name: str = "main", focal_mm: float = 4.74) -> CameraInfo:
    return CameraInfo(
        name=CameraName(name),
        model=f"IMX708 {name}",
        make="Raspberry Pi",
        width=4608,
        height=2592,
        focal_mm=focal_mm,
        sensor_width_mm=6.4512,
        f_number=1.8,
        bytes_per_photo=4_000_000,
    )


def exposure(taken_at: str = "2026-11-20T04:15:30.120Z", exposure_us: int = 8_000, gain: float = 1.25) -> PhotoExposure:
    return PhotoExposure(
        taken_at=taken_at,
        exposure_us=exposure_us,
        gain=gain,
        white_balance=WhiteBalance(red=1.8, blue=1.5),
        lens_position=3.5,
    )


def rig_info(*cameras: CameraInfo, geometry: Geometry | None = GEOMETRY) -> RigInfo:
    return RigInfo(name="desk", geometry=geometry, fixed_elevation=None, cameras=cameras or (camera_info(),))


def viewpoints(count: int, elevation: float) -> tuple[Viewpoint, ...]:
    return tuple(Viewpoint(azimuth=360 * i / count, elevation=elevation) for i in range(count))


Shoot = Callable[..., list[tuple[Photo, Path]]]


@pytest.fixture
def shoot(tmp_path: Path) -> Shoot:
    """Makes the photos of a pass: real JPEGs with EXIF, planned at ``asked``, taken at ``measured`` (or as planned)."""

    def make(
        pass_name: str,
        cameras: tuple[CameraInfo, ...],
        asked: tuple[Viewpoint, ...],
        measured: tuple[Viewpoint, ...] | None = None,
    ) -> list[tuple[Photo, Path]]:
        folder = tmp_path / "session" / "images" / pass_name
        folder.mkdir(parents=True)
        files: list[tuple[Photo, Path]] = []
        for planned, actual in zip(asked, measured or asked, strict=True):
            for camera in cameras:
                shot = len(files) + 1
                name = PhotoName(f"{pass_name}-{shot:05d}-{camera.name}.jpg")
                path = folder / name
                exif = exif_bytes(camera, exposure(), *SIZE, unique_id=f"{shot:032x}")
                Image.new("RGB", SIZE, (shot, 80, 90)).save(path, exif=exif)
                files.append((_photo(name, shot, pass_name, camera.name, planned, actual), path))
        return files

    return make


def _photo(
    name: PhotoName, shot: int, pass_name: str, camera: CameraName, planned: Viewpoint, measured: Viewpoint
) -> Photo:
    return Photo(
        name=name,
        shot=shot,
        pass_=PassName(pass_name),
        camera=camera,
        azimuth=planned.azimuth,
        elevation=planned.elevation,
        measured=measured,
        bytes=1000,
        sha256="0" * 64,
        width=SIZE[0],
        height=SIZE[1],
        taken_at="2026-11-20T04:15:30.120Z",
        exposure_us=8_000,
        gain=1.25,
    )


@pytest.fixture
def one_pass(shoot: Shoot) -> ExportSource:
    """The usual session: one pass, one camera; the rig stood a little beside the plan."""
    asked = viewpoints(8, 15.0) + viewpoints(4, 89.0)
    measured = tuple(Viewpoint(azimuth=v.azimuth + 0.03, elevation=v.elevation - 0.02) for v in asked)
    rig = rig_info()
    return ExportSource(
        session_id=SESSION, passes=(source_pass(PassName("main"), rig, shoot("main", rig.cameras, asked, measured)),)
    )


@pytest.fixture
def two_passes(shoot: Shoot) -> ExportSource:
    """Two passes by two cameras. Sorted by name the second pass comes first."""
    rig = rig_info(camera_info("left"), camera_info("right", focal_mm=8.0))
    return ExportSource(
        session_id=SESSION,
        passes=tuple(
            source_pass(PassName(name), rig, shoot(name, rig.cameras, viewpoints(5, elevation)))
            for name, elevation in (("upright", 20.0), ("flipped", 35.0))
        ),
    )


@pytest.fixture(scope="session")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Scanned:
    """The scan of the acceptance, by the whole product: the twin, 16 azimuths x 2 elevations, 640 x 480; exported."""
    rings = (Ring(count=16, elevation=15.0), Ring(count=16, elevation=40.0))
    spec = ScanSpec(plan=Rings(rings=rings), camera=SMALL)

    async def run() -> Scanned:
        async with twin(tmp_path_factory.mktemp("twin"), speed=20.0) as app:
            return await scan(app, spec)

    return asyncio.run(run())
