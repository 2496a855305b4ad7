"""How the machine is doing: figures that were read, or None."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from scanner.errors import StorageError
from scanner.health import INTERVAL, SLOW, Health, HealthMonitor, cpu_temperature
from tests.support.clock import ManualClock


@dataclass
class Disk:
    """A disk that can be asked, or not."""

    free: int = 5
    total: int = 9
    fault: str | None = None

    async def __call__(self) -> Disk:
        if self.fault is not None:
            raise StorageError(self.fault)
        return replace(self)


class LateClock(ManualClock):
    """A clock whose sleepers wake ``late`` seconds after they asked to, as those of a loop that is held up do."""

    late = 0.0

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds + self.late)


def zone(sysfs: Path, name: str, kind: str, temp: str | None) -> None:
    directory = sysfs / "class" / "thermal" / name
    directory.mkdir(parents=True)
    (directory / "type").write_text(kind + "\n")
    if temp is not None:
        (directory / "temp").write_text(temp + "\n")


async def test_figures_are_read_at_once_and_then_every_ten_seconds(manual_clock: ManualClock, tmp_path: Path) -> None:
    zone(tmp_path, "thermal_zone0", "cpu-thermal", "48312")
    disk = Disk()
    monitor = HealthMonitor(disk, clock=manual_clock, sysfs=tmp_path)
    assert monitor.snapshot() == Health()
    monitor.start()
    monitor.start()
    await manual_clock.advance(0)
    assert monitor.snapshot() == Health(disk_free=5, disk_total=9, cpu_temperature=48.312, loop_lag_ms=0.0)
    disk.free = 4
    await manual_clock.advance(INTERVAL * (SLOW - 1))
    assert monitor.snapshot().disk_free == 5
    await manual_clock.advance(INTERVAL)
    assert monitor.snapshot().disk_free == 4
    await monitor.close()
    await monitor.close()


async def test_the_loops_lag_is_the_largest_of_ten_seconds(tmp_path: Path) -> None:
    clock = LateClock()
    clock.late = 0.025
    monitor = HealthMonitor(Disk(), clock=clock, sysfs=tmp_path)
    monitor.start()
    await clock.advance(0)
    clock.late = 0.0
    await clock.advance(INTERVAL * 3)
    assert monitor.snapshot().loop_lag_ms == pytest.approx(25.0, abs=0.1)
    await clock.advance(INTERVAL * SLOW)
    assert monitor.snapshot().loop_lag_ms == 0.0
    await monitor.close()


async def test_a_disk_that_cannot_be_asked_is_said_once(
    manual_clock: ManualClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    disk = Disk(fault="the disk does not answer")
    monitor = HealthMonitor(disk, clock=manual_clock, sysfs=tmp_path)
    monitor.start()
    await manual_clock.advance(INTERVAL * SLOW * 3)
    assert monitor.snapshot() == Health()
    disk.fault = None
    await manual_clock.advance(INTERVAL * SLOW * 2)
    assert monitor.snapshot().disk_free == 5
    assert [record.getMessage() for record in caplog.records] == [
        "room on the disk is unknown: the disk does not answer",
        "room on the disk is known again",
    ]
    await monitor.close()


def test_the_processors_zone_is_preferred(tmp_path: Path) -> None:
    zone(tmp_path, "thermal_zone0", "acpitz", "27800")
    zone(tmp_path, "thermal_zone1", "x86_pkg_temp", "61000")
    assert cpu_temperature(tmp_path) == 61.0


def test_any_zone_is_better_than_none(tmp_path: Path) -> None:
    zone(tmp_path, "thermal_zone0", "acpitz", "27800")
    assert cpu_temperature(tmp_path) == 27.8


def test_a_zone_that_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    zone(tmp_path, "thermal_zone0", "cpu-thermal", None)
    zone(tmp_path, "thermal_zone1", "cpu-thermal", "off")
    zone(tmp_path, "thermal_zone2", "soc-thermal", "40100")
    assert cpu_temperature(tmp_path) == 40.1


def test_no_thermometer(tmp_path: Path) -> None:
    assert cpu_temperature(tmp_path) is None
