"""Live pictures: made only while somebody looks, encoded once, newest only."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from scanner.errors import CameraGoneError, CameraTimeoutError, DeviceNotFoundError, HardwareError
from scanner.hardware.api import PreviewFrame
from scanner.model import CameraName
from scanner.preview import LINGER, PACE, RETRY, PreviewHub, PreviewImage, Viewer
from tests.support.clock import ManualClock

MAIN = CameraName("main")


class ScriptedCamera:
    """A camera whose preview does what a test wants; it counts, and notices when two look through it at once."""

    def __init__(self) -> None:
        self.started = 0
        self.ended = 0
        self.asked = 0
        self.fault: HardwareError | None = None
        self.silent = False
        self.closing = asyncio.Event()
        self.closing.set()

    @property
    def running(self) -> int:
        return self.started - self.ended

    async def preview(self) -> AsyncIterator[PreviewFrame]:
        assert self.running == 0, "two previews of one camera at the same time"
        self.started += 1
        try:
            while True:
                self.asked += 1
                if self.fault is not None:
                    raise self.fault
                if self.silent:
                    await asyncio.Event().wait()
                await asyncio.sleep(0)
                yield PreviewFrame(camera=MAIN, width=2, height=2, yuv=b"yuv!!!", number=self.asked)
        finally:
            await self.closing.wait()
            self.ended += 1


class Scene:
    """A hub over one scripted camera, a clock, and what the hub told and encoded."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.camera = ScriptedCamera()
        self.told: list[bool] = []
        self.encoded: list[int] = []
        self.hub = PreviewHub(self._find, clock=clock, watched=self._tell, encode=self._encode)

    def _find(self, name: CameraName) -> ScriptedCamera:
        if name != MAIN:
            message = "the rig has no such camera"
            raise DeviceNotFoundError(message)
        return self.camera

    async def _tell(self, watched: bool) -> None:  # noqa: FBT001 - what is told is one
        await asyncio.sleep(0)
        self.told.append(watched)

    def _encode(self, frame: PreviewFrame) -> bytes:
        self.encoded.append(frame.number)
        return b"jpeg %d" % frame.number

    async def number(self, viewer: Viewer) -> int:
        """The number of the next picture this viewer sees."""
        what = await asyncio.wait_for(viewer.next(), 5)
        assert isinstance(what, PreviewImage)
        return what.number


@pytest.fixture
async def scene(manual_clock: ManualClock) -> AsyncIterator[Scene]:
    scene = Scene(manual_clock)
    yield scene
    scene.camera.closing.set()
    await scene.hub.close()


async def test_nothing_runs_until_somebody_looks(scene: Scene) -> None:
    assert scene.camera.started == 0
    with scene.hub.watch(MAIN) as viewer:
        picture = await asyncio.wait_for(viewer.next(), 5)
        assert picture == PreviewImage(MAIN, 1, 2, 2, b"jpeg 1")
        assert scene.told == [True]


async def test_a_frame_is_encoded_once_for_all(scene: Scene) -> None:
    viewers = [scene.hub.watch(MAIN) for _ in range(5)]
    for number in (1, 2, 3):
        assert [await scene.number(viewer) for viewer in viewers] == [number] * 5
        await scene.clock.advance(PACE)
    assert scene.camera.started == 1
    assert scene.encoded[:3] == [1, 2, 3]
    assert len(scene.encoded) == len(set(scene.encoded))


async def test_a_slow_viewer_sees_the_newest_only(scene: Scene) -> None:
    slow, quick = scene.hub.watch(MAIN), scene.hub.watch(MAIN)
    for _ in range(5):
        last = await scene.number(quick)
        await scene.clock.advance(PACE)
    last = await scene.number(quick)
    assert await scene.number(slow) == last == 6


async def test_pictures_keep_to_the_pace_of_the_world(scene: Scene) -> None:
    with scene.hub.watch(MAIN) as viewer:
        await scene.number(viewer)
        await scene.clock.advance(PACE * 0.9)
        assert scene.camera.asked == 1
        await scene.clock.advance(PACE * 0.2)
        assert await scene.number(viewer) == 2


async def test_it_stops_some_time_after_the_last_viewer_left(scene: Scene) -> None:
    with scene.hub.watch(MAIN) as viewer:
        await scene.number(viewer)
    await scene.clock.advance(LINGER - 0.1)
    assert scene.camera.running == 1
    assert scene.camera.asked == 1, "a frame that nobody will see is not asked for"
    await scene.clock.advance(0.2)
    assert scene.camera.running == 0
    assert scene.told == [True, False]


async def test_whoever_comes_back_in_time_finds_it_running_with_a_fresh_picture(scene: Scene) -> None:
    with scene.hub.watch(MAIN) as viewer:
        assert await scene.number(viewer) == 1
    await scene.clock.advance(LINGER / 2)
    with scene.hub.watch(MAIN) as viewer:
        assert await scene.number(viewer) == 2
        await scene.clock.advance(LINGER * 2)
        assert scene.camera.running == 1
    assert scene.camera.started == 1
    assert scene.told == [True]


async def test_one_of_two_viewers_leaving_stops_nothing(scene: Scene) -> None:
    with scene.hub.watch(MAIN) as stays:
        with scene.hub.watch(MAIN) as leaves:
            await scene.number(leaves)
        await scene.number(stays)
        await scene.clock.advance(LINGER * 2)
        assert await scene.number(stays) >= 2
        assert scene.camera.started == 1


async def test_a_new_preview_waits_until_the_old_one_let_the_camera_go(scene: Scene) -> None:
    scene.camera.closing.clear()
    with scene.hub.watch(MAIN) as viewer:
        await scene.number(viewer)
    await scene.clock.advance(LINGER + 0.1)
    assert scene.camera.running == 1, "it is being closed"
    with scene.hub.watch(MAIN) as viewer:
        await scene.clock.advance(0)
        assert scene.camera.started == 1
        scene.camera.closing.set()
        assert await scene.number(viewer) == 2
    assert scene.told[-1] is True


async def test_a_fault_is_shown_logged_once_and_tried_again(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    scene.camera.fault = CameraGoneError("camera main does not answer")
    with scene.hub.watch(MAIN) as viewer:
        assert await viewer.next() is scene.camera.fault
        await scene.clock.advance(RETRY)
        assert await viewer.next() is scene.camera.fault
        late = scene.hub.watch(MAIN)
        assert await late.next() is scene.camera.fault, "whoever comes later is told at once"
        late.close()
        scene.camera.fault = None
        await scene.clock.advance(RETRY)
        await scene.number(viewer)
    assert [record.getMessage() for record in caplog.records] == [
        "no preview of camera main: camera main does not answer",
        "preview of camera main is back",
    ]
    assert scene.camera.started == scene.camera.ended + 1 == 3


async def test_a_fault_of_our_own_is_logged_once_and_ends_nothing(
    scene: Scene, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    healthy = scene.camera.preview

    async def broken() -> AsyncIterator[PreviewFrame]:
        message = "a bug"
        raise ZeroDivisionError(message)
        yield

    monkeypatch.setattr(scene.camera, "preview", broken)
    with scene.hub.watch(MAIN) as viewer:
        assert isinstance(await viewer.next(), HardwareError)
        await scene.clock.advance(RETRY)
        assert isinstance(await viewer.next(), HardwareError)
        monkeypatch.setattr(scene.camera, "preview", healthy)
        await scene.clock.advance(RETRY)
        await scene.number(viewer)
    assert [record.getMessage() for record in caplog.records] == ["the preview of camera main failed"]
    assert caplog.records[0].exc_info is not None


async def test_a_preview_that_ends_is_begun_again(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    healthy = scene.camera.preview

    async def short() -> AsyncIterator[PreviewFrame]:
        return
        yield

    monkeypatch.setattr(scene.camera, "preview", short)
    with scene.hub.watch(MAIN) as viewer:
        await scene.clock.advance(0)
        monkeypatch.setattr(scene.camera, "preview", healthy)
        await scene.clock.advance(RETRY)
        assert await scene.number(viewer) == 1


async def test_a_camera_that_is_not_there(scene: Scene) -> None:
    with pytest.raises(DeviceNotFoundError):
        scene.hub.watch(CameraName("other"))


async def test_a_snapshot_is_one_picture(scene: Scene) -> None:
    assert (await scene.hub.snapshot(MAIN)).jpeg == b"jpeg 1"


async def test_a_snapshot_of_a_camera_that_failed(scene: Scene) -> None:
    scene.camera.fault = CameraGoneError("gone")
    with pytest.raises(CameraGoneError, match="gone"):
        await scene.hub.snapshot(MAIN)


async def test_a_snapshot_does_not_wait_for_ever(scene: Scene) -> None:
    scene.camera.silent = True
    with pytest.raises(CameraTimeoutError, match="gave no picture"):
        await scene.hub.snapshot(MAIN, patience=0.01)


async def test_closing_ends_everything(scene: Scene) -> None:
    viewer = scene.hub.watch(MAIN)
    await scene.number(viewer)
    waiting = asyncio.create_task(viewer.next())
    await asyncio.sleep(0)
    await scene.hub.close()
    assert await waiting is None
    assert await viewer.next() is None
    assert scene.camera.running == 0
    assert scene.told == [True, False]
    viewer.close()
    await scene.hub.close()


async def test_closing_in_mid_farewell(scene: Scene) -> None:
    with scene.hub.watch(MAIN) as viewer:
        await scene.number(viewer)
    await scene.hub.close()
    assert scene.camera.running == 0


async def test_after_closing_nobody_sees_anything(scene: Scene) -> None:
    await scene.hub.close()
    assert await scene.hub.watch(MAIN).next() is None
    with pytest.raises(CameraTimeoutError, match="stops"):
        await scene.hub.snapshot(MAIN)
    assert scene.camera.started == 0


async def test_without_anybody_to_tell(manual_clock: ManualClock) -> None:
    camera = ScriptedCamera()
    hub = PreviewHub(lambda _: camera, clock=manual_clock, encode=lambda _: b"jpeg")
    with hub.watch(MAIN) as viewer:
        assert await viewer.next() is not None
    await hub.close()
