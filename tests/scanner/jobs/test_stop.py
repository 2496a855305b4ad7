"""Stop, in every situation: motors still, lights really dark, and nothing goes on by itself."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from scanner.app import App
from scanner.errors import HardwareError, LightError
from scanner.events import ShotFailed
from scanner.hardware.sim.light import SimLight
from scanner.rig import RigPhase
from scanner.rig.lights import Lights
from scanner.states import ENDED, Command, JobState
from scanner.storage.work.writer import PassWriter
from tests.scanner.jobs.following import Follower, a_scan
from tests.support.doubles import Failing, Held
from tests.support.twin import brightness, dark, still

STEPS = ["turntable.home", "tilt.home", "turntable.move_to", "tilt.move_to", "camera.prepare", "camera.capture"]


def device(app: App, name: str) -> object:
    return app.devices.cameras["main"] if name == "camera" else getattr(app.devices, name)


async def assert_stopped(app: App, follower: Follower, job_id: str) -> None:
    paused = await follower.until(job_id, JobState.PAUSED, *ENDED)
    assert (paused.state, paused.pause.by, paused.pause.reason) == (JobState.PAUSED, "operator", "halted")
    async with app.rig._in_use:  # the run has let the rig go
        assert dark(app.devices)
        assert still(app.devices)
        assert app.rig.info().turntable.position is None


async def turning(app: App) -> None:
    """Wait until a motor runs."""
    async with asyncio.timeout(10):
        while still(app.devices):  # noqa: ASYNC110 - an axis announces no beginning
            await asyncio.sleep(0)


async def assert_goes_on(app: App, follower: Follower, job_id: str, photos: int) -> None:
    await app.jobs.command(job_id, Command.RESUME, origin="test")
    ended = await follower.until(job_id, *ENDED)
    assert (ended.state, ended.result.saved) == (JobState.COMPLETED, photos)
    follower.drain()
    assert sorted(follower.announced) == list(range(1, photos + 1))


@pytest.mark.parametrize("watched", [False, True])
@pytest.mark.parametrize("step", STEPS)
async def test_in_every_step_of_a_run(app, follower, monkeypatch, step, watched):
    name, method = step.split(".")
    held = Held(getattr(device(app, name), method))
    monkeypatch.setattr(device(app, name), method, held)
    await app.rig.watch(watched)
    job = await app.jobs.submit_scan(a_scan(), "test")
    await held.reached.wait()
    await app.rig.stop()
    assert dark(app.devices)
    held.let_go()
    await assert_stopped(app, follower, job.id)
    await assert_goes_on(app, follower, job.id, 4)


@pytest.mark.parametrize("watched", [False, True])
async def test_as_a_command_to_the_job(app, follower, watched):
    await app.rig.watch(watched)
    job = await app.jobs.submit_scan(a_scan(shots=12), "test")
    await follower.photo()
    await app.jobs.command(job.id, Command.HALT, origin="test")
    assert dark(app.devices)
    await assert_stopped(app, follower, job.id)
    await assert_goes_on(app, follower, job.id, 12)


async def test_whoever_still_looks_has_light_again_after_the_scan(app, follower):
    await app.rig.watch(watched=True)
    job = await app.jobs.submit_scan(a_scan(shots=6), "test")
    await follower.photo()
    await app.rig.stop()
    await assert_stopped(app, follower, job.id)
    await app.rig.watch(watched=True)  # looking is not using: it stays dark
    assert dark(app.devices)
    await assert_goes_on(app, follower, job.id, 6)
    assert brightness(app.devices) == {"ring": 1.0}


@pytest.mark.parametrize("watched", [False, True])
async def test_before_anything_moved_nothing_moves(app, follower, monkeypatch, watched):
    await app.rig.watch(watched)
    reading = Held(app.storage.get_session)
    monkeypatch.setattr(app.storage, "get_session", reading)
    homing, lighting = Held(app.devices.turntable.home), Held(app.devices.lights["ring"].set, when=lambda level: level)
    monkeypatch.setattr(app.devices.turntable, "home", homing)
    monkeypatch.setattr(app.devices.lights["ring"], "set", lighting)
    job = await app.jobs.submit_scan(a_scan(), "test")
    await reading.reached.wait()
    await app.rig.stop()
    reading.let_go()
    await follower.until(job.id, JobState.PAUSED)
    lighting.let_go()
    await assert_stopped(app, follower, job.id)
    assert not homing.reached.is_set()
    assert not lighting.reached.is_set()


async def test_while_a_scan_waits_for_a_hand_that_moves_the_rig(app, follower, monkeypatch):
    await app.rig.home()
    await app.rig.watch(watched=True)
    reading = Held(app.storage.get_session)
    monkeypatch.setattr(app.storage, "get_session", reading)
    job = await app.jobs.submit_scan(a_scan(), "test")
    await reading.reached.wait()
    moving = asyncio.ensure_future(app.rig.move(170.0, None))
    await turning(app)
    reading.let_go()
    await follower.until(job.id, JobState.RUNNING)
    await app.rig.stop()
    with pytest.raises(HardwareError):
        await moving
    await assert_stopped(app, follower, job.id)
    await assert_goes_on(app, follower, job.id, 4)


async def test_in_mid_move_no_shot_has_failed(app, follower):
    job = await app.jobs.submit_scan(a_scan(shots=12), "test")
    await follower.photo()
    await turning(app)
    await app.rig.stop()
    await assert_stopped(app, follower, job.id)
    assert app.jobs.get(job.id).shot is None
    follower.drain()
    assert not [one for one in follower.seen if isinstance(one.event, ShotFailed)]


async def test_what_waits_does_not_begin_either(app, follower, monkeypatch):
    """Stop while the running scan writes down that it is complete: the next one stays where it is."""
    finishing = Held(PassWriter.finish)
    monkeypatch.setattr(PassWriter, "finish", finishing)
    job = await app.jobs.submit_scan(a_scan(shots=2), "test")
    waiting = await app.jobs.submit_scan(a_scan(title="Second"), "test")
    await finishing.reached.wait()
    await app.rig.stop()
    finishing.let_go()
    ended = await follower.until(job.id, *ENDED, JobState.PAUSED)
    assert ended.state is JobState.COMPLETED
    assert (app.jobs.get(waiting.id).state, app.jobs.get(waiting.id).pause.reason) == (JobState.PAUSED, "halted")
    await assert_goes_on(app, Follower(app), waiting.id, 4)


async def test_between_two_passes(app, follower):
    job = await app.jobs.submit_scan(a_scan("one", "two"), "test")
    await follower.until(job.id, JobState.PAUSED)
    await app.rig.stop()
    assert app.jobs.get(job.id).pause.reason == "halted"
    await app.jobs.command(job.id, Command.RESUME, origin="test")
    ended = await follower.until(job.id, *ENDED)
    assert ended.result.saved == 8


async def test_cancel_together_with_stop_is_not_lost(app, follower):
    job = await app.jobs.submit_scan(a_scan(shots=12), "test")
    await follower.photo()
    await asyncio.gather(app.rig.stop(), app.jobs.command(job.id, Command.CANCEL, origin="test"))
    await follower.until(job.id, *ENDED)
    assert app.jobs.get(job.id).state is JobState.CANCELLED
    assert dark(app.devices)


async def test_a_light_that_is_just_being_switched_on_goes_out(app, follower, monkeypatch):
    """A driver with a thread of its own finishes what it began, whoever waits for it no longer."""
    light = app.devices.lights["ring"]
    slow = Held(light.set, when=lambda level: level > 0)

    async def in_a_thread(level: float) -> None:
        await asyncio.shield(asyncio.ensure_future(slow(level)))

    monkeypatch.setattr(light, "set", in_a_thread)
    job = await app.jobs.submit_scan(a_scan(), "test")
    await slow.reached.wait()
    stopping = asyncio.ensure_future(app.rig.stop())
    await follower.until(job.id, JobState.RUNNING)
    slow.let_go()
    await stopping
    assert dark(app.devices)
    await assert_stopped(app, follower, job.id)


async def test_a_dead_light_keeps_neither_motors_nor_other_lights_on(app, follower, monkeypatch):
    back = SimLight("back", 1.0)
    await back.open()
    lights = {"ring": app.devices.lights["ring"], "back": back}
    monkeypatch.setattr(app.rig, "_rig", replace(app.devices, lights=lights))
    monkeypatch.setattr(app.rig, "_lights", Lights(lights))
    job = await app.jobs.submit_scan(a_scan(shots=12), "test")
    await follower.photo()
    assert back.brightness == 1.0
    monkeypatch.setattr(lights["ring"], "set", Failing(lights["ring"].set, LightError("its wire is off")))
    with pytest.raises(LightError):
        await app.jobs.command(job.id, Command.HALT, origin="test")
    await follower.until(job.id, JobState.PAUSED)
    assert app.jobs.get(job.id).pause.reason == "halted"
    assert back.brightness == 0.0
    assert still(app.devices)
    assert app.rig.phase is RigPhase.FAULT
    await back.close()


async def test_by_hand_too(app):
    await app.rig.home()
    await app.rig.light("ring", 0.5)
    moving = asyncio.ensure_future(app.rig.move(170.0, None))
    await turning(app)
    await app.rig.stop()
    with pytest.raises(HardwareError):
        await moving
    assert dark(app.devices)
    assert still(app.devices)
