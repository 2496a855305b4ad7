"""Expensive tests run sampled in the gate and whole by ``python -m tests.full``."""

from __future__ import annotations

import os

FULL = os.environ.get("SCANNER_TESTS_FULL", "") not in ("", "0")


def sample(gate: int, full: int) -> int:
    """How many of something to do: ``gate`` in the gate and at a developer's desk, ``full`` in the full run."""
    return full if FULL else gate
