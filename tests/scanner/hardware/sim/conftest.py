"""A scene for all tests of the twin's pictures."""

from __future__ import annotations

import pytest

from scanner.hardware.sim.scene import Scene


@pytest.fixture(scope="session")
def scene() -> Scene:
    """The usual stone, with small textures."""
    return Scene(7, "agate", 512)
