"""Time zones by name and that of the machine."""

from __future__ import annotations

import shutil
import zoneinfo
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scanner.errors import InvalidError
from scanner.storage.disk.zones import local_zone, zone_of

SUMMER = datetime.fromisoformat("2026-07-01T12:00:00")


def hours(zone: object) -> float:
    offset = SUMMER.replace(tzinfo=zone).utcoffset()  # type: ignore[arg-type] - a zone
    assert offset is not None
    return offset.total_seconds() / 3600


@pytest.fixture
def nowhere(monkeypatch):
    """A machine without any zones."""

    def missing(name: str) -> None:
        raise zoneinfo.ZoneInfoNotFoundError(name)

    monkeypatch.setattr(zoneinfo, "ZoneInfo", missing)


@pytest.fixture
def berlin() -> Path:
    return next(path for root in zoneinfo.TZPATH if (path := Path(root) / "Europe/Berlin").exists())


def test_by_name():
    assert hours(zone_of("Europe/Berlin")) == 2
    assert zone_of("utc") is UTC


@pytest.mark.parametrize("name", ["Europe/Nowhere", "", "../../etc/passwd", "x\0y", "Europe"])
def test_no_zone(name):
    with pytest.raises(InvalidError, match="no time zone") as caught:
        zone_of(name)
    assert caught.value.detail["errors"][0]["path"] == "timezone"


@pytest.mark.usefixtures("nowhere")
def test_a_machine_without_zones_says_so():
    with pytest.raises(InvalidError, match="tzdata"):
        zone_of("Europe/Berlin")
    assert zone_of("UTC") is UTC


def test_of_this_machine(monkeypatch, tmp_path, berlin):
    monkeypatch.setenv("TZ", ":Europe/London")
    assert hours(local_zone()) == hours(zone_of("local")) == 1
    monkeypatch.delenv("TZ")
    (tmp_path / "localtime").symlink_to(berlin)
    assert str(local_zone(tmp_path / "localtime")) == "Europe/Berlin"
    shutil.copyfile(berlin, tmp_path / "copied")
    assert hours(local_zone(tmp_path / "copied")) == 2


@pytest.mark.parametrize("content", [None, b"", b"no zone"])
def test_a_machine_that_does_not_say(monkeypatch, tmp_path, content):
    monkeypatch.delenv("TZ", raising=False)
    if content is not None:
        (tmp_path / "localtime").write_bytes(content)
    assert local_zone(tmp_path / "localtime") is UTC
