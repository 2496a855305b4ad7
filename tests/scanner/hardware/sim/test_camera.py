"""The simulated camera sees what truly is: angles, movement, light, faults."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing

import pytest

from scanner.clock import SystemClock, utc_text
from scanner.config import RigConfig, SimCamera, SimLight, SimTurntable
from scanner.errors import CameraGoneError, CameraTimeoutError
from scanner.hardware.sim.twin import Twin
from scanner.hardware.sim.world import World
from scanner.model import WhiteBalance
from scanner.quality import measure, stillness
from scanner.spec import CameraSettings, FixedExposure
from tests.scanner.hardware import markers
from tests.scanner.hardware.clocks import LeapClock
from tests.scanner.hardware.conftest import make_twin, rig_config
from tests.support.clock import ManualClock

Opener = Callable[..., Awaitable[Twin]]
VGA = SimCamera(width=640, height=480)


async def prepared(
    opened: Opener, clock: LeapClock, camera: SimCamera = VGA, settings: CameraSettings | None = None
) -> Twin:
    """A twin at 0 degrees of azimuth and 30 of elevation, standing still."""
    twin = await opened(rig_config(camera=camera), clock)
    await twin.tilt.move_to(30.0)
    await clock.sleep(1.0)
    await twin.cameras["main"].prepare(settings or CameraSettings())
    return twin


async def see(twin: Twin, clock: LeapClock, azimuth: float) -> float:
    """The plate's angle as markers in a photo show it, after a move to ``azimuth``."""
    await twin.turntable.move_to(azimuth)
    await clock.sleep(0.3)
    camera = twin.cameras["main"]
    return markers.azimuth(await camera.capture(), camera.info)


@pytest.fixture
def clock() -> LeapClock:
    return LeapClock()


@pytest.mark.parametrize("elevation", [20.0, 45.0])
async def test_markers_show_the_planned_angle_all_around(
    opened: Opener, clock: LeapClock, elevation: float, figures
) -> None:
    twin = await prepared(opened, clock)
    await twin.tilt.move_to(elevation)
    camera, worst = twin.cameras["main"], 0.0
    for azimuth in range(0, 360, 24):
        worst = max(worst, markers.off(await see(twin, clock, azimuth), azimuth))
    figures(f"elevation {elevation:g}: markers at most {worst:.2f} degrees off the plan")
    assert worst < 0.3
    x, y, z = markers.camera_place(await camera.capture(), camera.info)
    assert (x**2 + y**2 + (z - 38) ** 2) ** 0.5 == pytest.approx(280.0, abs=1.5)


async def test_markers_show_the_angle_through_a_distorting_lens(opened: Opener, clock: LeapClock) -> None:
    twin = await prepared(opened, clock, SimCamera(width=640, height=480, k1=-0.1))
    await twin.turntable.move_to(50.0)
    await clock.sleep(0.3)
    camera = twin.cameras["main"]
    x, y, _ = markers.camera_place(await camera.capture(), camera.info, k1=-0.1)
    assert markers.off(-markers.math.degrees(markers.math.atan2(y, x)), 50.0) < 0.3


@pytest.mark.parametrize(
    ("fault", "amount", "shown"),
    [("slip", 2.0, 92.0), ("table_ratio", -1.0, 270.0), ("table_ratio", 0.98, 88.2), ("table_ratio", 0.0, 0.0)],
)
async def test_pixels_tell_what_no_driver_notices(
    opened: Opener, clock: LeapClock, fault: str, amount: float, shown: float
) -> None:
    twin = await prepared(opened, clock)
    setattr(twin.faults, fault, amount)
    assert markers.off(await see(twin, clock, 90.0), shown) < 0.3
    assert twin.turntable.position == 90.0


async def test_pixels_show_backlash(opened: Opener, clock: LeapClock) -> None:
    twin = await opened(rig_config(turntable=SimTurntable(backlash=1.5), camera=VGA), clock)
    await twin.tilt.move_to(30.0)
    await twin.cameras["main"].prepare(CameraSettings())
    assert markers.off(await see(twin, clock, 60.0), 60.0) < 0.3
    assert markers.off(await see(twin, clock, 30.0), 31.5) < 0.3


async def test_a_photo_taken_too_early_is_off_and_blurred(opened: Opener, clock: LeapClock) -> None:
    twin = await prepared(opened, clock)
    camera = twin.cameras["main"]
    await twin.turntable.move_to(90.0)
    early = await camera.capture()
    await clock.sleep(0.3)
    settled, again = [await camera.capture() for _ in range(2)]
    still = measure(settled).sharpness
    assert measure(early).sharpness < 0.995 * still
    assert measure(again).sharpness == pytest.approx(still, rel=0.002)
    assert markers.off(markers.azimuth(settled, camera.info), 90.0) < 0.3
    assert stillness(early, settled) > 3 * stillness(settled, again)


async def test_a_photo_during_a_move_is_blurred() -> None:
    clock = ManualClock()
    twin = make_twin(rig_config(camera=VGA, turntable=SimTurntable(start_angle=0.0)), clock)
    camera = twin.cameras["main"]
    for device in (twin.turntable, camera, twin.lights["ring"]):
        await device.open()
    await twin.lights["ring"].set(1.0)
    await twin.turntable.home()
    preparing = asyncio.create_task(camera.prepare(CameraSettings(exposure=FixedExposure(shutter_us=20_000))))
    await clock.advance(1.0)
    await preparing
    move = asyncio.create_task(twin.turntable.move_to(90.0))
    await clock.advance(1.0)  # half way, at full speed: 45 degrees
    capture = asyncio.create_task(camera.capture())
    await clock.advance(0.02)
    moving = await capture
    await clock.advance(5.0)
    await move
    capture = asyncio.create_task(camera.capture())
    await clock.advance(0.02)
    still = await capture
    await camera.close()
    await twin.turntable.close()
    assert measure(moving).sharpness < 0.8 * measure(still).sharpness
    assert stillness(moving, still) > 20 * stillness(still, still) + 5


async def test_a_move_that_begins_during_an_exposure_is_seen() -> None:
    clock = ManualClock()
    twin = make_twin(rig_config(camera=VGA, turntable=SimTurntable(start_angle=0.0)), clock)
    camera = twin.cameras["main"]
    for device in (twin.turntable, camera):
        await device.open()
    await twin.turntable.home()
    preparing = asyncio.create_task(camera.prepare(CameraSettings(exposure=FixedExposure(shutter_us=400_000))))
    await clock.advance(1.0)
    await preparing
    pictures = []
    for moved in (False, True):
        capture = asyncio.create_task(camera.capture())  # in the room's light
        await clock.advance(0.1)
        move = asyncio.create_task(twin.turntable.move_to(20.0 if moved else 0.0))
        await clock.advance(5.0)
        await move
        pictures.append(await capture)
    await camera.close()
    await twin.turntable.close()
    assert stillness(*pictures) > 5


async def test_closing_during_an_exposure_gives_nothing(opened: Opener) -> None:
    twin = await opened(rig_config(), SystemClock(20.0))
    camera = twin.cameras["main"]
    await camera.prepare(CameraSettings(exposure=FixedExposure(shutter_us=1_000_000)))
    capture = asyncio.create_task(camera.capture())
    await asyncio.sleep(0)
    await camera.close()
    with pytest.raises(CameraGoneError, match="not open"):
        await capture


async def test_an_exposure_begins_after_the_call_and_takes_its_time(opened: Opener, clock: LeapClock) -> None:
    settings = CameraSettings(exposure=FixedExposure(shutter_us=50_000))
    twin = await prepared(opened, clock, settings=settings)
    begin, taken_at = clock.monotonic(), clock.now()
    exposure = await twin.cameras["main"].capture(ev=1.0)
    assert clock.monotonic() - begin == pytest.approx(0.1)
    assert exposure.taken_at == utc_text(taken_at)
    assert exposure.exposure_us == 100_000


async def test_photos_differ_by_their_noise_alone(opened: Opener, clock: LeapClock) -> None:
    twin = await prepared(opened, clock)
    first, second = [await twin.cameras["main"].capture() for _ in range(2)]
    assert first.yuv != second.yuv
    assert stillness(first, second) < 1.0
    other = make_twin(rig_config(camera=VGA), clock)
    assert other.cameras["main"].info == twin.cameras["main"].info


async def test_two_twins_take_the_same_photos(opened: Opener) -> None:
    pictures = []
    for _ in range(2):
        clock = LeapClock()
        twin = await prepared(opened, clock, SimCamera(width=320, height=240))
        pictures.append((await twin.cameras["main"].capture()).yuv)
    assert pictures[0] == pictures[1]


async def test_auto_exposure_follows_the_light(opened: Opener, clock: LeapClock) -> None:
    twin = await prepared(opened, clock)
    camera, ring = twin.cameras["main"], twin.lights["ring"]
    levels = {}
    for level in (1.0, 0.25):
        await ring.set(level)
        locked = await camera.prepare(CameraSettings())
        picture = measure(await camera.capture())
        levels[level] = locked
        assert 0.2 < picture.mean < 0.5
        assert picture.clipped < 0.01
    assert levels[0.25].exposure_us * levels[0.25].gain > 2.5 * levels[1.0].exposure_us


async def test_without_light_it_is_dark(opened: Opener, clock: LeapClock) -> None:
    twin = await prepared(opened, clock)
    lit = measure(await twin.cameras["main"].capture()).mean
    await twin.lights["ring"].set(0.0)
    assert measure(await twin.cameras["main"].capture()).mean < 0.3 * lit
    await twin.lights["ring"].close()
    assert measure(await twin.cameras["main"].capture()).mean < 0.3 * lit


async def test_a_rig_without_lights_stands_in_a_lit_room(opened: Opener, clock: LeapClock) -> None:
    twin = await opened(RigConfig(turntable=SimTurntable(), cameras={"main": VGA}, fixed_elevation=35.0), clock)
    camera = twin.cameras["main"]
    locked = await camera.prepare(CameraSettings())
    assert locked.gain == 1.0
    assert markers.camera_place(await camera.capture(), camera.info)[2] == pytest.approx(38 + 280 * 0.5736, abs=2)


async def test_a_stronger_light_needs_less_exposure(opened: Opener, clock: LeapClock) -> None:
    strong = await opened(rig_config(light=SimLight(power=2.0)), clock)
    usual = await opened(rig_config(), clock)
    exposures = [(await twin.cameras["main"].prepare(CameraSettings())).exposure_us for twin in (strong, usual)]
    assert exposures[0] == pytest.approx(exposures[1] / 2, rel=0.05)


async def test_white_balance_off_neutral_tints_the_picture(opened: Opener, clock: LeapClock) -> None:
    twin = await prepared(opened, clock, settings=CameraSettings(white_balance=WhiteBalance(red=3.0, blue=1.6)))
    red = await twin.cameras["main"].capture()
    v = red.yuv[-(640 * 480 // 4) :]
    assert sum(v) / len(v) > 132


async def test_turning_the_object_over_changes_the_picture(opened: Opener, clock: LeapClock) -> None:
    twin = await prepared(opened, clock)
    camera = twin.cameras["main"]
    upright = await camera.capture()
    twin.world.flip = (180.0, 0.0, 0.0)
    assert stillness(upright, await camera.capture()) > 10
    assert markers.off(await see(twin, clock, 10.0), 10.0) < 0.3


async def test_preview_frames_are_small_and_numbered(opened: Opener, clock: LeapClock) -> None:
    twin = await opened(rig_config(camera=SimCamera(width=1600, height=900)), clock)
    camera = twin.cameras["main"]
    async with aclosing(camera.preview()) as frames:
        begin = clock.monotonic()
        first, second = await anext(frames), await anext(frames)
        assert (first.width, first.height) == (640, 360)
        assert (first.number, second.number) == (1, 2)
        assert clock.monotonic() - begin == pytest.approx(1 / 12 + 0.02, abs=0.02)
        await camera.prepare(CameraSettings(width=1200, height=900))
        third = await anext(frames)
        assert (third.width, third.height) == (640, 480)
    async with aclosing(camera.preview()) as frames:
        assert (await anext(frames)).number == 4


async def test_a_preview_shows_whether_the_plate_stands_still(opened: Opener, clock: LeapClock) -> None:
    twin = await prepared(opened, clock)
    async with aclosing(twin.cameras["main"].preview()) as frames:
        first, second = await anext(frames), await anext(frames)
        rest = stillness(first, second)
        await twin.turntable.move_to(20.0)
        swinging, settled = await anext(frames), await anext(frames)
    assert stillness(swinging, settled) > 1.25 * rest
    assert stillness(settled, settled) == 0.0


async def test_a_small_camera_previews_at_its_own_size(opened: Opener, clock: LeapClock) -> None:
    twin = await opened(rig_config(), clock)
    async with aclosing(twin.cameras["main"].preview()) as frames:
        frame = await anext(frames)
    assert (frame.width, frame.height) == (320, 240)


# -- faults


async def test_so_many_captures_time_out(opened: Opener, clock: LeapClock) -> None:
    twin = await prepared(opened, clock)
    twin.faults.camera_timeouts = 2
    for _ in range(2):
        begin = clock.monotonic()
        with pytest.raises(CameraTimeoutError, match="within 3 s"):
            await twin.cameras["main"].capture()
        assert clock.monotonic() - begin == pytest.approx(3.0)
    assert await twin.cameras["main"].capture()


async def test_a_dead_camera_answers_nothing_until_cured(opened: Opener, clock: LeapClock) -> None:
    twin = await prepared(opened, clock)
    camera = twin.cameras["main"]
    twin.faults.camera_dead = True
    with pytest.raises(CameraGoneError, match="does not answer"):
        await camera.capture()
    with pytest.raises(CameraGoneError):
        await camera.prepare(CameraSettings())
    with pytest.raises(CameraGoneError):
        await anext(camera.preview())
    await camera.close()
    with pytest.raises(CameraGoneError):
        await camera.open()
    twin.faults.camera_dead = False
    await camera.open()
    await camera.prepare(CameraSettings())
    assert await camera.capture()


async def test_a_camera_that_dies_during_an_exposure_gives_nothing(opened: Opener) -> None:
    clock = SystemClock(20.0)
    twin = await opened(rig_config(), clock)
    camera = twin.cameras["main"]
    await camera.prepare(CameraSettings(exposure=FixedExposure(shutter_us=1_000_000)))
    capture = asyncio.create_task(camera.capture())
    await asyncio.sleep(0)
    twin.faults.camera_dead = True
    with pytest.raises(CameraGoneError):
        await capture


async def test_a_slow_camera_takes_longer(opened: Opener, clock: LeapClock) -> None:
    twin = await prepared(opened, clock, settings=CameraSettings(exposure=FixedExposure(shutter_us=10_000)))
    twin.faults.slow_camera = 2.0
    begin = clock.monotonic()
    await twin.cameras["main"].capture()
    assert clock.monotonic() - begin == pytest.approx(2.01)


async def test_overexposure_clips(opened: Opener, clock: LeapClock) -> None:
    twin = await prepared(opened, clock)
    twin.faults.overexposure = 2.0
    assert measure(await twin.cameras["main"].capture()).clipped > 0.05


async def test_defocus_blurs(opened: Opener, clock: LeapClock) -> None:
    twin = await prepared(opened, clock)
    sharp = measure(await twin.cameras["main"].capture()).sharpness
    twin.faults.defocus = 10.0
    assert measure(await twin.cameras["main"].capture()).sharpness < 0.5 * sharp


def test_a_world_shares_one_scene() -> None:
    world: World = make_twin().world
    assert world.scene() is world.scene()
