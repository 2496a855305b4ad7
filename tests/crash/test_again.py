"""The power goes, and goes again while the start brings into order what the first cut left; or the disk fails then."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from tests.crash.cuts import OTHER_BOOT, Cut, Recorded, chosen, cuts, record, start_again, write_databases
from tests.crash.plain import write_tree
from tests.crash.scenario import Heard, Scenario, World
from tests.crash.scenarios import SCENARIOS
from tests.scanner.storage.support import Place
from tests.support.sample import FULL, sample

FIRST = sample(1, 30)  # cuts after which the start has most to do, of each scenario
SECOND = sample(3, 40)  # cuts of each such start
TRIED = 20  # cuts among which those are found; in the full run five times as many


class Start(Scenario):
    """The start on what a cut left of another scenario."""

    def __init__(self, broken: Scenario, cut: Cut) -> None:
        photos = {photo.sha256 for photo in cut.heard.all("photo")}
        super().__init__(broken.precious | photos, broken.alike, broken.harmed, broken.options | {"host": OTHER_BOOT})
        self._broken, self._cut = broken, cut

    async def prepare(self, place: Place) -> None:
        shutil.rmtree(place.root)
        write_tree(self._cut.tree, place.data)
        write_databases(self._cut.state, place.state)

    async def run(self, world: World) -> None:
        await world.storage.reconcile()

    async def finish(self, world: World, heard: Heard) -> None:  # noqa: ARG002 - a start promises nothing of its own
        await self._broken.finish(world, self._cut.heard)


async def starts(recorded: Recorded, root: Path, chance: random.Random) -> list[Recorded]:
    """Records of the starts that do most, of one kind each."""
    found: dict[tuple[str, ...], Recorded] = {}
    for number, cut in enumerate(chosen(recorded, TRIED * (5 if FULL else 1), chance)):
        if cut.state is not None:
            start = await record(Start(recorded.scenario, cut), root / f"start-{number}")
            done = tuple(f"{entry.fact.name} {Path(entry.fact.path).parent.name}" for entry in start.entries)
            found.setdefault(done, start)
    most = sorted(found.values(), key=lambda start: len(start.entries), reverse=True)
    return most[:FIRST]


@pytest.mark.parametrize("kind", SCENARIOS, ids=lambda kind: kind.__name__)
async def test_the_power_goes_again_during_the_start(memory, kind, figures):
    chance = random.Random(kind.__name__)  # noqa: S311 - it chooses states, not secrets
    recorded = await record(kind(), memory / "run")
    count = 0
    for start in await starts(recorded, memory, chance):
        every = list(cuts(start, 10, chance))
        for cut in chance.sample(every, min(len(every), SECOND)):
            count += 1
            try:
                await start_again(cut, start.scenario, memory / f"again-{count}")
            except Exception as error:
                error.add_note(f"{cut}, during the start after: {start.scenario._cut}")
                raise
            shutil.rmtree(memory / f"again-{count}")
    figures(f"{count} second power cuts", full=True)
