"""From the configuration to devices."""

from __future__ import annotations

import pytest

from scanner.clock import SystemClock
from scanner.config import RigConfig, SimCamera, SimLight, SimTilt, SimTurntable
from scanner.errors import AxisStuckError
from scanner.hardware.registry import build_rig
from scanner.hardware.sim.faults import Faults
from scanner.model import Geometry
from tests.scanner.hardware.clocks import LeapClock

FULL = RigConfig(
    name="bench",
    turntable=SimTurntable(),
    tilt=SimTilt(lowest=5.0, highest=60.0),
    cameras={"main": SimCamera(), "side": SimCamera(width=640, height=480)},
    lights={"ring": SimLight(), "back": SimLight(power=0.5)},
    geometry=Geometry(distance=300.0, target_height=40.0),
)


def test_a_rig_has_what_its_configuration_names() -> None:
    rig = build_rig(FULL, SystemClock())
    assert rig.name == "bench"
    assert rig.turntable.info.endless
    assert rig.tilt is not None
    assert (rig.tilt.info.lowest, rig.tilt.info.highest) == (5.0, 60.0)
    assert list(rig.cameras) == ["main", "side"]
    assert rig.cameras["side"].info.width == 640
    assert list(rig.lights) == ["ring", "back"]
    assert rig.geometry == FULL.geometry
    assert rig.drivers == dict.fromkeys(("turntable", "tilt", "main", "side", "ring", "back"), "sim")


def test_a_rig_without_tilt_stands_at_its_fixed_elevation() -> None:
    config = RigConfig(turntable=SimTurntable(), cameras={"main": SimCamera()}, fixed_elevation=33.0)
    rig = build_rig(config, SystemClock())
    assert rig.tilt is None
    assert rig.fixed_elevation == 33.0
    assert rig.geometry is None
    assert "tilt" not in rig.drivers


async def test_faults_reach_the_devices() -> None:
    faults = Faults(stuck_table=True)
    rig = build_rig(FULL, LeapClock(), faults=faults)
    await rig.turntable.open()
    with pytest.raises(AxisStuckError):
        await rig.turntable.home()
    faults.stuck_table = False
    await rig.turntable.home()
    await rig.turntable.close()
