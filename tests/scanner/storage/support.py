"""What storage's tests build with: a clock that moves with every look, small sessions, JPEGs, disks that fail."""

from __future__ import annotations

import errno
import io
import os
import random
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from PIL import Image

from scanner.errors import StorageError
from scanner.model import (
    CameraInfo,
    CameraName,
    Frame,
    JobId,
    LockedSettings,
    PassName,
    Pause,
    PhotoExposure,
    Plan,
    Quality,
    RigInfo,
    Shot,
    Viewpoint,
    WhiteBalance,
)
from scanner.spec import PassSpec, ScanSpec
from scanner.storage import Files, NewPass, NewSession, PassWriter, SessionHandle, StorageManager, Submission

MAIN = CameraName("main")
UPRIGHT, FLIPPED = PassName("upright"), PassName("flipped")
JOB = JobId("j-test01")
KEY = Submission("key-1", "d" * 64)
BALANCE = WhiteBalance(red=2.1, blue=1.4)
LOCKED = LockedSettings(exposure_us=8000, gain=1.0, white_balance=BALANCE, lens_position=None, width=32, height=24)
CAMERA = CameraInfo(
    name=MAIN,
    model="sim",
    make="sim",
    width=32,
    height=24,
    focal_mm=4.7,
    sensor_width_mm=6.4,
    f_number=1.8,
    bytes_per_photo=1000,
)
RIG = RigInfo(name="bench", geometry=None, fixed_elevation=None, cameras=(CAMERA,))
PRESSED = Pause(by="user", reason="paused", message="Somebody pressed Pause.")


def garbage(seed: int, size: int) -> bytes:
    """Noise, the same for the same seed."""
    return random.Random(seed).randbytes(size)  # noqa: S311 - nothing here is secret


def names(directory: Path) -> list[str]:
    """What lies in a directory, sorted."""
    return sorted(path.name for path in directory.iterdir())


class StepClock:
    """Moves by ``step`` seconds with every look at it, so that no two moments are the same."""

    speed = 1.0

    def __init__(self, step: float = 0.007, start: datetime = datetime(2026, 11, 20, 4, 15, 30, tzinfo=UTC)) -> None:
        self._step = timedelta(seconds=step)
        self._now = start
        self._seconds = 100.0

    def monotonic(self) -> float:
        self._seconds += self._step.total_seconds()
        return self._seconds

    def now(self) -> datetime:
        self._now += self._step
        return self._now

    def leap(self, seconds: float) -> None:
        """Let so much time pass at once."""
        self._now += timedelta(seconds=seconds)
        self._seconds += seconds

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError


def plan(count: int) -> Plan:
    shots = tuple(
        Shot(index=index, viewpoint=Viewpoint(index * 5.0 % 360, 20.0), camera=MAIN) for index in range(1, count + 1)
    )
    return Plan(kind="rings", shots=shots)


def new_pass(name: str = "upright", count: int = 4) -> NewPass:
    return NewPass(spec=PassSpec(name=name), plan=plan(count))


def new_session(title: str = "Blue vase", *, passes: tuple[NewPass, ...] | None = None, **more: object) -> NewSession:
    given: dict[str, object] = {"origin": "cli", "created_from": None, "rig": RIG} | more
    spec = given.pop("spec", ScanSpec(title=title))
    return NewSession(spec=spec, title=title, passes=passes or (new_pass(),), **given)  # type: ignore[arg-type] - given by name


def jpeg(number: int) -> bytes:
    """A small valid JPEG, another one for every number."""
    target = io.BytesIO()
    Image.new("RGB", (32, 24), (number * 37 % 256, number * 91 % 256, number * 13 % 256)).save(target, "JPEG")
    return target.getvalue() + b"%06d" % number


def frame(number: int, data: bytes | None = None) -> Frame:
    exposure = PhotoExposure(
        taken_at="2026-11-20T04:15:30.120Z", exposure_us=8000, gain=1.0, white_balance=BALANCE, lens_position=None
    )
    quality = Quality(sharpness=100.0 + number, clipped=0.001, shadows=0.0, mean=0.5)
    return Frame(
        data=data if data is not None else jpeg(number), width=32, height=24, exposure=exposure, quality=quality
    )


async def save(writer: PassWriter, shot: Shot, data: bytes | None = None):
    return await writer.save(
        shot,
        frame(shot.index, data),
        measured=Viewpoint(shot.viewpoint.azimuth + 0.01, shot.viewpoint.elevation),
        settle_s=0.3,
        capture_s=0.1,
        sharpness_relative=1.0,
    )


@dataclass
class Place:
    """A data directory and a state directory below ``root``, and daemons one after the other on them. ``own``: the name
    of the state directory, where several daemons share the data.
    """

    root: Path
    clock: StepClock = field(default_factory=StepClock)
    own: str = "state"

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def state(self) -> Path:
        return self.root / self.own

    @property
    def sessions(self) -> Path:
        return self.data / "sessions"

    @asynccontextmanager
    async def storage(self, files: Files | None = None, **more: object) -> AsyncIterator[StorageManager]:
        storage = await StorageManager.open(
            data_dir=self.data,
            state_dir=self.state,
            clock=self.clock,
            files=files,
            **more,  # type: ignore[arg-type] - given by name
        )
        try:
            yield storage
        finally:
            await storage.close()

    def copy(self, target: Path) -> Place:
        """The directories as they are now, elsewhere: what a crash (not a power cut) leaves."""
        for name in ("data", self.own):
            if (self.root / name).exists():
                shutil.copytree(self.root / name, target / name, symlinks=True)
        return Place(target, self.clock, self.own)


@asynccontextmanager
async def working(storage: StorageManager, handle: SessionHandle, name: str = "upright") -> AsyncIterator[PassWriter]:
    """An open pass on which work goes on."""
    async with storage.open_pass(handle, PassName(name), job_id=JOB, origin="cli") as writer:
        await writer.start({MAIN: LOCKED})
        yield writer


class FailingFiles(Files):
    """Fails operation number ``fails_at`` (from 1, counted from :meth:`arm`), and all after it while ``for_good``."""

    OPERATIONS = (
        "open", "write", "pwrite", "truncate", "fsync", "rename", "exchange", "fsync_dir", "mkdir", "link", "unlink",
        "rmdir",
    )  # fmt: skip

    def __init__(self) -> None:
        self.count = 0
        self.armed: int | None = None
        self.number = errno.ENOSPC
        self.for_good = False
        self.failed: list[str] = []

    def arm(self, fails_at: int | None, number: int = errno.ENOSPC, *, for_good: bool = False) -> None:
        self.count, self.armed, self.number, self.for_good = 0, fails_at, number, for_good
        self.failed = []

    def step(self, operation: str) -> None:
        self.count += 1
        if self.armed is None:
            return
        if self.count == self.armed or (self.for_good and self.count > self.armed):
            self.failed.append(operation)
            raise OSError(self.number, os.strerror(self.number))


def _failing(operation: str) -> Callable[..., object]:
    def method(self: FailingFiles, *args: object) -> object:
        self.step(operation)
        return getattr(Files, operation)(self, *args)

    return method


for _operation in FailingFiles.OPERATIONS:
    setattr(FailingFiles, _operation, _failing(_operation))


def disk_is_full(*_: object, **__: object) -> None:
    """What a database says that cannot take another row."""
    message = "database or disk is full"
    raise StorageError(message, reason="disk_full")


class FullFiles(Files):
    """A disk that has no room for anything beside or below ``unless_gone`` as long as that is there."""

    unless_gone: Path | None = None

    def open(self, path: Path, flags: int) -> int:
        room = self.unless_gone
        if flags & os.O_CREAT and room is not None and path.is_relative_to(room.parent) and room.exists():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().open(path, flags)


class RecordingFiles(Files):
    """Notes what was done, by name of operation and file."""

    def __init__(self) -> None:
        self.done: list[tuple[str, str]] = []
        self._names: dict[int, str] = {}

    def open(self, path: Path, flags: int) -> int:
        descriptor = super().open(path, flags)
        self._names[descriptor] = path.name
        return descriptor

    def write(self, descriptor: int, data: bytes) -> None:
        self.done.append(("write", self._names[descriptor]))
        super().write(descriptor, data)

    def fsync(self, descriptor: int) -> None:
        super().fsync(descriptor)
        self.done.append(("fsync", self._names[descriptor]))

    def rename(self, source: Path, target: Path) -> None:
        super().rename(source, target)
        self.done.append(("rename", target.name))

    def fsync_dir(self, directory: Path) -> None:
        super().fsync_dir(directory)
        self.done.append(("fsync_dir", directory.name))


class PowerCutFiles(Files):
    """Knows at any moment what a power cut would leave at worst: contents and names as of their last fsync.

    ``after`` is called behind every operation that changes the disk: the moments at which the power may go.
    """

    def __init__(self, after: Callable[[PowerCutFiles], None] = lambda _: None) -> None:
        self._content: dict[int, bytes] = {}
        self._names: dict[int, dict[str, tuple[bool, int]]] = {}
        self.after = after

    def open(self, path: Path, flags: int) -> int:
        fresh = not path.exists()
        descriptor = super().open(path, flags)
        if fresh:
            self._content.pop(path.stat().st_ino, None)
            self.after(self)
        return descriptor

    def write(self, descriptor: int, data: bytes) -> None:
        super().write(descriptor, data)
        self.after(self)

    def fsync(self, descriptor: int) -> None:
        super().fsync(descriptor)
        self._content[os.fstat(descriptor).st_ino] = Path(f"/proc/self/fd/{descriptor}").read_bytes()
        self.after(self)

    def mkdir(self, path: Path) -> None:
        super().mkdir(path)
        self._names.pop(path.stat().st_ino, None)
        self.after(self)

    def rename(self, source: Path, target: Path) -> None:
        super().rename(source, target)
        self.after(self)

    def exchange(self, source: Path, target: Path) -> None:
        super().exchange(source, target)
        self.after(self)

    def link(self, source: Path, target: Path) -> None:
        super().link(source, target)
        self.after(self)

    def unlink(self, path: Path) -> None:
        super().unlink(path)
        self.after(self)

    def fsync_dir(self, directory: Path) -> None:
        super().fsync_dir(directory)
        with os.scandir(directory) as entries:
            found = {entry.name: (entry.is_dir(follow_symlinks=False), entry.inode()) for entry in entries}
        self._names[directory.stat().st_ino] = found
        self.after(self)

    def seed(self, root: Path) -> None:
        """Take everything below ``root`` as durable."""
        with os.scandir(root) as entries:
            found = {entry.name: (entry.is_dir(follow_symlinks=False), entry.inode()) for entry in entries}
        self._names[root.stat().st_ino] = found
        for name, (is_directory, inode) in found.items():
            if is_directory:
                self.seed(root / name)
            else:
                self._content[inode] = (root / name).read_bytes()

    def materialise(self, root: Path, target: Path) -> None:
        """Write what a power cut would leave of ``root`` into ``target``."""
        self._directory(root.stat().st_ino, target)

    def _directory(self, inode: int, target: Path) -> None:
        target.mkdir()
        for name, (is_directory, child) in self._names.get(inode, {}).items():
            if is_directory:
                self._directory(child, target / name)
            else:
                (target / name).write_bytes(self._content.get(child, b""))
