"""Which scenarios of ``tests/crash`` make a certain call of storage: they are the ones to ask when it is missing."""

from __future__ import annotations

import asyncio
import functools
import random
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path

from tests.crash.again import starts
from tests.crash.cuts import prepare, record
from tests.crash.record import Recorder
from tests.crash.scenario import Scenario, World
from tests.crash.scenarios import SCENARIOS
from tests.support.tree import TOP

STARTS = 100  # after cuts of each scenario, as ``tests/crash/test_again.py`` chooses them
Call = tuple[str, int]  # a module and a line in it
Place = tuple[str, range]  # a module and the lines of a call


class Callers:
    """Of any of these operations. The scenarios that make fewest calls come first: they are done soonest."""

    def __init__(self, operations: Iterable[str], root: Path) -> None:
        for operation in operations:
            setattr(Witness, operation, _witnessed(operation))
        self._root = root

    def running(self, place: Place) -> list[str]:
        """The scenarios that make the call there themselves."""
        return _making(place, self._running)

    def starting(self, place: Place) -> list[str]:
        """Those after whose cuts a start makes it."""
        return _making(place, self._starting)

    @functools.cached_property
    def _running(self) -> dict[str, AbstractSet[Call]]:
        return asyncio.run(_calls_made(self._root / "running"))

    @functools.cached_property
    def _starting(self) -> dict[str, AbstractSet[Call]]:
        return asyncio.run(_calls_at_start(self._root / "starting"))


class Witness(Recorder):
    """Notes from where its operations are called."""

    def __init__(self, root: Path, *, exchanges: bool) -> None:
        super().__init__(root, exchanges=exchanges)
        self.calls: set[Call] = set()

    def note(self) -> None:
        """Note who called the operation that calls this."""
        frame = sys._getframe(2)
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(TOP):
            self.calls.add((path.relative_to(TOP).as_posix(), frame.f_lineno))


def _witnessed(operation: str) -> Callable[..., object]:
    def method(self: Witness, *args: object) -> object:
        self.note()
        return getattr(Recorder, operation)(self, *args)

    return method


def _making(place: Place, made: Mapping[str, AbstractSet[Call]]) -> list[str]:
    module, lines = place
    names = [name for name, calls in made.items() if any((module, line) in calls for line in lines)]
    return sorted(names, key=lambda name: len(made[name]))


async def _calls_made(root: Path) -> dict[str, AbstractSet[Call]]:
    return {kind.__name__: await _calls(kind(), root / kind.__name__) for kind in SCENARIOS}


async def _calls_at_start(root: Path) -> dict[str, AbstractSet[Call]]:
    made: dict[str, AbstractSet[Call]] = {}
    for kind in SCENARIOS:
        recorded = await record(kind(), root / kind.__name__)
        chance = random.Random(kind.__name__)  # noqa: S311 - as ``test_again`` chooses
        begun = starts(recorded, STARTS, chance)
        made[kind.__name__] = {call for start in begun for call in await _calls(start, root / "start")}
    return made


async def _calls(scenario: Scenario, root: Path) -> AbstractSet[Call]:
    place, _ = await prepare(scenario, root)
    witness = Witness(place.data, exchanges=scenario.exchanges)
    async with place.storage(witness, **scenario.options) as storage:
        await scenario.run(World(place, storage, witness))
    shutil.rmtree(root)
    return witness.calls
