"""In every scenario every operation on the disk fails once: a typed error, nothing lost, nothing half done; and after
the cure it is done to its end, by the same daemon and by the next.
"""

from __future__ import annotations

import errno
import shutil
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from scanner.errors import StorageError
from tests.crash.cuts import prepare
from tests.crash.record import Told
from tests.crash.scenario import Heard, Scenario, World, check_whole
from tests.crash.scenarios import SCENARIOS
from tests.scanner.storage.support import FailingFiles, Place, StepClock
from tests.support.sample import FULL, sample, turn

REASONS = {
    errno.ENOSPC: "disk_full",
    errno.EIO: "io_error",
    errno.EROFS: "read_only",
    errno.EMFILE: "too_many_files",
}
TRIED = sample(1, 0)  # operations of each scenario that fail, for each errno; in the full run all


class Run:
    """One scenario on one disk."""

    def __init__(self, scenario: Scenario, place: Place) -> None:
        self.scenario, self.place, self.files = scenario, place, FailingFiles()
        self.told: list[Told] = []
        self.errors: list[StorageError] = []
        self.failed: list[str] = []
        self.operations = 0

    async def go(self, at: int | None, number: int) -> None:
        """Operation ``at`` fails with ``number``; everything is done to its end nevertheless."""
        async with AsyncExitStack() as stack:
            self.files.arm(at, number)
            world = await self._begin(stack)
            if world is not None:
                await self._run(world)
            self.operations, self.failed = self.files.count, self.files.failed
            self.files.arm(None)
            await self._end(world or await self._open(stack))
        async with AsyncExitStack() as stack:
            world = await self._open(stack)
            await world.storage.reconcile()
            await check_whole(world, self.scenario, self._heard())

    async def _begin(self, stack: AsyncExitStack) -> World | None:
        try:
            return await self._open(stack)
        except StorageError as error:
            self.errors.append(error)
            return None

    async def _open(self, stack: AsyncExitStack) -> World:
        storage = await stack.enter_async_context(self.place.storage(self.files, **self.scenario.options))
        return World(self.place, storage, self.files, lambda what, value=None: self.told.append(Told(what, value)))

    async def _run(self, world: World) -> None:
        try:
            await self.scenario.run(world)
        except StorageError as error:
            assert str(self.place.data) not in error.message
            self.errors.append(error)

    async def _end(self, world: World) -> None:
        parts = [path for path in self.place.data.rglob("*.part") if "/.new-" not in str(path)]
        assert parts == [] or self.failed == ["unlink"], "something half written was left"
        await world.storage.reconcile()
        await check_whole(world, self.scenario, self._heard(), harmed=True)
        await self.scenario.finish(world, self._heard())
        await check_whole(world, self.scenario, self._heard())

    def _heard(self) -> Heard:
        return Heard(tuple(self.told))


def points(operations: int, name: str) -> list[int]:
    """Which operations fail: all, or some, others for every state of the source."""
    every = range(1, operations + 1)
    return list(every) if FULL else sorted(turn(name).sample(every, TRIED))


async def fresh(template: Scenario, root: Path, name: str) -> Run:
    """The prepared scenario on a copy of its disk."""
    place = Place(root / "prepared").copy(root / name)
    place.clock = StepClock()
    return Run(template, place)


@pytest.mark.parametrize("kind", [kind for kind in SCENARIOS if not kind.refuses], ids=lambda kind: kind.__name__)
async def test_every_operation_fails_once(memory, kind, figures):
    _, scenario = await prepare(kind(), memory / "prepared")
    whole = await fresh(scenario, memory, "whole")
    await whole.go(None, 0)
    struck, tried = 0, 0
    for number, reason in REASONS.items():
        for at in points(whole.operations, f"{kind.__name__} {reason}"):
            run = await fresh(scenario, memory, f"{number}-{at}")
            try:
                await run.go(at, number)
                assert {error.detail.get("reason") for error in run.errors} <= {reason}
            except Exception as error:
                error.add_note(f"{errno.errorcode[number]} at operation {at}: {run.failed} {run.errors}")
                raise
            struck, tried = struck + len(run.errors), tried + 1
            shutil.rmtree(run.place.root)
    figures(f"{whole.operations} operations, {tried} failed in turn, {struck} errors were reported", full=True)
