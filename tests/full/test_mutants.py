"""The tests notice when an fsync, a rename, a link or a lock check is missing."""

from __future__ import annotations

from tests.full.mutants import mutants, noticed, sampled
from tests.support.sample import FULL


def test_storage_without_one_of_its_guarantees_fails_its_tests(figures):
    chosen = mutants() if FULL else sampled(1)
    assert chosen
    found = {str(mutant): by for mutant, by in noticed(chosen)}
    counted = {by: sum(other == by for other in found.values()) for by in ("harness", "storage")}
    figures(
        f"{len(chosen)} mutants of storage: {counted['harness']} noticed by the harness, {counted['storage']} by others"
    )
    assert [mutant for mutant, by in found.items() if not by] == []
