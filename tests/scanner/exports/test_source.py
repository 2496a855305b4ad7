"""What an exporter is given."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PIL import Image

from scanner.errors import InvalidError, SessionNotFoundError, StorageError
from scanner.exports.poses import camera_pose
from scanner.exports.registry import exporter
from scanner.exports.source import read_source, source_pass
from scanner.model import (
    CameraName,
    Frame,
    LockedSettings,
    PassName,
    Photo,
    Plan,
    SessionId,
    Shot,
    Viewpoint,
)
from scanner.spec import PassSpec, ScanSpec
from scanner.storage import NewPass, NewSession, SessionHandle, StorageManager
from tests.scanner.exports.conftest import GEOMETRY, SIZE, Shoot, camera_info, exposure, rig_info, viewpoints
from tests.support.clock import ManualClock

PASS = PassName("main")


@pytest.fixture
def files(shoot: Shoot) -> list[tuple[Photo, Path]]:
    measured = tuple(Viewpoint(azimuth=v.azimuth + 1.5, elevation=v.elevation - 0.5) for v in viewpoints(3, 20.0))
    return shoot("main", (camera_info(),), viewpoints(3, 20.0), measured)


def test_poses_are_from_where_the_photos_were_really_taken(files: list[tuple[Photo, Path]]):
    made = source_pass(PASS, rig_info(), files)
    assert [photo.pose for photo in made.photos] == [
        camera_pose(Viewpoint(azimuth=azimuth + 1.5, elevation=19.5), GEOMETRY) for azimuth in (0.0, 120.0, 240.0)
    ]
    assert [(photo.photo, photo.path) for photo in made.photos] == files


def test_the_focal_length_goes_with_the_size_of_the_photo_not_of_the_sensor(files: list[tuple[Photo, Path]]):
    lens = source_pass(PASS, rig_info(), files).photos[0].intrinsics
    assert (lens.width, lens.height) == SIZE
    assert lens.fx == lens.fy == pytest.approx(4.74 / 6.4512 * 320)
    assert (lens.cx, lens.cy, lens.distortion) == (160.0, 120.0, None)


def test_without_geometry_there_are_no_poses_and_the_message_says_what_to_do(files: list[tuple[Photo, Path]]):
    with pytest.raises(InvalidError, match=r"rig desk had no geometry .* set rig.geometry") as refused:
        source_pass(PASS, rig_info(geometry=None), files)
    assert refused.value.detail == {"pass": "main"}


def test_a_camera_that_nothing_is_known_of_is_named(files: list[tuple[Photo, Path]]):
    with pytest.raises(InvalidError, match="camera main, which took main-00001-main"):
        source_pass(PASS, rig_info(camera_info("left")), files)


@pytest.fixture
async def storage(tmp_path: Path, manual_clock: ManualClock) -> AsyncIterator[StorageManager]:
    manager = await StorageManager.open(data_dir=tmp_path / "data", state_dir=tmp_path / "state", clock=manual_clock)
    yield manager
    await manager.close()


async def new_session(storage: StorageManager, *names: str) -> SessionHandle:
    plan = Plan(
        kind="list",
        shots=tuple(
            Shot(index=index, viewpoint=view, camera=CameraName("main"))
            for index, view in enumerate(viewpoints(3, 20.0), start=1)
        ),
    )
    new = NewSession(
        spec=ScanSpec(title="Blue vase"),
        title="Blue vase",
        passes=tuple(NewPass(spec=PassSpec(name=name), plan=plan) for name in names),
        origin="test",
        created_from=None,
        rig=rig_info(),
    )
    return await storage.create_session(new)


async def save(storage: StorageManager, handle: SessionHandle, name: str, *shots: int) -> None:
    """Save these shots of a pass, each taken half a degree beside its plan."""
    locked = LockedSettings(
        exposure_us=8_000, gain=1.25, white_balance=exposure().white_balance, lens_position=3.5, width=320, height=240
    )
    async with storage.open_pass(handle, PassName(name), job_id=None, origin="test") as writer:
        await writer.start({CameraName("main"): locked})
        for shot in (shot for shot in writer.plan.shots if shot.index in shots):
            frame = Frame(data=jpeg(), width=SIZE[0], height=SIZE[1], exposure=exposure())
            beside = Viewpoint(azimuth=shot.viewpoint.azimuth + 0.5, elevation=shot.viewpoint.elevation)
            await writer.save(shot, frame, measured=beside, settle_s=0.3, capture_s=0.1)


def jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", SIZE, (90, 80, 70)).save(buffer, "JPEG")
    return buffer.getvalue()


async def test_storage_gives_the_passes_that_have_photos_with_their_files(storage: StorageManager):
    handle = await new_session(storage, "upright", "tilted", "flipped")
    await save(storage, handle, "upright", 1, 3)
    await save(storage, handle, "flipped", 2)
    source = await read_source(storage, handle.id)
    assert source.session_id == handle.id
    assert [(one.name, [photo.photo.shot for photo in one.photos]) for one in source.passes] == [
        ("upright", [1, 3]),
        ("flipped", [2]),
    ]
    for one in source.passes:
        for photo in one.photos:
            assert photo.path.read_bytes() == jpeg()
            assert photo.pose == camera_pose(photo.photo.measured, GEOMETRY)
            assert photo.photo.measured.azimuth == photo.photo.azimuth + 0.5


async def test_a_session_without_photos_cannot_be_exported(storage: StorageManager):
    handle = await new_session(storage, "upright")
    with pytest.raises(InvalidError, match=f"session {handle.id} cannot be exported: it has no photos yet"):
        await read_source(storage, handle.id)


async def test_a_session_that_does_not_exist_is_not_exported(storage: StorageManager):
    with pytest.raises(SessionNotFoundError):
        await read_source(storage, SessionId("20261120-041530-nowhere"))


async def test_an_export_that_fails_leaves_the_older_one(storage: StorageManager):
    handle = await new_session(storage, "upright")
    await save(storage, handle, "upright", 1)
    source = await read_source(storage, handle.id)
    place = await storage.publish_export(handle.id, "colmap", lambda target: exporter("colmap")(source, target))
    before = (place / "sparse/0/images.txt").read_text()
    source.passes[0].photos[0].path.unlink()
    with pytest.raises(StorageError):
        await storage.publish_export(handle.id, "colmap", lambda target: exporter("colmap")(source, target))
    assert (place / "sparse/0/images.txt").read_text() == before
    assert [path.name for path in place.parent.iterdir()] == ["colmap"]
