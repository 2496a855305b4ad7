"""A real Chromium in front of the real daemon. Everything here blocks: tests of the page are no coroutines."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from tests.scanner.storage.formats import support as old
from tests.support.daemon import Daemon, on_one_data_directory, small_scan
from tests.support.demand import demand
from tests.support.tree import TOP

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP *.local 127.0.0.1",
]
AXE = TOP / ".ci" / "node_modules" / "axe-core" / "axe.min.js"
PATIENCE = 15_000  # milliseconds that an expectation may take to come true on a busy machine
# What Chromium itself says when the daemon is away; a page cannot keep it from saying so.
AWAY = re.compile(r"net::ERR_|WebSocket connection to .* failed|Failed to load resource")
SHIFT = """new PerformanceObserver(list => {
  for (const entry of list.getEntries()) {
    if (entry.hadRecentInput) continue;
    window.__shift = (window.__shift || 0) + entry.value;
    const moved = entry.sources.map(({ node }) => node && (node.id || node.className || node.nodeName)).join(' ');
    (window.__shifted = window.__shifted || []).push(moved);
  }
}).observe({ type: 'layout-shift', buffered: true })"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser a module, closed at its end: Playwright's loop must not run while coroutine tests do."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    demand(path, "Chromium (Debian: apt install chromium)")
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """A running daemon with the twin and no session; it must end as asked."""
    with Daemon(tmp_path / "demo", speed=10.0) as running:
        yield running
        end(running)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Daemon, Daemon]]:
    """Two running daemons; the second has the data directory of the first."""
    first, second = Daemon(tmp_path / "first", speed=10.0), Daemon(tmp_path / "second", speed=10.0)
    with on_one_data_directory(first, second) as pair:
        yield pair
        end(second)
        end(first)


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon with sessions to look at: a finished one, one whose scan is paused, one of an older format."""
    directory = tmp_path_factory.mktemp("furnished") / "demo"
    old.raspi(directory / "data/sessions", title="Old vase", points=12)
    with Daemon(directory, speed=50.0) as running:
        job = running.scan(**small_scan(12, title="Blue vase", rings=2))
        running.until(lambda: running.job_state(job["id"]) == "completed", "the first scan is complete", 60.0)
        job = running.scan(
            **small_scan(24, title="A title that goes on and on, as titles of museum pieces do", rings=3)
        )
        running.until(lambda: running.photos(job["session_id"]), "the second scan has photos", 60.0)
        running.post(f"/api/jobs/{job['id']}/pause")
        running.until(lambda: running.job_state(job["id"]) == "paused", "the second scan is paused")
        yield running
        end(running)


def end(running: Daemon) -> None:
    """Stop a daemon, unless the test did; it must end in order and soon."""
    if running.process.poll() is None:
        status, seconds = running.stop()
        assert status == 0, running.log[-2000:]
        assert seconds < 5, f"took {seconds:.1f} s to stop"


@dataclass  # without slots: Playwright leaves a note on the object whose method hears the console
class Visitor:
    """One tab with everything that went wrong in it."""

    context: BrowserContext
    page: Page
    faults: list[str] = field(default_factory=list)

    def heard(self, said: ConsoleMessage) -> None:
        """The console says something; an error is kept with the address it is about."""
        if said.type == "error":
            self.faults.append(f"{said.text} ({said.location.get('url', '')})")

    @property
    def shift(self) -> float:
        """How far things moved that nobody had touched (cumulative layout shift)."""
        return float(self.page.evaluate("window.__shift || 0"))

    @property
    def shifted(self) -> list[str]:
        """The elements that moved."""
        return list(self.page.evaluate("window.__shifted || []"))

    @property
    def overflow(self) -> int:
        """Pixels by which the page is wider than its window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - innerWidth"))

    def axe(self) -> list[str]:
        """What axe-core finds: one line a violation, with the elements."""
        demand(AXE.exists(), "axe-core (npm install --no-package-lock, in .ci)")
        # Evaluated by the debugger, as the page's content security forbids a script of ours.
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate("axe.run({ resultTypes: ['violations'] })")["violations"]
        return [f"{one['id']} ({one['help']}): {[node['target'] for node in one['nodes']][:4]}" for one in found]


Visit = Callable[..., Visitor]


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Visit]:
    """Opens a tab of its own on an address; at the end no tab may have logged an error.

    ``away=True``: the daemon goes away during the test, and what Chromium says about that is no fault.
    """
    visitors: list[tuple[Visitor, bool]] = []

    def open_tab(address: str, *, away: bool = False, context: BrowserContext | None = None, **options: Any) -> Visitor:
        if context is None:
            context = chromium.new_context(**({"viewport": {"width": 1440, "height": 900}} | options))
            context.set_default_timeout(PATIENCE)
        visitor = Visitor(context, context.new_page())
        visitors.append((visitor, away))
        visitor.page.add_init_script(SHIFT)
        visitor.page.on("console", visitor.heard)
        visitor.page.on("pageerror", lambda error: visitor.faults.append(f"uncaught: {error}"))
        visitor.page.goto(address, wait_until="load")
        return visitor

    yield open_tab
    found = [fault for visitor, away in visitors for fault in visitor.faults if not (away and AWAY.search(fault))]
    for context in {id(visitor.context): visitor.context for visitor, _ in visitors}.values():
        context.close()
    assert found == []
