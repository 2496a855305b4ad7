"""The simulated camera: photographs the world as it truly stands during the exposure."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from scanner.clock import Clock, utc_text
from scanner.config import SimCamera as Settings
from scanner.errors import CameraError, CameraGoneError, CameraTimeoutError, DeviceBusyError, SpecError
from scanner.hardware.api import PreviewFrame
from scanner.hardware.sim.lens import Lens, View
from scanner.hardware.sim.metering import Metering
from scanner.hardware.sim.photograph import photograph
from scanner.hardware.sim.sensor import Development, Noise, exposed, noise_bank
from scanner.hardware.sim.world import World
from scanner.model import CameraInfo, CameraName, Exposure, LockedSettings, WhiteBalance
from scanner.spec import CameraSettings, FixedExposure, FixedFocus

PREVIEW_WIDTH = 640
NEUTRAL = WhiteBalance(red=1.9, blue=1.6)  # the gains at which grey is grey in the twin's light
SHORTEST_US, LONGEST_US = 1, 10_000_000
BYTES_PER_PIXEL = 0.25  # of a JPEG at quality 93
SMALLEST = 64  # pixels
MOST_VIEWS, MOST_VIEWS_LIVE = 9, 3  # of which a moving exposure is composed
PHOTO, PREVIEW = 0, 1  # kinds of pictures, to seed their noise

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Order:
    """How one picture is to be taken: shutter (us), gain, white balance, lens position (dioptres), pixels."""

    shutter_us: int
    gain: float
    white_balance: WhiteBalance
    focus: float
    width: int
    height: int


class SimCamera:
    """A simulated camera with the contract of :class:`scanner.hardware.api.Camera`.

    It renders in a thread of its own.
    """

    def __init__(self, name: CameraName, settings: Settings, *, world: World, clock: Clock) -> None:
        self.info = CameraInfo(
            name=name,
            model=settings.model,
            make=settings.make,
            width=settings.width,
            height=settings.height,
            focal_mm=settings.focal_mm,
            sensor_width_mm=settings.sensor_width_mm,
            f_number=settings.f_number,
            bytes_per_photo=round(settings.width * settings.height * BYTES_PER_PIXEL),
        )
        self._settings = settings
        self._world = world
        self._clock = clock
        self._thread: ThreadPoolExecutor | None = None
        self._locked: LockedSettings | None = None
        self._sensor = asyncio.Lock()  # one picture at a time
        self._captures = 0  # under way or waiting; a preview waits until there are none
        self._idle = asyncio.Event()
        self._idle.set()
        self._photos, self._frames = 0, 0
        self._seed = (world.settings.seed, zlib.crc32(name.encode()))

    async def open(self) -> None:
        if self._thread is not None:
            msg = f"Camera {self.info.name} is in use already: this program has it and asks again."
            raise DeviceBusyError(msg, device=self.info.name)
        self._answering()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"camera-{self.info.name}")
        ready = False
        try:
            await self._in_thread(self._world.scene)
            ready = True
        finally:
            if not ready:
                await self.close()

    async def prepare(self, settings: CameraSettings) -> LockedSettings:
        self._answering()
        width, height = self._size(settings)
        await self._clock.sleep(self._settings.settling)
        lens = self._lens(width, height)
        metering = await self._in_thread(lambda: self._meter(lens))
        shutter, gain = metering.exposure(self._world.brightness(), self._settings.f_number)
        if isinstance(settings.exposure, FixedExposure):
            shutter, gain = settings.exposure.shutter_us, settings.exposure.gain
        focus = (
            settings.focus.lens_position if isinstance(settings.focus, FixedFocus) else round(1000 / metering.depth, 3)
        )
        self._locked = LockedSettings(
            exposure_us=shutter,
            gain=gain,
            white_balance=settings.white_balance if isinstance(settings.white_balance, WhiteBalance) else NEUTRAL,
            lens_position=focus,
            width=width,
            height=height,
        )
        return self._locked

    async def capture(self, *, ev: float = 0.0, focus: float | None = None) -> Exposure:
        self._captures += 1
        self._idle.clear()
        try:
            async with self._sensor:
                return await self._capture(ev, focus)
        finally:
            self._captures -= 1
            if self._captures == 0:
                self._idle.set()

    async def preview(self) -> AsyncGenerator[PreviewFrame, None]:
        while True:
            asked = self._clock.monotonic()
            await self._idle.wait()
            yield await self._preview_frame()
            await self._clock.sleep(max(0.0, asked + 1 / self._settings.preview_fps - self._clock.monotonic()))

    async def close(self) -> None:
        thread, self._thread, self._locked = self._thread, None, None
        if thread is not None:
            try:
                await asyncio.wrap_future(thread.submit(_nothing))  # the picture that is being rendered is finished
            finally:  # also where nobody waits for that any longer
                thread.shutdown(wait=False)

    async def _capture(self, ev: float, focus: float | None) -> Exposure:
        self._answering()
        locked, faults = self._locked, self._world.faults
        if locked is None:
            msg = f"Camera {self.info.name} was not prepared: settings must be locked before a picture is taken."
            raise CameraError(msg, device=self.info.name)
        if faults.take_timeout():
            await self._clock.sleep(faults.timeout)
            msg = (
                f"Camera {self.info.name} gave no picture within {faults.timeout:g} s. Restart it, or check its cable."
            )
            raise CameraTimeoutError(msg, device=self.info.name)
        self._photos += 1
        order = Order(
            min(max(round(locked.exposure_us * 2**ev), SHORTEST_US), LONGEST_US),
            locked.gain,
            locked.white_balance,
            (locked.lens_position or 0.0) if focus is None else focus,
            locked.width,
            locked.height,
        )
        taken_at = utc_text(self._clock.now())
        yuv = await self._take(order, (PHOTO, self._photos), MOST_VIEWS)
        await self._clock.sleep(faults.slow_camera)
        self._answering()
        return Exposure(
            camera=self.info.name,
            width=order.width,
            height=order.height,
            yuv=yuv,
            exposure_us=order.shutter_us,
            gain=order.gain,
            white_balance=order.white_balance,
            lens_position=order.focus,
            taken_at=taken_at,
        )

    async def _preview_frame(self) -> PreviewFrame:
        self._answering()
        locked = self._locked
        width = min(PREVIEW_WIDTH, self.info.width)
        shape = locked or self.info
        height = max(round(width * shape.height / shape.width / 2) * 2, 2)
        if locked is None:
            metering = await self._in_thread(lambda: self._meter(self._lens(width, height)))
            shutter, gain = metering.exposure(self._world.brightness(), self._settings.f_number)
            order = Order(shutter, gain, NEUTRAL, 1000 / metering.depth, width, height)
        else:
            order = Order(
                locked.exposure_us, locked.gain, locked.white_balance, locked.lens_position or 0.0, width, height
            )
        self._frames += 1
        number = self._frames
        yuv = await self._take(order, (PREVIEW, number), MOST_VIEWS_LIVE)
        return PreviewFrame(camera=self.info.name, width=width, height=height, yuv=yuv, number=number)

    async def _take(self, order: Order, seed: tuple[int, ...], most_views: int) -> bytes:
        """Expose from now on.

        What the sensor will see is known beforehand unless somebody moves the rig meanwhile, so that the picture is
        rendered while the exposure lasts; and once more if it came otherwise.
        """
        start = self._clock.monotonic()
        end = start + order.shutter_us / 1e6
        lens = self._lens(order.width, order.height)
        how = self._development(order)
        focus = order.focus + self._world.faults.defocus

        def render(views: list[View]) -> bytes:
            noise = Noise(noise_bank(), (*self._seed, *seed))
            return photograph(self._world.scene(), views, lens, how, focus=focus, noise=noise)

        expected = self._world.views(start, end, lens.focal, most_views)
        picture = self._in_thread(partial(render, expected))
        await self._clock.sleep(end - start)
        yuv = await picture
        self._held()
        seen = self._world.views(start, end, lens.focal, most_views)
        return yuv if seen == expected else await self._in_thread(partial(render, seen))

    def _development(self, order: Order) -> Development:
        return Development(
            scale=self._world.brightness() * exposed(order.shutter_us, order.gain, self._settings.f_number),
            red=order.white_balance.red / NEUTRAL.red,
            blue=order.white_balance.blue / NEUTRAL.blue,
            noise=self._settings.noise,
            gain=order.gain,
        )

    def _meter(self, lens: Lens) -> Metering:
        return Metering.look(self._world.scene(), self._world.view(self._clock.monotonic()), lens)

    def _lens(self, width: int, height: int) -> Lens:
        return Lens(
            width=width,
            height=height,
            focal_mm=self._settings.focal_mm,
            sensor_width_mm=self._settings.sensor_width_mm,
            f_number=self._settings.f_number,
            k1=self._settings.k1,
        )

    def _size(self, settings: CameraSettings) -> tuple[int, int]:
        """Pixels of the photos; what is left open follows from the sensor's shape. Errors: SpecError."""
        full_width, full_height = self.info.width, self.info.height
        width = settings.width or (
            full_width if settings.height is None else round(settings.height * full_width / full_height / 2) * 2
        )
        height = settings.height or round(width * full_height / full_width / 2) * 2
        faults = [
            {
                "path": f"camera.{side}",
                "message": f"camera {self.info.name} gives even sizes from {SMALLEST} to {most} pixels",
            }
            for side, pixels, most in (("width", width, full_width), ("height", height, full_height))
            if pixels % 2 or not SMALLEST <= pixels <= most
        ]
        if faults:
            full = f"{full_width} x {full_height}"
            msg = f"Camera {self.info.name} cannot take pictures of {width} x {height} pixels: it has {full}."
            raise SpecError(msg, errors=faults)
        return width, height

    def _answering(self) -> None:
        if self._world.faults.camera_dead:
            msg = f"Camera {self.info.name} does not answer. Check its cable, then start it again."
            raise CameraGoneError(msg, device=self.info.name)

    def _in_thread(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """Run ``work`` in the camera's thread. Errors: CameraGoneError when closed."""
        return asyncio.get_running_loop().run_in_executor(self._held(), work)

    def _held(self) -> ThreadPoolExecutor:
        if self._thread is None:
            msg = f"Camera {self.info.name} is not open."
            raise CameraGoneError(msg, device=self.info.name)
        return self._thread


def _nothing() -> None:
    """Runs when all work before it is done."""
