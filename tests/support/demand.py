"""What a test needs from the machine: on a developer's machine it is skipped without it, in the gate it fails."""

from __future__ import annotations

import os

import pytest

GATE = os.environ.get("SCANNER_TESTS_DEMAND", "") not in ("", "0")


def demand(present: object, what: str) -> None:
    """Go on if ``present`` is true, else skip the test, naming what is missing and how to get it.

    With ``SCANNER_TESTS_DEMAND=1`` in the environment (the gate sets it) the test fails instead.
    """
    if present:
        return
    if GATE:
        pytest.fail(f"missing here, where everything must be tested: {what}")
    pytest.skip(f"needs {what}")
