"""A scan survives being killed at any moment: every planned photo once, none that was announced lost or taken again."""

from __future__ import annotations

import os
from collections import Counter

import pytest

from tests.crash.kills import campaign
from tests.support.sample import FULL, sample

KILLS = sample(15, 10)  # of one scan, which then has 72 photos
SCANS = sample(1, 5)
SEED = int(os.environ.get("SCANNER_SEED", "20261120"))
READY = 2.0  # seconds from the start until the page answers; in the gate, on a machine that does much else, at best


@pytest.mark.process
@pytest.mark.parametrize("scan", range(SCANS))
def test_a_scan_that_is_killed_again_and_again_has_each_planned_photo_once(tmp_path, figures, scan):
    done = campaign(tmp_path, KILLS, SEED + scan)
    restarts = sorted(kill.restart for kill in done.kills)
    middle = restarts[len(restarts) // 2]
    heard, left = Counter(kill.phase for kill in done.kills), Counter(kill.left for kill in done.kills)
    figures(f"{KILLS} kills (seed {SEED + scan}); last heard of: {dict(heard)}; left on disk: {dict(left)}")
    figures(f"{len(done.announced)} photos announced, all kept, none taken again, each of 72 planned photos once")
    figures(f"restart until the page answers: median {middle:.2f} s, longest {restarts[-1]:.2f} s")
    figures(done.table(), full=True)
    assert len(done.kills) == KILLS
    assert restarts[0] < READY
    if FULL:
        assert middle < READY
