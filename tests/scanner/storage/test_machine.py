"""Two daemons on one data directory do anything in any order, crash and lose power; the model is always right."""

from __future__ import annotations

import hypothesis
from hypothesis.stateful import run_state_machine_as_test

from tests.scanner.storage.machine import Machine
from tests.support.sample import sample

RUNS = sample(10, 2000)
STEPS = 50


def test_whatever_happens_the_model_is_right(figures):
    Machine.steps = 0
    settings = hypothesis.settings(max_examples=RUNS, stateful_step_count=STEPS)
    run_state_machine_as_test(Machine, settings=settings)
    figures(f"{RUNS} runs of up to {STEPS} steps, {Machine.steps} actions")
