"""From the configuration to the devices: the only place that knows which driver is called what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.clock import Clock
from scanner.config import RigConfig
from scanner.hardware.api import Rig

if TYPE_CHECKING:
    from scanner.hardware.sim.faults import Faults


def build_rig(config: RigConfig, clock: Clock, *, faults: Faults | None = None) -> Rig:
    """The devices of ``config``, not opened. ``faults`` makes simulated ones fail on request.

    Every device names its driver; there is only ``sim`` yet. Drivers are imported here, when they are asked for, so
    that a rig loads nothing that it does not use.
    """
    from scanner.hardware.sim.faults import Faults  # noqa: PLC0415 - a daemon on a real rig never loads the twin
    from scanner.hardware.sim.twin import Twin  # noqa: PLC0415 - the same

    return Twin(config, clock, faults if faults is not None else Faults()).rig(config)
