"""Whatever a power cut leaves: the next start succeeds, nothing announced is lost, what was broken off can be done."""

from __future__ import annotations

import os
import random
import shutil

import pytest

from tests.crash.cuts import chosen, cuts, disk_after, record, start_again
from tests.crash.disk import identity
from tests.crash.scenarios import SCENARIOS
from tests.support.sample import FULL

STATES = int(os.environ.get("SCANNER_TESTS_STATES", "4"))  # of each scenario in the gate; in the full run all
MOST = 60  # trees a moment in the full run


@pytest.mark.parametrize("kind", SCENARIOS, ids=lambda kind: kind.__name__)
async def test_whatever_a_power_cut_leaves(memory, kind, figures):
    recorded = await record(kind(), memory / "run")
    assert identity(disk_after(recorded).whole()) == identity(recorded.after), "the record does not tell what was done"
    chance = random.Random(kind.__name__)  # noqa: S311 - it chooses states, not secrets
    states = list(cuts(recorded, MOST, chance)) if FULL else chosen(recorded, STATES, chance)
    assert states
    for number, cut in enumerate(states):
        place = memory / str(number)
        try:
            await start_again(cut, recorded.scenario, place)
        except Exception as error:
            error.add_note(str(cut))
            raise
        shutil.rmtree(place)
    figures(f"{len(recorded.entries)} entries in the record, {len(states)} states after a power cut", full=True)
