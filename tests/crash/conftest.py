"""Fixtures of the tests of crashes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.memory import in_memory


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """A real directory, in memory where the machine has such a place."""
    with in_memory(tmp_path) as directory:
        yield directory
