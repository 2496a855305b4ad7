"""The daemon and its machine are told as they are, and nothing is invented."""

from __future__ import annotations

import platform
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from web.api.system import machine

if TYPE_CHECKING:
    from pathlib import Path

    from scanner.app import App


async def test_versions_devices_and_machine_are_told(app: App, ask: Callable[..., Any]) -> None:
    found = (await ask("GET", "/api/system")).body
    assert (found["version"], found["python"], found["demo"]) == (app.version, platform.python_version(), app.demo)
    assert found["login"] is False
    assert {(one["part"], one["name"], one["driver"]) for one in found["devices"]} == {
        ("turntable", "turntable", "sim"), ("tilt", "tilt", "sim"), ("camera", "main", "sim"), ("light", "ring", "sim"),
    }  # fmt: skip
    assert found["machine"]["host"] == socket.gethostname()
    assert found["machine"]["memory_total"] > found["machine"]["memory_available"] > 0
    assert found["health"].keys() >= {"disk_free", "disk_total", "cpu_temperature", "loop_lag_ms"}
    assert str(app.config.data_dir) not in str(found)


def test_a_board_tells_its_model_and_what_cannot_be_read_is_not_known(tmp_path: Path) -> None:
    board, memory = tmp_path / "model", tmp_path / "meminfo"
    board.write_bytes(b"Raspberry Pi 4 Model B Rev 1.4\0")
    memory.write_text("MemTotal:        1000 kB\nMemAvailable:     500 kB\nHugePages_Total:   0\nnonsense\n")
    found = machine(board, memory)
    assert (found.board, found.memory_total, found.memory_available) == (
        "Raspberry Pi 4 Model B Rev 1.4", 1_024_000, 512_000,
    )  # fmt: skip
    nothing = machine(tmp_path / "none", tmp_path / "none")
    assert (nothing.board, nothing.memory_total, nothing.memory_available) == (None, None, None)
