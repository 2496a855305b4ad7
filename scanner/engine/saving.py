"""Encode, measure, make durable: the part of a run that holds the disk. It works while the rig moves to the next
shot.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from concurrent.futures import Executor

from scanner.engine.handover import HandOver, Taken
from scanner.engine.rings import RingMedians
from scanner.exports.exif import exif_bytes
from scanner.imaging import encode_jpeg
from scanner.model import CameraInfo, CameraName, Frame, Photo, PhotoExposure, Shot
from scanner.quality import measure
from scanner.storage import PassWriter


def make_frame(taken: Taken, camera: CameraInfo, quality: int, unique_id: str) -> Frame:
    """Encode an exposure to a JPEG with EXIF and measure it. Pure; runs in a pool: encoding lets go of the
    interpreter's lock.
    """
    exposure = taken.exposure
    facts = PhotoExposure(
        taken_at=exposure.taken_at,
        exposure_us=exposure.exposure_us,
        gain=exposure.gain,
        white_balance=exposure.white_balance,
        lens_position=exposure.lens_position,
    )
    exif = exif_bytes(camera, facts, exposure.width, exposure.height, unique_id)
    return Frame(
        data=encode_jpeg(exposure, quality, exif),
        width=exposure.width,
        height=exposure.height,
        exposure=facts,
        quality=measure(exposure),
    )


class Saver:
    """Saves what was taken, in order, one at a time."""

    def __init__(
        self,
        *,
        writer: PassWriter,
        pool: Executor,
        report: Callable[[str, Shot], None],
        saved: Callable[[Photo], None],
    ) -> None:
        self._writer = writer
        self._pool = pool
        self._report = report
        self._saved = saved
        self._rings = RingMedians(writer.plan, dict(writer.progress.saved))
        self._cameras: dict[CameraName, CameraInfo] = {camera.name: camera for camera in writer.rig.cameras}

    async def save(self, line: HandOver) -> None:
        """Save until the line is closed and empty. Errors: StorageError; what is still in the line then stays
        planned.
        """
        while (taken := await line.get()) is not None:
            self._report("save", taken.shot)
            photo = await self._save_one(taken)
            line.release(taken.size_bytes)
            self._saved(photo)

    async def _save_one(self, taken: Taken) -> Photo:
        writer, shot = self._writer, taken.shot
        name = f"{writer.session_id}/{writer.name}/{shot.index}/{taken.exposure.taken_at}"
        unique = hashlib.blake2s(name.encode(), digest_size=16).hexdigest()
        frame = await asyncio.get_running_loop().run_in_executor(
            self._pool, make_frame, taken, self._cameras[shot.camera], writer.spec.camera.quality, unique
        )
        return await writer.save(
            shot,
            frame,
            measured=taken.measured,
            settle_s=taken.settle_s,
            capture_s=taken.capture_s,
            sharpness_relative=self._rings.relative(shot, frame.quality.sharpness) if frame.quality else None,
        )
