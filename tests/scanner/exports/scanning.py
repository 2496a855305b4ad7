"""Scans of the twin through the whole product, as a person orders them: a job, its photos on disk, their export."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from scanner.app import App, open_app
from scanner.config import SimTurntable, demo_config
from scanner.events import JobChanged
from scanner.model import Geometry, PhotoName, RigInfo, Viewpoint
from scanner.records import Job
from scanner.spec import CameraSettings, ScanSpec
from scanner.states import ENDED, JobState

GEOMETRY = Geometry(distance=280.0, target_height=38.0)
SMALL = CameraSettings(width=640, height=480)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """A scan on disk: the files of its photos and where the plan had them taken; ``export`` is its COLMAP export."""

    photos: Mapping[PhotoName, Path]
    planned: Mapping[PhotoName, Viewpoint]
    size: tuple[int, int]
    focal: float  # pixels
    export: Path


@asynccontextmanager
async def twin(folder: Path, *, speed: float, turntable: SimTurntable | None = None) -> AsyncIterator[App]:
    """The product with a twin, all its files below ``folder``."""
    config = demo_config(folder, 0, speed)
    assert config.rig is not None
    rig = replace(config.rig, turntable=turntable or SimTurntable(), geometry=GEOMETRY)
    app = await open_app(replace(config, rig=rig), demo=True)
    try:
        yield app
    finally:
        await app.close()


async def scan(app: App, spec: ScanSpec) -> Scanned:
    """Scan and export; the job must complete."""
    job = await _completed(app, await app.jobs.submit_scan(spec, "test"))
    assert job.session_id is not None
    export = await _completed(app, await app.jobs.submit_export(job.session_id, "colmap", "test"))
    assert export.result is not None
    assert export.result.path is not None
    photos = await app.storage.photos(job.session_id, None)
    rig: RigInfo = (await app.storage.pass_document(job.session_id, photos[0].pass_)).rig
    lens = rig.cameras[0]
    return Scanned(
        photos={photo.name: await app.storage.photo_file(job.session_id, photo.name) for photo in photos},
        planned={photo.name: Viewpoint(photo.azimuth, photo.elevation) for photo in photos},
        size=(photos[0].width, photos[0].height),
        focal=lens.focal_mm / lens.sensor_width_mm * photos[0].width,
        export=app.config.data_dir / export.result.path,
    )


async def _completed(app: App, job: Job) -> Job:
    """The job once it has ended; an error if it pauses or ends otherwise than completed."""
    events, _ = app.bus.subscribe()
    try:
        now = app.jobs.get(job.id)
        while now.state not in ENDED:
            assert now.state is not JobState.PAUSED, now.pause
            envelope = await events.next()
            assert envelope is not None, events.dropped
            if isinstance(envelope.event, JobChanged) and envelope.event.job_id == job.id:
                now = app.jobs.get(job.id)
    finally:
        events.close()
    assert now.state is JobState.COMPLETED, now.error
    return now
