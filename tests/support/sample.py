"""Expensive tests run sampled in the gate and whole by ``python -m tests.full``."""

from __future__ import annotations

import functools
import hashlib
import os
import random
from pathlib import Path

FULL = os.environ.get("SCANNER_TESTS_FULL", "") not in ("", "0")


def sample(gate: int, full: int) -> int:
    """How many of something to do: ``gate`` in the gate and at a developer's desk, ``full`` in the full run."""
    return full if FULL else gate


def turn(name: str) -> random.Random:
    """Chooses what of ``name`` is tried this time: the same for the same source, something else after every change of
    it, so that over time everything has its turn.
    """
    return random.Random(f"{name} {_source()}")  # noqa: S311 - it only chooses


@functools.cache
def _source() -> str:
    top = Path(__file__).resolve().parents[2]
    digest = hashlib.sha256()
    for path in sorted((top / "scanner").rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
