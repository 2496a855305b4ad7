"""The power goes, and goes again while the start brings into order what the first cut left."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest

from tests.crash.again import Start, starts
from tests.crash.cuts import Recorded, cuts, record, start_again
from tests.crash.scenarios import SCENARIOS
from tests.support.sample import FULL, sample

THOROUGH = FULL or "SCANNER_TESTS_STATES" in os.environ
FIRST = 30 if THOROUGH else 1  # cuts after which the start has most to do, of each scenario
SECOND = sample(3, 40)  # cuts of each such start
TRIED = 100 if THOROUGH else 20  # cuts among which those are found


async def busiest(recorded: Recorded, root: Path, chance: random.Random) -> list[Recorded]:
    """Records of the starts that do most, of one kind each."""
    found: dict[tuple[str, ...], Recorded] = {}
    for number, start in enumerate(starts(recorded, TRIED, chance)):
        done = await record(start, root / f"start-{number}")
        kind = tuple(f"{entry.fact.name} {Path(entry.fact.path).parent.name}" for entry in done.entries)
        found.setdefault(kind, done)
    most = sorted(found.values(), key=lambda start: len(start.entries), reverse=True)
    return most[:FIRST]


@pytest.mark.parametrize("kind", SCENARIOS, ids=lambda kind: kind.__name__)
async def test_the_power_goes_again_during_the_start(memory, kind, figures):
    chance = random.Random(kind.__name__)  # noqa: S311 - it chooses states, not secrets
    recorded = await record(kind(), memory / "run")
    count = 0
    for start in await busiest(recorded, memory, chance):
        every = list(cuts(start, 10, chance))
        for cut in chance.sample(every, min(len(every), SECOND)):
            count += 1
            try:
                await start_again(cut, start.scenario, memory / f"again-{count}")
            except Exception as error:
                assert isinstance(start.scenario, Start)
                error.add_note(f"{cut}, during the start after: {start.scenario.cut}")
                raise
            shutil.rmtree(memory / f"again-{count}")
    figures(f"{count} second power cuts", full=True)
