"""RigControl over the twin: by hand, lent to a pass, stopped."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from scanner.clock import SystemClock
from scanner.errors import (
    AxisError,
    CameraGoneError,
    DeviceBusyError,
    DeviceNotFoundError,
    InvalidError,
    LightError,
    PositionUnknownError,
    RigBusyError,
    RigMissingError,
)
from scanner.events import EventBus, RigChanged
from scanner.hardware.sim.faults import Faults
from scanner.model import CameraName
from scanner.rig import RigControl, RigPhase
from tests.support.doubles import Failing, Held
from tests.support.twin import brightness, dark, still


@pytest.fixture
def bus() -> EventBus:
    return EventBus(boot="b", clock=SystemClock())


@pytest.fixture
async def control(rig, bus, demo):
    control = RigControl(rig, clock=SystemClock(demo.rig.speed), bus=bus)
    await control.open()
    yield control
    await control.close()


@pytest.fixture
def twin_faults(rig) -> Faults:
    """The faults of the twin's devices, to be changed."""
    return rig.turntable._faults


async def begin_move(control, bus) -> asyncio.Future[None]:
    """A long move by hand that has begun."""
    subscriber, _ = bus.subscribe()
    moving = asyncio.ensure_future(control.move(170.0, None))
    while (await subscriber.next()).event.state != "moving":
        pass
    subscriber.close()
    return moving


async def test_opens_homes_moves_and_says_where_it_is(control):
    assert control.phase is RigPhase.READY
    with pytest.raises(PositionUnknownError):
        control.measured()
    with pytest.raises(PositionUnknownError):
        await control.move(10.0, None)
    assert control.phase is RigPhase.READY  # no device is broken
    await control.home()
    await control.move(30.0, 40.0)
    where = control.measured()
    assert (where.azimuth, where.elevation) == pytest.approx((30.0, 40.0))
    info = control.info()
    assert info.state is RigPhase.READY
    assert info.homed_at is not None
    assert info.turntable is not None
    assert info.turntable.position == pytest.approx(30.0)


async def test_limits_and_description_name_all_devices(control, demo):
    limits = control.limits()
    assert limits.speed == demo.rig.speed
    assert limits.tilt is not None
    described = control.describe()
    assert [camera.name for camera in described.cameras] == list(demo.rig.cameras)
    assert described.fixed_elevation is None


async def test_two_moves_at_once_are_refused(control, bus):
    await control.home()
    moving = await begin_move(control, bus)
    with pytest.raises(RigBusyError):
        await control.move(10.0, None)
    async with control.lease():  # a pass waits until nobody moves the rig by hand
        assert moving.done()


async def test_a_lease_keeps_everybody_else_off_and_leaves_the_lights_off(control):
    async with control.lease():
        assert control.phase is RigPhase.SCANNING
        await control.set_lights({"ring": 1.0})
        with pytest.raises(RigBusyError):
            await control.home()
    assert control.phase is RigPhase.READY
    assert [light.level for light in control.info().lights] == [0.0]


async def test_stop_cuts_the_motors_and_tells_who_asked_to_know(control, bus):
    told = []
    control.on_stop(lambda: told.append(control.phase))
    await control.home()
    moving = await begin_move(control, bus)
    await control.stop()
    with pytest.raises(AxisError):
        await moving
    assert told == [RigPhase.MOVING]
    with pytest.raises(PositionUnknownError):
        control.measured()
    await control.home()
    assert control.measured().azimuth == pytest.approx(0.0)


async def test_the_lights_follow_whoever_looks_while_the_rig_is_idle(control):
    await control.watch(watched=True)
    assert control.info().lights[0].level == 1.0
    async with control.lease():
        await control.set_lights({"ring": 0.5})
        await control.watch(watched=True)
        assert control.info().lights[0].level == 0.5
    assert control.info().lights[0].level == 1.0
    await control.watch(watched=False)
    assert control.info().lights[0].level == 0.0
    await control.light("ring", 0.25)
    assert control.info().lights[0].level == 0.25


@pytest.mark.parametrize("call", ["light", "camera"])
async def test_unknown_devices_are_named(control, call):
    with pytest.raises(DeviceNotFoundError) as caught:
        if call == "light":
            await control.light("moon", 1.0)
        else:
            control.camera(CameraName("moon"))
    assert "moon" in caught.value.message


async def test_a_rig_that_cannot_be_opened_is_a_state(rig, bus, control):
    second = RigControl(rig, clock=SystemClock(), bus=bus)
    await second.open()
    assert second.phase is RigPhase.FAULT
    assert second.info().message
    with pytest.raises((RigMissingError, DeviceBusyError)):
        await second.home()
    await second.close()
    await control.home()


async def test_without_a_rig_everything_says_what_is_missing(bus):
    control = RigControl(None, clock=SystemClock(), bus=bus)
    await control.open()
    assert control.phase is RigPhase.MISSING
    assert control.info().message == "the configuration has no section `rig`"
    for call in (control.limits, control.describe, control.measured):
        with pytest.raises(RigMissingError):
            call()
    with pytest.raises(RigMissingError):
        await control.home()
    await control.stop()
    await control.close()


async def test_every_change_is_announced(control, bus):
    subscriber, _ = bus.subscribe()
    await control.home()
    states = []
    while subscriber._facts:
        event = (await subscriber.next()).event
        assert isinstance(event, RigChanged)
        states.append(event.state)
    assert states[0] == "moving"
    assert states[-1] == "ready"
    subscriber.close()


async def test_a_light_set_by_hand_is_announced_once_when_it_shines(control, bus):
    subscriber, _ = bus.subscribe()
    await control.light("ring", 0.25)
    assert [envelope.event.state for envelope in subscriber._facts] == ["ready"]
    assert control.info().lights[0].level == 0.25
    subscriber.close()


@pytest.mark.parametrize(("azimuth", "elevation", "path"), [(None, 90.0, "elevation"), (1e9, None, "azimuth")])
async def test_what_is_out_of_range_is_refused_and_breaks_nothing(control, azimuth, elevation, path):
    await control.home()
    with pytest.raises(InvalidError) as caught:
        await control.move(azimuth, elevation)
    assert caught.value.detail["errors"][0]["path"] == path
    assert control.phase is RigPhase.READY
    await control.move(10.0, 20.0)


async def test_the_lamp_comes_back_after_a_fault_and_goes_with_whoever_looks(control, rig, twin_faults):
    """Known and real brightness do not part, whatever happens between."""
    await control.home()
    await control.watch(watched=True)
    twin_faults.stuck_table = True
    with pytest.raises(AxisError):
        await control.move(90.0, None)
    assert control.phase is RigPhase.FAULT
    assert dark(rig)
    twin_faults.stuck_table = False
    async with control.lease():
        await control.set_lights({"ring": 1.0})
        assert brightness(rig) == {"ring": 1.0}
    assert brightness(rig) == {"ring": 1.0}  # for whoever looks
    await control.watch(watched=False)
    assert dark(rig)


async def test_whoever_leaves_during_a_fault_or_a_move_leaves_no_light_on(control, rig, bus, twin_faults):
    await control.home()
    await control.watch(watched=True)
    moving = await begin_move(control, bus)
    await control.watch(watched=False)
    await moving
    assert dark(rig)
    await control.watch(watched=True)
    twin_faults.stuck_table = True
    with pytest.raises(AxisError):
        await control.move(90.0, None)
    await control.watch(watched=False)
    assert dark(rig)


async def test_two_at_once_find_a_rig_that_failed(control, twin_faults):
    """One opens it and moves, the other is refused: nobody opens what is open."""
    twin_faults.stuck_table = True
    with pytest.raises(AxisError):
        await control.home()
    twin_faults.stuck_table = False
    answers = await asyncio.gather(control.home(), control.home(), return_exceptions=True)
    assert [type(answer) for answer in answers] == [type(None), RigBusyError]
    assert control.phase is RigPhase.READY


async def test_stop_tries_everything_whatever_fails(control, rig, monkeypatch, bus):
    await control.home()
    await control.light("ring", 1.0)
    moving = await begin_move(control, bus)
    light = rig.lights["ring"]
    monkeypatch.setattr(light, "set", Failing(light.set, LightError("its wire is off")))
    stopping = Held(rig.turntable.stop)
    monkeypatch.setattr(rig.turntable, "stop", stopping)
    stop = asyncio.ensure_future(control.stop())
    await stopping.reached.wait()
    stopping.let_go()
    with pytest.raises(LightError):
        await stop
    with pytest.raises(AxisError):
        await moving
    assert still(rig)
    assert control.phase is RigPhase.FAULT


async def test_an_axis_that_fails_stops_the_other(control, rig, twin_faults):
    await control.home()
    twin_faults.stuck_tilt = True
    with pytest.raises(AxisError):
        await control.move(170.0, 60.0)
    assert still(rig)


@pytest.mark.parametrize("again", [False, True])
async def test_a_camera_that_is_not_back_is_a_fault_until_it_is(control, rig, monkeypatch, again):
    camera = rig.cameras[CameraName("main")]
    monkeypatch.setattr(camera, "open", Failing(camera.open, CameraGoneError("no answer"), times=1))
    async with control.lease():
        with pytest.raises(CameraGoneError):
            await control.reopen_camera(CameraName("main"))
        assert control.phase is RigPhase.FAULT
        if again:
            await control.reopen_camera(CameraName("main"))
            assert control.phase is RigPhase.SCANNING
            await control.reopen_camera(CameraName("main"))
    assert control.phase is (RigPhase.READY if again else RigPhase.FAULT)
    await control.home()  # opens a rig that failed
    assert control.phase is RigPhase.READY


async def test_a_light_that_fails_while_nobody_uses_the_rig_is_a_fault(control, rig, monkeypatch, caplog):
    light = rig.lights["ring"]
    monkeypatch.setattr(light, "set", Failing(light.set, LightError("its wire is off")))
    await control.watch(watched=True)
    assert control.phase is RigPhase.FAULT
    assert "its wire is off" in caplog.text


async def test_a_rig_without_tilt_says_so(rig, bus, demo):
    fixed = RigControl(replace(rig, tilt=None, fixed_elevation=25.0), clock=SystemClock(demo.rig.speed), bus=bus)
    await fixed.open()
    assert (fixed.info().tilt, fixed.info().fixed_elevation) == (None, 25.0)
    assert fixed.describe().fixed_elevation == 25.0
    assert (fixed.limits().tilt, fixed.limits().fixed_elevation) == (None, 25.0)
    with pytest.raises(DeviceNotFoundError):
        await fixed.move(None, 30.0)
    await fixed.home()
    await fixed.move(30.0, None)
    assert fixed.measured().elevation == 25.0
    await fixed.close()


async def test_a_closed_rig_is_opened_by_whoever_uses_it(rig, bus, demo):
    control = RigControl(rig, clock=SystemClock(demo.rig.speed), bus=bus)
    async with control.lease():
        assert control.phase is RigPhase.SCANNING
    await control.close()
    await control.close()
    assert control.phase is RigPhase.CLOSED
