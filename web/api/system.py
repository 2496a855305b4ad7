"""The daemon and its machine, for those who look after them."""

from __future__ import annotations

import os
import platform
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
from aiohttp import web

from scanner.health import Health
from web.codec import answer
from web.context import context, daemon
from web.metrics import CONTENT_TYPE

if TYPE_CHECKING:
    from scanner.config import RigConfig

BOARD: Final = Path("/proc/device-tree/model")
MEMORY: Final = Path("/proc/meminfo")
_KIB: Final = 1024


class Device(msgspec.Struct, frozen=True):
    """A device of the rig and what drives it. ``part``: turntable, tilt, camera, light."""

    part: str
    name: str
    driver: str


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """The computer. ``board``: its model, where it tells one. Memory in bytes, ``load`` as the kernel tells it."""

    host: str
    board: str | None
    architecture: str
    processors: int
    memory_total: int | None
    memory_available: int | None
    load: tuple[float, float, float]


class System(msgspec.Struct, frozen=True, kw_only=True):
    """The daemon and its machine."""

    version: str
    python: str
    started_at: str
    demo: bool
    login: bool
    health: Health
    machine: Machine
    devices: tuple[Device, ...]
    notices: tuple[str, ...]


async def show(request: web.Request) -> web.StreamResponse:
    """The daemon and its machine: versions, disk, temperature, memory, devices."""
    app = daemon(request)
    rig = app.config.rig
    system = System(
        version=app.version,
        python=platform.python_version(),
        started_at=app.started_at,
        demo=app.demo,
        login=app.access.required,
        health=app.health.snapshot(),
        machine=machine(),
        devices=tuple(_devices(rig)) if rig is not None else (),
        notices=app.storage.notices,
    )
    return answer(system)


async def metrics(request: web.Request) -> web.StreamResponse:
    """Figures for Prometheus, in its text format."""
    text = await context(request).metrics.text()
    return web.Response(body=text.encode(), headers={"Content-Type": CONTENT_TYPE})


def machine(board: Path = BOARD, memory: Path = MEMORY) -> Machine:
    """What this computer is and how it does; the kernel's files may lie elsewhere."""
    amounts = dict(_amounts(memory))
    return Machine(
        host=socket.gethostname(),
        board=_line(board),
        architecture=platform.machine(),
        processors=os.cpu_count() or 1,
        memory_total=amounts.get("MemTotal"),
        memory_available=amounts.get("MemAvailable"),
        load=os.getloadavg(),
    )


def _line(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip("\0\n ") or None
    except OSError:
        return None


def _amounts(path: Path) -> Iterator[tuple[str, int]]:
    for line in (_line(path) or "").splitlines():
        name, _, rest = line.partition(":")
        amount = rest.split()
        if len(amount) == 2 and amount[0].isdigit():  # noqa: PLR2004 - a number and its unit
            yield name, int(amount[0]) * _KIB


def _devices(rig: RigConfig) -> Iterator[Device]:
    yield Device("turntable", "turntable", _driver(rig.turntable))
    if rig.tilt is not None:
        yield Device("tilt", "tilt", _driver(rig.tilt))
    for part, group in (("camera", rig.cameras), ("light", rig.lights)):
        for name, settings in group.items():
            yield Device(part, name, _driver(settings))


def _driver(settings: msgspec.Struct) -> str:
    return str(settings.__struct_config__.tag)
