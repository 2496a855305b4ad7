"""The roles."""

from __future__ import annotations

from enum import IntEnum
from typing import Literal

RoleName = Literal["viewer", "operator", "admin"]


class Role(IntEnum):
    """What somebody may do; each includes those before it. PUBLIC: what needs no login, the page's shell."""

    PUBLIC = 0
    VIEWER = 1
    OPERATOR = 2
    ADMIN = 3

    @classmethod
    def of(cls, name: RoleName) -> Role:
        """The role of this name."""
        return cls[name.upper()]
