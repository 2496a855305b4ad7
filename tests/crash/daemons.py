"""The whole daemon on what a power cut left, built as ``scanner demo`` builds it, twice one after the other."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from datetime import UTC
from pathlib import Path

import pytest
from msgspec import structs

from scanner.app import open_app
from scanner.config import Config, StorageConfig, demo_config
from scanner.rig import RigPhase
from scanner.storage import Files, Host, Sharing, StorageManager
from tests.crash.cuts import OTHER_BOOT, Cut, place_after
from tests.crash.scenario import Scenario, World, answers, check_whole
from tests.scanner.storage.support import Place

SPEED = 1000.0  # of the twin: its ways take no time here


class Starts:
    """Of the daemon, on what cuts left of ``scenario``."""

    def __init__(self, scenario: Scenario, patch: pytest.MonkeyPatch, log: pytest.LogCaptureFixture) -> None:
        self._scenario, self._log = scenario, log
        patch.setattr(Host, "current", lambda: OTHER_BOOT)
        zone = scenario.options.get("timezone", lambda: UTC)
        patch.setenv("TZ", str(zone()))
        log.set_level(logging.ERROR)

    async def twice(self, cut: Cut, root: Path) -> None:
        """Two starts on what ``cut`` left tell the same, and what storage tells without a daemon."""
        alone = place_after(cut, root / "alone")
        async with alone.storage(**self._scenario.options, host=OTHER_BOOT) as storage:
            await storage.reconcile()
            told = await outline(storage)
        place = place_after(cut, root / "daemon")
        first, second = [await self._start(cut, place, told) for _ in range(2)]
        assert first.keys() == second.keys()
        for question, answer in first.items():
            assert second[question] == answer, f"the second start answers otherwise: {question}"

    async def _start(self, cut: Cut, place: Place, told: object) -> dict[str, object]:
        """What it tells once it is ready and has looked through everything; it closes in peace."""
        self._log.clear()
        async with AsyncExitStack() as stack:
            app = await open_app(self._config(place), demo=True)
            stack.push_async_callback(app.close)
            assert app.rig.phase is RigPhase.READY
            await looked_through(app.storage)
            self._check_log()
            await check_whole(World(place, app.storage, Files()), self._scenario, cut.heard, harmed=True)
            assert await outline(app.storage) == told, "the daemon tells otherwise than its storage alone"
            assert app.jobs.list() == ()
            said = await answers(app.storage)
        self._check_log()
        return said

    def _check_log(self) -> None:
        errors = [record.getMessage() for record in self._log.records if record.levelno >= logging.ERROR]
        assert errors == [], f"in the log: {errors}"

    def _config(self, place: Place) -> Config:
        sharing = self._scenario.options.get("sharing", Sharing())
        return structs.replace(
            demo_config(place.root, port=0, speed=SPEED),
            data_dir=place.data,
            state_dir=place.state,
            storage=StorageConfig(shared=sharing.shared, stale_after=sharing.stale_after, beat=sharing.beat),
        )


async def looked_through(storage: StorageManager) -> None:
    """Return once the full check, which runs behind, has ended, and locks were looked at after it: a beat later they
    would be by themselves.
    """
    checking = [task for task in asyncio.all_tasks() if task.get_name() == "reconciliation"]
    if checking:
        await asyncio.wait(checking)
    await storage.locks.look()


async def outline(storage: StorageManager) -> dict[str, object]:
    """The sessions and photos, without the moments at which a start found something."""
    told: dict[str, object] = {"trash": [(entry.session_id, entry.title) for entry in await storage.trash.list()]}
    for session in (await storage.list_sessions()).items:
        passes = [(info.name, info.state, info.saved) for info in session.passes]
        told[session.id] = (session.title, session.format, session.photos, session.bytes, passes)
        told[f"{session.id}/photos"] = await storage.photos(session.id)
    return told
