"""PreviewHub: live pictures for whoever looks, made only while somebody looks.

Each camera's preview starts with its first viewer and stops ten seconds after the last one left. A frame is
encoded once, whatever the number of viewers, in a small pool; a viewer that is slow sees the newest picture and never
an old one, so that nothing queues up. A camera that fails is tried again every few seconds while somebody looks; its
viewers are told why there is no picture.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from typing import Final, Self

from msgspec import Struct, field

from scanner.clock import Clock
from scanner.errors import CameraError, CameraTimeoutError, HardwareError
from scanner.hardware.api import Camera, PreviewFrame
from scanner.model import CameraName

log = logging.getLogger(__name__)

LINGER: Final = 10.0  # seconds a preview goes on without a viewer: a page that is reloaded finds it running
RETRY: Final = 2.0  # seconds between attempts to start a camera that failed
PACE: Final = 1.0 / 12.0  # seconds from picture to picture: what looks live
ENCODERS: Final = 2  # threads


class PreviewImage(Struct, frozen=True):
    """One live picture, encoded. ``number`` counts the frames of its camera; numbers may be missing."""

    camera: CameraName
    number: int
    width: int
    height: int
    jpeg: bytes


class Viewer:
    """One who looks at a camera. A context manager; leaving it is what stops the camera's work in the end."""

    def __init__(self, on_close: Callable[[Viewer], None]) -> None:
        self._newest: PreviewImage | HardwareError | None = None
        self._wake = asyncio.Event()
        self._on_close = on_close
        self._closed = False

    def show(self, what: PreviewImage | HardwareError) -> None:
        """Replace what this viewer has not looked at yet."""
        self._newest = what
        self._wake.set()

    async def next(self) -> PreviewImage | HardwareError | None:
        """The newest picture not seen yet, or why there is none now; None once closed."""
        while self._newest is None and not self._closed:
            self._wake.clear()
            await self._wake.wait()
        what, self._newest = self._newest, None
        return None if self._closed else what

    def close(self) -> None:
        """Look no more; idempotent. A pending ``next`` returns None."""
        if not self._closed:
            self._closed = True
            self._wake.set()
            self._on_close(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Feed(Struct, eq=False):
    """What one camera's preview consists of. ``lock``: the old work ends before new work touches the camera."""

    camera: CameraName
    viewers: set[Viewer] = field(default_factory=set)
    watched: asyncio.Event = field(default_factory=asyncio.Event)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    work: asyncio.Task[None] | None = None
    farewell: asyncio.Task[None] | None = None
    last: PreviewImage | HardwareError | None = None

    def show(self, what: PreviewImage | HardwareError) -> None:
        self.last = what
        for viewer in self.viewers:
            viewer.show(what)


class PreviewHub:
    """Hands live pictures of the cameras to any number of viewers. All methods run on the loop's thread."""

    def __init__(
        self,
        camera: Callable[[CameraName], Camera],
        *,
        clock: Clock,
        encode: Callable[[PreviewFrame], bytes],
        watched: Callable[[bool], Awaitable[None]] | None = None,
    ) -> None:
        """``camera`` finds a camera by name (DeviceNotFoundError, RigMissingError); ``encode`` runs in a thread;
        ``watched`` hears whether anybody looks at all.
        """
        self._camera = camera
        self._clock = clock
        self._watched = watched
        self._encode = encode
        self._feeds: dict[CameraName, _Feed] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._pool: ThreadPoolExecutor | None = None
        self._working = 0
        self._told = False
        self._telling = asyncio.Lock()
        self._closed = False

    @property
    def viewers(self) -> int:
        """How many look, at whatever camera."""
        return sum(len(feed.viewers) for feed in self._feeds.values())

    def watch(self, camera: CameraName) -> Viewer:
        """Begin to look at a camera. Errors: DeviceNotFoundError, RigMissingError."""
        self._camera(camera)
        feed = self._feeds.setdefault(camera, _Feed(camera))
        viewer = Viewer(lambda viewer: self._leave(feed, viewer))
        if self._closed:
            viewer.close()
            return viewer
        feed.viewers.add(viewer)
        feed.watched.set()
        if feed.farewell is not None:
            feed.farewell.cancel()
            feed.farewell = None
        if feed.work is None:
            feed.last = None
            feed.work = self._start(self._work(feed))
        elif feed.last is not None:
            viewer.show(feed.last)
        return viewer

    async def snapshot(self, camera: CameraName, *, patience: float = 5.0) -> PreviewImage:
        """One picture of now. Errors: as :meth:`watch`, HardwareError of the camera, CameraTimeoutError after
        ``patience`` seconds.
        """
        with self.watch(camera) as viewer:
            try:
                async with asyncio.timeout(patience):
                    what = await viewer.next()
            except TimeoutError:
                message = f"camera {camera!r} gave no picture in {patience:g} s"
                raise CameraTimeoutError(message, camera=camera) from None
        if isinstance(what, PreviewImage):
            return what
        raise what or CameraTimeoutError("the daemon stops", camera=camera)

    async def close(self) -> None:
        """Stop all cameras' previews; viewers are closed; idempotent."""
        self._closed = True
        for feed in self._feeds.values():
            for viewer in tuple(feed.viewers):
                viewer.close()
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None

    # ---- inside --------------------------------------------------------------------------------------------------

    def _start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _leave(self, feed: _Feed, viewer: Viewer) -> None:
        feed.viewers.discard(viewer)
        if feed.viewers:
            return
        feed.watched.clear()
        if isinstance(feed.last, PreviewImage):
            feed.last = None  # whoever comes next wants one of then
        if feed.work is not None and not self._closed:
            feed.farewell = self._start(self._stop_later(feed, feed.work))

    async def _stop_later(self, feed: _Feed, work: asyncio.Task[None]) -> None:
        await self._clock.sleep(LINGER)
        work.cancel()
        feed.farewell = feed.work = None

    async def _work(self, feed: _Feed) -> None:
        """Show the camera's frames until cancelled; the root of one preview."""
        async with feed.lock:
            self._working += 1
            try:
                await self._tell()
                while True:
                    await self._try(feed)
                    await self._clock.sleep(RETRY)
            finally:
                self._working -= 1
                await self._tell()

    async def _try(self, feed: _Feed) -> None:
        """Show frames until something fails; said once, until it works again."""
        first = not isinstance(feed.last, HardwareError)
        try:
            await self._frames(feed)
        except HardwareError as error:
            if first:
                log.warning("no preview of camera %s: %s", feed.camera, error.message)
            feed.show(error)
        except Exception:  # the root of one preview: a fault of ours must not end it for good
            if first:
                log.exception("the preview of camera %s failed", feed.camera)
            feed.show(CameraError("the preview met a fault of the program's own; its log has the details"))

    async def _frames(self, feed: _Feed) -> None:
        camera = self._camera(feed.camera)
        loop = asyncio.get_running_loop()
        async with aclosing(camera.preview()) as frames:
            begun = self._clock.monotonic()
            async for frame in frames:
                if self._pool is None:
                    self._pool = ThreadPoolExecutor(ENCODERS, thread_name_prefix="preview")
                jpeg = await loop.run_in_executor(self._pool, self._encode, frame)
                if isinstance(feed.last, HardwareError):
                    log.info("preview of camera %s is back", feed.camera)
                feed.show(PreviewImage(frame.camera, frame.number, frame.width, frame.height, jpeg))
                await self._clock.sleep(max(0.0, begun + PACE - self._clock.monotonic()))
                await feed.watched.wait()  # a frame that nobody will see is not asked for
                begun = self._clock.monotonic()

    async def _tell(self) -> None:
        """Say whether anybody looks, in order: the last word is always the present state."""
        if self._watched is None:
            return
        async with self._telling:
            wanted = self._working > 0
            if wanted != self._told:
                self._told = wanted
                await self._watched(wanted)
