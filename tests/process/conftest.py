"""The daemon as a process, looked at from outside."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.daemon import Daemon


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """A daemon with the twin and no session, not started."""
    one = Daemon(tmp_path / "demo", speed=20.0)
    yield one
    one.kill()
