"""The page loses the daemon and finds it again; many tabs at once."""

from __future__ import annotations

import json
import time

import pytest
from playwright.sync_api import expect

from tests.browser import steps

TABS = 8
pytestmark = pytest.mark.browser


def test_a_killed_daemon_comes_back_under_the_same_page(daemon, visit):
    page = visit(daemon.url, away=True).page
    steps.start_scan(page, "Survivor", preset="standard")
    steps.has_saved(page, 2)
    daemon.kill()
    expect(page.locator("#strip")).to_contain_text("Connection lost")
    assert page.locator("dialog[open]").count() == 0
    expect(page.locator("[data-stop]")).to_be_enabled()
    daemon.start()
    steps.is_live(page)
    expect(page.locator("#strip")).not_to_contain_text("Connection lost")
    steps.state_word(page, "Paused")
    (job,) = daemon.get("/api/jobs/active")["items"]
    saved = len(daemon.photos(job["session_id"]))
    assert saved >= 2
    assert steps.saved(page) == saved
    steps.press(page, "main")
    steps.has_saved(page, saved + 2)


def test_a_page_that_was_offline_catches_up(daemon, visit):
    there = visit(daemon.url, away=True)
    steps.start_scan(there.page, "While away")
    there.context.set_offline(True)
    there.page.evaluate("dispatchEvent(new Event('offline'))")
    (job,) = daemon.get("/api/jobs")["items"]
    daemon.until(lambda: daemon.job_state(job["id"]) == "completed", "the scan is complete", 60.0)
    there.context.set_offline(False)
    steps.is_live(there.page)
    expect(there.page.locator("[data-status=scan]")).to_have_count(0)


def test_eight_tabs_with_the_live_picture_stay_alive(daemon, visit):
    first = visit(daemon.url)
    tabs = [first] + [visit(daemon.url, context=first.context) for _ in range(TABS - 1)]
    for tab in tabs:
        tab.page.bring_to_front()
        steps.is_live(tab.page)
        expect(tab.page.locator("scan-preview .nopic")).to_be_hidden()
    begin = time.monotonic()
    for _ in range(20):
        assert daemon.get("/api/state")["jobs"] == []
    assert (time.monotonic() - begin) / 20 < 0.25
    steps.start_scan(tabs[0].page, "Eight watch", preset="standard")  # long enough to go through all tabs
    for tab in tabs:
        tab.page.bring_to_front()
        steps.has_saved(tab.page, 2)
        tab.page.goto(daemon.url + "/sessions")
        expect(tab.page.get_by_role("heading", name="Sessions")).to_be_attached()


def test_a_hidden_page_asks_for_no_picture(daemon, visit):
    there = visit(daemon.url)
    steps.is_live(there.page)
    expect(there.page.locator("scan-preview .nopic")).to_be_hidden()
    sent: list[str] = []
    there.page.on("websocket", lambda socket: socket.on("framesent", lambda data: sent.append(str(data))))
    there.page.reload()
    steps.until(there.page, lambda: asks(sent) == "main", "the page asks for the picture")
    there.page.evaluate(
        """() => { Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true });
          Object.defineProperty(document, 'hidden', { value: true, configurable: true });
          document.dispatchEvent(new Event('visibilitychange')); }"""
    )
    steps.until(there.page, lambda: asks(sent) is None, "the page has let the picture go")


def asks(sent: list[str]) -> str | None:
    """The camera whose picture the page wants now, after all it has sent; none at first."""
    wanted = [told["camera"] for text in sent if (told := json.loads(text))["type"] == "preview"]
    return wanted[-1] if wanted else None
