"""A daemon where people have to log in, and what a person does at its gate."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import Locator, Page, expect

from scanner.client import Client
from tests.browser import steps
from tests.support.daemon import Daemon

PASSWORD = "correct horse"  # noqa: S105 - of nobody
ROLES = {"anna": "admin", "olga": "operator", "vera": "viewer"}


class Guarded(Daemon):
    """``scanner daemon`` with the twin and ``web.login``. Who is at the machine asks it by :attr:`local`."""

    @property
    def local(self) -> Client:
        """The socket: whoever has it is an administrator."""
        return Client(self.directory / "scanner.sock")

    def command(self) -> list[str]:
        """What is started: a configuration that is written first."""
        self.directory.mkdir(parents=True, exist_ok=True)
        rig: dict[str, Any] = {"turntable": {"driver": "sim"}, "tilt": {"driver": "sim"}, "speed": self.speed}
        rig |= {"cameras": {"main": {"driver": "sim"}}, "geometry": {"distance": 280, "target_height": 38}}
        config: dict[str, Any] = {
            "data_dir": "data",
            "state_dir": "state",
            "socket": "scanner.sock",
            "web": {"host": "127.0.0.1", "port": int(self.port), "login": True},
            "rig": rig,
            "disk": {"stop_below_gib": 0.2, "go_above_gib": 0.3},
        }
        path = self.directory / "scanner.yaml"
        path.write_text(json.dumps(config), encoding="utf-8")  # which is YAML, too
        return ["daemon", "--config", str(path)]

    def furnish(self) -> None:
        """One user of each role."""
        for name, role in ROLES.items():
            self.local.post("/api/users", {"name": name, "role": role, "password": PASSWORD})


def gate(page: Page) -> Locator:
    """What stands in front of the page, which is there."""
    there = page.locator("dialog.gate")
    expect(there).to_be_visible()
    return there


def log_in(page: Page, name: str, password: str = PASSWORD) -> None:
    """Fill in the gate and press Enter; whether that was right shows later."""
    there = gate(page)
    there.get_by_label("Name", exact=True).fill(name)
    there.get_by_label("Password", exact=True).fill(password)
    there.get_by_label("Password", exact=True).press("Enter")


def is_in(page: Page) -> None:
    """The gate is gone, and the page follows the daemon."""
    expect(page.locator("dialog.gate")).to_have_count(0)
    steps.is_live(page)
