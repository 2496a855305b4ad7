"""The simulated light."""

from __future__ import annotations

from scanner.errors import DeviceBusyError, LightError


class SimLight:
    """A simulated light with the contract of :class:`scanner.hardware.api.Light`; ``power`` is its brightness against
    the default.
    """

    def __init__(self, name: str, power: float) -> None:
        self.name = name
        self._power = power
        self._level = 0.0
        self._open = False

    @property
    def brightness(self) -> float:
        """What it gives now: 1 is one default light at full level."""
        return self._level * self._power

    async def open(self) -> None:
        if self._open:
            msg = f"The light {self.name} is in use already: this program has it and asks again."
            raise DeviceBusyError(msg, device=self.name)
        self._open = True

    async def set(self, level: float) -> None:
        if not self._open:
            msg = f"The light {self.name} is not open."
            raise LightError(msg, device=self.name)
        if not 0.0 <= level <= 1.0:
            msg = f"The light {self.name} cannot be set to {level:g}: a level is from 0 to 1."
            raise LightError(msg, device=self.name, level=level)
        self._level = level

    async def close(self) -> None:
        self._level = 0.0
        self._open = False
