"""The tests of storage notice when an fsync, a rename or a lock check is missing."""

from __future__ import annotations

from tests.full.mutants import sampled, survivors
from tests.support.sample import sample


def test_storage_without_one_of_its_guarantees_fails_its_tests(figures):
    chosen = sampled(sample(1, 1000))
    assert chosen
    left = [str(mutant) for mutant in survivors(chosen)]
    figures(f"{len(chosen) - len(left)} of {len(chosen)} mutants of storage noticed")
    assert left == []
