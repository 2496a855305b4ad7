"""What saving a photo costs against the bare durable write of the same bytes, shot by shot in turn."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from pathlib import Path

from scanner.clock import SystemClock
from scanner.model import CameraInfo, CameraName, Frame, LockedSettings, PhotoExposure, RigInfo, Viewpoint, WhiteBalance
from scanner.planning import Motion, RigLimits, make_plans
from scanner.spec import Listed, ScanSpec
from scanner.storage import NewPass, NewSession, StorageManager
from tests.benchmarks.table import Row, against, below, median

MS = 1000.0
CAMERA = CameraInfo(
    name=CameraName("main"),
    model="sim",
    make="sim",
    width=4608,
    height=2592,
    focal_mm=4.74,
    sensor_width_mm=6.45,
    f_number=1.8,
    bytes_per_photo=4_000_000,
)
LOCKED = LockedSettings(
    exposure_us=8000,
    gain=1.0,
    white_balance=WhiteBalance(red=1.0, blue=1.0),
    lens_position=None,
    width=4608,
    height=2592,
)
LIMITS = RigLimits(
    tilt=(0.0, 90.0),
    fixed_elevation=None,
    cameras=(CAMERA,),
    turntable=Motion(40.0, 80.0),
    tilt_motion=Motion(40.0, 80.0),
    speed=1.0,
)


def saving(directory: Path) -> list[Row]:
    """Photos of 4 MB and of 25 MB in turn with the floor, and many small ones for flatness."""
    rows = []
    for size, count in ((4_000_000, 150), (25_000_000, 40)):
        ours, floor = asyncio.run(_save(directory / str(size), size, count, floor=True))
        rows.append(
            against(
                f"saving a photo of {size // 1_000_000} MB", median(ours), median(floor), "ms", limit=1.2, spare=1.0
            )
        )
    many = 10_000
    ours, _ = asyncio.run(_save(directory / "many", 10_000, many, floor=False))
    first, last = median(ours[:500]), median(ours[-500:])
    rows.append(below(f"the last 500 of {many} photos of a session against the first 500", last / first, "x", 1.2))
    return rows


async def _save(directory: Path, size: int, count: int, *, floor: bool) -> tuple[list[float], list[float]]:
    """Milliseconds for each photo, ours and bare."""
    clock = SystemClock()
    storage = await StorageManager.open(data_dir=directory / "data", state_dir=directory / "state", clock=clock)
    bare = Floor(directory / "floor")
    ours_taken, floor_taken = [], []
    try:
        ring = Listed(viewpoints=tuple((360.0 * n / count, 20.0) for n in range(count)))
        ((spec, plan),) = make_plans(ScanSpec(title="bench", plan=ring), LIMITS)
        rig = RigInfo(name="bench", geometry=None, fixed_elevation=None, cameras=(CAMERA,))
        handle = await storage.create_session(
            NewSession(
                spec=ScanSpec(title="bench"),
                title="bench",
                passes=(NewPass(spec=spec, plan=plan),),
                origin="bench",
                created_from=None,
                rig=rig,
                submission=None,
            )
        )
        async with storage.open_pass(handle, spec.name, job_id="j-bench00", origin="bench") as writer:
            await writer.start({CAMERA.name: LOCKED})
            for shot in plan.shots:
                data = b"\xff\xd8\xff\xe0" + os.urandom(size - 6) + b"\xff\xd9"
                frame = Frame(data=data, width=4608, height=2592, exposure=_exposure())
                if floor:
                    floor_taken.append(bare.save(shot.index, data))
                begin = time.perf_counter()
                await writer.save(
                    shot, frame, measured=Viewpoint(shot.viewpoint.azimuth, 20.0), settle_s=0.1, capture_s=0.1
                )
                ours_taken.append((time.perf_counter() - begin) * MS)
            await writer.finish("completed")
    finally:
        bare.close()
        await storage.close()
    return ours_taken, floor_taken


def _exposure() -> PhotoExposure:
    return PhotoExposure(
        taken_at="2026-11-20T04:15:30.120Z",
        exposure_us=8000,
        gain=1.0,
        white_balance=WhiteBalance(red=1.0, blue=1.0),
        lens_position=None,
    )


class Floor:
    """The bare durable write: file, fsync, rename, fsync of the directory, a line to a journal, fsync."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True)
        self._directory = directory
        self._folder = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        self._journal = os.open(directory / "journal.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def save(self, number: int, data: bytes) -> float:
        """Milliseconds it took."""
        part, final = self._directory / f"{number}.part", self._directory / f"{number}.jpg"
        line = b'{"event":"saved","shot":%d,"sha256":"%s"}\n' % (number, hashlib.sha256(data[:64]).hexdigest().encode())
        begin = time.perf_counter()
        file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        view = memoryview(data)
        while view:
            view = view[os.write(file, view) :]
        os.fsync(file)
        os.close(file)
        part.rename(final)
        os.fsync(self._folder)
        os.write(self._journal, line)
        os.fsync(self._journal)
        return (time.perf_counter() - begin) * MS

    def close(self) -> None:
        """Let go of the files."""
        os.close(self._folder)
        os.close(self._journal)
