"""The roles."""

from __future__ import annotations

from enum import IntEnum
from typing import Final, Literal

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

    @property
    def title(self) -> RoleName | None:
        """Its name; None for PUBLIC, which is nobody's."""
        return _NAMES.get(self)


_NAMES: Final[dict[Role, RoleName]] = {Role.VIEWER: "viewer", Role.OPERATOR: "operator", Role.ADMIN: "admin"}
