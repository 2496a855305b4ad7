"""The tests notice when an fsync, a rename, a link or a lock check is missing: what makes durable is noticed by the
power cuts, or it is said why it cannot be.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.full.mutants import ELSEWHERE, Copy, Mutant, Verdict, mutants, noticed, sampled, summary
from tests.support.sample import FULL


def test_storage_without_one_of_its_guarantees_fails_its_tests(figures):
    chosen = mutants() if FULL else sampled(1)
    assert chosen
    found = list(noticed(chosen, sound=not FULL))  # the gate runs them, too
    figures(summary(found))
    assert [str(verdict) for verdict in found if not verdict.holds] == []


def test_every_call_that_is_noticed_elsewhere_is_there():
    assert ELSEWHERE.keys() <= {mutant.key for mutant in mutants()}


STORE = "def save(made):\n    made.append('written')\n    made.append('synced')\n"
TESTS = """
from store import save

def test_it_is_durable():
    made = []
    save(made)
    assert 'synced' in made

def test_it_fails_anyway():
    assert False
"""


def mutant(call: str) -> Mutant:
    """The store without a call."""
    text = STORE.replace(call, "None")
    return Mutant(path=Path("store.py"), line=3, last=3, function="save", call=call, text=text, durable=True)


@pytest.mark.parametrize(
    ("call", "test", "limit", "notices"),
    [
        ("made.append('synced')", "test_it_is_durable", 60.0, True),
        ("made.append('synced')", "test_it_fails_anyway", 60.0, False),
        ("made.append('synced')", "test_it_fails_anyway", None, True),
        ("made.append('synced')", "test_it_is_durable", 0.01, False),  # too slow to be believed
    ],
)
def test_only_a_test_that_is_sound_without_the_mutant_notices_it(tmp_path, call, test, limit, notices):
    source = tmp_path / "source"
    source.mkdir()
    (source / "store.py").write_text(STORE)
    (source / "test_store.py").write_text(TESTS)
    copy = Copy(tmp_path / "copy", source, limit)
    name = f"test_store.py::{test}"
    assert copy.notices(mutant(call), [name]) == (name if notices else "")


@pytest.mark.parametrize(
    ("by", "durable", "call", "holds"),
    [
        ("harness", True, "files.fsync(one)", True),
        ("storage", True, "files.fsync(one)", False),
        ("storage", True, "files.fsync(elsewhere)", True),
        ("harness", True, "files.fsync(elsewhere)", False),
        ("storage", False, "self.check()", True),
        ("", False, "self.check()", False),
        ("", True, "files.fsync(elsewhere)", False),
    ],
)
def test_the_harness_must_notice_what_makes_durable_but_for_what_is_said_to_be_noticed_elsewhere(
    monkeypatch, by, durable, call, holds
):
    there = {"store.py: save: files.fsync(elsewhere)": "it is never cut"}
    monkeypatch.setattr("tests.full.mutants.ELSEWHERE", there)
    one = replace(mutant(call), durable=durable)
    assert Verdict(one, by).holds is holds
