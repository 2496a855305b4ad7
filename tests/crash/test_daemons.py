"""The daemon itself starts on what a power cut leaves, twice with the same result. Here a few states; storage, which
does all that is done then, is asked in all of them.
"""

from __future__ import annotations

import random
import shutil

import pytest

from tests.crash.cuts import FEW, cuts, record
from tests.crash.daemons import Starts
from tests.crash.scenarios import SCENARIOS
from tests.support.sample import sample, turn

STATES = sample(2, 30)  # of each scenario


@pytest.mark.parametrize("kind", SCENARIOS, ids=lambda kind: kind.__name__)
async def test_the_daemon_starts_on_what_a_power_cut_leaves(memory, kind, monkeypatch, caplog):
    recorded = await record(kind(), memory / "run")
    starts = Starts(recorded.scenario, monkeypatch, caplog)
    chance = random.Random(kind.__name__)  # noqa: S311 - it chooses states, not secrets
    every = list(cuts(recorded, FEW, chance))
    for cut in turn(f"daemon {kind.__name__}").sample(every, min(STATES, len(every))):
        try:
            await starts.twice(cut, memory / "cut")
        except Exception as error:
            error.add_note(str(cut))
            raise
        shutil.rmtree(memory / "cut")
