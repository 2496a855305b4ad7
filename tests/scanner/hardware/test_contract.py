"""What every driver must do, whatever it drives. A new driver gets a row in each of the three tables, no more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing

import pytest

from scanner.clock import SystemClock
from scanner.errors import (
    AxisLimitError,
    CameraError,
    CameraGoneError,
    DeviceBusyError,
    HardwareError,
    LightError,
    PositionUnknownError,
    SpecError,
)
from scanner.hardware.api import Axis, Camera, Light
from scanner.model import LockedSettings, WhiteBalance
from scanner.spec import CameraSettings, FixedExposure, FixedFocus
from tests.scanner.hardware.conftest import SPEED, make_twin
from tests.support.leaks import leaked_threads, threads

CLOCK = SystemClock(SPEED)


def sim_turntable() -> Axis:
    return make_twin(clock=CLOCK).turntable


def sim_tilt() -> Axis:
    axis = make_twin(clock=CLOCK).tilt
    assert axis is not None
    return axis


def sim_camera() -> Camera:
    return next(iter(make_twin(clock=CLOCK).cameras.values()))


def sim_light() -> Light:
    return make_twin(clock=CLOCK).lights["ring"]


AXES = {"sim turntable": sim_turntable, "sim tilt": sim_tilt}
CAMERAS = {"sim": sim_camera}
LIGHTS = {"sim": sim_light}


@pytest.fixture(params=AXES.values(), ids=AXES)
async def axis(request: pytest.FixtureRequest) -> AsyncIterator[Axis]:
    device = request.param()
    yield device
    await device.close()


@pytest.fixture(params=CAMERAS.values(), ids=CAMERAS)
async def camera(request: pytest.FixtureRequest) -> AsyncIterator[Camera]:
    device = request.param()
    yield device
    await device.close()


@pytest.fixture(params=LIGHTS.values(), ids=LIGHTS)
async def light(request: pytest.FixtureRequest) -> AsyncIterator[Light]:
    device = request.param()
    yield device
    await device.close()


def far(axis: Axis) -> float:
    """An angle that takes a while to reach."""
    return axis.info.lowest + min(170.0, axis.info.highest - axis.info.lowest)


async def homed(axis: Axis) -> Axis:
    await axis.open()
    await axis.home()
    return axis


async def ready(camera: Camera, settings: CameraSettings | None = None) -> LockedSettings:
    await camera.open()
    return await camera.prepare(settings or CameraSettings())


async def under_way(axis: Axis) -> asyncio.Task[None]:
    """A move that has really begun."""
    begin = axis.position
    task = asyncio.create_task(axis.move_to(far(axis)))
    while axis.position == begin:  # noqa: ASYNC110 - a motor has no event
        await asyncio.sleep(0)
    return task


# -- axes


async def test_an_axis_knows_its_place_only_after_homing(axis: Axis) -> None:
    await axis.open()
    assert axis.position is None
    with pytest.raises(PositionUnknownError, match=axis.info.name):
        await axis.move_to(axis.info.lowest)
    await axis.home()
    assert axis.position == axis.info.lowest


async def test_an_axis_arrives_exactly(axis: Axis) -> None:
    await homed(axis)
    for angle in (10.5, 30.25, 10.5):
        await axis.move_to(axis.info.lowest + angle)
        assert axis.position == pytest.approx(axis.info.lowest + angle, abs=1e-9)


async def test_an_axis_refuses_what_it_cannot_reach(axis: Axis) -> None:
    await homed(axis)
    if axis.info.endless:
        await axis.move_to(3 * 360.0 + 7.0)
        assert axis.position == pytest.approx(7.0)
        return
    for angle in (axis.info.lowest - 0.1, axis.info.highest + 0.1):
        with pytest.raises(AxisLimitError, match=f"{axis.info.lowest:g} to {axis.info.highest:g}"):
            await axis.move_to(angle)
    assert axis.position == axis.info.lowest


async def test_stopping_an_axis_loses_its_position(axis: Axis) -> None:
    await homed(axis)
    move = await under_way(axis)
    await axis.stop()
    with pytest.raises(PositionUnknownError, match="stopped"):
        await move
    assert axis.position is None
    with pytest.raises(PositionUnknownError):
        await axis.move_to(axis.info.lowest)
    await axis.home()
    assert axis.position == axis.info.lowest


async def test_stopping_an_axis_at_rest_loses_its_position_too(axis: Axis) -> None:
    await homed(axis)
    await axis.stop()
    assert axis.position is None


async def test_cancelling_a_move_stops_the_motor_where_it_is(axis: Axis) -> None:
    await homed(axis)
    move = await under_way(axis)
    move.cancel()
    with pytest.raises(asyncio.CancelledError):
        await move
    at = axis.position
    assert at is not None
    assert axis.info.lowest < at < far(axis)
    await CLOCK.sleep(1.0)
    assert axis.position == at
    await axis.move_to(far(axis))
    assert axis.position == pytest.approx(far(axis))


async def test_homing_can_be_stopped_and_cancelled(axis: Axis) -> None:
    await homed(axis)
    await axis.move_to(far(axis))
    homing = asyncio.create_task(axis.home())
    await asyncio.sleep(0)
    await axis.stop()
    with pytest.raises(PositionUnknownError):
        await homing
    homing = asyncio.create_task(axis.home())
    await asyncio.sleep(0)
    homing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await homing
    assert axis.position is None


async def test_an_axis_serves_one_caller_at_a_time(axis: Axis) -> None:
    await homed(axis)
    move = await under_way(axis)
    with pytest.raises(DeviceBusyError, match=axis.info.name):
        await axis.move_to(axis.info.lowest)
    await move
    assert axis.position == pytest.approx(far(axis))


async def test_an_axis_opens_once(axis: Axis) -> None:
    await axis.open()
    with pytest.raises(DeviceBusyError, match="in use already"):
        await axis.open()


async def test_closing_an_axis_twice_leaves_it_off_and_usable(axis: Axis) -> None:
    await homed(axis)
    await axis.close()
    await axis.close()
    assert axis.position is None
    with pytest.raises(HardwareError, match="not open"):
        await axis.home()
    await homed(axis)
    assert axis.position == axis.info.lowest


async def test_closing_an_axis_ends_its_move(axis: Axis) -> None:
    await homed(axis)
    move = await under_way(axis)
    await axis.close()
    with pytest.raises(PositionUnknownError):
        await move


async def test_an_axis_says_how_it_moves(axis: Axis) -> None:
    info = axis.info
    assert info.lowest < info.highest
    assert info.speed > 0
    assert info.acceleration > 0
    assert info.driver


# -- cameras


async def test_a_camera_gives_what_it_locked(camera: Camera) -> None:
    locked = await ready(camera)
    exposure = await camera.capture()
    assert (exposure.width, exposure.height) == (locked.width, locked.height)
    assert len(exposure.yuv) == exposure.width * exposure.height * 3 // 2
    assert exposure.camera == camera.info.name
    assert exposure.exposure_us == locked.exposure_us
    assert exposure.gain == locked.gain
    assert exposure.white_balance == locked.white_balance
    assert exposure.lens_position == locked.lens_position
    assert exposure.taken_at.endswith("Z")


async def test_a_camera_keeps_to_what_is_fixed(camera: Camera) -> None:
    settings = CameraSettings(
        width=camera.info.width // 4 * 2,
        exposure=FixedExposure(shutter_us=5000, gain=2.0),
        white_balance=WhiteBalance(red=2.5, blue=1.5),
        focus=FixedFocus(lens_position=3.0),
    )
    locked = await ready(camera, settings)
    assert (locked.exposure_us, locked.gain, locked.lens_position) == (5000, 2.0, 3.0)
    assert locked.white_balance == WhiteBalance(red=2.5, blue=1.5)
    assert locked.width == camera.info.width // 4 * 2
    assert locked.width / locked.height == pytest.approx(camera.info.width / camera.info.height, rel=0.02)


async def test_a_camera_brackets(camera: Camera) -> None:
    locked = await ready(camera)
    brighter = await camera.capture(ev=1.0, focus=2.0)
    assert brighter.exposure_us == pytest.approx(2 * locked.exposure_us, abs=1)
    assert brighter.lens_position == 2.0
    assert (await camera.capture()).exposure_us == locked.exposure_us


@pytest.mark.parametrize("size", [{"width": 16_384}, {"height": 16_384}, {"width": 201}, {"height": 101}])
async def test_a_camera_refuses_sizes_it_cannot_give(camera: Camera, size: dict[str, int]) -> None:
    await camera.open()
    with pytest.raises(SpecError) as caught:
        await camera.prepare(CameraSettings(**size))
    assert f"camera.{next(iter(size))}" in {fault["path"] for fault in caught.value.detail["errors"]}


async def test_a_camera_wants_to_be_opened_and_prepared(camera: Camera) -> None:
    with pytest.raises(CameraGoneError, match="not open"):
        await camera.prepare(CameraSettings())
    await camera.open()
    with pytest.raises(CameraError, match="not prepared"):
        await camera.capture()


async def test_a_camera_opens_once(camera: Camera) -> None:
    await camera.open()
    with pytest.raises(DeviceBusyError, match="in use already"):
        await camera.open()


async def test_a_cancelled_opening_lets_go(camera: Camera) -> None:
    opening = asyncio.create_task(camera.open())
    await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    await ready(camera)
    assert await camera.capture()


async def test_closing_a_camera_twice_leaves_it_usable(camera: Camera) -> None:
    await ready(camera)
    await camera.close()
    await camera.close()
    with pytest.raises(CameraError):
        await camera.capture()
    await ready(camera)
    assert await camera.capture()


async def test_a_camera_whose_closing_is_cancelled_lets_go_all_the_same(camera: Camera) -> None:
    """The daemon stops while a camera that gave no picture is being restarted."""
    before = threads()
    await ready(camera)
    closing = asyncio.ensure_future(camera.close())
    await asyncio.sleep(0)
    closing.cancel()
    await asyncio.gather(closing, return_exceptions=True)
    assert leaked_threads(before) == []
    await ready(camera)
    assert await camera.capture()


async def test_a_preview_runs_until_it_is_closed(camera: Camera) -> None:
    await camera.open()
    async with aclosing(camera.preview()) as frames:
        seen = [await anext(frames) for _ in range(3)]
    assert [frame.number - seen[0].number for frame in seen] == [0, 1, 2]
    for frame in seen:
        assert frame.camera == camera.info.name
        assert len(frame.yuv) == frame.width * frame.height * 3 // 2
        assert frame.width / frame.height == pytest.approx(camera.info.width / camera.info.height, rel=0.02)


async def test_captures_and_previews_go_side_by_side(camera: Camera) -> None:
    await ready(camera)
    async with aclosing(camera.preview()) as frames, asyncio.TaskGroup() as group:
        captures = [group.create_task(camera.capture()) for _ in range(3)]
        await asyncio.sleep(0)  # they have begun
        await anext(frames)
        assert all(capture.done() for capture in captures)  # they went first
    assert len({capture.result().yuv for capture in captures}) == 3


async def test_closing_a_camera_ends_its_preview(camera: Camera) -> None:
    await camera.open()
    async with aclosing(camera.preview()) as frames:
        await anext(frames)
        await camera.close()
        with pytest.raises(CameraGoneError):
            await anext(frames)


async def test_a_cancelled_capture_leaves_the_camera_usable(camera: Camera) -> None:
    await ready(camera, CameraSettings(exposure=FixedExposure(shutter_us=10_000_000)))
    capture = asyncio.create_task(camera.capture())
    await asyncio.sleep(0)
    capture.cancel()
    with pytest.raises(asyncio.CancelledError):
        await capture
    await camera.prepare(CameraSettings())
    assert await camera.capture()


# -- lights


async def test_a_light_takes_levels_from_0_to_1(light: Light) -> None:
    await light.open()
    for level in (0.0, 0.5, 1.0):
        await light.set(level)
    for level in (-0.01, 1.01):
        with pytest.raises(LightError, match=light.name):
            await light.set(level)


async def test_a_light_opens_once_and_closes_twice(light: Light) -> None:
    with pytest.raises(LightError, match="not open"):
        await light.set(1.0)
    await light.open()
    with pytest.raises(DeviceBusyError, match="in use already"):
        await light.open()
    await light.close()
    await light.close()
    with pytest.raises(LightError):
        await light.set(1.0)


@pytest.mark.parametrize("table", [AXES, CAMERAS, LIGHTS])
def test_every_table_begins_with_the_twin(table: dict[str, Callable[[], object]]) -> None:
    assert next(iter(table)).startswith("sim")
