"""What an exporter is given: a session's passes with their photos, files and poses, read from storage once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from scanner.errors import InvalidError
from scanner.exports.intrinsics import Intrinsics, intrinsics
from scanner.exports.poses import Pose, camera_pose
from scanner.model import PassName, Photo, RigInfo, SessionId

if TYPE_CHECKING:
    from scanner.storage import StorageManager


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePhoto:
    """A saved photo, its file, where it was taken from (the measured angles, not the planned ones) and through what."""

    photo: Photo
    path: Path
    pose: Pose
    intrinsics: Intrinsics


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePass:
    """The photos of one pass, at least one, in the order of the plan. They share a plate frame; two passes do not."""

    name: PassName
    photos: tuple[SourcePhoto, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportSource:
    """A session to export: its passes that have photos, in the session's order."""

    session_id: SessionId
    passes: tuple[SourcePass, ...]


def source_pass(name: PassName, rig: RigInfo, files: Iterable[tuple[Photo, Path]]) -> SourcePass:
    """The pass as exporters see it. Errors: InvalidError when the rig it was planned for says too little for poses."""
    if rig.geometry is None:
        message = (
            f"pass {name} cannot be exported with camera poses: the rig {rig.name} had no geometry when the pass was "
            "planned; set rig.geometry in the configuration before the next scan"
        )
        raise InvalidError(message, **{"pass": name})
    cameras = {camera.name: camera for camera in rig.cameras}
    photos: list[SourcePhoto] = []
    for photo, path in files:
        if photo.camera not in cameras:
            message = (
                f"pass {name} cannot be exported: nothing is known of camera {photo.camera}, which took {photo.name}"
            )
            raise InvalidError(message, **{"pass": name, "camera": photo.camera})
        lens = intrinsics(cameras[photo.camera], photo.width, photo.height)
        pose = camera_pose(photo.measured, rig.geometry)
        photos.append(SourcePhoto(photo=photo, path=path, pose=pose, intrinsics=lens))
    return SourcePass(name=name, photos=tuple(photos))


async def read_source(storage: StorageManager, session_id: SessionId) -> ExportSource:
    """Read what a session's export needs. Errors: SessionNotFoundError; InvalidError: no photos, or no poses."""
    session = await storage.get_session(session_id)
    passes: list[SourcePass] = []
    for info in session.passes:
        photos = await storage.photos(session_id, info.name)
        if not photos:
            continue
        document = await storage.pass_document(session_id, info.name)
        files = [(photo, await storage.photo_file(session_id, photo.name)) for photo in photos]
        passes.append(source_pass(info.name, document.rig, files))
    if not passes:
        message = f"session {session_id} cannot be exported: it has no photos yet"
        raise InvalidError(message, session_id=session_id)
    return ExportSource(session_id=session_id, passes=tuple(passes))
