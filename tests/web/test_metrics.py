"""Figures for Prometheus are readable for it and true."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from scanner.events import WarningRaised
from tests.web.conftest import scanned
from web.metrics import Metric

if TYPE_CHECKING:
    from scanner.app import App

LABEL = r'[a-z_]+="(?:[^"\\]|\\.)*"'
SAMPLE = re.compile(rf"(?P<name>[a-z_]+)(\{{{LABEL}(?:,{LABEL})*\}})? (?P<value>-?[0-9.e+-]+)")


async def figures(ask: Callable[..., Any]) -> dict[str, float]:
    """All samples by name with labels; the text is checked on the way."""
    answer = await ask("GET", "/metrics")
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    found: dict[str, float] = {}
    typed: dict[str, str] = {}
    for line in answer.body.decode().splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert kind == ("counter" if name.endswith("_total") else "gauge")
            typed[name] = kind
        elif not line.startswith("# HELP "):
            sample = SAMPLE.fullmatch(line)
            assert sample is not None, line
            assert sample["name"] in typed, line
            key = line.rpartition(" ")[0]
            assert key not in found, "one sample twice"
            found[key] = float(sample["value"])
    return found


async def test_what_was_done_is_counted(app: App, ask: Callable[..., Any]) -> None:
    before = await figures(ask)
    assert before["scanner_photos_saved_total"] == 0
    await scanned(app, ask)
    app.bus.publish(WarningRaised(message="something"))
    after = await figures(ask)
    assert after["scanner_photos_saved_total"] == 3
    assert after["scanner_passes_completed_total"] == 1
    assert after["scanner_warnings_total"] == before["scanner_warnings_total"] + 1
    assert after['scanner_sessions{state="completed"}'] == 1
    assert after['scanner_sessions{state="paused"}'] == 0


async def test_how_it_stands_is_told(app: App, ask: Callable[..., Any]) -> None:
    found = await figures(ask)
    assert found[f'scanner_build_info{{version="{app.version}"}}'] == 1
    assert found["scanner_jobs"] == 0
    assert found['scanner_guard_active{guard="disk_low"}'] in (0, 1)
    assert found["scanner_disk_total_bytes"] >= found["scanner_disk_free_bytes"] > 0
    assert found["process_resident_memory_bytes"] > 10_000_000
    assert found["process_open_fds"] > 5
    assert found["process_cpu_seconds_total"] > 0
    assert found["scanner_start_time_seconds"] > 1_600_000_000


def test_labels_may_hold_anything_and_what_is_not_known_is_left_out() -> None:
    strange = Metric("x", "gauge", "X.", [({"rig": 'a "b" \\ \n c'}, 0.1), ({}, None)])
    assert list(strange.lines()) == ["# HELP x X.", "# TYPE x gauge", 'x{rig="a \\"b\\" \\\\ \\n c"} 0.1']
    assert list(Metric("x", "gauge", "X.", [({}, None)]).lines()) == []
