"""Fixtures of the jobs' tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from scanner.app import App
from scanner.config import Config
from tests.scanner.jobs.following import Follower
from tests.scanner.jobs.stepping import Stepper
from tests.support.memory import in_memory


@pytest.fixture
def tmp_path(tmp_path: Path) -> Iterator[Path]:
    """A real directory, in memory where the machine has such a place."""
    with in_memory(tmp_path) as directory:
        yield directory


@pytest.fixture
def demo(demo: Config) -> Config:
    """With a camera whose pictures cost little."""
    assert demo.rig is not None
    cameras = {name: replace(camera, width=128, height=96) for name, camera in demo.rig.cameras.items()}
    return replace(demo, rig=replace(demo.rig, cameras=cameras))


@pytest.fixture
def follower(app: App) -> Iterator[Follower]:
    follower = Follower(app)
    yield follower
    follower.close()


@pytest.fixture
async def stepper() -> AsyncIterator[Stepper]:
    """Sees every task that is begun from now on."""
    loop, stepper = asyncio.get_running_loop(), Stepper()
    loop.set_task_factory(stepper.factory)
    yield stepper
    loop.set_task_factory(None)
