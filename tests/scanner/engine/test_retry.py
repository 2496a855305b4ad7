"""What is tried again, how often, and what a device that does not answer comes to."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from scanner.engine import staging
from scanner.errors import CameraGoneError, CameraTimeoutError, RigMissingError
from scanner.events import ShotFailed
from scanner.model import LockedSettings, WhiteBalance
from scanner.records import Job
from scanner.spec import CameraSettings, FixedExposure, FixedFocus
from scanner.states import ENDED, Command, JobState
from tests.scanner.jobs.following import Follower, a_scan
from tests.support.doubles import Failing, never
from tests.support.twin import dark, still

SILENT = CameraTimeoutError("no picture")


@pytest.fixture
def camera(app):
    return app.devices.cameras["main"]


@pytest.fixture
def impatient(monkeypatch) -> None:
    """Steps that take too long are noticed at once."""
    monkeypatch.setattr("scanner.engine.shooting.STEP_GRACE", 0.3)
    monkeypatch.setattr(staging, "HOMING", 0.3)
    monkeypatch.setattr(staging, "PREPARING", 0.3)
    monkeypatch.setattr("scanner.rig.lights.ANSWER", 0.3)


def failed_shots(follower: Follower) -> list[int]:
    follower.drain()
    return [one.event.shot for one in follower.seen if isinstance(one.event, ShotFailed)]


async def assert_paused_and_cured(app, follower, job: Job, reason: str, shots: int = 4) -> None:
    """The job stands still for a device's fault, safely; after the cure it takes what is missing."""
    assert (job.state, job.pause.by, job.pause.reason) == (JobState.PAUSED, "fault", reason)
    assert dark(app.devices)
    assert still(app.devices)
    await app.jobs.command(job.id, Command.RESUME, origin="test")
    ended = await follower.until(job.id, *ENDED, JobState.PAUSED)
    assert (ended.state, ended.result and ended.result.saved) == (JobState.COMPLETED, shots), ended.pause
    follower.drain()
    assert sorted(follower.announced) == list(range(1, shots + 1))


@pytest.mark.parametrize("times", [1, 2, 3])
async def test_an_exposure_is_tried_three_times(app, follower, camera, monkeypatch, times):
    capture = Failing(camera.capture, SILENT, times=times)
    monkeypatch.setattr(camera, "capture", capture)
    job = await app.jobs.submit_scan(a_scan(), "test")
    first = await follower.until(job.id, *ENDED, JobState.PAUSED)
    assert failed_shots(follower) == ([1] if times == 3 else [])
    if times == 3:
        assert first.shot == 1
        await assert_paused_and_cured(app, follower, first, "camera_timeout")
    else:
        assert first.result.saved == 4


async def test_a_restart_of_the_camera_that_fails_is_tried_again_with_the_next_attempt(
    app, follower, camera, monkeypatch
):
    job = await app.jobs.submit_scan(a_scan(shots=6), "test")
    await follower.photo()
    monkeypatch.setattr(camera, "open", Failing(camera.open, CameraGoneError("no answer"), times=1))
    monkeypatch.setattr(camera, "capture", Failing(camera.capture, SILENT, times=1))
    ended = await follower.until(job.id, *ENDED, JobState.PAUSED)
    assert (ended.state, ended.result and ended.result.saved) == (JobState.COMPLETED, 6), ended.pause
    assert failed_shots(follower) == []


async def test_a_live_picture_that_fails_while_settling_is_tried_again(app, follower, camera, monkeypatch):
    job = await app.jobs.submit_scan(a_scan(shots=6, settle="auto"), "test")
    await follower.photo()
    looking, left = camera.preview, [1]

    def preview() -> AsyncIterator[object]:
        async def frames() -> AsyncIterator[object]:
            if left:
                left.clear()
                raise SILENT
            async for frame in looking():
                yield frame

        return frames()

    monkeypatch.setattr(camera, "preview", preview)
    ended = await follower.until(job.id, *ENDED, JobState.PAUSED)
    assert ended.state is JobState.COMPLETED, ended.pause
    assert not left


@pytest.mark.usefixtures("impatient")
async def test_a_camera_that_never_answers(app, follower, camera, monkeypatch):
    job = await app.jobs.submit_scan(a_scan(), "test")
    await follower.photo()
    with monkeypatch.context() as broken:
        broken.setattr(camera, "capture", never)
        paused = await follower.until(job.id, *ENDED, JobState.PAUSED)
    assert paused.shot is not None
    await assert_paused_and_cured(app, follower, paused, "camera_timeout")


@pytest.mark.usefixtures("impatient")
async def test_a_live_picture_that_never_comes(app, follower, camera, monkeypatch):
    async def nothing() -> AsyncIterator[object]:
        await never()
        yield

    with monkeypatch.context() as broken:
        broken.setattr(camera, "preview", nothing)
        job = await app.jobs.submit_scan(a_scan(settle="auto"), "test")
        paused = await follower.until(job.id, *ENDED, JobState.PAUSED)
    await assert_paused_and_cured(app, follower, paused, "camera_timeout")


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("step", "reason"),
    [("turntable.move_to", "axis_stuck"), ("tilt.home", "axis_stuck"), ("camera.prepare", "camera_timeout")],
)
async def test_a_device_that_never_answers(app, follower, camera, monkeypatch, step, reason):
    device, method = step.split(".")
    it = camera if device == "camera" else getattr(app.devices, device)
    with monkeypatch.context() as broken:
        broken.setattr(it, method, never)
        job = await app.jobs.submit_scan(a_scan(), "test")
        paused = await follower.until(job.id, *ENDED, JobState.PAUSED)
    await assert_paused_and_cured(app, follower, paused, reason)


@pytest.mark.usefixtures("impatient")
async def test_a_light_that_never_answers(app, follower, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(app.devices.lights["ring"], "set", never)
        job = await app.jobs.submit_scan(a_scan(), "test")
        paused = await follower.until(job.id, *ENDED, JobState.PAUSED)
    await assert_paused_and_cured(app, follower, paused, "light_fault")


async def test_a_restart_that_never_ends_is_given_up(app, follower, camera, monkeypatch):
    monkeypatch.setattr("scanner.engine.shooting.STEP_GRACE", 0.2)
    monkeypatch.setattr("scanner.engine.shooting.RESTARTING", 0.0)
    job = await app.jobs.submit_scan(a_scan(shots=12), "test")
    await follower.photo()
    with monkeypatch.context() as broken:
        broken.setattr(camera, "open", never)
        broken.setattr(camera, "capture", Failing(camera.capture, SILENT, times=1))
        paused = await follower.until(job.id, *ENDED, JobState.PAUSED)
    assert paused.pause.by == "fault"
    await assert_paused_and_cured(app, follower, paused, paused.pause.reason, shots=12)


@pytest.mark.parametrize("exposure_us", [1000, 600_000])
async def test_with_long_exposures_settling_is_not_watched(app, follower, camera, monkeypatch, exposure_us):
    looks = []
    looking = camera.preview

    def preview():
        looks.append(1)
        return looking()

    monkeypatch.setattr(camera, "preview", preview)
    settings = CameraSettings(width=96, height=72, exposure=FixedExposure(shutter_us=exposure_us, gain=1.0))
    job = await app.jobs.submit_scan(a_scan(shots=2, settle="auto", camera=settings), "test")
    ended = await follower.until(job.id, *ENDED, JobState.PAUSED)
    assert ended.state is JobState.COMPLETED
    assert bool(looks) is (exposure_us == 1000)


async def test_a_size_that_the_camera_cannot_give_pauses_with_the_reason(app, follower, monkeypatch):
    """A rig that was changed between planning and scanning."""
    camera = app.devices.cameras["main"]
    job = await app.jobs.submit_scan(a_scan("one", "two"), "test")
    await follower.until(job.id, JobState.PAUSED)
    monkeypatch.setattr(camera, "info", replace(camera.info, width=64, height=64))
    await app.jobs.command(job.id, Command.RESUME, origin="test")
    paused = await follower.until(job.id, JobState.PAUSED, *ENDED)
    assert (paused.state, paused.pause.by) == (JobState.PAUSED, "fault")
    assert "96 x 72" in paused.pause.message


async def test_without_a_rig_a_job_stands_still_and_says_so(app, follower, monkeypatch):
    job = await app.jobs.submit_scan(a_scan("one", "two"), "test")
    await follower.until(job.id, JobState.PAUSED)

    def missing() -> None:
        message = "there is no rig"
        raise RigMissingError(message)

    monkeypatch.setattr(app.rig, "limits", missing)
    await app.jobs.command(job.id, Command.RESUME, origin="test")
    paused = await follower.until(job.id, JobState.PAUSED, *ENDED)
    assert (paused.pause.by, paused.pause.message) == ("fault", "there is no rig")


async def test_a_rig_that_cannot_be_opened_pauses_with_the_reason(app, follower, camera, monkeypatch):
    app.rig.report_fault(CameraGoneError("camera main is gone"))
    with monkeypatch.context() as broken:
        broken.setattr(camera, "open", Failing(camera.open, CameraGoneError("camera main does not answer")))
        job = await app.jobs.submit_scan(a_scan(), "test")
        paused = await follower.until(job.id, *ENDED, JobState.PAUSED)
        assert paused.pause.message == "camera main does not answer"
    await assert_paused_and_cured(app, follower, paused, "camera_gone")


def test_what_was_locked_replaces_every_auto():
    settings = CameraSettings()
    assert staging.held(settings, None) is settings
    balance = WhiteBalance(red=2.0, blue=1.5)
    locked = LockedSettings(exposure_us=8000, gain=2.0, white_balance=balance, lens_position=3.5, width=640, height=480)
    kept = staging.held(settings, locked)
    assert (kept.exposure, kept.white_balance) == (FixedExposure(shutter_us=8000, gain=2.0), balance)
    assert (kept.focus, kept.width, kept.height) == (FixedFocus(lens_position=3.5), 640, 480)
    assert staging.held(settings, replace(locked, lens_position=None)).focus == settings.focus
